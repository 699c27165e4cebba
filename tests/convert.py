"""What smtp-send makes of 8-bit mail for a host without 8BITMIME, beside what
Python's email package reads in both: the parts decode to the same octets, and
all of it is ASCII in lines of 998 at most.

convert.py PROGRAM QUEUE SEED COUNT: as many random messages, of which the first
are the corners below."""

import email
import random
import subprocess
import sys
import traceback

program, queue, seed, count = sys.argv[1:]
random.seed(int(seed))

TEXTS = [b"", b"plain\n", b"\xc3\xa4\xc3\xb6\n", b"a" * 1200 + b"\n",
         b"\xff" * 300 + b"\n", b"tail \n\t\nx\t\n", b"=3D=\n",
         b"--b\n--b--\n--bb\n--\n", b".\n..\nFrom x\n", b"no end",
         b"\xe4 no end", (b"x" * 73 + b"--b\n") * 3 + b"\xe4\n",
         (b"x" * 75 + b" " * 4 + b"\n") + b"\xe4\n", b"\0nul\n",
         b"y" * 70000 + b"\xe4\n", b"z" * 65535 + b"\n\xe4" * 9,
         "\u20ac".encode() * 40000 + b"\n"]
ENCODINGS = [None, b"7bit", b"8bit", b"8BIT", b"binary", b"(x) 8bit (y(z\\)))"]


def field(name, value):
    return name + b": " + value + b"\n"


def body(boundary_words):
    text = random.choice(TEXTS)
    return text if not any(b"--" + w in text for w in boundary_words) else b"x\n"


def leaf(used, typed):
    header = b""
    if typed or random.random() < .7:
        header += field(b"Content-Type", random.choice(
            [b"text/plain; charset=utf-8", b"application/octet-stream",
             b"image/svg+xml;\n\tname=\"a; boundary=b\"",
             b"text/html (c;d) ; charset=\"x\" ;", b"text", b"TEXT/Plain; a"]))
    kind = random.random()
    if kind < .15:
        return header + field(b"Content-Transfer-Encoding", b"base64") + \
            b"\nw6TDtg==\n"
    if kind < .3:
        return header + field(b"content-transfer-encoding",
                              b"Quoted-Printable") + b"\n=C3=A4=\nx\n"
    encoding = random.choice(ENCODINGS)
    if encoding is not None:
        header += field(b"Content-Transfer-Encoding", encoding)
    return header + random.choice([b"", b"X-Y: z\n folded\n"]) + b"\n" + body(used)


def message(depth, used):
    top = field(b"Subject", b"x") + field(b"From", b"a@b.test")
    if random.random() < .8:
        top += field(b"MIME-Version", b"1.0")
    return top + entity(depth, used)


def entity(depth, used, digest=False):
    kind = random.random()
    if digest and kind < .5:
        return b"\n" + message(depth + 1, used)
    if depth < 5 and kind < .5:
        boundary = b"b" * (len(used) + 1) if random.random() < .5 else \
            b"=_%d'()+,./:? x" % len(used)
        if boundary in used:
            boundary = b"n%d" % random.randrange(10 ** 9)
        used = used + [boundary]
        subtype = random.choice([b"mixed", b"Alternative", b"digest", b"x"])
        header = field(b"Content-Type", b"multipart/" + subtype +
                       b";\n boundary=\"" + boundary + b"\"")
        if random.random() < .3:
            header += field(b"Content-Transfer-Encoding", b"8bit")
        text = header + b"\n" + random.choice(
            [b"", b"preamble\n", b"pr\xe4amble\n", b"p\n" * 3])
        for _ in range(random.randrange(1, 4)):
            part = entity(depth + 1, used, subtype == b"digest")
            text += b"--" + boundary + random.choice([b"", b" \t"]) + \
                b"\n" + part + (b"" if part.endswith(b"\n") and
                                random.random() < .5 else b"\n")
        if random.random() < .9:
            text += b"--" + boundary + b"--" + random.choice(
                [b"\n", b"", b"\nepilogue\n", b"\nepil\xe4gue\n"])
        return text
    if depth < 5 and kind < .6:
        return field(b"Content-Type", b"message/rfc822") + \
            random.choice([b"", field(b"Content-Transfer-Encoding", b"8bit")]) \
            + b"\n" + message(depth + 1, used)
    return leaf(used, digest)


def wrapped(header, text, end=b"--b--\n"):
    return b"MIME-Version: 1.0\n" + header + b"\n--b\n" + text + end


# A boundary, and a header, across the end of what is read at once.
def across(at, line):
    head = b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n" \
        b"\n--b\n\n"
    text = head + (b"x" * 63 + b"\n") * 1100
    return text[:65535 - at].rpartition(b"\n")[0].ljust(65535 - at, b"y") + \
        b"\n" + line + b"\n\n\xe4\n--b--\n"


MIXED = b"Content-Type: multipart/mixed; boundary=b\n"
SIGNED = b"Content-Type: multipart/signed; boundary=b; micalg=x\n"
DEEP = b"".join(b"Content-Type: multipart/mixed; boundary=n%d\n\n--n%d\n" %
                (i, i) for i in range(40))
CAN = [across(n, b"--b\nContent-Transfer-Encoding: 8bit")
       for n in range(0, 40, 2)] + [
    b"\n\xe4\n", b"X: y\n\n\xe4", b"Content-Type:\n\n\xe4\n",
    b"Content-Type: text; x\n\n\xe4\n",
    wrapped(MIXED, b"\n\xe4\n"), wrapped(MIXED, b"", b"\n\xe4\n--b--"),
    wrapped(MIXED, b"Content-Type: text/plain\n--b\n\n\xe4\n"),
    wrapped(MIXED, b"Content-Type: multipart/signed; boundary=c\n\n--c\n\n"
            b"7 bits\n--c\n\nsig\n--c--\n--b\n\n\xe4\n"),
    wrapped(MIXED, b"Content-Type: message/global\n\nSubject: \xe4\n\n"),
    wrapped(MIXED, b"Content-Type: message/partial\n\n7\n--b\n\n\xe4\n"),
    wrapped(MIXED, b"Content-Transfer-Encoding: x-uu\n\n7\n--b\n\n\xe4\n"),
]
CANNOT = [
    b"Subject: \xe4\n\nx\n", b"no header\n\xe4\n", wrapped(SIGNED, b"\n\xe4\n"),
    wrapped(MIXED, b"Content-Disposition: x; filename=\xe4\n\nx\n"),
    wrapped(b"Content-Type: multipart/mixed\n", b"\n\xe4\n"),
    wrapped(b"Content-Type: multipart\n", b"\n\xe4\n"),
    wrapped(b"Content-Type: multipart/mixed; boundary=b; boundary=c\n",
            b"\n\xe4\n"),
    wrapped(b"Content-Type: multipart/mixed; boundary*0=b\n", b"\n\xe4\n"),
    wrapped(b"Content-Type: multipart/mixed; boundary=" + b"b" * 201 + b"\n",
            b"\n\xe4\n"),
    wrapped(MIXED + MIXED, b"\n\xe4\n"),
    wrapped(b"Content-Type: text/plain\n" + MIXED, b"\n\xe4\n"),
    wrapped(MIXED + b"Content-Transfer-Encoding: base64\n", b"\n\xe4\n"),
    b"Content-Transfer-Encoding: base64\n\n\xe4\n",
    b"Content-Transfer-Encoding: quoted-printable\n\n\xe4\n",
    b"Content-Transfer-Encoding: x-uuencode\n\n\xe4\n",
    b"Content-Transfer-Encoding: 8bit\nContent-Transfer-Encoding: 8bit\n\n\xe4",
    b"Content-Type: message/partial; id=x\n\n\xe4\n",
    b"Content-Type: message/external-body\n\n\n\xe4\n",
    b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n\xe4\n",
    b"Content-Type: message/rfc822\n\nSubject: \xe4\n\n",
    b"Content-Type: text/plain; x=" + b"x" * 2000 + b"\n\n\xe4\n",
    DEEP + b"\n\xe4\n",
    wrapped(MIXED, b"\n\xe4\n--b\n" * 4200),
]

QP = b"Content-Transfer-Encoding: quoted-printable\n"
EXACT = [ # and what becomes of them
    (b"Subject: x\n\n\xe4\n", b"Subject: x\nMIME-Version: 1.0\nContent-Type: "
     b"text/plain; charset=unknown-8bit\n" + QP + b"\n=E4\n"),
    (b"Content-Type: text/x\nX: y\n\n\xe4\n",
     b"Content-Type: text/x\nX: y\nMIME-Version: 1.0\n" + QP + b"\n=E4\n"),
    (wrapped(MIXED + b"Content-Transfer-Encoding: 8bit\n",
             b"Content-Transfer-Encoding: 8bit\n\nx\n--b\n\nx\n--b\n\n\xe4\n",
             b"--b--\n\xe4\nx\n--b\n\nx\xe4\n"),
     wrapped(MIXED + b"Content-Transfer-Encoding: 7bit\n",
             b"Content-Transfer-Encoding: 7bit\n\nx\n--b\n\nx\n--b\n" + QP +
             b"\n=E4\n", b"--b--\nx\n--b\n\n")),
]


def convert(text):
    """What the host hears as the message; None: 554."""
    with open(queue + "/C1", "wb") as f:
        f.write(b"pennypost-queue 1\nid C1\narrived 1\nsize %015d\nfrom <>\n"
                b"to . <x@far.test>\n\n" % len(text) + text)
    says = b"220 a\r\n250-a\r\n250 SIZE\r\n250 b\r\n250 c\r\n354 d\r\n250 e\r\n"
    p = subprocess.run([program, "-", "C1"], input=says, capture_output=True)
    assert p.returncode == 0 and b"anitizer" not in p.stderr, p.stderr
    if b"\nto 0 - 554 5.6.3 " in p.stderr:
        assert b"DATA" not in p.stdout
        return None
    assert b"sent to=<x@far.test>" in p.stderr, p.stderr
    head, _, rest = p.stdout.partition(b"DATA\r\n")
    rest = rest.removesuffix(b"QUIT\r\n")
    assert rest == b".\r\n" or rest.endswith(b"\r\n.\r\n"), rest[-30:]
    wire = rest[:-3]
    lines = wire.split(b"\r\n")[:-1]
    assert b"\r" not in b"".join(lines) and b"\n" not in b"".join(lines)
    assert not any(line.startswith(b".") and not line.startswith(b"..")
                   for line in lines)
    lines = [line[line.startswith(b"."):] for line in lines]
    size = sum(len(line) + 2 for line in lines)
    assert b" SIZE=%d\r\n" % size in head, (size, head)
    return b"".join(line + b"\n" for line in lines)


def leaves(text):
    found = []
    for part in email.message_from_bytes(text).walk():
        if part.get_content_maintype() in ("multipart", "message") and \
                isinstance(part.get_payload(), list):
            found.append(part.get_content_type())
            continue
        octets = part.get_payload(decode=True)
        found.append(octets.rstrip(b"\n"))
    return found


def check(text, possible=True):
    got = convert(text)
    if not possible:
        assert got is None, (text, got)
        return
    assert got is not None, text
    if not any(octet >= 0x80 for octet in text):
        assert got == text + (b"" if text.endswith(b"\n") else b"\n")
        return
    assert got.isascii(), (text, got)
    header = got.partition(b"\n\n")[0]
    assert all(len(line) <= 998 for line in got.split(b"\n")), text
    assert b"\0" not in got
    assert leaves(got) == leaves(text), (text, got, leaves(text), leaves(got))
    # A second time there is nothing left to do.
    assert convert(got) == got


tries = [(text, True) for text in CAN] + [(text, False) for text in CANNOT] + \
    [(message(0, []), True) for _ in range(int(count))]
for text, wanted in EXACT:
    assert convert(text) == wanted, (convert(text), wanted)
for text, possible in tries:
    try:
        check(text, possible)
    except AssertionError:
        with open("wrong", "wb") as f:
            f.write(text)
        raise SystemExit("wrong: " + traceback.format_exc()[:2000])
