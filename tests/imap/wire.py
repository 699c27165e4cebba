"""What an IMAP server says, by the letter: the grammar of RFC 3501 9, RFC 9051
9, RFC 4315, 4466, 4731, 5161, 5255, 5256, 6154, 7162, 8474, 8514, 8970 and
9208. What it does not allow is Malformed."""

import re

QUOTED = re.compile(rb'"((?:[^"\\\r\n\0]|\\["\\])*)"')
LITERAL = re.compile(rb"(~?)\{(\d+)\}\r\n")
NUMBER = re.compile(rb"\d+")
# atom, and ] is in one where it ends no response code
ATOM = re.compile(rb'[^\x00-\x20(){%*"\\\]\x7f-\xff]+')
ASTRING = re.compile(rb'[^\x00-\x20(){%*"\\\x7f-\xff]+')
FLAG = re.compile(rb'\\?[^\x00-\x20(){%*"\\\]\x7f-\xff]+|\\\*')
TAG = re.compile(rb'[^\x00-\x20(){%*"\\+\x7f-\xff]+')
SET = re.compile(rb"\d+(?::\d+)?(?:,\d+(?::\d+)?)*")
DATE_TIME = re.compile(
    rb'"[ 0-3]\d-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d{4} '
    rb'[0-2]\d:[0-5]\d:[0-6]\d [+-]\d{4}"')
OBJECT_ID = re.compile(rb"[A-Za-z0-9_-]{1,255}")
SECTION = re.compile(rb"""(?x) \[ (?:
    (?: \d+(?:\.\d+)* (?: \.(?:TEXT|MIME|HEADER) )? | TEXT | HEADER )?
    | (?: \d+(?:\.\d+)*\. )? HEADER\.FIELDS (?:\.NOT)? [ ] \( [^()]+ \)
    ) \]""", re.I)


class Malformed(Exception):
    pass


class Cursor:
    """A response, to its last CRLF, and how far it has been read."""

    def __init__(self, text, utf8=False):
        self.text, self.at, self.utf8 = text, 0, utf8

    def fail(self, what):
        raise Malformed("%s, at %r in %r" % (
            what, self.text[self.at:self.at + 40], self.text[:300]))

    def peek(self, what):
        return self.text.startswith(what, self.at)

    def take(self, what):
        """These octets, letters of either case, if they come next."""
        n = len(what)
        if self.text[self.at:self.at + n].upper() != what.upper():
            return False
        self.at += n
        return True

    def expect(self, what):
        if not self.take(what):
            self.fail("no %r" % what)

    def match(self, pattern, what):
        m = pattern.match(self.text, self.at)
        if not m:
            self.fail("no " + what)
        self.at = m.end()
        return m

    def number(self, top=0xffffffff, least=0):
        digits = self.match(NUMBER, "number").group()
        n = int(digits)
        if not least <= n <= top or (len(digits) > 1 and digits[:1] == b"0"):
            self.fail("number %s is none here" % digits)
        return n

    def atom(self):
        return self.match(ATOM, "atom").group()

    def quoted(self):
        text = self.match(QUOTED, "quoted string").group(1)
        if not self.utf8 and any(c > 127 for c in text):
            self.fail("eight bits in a quoted string")
        return re.sub(rb"\\(.)", rb"\1", text)

    def string(self):
        if self.peek(b'"'):
            return self.quoted()
        m = self.match(LITERAL, "string")
        n = int(m.group(2))
        text = self.text[self.at:self.at + n]
        self.at += n
        if len(text) != n or (b"\0" in text and not m.group(1)):
            self.fail("literal")
        return text

    def nstring(self):
        return None if self.take(b"NIL") else self.string()

    def astring(self):
        if self.peek(b'"') or self.peek(b"{"):
            return self.string()
        return self.match(ASTRING, "astring").group()

    def mailbox(self):
        name = self.astring()
        return b"INBOX" if name.upper() == b"INBOX" else name

    def listed(self, item, least=0):
        """( item *(SP item) )"""
        found = []
        self.expect(b"(")
        while not self.take(b")"):
            if found:
                self.expect(b" ")
            found.append(item())
        if len(found) < least:
            self.fail("an empty list")
        return found

    def flag(self):
        return self.match(FLAG, "flag").group().decode()

    def set(self):
        text = self.match(SET, "set").group()
        return set_read(text)

    def end(self):
        if self.text[self.at:] != b"\r\n":
            self.fail("more than the grammar allows")


def set_read(text):
    """Of numbers, in the order in which they stand there."""
    numbers = []
    for piece in text.split(b","):
        first, _, last = piece.partition(b":")
        a, b = int(first), int(last or first)
        if not 0 < a <= 0xffffffff or not 0 < b <= 0xffffffff:
            raise Malformed("0 in the set %r" % text)
        numbers.extend(range(min(a, b), max(a, b) + 1))
    return numbers


# --- response codes (RFC 3501 7.1) ---

def code_numbers(*names):
    return {name: lambda c: (c.expect(b" "), c.number(least=1))[1]
            for name in names}


def code_copyuid(c):
    c.expect(b" ")
    validity = c.number(least=1)
    c.expect(b" ")
    source = c.set()
    c.expect(b" ")
    target = c.set()
    if len(source) != len(target):
        c.fail("COPYUID's sets are not equally long")
    return validity, source, target


def code_appenduid(c):
    c.expect(b" ")
    validity = c.number(least=1)
    c.expect(b" ")
    return validity, c.set()


def spaced(reader):
    def read(c):
        c.expect(b" ")
        return reader(c)
    return read


def capabilities(c):
    names = []
    while c.take(b" "):
        names.append(c.atom().decode().upper())
    return names


MODSEQ_MAX = (1 << 63) - 1
CODES = {
    **code_numbers(b"UIDNEXT", b"UIDVALIDITY", b"UNSEEN"),
    b"HIGHESTMODSEQ": spaced(lambda c: c.number(MODSEQ_MAX, 1)),
    b"MODIFIED": spaced(lambda c: c.set()),
    b"COPYUID": code_copyuid,
    b"APPENDUID": code_appenduid,
    b"CAPABILITY": capabilities,
    b"PERMANENTFLAGS": spaced(lambda c: c.listed(c.flag)),
    b"BADCHARSET": lambda c: c.take(b" ") and c.listed(c.astring, 1),
    b"MAILBOXID": spaced(lambda c: c.listed(
        lambda: c.match(OBJECT_ID, "objectid").group(), 1)),
}
BARE = {b"ALERT", b"PARSE", b"READ-ONLY", b"READ-WRITE", b"TRYCREATE",
        b"NOMODSEQ", b"CLOSED", b"UIDNOTSTICKY"}


def resp_text(c):
    """(code, what stands behind it, text)"""
    code = value = None
    if c.take(b"["):
        code = c.atom().upper()
        if code in CODES:
            value = CODES[code](c)
        elif code not in BARE and c.take(b" "):
            value = c.match(re.compile(rb"[^\]\r\n]+"), "text of a code").group()
        c.expect(b"]")
        if c.peek(b"\r\n"): # RFC 9051 9 has no text behind it, RFC 3501 has
            return code and code.decode(), value, b""
        c.expect(b" ")
    pattern = rb"[^\r\n\0]+" if c.utf8 else rb"[\x01-\x09\x0b\x0c\x0e-\x7f]+"
    return (code and code.decode(), value,
            c.match(re.compile(pattern), "text").group())


# --- FETCH (RFC 3501 7.4.2) ---

def address(c):
    c.expect(b"(")
    parts = [c.nstring()]
    for _ in range(3):
        c.expect(b" ")
        parts.append(c.nstring())
    c.expect(b")")
    return parts


def address_list(c):
    if c.take(b"NIL"):
        return None
    found = []
    c.expect(b"(")
    while not c.take(b")"):
        found.append(address(c)) # no blanks between them
    if not found:
        c.fail("an empty address list")
    return found


def envelope(c):
    c.expect(b"(")
    fields = [c.nstring()]
    for reader in [Cursor.nstring] + [address_list] * 6 + [Cursor.nstring] * 2:
        c.expect(b" ")
        fields.append(reader(c))
    c.expect(b")")
    return fields


def parameters(c):
    if c.take(b"NIL"):
        return None
    found = c.listed(c.string, 2)
    if len(found) % 2:
        c.fail("a parameter without a value")
    return found


def disposition(c):
    if c.take(b"NIL"):
        return
    c.expect(b"(")
    c.string()
    c.expect(b" ")
    parameters(c)
    c.expect(b")")


def extension(c):
    if c.peek(b"("):
        c.listed(lambda: extension(c), 1)
    elif NUMBER.match(c.text, c.at):
        c.number(MODSEQ_MAX)
    else:
        c.nstring()


def language(c):
    c.listed(c.string, 1) if c.peek(b"(") else c.nstring()


def extended(c, first):
    """[SP first [SP dsp [SP lang [SP loc *(SP ext)]]]]"""
    for reader in [first, disposition, language, Cursor.nstring]:
        if not c.take(b" "):
            return
        reader(c)
    while c.take(b" "):
        extension(c)


def body(c, depth=0):
    c.expect(b"(")
    if c.peek(b"("):
        while c.peek(b"("):
            body(c, depth + 1)
        c.expect(b" ")
        c.string()
        extended(c, parameters)
    else:
        kind = c.string().upper()
        c.expect(b" ")
        subtype = c.string().upper()
        c.expect(b" ")
        parameters(c)
        for reader in [Cursor.nstring, Cursor.nstring, Cursor.string,
                       Cursor.number]:
            c.expect(b" ")
            reader(c)
        if kind == b"MESSAGE" and subtype in (b"RFC822", b"GLOBAL"):
            c.expect(b" ")
            envelope(c)
            c.expect(b" ")
            body(c, depth + 1)
        if kind == b"TEXT" or (
                kind == b"MESSAGE" and subtype in (b"RFC822", b"GLOBAL")):
            c.expect(b" ")
            c.number()
        extended(c, Cursor.nstring)
    c.expect(b")")


def modseq(c):
    c.expect(b"(")
    n = c.number(MODSEQ_MAX, 1)
    c.expect(b")")
    return n


def object_id(c):
    c.expect(b"(")
    text = c.match(OBJECT_ID, "objectid").group()
    c.expect(b")")
    return text


def date_time(c):
    return c.match(DATE_TIME, "date-time").group().strip(b'"')


def traced(reader):
    """Only whether it is one: what it says is another test's."""
    def read(c):
        start = c.at
        reader(c)
        return c.text[start:c.at]
    return read


ATTRIBUTES = [ # the longer before those that it begins with
    (b"FLAGS", lambda c: c.listed(c.flag)),
    (b"INTERNALDATE", date_time),
    (b"SAVEDATE", lambda c: None if c.take(b"NIL") else date_time(c)),
    (b"RFC822.SIZE", lambda c: c.number(MODSEQ_MAX)),
    (b"RFC822.HEADER", Cursor.nstring),
    (b"RFC822.TEXT", Cursor.nstring),
    (b"RFC822", Cursor.nstring),
    (b"ENVELOPE", envelope),
    (b"BODYSTRUCTURE", traced(body)),
    (b"UID", lambda c: c.number(least=1)),
    (b"MODSEQ", modseq),
    (b"EMAILID", object_id),
    (b"THREADID", lambda c: None if c.take(b"NIL") else object_id(c)),
    (b"PREVIEW", Cursor.nstring),
]


def fetch_attribute(c):
    for kind in b"BODY", b"BINARY", b"BINARY.SIZE":
        if c.text[c.at:c.at + len(kind) + 1].upper() == kind + b"[":
            c.at += len(kind)
            name = kind + c.match(SECTION, "section").group().upper()
            if c.take(b"<"):
                name += b"<%d>" % c.number()
                c.expect(b">")
            c.expect(b" ")
            return name.decode(), (c.number() if kind == b"BINARY.SIZE"
                                   else c.nstring())
    for name, reader in ATTRIBUTES + [(b"BODY", traced(body))]:
        if c.take(name + b" "):
            return name.decode(), reader(c)
    c.fail("unknown item of FETCH")


def fetch(c):
    items = {}
    for name, value in c.listed(lambda: fetch_attribute(c), 1):
        if name in items:
            c.fail("%s twice" % name)
        items[name] = value
    return items


# --- mailbox data ---

def mailbox_list(c):
    flags = c.listed(c.flag)
    c.expect(b" ")
    separator = None if c.take(b"NIL") else c.quoted()
    c.expect(b" ")
    name = c.mailbox()
    if c.take(b" "): # RFC 5258
        c.listed(lambda: (c.astring(), c.expect(b" "), extension(c)), 1)
    return flags, separator, name


STATUS = [b"MESSAGES", b"RECENT", b"UIDNEXT", b"UIDVALIDITY", b"UNSEEN",
          b"DELETED", b"SIZE", b"HIGHESTMODSEQ", b"APPENDLIMIT", b"MAILBOXID",
          b"DELETED-STORAGE"]


def status(c):
    name = c.mailbox()
    c.expect(b" ")

    def item():
        kind = c.atom().upper()
        if kind not in STATUS:
            c.fail("unknown item of STATUS")
        c.expect(b" ")
        if kind == b"MAILBOXID":
            return kind.decode(), object_id(c)
        if kind == b"APPENDLIMIT" and c.take(b"NIL"):
            return kind.decode(), None
        return kind.decode(), c.number(MODSEQ_MAX)
    return name, dict(c.listed(item))


def search(c):
    numbers = []
    while c.take(b" "):
        if c.take(b"("): # RFC 7162 3.1.5
            c.expect(b"MODSEQ ")
            top = c.number(MODSEQ_MAX, 1)
            c.expect(b")")
            return numbers, top
        numbers.append(c.number(least=1))
    return numbers, None


def esearch(c):
    found = {"UID": False, "TAG": None}
    if c.take(b" (TAG "):
        found["TAG"] = c.string()
        c.expect(b")")
    found["UID"] = c.take(b" UID")
    while c.take(b" "):
        name = c.atom().upper().decode()
        if name in found:
            c.fail("%s twice" % name)
        c.expect(b" ")
        if name in ("MIN", "MAX"):
            found[name] = c.number(least=1)
        elif name == "COUNT":
            found[name] = c.number()
        elif name == "MODSEQ":
            found[name] = c.number(MODSEQ_MAX, 1)
        elif name == "ALL":
            found[name] = c.set()
        elif name == "PARTIAL":
            c.expect(b"(")
            c.match(re.compile(rb"-?\d+:-?\d+ "), "range")
            found[name] = None if c.take(b"NIL") else c.set()
            c.expect(b")")
        else:
            c.fail("unknown item of ESEARCH")
    return found


def thread(c):
    def members():
        c.expect(b"(")
        found = []
        while not c.take(b")"):
            if c.peek(b"("):
                found += members()
                continue
            if found:
                c.expect(b" ")
            found.append(c.number(least=1))
            c.take(b" ") if c.peek(b" (") else None
        return found
    numbers = []
    if c.take(b" "):
        while c.peek(b"("):
            numbers += members()
    return numbers


def namespace(c):
    for i in range(3):
        if i:
            c.expect(b" ")
        if c.take(b"NIL"):
            continue
        c.expect(b"(")
        while not c.take(b")"):
            c.expect(b"(")
            c.string()
            c.expect(b" ")
            c.take(b"NIL") or c.quoted()
            while c.take(b" "):
                c.string()
                c.expect(b" ")
                c.listed(c.string, 1)
            c.expect(b")")


def quota(c):
    c.astring()
    c.expect(b" ")

    def resource():
        c.atom()
        c.expect(b" ")
        c.number(MODSEQ_MAX)
        c.expect(b" ")
        c.number(MODSEQ_MAX)
    c.expect(b"(")
    while not c.take(b")"):
        if not c.peek(b"("):
            resource()
            c.take(b" ")


def quotaroot(c):
    c.mailbox()
    while c.take(b" "):
        c.astring()


def identity(c):
    return None if c.take(b"NIL") else c.listed(c.nstring)


def vanished(c):
    earlier = c.take(b"(EARLIER) ")
    return earlier, c.set()


UNTAGGED = { # a space behind the name is read, but for those in LOOSE
    b"CAPABILITY": capabilities, b"ENABLED": capabilities,
    b"FLAGS": lambda c: c.listed(c.flag),
    b"LIST": mailbox_list, b"LSUB": mailbox_list, b"STATUS": status,
    b"SEARCH": search, b"SORT": search, b"THREAD": thread,
    b"ESEARCH": esearch, b"NAMESPACE": namespace, b"QUOTA": quota,
    b"QUOTAROOT": quotaroot, b"ID": identity, b"VANISHED": vanished,
}
LOOSE = {b"CAPABILITY", b"ENABLED", b"SEARCH", b"SORT", b"THREAD", b"ESEARCH"}
CONDITIONS = {b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"}


class Response:
    """tag: of a tagged one, "*", or "+". kind: OK, EXISTS, FETCH, LIST …
    number: what stands before it. code, code_value, text: of a condition."""

    def __init__(self, tag, kind, number=None, value=None, text=(None,) * 3):
        self.tag, self.kind, self.number, self.value = tag, kind, number, value
        self.code, self.code_value, self.text = text


def response(text, utf8=False):
    """text: with its literals and its last CRLF."""
    c = Cursor(text, utf8)
    if c.take(b"+ ") or c.text == b"+\r\n":
        return Response("+", "+", text=(None, None, c.text[c.at:-2]))
    if not c.take(b"* "):
        tag = c.match(TAG, "tag").group().decode()
        c.expect(b" ")
        kind = c.atom().upper()
        if kind not in (b"OK", b"NO", b"BAD"):
            c.fail("no state of a tagged response")
        c.expect(b" ")
        r = Response(tag, kind.decode(), text=resp_text(c))
        c.end()
        return r
    r = untagged(c)
    c.end()
    return r


def untagged(c):
    if NUMBER.match(c.text, c.at):
        n = c.number()
        c.expect(b" ")
        if c.take(b"FETCH "):
            return Response("*", "FETCH", n, fetch(c))
        for kind in b"EXISTS", b"RECENT", b"EXPUNGE":
            if c.take(kind):
                return Response("*", kind.decode(), n)
        c.fail("unknown message data")
    kind = c.atom().upper()
    if kind in CONDITIONS:
        c.expect(b" ")
        return Response("*", kind.decode(), text=resp_text(c))
    if kind not in UNTAGGED:
        c.fail("unknown response")
    if kind not in LOOSE:
        c.expect(b" ")
    return Response("*", kind.decode(), value=UNTAGGED[kind](c))


class Splitter:
    """Octets in, whole responses out."""

    def __init__(self):
        self.buffer = b""

    def feed(self, octets):
        self.buffer += octets
        while True:
            n = self.length()
            if n is None:
                return
            text, self.buffer = self.buffer[:n], self.buffer[n:]
            yield text

    def length(self):
        at = 0
        while True:
            end = self.buffer.find(b"\n", at)
            if end < 0:
                return None
            line = self.buffer[at:end + 1]
            if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
                raise Malformed("a bare CR or LF in %r" % line[:200])
            literal = re.search(rb"\{(\d+)\}\r\n$", line)
            if not literal:
                return end + 1
            at = end + 1 + int(literal.group(1))
            if at > len(self.buffer):
                return None
