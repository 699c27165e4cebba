"""What smtp-send sends, smtpd takes octet by octet: one message each, by DATA and
by BDAT, small and large, whatever is in it.

through.py PROGRAMS HOME SEED COUNT: PENNYPOST_HOME is the sender's, HOME that of
the server, with a mailbox alice@example.test."""

import glob
import os
import random
import re
import subprocess
import sys
import threading

programs, home, seed, count = sys.argv[1:]
random.seed(int(seed))
queue = os.environ["PENNYPOST_HOME"] + "/spool/queue/"
inbox = home + "/spool/mail/example.test/alice/new/"
PIECES = [b".", b"..", b"\n", b"\r", b"\n.\n", b"\r\n.\r\n", b"\r.\r", b"\n..",
          b"text ", b"\xc3\xa4", b"\n.\r\nQUIT\r\n", b"\nMAIL FROM:<>\n",
          b"x" * 900, b"y" * 5000, b"\n" * 40, b"--b\n", b"From x\n"]


def message():
    text = b"Subject: x\n\n"
    for _ in range(random.choice([3, 30, 300])):
        text += random.choice(PIECES)
        if len(text.rpartition(b"\n")[2]) > 60000:
            text += b"\n"
    return text


def go(text, drop):
    """Once, with a server that does not offer `drop`."""
    with open(queue + "T1", "wb") as f:
        f.write(b"pennypost-queue 1\nid T1\narrived 1\nsize %015d\n"
                b"from <x@sender.test>\nto . <alice@example.test>\n\n" %
                len(text) + text)
    server = subprocess.Popen([programs + "/smtpd", "-C", home],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    client = subprocess.Popen([programs + "/smtp-send", "-", "T1"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    heard = []

    def answers():
        for line in server.stdout:
            if not re.match(drop, line):
                client.stdin.write(line)
                client.stdin.flush()
        client.stdin.close()

    def commands():
        while octets := os.read(client.stdout.fileno(),
                                random.choice([1, 100, 65536])):
            heard.append(octets)
            server.stdin.write(octets)
            server.stdin.flush()
        server.stdin.close()

    threads = [threading.Thread(target=f) for f in (answers, commands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = client.stderr.read() + server.stderr.read()
    assert client.wait() == 0 and server.wait() == 0, told
    assert b"anitizer" not in told and b"runtime error" not in told, told
    files = glob.glob(inbox + "*")
    assert len(files) == 1, (files, told)
    got = open(files[0], "rb").read()
    os.unlink(files[0])
    wanted = text.replace(b"\r", b" ")
    wanted += b"" if wanted.endswith(b"\n") else b"\n"
    assert got.endswith(b" +0000\n" + wanted), (wanted, got)
    assert (b"BDAT" in b"".join(heard)[:300]) == (b"CHUNKING" not in drop)


for _ in range(int(count)):
    text = message()
    for drop in (b"nothing", b"250.CHUNKING", b"250.(CHUNKING|PIPELINING)"):
        go(text, drop)
