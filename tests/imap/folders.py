#!/usr/bin/env python3
"""folders.py IMAPD MAILDIR: what imapd and Dovecot tell of the same folders.

imapd's user is alice, whose Maildir that is; Dovecot has a copy. Responses are
compared as sets, attributes too."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

DOVECOT = "/usr/lib/dovecot/imap"

PATTERNS = ["*", "%", "foo", "foo.%", "foo.*", "%.%", "*.%", "%.*", "*o*", "inbox",
            "inbox*", "INB%", "inbox.%", "&AOQ-", "&AOQ-.%", "&AOQ-%", "x.%.z*",
            "x*z", "x.%.%", "*%", "%*", "**", "nonesuch", "foo.", "foo.bar.baz",
            "f%2", "INBOX.KID", "Sen%", "a*b", ""]
COMMANDS = (
    ['LIST "" "%s"' % p for p in PATTERNS] +
    ['LSUB "" "%s"' % p for p in PATTERNS] +
    ['LIST foo. %s' % p for p in "%*"] + ['LIST fo "o.%"', 'LIST foo ".%"'] +
    ['LIST (SUBSCRIBED) "" "%s"' % p for p in PATTERNS[:-1]] +
    ['LIST (SUBSCRIBED RECURSIVEMATCH) "" "%s"' % p for p in PATTERNS[:-1]] +
    ['LIST "" "%s" RETURN (CHILDREN SUBSCRIBED SPECIAL-USE)' % p
     for p in PATTERNS[:-1]] +
    ['LIST (SPECIAL-USE) "" "%s"' % p for p in "%*"] +
    ['LIST () "" *', 'LIST "" (foo% INBOX x.*)', 'LIST "" * RETURN ()',
     'LIST "" (INBOX INBOX) RETURN (CHILDREN)',
     'LIST (SUBSCRIBED) "" * RETURN (CHILDREN STATUS (MESSAGES))',
     'LIST "" * RETURN (STATUS (MESSAGES UNSEEN RECENT UIDNEXT SIZE))',
     'LIST (RECURSIVEMATCH) "" *', 'LIST (NONSENSE) "" *', 'LIST "" * RETURN (X)',
     'LIST (SUBSCRIBED) "" (foo.% x.%) RETURN (SUBSCRIBED)',
     'STATUS INBOX (MESSAGES UNSEEN RECENT UIDNEXT SIZE)',
     'STATUS foo.bar (MESSAGES UNSEEN RECENT UIDNEXT SIZE)',
     'STATUS inbox (MESSAGES)', 'STATUS foo (MESSAGES)', 'STATUS INBOX ()',
     'STATUS INBOX (NONSENSE)', 'STATUS "" (MESSAGES)', 'STATUS a/b (MESSAGES)',
     'NAMESPACE',
     # What changes something, and then how things are.
     'CREATE new.deep.er', 'CREATE new.', 'CREATE new', 'CREATE INBOX',
     'CREATE inbox.kid2', 'CREATE a..b', 'CREATE .a', 'CREATE a/b',
     'CREATE "&AGE-"', 'CREATE "a&b"', 'CREATE "a b"', 'LIST "" *',
     'SUBSCRIBE new.deep.er', 'SUBSCRIBE nonesuch', 'SUBSCRIBE inbox',
     'UNSUBSCRIBE foo2', 'UNSUBSCRIBE nonesuch', 'LSUB "" *',
     'RENAME foo fresh', 'RENAME foo other', 'RENAME new inbox',
     'RENAME new foo2', 'RENAME new new.er', 'RENAME nonesuch x', 'LIST "" *',
     'STATUS fresh.bar (MESSAGES UNSEEN UIDNEXT)', 'LSUB "" *',
     'DELETE fresh.bar', 'LIST "" *', 'DELETE fresh.bar', 'DELETE INBOX',
     'DELETE nonesuch', 'DELETE new', 'DELETE new.deep.er', 'LIST "" *',
     'SELECT new', 'RENAME fresh foo', 'LIST "" %', 'LSUB "" %'])

# What we tell, and Dovecot instead.
DIFFERENT = {
    # The case of INBOX is the client's; we tell the name as LIST does.
    "* STATUS INBOX MESSAGES 1": "* STATUS inbox MESSAGES 1",
    # It has gone, and what is below it has not: RFC 3501 6.3.4.
    r'* LIST (\HasChildren \Noselect) "." fresh.bar':
    r'* LIST (\HasChildren) "." fresh.bar',
}


def ours(imapd, maildir):
    return subprocess.Popen([imapd], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def dovecot(d, maildir):
    root = os.getuid() == 0  # Dovecot lets no mail be root's
    uid, gid = (65534, 65534) if root else (os.getuid(), os.getgid())
    shutil.copytree(maildir, d + "/Mail")
    for name in ("pennypost.lock", "pennypost-special-use"):
        if os.path.exists(d + "/Mail/" + name):
            os.unlink(d + "/Mail/" + name)
    with open(d + "/conf", "w") as f:
        f.write(f"""
base_dir = {d}/run
log_path = {d}/log
mail_location = maildir:{d}/Mail
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 0
namespace inbox {{
  inbox = yes
  separator = .
  mailbox Sent {{
    special_use = \\Sent
  }}
}}
""")
    if root:
        for top, _, files in os.walk(d):
            for name in [top] + [top + "/" + f for f in files]:
                os.chown(name, uid, gid)
    return subprocess.Popen([DOVECOT, "-c", d + "/conf"], cwd=d,
                            env=dict(os.environ, USER="alice", HOME=d),
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)


def normal(line):
    """An untagged response; what has an order that means nothing, in one.
    Whether Dovecot knows of new mail already (\\Marked) depends on the clock."""
    line = re.sub(r"\((\\[^)]*)\)", lambda m: "(%s)" % " ".join(
        sorted(set(m[1].split()) - {r"\Marked", r"\UnMarked"})), line, count=1)
    line = line.replace('"CHILDINFO"', "CHILDINFO")
    m = re.match(r"(\* STATUS \S+ )\((.*)\)$", line)
    if m:
        words = m[2].split()
        line = m[1] + " ".join(sorted(map(
            " ".join, zip(words[::2], words[1::2]))))
    return line


class Session:
    def __init__(self, process, login):
        self.process = process
        if login:
            process.stdin.write(b"login LOGIN alice secret\r\n")
            process.stdin.flush()
            while not process.stdout.readline().startswith(b"login OK"):
                pass
        else:
            process.stdout.readline()

    def say(self, command):
        """The untagged responses, sorted, and OK, NO or BAD."""
        self.process.stdin.write(("t " + command + "\r\n").encode())
        self.process.stdin.flush()
        said = []
        while True:
            line = self.process.stdout.readline().decode().rstrip("\r\n")
            assert line, command
            if line.startswith("t "):
                return sorted(said), line.split()[1], line
            said.append(normal(line))


def main():
    imapd, maildir = sys.argv[1:]
    different = 0
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        them = Session(dovecot(d, maildir), False)
        us = Session(ours(imapd, maildir), True)
        for command in COMMANDS:
            a, b = us.say(command), them.say(command)
            if command.startswith("SELECT"):
                a, b = ([], *a[1:]), ([], *b[1:])
            if a[1] == b[1] and (a[0] == b[0] or sorted(
                    DIFFERENT.get(x, x) for x in a[0]) == b[0]):
                continue
            different += 1
            print(command)
            for line in sorted(set(a[0]) - set(b[0])):
                print("  ours    ", line)
            for line in sorted(set(b[0]) - set(a[0])):
                print("  Dovecot ", line)
            print("  ours    ", a[2])
            print("  Dovecot ", b[2])
        lines = [sorted(open(m + "/subscriptions"))
                 for m in (maildir, d + "/Mail")]
        if lines[0] != lines[1]:
            different += 1
            print("subscriptions:", lines)
        us.process.kill()
        them.process.kill()
    print(len(COMMANDS), "commands,", different, "differences")
    return different > 0


sys.exit(main())
