#!/usr/bin/env python3
"""mailbox-sweep.py: changes of a mailbox, killed or failing at every call.

    mailbox-sweep.py DRIVER DIRECTORY kill|fail OPERATION

DRIVER is mailbox.c. For each system call of the operation that touches files:
SIGKILL in its place, or each error that it is known for. Each time: no message
is lost, no UID that was there means another message, what was answered with
`ok` is there, and what was not, is not half there. Exit status 1 tells of a
violation."""

import os
import re
import shutil
import subprocess
import sys

ERRORS = {
    "openat": "EMFILE EACCES", "pread64": "EIO", "getdents64": "EIO",
    "pwrite64": "ENOSPC EDQUOT EIO EINTR", "fsync": "EIO ENOSPC",
    "fdatasync": "EIO ENOSPC", "renameat2": "ENOSPC EIO EINVAL EROFS",
    "renameat": "EIO", "rename": "ENOSPC EIO", "linkat": "EMLINK ENOSPC EPERM",
    "unlinkat": "EIO", "unlink": "EIO", "ftruncate": "EIO", "fcntl": "EIO",
    "write": "ENOSPC EIO", "utimensat": "EPERM", "newfstatat": "EIO",
    "fstat": "EIO", "read": "EIO", "mkdir": "EEXIST", "link": "EIO",
}
CALLS = set(ERRORS) | {"close"}
OPERATIONS = {
    "append": "append a F,work new-1|new-2",
    "store": "store a 1:3 add F",
    "expunge": "expunge a 1:*",
    "copy": "copy a 1:3 b",
    "move": "move a 1:3 b",
    "open": "# both have something new",
    "compact": "load a",
    "takeover": "load a",
}
driver, top, mode, operation = sys.argv[1:]
violations = 0
FIRST = 10 if operation == "takeover" else 0 # what UIDs in a are more


def make():
    """a has 1 to 5, of which 4 and 5 are \\Deleted; b has 1."""
    shutil.rmtree(top, ignore_errors=True)
    for folder in (top, top + "/.B"):
        for name in ("cur", "new", "tmp"):
            os.makedirs(folder + "/" + name)
    for i in range(1, 6):
        put(top + "/cur/170000000%d.a:2,%s" % (i, "ST" if i > 3 else "S"),
            "a-%d\n" % i)
    put(top + "/.B/cur/1700000001.b:2,S", "b-1\n")
    put(top + "/dovecot-keywords", "0 work\n")
    script = "open a %s\nload a\nopen b %s/.B\nload b\n" % (top, top)
    if operation == "compact":
        script += "store a 1:3 add F\nstore a 1:3 remove F\n" * 200
        script += "run kill -9 $PPID\n" # else it is compacted behind it
    run(script, [])
    if operation == "open":
        put(top + "/new/1700000006.new", "new-1\n")
        os.rename(top + "/cur/1700000001.a:2,S", top + "/cur/1700000001.a:2,FS")
        put(top + "/.B/new/1700000006.new", "new-2\n")
    if operation == "takeover":
        os.unlink(top + "/pennypost-uids")
        put(top + "/dovecot-uidlist", "3 V77 N20\n" + "".join(
            "%d :170000000%d.a\n" % (i + FIRST, i) for i in range(1, 6)))


def put(path, text):
    with open(path, "w") as f:
        f.write(text)


def run(script, strace):
    return subprocess.run(strace + [driver, top], input=script, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          timeout=300)


def script():
    return "open a %s\nload a\nopen b %s/.B\n%s\n" % (
        top, top, OPERATIONS[operation])


def mailboxes():
    """What a new session sees: {folder: {uid: (flags, text)}}."""
    out = run("open a %s\nload a\nlist a\nrun echo =\nopen b %s/.B\nload b\n"
              "list b\n" % (top, top), []).stdout
    found = {}
    for folder, part in zip("ab", out.split("=\n")):
        found[folder] = {}
        for uid, flags, name in re.findall(r"^(\d+) \[(\w*)\] (\S+)$", part,
                                           re.M):
            path = (top if folder == "a" else top + "/.B") + "/cur/" + name
            assert int(uid) not in found[folder], "twice: " + uid
            found[folder][int(uid)] = (flags, open(path).read().strip())
        assert part.startswith("ok\nok\n"), "it does not open: " + part
    return found


def counts(found):
    texts = {}
    for folder in found.values():
        for _, text in folder.values():
            texts[text] = texts.get(text, 0) + 1
    return texts


def check(out, done):
    """done: it says so, or was not stopped."""
    found = mailboxes()
    again = mailboxes()
    assert found == again, "another look is another answer"
    old = {"a": {i + FIRST: "a-%d" % i for i in range(1, 6)},
           "b": {1: "b-1"}}
    if operation == "takeover":
        assert sorted(found["a"]) == sorted(old["a"]), found
    for folder in "ab":
        for uid, (_, text) in found[folder].items():
            if uid in old[folder]:
                assert text == old[folder][uid], "UID %d of %s means %s" % (
                    uid, folder, text)
    texts = counts(found)
    for i in range(1, 6):
        if operation != "expunge" or i < 4:
            assert texts.get("a-%d" % i, 0) > 0, "a-%d is lost" % i
    assert texts.get("b-1") == 1
    assert max(texts.values()) <= (2 if operation == "copy" else 1), texts
    for pair in re.findall(r"(\d+)>(\d+)", out):
        there = found["b"].get(int(pair[1]))
        assert there and there[1] == "a-" + pair[0], "UIDs %s>%s" % pair
    m = re.search(r"^(\d+) (\d+) ok$", out, re.M)
    if m:
        for i, uid in enumerate(m.groups()):
            assert found["a"].get(int(uid)) == ("Fa", "new-%d" % (i + 1)), out
    if not done:
        return found
    last = out.rstrip("\n").split("\n")[-1]
    # A move that has named what it moved has moved it, whatever else failed.
    ok = last.endswith("ok") or operation == "move" and ">" in last
    if operation == "append":
        assert texts.get("new-1", 0) == texts.get("new-2", 0) == ok, texts
    elif operation == "store" and ok:
        assert all("F" in found["a"][i][0] for i in (1, 2, 3)), found
    elif operation == "expunge" and ok:
        assert sorted(found["a"]) == [1, 2, 3], found
    elif operation in ("copy", "move"):
        copies = [t for _, t in found["b"].values() if t != "b-1"]
        assert sorted(copies) == (["a-1", "a-2", "a-3"] if ok else []), copies
        assert (1 in found["a"]) == (operation == "copy" or not ok), found
    elif operation == "open":
        assert ok or texts.get("new-2", 0) == 1
    return found


def attempt(what, strace, done):
    global violations
    make()
    r = run(script(), strace)
    try:
        check(r.stdout, done and r.returncode == 0)
        left = [f for f in os.listdir(top + "/tmp")]
        assert not (done and left), "left in tmp: %s" % left
    except Exception as e:  # of whatever kind: it is told, and the next comes
        violations += 1
        print("%s: %s: %s" % (operation, what, e))
        print("    " + r.stdout.replace("\n", "\n    "))


make()
trace = top + ".trace"
run(script(), ["strace", "-qq", "-o", trace])
check("", False)
seen, points = {}, []
mine = False
with open(trace) as f:
    for line in f:
        name = line.split("(")[0]
        seen[name] = seen.get(name, 0) + 1
        mine = mine or "pennypost.lock" in line
        if mine and name in CALLS:
            points.append((name, seen[name]))
n = 0
for name, k in points:
    faults = ["signal=KILL"] if mode == "kill" else \
        ["error=" + e for e in ERRORS.get(name, "").split()]
    for fault in faults:
        n += 1
        attempt("%s %d %s" % (name, k, fault),
                ["strace", "-qq", "-o", "/dev/null", "-e",
                 "inject=%s:%s:when=%d" % (name, fault, k)],
                mode == "fail")
print("%s: %d times %s, %d violations" % (operation, n, mode, violations))
sys.exit(violations > 0)
