#!/usr/bin/env python3
"""damage.py IMAPD MAILDIR TIMES: pennypost-index, damaged at random, so often;
each time a session's answers have to be those of one that has none."""

import os
import random
import shutil
import subprocess
import sys

COMMANDS = ["LOGIN alice secret", "SELECT INBOX",
            "FETCH 1:* (RFC822.SIZE INTERNALDATE ENVELOPE BODYSTRUCTURE BODY "
            "PREVIEW EMAILID)",
            "SEARCH TEXT person", "SEARCH BODY needle", "SEARCH SUBJECT topic",
            "SEARCH FROM quoted", "SEARCH SENTSINCE 21-Nov-2023",
            "SEARCH HEADER X-Twice second", "SEARCH SINCE 25-Nov-2023",
            "SORT (SUBJECT DATE) UTF-8 ALL", "SORT (REVERSE FROM SIZE) UTF-8 ALL",
            "THREAD REFERENCES UTF-8 ALL", "THREAD ORDEREDSUBJECT UTF-8 ALL"]


def answers(imapd):
    says = "".join("%d %s\r\n" % (i, c) for i, c in enumerate(COMMANDS))
    run = subprocess.run([imapd], input=says.encode(), stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, timeout=600)
    if b"Sanitizer" in run.stderr or b"runtime error" in run.stderr:
        sys.exit(run.stderr.decode())
    at = run.stdout.index(b"\r\n1 OK")
    return run.stdout[at:]


def damage(r, good, other):
    """What may be found in its place."""
    bad = bytearray(good)
    kind = r.randrange(9)
    if kind == 0:
        return good[:r.randrange(len(good))]
    if kind == 1:
        for _ in range(r.choice((1, 1, 1, 5, 100))):
            bad[r.randrange(len(bad))] ^= 1 << r.randrange(8)
    elif kind == 2:
        at = r.randrange(len(bad))
        bad[at:at + r.randrange(5000)] = b""
    elif kind == 3:
        at = r.randrange(len(bad))
        bad[at:at] = r.randbytes(r.randrange(1, 5000))
    elif kind == 4:
        bad += r.randbytes(r.randrange(1, 5000))
    elif kind == 5:
        at = r.randrange(len(bad))
        bad[at:at + 4096] = bytes(len(bad[at:at + 4096]))
    elif kind == 6:
        bad += bad[24:]
    elif kind == 7: # records of other messages with the same UIDs
        bad = bytearray(good[:24] + other[24:])
    else:
        a, b = r.randrange(len(bad)), r.randrange(len(bad))
        bad[a:a + 500] = bad[b:b + 500]
    return bytes(bad)


def main(imapd, maildir, times):
    alice = os.path.join(os.environ["PENNYPOST_HOME"],
                         "spool/mail/example.test/alice")
    index = os.path.join(alice, "pennypost-index")
    r = random.Random(7)
    shutil.rmtree(alice)
    shutil.copytree(maildir, alice)
    right = answers(imapd)
    with open(index, "rb") as f:
        good = f.read()
    # The same, but that each message is another's content.
    names = sorted(os.listdir(alice + "/cur"))
    twin = alice + ".twin"
    shutil.copytree(alice, twin)
    for a, b in zip(names, names[1:] + names[:1]):
        shutil.copyfile(alice + "/cur/" + a, twin + "/cur/" + b.split(":")[0] +
                        "x:" + b.split(":")[1])
        os.unlink(twin + "/cur/" + b)
    for name in "pennypost-index", "pennypost-uids":
        os.unlink(os.path.join(twin, name))
    os.rename(alice, alice + ".first")
    os.rename(twin, alice)
    answers(imapd)
    with open(index, "rb") as f:
        other = f.read()
    shutil.rmtree(alice)
    os.rename(alice + ".first", alice)
    assert answers(imapd) == right
    wrong = 0
    for i in range(times):
        with open(index, "wb") as f:
            f.write(damage(r, good, other))
        for again in range(2): # what was found to be damaged, and made again
            if answers(imapd) != right:
                wrong += 1
                print("wrong: damage", i, "session", again)
    print("%d times damaged, %d wrong answers" % (times, wrong))
    return wrong > 0


sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
