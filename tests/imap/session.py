"""A witness of IMAP sessions: keeps each session's model of the mailbox from
what the server says, and declares Unlawful what RFC 3501, 4315, 5182, 7162 and
9051 do not allow. What several sessions know together is in a World."""

import os
import re
import select
import subprocess
import time

import wire
from wire import Malformed


class Unlawful(Exception):
    pass


class Known:
    """What the world knows of a mailbox of one UIDVALIDITY."""

    def __init__(self):
        self.content = {}    # UID: what message it is
        self.gone = set()    # UIDs that somebody was told have gone
        self.uid_top = 0     # the highest that was seen
        self.uidnext = 1     # the highest UIDNEXT told
        self.modseq_top = 0  # the highest MODSEQ or HIGHESTMODSEQ told
        self.recent = {}     # UID: the selection that had it as \\Recent


class World:
    def __init__(self):
        self.boxes = {}      # (name, UIDVALIDITY): Known
        self.validity = {}   # name: the last UIDVALIDITY told
        self.selections = 0

    def known(self, name, validity):
        return self.boxes.setdefault((name, validity), Known())

    def renamed(self, old, new):
        """It keeps its UIDVALIDITY; it is one that no other ever had."""
        for name, validity in list(self.boxes):
            if name == old:
                self.boxes[new, validity] = self.boxes.pop((name, validity))
        self.validity[new] = self.validity.get(old, 0)


class View:
    """A selected mailbox, as one session has been told of it."""

    def __init__(self, name, read_only):
        self.name, self.read_only = name, read_only
        self.seq = []        # UIDs by sequence number; None: not told yet
        self.flags = {}      # by UID
        self.modseq = {}     # by UID
        self.validity = self.uidnext = self.highest = None
        self.told_exists = False
        self.recent_count = None
        self.known = None    # once UIDVALIDITY is
        self.selection = 0
        self.gone = set()    # UIDs that cannot come (again)
        self.fetched = {}    # UID: items told during this command

    def uids(self):
        return {uid for uid in self.seq if uid}


# By sequence number: no EXPUNGE may come (RFC 3501 7.4.1, RFC 5256 3).
BY_NUMBER = {"FETCH", "STORE", "SEARCH", "SORT", "THREAD"}
ANY_STATE = {"OK", "NO", "BAD", "BYE", "CAPABILITY"}
# As an answer to what, where there is one command alone that has it.
ANSWERS = {
    "LIST": {"LIST", "XLIST", "CREATE", "RENAME", "NOTIFY", "SELECT",
             "EXAMINE"}, # RFC 9051: OLDNAME, CREATE may tell
    "LSUB": {"LSUB"}, "NAMESPACE": {"NAMESPACE"}, "ID": {"ID"},
    "ENABLED": {"ENABLE"}, "SORT": {"SORT"}, "THREAD": {"THREAD"},
    "SEARCH": {"SEARCH"}, "ESEARCH": {"SEARCH", "SORT", "THREAD"},
    "QUOTA": {"GETQUOTA", "GETQUOTAROOT", "SETQUOTA"},
    "QUOTAROOT": {"GETQUOTAROOT"},
}
SELECTED = {"EXISTS", "RECENT", "EXPUNGE", "FETCH", "VANISHED", "FLAGS",
            "SEARCH", "ESEARCH", "SORT", "THREAD"}


MACROS = { # RFC 3501 6.4.5
    b"FAST": b"FLAGS INTERNALDATE RFC822.SIZE",
    b"ALL": b"FLAGS INTERNALDATE RFC822.SIZE ENVELOPE",
    b"FULL": b"FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY",
}


class Witness:
    """Of one session; sent() and received() in the order of the wire."""

    def __init__(self, world=None, name="", preauth=False):
        self.world = world or World()
        self.name = name
        self.state = "greeting"
        self.preauth = preauth
        self.view = None     # the selected mailbox
        self.coming = None   # one that is being selected
        self.tag = self.command = None
        self.uid_command = False
        self.arguments = b""
        self.enabled = set()
        self.condstore = False
        self.notify = False
        self.idling = False
        self.untagged = []   # of the command that is on its way
        self.asked_vanished = False
        self.hearers = []    # called with each response, behind the laws

    def wrong(self, what, r=None):
        told = ""
        if r is not None:
            told = ", told %s %s %s" % (r.number or "", r.kind, r.value or
                                        r.code or "")
        raise Unlawful("%s: %s, during %s%s" % (
            self.name, what, "%s %s%s %s" % (
                self.tag, "UID " if self.uid_command else "", self.command,
                self.arguments[:200]) if self.tag else "no command",
            told[:300]))

    # --- the client's side ---

    def sent(self, tag, line):
        """line: the command's text behind the tag, literals in it as they
        are."""
        words = line.split(b" ", 2)
        self.tag, self.command = tag, words[0].upper().decode()
        self.uid_command = self.command == "UID"
        if self.uid_command:
            self.command = words[1].upper().decode()
            self.arguments = words[2] if len(words) > 2 else b""
        else:
            self.arguments = b" ".join(words[1:])
        self.untagged = []
        self.tops = {key: known.uid_top
                     for key, known in self.world.boxes.items()}
        upper = self.arguments.upper()
        self.asked_vanished = b"VANISHED" in upper or b"QRESYNC" in upper
        if self.command in ("SELECT", "EXAMINE"):
            self.begin_select(upper)
        if self.view:
            self.view.fetched = {}
        if b"CHANGEDSINCE" in upper or b"UNCHANGEDSINCE" in upper or (
                b"MODSEQ" in upper and self.command in (
                    "FETCH", "SEARCH", "STATUS", "SORT")) or (
                b"CONDSTORE" in upper and self.command != "STORE"):
            self.condstore = True

    def begin_select(self, upper):
        name = self.arguments.split(b" ")[0].strip(b'"')
        if name.upper() == b"INBOX":
            name = b"INBOX"
        self.coming = View(name, self.command == "EXAMINE")
        if self.state == "selected":
            self.state = "closing" # until CLOSED, what comes is of the old
        else:
            self.state = "selecting"

    # --- the server's ---

    def received(self, octets):
        try:
            r = wire.response(octets, bool(
                self.enabled & {"UTF8=ACCEPT", "IMAP4REV2"}))
        except Malformed as e:
            self.wrong("malformed: %s" % e)
        if r.tag == "+":
            if self.tag is None:
                self.wrong("a continuation that nobody asked for", r)
        elif r.tag == "*":
            self.hear(r)
            if self.tag is not None:
                self.untagged.append(r)
        else:
            self.hear_tagged(r)
        for hearer in self.hearers:
            hearer(r)
        return r

    def hear(self, r):
        if self.state == "greeting":
            if r.kind not in ("OK", "PREAUTH", "BYE"):
                self.wrong("no greeting", r)
            self.state = {"OK": "stranger", "PREAUTH": "authenticated",
                          "BYE": "logout"}[r.kind]
            if r.kind == "OK" and self.preauth:
                self.wrong("no PREAUTH")
            return
        if self.state == "logout":
            self.wrong("something behind the end", r)
        if r.kind == "PREAUTH":
            self.wrong("PREAUTH is a greeting", r)
        if self.state == "stranger" and r.kind not in ANY_STATE and not (
                r.kind == "ID" and self.command == "ID"):
            self.wrong("not before a login", r)
        if r.kind in ANSWERS and self.command not in ANSWERS[r.kind] and not \
                self.notify:
            self.wrong("nobody asked for it", r)
        if r.kind in SELECTED and not (
                r.kind in ("SEARCH", "ESEARCH", "SORT", "THREAD")):
            self.hear_mailbox(r)
        elif r.code:
            self.hear_code(r)
        if r.kind == "STATUS":
            self.hear_status(r)

    def target(self, r):
        """The view that a response is about."""
        if self.state == "selecting":
            return self.coming
        if self.state in ("selected", "closing"):
            return self.view
        self.wrong("no mailbox is selected", r)

    def hear_mailbox(self, r):
        view = self.target(r)
        if r.kind == "EXISTS":
            if view.told_exists and r.number < len(view.seq):
                self.wrong("EXISTS shrinks from %d" % len(view.seq), r)
            view.told_exists = True
            view.seq += [None] * (r.number - len(view.seq))
        elif r.kind == "RECENT":
            if view.told_exists and r.number > len(view.seq):
                self.wrong("more recent ones than there are", r)
            if self.enabled & {"IMAP4REV2"}:
                self.wrong("RECENT after ENABLE IMAP4rev2", r)
            view.recent_count = r.number
        elif r.kind == "EXPUNGE":
            self.hear_expunge(view, r)
        elif r.kind == "VANISHED":
            self.hear_vanished(view, r)
        elif r.kind == "FETCH":
            self.hear_fetch(view, r)

    def may_expunge(self, r):
        if self.tag is None and not self.notify:
            self.wrong("no command is in progress", r)
        if self.command in BY_NUMBER and not self.uid_command:
            self.wrong("numbers change while they are used", r)
        if self.command == "CLOSE":
            self.wrong("CLOSE tells of none", r)

    def forget(self, view, place):
        uid = view.seq.pop(place)
        if uid and view.known:
            view.known.gone.add(uid)
            view.gone.add(uid)
        view.flags.pop(uid, None)
        view.modseq.pop(uid, None)
        return uid

    def hear_expunge(self, view, r):
        if self.enabled & {"QRESYNC"}:
            self.wrong("EXPUNGE instead of VANISHED (RFC 7162 3.2.10)", r)
        self.may_expunge(r)
        if not 1 <= r.number <= len(view.seq):
            self.wrong("EXPUNGE of %d of %d" % (r.number, len(view.seq)), r)
        r.value = self.forget(view, r.number - 1)

    def hear_vanished(self, view, r):
        earlier, uids = r.value
        if not self.enabled & {"QRESYNC"}:
            self.wrong("VANISHED without ENABLE QRESYNC", r)
        if earlier:
            if not self.asked_vanished:
                self.wrong("nobody asked for VANISHED (EARLIER)", r)
            if view.uids() & set(uids):
                self.wrong("they are still there", r)
            return
        self.may_expunge(r)
        for uid in uids:
            self.forget(view, self.place(view, uid, r))

    def place(self, view, uid, r):
        """Where a UID is, or a message of which no UID is known may have it."""
        if uid in view.seq:
            return view.seq.index(uid)
        for i, other in enumerate(view.seq):
            if other is not None:
                continue
            before = [u for u in view.seq[:i] if u]
            after = [u for u in view.seq[i:] if u]
            if (not before or before[-1] < uid) and (
                    not after or uid < after[0]):
                view.seq[i] = uid
                return i
        self.wrong("UID %d is nobody's" % uid, r)

    def hear_fetch(self, view, r):
        if not 1 <= r.number <= len(view.seq):
            self.wrong("FETCH of %d of %d" % (r.number, len(view.seq)), r)
        items = r.value
        place = r.number - 1
        if "UID" in items:
            self.learn_uid(view, place, items["UID"], r)
        elif self.enabled & {"QRESYNC"} and self.command != "FETCH":
            self.wrong("no UID in it (RFC 7162 3.2.4)", r)
        uid = view.seq[place]
        if "FLAGS" in items:
            self.learn_flags(view, uid, items["FLAGS"], r)
        if "MODSEQ" in items:
            if not self.condstore:
                self.wrong("MODSEQ before anything that enables it", r)
            if uid:
                self.learn_modseq(view, uid, items["MODSEQ"], r)
        if uid:
            view.fetched.setdefault(uid, {}).update(items)

    def learn_uid(self, view, place, uid, r):
        if view.seq[place] not in (None, uid):
            self.wrong("%d was UID %d" % (place + 1, view.seq[place]), r)
        for i, other in enumerate(view.seq):
            if other and i != place and (uid - other) * (
                    1 if place > i else -1) < abs(place - i):
                self.wrong("UIDs do not ascend", r)
        known = view.known
        if known:
            if uid in view.gone:
                self.wrong("UID %d had gone" % uid, r)
            known.uid_top = max(known.uid_top, uid)
        view.seq[place] = uid

    def learn_flags(self, view, uid, flags, r):
        if len({f.lower() for f in flags}) != len(flags):
            self.wrong("a flag twice", r)
        if "\\*" in flags:
            self.wrong("\\* is no flag of a message", r)
        if uid is None:
            return
        if "\\Recent" in flags:
            self.learn_recent(view, uid, r)
        view.flags[uid] = {f.lower() for f in flags} - {"\\recent"}

    def learn_recent(self, view, uid, r):
        """RFC 3501 2.3.2: the first read-write session has it, no other."""
        if view.known is None or view.read_only:
            return
        whose = view.known.recent.get(uid)
        if whose not in (None, view.selection):
            self.wrong("\\Recent for a second session", r)
        view.known.recent[uid] = view.selection

    def learn_modseq(self, view, uid, modseq, r):
        if modseq < view.modseq.get(uid, 0):
            self.wrong("MODSEQ goes back from %d" % view.modseq[uid], r)
        view.modseq[uid] = modseq
        if view.known:
            view.known.modseq_top = max(view.known.modseq_top, modseq)

    def learn_content(self, view, uid, items, r):
        """A UID is one message for ever (RFC 3501 2.3.1.1). Of one that has
        gone meanwhile there may be anything."""
        if view.known is None or uid in view.known.gone:
            return
        content = view.known.content.setdefault(uid, {})
        for name in items:
            if name.startswith(("BODY[", "BINARY", "RFC822", "INTERNALDATE",
                                "ENVELOPE", "EMAILID", "SAVEDATE")):
                if content.setdefault(name, items[name]) != items[name]:
                    self.wrong("UID %d was another message: %r" % (
                        uid, content[name]), r)

    def hear_code(self, r):
        if r.code == "CLOSED":
            if self.state != "closing":
                self.wrong("CLOSED, and nothing was open", r)
            self.view, self.state = None, "selecting"
        elif r.code == "UIDVALIDITY":
            self.learn_validity(r)
        elif r.code == "UIDNEXT":
            view = self.target(r)
            view.uidnext = r.code_value
            self.check_uidnext(view, r)
        elif r.code == "HIGHESTMODSEQ":
            self.learn_highest(r)
        elif r.code == "NOMODSEQ":
            self.target(r).highest = 0
        elif r.code in ("APPENDUID", "COPYUID"):
            self.learn_new(r)

    def learn_new(self, r):
        """A new UID is none that was ever seen, and not below UIDNEXT."""
        validity, uids = r.code_value[0], r.code_value[-1]
        if len(set(uids)) != len(uids):
            self.wrong("one UID for two messages", r)
        name = self.arguments.rsplit(b" ", 1)[-1] if \
            r.code == "COPYUID" else self.arguments.split(b" ")[0]
        if self.command == "REPLACE":
            name = self.arguments.split(b" ")[1]
        if name.startswith(b'"') or not name:
            return
        name = b"INBOX" if name.upper() == b"INBOX" else name
        known = self.world.known(name, validity)
        for uid in uids:
            if uid <= self.tops.get((name, validity), 0):
                self.wrong("UID %d is not new" % uid, r)
        known.uid_top = max([known.uid_top] + uids)
        if r.code == "COPYUID" and self.view and self.view.known:
            for old, new in zip(*r.code_value[1:]):
                content = dict(self.view.known.content.get(old, {}))
                content.pop("SAVEDATE", None)
                known.content.setdefault(new, content)

    def learn_validity(self, r):
        view = self.target(r)
        view.validity = r.code_value
        last = self.world.validity.get(view.name, 0)
        if r.code_value < last:
            self.wrong("UIDVALIDITY goes back from %d" % last, r)
        self.world.validity[view.name] = r.code_value
        view.known = self.world.known(view.name, r.code_value)
        self.world.selections += 1
        view.selection = self.world.selections
        view.gone |= view.known.gone
        self.check_uidnext(view, r)
        self.check_highest(view, r)

    def check_uidnext(self, view, r):
        if view.known is None or view.uidnext is None:
            return
        top = max([view.known.uid_top] + [u for u in view.seq if u])
        if view.uidnext <= top:
            self.wrong("UIDNEXT is not above UID %d" % top, r)
        if view.uidnext < view.known.uidnext:
            self.wrong("UIDNEXT goes back from %d" % view.known.uidnext, r)
        view.known.uidnext = view.uidnext

    def learn_highest(self, r):
        view = self.target(r)
        view.highest = max(view.highest or 0, r.code_value)
        if r.tag == "*" and self.state in ("selecting", "closing"):
            self.check_highest(view, r)

    def check_highest(self, view, r):
        if view.known is None or not view.highest:
            return
        if view.highest < view.known.modseq_top:
            self.wrong("HIGHESTMODSEQ is below %d, which was seen" %
                       view.known.modseq_top, r)
        view.known.modseq_top = view.highest

    def hear_status(self, r):
        name, items = r.value
        validity = items.get("UIDVALIDITY") or self.world.validity.get(name)
        if validity is None:
            return
        if "UIDVALIDITY" in items:
            if validity < self.world.validity.get(name, 0):
                self.wrong("UIDVALIDITY goes back", r)
            self.world.validity[name] = validity
        known = self.world.known(name, validity)
        if items.get("UIDNEXT", 1 << 32) <= known.uid_top:
            self.wrong("UIDNEXT is not above UID %d" % known.uid_top, r)
        if 0 < items.get("HIGHESTMODSEQ", 0) < known.modseq_top:
            self.wrong("HIGHESTMODSEQ is below %d" % known.modseq_top, r)

    # --- tagged answers ---

    def hear_tagged(self, r):
        if r.tag != self.tag:
            self.wrong("the tag %s is nobody's" % r.tag, r)
        if self.command in ("SELECT", "EXAMINE"):
            self.end_select(r)
        elif r.code:
            self.hear_code(r)
        if r.kind == "OK":
            self.end_ok(r)
        if self.view and r.code != "EXPUNGEISSUED":
            for uid, items in self.view.fetched.items():
                self.learn_content(self.view, uid, items, r)
        self.tag = None

    def end_select(self, r):
        if r.kind == "BAD" and self.state == "closing":
            # It did not begin.
            self.coming, self.state = None, "selected"
            return
        if self.state == "closing" and r.kind == "OK" and (
                self.enabled & {"QRESYNC", "IMAP4REV2"}):
            self.wrong("no CLOSED (RFC 7162 3.2.11)", r)
        view, self.coming = self.coming, None
        if r.kind != "OK":
            self.view, self.state = None, "authenticated"
            return
        if not view.told_exists or view.validity is None or \
                view.uidnext is None:
            self.wrong("no EXISTS, UIDVALIDITY or UIDNEXT", r)
        if view.read_only and r.code != "READ-ONLY":
            self.wrong("EXAMINE is not READ-ONLY", r)
        if r.code == "READ-ONLY":
            view.read_only = True
        if view.recent_count is None and not self.enabled & {"IMAP4REV2"}:
            self.wrong("no RECENT", r)
        self.view, self.state = view, "selected"
        self.check_uidnext(view, r)

    def end_ok(self, r):
        if self.command in ("LOGIN", "AUTHENTICATE"):
            self.state = "authenticated"
        elif self.command in ("CLOSE", "UNSELECT"):
            self.view, self.state = None, "authenticated"
        elif self.command == "LOGOUT":
            if not any(u.kind == "BYE" for u in self.untagged):
                self.wrong("no BYE", r)
            self.state = "logout"
        elif self.command == "ENABLE":
            for u in self.untagged:
                if u.kind == "ENABLED":
                    self.enabled |= set(u.value)
            if self.enabled & {"CONDSTORE", "QRESYNC"}:
                self.condstore = True
        elif self.command == "NOTIFY":
            self.notify = b"NONE" not in self.arguments.upper()
        elif self.command == "CAPABILITY":
            self.must_have(r, "CAPABILITY")
        elif self.command in ("SORT", "THREAD") and not any(
                u.kind in (self.command, "ESEARCH") for u in self.untagged):
            self.wrong("no answer before the tag", r)
        elif self.command == "SEARCH":
            self.end_search(r)
        elif self.command == "STATUS":
            self.must_have(r, "STATUS")
        elif self.command == "FETCH":
            self.end_fetch(r)

    def must_have(self, r, kind):
        if not any(u.kind == kind for u in self.untagged):
            self.wrong("no %s before the tag" % kind, r)

    def end_search(self, r):
        """RFC 4731 3.1, RFC 9051 7.3.4: with RETURN it is ESEARCH, once."""
        wide = self.arguments.upper().startswith(b"RETURN") or \
            self.enabled & {"IMAP4REV2"}
        kind = "ESEARCH" if wide else "SEARCH"
        if self.arguments.upper().startswith(b"RETURN (SAVE)"):
            return
        told = [u for u in self.untagged if u.kind in ("SEARCH", "ESEARCH")]
        if not told or any(u.kind != kind for u in told):
            self.wrong("no %s before the tag" % kind, r)
        if wide and (told[0].value["TAG"] or b"").decode() != r.tag:
            self.wrong("ESEARCH without its TAG", told[0])
        if wide and told[0].value["UID"] != self.uid_command:
            self.wrong("ESEARCH: UID or not", told[0])

    def end_fetch(self, r):
        """Nobody who is there is left out, and nothing that was asked."""
        m = re.match(rb"(\S+) \(?([A-Z0-9 .\[\]]+)\)?$",
                     self.arguments.upper())
        if not m or self.view is None or r.code == "EXPUNGEISSUED":
            return
        names = MACROS.get(m.group(2), m.group(2).replace(b".PEEK", b""))
        if self.uid_command:
            names += b" UID"
        for uid in self.asked(m.group(1)):
            have = self.view.fetched.get(uid, {})
            for name in names.split():
                name = name.decode()
                if uid not in self.view.known.gone and name not in have:
                    self.wrong("%s of UID %d is missing" % (name, uid), r)

    def asked(self, text):
        """UIDs of this view, where they are known, in a set."""
        if text == b"$":
            return []
        star = max([u for u in self.view.seq if u] or [0]) if \
            self.uid_command else len(self.view.seq)
        found = []
        for piece in text.split(b","):
            first, _, last = piece.partition(b":")
            a = star if first == b"*" else int(first)
            b = star if last == b"*" else int(last or a)
            a, b = min(a, b), max(a, b)
            if self.uid_command:
                found += [u for u in self.view.seq if u and a <= u <= b]
            else:
                found += [u for u in self.view.seq[max(a - 1, 0):b] if u]
        return found


class Refused(Exception):
    """NO or BAD where the caller asked for OK."""


class Session:
    """A client behind a witness, over the pipes of a process."""

    def __init__(self, argv, world=None, name="s", preauth=False, log=None,
                 env=None, patience=60):
        self.witness = Witness(world, name, preauth)
        self.log, self.patience = log, patience
        self.splitter = wire.Splitter()
        self.waiting = []
        self.tags = 0
        self.ended = False
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=log, env=env, bufsize=0)
        self.greeting = self.read()

    # --- octets ---

    def note(self, mark, octets):
        if self.log:
            text = octets if len(octets) < 400 else \
                octets[:380] + b"...%d\r\n" % len(octets)
            self.log.write(b"%.3f %s %s " % (
                time.time() % 1000, self.witness.name.encode(), mark) +
                text.replace(b"\r\n", b"~") + b"\n")
            self.log.flush()

    def write(self, octets):
        self.note(b"C:", octets)
        try:
            self.process.stdin.write(octets)
        except BrokenPipeError:
            pass # its last words are still to be read

    def fill(self, timeout):
        """True when something came."""
        fd = self.process.stdout.fileno()
        if self.ended or not select.select([fd], [], [], timeout)[0]:
            return False
        octets = os.read(fd, 1 << 20)
        if not octets:
            self.ended = True
            return False
        try:
            self.waiting += self.splitter.feed(octets)
        except Malformed as e:
            self.witness.wrong("malformed: %s" % e)
        return True

    def read(self, timeout=None):
        """The next response. None: nothing more comes."""
        end = time.monotonic() + (timeout or self.patience)
        while not self.waiting:
            left = end - time.monotonic()
            if left <= 0 or not self.fill(left) and self.ended:
                if timeout is None and not self.ended:
                    raise Unlawful("%s: no answer to %s" % (
                        self.witness.name, self.witness.arguments[:200] or
                        self.witness.command))
                return None
        octets = self.waiting.pop(0)
        self.note(b"S:", octets)
        return self.witness.received(octets)

    def drain(self, timeout=0):
        """What comes though nobody has asked: under no command's rules."""
        while self.fill(timeout) or self.waiting:
            while self.waiting:
                self.read()

    # --- commands ---

    def start(self, line, literals=()):
        """line: with a %s for each literal; the octets go behind "+"."""
        self.drain()
        self.tags += 1
        tag = "%s%d" % (self.witness.name, self.tags)
        if isinstance(line, str):
            line = line.encode()
        self.witness.sent(tag, line)
        pieces = (tag.encode() + b" " + line + b"\r\n").split(b"%s")
        for piece, literal in zip(pieces, literals):
            self.write(piece + b"{%d}\r\n" % len(literal))
            r = self.read()
            if r is None or r.tag != "+":
                return tag, r # refused
            self.write(literal)
        self.write(pieces[-1])
        return tag, None

    def finish(self, tag, r=None):
        """The tagged answer; untagged ones are in witness.untagged."""
        while r is None or r.tag != tag:
            r = self.read()
            if r is None:
                self.witness.wrong("it has hung up")
        return r

    def command(self, line, *literals):
        return self.finish(*self.start(line, literals))

    def ok(self, line, *literals):
        r = self.command(line, *literals)
        if r.kind != "OK":
            raise Refused("%s: %s: %s %s" % (
                self.witness.name, line, r.kind, r.text))
        return r

    def close(self):
        self.process.stdin.close()
        while self.fill(5):
            pass
        self.process.stdout.close()
        return self.process.wait(10)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
