"""One of the sessions of imap-fight."""

import re
import time

from session import Refused
from truth import MAYBE, difference, text


class Actor:
    """One of the sessions: what it is able to do, and what it has open."""

    def __init__(self, fight, name, kind):
        self.fight, self.name, self.kind = fight, name, kind
        self.keyword = "$of" + name
        self.box = None
        self.read_only = False
        self.cache = {} # QRESYNC: box: (validity, modseq, {uid: flags})
        self.connect()

    def connect(self):
        self.s = self.fight.server.session(self.fight.world, self.name)
        r = self.s.ok("CAPABILITY")
        self.can = set(self.s.witness.untagged[0].value)
        self.box = None
        if self.kind == "qresync":
            self.s.ok("ENABLE QRESYNC")
        if self.kind == "condstore" and "ENABLE" in self.can:
            self.s.ok("ENABLE CONDSTORE")
        if self.kind == "rev2" and "IMAP4REV2" in self.can:
            self.s.ok("ENABLE IMAP4rev2")
        self.s.witness.hearers.append(self.hear)
        return r

    @property
    def view(self):
        return self.s.witness.view

    # What goes must have been expunged by somebody.
    def hear(self, r):
        if r.kind == "EXPUNGE":
            uids = [r.value]
        elif r.kind == "VANISHED" and not r.value[0]:
            uids = r.value[1]
        else:
            return
        for uid in uids:
            m = self.box.find(uid) if uid else None
            if m is None or m.gone is True:
                continue
            if m.gone is MAYBE or self.fight.may_go(self.box, m):
                m.gone = True
            else:
                self.s.witness.wrong(
                    "UID %d (message %d) has gone, and nobody expunged it" % (
                        uid, m.number), r)

    # --- selecting ---

    def select(self, box, read_only=False):
        self.leave_cache()
        self.box = None
        if self.view and self.fight.random.random() < 0.3:
            self.s.ok("UNSELECT")
        line = "%s %s" % ("EXAMINE" if read_only else "SELECT", box.name)
        cached = None
        if self.kind == "qresync" and box.name in self.cache:
            cached = self.cache[box.name]
            known = ",".join(str(u) for u in sorted(cached[2]))
            named = known and self.fight.random.random() < 0.3
            line += " (QRESYNC (%d %d%s))" % (
                cached[0], cached[1], " " + known if named else "")
        elif self.kind == "condstore" and self.fight.random.random() < 0.5:
            line += " (CONDSTORE)"
        was, self.box = self.box, box
        try:
            self.s.ok(line)
        except Refused:
            self.box = was
            raise
        self.read_only = read_only
        if cached and cached[0] == self.view.validity:
            self.resync(cached, named)
        else:
            self.look()

    def resync(self, cached, named):
        """RFC 7162 3.2.5: the cache, and what the server has told, is all; of
        what the client has not named it need not be told (3.2.5.1)."""
        view = self.view
        flags = dict(cached[2])
        for r in self.s.witness.untagged:
            if r.kind == "VANISHED":
                for uid in r.value[1]:
                    flags.pop(uid, None)
        told = {uid: view.flags[uid] for uid in view.flags if uid}
        flags.update(told)
        if len(flags) != len(view.seq) and not named:
            self.s.witness.wrong(
                "after QRESYNC there are %d, and %d messages are known: %s" % (
                    len(view.seq), len(flags), sorted(flags)))
        have = dict(view.flags)
        self.look()
        for uid in view.flags:
            if uid not in flags and named and uid not in cached[2]:
                continue
            if uid not in flags or flags[uid] != view.flags[uid]:
                self.s.witness.wrong("QRESYNC: UID %d is %s, the cache has %s"
                    ", told %s" % (uid, view.flags[uid], flags.get(uid),
                                   have.get(uid)))

    def leave_cache(self):
        view = self.view
        if not (view and self.kind == "qresync" and view.highest):
            return
        self.s.ok("NOOP")
        self.know_all()
        top = max([view.highest] + list(view.modseq.values()))
        self.cache[self.box.name] = (view.validity, top, dict(view.flags))

    # --- looking ---

    def know_all(self):
        """The UID and flags of whatever is there."""
        for _ in range(9):
            lacking = [i + 1 for i, uid in enumerate(self.view.seq)
                       if uid is None or uid not in self.view.flags]
            if not lacking:
                return
            self.s.ok("FETCH %d:%d (UID FLAGS)" % (lacking[0], lacking[-1]))
        self.s.witness.wrong("no UID or flags of %s" % lacking)

    def bind_new(self):
        known = self.box.by_uid()
        new = [uid for uid in self.view.seq if uid and uid not in known]
        if not new:
            return
        self.s.command("UID FETCH %s (UID BODY.PEEK[HEADER.FIELDS "
                       "(MESSAGE-ID)])" % ",".join(map(str, new)))
        for uid in new:
            items = self.view.fetched.get(uid, {})
            for name, value in items.items():
                m = re.search(rb"<(\d+)@fight", value) if \
                    name.startswith("BODY[") and value else None
                if m:
                    bound = self.box.bind(uid, int(m.group(1)))
                    if uid not in self.view.seq:
                        bound.gone = True

    def look(self):
        for _ in range(9): # others go on meanwhile
            self.know_all()
            self.bind_new()
            if set(self.view.seq) <= set(self.box.by_uid()):
                return

    def check(self):
        """After NOOP, the view is the truth; soon, where others did it."""
        end = max(self.box.dirty + self.fight.server.patience, 0)
        while True:
            late = time.monotonic() > end
            self.s.ok("NOOP")
            self.look()
            wrong = difference(self.box, set(self.view.seq), self.view.flags)
            if wrong is None:
                break
            if late:
                self.s.witness.wrong("not the truth of %s: %s" % (
                    self.box.name, wrong))
            time.sleep(0.02)
        self.box.dirty = 0
        self.check_ids()

    def check_ids(self):
        for uid, items in self.view.known.content.items():
            m = self.box.find(uid)
            for name, value in items.items():
                if m is None or not value or not name.startswith("BODY["):
                    continue
                if name == "BODY[]" and not value.endswith(
                        text(m.number)) or "(MESSAGE-ID)" in name and \
                        b"<%d@fight" % m.number not in value:
                    self.s.witness.wrong("UID %d is not message %d" % (
                        uid, m.number))

    # --- choosing ---

    def pick(self):
        """(set by number or UID, what it stands for: UIDs, whether UID)"""
        r = self.fight.random
        self.look()
        count = len(self.view.seq)
        if count == 0:
            return None
        places = sorted(r.sample(range(count), min(count, r.choice(
            [1, 1, 2, 5]))))
        if r.random() < 0.2:
            a, b = sorted(r.choices(range(count), k=2))
            places = list(range(a, b + 1))[:30]
        uids = [self.view.seq[i] for i in places]
        by_uid = r.random() < 0.5
        numbers = uids if by_uid else [i + 1 for i in places]
        return ",".join(map(str, numbers)), uids, by_uid

    def applied(self, uid, how, flags):
        """What a client knows of its own STORE without being told."""
        have = self.view.flags.get(uid)
        if have is None or "FLAGS" in self.view.fetched.get(uid, {}):
            return
        self.view.flags[uid] = set(flags) if how == "" else \
            have | set(flags) if how == "+" else have - set(flags)

    def uid(self, by_uid):
        return "UID " if by_uid else ""
