"""Steps of imap-fight that are more than one command, and what others do."""

import os
import re
import time

from servers import foreign_write
from truth import MAYBE, Box, text

MAIN = ["INBOX", "Work"]
SIDE = ["Side", "Deep.Side", "Other"]
LETTERS = {"F": "\\flagged", "R": "\\answered", "S": "\\seen", "T": "\\deleted",
           "D": "\\draft"}


class Moments:
    """For class Fight."""

    def writable(self):
        return list(self.boxes.values())

    def step_select(self, a):
        box = self.random.choice([self.boxes[n] for n in MAIN])
        a.select(box, self.random.random() < 0.15)

    def step_close(self, a):
        if a.read_only:
            a.s.ok("CLOSE")
            a.box = None
            return
        a.leave_cache()
        a.look()
        box, seen = a.box, a.view.uids()
        deleted = [m for m in box.messages if m.gone is False and
                   m.flag("\\deleted") is not False]
        # What is not known to the session may stay.
        known = a.s.witness.view
        a.s.ok("CLOSE")
        a.box = None
        for m in deleted:
            sure = m.uid in seen and m.flag("\\deleted") and \
                "\\deleted" in known.flags.get(m.uid, ())
            m.gone = True if sure else MAYBE

    def step_reconnect(self, a):
        box = a.box
        a.leave_cache()
        if self.random.random() < 0.5:
            a.s.ok("LOGOUT")
            a.s.close()
        else:
            a.s.kill()
        a.connect()
        if box:
            a.select(box)

    def step_search(self, a):
        a.check()
        view, r = a.view, self.random
        flag = r.choice(["seen", "answered", "flagged", "deleted", "draft"])
        there = {u: a.box.find(u) for u in view.seq}
        # What was expunged by others meanwhile is not asked for.
        some = set(r.sample(view.seq, len(view.seq) // 2))
        number = r.choice([m.number for m in there.values()] or [0])
        cases = [
            (flag, lambda u: there[u].flag("\\" + flag)),
            ("UN" + flag, lambda u: not there[u].flag("\\" + flag)),
            ("KEYWORD work", lambda u: there[u].flag("work")),
            ("NOT KEYWORD " + a.keyword,
             lambda u: not there[u].flag(a.keyword)),
            ("OR %s DELETED" % flag, lambda u: there[u].flag("\\" + flag) or
             there[u].flag("\\deleted")),
            ("SUBJECT \"fight %d \"" % number,
             lambda u: there[u].number == number),
            ("BODY \"%d x\"" % number, lambda u: b"%d x" % number in text(
                there[u].number).split(b"\r\n\r\n", 1)[1]),
            ("LARGER 0", lambda u: True), ("ALL", lambda u: True),
            ("SMALLER 1", lambda u: False)]
        if some:
            cases.append(("UID " + ",".join(map(str, some)),
                          lambda u: u in some))
        criterion, holds = r.choice(cases)
        by_uid = r.random() < 0.5
        returns = r.choice(["", "", "RETURN () ", "RETURN (MIN MAX COUNT) "]) \
            if "ESEARCH" in a.can else ""
        a.s.ok("%sSEARCH %s%s" % (a.uid(by_uid), returns, criterion))
        want = sorted(u if by_uid else i + 1
                      for i, u in enumerate(view.seq) if u in there and holds(u))
        self.compare(a, criterion, want)

    def compare(self, a, criterion, want):
        for u in a.s.witness.untagged:
            if u.kind == "SEARCH" and sorted(u.value[0]) != want:
                a.s.witness.wrong("%s is %s" % (criterion, want), u)
            if u.kind != "ESEARCH":
                continue
            for name, value in [("ALL", want), ("COUNT", len(want)),
                                ("MIN", min(want or [0])),
                                ("MAX", max(want or [0]))]:
                told = u.value.get(name)
                told = sorted(told) if isinstance(told, list) else told
                if name in u.value and told != value:
                    a.s.witness.wrong("%s: %s is %s" % (
                        criterion, name, value), u)
            if want and not {"ALL", "MIN"} & set(u.value):
                a.s.witness.wrong("%s found nothing of %s" % (
                    criterion, want), u)

    def step_saved(self, a):
        """SEARCHRES (RFC 5182): $ is what was found."""
        if "SEARCHRES" not in a.can or a.read_only:
            return
        a.check()
        a.s.ok("SEARCH RETURN (SAVE) FLAGGED")
        found = [u for u in a.view.seq if a.box.find(u).flag("\\flagged")]
        a.s.ok("UID STORE $ +FLAGS (work)")
        for uid in found:
            m = a.box.find(uid)
            m.store("+", ["work"], self.step)

    def step_idle(self, a):
        """What another does is told at once."""
        others = [b for b in self.actors if b is not a and b.box is a.box and
                  not b.read_only]
        if not others:
            return
        b = self.random.choice(others)
        a.check()
        b.s.ok("NOOP")
        b.look()
        tag, _ = a.s.start("IDLE")
        r = a.s.read()
        while r.tag != "+":
            r = a.s.read()
        step = self.random.choice([self.step_store, self.step_append,
                                   self.step_expunge])
        self.run(b, step(b))
        end = time.monotonic() + 30 * self.server.patience
        while True:
            while a.s.read(0.01) is not None:
                pass
            uids = a.view.uids()
            known = a.box.by_uid()
            wrong = [u for u in uids if u in known and known[u].gone is True]
            if sum(m.gone is not True for m in a.box.messages) >= \
                    len(a.view.seq) and not wrong and len(
                        a.box.live()) <= len(a.view.seq):
                break
            if time.monotonic() > end:
                a.s.witness.wrong("IDLE does not tell: %s" % (wrong or
                    "%d of %d" % (len(a.view.seq), len(a.box.live()))))
        a.s.write(b"DONE\r\n")
        a.s.finish(tag)

    def step_folders(self, a):
        """What nobody has open is made, renamed, deleted."""
        name = self.random.choice(SIDE)
        if name not in self.boxes:
            a.s.ok("CREATE " + name)
            self.boxes[name] = Box(name)
            return
        free = [n for n in SIDE if n not in self.boxes]
        # Only a box without children: theirs move with it.
        if any(n.startswith(name + ".") for n in self.boxes):
            return
        if free and self.random.random() < 0.5:
            to = self.random.choice(free)
            a.s.ok("RENAME %s %s" % (name, to))
            box = self.boxes.pop(name)
            box.name = to
            self.boxes[to] = box
            self.world.renamed(name.encode(), to.encode())
            self.examine(a, box)
        else:
            self.examine(a, self.boxes[name])
            a.select(self.boxes["INBOX"])
            a.s.ok("DELETE " + name)
            del self.boxes[name]
            a.cache.pop(name, None)

    def examine(self, a, box):
        """It is whole, by a session that has it open for a moment."""
        view_of = a.cache
        a.leave_cache()
        a.box = box
        a.s.ok("EXAMINE " + box.name)
        a.read_only = True
        if box.messages and a.view.validity != getattr(
                box, "validity", a.view.validity):
            for m in box.messages: # RFC 3501 6.3.5: UIDs may be new ones
                m.uid = None
        box.validity = a.view.validity
        a.look()
        a.check()
        a.cache = view_of
        a.select(self.boxes["INBOX"])

    def step_status(self, a):
        others = [b for b in self.boxes.values() if b is not a.box]
        box = self.random.choice(others)
        if box.dirty and time.monotonic() < box.dirty + self.server.patience:
            return
        if any(m.gone is MAYBE for m in box.messages):
            return
        a.s.ok("STATUS %s (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)" % box.name)
        told = [u for u in a.s.witness.untagged if u.kind == "STATUS"][0]
        items = told.value[1]
        live = box.live()
        if items["MESSAGES"] != len(live):
            a.s.witness.wrong("%s has %d messages" % (
                box.name, len(live)), told)
        unseen = [m for m in live if m.flag("\\seen") is False]
        unsure = [m for m in live if m.flag("\\seen") is None]
        if not len(unseen) <= items["UNSEEN"] <= len(unseen) + len(unsure):
            a.s.witness.wrong("%s has %d unseen" % (
                box.name, len(unseen)), told)

    def step_replace(self, a):
        if "REPLACE" not in a.can or a.read_only or not a.view.seq:
            return
        a.check()
        if not a.view.seq:
            return
        uid = self.random.choice(a.view.seq)
        box = self.random.choice(self.writable())
        number = self.next_number()
        source = a.box
        self.goers.append((source, {uid}))
        r = a.s.ok("UID REPLACE %d %s %%s" % (uid, box.name), text(number))
        codes = [u for u in a.s.witness.untagged + [r]
                 if u.code == "APPENDUID"]
        if not codes:
            a.s.witness.wrong("no APPENDUID", r)
        if uid in a.view.seq:
            a.s.witness.wrong("replaced, and still there", r)
        source.find(uid).gone = True
        box.add(number, codes[0].code_value[1][0])

    # --- others ---

    def deliver(self):
        number = self.next_number()
        self.server.deliver(number)
        self.boxes["INBOX"].add(number)
        self.boxes["INBOX"].dirty = time.monotonic()

    def step_deliver(self, a):
        self.deliver()

    def step_foreign(self, a):
        self.foreign()
        for b in self.actors:
            if not self.server.careful and b.box and b.box.dirty:
                b.check()

    def foreign(self, only_new=False):
        """As mutt does: a file comes, goes, or has another name."""
        box = self.boxes[self.random.choice(MAIN)]
        folder = self.folder(box)
        names = sorted(os.listdir(folder + "/cur"))
        what = self.random.choice(["new", "cur", "rename", "rename", "remove",
                                   "index"])
        if only_new and what in ("rename", "remove"):
            return
        if what in ("new", "cur"):
            info = ":2,FS" if what == "cur" else ""
            number = self.next_number()
            foreign_write(folder, what, number, info)
            box.add(number, None, [LETTERS[c] for c in info[3:]])
        elif what == "index":
            if os.path.exists(folder + "/pennypost-index"):
                os.unlink(folder + "/pennypost-index")
            return
        elif names:
            self.foreign_change(box, folder, self.random.choice(names),
                                what == "remove")
        box.dirty = time.monotonic()

    def foreign_change(self, box, folder, name, remove):
        path = folder + "/cur/" + name
        try:
            with open(path, "rb") as f:
                number = int(re.search(rb"<(\d+)@fight", f.read()).group(1))
        except FileNotFoundError:
            return
        # Copies of one message are several files: which one this is nobody
        # outside the server knows.
        of = [m for m in box.messages if m.number == number and
              m.gone is not True]
        if len(of) != 1:
            return
        base, _, letters = name.partition(":2,")
        try:
            if remove:
                os.unlink(path)
                of[0].gone = True
                return
            new = set(letters) ^ {self.random.choice("FRSD")}
            os.rename(path, "%s/cur/%s:2,%s" % (
                folder, base, "".join(sorted(new))))
        except FileNotFoundError:
            return # a session was faster
        for c in "FRSD":
            of[0].flags[LETTERS[c]] = c in new
        of[0].changed = self.step
