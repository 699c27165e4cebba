# What every test file loads: a home of its own, and conversations.
#
# A conversation has both sides written out. `C: text` is a line from the
# client, sent with CRLF; `c: text` is sent as it is, after printf's escapes
# (\r \n \0 \x..), without a line end; `S: text` is a line that the server must
# send, with CRLF. In S lines * stands for anything. Every line is compared.
#
#   pipe PROGRAM ...   sends all of it at once, as a file would be
#   step PROGRAM ...   one side at a time, as a cautious client does; a line
#                      `! COMMAND` is run when the conversation has come to it
#   both PROGRAM ...   pipe, then step

bats_require_minimum_version 1.5.0

PROGRAMS=$(realpath "${PROGRAMS:-$BATS_TEST_DIRNAME/../build}")
ROOT=$(realpath "$BATS_TEST_DIRNAME/..")

# A home: host mx.example.test, domain example.test, alice, bob, carol. The
# test goes on in its own directory.
#
# No name is asked of the world: nobody answers at the resolver's port. Nothing
# runs the queue either: fd 7 keeps the FIFO of the nudges open, as queue-run
# does, and who was nudged for is what nudged() tells. A test that wants the
# queue run by itself says `exec 7>&-`.
home_make() {
	cd "$BATS_TEST_TMPDIR" || return
	export PENNYPOST_HOME=${1:-$BATS_TEST_TMPDIR/home}
	local h=$PENNYPOST_HOME user
	mkdir -p "$h"/users "$h"/spool/{queue,tmp,mail/example.test}
	[ -p "$h/spool/nudge" ] || mkfifo -m 600 "$h/spool/nudge"
	exec 7<>"$h/spool/nudge"
	printf '%s\n' 'host mx.example.test' 'resolver 127.0.0.1:1' \
		>"$h/pennypost.conf"
	echo example.test >"$h/users/domains"
	# "secret", at a cost that suits a test
	local hash='$6$rounds=1000$pennypost$'
	hash+='sUI3OA/evH3uKFWXeltAPlrnIycKO.H8qGUxQkKIIjH'
	hash+='LHbfsLhozfwQLNIrIk5UyO6NWNNE2yeSKbNsh0Y8090'
	for user in alice bob carol; do
		mkdir -p "$h/spool/mail/example.test/$user"/{tmp,new,cur}
		echo "$user@example.test:$hash:"
	done >"$h/users/passwd"
	echo 'postmaster: alice' >"$h/users/aliases"
	(umask 077 && echo secret >"$h/users/srs-secret")
	MAIL=$h/spool/mail/example.test
	QUEUE=$h/spool/queue
}

# The files of a Maildir, or of anything: count FILES.
count() {
	find "$@" -type f 2>/dev/null | wc -l
}

# The only message of alice, or of whom you name.
mail_of() {
	find "$MAIL/${1:-alice}/new" "$MAIL/${1:-alice}/cur" -type f \
		-exec cat {} +
}

# The ids that were nudged for since it was last asked.
nudged() {
	local id
	while read -r -t 0 -u 7; do
		read -r -u 7 id && echo "$id"
	done
}

# Where nobody hears the nudges: programs of which queue-run only tells what it
# was given, in runner.txt in the home, and stays: runner_ends. In $PROGRAMS.
runner_tells() {
	local dir=$BATS_TEST_TMPDIR/programs
	mkdir "$dir"
	cp "$PROGRAMS"/{smtpd,deliver} "$dir"
	cat >"$dir/queue-run" <<'PY'
#!/usr/bin/python3
import os, sys, time

fds = {}
for fd in os.listdir("/proc/self/fd"):
    if os.path.exists("/proc/self/fd/" + fd): # not that of the listing
        fds[fd] = os.readlink("/proc/self/fd/" + fd)
with open("runner.new", "w") as f:
    print(*sys.argv[1:], file=f)
    print(os.getcwd(), file=f)
    for fd in sorted(fds):
        print(fd, fds[fd], file=f)
    for name in sorted(os.environ):
        if name != "LC_CTYPE": # python's own
            print(name + "=" + os.environ[name], file=f)
with open("runner.pid", "a") as f:
    print(os.getpid(), file=f)
os.rename("runner.new", "runner.txt")
time.sleep(600)
PY
	chmod +x "$dir/queue-run"
	PROGRAMS=$dir
	exec 7>&-
}

# It is still there: nobody has waited for it.
runner_ends() {
	xargs kill <"$PENNYPOST_HOME/runner.pid"
}

# The runner came, with an id of the queue, and had nothing else of ours.
assert_runner_told() {
	local i
	for i in $(seq 300); do
		[ ! -e "$PENNYPOST_HOME/runner.txt" ] || break
		sleep 0.1
	done
	[ -e "$QUEUE/$(head -n 1 "$PENNYPOST_HOME/runner.txt")" ]
	runner_ends
	sed 1d "$PENNYPOST_HOME/runner.txt" | diff - <(printf '%s\n' \
		"$PENNYPOST_HOME" '0 /dev/null' '1 /dev/null' "2 $1" \
		PATH=/usr/local/bin:/usr/bin:/bin \
		"PENNYPOST_HOME=$PENNYPOST_HOME" "${@:2}")
}

# Nothing half done anywhere: tmp directories are empty.
assert_no_tmp() {
	local left
	left=$(cd "$PENNYPOST_HOME/spool" && find . -path '*/tmp/*' -type f)
	[ -z "$left" ] || { echo "left in tmp: $left"; return 1; }
}

# A line as it came, what is not CRLF shown.
_shown() {
	sed -e 's/\r$//;t' -e 's/$/<LF>/' | sed -e 's/\r/<CR>/g'
}

_matches() { # GOT PATTERN
	local pattern=${2//\\/\\\\}
	pattern=${pattern//\[/\\[}
	pattern=${pattern//\?/\\?}
	# shellcheck disable=SC2053
	[[ $1 == $pattern ]]
}

_client() { # LINE: its bytes
	case $1 in
	'C: '*) printf '%s\r\n' "${1#C: }" ;;
	'C:') printf '\r\n' ;;
	'c: '*) printf '%b' "${1#c: }" ;;
	esac
}

pipe() {
	local talk line got n=0 status=0
	talk=$(cat)
	while IFS= read -r line; do
		_client "$line"
	done <<<"$talk" >"$BATS_TEST_TMPDIR/in"
	"$@" <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" \
		2>>"$BATS_TEST_TMPDIR/stderr" || status=$?
	_shown <"$BATS_TEST_TMPDIR/out" >"$BATS_TEST_TMPDIR/shown"
	exec 9<"$BATS_TEST_TMPDIR/shown"
	while IFS= read -r line; do
		[[ $line == S:* ]] || continue
		line=${line#S:}
		line=${line# }
		n=$((n + 1))
		if ! IFS= read -r got <&9 || ! _matches "$got" "$line"; then
			echo "reply $n: expected '$line', got '${got-}'"
			exec 9<&-
			_told
			return 1
		fi
	done <<<"$talk"
	if IFS= read -r got <&9; then
		echo "more than expected: '$got'"
		exec 9<&-
		return 1
	fi
	exec 9<&-
	return $status
}

step() {
	local talk line got n=0 status=0
	talk=$(cat)
	# No coprocess: bash forgets its ends at once when it is gone.
	local to=$BATS_TEST_TMPDIR/step.to from=$BATS_TEST_TMPDIR/step.from
	mkfifo "$to" "$from"
	"$@" <"$to" >"$from" 2>>"$BATS_TEST_TMPDIR/stderr" &
	local pid=$!
	exec 9>"$to" 8<"$from"
	rm "$to" "$from"
	while IFS= read -r line; do
		case $line in
		[Cc]:*)
			# The server may have hung up in the middle of it.
			(trap '' PIPE; _client "$line" >&9) 2>/dev/null || true ;;
		'! '*)
			eval "${line#! }" ;;
		S:*)
			line=${line#S:}
			line=${line# }
			n=$((n + 1))
			got=
			IFS= read -r -t 60 got <&8 || got="$got<end>"
			got=$(printf '%s\n' "$got" | _shown)
			if ! _matches "$got" "$line"; then
				echo "reply $n: expected '$line', got '$got'"
				status=99
				break
			fi ;;
		esac
	done <<<"$talk"
	exec 9>&-
	if [ $status = 0 ] && IFS= read -r -t 60 got <&8; then
		echo "more than expected: '$got'"
		status=98
	fi
	exec 8<&-
	local exit=0
	wait "$pid" || exit=$?
	[ $status = 0 ] || _told
	[ $status != 0 ] || status=$exit
	return $status
}

both() {
	local talk
	talk=$(cat)
	pipe "$@" <<<"$talk" || { echo "(in one piece)"; return 1; }
	step "$@" <<<"$talk" || { echo "(step by step)"; return 1; }
}

_told() {
	[ -s "$BATS_TEST_TMPDIR/stderr" ] || return 0
	echo "--- stderr"
	tail -20 "$BATS_TEST_TMPDIR/stderr"
}

# Ends what the test has started, by pid; by force what is there after 5 s.
stop() {
	local pid i
	for pid in "$@"; do
		kill "$pid" 2>/dev/null || continue
		for i in $(seq 250); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.02
		done
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	return 0
}

# A sanitizer's report fails the test.
teardown() {
	if [ -n "${STARTED-}" ]; then
		# shellcheck disable=SC2086
		stop $STARTED
	fi
	if grep -qsE 'Sanitizer|runtime error' "$BATS_TEST_TMPDIR"/stderr*; then
		grep -hE -A20 'Sanitizer|runtime error' "$BATS_TEST_TMPDIR"/stderr* |
			head -40
		return 1
	fi
}

# A free port: none that the kernel gives to clients, nor one that was given to
# any test in the last hour.
free_port() {
	python3 - "${BATS_RUN_TMPDIR%/*}/pennypost-ports.$UID" <<'PY'
import os, random, socket, sys, time
given = sys.argv[1]
os.makedirs(given, exist_ok=True)
for name in os.listdir(given):
    try:
        if os.stat(f"{given}/{name}").st_mtime < time.time() - 3600:
            os.rmdir(f"{given}/{name}")
    except FileNotFoundError:
        pass
for _ in range(10000):
    port = random.randrange(10240, 32768)
    try:
        os.mkdir(f"{given}/{port}")
        socket.socket().bind(("", port))
    except OSError:
        continue
    print(port)
    break
PY
}

# Waits until something answers there: port_wait PORT
port_wait() {
	local i
	for i in $(seq 600); do
		(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
		sleep 0.05
	done
	echo "nothing listens on port $1"
	return 1
}
