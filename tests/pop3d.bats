#!/usr/bin/env bats
# pop3d: POP3 on fd 0 and 1.

load helper

setup() {
	home_make
	pop3d=$PROGRAMS/pop3d
	alice=$MAIL/alice
}

LOGIN='S: +OK mx.example.test POP3 Pennypost
C: USER alice
S: +OK now the password
C: PASS secret
S: +OK *'

# put NAME TEXT: a message in alice's Maildir
put() {
	printf '%b' "$2" >"$alice/$1"
}

three() {
	put new/1000.M1.host,S=24,W=28 'Subject: one\n\nfirst\n.dot\n'
	put cur/1001.M1.host:2,S 'Subject: two\n\nsecond\n'
	put new/1002.M1.host 'Subject: three\r\n\r\nno newline'
}

@test "before login" {
	both "$pop3d" <<'TALK'
S: +OK mx.example.test POP3 Pennypost
C: CAPA
S: +OK capabilities follow
S: USER
S: SASL PLAIN LOGIN
S: TOP
S: UIDL
S: PIPELINING
S: RESP-CODES
S: AUTH-RESP-CODE
S: UTF8
S: EXPIRE NEVER
S: IMPLEMENTATION Pennypost
S: .
C: STAT
S: -ERR not in this state
C: PASS secret
S: -ERR USER comes first
C: USER
S: -ERR bad arguments
C: FOO
S: -ERR unknown command
C: UTF8
S: +OK UTF-8 it is
c: NOOP\n
S: -ERR lines end in CRLF, and hold no other CR or LF
C: AUTH
S: +OK mechanisms follow
S: PLAIN
S: LOGIN
S: .
C: QUIT
S: +OK goodbye
TALK
}

@test "without TLS a stranger is offered no mechanism" {
	TCPREMOTEIP=192.0.2.1 both "$PROGRAMS/pop3d" <<'TALK'
S: +OK mx.example.test POP3 Pennypost
C: AUTH
S: +OK mechanisms follow
S: .
C: AUTH PLAIN
S: -ERR [AUTH] not without encryption
C: QUIT
S: +OK goodbye
TALK
}

@test "login: every way, and the wrong ones" {
	local good
	for good in alice alice@example.test ALICE@EXAMPLE.TEST; do
		both "$pop3d" <<TALK
S: +OK *
C: USER $good
S: +OK now the password
C: PASS secret
S: +OK 0 messages
C: QUIT
S: +OK goodbye
TALK
	done
	both "$pop3d" <<'TALK'
S: +OK *
C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
S: +OK 0 messages
TALK
	both "$pop3d" <<'TALK'
S: +OK *
C: AUTH PLAIN
S: + 
C: AGFsaWNlAHNlY3JldA==
S: +OK 0 messages
C: USER alice
S: -ERR not in this state
TALK
	both "$pop3d" <<'TALK'
S: +OK *
C: AUTH PLAIN
S: + 
C: *
S: -ERR given up
C: AUTH CRAM-MD5
S: -ERR unknown mechanism
C: AUTH PLAIN AAA
S: -ERR that is no response of this mechanism
C: USER nobody
S: +OK now the password
C: PASS secret
S: -ERR [AUTH] user or password is wrong
C: USER alice
S: +OK now the password
C: PASS secret 
S: -ERR [AUTH] user or password is wrong
C: USER alice
S: +OK now the password
C: PASS Secret
S: -ERR [AUTH] user or password is wrong
S: -ERR too many errors, closing
TALK
	run -1 grep secret "$BATS_TEST_TMPDIR/stderr"
}

@test "no password over a network in the clear" {
	both env TCPREMOTEIP=192.0.2.1 "$pop3d" <<'TALK'
S: +OK *
C: CAPA
S: +OK capabilities follow
S: TOP
S: UIDL
S: PIPELINING
S: RESP-CODES
S: AUTH-RESP-CODE
S: UTF8
S: EXPIRE NEVER
S: IMPLEMENTATION Pennypost
S: .
C: USER alice
S: -ERR [AUTH] not without encryption
C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
S: -ERR [AUTH] not without encryption
TALK
}

@test "a password with blanks is the whole rest of the line" {
	hash=$(printf ' two  words \n' | "$PROGRAMS/auth" -H)
	echo "dave@example.test:$hash:" >>"$PENNYPOST_HOME/users/passwd"
	mkdir -p "$MAIL/dave"/{tmp,new,cur}
	both "$pop3d" <<'TALK'
S: +OK *
C: USER dave
S: +OK now the password
C: PASS  two  words 
S: +OK 0 messages
TALK
}

@test "messages: listed, sized, fetched" {
	three
	both "$pop3d" <<<"$LOGIN
C: STAT
S: +OK 3 82
C: LIST
S: +OK 3 messages
S: 1 28
S: 2 24
S: 3 30
S: .
C: LIST 2
S: +OK 2 24
C: UIDL
S: +OK 3 messages
S: 1 1000.M1.host,S=24,W=28
S: 2 1001.M1.host
S: 3 1002.M1.host
S: .
C: UIDL 3
S: +OK 3 1002.M1.host
C: RETR 1
S: +OK message follows
S: Subject: one
S:
S: first
S: ..dot
S: .
C: RETR 3
S: +OK message follows
S: Subject: three
S:
S: no newline
S: .
C: TOP 1 0
S: +OK message follows
S: Subject: one
S:
S: .
C: TOP 1 1
S: +OK message follows
S: Subject: one
S:
S: first
S: .
C: TOP 3 99
S: +OK message follows
S: Subject: three
S:
S: no newline
S: .
C: NOOP
S: +OK still here
C: QUIT
S: +OK goodbye"
	[ "$(count "$alice/new" "$alice/cur")" = 3 ]
}

@test "numbers that are none" {
	three
	both "$pop3d" <<<"$LOGIN
C: RETR 0
S: -ERR no such message
C: RETR 4
S: -ERR no such message
C: RETR 4294967297
S: -ERR no such message
C: RETR -1
S: -ERR no such message
C: RETR
S: -ERR bad arguments
C: DELE x
S: -ERR no such message
C: LIST 18446744073709551617
S: -ERR no such message
C: TOP 1
S: -ERR TOP takes a message and a number of lines
C: TOP 1 -1
S: -ERR TOP takes a message and a number of lines
C: UIDL 1 2
S: -ERR no such message"
}

@test "DELE deletes at QUIT, and only then" {
	three
	both "$pop3d" <<<"$LOGIN
C: DELE 1
S: +OK will be deleted at QUIT
C: DELE 1
S: -ERR no such message
C: RETR 1
S: -ERR no such message
C: STAT
S: +OK 2 54
C: LIST
S: +OK 2 messages
S: 2 24
S: 3 30
S: .
C: RSET
S: +OK nothing will be deleted
C: STAT
S: +OK 3 82
C: DELE 2
S: +OK will be deleted at QUIT"
	[ "$(count "$alice/new" "$alice/cur")" = 3 ]	# the line was cut
	pipe "$pop3d" <<<"$LOGIN
C: DELE 1
C: DELE 3
C: QUIT
S: +OK will be deleted at QUIT
S: +OK will be deleted at QUIT
S: +OK goodbye"
	[ "$(ls "$alice/new" "$alice/cur")" = "$alice/cur:
1001.M1.host:2,S

$alice/new:" ]
}

@test "one session at a time" {
	three
	coproc FIRST { exec "$pop3d" 2>/dev/null; }
	first=$FIRST_PID
	printf 'USER alice\r\nPASS secret\r\n' >&"${FIRST[1]}"
	for _ in 1 2 3; do read -r -t 60 line <&"${FIRST[0]}"; done
	[[ $line == '+OK 3 messages'* ]]
	pipe "$pop3d" <<'TALK'
S: +OK *
C: USER alice
S: +OK now the password
C: PASS secret
S: -ERR [IN-USE] another session has the mailbox
TALK
	kill -9 "$first"
	wait "$first" || true
	pipe "$pop3d" <<<"$LOGIN
C: QUIT
S: +OK goodbye"
}

@test "another program moves mail from new to cur, in the middle" {
	three
	coproc POP { exec "$pop3d" 2>/dev/null; }
	pid=$POP_PID
	exec 8<&"${POP[0]}" 9>&"${POP[1]}"
	printf 'USER alice\r\nPASS secret\r\n' >&9
	for _ in 1 2 3; do read -r -t 60 line <&8; done
	mv "$alice/new/1000.M1.host,S=24,W=28" "$alice/cur/1000.M1.host,S=24,W=28:2,RS"
	printf 'UIDL 1\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n' >&9
	exec 9>&-
	cat <&8 >out
	wait "$pid"
	grep -q '^+OK 1 1000.M1.host,S=24,W=28' out
	grep -q '^first' out
	grep -q '^+OK goodbye' out
	[ "$(count "$alice/new" "$alice/cur")" = 2 ]
}

@test "a UIDL survives reading, and is short and printable for any name" {
	long=$(printf 'x%.0s' {1..90})
	put "new/1.$long" 'x: y\n\nz\n'
	put "new/2.sp ace" 'x: y\n\nz\n'
	printf 'USER alice\r\nPASS secret\r\nUIDL\r\nQUIT\r\n' | "$pop3d" 2>/dev/null >first
	mv "$alice/new/1.$long" "$alice/cur/1.$long:2,S"
	mv "$alice/new/2.sp ace" "$alice/cur/2.sp ace:2,"
	printf 'USER alice\r\nPASS secret\r\nUIDL\r\nQUIT\r\n' | "$pop3d" 2>/dev/null >second
	diff first second
	[ "$(grep -cE '^[12] [0-9a-f]{32}.$' first)" = 2 ]
	[ "$(grep -E '^[12] ' first | cut -d' ' -f2 | sort -u | wc -l)" = 2 ]
}

@test "sizes come from the names: no message is opened" {
	three
	rm "$alice/cur"/* "$alice/new/1002.M1.host"
	put new/1003.M1.host,S=20 'x\n'
	strace -f -o trace "$pop3d" <<<$'USER alice\r\nPASS secret\r\nSTAT\r\nLIST\r\nUIDL\r\nQUIT\r' 2>/dev/null >out
	grep -q '^+OK 2 48' out
	run -1 grep '1000\.M1' trace
}

@test "in the order of their names, however long and alike these are" {
	local name
	for name in 1 2 10 1000.M2.host 1000.M1P1.host-a{9..0} 1000.M1P1.host \
		1000.M1P1.host-a,S=1 1000.M1P1.hos 1000.M1P1.ho é; do
		put "cur/$name:2,S" 'x\n'
		put "new/$name" 'x\n' # seen on its way: counted once
		echo "$name"
	done | LC_ALL=C sort >names
	(cd "$alice/cur" && printf '%s\n' * | sed 's/:.*//') | LC_ALL=C sort |
		diff - names
	"$pop3d" <<<$'USER alice\r\nPASS secret\r\nUIDL\r\nQUIT\r' 2>/dev/null |
		sed -n 's/^[0-9]* \(.*\).$/\1/p' >out
	sed 's/^é$/'"$(tail -n 1 out)/" names | diff out -
}

@test "a size in a name that is none is counted" {
	put new/1.host,W=9223372036854775808 'x\n'
	put new/2.host,W=99999999999999999999,S=7 'x\n'
	put new/3.host,S= 'x\n'
	put new/4.host,W=12x 'x\n'
	pipe "$pop3d" <<<"$LOGIN
C: LIST
S: +OK 4 messages
S: 1 3
S: 2 7
S: 3 3
S: 4 12
S: .
C: QUIT
S: +OK goodbye"
}

@test "directories are no messages" {
	three
	mkdir "$alice"/new/{0,1000.M2.host} "$alice"/cur/1001.M2.host:2,S
	pipe "$pop3d" <<<"$LOGIN
C: STAT
S: +OK 3 82
C: DELE 1
S: +OK will be deleted at QUIT
C: QUIT
S: +OK goodbye"
	[ -d "$alice/new/0" ]
}

@test "a size is that of what RETR sends, whatever the end" {
	local end octets
	while read -r end octets; do
		put new/1.host "x: y\n\n$end"
		pipe "$pop3d" <<<"$LOGIN
C: LIST 1
S: +OK 1 $octets
C: RETR 1
S: +OK message follows
S: x: y
S:
S: z
S: ."
	done <<'TABLE'
z 11
z\n 11
z\r 11
z\r\n 11
TABLE
}

@test "TOP: the header's end is seen wherever a block of the file ends" {
	local n
	for n in {32763..32769}; do # of the header; blocks have 32768
		{
			printf 'x: '
			head -c $((n - 5)) /dev/zero | tr '\0' x
			printf '\r\n\r\ntext\r\n'
		} >"$alice/new/1.host"
		printf 'USER alice\r\nPASS secret\r\nTOP 1 0\r\n' |
			"$pop3d" 2>/dev/null >out
		[ "$(tail -n +5 out | tail -c +$((n + 1)))" = $'\r\n.\r' ] ||
			{ echo "$n"; return 1; }
	done
}

@test "a message that another program removed" {
	three
	coproc POP { exec "$pop3d" 2>/dev/null; }
	pid=$POP_PID
	exec 8<&"${POP[0]}" 9>&"${POP[1]}"
	printf 'USER alice\r\nPASS secret\r\n' >&9
	for _ in 1 2 3; do read -r -t 60 line <&8; done
	rm "$alice/cur/1001.M1.host:2,S"
	printf 'RETR 2\r\nDELE 2\r\nRETR 1\r\nQUIT\r\n' >&9
	exec 9>&-
	cat <&8 >out
	wait "$pid"
	[ "$(head -1 out)" = $'-ERR it was removed by another program\r' ]
	grep -q '^+OK goodbye' out
}

@test "what cannot be deleted is told" {
	three
	run -0 strace -f -e trace=unlink,unlinkat -e inject=unlink,unlinkat:error=EIO \
		-o trace "$pop3d" <<<$'USER alice\r\nPASS secret\r\nDELE 1\r\nQUIT\r'
	[[ $output == *'-ERR [SYS/TEMP] some messages were not deleted'* ]]
	run -0 strace -f -e trace=fsync -e inject=fsync:error=EIO \
		-o trace "$pop3d" <<<$'USER alice\r\nPASS secret\r\nDELE 1\r\nQUIT\r'
	[[ $output == *'-ERR [SYS/TEMP] some messages were not deleted'* ]]
}

@test "old files in tmp go, young ones stay" {
	put tmp/dead x
	touch -d '2 days ago' "$alice/tmp/dead"
	put tmp/alive x
	pipe "$pop3d" <<<"$LOGIN"
	[ "$(ls "$alice/tmp")" = alive ]
}

@test "mailbox trouble is the server's, not the user's" {
	rm -r "$MAIL/bob"
	pipe "$pop3d" <<'TALK'
S: +OK *
C: USER bob
S: +OK now the password
C: PASS secret
S: -ERR [SYS/TEMP] cannot open the mailbox
TALK
	rm "$PENNYPOST_HOME/users/passwd"
	pipe "$pop3d" <<'TALK'
S: +OK *
C: USER alice
S: +OK now the password
C: PASS secret
S: -ERR [SYS/TEMP] cannot tell now
TALK
}

@test "a thousand lines each way, dots and CRs and all" {
	python3 - >"$alice/new/5.host" <<'PY'
import random, sys
random.seed(1939)
out = b"Subject: x\n\n"
for i in range(1000):
    n = random.choice([0, 1, 2, 70, 998, 40000])
    line = bytes(random.choice(b".a\xe9 \r\0") for _ in range(min(n, 400)))
    out += (line + b"z" * max(0, n - 400)).rstrip(b"\r") + b"\n"
sys.stdout.buffer.write(out)
PY
	printf 'USER alice\r\nPASS secret\r\nLIST 1\r\nRETR 1\r\n' | "$pop3d" 2>/dev/null >out
	python3 - "$alice/new/5.host" <<'PY'
import sys
data = open(sys.argv[1], "rb").read()
out = open("out", "rb").read()
wire = data.replace(b"\n", b"\r\n")
stuffed = b"".join(b"." + l if l.startswith(b".") else l
                   for l in wire.split(b"\r\n") for l in [l + b"\r\n"])[:-2]
head, body = out.split(b"+OK message follows\r\n", 1)
assert body == stuffed + b".\r\n", "body"
assert head.split(b"\r\n")[3] == b"+OK 1 %d" % len(wire), "size"
PY
}

@test "-u: the session of somebody who is known" {
	printf 'Subject: x\n\nx\n' >"$alice/new/1"
	for who in alice Alice@EXAMPLE.test; do
		both "$pop3d" -u "$who" <<'TALK'
S: +OK mx.example.test POP3 Pennypost
S: +OK 1 messages
C: USER bob
S: -ERR not in this state
C: STLS
S: -ERR not in this state
C: STAT
S: +OK 1 17
C: QUIT
S: +OK goodbye
TALK
	done
	grep -q 'quit user=Alice@EXAMPLE.test retrieved=0' \
		"$BATS_TEST_TMPDIR/stderr"
	local nobody
	for nobody in nobody nobody@example.test alice@far.test \
		'"../alice"@example.test'; do
		pipe "$pop3d" -u "$nobody" <<'TALK'
S: +OK mx.example.test POP3 Pennypost
S: -ERR [SYS/PERM] no such mailbox
TALK
	done
	for nobody in '' @ a@ 'a b' "$(printf '%0300d' 0)"; do
		run -64 "$pop3d" -u "$nobody" </dev/null
	done
	run -64 "$pop3d" -T -u alice </dev/null
	TCPREMOTEIP=127.0.0.1 run -64 "$pop3d" -u alice </dev/null
	[[ $output == *'-u is not for the network'* ]]
	# Not on a socket of it either, whoever has connected.
	port=$(free_port)
	"$PROGRAMS/listen" "127.0.0.1:$port" "$pop3d" -u alice 2>listen.log 3>&- &
	STARTED=$!
	port_wait "$port"
	exec 5<>"/dev/tcp/127.0.0.1/$port"
	[ "$(cat <&5)" = $'-ERR [SYS/TEMP] out of service, try later\r' ]
	exec 5<&-
}
