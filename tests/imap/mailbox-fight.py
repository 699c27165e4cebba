#!/usr/bin/env python3
"""mailbox-fight.py: sessions and strangers in one mailbox.

    mailbox-fight.py DRIVER DIRECTORY SEED ROUNDS

Three sessions (mailbox.c), a delivery agent, and somebody who renames and
removes files as mutt does, at the same time, at random. In every session a UID
always means the same file and comes back never; in the end all see the same,
and it is what is in the directory. Exit status 1 tells of a violation."""

import os
import random
import re
import shutil
import subprocess
import sys
import threading

driver, top, seed, rounds = sys.argv[1:]
shutil.rmtree(top, ignore_errors=True)
for name in ("cur", "new", "tmp", ".B/cur", ".B/new", ".B/tmp"):
    os.makedirs(top + "/" + name)
LINE = re.compile(r"^(\d+) \[(\w*)\] (\S*)(.*)$")
meanings = {"a": {}, "b": {}}  # UID: unique part
faults = []
lock = threading.Lock()
busy = True


class Session:
    def __init__(self, n):
        self.random = random.Random("%s %d" % (seed, n))
        self.n = n
        self.process = subprocess.Popen(
            [driver, top], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1)
        self.gone = {"a": set(), "b": set()}
        for command in ("open a " + top, "load a", "open b %s/.B" % top,
                        "load b"):
            self.say(command)

    def say(self, command):
        self.process.stdin.write(command + "\nrun echo =\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line == "=\n":
                return lines
            lines.append(line.rstrip("\n"))
        raise EOFError("%s: died at %s" % (self.n, command))

    def look(self, folder):
        """{uid: (flags, name)} of those that are there."""
        found, last = {}, 0
        for line in self.say("list " + folder):
            m = LINE.match(line)
            uid, unique = int(m[1]), m[3].split(":")[0]
            if uid <= last:
                faults.append("%d: UID %d behind %d" % (self.n, uid, last))
            last = uid
            if "expunged" in m[4]:
                self.gone[folder].add(uid)
                continue
            if uid in self.gone[folder]:
                faults.append("%d: UID %d comes back" % (self.n, uid))
            with lock:
                old = meanings[folder].setdefault(uid, unique)
            if old != unique:
                faults.append("UID %d of %s: %s, %s" % (uid, folder, old,
                                                        unique))
            found[uid] = (m[2], m[3])
        self.say("tell " + folder)
        return found

    def step(self):
        r = self.random
        f, g = r.sample("ab", 2)
        some = "%d:%d" % (r.randint(1, 40), r.randint(30, 200))
        command = r.choice([
            "append %s %s text|more" % (f, r.choice(["S", "-", "F,work"])),
            "store %s %s add %s" % (f, some, r.choice("STFab")),
            "store %s %s remove %s" % (f, some, r.choice("STFab")),
            "store %s %s set %s" % (f, some, r.choice(["S", "FS", "-"])),
            "expunge %s %s" % (f, some), "copy %s %s %s" % (f, some, g),
            "move %s %s %s" % (f, some, r.choice([f, g])),
            "sync " + f, "sync " + g, "claim " + f,
            "show %s %d" % (f, r.randint(1, 100))])
        said = self.say(command)
        if said and said[-1] in ("failed", "full", "none", "in use") or \
                not command.startswith("claim") and not said:
            faults.append("%d: %s: %s" % (self.n, command, said))
        with lock:
            for pair in re.findall(r"(\d+)>(\d+)", " ".join(said)):
                if command.startswith("copy") and int(pair[1]) in \
                        self.gone[command[-1]]:
                    faults.append("copied to a UID that has gone")
        self.look(f)
        self.look(g)
        # Not more than a few hundred, or all is copying
        if len(os.listdir(top + "/cur")) > 150:
            self.say("store a 1:* add T")
            self.say("expunge a 1:*")
        if len(os.listdir(top + "/.B/cur")) > 150:
            self.say("store b 1:* add T")
            self.say("expunge b 1:*")


def run(session):
    try:
        for _ in range(int(rounds)):
            session.step()
    except Exception as e:
        faults.append("%d: %r" % (session.n, e))


def deliver():
    n = 0
    while busy:
        n += 1
        folder = ("", "/.B")[n % 2]
        name = "/17000%05d.d%d" % (n, n)
        with open(top + folder + "/tmp" + name, "w") as f:
            f.write("delivered %d\n" % n)
        os.rename(top + folder + "/tmp" + name, top + folder + "/new" + name)
        threading.Event().wait(0.02)


def strange():
    r = random.Random(seed + "strange")
    while busy:
        cur = top + r.choice(["/cur", "/.B/cur"])
        names = os.listdir(cur)
        if names:
            name = cur + "/" + r.choice(names)
            try:
                if r.random() < 0.2:
                    os.unlink(name)
                else:
                    os.rename(name, name.split(":")[0] + ":2," +
                              r.choice(["", "S", "FS", "RST"]))
            except FileNotFoundError:
                pass
        threading.Event().wait(0.01)


sessions = [Session(i) for i in range(3)]
others = [threading.Thread(target=t) for t in (deliver, strange)]
threads = [threading.Thread(target=run, args=(s,)) for s in sessions]
for t in others + threads:
    t.start()
for t in threads:
    t.join()
busy = False
for t in others:
    t.join()
threading.Event().wait(1.3)  # what an equal mtime may hide, for a moment
ends = []
for s in sessions * 2:
    for folder in "ab":
        s.say("sync " + folder)
        s.look(folder)
for s in sessions:
    ends.append([s.look(f) for f in "ab"])
    for f in "ab":
        state = s.say("state " + f)[0].split()
        found = ends[-1]["ab".index(f)]
        counts = [len(found), sum("S" not in v[0] for v in found.values()),
                  sum("T" in v[0] for v in found.values())]
        if [int(state[i]) for i in (7, 9, 11)] != counts:
            faults.append("%s: %s, but %s" % (f, state, counts))
for i, folder in enumerate(("", "/.B")):
    names = sorted(os.listdir(top + folder + "/cur"))
    if any(sorted(v[1] for v in e[i].values()) != names for e in ends):
        faults.append("%s/cur is not what the sessions see" % folder)
    if os.listdir(top + folder + "/new"):
        faults.append("something is left in new")
for s in sessions:
    s.process.stdin.close()
    if s.process.wait() != 0:
        faults.append("%d: status %d" % (s.n, s.process.returncode))
for fault in faults[:20]:
    print(fault)
print("fight: %d UIDs, %d violations" % (sum(map(len, meanings.values())),
                                         len(faults)))
sys.exit(len(faults) > 0)
