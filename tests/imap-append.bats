#!/usr/bin/env bats
# imapd: APPEND and REPLACE, and what is left when they fail.

load helper

setup() {
	home_make
	imapd=$PROGRAMS/imapd
	alice=$MAIL/alice
}

HELLO='S: * OK [CAPABILITY *
C: l LOGIN alice secret
S: l OK *'

# Every message, in the order of names, its date and flags first.
messages() {
	local f
	for f in "$alice"/{new,cur}/*; do
		[ -e "$f" ] || continue
		echo "$(date -u -r "$f" +%Y-%m-%dT%H:%M:%S)" "${f##*,S}" \
			"$(tr '\n' '|' <"$f")"
	done
}

assert_nothing() {
	[ -z "$(find "$alice"/{,.*/}{cur,new,tmp} -type f)" ]
}

@test "one message, and what it is then" {
	step "$imapd" <<TALK
$HELLO
C: a APPEND INBOX (\\Seen \$Junk \\FLAGGED other) "22-Nov-2026 14:20:05 +0100" {20}
S: + go on
c: Subject: x\\r\\n\\r\\nbody\\r\\n
C:
S: a OK [APPENDUID * 1] appended
C: b APPEND INBOX {20}
S: + go on
c: Subject: y\\r\\n\\r\\nbody\\r\\n
C:
S: b OK [APPENDUID * 2] appended
C: s SELECT inbox
S: * FLAGS (* \$Junk other)
S: * OK [PERMANENTFLAGS *
S: * 2 EXISTS
S: * 2 RECENT
S: * OK [UNSEEN 2] *
S: * OK [UIDVALIDITY *
S: * OK [UIDNEXT 3] *
S: * OK [HIGHESTMODSEQ *
S: * OK [MAILBOXID *
S: s OK *
C: f FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])
S: * 1 FETCH (FLAGS (\\Flagged \\Seen \\Recent \$Junk other) INTERNALDATE "22-Nov-2026 13:20:05 +0000" RFC822.SIZE 20 BODY[] {20}
S: Subject: x
S:
S: body
S: )
S: f OK fetched
C: g FETCH 2 FLAGS
S: * 2 FETCH (FLAGS (\\Recent))
S: g OK fetched
TALK
	messages | sed 's/^20..-..-..T..:..:.. =17,W=20:2,  *S/now S/' | diff - <(
		printf '%s\n' '2026-11-22T13:20:05 =17,W=20:2,FSab Subject: x||body|' \
			'now Subject: y||body|')
	assert_no_tmp
	# As deliver has it.
	[[ $(ls "$alice/cur" | head -n 1) =~ ^[0-9]+\.[^,:]+,S=17,W=20:2,FSab$ ]]
}

@test "to the selected mailbox, and to another, many times" {
	step "$imapd" <<TALK
$HELLO
C: e EXAMINE INBOX
S: * FLAGS *
S: * OK [PERMANENTFLAGS *
S: * 0 EXISTS
S: * 0 RECENT
S: * OK [UIDVALIDITY *
S: * OK [UIDNEXT 1] *
S: * OK [HIGHESTMODSEQ *
S: * OK [MAILBOXID *
S: e OK *
c: a APPEND INBOX {6+}\\r\\nA: b\\r\\n\\r\\n
S: * 1 EXISTS
S: * * RECENT
S: a OK [APPENDUID * 1] appended
c: b APPEND Sent {6+}\\r\\nA: c\\r\\n\\r\\n
S: b OK [APPENDUID * 1] appended
c: c APPEND Sent {6+}\\r\\nA: d\\r\\n\\r\\n
S: c OK [APPENDUID * 2] appended
C: d RENAME Sent Gone
S: d OK *
c: f APPEND Sent {6+}\\r\\nA: e\\r\\n\\r\\n
S: f NO [TRYCREATE] *
C: g CREATE Sent
S: g OK *
c: h APPEND Sent {6+}\\r\\nA: f\\r\\n\\r\\n
S: h OK [APPENDUID * 1] appended
c: i APPEND Gone {6+}\\r\\nA: g\\r\\n\\r\\n
S: i OK [APPENDUID * 3] appended
C: j DELETE Gone
S: j OK *
c: k APPEND Gone {6+}\\r\\nA: h\\r\\n\\r\\n
S: k NO [TRYCREATE] *
TALK
	[ "$(count "$alice"/cur)" = 1 ]
	[ "$(count "$alice"/.Sent/cur)" = 1 ]
	assert_no_tmp
}

@test "MULTIAPPEND: all or none" {
	local many
	both "$imapd" <<TALK
$HELLO
c: a APPEND INBOX (\\\\Seen) {6+}\\r\\nA: b\\r\\n (\\\\Draft) "01-Jan-2020 00:00:00 +0000" {6+}\\r\\nA: c\\r\\n {6+}\\r\\nA: d\\r\\n\\r\\n
S: a OK [APPENDUID * *:*] appended
TALK
	[ "$(count "$alice"/cur)" = 6 ]
	rm -r "$alice"
	mkdir -p "$alice"/{tmp,new,cur}
	# An empty one takes all back: RFC 3502.
	both "$imapd" <<TALK
$HELLO
c: a APPEND INBOX {6+}\\r\\nA: b\\r\\n {0+}\\r\\n\\r\\n
S: a NO *
c: b APPEND INBOX {6+}\\r\\nA: b\\r\\n {3+}\\r\\nA\\0b\\r\\n
S: b NO *
c: c APPEND INBOX {6+}\\r\\nA: b\\r\\n {52428801+}\\r\\n
C: d
TALK
	assert_nothing
	step "$imapd" <<TALK
$HELLO
c: a APPEND INBOX {6+}\\r\\nA: b\\r\\n (\\\\None) {6}\\r\\n
S: a BAD *
c: b APPEND INBOX {6+}\\r\\nA: b\\r\\n {52428801}\\r\\n
S: b NO [TOOBIG] *
c: c APPEND INBOX {6+}\\r\\nA: b\\r\\n {6}\\r\\n
S: + go on
c: A: c\\r\\n x\\r\\n
S: c BAD *
C: d NOOP
S: d OK *
TALK
	assert_nothing
	# All in one: but for the files, one fsync of the directory, and the journal.
	fresh
	many=$(for _ in $(seq 50); do printf ' {6+}\\r\\nA: b\\r\\n'; done)
	pipe strace -f -e trace=fsync,fdatasync -o trace "$imapd" <<TALK
$HELLO
c: a APPEND INBOX$many\\r\\n
S: a OK [APPENDUID * 1:50] appended
TALK
	[ "$(count "$alice"/cur)" = 50 ]
	[ "$(grep -c 'sync(' trace)" = 52 ]
}

@test "refused before its octets are asked for" {
	step "$imapd" <<TALK
$HELLO
C: a APPEND None {10}
S: a NO [TRYCREATE] *
C: b APPEND INBOX {52428801}
S: b NO [TOOBIG] *
C: c APPEND INBOX {4294967296}
S: c NO [TOOBIG] *
C: d APPEND INBOX {9223372036854775808}
S: d NO [TOOBIG] *
C: e APPEND INBOX {18446744073709551615}
S: e NO [TOOBIG] *
C: f APPEND INBOX {18446744073709551616}
S: f BAD *
C: g APPEND INBOX {1000000000000000000000000000000}
S: g BAD *
C: h APPEND INBOX {-1}
S: h BAD *
C: i APPEND INBOX {}
S: i BAD *
C: j APPEND INBOX {1 }
S: j BAD *
C: k APPEND INBOX
S: k BAD *
C: m APPEND INBOX (\\Seen)
S: m BAD *
C: n APPEND INBOX (\\Nothing) {10}
S: n BAD *
C: o APPEND INBOX (\\Seen {10}
S: o BAD *
C: p APPEND INBOX "22-Nov-2026 14:20:05" {10}
S: p BAD *
C: q APPEND INBOX "31-Foo-2026 14:20:05 +0000" {10}
S: q BAD *
C: r APPEND INBOX "text"
S: r BAD *
C: s APPEND INBOX text
S: s BAD *
C: t APPEND "../../bob" {10}
S: t NO *
C: u APPEND INBOX (a b c d e f g h i j k l m n o p q r s t u v w x y z z1) {10}
S: u BAD *
C: v APPEND INBOX UTF8 {10}
S: v BAD *
C: w NOOP
S: w OK *
TALK
	assert_nothing
	assert_no_tmp
}

@test "refused, and yet read to its end" {
	both "$imapd" <<TALK
$HELLO
c: a APPEND None {10+}\\r\\nb NOOP\\r\\nc \\r\\n
S: a NO [TRYCREATE] *
c: b APPEND INBOX {10+}\\r\\nA: b\\0c\\r\\nd\\r\\n
S: b NO [CANNOT] *
c: c APPEND INBOX (\\\\Nothing) {10+}\\r\\nb NOOP\\r\\nc \\r\\n
S: c BAD *
c: d APPEND INBOX {0+}\\r\\n\\r\\n
S: d NO *
c: e APPEND INBOX {6+}\\r\\nA: b\\r\\nb NOOP\\r\\n
S: e BAD *
C: f NOOP
S: f OK *
TALK
	assert_nothing
}

@test "lines: CRLF, LF, CR and none" {
	local uid=0 text
	put_and_get() { # TEXT, as it comes; and as it is
		uid=$((uid + 1))
		text=$(printf '%b.' "$1")
		{
			printf 'a LOGIN alice secret\r\nb APPEND INBOX {%d+}\r\n%b\r\n' \
				$((${#text} - 1)) "$1"
			printf '%s\r\n' 'c EXAMINE INBOX' \
				"d UID FETCH $uid (RFC822.SIZE BODY.PEEK[])"
		} | "$imapd" 2>>stderr | sed -n '/FETCH (UID/,$p' >got
		text=$(printf '%b.' "$2")
		text=${text%.}
		printf '* %d FETCH (UID %d RFC822.SIZE %d BODY[] {%d}\r\n%s)\r\nd OK fetched\r\n' \
			$uid $uid ${#text} ${#text} "$text" | cmp - got
	}
	put_and_get 'A: b\r\n\r\nc\r\n' 'A: b\r\n\r\nc\r\n'
	put_and_get 'A: b\n\nc\n' 'A: b\r\n\r\nc\r\n'
	put_and_get 'A: b\r\n\nc' 'A: b\r\n\r\nc'
	put_and_get 'A: b\r\n\r\nc\rd\r' 'A: b\r\n\r\nc\rd\r'
	# The file has one CR of them, and W= says so.
	put_and_get 'A: b\r\n\r\nc\r\r\nd\r\r\n' 'A: b\r\n\r\nc\r\nd\r\n'
	put_and_get '\r\r\r\n' '\r\r\n'
	put_and_get 'x' 'x'
	# Cut anywhere.
	text=$(printf 'A: b\r\n\r\nc\r\r\nd\r\n.')
	text=${text%.}
	for i in $(seq 0 ${#text}); do
		uid=$((uid + 1))
		{
			printf 'a LOGIN alice secret\r\nb APPEND INBOX {%d+}\r\n' ${#text}
			printf '%s' "${text:0:i}"
			sleep 0.05
			printf '%s\r\nc EXAMINE INBOX\r\nd UID FETCH %d (RFC822.SIZE RFC822)\r\n' \
				"${text:i}" $uid
		} | "$imapd" 2>>stderr | sed -n '/FETCH (UID/,$p' >got
		printf '* %d FETCH (UID %d RFC822.SIZE 14 RFC822 {14}\r\nA: b\r\n\r\nc\r\nd\r\n)\r\nd OK fetched\r\n' \
			$uid $uid | cmp - got
	done
}

@test "literal8: BINARY's octets come back as they were" {
	local body head
	head='Subject: x\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: Binary\r\n\r\n'
	body='\0\1\2\n\r\n\r\r\n\xff\xfe\0'
	{
		printf 'a LOGIN alice secret\r\nb APPEND INBOX ~{%d+}\r\n' \
			"$(printf '%b' "$head$body" | wc -c)"
		printf '%b\r\n' "$head$body"
		printf 'c APPEND INBOX UTF8 (~{20+}\r\nSubject: \xc3\xbc\r\n\r\nabcd\0)\r\n'
		printf '%s\r\n' 'd EXAMINE INBOX' 'e FETCH 1 (RFC822.SIZE RFC822)' \
			'f FETCH 1 BINARY.PEEK[1]' 'g FETCH 2 BODY.PEEK[]'
	} | "$imapd" 2>>stderr | sed -n '/FETCH/,$p' >got
	{
		printf '* 1 FETCH (RFC822.SIZE 105 RFC822 {105}\r\nSubject: x\r\n'
		printf 'Content-Type: application/octet-stream\r\n'
		printf 'Content-Transfer-Encoding: base64\r\n\r\n%s)\r\ne OK fetched\r\n' \
			"$(printf '%b' "$body" | base64)"
		printf '* 1 FETCH (BINARY[1] ~{12}\r\n%b)\r\nf OK fetched\r\n' "$body"
		printf '* 2 FETCH (BODY[] {20}\r\nSubject: \xc3\xbc\r\n\r\nabcd\x80)\r\n'
		printf 'g OK fetched\r\n'
	} | cmp - got
	# Parts of a multipart; what is not "binary" stays as it is.
	rm -r "$alice"
	mkdir -p "$alice"/{tmp,new,cur}
	head='Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Transfer-Encoding: binary\r\n\r\n'
	{
		printf 'a LOGIN alice secret\r\nb APPEND INBOX ~{%d+}\r\n' \
			"$(printf '%b\r\n--b--\r\n' "$head$body" | wc -c)"
		printf '%b\r\n--b--\r\n\r\n' "$head$body"
		printf '%s\r\n' 'd EXAMINE INBOX' \
			'f FETCH 1 (BODY.PEEK[1] BINARY.PEEK[2] BODY.PEEK[2.MIME])'
	} | "$imapd" 2>>stderr | sed -n '/FETCH/,$p' >got
	{
		printf '* 1 FETCH (BODY[1] {4}\r\ntext BINARY[2] ~{12}\r\n%b' "$body"
		printf ' BODY[2.MIME] {37}\r\nContent-Transfer-Encoding: base64\r\n\r\n'
		printf ')\r\nf OK fetched\r\n'
	} | cmp - got
	grep -q '^Content-Transfer-Encoding: 8bit$' "$alice"/cur/*
}

@test "the connection breaks in a literal: nothing is left" {
	local n
	for n in 0 1 5; do
		{
			printf 'a LOGIN alice secret\r\nb APPEND INBOX {6+}\r\nA: b\r\n'
			printf ' {6+}\r\n%.*s' $n 'A: bc'
		} | "$imapd" 2>/dev/null >out
		run -1 grep -q '^b ' out
		assert_nothing
	done
	printf 'a LOGIN alice secret\r\nb APPEND INBOX {6+}\r\nA: b\r\n {6' |
		"$imapd" 2>/dev/null >out
	assert_nothing
	printf 'a LOGIN alice secret\r\nb APPEND INBOX ~{6+}\r\nA: b' |
		"$imapd" 2>/dev/null >out
	assert_nothing
}

@test "quota: refused before the octets are asked for" {
	echo '100S,3C' >"$alice/maildirsize"
	step "$imapd" <<TALK
$HELLO
C: a APPEND INBOX {101}
S: a NO [OVERQUOTA] *
c: b APPEND INBOX {60+}\\r\\n$(printf '%060d' 0)\\r\\n
S: b OK *
C: c APPEND INBOX {41}
S: c NO [OVERQUOTA] *
c: d APPEND INBOX {20+}\\r\\n$(printf '%020d' 0) {21}\\r\\n
S: d NO [OVERQUOTA] *
c: e APPEND INBOX {1+}\\r\\nx {1+}\\r\\ny {1}\\r\\n
S: e NO [OVERQUOTA] *
c: f APPEND INBOX {1+}\\r\\nx {1+}\\r\\ny\\r\\n
S: f OK *
C: g APPEND INBOX {1}
S: g NO [OVERQUOTA] *
TALK
	[ "$(count "$alice"/cur)" = 3 ]
	assert_no_tmp
}

# APPEND of two messages.
two() {
	printf 'a LOGIN alice secret\r\nb APPEND INBOX {6+}\r\nA: b\r\n'
	printf ' {6+}\r\nA: c\r\n\r\n'
}

# What is there is lawful: whole messages, no UID twice.
assert_lawful() { # HOW MANY
	local f
	for f in "$alice"/cur/*; do
		[ -e "$f" ] || continue
		[[ $(cat "$f") == "A: "[bc] ]]
		[ "$(wc -c <"$f")" = 5 ]
	done
	printf '%s\r\n' 'a LOGIN alice secret' 'b EXAMINE INBOX' \
		'c FETCH 1:* UID' | "$imapd" 2>/dev/null |
		sed -n 's/^\* [0-9]* FETCH (UID \([0-9]*\)).*/\1/p' >uids
	[ -z "$(sort uids | uniq -d)" ]
	[ "$(wc -l <uids)" = "$(count "$alice"/cur)" ]
	[ -z "${1-}" ] || [ "$(wc -l <uids)" = "$1" ]
}

# Alice as she is after her first login.
fresh() {
	if [ ! -e "$BATS_TEST_TMPDIR/alice" ]; then
		printf 'a LOGIN alice secret\r\n' | "$imapd" >/dev/null 2>&1
		cp -a "$alice" "$BATS_TEST_TMPDIR/alice"
	fi
	rm -rf "$alice"
	cp -a "$BATS_TEST_TMPDIR/alice" "$alice"
}

FIRST_FILE='O_WRONLY|O_CREAT|O_EXCL|.*O_NOFOLLOW' # musl: O_LARGEFILE too

# Which calls the session itself does from the first literal on: "CALL FIRST
# LAST", as strace's when= counts them, for those that match.
calls_from_literal() { # CALLS
	local pid call begin
	fresh
	two >in # from a pipe it would read once or twice
	strace -f -qq -o trace "$imapd" <in >out 2>/dev/null
	grep -q '^b OK' out
	# Who is no root sees no paths: the process shows its memory to nobody.
	pid=$(grep -m 1 "$FIRST_FILE" trace | cut -d' ' -f1)
	grep "^$pid " trace | sed 's/^[0-9]* *//' >calls
	begin=$(grep -n -m 1 "$FIRST_FILE" calls | cut -d: -f1)
	for call in $1; do
		echo "$call $(($(head -n "$((begin - 1))" calls |
			grep -c "^$call(") + 1)) $(grep -c "^$call(" calls)"
	done | awk '$2 <= $3'
}

@test "a call fails: NO, and nothing is left" {
	local call first last n error tried=0 refused=0 done=0 other=0
	calls_from_literal "open openat write pwrite64 fsync fdatasync rename
		renameat renameat2 utimensat newfstatat stat fstat ftruncate read pread64
		fcntl lseek unlink" >ranges
	while read -r call first last; do
		for n in $(seq "$first" "$last"); do
			error=EIO
			[ $((n % 2)) = 0 ] || error=ENOSPC
			fresh
			strace -f -qq -o trace -e "trace=$call" \
				-e "inject=$call:error=$error:when=$n" \
				"$imapd" <in >out 2>stderr.txt || true
			grep -q INJECTED trace
			tried=$((tried + 1))
			if grep -q '^b OK' out; then
				done=$((done + 1))
				assert_lawful 2
			elif grep -q '^b NO' out; then
				refused=$((refused + 1))
				assert_nothing
				assert_lawful 0
			else # it was the client's connection
				other=$((other + 1))
				assert_lawful
			fi || { echo "$call $n"; cat trace out stderr.txt; false; }
		done
	done <ranges
	echo "$tried tried: $done done, $refused refused, $other without an answer"
	[ $refused -ge 10 ]
}

@test "killed at each system call: whole messages, no UID twice" {
	local call first last n killed=0
	# Another call changes nothing that could be half done.
	calls_from_literal "open openat write pwrite64 writev fsync fdatasync
		rename renameat renameat2 utimensat ftruncate unlink" >ranges
	while read -r call first last; do
		for n in $(seq "$first" "$last"); do
			fresh
			# What it reads in one go, and so what it does, varies.
			run bash -c 'cat | strace -f -qq -o trace2 \
				-e "trace=$1" -e "inject=$1:signal=KILL:when=$2" \
				"$3" >out 2>/dev/null; exit "$?"' kill "$call" \
				"$n" "$imapd" < <(two)
			killed=$((killed + (status == 137)))
			# It had an answer: then it is there.
			assert_lawful "$(grep -q '^b OK' out && echo 2)"
		done
	done <ranges
	echo "$killed killed"
	[ $killed -ge 15 ]
}

@test "no room on the disk" {
	unshare -rm true 2>/dev/null || skip "no user namespaces"
	head -c 400000 /dev/zero | tr '\0' x | fold -w 70 >body
	{
		printf 'a LOGIN alice secret\r\nb APPEND INBOX {%d+}\r\n' \
			"$(wc -c <body)"
		cat body
		printf '\r\nc APPEND INBOX {6+}\r\nA: b\r\n\r\n'
	} >in
	# shellcheck disable=SC2016
	run -0 unshare -rm sh -c 'mount -t tmpfs -o size=200k none "$1" &&
		mkdir "$1/tmp" "$1/new" "$1/cur" && "$2" <in 2>stderr >out
		ls "$1/tmp" | wc -l; ls "$1/cur" | wc -l; cat out' sh "$alice" "$imapd"
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = 1 ]
	[[ $output == *"b NO [OVERQUOTA]"* ]]
	[[ $output == *"c OK [APPENDUID"* ]]
}

@test "REPLACE" {
	printf 'Subject: old\n\none\n' >"$alice/cur/1000.M1.host:2,S"
	printf 'Subject: old\n\ntwo\n' >"$alice/cur/1001.M1.host:2,S"
	printf 'Subject: old\n\nthree\n' >"$alice/cur/1002.M1.host:2,S"
	step "$imapd" <<TALK
$HELLO
C: r REPLACE 1 Drafts {6}
S: r BAD *
C: s SELECT INBOX
S: * FLAGS *
S: * OK [PERMANENTFLAGS *
S: * 3 EXISTS
S: * 3 RECENT
S: * OK [UIDVALIDITY *
S: * OK [UIDNEXT 4] *
S: * OK [HIGHESTMODSEQ *
S: * OK [MAILBOXID *
S: s OK *
C: a REPLACE 2 INBOX (\\Draft) {6}
S: + go on
c: A: b\\r\\n
C:
S: * OK [APPENDUID * 4] *
S: * 2 EXPUNGE
S: * 3 EXISTS
S: * 3 RECENT
S: a OK replaced
C: b UID REPLACE 3 Drafts {6}
S: + go on
c: A: c\\r\\n
C:
S: * OK [APPENDUID * 1] *
S: * 2 EXPUNGE
S: b OK replaced
C: c UID REPLACE 3 Drafts {6}
S: c NO *
C: d REPLACE 3 Drafts {6}
S: d BAD *
C: e REPLACE 1:2 Drafts {6}
S: e BAD *
C: f REPLACE 0 Drafts {6}
S: f BAD *
C: g REPLACE 4294967296 Drafts {6}
S: g BAD *
C: h REPLACE 1 None {6}
S: h NO [TRYCREATE] *
c: i REPLACE 1 Drafts {6+}\\r\\nA: d\\r\\n {6+}\\r\\nA: e\\r\\n\\r\\n
S: i BAD *
C: j REPLACE 1 Drafts {52428801}
S: j NO [TOOBIG] *
C: k FETCH 1:* (UID FLAGS)
S: * 1 FETCH (UID 1 FLAGS (\\Seen \\Recent))
S: * 2 FETCH (UID 4 FLAGS (\\Draft \\Recent))
S: k OK fetched
C: m EXAMINE INBOX
S: * OK [CLOSED] *
S: * FLAGS *
S: * OK [PERMANENTFLAGS *
S: * 2 EXISTS
S: * * RECENT
S: * OK [UNSEEN 2] *
S: * OK [UIDVALIDITY *
S: * OK [UIDNEXT 5] *
S: * OK [HIGHESTMODSEQ *
S: * OK [MAILBOXID *
S: m OK *
C: n REPLACE 1 INBOX {6}
S: n NO [READ-ONLY] *
TALK
	assert_no_tmp
	[ "$(cat "$alice"/.Drafts/cur/*)" = 'A: c' ]
	[ "$(count "$alice"/cur)" = 2 ]
}
