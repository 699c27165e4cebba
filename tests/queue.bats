#!/usr/bin/env bats
# The queue as an administrator sees it: mailq, and `pennypost queue`.

load helper

setup() {
	home_make
	SPOOL=$PENNYPOST_HOME/spool
	mkdir -m 700 "$SPOOL/hold" "$SPOOL/damaged"
	A=6B02835E0A3F41C2.0 B=6B02835F0BB011C3.1 C=6B0283600CC5A1C4.0-r
	export TZ=UTC PENNYPOST_PROGRAMS=$PROGRAMS
	ln -s "$PROGRAMS/sendmail" mailq
}

# waiting DIR ID FROM TO…: a file as our programs write it; TO is "STATUS
# <ADDRESS> …"; stdin: answers.
waiting() {
	local dir=$1 id=$2 from=$3 message=$'Subject: x\n\nbody\n'
	shift 3
	{
		printf 'pennypost-queue 1\nid %s\narrived 1795326814\n' "$id"
		printf 'size %015d\nfrom <%s>\n' ${#message} "$from"
		printf 'to %s\n' "$@"
		printf '\n%s' "$message"
		cat
	} >"$SPOOL/$dir/$id" </dev/stdin
	touch -d @1795330414 "$SPOOL/$dir/$id"
}

# As a worker does: holds the lock on the first status byte of a file.
lock() {
	python3 - "$1" <<'PYTHON' 3>&- 7>&- &
import fcntl, os, struct, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
at = open(sys.argv[1], "rb").read().index(b"\nto ") + 4
F_OFD_SETLK = 37
fcntl.fcntl(fd, F_OFD_SETLK,
            struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, at, 1, 0))
open("locked", "w").close()
time.sleep(600)
PYTHON
	STARTED="${STARTED-} $!"
	until [ -e locked ]; do sleep 0.05; done
}

@test "mailq: an empty queue, also one of a home that has no more" {
	run -0 ./mailq
	[ "$output" = "Mail queue is empty" ]
	run -0 ./mailq -j
	[ -z "$output" ]
	rmdir "$SPOOL/hold" "$SPOOL/damaged"
	run -0 "$PROGRAMS/sendmail" -bp
	[ "$output" = "Mail queue is empty" ]
}

@test "mailq: the table" {
	waiting queue $A alice@example.test '. <x@example.net>' \
		'd <y@example.net> notify=DELAY' '+ <z@example.net>' \
		'. <new@example.net>' '. <v@example.net>' <<'EOF'
answer 1795326900 0 mx.example.net 450 4.2.0 Not yet
answer 1795326901 0 mx.example.net 450 4.2.0 Still not
answer 1795326901 1 mx.example.net 450 4.2.0 Still not
answer 1795326902 2 mx.example.net 550 5.1.1 Done, not shown
answer 1795326902 4 - 451 4.4.1 Cannot connect
answer 17953269
EOF
	run -0 ./mailq
	diff - <(echo "$output") <<EOF
-Queue ID-            --Size-- ----Arrival Time---- -Sender/Recipient-------
6B02835E0A3F41C2.0          17 Sun Nov 22 05:53:34  alice@example.test
                                                  (mx.example.net: 450 4.2.0 Still not)
                                                    x@example.net
                                                    y@example.net
                                                    new@example.net
                                                  (451 4.4.1 Cannot connect)
                                                    v@example.net

-- 1 Kbytes in 1 Request.
EOF
}

@test "mailq: held, being sent, only to be reported, nobody's" {
	waiting queue $A '' 's <x@example.net>' 'f <y@example.net>' </dev/null
	waiting queue $B alice@example.test '. <x@example.net>' </dev/null
	waiting hold $C alice@example.test '. <x@example.net>' </dev/null
	lock "$QUEUE/$B"
	run -0 ./mailq
	grep -Fx -A1 '6B02835E0A3F41C2.0          17 Sun Nov 22 05:53:34  MAILER-DAEMON' <<<"$output" |
		grep -Fx '                                                  (the sender is to be told)'
	grep -Fx '6B02835F0BB011C3.1  *       17 Sun Nov 22 05:53:34  alice@example.test' <<<"$output"
	grep -Fx '6B0283600CC5A1C4.0-r!       17 Sun Nov 22 05:53:34  alice@example.test' <<<"$output"
	[ "${lines[-1]}" = "-- 1 Kbytes in 3 Requests." ]
	run -0 ./mailq -j
	[ "$(jstate $A)" = waiting ]
	[ "$(jstate $B)" = active ]
	[ "$(jstate $C)" = held ]
	stop $STARTED || :
	STARTED=
	run -0 ./mailq -j
	[ "$(jstate $B)" = waiting ]
}

jstate() {
	sed -n "s/^{\"id\":\"$1\",\"state\":\"\([a-z]*\)\".*/\1/p" <<<"$output"
}

@test "mailq -j: an object a line" {
	waiting queue $A alice@example.test '. <x@example.net>' \
		'd <y@example.net> notify=DELAY orcpt=rfc822;z' \
		's <a@b>' 'f <c@d>' '+ <"e\"f"@g>' <<'EOF'
answer 1795326901 0 mx.example.net 450 4.2.0 Still "not"	\now
EOF
	run -0 ./mailq -j
	diff - <(echo "$output") <<EOF
{"id":"$A","state":"waiting","arrived":1795326814,"due":1795330414,"size":17,"sender":"alice@example.test","recipients":[{"address":"x@example.net","status":"waiting","answer":{"when":1795326901,"mta":"mx.example.net","reply":"450 4.2.0 Still \\"not\\" \\\\now"}},{"address":"y@example.net","status":"delayed"},{"address":"a@b","status":"delivered"},{"address":"c@d","status":"failed"},{"address":"\\"e\\\\\\"f\\"@g","status":"done"}]}
EOF
}

# What other hosts say and files are called steers no terminal, and is JSON
# whatever it was.
@test "mailq: bytes that are no text" {
	printf 'answer 1795326901 0 mx 450 a\x7fb\xc2\x9b1m \xff\xe2\x82 \xc3\xbc\xf0\x9f\x90\x98\n' |
		waiting queue $A 'jörg@example.test' '. <用户@example.net>'
	: >"$QUEUE/"$'\e[2J"\\\xc2\x9b\xff\xc3\xbc'
	run -0 ./mailq
	grep -q ' jörg@example.test$' <<<"$output"
	grep -q ' (mx: 450 a[ ?]b?1m ??? ü🐘)$' <<<"$output"
	grep -q ' 用户@example.net$' <<<"$output"
	grep -qF '?[2J"\??ü ' <<<"$output"
	run -0 ./mailq -j
	python3 - "$output" <<'PYTHON'
import json, sys
lines = [json.loads(line) for line in sys.argv[1].splitlines()]
lines.sort(key=lambda o: o["state"])
assert lines[0]["id"] == "\x1b[2J\"\\\x9b\ufffdü", lines[0]
r = lines[1]["recipients"][0]
assert r["address"] == "用户@example.net", r
assert r["answer"]["reply"] in ("450 a\x7fb\x9b1m \ufffd\ufffd\ufffd ü🐘",
                                "450 a b\x9b1m \ufffd\ufffd\ufffd ü🐘"), r
PYTHON
}

@test "mailq: what is damaged is shown as such and stops nothing" {
	local id=$B
	waiting queue $A alice@example.test '. <x@example.net>' </dev/null
	truncate -s -1 "$QUEUE/$A"
	waiting queue $C alice@example.test '. <x@example.net>' </dev/null
	waiting damaged $B alice@example.test '. <x@example.net>' </dev/null
	echo junk >"$QUEUE/no id"
	printf 'pennypost-queue 2\n\n' >"$QUEUE/$id-other"
	: >"$QUEUE/$id-empty"
	ln -s /etc/passwd "$QUEUE/$id-link"
	ln -s /nonexistent "$QUEUE/$id-dangling"
	mkdir "$QUEUE/$id-directory"
	mkfifo "$QUEUE/$id-fifo"
	: >"$QUEUE/.hidden"
	run -0 ./mailq
	for line in "$A  ? (damaged: shorter than it says)" \
		"$B  ? (damaged: set aside)" \
		"no id               ? (damaged: its name is no id)" \
		"$id-other? (damaged: not pennypost-queue 1)" \
		"$id-empty? (damaged: the envelope does not end)" \
		"$id-link? (damaged: not a file)" \
		"$id-dangling? (damaged: not a file)" \
		"$id-directory? (damaged: not a file)" \
		"$id-fifo? (damaged: not a file)"; do
		grep -Fqx "$line" <<<"$output" || { echo "no line $line"; echo "$output"; return 1; }
	done
	grep -q "^$C.* alice@example.test$" <<<"$output"
	[ "${lines[-1]}" = "-- 1 Kbytes in 10 Requests." ]
	run -0 ./mailq -j
	[ "$(jstate "$B-fifo")" = damaged ]
	python3 -c 'import json, sys
for line in sys.stdin: json.loads(line)' <<<"$output"
	[ "${#lines[@]}" = 10 ]
}

@test "mailq: a file that cannot be read now" {
	command -v strace
	waiting queue $A alice@example.test '. <x@example.net>' </dev/null
	run -0 strace -o /dev/null -P "$QUEUE/$A" -P "spool/queue/$A" \
		-e inject=pread64:error=EIO ./mailq
	[ "${lines[1]}" = "$A  ? (unreadable: Input/output error)" ] ||
		[ "${lines[1]}" = "$A  ? (unreadable: I/O error)" ] # musl
	run -0 strace -o trace -e trace=openat,open,pwrite64,write,utimensat ./mailq -j
	run -0 grep "queue/$A" trace
	[[ $output == *O_RDONLY* ]]
}

@test "mailq: those that are named" {
	waiting queue $A alice@example.test '. <x@example.net>' </dev/null
	waiting hold $B alice@example.test '. <x@example.net>' </dev/null
	run -0 ./mailq $B
	[[ ${lines[1]} == "$B"* ]]
	[ "${lines[-1]}" = "-- 1 Kbytes in 1 Request." ]
	run -66 ./mailq -j $C $A ../queue/$A
	[ "${lines[0]}" = "mailq: $C: there is no such message" ] ||
		[ "${lines[1]}" = "mailq: $C: there is no such message" ]
	[ "$(jstate $A)" = waiting ]
	grep -Fqx "mailq: ../queue/$A: there is no such message" <<<"$output"
}

@test "mailq: who may not look is told" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	local outside
	outside=$(mktemp -d)
	chmod 755 "$outside"
	mv "$PENNYPOST_HOME" "$outside/home"
	chmod 700 "$outside/home/spool/queue" # of root
	export PENNYPOST_HOME=$outside/home
	local as="setpriv --reuid 65534 --regid 65534 --clear-groups"
	$as test -x "$PROGRAMS/sendmail" || skip "user 65534 cannot reach the checkout"
	run -77 $as "$PROGRAMS/sendmail" -bp
	[ "$output" = "mailq: spool/queue: Permission denied; the mail user and root may look" ]
	run -77 $as "$PROGRAMS/sendmail" -bp $A
	[ "$output" = "mailq: spool/queue: Permission denied; the mail user and root may look" ]
	rmdir "$outside/home/spool/queue"
	run -78 "$PROGRAMS/sendmail" -bp
	[ "$output" = "mailq: spool/queue: No such file or directory" ]
	rm -rf "$outside"
}

@test "mailq: output that fails, and a reader who has seen enough" {
	waiting queue $A alice@example.test '. <x@example.net>' </dev/null
	run -74 bash -c './mailq >/dev/full'
	[ "$output" = "mailq: output: No space left on device" ]
	copies 3000
	run -0 bash -o pipefail -c '{ strace -e trace=openat,open -o trace ./mailq; echo $? >status; } | head -n 1'
	[ "$output" = '-Queue ID-            --Size-- ----Arrival Time---- -Sender/Recipient-------' ]
	[ "$(cat status)" = 74 ]
	[ "$(grep -c spool/queue/ trace)" -lt 2000 ]
}

# copies N: of the one message, each under its own id.
copies() {
	python3 - "$QUEUE" "$A" "$1" <<'PYTHON'
import os, sys
queue, first, n = sys.argv[1:]
text = open(f"{queue}/{first}", "rb").read()
for i in range(1, int(n) + 1):
    id = f"6B02835E0A3F41C2.{i}"
    with open(f"{queue}/{id}", "wb") as f:
        f.write(text.replace(first.encode(), id.encode(), 1))
PYTHON
}

# The most memory, in KiB, that it has had when it is about to end.
peak() {
	local size pid
	size=$("$@" | wc -c)
	rm -f pipe
	mkfifo pipe
	"$@" >pipe 7>&- &
	pid=$!
	{
		[ "$size" -lt 70000 ] || head -c $((size - 70000)) >/dev/null
		sleep 0.3
		sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status"
		cat >/dev/null
	} <pipe
	wait $pid
}

@test "mailq: a long queue needs no more memory than a short one" {
	local i many=()
	! grep -q __asan_init "$PROGRAMS/sendmail" || skip "ASan keeps what is freed"
	for i in $(seq 100); do
		many+=(". <a-name-of-some-length-$i@example.net>")
	done
	waiting queue $A alice@example.test "${many[@]}" </dev/null
	copies 20 # more output than a pipe holds
	short=$(peak ./mailq -j)
	copies 5000
	long=$(peak ./mailq -j)
	echo "$short $long"
	[ "$short" -gt 100 ]
	[ $((long - short)) -lt 512 ]
	[ "$(./mailq -j | grep -c '"state":"waiting"')" = 5001 ]
}

# --- pennypost queue ---

# The programs, but for a queue-run that only tells its arguments.
double() {
	local program
	mkdir -p programs
	for program in "$PROGRAMS"/*; do
		[ ! -f "$program" ] || ln -sf "$program" programs
	done
	rm -f programs/queue-run
	printf '#!/bin/sh\necho "queue-run $*" >>"$PENNYPOST_HOME/runs"\n' \
		>programs/queue-run
	chmod +x programs/queue-run
	export PENNYPOST_PROGRAMS=$PWD/programs
	: >"$PENNYPOST_HOME/runs"
}

pennypost() { "$ROOT/scripts/pennypost" "$@"; }
runs() { cat "$PENNYPOST_HOME/runs"; : >"$PENNYPOST_HOME/runs"; }

# refused WORDS ARGUMENT…: with status 1, these words, and no change.
refused() {
	local words=$1 before
	shift
	before=$(ls -liR --time-style=+%s "$SPOOL")
	run -1 pennypost queue "$@"
	[ "$output" = "pennypost: $words" ] || { echo "said: $output"; return 1; }
	[ "$(ls -liR --time-style=+%s "$SPOOL")" = "$before" ]
}

@test "pennypost queue: a wrong command line" {
	for arguments in '' frob 'list x' 'list --json x' show 'show a b' hold \
		release remove; do
		# shellcheck disable=SC2086 # words
		run -64 pennypost queue $arguments
	done
}

@test "pennypost queue list is mailq" {
	waiting queue $A alice@example.test '. <x@example.net>' </dev/null
	run -0 pennypost queue list
	[ "$output" = "$(./mailq)" ]
	run -0 pennypost queue list --json
	[ "$output" = "$(./mailq -j)" ]
	rm "$QUEUE"/*
	run -0 pennypost queue list
	[ "$output" = "Mail queue is empty" ]
}

@test "pennypost queue show: envelope, answers, message" {
	waiting queue $A alice@example.test \
		'. <x@example.net> notify=DELAY orcpt=rfc822;z@b' \
		'+ <"y> z"@example.net>' 'f <z@example.net>' \
		'd <w@example.net>' 's <v@example.net>' <<'EOF'
answer 1795326900 0 mx1.example.net 450 4.2.0 Not  yet
answer 1795326901 0 mx2.example.net 450 4.2.0 Still not
answer 1795326902 2 - 550 5.1.1 No
answer 179532
EOF
	sed -i '/^size/abody 8bitmime\nret full\nenvid abc' "$QUEUE/$A"
	touch -d @1795330414 "$QUEUE/$A"
	run -0 pennypost queue show $A
	diff - <(echo "$output") <<EOF
id        $A
state     waiting
arrived   2026-11-22 05:53:34 +0000
next try  2026-11-22 06:53:34 +0000
size      17
body      8bitmime
ret       full
envid     abc
from      <alice@example.test>
to        <x@example.net> notify=DELAY orcpt=rfc822;z@b (waiting)
          2026-11-22 05:55:00 mx1.example.net: 450 4.2.0 Not  yet
          2026-11-22 05:55:01 mx2.example.net: 450 4.2.0 Still not
to        <"y> z"@example.net> (done)
to        <z@example.net> (failed; to be reported)
          2026-11-22 05:55:02 here: 550 5.1.1 No
to        <w@example.net> (waiting; the sender knows of the delay)
to        <v@example.net> (delivered; to be reported)

Subject: x

body
EOF
}

@test "pennypost queue show: what is held, damaged, or no text" {
	waiting hold $A '' '. <x@example.net>' </dev/null
	run -0 pennypost queue show $A
	[ "${lines[1]}" = "state     held" ]
	[[ $output != *'next try'* ]]
	printf 'pennypost-queue 1\nid x\n\nto\e[2J\x7f\0 \xc3\xbc\n' >"$SPOOL/damaged/$B"
	run -0 pennypost queue show $B
	[ "${lines[1]}" = "state     damaged" ]
	[ "${lines[-1]}" = "to?[2J?? ü" ]
	: >"$SPOOL/damaged/$C"
	run -0 pennypost queue show $C
	waiting queue $C alice@example.test '. <x@example.net>' </dev/null
	lock "$QUEUE/$C"
	run -0 pennypost queue show $C
	[ "${lines[1]}" = "state     active" ]
	rm "$QUEUE/$C" "$SPOOL/damaged/$C"
	for make in mkfifo mkdir 'ln -s /etc/passwd'; do
		$make "$SPOOL/damaged/$C"
		refused "$C is not a file, or gone: queue-run has just finished it" show $C
		rm -r "$SPOOL/damaged/$C"
	done
	refused "there is no message 6B02835E0A3F41C2.9 (any more)" \
		show 6B02835E0A3F41C2.9
}

# A name of a file is all that an id can be.
@test "pennypost queue: what is no id touches nothing" {
	double
	waiting queue $A alice@example.test '. <x@example.net>' </dev/null
	waiting hold $B alice@example.test '. <x@example.net>' </dev/null
	for verb in show hold release remove; do
		for id in '' . .. ../queue/$A ./$A queue/$A "/$A" -f .hidden \
			"$A " "*" '$(touch x)' $'a\nb' "$(printf '%040d' 0)"; do
			refused "$id is not the id of a message" $verb "$id"
		done
	done
	refused "../hold/$B is not the id of a message" retry ../hold/$B
	[ -z "$(runs)" ]
}

@test "pennypost queue retry: all, one, a domain's" {
	double
	waiting queue $A alice@example.test '. <x@Example.NET> orcpt=rfc822;x@other.net>' </dev/null
	waiting queue $B alice@example.test '. <x@sub.example.net>' \
		'd <"a@b>"@other.net> notify=DELAY' '+ <x@third.net>' </dev/null
	waiting hold $C alice@example.test '. <x@example.net>' </dev/null
	pennypost queue retry
	[ "$(runs)" = "queue-run -a" ]
	pennypost queue retry all
	[ "$(runs)" = "queue-run -a" ]
	run -0 pennypost queue retry $A
	[ "$output" = "trying 1 now" ]
	[ "$(runs)" = "queue-run -a $A" ]
	[ $(($(date +%s) - $(stat -c %Y "$QUEUE/$A"))) -lt 60 ]
	[ "$(stat -c %Y "$QUEUE/$B")" = 1795330414 ]
	run -0 pennypost queue retry EXAMPLE.net
	[ "$(runs)" = "queue-run -a $A" ]
	run -0 pennypost queue retry other.net
	[ "$(runs)" = "queue-run -a $B" ]
	run -0 pennypost queue retry example.net sub.example.net $A
	[ "$output" = "trying 2 now" ]
	[ "$(runs)" = "queue-run -a $A $B" ]
	refused "nothing waits for third.net" retry third.net
	refused "nothing waits for net" retry net
	refused "$C is in spool/hold" retry $C
	refused "there is no message 6B02835E0A3F41C2.9 (any more)" \
		retry 6B02835E0A3F41C2.9
	[ -z "$(runs)" ]
}

@test "pennypost queue hold: queue-run does not see it, and its statuses go with it" {
	double
	waiting queue $A alice@example.test '. <x@example.net>' </dev/null
	waiting queue $B alice@example.test '. <x@example.net>' </dev/null
	file=$(stat -c %i "$QUEUE/$A")
	run -0 pennypost queue hold $A
	[ "$output" = "$A is held" ]
	[ "$(stat -c '%i %Y' "$SPOOL/hold/$A")" = "$file 1795330414" ]
	[ ! -e "$QUEUE/$A" ]
	refused "$A is in spool/hold" hold $A
	# The others are held whatever is wrong with one.
	run -1 pennypost queue hold $A $B
	[ "$output" = "pennypost: $A is in spool/hold"$'\n'"$B is held" ]
	[ -z "$(runs)" ]
	rmdir "$SPOOL/damaged" # and in a home of an earlier version
	mv "$SPOOL/hold" "$SPOOL/kept"
	waiting queue $A alice@example.test '. <x@example.net>' </dev/null
	run -0 pennypost queue hold $A
	[ "$(stat -c %a "$SPOOL/hold")" = 700 ]
}

@test "pennypost queue release: due at once, and tried" {
	double
	waiting hold $A alice@example.test '. <x@example.net>' </dev/null
	waiting damaged $B alice@example.test '. <x@example.net>' </dev/null
	waiting queue $C alice@example.test '. <x@example.net>' </dev/null
	run -0 pennypost queue release $A $B
	[ "$output" = "$A is in the queue again"$'\n'"$B is in the queue again" ]
	for id in $A $B; do
		[ $(($(date +%s) - $(stat -c %Y "$QUEUE/$id"))) -lt 60 ]
	done
	[ "$(runs)" = "queue-run -a $A $B" ]
	refused "$C is in spool/queue" release $C
}

@test "pennypost queue remove: from wherever it is; nobody is told" {
	double
	waiting queue $A alice@example.test '. <x@example.net>' </dev/null
	waiting hold $B alice@example.test '. <x@example.net>' </dev/null
	ln -s /nonexistent "$SPOOL/damaged/$C"
	run -0 pennypost queue remove $A $B $C
	[ "${lines[0]}" = "$A is removed; its sender is not told" ]
	[ "${#lines[@]}" = 3 ]
	[ "$(find "$SPOOL"/{queue,hold,damaged} -type f -o -type l | wc -l)" = 0 ]
	refused "there is no message $A (any more)" remove $A
	[ -z "$(runs)" ]
}

@test "pennypost queue: all" {
	double
	for i in $(seq 300); do
		echo "$QUEUE/6B02835E0A3F41C2.$i"
	done | xargs touch
	: >"$QUEUE/.hidden"
	run -0 pennypost queue hold all
	[ "$output" = "300 held" ]
	[ "$(count "$QUEUE")" = 1 ]
	touch -d '+1 day' "$SPOOL/hold"/*
	run -0 pennypost queue release all
	[ "$output" = "300 in the queue again" ]
	[ "$(runs)" = "queue-run " ]
	[ -z "$(find "$QUEUE" -newermt '+1 min')" ]
	: >"$SPOOL/hold/$A"
	: >"$SPOOL/damaged/$B"
	run -0 pennypost queue remove all
	diff - <(echo "$output") <<-'EOF'
		300 removed from spool/queue
		1 removed from spool/hold
		1 removed from spool/damaged
		Their senders are not told.
	EOF
	[ "$(find "$SPOOL" -type f)" = "$QUEUE/.hidden" ]
	# What cannot be moved is told, by mv and by the status.
	: >"$QUEUE/$A"
	mkdir shim
	printf '#!/bin/sh\necho "mv: $QUEUE: Input/output error" >&2\nexit 1\n' >shim/mv
	chmod +x shim/mv
	QUEUE=$QUEUE PATH=$PWD/shim:$PATH run -1 pennypost queue hold all
	[ "$output" = "mv: $QUEUE: Input/output error"$'\n'"0 held" ]
}

@test "pennypost queue: what is on the disk when it is said" {
	double
	waiting queue $A alice@example.test '. <x@example.net>' </dev/null
	for verb in hold release remove; do
		strace -f -y -o trace -e trace=fsync,rename,renameat2,renameat,unlink,unlinkat \
			"$ROOT/scripts/pennypost" queue $verb $A
		# The change, then the sync of both directories.
		sed -n "s/.* \(rename\|unlink\|fsync\)[a-z0-9]*(.* = 0$/\1 &/p" trace |
			sed -n "s,^\(rename\|unlink\) .*$A.*,change,p
				s,^fsync .*spool/\(queue\|hold\)>.*,\1,p" >order
		[ "$(xargs <order)" = "change queue hold" ] || { cat order trace; return 1; }
	done
}

@test "pennypost queue: what is being sent is said to be" {
	double
	waiting queue $A alice@example.test '. <x@example.net>' </dev/null
	lock "$QUEUE/$A"
	run -0 pennypost queue hold $A
	[ "${lines[0]}" = "pennypost: note: $A is being sent just now, and may still arrive" ]
	[ "${lines[1]}" = "$A is held" ]
	# The worker's mark goes into the same file.
	run -0 pennypost queue release $A
	run -0 pennypost queue remove $A
	[ "${lines[0]}" = "pennypost: note: $A is being sent just now, and may still arrive" ]
}

# queue-run finishes the message between our look and our change.
@test "pennypost queue: a message that goes in this moment" {
	double
	mkdir shim
	printf '#!/bin/sh\n/bin/rm -f "%s"\nexec /bin/"${0##*/}" "$@"\n' \
		"$QUEUE/$A" >shim/mv
	cp shim/mv shim/rm
	chmod +x shim/*
	for verb in hold remove; do
		waiting queue $A alice@example.test '. <x@example.net>' </dev/null
		PATH=$PWD/shim:$PATH run -1 pennypost queue $verb $A
		[ "$output" = "pennypost: $A is gone: queue-run has just finished it" ]
	done
	waiting queue $A alice@example.test '. <x@example.net>' </dev/null
	waiting queue $B alice@example.test '. <x@example.net>' </dev/null
	PATH=$PWD/shim:$PATH run -0 pennypost queue hold all
	[ "$output" = "1 held" ]
}

@test "pennypost queue: two files of one name, another file system" {
	double
	waiting queue $A alice@example.test '. <x@example.net>' </dev/null
	waiting hold $A alice@example.test '. <x@example.net>' </dev/null
	refused "$A is in spool/queue and in spool/hold: look at both" hold $A
	rm -r "$SPOOL/hold"
	elsewhere=$(mktemp -d -p /dev/shm)
	[ "$(stat -c %d "$elsewhere")" != "$(stat -c %d "$QUEUE")" ] ||
		skip "one file system"
	ln -s "$elsewhere" "$SPOOL/hold"
	refused "spool/hold is not on the file system of spool/queue" hold $A
	rmdir "$elsewhere"
}

@test "pennypost queue: who may not look is told" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	chmod 700 "$QUEUE"
	outside=$(mktemp -d)
	chmod 755 "$outside"
	mv "$PENNYPOST_HOME" "$outside/home"
	chmod 755 "$outside/home"
	local as="setpriv --reuid 65534 --regid 65534 --clear-groups"
	$as test -x "$ROOT/scripts/pennypost" || skip "user 65534 cannot reach the checkout"
	PENNYPOST_HOME=$outside/home run -1 $as "$ROOT/scripts/pennypost" queue hold all
	[ "$output" = "pennypost: the queue is closed to you; ask as root or root" ]
	rm -rf "$outside"
}

# Another host whose mailbox zoe@far.test is; our mail for it goes there.
far_start() {
	FAR=$BATS_TEST_TMPDIR/far
	mkdir -p "$FAR"/{users,spool/{queue,tmp,mail/far.test/zoe/{tmp,new,cur}}}
	printf 'host mx.far.test\nresolver 127.0.0.1:1\n' >"$FAR/pennypost.conf"
	echo far.test >"$FAR/users/domains"
	: >"$FAR/users/aliases"
	local port
	port=$(free_port)
	echo "route far.test 127.0.0.1:$port" >>"$PENNYPOST_HOME/pennypost.conf"
	PENNYPOST_HOME=$FAR PENNYPOST_LOG=stderr "$PROGRAMS/listen" \
		"127.0.0.1:$port" "$PROGRAMS/smtpd" </dev/null \
		2>>stderr 3>&- 7>&- &
	STARTED="${STARTED-} $!"
	port_wait "$port"
}

# All that is done by hand, again and again, while queue-run sends.
@test "pennypost queue while it runs: each message arrives once" {
	local i n=200
	exec 7>&-
	far_start
	export PENNYPOST_LOG=stderr
	for i in $(seq $n); do
		waiting queue "6B02835E0A3F41C2.$i" alice@example.test \
			'. <zoe@far.test>' </dev/null
		sed -i "s/^body$/$(printf %04d "$i")/" "$QUEUE/6B02835E0A3F41C2.$i"
	done
	for i in $(seq 6); do
		"$PROGRAMS/queue-run" -a 2>>stderr 3>&- &
		pennypost queue hold all
		pennypost queue retry far.test 2>>stderr || :
		pennypost queue release all 2>>stderr 3>&- &
		sleep 0.1
		pennypost queue hold 6B02835E0A3F41C2.$i \
			6B02835E0A3F41C2.$((n - i)) 2>>stderr || :
	done
	pennypost queue release all 2>>stderr
	"$PROGRAMS/queue-run" -a 2>>stderr
	wait $(jobs -p | grep -vxF "${STARTED# }")
	for i in $(seq 50); do
		[ "$(count "$QUEUE" "$SPOOL/hold")" != 0 ] || break
		"$PROGRAMS/queue-run" -a 2>>stderr
	done
	find "$QUEUE" "$SPOOL/hold" -type f
	[ "$(count "$QUEUE" "$SPOOL/hold")" = 0 ]
	[ "$(tail -q -n 1 "$FAR"/spool/mail/far.test/zoe/new/* | sort)" = \
		"$(seq -f %04g $n)" ]
}

# --- pennypost route ---

@test "pennypost route: whose mail it is, and which line says so" {
	printf '%s\n' '# first' 'Example.TEST' >"$PENNYPOST_HOME/users/domains"
	echo 'team: alice, zoe@far.test' >>"$PENNYPOST_HOME/users/aliases"
	run -0 pennypost route team
	diff - <(echo "$output") <<'EOF'
users/domains:2: example.test is ours
maildir	spool/mail/example.test/alice	alias users/aliases:2, mailbox
remote	zoe@far.test	alias users/aliases:2
EOF
	run -0 pennypost route alice+x@EXAMPLE.test
	[ "${lines[1]}" = $'maildir\tspool/mail/example.test/alice\tmailbox' ]
	run -67 pennypost route nobody@example.test
	[[ ${lines[1]} == *nobody@example.test* ]]
	run -64 pennypost route
	run -64 pennypost route a b
}

@test "pennypost route: where other hosts' mail goes, and which line says so" {
	local conf=$PENNYPOST_HOME/pennypost.conf
	printf '%s\n' 'route far.test 127.0.0.1:2525' \
		'route .far.test 127.0.0.1:2526' >>"$conf"
	run -0 pennypost route zoe@FAR.test
	[ "${lines[0]}" = 'pennypost.conf:3: FAR.test goes to [127.0.0.1]:2525' ]
	[ "${lines[1]}" = 'pennypost.conf: by default: tls may' ]
	[ "${lines[2]}" = '0 127.0.0.1 [127.0.0.1]:2525 pennypost.conf line 3' ]
	run -0 pennypost route zoe@sub.far.test
	[ "${lines[0]}" = 'pennypost.conf:4: sub.far.test goes to [127.0.0.1]:2526' ]
	run -75 pennypost route zoe@other.test
	[ "${lines[0]}" = 'pennypost.conf: no line sends other.test elsewhere' ]
	[[ ${lines[2]} == '451 4.4.3 Cannot find the MX record of other.test now: '* ]]
	echo 'smarthost 127.0.0.1:2527' >>"$conf"
	run -0 pennypost route zoe@other.test
	[ "${lines[0]}" = 'pennypost.conf:5: other.test goes to [127.0.0.1]:2527, the smarthost' ]
	run -0 pennypost route zoe@far.test
	[ "${lines[0]}" = 'pennypost.conf:3: far.test goes to [127.0.0.1]:2525' ]
}
