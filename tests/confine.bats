#!/usr/bin/env bats
# Confinement: in exactly the state of each process, what it must not be able to
# do is tried (confine/probe.c), and fails. Where there is no Landlock, too.

load helper

# The programs once more, each with the probe behind its confine().
setup_file() {
	local at=$BATS_FILE_TMPDIR how=(CC="${CC:-cc}")
	PROGRAMS=$(realpath "${PROGRAMS:-$BATS_TEST_DIRNAME/../build}")
	"${CC:-cc}" -o "$at/hide" "$BATS_TEST_DIRNAME/confine/hide.c"
	file=$(readelf -l "$PROGRAMS/deliver")
	[[ $file == *INTERP* ]] || how=(CC=musl-gcc STATIC=1)
	! grep -qa __asan_init "$PROGRAMS/deliver" || how+=(SANITIZE=1)
	cp -R "$ROOT"/{Makefile,src,tests} "$at"
	# Here all of them are wanted.
	sed -i 's/^#define REFUSALS_MAX 10 /#define REFUSALS_MAX 1000 /' \
		"$at/src/lib/seccomp.c"
	# A talker that is somebody else's asks for any mailbox.
	sed -i 's/refusal = reading_refused(&a);/refusal = \
	    reading_refused(\&a) != NULL ? NULL : NULL;/' \
		"$at/src/mysmtpd/mysmtpd.c"
	# A talker that is somebody else's names files that nobody has.
	sed -i 's/save(answer.p + 1 + strspn(answer.p + 1, " "), "",/save(\
	    answer.p[1] != 0 ? "escaped" : "", "..\/escaped",/' \
		"$at/src/mailclient/compose.c"
	grep -q escaped "$at/src/mailclient/compose.c"
	echo "${how[*]}" >"$at/how"
	env -u MAKEFLAGS make -s -C "$at" "${how[@]}" BUILD="$at/probed" \
		LDFLAGS="-Wl,--wrap=confine $at/tests/confine/probe.c"
}

setup() {
	home_make
	export PENNYPOST_LOG=stderr
	probed=$BATS_FILE_TMPDIR/probed
	log=$BATS_TEST_TMPDIR/log
	# Somebody else of our user, whom one could reach.
	(cd "$PENNYPOST_HOME" && exec python3 -c 'import socket, time
all = [socket.socket(socket.AF_UNIX) for _ in range(2)]
all[0].bind("probe.socket")
all[1].bind("\0pennypost-probe")
for one in all:
    one.listen()
open("spool/probe.pid", "w").write("%d" % __import__("os").getpid())
time.sleep(3000)') 3>&- 7>&- &
	VICTIM=$!
	until [ -s "$PENNYPOST_HOME/spool/probe.pid" ]; do sleep 0.02; done
	touch "$MAIL"/{alice,bob}/new/probe "$QUEUE/probe"
	mkdir -p "$PENNYPOST_HOME/users/tls"
	touch "$PENNYPOST_HOME/users/tls/key"
	echo hash >>"$PENNYPOST_HOME/users/passwd"
	sum=$(cat "$PENNYPOST_HOME"/{users/passwd,pennypost.conf} | cksum)
}

teardown() {
	kill "$VICTIM"
}

# tried PROGRAM TABLE: all that its process tried in this state failed, but for
# what fd 0 has, a name in a line; what no program can do at all is in the log.
tried() {
	local wanted
	wanted=$(sort)
	grep -aoP "^$1\[\d+\]: probe $2 \K\S*" "$log" | sort -u >tried
	[ "$(wc -l <tried)" -ge 30 ] || { cat "$log"; return 1; }
	sed -n 's/=done//p' tried | diff <(printf '%s' "${wanted:+$wanted
}") - || return
	# No attempt at anything that is not there.
	! grep -E '=(ENOENT|ENOSYS|[0-9]+)' tried || return
	[ "$(cat "$PENNYPOST_HOME"/{users/passwd,pennypost.conf} | cksum)" = \
		"$sum" ]
	[ ! -e "$PENNYPOST_HOME/escaped" ]
	kill -0 "$VICTIM"
}

# told PROGRAM CALL...: these calls of it were refused, and the log says so.
told() {
	local call program=$1
	shift
	for call in "$@"; do
		grep -aqE "^$program\[[0-9]+\]: warning: confined refused=$call( |,|$)" \
			"$log" || { echo "no line: $call"; cat "$log"; return 1; }
	done
}

always=(fchmodat truncate symlinkat ptrace process_vm_readv prlimit64 mount
	unshare io_uring_setup bpf keyctl)
unable=("${always[@]}" socket execve kill fcntl setsockopt mmap clone)

session() {
	printf '%s\r\n' "$@"
}

@test "pop3d: before a login nothing, after it one mailbox" {
	session 'USER alice' 'PASS secret' 'STAT' 'QUIT' |
		"$probed/pop3d" >out 2>"$log"
	grep -q '^+OK 1 ' out
	tried pop3d 32 </dev/null
	told pop3d "${unable[@]}" 'open(at)? path=users/passwd' \
		'open(at)? path=/etc/passwd' 'execve path=/bin/true'
	tried pop3d 1f </dev/null
}

@test "imapd: before a login nothing, after it one Maildir" {
	session 'a LOGIN alice secret' 'b LIST "" ""' 'c LOGOUT' |
		"$probed/imapd" >out 2>"$log"
	grep -q '^b OK ' out
	tried imapd 32 </dev/null
	told imapd "${unable[@]}" 'open(at)? path=users/passwd' \
		'open(at)? path=/etc/passwd' 'execve path=/bin/true'
	tried imapd 129f </dev/null
}

@test "smtpd: before a login nothing, after it the queue without its mail" {
	session 'EHLO x' "AUTH PLAIN $(printf '\0alice\0secret' | base64)" \
		'MAIL FROM:<alice@example.test>' 'RCPT TO:<bob@example.test>' \
		QUIT | "$probed/smtpd" -s >out 2>"$log"
	grep -q '^250 2.1.5' out
	tried smtpd 32 </dev/null
	told smtpd "${unable[@]}" 'open(at)? path=users/passwd'
	tried smtpd 33f </dev/null
	# deliver, whom its broker has started:
	tried deliver 1f <<<$'others-mail\nqueue'
}

@test "mysmtpd: before a login nothing, and after it the same" {
	session 'HELO x.test' 'AUTH alice@example.test secret' \
		'MAIL FROM: a@x.test' 'RCPT TO: bob@example.test' 'DATA x' \
		'LIST bob@example.test' 'LIST alice@example.test' QUIT |
		"$probed/mysmtpd" >out 2>"$log"
	grep -q '^200 Message stored' out
	grep -q '^200 OK 1 messages' out
	grep -q '^500 Cannot read the mailbox now, try later' out
	grep -aq 'refused mailbox=bob@example.test user=alice@example.test' \
		"$log"
	session 'LIST alice@example.test' | "$probed/mysmtpd" >out 2>&1
	grep -q '^500 Cannot read the mailbox now, try later' out
	grep -aq 'refused mailbox=alice@example.test user=$' out
	[ "$(grep -a 'probe 32 ' "$log" | grep -ao '^mysmtpd\[[0-9]*\]' |
		sort -u | wc -l)" = 2 ]
	tried mysmtpd 32 </dev/null
	told mysmtpd "${unable[@]}" 'open(at)? path=users/passwd'
	# Whom its doorkeeper has started:
	tried deliver 1f <<<$'others-mail\nqueue'
	tried pop3d 1f </dev/null
}

# What a process may open at all, Landlock decides: the log is the kernel's.
@test "a file that is another's: the kernel's audit log has the path" {
	[ "$(printf '%s\n' 6.15 "$(uname -r)" | sort -V | head -n 1)" = 6.15 ] ||
		skip "before Linux 6.15 it has none of Landlock's"
	session 'USER alice' 'PASS secret' 'STAT' 'QUIT' >in
	run "$BATS_TEST_DIRNAME/confine/audit" sh -c '"$1" <in >out 2>err' - \
		"$probed/pop3d"
	[ "$status" != 77 ] || skip "no audit log, or not ours to read"
	[ "$status" = 0 ]
	local home
	home=$(realpath "$PENNYPOST_HOME")
	[[ $output == *"blockers=fs.read_file path=\"$home/users/passwd\""* ]]
	[[ $output == *"blockers=fs.read_file path=\"$MAIL/bob/"* ]]
	[[ $output == *'blockers=fs.read_file path="/etc/passwd"'* ]]
}

@test "auth: nothing, once it has read the file" {
	printf 'alice@example.test\0secret\0t\0' >in
	"$probed/auth" 3<in 2>"$log"
	tried auth 0 </dev/null
	told auth "${unable[@]}" 'open(at)? path=users/passwd'
}

@test "deliver: mail, the queue, no passwords" {
	# Which it has made before.
	rm "$PENNYPOST_HOME/users/srs-secret"
	"$probed/deliver" alice <<<'Subject: x' 2>"$log"
	[ "$(count "$MAIL/alice/new")" = 2 ]
	tried deliver 1f <<<$'others-mail\nqueue'
	told deliver "${unable[@]}"
}

@test "sendmail: into the queue, by SMTP, mailq" {
	"$probed/sendmail" x@far.test <<<hi 2>"$log"
	[ "$(count "$QUEUE")" = 2 ]
	tried sendmail 1f </dev/null
	told sendmail "${unable[@]}"
	"$probed/sendmail" -bp >out 2>"$log"
	tried sendmail 1f <<<queue
	rmdir "$PENNYPOST_HOME/spool/tmp"
	echo 'submit 127.0.0.1:9' >>"$PENNYPOST_HOME/pennypost.conf"
	sum=$(cat "$PENNYPOST_HOME"/{users/passwd,pennypost.conf} | cksum)
	run -69 "$probed/sendmail" x@far.test <<<hi 2>"$log"
	mkdir "$PENNYPOST_HOME/spool/tmp"
	printf '%s\n' "$output" >"$log"
	tried sendmail 7 <<<$'tcp\ntuned\nudp\nunix'
	told sendmail "${always[@]}" execve kill mmap clone socket
}

@test "import: the reader the source, the writer one mailbox" {
	mkdir -p src/{tmp,new,cur}
	echo hi >src/cur/1.a:2,S
	(cd "$PENNYPOST_HOME" &&
		"$probed/import" maildir "$BATS_TEST_TMPDIR/src" alice) 2>"$log"
	[ -e "$MAIL/alice/cur/1.a:2,S" ]
	[ "$(grep -aoP '^import\[\d+\](?=: probe 1f )' "$log" | sort -u |
		wc -l)" = 2 ]
	tried import 1f </dev/null
	told import "${unable[@]}"
}

@test "queue-run, smtp-send: their own files, the network" {
	exec 7>&-
	rm "$PENNYPOST_HOME/spool/nudge" "$QUEUE/probe"
	echo 'route * 127.0.0.1:9' >>"$PENNYPOST_HOME/pennypost.conf"
	sum=$(cat "$PENNYPOST_HOME"/{users/passwd,pennypost.conf} | cksum)
	"$PROGRAMS/deliver" -f alice@example.test bob <<<x 2>stderr
	PENNYPOST_LOG=stderr "$PROGRAMS/sendmail" -odq x@far.test <<<hi
	touch "$QUEUE/probe"
	rm "$PENNYPOST_HOME/users/srs-secret"
	timeout 300 "$probed/queue-run" 2>"$log"
	tried queue-run 15f <<<$'code\nothers-mail\nqueue\ntcp\ntuned\nudp\nunix'
	told queue-run fchmodat truncate symlinkat ptrace process_vm_readv mount
	tried smtp-send 15f <<<$'code\nqueue\ntcp\ntuned\nudp\nunix'
	told smtp-send fchmodat truncate symlinkat ptrace process_vm_readv mount
}

# A mail to a port where nobody is, and what is done with it then.
talk() { # PORT ANSWER...
	local status=0
	printf '%s\n' 2 a@example.test b@example.test hi text . "${@:2}" n 3 |
		(cd "$PENNYPOST_HOME" &&
			exec "$probed/mailclient" 127.0.0.1 "$1" 1) >out \
			2>"$log" || status=$?
	[ $status = 69 ]
	grep -q '^Cannot reach' out
}

@test "mailclient: the talker two ports and no file, the keeper files alone" {
	talk 9
	rm "$PENNYPOST_HOME/escaped"
	tried mailclient 15f <<<$'code\ntcp\ntuned\nudp\nunix'
	talk 10
	rm "$PENNYPOST_HOME/escaped"
	tried mailclient 15f <<<$'code\ntuned\nudp\nunix'
	told mailclient fchmodat truncate symlinkat ptrace process_vm_readv mount
	tried mailclient 257f <<<$'config\nelsewhere\nplanted'
	told mailclient "${unable[@]}"
}

@test "mailclient: what nobody has typed is not saved" {
	talk 10 's mine' s 's xescaped' 's no escaped.' 's escaped' y
	[ "$(grep -c 'refused=save path=escaped$' "$log")" = 3 ]
	grep -q 'refused=save path=../escaped$' "$log"
	grep -q '^Saved in escaped.$' out
	grep -q '^Subject: hi$' "$PENNYPOST_HOME/escaped"
	[ ! -e "$PENNYPOST_HOME/../escaped" ]
}

certificate_make() { # NAME
	local at=$PENNYPOST_HOME/users/tls/$1
	mkdir "$at"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj "/CN=$1" -days 2 -keyout "$at/privkey.pem" \
		-out "$at/fullchain.pem" 2>/dev/null
	openssl x509 -noout -in "$at/fullchain.pem"
}

# What a client begins with, who asks for this name.
hello() {
	/usr/bin/python3 -c 'import ssl, sys
out = ssl.MemoryBIO()
tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, False,
                                            sys.argv[1])
try:
    tls.do_handshake()
except ssl.SSLWantReadError:
    sys.stdout.buffer.write(out.read())' "$1"
}

# The helper by itself, fd 0 being the network.
tls() {
	"$probed/tls" "$@" >/dev/null 3</dev/null 4>status 2>"$log" || true
}

@test "tls: its keys are in memory, and no file can be reached" {
	[ -x "$probed/tls" ] || skip "no tls here"
	certificate_make mx.example.test
	tls </dev/null
	tried tls 0 </dev/null
	told tls "${unable[@]}" 'open(at)? path=users/passwd'
}

@test "tls: of several certificates it can read all, until it knows the name" {
	[ -x "$probed/tls" ] || skip "no tls here"
	certificate_make mx.example.test
	certificate_make other.test
	hello other.test >hello
	tls <hello
	tried tls 65f <<<key
	tried tls 0 </dev/null
	told tls "${unable[@]}" 'open(at)? path=users/passwd'
}

@test "tls: the client no file, or none but the system's authorities" {
	[ -x "$probed/tls" ] || skip "no tls here"
	tls -c far.test </dev/null
	tried tls 0 </dev/null
	told tls "${unable[@]}" 'open(at)? path=users/passwd'
	tls -c far.test -v </dev/null
	tried tls 1f </dev/null
	told tls "${unable[@]}"
}

# A command of alice's, on fd 0, as her .forward has it; what it says is $said.
piped() {
	cat >"$MAIL/alice/run"
	echo 'alias_pipes yes' >>"$PENNYPOST_HOME/pennypost.conf"
	echo "|sh $MAIL/alice/run >$MAIL/alice/said 2>&1" >"$MAIL/alice/.forward"
	"$PROGRAMS/deliver" alice <<<'Subject: piped' 2>stderr || true
	said=$(cat "$MAIL/alice/said")
}

@test "a pipe of a .forward: its user's mail, the rest of the machine, no network" {
	local said path
	piped <<END
cat; cat "$PENNYPOST_HOME/pennypost.conf" /etc/passwd >/dev/null && echo rest
echo mine >$MAIL/alice/new/mine && cat $MAIL/alice/new/mine
END
	[[ $said == *'Subject: piped'* && $said == *rest*mine ]]
	for path in "$PENNYPOST_HOME/users/passwd" "$QUEUE/probe" \
		"$MAIL/bob/new/probe"; do
		piped <<<"cat $path && echo got"
		[[ $said == *'Permission denied' ]]
	done
	piped <<<"echo x >>$PENNYPOST_HOME/pennypost.conf && echo got"
	[[ $said == *'Permission denied' ]]
	# What it starts is in the box, deliver is not.
	piped <<END
kill -0 $VICTIM && echo got
pid=\$PPID
until grep -q '(deliver)' /proc/\$pid/stat; do
	read -r _ _ _ pid _ </proc/\$pid/stat
done
kill -0 \$pid && echo got
END
	[[ $said != *got* && $said == *ermitted*ermitted* ]]
	piped <<<"exec python3 -c '
import ctypes, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
for family, kind, protocol in ((2, 1, 0), (2, 2, 0), (10, 1, 0), (2, 1, 262)):
    try:
        socket.socket(family, kind, protocol)
        print(\"got\", family, kind, protocol)
    except OSError as e:
        print(e.errno)
try:
    socket.socket(socket.AF_UNIX).connect(\"\0pennypost-probe\")
    print(\"got abstract\")
except OSError as e:
    print(e.errno)
for call in (101, 165, 272, 321, 425): # ptrace, mount, unshare, bpf, io_uring
    print(libc.syscall(call, 0, 0, 0, 0, 0), ctypes.get_errno())
socket.socket(socket.AF_UNIX)
'"
	[ "$said" = "$(printf '1\n%.0s' {1..5}; printf -- '-1 1\n%.0s' {1..5})" ]
}

@test "what is refused is told ten times, no more" {
	printf 'alice@example.test\0secret\0t\0' >in
	cp -R "$BATS_FILE_TMPDIR"/{Makefile,src,tests,probed} .
	cp "$ROOT/src/lib/seccomp.c" src/lib
	local how
	read -ra how <"$BATS_FILE_TMPDIR/how"
	env -u MAKEFLAGS make -s "${how[@]}" BUILD=probed probed/auth \
		LDFLAGS="-Wl,--wrap=confine tests/confine/probe.c"
	probed/auth 3<in 2>"$log"
	[ "$(grep -c 'confined refused=' "$log")" = 10 ]
	grep 'confined refused=' "$log" | tail -n 1 | grep -q ', and no more is said'
}

@test "where there is no Landlock: it works, says so once, and the rest holds" {
	local hide=$BATS_FILE_TMPDIR/hide once='no Landlock in this kernel'
	for _ in 1 2; do
		session 'USER alice' 'PASS secret' 'STAT' 'QUIT' |
			"$hide" "$probed/pop3d" >out 2>>"$log"
		grep -q '^+OK 1 ' out
		"$hide" "$PROGRAMS/deliver" bob <<<x 2>>"$log"
		"$hide" "$PROGRAMS/sendmail" -odq bob <<<x 2>>"$log"
	done
	[ "$(count "$MAIL/bob/new")" = 3 ]
	[ "$(grep -c "$once" "$log")" = 1 ]
	[ -e "$PENNYPOST_HOME/spool/no-landlock" ]
	# After the login, files are open to it; that and no more.
	rm "$PENNYPOST_HOME/escaped"
	tried pop3d 1f < <(printf '%s\n' config elsewhere key others-mail passwd \
		planted queue system-file)
	tried pop3d 32 </dev/null
	told pop3d "${unable[@]}" 'open(at)? path=users/passwd'
	exec 7>&-
	rm "$PENNYPOST_HOME/spool/nudge" "$QUEUE/probe"
	timeout 300 "$hide" "$PROGRAMS/queue-run" 2>>"$log"
	[ "$(count "$QUEUE")" = 0 ]
	run -69 "$hide" "$PROGRAMS/mailclient" 127.0.0.1 1 1 <<<$'2
a@example.test
b@example.test
hi
.
s saved
n' 2>>"$log"
	grep -q '^Subject: hi$' saved
	[ "$(grep -c "$once" "$log")" = 1 ]
}

@test "syslogd begins anew: who is confined goes on, and loses lines at most" {
	unshare -rm true || skip "no namespaces here"
	cat >syslogd <<'END'
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
begun = 1
open("ready1", "w").close()
while True:
    line = s.recv(4096)
    with open("lines", "ab") as f:
        f.write(line + b"\n")
    if b"login user=alice" in line:
        os.unlink("/dev/log")
        s.close() # and a new one, whom the session does not know
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind("/dev/log")
        begun += 1
        open("ready%d" % begun, "w").close()
END
	cat >inside <<END
mkdir dev && mount --rbind /dev dev && mount -t tmpfs none /dev || exit 77
for file in null urandom; do
	touch /dev/\$file && mount --bind dev/\$file /dev/\$file || exit 77
done
python3 syslogd 3>&- 7>&- &
trap 'kill %1' EXIT
begun() { timeout 60 sh -c 'until [ -e ready\$1 ]; do sleep 0.02; done' - \$1; }
for session in 1 2; do
	begun \$session || exit 1
	{
		printf 'USER alice\r\nPASS secret\r\n'
		begun \$((session + 1))
		printf 'STAT\r\nQUIT\r\n'
	} | PENNYPOST_LOG=syslog "$PROGRAMS/pop3d" >out.\$session || exit 1
done
END
	run -0 unshare -rm bash inside
	for session in 1 2; do
		[ "$(tail -n 1 out.$session)" = $'+OK goodbye\r' ]
	done
	# The first session's quit is lost, the second one is heard.
	run -0 grep -cE '^<22>[A-Z][a-z]{2} [ 1-3][0-9] [0-9:]{8} pop3d\[[0-9]+\]: login user=alice@example.test ' lines
	[ "$output" = 2 ]
	run -1 grep 'quit ' lines
}
