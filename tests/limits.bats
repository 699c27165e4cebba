#!/usr/bin/env bats
# Limits: each has a reply of its own, and keeps what it is for. And what may
# not get into a file: only clean bytes do.

load helper

setup() {
	home_make
	export TCPREMOTEIP=127.0.0.1
	smtpd=$PROGRAMS/smtpd
	deliver=$PROGRAMS/deliver
	pop3d=$PROGRAMS/pop3d
	echo 'message_size_limit 65536' >>"$PENNYPOST_HOME/pennypost.conf"
}

# talk PROGRAM ...: what it answers to what stands in `in`, without CR
talk() {
	"$@" <in 2>>stderr | tr -d '\r'
}

hello() {
	printf 'EHLO x\r\n'
}

envelope() {
	printf 'MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\n'
}

lines() { # COUNT WIDTH: of text, their CRLF counted
	python3 -c 'import sys
print(("x" * (int(sys.argv[2]) - 2) + "\r\n") * int(sys.argv[1]), end="")' "$@"
}

nothing_stored() {
	[ "$(count "$MAIL" "$QUEUE")" = 0 ]
	assert_no_tmp
}

# --- SMTP ---

@test "size: announced" {
	local size reply
	while read -r size reply; do
		pipe "$smtpd" <<TALK
S: 220 *
C: HELO x
S: 250 *
C: MAIL FROM:<a@b.test> SIZE=$size
S: $reply
TALK
	done <<'TABLE'
0 250 2.1.0 Sender OK
65536 250 2.1.0 Sender OK
065536 250 2.1.0 Sender OK
65537 552 5.3.4 Message too big
2147483647 552 5.3.4 Message too big
2147483648 552 5.3.4 Message too big
4294967295 552 5.3.4 Message too big
4294967296 552 5.3.4 Message too big
4294967297 552 5.3.4 Message too big
9223372036854775807 552 5.3.4 Message too big
9223372036854775808 552 5.3.4 Message too big
18446744073709551615 552 5.3.4 Message too big
18446744073709551616 552 5.3.4 Message too big
1000000000000000000000000000000 552 5.3.4 Message too big
-1 501 5.5.4 Bad parameter value
+1 501 5.5.4 Bad parameter value
0x1 501 5.5.4 Bad parameter value
1e3 501 5.5.4 Bad parameter value
TABLE
}

@test "size: of the message, which is read to its end" {
	{ hello; envelope; printf 'DATA\r\nA: b\r\n\r\n'; lines 1023 64
		printf '%054d\r\n.\r\nNOOP\r\n' 0; } >in
	[ "$(talk "$smtpd" | tail -n 2 | cut -c 1-9)" = $'250 2.0.0\n250 2.0.0' ]
	[ "$(count "$MAIL")" = 1 ]
	rm "$MAIL"/alice/new/*
	{ hello; envelope; printf 'DATA\r\nA: b\r\n\r\n'; lines 1023 64
		printf '%055d\r\n.\r\nNOOP\r\n' 0; } >in
	[ "$(talk "$smtpd" | tail -n 2)" = \
		$'552 5.3.4 Message too big\n250 2.0.0 OK' ]
	nothing_stored
}

@test "size: far too big, nobody reads on for ever" {
	{ hello; envelope; printf 'DATA\r\nA: b\r\n\r\n'; lines 40000 64
		printf '.\r\nNOOP\r\n'; } >in
	[ "$(talk "$smtpd" | tail -n 1)" = \
		'552 5.3.4 Message far too big, closing' ]
	nothing_stored
}

@test "recipients: the 1001st" {
	local i
	{
		hello
		printf 'MAIL FROM:<a@b.test>\r\n'
		for ((i = 1; i <= 1001; i++)); do
			printf 'RCPT TO:<user%d@far.test>\r\n' $i
		done
		printf 'DATA\r\nSubject: x\r\n.\r\nQUIT\r\n'
	} >in
	talk "$smtpd" >out
	[ "$(grep -c '^250 2.1.5' out)" = 1000 ]
	[ "$(grep '^452' out)" = '452 4.5.3 Too many recipients' ]
	tail -n 2 out | head -n 1 | grep '^250 2.0.0 OK'
	[ "$(grep -c '^to \. ' "$QUEUE"/*)" = 1000 ]
}

@test "errors: the 21st ends the session" {
	{ hello; yes $'FOO\r' | head -n 30; } >in
	talk "$smtpd" >out
	[ "$(grep -c '^500 5.5.1' out)" = 21 ]
	[ "$(tail -n 1 out)" = '421 4.7.0 Too many errors, closing' ]
}

@test "the length of a command line" {
	{ hello; printf 'NOOP %02041d\r\n' 0; printf 'NOOP %02042d\r\n' 0
		printf 'NOOP %0100000d\r\nNOOP\r\n' 0; } >in
	[ "$(talk "$smtpd" | tail -n 4)" = "250 2.0.0 OK
500 5.5.2 Line too long
500 5.5.2 Line too long
250 2.0.0 OK" ]
}

@test "the length of a line of text" {
	local program verb
	sed -i 's/^message_size.*/message_size_limit 1000000/' \
		"$PENNYPOST_HOME/pennypost.conf"
	for program in "$smtpd EHLO" "$deliver LHLO"; do
		verb=${program#* }
		program=${program% *}
		{ printf '%s x\r\n' "$verb"; envelope; printf 'DATA\r\nA: b\r\n\r\n'
			lines 1 65535; printf '.\r\n'; envelope
			printf 'DATA\r\nA: b\r\n\r\n'; lines 1 65540
			printf '.\r\n'; envelope; printf 'BDAT 65546 LAST\r\nA: b\r\n\r\n'
			lines 1 65538; envelope; printf 'DATA\r\nA: b\r\n\r\n'
			lines 1 300000; printf '.\r\nNOOP\r\n'; } >in
		talk "$program" >out
		[ "$(grep -c '^554 5.6.0 A line of the message is too long$' \
			out)" = 3 ]
		[ "$(tail -n 1 out)" = '250 2.0.0 OK' ]
		[ "$(count "$MAIL")" = 1 ]
		rm "$MAIL"/alice/new/*
	done
}

@test "hops: the 101st Received" {
	local n
	for n in 100 101; do
		{ hello; envelope; printf 'DATA\r\n'
			yes $'rEceived: from x\r' | head -n $n
			printf '\r\nReceived: in the text\r\n.\r\nQUIT\r\n'; } >in
		talk "$smtpd" | tail -n 2 | head -n 1 >"out$n"
	done
	grep '^250 2.0.0 OK' out100
	[ "$(cat out101)" = '554 5.4.6 Too many hops' ]
}

@test "messages: the 1001st of a session" {
	{ hello; yes $'MAIL FROM:<a@b.test>\r\nRSET\r' | head -n 2002; } >in
	talk "$smtpd" >out
	[ "$(grep -c '^250 2.1.0' out)" = 1000 ]
	[ "$(tail -n 1 out)" = '421 4.5.3 Enough messages for one session' ]
}

# timeout_after PROGRAM [-f]: nothing more comes than what stands in `in`, and
# the poll that would wait for it says so at once; -f: that of its child
timeout_after() {
	# shellcheck disable=SC2086
	strace ${2-} -qq -o polls -e trace=poll "$1" <in >out 2>>stderr
	local last
	last=$(awk '/poll\(/ { pid = $1 ~ /poll/ ? 0 : $1; n[pid]++ }
		END { print n[pid] }' polls)
	mkfifo wait
	exec 6<>wait
	cat in >&6
	# shellcheck disable=SC2086
	timeout -s KILL 120 strace ${2-} -qq -o polls -e trace=poll \
		-e "inject=poll:retval=0:when=$last" "$1" <wait >out 2>>stderr
	exec 6>&-
	rm wait
}

@test "time: a peer that says no more" {
	strace -qq -o polls true || skip "no process may be traced here"
	printf 'NOOP\r\n' >in
	timeout_after "$smtpd" -f
	[ "$(tail -n 1 out)" = $'421 4.4.2 Timeout, closing\r' ]
	printf 'EHLO x\r\nNOO' >in
	timeout_after "$smtpd" -f
	[ "$(tail -n 1 out)" = $'421 4.4.2 Timeout, closing\r' ]
	# To a remote recipient: how often deliver is waited for is its affair.
	{ hello; envelope | sed s/example/far/
		printf 'DATA\r\nSubject: x\r\n.'; } >in
	timeout_after "$smtpd" -f
	[ "$(tail -n 1 out)" = $'421 4.4.2 Timeout, closing\r' ]
	{ hello; envelope | sed s/example/far/
		printf 'BDAT 90\r\nSubject: x\r\n'; } >in
	timeout_after "$smtpd" -f
	[ "$(tail -n 1 out)" = $'421 4.4.2 Timeout, closing\r' ]
	{ printf 'LHLO x\r\n'; envelope; printf 'DATA\r\nSubject: x\r\n.'; } >in
	timeout_after "$deliver"
	[ "$(tail -n 1 out)" = $'421 4.4.2 Timeout, closing\r' ]
	echo 'x: y' >"$MAIL/alice/new/1"
	printf 'USER alice\r\nPASS secret\r\nDELE 1\r\n' >in
	timeout_after "$pop3d" # RFC 1939 3: without a word
	[ "$(tail -n 1 out)" = $'+OK will be deleted at QUIT\r' ]
	rm "$MAIL/alice/new/1" "$MAIL/alice/pop3.lock"
	nothing_stored
}

@test "time: a session is not for ever, and its last word is heard" {
	local program
	printf '#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>
int clock_gettime(clockid_t id, struct timespec *t)
{
	static int calls;
	long r = syscall(SYS_clock_gettime, id, t);
	t->tv_sec += calls++ * 1000L;
	return (int)r;
}\n' >clock.c
	cc -shared -fPIC -o clock.so clock.c 2>/dev/null || skip "no compiler"
	ldd "$smtpd" | grep libc.so || skip "a static program has its own clock"
	! ldd "$smtpd" | grep asan || skip "not with a sanitizer"
	yes $'NOOP\r' | head -n 100000 >in
	LD_PRELOAD=$PWD/clock.so talk "$smtpd" >out
	[ "$(tail -n 1 out)" = '421 4.4.2 Timeout, closing' ]
	LD_PRELOAD=$PWD/clock.so talk "$pop3d" >out
	[ "$(cat out)" = '+OK mx.example.test POP3 Pennypost' ] # no word more
}

# --- Numbers ---

@test "BDAT: sizes" {
	local size reply
	while read -r size reply; do
		{ hello; envelope; printf 'BDAT %s\r\nNOOP\r\n' "$size"; } >in
		talk "$smtpd" | tail -n +14 >out
		echo "$size: $(cat out)"
		[ "$(cat out)" = "${reply//|/$'\n'}" ]
		{ hello; printf 'BDAT %s\r\nNOOP\r\n' "$size"; } >in
		talk "$smtpd" | tail -n +12 >out
		! grep '^250 2.0.0 [0-9]' out
		{ printf 'LHLO x\r\n'; envelope
			printf 'BDAT %s LAST\r\nNOOP\r\n' "$size"; } >in
		talk "$deliver" >out
		! grep '^250 2.0.0 D' out || [ "$size" = 0 ] ||
			[ "$size" = 00 ] || [ "$size" = 6 ]
		rm -f "$MAIL"/alice/new/*
	done <<'TABLE'
0 250 2.0.0 0 octets|250 2.0.0 OK
00 250 2.0.0 0 octets|250 2.0.0 OK
6 250 2.0.0 6 octets
7 
2147483647 552 5.3.4 Message far too big, closing
2147483648 552 5.3.4 Message far too big, closing
4294967295 552 5.3.4 Message far too big, closing
4294967296 552 5.3.4 Message far too big, closing
4294967302 552 5.3.4 Message far too big, closing
9223372036854775807 552 5.3.4 Message far too big, closing
9223372036854775808 552 5.3.4 Message far too big, closing
18446744073709551615 552 5.3.4 Message far too big, closing
18446744073709551616 501 5.5.4 Syntax: BDAT SIZE [LAST], closing
18446744073709551622 501 5.5.4 Syntax: BDAT SIZE [LAST], closing
1000000000000000000000000000000 501 5.5.4 Syntax: BDAT SIZE [LAST], closing
-1 501 5.5.4 Syntax: BDAT SIZE [LAST], closing
+1 501 5.5.4 Syntax: BDAT SIZE [LAST], closing
0x6 501 5.5.4 Syntax: BDAT SIZE [LAST], closing
TABLE
	for size in '6 LASTLY' '6 LAST LAST' '6 6' 'LAST 6'; do
		{ hello; envelope; printf 'BDAT %s\r\nNOOP\r\n' "$size"; } >in
		[ "$(talk "$smtpd" | tail -n +14)" = \
			'501 5.5.4 Syntax: BDAT SIZE [LAST], closing' ]
	done
	assert_no_tmp
}

@test "POP3: numbers" {
	local n verb
	echo 'Subject: 1' >"$MAIL/alice/new/1"
	echo 'Subject: 2' >"$MAIL/alice/new/2"
	{
		printf 'USER alice\r\nPASS secret\r\n'
		for n in 1 01; do
			printf 'LIST %s\r\n' $n
		done
		for n in 0 3 -1 +1 1.0 2147483647 2147483649; do
			printf 'LIST %s\r\n' $n
		done
	} >in
	talk "$pop3d" >out
	[ "$(grep -c '^-ERR no such message' out)" = 7 ]
	[ "$(grep -c '^+OK 1 12$' out)" = 2 ]
	for verb in RETR DELE LIST UIDL TOP; do
		{
			printf 'USER alice\r\nPASS secret\r\n'
			for n in 4294967295 4294967296 4294967297 \
				9223372036854775809 18446744073709551617 \
				1000000000000000000000000000001 \
				18446744073709551616000000000001; do
				printf '%s %s%s\r\n' $verb $n "${TOP-}"
			done
			printf '%s 1\r\nQUIT\r\n' STAT STAT
		} >in
		[ $verb != TOP ] || sed -i 's/^\(TOP.*\)\r/\1 0\r/' in
		talk "$pop3d" >out
		[ "$(grep -c '^-ERR no such message' out)" = 7 ]
		[ "$(count "$MAIL"/alice/new)" = 2 ]
	done
	for n in 0 1 18446744073709551615; do
		printf 'USER alice\r\nPASS secret\r\nTOP 1 %s\r\n' $n >in
		[ "$(talk "$pop3d" | tail -n +4 | head -n 1)" = '+OK message follows' ]
	done
	for n in 18446744073709551616 -1 +1; do
		printf 'USER alice\r\nPASS secret\r\nTOP 1 %s\r\n' $n >in
		[ "$(talk "$pop3d" | tail -n +4)" = \
			'-ERR TOP takes a message and a number of lines' ]
	done
}

@test "AUTH: 64 KiB of it" {
	local long
	long=$(printf '%065536d' 0)
	{ hello; printf 'AUTH PLAIN %s\r\nAUTH PLAIN\r\n%s\r\nAUTH LOGIN\r\n%s\r\nAUTH LOGIN\r\neA==\r\n%s\r\nAUTH LOGIN\r\n%s\r\n%s\r\nNOOP\r\n' \
		"$long" "$long" "$long" "$long" "${long:0:8000}" "${long:0:12280}"; } >in
	[ "$(talk "$smtpd" -s | tail -n +13)" = "500 5.5.2 Line too long
334 
500 5.5.6 That line is no answer
334 VXNlcm5hbWU6
500 5.5.6 That line is no answer
334 VXNlcm5hbWU6
334 UGFzc3dvcmQ6
500 5.5.6 That line is no answer
334 VXNlcm5hbWU6
334 UGFzc3dvcmQ6
501 5.5.2 That is no response of this mechanism
250 2.0.0 OK" ]
	printf 'AUTH PLAIN %s\r\nAUTH PLAIN\r\n%s\r\nUSER %s\r\nUSER %s\r\nPASS %s\r\nUSER x\r\nPASS %s\r\n' \
		"$long" "$long" "$long" "${long:0:900}" "$long" "${long:0:900}" >in
	[ "$(talk "$pop3d" | tail -n +2)" = "-ERR line too long
+ 
-ERR that line is no response
-ERR line too long
-ERR name too long
-ERR line too long
+OK now the password
-ERR [AUTH] user or password is wrong" ]
}

# --- Memory ---

@test "a million chunks of one octet cost no more memory than DATA" {
	! grep -q __asan_init "$smtpd" || skip "a sanitizer has its own memory"
	sed -i 's/^message_size.*/message_size_limit 2000000/' \
		"$PENNYPOST_HOME/pennypost.conf"
	cat >memory.py <<'PY'
import subprocess, sys, threading

text = (b"Subject: x\r\n\r\n" + (b"x" * 62 + b"\r\n") * 15625)[:1000000]
def peak(pid):
    for line in open("/proc/%d/status" % pid):
        if line.startswith("VmHWM:"):
            return int(line.split()[1])

def session(body):
    """The peaks of smtpd's talker and deliver, in KiB, when they have it."""
    p = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE)
    def send():
        p.stdin.write(b"EHLO x\r\nMAIL FROM:<a@b.test>\r\n"
            b"RCPT TO:<alice@example.test>\r\n" + body)
        p.stdin.flush()
    threading.Thread(target=send).start()
    for line in p.stdout:
        assert line[:1] in b"23", line
        if line.startswith(b"250 2.0.0 OK"):
            break
    children = open("/proc/%d/task/%d/children" % (p.pid, p.pid)).read()
    peaks = [peak(int(child)) for child in children.split()]
    assert len(peaks) == 2, children
    p.stdin.close()
    p.stdout.read()
    assert p.wait() == 0
    return peaks

data = session(b"DATA\r\n" + text + b"\r\n.\r\n")
bdat = session(b"".join(b"BDAT 1\r\n" + text[i:i + 1]
    for i in range(len(text))) + b"BDAT 0 LAST\r\n")
print(data, bdat)
for a, b in zip(data, bdat):
    assert b < a + 256 and b < 8192, (data, bdat)
PY
	python3 memory.py "$smtpd"
	[ "$(count "$MAIL")" = 2 ]
	assert_no_tmp
}

# --- What gets into a file ---

@test "no CR, LF or NUL gets into an envelope, whatever carries it" {
	cat >inject.py <<'PY'
import glob, os, re, subprocess, sys

spool = os.environ["PENNYPOST_HOME"] + "/spool"
POISON = [b"\r", b"\n", b"\0", b"\r\n", b"+0D", b"+0A", b"+0D+0A", b"+00",
    b"+7F", b"\x7f", b"\x01", b"\t", b"\x1b", b"+0", b"+", b"+0d", b"=", b"\xff",
    b"\xc0\x8a", b"\xe0\x80\x8a", b"\x85", b'"\r"', b'"\\\r"', b'"\\\n"', b"\\\n"]
PLACES = [
    (b"EHLO x%s", None), (b"HELO x%s", None), (b"EHLO %sx", None),
    (b"MAIL FROM:<a%s@b.test>", 1), (b"MAIL FROM:<a@b%s.test>", 1),
    (b'MAIL FROM:<"a%sb"@b.test>', 1), (b'MAIL FROM:<"a\\%sb"@b.test>', 1),
    (b"MAIL FROM:<@r%s:a@b.test>", 1), (b"MAIL FROM:<a@[127.0.0.1%s]>", 1),
    (b"MAIL FROM:<a@b.test> ENVID=x%sy", 1), (b"MAIL FROM:<a@b.test> RET=FULL%s", 1),
    (b"MAIL FROM:<a@b.test> AUTH=x%s", 1), (b"MAIL FROM:<a@b.test> BODY=7BIT%s", 1),
    (b"MAIL FROM:<a%s@b.test> SMTPUTF8", 1), (b"MAIL FROM:<a@b.test>%s", 1),
    (b"RCPT TO:<you%s@far.test>", 2), (b'RCPT TO:<"you%s"@far.test>', 2),
    (b"RCPT TO:<you@far%s.test>", 2), (b'RCPT TO:<"a\\%sb"@far.test>', 2),
    (b"RCPT TO:<you@far.test> ORCPT=rfc822;x%sy", 2),
    (b"RCPT TO:<you@far.test> ORCPT=rfc%s;xy", 2),
    (b"RCPT TO:<you@far.test> NOTIFY=DELAY%s", 2),
    (b"RCPT TO:<alice+%s@example.test>", 2),
]
HEAD = re.compile(rb"""pennypost-queue 1
id [0-9A-F.]+
arrived \d+
size \d{15}
(body 8bitmime
)?(smtputf8
)?(ret (full|hdrs)
)?(envid [!-~]+
)?from <[^\x00-\x1f\x7f]*>
(to [.+] <[^\x00-\x1f\x7f]+>( notify=[A-Za-z,]+)?( orcpt=[!-~]+)?
)+
""")
TRACE = re.compile(rb"""Received: from [!-~]+ \([^\x00-\x1f\x7f]*\)
\tby mx.example.test with [A-Z0-9]+ id [0-9A-F.]+(
\tfor <[^\x00-\x1f\x7f]+>)?;
\t[A-Z][a-z]{2}, .* \+0000
Subject: x
X-Evil: no

text
""")
stored = 0
for place, stage in PLACES:
    for poison in POISON:
        lines = [b"EHLO x", b"MAIL FROM:<a@b.test>", b"RCPT TO:<me@far.test>"]
        line = place.replace(b"%s", poison)
        if stage is None:
            lines[0] = line
        elif stage == 1:
            lines.insert(1, line)
        else:
            lines.insert(2, line)
        bytes = b"\r\n".join(lines) + b"\r\nDATA\r\nSubject: x\r\nX-Evil: no\r\n\r\ntext\r\n.\r\nQUIT\r\n"
        p = subprocess.run([sys.argv[1]], input=bytes, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        assert p.returncode == 0, (line, p)
        # A log line is a line, of printable ASCII.
        assert re.fullmatch(rb"([ -~]+\n)*", p.stderr), (line, p.stderr)
        assert re.fullmatch(rb"([ -~\x80-\xff]+\r\n)*", p.stdout), (line, p.stdout)
        for path in glob.glob(spool + "/queue/*") + \
            glob.glob(spool + "/mail/example.test/alice/new/*"):
            text = open(path, "rb").read()
            if "/queue/" in path:
                m = HEAD.match(text)
                assert m, (line, text)
                # Nor does xtext stand for what may not be there.
                for xtext in re.findall(rb"(?m)(?:^envid|orcpt=) ?(\S+)", m.group()):
                    for octet in re.findall(rb"\+(..)", xtext):
                        assert 32 <= int(octet, 16) != 127, (line, xtext)
                # Each line was said so: none is made of a part of another.
                for value in re.findall(rb"(?m)^(?:from|to .) <(.*)>", m.group()):
                    assert value in bytes, (line, value)
                text = text[m.end():]
            else:
                text = text[text.index(b"Received:"):]
            assert TRACE.fullmatch(text), (line, text)
            stored += 1
            os.unlink(path)
assert stored > 500, stored # it does look at something
PY
	python3 inject.py "$smtpd"
	assert_no_tmp
}

# --- All of it at once ---

@test "random sessions get the replies, and leave the mail, of a small model" {
	echo 'team: alice, bob' >>"$PENNYPOST_HOME/users/aliases"
	"$ROOT/tests/fuzz/model" "$smtpd" smtp 150
	"$ROOT/tests/fuzz/model" "$deliver" lmtp 150
	assert_no_tmp
}
