#!/usr/bin/env bats
# mailclient by a script: all of what it says, and what became of it.

load mailclient

setup() {
	mailclient_setup
	menu=$'\n1. Manage Mail\n2. Send Mail\n3. Quit'
	choose='Mail number, n next, p previous page, q main menu:'
	do='d delete, r reply, s save, a NUMBER save attachment, Enter list:'
	text='Text, and a line with a lone dot to end it:'
}

# Answers are the lines of $1; all that is said is the standard input.
says() { # ANSWERS STATUS [ARGUMENT ...]
	local status=0
	[ $# -gt 2 ] || set -- "$@" 127.0.0.1 "$smtp" "$pop3"
	talk "${@:3}" <<<"$1" >got || status=$?
	diff - got
	[ $status = "$2" ]
}

# The only mail of a user, from its From on; what differs each time is not.
arrived() { # USER
	cat "$MAIL/$1"/new/* | sed -n '/^From: /,$p' |
		sed 's/^\(Date\): .*/\1:/; s/^\(Message-ID: <\).*@/\1@/'
}

@test "the list, a mail, its text and its parts: read, saved, deleted" {
	mails_make
	list="
3 mails:
No.  From                  Received          Subject
  1  Bob Builder           2024-03-12 14:05  Can we fix it?
  2  Jörg Müller           2024-03-13 14:30  Re: Grüße aus 北京"
	says "$(printf '%s\n' x M alice secret 1 's one.txt' s 'one.txt' n x '' 3 \
		'a 1' '' 'a 1 plan.bin' Y a 'a 2' -1 3 d 3 4 -1 3)" 0 <<END
$menu
Your choice: x
Write 1, 2 or 3.
$menu
Your choice: M
User: alice
Password: 
$list
  3  carol@example.test    yesterday         Papers
$choose 1

From: Bob Builder <bob@example.test>
To: alice@example.test
Date: Mon, 11 Mar 2024 09:00:00 +0000
Subject: Can we fix it?

Yes we can.
..
> quoted before
$do s one.txt
Saved in one.txt.
$do s
File: one.txt
one.txt is there already. Replace it? (y/n) n
Nothing is saved.
$do x
Write d, r, s, a or nothing.
$do 
$list
  3  carol@example.test    yesterday         Papers
$choose 3

From: carol@example.test
Date: yesterday
Subject: Papers

Read this <https://example.test/?a=1&b=2>, <please>.

- one
- two ä

Attachments:
[1] application/octet-stream, plan.bin, 7 octets
$do a 1
File [plan.bin]: 
Saved in plan.bin.
$do a 1 plan.bin
plan.bin is there already. Replace it? (y/n) Y
Saved in plan.bin.
$do a
Which one? Write a, its number, and perhaps the file: a 1 FILE
$do a 2
There is no attachment 2.
$do -1
$list
  3  carol@example.test    yesterday         Papers
$choose 3

From: carol@example.test
Date: yesterday
Subject: Papers

Read this <https://example.test/?a=1&b=2>, <please>.

- one
- two ä

Attachments:
[1] application/octet-stream, plan.bin, 7 octets
$do d
Mail 3 will be deleted when you go back to the main menu.
$list
  3D                                         (will be deleted)
$choose 3
Mail 3 will be deleted.
$list
  3D                                         (will be deleted)
$choose 4
There is no mail 4.
$list
  3D                                         (will be deleted)
$choose -1
1 mail deleted.
$menu
Your choice: 3
END
	diff one.txt "$MAIL"/alice/*/*.1.mx*
	printf '\0\1\2\3\n\r\n' | cmp - plan.bin
	[ "$(stat -c %a one.txt plan.bin | uniq)" = 600 ]
	[ "$(count "$MAIL/alice")" = 3 ] # two, and pop3.lock
	[ ! -e plan.bin.new ]
}

@test "no octet of a mail commands the terminal" {
	esc=$'\e[2J\e]0;owned\a'
	mail_put 1 <<MAIL
From: "$esc evil$(printf '\xc2\x9b')31m" <evil$(printf '\e')@example.test>
Subject: $(printf 'a\x7f\xc2\x9b\tb\xe2\x80\xaetxt.exe\xe2\x81\xa6') =?utf-8?Q?=1B[31m=0D=0Aoops=00?=
Date: $esc
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

${esc}clear$(printf '\rover\b\b \xc2\x85 \xe2\x80\xa8 \xf3\xa0\x81\xa1')
--b
Content-Type: "$esc"/x$esc
Content-Disposition: attachment; filename="../../..$esc/../.profile"

x
--b
Content-Type: text/x
Content-Disposition: attachment; filename*=utf-8''%2e%2e%5c-rf%1b%0a

y
--b
Content-Type: text/x; name=..

z
--b--
MAIL
	talk 127.0.0.1 "$smtp" "$pop3" <<<"$(printf '%s\n' 1 alice secret 1 \
		'a 1' '' 'a 2' '' 'a 3' '' r "$esc" bob@example.test . '' q 3)" >got
	# Not one, of 7 bits or 8, but line ends.
	python3 - <<'PY'
import unicodedata
text = open("got", newline="").read() # UTF-8, all of it
bad = [c for c in text if c != "\n" and (unicodedata.category(c) in ("Cc", "Zl", "Zp")
    or 0x202a <= ord(c) <= 0x202e or 0x2066 <= ord(c) <= 0x2069 or ord(c) >= 0xe0000)]
assert not bad, bad
PY
	grep -qxF 'From: "^[[2J^[]0;owned^G evil�31m" <evil^[@example.test>' got
	grep -qxF 'Date: ^[[2J^[]0;owned^G' got
	grep -qxF 'Subject: a�� b�txt.exe� ^[[31m oops^@' got
	grep -qxF '^[[2J^[]0;owned^Gclear^Mover^H^H � � �' got
	grep -qxF '[2] text/x, ..\-rf^[ , 1 octet' got
	grep -qxF 'There is a control character in that.' got
	# A name is a name, not a path; nothing hidden, no option.
	[ "$(sed -n 's/^Saved in //p' got)" = $'_profile.\n_rf^[.\n_..' ]
	[ -e _profile ] && [ -e '_rf^[' ] && [ -e _. ]
	[ ! -e ../.profile ]
}

@test "a new mail: what is wrong is asked again, the rest arrives" {
	long=$(printf 'ä%.0s' $(seq 200))
	says "$(printf '%s\n' s bob bob@example.test '' 2 bob@example.test a@ \
		'alice@example.test; carol@example.test' , 'x y@example.test' \
		'carol@example.test, <alice@example.test>,' "x$long" "$long" \
		'Grüße' .. '. ' "$(printf '%0.sx' $(seq 99))" $'\tEnd=' '' . \
		2 'from:  <bob@example.test>' 'To:<carol@example.test>' \
		'SUBJECT: plain =?x' 'no =41' . 3)" 0 <<END
$menu
Your choice: s
From: bob
Incorrect format: "bob" is not an address, name@domain.
From: bob@example.test
To: 
Nothing is sent.
$menu
Your choice: 2
From: bob@example.test
To: a@
Incorrect format: "a@" is not an address, name@domain.
To: alice@example.test; carol@example.test
Incorrect format: "alice@example.test; carol@example.test" is not an address, name@domain.
To: ,
Incorrect format: there is no address.
To: x y@example.test
Incorrect format: "x y@example.test" is not an address, name@domain.
To: carol@example.test, <alice@example.test>,
Subject: x$long
Incorrect format: the subject has 201 characters, and 200 at most can be sent.
Subject: $long
$text
Mail sent successfully.
$menu
Your choice: 2
From: from:  <bob@example.test>
To: To:<carol@example.test>
Subject: SUBJECT: plain =?x
$text
Mail sent successfully.
$menu
Your choice: 3
END
	# Lines of 76 octets, one word in each, no character in two.
	arrived alice >mail
	[ "$(sed -n '/^Subject: /,/^Date/p' mail | sed '1s/^Subject: / /; $d' |
		grep -cx ' =?utf-8?Q?\(=C3=A4\)*?=')" = 21 ]
	[ "$(wc -L <mail)" = 76 ]
	sed '/^Subject/,/^Date/d' mail | diff - <(cat <<'END'
From: bob@example.test
To: carol@example.test, alice@example.test
Message-ID: <@example.test>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe
..
.=20
xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=
xxxxxxxxxxxxxxxxxxxxxxxx
	End=3D

END
	)
	rm "$(grep -l 'quoted-printable' "$MAIL"/carol/new/*)"
	arrived carol | diff - <(cat <<'END'
From: bob@example.test
To: carol@example.test
Subject: =?utf-8?Q?plain_=3D=3Fx?=
Date:
Message-ID: <@example.test>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

no =41
END
	)
}

@test "a name before an address: plain, in quotes, beyond ASCII" {
	local bad long
	long=$(printf '%0201d' 0)
	# None of these loses anybody whom he has named.
	while read -r bad; do
		says "$(printf '%s\n' 2 b@example.test "$bad" '' 3)" 0 <<END
$menu
Your choice: 2
From: b@example.test
To: $bad
Incorrect format: "${bad%>}" is not an address, name@domain.
To: 
Nothing is sent.
$menu
Your choice: 3
END
	done <<END
Bob <bob@example.test
"x, y <carol@example.test>, <alice@example.test>
a <carol@example.test> b <alice@example.test>
"a" <carol@example.test> "b" <alice@example.test>
$long<alice@example.test>
END
	says "$(printf '%s\n' 2 'Bob B <bob@>' \
		' "Bob \"B.\" Builder"  <bob@example.test>' \
		'Grüße Ö<carol@example.test>, "Last, A." <alice@example.test>,<bob@example.test>' \
		hi . 2 carol@example.test 'A B <bob@example.test>' x . 3)" 0 <<END
$menu
Your choice: 2
From: Bob B <bob@>
Incorrect format: "bob@" is not an address, name@domain.
From:  "Bob \"B.\" Builder"  <bob@example.test>
To: Grüße Ö<carol@example.test>, "Last, A." <alice@example.test>,<bob@example.test>
Subject: hi
$text
Mail sent successfully.
$menu
Your choice: 2
From: carol@example.test
To: A B <bob@example.test>
Subject: x
$text
Mail sent successfully.
$menu
Your choice: 3
END
	arrived alice | sed '/^Subject/,$d' | diff - <(cat <<'END'
From: "Bob \"B.\" Builder" <bob@example.test>
To: =?utf-8?Q?Gr=C3=BC=C3=9Fe_=C3=96?= <carol@example.test>, "Last, A."
 <alice@example.test>, bob@example.test
END
	)
	grep -qx 'To: A B <bob@example.test>' "$MAIL"/bob/new/*
	[ "$(count "$MAIL/carol/new") $(count "$MAIL/bob/new")" = '1 2' ]
}

@test "a text that cannot be sent is read to its dot, and not sent" {
	says $'2\nb@example.test\ncarol@example.test\n\nJ\xf6rg\n3\n.\n3' 0 <<END
$menu
Your choice: 2
From: b@example.test
To: carol@example.test
Subject: 
$text
Incorrect format: line 1 is not UTF-8. Is your terminal set to UTF-8?
Nothing is sent.
$menu
Your choice: 3
END
	{
		printf '%s\n' 2 $'J\xf6rg' b@example.test
		printf 'a%s@example.test,' $(seq 101)
		printf '\n%s\n%s\n' "$(printf '%017000d' 0)" carol@example.test
		printf 'x\nok\n'
		head -c 10485760 /dev/zero | tr '\0' x
		printf '\n.\nq\n'
	} | talk 127.0.0.1 "$smtp" "$pop3" | cut -c 1-200 >got
	diff - got <<END
$menu
Your choice: 2
From: 
That is not UTF-8. Is your terminal set to UTF-8?
From: b@example.test
$(printf 'To: '; printf 'a%s@example.test,' $(seq 101) | cut -c 1-196)
Incorrect format: there are more than 100 addresses.
To: 
That is too long.
To: carol@example.test
Subject: x
$text
Incorrect format: the text has more than 10 MiB.
Nothing is sent.
$menu
Your choice: q
END
	[ "$(count "$MAIL/carol/new")" = 0 ]
}

@test "a reply: to whom, about what, to which, and what was said" {
	mails_make
	says "$(printf '%s\n' 1 alice@example.test secret 2 r '' 'Danke.' . '' \
		1 r carol@example.test No. . '' q 3)" 0 <<END
$menu
Your choice: 1
User: alice@example.test
Password: 
$(list='
3 mails:
No.  From                  Received          Subject
  1  Bob Builder           2024-03-12 14:05  Can we fix it?
  2  Jörg Müller           2024-03-13 14:30  Re: Grüße aus 北京
  3  carol@example.test    yesterday         Papers'
cat <<SAID
$list
$choose 2

From: Jörg Müller <joerg@example.test>
Date: Wed, 13 Mar 2024 16:30:00 +0200
Subject: Re: Grüße aus 北京

Schöne Grüße!
$do r
To: bob@example.test, carol@example.test
Subject: Re: Grüße aus 北京
From [alice@example.test]: 
$text
Mail sent successfully.
$do 
$list
$choose 1

From: Bob Builder <bob@example.test>
To: alice@example.test
Date: Mon, 11 Mar 2024 09:00:00 +0000
Subject: Can we fix it?

Yes we can.
..
> quoted before
$do r
To: bob@example.test
Subject: Re: Can we fix it?
From [alice@example.test]: carol@example.test
$text
Mail sent successfully.
$do 
$list
$choose q
$menu
Your choice: 3
SAID
)
END
	arrived carol | diff - <(cat <<'END'
From: alice@example.test
To: bob@example.test, carol@example.test
Subject: =?utf-8?Q?Re=3A_Gr=C3=BC=C3=9Fe_aus_=E5=8C=97=E4=BA=AC?=
Date:
Message-ID: <@example.test>
In-Reply-To: <two@example.test>
References: <zero@example.test> <one@example.test> <two@example.test>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

> Sch=C3=B6ne Gr=C3=BC=C3=9Fe!

Danke.
END
	)
	grep -lZ '^From: alice' "$MAIL"/bob/new/* | xargs -0 rm
	arrived bob | diff - <(cat <<'END'
From: carol@example.test
To: bob@example.test
Subject: Re: Can we fix it?
Date:
Message-ID: <@example.test>
In-Reply-To: <one@example.test>
References: <one@example.test>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

> Yes we can.
> ..
>> quoted before

No.
END
	)
}

# What is said last, before the end: ended ANSWERS
ended() {
	local status=0
	printf '%b' "$1" | talk 127.0.0.1 "$smtp" "$pop3" >got || status=$?
	[ $status = 66 ]
	[ "$(tail -n 1 got)" = \
		'The input has ended: nothing is sent, and nothing deleted.' ]
}

@test "where the input ends: nothing is sent, nothing is deleted" {
	mails_make
	says '' 0 <<END
$menu
Your choice: 
Write 1, 2 or 3.
$menu
Your choice: 
END
	ended '1\n'
	ended '1\nalice\n'
	ended '1\nalice\nsecret' # no line yet
	ended '1\nalice\nsecret\n'
	ended '1\nalice\nsecret\n1\n'
	ended '1\nalice\nsecret\n1\nd\n2\nd\n'
	ended '1\nalice\nsecret\n1\ns one.txt\ns one.txt\n'
	ended '2\nbob@example.test\n'
	ended '2\nbob@example.test\nalice@example.test\n'
	ended '2\nbob@example.test\nalice@example.test\nx\ntext\n'
	ended '2\nbob@example.test\nalice@example.test\nx\ntext\n.'
	[ "$(count "$MAIL/alice"/{new,cur})" = 3 ]
}

@test "a wrong password is asked for again; a right one, not" {
	says "$(printf '%s\n' 1 alice wrong 1 '' secret 1 2 '' bob@example.test \
		x . 3)" 0 <<END
$menu
Your choice: 1
User: alice
Password: 
Wrong user or password: user or password is wrong.
$menu
Your choice: 1
User [alice]: 
Password: 
There is no mail.
$menu
Your choice: 1
There is no mail.
$menu
Your choice: 2
From: 
Nothing is sent.
$menu
Your choice: bob@example.test
Write 1, 2 or 3.
$menu
Your choice: x
Write 1, 2 or 3.
$menu
Your choice: .
Write 1, 2 or 3.
$menu
Your choice: 3
END
	says "$(printf '%s\n' 1 "$(printf '%0300d' 0)" secret 1 alice \
		"$(printf '%0600d' 0)" 1 '' secret 3)" 0 <<END
$menu
Your choice: 1
User: $(printf '%0300d' 0)
Password: 
User or password is too long.
$menu
Your choice: 1
User: alice
Password: 
User or password is too long.
$menu
Your choice: 1
User [alice]: 
Password: 
There is no mail.
$menu
Your choice: 3
END
}

@test "what a server does not take is not lost: again, logged in, or saved" {
	closed=$(free_port)
	submission=$(free_port)
	echo 'relay_from 192.0.2.1' >>"$PENNYPOST_HOME/pennypost.conf"
	serve "$submission" smtpd -s
	again='y try again, l log in first, s FILE save it, n give it up:'
	gone="Cannot reach 127.0.0.1 port $closed: Connection refused."
	gone+=' Is the server running?'
	refused='The server refuses the sender alice@example.test:'
	refused+=' 530 5.7.0 Authentication required.'
	says "$(printf '%s\n' 2 alice@example.test bob@example.test x y . z y \
		's it.txt' l alice@example.test secret 3)" 0 127.0.0.1 \
		"$submission" "$closed" < <(cat <<END
$menu
Your choice: 2
From: alice@example.test
To: bob@example.test
Subject: x
$text
$refused
$again z
$again y
$refused
$again s it.txt
Saved in it.txt.
$again l
User: alice@example.test
Password: 
Mail sent successfully.
$menu
Your choice: 3
END
	)
	sed 's/^\(Date\): .*/\1:/; s/^\(Message-ID: <\).*@/\1@/' it.txt |
		diff - <(arrived bob)
	many=$(printf '%s@example.test, ' bob carol alice bob2 carol2)
	says "$(printf '%s\n' 2 a@example.test "$many" x y . 's it.txt' y n 3)" \
		69 127.0.0.1 "$closed" "$closed" <<END
$menu
Your choice: 2
From: a@example.test
To: $many
Subject: x
$text
$gone
$again s it.txt
it.txt is there already. Replace it? (y/n) y
Saved in it.txt.
$again n
$menu
Your choice: 3
END
	[ "$(sed '/^Subject/,$d' it.txt)" = 'From: a@example.test
To: bob@example.test, carol@example.test, alice@example.test,
 bob2@example.test, carol2@example.test' ]
	says "$(printf '%s\n' 1 alice secret 3)" 69 127.0.0.1 "$closed" \
		"$closed" <<END
$menu
Your choice: 1
User: alice
Password: 
$gone
$menu
Your choice: 3
END
}

# The list from $1 to $2 of 45, in the columns of a script.
page() {
	local n
	printf '\n45 mails, %d to %d:\n' "$1" "$2"
	echo 'No.  From                  Received          Subject'
	for ((n = $1; n <= $2; n++)); do
		printf '%3d  %-20s  1970-01-01 00:%02d  %s\n' "$n" "u$n@test" "$n" \
			"$(((n * 7) % 10)) 北京北京北京北京北京北京北京北京"
	done
}

@test "a long list is shown a page at a time, the newest first; columns hold" {
	for n in $(seq 45); do
		printf 'From: u%d@test\nDate: 1 Jan 1970 00:%02d:00 +0000\n' "$n" \
			"$n" | cat - <(printf 'Subject: %d 北京%s\n\nx\n' \
			$(((n * 7) % 10)) '北京北京北京北京北京北京北京北京北京' |
			sed '1!b') | mail_put "$n"
	done
	says "$(printf '%s\n' 1 alice secret n p p p n -1 3)" 0 <<END
$menu
Your choice: 1
User: alice
Password: 
$(page 26 45)
$choose n
$(page 26 45)
$choose p
$(page 6 25)
$choose p
$(page 1 20)
$choose p
$(page 1 20)
$choose n
$(page 21 40)
$choose -1
$menu
Your choice: 3
END
}

@test "columns: wide characters, combining ones, emoji, what is cut" {
	mail_put 1 <<'MAIL'
From: "éééééééééééééééééééé é" <a@test>
Subject: ééé|

x
MAIL
	mail_put 2 <<'MAIL'
From: "北京北京北京北京北京北京" <a@test>
Date: Sat, 1 Jan 99999 00:00:00 +0000
Subject: x北京北京北京北京北京北京北京北京北京

x
MAIL
	mail_put 3 <<'MAIL'
From: "a" <a@test> garbage
Date: Thu, 12 Mar 2024 14:05:00 +0000 (a very long comment)
Subject: =?utf-8?B?8J+YgA==?=

x
MAIL
	mail_put 4 <<<'no header'
	mail_put 5 <<<$'Return-Path: <typed@by.hand>\nSubject:\n\nx'
	mail_put 6 <<<$'From: unknown\n\nx'
	talk 127.0.0.1 "$smtp" "$pop3" <<<$'1\nalice\nsecret\nq\n3' |
		sed -n '/^No/,/^Mail number/p' >got
	diff - got <<END
No.  From                  Received          Subject
  1  éééééééééééééééééééé                    ééé|
  2  北京北京北京北京北京  Sat, 1 Jan 99999  x北京北京北京北京北京北京北京北京
  3  a                     2024-03-12 14:05  😀
  4
  5  typed@by.hand
  6  unknown
$choose q
END
}

@test "-m: the teaching protocol" {
	mails_make
	port=$(free_port)
	serve "$port" mysmtpd -L
	list='
3 mails:
No.  From                  Received          Subject
  1  bob@example.test      11-03-2024
  2  joerg@example.test    13-03-2024
  3  carol@example.test    unknown'
	says "$(printf '%s\n' 1 alice@example.test secret 1 d q 2 '' \
		carol@example.test hi there . 3)" 0 -m 127.0.0.1 "$port" <<END
$menu
Your choice: 1
User: alice@example.test
Password: 
$list
$choose 1

From: Bob Builder <bob@example.test>
Date: 11-03-2024
Subject: Can we fix it?

Yes we can.
..
> quoted before
$do d
This server cannot delete.
$list
$choose q
$menu
Your choice: 2
From [alice@example.test]: 
To: carol@example.test
Subject: hi
$text
Mail sent successfully.
$menu
Your choice: 3
END
	[ "$(count "$MAIL/carol/new")" = 1 ]
	grep -qx there "$MAIL"/carol/new/*
}

@test "options" {
	usage='mailclient: usage: mailclient [-k] [-s | -t] server_IP smtp_port pop3_port
       mailclient -m [-k] [-t] server_IP port'
	for arguments in '' 'a 1' 'a 1 2 3' '-s -t a 1 2' '-m a 1 2' '-m -s a 1' \
		'-x a 1 2'; do
		# shellcheck disable=SC2086 # words
		run -64 env -u PENNYPOST_LOG "$PROGRAMS/mailclient" $arguments \
			</dev/null
		[ "${output: -${#usage}}" = "$usage" ]
	done
	run -74 bash -c '"$1" a 1 2 </dev/null >/dev/full' . \
		"$PROGRAMS/mailclient"
}

@test "what cannot be saved leaves nothing behind" {
	mails_make
	mkdir dir
	echo old >old
	long=$(printf '%0300d' 0)
	(
		ulimit -f 0
		talk 127.0.0.1 "$smtp" "$pop3" <<<"$(printf '%s\n' 1 alice \
			secret 1 's none/x' 's dir' 's /dev/null' "s $long" \
			's new' 's old' y '' q 3)"
	) | sed -n "s/Filename/File name/; s/^$do *//p; /^Not\|^old\|already/p" >got
	diff - got <<END
s none/x
Not saved: none/x: No such file or directory.
s dir
dir is there already, and is no ordinary file.
Nothing is saved.
s /dev/null
/dev/null is there already, and is no ordinary file.
Nothing is saved.
s $long
Not saved: $long: File name too long.
s new
Not saved: new: File too large.
s old
old is there already. Replace it? (y/n) y
Not saved: old: File too large.

END
	[ "$(cat old)" = old ]
	[ ! -e new ] && [ ! -e old.new ]
	strace -f -o trace -e inject='/^rename:error=EIO' \
		timeout 60 "$PROGRAMS/mailclient" 127.0.0.1 "$smtp" "$pop3" \
		<<<"$(printf '%s\n' 1 alice secret 1 's old' y '' q 3)" |
		grep -x 'Not saved: old: .*'
	[ "$(cat old)" = old ]
	[ ! -e old.new ]
}
