#!/usr/bin/env bats
# smtpd: SMTP on fd 0 and 1. Conversations, then what is on the disk.

load helper

setup() {
	home_make
	smtpd=$PROGRAMS/smtpd
}

# The beginning of every conversation.
HELLO='S: 220 mx.example.test ESMTP Pennypost
C: HELO client.test
S: 250 mx.example.test'

# talk [ENVIRONMENT=VALUE ...] [PROGRAM ...] <<TALK: after HELO, both ways.
talk() {
	[ $# -gt 0 ] || set -- "$smtpd"
	both env "$@" <<<"$HELLO
$(cat)"
}

@test "hello, and what is offered" {
	both "$smtpd" <<'TALK'
S: 220 mx.example.test ESMTP Pennypost
C: EHLO client.test
S: 250-mx.example.test
S: 250-SIZE 52428800
S: 250-LIMITS MAILMAX=1000 RCPTMAX=1000
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-ENHANCEDSTATUSCODES
S: 250-DSN
S: 250-CHUNKING
S: 250 HELP
C: helo [127.0.0.1]
S: 250 mx.example.test
C: QUIT
S: 221 2.0.0 mx.example.test says goodbye
TALK
}

@test "hello wants a name" {
	both "$smtpd" <<'TALK'
S: 220 mx.example.test ESMTP Pennypost
C: EHLO
S: 501 5.5.4 Bad arguments
C: HELO a b
S: 501 5.5.4 That is no host name
C: EHLO <script>
S: 501 5.5.4 That is no host name
C: MAIL FROM:<a@b.test>
S: 503 5.5.1 Bad sequence of commands
TALK
}

@test "a message: stored with its trace, all of it" {
	step "$smtpd" <<<"$HELLO
C: MAIL FROM:<a@b.test>
S: 250 2.1.0 Sender OK
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 Recipient OK
C: DATA
S: 354 End with CRLF.CRLF
C: Subject: hello
C:
C: first
C: ..
C: ...two dots
c: \xe2\x82\xac\r\n
C: .
S: 250 2.0.0 OK *
C: QUIT
S: 221 2.0.0 *"
	[ "$(count "$MAIL")" = 1 ]
	mail_of | sed 's/id [0-9A-F.]*$/id ID/; s/^\t[A-Z].*+0000$/\tDATE/' >got
	printf '%s\n' 'Return-Path: <a@b.test>' \
		'Delivered-To: alice@example.test' \
		'Received: from client.test (unknown)' \
		'	by mx.example.test with SMTP id ID' \
		'	for <alice@example.test>;' '	DATE' \
		'Subject: hello' '' first . '..two dots' '€' >want
	diff want got
	assert_no_tmp
	[ "$(count "$QUEUE")" = 0 ]
}

@test "the file's name has its sizes" {
	pipe "$smtpd" <<<"$HELLO
C: MAIL FROM:<>
C: RCPT TO:<alice@example.test>
C: DATA
C: x
C: .
S: 250 2.1.0 Sender OK
S: 250 2.1.5 Recipient OK
S: 354 *
S: 250 2.0.0 *"
	f=$(echo "$MAIL"/alice/new/*)
	s=$(stat -c %s "$f")
	w=$((s + $(wc -l <"$f")))
	[[ $f == *",S=$s,W=$w" ]]
	[ "$(head -1 "$f")" = 'Return-Path: <>' ]
}

@test "a first line that is no header gets a blank line before it" {
	pipe "$smtpd" <<<"$HELLO
C: MAIL FROM:<>
C: RCPT TO:<alice@example.test>
C: DATA
C: just text
C: .
S: 250 2.1.0 Sender OK
S: 250 2.1.5 Recipient OK
S: 354 *
S: 250 2.0.0 *"
	[ "$(mail_of | tail -2)" = $'\njust text' ]
}

@test "an empty message is a message" {
	talk <<'TALK'
C: MAIL FROM:<>
S: 250 2.1.0 Sender OK
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 Recipient OK
C: DATA
S: 354 End with CRLF.CRLF
C: .
S: 250 2.0.0 OK *
TALK
	[ "$(count "$MAIL/alice/new")" = 2 ]
}

@test "who gets mail here, and who does not" {
	talk "$smtpd" <<'TALK'
C: MAIL FROM:<a@b.test>
S: 250 2.1.0 Sender OK
C: RCPT TO:<nobody@example.test>
S: 550 5.1.1 No such user here
C: RCPT TO:<alice@elsewhere.test>
S: 550 5.7.1 <alice@elsewhere.test>: relaying denied
C: RCPT TO:<ALICE@Example.Test>
S: 250 2.1.5 Recipient OK
C: RCPT TO:<alice+lists@example.test>
S: 250 2.1.5 Recipient OK
C: RCPT TO:<Postmaster>
S: 250 2.1.5 Recipient OK
C: RCPT TO:<"alice"@example.test>
S: 250 2.1.5 Recipient OK
C: RCPT TO:<@relay.test,@other.test:bob@example.test>
S: 250 2.1.5 Recipient OK
C: RCPT TO:<../bob@example.test>
S: 501 5.1.3 Bad recipient address
C: RCPT TO:<"../alice"@example.test>
S: 550 5.1.1 No such user here
C: RCPT TO:<"."@example.test>
S: 550 5.1.1 No such user here
TALK
}

@test "addresses that are none" {
	talk <<'TALK'
C: MAIL FROM:a@b.test
S: 501 5.1.7 Bad sender address
C: MAIL FROM:<a@b.test
S: 501 5.1.7 Bad sender address
C: MAIL FROM:<a@b.test>x
S: 501 5.1.7 Bad sender address
C: MAIL FROM:<a>
S: 501 5.1.7 Bad sender address
C: MAIL FROM:<a@b..test>
S: 501 5.1.7 Bad sender address
C: MAIL FROM:<a..b@b.test>
S: 501 5.1.7 Bad sender address
C: MAIL FROM:<a@-b.test>
S: 501 5.1.7 Bad sender address
C: MAIL FROM:<a@[127.0.0.300]>
S: 501 5.1.7 Bad sender address
C: MAIL FROM:<@x.test>
S: 501 5.1.7 Bad sender address
C: MAIL FROM:<"a@b.test>
S: 501 5.1.7 Bad sender address
C: MAIL TO:<a@b.test>
S: 501 5.5.4 Syntax: MAIL FROM:<address>
C: MAIL
S: 501 5.5.4 Bad arguments
C: MAIL FROM:<a@[IPv6:2001:db8::1]>
S: 250 2.1.0 Sender OK
C: RCPT TO:<>
S: 501 5.1.3 Bad recipient address
C: RCPT TO:<alice>
S: 501 5.1.3 Bad recipient address
C: RCPT TO:<a@b@c.test>
S: 501 5.1.3 Bad recipient address
C: RCPT FROM:<alice@example.test>
S: 501 5.5.4 Syntax: RCPT TO:<address>
TALK
}

@test "an address of 254 octets is taken, one of 255 is not" {
	local d
	d=$(printf 'a%.0s' {1..60})
	d="$d.$d.$d.$(printf 'a%.0s' {1..55}).test"	# 243
	talk <<TALK
C: MAIL FROM:<0123456789@$d>
S: 250 2.1.0 Sender OK
C: RSET
S: 250 2.0.0 OK
C: MAIL FROM:<0123456789x@$d>
S: 501 5.1.7 Sender address too long
C: MAIL FROM:<>
S: 250 2.1.0 Sender OK
C: RCPT TO:<0123456789x@$d>
S: 501 5.1.3 Recipient address too long
TALK
}

@test "every command in its place" {
	talk <<'TALK'
C: RCPT TO:<alice@example.test>
S: 503 5.5.1 Bad sequence of commands
C: DATA
S: 503 5.5.1 Bad sequence of commands
C: MAIL FROM:<>
S: 250 2.1.0 Sender OK
C: MAIL FROM:<>
S: 503 5.5.1 Bad sequence of commands
C: DATA
S: 503 5.5.1 Bad sequence of commands
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 Recipient OK
C: MAIL FROM:<>
S: 503 5.5.1 Bad sequence of commands
C: RSET
S: 250 2.0.0 OK
C: RCPT TO:<alice@example.test>
S: 503 5.5.1 Bad sequence of commands
C: MAIL FROM:<>
S: 250 2.1.0 Sender OK
C: HELO again.test
S: 250 mx.example.test
C: RCPT TO:<alice@example.test>
S: 503 5.5.1 Bad sequence of commands
C: AUTH PLAIN AA==
S: 502 5.5.1 No logins on this port
TALK
}

@test "the small commands" {
	talk <<'TALK'
C: NOOP
S: 250 2.0.0 OK
C: NOOP with words
S: 250 2.0.0 OK
C: VRFY alice
S: 252 2.5.0 Send mail to it, and see
C: VRFY
S: 501 5.5.4 Bad arguments
C: EXPN list
S: 502 5.5.1 Lists are not shown
C: HELP
S: 214 2.0.0 RFC 5321; smtpd(8) for this server
C: RSET now
S: 501 5.5.4 Bad arguments
C: QUIT now
S: 501 5.5.4 Bad arguments
C: XYZZY
S: 500 5.5.1 Command not recognized
C:
S: 500 5.5.1 Command not recognized
c: NOOP \t\r\n
S: 250 2.0.0 OK
C: quit
S: 221 2.0.0 mx.example.test says goodbye
TALK
}

@test "lines end in CRLF, and an unfinished one is no command" {
	both "$smtpd" <<'TALK'
S: 220 mx.example.test ESMTP Pennypost
c: HELO a.test\n
S: 500 5.5.2 Lines end in CRLF, and hold no other CR or LF
c: HE\rLO a.test\r\n
S: 500 5.5.2 Lines end in CRLF, and hold no other CR or LF
c: HELO a\0.test\r\n
S: 500 5.5.2 Lines end in CRLF, and hold no other CR or LF
c: HELO a.test\r\n
S: 250 mx.example.test
c: QUIT\r
TALK
}

@test "parameters of MAIL and RCPT" {
	talk <<'TALK'
C: MAIL FROM:<a@b.test> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+2B AUTH=<>
S: 250 2.1.0 Sender OK
C: RCPT TO:<alice@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x+40y.test
S: 250 2.1.5 Recipient OK
C: RCPT TO:<bob@example.test> NOTIFY=NEVER,FAILURE
S: 501 5.5.4 Bad parameter value
C: RCPT TO:<bob@example.test> NOTIFY=
S: 501 5.5.4 Bad parameter value
C: RCPT TO:<bob@example.test> ORCPT=nothing
S: 501 5.5.4 Bad parameter value
C: RCPT TO:<bob@example.test> ORCPT=rfc822;a+0D+0Ab
S: 501 5.5.4 Bad parameter value
C: RCPT TO:<bob@example.test> FOO=BAR
S: 555 5.5.4 Unknown parameter
C: RSET
S: 250 2.0.0 OK
C: MAIL FROM:<a@b.test> SIZE=52428801
S: 552 5.3.4 Message too big
C: MAIL FROM:<a@b.test> SIZE=99999999999999999999999
S: 552 5.3.4 Message too big
C: MAIL FROM:<a@b.test> SIZE=-1
S: 501 5.5.4 Bad parameter value
C: MAIL FROM:<a@b.test> BODY=BINARYMIME
S: 501 5.5.4 Bad parameter value
C: MAIL FROM:<a@b.test> RET=ALL
S: 501 5.5.4 Bad parameter value
C: MAIL FROM:<a@b.test> ENVID=+0A
S: 501 5.5.4 Bad parameter value
C: MAIL FROM:<a@b.test> SMTPUTF8=1
S: 501 5.5.4 Bad parameter value
C: MAIL FROM:<a@b.test> FOO
S: 555 5.5.4 Unknown parameter
TALK
}

@test "parameters of MAIL and RCPT: each once" {
	talk <<'TALK'
C: MAIL FROM:<a@b.test> RET=FULL ret=HDRS
S: 501 5.5.4 A parameter stands there twice
C: MAIL FROM:<a@b.test> ENVID=1 SIZE=1 ENVID=1
S: 501 5.5.4 A parameter stands there twice
C: MAIL FROM:<a@b.test> SIZE=1 SIZE=1
S: 501 5.5.4 A parameter stands there twice
C: MAIL FROM:<a@b.test> BODY=7BIT AUTH=<> RET=FULL ENVID=1 SIZE=1 SMTPUTF8
S: 250 2.1.0 Sender OK
C: RCPT TO:<alice@example.test> NOTIFY=NEVER NOTIFY=NEVER
S: 501 5.5.4 A parameter stands there twice
C: RCPT TO:<alice@example.test> ORCPT=rfc822;a NOTIFY=DELAY orcpt=rfc822;b
S: 501 5.5.4 A parameter stands there twice
C: RCPT TO:<alice@example.test> NOTIFY=SUCCESS,success,SUCCESS
S: 250 2.1.5 Recipient OK
TALK
}

@test "addresses beyond ASCII need SMTPUTF8, and have to be UTF-8" {
	mkdir -p "$MAIL/jürgen"/{tmp,new,cur}
	talk <<'TALK'
c: MAIL FROM:<j\xc3\xbcrgen@b.test>\r\n
S: 553 5.6.7 Address needs SMTPUTF8
c: MAIL FROM:<j\xfcrgen@b.test> SMTPUTF8\r\n
S: 501 5.1.7 Bad sender address
c: MAIL FROM:<j\xc0\xafrgen@b.test> SMTPUTF8\r\n
S: 501 5.1.7 Bad sender address
c: MAIL FROM:<j\xc3\xbcrgen@b\xc3\xbcro.test> SMTPUTF8\r\n
S: 250 2.1.0 Sender OK
c: RCPT TO:<j\xc3\xbcrgen@example.test>\r\n
S: 250 2.1.5 Recipient OK
C: DATA
S: 354 End with CRLF.CRLF
C: .
S: 250 2.0.0 OK *
TALK
	mail_of jürgen | grep -q '^Return-Path: <jürgen@büro.test>$'
	mail_of jürgen | grep -q 'with UTF8SMTP id'
}

@test "what loopback sends elsewhere waits in the queue" {
	step env TCPREMOTEIP=127.0.0.1 "$smtpd" <<'TALK'
S: 220 mx.example.test ESMTP Pennypost
C: EHLO client.test
S: 250-mx.example.test
S: 250-SIZE 52428800
S: 250-LIMITS *
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-ENHANCEDSTATUSCODES
S: 250-DSN
S: 250-CHUNKING
S: 250 HELP
C: MAIL FROM:<alice@example.test> BODY=8BITMIME RET=FULL ENVID=abc
S: 250 2.1.0 Sender OK
C: RCPT TO:<x@far.test> NOTIFY=NEVER
S: 250 2.1.5 Recipient OK, to be relayed
C: RCPT TO:<bob@example.test>
S: 250 2.1.5 Recipient OK
C: RCPT TO:<y@far.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;z@far.test
S: 250 2.1.5 Recipient OK, to be relayed
C: DATA
S: 354 End with CRLF.CRLF
C: Subject: x
C:
C: ..body
C: .
S: 250 2.0.0 OK *
TALK
	[ "$(count "$QUEUE")" = 1 ]
	sed 's/[0-9A-F]\{14,\}\.[0-9]*/ID/; s/^arrived .*/arrived T/; s/^\t[A-Z].*+0000$/\tDATE/' "$QUEUE"/* >got
	cat >want <<'FILE'
pennypost-queue 1
id ID
arrived T
size 000000000000150
body 8bitmime
ret full
envid abc
from <alice@example.test>
to . <x@far.test> notify=NEVER
to + <bob@example.test>
to . <y@far.test> notify=SUCCESS,DELAY orcpt=rfc822;z@far.test

Received: from client.test ([127.0.0.1])
	by mx.example.test with ESMTP id ID;
	DATE
Subject: x

.body
FILE
	sed -i 's/^size .*/size N/' want
	size=$(sed -n 's/^size 0*//p' got)
	sed -i 's/^size .*/size N/' got
	diff want got
	# The size is that of the message behind the blank line.
	[ "$size" = "$(sed '1,/^$/d' "$QUEUE"/* | wc -c)" ]
	[ "$(count "$MAIL/bob/new")" = 1 ]
	assert_no_tmp
}

@test "ORCPT beyond ASCII needs utf-8 and SMTPUTF8" {
	talk TCPREMOTEIP=127.0.0.1 "$smtpd" <<'TALK'
C: MAIL FROM:<a@b.test>
S: 250 2.1.0 Sender OK
c: RCPT TO:<x@far.test> ORCPT=utf-8;j\xc3\xbc@far.test\r\n
S: 501 5.5.4 Bad parameter value
C: RSET
S: 250 2.0.0 OK
C: MAIL FROM:<a@b.test> SMTPUTF8
S: 250 2.1.0 Sender OK
c: RCPT TO:<x@far.test> ORCPT=rfc822;j\xc3\xbc@far.test\r\n
S: 501 5.5.4 Bad parameter value
c: RCPT TO:<x@far.test> ORCPT=utf-8;j\xfc@far.test\r\n
S: 501 5.5.4 Bad parameter value
c: RCPT TO:<x@far.test> ORCPT=utf-8;j\xc3\xbc@far.test\r\n
S: 250 2.1.5 Recipient OK, to be relayed
C: DATA
S: 354 End with CRLF.CRLF
C: .
S: 250 2.0.0 OK *
TALK
	[ "$(count "$QUEUE")" = 2 ]
	[ "$(grep -h '^to ' "$QUEUE"/* | sort -u)" = \
		'to . <x@far.test> orcpt=utf-8;jü@far.test' ]
}

@test "a forward keeps what the sender wants to be told, but for success" {
	printf '%s\n' 'some: x@far.test, y@far.test' 'one: z@far.test' \
		'none: w@far.test' >"$PENNYPOST_HOME/users/aliases"
	pipe "$smtpd" <<'TALK'
S: 220 mx.example.test ESMTP Pennypost
C: HELO client.test
S: 250 mx.example.test
C: MAIL FROM:<a@b.test> RET=HDRS ENVID=abc
S: 250 2.1.0 Sender OK
C: RCPT TO:<some@example.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o@b.test
S: 250 2.1.5 Recipient OK
C: RCPT TO:<one@example.test> NOTIFY=SUCCESS
S: 250 2.1.5 Recipient OK
C: RCPT TO:<none@example.test>
S: 250 2.1.5 Recipient OK
C: DATA
S: 354 End with CRLF.CRLF
C: .
S: 250 2.0.0 OK *
TALK
	# Three forwards, and smtpd's own file: success is told here.
	[ "$(count "$QUEUE")" = 4 ]
	grep -h '^to ' "$QUEUE"/* | sort >got
	sort >want <<'FILE'
to . <w@far.test>
to . <x@far.test> notify=DELAY orcpt=rfc822;o@b.test
to . <y@far.test> notify=DELAY orcpt=rfc822;o@b.test
to . <z@far.test> notify=NEVER
to s <some@example.test> notify=SUCCESS,DELAY orcpt=rfc822;o@b.test
to s <one@example.test> notify=SUCCESS
to + <none@example.test>
FILE
	diff want got
	[ "$(grep -lx 'ret hdrs' "$QUEUE"/* | wc -l)" = 4 ]
	[ "$(grep -lx 'envid abc' "$QUEUE"/* | wc -l)" = 4 ]
}

@test "relay_from names who else may relay" {
	echo 'relay_from 192.0.2.0/24 2001:db8::/32' >>"$PENNYPOST_HOME/pennypost.conf"
	local peer
	for peer in 192.0.2.77 2001:db8:1::5; do
		talk TCPREMOTEIP=$peer "$smtpd" <<'TALK'
C: MAIL FROM:<>
S: 250 2.1.0 Sender OK
C: RCPT TO:<x@far.test>
S: 250 2.1.5 Recipient OK, to be relayed
TALK
	done
	for peer in 127.0.0.1 192.0.3.1 ::1 2001:db9::1 nonsense; do
		talk TCPREMOTEIP=$peer "$smtpd" <<'TALK'
C: MAIL FROM:<>
S: 250 2.1.0 Sender OK
C: RCPT TO:<x@far.test>
S: 550 5.7.1 <x@far.test>: relaying denied
TALK
	done
}

@test "relay_from may be as long as one likes" {
	echo "relay_from $(printf '10.0.0.%d ' {1..200})192.0.2.7" \
		>>"$PENNYPOST_HOME/pennypost.conf"
	talk TCPREMOTEIP=192.0.2.7 "$smtpd" <<'TALK'
C: MAIL FROM:<>
S: 250 2.1.0 Sender OK
C: RCPT TO:<x@far.test>
S: 250 2.1.5 Recipient OK, to be relayed
TALK
}

@test "many recipients share one file" {
	talk <<'TALK'
C: MAIL FROM:<>
S: 250 2.1.0 Sender OK
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 Recipient OK
C: RCPT TO:<bob@example.test>
S: 250 2.1.5 Recipient OK
C: RCPT TO:<carol@example.test>
S: 250 2.1.5 Recipient OK
C: RCPT TO:<postmaster@example.test>
S: 250 2.1.5 Recipient OK
C: DATA
S: 354 End with CRLF.CRLF
C: .
S: 250 2.0.0 OK *
TALK
	[ "$(count "$MAIL")" = 6 ]	# twice three
	[ "$(stat -c %h "$MAIL"/alice/new/* | sort -u)" = 3 ]
	run -1 grep Delivered-To "$MAIL"/*/new/*
	assert_no_tmp
	[ "$(count "$QUEUE")" = 0 ]
}

@test "one of two mailboxes fails: one reply, nobody's mail is lost" {
	chmod 755 "$BATS_TEST_TMPDIR"
	rm -r "$MAIL/bob/new"
	talk <<'TALK'
C: MAIL FROM:<a@b.test>
S: 250 2.1.0 Sender OK
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 Recipient OK
C: RCPT TO:<bob@example.test>
S: 250 2.1.5 Recipient OK
C: DATA
S: 354 End with CRLF.CRLF
C: .
S: 250 2.0.0 OK *
TALK
	[ "$(count "$MAIL/alice/new")" = 2 ]
	grep -q '^to + <alice@example.test>$' "$QUEUE"/*
	grep -q '^to \. <bob@example.test>$' "$QUEUE"/*
	[ "$(count "$QUEUE")" = 2 ]
	assert_no_tmp
}

@test "the only mailbox fails: the sender keeps the message" {
	rm -r "$MAIL/bob/new"
	talk <<'TALK'
C: MAIL FROM:<a@b.test>
S: 250 2.1.0 Sender OK
C: RCPT TO:<bob@example.test>
S: 250 2.1.5 Recipient OK
C: DATA
S: 354 End with CRLF.CRLF
C: .
S: 451 4.3.0 Cannot write it now
C: MAIL FROM:<a@b.test>
S: 250 2.1.0 Sender OK
TALK
	[ "$(count "$QUEUE")" = 0 ]
	assert_no_tmp
}

@test "no deliver to be had: 451 at RCPT" {
	mkdir alone
	cp "$smtpd" alone/
	talk alone/smtpd <<'TALK'
C: MAIL FROM:<a@b.test>
S: 250 2.1.0 Sender OK
C: RCPT TO:<bob@example.test>
S: 451 4.3.0 Local delivery is not available now
C: NOOP
S: 250 2.0.0 OK
TALK
}

@test "deliver cannot be looked for: 451 at RCPT, and a log line" {
	pipe strace -o trace -e trace=readlink,readlinkat \
		-e inject=readlink,readlinkat:error=ENOENT "$smtpd" <<'TALK'
S: 220 mx.example.test ESMTP Pennypost
C: HELO client.test
S: 250 mx.example.test
C: MAIL FROM:<a@b.test>
S: 250 2.1.0 Sender OK
C: RCPT TO:<bob@example.test>
S: 451 4.3.0 Local delivery is not available now
TALK
	grep -q 'where is deliver' "$BATS_TEST_TMPDIR/stderr"
}

@test "BDAT: chunks cut anywhere are one message" {
	step "$smtpd" <<<"$HELLO
C: MAIL FROM:<a@b.test>
S: 250 2.1.0 Sender OK
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 Recipient OK
c: BDAT 11\r\nSubject: x\r
S: 250 2.0.0 11 octets
c: BDAT 0\r\n
S: 250 2.0.0 0 octets
c: BDAT 7\r\n\n\r\n.\r\nQ
S: 250 2.0.0 7 octets
c: BDAT 5 LAST\r\nUIT\r\n
S: 250 2.0.0 OK *
C: QUIT
S: 221 2.0.0 *"
	[ "$(mail_of | tail -4)" = $'Subject: x\n\n.\nQUIT' ]
}

@test "BDAT: the last line may lack its CRLF" {
	pipe "$smtpd" <<<"$HELLO
C: MAIL FROM:<a@b.test>
S: 250 2.1.0 Sender OK
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 Recipient OK
c: BDAT 5 last\r\n\r\nend
S: 250 2.0.0 OK *"
	[ "$(mail_of | tail -2)" = $'\nend' ]
}

@test "BDAT: refused chunks are read, not obeyed" {
	talk <<'TALK'
c: BDAT 12\r\nMAIL FROM:<>
S: 503 5.5.1 Bad sequence of commands
c: BDAT 6 LAST\r\nQUIT\r\n
S: 503 5.5.1 Bad sequence of commands
C: MAIL FROM:<>
S: 250 2.1.0 Sender OK
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 Recipient OK
c: BDAT 3\r\nx\ny
S: 550 5.6.0 Bare CR or LF in the message
c: BDAT 2 LAST\r\n\r\n
S: 503 5.5.1 Bad sequence of commands
C: MAIL FROM:<>
S: 250 2.1.0 Sender OK
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 Recipient OK
c: BDAT 3\r\na\r\n
S: 250 2.0.0 3 octets
C: DATA
S: 503 5.5.1 Bad sequence of commands
C: RCPT TO:<bob@example.test>
S: 503 5.5.1 Bad sequence of commands
C: RSET
S: 250 2.0.0 OK
c: BDAT x LAST\r\nQUIT\r\n
S: 501 5.5.4 Syntax: BDAT SIZE [LAST], closing
TALK
	[ "$(count "$MAIL")" = 0 ]
	assert_no_tmp
}

@test "after a refused message the state is as after RSET" {
	echo 'message_size_limit 65536' >>"$PENNYPOST_HOME/pennypost.conf"
	local big
	big=$(printf 'x%.0s' {1..900})
	{
		echo "$HELLO"
		echo 'C: MAIL FROM:<>'
		echo 'S: 250 2.1.0 Sender OK'
		echo 'C: RCPT TO:<alice@example.test>'
		echo 'S: 250 2.1.5 Recipient OK'
		echo 'C: DATA'
		echo 'S: 354 End with CRLF.CRLF'
		for _ in {1..80}; do echo "C: $big"; done
		echo 'C: .'
		echo 'S: 552 5.3.4 Message too big'
		echo 'C: DATA'
		echo 'S: 503 5.5.1 Bad sequence of commands'
		echo 'C: RCPT TO:<alice@example.test>'
		echo 'S: 503 5.5.1 Bad sequence of commands'
		echo 'C: MAIL FROM:<>'
		echo 'S: 250 2.1.0 Sender OK'
		echo 'C: RCPT TO:<alice@example.test>'
		echo 'S: 250 2.1.5 Recipient OK'
		echo 'C: DATA'
		echo 'S: 354 End with CRLF.CRLF'
		echo 'C: small'
		echo 'C: .'
		echo 'S: 250 2.0.0 OK *'
	} >conversation
	both "$smtpd" <conversation
	[ "$(count "$MAIL")" = 2 ]
	assert_no_tmp
}

@test "the other side goes away in the middle: nothing stays" {
	pipe "$smtpd" <<<"$HELLO
C: MAIL FROM:<>
C: RCPT TO:<alice@example.test>
C: DATA
C: half a mess
S: 250 2.1.0 Sender OK
S: 250 2.1.5 Recipient OK
S: 354 *"
	[ "$(count "$MAIL")" = 0 ]
	assert_no_tmp
}

@test "submission: AUTH comes first, for strangers" {
	talk TCPREMOTEIP=192.0.2.1 "$smtpd" -s <<'TALK'
C: MAIL FROM:<alice@example.test>
S: 530 5.7.0 Authentication required
C: EHLO a.test
S: 250-mx.example.test
S: 250-SIZE *
S: 250-LIMITS *
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-ENHANCEDSTATUSCODES
S: 250-DSN
S: 250-CHUNKING
S: 250 HELP
C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
S: 538 5.7.11 Not without encryption
TALK
}

EHLO='S: 220 mx.example.test ESMTP Pennypost
C: EHLO client.test
S: 250-mx.example.test
S: 250-SIZE *
S: 250-LIMITS *
S: 250-AUTH PLAIN LOGIN
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-ENHANCEDSTATUSCODES
S: 250-DSN
S: 250-CHUNKING
S: 250 HELP'

@test "submission: AUTH PLAIN, and then mail to anywhere" {
	step "$smtpd" -s <<<"$EHLO
C: MAIL FROM:<alice@example.test>
S: 530 5.7.0 Authentication required
C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
S: 235 2.7.0 Welcome
C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
S: 503 5.5.1 Bad sequence of commands
C: MAIL FROM:<alice@example.test>
S: 250 2.1.0 Sender OK
C: RCPT TO:<x@far.test>
S: 250 2.1.5 Recipient OK, to be relayed
C: RCPT TO:<bob@example.test>
S: 250 2.1.5 Recipient OK
C: DATA
S: 354 End with CRLF.CRLF
C: Subject: x
C:
C: body
C: .
S: 250 2.0.0 OK *"
	grep -q 'with ESMTPA id' "$QUEUE"/*
	grep -q '^Date: [A-Z][a-z][a-z], .* +0000$' "$MAIL"/bob/new/*
	grep -q '^Message-ID: <[0-9A-F.]*@mx.example.test>$' "$MAIL"/bob/new/*
	# They stand in the header.
	[ "$(sed '/^$/,$d' "$MAIL"/bob/new/* | grep -c '^Date:\|^Message-ID:')" = 2 ]
}

@test "submission: Date and Message-ID that are there are left alone" {
	talk TCPREMOTEIP=127.0.0.1 "$smtpd" -s <<'TALK'
C: MAIL FROM:<alice@example.test>
S: 250 2.1.0 Sender OK
C: RCPT TO:<bob@example.test>
S: 250 2.1.5 Recipient OK
C: DATA
S: 354 End with CRLF.CRLF
C: DATE: yesterday
C: Message-Id : <1@a.test>
C:
C: .
S: 250 2.0.0 OK *
TALK
	run -1 grep '^Date:\|^Message-ID:' "$MAIL"/bob/new/*
}

@test "submission: AUTH in all its ways, right and wrong" {
	both "$smtpd" -s <<<"$EHLO
C: AUTH CRAM-MD5
S: 504 5.5.4 Mechanism not known
C: AUTH PLAIN
S: 334 *
C: *
S: 501 5.7.0 Given up
C: AUTH PLAIN =
S: 501 5.5.2 That is no response of this mechanism
C: AUTH PLAIN AGFsaWNlAHdyb25n
S: 535 5.7.8 User or password is wrong
C: AUTH PLAIN AG5vYm9keQBzZWNyZXQ=
S: 535 5.7.8 User or password is wrong
C: AUTH PLAIN YWxpY2UAYWxpY2U=
S: 501 5.5.2 That is no response of this mechanism
C: AUTH PLAIN Ym9iAGFsaWNlAHNlY3JldA==
S: 501 5.5.2 That is no response of this mechanism
C: AUTH PLAIN !!!!
S: 501 5.5.2 That is no response of this mechanism
C: AUTH LOGIN
S: 334 VXNlcm5hbWU6
C: YWxpY2VAZXhhbXBsZS50ZXN0
S: 334 UGFzc3dvcmQ6
C: d3Jvbmc=
S: 535 5.7.8 User or password is wrong
C: AUTH LOGIN YWxpY2VAZXhhbXBsZS50ZXN0
S: 334 UGFzc3dvcmQ6
C: c2VjcmV0
S: 235 2.7.0 Welcome"
	run -1 grep 'secret\|c2VjcmV0' "$BATS_TEST_TMPDIR/stderr"
}

@test "submission: an auth program that cannot tell" {
	echo 'auth /bin/sh -c exit\ 111' >>"$PENNYPOST_HOME/pennypost.conf"
	both "$smtpd" -s <<<"$EHLO
C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
S: 454 4.7.0 Cannot tell now"
}

@test "a mistake in pennypost.conf: 421, and a log line with its place" {
	echo 'relay_form 10.0.0.0/8' >>"$PENNYPOST_HOME/pennypost.conf"
	run -78 "$smtpd"
	[[ $output == *'pennypost.conf:3: relay_form: unknown key'* ]]
	[[ $output == *'421 4.3.0 Out of service, try later'* ]]
	echo 'host mx.example.test' >"$PENNYPOST_HOME/pennypost.conf"
	local line
	for line in 'message_size_limit 12' 'message_size_limit 1e9' 'host a/b' \
		'relay_from 10.0.0.0/33' 'relay_from x' 'auth true' \
		'alias_pipes maybe' 'host'; do
		printf 'host mx.example.test\n# note\n%s\n' "$line" \
			>"$PENNYPOST_HOME/pennypost.conf"
		run -78 "$smtpd"
		[[ $output == *'pennypost.conf:3: '* ]]
	done
}

@test "no users/domains: 421, before the greeting" {
	rm "$PENNYPOST_HOME/users/domains"
	run -78 --separate-stderr "$smtpd" <<<''
	[ "$output" = $'421 4.3.0 Out of service, try later\r' ]
}

@test "the last word is heard by who still sends" {
	cat >client.py <<'PY'
import socket, subprocess, sys, time

listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()
smtpd = subprocess.Popen(sys.argv[1:], stdin=server, stdout=server)
server.close()
client.sendall(b"FOO\r\n" * 50000)
client.shutdown(socket.SHUT_WR)
assert smtpd.wait() == 0
got = b""
while more := client.recv(65536): # a reset is an exception
    got += more
assert got.endswith(b"421 4.7.0 Too many errors, closing\r\n"), got
PY
	PENNYPOST_LOG=stderr python3 client.py "$smtpd" \
		2>"$BATS_TEST_TMPDIR/stderr"
}

# The queue runner

# relayed TO...: one message for these, in one session
relayed() {
	{
		printf '%s\r\n' 'HELO client.test' 'MAIL FROM:<a@b.test>'
		printf 'RCPT TO:<%s>\r\n' "$@"
		printf '%s\r\n' DATA 'Subject: x' . QUIT
	} | TCPREMOTEIP=127.0.0.1 "$smtpd" 2>>"$BATS_TEST_TMPDIR/stderr" |
		grep '^250 2.0.0'
}

@test "a nudge for each queue file that waits, or has to report; else none" {
	relayed alice@example.test
	[ -z "$(nudged)" ]
	relayed you@far.test alice@example.test
	[ "$(nudged)" = "$(ls "$QUEUE")" ]
	rm "$QUEUE"/*
	pipe "$smtpd" <<<"$HELLO
C: MAIL FROM:<a@b.test>
C: RCPT TO:<alice@example.test> NOTIFY=SUCCESS
C: DATA
C: .
S: 250 *
S: 250 *
S: 354 *
S: 250 *"
	[ "$(nudged)" = "$(ls "$QUEUE")" ]
	# Nor is there one when the file could not be written.
	rm -r "$QUEUE"
	run -1 relayed you@far.test
	[ -z "$(nudged)" ]
}

# And it keeps nobody waiting: no descriptor, and so no socket, is its own.
@test "nobody runs the queue: the runner is started, and has nothing of ours" {
	runner_tells
	cat >client.py <<'PY'
import socket, subprocess, sys

listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
client.settimeout(30)
server, _ = listener.accept()
smtpd = subprocess.Popen([sys.argv[1]], stdin=server, stdout=server,
    stderr=server) # as xinetd does it
server.close()
client.sendall(b"".join(line + b"\r\n" for line in [b"HELO x",
    b"MAIL FROM:<a@b.test>", b"RCPT TO:<alice@example.test>",
    b"RCPT TO:<you@far.test>", b"DATA", b"Subject: x", b".", b"QUIT"]))
got = b""
while more := client.recv(65536): # to the end: only smtpd has the socket
    got += more
assert b"250 2.0.0 OK" in got and smtpd.wait(30) == 0, got
PY
	SECRET=x python3 client.py "$PROGRAMS/smtpd"
	assert_runner_told /dev/null PENNYPOST_LOG=syslog
}

@test "-l: a local user, who needs no password and may send anywhere" {
	echo 'relay_from 192.0.2.1' >>"$PENNYPOST_HOME/pennypost.conf"
	for s in -s ''; do
		# shellcheck disable=SC2086
		TCPREMOTEIP=203.0.113.1 pipe "$PROGRAMS/smtpd" $s -l 1234 <<'TALK'
S: 220 *
C: HELO x
S: 250 *
C: MAIL FROM:<a@example.test>
S: 250 *
C: RCPT TO:<b@example.net>
S: 250 *
C: DATA
S: 354 *
C: Subject: x
C:
C: .
S: 250 *
C: QUIT
S: 221 *
TALK
		grep -qx 'Received: from x (uid 1234)' "$QUEUE"/*
		rm "$QUEUE"/*
	done
	grep -q ': message .* uid=1234 user= reply=250 ' \
		"$BATS_TEST_TMPDIR/stderr"
	for bad in '' -1 x 4294967296; do
		run -64 "$PROGRAMS/smtpd" -l "$bad" </dev/null
	done
}

# Whoever made the pair may speak for the network, as a TLS helper does.
@test "a socketpair is nobody's uid; a Unix socket with a name is" {
	echo 'relay_from 192.0.2.1' >>"$PENNYPOST_HOME/pennypost.conf"
	cat >talk.py <<'END'
import os, socket, subprocess, sys
def start(fd):
    subprocess.Popen(sys.argv[2:], stdin=fd, stdout=fd)
    fd.close()
if sys.argv[1] == "pair":
    ours, theirs = socket.socketpair()
    start(theirs)
else:
    server = socket.socket(socket.AF_UNIX)
    server.bind(sys.argv[1])
    server.listen()
    ours = socket.socket(socket.AF_UNIX)
    ours.connect(sys.argv[1])
    start(server.accept()[0])
ours.sendall(b"EHLO x\r\nMAIL FROM:<a@example.test>\r\n"
             b"RCPT TO:<b@example.net>\r\nQUIT\r\n")
sys.stdout.write(ours.makefile("r").read())
END
	export PENNYPOST_LOG=stderr
	run -0 timeout 60 python3 talk.py "$PWD/socket" "$PROGRAMS/smtpd" -s
	[[ $output == *'250 2.1.5 '* ]]
	[[ $output != *AUTH* ]]
	run -0 timeout 60 python3 talk.py pair "$PROGRAMS/smtpd" -s
	[[ $output == *'530 5.7.0 Authentication required'* ]]
	run -0 timeout 60 python3 talk.py pair "$PROGRAMS/smtpd"
	[[ $output == *'550 5.7.1 '* ]]
}

# How many children of a process have not ended.
running() { # PID
	ps -o stat= --ppid "$1" | grep -vc Z
}

@test "runners that have ended are not kept" {
	runner_tells
	printf '#!/bin/sh\n' >"$PROGRAMS/queue-run"
	coproc SMTPD { TCPREMOTEIP=127.0.0.1 exec "$PROGRAMS/smtpd" \
		2>>"$BATS_TEST_TMPDIR/stderr"; }
	local pid=$SMTPD_PID line child n=0
	exec 8<&"${SMTPD[0]}" 9>&"${SMTPD[1]}"
	eval "exec ${SMTPD[0]}<&- ${SMTPD[1]}>&-"
	printf 'HELO x\r\n' >&9
	for _ in $(seq 10); do
		printf '%s\r\n' 'MAIL FROM:<>' 'RCPT TO:<you@far.test>' DATA \
			. >&9
		until [[ ${line-} == '250 2.0.0 OK'* ]]; do
			read -r -t 10 line <&8
		done
		line=
		until [ "$(running "$pid")" = 1 ]; do sleep 0.02; done # the talker
	done
	for child in $(cat "/proc/$pid/task/$pid/children"); do
		n=$((n + 1))
	done
	[ "$n" -le 2 ] # the talker, and the last
	[ "$(count "$QUEUE")" = 10 ]
	exec 9>&-
	wait "$pid"
	exec 8<&-
}

@test "users/passwd is looked at where there are logins, and nowhere else" {
	strace -qq -o trace true || skip "no process may be traced here"
	printf 'EHLO x\r\nQUIT\r\n' >in
	# Its names are shown to root alone, who the namespace makes us.
	local as=()
	[ "$(id -u)" = 0 ] || as=(unshare -Ur)
	"${as[@]}" strace -f -o trace -e trace=open,openat "$smtpd" <in >out
	run -1 grep users/passwd trace
	"${as[@]}" strace -f -o trace -e trace=open,openat "$smtpd" -s <in >out
	grep users/passwd trace
}
