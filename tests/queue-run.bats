#!/usr/bin/env bats
# queue-run: what it does with the queue, beside workers that do as they are
# told (queue/worker.c).

load helper
load queue/lib

setup_file() {
	queue_programs
}

setup() {
	queue_home
}

# --- One message ---

@test "what is due is sent, once, and its file goes" {
	put A.0 s@far.test '. <ok@a.test>' '. <alice@example.test>'
	put B.0 s@far.test '. <ok@a.test>'
	run_queue
	assert_sent <<-'EOT'
		A.0 ok@a.test
		A.0 alice@example.test
		B.0 ok@a.test
	EOT
	assert_queue '*'
	grep -q 'done id=A.0 from=<s@far.test> recipients=2 age=' stderr
	# To each destination by its own worker, both messages by the same.
	[ "$(cut -d' ' -f1 "$SENT" | sort | uniq -c | xargs)" = '1 -q 2 a.test' ]
	[ "$(awk '$1 == "a.test" { print $4 }' "$SENT" | uniq | wc -l)" = 1 ]
	assert_no_tmp
}

@test "what is not due stays, unless it is named, or all are" {
	put A.0 s@far.test '. <ok@a.test>'
	put B.0 s@far.test '. <ok@b.test>'
	touch -d "@$((now + 1000))" "$QUEUE"/{A,B}.0
	run_queue
	[ -z "$(sent)" ]
	run_queue A.0
	assert_sent <<<'A.0 ok@a.test'
	assert_queue B.0
	run_queue -a
	[ "$(sent | xargs)" = 'A.0 ok@a.test B.0 ok@b.test' ]
	assert_queue '*'
}

@test "nothing due: it ends at once" {
	with LINGER 60000
	put A.0 s@far.test '. <ok@a.test>'
	touch -d "@$((now + 1000))" "$QUEUE/A.0"
	SECONDS=0
	run_quick
	[ $SECONDS -lt 30 ]
}

@test "a recipient who is done with is not tried" {
	put A.0 s@far.test '+ <never@a.test>' '. <ok@a.test>' '+ <ok@b.test>'
	run_quick
	assert_sent <<<'A.0 ok@a.test'
	[ "$(cut -d' ' -f2 "$PENNYPOST_HOME/started" | xargs)" = a.test ]
	assert_queue '*'
}

@test "the held ones are not touched, though they are named" {
	put A.0 s@far.test '. <ok@a.test>'
	mkdir "$PENNYPOST_HOME/spool/hold"
	mv "$QUEUE/A.0" "$PENNYPOST_HOME/spool/hold"
	run_quick
	run_quick -a
	run_quick A.0
	[ -z "$(sent)" ]
	[ -e "$PENNYPOST_HOME/spool/hold/A.0" ]
}

@test "a deferral: the answer behind the message, the others done" {
	put A.0 s@far.test '. <ok@a.test>' '. <later@a.test>'
	cp "$QUEUE/A.0" before
	run_queue
	[ "$(recipients A.0)" = $'+ <ok@a.test>\n. <later@a.test>' ]
	[ "$(answers A.0)" = '1 mx.far.test 450 4.2.0 Try later' ]
	# The message is as it was.
	cmp <(sed '1,/^$/d' before) <(sed '1,/^$/d' "$QUEUE/A.0" | head -n 3)
	assert_due A.0 300 337
	grep -q 'deferred id=A.0 from=<s@far.test> to=<later@a.test> recipients=1 wait=3[0-3][0-9] reply="450 4.2.0 Try later"' stderr
	run_queue A.0
	[ "$(answers A.0 | wc -l)" = 2 ]
	assert_sent <<<'A.0 ok@a.test'
}

@test "the time to the next try grows with the age, from 5 minutes to 4 hours" {
	local age least
	for age in 0 299 600 3600 14400 {1,2,3}00000; do
		arrived=$age put A$age.0 s@far.test 'd <later@a.test>'
	done
	run_quick
	for age in 0 299 600 3600 14400 {1,2,3}00000; do
		least=$((age < 300 ? 300 : age > 14400 ? 14400 : age))
		assert_due A$age.0 $least $((least + least / 8 + 30))
	done
	# Not all at the same moment.
	[ "$(stat -c %Y "$QUEUE"/A{1,2,3}00000.0 | sort -u | wc -l)" != 1 ]
}

@test "there is a last try after 5 days, not later" {
	arrived=$((432000 - 600)) put A.0 s@far.test 'd <later@a.test>'
	arrived=432001 put B.0 s@far.test 'd <later@a.test>' '. <ok@a.test>'
	run_quick
	assert_due A.0 597 600
	[ "$(sent)" = $'B.0 ok@a.test\nB.0-f0 s@far.test' ]
	assert_queue A.0
	grep -q '550 5.4.7 Given up after 5 days. The last answer was from' \
		"$PENNYPOST_HOME/box/B.0-f0.0"
}

@test "after 5 days one is given up of whom nothing was ever said, too" {
	arrived=432001 put A.0 s@far.test 'd <silent@a.test>'
	run_quick
	assert_sent <<<'A.0-f0 s@far.test'
	grep -q 'Diagnostic-Code: x-pennypost; 550 5.4.7 Given up after 5 days$' \
		"$PENNYPOST_HOME/box/A.0-f0.0"
}

@test "a permanent error: the sender is told at once, nothing is tried again" {
	put A.0 s@example.test '. <never@a.test>' '. <later@b.test>'
	run_queue
	[ "$(recipients A.0)" = $'+ <never@a.test>\n. <later@b.test>' ]
	answers A.0 | grep -qx '0 mx.far.test 550 5.1.1 No such user'
	assert_sent <<<'A.0-f0 s@example.test'
	grep -q 'failed id=A.0 from=<s@example.test> to=<never@a.test> recipients=1 reply="550 5.1.1 No such user"' stderr
	grep -q 'deferred id=A.0 .*to=<later@b.test>.*reply="450' stderr
	run_queue -a
	assert_sent <<<'A.0-f0 s@example.test'
}

@test "a recipient of whom the worker says nothing is tried by the next run" {
	put A.0 s@far.test '. <silent@a.test>'
	run_quick
	[ "$(recipients A.0)" = '. <silent@a.test>' ]
	[ -z "$(answers A.0)" ]
	[ "$(wc -l <"$PENNYPOST_HOME/started")" = 1 ] # not again and again
	grep -q 'deferred id=A.0 .* wait=0 reply=-' stderr
	run_quick
	[ "$(wc -l <"$PENNYPOST_HOME/started")" = 2 ]
}

# --- Destinations and workers ---

@test "routes: those with one next hop go together" {
	echo 'route .b.test [127.0.0.1]:2525' >>"$PENNYPOST_HOME/pennypost.conf"
	put A.0 s@far.test '. <ok@x.b.test>' '. <ok@y.b.test>' '. <ok@A.test>' \
		'. <ok@a.TEST>' '. <ok@[192.0.2.1]>'
	run_quick
	[ "$(cut -d' ' -f1 "$SENT" | sort | uniq -c | xargs)" = \
		'2 [127.0.0.1]:2525 1 [192.0.2.1]:25 2 a.test' ]
	[ "$(wc -l <"$PENNYPOST_HOME/started")" = 3 ]
}

@test "at most 5 workers for a destination, 2 for the mailboxes, each at work" {
	local i
	for i in $(seq 60); do
		put A$i.0 s@far.test ". <slow-$i@a.test>" \
			". <slow-$i@example.test>"
	done
	run_queue
	[ "$(wc -l <"$SENT")" = 120 ]
	[ "$(awk '{ print $1, $4 }' "$SENT" | sort -u | cut -d' ' -f1 |
		uniq -c | xargs)" = '2 -q 5 a.test' ]
	[ "$(wc -l <"$PENNYPOST_HOME/started")" = 7 ]
}

@test "few messages: one worker" {
	put A.0 s@far.test '. <slow@a.test>'
	put B.0 s@far.test '. <slow@a.test>'
	run_quick
	[ "$(wc -l <"$PENNYPOST_HOME/started")" = 1 ]
}

@test "at most 20 workers in all, and every destination has its turn" {
	local i
	for i in $(seq 30); do
		put A$i.0 s@far.test ". <gate-1@h$i.test>"
		put B$i.0 s@far.test ". <slow-2@h$i.test>"
		put C$i.0 s@far.test ". <slow-3@big.test>"
		put D$i.0 s@far.test ". <slow-4@big.test>"
	done
	"$quick/queue-run" 2>>stderr &
	local most=0 n
	while kill -0 $! 2>/dev/null; do
		n=$(pgrep -xcs $! smtp-send || true)
		[ "$n" -le "$most" ] || most=$n
		[ "$most" -le 15 ] || touch "$PENNYPOST_HOME/go"
		sleep 0.05
	done
	wait $!
	echo "at once: $most"
	[ "$most" -gt 15 ]
	[ "$most" -le 20 ]
	[ "$(sent | sort -u | wc -l)" = 120 ]
	[ "$(sent | wc -l)" = 120 ]
}

@test "a destination that is down: nobody else waits for it in vain" {
	local i
	for i in $(seq 20); do
		put B$i.0 s@far.test '. <ok@a.test>' '. <ok@b.test>'
	done
	touch -d "@$((now + 1000))" "$QUEUE"/B*
	put A.0 s@far.test '. <down@a.test>'
	with LINGER 60000
	"$quick/queue-run" 2>>stderr &
	until grep -qs 'down next_hop=a.test' stderr; do sleep 0.02; done
	touch -d "@$((now - 1))" "$QUEUE"/B*
	run_quick
	until [ "$(cat "$QUEUE"/B* | grep -c '^answer ')" = 20 ] &&
		[ "$(sent | wc -l)" = 20 ]; do
		sleep 0.02
	done
	kill $!
	wait $!
	[ "$(sent | cut -d' ' -f2 | uniq -c | xargs)" = '20 ok@b.test' ]
	for i in $(seq 20); do
		[ "$(answers B$i.0)" = \
			'0 mx.far.test 451 4.4.1 No answer from there' ]
		assert_due B$i.0 300 337
	done
	[ "$(grep -c a.test "$PENNYPOST_HOME/started")" = 1 ]
}

@test "those that wait already when it is found to be down wait no longer" {
	local i
	for i in 1 2 3; do
		put A$i.0 s@far.test '. <slowdown@a.test>'
	done
	run_quick
	grep -q 'down next_hop=a.test waiting=1 ' stderr
	assert_due A1.0 300 337
	assert_due A2.0 300 337
	assert_due A3.0 300 337
}

@test "a host that wants no more connections keeps those that it has" {
	local i
	for i in $(seq 30); do
		put A$i.0 s@far.test ". <limit@a.test>"
	done
	run_quick
	[ "$(sent | wc -l)" -ge 22 ]
	[ "$(wc -l <"$PENNYPOST_HOME/started")" -le 5 ]
	grep -q 'fewer next_hop=a.test workers=[1-4] ' stderr
	run -1 grep 'down next_hop' stderr
}

@test "a domain that takes no mail: all who wait for it fail" {
	put A.0 s@example.test '. <dead@a.test>' '. <dead-2@a.test>'
	put B.0 s@example.test '. <ok@a.test>' '. <dead-3@a.test>'
	run_quick
	[ "$(sent | grep -c -- '-f[01] s@example.test')" = 2 ]
	assert_queue '*'
}

@test "a host that is down for several workers at once" {
	local i
	for i in $(seq 30); do
		put A$i.0 s@far.test '. <slowdown@a.test>'
	done
	run_quick
	[ "$(wc -l <"$PENNYPOST_HOME/started")" -le 5 ]
	grep -q 'fewer next_hop=a.test workers=4 ' stderr
	grep -q 'down next_hop' stderr
	for i in $(seq 30); do
		assert_due A$i.0 300 337
	done
}

@test "-a: what was down is tried all the same" {
	put A.0 s@far.test '. <down@a.test>'
	run_quick &
	until grep -q 'down next_hop=a.test' stderr; do sleep 0.02; done
	put B.0 s@far.test '. <ok@a.test>'
	run_quick -a
	wait $!
	assert_sent <<<'B.0 ok@a.test'
}

@test "a worker that dies: its message is tried once more, then later" {
	put A.0 s@far.test '. <once@a.test>' '. <ok@b.test>'
	put B.0 s@far.test '. <die@c.test>'
	run_quick
	assert_sent <<-'EOT'
		A.0 ok@b.test
		A.0 once@a.test
	EOT
	[ "$(grep -c c.test "$PENNYPOST_HOME/started")" = 2 ]
	[ "$(answers B.0)" = '0 - 451 4.3.0 smtp-send failed, status 137' ]
	assert_due B.0 300 337
	grep -q 'smtp-send status=3 next_hop=a.test id=A.0' stderr
	grep -q 'smtp-send status=137 next_hop=c.test id=B.0' stderr
}

@test "a message that kills its workers takes no other with it" {
	local i
	for i in 1 2 3 4 5 6; do
		put A$i.0 s@far.test '. <ok@a.test>'
	done
	put A0.0 s@far.test '. <die@a.test>'
	run_quick
	[ "$(sent | wc -l)" = 6 ]
	assert_queue A0.0
}

@test "a program that does not run is started twice, not for each message" {
	local i other=$BATS_TEST_TMPDIR/bin
	cp -R "$bin" "$other"
	printf '#!/bin/sh\necho x >>"$PENNYPOST_HOME/tries"\nexit 70\n' \
		>"$other/smtp-send"
	for i in $(seq 50); do
		put A$i.0 s@far.test '. <ok@a.test>'
	done
	"$other/queue-run" 2>>stderr
	[ "$(wc -l <"$PENNYPOST_HOME/tries")" -le 6 ]
	[ "$(answers A50.0 | cut -d' ' -f1-4)" = '0 - 451 4.3.0' ]
	rm "$other/smtp-send"
	put B.0 s@far.test '. <ok@b.test>'
	"$other/queue-run" 2>>stderr
	[ "$(answers B.0)" = '0 - 451 4.3.0 smtp-send failed, status 69' ]
}

@test "a worker that says what makes no sense is ended" {
	put A.0 s@far.test '. <nonsense@a.test>'
	put B.0 s@far.test '. <ok@b.test>'
	put C.0 s@far.test '. <praise@c.test>'
	run_quick
	assert_sent <<<'B.0 ok@b.test'
	[ "$(answers A.0)" = \
		'0 - 451 4.3.0 Our own program says what makes no sense' ]
	[ "$(answers C.0)" = "$(answers A.0)" ]
}

@test "a worker that hangs is ended; its message is tried later" {
	put A.0 s@far.test '. <hang@a.test>'
	put B.0 s@far.test '. <ok@a.test>'
	touch -d "@$((now - 5))" "$QUEUE/B.0"
	with PATIENCE 3000
	run_quick
	[ "$(answers A.0)" = \
		'0 - 451 4.4.2 No answer within all the time that it had' ]
	assert_sent <<<'B.0 ok@a.test'
	grep -q 'smtp-send killed next_hop=a.test' stderr
}

@test "a worker without work is kept for a moment, then ended by the end of file" {
	with LINGER 5000 IDLE 60000
	put A.0 s@far.test '. <ok@a.test>'
	run_quick &
	until [ "$(sent | wc -l)" = 1 ]; do sleep 0.02; done
	put B.0 s@far.test '. <ok@a.test>'
	run_quick B.0
	until [ "$(sent | wc -l)" = 2 ]; do sleep 0.02; done
	[ "$(wc -l <"$PENNYPOST_HOME/started")" = 1 ]
	wait $!
	for _ in $(seq 1500); do
		[ ! -e "$PENNYPOST_HOME/ended" ] || break
		sleep 0.02
	done
	[ "$(wc -l <"$PENNYPOST_HOME/ended")" = 1 ]
}

@test "a worker without work ends though others go on" {
	put A.0 s@far.test '. <ok@a.test>'
	put B.0 s@far.test '. <gate@b.test>'
	run_quick &
	until grep -qs a.test "$PENNYPOST_HOME/ended"; do sleep 0.02; done
	kill -0 $! # not because the runner has ended
	assert_sent <<<'A.0 ok@a.test'
	touch "$PENNYPOST_HOME/go"
	wait
	[ "$(sent | wc -l)" = 2 ]
}

@test "a forward that a worker makes is taken up in the same run" {
	put A.0 s@far.test '. <forward@example.test>' '. <slow@b.test>'
	run_quick
	assert_sent <<-'EOT'
		A.0 forward@example.test
		A.0 slow@b.test
		A.0-0 forwarded@elsewhere.test
	EOT
}

# hold FILE: somebody has it locked, until the end of the test
hold() {
	python3 -c '
import fcntl, struct, sys, time
f = open(sys.argv[1], "r+")
fcntl.fcntl(f, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
open("locked", "w")
time.sleep(600)' "$1" &
	STARTED="${STARTED-} $!"
	until [ -e locked ]; do sleep 0.02; done
	rm locked
}

@test "a message that somebody else works on is left to him for a minute" {
	put A.0 s@far.test '. <ok@a.test>'
	put B.0 s@far.test 'f <ok@a.test>'
	put C.0 s@far.test '+ <ok@a.test>'
	local id
	for id in A B C; do
		hold "$QUEUE/$id.0"
	done
	run_quick
	[ -z "$(sent)" ]
	assert_queue A.0 B.0 C.0
	for id in A B C; do
		assert_due $id.0 60 60
	done
	grep -q 'busy id=A.0' stderr
}

# --- What is derived ---

@test "what has failed before a crash is told before more fails" {
	put A.0 s@far.test 'f <never-1@a.test>' '. <never-2@a.test>'
	put A.0-f0 '' '. <s@far.test>' # made, but A.0 does not say so
	run_quick
	assert_sent <<-'EOT'
		A.0-f0 s@far.test
		A.0-f1 s@far.test
	EOT
	grep -q '^Final-Recipient: rfc822; never-2@a.test' \
		"$PENNYPOST_HOME/box/A.0-f1.0"
	assert_queue '*'
}

@test "what is derived stays, done, as long as it might be made again" {
	put A.0 s@example.test '. <never@a.test>' '. <later@a.test>' \
		'. <forward@example.test>'
	run_quick
	# A report and a forward, sent.
	assert_queue A.0 A.0-2 A.0-f0
	[ "$(recipients A.0-f0)" = '+ <s@example.test>' ]
	assert_due A.0-f0 300 300
	# As if a crash had come before the statuses were written.
	sed -i -e 's/^to + <never/to f <never/' -e 's/^to + </to . </' \
		"$QUEUE/A.0"
	run_quick -a
	assert_sent <<-'EOT'
		A.0 forward@example.test
		A.0 forward@example.test
		A.0-2 forwarded@elsewhere.test
		A.0-f0 s@example.test
	EOT
	sed -i 's/later@/okay/' "$QUEUE/A.0"
	sed -i 's/^to \. <.*/to + <x@a.test>/' "$QUEUE/A.0"
	touch -d "@$((now - 1))" "$QUEUE"/*
	run_quick A.0
	assert_queue A.0-2 A.0-f0
	touch -d "@$((now - 1))" "$QUEUE"/*
	run_quick
	assert_queue '*'
}

@test "the same while the first is held" {
	mkdir "$PENNYPOST_HOME/spool/hold"
	put A.0-f0 '' '. <s@example.test>'
	touch "$PENNYPOST_HOME/spool/hold/A.0"
	run_quick
	assert_queue A.0-f0
	rm "$PENNYPOST_HOME/spool/hold/A.0"
	run_quick -a
	assert_queue '*'
	assert_sent <<<'A.0-f0 s@example.test'
}

# --- Several at once ---

@test "several at once, 500 messages: each one is sent once" {
	local i
	for i in $(seq 500); do
		put A$i.0 s@far.test ". <ok@h$((i % 7)).test>"
	done
	for i in 1 2 3 4 5 6; do
		run_queue &
		[ $((i % 2)) = 1 ] || run_queue A$i.0 A$((i + 1)).0 &
	done
	wait
	assert_queue '*'
	[ "$(sent | wc -l)" = 500 ]
	[ "$(sent | sort -u | wc -l)" = 500 ]
	# One was the runner.
	[ "$(grep -o 'queue-run\[[0-9]*\]: done' stderr | sort -u | wc -l)" = 1 ]
}

@test "a second start hands over what it is there for, and ends" {
	with LINGER 5000
	put A.0 s@far.test '. <gate-1@a.test>' '. <gate-2@b.test>'
	run_quick &
	until [ -e "$PENNYPOST_HOME/started" ]; do sleep 0.02; done
	put B.0 s@far.test '. <ok@a.test>'
	put C.0 s@far.test '. <ok@a.test>'
	put D.0 s@far.test '. <ok@a.test>'
	touch -d "@$((now + 1000))" "$QUEUE"/[BCD].0
	run_quick B.0
	run_quick
	kill -0 $! # they have not waited for it
	touch "$PENNYPOST_HOME/go"
	until sent | grep -q B.0; do sleep 0.02; done
	sleep 0.2
	sent | grep -q '[CD].0' && return 1
	touch -d "@$((now - 1))" "$QUEUE/C.0"
	run_quick
	until sent | grep -q C.0; do sleep 0.02; done
	run_quick -a
	wait $!
	sent | grep -q D.0
	[ "$(grep -o 'queue-run\[[0-9]*\]: done' stderr | sort -u | wc -l)" = 1 ]
}

@test "a runner that leaves loses no nudge" {
	local i
	for i in $(seq 40); do
		put A$i.0 s@far.test ". <ok@a.test>"
		touch -d "@$((now + 1000))" "$QUEUE/A$i.0"
	done
	# The runner leaves 0.2 s after its last work.
	for i in $(seq 40); do
		run_quick A$i.0 &
		sleep 0.$((195 + i % 10))
	done
	wait
	[ "$(sent | wc -l)" = 40 ]
	assert_queue '*'
	[ "$(grep -o 'queue-run\[[0-9]*\]: done' stderr | sort -u | wc -l)" -gt 2 ]
}

# leaving CALL WHEN: a runner that has sent A.0 and now, as it leaves, takes half
# a second at the start or the end of its last CALL
leaving() {
	local n
	put A.0 s@far.test '. <ok@a.test>'
	runner_trace -e "trace=$1" "$quick/queue-run" A.0 2>>stderr
	n=$(grep -c "^$1(" trace)
	rm "$SENT"
	put A.0 s@far.test '. <ok@a.test>'
	runner_trace -e "trace=$1" \
		-e "inject=$1:delay_$2=1000000:when=$n" "$quick/queue-run" A.0 2>>stderr &
	until [ "$(sent | wc -l)" = 1 ]; do sleep 0.02; done
	sleep 0.5 # it lingers for 0.2
}

@test "a nudge just before the runner has the lock of the FIFO" {
	skip_without_trace
	leaving flock enter
	put B.0 s@far.test '. <ok@b.test>'
	run_quick B.0
	wait
	[ "$(sent | xargs)" = 'A.0 ok@a.test B.0 ok@b.test' ]
}

@test "a nudge when the runner has found the FIFO empty" {
	skip_without_trace
	leaving poll exit
	put B.0 s@far.test '. <ok@b.test>'
	run_quick B.0
	wait
	[ "$(sent | xargs)" = 'A.0 ok@a.test B.0 ok@b.test' ]
}

@test "a nudge when the FIFO is closed, and the lock not yet given up" {
	skip_without_trace
	leaving exit_group enter
	put B.0 s@far.test '. <ok@b.test>'
	run_quick B.0
	wait
	[ "$(sent | xargs)" = 'A.0 ok@a.test B.0 ok@b.test' ]
}

@test "a lock that nobody gives up, nobody listening: another time" {
	put A.0 s@far.test '. <ok@a.test>'
	with HANDOVER 1000
	exec 9<"$QUEUE"
	flock 9
	run -75 "$quick/queue-run" 9<&-
	[[ $output == *'another one runs, and is deaf'* ]]
	exec 9<&-
}

@test "systemd has the FIFO: what stands in it is tried, in turn" {
	mkfifo -m 600 "$PENNYPOST_HOME/spool/nudge"
	exec 7<>"$PENNYPOST_HOME/spool/nudge"
	with HANDOVER 60000
	put A.0 s@far.test '. <gate@a.test>'
	run_quick A.0 &
	until [ -e "$PENNYPOST_HOME/started" ]; do sleep 0.02; done
	put B.0 s@far.test '. <ok@b.test>'
	put C.0 s@far.test '. <ok@c.test>'
	run_quick -n & # waits
	sleep 0.1
	echo B.0 >&7
	touch "$PENNYPOST_HOME/go"
	wait
	[ "$(sent | cut -d' ' -f1 | xargs)" = 'A.0 B.0' ]
	exec 7>&-
}

@test "more nudges than the FIFO holds: all of the queue is looked at" {
	local i
	for i in $(seq 5); do
		put A$i.0 s@far.test '. <ok@a.test>'
	done
	mkfifo -m 600 "$PENNYPOST_HOME/spool/nudge"
	exec 7<>"$PENNYPOST_HOME/spool/nudge"
	yes gone.0 | head -c 65000 >&7
	put N.0 s@far.test '. <ok@a.test>'
	touch -d "@$((now + 1000))" "$QUEUE/N.0"
	"$quick/queue-run" -n 2>>stderr 7>&- # does not scan by itself
	[ "$(sent | wc -l)" = 5 ]
	exec 7>&-
}

@test "what is no id in the FIFO does no harm" {
	mkfifo -m 600 "$PENNYPOST_HOME/spool/nudge"
	exec 7<>"$PENNYPOST_HOME/spool/nudge"
	put A.0 s@far.test '. <ok@a.test>'
	printf '%s\n' ../users/passwd '' '-x' .hidden \
		"$(printf 'x%.0s' $(seq 200))" nosuch.0 A.0 >&7
	run_quick -n
	[ "$(sent)" = 'A.0 ok@a.test' ]
	[ "$(grep -c 'nudge: no id' stderr)" = 4 ]
	exec 7>&-
}

@test "something else has the FIFO's name: the queue is run all the same" {
	put A.0 s@far.test '. <ok@a.test>'
	echo mine >"$PENNYPOST_HOME/spool/nudge"
	run_quick
	assert_sent <<<'A.0 ok@a.test'
	[ "$(cat "$PENNYPOST_HOME/spool/nudge")" = mine ]
	grep -q 'spool/nudge: Invalid argument' stderr
}

@test "the FIFO is made, for its owner alone" {
	run_quick
	[ "$(stat -c '%F %a' "$PENNYPOST_HOME/spool/nudge")" = 'fifo 600' ]
}

@test "the message that a worker of a killed runner has is not sent twice" {
	put A.0 s@far.test '. <slow@a.test>' '. <slow-2@a.test>'
	"$quick/queue-run" 2>>stderr &
	until [ -e "$PENNYPOST_HOME/started" ]; do sleep 0.02; done
	kill -KILL $!
	wait $! || true
	run_quick
	[ "$(sent | sort -u | wc -l)" = "$(sent | wc -l)" ]
	[ "$(sent | wc -l)" -ge 1 ]
	until grep -qx "$(head -n 1 "$PENNYPOST_HOME/started")" "$PENNYPOST_HOME/ended"; do
		sleep 0.02
	done
	run_quick A.0
	[ "$(sent | sort -u | wc -l)" = "$(sent | wc -l)" ]
	[ "$(sent | wc -l)" = 2 ]
	assert_queue '*'
}

@test "told to stop: what is at hand is finished, nothing else is begun" {
	local i signal
	for signal in TERM INT; do
		rm -f "$PENNYPOST_HOME"/{sent,started,ended,go}
		for i in 1 2 3 4; do
			put A$i.0 s@far.test '. <gate@a.test>'
		done
		put B.0 s@far.test '. <gatedown@b.test>'
		"$bin/queue-run" 2>>stderr &
		until [ "$(cut -d' ' -f2 "$PENNYPOST_HOME/started" 2>/dev/null |
			sort | xargs)" = 'a.test b.test' ]; do
			sleep 0.02
		done
		kill -$signal $!
		touch "$PENNYPOST_HOME/go"
		wait $!
		[ "$(sent | wc -l)" = 2 ] # depth 2
		[ "$(ls "$QUEUE" | wc -l)" = 3 ]
		assert_due B.0 300 337
		for _ in $(seq 1500); do
			[ "$(wc -l <"$PENNYPOST_HOME/ended")" -lt 2 ] || break
			sleep 0.02
		done
		[ "$(wc -l <"$PENNYPOST_HOME/ended")" = 2 ]
		rm "$QUEUE"/*
	done
}

@test "told to stop, and a worker does not come to its end" {
	with STOP 500 FAREWELL 300
	put A.0 s@far.test '. <hang@a.test>'
	"$quick/queue-run" 2>>stderr &
	until [ -e "$PENNYPOST_HOME/started" ]; do sleep 0.02; done
	SECONDS=0
	kill -TERM $!
	wait $!
	[ $SECONDS -lt 60 ]
	assert_queue A.0
	# It has no lock on the queue any more.
	run_quick nosuch.0
	kill -KILL "$(cut -d' ' -f1 "$PENNYPOST_HOME/started")"
}

@test "the configuration changes while it runs: it goes on with the new one" {
	local i
	for i in $(seq 90); do
		put A$i.0 s@far.test '. <slow@a.test>' '. <slow@b.test>'
	done
	run_quick &
	until [ -e "$PENNYPOST_HOME/started" ]; do sleep 0.02; done
	echo 'route a.test [127.0.0.1]:2525' >>"$PENNYPOST_HOME/pennypost.conf"
	wait $!
	assert_queue '*'
	[ "$(sent | wc -l)" = 180 ]
	grep -q 'the configuration has changed' stderr
	[ "$(grep -c '^a.test' "$SENT")" -ge 1 ]
	[ "$(grep -c '^\[127.0.0.1\]:2525' "$SENT")" -ge 1 ]
	[ "$(grep -c '^b.test' "$SENT")" = 90 ]
}

@test "a worker that is always busy has its end all the same" {
	local i
	for i in $(seq 16); do
		put A$i.0 s@far.test '. <slow@example.test>'
	done
	run_quick
	[ "$(sent | wc -l)" = 16 ]
	[ "$(wc -l <"$PENNYPOST_HOME/started")" -gt 2 ]
}

# with LIMIT NUMBER...: another quick/queue-run
with() {
	local other=$BATS_TEST_TMPDIR/other
	cp -R "$quick" "$other"
	cp -R "$BATS_FILE_TMPDIR/src" .
	while [ $# -gt 0 ]; do
		sed -i "s/^#define $1 [0-9]*/#define $1 $2/" src/*.[ch]
		shift 2
	done
	queue_compile "$other/queue-run" src/*.c
	quick=$other
}

@test "more messages than fit into memory" {
	local i
	with WINDOW 10 LATER_MAX 5
	for i in $(seq 100); do
		put A$i.0 s@example.test ". <ok@h$((i % 3)).test>" '. <never@a.test>'
	done
	run_quick &
	until [ -e "$PENNYPOST_HOME/started" ]; do sleep 0.02; done
	for i in $(seq 30); do
		put B$i.0 s@far.test '. <ok@b.test>'
		run_quick B$i.0
	done
	wait
	assert_queue '*'
	[ "$(sent | wc -l)" = 230 ]
	[ "$(sent | sort -u | wc -l)" = 230 ]
}

@test "a long line for a slow host does not keep the others out" {
	local i last
	with WINDOW 20 LONG 300
	for i in $(seq 200); do
		put A$i.0 s@far.test '. <slow@a.test>'
	done
	for i in $(seq 20); do
		put Z$i.0 s@far.test '. <ok@b.test>'
	done
	last=$(ls -U "$QUEUE" | grep Z | tail -n 1)
	find "$QUEUE" -name 'Z*' ! -name "$last" -delete
	ls -U "$QUEUE" | grep -n Z
	run_quick
	assert_queue '*'
	[ "$(sent | wc -l)" = 201 ]
	[ "$(sent | sort -u | wc -l)" = 201 ]
	grep -n Z "$SENT"
	[ "$(grep -n Z "$SENT" | cut -d: -f1)" -lt 160 ]
	grep -q 'long line next_hop=a.test waiting=1[0-9]$' stderr
}

@test "twenty long lines do not keep another destination out" {
	local i k
	with TURN 2 LIFE 60000
	for i in $(seq 20); do
		put A$i.0 s@far.test ". <gate@h$i.test>"
		touch -d "@$((now - 5))" "$QUEUE/A$i.0"
		for k in $(seq 15); do
			put A$i-$k.0 s@far.test ". <slow@h$i.test>"
		done
	done
	run_quick &
	until [ "$(wc -l 2>/dev/null <"$PENNYPOST_HOME/started")" = 20 ]; do
		sleep 0.02
	done
	put Z.0 s@far.test '. <ok@z.test>'
	run_quick Z.0
	touch "$PENNYPOST_HOME/go"
	wait
	assert_queue '*'
	[ "$(sent | sort -u | wc -l)" = 321 ]
	grep -n z.test "$SENT"
	[ "$(grep -n z.test "$SENT" | cut -d: -f1)" -lt 240 ]
}

# --- What is in the way ---

DAMAGED_TEXT='is none that it writes'

@test "a file that is damaged is set aside, the postmaster told, the rest sent" {
	local whole=$BATS_TEST_TMPDIR/whole id n=0
	put A.0 s@far.test '. <ok@a.test>'
	cp "$QUEUE/A.0" "$whole"
	while IFS='|' read -r what why; do
		n=$((n + 1))
		sed -e "s/A\.0/D$n.0/" -e "$what" "$whole" >"$QUEUE/D$n.0"
		touch -d "@$((now - 100))" "$QUEUE/D$n.0"
		echo "D$n.0 $why"
	done >whys <<-'EOT'
		1d|not pennypost-queue 1
		s/queue 1/queue 2/|not pennypost-queue 1
		s/^id .*/id B.0/|a copy under another name
		s/^arrived.*/arrived x/|no arrival
		s/^size 0/size 9/|shorter than it says
		$d|shorter than it says
		s/^to \. /to x /|bad recipient
		s/^to .*/& notify=SOON/|bad recipient
		s/^to .*/to . <>/|bad recipient
		s/^from/smtputf8 x\n&/|bad smtputf8
		s/^to .*/& junk/|bad recipient
		/^to /d|the envelope does not end
		s/^from .*/from s@far.test/|bad sender
		s/^from .*/& \x01/|bad sender
		s/^from .*/& BODY=7BIT/|bad sender
		s/^to .*/to . <ok\x07@a.test>/|bad recipient
		/^$/,$d|the envelope does not end
		1,$d|the envelope does not end
	EOT
	mkdir "$QUEUE/Dir.0"
	ln -s /etc/passwd "$QUEUE/Link.0"
	mkfifo "$QUEUE/Fifo.0"
	touch -h -d "@$((now - 1))" "$QUEUE"/{Link,Dir,Fifo}.0
	run_quick
	assert_queue '*'
	[ "$(ls "$PENNYPOST_HOME/spool/damaged" | wc -l)" = $((n + 3)) ]
	[ "$(sent | grep -c '^D[0-9]*.0-x postmaster@example.test')" = $n ]
	[ "$(sent | grep -c -- '-x postmaster@example.test')" = $((n + 3)) ]
	sent | grep -qx 'A.0 ok@a.test'
	while read -r id why; do
		sed 1,/^$/d "$PENNYPOST_HOME/box/$id-x.0" | head -n 4 | tail -n 1 >got
		[ "$(cat got)" = "is none that it writes: $why." ] ||
			{ echo "$id: $why"; cat got; return 1; }
		grep -q "damaged file=spool/queue/$id why=\"$why\" now=spool/damaged/$id\$" \
			stderr
	done <whys
	[ "$(stat -c %a "$PENNYPOST_HOME/spool/damaged")" = 700 ]
	[ "$(readlink "$PENNYPOST_HOME/spool/damaged/Link.0")" = /etc/passwd ]
}

@test "what seems damaged, but was just written, may be on its way: it is left" {
	put A.0 s@far.test '. <ok@a.test>'
	head -n 3 "$QUEUE/A.0" >"$QUEUE/B.0"
	touch -d "@$((now - 30))" "$QUEUE/B.0"
	run_quick
	assert_queue B.0
	assert_sent <<<'A.0 ok@a.test'
	touch -d "@$((now - 60))" "$QUEUE/B.0"
	run_quick
	assert_queue '*'
	[ -e "$PENNYPOST_HOME/spool/damaged/B.0" ]
}

@test "a file whose name is no id is set aside; one with a dot is left alone" {
	local long
	long=$(printf 'x%.0s' $(seq 60))
	put A.0 s@far.test '. <ok@a.test>'
	cp "$QUEUE/A.0" "$QUEUE/A.0~"
	cp "$QUEUE/A.0" "$QUEUE/.A.0.swp"
	cp "$QUEUE/A.0" "$QUEUE/$long"
	cp "$QUEUE/A.0" "$QUEUE/A.0.bak"
	cp "$QUEUE/A.0" "$QUEUE/a b"
	touch -d "@$((now - 100))" "$QUEUE"/* "$QUEUE/.A.0.swp"
	run_quick
	[ "$(ls -A "$QUEUE")" = .A.0.swp ]
	[ "$(sent | grep -v postmaster)" = 'A.0 ok@a.test' ]
	[ "$(sent | grep -c postmaster)" = 4 ]
	[ "$(cd "$PENNYPOST_HOME/spool/damaged" && printf '%s,' *)" = \
		"A.0.bak,A.0~,a b,$long," ]
}

@test "set aside under a name that is taken: nothing is lost" {
	mkdir "$PENNYPOST_HOME/spool/damaged"
	echo first >"$PENNYPOST_HOME/spool/damaged/A.0"
	junk A.0 second
	run_quick
	[ "$(cat "$PENNYPOST_HOME/spool/damaged/A.0")" = first ]
	[ "$(cat "$PENNYPOST_HOME/spool/damaged"/A.0.*)" = second ]
}

@test "a notice that is damaged itself gets none" {
	junk A.0-x
	run_quick
	[ -z "$(sent)" ]
	[ -e "$PENNYPOST_HOME/spool/damaged/A.0-x" ]
	grep -q 'damaged file=spool/queue/A.0-x' stderr
}

@test "no domain is ours: a damaged file is set aside without a notice" {
	: >"$PENNYPOST_HOME/users/domains"
	junk A.0
	run_quick
	[ -z "$(sent)" ]
	[ -e "$PENNYPOST_HOME/spool/damaged/A.0" ]
}

@test "a file that cannot be read is left, and stops nothing" {
	[ "$(id -u)" = 0 ] || skip "the owner of spool is to be another user"
	put A.0 s@far.test '. <ok@a.test>'
	put B.0 s@far.test '. <ok@a.test>'
	chmod 700 "$PENNYPOST_HOME"
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
	chmod 711 "$(dirname "$BATS_TEST_TMPDIR")" "$quick"
	chown -R 65534:65534 "$PENNYPOST_HOME"
	chown 0:0 "$QUEUE/B.0"
	chmod 600 "$QUEUE/B.0"
	run_quick
	assert_sent <<<'A.0 ok@a.test'
	assert_queue B.0
	grep -q 'unreadable id=B.0: Permission denied' stderr
}

@test "root becomes the owner of spool" {
	[ "$(id -u)" = 0 ] || skip "only root can"
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
	chmod 711 "$(dirname "$BATS_TEST_TMPDIR")" "$quick"
	put A.0 s@example.test '. <never@a.test>' '. <later@a.test>'
	chown -R 65534:65534 "$PENNYPOST_HOME"
	run_quick
	[ "$(find "$PENNYPOST_HOME" ! -user 65534 | wc -l)" = 0 ]
	sent | grep -q A.0-f0
}

@test "what is old in spool/tmp goes, once it is nobody's" {
	local tmp=$PENNYPOST_HOME/spool/tmp
	touch -d "@$((now - 129700))" "$tmp"/{old,held,.hidden}
	touch -d "@$((now - 129500))" "$tmp/young"
	mkdir "$tmp/dir"
	touch -d "@$((now - 129700))" "$tmp/dir"
	hold "$tmp/held"
	touch -d "@$((now - 129700))" "$tmp/held"
	run_quick nosuch.0 # is no look at all of the queue
	[ -e "$tmp/old" ]
	run_quick
	[ "$(ls -A "$tmp" | xargs)" = '.hidden dir held young' ]
	grep -q 'removed spool/tmp/old' stderr
}

@test "no queue: a mistake that is told" {
	rm -r "$QUEUE"
	run -78 "$quick/queue-run"
	[[ $output == *'spool/queue: No such file or directory'* ]]
}

@test "wrong options and ids" {
	run -64 "$quick/queue-run" -x
	[[ $output == *'usage: queue-run'* ]]
	run -64 "$quick/queue-run" ../users/passwd
	[[ $output == *'no id: ../users/passwd'* ]]
	run -78 "$quick/queue-run" -C /nonexistent
	echo 'host' >"$PENNYPOST_HOME/pennypost.conf"
	run -78 "$quick/queue-run"
}

@test "a session of its own: it outlives who started it" {
	put A.0 s@far.test '. <gate@a.test>'
	"$quick/queue-run" 2>>stderr &
	until [ -e "$PENNYPOST_HOME/started" ]; do sleep 0.02; done
	[ "$(ps -o sid= -p $! | xargs)" = $! ]
	touch "$PENNYPOST_HOME/go"
	wait
}

@test "without a terminal its lines go to syslog" {
	skip_without_trace
	unset PENNYPOST_LOG
	put A.0 s@far.test '. <ok@a.test>'
	strace -f -o trace -e trace=connect,sendto "$quick/queue-run" 2>err
	[ ! -s err ]
	grep -q '"/dev/log"' trace
}

skip_without_trace() {
	strace -qq -o /dev/null true || skip "no process may be traced here"
}

@test "the loop is watched: an alarm is set anew in each turn" {
	skip_without_trace
	put A.0 s@far.test '. <ok@a.test>'
	# musl's alarm() is setitimer().
	runner_trace -e trace=alarm,setitimer,ppoll "$bin/queue-run" 2>>stderr
	# Who waits for the runner is the last, and has an alarm of its own.
	sed -n "s/^$(grep -m 1 'ppoll(' trace.all | cut -d' ' -f1)  *//p" \
		trace.all >trace
	[ "$(grep -cE '^(alarm|setitimer)\(.*\b600\b' trace)" -ge "$(grep -c '^ppoll(' trace)" ]
	[ "$(grep -c '^ppoll(' trace)" -gt 1 ]
}

@test "a runner that hangs is ended; the next one goes on" {
	skip_without_trace
	put A.0 s@far.test '. <ok@a.test>'
	put B.0 s@far.test '. <ok@a.test>'
	with HANG 3
	# Its log is a pipe that nobody reads.
	mkfifo log
	exec 9<>log
	yes | head -c 65536 >&9
	run -142 bash -c 'exec "$1" 2>&9' - "$quick/queue-run"
	exec 9>&-
	run_quick
	assert_queue '*'
	[ "$(sent | sort -u | wc -l)" = 2 ]
	[ "$(sent | wc -l)" = 2 ]
}

@test "100,000 messages, none due: a moment, and no memory" {
	python3 - "$QUEUE" $((now + 3600)) <<-'EOT'
		import os, sys
		queue, due = sys.argv[1], int(sys.argv[2])
		for i in range(100000):
		    name = "%s/6B02%08X.%d" % (queue, i, i)
		    os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o600))
		    os.utime(name, (due, due))
	EOT
	python3 - "$bin/queue-run" 2>>stderr <<-'EOT'
		import os, resource, subprocess, sys
		subprocess.run(sys.argv[1:], check=True)
		used = resource.getrusage(resource.RUSAGE_CHILDREN)
		assert used.ru_utime + used.ru_stime < 1, used
		assert used.ru_maxrss < 16384, used
	EOT
	find "$QUEUE" -type f -delete
}

# --- Crashes ---

# The part of `make torture` that takes seconds.
@test "killed at each call that changes the queue: each is sent and told once" {
	skip_without_trace
	TMPDIR=$BATS_TEST_TMPDIR run -0 "$ROOT/tests/torture/queue-run" -q
	[[ ${lines[-1]} == *', 0 errors, 0 violations' ]]
}

# failing ERROR CALL TEXT: the call fails whose line in a clean run has TEXT in
# it; CALL is a regular expression. The queue is as it was before.
failing() {
	local call k
	cp -R "$PENNYPOST_HOME" before
	runner_trace -e "trace=/^$2\$" "$quick/queue-run" 2>>stderr
	call=$(grep -F -m 1 "$3" trace | sed 's/(.*//')
	k=$(grep "^$call(" trace | grep -nF -m 1 "$3" | cut -d: -f1)
	[ "$k" ]
	rm -rf "$PENNYPOST_HOME"
	mv before "$PENNYPOST_HOME"
	find "$QUEUE" -type f -exec touch -d "@$((now - 100))" {} +
	runner_trace -e "trace=$call" \
		-e "inject=$call:error=$1:when=$k" "$quick/queue-run" 2>>stderr
}

@test "the disk is full: a deferral is put off, and nobody lost" {
	skip_without_trace
	put A.0 s@example.test '. <later@a.test>' '. <ok@b.test>'
	failing ENOSPC pwrite64 'answer '
	[ "$(recipients A.0)" = $'. <later@a.test>\n+ <ok@b.test>' ]
	[ -z "$(answers A.0)" ]
	assert_due A.0 300 337
	grep -q 'put off id=A.0: no answer: No space left on device' stderr
}

@test "the disk is full: a failure is put off, and the recipient tried again" {
	skip_without_trace
	put A.0 s@example.test '. <never@a.test>' '. <ok@b.test>'
	failing ENOSPC pwrite64 'answer '
	[ "$(recipients A.0)" = $'. <never@a.test>\n+ <ok@b.test>' ]
	assert_due A.0 300 337
	run_quick -a
	[ "$(sent | grep -c A.0-f0)" = 1 ]
}

@test "the report cannot be written: the failure stays known, it is told later" {
	skip_without_trace
	local call
	for call in 'link(at)?' fsync; do
		rm -f "$SENT" "$PENNYPOST_HOME"/box/*
		put A.0 s@example.test '. <never@a.test>'
		failing EIO "$call" ''
		[ "$(recipients A.0)" = 'f <never@a.test>' ]
		assert_due A.0 300 337
		grep -q 'put off id=A.0: no report: Input/output error' stderr
		# Not the recipient, but the report is tried again.
		rm "$PENNYPOST_HOME/started"
		run_quick -a
		assert_sent <<<'A.0-f0 s@example.test'
		grep -q 'Diagnostic-Code: smtp; 550 5.1.1 No such user' \
			"$PENNYPOST_HOME/box/A.0-f0.0"
		run -1 grep a.test "$PENNYPOST_HOME/started"
		assert_queue '*'
		assert_no_tmp
	done
}

@test "a failure that cannot be synced is not reported yet" {
	skip_without_trace
	put A.0 s@example.test '. <never@a.test>'
	failing EIO fdatasync ''
	[ -z "$(sent)" ]
	[ "$(recipients A.0)" = 'f <never@a.test>' ]
	assert_due A.0 300 337
	run_quick -a
	assert_sent <<<'A.0-f0 s@example.test'
}

@test "a file that cannot be removed is removed another time" {
	skip_without_trace
	put A.0 s@example.test '. <ok@a.test>'
	failing EIO 'unlink(at)?' 'queue/A.0'
	assert_queue A.0
	grep -q 'id=A.0: cannot remove it: Input/output error' stderr
	run_quick
	assert_sent <<<'A.0 ok@a.test'
	assert_queue '*'
}

@test "a file that cannot be opened, or set aside, stops nothing" {
	skip_without_trace
	put A.0 s@far.test '. <ok@a.test>'
	put B.0 s@far.test '. <ok@b.test>'
	failing EMFILE 'open(at)?' 'queue/A.0'
	assert_sent <<<'B.0 ok@b.test'
	grep -q 'unreadable id=A.0: Too many open files' stderr
	run_quick
	junk C.0
	put D.0 s@far.test '. <ok@a.test>'
	failing EIO 'rename(at2?)?' 'queue/C.0'
	assert_queue C.0 C.0-x
	grep -q 'damaged file=C.0 .*: cannot set it aside: Input/output error' stderr
	sent | grep -q D.0
	find "$QUEUE" -type f -exec touch -d "@$((now - 100))" {} +
	run_quick
	[ "$(sent | grep -c C.0-x)" = 1 ]
	[ -e "$PENNYPOST_HOME/spool/damaged/C.0" ]
	find "$QUEUE" -type f -exec touch -d "@$((now - 100))" {} +
	run_quick
	assert_queue '*'
}

@test "a queue that cannot be read to its end" {
	skip_without_trace
	put A.0 s@far.test '. <ok@a.test>'
	runner_trace -e trace=getdents64 \
		-e inject=getdents64:error=EIO:when=2+ "$quick/queue-run" 2>>stderr
	grep -q 'spool/queue: Input/output error' stderr
	run_quick
	assert_sent <<<'A.0 ok@a.test'
}

@test "no process, no socket: put off for a while, not for each message" {
	skip_without_trace
	local i
	for i in $(seq 20); do
		put A$i.0 s@far.test '. <ok@a.test>'
	done
	runner_trace -e trace=socketpair \
		-e inject=socketpair:error=EMFILE "$quick/queue-run" 2>>stderr
	[ "$(grep -c '^socketpair' trace)" = 1 ]
	[ "$(answers A7.0)" = '0 - 451 4.3.0 smtp-send does not start' ]
	assert_due A7.0 300 337
}

@test "more answers than there is room for: the last ones stay" {
	local i
	put A.0 s@far.test '. <later@a.test>' '. <later-2@a.test>'
	cp "$QUEUE/A.0" before
	{
		echo
		echo 'had remote x@y.test'
		for i in $(seq 12000); do
			echo "answer $i 1 mx.far.test 450 4.2.0 An answer of some" \
				'length, as they are in the real world, with a link'
		done
	} >>"$QUEUE/A.0"
	touch -d "@$((now - 1))" "$QUEUE/A.0"
	run_quick
	[ "$(answers A.0)" = $'0 mx.far.test 450 4.2.0 Try later\n1 mx.far.test 450 4.2.0 Try later' ]
	grep -qx 'had remote x@y.test' "$QUEUE/A.0"
	head -c "$(stat -c %s before)" "$QUEUE/A.0" | cmp - before
	run_quick A.0
	[ "$(answers A.0 | wc -l)" = 4 ]
}
