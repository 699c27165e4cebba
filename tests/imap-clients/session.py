#!/usr/bin/env python3
"""A session by Python's imaplib: session PORT CA MESSAGE GIVE

GIVE has bash deliver one more message to alice.
"""
import imaplib
import re
import ssl
import subprocess
import sys
import time

PORT, CA, MESSAGE, GIVE = sys.argv[1:]
CONTEXT = ssl.create_default_context(cafile=CA)


def ok(answer, wanted=None):
    status, data = answer
    if status != "OK":
        sys.exit("%s %r" % answer)
    if wanted is not None and data != wanted:
        sys.exit("%r, not %r" % (data, wanted))
    return data


def has(answer, pattern):
    for line in ok(answer):
        if isinstance(line, tuple):
            line = line[0]
        if line is not None and re.search(pattern, line):
            return line
    sys.exit("%r: no %r" % (answer, pattern))


def refused(answer):
    if answer[0] != "NO":
        sys.exit("%s %r was not refused" % answer)


def connect():
    imap = imaplib.IMAP4("localhost", int(PORT), 60)
    ok(imap.starttls(CONTEXT))
    return imap


with open(MESSAGE, "rb") as f:
    message = f.read()

imap = connect()
try:
    imap.login("alice", "wrong")
    sys.exit("logged in with a wrong password")
except imap.error:
    pass
ok(imap.authenticate("PLAIN", lambda _: b"\0alice\0secret"))
for name in "IDLE UIDPLUS MOVE CONDSTORE QRESYNC ESEARCH SORT NAMESPACE " \
            "SPECIAL-USE LITERAL+ ENABLE UNSELECT".split():
    if name not in imap.capability()[1][0].decode().split():
        sys.exit("no " + name)
has(imap.namespace(), rb'^\(\(""? "\."\)\) NIL NIL')
has(imap.list('""', "%"), rb'^\([^)]*\\Trash[^)]*\) "\." "?Trash"?$')

# What deliver brought, one of them read in between.
ok(imap.select("INBOX"), [b"3"])
validity = imap.response("UIDVALIDITY")[1][0]
ok(imap.fetch("1", "(BODY.PEEK[])"))
has(imap.fetch("1:3", "(UID FLAGS)"), rb"^1 \(UID 1 FLAGS \((\\Recent)?\)\)")
size = has(imap.fetch("1", "(RFC822.SIZE)"), rb"RFC822.SIZE \d+")
text = ok(imap.fetch("1", "(RFC822)"))[0][1]
if not text.endswith(message) or b"SIZE %d)" % len(text) not in size:
    sys.exit("not as it was sent: %r" % text)
has(imap.fetch("1", "(FLAGS)"), rb"\\Seen")
has(imap.fetch("2", "(ENVELOPE)"), rb'"two" \(\("Sender" NIL "sender" '
    rb'"client.test"\)\)')
has(imap.fetch("2", "(BODYSTRUCTURE)"), rb'(?i)\("text" "plain" ')

# Searching, sorting, threads
ok(imap.search(None, "UNSEEN"), [b"2 3"])
ok(imap.uid("SEARCH", "SUBJECT", "TWO"), [b"2"])
imap.literal = "GR\u00dc\u00dfE".encode()
ok(imap.search("UTF-8", "TEXT"), [b"1"])
ok(imap.sort("(REVERSE SUBJECT)", "UTF-8", "ALL"), [b"2 3 1"])
has(imap.thread("REFERENCES", "UTF-8", "ALL"), rb"^(\(\d\)){3}$")

# Flags and keywords
has(imap.store("2:3", "+FLAGS", r"(\Flagged $Important)"),
    rb"^2 \(FLAGS \([^)]*\\Flagged")
ok(imap.search(None, "KEYWORD", "$Important", "FLAGGED"), [b"2 3"])
has(imap.store("3", "-FLAGS", r"(\Flagged)"), rb"\$Important")
ok(imap.search(None, "FLAGGED"), [b"2"])

# Uploading: flags and date are kept
ok(imap.create("B&APw-cher"))
refused(imap.append("Nowhere", None, None, message))
when = '"07-Feb-1994 21:52:25 -0800"'
has(imap.append("B&APw-cher", r"(\Seen \Draft lent)", when, message),
    rb"\[APPENDUID \d+ 1\]")
ok(imap.select("B&APw-cher"), [b"1"])
has(imap.fetch("1", "(INTERNALDATE FLAGS)"),
    rb'"0?8-Feb-1994 05:52:25 \+0000"|'
    rb'"0?7-Feb-1994 21:52:25 -0800"|"[ 0][78]-Feb-1994 .*:52:25 ')
has(imap.fetch("1", "(FLAGS)"), rb"FLAGS \([^)]*\blent\b")
if ok(imap.fetch("1", "(BODY[])"))[0][1] != message:
    sys.exit("not as it was uploaded")

# Copy, move, delete, expunge
ok(imap.select("INBOX"), [b"3"])
ok(imap.uid("COPY", "2:3", "B&APw-cher"))
if not imap.response("COPYUID")[1][0].endswith(b" 2:3 2:3"):
    sys.exit("no COPYUID")
ok(imap.uid("MOVE", "3", "Archive"))
ok(imap.select("Archive"), [b"1"])
has(imap.fetch("1", "(FLAGS)"), rb"\$Important")
ok(imap.select("INBOX"), [b"2"])
ok(imap.store("1", "+FLAGS", r"(\Deleted)"))
ok(imap.expunge(), [b"1"])
ok(imap.uid("SEARCH", "ALL"), [b"2"])
ok(imap.status("B&APw-cher", "(MESSAGES)"))

# Another session sees it; and what is delivered meanwhile.
other = connect()
ok(other.login("alice", "secret"))
ok(other.select("INBOX", readonly=True), [b"1"])
if other.response("UIDVALIDITY")[1][0] != validity:
    sys.exit("another UIDVALIDITY")
other.store("1", "+FLAGS", r"(\Deleted)")
if b"\\Deleted" in ok(other.fetch("1", "(FLAGS)"))[0]:
    sys.exit("flags in a mailbox that was opened by EXAMINE")
tag = other._new_tag()
other.send(tag + b" IDLE\r\n")
if not other.readline().startswith(b"+"):
    sys.exit("no IDLE")
begin = time.monotonic()
subprocess.run(["bash", "-c", GIVE], check=True)
ok(imap.store("1", "+FLAGS", r"(\Answered)"))
told = b""
while not (b"* 2 EXISTS" in told and b"\\Answered" in told):
    if time.monotonic() - begin > 60:
        sys.exit("IDLE did not tell: %r" % told)
    told += other.readline()
other.send(b"DONE\r\n")
while not other.readline().startswith(tag + b" OK"):
    pass
ok(other.close())
other.logout()

# Subscriptions and names
ok(imap.subscribe("B&APw-cher"))
has(imap.lsub(), rb'B&APw-cher"?$')
ok(imap.rename("B&APw-cher", "Alt.B&APw-cher"))
has(imap.list(), rb'"?Alt.B&APw-cher"?$')
ok(imap.unselect())
refused(imap.select("B&APw-cher.neu"))
ok(imap.unsubscribe("B&APw-cher"))
imap.logout()
