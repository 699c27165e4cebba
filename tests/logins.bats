#!/usr/bin/env bats
# What failed logins cost: lib/penalty by itself, on a clock of the test's, and
# in real time where many come at once.

load helper
load launch/lib

# logins: a clock that is put forward by sleeping. racing: the source with its
# seconds cut to 100 ms. real: as it is.
setup_file() {
	local lib=$BATS_TEST_DIRNAME/../src/lib at=$BATS_FILE_TMPDIR
	local cc=("${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror
		-I"$lib" "$BATS_TEST_DIRNAME/logins.c" "$lib"/{sha256,log,str}.c)
	sed -e 's/DECAY \* 1000/DECAY * 100/
		s/return 1000LL \*/return 100LL */
		s/PATIENCE \* 1000/PATIENCE * 100/' "$lib/penalty.c" \
		>"$at/fast.c"
	[ "$(diff "$lib/penalty.c" "$at/fast.c" | grep -c '^>')" = 3 ]
	"${cc[@]}" -o "$at/racing" "$at/fast.c" "$lib/conn.c"
	"${cc[@]}" -o "$at/real" "$lib"/{penalty,conn}.c
	"${cc[@]}" -DVIRTUAL -o "$at/logins" -fsanitize=address,undefined \
		-fno-sanitize-recover -Dclock_gettime=fake_clock \
		-Dnanosleep=fake_sleep "$lib/penalty.c"
}

setup() {
	home_make
	dir=$PENNYPOST_HOME/spool/logins
}

# waits SECONDS SOURCE ACCOUNT WORD ...: what each login had to wait.
waits() {
	local got
	got=$(cd "$PENNYPOST_HOME" && "$BATS_FILE_TMPDIR/logins" "${@:2}" \
		2>>err | sed 's/000$//' | paste -sd ' ')
	[ "$got" = "$1" ] || { echo "${*:2}: '$got', not '$1'"; return 1; }
}

# real SOURCE ACCOUNT WORD ...: in milliseconds.
real() {
	(cd "$PENNYPOST_HOME" && exec "$BATS_FILE_TMPDIR/real" "$@")
}

# race SOURCE ACCOUNT WORD ...: in seconds of which ten are one.
race() {
	(cd "$PENNYPOST_HOME" && exec "$BATS_FILE_TMPDIR/racing" "$@") |
		awk '/late/ { print; next } { print int($1 / 100) }'
}

told() { # FILE: its records, without the holes
	tr '\0' '\n' <"$dir/$1" | grep .
}

records() { # FILE
	told "$1" | grep -c .
}

@test "a source: 1, 2, 4 ... 60 seconds, and no more" {
	waits '0 1 2 4 8 16 32 60 60 60 60 60' 192.0.2.1 a@x \
		fail fail fail fail fail fail fail fail fail fail fail fail
	waits 0 192.0.2.2 b@x nothing   # another source
	waits 60 192.0.2.1 c@x nothing  # whatever the account
	[ "$(stat -c %a "$dir")" = 700 ]
	[ "$(stat -c %a "$dir/sources")" = 600 ]
}

@test "what is waited for anyway is not waited for twice" {
	waits '0 0 1 0 3' 192.0.2.1 a@x fail +1 fail +1 fail +10 fail +5 nothing
}

@test "a failure is forgotten in a minute" {
	waits '0 1 2 0 2' 192.0.2.1 a@x fail fail fail +120 fail nothing
	# A telephone with a wrong password that tries it each minute.
	waits '0 0 0 0 0 0 1' 192.0.2.7 a@x fail +60 fail +60 fail +60 fail \
		+60 fail +60 fail nothing
	# Ten are remembered, however many there were.
	waits '0 1 2 4 8 16 32 60 60 60 60 60 0' 192.0.2.8 b@x fail fail fail \
		fail fail fail fail fail fail fail fail fail +600 nothing
}

@test "IPv6: a network of 64 bits is one source" {
	waits '0 1' 2001:db8:1:2:3:4:5:6 a@x fail fail
	waits 2 2001:db8:1:2::9 a@x nothing
	waits 0 2001:db8:1:3:3:4:5:6 a@x nothing
	told sources | grep -q '^2001:db8:1:2:: '
}

# Some callers with a pipe have it so: all of IPv4 were one network.
@test "IPv4 that is written as IPv6 is IPv4" {
	printf 'USER alice\r\nPASS wrong\r\nQUIT\r\n' |
		TCPREMOTEIP=::ffff:127.0.0.1 "$PROGRAMS/pop3d" 2>err >out
	grep -q ' peer=127.0.0.1 ' err
}

@test "fifty at once are no faster than one" {
	local i began pids=() turns
	waits '0 1 2' 192.0.2.1 a@x fail fail fail
	rm -r "$dir"
	race 192.0.2.1 a@x fail fail fail # the next one: in 4 s, then 8
	began=$EPOCHSECONDS
	for i in $(seq 50); do
		race 192.0.2.1 "a$i@x" fail >"out.$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	# 4, 12, 28, 60 s: four have their turn within 75 s, and one more in
	# each minute that a slow machine needs to begin with them all.
	cat out.* >all
	[ "$(wc -l <all)" = 50 ]
	turns=$(grep -vc late all)
	[ "$turns" -ge 1 ]
	[ "$turns" -le $((3 + (EPOCHSECONDS - began + 1) * 10 / 60)) ]
}

@test "while one is being looked at the next one waits" {
	mkfifo hold
	(cd "$PENNYPOST_HOME" && exec "$BATS_FILE_TMPDIR/racing" 192.0.2.1 a@x \
		hold) <hold >first &
	exec 8>hold
	until [ -s first ]; do sleep 0.02; done
	race 192.0.2.1 b@x nothing 8>&- >second &
	# Another source does not.
	[ "$(race 192.0.2.3 b@x nothing 8>&-)" != late ]
	soon pgrep -f "^$BATS_FILE_TMPDIR/racing 192.0.2.1 b@x"
	sleep 1
	[ ! -s second ]
	exec 8>&-
	wait
	[ "$(cat second)" -ge 1 ]
}

@test "who has logged in from there is not held up by it, or by others" {
	waits 0 192.0.2.1 owner@x ok
	waits '0 1 2 4' 192.0.2.1 a@x fail fail fail fail
	waits '0 1 2 4 8 16 32' 192.0.2.9 owner@x fail fail fail fail fail \
		fail fail
	waits '0 0' 192.0.2.1 owner@x ok ok
	# In the household, a telephone with the old password: only its owner
	# waits, and the source has no more failures than it had.
	waits '0 1 2' 192.0.2.1 owner@x fail fail fail
	told sources | grep -q '^192.0.2.1  *4 '
	# And no longer than until somebody knows the password.
	waits '4 0' 192.0.2.1 owner@x ok ok
	# He is known there for a month.
	waits '0 1 2 4 8 16' 192.0.2.1 a@x +2505600 fail fail fail fail fail fail
	waits 0 192.0.2.1 owner@x nothing
	waits '0 1 2 4 8 16' 192.0.2.1 a@x +86400 fail fail fail fail fail fail
	waits 32 192.0.2.1 owner@x nothing
}

@test "who is known and logs in every day stays known" {
	local i
	waits 0 192.0.2.1 owner@x ok
	for i in 1 2 3 4; do
		waits 0 192.0.2.1 owner@x +1000000 ok
	done
	waits '0 1 2' 192.0.2.1 a@x fail fail fail
	waits 0 192.0.2.1 owner@x nothing
}

@test "one's own account does not clear the address" {
	waits '0 1 2' 192.0.2.1 a@x fail fail fail
	waits '4 0 0 0' 192.0.2.1 mallory@x ok ok ok ok
	told sources | grep -q '^192.0.2.1  *3 '
	waits '0 8' 192.0.2.1 a@x fail nothing
}

@test "an account, from everywhere: five are free, then 1 to 8 seconds" {
	local n want=(0 0 0 0 0 0 1 2 4 8 8 8)
	for n in $(seq 12); do
		waits "${want[n-1]}" "198.51.100.$n" a@x fail
	done
	waits 8 198.51.100.50 a@x nothing
	waits 0 198.51.100.50 b@x nothing
	# A success clears it.
	waits 0 198.51.100.71 a@x ok
	waits 0 198.51.100.72 a@x nothing
}

@test "nobody queues for an account" {
	local n pids=()
	for n in 1 2 3 4 5 6 7 8; do
		real "198.51.100.$n" a@x fail >/dev/null
	done
	for n in 1 2 3 4 5 6; do
		real "198.51.100.$((60 + n))" a@x nothing >"out.$n" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for n in 1 2 3 4 5 6; do
		# One after the other: 24 s for the last.
		[ "$(cat "out.$n")" -le 20000 ]
	done
}

@test "loopback is no source, and its accounts wait like all" {
	waits '0 0 0 0 0 0 1 2 4 8 8' - a@x fail fail fail fail fail fail fail \
		fail fail fail fail
	waits 0 - b@x nothing
	[ "$(records sources)" = 0 ]
}

@test "undecided costs nothing" {
	waits '0 0 0' 192.0.2.1 a@x nothing nothing nothing
	[ "$(records sources)" = 0 ]
	[ "$(records friends)" = 0 ]
}

@test "no name that was typed is on the disk, and the files do not grow" {
	local i
	for i in $(seq 40); do
		waits 0 "203.0.113.$i" "hunter$i@example.test" fail
	done
	waits 0 203.0.113.99 alice@example.test ok
	run -1 grep -ar 'hunter\|alice' "$dir"
	[ "$(records accounts)" = 40 ]
	find "$dir" -type f -size +256k >big
	[ ! -s big ]
	[ "$(find "$dir" -type f | wc -l)" = 4 ]
	told sources | awk 'length > 63' >long
	[ ! -s long ]
}

# All of a set is taken: the oldest makes room.
@test "a full table" {
	local i
	for i in $(seq 0 1100); do
		printf '%-32s %4u %14d %10d\n' "203.0.113.$i" 9 5000 0 \
			"198.51.100.$i" 9 6000 0 "x$i" 9 4000 0 "y$i" 9 7000 0
	done | head -c 262144 >table
	mkdir -m 700 "$dir"
	cp table "$dir/sources"
	waits '0 1 2' 192.0.2.1 a@x fail fail fail
	[ "$(stat -c %s "$dir/sources")" = 262144 ]
	diff table "$dir/sources" >changed || [ $? = 1 ]
	[ "$(grep -ac '^<' changed)" = 1 ]
	grep -aq '^< x.* 4000 ' changed
	grep -aq '^> 192.0.2.1  *3 ' changed
}

@test "damage, clocks and strange files do no harm" {
	waits '0 1 2' 192.0.2.1 a@x fail fail fail
	head -c 300000 /dev/urandom >"$dir/sources"
	head -c 300000 /dev/urandom >"$dir/accounts"
	head -c 300000 /dev/zero | tr '\0' '9' >"$dir/friends"
	waits '0 1' 192.0.2.1 a@x fail fail
	# A failure that is to come, as after a clock that was put back.
	for i in $(seq 4096); do
		printf '%-32s %4u %14d %10d\n' 192.0.2.1 4 99999999999999 0
	done >"$dir/sources"
	waits 8 192.0.2.1 a@x nothing
	rm "$dir/sources"
	mkdir "$dir/sources"
	waits '0 0' 192.0.2.1 a@x fail fail
	grep -q 'spool/logins: .*: failed logins cost nothing' \
		"$PENNYPOST_HOME/err"
}

@test "the secret: once, whole, and by one of many" {
	local i pids=()
	for i in $(seq 20); do
		race "192.0.2.$i" a@x nothing >/dev/null &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$(stat -c %s "$dir/secret")" = 32 ]
	[ "$(find "$dir" -name 'secret*' | wc -l)" = 1 ]
	cp "$dir/secret" before
	waits 0 192.0.2.1 a@x nothing
	cmp before "$dir/secret"
}

# A network of its own, where the addresses are no loopback: whoever attacks has
# one, the others have others.
@test "brute force by POP3S: the address crawls, and the others do not" {
	[ -x "$PROGRAMS/tls" ] || skip 'no tls'
	unshare -Urn ip link set lo up 2>/dev/null || skip 'no namespaces here'
	PENNYPOST_PROGRAMS=$PROGRAMS "$ROOT/scripts/pennypost" tls self-signed \
		mx.example.test
	cat >attack.py <<'PY'
import socket, ssl, threading, time
context = ssl._create_unverified_context()

def login(source, user, password):
    """The answer to PASS, and the seconds that it took."""
    s = socket.create_connection(("198.18.0.1", 9950), timeout=200,
                                 source_address=(source, 0))
    s = context.wrap_socket(s)
    f = s.makefile("rwb")
    f.readline()
    f.write(f"USER {user}\r\n".encode())
    f.flush()
    f.readline()
    began = time.time()
    f.write(f"PASS {password}\r\n".encode())
    f.flush()
    answer = f.readline().decode()
    s.close()
    return answer.split()[0], time.time() - began

print("bob", login("198.18.0.3", "bob", "secret")[0])
end, guesses = time.time() + 12, []

def attack(n):
    while time.time() < end:
        answer, _ = login("198.18.0.2", "alice" if n % 2 else f"x{n}", f"no{n}")
        if time.time() < end:
            guesses.append(answer)

for n in range(12):
    threading.Thread(target=attack, args=(n,), daemon=True).start()
time.sleep(3)
slowest = 0
for n in range(4):
    for who, source in ("bob", "198.18.0.3"), ("carol", f"198.18.0.{10 + n}"):
        answer, took = login(source, who, "secret")
        assert answer == "+OK", answer
        slowest = max(slowest, took)
answer, took = login("198.18.0.99", "alice", "secret") # who is attacked
print("alice", answer)
time.sleep(max(0, end - time.time()))
print("guesses", len(guesses), set(guesses))
print("slowest", slowest)
print("attacked", took)
assert 1 <= len(guesses) <= 6
assert slowest < 30 and took < 40 # in turn with the others: a minute
PY
	cat >inside <<'SH'
ip link set lo up
for n in 1 2 3 10 11 12 13 99; do ip addr add 198.18.0.$n/24 dev lo; done
PENNYPOST_LOG=stderr "$1/listen" 198.18.0.1:9950 "$1/pop3d" -T 2>stderr &
server=$!
until grep -q ':26DE 00000000:0000 0A' /proc/net/tcp; do sleep 0.1; done
python3 attack.py || status=1
kill $server
exit ${status-0}
SH
	timeout 400 unshare -Urn \
		sh inside "$PROGRAMS" >out 2>err || { cat out err; return 1; }
	grep -qx 'alice +OK' out
	grep -q 'login refused user=[^ ]* peer=198.18.0.2 service=pop3 mechanism=PLAIN tls=' stderr
	cat out
}
