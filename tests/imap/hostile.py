"""A hostile client of imapd, and what each of its tricks may cost: memory, time,
and how it must be answered. Runs the functions that it is told."""

import os
import re
import select
import subprocess
import sys
import time
from contextlib import suppress

IMAPD = os.environ["PROGRAMS"] + "/imapd"
MAILDIR = os.environ["MAIL"] + "/alice"
SANITIZED = b"__asan_init" in open(IMAPD, "rb").read()
SLOW = 12 if SANITIZED else 1
# KiB that a process may have beyond what it has when nothing is asked of it
TALKER = 1024
BIG = [2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 32 + 10, 2 ** 63 - 1, 2 ** 63,
       2 ** 64 - 1, 2 ** 64, 2 ** 64 + 10, 10 ** 30]


def many(n):
    """A sanitizer looks at all of a message for each line that is found."""
    return n // 50 if SANITIZED else n


class Hang(Exception):
    pass


class Client:
    """Sends and reads at once, so that nobody waits for ever."""

    def __init__(self, login=True):
        self.log = open("log", "ab+")
        self.p = subprocess.Popen([IMAPD], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=self.log,
                                  bufsize=0)
        os.set_blocking(self.p.stdin.fileno(), False)
        self.got = bytearray()
        self.ended = False
        self.read_to(rb"^\* OK .*\r\n")
        if login:
            self.say(b"l LOGIN alice secret\r\n", rb"^l OK .*\r\n")

    def pids(self):
        """The doorkeeper, who is the session later, and the talker."""
        path = "/proc/%d/task/%d/children" % (self.p.pid, self.p.pid)
        return [self.p.pid] + [int(n) for n in open(path).read().split()]

    def peak(self, pid=None):
        with open("/proc/%d/status" % (pid or self.pids()[-1])) as f:
            return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))

    def cpu(self):
        """Seconds of processor so far, of those that live and have lived."""
        ticks = 0
        for pid in self.pids():
            with suppress(OSError):  # it may have ended
                with open("/proc/%d/stat" % pid) as f:
                    words = f.read().rsplit(")", 1)[1].split()
                ticks += sum(map(int, words[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def read_to(self, pattern, send=b"", seconds=60):
        end = time.monotonic() + seconds * SLOW
        pattern = re.compile(pattern, re.M)
        while not (not send and pattern.search(self.got[-9000:])) and \
                not self.ended:
            left = end - time.monotonic()
            if left <= 0:
                raise Hang("%r, got %r" % (pattern.pattern, self.got[-300:]))
            r, w, _ = select.select([self.p.stdout], [self.p.stdin]
                                    if send else [], [], left)
            if w:
                try:
                    n = os.write(self.p.stdin.fileno(), send[:1 << 16])
                    send = send[n:]
                except BrokenPipeError:
                    send = b""
            if r:
                octets = os.read(self.p.stdout.fileno(), 1 << 20)
                self.ended = not octets
                self.got += octets
        return self.got[-9000:] # where the answer is

    def say(self, octets, pattern, seconds=60):
        """What came up to that line."""
        self.got = bytearray()
        got = self.read_to(pattern, octets, seconds)
        assert re.search(pattern, got, re.M), (octets[:100], pattern,
                                               got[-500:])
        return got

    def bye(self):
        self.p.stdin.close()
        while not self.ended:
            octets = os.read(self.p.stdout.fileno(), 1 << 16)
            self.ended = not octets
        assert self.p.wait(60) == 0, self.p.returncode
        self.log.seek(0)
        text = self.log.read().decode()
        assert not re.search("Sanitizer|runtime error|talker status|confined",
                             text), text[-3000:]
        return text


def session_lines(text):
    return [l for l in text.splitlines() if "session end=" in l]


def put(name, octets):
    with open(MAILDIR + "/cur/" + name, "wb") as f:
        f.write(octets)


def stranger():
    """Who has spoken once: the talker is there as a whole."""
    c = Client(login=False)
    pid = c.pids()[-1]
    c.say(b"w CAPABILITY\r\n", rb"^w OK .*\r\n")
    return c, pid, c.peak(pid)


def talker_stays_small(c, before, pid):
    now = c.peak(pid)
    assert SANITIZED or now - before < TALKER, (before, now)


# --- before a login ---

def literals_of_strangers():
    for n in BIG:
        for plus in b"", b"+":
            c, pid, before = stranger()
            c.say(b"a LOGIN {%d%s}\r\n" % (n, plus), rb"^(a BAD|\* BYE) .+\r\n")
            assert b"\n+ " not in c.got, (n, plus, c.got)
            if not c.ended and plus == b"" :
                talker_stays_small(c, before, pid)
                c.say(b"b NOOP\r\n", rb"^b OK .*\r\n")
            c.bye()


def lines_without_end():
    c, pid, before = stranger()
    c.say(b"x" * 1000000 + b"\r\n", rb"^\* BAD .*\r\n")
    c.say(b"a " * 1000000 + b"\r\n", rb"^\* BAD .*\r\n")
    c.say(b"a ID (" + b"(" * 1000000 + b"\r\n", rb"^\* BAD .*\r\n")
    c.say(b"a LOGIN " + b'"' * 1000000 + b"\r\n", rb"^\* BAD .*\r\n")
    talker_stays_small(c, before, pid)
    c.say(b"b NOOP\r\n", rb"^b OK .*\r\n")
    c.bye()


def floods():
    for line in [b"A {10+}\r\n", b"A {10+}\r\n0123456789", b"A NOOP {10+}\r\n",
                 b"A\r\n", b"\r\n", b"A LOGIN {10+}\r\n", b"\0" * 50 + b"\r\n",
                 b"A LOGIN {1000+}\r\n"]:
        c, pid, before = stranger()
        peaks = []
        try:
            c.read_to(rb"^\* BYE .*\r\n", line * 5000)
            peaks.append(c.peak(pid))
        except (FileNotFoundError, ProcessLookupError, AttributeError):
            pass # it has left
        text = c.bye()
        assert not peaks or SANITIZED or peaks[0] - before < TALKER, (
            line, before, peaks)
        assert len(session_lines(text)) >= 1, text
        assert c.got.count(b"\r\n") < 5100, len(c.got)


def many_tags():
    c, pid, before = stranger()
    c.say(b"".join(b"a%d NOOP\r\n" % i for i in range(100000)),
          rb"^a99999 OK .*\r\n")
    talker_stays_small(c, before, pid)
    c.bye()


# --- behind a login ---

def literals_of_users():
    for n in BIG:
        for line in [b"SELECT ", b"SEARCH BODY ", b"LIST \"\" ", b"CREATE "]:
            c = Client()
            if line[:2] == b"SE":
                c.say(b"s SELECT INBOX\r\n", rb"^s OK .*\r\n")
            before = c.peak()
            c.say(b"a " + line + b"{%d}\r\n" % n, rb"^(a (BAD|NO)|\* BYE) .+\r\n")
            assert b"\n+ " not in c.got, (n, c.got)
            assert SANITIZED or c.peak() - before < 4096
            c.say(b"b NOOP\r\n", rb"^b OK .*\r\n")
            c.bye()
        for plus in b"", b"+":
            c = Client()
            c.say(b"a APPEND INBOX {%d%s}\r\n" % (n, plus),
                  rb"^(a (BAD|NO)|\* BYE) .+\r\n")
            assert b"\n+ " not in c.got, (n, c.got)
            if not plus:
                c.say(b"b NOOP\r\n", rb"^b OK .*\r\n")
            c.bye()


def literal_that_never_comes():
    c = Client()
    c.say(b"a APPEND INBOX {1000000}\r\n", rb"^\+ .*\r\n")
    os.write(c.p.stdin.fileno(), b"x" * 60000)
    c.bye()
    assert os.listdir(MAILDIR + "/tmp") == []


def deep_lists():
    c = Client()
    c.say(b"s SELECT INBOX\r\n", rb"^s OK .*\r\n")
    n = 60000
    deep = [b"SEARCH " + b"(" * n, b"SEARCH " + b"(" * (n // 2) + b"ALL" +
            b")" * (n // 2), b"SEARCH " + b"NOT " * (n // 4) + b"ALL",
            b"SEARCH " + b"OR " * (n // 10) + b"ALL " * (n // 10) + b"ALL",
            b"FETCH 1 " + b"(" * n, b"FETCH 1 BODY[" + b"1." * (n // 2) +
            b"1]", b"FETCH 1 (" + b"FLAGS " * (n // 6) + b"UID)",
            b"LIST (" + b"(" * n, b"LIST \"\" " + b"(" * n,
            b"STATUS INBOX " + b"(" * n, b"SORT " + b"(" * n, b"ID " + b"(" * n,
            b"NOTIFY SET " + b"(" * n, b"STORE 1 FLAGS " + b"(" * n,
            b"SELECT INBOX " + b"(" * n, b"THREAD " + b"(" * n,
            b"APPEND INBOX " + b"(" * n, b"ENABLE " + b"X " * (n // 2),
            b"SELECT INBOX (QRESYNC " + b"(" * n]
    for line in deep + [b"SEARCH " + b"(" * 1000000]:
        begin = c.cpu()
        c.say(b"a " + line + b"\r\n", rb"^(a|\*) (BAD|OK|NO) .*\r\n")
        assert c.cpu() - begin < 2 * SLOW, line[:50]
        c.say(b"b NOOP\r\n", rb"^b OK .*\r\n")
    assert SANITIZED or c.peak() < 20000, c.peak()
    c.bye()


def sets():
    for i in range(20):
        put("%d.x:2," % i, b"Subject: %d\n\nx\n" % i)
    c = Client()
    c.say(b"s SELECT INBOX\r\n", rb"^s OK .*\r\n")
    long = ",".join(str(i) for i in range(1, 11000, 2)).encode()[:60000]
    lines = [(b"UID FETCH %s FLAGS" % long.rstrip(b","), b"OK"),
             (b"UID FETCH %s FLAGS" % b",".join([b"*"] * 30000), b"OK"),
             (b"UID FETCH %s FLAGS" % b",".join([b"1:*"] * 15000), b"OK"),
             (b"UID FETCH %s FLAGS" % b",".join(
                 [b"%d:%d" % (5000 - i, 1) for i in range(5000)]), b"OK"),
             (b"FETCH %s FLAGS" % (b"1," * 500000 + b"1"), b"BAD"),
             (b"FETCH 1:4294967296 FLAGS", b"BAD"),
             (b"UID FETCH 1:4294967295 FLAGS", b"OK"),
             (b"FETCH 1:18446744073709551617 FLAGS", b"BAD"),
             (b"FETCH 0 FLAGS", b"BAD"), (b"FETCH 1: FLAGS", b"BAD"),
             (b"FETCH ,1 FLAGS", b"BAD"), (b"FETCH 1,, FLAGS", b"BAD"),
             (b"UID STORE 1:4294967295 +FLAGS.SILENT (x)", b"OK"),
             (b"UID SEARCH UID 1:4294967295 NOT UID 5:4294967290", b"OK"),
             (b"SEARCH RETURN (PARTIAL 1:4294967295) ALL", b"OK"),
             (b"UID COPY 99:4294967295 INBOX", b"OK")]
    for line, answer in lines:
        begin = c.cpu()
        c.say(b"a " + line + b"\r\n", rb"^(a|\*) " + answer + rb" .*\r\n")
        assert c.cpu() - begin < 2 * SLOW, line[:50]
    assert SANITIZED or c.peak() < 24000, c.peak()
    c.bye()


def patterns():
    c = Client()
    for i in range(20):
        c.say(b"a CREATE %s\r\n" % (b"a" * 150 + b"%d" % i),
              rb"^a OK .*\r\n")
    begin = c.cpu()
    for pattern in [b"*a" * 20000, b"%*" * 20000, b"*" * 60000,
                    b"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
                    b"%a" * 70 + b"b", b"*%" * 3000 + b"z"]:
        c.say(b'b LIST "" "%s"\r\n' % pattern, rb"^b (OK|BAD|NO) .*\r\n")
        c.say(b'b LSUB "" "%s"\r\n' % pattern, rb"^b (OK|BAD|NO) .*\r\n")
    c.say(b'b LIST "" (%s)\r\n' % b" ".join([b"*a*a*a*b"] * 6000),
          rb"^b (OK|BAD|NO) .*\r\n")
    assert c.cpu() - begin < 6 * SLOW, c.cpu() - begin
    c.bye()


def searches():
    put("1.x:2,", b"Subject: x\n\n" + (b"a" * 998 + b"\n") * 8000)
    c = Client()
    c.say(b"s SELECT INBOX\r\n", rb"^s OK .*\r\n")
    bombs = [b'BODY "%s"' % (b"a" * 60000 + b"b"),
             b'TEXT "%s"' % (b"ab" * 30000), b'BODY ""',
             b" ".join([b'BODY "aaaaab"'] * 3000),
             b" ".join([b'OR BODY "aab" '] * 2000) + b" ALL",
             b'SUBJECT "%s"' % (b".*" * 20000), b'HEADER "%s" ""' %
             (b"x" * 60000), b"LARGER 18446744073709551615",
             b"LARGER 18446744073709551616", b"OLDER 4294967296",
             b"MODSEQ 9223372036854775808", b"KEYWORD " + b"k" * 60000,
             b"CHARSET " + b"x" * 60000 + b" ALL", b"CHARSET UTF-7 BODY x",
             b"SENTON 99-Xxx-9999", b"ON 1-Jan-0000", b"BEFORE 31-Feb-2026"]
    for bomb in bombs:
        begin = c.cpu()
        c.say(b"a SEARCH " + bomb + b"\r\n", rb"^a (OK|BAD|NO) .*\r\n")
        assert c.cpu() - begin < 10 * SLOW, (bomb[:50], c.cpu() - begin)
    # By literals, line after line, without end.
    c.say(b"a SEARCH " + b"".join(b"BODY {2+}\r\nzz " for _ in range(100000)) +
          b"ALL\r\n", rb"^(a (OK|BAD|NO)|\* BYE) .*\r\n")
    assert SANITIZED or c.peak() < 200000, c.peak()
    c.bye()


def multipart(parts):
    return (b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n" +
            parts + b"--b--\n")


def fetched(name, octets, memory=300000, seconds=10):
    """Whatever a message is, FETCH, SEARCH, SORT and THREAD end."""
    put(name, octets)
    c = Client()
    c.say(b"s SELECT INBOX\r\n", rb"^s OK .*\r\n")
    for line in [b"FETCH 1 (BODYSTRUCTURE ENVELOPE PREVIEW RFC822.SIZE)",
                 b"FETCH 1 BODY", b"FETCH 1 BODY.PEEK[1.1.1.1.1.1.1.1.TEXT]",
                 b"FETCH 1 (BODY.PEEK[900000] BODY.PEEK[2.MIME])",
                 b"FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT TO X)]",
                 b"FETCH 1 BINARY.SIZE[1]", b"SEARCH BODY nowhere",
                 b"SEARCH TEXT nowhere", b"SEARCH TO nowhere SUBJECT nowhere",
                 b"SORT (SUBJECT FROM TO DATE) UTF-8 ALL",
                 b"THREAD REFERENCES UTF-8 ALL"]:
        begin = c.cpu()
        c.say(b"a " + line + b"\r\n", rb"^a (OK|NO|BAD) .*\r\n",
              6 * seconds)
        took = c.cpu() - begin
        assert took < seconds * SLOW, (name, line, took)
        assert len(c.got) < 90 << 20, (name, line, len(c.got))
    assert SANITIZED or c.peak() < memory, (name, c.peak())
    c.say(b"b STORE 1 +FLAGS.SILENT (\\Deleted)\r\n", rb"^b OK .*\r\n")
    c.say(b"b CLOSE\r\n", rb"^b OK .*\r\n")
    c.bye()


def mime():
    fetched("1.million:2,", multipart(b"--b\n\nx\n" * many(1000000)))
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" %
                    (i, i) for i in range(many(100000)))
    fetched("2.deep:2,", deep + b"\nx\n")
    fetched("3.rfc822:2,", b"Content-Type: message/rfc822\n\n" * many(100000))
    fetched("4.same:2,", b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" *
            many(100000))
    fetched("5.dashes:2,", multipart(b"--\n" * many(2000000)))


def headers():
    fetched("1.long:2,", b"Subject: " + b"x" * many(20000000) + b"\n\nx\n")
    fetched("2.many:2,", b"X: y\n" * many(1000000) + b"Subject: z\n\nx\n")
    fetched("3.folded:2,", b"Subject: x" + b"\n y" * many(1000000) + b"\n\nx\n")
    fetched("4.to:2,", b"To: " + b"a@b.test, " * many(500000) + b"z@b.test\n\nx\n")
    fetched("5.groups:2,", b"To: " + b"g: a@b.test; " * many(200000) + b"\n\nx\n")
    fetched("6.comments:2,", b"To: " + b"(" * many(500000) + b" a@b.test\n\nx\n")
    fetched("7.words:2,", b"Subject: " + b"=?utf-8?q?=41?= " * many(300000) +
            b"\n\nx\n")
    fetched("8.re:2,", b"Subject: " + b"Re: [x] " * many(200000) + b"\n\nx\n")
    fetched("9.refs:2,", b"References: " + b"<a@b>\n " * many(300000) +
            b"\nIn-Reply-To: " + b"<c@d>" * many(200000) + b"\n\nx\n")
    fetched("10.params:2,", b"Content-Type: text/plain; " + b"a*0*=x; " *
            many(200000) + b"\n\nx\n")
    fetched("11.quotes:2,", b'From: "' + b'\\"' * many(1000000) + b"\n\nx\n")
    fetched("12.nul:2,", b"Subject: \0\0\0\r\r\r\n\0\n\n" + b"\0" * many(1000000))


def others_go_on():
    """While one is at it, another is served."""
    put("0.x:2,", b"Subject: x\n\n" + (b"ab" * 35 + b"\n") * 1000)
    for n in range(1, 300):
        os.link(MAILDIR + "/cur/0.x:2,", MAILDIR + "/cur/%d.x:2," % n)
    busy, other = Client(), Client()
    for c in busy, other:
        c.say(b"s SELECT INBOX\r\n", rb"^s OK .*\r\n")
    for _ in range(20): # who was busy may have had all of the machine
        busy.got = bytearray()
        os.write(busy.p.stdin.fileno(), b"a SEARCH " +
                 b'OR BODY "aab" ' * 50 + b"ALL\r\n")
        for i in range(10):
            other.say(b"n%d NOOP\r\n" % i, rb"^n%d OK .*\r\n" % i)
        over = select.select([busy.p.stdout], [], [], 0)[0]
        busy.read_to(rb"^a OK .*\r\n")
        if not over:
            break
    assert not over, "it was never busy"
    busy.bye()
    other.bye()


def many_errors():
    c = Client()
    c.read_to(rb"^\* BYE .*\r\n", b"x FOO\r\n" * 1000)
    text = c.bye()
    assert c.got.count(b"x BAD") <= 110, c.got.count(b"x BAD")
    assert len(session_lines(text)) == 1 and "end=errors" in text


for test in sys.argv[1:]:
    globals()[test]()
