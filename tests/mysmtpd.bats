#!/usr/bin/env bats
# mysmtpd: the simplified protocol of a teaching system. mysmtpd(8) has each
# answer; what is typed in a lesson is in teaching.bats.

load helper
load launch/lib

setup() {
	home_make
	mysmtpd=$PROGRAMS/mysmtpd
	# No day ends in the middle of a test.
	local left=$((86400 - $(date +%s) % 86400))
	[ $left -gt 60 ] || sleep "$left"
	today=$(date -u +%d-%m-%Y)
}

# put WHO NAME: a mail in the mailbox, from stdin.
put() { cat >"$MAIL/$1/new/$2"; }

# say LINE…: what the server answers to them all, in the lab.
say() {
	printf '%s\r\n' "$@" | "$mysmtpd" -L 2>>"$BATS_TEST_TMPDIR/stderr" |
		tr -d '\r'
}

HELLO=('HELO a.test' 'MAIL FROM: x@a.test' 'RCPT TO: bob@example.test')

# strace follows, where it may.
traced() { strace -f -qq -o trace "$@"; }

@test "the states, and what is out of order" {
	both "$mysmtpd" <<'TALK'
C: MAIL FROM: x@a.test
S: 403 Not now: HELO, MAIL FROM, RCPT TO, DATA is the order
C: RCPT TO: bob@example.test
S: 403 Not now: HELO, MAIL FROM, RCPT TO, DATA is the order
C: DATA x
S: 403 Not now: HELO, MAIL FROM, RCPT TO, DATA is the order
C: HELO a.test
S: 200 OK
C: RCPT TO: bob@example.test
S: 403 Not now: HELO, MAIL FROM, RCPT TO, DATA is the order
C: MAIL FROM: x@a.test
S: 200 OK
C: MAIL FROM: x@a.test
S: 403 Not now: HELO, MAIL FROM, RCPT TO, DATA is the order
C: AUTH bob@example.test secret
S: 403 Not now: HELO, MAIL FROM, RCPT TO, DATA is the order
C: DATA x
S: 403 Not now: HELO, MAIL FROM, RCPT TO, DATA is the order
C: RCPT TO: bob@example.test
S: 200 OK
C: RCPT TO: carol@example.test
S: 403 Not now: HELO, MAIL FROM, RCPT TO, DATA is the order
C: helo b.test
S: 200 OK
C: DATA x
S: 403 Not now: HELO, MAIL FROM, RCPT TO, DATA is the order
C: mail from: x@b.test
S: 200 OK
C: rcpt to: bob@example.test
S: 200 OK
C: data x
S: 200 Message stored successfully
C: MAIL FROM: x@b.test
S: 403 Not now: HELO, MAIL FROM, RCPT TO, DATA is the order
C: HELP
S: 200 Commands: HELO, MAIL FROM, RCPT TO, DATA, AUTH, LIST, GET_MAIL, HELP, QUIT
C: QUIT now
S: 200 Goodbye
TALK
	[ "$(count "$MAIL/bob/new")" = 2 ] # both() does it twice
}

@test "syntax, in every liberty that is taken" {
	both "$mysmtpd" -L <<'TALK'
C: HELO
S: 400 Syntax: HELO <domain>
C: HELO a b
S: 400 Syntax: HELO <domain>
C: HELO <a.test>
S: 400 Syntax: HELO <domain>
C: FOO
S: 400 No such command: HELP names all
C: HELO	A.test 
S: 200 OK
C: MAIL x@a.test
S: 400 Syntax: MAIL FROM: <email>
C: MAIL FROM x@a.test
S: 400 Syntax: MAIL FROM: <email>
C: MAIL FROM:
S: 400 Syntax: MAIL FROM: <email>
C: MAIL FROM: <>
S: 400 Syntax: MAIL FROM: <email>
C: MAIL FROM: x
S: 400 Syntax: MAIL FROM: <email>
C: MAIL FROM: <x@a.test
S: 400 Syntax: MAIL FROM: <email>
C: MAIL FROM: <x@a.test> SIZE=1
S: 400 Syntax: MAIL FROM: <email>
C: MAIL FROM: x@a.test y@a.test
S: 400 Syntax: MAIL FROM: <email>
C: MAIL FROM: x@b.test
S: 403 The domain is not the one of HELO
C: MAIL FROM : <x@a.TEST>
S: 200 OK
C: RCPT bob@example.test
S: 400 Syntax: RCPT TO: <email>
C: RCPT TO: bob
S: 400 Syntax: RCPT TO: <email>
C: RCPT TO:<Bob@EXAMPLE.test>
S: 200 OK
C: LIST
S: 400 Syntax: LIST <email>
C: LIST bob
S: 400 Syntax: LIST <email>
C: GET_MAIL bob@example.test
S: 400 Syntax: GET_MAIL <email> <id>
C: GET_MAIL 1
S: 400 Syntax: GET_MAIL <email> <id>
C: GET_MAIL
S: 400 Syntax: GET_MAIL <email> <id>
C: LIST <bob@example.test>
S: 200 OK 0 messages
S: .
C: QUIT
S: 200 Goodbye
TALK
}

@test "a domain that is not ours, a mailbox that is not there" {
	both "$mysmtpd" -L <<'TALK'
C: HELO a.test
S: 200 OK
C: MAIL FROM: x@a.test
S: 200 OK
C: RCPT TO: bob@far.test
S: 403 Not a domain of ours
C: RCPT TO: nobody@example.test
S: 401 No such mailbox
C: RCPT TO: ../bob@example.test
S: 400 Syntax: RCPT TO: <email>
C: RCPT TO: "../bob"@example.test
S: 401 No such mailbox
C: LIST nobody@example.test
S: 401 No such mailbox
C: LIST bob@far.test
S: 401 No such mailbox
C: LIST "../bob"@example.test
S: 401 No such mailbox
C: LIST "-u"@example.test
S: 401 No such mailbox
C: GET_MAIL nobody@example.test 1
S: 401 No such mailbox
C: GET_MAIL bob@example.test 1
S: 401 No such mail
C: GET_MAIL bob@example.test 0
S: 401 No such mail
C: GET_MAIL bob@example.test x
S: 401 No such mail
C: GET_MAIL bob@example.test 99999999999999999999
S: 401 No such mail
C: RCPT TO: bob@example.test
S: 200 OK
TALK
}

@test "DATA on one line, and on many" {
	say "${HELLO[@]}" 'DATA Subject: the  exam ' QUIT >got
	diff got - <<-END
		200 OK
		200 OK
		200 OK
		200 Message stored successfully
		200 Goodbye
	END
	mail_of bob | sed -E -e 's/(id |<)[0-9A-F]{13,}[^@;]*/\1ID/' \
		-e 's/, [0-9].*/, DATE/' -e 's/^\t/+/' >mail
	diff mail - <<-END
		Return-Path: <x@a.test>
		Delivered-To: bob@example.test
		Received: from a.test (unknown)
		+by mx.example.test with MYSMTP id ID
		+for <bob@example.test>;
		+$(date -u +%a), DATE
		MIME-Version: 1.0
		Content-Type: text/plain; charset=utf-8
		Content-Transfer-Encoding: 8bit
		From: x@a.test
		To: bob@example.test
		Date: $(date -u +%a), DATE
		Message-ID: <ID@mx.example.test>

		Subject: the  exam
	END
	rm "$MAIL/bob/new/"*
	both "$mysmtpd" <<'TALK'
C: HELO a.test
S: 200 OK
C: MAIL FROM: x@a.test
S: 200 OK
C: RCPT TO: bob@example.test
S: 200 OK
C: DATA
S: 200 Enter your message (end with a single dot '.')
C: Reminder: the exam
C:
C: .one
C: ..two
C: ...three
C: ..
C: . 
c: bare LF\n
C: LIST bob@example.test
C: Grüße
C: .
S: 200 Message stored successfully
C: QUIT
S: 200 Goodbye
TALK
	[ "$(count "$MAIL/bob/new")" = 2 ]
	mail_of bob | sed '1,/^$/d' | head -n 10 | diff - <(printf '%s\n' \
		'Reminder: the exam' '' .one .two ..three . '. ' 'bare LF' \
		'LIST bob@example.test' 'Grüße')
	run -1 grep -r $'\r' "$MAIL/bob/new"
	assert_no_tmp
}

@test "a header that is one stays, and gets what is missing" {
	say "${HELLO[@]}" DATA 'Subject: Hi' 'X-Mine: 1' 'Cc: c@example.test' \
		'' 'text' . "${HELLO[@]}" DATA 'From: "A B" <a@b.test>' \
		'To: c@example.test' 'Date: Fri, 21 Mar 2025 23:30:00 -0500' \
		'Message-ID: <1@b.test>' 'text' . QUIT >got
	[ "$(grep -c stored got)" = 2 ]
	mail=$(grep -l '^Subject: Hi' "$MAIL/bob/new/"*)
	sed '1,6d' "$mail" | sed 's/: .*ID.*/: ID/; s/^Date: .*/Date:/; s/<.*@/<@/' |
		diff - <(printf '%s\n' 'Subject: Hi' 'X-Mine: 1' \
			'Cc: c@example.test' 'From: x@a.test' Date: \
			'Message-ID: <@mx.example.test>' '' text)
	mail=$(grep -l '^Message-ID: <1@b.test>' "$MAIL/bob/new/"*)
	sed '1,6d' "$mail" | diff - <(printf '%s\n' 'From: "A B" <a@b.test>' \
		'To: c@example.test' 'Date: Fri, 21 Mar 2025 23:30:00 -0500' \
		'Message-ID: <1@b.test>' '' text)
	# The day is the sender's, in his zone.
	say 'LIST bob@example.test' >got
	diff got - <<-END
		200 OK 2 messages
		1: Email from x@a.test ($today)
		2: Email from a@b.test (21-03-2025)
		.
	END
}

@test "lines that end in LF" {
	printf '%s\n' "${HELLO[@]}" DATA one .. . 'LIST bob@example.test' \
		'GET_MAIL bob@example.test 1' QUIT |
		"$mysmtpd" -L 2>stderr | _shown >got
	diff got - <<-END
		200 OK
		200 OK
		200 OK
		200 Enter your message (end with a single dot '.')
		200 Message stored successfully
		200 OK 1 messages
		1: Email from x@a.test ($today)
		.
		200 OK
		From: x@a.test
		Date: $today

		one
		..
		.
		200 Goodbye
	END
}

@test "long lines, NUL, bare CR, and too much" {
	both "$mysmtpd" <<TALK
c: HELO a\\0.test\\r\\n
S: 400 A line ends in LF or CRLF, and holds no CR or NUL
c: HELO a\\r.test\\r\\n
S: 400 A line ends in LF or CRLF, and holds no CR or NUL
C: HELO $(printf 'x%.0s' {1..4092})
S: 400 Line too long
C: HELO $(printf 'x%.0s' {1..300}).test
S: 400 Syntax: HELO <domain>
C: HELO a.test
S: 200 OK
C: MAIL FROM: $(printf 'x%.0s' {1..300})@a.test
S: 400 Syntax: MAIL FROM: <email>
C: MAIL FROM: x@a.test
S: 200 OK
C: RCPT TO: bob@example.test
S: 200 OK
C: DATA
S: 200 Enter your message (end with a single dot '.')
c: a\\0b\\r\\n
C: .
S: 400 A line of the message holds a NUL, or a CR within
C: LIST bob@example.test
S: 403 AUTH comes first
C: HELO a.test
S: 200 OK
C: MAIL FROM: x@a.test
S: 200 OK
C: RCPT TO: bob@example.test
S: 200 OK
C: DATA
S: 200 Enter your message (end with a single dot '.')
c: a\\rb\\n.\\r\\n
S: 400 A line of the message holds a NUL, or a CR within
TALK
	[ "$(count "$MAIL/bob/new")" = 0 ]
	echo 'message_size_limit 65536' >>"$PENNYPOST_HOME/pennypost.conf"
	long=$(printf '%065000d' 0)
	say "${HELLO[@]}" DATA "$long" . "${HELLO[@]}" DATA "$long" "$long" . \
		"${HELLO[@]}" DATA "${long}0000000000000" . "${HELLO[@]}" DATA \
		"$long$long" . \
		"${HELLO[@]}" DATA "$long" "$long" "$long" "$long" . >got
	diff <(grep -v -e '^200 OK' -e '^200 Enter' got) - <<-END
		200 Message stored successfully
		403 Message too big
		200 Message stored successfully
		403 A line of the message is too long
		403 Message far too big, closing
	END
	[ "$(count "$MAIL/bob/new")" = 2 ]
	assert_no_tmp
}

@test "a thousand messages, and no more" {
	echo 'sink: /dev/null' >>"$PENNYPOST_HOME/users/aliases"
	for _ in $(seq 1001); do
		printf '%s\n' 'HELO a.test' 'MAIL FROM: x@a.test' \
			'RCPT TO: sink@example.test' 'DATA x'
	done >in
	"$mysmtpd" <in 2>stderr | tr -d '\r' | sort | uniq -c |
		sed 's/^ *//' | diff - <(printf '%s\n' '3003 200 OK' \
			'1000 200 Message stored successfully' \
			'1 403 Enough messages for one session, closing' |
			sort -k 2)
}

@test "errors, to their limit" {
	for _ in $(seq 21); do
		echo 'C: FOO'
		echo 'S: 400 No such command: HELP names all'
	done >talk
	echo 'S: 403 Too many errors, closing' >>talk
	both "$mysmtpd" <talk
	# A wrong password is five of them.
	both "$mysmtpd" <<'TALK'
C: AUTH bob@example.test x
S: 403 Email or password is wrong
C: AUTH bob@example.test secrets
S: 403 Email or password is wrong
C: AUTH nobody@example.test secret
S: 403 Email or password is wrong
C: AUTH bob@example.test Secret
S: 403 Email or password is wrong
C: FOO
S: 400 No such command: HELP names all
S: 403 Too many errors, closing
TALK
	grep -q 'login refused user=bob@example.test peer= service=mysmtp' \
		stderr
	run -1 grep -i 'secret' stderr
}

@test "AUTH opens one mailbox, and no other" {
	put bob 1 <<<$'From: x@a.test\n\nfor bob'
	both "$mysmtpd" <<'TALK'
C: LIST bob@example.test
S: 403 AUTH comes first
C: GET_MAIL bob@example.test 1
S: 403 AUTH comes first
C: AUTH
S: 400 Syntax: AUTH <email> <password>
C: AUTH bob@example.test
S: 400 Syntax: AUTH <email> <password>
C: AUTH bob@example.test 
S: 400 Syntax: AUTH <email> <password>
C: AUTH bob@example.test secret 
S: 403 Email or password is wrong
C: AUTH <bob@example.test> secret
S: 200 OK
C: AUTH alice@example.test secret
S: 403 You are logged in already
C: LIST BOB@example.test
S: 200 OK 1 messages
S: 1: Email from x@a.test (unknown)
S: .
C: GET_MAIL bob@example.test 1
S: 200 OK
S: From: x@a.test
S: Date: unknown
S:
S: for bob
S: .
C: LIST alice@example.test
S: 403 Not your mailbox
C: GET_MAIL alice@example.test 1
S: 403 Not your mailbox
C: MAIL FROM: x@a.test
S: 403 Not now: HELO, MAIL FROM, RCPT TO, DATA is the order
C: HELO a.test
S: 200 OK
C: MAIL FROM: x@a.test
S: 200 OK
C: RCPT TO: alice@example.test
S: 200 OK
C: DATA x
S: 200 Message stored successfully
C: QUIT
S: 200 Goodbye
TALK
	# HELO before it still counts behind it.
	both "$mysmtpd" <<'TALK'
C: HELO a.test
S: 200 OK
C: AUTH bob secret
S: 200 OK
C: MAIL FROM: x@b.test
S: 403 The domain is not the one of HELO
C: MAIL FROM: x@a.test
S: 200 OK
TALK
}

@test "no password over a network in the clear" {
	TCPREMOTEIP=192.0.2.1 both "$mysmtpd" <<'TALK'
C: AUTH bob@example.test secret
S: 403 Not without encryption
C: LIST bob@example.test
S: 403 AUTH comes first
C: HELO a.test
S: 200 OK
C: MAIL FROM: x@a.test
S: 200 OK
C: RCPT TO: bob@example.test
S: 200 OK
TALK
}

@test "TLS first, with and without a certificate" {
	[ -x "$PROGRAMS/tls" ] || skip "no tls here"
	local at=$PENNYPOST_HOME/users/tls/mx.example.test
	mkdir -p "$at"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj /CN=mx.example.test -days 2 -keyout "$at/privkey.pem" \
		-out "$at/fullchain.pem" 2>/dev/null
	port=$(free_port)
	background env PENNYPOST_LOG=stderr "$PROGRAMS/listen" \
		"127.0.0.1:$port" "$mysmtpd" -T
	listening "$port"
	# Whatever the client takes it for: no name is registered.
	printf '%s\n' 'AUTH bob@example.test secret' 'LIST bob@example.test' \
		QUIT >said
	{
		cat said
		soon grep -q Goodbye got
	} | timeout 60 openssl s_client -quiet -alpn x -connect \
		"127.0.0.1:$port" 2>/dev/null >got
	tr -d '\r' <got | diff - <(printf '%s\n' '200 OK' '200 OK 0 messages' . \
		'200 Goodbye')
	grep 'login user=bob@example.test' stderr |
		grep -q 'service=mysmtp mechanism=PLAIN tls=TLSv1.3'
	# Without a certificate there is nothing to say.
	rm -r "$at"
	run -0 "$mysmtpd" -T <<<QUIT
	[[ $output == *'warning: no TLS: '* ]]
}

@test "a lab is for its own machine: a stranger is turned away" {
	TCPREMOTEIP=192.0.2.1 run -78 "$mysmtpd" -L </dev/null
	[[ $output == *'500 This teaching lab is for its own machine alone'* ]]
	[[ $output == *'-L gives everybody'*' peer=192.0.2.1'* ]]
	TCPREMOTEIP=::1 run -0 "$mysmtpd" -L <<<QUIT
	[ "$output" = $'200 Goodbye\r' ]
	# One end of a socketpair: nobody knows whose the other is.
	run -0 python3 -c 'import socket, subprocess, sys
ours, theirs = socket.socketpair()
p = subprocess.Popen(sys.argv[1:], stdin=theirs, stdout=theirs)
theirs.close()
print(ours.makefile().read().strip(), p.wait())' "$mysmtpd" -L
	[ "$output" = '500 This teaching lab is for its own machine alone 78' ]
}

@test "a lab that listens on the network serves nobody" {
	unshare -Urn ip link set lo up 2>/dev/null || skip 'no namespaces here'
	cat >inside <<'SH'
ip link set lo up
ip addr add 192.0.2.1/32 dev lo
ip addr add 192.0.2.2/32 dev lo
"$PROGRAMS/listen" :2500 "$PROGRAMS/mysmtpd" -L 2>listen.log &
for i in $(seq 600); do
	(exec 3<>/dev/tcp/127.0.0.1/2500) 2>/dev/null && break
	sleep 0.05
done
for ends in 127.0.0.1:127.0.0.1 192.0.2.1:192.0.2.1 192.0.2.1:192.0.2.2 \
	127.0.0.1:192.0.2.2; do
	echo "$ends $(python3 -c 'import socket, sys
s = socket.create_connection((sys.argv[2], 2500), 60, (sys.argv[1], 0))
s.sendall(b"LIST bob@example.test\r\nQUIT\r\n")
print(s.makefile().readline().strip())' ${ends%:*} ${ends#*:})"
done
kill %1
SH
	PENNYPOST_LOG=stderr PROGRAMS=$PROGRAMS unshare -Urn bash inside >got
	refused='500 This teaching lab is for its own machine alone'
	diff got - <<-END
		127.0.0.1:127.0.0.1 200 OK 0 messages
		192.0.2.1:192.0.2.1 $refused
		192.0.2.1:192.0.2.2 $refused
		127.0.0.1:192.0.2.2 $refused
	END
	[ "$(grep -c 'listen on 127.0.0.1 or ::1 peer=' listen.log)" = 3 ]
}

@test "ids stay, whatever others remove, until the next LIST" {
	local n
	for n in 1 2 3; do
		put bob "$n" <<<$'From: x@a.test\n\nmail '"$n"
		put alice "$n" <<<$'From: x@a.test\n\nfor alice '"$n"
	done
	step "$mysmtpd" -L <<'TALK'
C: LIST bob@example.test
S: 200 OK 3 messages
S: 1: Email from x@a.test (unknown)
S: 2: Email from x@a.test (unknown)
S: 3: Email from x@a.test (unknown)
S: .
! rm "$MAIL/bob/new/1"; mv "$MAIL/bob/new/3" "$MAIL/bob/cur/3:2,S"
C: LIST alice@example.test
S: 200 OK 3 messages
S: 1: Email from x@a.test (unknown)
S: 2: Email from x@a.test (unknown)
S: 3: Email from x@a.test (unknown)
S: .
C: GET_MAIL bob@example.test 3
S: 200 OK
S: From: x@a.test
S: Date: unknown
S:
S: mail 3
S: .
C: GET_MAIL bob@example.test 1
S: 401 No such mail
C: GET_MAIL bob@example.test 2
S: 200 OK
S: From: x@a.test
S: Date: unknown
S:
S: mail 2
S: .
C: LIST bob@example.test
S: 200 OK 2 messages
S: 1: Email from x@a.test (unknown)
S: 2: Email from x@a.test (unknown)
S: .
C: GET_MAIL bob@example.test 1
S: 200 OK
S: From: x@a.test
S: Date: unknown
S:
S: mail 2
S: .
C: QUIT
S: 200 Goodbye
TALK
}

@test "the lists of eight mailboxes are remembered" {
	local n
	for n in 1 2 3 4 5 6 7 8 9; do
		mkdir -p "$MAIL/u$n"/{tmp,new,cur}
		put "u$n" 1 <<<$'\nfirst'
		put "u$n" 2 <<<$'\nsecond'
		echo "C: LIST u$n@example.test"
		echo 'S: 200 OK 2 messages'
		echo 'S: 1: Email from unknown (unknown)'
		echo 'S: 2: Email from unknown (unknown)'
		echo 'S: .'
	done >talk
	cat >>talk <<-'END'
		! rm "$MAIL"/u[12]/new/1
		C: GET_MAIL u2@example.test 1
		S: 401 No such mail
		C: GET_MAIL u1@example.test 1
		S: 200 OK
		S: From: unknown
		S: Date: unknown
		S:
		S: second
		S: .
		C: QUIT
		S: 200 Goodbye
	END
	step "$mysmtpd" -L <talk
}

@test "a list has the last thousand" {
	local n
	for n in $(seq 10001 11200); do
		echo "From: x@a.test" >"$MAIL/bob/new/$n"
	done
	say 'LIST bob@example.test' 'GET_MAIL bob@example.test 200' \
		'GET_MAIL bob@example.test 201' QUIT >got
	[ "$(head -n 1 got)" = '200 OK 1200 messages, the last 1000 follow' ]
	diff <(sed -n '2,1002p' got) <(
		seq -f '%.0f: Email from x@a.test (unknown)' 201 1200
		echo .
	)
	diff <(sed '1,1002d' got) - <<-END
		401 No such mail
		200 OK
		From: x@a.test
		Date: unknown

		.
		200 Goodbye
	END
}

@test "what is shown is text, in UTF-8, and nothing that a terminal obeys" {
	put bob 1 <<'END'
From: =?iso-8859-1?Q?J=F6rg?= <j@a.test>
Subject: =?utf-8?B?R3LDvMOfZQ==?= =?utf-8?Q?_an_alle?=
Date: Fri, 21 Mar 2025 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/html

<b>no</b>
--b
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe,
=2E
=2Eend =1B[2J=07
--b--
END
	put bob 2 <<'END'
From: y@a.test
Content-Type: image/png
Content-Transfer-Encoding: base64

AAAA
END
	printf 'Subject: \xff\x1b[1m\n\n\xff\tx\0y\rz\n' | put bob 3
	{
		printf 'From: z@a.test\n\n'
		yes 'a line of text' | head -n 80000
	} | put bob 4
	put alice 1 <<'END'
From: y@a.test
Content-Type: text/html

<p>One &amp;<br>.two<p><a href="http://a.test/">here</a>
END
	say 'GET_MAIL alice@example.test 1' >got
	sed 1,4d got | diff - <(printf '%s\n' 'One &' ..two '' \
		'here <http://a.test/>' .)
	say 'LIST bob@example.test' 'GET_MAIL bob@example.test 1' \
		'GET_MAIL bob@example.test 2' 'GET_MAIL bob@example.test 3' \
		'GET_MAIL bob@example.test 4' >got
	head -n 28 got | diff - <(cat <<-END
		200 OK 4 messages
		1: Email from j@a.test (21-03-2025)
		2: Email from y@a.test (unknown)
		3: Email from unknown (unknown)
		4: Email from z@a.test (unknown)
		.
		200 OK
		From: Jörg <j@a.test>
		Date: 21-03-2025
		Subject: Grüße an alle

		Grüße,
		..
		..end ?[2J?
		.
		200 OK
		From: y@a.test
		Date: unknown

		[This mail has no text]
		.
		200 OK
		From: unknown
		Date: unknown
		Subject: ÿ?[1m

		$(printf '\xef\xbf\xbd\tx?y?z')
		.
	END
	)
	sed '1,32d' got | sort | uniq -c | sort -n | sed 's/^ *//' >lines
	grep -x '1 \[The rest is not shown: it is too long\]' lines
	[ "$(sed -n 's/ a line of text$//p' lines)" -gt 60000 ]
}

@test "the mail of everything else: aliases, smtpd, pop3d, imapd" {
	echo 'team: bob, carol' >>"$PENNYPOST_HOME/users/aliases"
	say 'HELO a.test' 'MAIL FROM: x@a.test' 'RCPT TO: team@example.test' \
		'DATA to all' QUIT >got
	grep -qx '200 Message stored successfully' got
	[ "$(count "$MAIL/bob/new")" = 1 ]
	[ "$(count "$MAIL/carol/new")" = 1 ]
	say 'LIST team@example.test' 'LIST carol@example.test' >got
	diff got - <<-END
		401 No such mailbox
		200 OK 1 messages
		1: Email from x@a.test ($today)
		.
	END
	printf 'USER bob\r\nPASS secret\r\nRETR 1\r\nQUIT\r\n' |
		"$PROGRAMS/pop3d" 2>stderr | grep -qx $'to all\r'
	printf 'a LOGIN carol secret\r\nb SELECT INBOX\r\nc FETCH 1 BODY[TEXT]\r\n' |
		"$PROGRAMS/imapd" 2>stderr | grep -qx $'to all\r'
	# An alias that leads away is for the queue, which is nudged.
	echo 'away: z@far.test' >>"$PENNYPOST_HOME/users/aliases"
	say 'HELO a.test' 'MAIL FROM: x@a.test' 'RCPT TO: away@example.test' \
		'DATA x' QUIT >got
	grep -qx '200 Message stored successfully' got
	[ "$(count "$QUEUE")" = 1 ]
	[ "$(nudged)" = "$(ls "$QUEUE")" ]
}

@test "a mailbox that another session has" {
	put bob 1 <<<$'From: x@a.test\n\nx'
	coproc POP3 { exec "$PROGRAMS/pop3d" -u bob 2>stderr; }
	local pid=$POP3_PID
	IFS= read -r -t 60 -u "${POP3[0]}"
	IFS= read -r -t 60 -u "${POP3[0]}"
	say 'LIST bob@example.test' 'GET_MAIL bob@example.test 1' QUIT >got
	diff got - <<-END
		500 Mailbox in use, try later
		500 Mailbox in use, try later
		200 Goodbye
	END
	kill "$pid"
	wait "$pid" || :
	# Ours is locked by nobody who idles.
	step "$mysmtpd" -L <<'TALK'
C: LIST bob@example.test
S: 200 OK 1 messages
S: 1: Email from x@a.test (unknown)
S: .
! printf 'DELE 1\r\nQUIT\r\n' | "$PROGRAMS/pop3d" -u bob 2>stderr >pop3
! [ "$(tail -n 1 pop3)" = $'+OK goodbye\r' ]
C: GET_MAIL bob@example.test 1
S: 401 No such mail
TALK
}

@test "trouble of ours is told as that, and nothing is half stored" {
	printf '%s\r\n' "${HELLO[@]}" 'DATA x' "${HELLO[@]}" 'DATA y' >in
	run -0 traced -e trace=fsync -e inject=fsync:error=EIO:when=1 \
		"$mysmtpd" <in
	[ "$(grep -c '^500 Cannot deliver now, try later' <<<"$output")" = 1 ]
	[ "$(grep -c '^200 Message stored' <<<"$output")" = 1 ]
	[ "$(count "$MAIL/bob/new")" = 1 ]
	mail_of bob | tail -n 1 | grep -qx y
	assert_no_tmp
	mkdir alone
	cp "$mysmtpd" alone
	printf '%s\r\n' "${HELLO[@]}" 'LIST bob@example.test' QUIT |
		alone/mysmtpd -L 2>stderr | tr -d '\r' >got
	diff got - <<-END
		200 OK
		200 OK
		500 Cannot deliver now, try later
		500 Cannot read the mailbox now, try later
		200 Goodbye
	END
	# deliver goes away: the next one has it.
	step "$mysmtpd" <<'TALK'
C: HELO a.test
S: 200 OK
C: MAIL FROM: x@a.test
S: 200 OK
C: RCPT TO: bob@example.test
S: 200 OK
! kill "$(pgrep -P "$pid" -x deliver)"
C: DATA z
S: 200 Message stored successfully
C: QUIT
S: 200 Goodbye
TALK
	[ "$(count "$MAIL/bob/new")" = 2 ]
	# What deliver says in another way.
	echo 'program: "|true"' >>"$PENNYPOST_HOME/users/aliases"
	say 'HELO a.test' 'MAIL FROM: x@a.test' 'RCPT TO: program@example.test' |
		sed 1,2d >got
	[ "$(cat got)" = '403 Mail to programs is off' ]
	rm "$PENNYPOST_HOME/users/passwd"
	say 'AUTH bob@example.test secret' >got
	[ "$(cat got)" = '500 Cannot tell now, try later' ]
	rm -r "$MAIL/carol/new"
	touch "$MAIL/carol/new"
	say 'LIST carol@example.test' >got
	[ "$(cat got)" = '500 Cannot read the mailbox now, try later' ]
}

# end_poll COMMAND…: which poll of the talker's, the last one, finds the end of
# `in`. Whose memory strace may not see, of that it tells no descriptors.
end_poll() {
	strace -f -qq -o polls -e trace=poll "$@" <in \
		2>>"$BATS_TEST_TMPDIR/stderr" >got
	awk '/poll\(/ { pid = $1; n[pid]++ } END { print n[pid] }' polls
}

# silence POLL COMMAND…: with `in` on a pipe that stays open, and this poll of a
# process says that nothing came.
silence() {
	local when=$1 status=0
	shift
	mkfifo wait
	exec 6<>wait
	cat in >&6
	timeout -s KILL 100 strace -f -qq -o polls -e trace=poll \
		-e "inject=poll:retval=0:when=$when" "$@" <wait 6>&- \
		2>>"$BATS_TEST_TMPDIR/stderr" | tr -d '\r' >got || status=$?
	exec 6>&-
	rm wait
	return $status
}

# waited SECONDS: for so long it would have been, or some less than that
waited() {
	local ms
	[ "$(grep -c INJECTED polls)" = 1 ]
	ms=$(sed -n 's/.*, 1, \([0-9]*\)) .*INJECTED.*/\1/p' polls)
	[ "$ms" -le "$1"000 ] && [ "$ms" -gt $(($1 * 500)) ]
}

@test "ten minutes without a word; deliver and pop3d that say nothing" {
	strace -qq -o polls true || skip "no process may be traced here"
	local talk
	# A deliver whose answers come in one piece, and nothing from pop3d.
	mkdir mute
	cp "$mysmtpd" mute
	cat >mute/deliver <<'END'
#!/bin/sh
printf '220 x\r\n250 x\r\n250 x\r\n250 x\r\n250 x\r\n'
exec cat >/dev/null
END
	sed /printf/d mute/deliver >mute/pop3d
	chmod +x mute/deliver mute/pop3d
	printf '%s\r\n' "${HELLO[@]}" DATA half >in
	for talk in 'HELP\r\n' 'HELO a.test\r\nMAIL FROM' "$(<in)\n"; do
		printf '%b' "$talk" >in
		silence "$(end_poll mute/mysmtpd)" mute/mysmtpd
		[ "$(tail -n 1 got)" = '500 Nothing heard for too long, closing' ]
		waited 600
	done
	[ "$(sed -n 4p got)" = "200 Enter your message (end with a single dot '.')" ]
	cp mute/pop3d mute/deliver
	# The third: the client's line, LHLO, and its answer.
	printf '%s\r\n' "${HELLO[@]}" QUIT >in
	silence 3 mute/mysmtpd
	diff got - <<-END
		200 OK
		200 OK
		500 Cannot deliver now, try later
		200 Goodbye
	END
	waited 600
	# The second: the client's line, and the greeting.
	printf '%s\r\n' 'LIST bob@example.test' QUIT >in
	silence 2 mute/mysmtpd -L
	diff got - <<-END
		500 Cannot read the mailbox now, try later
		200 Goodbye
	END
	waited 120
}

@test "a message that breaks off is nobody's" {
	step "$mysmtpd" <<'TALK'
C: HELO a.test
S: 200 OK
C: MAIL FROM: x@a.test
S: 200 OK
C: RCPT TO: bob@example.test
S: 200 OK
C: DATA
S: 200 Enter your message (end with a single dot '.')
C: half
TALK
	grep -q 'message broken off from=<x@a.test>' stderr
	[ "$(count "$MAIL/bob"/{new,tmp})" = 0 ]
	run -64 "$mysmtpd" -x </dev/null
	[[ $output == *'usage: mysmtpd'* ]]
	rm "$PENNYPOST_HOME/pennypost.conf"
	run -78 "$mysmtpd" </dev/null
	[[ $output == *$'500 Out of service, try later\r' ]]
}
