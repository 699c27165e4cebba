"""Steps of imap-fight: each is a command, and what it does to the truth."""

import re

from truth import MAYBE, SYSTEM, Wrong, text


class Commands:
    """For class Fight. A step is (line, literals, what to do with the tagged
    answer), or None. together: others are at it at the same time."""

    def step_store(self, a, together=False):
        picked = a.pick()
        if picked is None or a.read_only:
            return None
        text_set, uids, by_uid = picked
        how = self.random.choice(["+", "-"] if together else ["+", "-", ""])
        flags = [a.keyword] if together else self.random.sample(
            SYSTEM + ["$Forwarded", "work"], self.random.randrange(1, 3))
        flags = [f.lower() for f in flags]
        silent = self.random.random() < 0.3
        since, must_fail, may_fail = "", set(), set()
        if a.s.witness.condstore and not together and \
                self.random.random() < 0.5:
            since, must_fail, may_fail = self.unchanged_since(a, uids)
        line = "%sSTORE %s %s%sFLAGS%s (%s)" % (
            a.uid(by_uid), text_set, since, how, ".SILENT" if silent else "",
            " ".join(f.capitalize() if f[0] == "\\" else f for f in flags))
        before = dict(a.view.modseq)
        seq = list(a.view.seq)

        def apply(r):
            modified = set()
            if r.code == "MODIFIED":
                modified = set(r.code_value if by_uid else
                               [seq[n - 1] for n in r.code_value])
                if not since or not modified <= set(uids):
                    a.s.witness.wrong("MODIFIED of %s" % modified, r)
            if since:
                there = {u for u in uids if a.box.find(u) and
                         a.box.find(u).gone is False}
                if must_fail & there - modified:
                    a.s.witness.wrong("an update is lost: of %s" % (
                        must_fail & there - modified), r)
                if modified & there - must_fail - may_fail:
                    a.s.witness.wrong("MODIFIED, and nobody did: %s" % (
                        modified & there - must_fail - may_fail), r)
            for uid in set(uids) - modified:
                m = a.box.find(uid)
                if silent and r.kind == "OK":
                    a.applied(uid, how, flags)
                if m is None:
                    continue
                if r.kind != "OK":
                    m.unsure()
                    continue
                if a.box.dirty: # what others have done it may not have seen
                    m.unsure()
                    continue
                m.store(how, flags, self.step)
                told = a.view.fetched.get(uid, {})
                if a.s.witness.condstore and m.changed == self.step and \
                        not m.gone and not together:
                    if "MODSEQ" not in told or \
                            told["MODSEQ"] <= before.get(uid, 0):
                        a.s.witness.wrong(
                            "UID %d was changed, and its MODSEQ is not told,"
                            " or not higher than %s" % (
                                uid, before.get(uid)), r)
        return line, (), apply

    def unchanged_since(self, a, uids):
        """What the actor knew: those that others have changed must be left
        alone, and the others not."""
        known = [a.view.modseq[u] for u in uids if u in a.view.modseq]
        if not known:
            return "", set(), set()
        limit = self.random.choice(known)
        must, may = set(), set()
        for uid in uids:
            m = a.box.find(uid)
            if uid not in a.view.modseq or m is None:
                may.add(uid)
            elif a.view.modseq[uid] > limit:
                must.add(uid)
            else:
                # Since then? Who has it open has been told at each check.
                may.add(uid)
        return "(UNCHANGEDSINCE %d) " % limit, must, may

    def step_race(self, a):
        """Two store on one message with the same MODSEQ: the second fails."""
        others = [b for b in self.actors if b is not a and b.box is a.box and
                  b.s.witness.condstore and not b.read_only]
        if not others or not a.s.witness.condstore or a.read_only or \
                not a.view.seq:
            return
        b = self.random.choice(others)
        for actor in a, b:
            actor.s.ok("NOOP")
            actor.look()
        if not a.view.seq:
            return
        uid = self.random.choice(a.view.seq)
        a.s.ok("UID FETCH %d (UID MODSEQ)" % uid)
        b.s.ok("UID FETCH %d (UID MODSEQ)" % uid)
        m = a.box.find(uid)
        if m is None or m.gone or uid not in b.view.modseq:
            return
        how = "-" if "$race" in a.view.flags[uid] else "+"
        last = b.view.modseq[uid]
        r = a.s.ok("UID STORE %d (UNCHANGEDSINCE %d) %sFLAGS ($race)" % (
            uid, a.view.modseq[uid], how))
        if r.code == "MODIFIED":
            a.s.witness.wrong("nobody has changed it", r)
        m.store(how, ["$race"], self.step)
        r = b.s.command("UID STORE %d (UNCHANGEDSINCE %d) +FLAGS.SILENT "
                        "(\\Answered)" % (uid, last))
        if r.code != "MODIFIED" or r.code_value != [uid]:
            b.s.witness.wrong("an update is lost", r)

    def step_fetch(self, a, together=False):
        picked = a.pick()
        if picked is None:
            return None
        text_set, uids, by_uid = picked
        items = self.random.choice([
            "(UID FLAGS)", "(UID RFC822.SIZE INTERNALDATE)", "(UID ENVELOPE)",
            "(UID BODYSTRUCTURE)", "(UID BODY)", "(UID BODY.PEEK[])", "ALL",
            "FULL", "(UID BODY.PEEK[]<5.100>)", "(UID BODY.PEEK[TEXT])",
            "(UID BODY.PEEK[1])", "(UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])",
            "(UID BODY[])"])
        if items == "(UID BODY[])" and (together or a.read_only):
            items = "(UID RFC822.HEADER)"
        if a.s.witness.condstore and self.random.random() < 0.2:
            items = "(UID FLAGS MODSEQ)"
        was = {u: a.view.flags.get(u, ()) for u in uids}

        def apply(r):
            for uid in uids:
                m = a.box.find(uid)
                have = a.view.fetched.get(uid, {}) if a.view else {}
                size = have.get("RFC822.SIZE")
                if m and not m.gone and size is not None and \
                        size < len(text(m.number)):
                    a.s.witness.wrong("RFC822.SIZE %d" % size, r)
                if items == "(UID BODY[])" and m and \
                        "BODY[]" in have:
                    if "\\seen" in was[uid] and not m.flag("\\seen"):
                        m.unsure() # this session has not heard otherwise
                    else:
                        m.store("+", ["\\seen"], self.step)
        return "%sFETCH %s %s" % (a.uid(by_uid), text_set, items), (), apply

    def step_append(self, a, together=False):
        box = self.random.choice(self.writable())
        many = 1
        if self.random.random() < 0.2 and "MULTIAPPEND" in a.can:
            many = 3
        numbers, line, flags = [], "APPEND " + box.name, []
        for _ in range(many):
            numbers.append(self.next_number())
            flags.append(self.random.sample(SYSTEM + ["work"], 2)
                         if self.random.random() < 0.5 else [])
            if flags[-1]:
                line += " (%s)" % " ".join(f.capitalize() if f[0] == "\\"
                                           else f for f in flags[-1])
            line += " %s"

        def apply(r):
            if r.kind != "OK":
                raise Wrong("%s: %s %s" % (line, r.kind, r.text))
            if r.code != "APPENDUID" or len(r.code_value[1]) != many:
                a.s.witness.wrong("no APPENDUID of %d" % many, r)
            for number, uid, with_flags in zip(numbers, r.code_value[1],
                                               flags):
                box.add(number, uid, with_flags)
        return line, tuple(text(n) for n in numbers), apply

    def step_copy(self, a, together=False):
        picked = a.pick()
        if picked is None:
            return None
        text_set, uids, by_uid = picked
        move = "MOVE" in a.can and not a.read_only and \
            self.random.random() < 0.5
        target = self.random.choice(self.writable())
        source = a.box
        if move:
            self.goers.append((source, set(uids)))

        def apply(r):
            codes = [u for u in a.s.witness.untagged + [r]
                     if u.code == "COPYUID"]
            there = [u for u in uids if source.find(u) and
                     source.find(u).gone is False]
            if r.kind == "OK" and not codes and (
                    there if not (move or together) else []):
                a.s.witness.wrong("no COPYUID", r)
            if r.kind != "OK" and not codes:
                return
            for u in codes:
                for old, new in zip(*u.code_value[1:]):
                    m = source.find(old)
                    if old not in uids or m is None:
                        a.s.witness.wrong("COPYUID of %d" % old, r)
                    copy = target.add(m.number, new)
                    copy.stored_as = m.stored_as
                    copy.flags = dict(m.flags)
                    copy.unknown = m.unknown
                    if together or source.dirty: # of what others made of it
                        copy.unsure()
                    if move:
                        if old in a.view.seq:
                            a.s.witness.wrong("moved, and still there", r)
                        m.gone = True
        return "%s%s %s %s" % (a.uid(by_uid), "MOVE" if move else "COPY",
                               text_set, target.name), (), apply

    def step_expunge(self, a, together=False):
        if a.read_only:
            return None
        by_uid = self.random.random() < 0.5 and a.view.seq
        a.look()
        uids = None
        line = "EXPUNGE"
        if by_uid:
            uids = set(a.pick()[1])
            line = "UID EXPUNGE " + ",".join(map(str, sorted(uids)))
        seen = list(a.view.seq)
        deleted = [u for u in seen if (uids is None or u in uids) and
                   a.box.find(u) and a.box.find(u).flag("\\deleted")]
        box = a.box
        self.goers.append((box, uids if together or uids is None else {
            u for u in uids if box.find(u) and
            box.find(u).flag("\\deleted") is not False}))

        def apply(r):
            left = [u for u in deleted if u in a.view.seq]
            if r.kind == "OK" and left and not together:
                a.s.witness.wrong("not expunged: %s" % left, r)
            for m in box.live(): # nobody has told this session of them
                if uids is None and m.uid not in seen and \
                        m.flag("\\deleted") is not False:
                    m.gone = MAYBE
        return line, (), apply

    def step_noop(self, a, together=False):
        return self.random.choice(["NOOP", "CHECK"]), (), lambda r: None

    TOGETHER = [step_store, step_store, step_fetch, step_append, step_copy,
                step_expunge, step_noop]

    def run(self, a, made):
        if made is None:
            return
        line, literals, apply = made
        apply(a.s.command(line, *literals))

    def step_together(self, _):
        """All at once, and somebody else besides."""
        made = []
        for a in self.actors:
            if a.box is None:
                continue
            step = self.random.choice(self.TOGETHER)(self, a, True)
            if step is not None:
                made.append((a, step))
        before = {box: len(box.messages) for box in self.writable()}
        begun = [(a, a.s.start(step[0], step[1]), step) for a, step in made]
        # A copy that nobody has told of yet is taken for its original.
        copies = not self.server.careful or any(
            re.search("COPY|MOVE", s[0]) for _, s in made)
        self.random.choice([lambda: None, self.deliver,
                            lambda: self.foreign(copies)])()
        for a, tag, step in begun:
            r = a.s.finish(*tag)
            step[2](r)
        for box, uids in self.goers: # what came in between may have gone, too
            for m in box.messages[before[box]:] if uids is None else []:
                if m.gone is False and m.flag("\\deleted") is not False:
                    m.gone = MAYBE
