"""What is in the mailboxes, as whoever did it all knows: messages by number,
their UIDs once told, their flags, and whether they have gone."""

import random

SYSTEM = ["\\seen", "\\answered", "\\flagged", "\\deleted", "\\draft"]
MAYBE = "maybe" # gone, or there: nobody has been told


class Wrong(Exception):
    """A server says what is not so."""


def text(number):
    """The message of that number, with CRLF."""
    r = random.Random(number)
    lines = ["From: sender%d@far.test" % (number % 7),
             "To: alice@example.test",
             "Subject: fight %d %s" % (number, r.choice(["one", "caf=E9", "Re: x"])),
             "Date: Sun, 22 Nov 2026 12:%02d:%02d +0000" % (
                 number // 60 % 60, number % 60),
             "Message-ID: <%d@fight.test>" % number, ""]
    for _ in range(r.choice([1, 3, 10, 200])):
        lines.append("%d %s" % (number, "x" * r.randrange(70)))
    return "\r\n".join(lines).encode() + b"\r\n"


class Message:
    def __init__(self, number, uid=None, flags=()):
        self.number, self.uid = number, uid
        self.flags = {f.lower(): True for f in flags} # None: either
        self.unknown = False # what is not in flags is False, or unknown
        self.gone = False
        self.changed = 0     # when: the number of the step
        self.stored_as = None # other octets than text(number): deliver's

    def flag(self, name):
        return self.flags.get(name, None if self.unknown else False)

    def store(self, how, flags, step):
        sure = not self.unknown and None not in self.flags.values()
        was = {f for f in self.flags if self.flags[f]}
        if how == "":
            self.flags, self.unknown = {f: True for f in flags}, False
        else:
            for f in flags:
                self.flags[f] = how == "+"
        if sure and was != {f for f in self.flags if self.flags[f]}:
            self.changed = step

    def unsure(self):
        self.flags, self.unknown = {}, True


class Box:
    def __init__(self, name):
        self.name = name
        self.messages = []
        self.dirty = 0       # when others last changed something, monotonic

    def add(self, number, uid=None, flags=()):
        m = Message(number, uid, flags)
        self.messages.append(m)
        return m

    def live(self):
        return [m for m in self.messages if m.gone is False]

    def by_uid(self):
        return {m.uid: m for m in self.messages if m.uid}

    def find(self, uid):
        return self.by_uid().get(uid)

    def bind(self, uid, number):
        """A UID that was seen first now, and what it is."""
        for m in self.messages:
            if m.uid is None and m.number == number and m.gone is not True:
                m.uid, m.gone = uid, False
                return m
        raise Wrong("%s: UID %d is message %s, which nobody put there" % (
            self.name, uid, number))


def difference(box, uids, flags):
    """What is wrong with a view of the box; None: nothing. A flag of which
    nobody knew is known then."""
    known = box.by_uid()
    for m in box.live():
        if m.uid is None:
            return "message %d is missing" % m.number
        if m.uid not in uids:
            return "UID %d (message %d) is missing" % (m.uid, m.number)
    for uid in uids:
        m = known.get(uid)
        if m is None:
            return "UID %d is unknown" % uid
        if m.gone is True:
            return "UID %d (message %d) has gone" % (uid, m.number)
        wrong = flags_differ(m, flags.get(uid))
        if wrong:
            return wrong
    for m in box.messages: # the view's word decides
        if m.gone is MAYBE:
            m.gone = m.uid not in uids
    return None


def flags_differ(m, have):
    if have is None:
        return None
    for f in set(m.flags) | have:
        want = m.flag(f)
        if want is not None and want != (f in have):
            return "UID %d (message %d): %s is %s, and told as %s" % (
                m.uid, m.number, f, want, sorted(have))
    if m.unknown or None in m.flags.values():
        m.flags, m.unknown = {f: True for f in have}, False
    return None
