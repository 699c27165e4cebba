#!/usr/bin/env bats
# mailclient and what servers say to it: ours, and such as lie or hang up.

load mailclient

# The program with times that a test can wait for: in $quick all of them, in
# $short that of the end alone, which comes behind other answers.
setup_file() {
	local at=$BATS_FILE_TMPDIR
	cp -R "$ROOT"/{Makefile,src,tests} "$at"
	sed -i 's/^\(#define END_TIMEOUT\) [0-9]*/\1 1/' "$at/src/mailclient/smtp.c"
	make -s -C "$at" BUILD=build build/mailclient
	mkdir "$at"/{short,quick}
	cp "$at/build/mailclient" "$at/short"
	sed -i 's/^\(#define REPLY_TIMEOUT\) [0-9]*/\1 1/
		s/^\(#define \(CONNECT\|HANDSHAKE\)_TIMEOUT\) [0-9]*/\1 1000/' \
		"$at/src/mailclient/remote.c"
	# Beside it is a tls that may have been built with SANITIZE=1.
	sed -i 's/^\(#define TALKER_MEMORY\) .*/\1 0/' "$at/src/mailclient/keeper.c"
	make -s -C "$at" BUILD=build build/mailclient
	cp "$at/build/mailclient" "$at/quick"
	[ ! -x "$PROGRAMS/tls" ] || cp "$PROGRAMS/tls" "$at/quick"
}

setup() {
	short=$BATS_FILE_TMPDIR/short quick=$BATS_FILE_TMPDIR/quick
	home_make
	export TZ=UTC PENNYPOST_LOG=stderr
	smtp=1 pop3=1 # nobody is there
	doubles=0
}

# A server that says what stands on the standard input: its port is in $double.
double() { # [cuts]
	doubles=$((doubles + 1))
	local at=$BATS_TEST_TMPDIR/double.$doubles
	cat >"$at.talk"
	"$BATS_TEST_DIRNAME/mailclient/double" "$at" "$@" <"$at.talk" \
		>"$at.wrong" 2>>"$BATS_TEST_TMPDIR/stderr" 3>&- 7>&- &
	DOUBLE=$!
	STARTED="${STARTED-} $!"
	for _ in $(seq 600); do
		[ ! -s "$at" ] && kill -0 "$DOUBLE" 2>/dev/null || break
		sleep 0.05
	done
	[ -s "$at" ] && double=$(cat "$at")
}

# All of it was said and heard.
double_done() {
	wait "$DOUBLE"
	[ ! -s "$BATS_TEST_TMPDIR/double.$doubles.wrong" ] ||
		{ cat "$BATS_TEST_TMPDIR/double.$doubles.wrong"; return 1; }
}

# manage OPTION... PORT ANSWER...: what it says to the mailbox of alice there.
manage() {
	local options=()
	while [[ $1 = -* ]]; do
		options+=("$1")
		shift
	done
	local port=$1
	shift
	run -"${status_wanted:-0}" talk "${options[@]}" 127.0.0.1 "$smtp" \
		"$port" < <(printf '%s\n' 1 alice@example.test "${password-secret}" \
		"$@")
	echo "$output"
}

# send OPTION... PORT: a mail of one line, from alice to bob and carol.
send() {
	local options=()
	while [[ $1 = -* ]]; do
		options+=("$1")
		shift
	done
	run -"${status_wanted:-0}" talk "${options[@]}" 127.0.0.1 "$1" \
		"$pop3" < <(printf '%s\n' 2 alice@example.test \
		"${to-bob@example.test, carol@example.test}" hello ..text . n 3)
	echo "$output"
}

says() { # TEXT: it said that, once
	[[ $output = *"$1"* ]] || { echo "not said: $1, but: $output"; return 1; }
}

@test "POP3: what a server of today is told" {
	double <<'TALK'
S: +OK hi
C: CAPA
S: +OK
S: PIPELINING
S: TOP
S: UTF8
S: SASL SCRAM-SHA-256 plain
S: .
C: UTF8
S: +OK
C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZWNyZXQ=
S: +OK in
C: STAT
S: +OK 3 600
C: LIST
S: +OK
S: 1 100
S: 2 200
S: 3 300
S: .
C: TOP 1 0
S: +OK
S: From: one@example.test
S:
S: .
C: TOP 2 0
C: TOP 3 0
S: -ERR not this one
S: +OK
S: From: three@example.test
S: .
C: RETR 3
S: +OK
S: From: three@example.test
S:
S: ..
S: ..b
S: c
S: .
C: DELE 3
S: +OK
C: QUIT
S: +OK
end
TALK
	manage "$double" 3 d q 3
	double_done
	says one@example.test
	says three@example.test
	says $'\n.\n.b\nc\n'
	says '1 mail deleted'
}

# As a student writes it: lines with LF, no CAPA, no TOP, no LIST.
@test "POP3: a server of the teaching kind" {
	double <<'TALK'
s: +OK\n
C: CAPA
s: -ERR\n
C: USER alice@example.test
s: +OK\n
C: PASS secret
s: +OK\n
C: STAT
s: +OK 2 90\n
C: LIST
s: -ERR unknown\n
C: TOP 1 0
s: -ERR unknown\n
C: RETR 1
s: +OK 45 octets\nFrom: <one@example.test>\nSubject: a\n\ntext\n.\n
C: RETR 2
s: +OK\r\nFrom: <two@example.test>\nSubject: b\n\n..t\n.\r\n
C: RETR 2
s: +OK\r\nFrom: <two@example.test>\nSubject: b\n\n..t\n.\r\n
C: QUIT
s: +OK\n
end
TALK
	manage "$double" 2 '' q 3
	double_done
	says one@example.test
	says $'\n.t\n'
}

# An LF ends no line there: else a letter could say what the server says next.
@test "POP3: a letter does not speak for the server" {
	double <<'TALK'
S: +OK
C: CAPA
S: -ERR
C: USER alice@example.test
S: +OK
C: PASS secret
S: +OK
C: STAT
S: +OK 1 90
C: LIST
S: +OK
S: 1 90
S: .
C: TOP 1 0
S: +OK
s: Subject: x\r\n\n.\n+OK\n.\n\r\n.\r\n
C: RETR 1
S: +OK
s: Subject: x\r\n\r\na\n.\n+OK forged\nb\r\n.\n+OK\r\n.\r\n
C: DELE 1
S: -ERR no
C: QUIT
S: +OK
end
TALK
	manage "$double" 1 d q 3
	double_done
	says $'\na\n.\n+OK forged\nb\n\n+OK\n'
	says 'The server does not delete it: no'
}

# Who lies is told so, and the program goes on: no number of his is trusted.
@test "POP3: servers that lie" {
	local start=$'S: +OK\nC: CAPA\nS: -ERR\nC: USER *\nS: +OK\nC: PASS *\n'
	local talk text
	cat >lies
	while IFS='|' read -r talk text; do
		[ "${talk#+}" = "$talk" ] || talk=$start${talk#+}
		printf '%b\n---\n' "$talk"
	done <lies >talks
	double <talks
	while IFS='|' read -r talk text; do
		status_wanted=69 manage "$double" 3
		says "$text" || { echo "$talk"; return 1; }
	done <lies
	double_done
} <<'LIES'
S: 220 mx.example.test ESMTP|does not speak POP3: it says "220 mx.example.test ESMTP". Is it the port for that?
S: +OKAY|does not speak POP3
s: +OK|has closed the connection
s:|has closed the connection
S: -ERR too many|The server takes nobody now: too many
e*3000: x|says too long a line
s: -ERR \\x1b[2J\\xc2\\x9b\\0x\\r\\n|The server takes nobody now: ?[2J?
+S: -ERR|Wrong user or password
+S: -ERR [AUTH] no|Wrong user or password: no.
+S: -ERR [IN-USE] busy|The mailbox cannot be opened now, try again in a minute: busy.
+S: +OK\nC: STAT\nS: -ERR no|The server cannot count the mail: no
+S: +OK\nC: STAT\nS: +OK|does not speak POP3
+S: +OK\nC: STAT\nS: +OK 1|does not speak POP3
+S: +OK\nC: STAT\nS: +OK -1 5|does not speak POP3
+S: +OK\nC: STAT\nS: +OK 1x 5|does not speak POP3
+S: +OK\nC: STAT\nS: +OK 18446744073709551617 5|does not speak POP3
+S: +OK\nC: STAT\nS: +OK 1000001 5|1000001 messages; more than 1000000 are not listed here
+S: +OK\nC: STAT\nS: +OK 2 5\nC: LIST\nS: maybe|does not speak POP3
+S: +OK\nC: STAT\nS: +OK 1 5\nC: LIST\nS: +OK\ns*70000: 1 5\\r\\n|has closed the connection
LIES

@test "POP3: numbers in LIST that nobody has asked for" {
	double <<'TALK'
S: +OK
C: CAPA
S: -ERR
C: USER *
S: +OK
C: PASS *
S: +OK
C: STAT
S: +OK 1 90
C: LIST
S: +OK
S: 0 1
S: 2 1
S: 90000000 1
S: 99999999999999999999 1
S: x
S:
S: 1 99999999999999999999
S: 1
s*70000: x
S:
S: .
C: TOP 1 0
S: +OK
S: From: one@example.test
S: .
C: QUIT
S: +OK
end
TALK
	manage "$double" q 3
	double_done
	says one@example.test
}

@test "POP3: a letter that is too large, and the session goes on" {
	double <<'TALK'
S: +OK
C: CAPA
S: +OK
S: TOP
S: PIPELINING
S: .
C: USER *
S: +OK
C: PASS *
S: +OK
C: STAT
S: +OK 1 90
C: LIST
S: -ERR
C: TOP 1 0
S: +OK
S: From: one@example.test
s*7000: X-Padding: text\r\n
S: .
C: RETR 1
S: +OK
s*3400000: 01234567\r\n
S: .
C: RETR 1
S: +OK
S: Subject: once more
S: .
C: QUIT
S: -ERR nothing depends on it
---
S: +OK
C: CAPA
S: -ERR
C: USER *
S: +OK
C: PASS *
S: +OK
C: STAT
S: +OK 1 90
C: LIST
S: -ERR
C: TOP 1 0
S: +OK
S: From: one@example.test
S: .
C: RETR 1
S: +OK
e*4300000: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
TALK
	manage "$double" 1 1 '' q 3
	says 'larger than 33554432 octets: too large to be shown here'
	says 'Subject: once more'
	status_wanted=69 manage "$double" 1 3
	says 'says more than any letter has'
	double_done
}

# Each at every line of a conversation, and with half of its line said.
@test "POP3: a server that hangs up, wherever it is" {
	double cuts <<'TALK'
S: +OK
C: CAPA
S: +OK
S: TOP
S: PIPELINING
S: .
C: USER *
S: +OK
C: PASS *
S: +OK
C: STAT
S: +OK 4 90
C: LIST
S: +OK
S: 1 90
S: .
C: TOP 1 0
S: +OK
S: From: one@example.test
S: .
s: +OK\r\n.\r\n+OK\r\n
s: .\r\n+OK\r\n.\r\n
C: TOP 2 0
C: TOP 3 0
C: TOP 4 0
C: RETR 4
S: +OK
S: From: four@example.test
S: .
C: DELE 4
S: +OK
C: QUIT
TALK
	for _ in $(seq 0 "$(wc -l <"$BATS_TEST_TMPDIR/double.1.talk")"); do
		status_wanted=69 manage "$double" 4 d q 3
		says ' has closed the connection: try again.'
	done
	says 'What was deleted may still be there'
	double_done
}

@test "SMTP: what a server of today is told" {
	mailclient_setup
	double <<'TALK'
S: 220-hi
S: 220 there
C: EHLO [127.0.0.1]
S: 250-x
S: 250-SIZE 100000
S: 250-auth LOGIN plain
S: 250-8BITMIME
S: 250 STARTTLS
C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZWNyZXQ=
S: 235 in
C: MAIL FROM:<alice@example.test> SIZE=*
S: 250 ok
C: RCPT TO:<bob@example.test>
S: 250 ok
C: RCPT TO:<carol@example.test>
S: 251 will forward
C: DATA
S: 354 go on
until Subject: hello
until ...text
C: .
S: 250-taken
S: 250 thanks
C: QUIT
TALK
	run -0 talk 127.0.0.1 "$double" "$pop3" < <(printf '%s\n' \
		1 alice@example.test secret \
		2 '' 'bob@example.test, <carol@example.test>' hello ..text . 3)
	says 'Mail sent successfully.'
	double_done
}

@test "SMTP: a server of the teaching kind" {
	double <<'TALK'
s: 220 <x> Service ready\n
C: EHLO *
s: 500 what?\n
C: HELO [127.0.0.1]
s: 250\n
C: MAIL FROM:<alice@example.test>
s: 250 <alice@example.test>... Sender ok\n
C: RCPT TO:<bob@example.test>
s: 250\n
C: DATA
s: 354\n
until Subject: hello
until ...text
C: .
s: 250 OK Message accepted for delivery\n
C: QUIT
TALK
	to=bob@example.test send "$double"
	says 'Mail sent successfully.'
	double_done
}

# None of these has the mail, and each says why; after `n` the menu is there.
@test "SMTP: servers that refuse, or lie" {
	local hello=$'S: 220 hi\nC: EHLO *\nS: 250-x\nS: 250 SIZE 100000\n'
	local mail=$hello$'C: MAIL *\nS: 250 ok\nC: RCPT TO:<bob*\nS: 250\n'
	local data=$mail$'C: RCPT TO:<carol*\nS: 250\nC: DATA\n' talk text
	cat >lies
	while IFS='|' read -r talk text; do
		talk=${talk/#1/$hello} talk=${talk/#2/$mail} talk=${talk/#3/$data}
		printf '%b\n---\n' "$talk"
	done <lies >talks
	double <talks
	while IFS='|' read -r talk text; do
		status_wanted=69 send "$double"
		says "$text" || { echo "$talk"; return 1; }
	done <lies
	double_done
} <<'LIES'
S: +OK hi|does not speak SMTP: it says "+OK hi". Is it the port for that?
S: 22|does not speak SMTP
S: 2200 hi|does not speak SMTP
S: 220-hi\nS: 221 ho|does not speak SMTP
e*101: 220-hi\\r\\n|does not speak SMTP
e*9000: 220-|says too long a line
S: 554 5.3.2 no\\x1b mail\nC: QUIT\nend|The server takes no mail now: 554 5.3.2 no
S: 220 hi\nC: EHLO *\nS: 500\nC: HELO *\nS: 550 go\nC: QUIT\nend|The server refuses us: 550 go
S: 220 hi\nC: EHLO *\nS: 250-x\nS: 250 SIZE 100\nC: QUIT\nend|and the server takes 100 at most
1C: MAIL *\nS: 550 not you\nC: QUIT\nend|The server refuses the sender alice@example.test: 550 not you
2C: RCPT *\nS: 550-no such\nS: 550 user\nC: QUIT\nend|Nobody has it, since the server refuses the recipient carol@example.test: 550 no such user
2C: RCPT *\nS: 421 closing|the recipient carol@example.test: 421 closing
3S: 250 ok\nC: QUIT\nend|The server refuses the message: 250 ok
3S: 554 no|The server refuses the message: 554 no
3s: 354 go\\r\\n250 taken\\r\\n|speaks out of turn
3S: 354 go\nC: *|The message may have been sent all the same: ask before you send it again
3S: 354 go\nuntil ...text\nC: .\nS: 554 spam\nC: QUIT\nend|The server refuses the message: 554 spam
LIES

@test "SMTP: a wrong password sends nothing, and none is none" {
	mailclient_setup
	double <<'TALK'
S: 220 hi
C: EHLO *
S: 250-x
S: 250 AUTH PLAIN
C: AUTH PLAIN *
S: 535 5.7.8 no
C: QUIT
end
---
S: 220 hi
C: EHLO *
S: 250-x
S: 250 AUTH PLAIN
C: MAIL *
S: 530 log in
C: QUIT
TALK
	run -69 talk 127.0.0.1 "$double" "$pop3" < <(printf '%s\n' \
		1 alice@example.test secret \
		2 '' bob@example.test hello text . n 3)
	says 'The server does not log you in: 535 5.7.8 no'
	run -69 talk 127.0.0.1 "$double" "$pop3" < <(printf '%s\n' \
		1 alice@example.test wrong \
		2 '' bob@example.test hello text . n 3)
	says 'alice@example.test: 530 log in'
	double_done
}

@test "SMTP: a server that hangs up, wherever it is" {
	double cuts <<'TALK'
S: 220 hi
C: EHLO *
S: 250-x
S: 250 ok
C: MAIL *
S: 250 ok
C: RCPT *
S: 250 ok
C: RCPT *
S: 250 ok
C: DATA
S: 354 go
TALK
	for _ in $(seq 0 12); do
		status_wanted=69 send "$double"
		says ' has closed the connection: try again.'
	done
	double_done
}

@test "STARTTLS: what was said before it is not believed" {
	double <<'TALK'
S: 220 hi
C: EHLO *
S: 250-x
S: 250 STARTTLS
C: STARTTLS
s: 220 go\r\n250 injected\r\n
end
---
S: 220 hi
C: EHLO *
S: 250-x
S: 250 SIZE
C: QUIT
end
---
S: 220 hi
C: EHLO *
S: 250-x
S: 250 STARTTLS
C: STARTTLS
S: 454 not now
C: QUIT
end
---
S: +OK
C: STLS
s: +OK\r\n-ERR injected\r\n
end
---
S: +OK
C: STLS
S: -ERR what?
end
TALK
	status_wanted=69
	send -s "$double"
	says 'speaks out of turn: somebody may be in between'
	send -s "$double"
	says 'The server offers no STARTTLS'
	send -s "$double"
	says 'The server refuses STARTTLS: 454 not now'
	manage -s "$double" 3
	says 'speaks out of turn: somebody may be in between'
	manage -s "$double" 3
	says 'The server offers no STARTTLS (STLS): what?'
	double_done
}

# In a network of its own, the server is another machine.
@test "no password goes in clear to another machine" {
	unshare -rn true 2>/dev/null || skip "no namespaces here"
	cat >pop3 <<'TALK'
S: +OK hi
end
TALK
	cat >smtp <<'TALK'
S: 220 hi
C: EHLO [192.0.2.1]
S: 250-x
S: 250 AUTH PLAIN
C: MAIL FROM:<alice@example.test>
S: 550 no
C: QUIT
---
S: 220 hi
C: EHLO [192.0.2.1]
S: 250-x
S: 250 AUTH PLAIN
C: MAIL FROM:<alice@example.test>
S: 550 still no
C: QUIT
TALK
	cat >inside <<'SH'
ip link set lo up
ip addr add 192.0.2.1/32 dev lo
export HOST=192.0.2.1
for server in smtp pop3; do
	"$1" port.$server <$server >wrong.$server &
	for i in $(seq 600); do
		[ ! -s port.$server ] || break
		sleep 0.05
	done
done
"$2" $HOST $(cat port.smtp) $(cat port.pop3) <answers
wait
SH
	printf '%s\n' 1 alice@example.test secret \
		2 alice@example.test bob@example.test hello text . \
		l '' secret n 3 >answers
	run -0 timeout 200 unshare -rn sh inside \
		"$BATS_TEST_DIRNAME/mailclient/double" "$PROGRAMS/mailclient"
	says '192.0.2.1 is another machine, and no password is sent to it in clear: try -t (TLS) or -s (STARTTLS).'
	says '550 still no'
	[ ! -s wrong.pop3 ] && [ ! -s wrong.smtp ]
}

@test "TLS: from the first octet, and by STARTTLS; the certificate is looked at" {
	[ -x "$PROGRAMS/tls" ] || skip "built without libssl-dev"
	mailclient_setup
	local own=$PENNYPOST_HOME/users/tls/mx.example.test pop3s smtps
	mkdir -p "$own"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 9 -subj /CN=test -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$own/privkey.pem" -out "$own/fullchain.pem" 2>/dev/null
	chmod 600 "$own/privkey.pem"
	pop3s=$(free_port)
	smtps=$(free_port)
	serve "$smtps" smtpd -T
	serve "$pop3s" pop3d -T
	mail_put 1 <<<$'From: bob@example.test\n\nHello.'
	local PENNYPOST_HOME= # nobody has one here
	cp "$own/fullchain.pem" ca.pem
	smtp=$smtps manage -t -k "$pop3s" 1 '' q 3
	says bob@example.test
	manage -s -k "$pop3" 1 '' q 3
	says bob@example.test
	send -t -k "$smtps"
	says 'Mail sent successfully.'
	to=alice@example.test send -s -k "$smtp"
	says 'Mail sent successfully.'
	SSL_CERT_FILE=ca.pem manage -s "$pop3" 1 '' q 3
	says Hello
	status_wanted=69
	manage -s "$pop3" 3
	says 'certificate not good: self-signed certificate; -k takes any certificate.'
	send -t "$smtps"
	says 'certificate not good: self-signed certificate; -k takes any certificate.'
	manage -t "$pop3" 3
	says ": wrong version number. Is it the port for that?"
}

@test "TLS: without the helper it says which" {
	mkdir alone
	cp "$PROGRAMS/mailclient" alone
	PROGRAMS=$PWD/alone
	double <<<end
	status_wanted=69 manage -t "$double" 3
	says 'There is no TLS here: the program tls has to be beside mailclient, and is built where libssl-dev is.'
}

@test "a server that is not there" {
	local port
	port=$(free_port)
	status_wanted=69 manage "$port" 3
	says "Cannot reach 127.0.0.1 port $port: Connection refused. Is the server running?"
	for port in no-such-port 65536 ''; do
		status_wanted=69 manage "$port" 3
		says "There is no port $port."
	done
}

@test "a server that says nothing, or no more: a sentence, after a while" {
	double <<'TALK'
end
---
S: +OK hi
C: CAPA
end
---
s: +OK\r\n-ERR\r\n+OK\r\n+OK\r\n+OK 1 90\r\n-ERR\r\n+OK\r\nFrom: a@b\r\n
until TOP 1 0
end
---
S: 220-hi
end
TALK
	status_wanted=69
	for _ in 1 2 3; do
		PROGRAMS=$quick manage "$double" 3
		says "127.0.0.1 port $double does not answer: try again."
	done
	PROGRAMS=$quick send "$double"
	says "127.0.0.1 port $double does not answer: try again."
	# A second is soon over: the double may have been left earlier.
	double <<'TALK'
S: 220 hi
C: EHLO *
S: 250 x
C: MAIL *
S: 250 ok
C: RCPT *
S: 250 ok
C: RCPT *
S: 250 ok
C: DATA
S: 354 go
until ...text
C: .
end
TALK
	PROGRAMS=$short send "$double"
	says 'does not answer: try again. The message may have been sent all the same: ask before you send it again.'
	double_done
}

@test "TLS: a server that says nothing" {
	[ -x "$quick/tls" ] || skip "built without libssl-dev"
	double <<<'until never'
	PROGRAMS=$quick status_wanted=69 manage -t "$double" 3
	says "No TLS with 127.0.0.1 port $double: no TLS handshake in time"
}

# waits for FILE, which python3 - ARGUMENT... makes when it is ready.
python() { # FILE ARGUMENT...
	python3 - "$@" <&0 2>>"$BATS_TEST_TMPDIR/stderr" 3>&- 7>&- &
	STARTED="${STARTED-} $!"
	for _ in $(seq 1500); do
		[ ! -s "$1" ] || return 0
		sleep 0.02
	done
	return 1
}

@test "a server that does not even accept" {
	python port <<'END'
import os, socket, sys, time
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(0) # one waits, and no other can
first = socket.create_connection(server.getsockname())
with open("new", "w") as f:
    f.write(str(server.getsockname()[1]))
os.rename("new", sys.argv[1])
time.sleep(60)
END
	PROGRAMS=$quick status_wanted=69 manage "$(cat port)" 3
	says "Cannot reach 127.0.0.1 port $(cat port): Connection timed out. Is the server running?"
}

# It has ended, or nobody has asked yet how.
ended() { # PID
	local state=
	for _ in $(seq 1500); do
		state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" \
			2>/dev/null) || true
		[[ -n $state && $state != Z* ]] || return 0
		sleep 0.02
	done
	echo "$1 is there: $state"
	return 1
}

@test "the keeper or the talker is killed: the other ends, wherever it waits" {
	local whom client talker status
	for whom in keeper talker; do
		rm -f port accepted
		python port accepted <<'END'
import os, socket, sys, time
server = socket.create_server(("127.0.0.1", 0))
with open("new", "w") as f:
    f.write(str(server.getsockname()[1]))
os.rename("new", sys.argv[1])
peer = server.accept()[0]
with open(sys.argv[2], "w") as f:
    f.write("x")
peer.recv(1)
time.sleep(60)
END
		rm -f input
		mkfifo input
		"$PROGRAMS/mailclient" 127.0.0.1 1 "$(cat port)" <input \
			>/dev/null 2>>stderr 3>&- 7>&- &
		client=$!
		STARTED="$STARTED $client"
		exec 8>input
		printf '%s\n' 1 alice@example.test secret >&8
		for _ in $(seq 1500); do
			[ ! -s accepted ] || break
			sleep 0.02
		done
		[ -s accepted ]
		talker=$(pgrep -P "$client")
		status=0
		if [ $whom = keeper ]; then
			kill -KILL "$client"
			ended "$talker"
		else
			kill -KILL "$talker"
			wait "$client" || status=$?
			[ $status = 137 ]
		fi
		exec 8>&-
	done
}

@test "IPv6, and a name" {
	local host literal
	for host in ::1 localhost; do
		literal='[127.0.0.1]'
		[ $host = localhost ] || literal='[IPv6:::1]'
		[ $host = localhost ] || export HOST=$host
		double 2>/dev/null <<TALK || { unset HOST; continue; }
S: 220 hi
C: EHLO $literal
S: 250 x
C: MAIL FROM:<alice@example.test>
S: 550 no
C: QUIT
TALK
		unset HOST
		run -69 talk $host "$double" 1 < <(printf '%s\n' 2 \
			alice@example.test bob@example.test x text . n 3)
		says '550 no'
		double_done
	done
}

@test "what the system refuses is a sentence" {
	strace -o /dev/null true 2>/dev/null || skip "no strace"
	double <<<end
	local answers=$'1\nalice@example.test\nsecret\n3\n' call
	for call in connect:error=ENETUNREACH socket:error=EMFILE:when=1+ \
		poll:error=ENOMEM; do
		run -69 timeout 200 strace -f -o trace -e "inject=$call" \
			"$PROGRAMS/mailclient" 127.0.0.1 1 "$double" \
			<<<"$answers"
		says 'Cannot reach 127.0.0.1 port' || { echo "$call"; return 1; }
	done
	for call in socketpair:error=EMFILE pipe2:error=EMFILE \
		clone,fork,vfork:error=EAGAIN; do
		run -69 timeout 200 strace -o trace -e "inject=$call" \
			"$PROGRAMS/mailclient" 127.0.0.1 1 "$double" \
			<<<"$answers"
		says 'Cannot begin: ' || { echo "$call"; return 1; }
	done
}

@test "the teaching protocol: mysmtpd" {
	local port
	port=$(free_port)
	serve "$port" mysmtpd
	to=bob@example.test
	run -0 talk -m 127.0.0.1 "$port" < <(printf '%s\n' 2 \
		alice@example.test bob@example.test 'Grüße' ..text Käse . 3)
	says 'Mail sent successfully.'
	run -69 talk -m 127.0.0.1 "$port" < <(printf '%s\n' 2 \
		alice@example.test bob@example.test,nobody@example.test \
		x y . n 3)
	says 'The server refuses the recipient nobody@example.test: 401 '
	[ "$(count "$MAIL/bob/new")" = 1 ]
	run -0 talk -m 127.0.0.1 "$port" < <(printf '%s\n' 2 \
		alice@example.test bob@example.test,carol@example.test \
		x y . 3)
	[ "$(count "$MAIL/bob/new") $(count "$MAIL/carol/new")" = '2 1' ]
	run -0 talk -m 127.0.0.1 "$port" < <(printf '%s\n' 1 \
		bob@example.test secret 1 '' q 3)
	says '2 mails:'
	says 'alice@example.test'
	says 'Subject: Grüße'
	says $'\n..text\nKäse\n'
	run -69 talk -m 127.0.0.1 "$port" < <(printf '%s\n' 1 \
		bob@example.test wrong 3)
	says 'The server does not log you in: 403 '
}

# The numbers begin where it pleases the server; there is no mail without one.
@test "the teaching protocol: servers that lie" {
	local hello=$'C: HELO example.test\nS: 200 OK\nC: AUTH alice@example.test secret\n'
	local talk text
	hello+=$'S: 200 OK\nC: LIST alice@example.test\n'
	cat >lies
	while IFS='|' read -r talk text; do
		talk=${talk/#+/$hello}
		printf '%b\n---\n' "$talk"
	done <lies >talks
	double <talks
	while IFS='|' read -r talk text; do
		status_wanted=69
		[ "${text#+}" = "$text" ] || status_wanted=0
		run -$status_wanted talk -m 127.0.0.1 "$double" < <(printf \
			'%s\n' 1 alice@example.test secret q 3)
		says "${text#+}" || { echo "$talk"; return 1; }
	done <lies
	double_done
} <<'LIES'
S: 220 mx.example.test ESMTP|does not speak the teaching protocol: it says "220 mx.example.test ESMTP"
S: +OK hi|does not speak the teaching protocol: it says "+OK hi"
S: 500 Not now|The server refuses us: 500 Not now
C: HELO *\nS: 200 OK\nC: AUTH *\nS: 403 no|The server does not log you in: 403 no
+S: 401 No such mailbox|The server shows no mail: 401 No such mailbox
+S: 2000 OK|does not speak the teaching protocol
+S: 200 OK\nS: nothing\nS: .|does not speak the teaching protocol: it says "nothing".
+S: 200 OK\nS: 0: Email from a (b)\nS: .|does not speak
+S: 200 OK\nS: 1000001: Email from a (b)\nS: .|does not speak
+S: 200 OK\nS: 1: Email from a (b)\nS: 3: Email from a (b)\nS: .|does not speak
+S: 200 OK\nS: 1: Email from a\nS: .|does not speak
+S: 200 OK\nS: 1: Email from a (b)|has closed the connection
+S: 200 OK\nS: .\nC: QUIT|+There is no mail.
+S: 200 OK\nS: 7: Email from a@b (01-01-2024)\nS: .\nC: QUIT|+a@b
+s: 200 OK\\n1: Email from c@d (01-01-2024)\\n2: Email from (x)@y (z (1))\\n.\\n\nC: QUIT|+c@d
LIES

@test "the teaching protocol: a server that hangs up, wherever it is" {
	double cuts <<'TALK'
C: HELO example.test
S: 200 OK
C: MAIL FROM: <alice@example.test>
S: 200 OK
C: RCPT TO: <bob@example.test>
S: 200 OK
C: DATA
S: 200 Enter
until ...text
C: .
TALK
	for _ in $(seq 0 10); do
		run -69 talk -m 127.0.0.1 "$double" < <(printf '%s\n' 2 \
			alice@example.test bob@example.test x ..text . n 3)
		says ' has closed the connection: try again.'
	done
	says 'The message may have been sent all the same'
	double_done
}
