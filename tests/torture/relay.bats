#!/usr/bin/env bats
# What relay.bats does for a second, for minutes: bats tests/torture/relay.bats
#
# ROUNDS (40) times something is killed or cut; MESSAGES (500) go across.

BATS_TEST_DIRNAME=$(realpath "$BATS_TEST_DIRNAME/..")
load helper
load internet

ROUNDS=${ROUNDS:-40}
MESSAGES=${MESSAGES:-500}

setup_file() {
	internet_begin
}

teardown_file() {
	internet_end
}

setup() {
	internet_up a b
	message_make message 8
	xinetd_on a smtp
}

teardown() {
	internet_down
}

# MESSAGES wait on mx-a, and nobody has tried them.
heap_up() {
	held a
	post carol@a.test alice@b.test -n "$MESSAGES" -c 5
	[ "$(queue_of a | wc -l)" = "$MESSAGES" ]
	release
	slow 4mbit
}

slow() { # RATE
	on a tc qdisc add dev eth0 root tbf rate "$1" burst 16kb latency 2s
}

# What is left goes across. Each message is there, and COPIES more at most.
settle() { # COPIES
	local n
	echo "$(inbox b alice | wc -l) of $MESSAGES had arrived" >&3
	on a tc qdisc del dev eth0 root
	for n in $(seq 20); do
		queue_empty a || run_queue a now
	done
	soon queue_empty a
	echo "$(inbox b alice | wc -l) copies of $MESSAGES" >&3
	each_once "$MESSAGES" "$1"
	assert_clean a
	[ "$(count a/home/spool/mail)" = 0 ]
	# Each is whole.
	for file in $(inbox b alice); do
		tail -n 4 "$file" | cmp - <(tr -d '\r' <message | tail -n 4)
	done
}

nap() { sleep "0.$(printf '%03d' $((RANDOM % $1)))"; }

@test "queue-run, smtp-send or both are killed at any moment" {
	local n victims=(queue-run smtp-send 'queue-run smtp-send')
	xinetd_on b smtp-wait
	heap_up
	for n in $(seq "$ROUNDS"); do
		! queue_empty a || break
		on a "$LIBEXEC/queue-run" -a 2>/dev/null &
		moves_on "$(inbox b alice | wc -l)"
		nap 50
		# shellcheck disable=SC2086
		slain a ${victims[n % 3]}
	done
	settle $((ROUNDS * 5))
}

@test "queue-run alone is killed: its workers end what they have, once" {
	local n
	xinetd_on b smtp-wait
	heap_up
	for n in $(seq $((ROUNDS / 2))); do
		! queue_empty a || break
		on a "$LIBEXEC/queue-run" -a 2>/dev/null &
		moves_on "$(inbox b alice | wc -l)"
		nap 50
		slain a queue-run
	done
	settle 0
}

@test "smtpd at the other end is killed at any moment" {
	local n
	xinetd_on b smtp-wait
	heap_up
	for n in $(seq "$ROUNDS"); do
		! queue_empty a || break
		on a "$LIBEXEC/queue-run" -a 2>/dev/null &
		moves_on "$(inbox b alice | wc -l)"
		nap 50
		slain b smtpd deliver
	done
	settle $((ROUNDS * 5))
}

@test "the other machine loses power at any moment" {
	local n
	heap_up
	for n in $(seq $((ROUNDS / 8))); do
		xinetd_on b smtp-wait
		on a "$LIBEXEC/queue-run" -a 2>/dev/null &
		moves_on "$(inbox b alice | wc -l)"
		nap 100
		hosts_stop b
		find b/home/spool -path '*/tmp/*' -type f -delete
		host_start b
		host_ready b
		plug b
	done
	xinetd_on b smtp-wait
	# Until the last connection has learnt of it.
	sleep 5
	settle $((ROUNDS * 5))
}

@test "the cable comes and goes" {
	local n
	xinetd_on b smtp-wait
	heap_up
	on a "$LIBEXEC/queue-run" 2>/dev/null &
	for n in $(seq "$ROUNDS"); do
		nap 150
		cable b down
		nap 300
		cable b up
		[ $((n % 8)) != 0 ] || run_queue a now
	done
	# What is under way waits for TCP to try again, for seconds.
	for n in $(seq 60); do
		! queue_empty a || break
		sleep 1
	done
	settle 0
}

@test "a slow line: 256 kbit a second" {
	xinetd_on b smtp-wait
	MESSAGES=20
	slow 256kbit
	post carol@a.test alice@b.test -n $MESSAGES -c 5
	for n in $(seq 60); do
		! queue_empty a || break
		sleep 1
	done
	settle 0
}
