#!/usr/bin/env python3
"""sections.py IMAPD DIRECTORY ALLOWED: what imapd and Dovecot answer to BODY[…],
BINARY[…] and their kin for the same messages. ALLOWED has lines "MESSAGE ITEM
reason", both as in fnmatch. Exit status 1 tells of a difference that is not
allowed, or of a line there that allows nothing."""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
import tempfile

DOVECOT = "/usr/lib/dovecot/imap"
PARTS = ("1", "2", "3", "1.1", "1.2", "2.1", "2.2", "1.1.1", "2.1.1",
         "1.1.1.1", "9.9")
FIELDS = "(From to SUBJECT X-None Content-Type Date)"
SECTIONS = ["", "HEADER", "TEXT", "HEADER.FIELDS " + FIELDS,
            "HEADER.FIELDS.NOT " + FIELDS, "HEADER.FIELDS (X-None)"] + [
    part + kind for part in PARTS for kind in (
        "", ".MIME", ".HEADER", ".TEXT", ".HEADER.FIELDS " + FIELDS)]
PARTIALS = ["[]<0.10>", "[]<5.20>", "[TEXT]<3.2147483647>", "[1]<2.3>",
            "[HEADER]<1.5>", "[HEADER]<100000.1>", "[1.MIME]<4.4>",
            "[HEADER.FIELDS (Subject)]<2.4>"]
ITEMS = ["BODY.PEEK[%s]" % s for s in SECTIONS] + \
    ["BODY.PEEK" + p for p in PARTIALS] + \
    ["RFC822", "RFC822.HEADER", "RFC822.TEXT", "RFC822.SIZE"]
BINARIES = [kind % part for part in PARTS[:7] + ("9.9",)
            for kind in ("BINARY.PEEK[%s]", "BINARY.SIZE[%s]",
                         "BINARY.PEEK[%s]<1.7>")]
NAME = re.compile(rb"[A-Z0-9.]+(?:\[[^\]]*\])?(?:<\d+>)?")
LITERAL = re.compile(rb"~?\{(\d+)\}\r\n")
ATOM = re.compile(rb"[^\s()]+")


def value(data, at):
    m = LITERAL.match(data, at)
    if m:
        end = m.end() + int(m[1])
        if b"\0" in data[m.end():end] and m[0][:1] != b"~":
            return b"NUL IN A LITERAL", end
        return data[m.end():end], end
    if data[at:at + 1] == b"(":
        return b"", data.index(b")", at) + 1
    m = ATOM.match(data, at)
    return None if m[0] == b"NIL" else m[0], m.end()


def answers(data):
    """uid: {item: value}; of UID FETCH, and the tagged NOs in it."""
    got, refused, at = {}, set(), 0
    while at < len(data):
        end = data.find(b"\r\n", at)
        m = re.compile(rb"\* \d+ FETCH \(").match(data, at)
        if not m:
            m = re.match(rb"([0-9.]+) NO \[UNKNOWN-CTE\]", data[at:end])
            if m:
                refused.add(m[1].decode())
            at = end + 2
            continue
        items, at = {}, m.end()
        while data[at:at + 1] != b")":
            at += data[at:at + 1] == b" "
            m = NAME.match(data, at)
            assert m, data[at - 100:at + 100]
            items[m[0].decode().upper()], at = value(data, m.end() + 1)
        at += 3
        got.setdefault(int(items["UID"]), {}).update(items)
    return got, refused


def commands(uids):
    lines = [b"x SELECT INBOX"]
    for uid in uids:
        lines.append(b"%d UID FETCH %d (%s)" % (
            uid, uid, " ".join(ITEMS).encode()))
        for i, item in enumerate(BINARIES):
            lines.append(b"%d.%d UID FETCH %d (%s)" % (uid, i, uid,
                                                       item.encode()))
    return b"\r\n".join(lines + [b"z LOGOUT", b""])


def dovecot(d, uids):
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
                "mail_uid = %d\nmail_gid = %d\nimport_environment =\n" %
                (d, d, d, uid, gid))
    # A pipe that ends would be a client that is gone: it stays open.
    with open(os.path.join(d, "out"), "w+b") as out, \
            open(os.path.join(d, "err"), "wb") as err:
        run = subprocess.Popen([DOVECOT, "-c", os.path.join(d, "conf")],
                               stdin=subprocess.PIPE, stdout=out, stderr=err,
                               cwd=d, env={"USER": "user", "HOME": d},
                               **({"user": uid, "group": gid,
                                   "extra_groups": []} if root else {}))
        try:
            run.stdin.write(commands(uids))
            run.stdin.flush()
            run.wait(300)
        finally:
            run.kill()
            run.stdin.close()
        out.seek(0)
        return out.read()


def ours(imapd, d, uids):
    home = os.environ["PENNYPOST_HOME"]
    alice = os.path.join(home, "spool/mail/example.test/alice")
    shutil.rmtree(alice)
    os.makedirs(alice)
    for name in "cur", "new", "tmp":
        subprocess.run(["cp", "-R", os.path.join(d, "Mail", name), alice],
                       check=True)
    says = b"l LOGIN alice secret\r\n" + commands(uids)
    run = subprocess.run([imapd], input=says, stdout=subprocess.PIPE,
                         timeout=300)
    return run.stdout


def same(key, a, b):
    """A part that is not there is NIL with us, and empty with Dovecot; for
    which each leaf has a part 1, itself. RFC 3501 6.4.5 knows no such part."""
    x, y = a.get(key, b"MISSING"), b.get(key, b"MISSING")
    if x == y:
        return True
    above = re.sub(r"\.1(?=[].])(?!\.\d)", "", key, count=1)
    nothing = b"0" if ".SIZE" in key else None
    return x == nothing and (y in (b"", b"0") or (
        above != key and y == b.get(above)))


def main():
    imapd, directory, allowed_path = sys.argv[1:]
    files = sorted(os.listdir(directory))
    with tempfile.TemporaryDirectory() as d:
        for sub in ("cur", "new", "tmp", "../run"):
            os.makedirs(os.path.join(d, "Mail", sub))
        # Both give UIDs in the order of delivery.
        for uid, name in enumerate(files, 1):
            shutil.copy(os.path.join(directory, name), os.path.join(
                d, "Mail/cur/%d.M1P1.host:2,S" % (1000000000 + uid)))
        uids = range(1, len(files) + 1)
        said = dovecot(d, uids)
        theirs, they_refused = answers(said)
        mine, we_refused = answers(ours(imapd, d, uids))
    assert len(theirs) == len(files), (len(theirs), len(files), said[-500:])
    allowed = []
    with open(allowed_path) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                allowed.append([line.split(None, 2), 0])
    status = compared = 0
    for uid, name in enumerate(files, 1):
        name = name.removesuffix(".eml")
        a, b = mine.get(uid, {}), theirs[uid]
        for i, item in enumerate(BINARIES):
            tag = "%d.%d" % (uid, i)
            key = re.sub(r"\.PEEK", "", item)
            key = re.sub(r"<(\d+)\.\d+>", r"<\1>", key)
            if tag in they_refused:
                b[key] = b"UNKNOWN-CTE"
            if tag in we_refused:
                a[key] = b"UNKNOWN-CTE"
        a.pop("MODSEQ", None)
        for key in sorted(set(a) | set(b)):
            if key == "FLAGS":
                continue
            x, y = a.get(key, b"MISSING"), b.get(key, b"MISSING")
            compared += 1
            if same(key, a, b):
                continue
            plain = key.replace(" ", "_")
            for entry in allowed:
                pattern = entry[0]
                if fnmatch.fnmatchcase(name, pattern[0]) and \
                        fnmatch.fnmatchcase(plain, re.sub(
                            r"\[", "[[]", pattern[1])):
                    entry[1] += 1
                    break
            else:
                status = 1
                print(name, plain)
                print("  ours   ", repr(x)[:400])
                print("  dovecot", repr(y)[:400])
    for entry in allowed:
        if not entry[1]:
            print("allows nothing:", *entry[0])
            status = 1
    print("%d messages, %d answers" % (len(files), compared))
    return status


if __name__ == "__main__":
    sys.exit(main())
