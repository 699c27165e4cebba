#!/usr/bin/env python3
"""searches.py make MAILDIR                    a mailbox of many kinds of mail
searches.py compare IMAPD MAILDIR ALLOWED   what imapd and Dovecot find in it

ALLOWED has lines "COMMAND<tab>reason": only there the two may differ. Exit
status 1 tells of a difference that is not allowed, or of a line there that
allows nothing. alice's Maildir in PENNYPOST_HOME becomes a copy of MAILDIR."""

import base64
import os
import quopri
import random
import re
import shutil
import subprocess
import sys
import tempfile
from email.utils import formatdate

DOVECOT = "/usr/lib/dovecot/imap"
BEGIN = 1700000000
LITERAL = re.compile(rb"\{(\d+)\}\r\n$")


def b64(text, charset="utf-8"):
    return base64.encodebytes(text.encode(charset))


def word(text, charset="utf-8", how="B"):
    octets = text.encode(charset)
    if how == "B":
        return "=?%s?B?%s?=" % (charset, base64.b64encode(octets).decode())
    return "=?%s?Q?%s?=" % (charset, "".join(
        chr(c) if chr(c).isalnum() and c < 128 else "=%02X" % c
        for c in octets))


def plain(subject, body=b"", more=b"", sender="Alice Person <alice@example.org>",
          to="Bob <bob@example.test>", date=None):
    if isinstance(subject, str):
        subject = subject.encode()
    head = b"From: " + sender.encode() + b"\nTo: " + to.encode()
    head += b"\nSubject: " + subject + b"\n"
    if date:
        head += b"Date: " + date.encode() + b"\n"
    return head + more + b"\n" + body


def part(headers, body):
    return headers.encode() + b"\n\n" + body


def multipart(kind, *parts, before=b"", behind=b""):
    body = before
    for p in parts:
        body += b"--limit\n" + p + b"\n"
    return ("MIME-Version: 1.0\nContent-Type: multipart/%s; "
            "boundary=limit\n" % kind).encode(), body + b"--limit--\n" + behind


def kinds():
    yield plain("Simple subject", b"Just a few words.\nAnd a second line.\n",
                date="Mon, 20 Nov 2023 10:00:00 +0000")
    yield plain(word("Grüße aus Köln"), b"nothing\n",
                date="Tue, 21 Nov 2023 23:30:00 -0500")
    yield plain(word("Grüße aus Köln", "iso-8859-1", "Q"), b"nothing\n",
                date="Wed, 22 Nov 2023 00:30:00 +0900")
    yield plain(word("Привет, мир", "koi8-r"), b"x\n",
                date="20 Nov 2023 10:00:00 GMT")
    yield plain(word("split in") + "\n " + word("two words"), b"x\n",
                date="Mon, 20 Nov 2023 10:00 +0000")
    yield plain("raw grüße".encode(), "raw body grüße\n".encode())
    yield plain("latin raw grüße".encode("latin1"), b"x\n")
    yield plain("a subject that is\n folded over\n\tthree lines", b"x\n")
    yield plain("  spaces   within  ", b"x\n")
    yield b"From: nobody@example.org\n\nno subject here\n"
    yield b"Subject: no sender\nDate: nonsense\n\nbody of it\n"
    yield plain("many", b"x\n", to="One <one@example.org>, two@example.org,\n"
                "\tThree Trees <three@example.org>",
                more=b"Cc: Carbon Copy <copy@example.net>\n"
                b"Bcc: Blind <blind@example.net>\n")
    yield plain("group", b"x\n", to="Friends: ann@example.org, "
                "ben@example.org;, last@example.org")
    yield plain("encoded name", b"x\n",
                sender=word("Jörg Müller") + " <joerg@example.org>")
    yield plain("quoted name", b"x\n",
                sender='"Person, A. \\"Quoted\\"" <quoted@example.org>')
    yield plain("comment address", b"x\n", sender="c@example.org (Comment Name)")
    yield plain("headers", b"x\n", more=b"X-Spam-Flag: YES\nX-Empty:\n"
                b"X-Twice: first\nX-Twice: second\nList-Id: <l.example.org>\n")
    yield plain("qp", quopri.encodestring("Schöne Grüße, ein langer Satz, der "
                "mitten in einem Wort umgebrochen wird: Donaudampfschiff.\n"
                .encode()), more=b"MIME-Version: 1.0\nContent-Type: text/plain;"
                b" charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n")
    yield plain("base64", b64("Ein verschlüsselter Text, der in Base64 steht.\n"
                * 5), more=b"MIME-Version: 1.0\nContent-Type: text/plain;"
                b" charset=utf-8\nContent-Transfer-Encoding: base64\n")
    yield plain("base64 koi8", b64("Привет из Москвы\n", "koi8-r"),
                more=b"MIME-Version: 1.0\nContent-Type: text/plain;"
                b" charset=koi8-r\nContent-Transfer-Encoding: base64\n")
    yield plain("latin1 body", "caf\xe9 au lait\n".encode("latin1"),
                more=b"MIME-Version: 1.0\nContent-Type: text/plain;"
                b" charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n")
    yield plain("unknown charset", b"plainly unknown letters\n",
                more=b"MIME-Version: 1.0\nContent-Type: text/plain;"
                b" charset=x-nobody-knows\n")
    yield plain("html", b"<html><b>bold</b>word &amp; more</html>\n",
                more=b"MIME-Version: 1.0\nContent-Type: text/html\n")
    yield plain("binary", b64("hidden in an application part"),
                more=b"MIME-Version: 1.0\nContent-Type: application/pdf\n"
                b"Content-Transfer-Encoding: base64\n")
    head, body = multipart(
        "mixed", part("Content-Type: text/plain", b"the first part's text"),
        part("Content-Type: application/x-zip; name=archive.zip\n"
             "Content-Disposition: attachment; filename=archive.zip\n"
             "Content-Transfer-Encoding: base64", b64("zipped octets")),
        part("Content-Type: text/html\nContent-Transfer-Encoding: base64",
             b64("<p>markup within base64</p>")),
        before=b"this is the preamble\n", behind=b"this is the epilogue\n")
    yield plain("mixed", body, more=head)
    inner = plain("inner subject", b"text of the inner message\n",
                  sender="Inner Sender <inner@example.org>")
    head, body = multipart("mixed",
                           part("Content-Type: text/plain", b"see below"),
                           part("Content-Type: message/rfc822", inner))
    yield plain("forwarded", body, more=head)
    head, body = multipart(
        "alternative", part("Content-Type: text/plain; charset=utf-8\n"
                            "Content-Transfer-Encoding: quoted-printable",
                            quopri.encodestring("Übung macht".encode())),
        part("Content-Type: text/html; charset=utf-8", "Übung html".encode()))
    yield plain("alternative", body, more=head)
    yield plain("no end", b"--limit\nContent-Type: text/plain\n\nopen end\n",
                more=head.replace(b"alternative", b"mixed"))
    yield plain("broken base64", b"SGVsbG8gd29ybGQ*!\n\x80\n",
                more=b"MIME-Version: 1.0\nContent-Type: text/plain\n"
                b"Content-Transfer-Encoding: base64\n")
    yield plain("long line", b"abc " * 3000 + b"needle " + b"xyz " * 3000)
    yield plain("empty")
    yield plain("case: ÄÖÜ ΣΊΣΥΦΟΣ".encode(), "straße Σίσυφος\n".encode(),
                more=b"MIME-Version: 1.0\nContent-Type: text/plain;"
                b" charset=utf-8\n")
    yield plain("x" * 300, b"y" * 30000)
    yield plain("word across\n lines", b"one word at the end\nof line one\n")
    for subject in ("[list] topic", "Re: [list] topic", "RE: Re: topic",
                    "Fwd: topic", "fw: topic", "[fwd: topic]", "topic (fwd)",
                    "[list][tag] Re[2]: topic", "Re [x]: topic", "[only]",
                    "Re:", "topic", "Topic", "Re: [fwd: [list] topic] (fwd)",
                    "re : other", "Re: other", "other"):
        yield plain(subject, b"s\n", date=formatdate(BEGIN + len(subject)))


def threads(r):
    """Replies, with all that goes wrong in References."""
    ids = []
    for i in range(120):
        own = "<%d.%d@example.org>" % (i, r.randrange(10 ** 6))
        parent = r.choice(ids) if ids and r.random() < .8 else None
        subject = "thread %d" % r.randrange(12)
        lines = "Message-ID: %s\n" % own
        if parent:
            chain = parent[1] + [parent[0]]
            kind = r.randrange(6)
            if kind == 0:
                lines += "In-Reply-To: %s\n" % parent[0]
            elif kind == 1:
                lines += "References: %s\n" % parent[0]
            elif kind == 2:
                lines += "References: %s\n" % "\n ".join(
                    chain[:1] + ["<missing%d@x.example>" % i] + chain[1:])
            elif kind == 3:
                lines += "In-Reply-To: text of %s, as some do it\n" % parent[0]
            else:
                lines += "References: %s\n" % " ".join(chain)
            subject = "Re: " + subject if kind % 2 else subject
            ids.append((own, chain))
        else:
            ids.append((own, []))
        if r.random() < .05:
            lines = lines.replace(own, ids[0][0])
        if r.random() < .05:
            lines = lines.replace("Message-ID", "X-None")
        yield plain(subject, b"t\n", more=lines.encode(),
                    date=formatdate(BEGIN + r.randrange(100000)))


def make(maildir):
    r = random.Random(5256)
    for name in "tmp", "new", "cur":
        os.makedirs(os.path.join(maildir, name))
    with open(os.path.join(maildir, "dovecot-keywords"), "w") as f:
        f.write("0 $Junk\n1 Later\n")
    mails = list(kinds()) + list(threads(r))
    for i, octets in enumerate(mails):
        flags = "".join(f for f in "DFRSTab" if r.random() < .2)
        name = "%d.M%dP1.host:2,%s" % (BEGIN + i, i, flags)
        path = os.path.join(maildir, "cur", name)
        with open(path, "wb") as f:
            f.write(octets)
        when = BEGIN + r.randrange(20 * 86400)
        os.utime(path, (when, when))


WORDS = ["simple", "SUBJECT", "grüße", "GRÜSSE", "köln", "привет", "МИР",
         "split intwo", "folded over three", "e", "ü", "xx", "no such word",
         "words.", "second line", "geheim", "donaudampfschiff", "in base64",
         "москвы", "café", "unknown letters", "<b>bold", "bold</b>word",
         "hidden in", "first part", "archive.zip", "zipped", "markup",
         "preamble", "epilogue", "inner subject", "inner message",
         "inner@example.org", "see below", "übung", "open end", "hello",
         "needle", "straße", "σίσυφος", "ΣΊΣΥΦΟΣ", "end\r\nof line", "text/html",
         "content-type", "yes", "first", "second", "alice person <alice@",
         "person", "jörg", "quoted", "friends", "last@example.org", "=?utf-8",
         "multipart", "boundary=limit", "raw", "spaces within",
         "spaces   within", "comment name", "topic", "thread", "missing"]


def quote(text):
    octets = text.encode()
    if any(c in text for c in '\r\n"') or len(octets) != len(text):
        return "{%d+}\r\n" % len(octets) + text
    return '"%s"' % text


def commands():
    for w in WORDS:
        for key in ("SUBJECT", "FROM", "TO", "BODY", "TEXT"):
            yield "SEARCH CHARSET UTF-8 %s %s" % (key, quote(w))
    for key in ("CC copy", "BCC blind", "TO three@", "TO trees", "CC x",
                'HEADER X-Spam-Flag ""', "HEADER x-spam-flag yes",
                'HEADER X-Empty ""', "HEADER X-Empty x", "HEADER X-Twice first",
                "HEADER X-Twice second", "HEADER List-Id l.example",
                'HEADER X-None ""', 'HEADER Subject ""', 'HEADER Cc ""',
                "HEADER Message-ID example.org", "HEADER From alice",
                'HEADER In-Reply-To ""', "HEADER References missing",
                "ALL", "1:10", "2:*", "*", "5,7,9:12", "UID 1:20", "UID *",
                "UID 1000:*", "NOT 1:100", "SEEN", "UNSEEN", "ANSWERED",
                "UNANSWERED", "FLAGGED", "UNFLAGGED", "DELETED", "UNDELETED",
                "DRAFT", "UNDRAFT", "KEYWORD $Junk", "UNKEYWORD $Junk",
                "KEYWORD later", "KEYWORD nobody", "UNKEYWORD nobody",
                "SMALLER 200", "LARGER 1000", "LARGER 0", "SMALLER 1",
                "SINCE 20-Nov-2023", "BEFORE 20-Nov-2023", "ON 25-Nov-2023",
                "SENTSINCE 21-Nov-2023", "SENTBEFORE 21-Nov-2023",
                "SENTON 20-Nov-2023", "SENTON 21-Nov-2023",
                "SENTON 22-Nov-2023", "OLDER 1000", "YOUNGER 1000",
                "OR SEEN FLAGGED", "OR (SEEN FLAGGED) NOT 1:100",
                "NOT (SEEN FLAGGED)", "NOT NOT SEEN", "(SEEN) (FLAGGED)",
                "NOT OR SEEN FLAGGED", "OR OR SEEN FLAGGED DELETED",
                "1:50 NOT SUBJECT e BODY x", 'SUBJECT ""', 'BODY ""',
                'TEXT ""', 'FROM ""', "SEEN 3:40 UID 5:30"):
        yield "SEARCH " + key
        yield "UID SEARCH " + key
    for options in ("MIN", "MAX", "COUNT", "ALL", "MIN MAX", "MIN MAX COUNT ALL",
                    "", "SAVE", "SAVE MIN", "SAVE MAX COUNT"):
        for key in ("SEEN", "1:5,7", "SUBJECT nothing-has-this", "ALL"):
            yield "SEARCH RETURN (%s) %s" % (options, key)
            yield "UID SEARCH RETURN (%s) %s" % (options, key)
            if "SAVE" in options:
                yield "SEARCH $ NOT 2"
                yield "UID SEARCH UID $"
    for keys in ("ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO",
                 "REVERSE DATE", "REVERSE SUBJECT FROM", "SUBJECT REVERSE DATE",
                 "FROM SUBJECT DATE", "DISPLAYFROM", "DISPLAYTO",
                 "REVERSE SIZE", "TO REVERSE ARRIVAL"):
        for key in ("ALL", "SEEN", "SUBJECT nothing-has-this"):
            yield "SORT (%s) UTF-8 %s" % (keys, key)
            yield "UID SORT (%s) US-ASCII %s" % (keys, key)
    for keys in ("SUBJECT", "REVERSE DATE"):
        for options in ("MIN", "MAX", "COUNT", "ALL", "MIN MAX COUNT"):
            yield "SORT RETURN (%s) (%s) UTF-8 SEEN" % (options, keys)
    for how in ("REFERENCES", "ORDEREDSUBJECT"):
        for key in ("ALL", "SEEN", "1:60", "52:*", "UNSEEN", "NOT 60:100",
                    "SUBJECT nothing-has-this"):
            yield "THREAD %s UTF-8 %s" % (how, key)
            yield "UID THREAD %s UTF-8 %s" % (how, key)


class Session:
    """A server on two pipes, whose greeting was heard."""

    def __init__(self, args, **how):
        self.run = subprocess.Popen(args, stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, **how)
        self.line()
        self.number = 0

    def line(self):
        line = self.run.stdout.readline()
        while m := LITERAL.search(line):
            line += self.run.stdout.read(int(m[1])) + self.run.stdout.readline()
        if not line:
            raise EOFError
        return line

    def ask(self, command):
        self.number += 1
        tag = b"t%d" % self.number
        self.run.stdin.write(tag + b" " + command.encode() + b"\r\n")
        self.run.stdin.flush()
        lines = []
        while not (line := self.line()).startswith(tag + b" "):
            lines.append(line.replace(tag, b"TAG").decode())
        return "".join(lines) + line.split(b" ")[1].decode()

    def close(self):
        self.run.stdin.close()
        self.run.stdout.close()
        self.run.wait(30)


def dovecot(d):
    uid, gid = os.getuid(), os.getgid()
    root = uid == 0
    if root:  # Dovecot lets no mail be root's
        uid = gid = 65534
        subprocess.run(["chown", "-R", "%d:%d" % (uid, gid), d], check=True)
    with open(os.path.join(d, "conf"), "w") as f:
        f.write("base_dir = %s/run\nlog_path = %s/log\nssl = no\n"
                "mail_location = maildir:%s/Mail:INDEX=%s/index\n"
                "stats_writer_socket_path =\n"
                "first_valid_uid = 0\nfirst_valid_gid = 0\n"
                "mail_uid = %d\nmail_gid = %d\nimport_environment =\n" %
                (d, d, d, d, uid, gid))
    return Session([DOVECOT, "-c", os.path.join(d, "conf")], cwd=d,
                   stderr=subprocess.DEVNULL,
                   env={"USER": "user", "HOME": d, "TZ": "UTC"},
                   **({"user": uid, "group": gid, "extra_groups": []}
                      if root else {}))


def ours(imapd, maildir):
    alice = os.path.join(os.environ["PENNYPOST_HOME"],
                         "spool/mail/example.test/alice")
    shutil.rmtree(alice)
    shutil.copytree(maildir, alice)
    session = Session([imapd])
    session.ask("LOGIN alice secret")
    return session


def main(imapd, maildir, allowed):
    allow = {}
    with open(allowed) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                command, reason = line.rstrip("\n").split("\t", 1)
                allow[command] = reason
    with tempfile.TemporaryDirectory() as d:
        shutil.copytree(maildir, os.path.join(d, "Mail"))
        os.chmod(d, 0o755)
        theirs, us = dovecot(d), ours(imapd, maildir)
        for s in theirs, us:
            s.ask("SELECT INBOX")
        differ, count = 0, 0
        for command in commands():
            count += 1
            a, b = us.ask(command), theirs.ask(command)
            shown = command.replace("\r\n", "\\r\\n")
            if a == b:
                continue
            if shown in allow:
                allow[shown] = None
                continue
            differ += 1
            print(shown, "\n  ours   ", a.replace("\r\n", " / "),
                  "\n  Dovecot", b.replace("\r\n", " / "))
        theirs.close()
        us.close()
    for command, reason in allow.items():
        if reason is not None:
            differ += 1
            print("no difference there:", command)
    print("%d commands, %d differ" % (count, differ))
    return differ > 0


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2])
    else:
        sys.exit(main(*sys.argv[2:]))
