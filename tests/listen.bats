#!/usr/bin/env bats
# listen alone: its own address, a given socket, limits, handlers.

load helper
load launch/lib

setup() {
	listen=$PROGRAMS/listen
	port=$(free_port)
	refusal=$'421 4.3.2 Too many connections, try later\r'
}

# Opens fd $1, sends a line, reads it back: cat serves it.
talk() { # FD PORT
	eval "exec $1<>/dev/tcp/127.0.0.1/$2"
	echoes "$1"
}

echoes() { # FD
	local got
	echo "to $1" >&"$1"
	IFS= read -r -t 20 -u "$1" got
	[ "$got" = "to $1" ]
}

children_are() { [ "$(children "$1" | wc -w)" = "$2" ]; }

@test "a connection is fd 0 and 1 of a program" {
	background "$listen" 127.0.0.1:"$port" /bin/cat
	listening "$port"
	[ "$(seq 50000 | tcp "$port" | cksum)" = "$(seq 50000 | cksum)" ]
}

@test "IPv6, and all addresses" {
	grep -qs 00000000000000000000000000000001 /proc/net/if_inet6 ||
		skip "no IPv6 here"
	background "$listen" "[::1]:$port" /bin/echo six
	listening "$port"
	exec 5<>"/dev/tcp/::1/$port"
	[ "$(cat <&5)" = six ]
	exec 5<&-
	not tcp "$port" </dev/null 2>/dev/null
	stop "$PID"
	background "$listen" ":$port" /bin/echo all
	listening "$port"
	[ "$(tcp "$port" </dev/null)" = all ]
	exec 5<>"/dev/tcp/::1/$port"
	[ "$(cat <&5)" = all ]
	exec 5<&-
}

@test "-c: no more handlers than that, and who is refused is told" {
	background "$listen" -c 2 127.0.0.1:"$port" /bin/cat
	listening "$port"
	talk 5 "$port"
	talk 6 "$port"
	[ "$(tcp "$port" </dev/null)" = "$refusal" ]
	echoes 5 # they know nothing of it
	exec 6<&-
	soon children_are "$PID" 1
	talk 6 "$port"
	[ "$(tcp "$port" </dev/null)" = "$refusal" ]
	exec 5<&- 6<&-
	grep -q 'why=max source=::ffff:127.0.0.1' "$BATS_TEST_TMPDIR/stderr"
}

@test "-s: no more for one address, others do not notice" {
	background "$listen" -s 1 -r "-ERR busy" 127.0.0.1:"$port" /bin/cat
	listening "$port"
	talk 5 "$port"
	[ "$(tcp "$port" </dev/null)" = $'-ERR busy\r' ]
	[ "$(echo other | tcp "$port" 127.0.0.2)" = other ]
	echoes 5
	exec 5<&-
	grep -q 'why=per-source' "$BATS_TEST_TMPDIR/stderr"
}

@test "-r: a file has the line; one that cannot be read is an error" {
	printf '* BYE [UNAVAILABLE] busy\r\n* no more\r\n' \
		>"$BATS_TEST_TMPDIR/refusal"
	background "$listen" -s 1 -r "$BATS_TEST_TMPDIR/refusal" \
		127.0.0.1:"$port" /bin/cat
	listening "$port"
	talk 5 "$port"
	[ "$(tcp "$port" </dev/null)" = $'* BYE [UNAVAILABLE] busy\r' ]
	exec 5<&-
	run -66 "$listen" -r /nonexistent/refusal 127.0.0.1:"$port" /bin/cat
	[[ $output == *'/nonexistent/refusal: cannot be read' ]]
}

@test "-T: who is refused is told by an alert of TLS" {
	background "$listen" -s 1 -T 127.0.0.1:"$port" /bin/cat
	listening "$port"
	talk 5 "$port"
	run timeout 60 openssl s_client -connect "127.0.0.1:$port" </dev/null
	[[ $output == *'alert internal error'* ]]
	[ "$(tcp "$port" </dev/null | od -An -tx1)" = ' 15 03 03 00 02 02 50' ]
	exec 5<&-
	grep -q 'why=per-source' "$BATS_TEST_TMPDIR/stderr"
}

@test "a client that spoke first can read the refusal: no reset" {
	background "$listen" -c 1 127.0.0.1:"$port" /bin/cat
	listening "$port"
	talk 5 "$port"
	kill -STOP "$PID"
	exec 6<>"/dev/tcp/127.0.0.1/$port"
	seq 10000 >&6
	kill -CONT "$PID"
	cat <&6 >"$BATS_TEST_TMPDIR/got" # it would fail
	exec 5<&- 6<&-
	[ "$(cat "$BATS_TEST_TMPDIR/got")" = "$refusal" ]
}

@test "under load, too, only handlers that run are counted" {
	background "$listen" -c 20 -s 20 127.0.0.1:"$port" /bin/echo hi
	listening "$port"
	# Six clients cannot have twenty connections.
	python3 - "$port" <<'END'
import socket, sys, threading
got = set()
def client():
    for i in range(150):
        with socket.create_connection(("127.0.0.1", sys.argv[1]), 20) as s:
            got.add(s.makefile("rb").read())
threads = [threading.Thread(target=client) for i in range(6)]
[t.start() for t in threads]
[t.join() for t in threads]
sys.exit(got != {b"hi\n"} and str(got))
END
	soon children_are "$PID" 0 # no zombie either
}

@test "nothing but fd 0, 1 and 2 reaches a handler" {
	background env LISTEN_FDS=2 LISTEN_PID=1 LISTEN_FDNAMES=x KEPT=yes \
		"$listen" 127.0.0.1:"$port" /bin/sh -c \
		'ls -l /proc/self/fd; env; grep Sig /proc/self/status' \
		5</etc/passwd 6</etc/passwd 77</etc/passwd
	listening "$port"
	tcp "$port" </dev/null >"$BATS_TEST_TMPDIR/got"
	cat "$BATS_TEST_TMPDIR/got"
	# 3 is ls's own.
	[ "$(awk '/ -> /{print $9}' "$BATS_TEST_TMPDIR/got" | xargs)" = \
		'0 1 2 3' ]
	[ "$(grep -c 'socket:' "$BATS_TEST_TMPDIR/got")" = 2 ]
	grep -q '3 -> /proc/' "$BATS_TEST_TMPDIR/got"
	not grep -q ^LISTEN "$BATS_TEST_TMPDIR/got"
	grep -qx KEPT=yes "$BATS_TEST_TMPDIR/got"
	grep -q 'SigBlk:.0000000000000000' "$BATS_TEST_TMPDIR/got"
}

@test "SIGTERM: no new connections, but handlers finish" {
	background "$listen" 127.0.0.1:"$port" /bin/cat
	listening "$port"
	talk 5 "$port"
	kill -TERM "$PID"
	ends_with 0 "$PID"
	not tcp "$port" </dev/null 2>/dev/null
	echoes 5
	exec 5<&-
}

@test "no more descriptors for a moment: it goes on" {
	export ASAN_OPTIONS=detect_leaks=0 # it cannot work under strace
	background strace -qq -o /dev/null \
		-e inject=accept4:error=EMFILE:when=1 \
		"$listen" 127.0.0.1:"$port" /bin/echo hi
	listening "$port"
	[ "$(tcp "$port" </dev/null)" = hi ]
	grep -q 'accept: ' "$BATS_TEST_TMPDIR/stderr"
	kill $(children "$PID") # strace ends with it
}

@test "no process for a handler: the peer is told" {
	export ASAN_OPTIONS=detect_leaks=0
	background strace -qq -o /dev/null \
		-e 'inject=?vfork,clone:error=EAGAIN:when=1' \
		"$listen" 127.0.0.1:"$port" /bin/echo hi
	listening "$port"
	[ "$(tcp "$port" </dev/null)" = "$refusal" ]
	[ "$(tcp "$port" </dev/null)" = hi ]
	kill $(children "$PID")
}

@test "the program goes away and comes back: the peer is told" {
	local program=$BATS_TEST_TMPDIR/program
	cp /bin/echo "$program"
	background "$listen" 127.0.0.1:"$port" "$program" hi
	listening "$port"
	mv "$program" "$program.away"
	[ "$(tcp "$port" </dev/null)" = "$refusal" ]
	mv "$program.away" "$program"
	[ "$(tcp "$port" </dev/null)" = hi ]
}

@test "what cannot work is said at once" {
	run timeout 60 "$listen" 127.0.0.1:"$port" /no/such/program
	[ "$status" = 69 ]
	[[ $output == *'/no/such/program: No such file'* ]]
	for bad in 127.0.0.1 localhost:25 127.0.0.1:65536 127.0.0.1:0 127.0.0.1: \
		1.2.3:25 :x '[::1:25' -; do
		run timeout 60 "$listen" "$bad" /bin/cat </dev/null
		[ "$status" = 64 ]
	done
	for bad in 0 -1 x 100001 ''; do
		run timeout 60 "$listen" -c "$bad" 127.0.0.1:"$port" /bin/cat
		[ "$status" = 64 ]
		run timeout 60 "$listen" -s "$bad" 127.0.0.1:"$port" /bin/cat
		[ "$status" = 64 ]
	done
	run timeout 60 "$listen" 127.0.0.1:"$port"
	[ "$status" = 64 ]
	run timeout 60 "$listen" -x 127.0.0.1:"$port" /bin/cat
	[ "$status" = 64 ]
	background "$listen" 127.0.0.1:"$port" /bin/cat
	listening "$port"
	run timeout 60 "$listen" 127.0.0.1:"$port" /bin/cat
	[ "$status" = 71 ]
	[[ $output == *"port $port: Address"* ]]
}

# A Unix socket

# unix PATH [UID]: what its handler says to that user.
unix() {
	local as=()
	[ -z "${2-}" ] || as=(setpriv --reuid "$2" --regid "$2" --clear-groups)
	timeout 60 "${as[@]}" /usr/bin/python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.shutdown(socket.SHUT_WR)
sys.stdout.buffer.write(s.makefile("rb").read())' "$1"
}

@test "a Unix socket: for everybody, and gone when listen is" {
	local path=$BATS_TEST_TMPDIR/socket
	background "$listen" "$path" /bin/sh -c 'umask; echo hi'
	soon test -S "$path"
	[ "$(stat -c %a "$path")" = 666 ]
	[ "$(unix "$path")" = "$(umask)"$'\n'hi ]
	kill "$PID"
	ends_with 0 "$PID"
	[ ! -e "$path" ]
}

@test "a Unix socket: a stale one goes; one in use, or a file, stays" {
	local path=$BATS_TEST_TMPDIR/socket other
	background "$listen" "$path" /bin/echo first
	soon test -S "$path"
	run -71 timeout 60 "$listen" "$path" /bin/echo second
	[[ $output == *"$path: another listen has it" ]]
	[ "$(unix "$path")" = first ]
	kill -KILL "$PID"
	soon ended_or_zombie "$PID"
	[ -S "$path" ]
	background "$listen" "$path" /bin/echo second
	soon unix "$path"
	[ "$(unix "$path")" = second ]
	kill "$PID"
	ends_with 0 "$PID"
	# Somebody else's, who knows nothing of our lock.
	background /usr/bin/python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
time.sleep(60)' "$path"
	soon test -S "$path"
	run -71 timeout 60 "$listen" "$path" /bin/echo third
	[[ $output == *"$path: Address"*" in use" ]]
	[ -S "$path" ]
	rm "$path"
	# A socket of another kind refuses in another way.
	background /usr/bin/python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
time.sleep(60)' "$path"
	soon test -S "$path"
	run -71 timeout 60 "$listen" "$path" /bin/echo third
	[ -S "$path" ]
	rm "$path"
	echo precious >"$path"
	run -71 timeout 60 "$listen" "$path" /bin/echo third
	[ "$(cat "$path")" = precious ]
	run -64 timeout 60 "$listen" "/$(printf 'x%.0s' $(seq 108))" /bin/cat
	[[ $output == *'path too long: '* ]]
	run -71 timeout 60 "$listen" /no/such/place /bin/cat
}

@test "a Unix socket: -s counts by uid" {
	[ "$(id -u)" = 0 ] || skip 'only root can be two users'
	local path=$BATS_TEST_TMPDIR/socket
	chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	background "$listen" -s 1 "$path" /bin/sh -c 'echo hi; exec cat'
	local server=$PID
	soon test -S "$path"
	background /usr/bin/python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
time.sleep(60)' "$path"
	soon children_are "$server" 1
	[ "$(unix "$path")" = "$refusal" ]
	grep -q 'refused why=per-source uid=0$' "$BATS_TEST_TMPDIR/stderr"
	[ "$(unix "$path" 1)" = hi ]
}

# A given socket

@test "given as fd 0" {
	export PENNYPOST_LOG=stderr
	background "$LAUNCH/give" inetd "$port" "$listen" -c 1 - /bin/cat
	listening "$port"
	talk 5 "$port"
	[ "$(tcp "$port" </dev/null)" = "$refusal" ]
	echoes 5
	exec 5<&-
}

@test "given as fd 0, 1 and 2: the log is not for the peer" {
	background "$LAUNCH/give" xinetd "$port" "$listen" - \
		/bin/sh -c 'echo secret >&2; echo hi'
	listening "$port"
	[ "$(tcp "$port" </dev/null)" = hi ]
}

@test "given by LISTEN_FDS, two of them" {
	local other
	other=$(free_port)
	background "$LAUNCH/give" systemd "$port,$other" "$listen" - \
		/bin/sh -c 'ls /proc/self/fd; env'
	listening "$other"
	tcp "$port" </dev/null >"$BATS_TEST_TMPDIR/got"
	tcp "$other" </dev/null >"$BATS_TEST_TMPDIR/more"
	[ "$(head -4 "$BATS_TEST_TMPDIR/got" | xargs)" = '0 1 2 3' ]
	[ "$(head -4 "$BATS_TEST_TMPDIR/more" | xargs)" = '0 1 2 3' ]
	not grep ^LISTEN "$BATS_TEST_TMPDIR/got"
}

@test "LISTEN_FDS that were meant for another process are not taken" {
	export LISTEN_PID=1
	background "$LAUNCH/give" systemd "$port" "$listen" - /bin/cat
	ends_with 64 "$PID"
}

@test "given and without work: it goes, so that the giver has it back" {
	export ASAN_OPTIONS=detect_leaks=0
	background "$LAUNCH/give" inetd "$port" strace -qq \
		-o "$BATS_TEST_TMPDIR/trace" -e inject=ppoll:retval=0 \
		"$listen" - /bin/cat
	ends_with 0 "$PID"
	grep -q 'ppoll(.*, 1, {tv_sec=60, ' "$BATS_TEST_TMPDIR/trace"
}

@test "given, and a handler at work: it stays" {
	export ASAN_OPTIONS=detect_leaks=0
	background "$LAUNCH/give" inetd "$port" strace -qq -o /dev/null \
		-e inject=ppoll:retval=0:when=2+ "$listen" - /bin/cat
	listening "$port"
	talk 5 "$port"
	sleep 0.5
	not ended_or_zombie "$PID"
	echoes 5
	exec 5<&-
	ends_with 0 "$PID"
}

@test "its own address without work: it stays" {
	export ASAN_OPTIONS=detect_leaks=0
	strace -qq -o "$BATS_TEST_TMPDIR/trace" -e trace=ppoll \
		"$listen" 127.0.0.1:"$port" /bin/cat 3>&- &
	STARTED=$!
	listening "$port"
	soon grep -q ppoll "$BATS_TEST_TMPDIR/trace"
	grep -q 'ppoll(.*, 1, NULL,' "$BATS_TEST_TMPDIR/trace"
	kill $(children "$STARTED")
}

# It must not end within a second: a super-server starts it again at once.
useless() { # STATUS ARGUMENT…
	local begin status=$1 go=$BATS_TEST_TMPDIR/go
	shift
	rm -f "$go"
	background "$LAUNCH/give" inetd "$port" /bin/sh -c 'go=$1; shift
		until [ -e "$go" ]; do sleep 0.1; done; exec "$@"' - \
		"$go" "$listen" "$@"
	listening "$port"
	exec 5<>"/dev/tcp/127.0.0.1/$port"
	begin=$(date +%s%N)
	touch "$go"
	[ "$(cat <&5)" = "$refusal" ]
	exec 5<&-
	ends_with "$status" "$PID"
	[ $(($(date +%s%N) - begin)) -ge 1000000000 ]
}

@test "given, and the program cannot start: one peer is told, no storm" {
	useless 69 - /no/such/program
}

@test "given, and called with nonsense: one peer is told, no storm" {
	useless 64 -c 0 - /bin/cat
	useless 64 -
}
