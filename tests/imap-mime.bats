#!/usr/bin/env bats
# What imapd's parsers make of mail, most of it broken: tests/imap/mail.py has the
# messages, and tests/imap/answers what is said of them.

load helper

setup_file() {
	local files
	files=("$BATS_TEST_DIRNAME"/{mime-answers.c,../src/lib/{str,log,pool}.c}
		"$BATS_TEST_DIRNAME"/../src/lib/{header,charset,rare,utf8}.c
		"$BATS_TEST_DIRNAME"/../src/lib/{words,parameters,decode,date}.c
		"$BATS_TEST_DIRNAME"/../src/lib/{addresses,mime,html}.c
		"$BATS_TEST_DIRNAME"/../src/imapd/{structure,preview}.c
		-I"$BATS_TEST_DIRNAME/../src/lib"
		-I"$BATS_TEST_DIRNAME/../src/imapd")
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror \
		-fsanitize=address,undefined -fno-sanitize-recover \
		-o "$BATS_FILE_TMPDIR/answers" "${files[@]}"
	# The same without a sanitizer's memory, and with the other libc.
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O2 \
		-o "$BATS_FILE_TMPDIR/plain" "${files[@]}"
	! command -v musl-gcc >/dev/null ||
		musl-gcc -static -std=c11 -D_GNU_SOURCE -O2 \
			-o "$BATS_FILE_TMPDIR/musl" "${files[@]}"
	python3 "$BATS_TEST_DIRNAME/imap/mail.py" "$BATS_FILE_TMPDIR/mail"
	cd "$BATS_FILE_TMPDIR/mail" || return
	"$BATS_FILE_TMPDIR/answers" say ./* >"$BATS_FILE_TMPDIR/said"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	answers=$BATS_FILE_TMPDIR/answers
	mail=$BATS_FILE_TMPDIR/mail
}

is() { # EXPECTED ARGUMENT ...
	local got
	got=$("$answers" "${@:2}") || return
	[ "$got" = "$1" ] || { echo "${*:2}: '$got', not '$1'"; return 1; }
}

compare() {
	python3 "$BATS_TEST_DIRNAME/imap/compare.py" "$@"
}

@test "ENVELOPE, BODYSTRUCTURE, PREVIEW of broken mail: as recorded" {
	compare show "$BATS_FILE_TMPDIR/said" >got
	[ "$(cut -d ' ' -f 1 got | sort -u | wc -l)" -gt 400 ]
	diff "$BATS_TEST_DIRNAME/imap/answers" got
}

@test "what Dovecot says of the same mail, but for what has a reason" {
	[ -x /usr/lib/dovecot/imap ] || skip "no dovecot-imapd"
	case $(/usr/sbin/dovecot --version) in
	2.3.*) ;;
	*) skip "other answers than those of Dovecot 2.3" ;;
	esac
	compare dovecot "$BATS_FILE_TMPDIR/said" "$mail"
}

@test "with musl the answers are the same" {
	[ -x "$BATS_FILE_TMPDIR/musl" ] || skip "no musl-gcc"
	cd "$mail" || return
	"$BATS_FILE_TMPDIR/musl" say ./* | cmp - "$BATS_FILE_TMPDIR/said"
}

@test "encoded words" {
	is 'plain text' words 'plain text'
	is 'a b' words 'a
 b'
	is 'Grüße aus Köln' words '=?UTF-8?Q?Gr=C3=BC=C3=9Fe_aus?= =?utf-8?b?IEvDtmxu?='
	is 'Grüße' words '=?iso-8859-1?q?Gr=fc=df?=e'
	is 'Grüße' words '=?utf-8*de?Q?Gr=C3=BC=C3=9F?=e'
	# RFC 2047 8
	is '(a)' words '(=?ISO-8859-1?Q?a?=)'
	is '(a b)' words '(=?ISO-8859-1?Q?a?= b)'
	is '(ab)' words '(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)'
	is '(ab)' words '(=?ISO-8859-1?Q?a?=
    =?ISO-8859-1?Q?b?=)'
	is '(a b)' words '(=?ISO-8859-1?Q?a_b?=)'
	is '(a b)' words '(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)'
	# a character divided between two, also of two encodings
	is 'ü' words '=?utf-8?Q?=C3?= =?utf-8?Q?=BC?='
	is 'ü' words '=?utf-8?Q?=C3?= =?UTF-8?B?vA==?='
	is '日本' words '=?iso-2022-jp?B?GyRCRnwbKEI=?= =?iso-2022-jp?B?GyRCS1wbKEI=?='
	is '日本' words '=?iso-2022-jp?B?GyRCRnw=?= =?iso-2022-jp?B?S1wbKEI=?='
	# broken: they stay, or give what can be had
	is '=?utf-8?Q?a' words '=?utf-8?Q?a'
	is '=?utf-8?X?a?=' words '=?utf-8?X?a?='
	is '=??Q?a?=' words '=??Q?a?='
	is '=?utf-8?Q?a' words '=?utf-8?Q?a'
	is '=?utf-8?' words '=?utf-8?'
	is '=?' words '=?'
	is '=?utf-8 a' words '=?utf-8 =?utf-8?Q?a?='
	is 'a b' words '=?utf-8?Q?a b?='
	is 'a=ZZ' words '=?utf-8?Q?a=ZZ?='
	is 'a=' words '=?utf-8?Q?a=?='
	is 'a�' words '=?utf-8?Q?a=C3?='
	is 'a��' words '=?nonsense?Q?a=C3=BC?='
	is 'über' words 'über'
	is 'über' words $'\xfcber'
	is 'ü ü' words $'\xc3\xbc =?iso-8859-1?q?=fc?='
	is "$(printf 'x%.0s' $(seq 1000))" words \
		"=?utf-8?Q?$(printf 'x%.0s' $(seq 1000))?="
}

@test "dates of mail" {
	is '1795424400 60 23-Nov-2026 09:00:00 +0000' \
		date 'Mon, 23 Nov 2026 10:00:00 +0100'
	is '1795424400 60 23-Nov-2026 09:00:00 +0000' \
		date $'Mon,\r\n 23 Nov (a (b)) 2026 10:00:00\t+0100 (CET)'
	is '1795446000 -300 23-Nov-2026 15:00:00 +0000' \
		date '23 Nov 26 10:00 EST'
	# RFC 5322 A.5, A.6.2
	is '-17995 -330 31-Dec-1969 19:00:05 +0000' \
		date 'Wed, 31 Dec 1969 13:30:05 -0530'
	is '880127706 -360 21-Nov-1997 15:55:06 +0000' date 'Fri, 21 Nov 97 09(comment):   55  :  06 -0600'
	# years of two and three digits, RFC 5322 4.3
	is '784111777 0 06-Nov-1994 08:49:37 +0000' \
		date 'Sun, 06 Nov 94 08:49:37 GMT'
	is '2519683200 0 05-Nov-2049 00:00:00 +0000' date '5 Nov 49 00:00 Z'
	is '-604800000 0 02-Nov-1950 00:00:00 +0000' date '2 Nov 50 00:00 UT'
	is '1795428000 0 23-Nov-2026 10:00:00 +0000' \
		date '23 Nov 126 10:00:00 +0000'
	# what is found instead
	is '1795428000 0 23-Nov-2026 10:00:00 +0000' \
		date 'Mon Nov 23 10:00:00 2026'
	is '1795424400 60 23-Nov-2026 09:00:00 +0000' \
		date 'Mon Nov 23 10:00:00 CET 2026'
	is '1795424400 60 23-Nov-2026 09:00:00 +0000' \
		date 'Mon Nov 23 10:00:00 +0100 2026'
	is '1795428000 0 23-Nov-2026 10:00:00 +0000' \
		date 'Mon, 23-Nov-2026 10:00:00 GMT'
	is '1795428000 0 23-Nov-2026 10:00:00 +0000' \
		date 'Mon, 23 November 2026 10:00'
	is '1795428000 0 23-Nov-2026 10:00:00 +0000' \
		date 'Monday, 23 Nov 2026 10.00.00 XYZ'
	is '1709251199 0 29-Feb-2024 23:59:59 +0000' \
		date '29 Feb 2024 23:59:59 -0000'
	is '1483228800 0 01-Jan-2017 00:00:00 +0000' \
		date '31 Dec 2016 23:59:60 +0000'
	# RFC 5256 2.2: a day without a time is its beginning
	is '1795392000 0 23-Nov-2026 00:00:00 +0000' date 'Mon, 23 Nov 2026'
	is '1795392000 0 23-Nov-2026 00:00:00 +0000' \
		date 'Mon, 23 Nov 2026 24:00:00 +0100'
	is none date ''
	is none date 'Mon'
	is none date 'yesterday'
	is none date '30 Feb 2026 10:00:00 +0000'
	is none date '0 Nov 2026 10:00:00 +0000'
	is none date '23 Nov 99999999 10:00:00 +0000'
	is none date '2026-11-23 10:00:00'
	is none date '23 Nov'
	is none date '('
}

@test "IMAP's dates" {
	is '1795424400 0 23-Nov-2026 09:00:00 +0000' \
		date-time '23-Nov-2026 10:00:00 +0100'
	is '1793617200 0 02-Nov-2026 11:00:00 +0000' \
		date-time ' 2-nov-2026 10:00:00 -0100'
	is '1793617200 0 02-Nov-2026 11:00:00 +0000' \
		date-time '02-NOV-2026 10:00:00 -0100'
	is '951782400 0 29-Feb-2000 00:00:00 +0000' \
		date-time '29-Feb-2000 00:00:00 +0000'
	is '-2208988800 0 01-Jan-1900 00:00:00 +0000' \
		date-time '01-Jan-1900 00:00:00 +0000'
	is '253402300799 0 31-Dec-9999 23:59:59 +0000' \
		date-time '31-Dec-9999 23:59:59 +0000'
	local text
	for text in '2-Nov-2026 10:00:00 +0000' '2-Nov-2026  10:00:00 +0000' \
		'32-Nov-2026 10:00:00 +0000' '31-Nov-2026 10:00:00 +0000' \
		'29-Feb-1900 10:00:00 +0000' '23-Nop-2026 10:00:00 +0000' \
		'23-Nov-2026 24:00:00 +0000' '23-Nov-2026 10:60:00 +0000' \
		'23-Nov-2026 10:00:61 +0000' '23-Nov-2026 10:00:00 +0060' \
		'23-Nov-2026 10:00:00 0000 ' '23-Nov-2026 10:00:00 +00000' \
		'23-Nov-26 10:00:00 +0000  ' '23/Nov/2026 10:00:00 +0000' \
		'23-Nov-2026T10:00:00 +0000' '+3-Nov-2026 10:00:00 +0000' \
		''; do
		is none date-time "$text"
	done
	is '20780 0 23-Nov-2026 00:00:00 +0000' day 23-Nov-2026
	is '20759 0 02-Nov-2026 00:00:00 +0000' day 2-Nov-2026
	is '20759 0 02-Nov-2026 00:00:00 +0000' day 02-nov-2026
	is '-1 0 31-Dec-1969 00:00:00 +0000' day 31-Dec-1969
	for text in '' 2-Nov-26 ' 2-Nov-2026' 30-Feb-2026 123-Nov-2026 \
		23-Nov-2026x 0-Nov-2026; do
		is none day "$text"
	done
}

@test "parameters, with RFC 2231" {
	is 'utf-8' parameter '; charset=utf-8' CHARSET
	is 'utf-8' parameter ' (a;b) ; (c) Charset (d) = (e) "utf-8" ; x=y' charset
	is ' (faulty)' parameter '; charset=utf-8' name
	is 'one' parameter '; name=one; name=two' name
	is 'a/b c' parameter '; name="a/b c"' name
	is 'Grüße' parameter "; name*=utf-8''Gr%C3%BC%C3%9Fe" name
	is 'Grüße' parameter "; name=old; name*=iso-8859-1'de'Gr%fc%DFe" name
	is 'Grüße x' parameter "; name*1*=%C3%9Fe; name*0*=utf-8''Gr%C3%BC; name*2=\" x\"" name
	# a character divided between two pieces
	is 'ü' parameter "; name*0*=utf-8''%C3; name*1*=%BC" name
	is 'a%20b c' parameter '; name*0="a%20b "; name*1="c"' name
	is 'ab' parameter '; name*0=a; name*1=b; name*3=d' name
	is 'ac' parameter '; name*0=a; name*0=b; name*1=c' name
	is '' parameter '; name*1=a' name
	is 'a%' parameter "; name*=''a%" name
	is 'a%zz' parameter "; name*=utf-8''a%zz" name
	is "x'y" parameter "; name*=x'y" name
	is 'ü' parameter '; name="=?utf-8?Q?=C3=BC?="' name
	is 'ü' parameter $'; name="\xfc"' name
	is 'ü' parameter '; name==?utf-8?Q?=C3=BC?=' name
	is 'a"b\c' parameter '; name="a\"b\\c"' name
	is 'a;b=c' parameter '; x="; name=no"; name="a;b=c"' name
	is '�' parameter "; name*=nonsense''%FC" name
}

@test "charsets" {
	charset() { # EXPECTED CHARSET TEXT
		local got
		got=$(printf '%b' "$3" | "$answers" charset "$2") || return
		[ "$got" = "$1" ] || { echo "$2: '$got', not '$1'"; return 1; }
	}
	charset 'Grüße' utf-8 'Gr\xc3\xbc\xc3\x9fe'
	charset 'Grüße' UTF8 'Gr\xc3\xbc\xc3\x9fe'
	charset 'Grüße' us-ascii 'Gr\xc3\xbc\xc3\x9fe'
	charset 'Grüße' ISO-8859-1 'Gr\xfc\xdfe'
	charset 'Grüße €' iso-8859-15 'Gr\xfc\xdfe \xa4'
	charset '“Grüße” €�' windows-1252 '\x93Gr\xfc\xdfe\x94 \x80\x81'
	charset 'Ženeva' windows-1250 '\x8eeneva'
	charset 'łódź' iso-8859-2 '\xb3\xf3d\xbc'
	charset 'Привет' koi8-r '\xf0\xd2\xc9\xd7\xc5\xd4'
	charset 'Привет' windows-1251 '\xcf\xf0\xe8\xe2\xe5\xf2'
	# shellcheck disable=SC2016 # an escape sequence
	charset '日本語' iso-2022-jp '\x1b$BF|K\\8l\x1b(B'
	charset '日本語' shift_jis '\x93\xfa\x96{\x8c\xea'
	charset '日本語' euc-jp '\xc6\xfc\xcb\xdc\xb8\xec'
	charset '한국' ks_c_5601-1987 '\xc7\xd1\xb1\xb9'
	charset '中文' gb2312 '\xd6\xd0\xce\xc4'
	charset '中文' big5 '\xa4\xa4\xa4\xe5'
	charset 'aü' utf-16be '\0a\0\xfc'
	# what is none: one U+FFFD for each octet that begins nothing
	charset 'a��b' utf-8 'a\xff\xfeb'
	charset 'a�' utf-8 'a\xc3'
	charset '��' utf-8 '\xc0\xaf'
	charset '���' utf-8 '\xed\xa0\x80'
	charset '����' utf-8 '\xf4\x90\x80\x80'
	charset 'a�' euc-jp 'a\xc6'
	charset 'a� (faulty)' nonsense 'a\xfc'
	charset 'a (faulty)' 'UTF-8//IGNORE' 'a'
	charset 'a (faulty)' '' 'a'
	charset 'a (faulty)' "$(printf 'x%.0s' $(seq 5000))" 'a'
}

@test "charsets of an octet a character: as Python has them, all 256" {
	python3 - "$answers" <<-'PY'
		import subprocess, sys
		names = [("iso8859_%d" % i, "ISO-8859-%d" % i)
		         for i in (*range(1, 12), 13, 14, 15, 16)]
		names += [("cp%d" % i, "windows-%d" % i) for i in range(1250, 1259)]
		names += [("cp%d" % i, "x-cp%d" % i) for i in (437, 850, 866)]
		names += [("koi8_r", "koi8-r"), ("koi8_u", "KOI8_U")]
		octets = bytes(range(256))
		for codec, name in names:
		    got = subprocess.run([sys.argv[1], "charset", name], input=octets,
		                         stdout=subprocess.PIPE, check=True).stdout
		    assert got.decode() == octets.decode(codec, "replace") + "\n", name
	PY
}

# musl's iconv reads beyond its tables where these are wrong (CVE-2025-26519), and
# is slow where they are rare.
@test "charsets of several octets: all of Hangul and GB18030; octets by chance" {
	local binary
	for binary in "$BATS_FILE_TMPDIR"/{answers,musl}; do
		[ -x "$binary" ] || continue
		timeout 600 python3 - "$binary" <<-'PY'
			import random, subprocess, sys

			def made(charset, octets):
			    return subprocess.run(
			        [sys.argv[1], "charset", charset], input=octets,
			        stdout=subprocess.PIPE, check=True).stdout.decode()[:-1]

			def all_of(charset, codec, text):
			    assert made(charset, text.encode(codec)) == text, charset

			all_of("euc-kr", "cp949", "".join(map(chr, range(0xac00, 0xd7a4))))
			all_of("gb18030", "gb18030", "".join(
			    chr(c) for c in (*range(0xa0, 0x1000), *range(0x2600, 0x9fa0),
			                     *range(0x10000, 0x110000, 99))))
			assert made("euc-kr", b"\xc8\x41") == "\ufffdA"
			random.seed(1)
			for charset in ("euc-kr", "gb18030", "big5", "shift_jis", "euc-jp",
			                "iso-2022-jp", "utf-16", "utf-16le"):
			    octets = random.randbytes(300000)
			    made(charset, octets)
			    made(charset, b"\x1b$B" + bytes(c & 127 for c in octets))
		PY
	done
}

@test "quoted-printable and base64, with their faults" {
	decoded() { # EXPECTED ENCODING TEXT
		local got
		got=$(printf '%b' "$3" | "$answers" decode "$2" | od -c) || return
		[ "$got" = "$(printf '%b\n' "$1" | od -c)" ] ||
			{ echo "$3: $got"; return 1; }
	}
	decoded 'Gr\xc3\xbc\r\n' 1 'Gr=C3=bc\r\n'
	decoded 'one two\r\n' 1 'one =\r\ntwo\r\n'
	decoded 'one two\r\n' 1 'one = \t\r\ntwo  \r\n'
	decoded 'one' 1 'one='
	decoded 'a=ZZb=4 (faulty)' 1 'a=ZZb=4'
	decoded 'a== (faulty)' 1 'a==='
	decoded 'a\nb' 1 'a\nb'
	decoded 'abc' 2 'YWJj'
	decoded 'abcd' 2 'YWJjZA=='
	decoded 'abcd' 2 'YWJjZA'
	decoded 'abcde' 2 ' YW\r\nJj\tZGU\r\n=\r\n'
	decoded 'abcabc' 2 'YWJj\r\nYWJj'
	decoded 'adad' 2 'YWQ=YWQ='
	decoded 'abc (faulty)' 2 'YW!Jj'
	decoded ' (faulty)' 2 'Y'
	decoded 'a=3D (faulty)' 3 'a=3D'
	decoded 'a=3D' 0 'a=3D'
	is 2 encoding ' (x) BASE64 (y) '
	is 1 encoding 'quoted-printable;'
	is 0 encoding '8BIT'
	is 0 encoding ''
	is 0 encoding '8 bit'
	is 3 encoding x-uuencode
}

@test "texts as they are compared" {
	fold() {
		[ "$(printf '%b' "$2" | "$answers" fold)" = "$1" ]
	}
	fold 'straße köln éø' 'STRAßE KÖLN ÉØ'
	fold 'σίσυφοσ σίσυφοσ' 'ΣΊΣΥΦΟΣ Σίσυφος'
	fold 'привет' 'ПРИВЕТ'
	fold 'is' 'Iſ'
	fold 'aåb' 'AÅB'
	fold "$(printf 'a\xff\xc3b')" 'A\xff\xc3B'
}

@test "parts by their numbers" {
	is 'text/plain 176 178 181 0
two' part "$mail/nested.eml" 1.2
	is 'text/plain 195 197 202 0
three' part "$mail/nested.eml" 2
	local path
	for path in 0 3 1.3 1.1.1 2.1 1.0; do
		is none part "$mail/nested.eml" $path
	done
	# what is no multipart is its own 1, RFC 3501 6.4.5
	is 'text/plain 0 14 18 0
body' part "$mail/no-final-newline.eml" 1
	is none part "$mail/no-final-newline.eml" 1.1
	is none part "$mail/no-final-newline.eml" 2
	"$answers" part "$mail/message-in-message.eml" 1 | grep '^message/rfc822'
	"$answers" part "$mail/message-in-message.eml" 1.1 | grep '^message/rfc822'
	"$answers" part "$mail/message-in-message.eml" 1.1.1 | grep '^text/plain'
	is none part "$mail/message-in-message.eml" 1.1.1.1
	"$answers" part "$mail/message-mixed.eml" 1.2 | grep '^text/html'
	is none part "$mail/message-mixed.eml" 1.3
	"$answers" part "$mail/deep-20.eml" 1.1.1.1.1.1.1.1 | grep multipart/mixed
}

# Each within 256 MiB of address space, as a session has, and soon.
@test "bombs: parts, boundaries, addresses, parameters, words, folds, comments" {
	local bomb
	python3 "$BATS_TEST_DIRNAME/imap/bombs.py" bombs 2
	ulimit -v 262144
	for bomb in bombs/*; do
		timeout 300 "$BATS_FILE_TMPDIR/plain" say "$bomb" >out ||
			{ echo "$bomb: $?"; return 1; }
		[ "$(wc -c <out)" -gt 100 ]
		[ "$(wc -c <out)" -lt 40000000 ]
		rm "$bomb"
	done
}

# An octet that becomes three, and a text as large as it is taken.
@test "bombs: texts" {
	local text
	python3 - <<-'PY'
		head = b"Content-Type: text/plain; charset=%s\n" \
		    b"Content-Transfer-Encoding: %s\n\n"
		for name, charset, how, octets in (
		        ("wide", b"nonsense", b"8bit", b"\xff" * 40000000),
		        ("coded", b"utf-16le", b"base64", b"ICAg\n" * 9000000),
		        ("dashes", b"utf-8", b"quoted-printable", b"=\n" * 20000000),
		        ("plain", b"utf-8", b"8bit", b"text\n" * 8000000)):
		    with open(name, "wb") as f:
		        f.write(head % (charset, how) + octets)
	PY
	ulimit -v 262144
	for text in wide coded dashes plain; do
		timeout 300 "$BATS_FILE_TMPDIR/plain" part $text 1 4000000000 >out ||
			{ echo "$text: $?"; return 1; }
		[ "$(wc -c <out)" -lt 40000000 ]
	done
	[ "$(wc -c <out)" -gt 30000000 ]
}

@test "bombs: the time grows as their size" {
	local bomb small large
	python3 "$BATS_TEST_DIRNAME/imap/bombs.py" small 50
	python3 "$BATS_TEST_DIRNAME/imap/bombs.py" large 10
	for bomb in small/*; do
		small=$("$BATS_FILE_TMPDIR/plain" time 1 "$bomb")
		large=$("$BATS_FILE_TMPDIR/plain" time 1 "large/${bomb#*/}")
		echo "$bomb ${small% us} ${large% us}"
	done >took
	[ "$(wc -l <took)" -gt 30 ]
	# Five times as much; the rest is for a busy machine.
	awk '$3 > 20 * $2 + 5000 { print; bad = 1 } END { exit bad }' took
}
