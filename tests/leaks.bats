#!/usr/bin/env bats
# What one process has of another's: descriptors, environment, limits, memory.
# Nothing, but for what their contract says.

load helper

setup_file() {
	"$ROOT/scripts/need" openssl=openssl
}

setup() {
	home_make
	SPIES=$BATS_TEST_TMPDIR/programs
	mkdir "$SPIES" told
	cp "$PROGRAMS"/{smtpd,pop3d,listen} "$SPIES"
	echo 'relay_from 192.0.2.1' >>"$PENNYPOST_HOME/pennypost.conf"
	# Of the password "pencil": RFC 7677 3.
	sed -i '1s/:.*/:{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,'\
'WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,'\
'wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=:/' \
		"$PENNYPOST_HOME/users/passwd"
	export PENNYPOST_LOG=stderr
}

# NAME of SPIES tells what it was given, and becomes the program.
spy() { # NAME...
	local name
	for name; do
		sed -e "s,PROGRAMS,$PROGRAMS," -e "s,TOLD,$PWD/told," \
			>"$SPIES/$name" <<'PY'
#!/usr/bin/python3 -IS
import os, re, resource, socket, sys

name = os.path.basename(sys.argv[0])


def kind(fd):
    what = os.readlink("/proc/self/fd/%d" % fd)
    if not what.startswith("socket:"):
        return re.sub(r":\[\d+\]", "", what)
    s = socket.socket(fileno=os.dup(fd))
    return "%s %s" % (s.family.name, s.type.name)


fds = []
for fd in sorted(map(int, os.listdir("/proc/self/fd"))):
    try:
        fds.append((fd, kind(fd)))
    except OSError:
        pass # that of the listing
with open("TOLD/new.%d" % os.getpid(), "w") as f:
    print("argv", *sys.argv[1:], file=f)
    for fd, what in fds:
        if fd != 2: # the log
            print(fd, what, file=f)
    for key, value in sorted(os.environ.items()):
        if key != "LC_CTYPE": # python's own
            print("%s=%s" % (key, value), file=f)
    print("core", *resource.getrlimit(resource.RLIMIT_CORE), file=f)
os.rename(f.name, "TOLD/" + name)
if os.path.exists("PROGRAMS/" + name):
    os.execv("PROGRAMS/" + name, sys.argv)
PY
		chmod +x "$SPIES/$name"
	done
}

# What they all have; before it, the arguments and descriptors of each.
assert_told() { # NAME LINE...
	printf '%s\n' "${@:2}" PATH=/usr/local/bin:/usr/bin:/bin \
		"PENNYPOST_HOME=$PENNYPOST_HOME" PENNYPOST_LOG=stderr \
		'core 0 0' | diff - "told/$1"
}

certificate_make() {
	PENNYPOST_PROGRAMS=$PROGRAMS "$ROOT/scripts/pennypost" tls self-signed \
		mx.example.test >/dev/null
}

# The root of a user namespace looks into what was started there, and no one
# else: an ordinary user needs one to see the descriptors of a process that does
# not show them.
in_namespace() { # COMMAND
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		unshare -Ur "$@"
	fi
}

# A session by TCP, seen from the client. ask() says a line, and returns the
# last of the reply; soon() waits for what processes() finds: name, what is open.
client() { # PROGRAM... ; the script on stdin
	cat >body.py
	cat - body.py >client.py <<'PY'
import base64, os, re, socket, ssl, subprocess, sys, time

listener = socket.create_server(("127.0.0.1", 0))
sock = socket.create_connection(listener.getsockname())
theirs, _ = listener.accept()
listener.close()
server = subprocess.Popen(sys.argv[1:], stdin=theirs, stdout=theirs)
theirs.close()
sock.settimeout(60)


def line():
    text = b""
    while not text.endswith(b"\n"):
        c = sock.recv(1)
        if not c:
            return ""
        text += c
    return text.decode().rstrip()


def reply():
    text = line()
    while re.match(r"\d\d\d-", text):
        text = line()
    return text


def ask(text, expected):
    sock.sendall(text.encode() + b"\r\n")
    got = reply()
    assert got.startswith(expected), (text, got)
    return got


def tls():
    global sock
    context = ssl._create_unverified_context()
    sock = context.wrap_socket(sock)


# Anyone may end while we look.
def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return [int(p) for p in f.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def tree(pid):
    return [pid] + [p for child in children(pid) for p in tree(child)]


def name(pid):
    try:
        with open("/proc/%d/comm" % pid) as f:
            return f.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return "gone"


def sockets(pid):
    kinds = {}
    for row in open("/proc/%d/net/tcp" % pid).read().splitlines()[1:]:
        kinds[row.split()[9]] = "TCP"
    for row in open("/proc/%d/net/unix" % pid).read().splitlines()[1:]:
        word = row.split()
        kinds[word[6]] = {"0001": "STREAM", "0002": "DGRAM",
                          "0005": "SEQPACKET"}[word[4]]
    return kinds


def opened(pid):
    try:
        kinds, found = sockets(pid), []
        links = [(fd, os.readlink("/proc/%d/fd/%d" % (pid, fd))) for fd in
                 sorted(map(int, os.listdir("/proc/%d/fd" % pid)))]
    except OSError:
        return []
    for fd, what in links:
        number = re.search(r"socket:\[(\d+)\]", what)
        what = kinds.get(number[1], "gone") if number else \
            re.sub(r":\[\d+\]", "", what.split("/")[-1])
        if fd != 2: # the log
            found.append(what)
    return found


def soon(these, found):
    """What found() finds becomes these: who ends or begins takes a moment."""
    due = time.monotonic() + 60
    while (got := found()) != these:
        assert time.monotonic() < due, got
        time.sleep(0.05)


def processes():
    return [(name(p), *opened(p)) for p in tree(server.pid)]


def status(pid, key):
    text = open("/proc/%d/status" % pid).read()
    return re.search(r"(?m)^%s:\s*(.*)$" % key, text)[1]


def end():
    sock.close()
    assert server.wait(60) == 0
    print("all is well")


def plain(user, password):
    text = "\0%s\0%s" % (user, password)
    return base64.b64encode(text.encode()).decode()


PY
	run in_namespace /usr/bin/python3 client.py "$@"
	[[ $status = 0 && $output == *"all is well"* ]] || {
		echo "$output"
		return 1
	}
}

@test "deliver: its own socket and the nudges, and nothing of the client" {
	spy deliver
	client "$SPIES/smtpd" <<'PY'
assert reply().startswith("220")
ask("EHLO x", "250")
ask("MAIL FROM:<a@b.test>", "250")
ask("RCPT TO:<alice@example.test>", "250")
end()
PY
	assert_told deliver 'argv -n' '0 AF_UNIX SOCK_STREAM' \
		'1 AF_UNIX SOCK_STREAM' '3 pipe'
}

@test "auth: the question, and no network" {
	spy auth
	client "$SPIES/smtpd" -s <<'PY'
assert reply().startswith("220")
ask("EHLO x", "250")
ask("AUTH PLAIN " + plain("alice", "pencil"), "235")
end()
PY
	assert_told auth argv '0 /dev/null' '1 /dev/null' '3 pipe'
	client "$SPIES/pop3d" <<'PY'
assert reply().startswith("+OK")
ask("USER alice", "+OK")
ask("PASS pencil", "+OK")
end()
PY
	assert_told auth argv '0 /dev/null' '1 /dev/null' '3 pipe'
	client "$SPIES/pop3d" <<'PY'
assert reply().startswith("+OK")
ask("AUTH SCRAM-SHA-256 " + base64.b64encode(b"n,,n=alice,r=x").decode(), "+ ")
end()
PY
	assert_told auth 'argv -S' '0 /dev/null' '1 /dev/null' \
		'3 AF_UNIX SOCK_SEQPACKET'
}

@test "auth: no network in place of what it cannot have" {
	printf '#!/bin/sh\necho leaked\n' >talks
	chmod +x talks
	echo "auth $PWD/talks" >>"$PENNYPOST_HOME/pennypost.conf"
	printf 'USER alice\r\nPASS secret\r\nQUIT\r\n' >in
	run "$PROGRAMS/pop3d" <in
	[[ $output == *'+OK 0 messages'* && $output != *leaked* ]]
	# No descriptor from 10 on, by way of which they get their places.
	run bash -c 'ulimit -n 10; exec "$1" 3>&- 4>&- 7>&-' - \
		"$PROGRAMS/pop3d" <in
	[[ $output == *'auth failed status=71'* && $output == *'SYS/TEMP'* ]]
	command -v strace >/dev/null || skip 'no strace'
	nm "$PROGRAMS/pop3d" 2>/dev/null | grep -q asan && skip 'it has its own'
	run strace -qq -o trace -P /dev/null \
		-e inject='/^open(at)?$:error=ENFILE' "$PROGRAMS/pop3d" <in
	grep -q INJECTED trace
	[[ $output == *'SYS/TEMP'* && $output != *leaked* ]]
}

@test "tls: the network, its pair and its pipe, and no door" {
	[ -e "$PROGRAMS/tls" ] || skip "tls is not built"
	certificate_make
	spy tls
	client "$SPIES/smtpd" <<'PY'
assert reply().startswith("220")
ask("EHLO x", "250")
ask("STARTTLS", "220")
tls()
ask("EHLO x", "250")
end()
PY
	assert_told tls argv '0 AF_INET SOCK_STREAM' '1 AF_INET SOCK_STREAM' \
		'3 AF_UNIX SOCK_STREAM' '4 pipe'
	client "$SPIES/pop3d" -T <<'PY'
tls()
assert reply().startswith("+OK")
end()
PY
	assert_told tls 'argv -a pop3' '0 AF_INET SOCK_STREAM' \
		'1 AF_INET SOCK_STREAM' '3 AF_UNIX SOCK_STREAM' '4 pipe'
}

@test "queue-run: nothing at all" {
	spy queue-run
	sed -i '/^if os.path/,$d' "$SPIES/queue-run" # it goes no further
	exec 7>&-
	cp "$PROGRAMS"/{auth,deliver} "$SPIES"
	client "$SPIES/smtpd" -s <<'PY'
assert reply().startswith("220")
ask("EHLO x", "250")
ask("AUTH PLAIN " + plain("alice", "pencil"), "235")
ask("MAIL FROM:<alice@example.test>", "250")
ask("RCPT TO:<you@far.test>", "250")
ask("DATA", "354")
ask("Subject: x\r\n\r\nx\r\n.", "250")
end()
PY
	for _ in $(seq 300); do
		[ ! -e told/queue-run ] || break
		sleep 0.1
	done
	assert_told queue-run "argv $(ls "$QUEUE")" '0 /dev/null' '1 /dev/null'
}

@test "while a session lasts: who has what open" {
	[ -e "$PROGRAMS/tls" ] || skip "tls is not built"
	in_namespace true || skip "no user namespaces here"
	certificate_make
	client "$PROGRAMS/smtpd" -s <<'PY'
assert reply().startswith("220")
ask("EHLO x", "250")
soon([
    ("smtpd", "TCP", "TCP", "SEQPACKET"), # the doorkeeper
    ("smtpd", "TCP", "TCP", "SEQPACKET"), # the talker
], processes)
ask("STARTTLS", "220")
tls()
ask("EHLO x", "250")
TLS = ("tls", "TCP", "TCP", "STREAM")
soon([
    ("smtpd", "STREAM", "STREAM", "SEQPACKET"),
    ("smtpd", "STREAM", "STREAM", "SEQPACKET"),
    TLS,
], processes)
ask("AUTH PLAIN " + plain("alice", "pencil"), "235")
ask("MAIL FROM:<alice@example.test>", "250")
ask("RCPT TO:<bob@example.test>", "250")
soon([
    ("smtpd", "STREAM", "STREAM", "SEQPACKET", "pipe"),
    TLS,
    ("smtpd", "STREAM", "STREAM", "STREAM", "SEQPACKET"),
    ("deliver", "STREAM", "STREAM", "pipe"),
], lambda: [p[:4] if p[0] == "deliver" else p for p in processes()])
deliver = processes().pop()
assert not {"TCP", "SEQPACKET"} & set(deliver), deliver
end()
PY
	client "$PROGRAMS/pop3d" -T <<'PY'
tls()
assert reply().startswith("+OK")
TLS = ("tls", "TCP", "TCP", "STREAM")
soon([
    ("pop3d", "STREAM", "STREAM", "SEQPACKET"),
    TLS,
    ("pop3d", "STREAM", "STREAM", "SEQPACKET"),
], processes)
ask("USER alice", "+OK")
ask("PASS pencil", "+OK")
soon([
    ("pop3d", "STREAM", "STREAM", "pop3.lock"), # the session
    TLS,
], processes)
end()
PY
}

@test "who has seen a password shows no memory, and leaves no core" {
	[ ! -e "$PROGRAMS/tls" ] || certificate_make
	# Who has capabilities may look, and nobody at who has more of them.
	local drop=(setpriv --bounding-set=-all --inh-caps=-all)
	in_namespace "${drop[@]}" true ||
		skip "no capability can be dropped here"
	cat >look.py <<'PY'
# By the same user, who may do no more than that.
import sys
for pid in sys.argv[1:]:
    for file in "mem", "environ", "maps", "fd/0":
        try:
            open("/proc/%s/%s" % (pid, file), "rb").read(1)
            print(pid, file, "can be read")
        except PermissionError:
            pass
PY
	client "${drop[@]}" "$PROGRAMS/smtpd" -s <<'PY'
def closed(names):
    pids = []
    while pids != tree(server.pid): # it ended while we looked: once more
        soon(sorted(names), lambda: sorted(map(name, tree(server.pid))))
        pids = tree(server.pid)
        said = subprocess.run(sys.argv[1:4] + [sys.executable, "look.py"] +
                              [str(p) for p in pids],
                              capture_output=True, text=True)
    assert said.stdout + said.stderr == "", said
    for pid in pids:
        limit = re.search(r"(?m)^Max core file size\s+(\S+)\s+(\S+)",
                          open("/proc/%d/limits" % pid).read())
        assert limit[1] == limit[2] == "0", pid


assert reply().startswith("220")
got = ask("EHLO x", "250")
helpers = []
if os.path.exists(os.environ["PENNYPOST_HOME"] + "/users/tls"):
    ask("STARTTLS", "220")
    tls()
    ask("EHLO x", "250")
    helpers = ["tls"]
closed(["smtpd", "smtpd"] + helpers)
ask("AUTH SCRAM-SHA-256 " + base64.b64encode(b"n,,n=alice,r=x").decode(),
    "334 ")
closed(["smtpd", "smtpd", "auth"] + helpers)
ask("*", "501")
ask("AUTH PLAIN " + plain("alice", "pencil"), "235")
closed(["smtpd", "smtpd"] + helpers)
end()
PY
	sed -n '/^def closed/,/^$/p' body.py >closed.py
	cat closed.py - >pop3.py <<'PY'
assert reply().startswith("+OK")
ask("USER alice", "+OK")
ask("PASS pencil", "+OK")
closed(["pop3d"])
end()
PY
	client "${drop[@]}" "$PROGRAMS/pop3d" <pop3.py
}

@test "no password in an argument, the environment, or the log" {
	spy auth deliver tls
	[ ! -e "$PROGRAMS/tls" ] || certificate_make
	client "$SPIES/smtpd" -s <<'PY'
assert reply().startswith("220")
ask("EHLO x", "250")
ask("AUTH PLAIN " + plain("alice", "pencil-wrong"), "535")
ask("AUTH PLAIN " + plain("alice", "pencil"), "235")
for pid in tree(server.pid):
    for file in "cmdline", "environ":
        try:
            text = open("/proc/%d/%s" % (pid, file), "rb").read()
        except OSError: # it shows nothing, or has ended
            continue
        assert b"pencil" not in text and b"cGVuY2ls" not in text
end()
PY
	[ -e told/auth ]
	[[ $output == *"login refused user=alice@"* ]]
	[[ $output != *pencil* && $output != *cGVuY2ls* ]]
	run -1 grep -r pencil told
	run -1 grep -r pencil "$PENNYPOST_HOME/spool"
}
