#!/usr/bin/env python3
"""compare.py: what imapd's functions and others say of the same messages.

    compare.py show ANSWERS                       normalised, a line for each
    compare.py dovecot ANSWERS DIRECTORY          Dovecot's, beside them

ANSWERS is what mime-answers printed; DIRECTORY has the messages. Exit status 1
tells of a difference that is not allowed."""

import hashlib
import os
import re
import subprocess
import sys
import tempfile

DOVECOT = "/usr/lib/dovecot/imap"

# Where our answer is another than Dovecot 2.3's, and why.
DIFFERENCES = {
    "RFC 5322 4.4: an empty member of a list is nobody; Dovecot says "
    "MISSING_MAILBOX for each":
        "address-commas address-commas-only address-group-commas "
        "address-semicolon-only sender-bad",
    "RFC 5322 4.4: blanks may be around the dots of an address":
        "address-dots-blank",
    "RFC 5322 3.2.4: what a quoted string holds is not changed":
        "address-quoted-blanks",
    "what is around the fault is plain to see; Dovecot gives up the name, the "
    "address, or all that follows":
        "address-backslash address-comment-deep address-comment-open "
        "address-group-nested address-group-no-comma address-name-backslash "
        "address-name-brackets address-quoted-open controls",
    "RFC 3501 9: no string holds a NUL; it is left out, not made U+FFFD, nor "
    "the end of all":
        "nul type-nul",
    "blanks around a value are none of it; Dovecot leaves those around an id":
        "blank-values id-folded typed-folded",
    "boundaries are read whole; Dovecot cuts them, after 80 octets or at "
    "characters that should have been quoted":
        "boundary-long boundary-unquoted-special",
    "RFC 2045 5.2: a Content-Type that is none, or wrong, means text/plain; "
    "Dovecot says \"\", which is no type":
        "digest-bad-type part-type-empty type-bad type-bad-characters "
        "type-charset-only type-comma type-empty type-no-semicolon "
        "type-no-subtype type-no-subtype-slash type-no-type type-none "
        "type-three type-twice-bad",
    "RFC 2046 5.1.1: without a boundary it has no parts; ours is the text that "
    "a person sees, Dovecot's a multipart of one empty part":
        "nested-no-boundary type-mixed-empty-boundary type-mixed-no-boundary",
    "what is nested too deep or too many is text/plain, as in mime.h":
        "deep-500 message-deep-150 message-deep-3000 many-parts-20000",
    "RFC 9051 7.5.2, RFC 6532 3.7: message/global is a message":
        "message-global",
    "what follows the fault in a list is read":
        "language-blanks language-commas type-equals type-no-equals "
        "type-no-name type-quoted-open type-semicolons type-slashes "
        "encoding-semicolon",
    "RFC 2231 3 has no such numbers: they are parts of names":
        "type-2231-huge type-2231-star",
    "BODYSTRUCTURE says 7bit of what names no encoding: the preview is of it "
    "as it stands":
        "content-empty encoding-empty encoding-quoted encoding-two-words "
        "encoding-twice",
    "RFC 8970 3.1: no text, no preview; Dovecot shows a digest's messages":
        "digest digest-other-fields",
    "another count of U+FFFD for octets that are no character":
        "preview-bad-utf-8 preview-no-charset",
    "RFC 2045 6.8: characters outside of base64 are ignored":
        "preview-base64-bad",
}
QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.S)
LITERAL = re.compile(rb"~?\{(\d+)\}\r\n")
ATOM = re.compile(rb'[^\s()"]+')
SPACE = re.compile(rb"[ \r\n]*")


def parse(data, at=0):
    """One item of IMAP's: lists, None, int, bytes; and where it ends."""
    stack = []
    while True:
        at = SPACE.match(data, at).end()
        c = data[at:at + 1]
        if c == b"(":
            stack.append([])
            at += 1
            continue
        if c == b")":
            item = stack.pop()
            at += 1
        elif c == b'"':
            m = QUOTED.match(data, at)
            item = re.sub(rb"\\(.)", rb"\1", m[1], flags=re.S)
            assert not re.search(rb"[\r\n\0\x80-\xff]", m[1]), m[1]
            at = m.end()
        elif LITERAL.match(data, at):
            m = LITERAL.match(data, at)
            at = m.end() + int(m[1])
            item = data[m.end():at]
            assert len(item) == int(m[1]) and b"\0" not in item
        else:
            m = ATOM.match(data, at)
            item = None if m[0] == b"NIL" else \
                int(m[0]) if m[0].isdigit() else m[0]
            at = m.end()
        if not stack:
            return item, at
        stack[-1].append(item)


KINDS = ("ENVELOPE", "BODY", "BODYSTRUCTURE", "PREVIEW")


def ours(path):
    with open(path, "rb") as f:
        data = f.read()
    at, all = 0, {}
    while at < len(data):
        end = data.index(b"\n", at)
        name = os.path.basename(data[at:end].decode()).removesuffix(".eml")
        items = {}
        for kind in KINDS:
            items[kind], end = parse(data, end)
        at = end + 1
        assert data[end:at] == b"\n", (name, data[end - 80:end + 80])
        all[name] = items
    return all


def dovecot(directory):
    """By a session of its own, on a Maildir of all of them."""
    with tempfile.TemporaryDirectory() as d:
        for sub in ("cur", "new", "tmp", "../run"):
            os.makedirs(os.path.join(d, "Mail", sub), exist_ok=True)
        for name in os.listdir(directory):
            with open(os.path.join(directory, name), "rb") as f:
                text = f.read()
            with open(os.path.join(d, "Mail/cur", name + ":2,S"), "wb") as f:
                f.write(text)
        uid, gid = os.getuid(), os.getgid()
        root = uid == 0
        if root:  # Dovecot lets no mail be root's
            uid = gid = 65534
            subprocess.run(["chown", "-R", "%d:%d" % (uid, gid), d], check=True)
        with open(os.path.join(d, "conf"), "w") as f:
            f.write("base_dir = %s/run\nlog_path = %s/log\nssl = no\n"
                    "mail_location = maildir:%s/Mail\n"
                    "stats_writer_socket_path =\n"
                    "first_valid_uid = 0\nfirst_valid_gid = 0\n"
                    "mail_uid = %d\nmail_gid = %d\n"
                    "import_environment =\n" %
                    (d, d, d, uid, gid))
        says = b"a SELECT INBOX\r\nb FETCH 1:* (UID ENVELOPE BODY " \
            b"BODYSTRUCTURE PREVIEW)\r\nc LOGOUT\r\n"
        # A pipe that ends would be a client that is gone: it stays open.
        with open(os.path.join(d, "out"), "w+b") as out:
            run = subprocess.Popen([DOVECOT, "-c", os.path.join(d, "conf")],
                                   stdin=subprocess.PIPE, stdout=out, cwd=d,
                                   env={"USER": "user", "HOME": d},
                                   **({"user": uid, "group": gid,
                                       "extra_groups": []} if root else {}))
            run.stdin.write(says)
            run.stdin.flush()
            try:
                run.wait(120)
            finally:
                run.kill()
                run.stdin.close()
            out.seek(0)
            data = out.read()
        assert b"\r\nb OK" in data, data[-500:]
        names = {}
        with open(os.path.join(d, "Mail/dovecot-uidlist")) as f:
            for line in f.readlines()[1:]:
                uid, _, file = line.rstrip("\n").partition(" ")
                names[int(uid)] = file[file.index(":") + 1:] \
                    .partition(":")[0].removesuffix(".eml")
    all, at = {}, 0
    for m in re.finditer(rb"^\* \d+ FETCH (?=\(UID )", data, re.M):
        if m.start() < at:
            continue
        item, at = parse(data, m.end())
        got = dict(zip(item[::2], item[1::2]))
        all[names[got[b"UID"]]] = {k: got[k.encode()] for k in KINDS}
    return all


def lower(item):
    return item.lower() if isinstance(item, bytes) else item


def parameters(item):
    if not item:
        return item
    return [x if i % 2 else lower(x) for i, x in enumerate(item)]


def body(item):
    """Types, encodings and parameters' names in either case are the same."""
    if not isinstance(item, list) or not item:
        return item
    n = 0
    while n < len(item) and isinstance(item[n], list):
        n += 1
    if n:
        return [body(x) for x in item[:n]] + [lower(item[n])] + \
            [parameters(x) for x in item[n + 1:n + 2]] + extension(item[n + 2:])
    done = [lower(item[0]), lower(item[1]), parameters(item[2]), item[3],
            item[4], lower(item[5]), item[6]]
    rest = item[7:]
    if rest and isinstance(rest[0], list) and len(rest) > 1 and \
            isinstance(rest[1], list):
        done += [rest[0], body(rest[1]), rest[2]]
        rest = rest[3:]
    elif done[0] == b"text":
        done.append(rest.pop(0))
    return done + rest[:1] + extension(rest[1:])


def without(item):
    """BODY of a BODYSTRUCTURE: without what is only in that one."""
    n = 0
    while isinstance(item[n], list):
        n += 1
    if n:
        return [without(x) for x in item[:n]] + [item[n]]
    if item[0] == b"message" and item[1] in (b"rfc822", b"global"):
        return item[:8] + [without(item[8]), item[9]]
    return item[:8 if item[0] == b"text" else 7]


def extension(item):
    if item and item[0]:
        item = [[lower(item[0][0]), parameters(item[0][1])]] + item[1:]
    return item


def normal(items):
    return {"ENVELOPE": items["ENVELOPE"], "BODY": body(items["BODY"]),
            "BODYSTRUCTURE": body(items["BODYSTRUCTURE"]),
            "PREVIEW": items["PREVIEW"]}


def text(item):
    if isinstance(item, list):
        return "(" + " ".join(text(x) for x in item) + ")"
    if item is None:
        return "NIL"
    if isinstance(item, int):
        return str(item)
    s = item.decode("utf-8", "backslashreplace")
    return '"' + s.replace("\\", "\\\\").replace('"', '\\"').replace(
        "\r", "\\r").replace("\n", "\\n") + '"'


def shortened(line):
    if len(line) < 1000:
        return line
    return line[:500] + "..." + hashlib.sha256(line.encode()).hexdigest()[:16]


def main():
    mine = ours(sys.argv[2])
    if sys.argv[1] == "show":
        for name in sorted(mine):
            items = normal(mine[name])
            assert items["BODY"] == without(items["BODYSTRUCTURE"]), name
            for kind in "ENVELOPE", "BODYSTRUCTURE", "PREVIEW":
                print(name, kind, shortened(text(items[kind])))
        return 0
    allowed = {n: why for why, all in DIFFERENCES.items() for n in all.split()}
    theirs = dovecot(sys.argv[3])
    assert sorted(mine) == sorted(theirs), (len(mine), len(theirs))
    status = 0
    for name in sorted(mine):
        a, b = normal(mine[name]), normal(theirs[name])
        for kind in KINDS:
            if a[kind] != b[kind] and name not in allowed:
                status = 1
                x, y = text(a[kind]), text(b[kind])
                print(name, kind)
                print("  ours   ", x[:3000])
                print("  dovecot", y[:3000])
    return status


if __name__ == "__main__":
    sys.exit(main())
