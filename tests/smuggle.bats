#!/usr/bin/env bats
# SMTP smuggling: what some server takes for the end of a message and another
# does not must end no message here, and nothing behind it is a command.

load helper

setup() {
	home_make
	cat >client.py <<'PY'
import fcntl, glob, os, struct, subprocess, sys, termios, time

program, hello = sys.argv[1:3]
mail = os.environ["PENNYPOST_HOME"] + "/spool/mail/example.test/"

# What somewhere ended a message once, and its like.
ENDS = [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n",
    b"\r\n\0.\r\n", b"\r\n.\r\r\n", b"\r\r\n.\r\r\n", b"\r\r\n.\r\n",
    b"\n.\r", b"\r.\n", b"\r\n.\0\r\n", b"\r\n.\r\0\n", b"\r\n..\r\n",
    b"\r\n. \r\n", b"\r\n.\n\n", b"\r\n\r.\r\n", b"\r\n.\t\r\n",
    b"\x85.\x85", b"\v.\v", b"\f.\f", b"\r\n\xef\xbb\xbf.\r\n"]

def envelope(who, data):
    return (b"MAIL FROM:<%s@far.test>\r\nRCPT TO:<%s@example.test>\r\n%s" %
        (who, who, data))

def talk(*pieces):
    """Each piece is read before the next is sent. The replies."""
    p = subprocess.Popen([program], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=open("stderr", "ab"))
    for piece in pieces:
        try:
            os.write(p.stdin.fileno(), piece)
        except BrokenPipeError:
            break # it has hung up
        waits = 1
        while waits and p.poll() is None:
            waits, = struct.unpack("i", fcntl.ioctl(p.stdin.fileno(),
                termios.FIONREAD, b"0000"))
            time.sleep(0.00002)
    out, _ = p.communicate()
    assert p.returncode == 0, p.returncode
    return out

def stored(who):
    """The texts of this user's messages, which are removed."""
    texts = []
    for path in glob.glob(mail + who + "/new/*"):
        texts.append(open(path, "rb").read())
        os.unlink(path)
    return texts
PY
}

# Alice's message, an end that is none, and a transaction for bob behind it.
ends() { # PROGRAM HELLO
	cat client.py - >ends.py <<'PY'

BODY = b"Subject: first\r\n\r\ntext"
BEHIND = envelope(b"bob", b"DATA\r\nSubject: second\r\n\r\ntext\r\n.\r\nQUIT\r\n")
HEAD = hello.encode() + b" x\r\n" + envelope(b"alice", b"DATA\r\n")

def one(end, *pieces):
    out = talk(*pieces)
    first, second = stored("alice"), stored("bob")
    finals = out.split(b"354 ")[1].split(b"\r\n")[1:]
    said = (end, [len(p) for p in pieces], out)
    assert not second, said
    assert out.count(b"\r\n354 ") == 1, said
    assert len(first) <= 1, said
    if first:
        assert finals[0].startswith(b"250 "), said
        assert b"second" in first[0], said
    else:
        assert finals[0][:1] == b"5", said

for end in ENDS:
    text = BODY + end + BEHIND
    one(end, HEAD + text)
    # Where a packet ends tells nothing: every place from just before the end.
    for at in range(len(BODY) - 3, len(text)):
        one(end, HEAD + text[:at], text[at:])
    one(end, HEAD, text)
    one(end, HEAD, *(text[i:i + 1] for i in range(len(text))))

# This is an end, and the test would see two messages.
out = talk(HEAD + BODY + b"\r\n.\r\n" + BEHIND)
assert len(stored("alice")) == len(stored("bob")) == 1, out
PY
	python3 ends.py "$@"
}

@test "smtpd: nothing but CRLF.CRLF ends a message, wherever it is split" {
	ends "$PROGRAMS/smtpd" EHLO
	assert_no_tmp
}

@test "deliver: nothing but CRLF.CRLF ends a message, wherever it is split" {
	ends "$PROGRAMS/deliver" LHLO
	assert_no_tmp
}

# A chunk is so many octets, whatever they are.
chunks() { # PROGRAM HELLO
	cat client.py - >chunks.py <<'PY'

HEAD = hello.encode() + b" x\r\n"
NEXT = envelope(b"bob", b"BDAT 14 LAST\r\nSubject: 2\r\n\r\n")

def bdat(data, last=b" LAST"):
    return b"BDAT %d%s\r\n%s" % (len(data), last, data)

def refused(*chunks):
    """Fed as chunks, it is refused, and bob's message behind it is taken."""
    out = talk(HEAD + envelope(b"alice", b"".join(chunks)) + b"RSET\r\n" + NEXT)
    assert not stored("alice"), out
    assert [t.split(b"\n")[-3:] for t in stored("bob")] == \
        [[b"Subject: 2", b"", b""]], out
    assert b"\r\n550 5.6.0 " in out, out

for bare in b"a\nb", b"a\rb", b"a\r\r\nb", b"a\n\nb", b"\n.\n", b"\r.\r", b"\n", b"\r":
    for tail in b"", b"\r\n", b"\r\n.\r\nQUIT\r\n":
        data = b"Subject: x\r\n\r\n" + bare + tail
        refused(bdat(data))
        for at in range(15, len(data)):
            refused(bdat(data[:at], b""), bdat(data[at:]))

# Dots and commands are text in a chunk; a CR may be parted from its LF.
data = b"Subject: x\r\n\r\n.\r\n..\r\nQUIT\r\n.\r\n"
for at in range(len(data) + 1):
    out = talk(HEAD + envelope(b"alice", bdat(data[:at], b"") + bdat(data[at:])))
    text, = stored("alice")
    assert text.endswith(b"Subject: x\n\n.\n..\nQUIT\n.\n"), (at, text)
PY
	python3 chunks.py "$@"
}

@test "smtpd: a bare CR or LF in a chunk is refused, and the next is in step" {
	chunks "$PROGRAMS/smtpd" EHLO
	assert_no_tmp
}

@test "deliver: a bare CR or LF in a chunk is refused, and the next is in step" {
	chunks "$PROGRAMS/deliver" LHLO
	assert_no_tmp
}

@test "a line's end in a command is CRLF" {
	local bad
	for bad in '\n' '\r' '\r\r\n' '\n\r' '\0\r\n' '\r\0\n'; do
		printf 'EHLO x\r\nMAIL FROM:<a@far.test>%bRCPT TO:<alice@example.test>\r\nRCPT TO:<alice@example.test>\r\nQUIT\r\n' \
			"$bad" | "$PROGRAMS/smtpd" >out
		grep '^500 5.5.2' out
		! grep '^250 2.1' out
	done
}
