#!/usr/bin/env bats
# deliver -q: the queue's worker for the recipients here. Ids on fd 0, answers
# on fd 1; who has the message is marked in the queue file.

load helper

setup() {
	home_make
	deliver=$PROGRAMS/deliver
	aliases=$PENNYPOST_HOME/users/aliases
	id=6B02835E0A3F41C2.0
	name=1795326814.6B02835E0A3F41C2_0.mx.example.test
}

# queue LINE...: a queue file, from eve@far.test, with these envelope lines and
# the message on stdin
queue() {
	local message=$BATS_TEST_TMPDIR/message
	cat >"$message"
	{
		printf '%s\n' 'pennypost-queue 1' "id $id" 'arrived 1795326814'
		printf 'size %015d\n' "$(stat -c %s "$message")"
		[[ $* == *from* ]] || echo 'from <eve@far.test>'
		printf '%s\n' "$@"
		echo
		cat "$message"
	} >"$QUEUE/$id"
}

work() { # [PROGRAM ...]: what it answers, for each id
	printf '%s\n' "${ids[@]-$id}" | "$@" "$deliver" -q \
		2>>"$BATS_TEST_TMPDIR/stderr"
}

# As a crash before the marks leaves it: everybody waits again.
unmark() {
	sed -i 's/^to [+s]/to ./' "$QUEUE/$id"
}

to_lines() {
	grep '^to ' "$QUEUE/$id"
}

simple() {
	printf 'Subject: hi\n\nbody\n.\nend\n'
}

@test "who waits here gets it, and is marked; who cannot is answered" {
	echo 'gone: |x' >"$aliases"
	simple | queue 'to . <Alice@Example.test>' \
		'to . <far@far.test>' 'to . <nobody@example.test>' \
		'to d <bob@example.test> notify=SUCCESS,DELAY' \
		'to + <carol@example.test>' 'to . <gone@example.test>' \
		'to f <carol@example.test>' 'to s <carol@example.test>'
	work >out
	diff - out <<-OUT
		to 2 - 550 5.1.1 No such user here
		to 5 - 550 5.7.1 Mail to programs is off
		done $id
	OUT
	to_lines | diff - <(printf '%s\n' 'to + <Alice@Example.test>' \
		'to . <far@far.test>' 'to . <nobody@example.test>' \
		'to s <bob@example.test> notify=SUCCESS,DELAY' \
		'to + <carol@example.test>' 'to . <gone@example.test>' \
		'to f <carol@example.test>' 'to s <carol@example.test>')
	sed '1,/^$/d' "$QUEUE/$id" | diff - <(simple)
	# One file: all is as LMTP leaves it, but for its name.
	{ echo 'Return-Path: <eve@far.test>'; simple; } |
		diff - "$MAIL/alice/new/$name,S=52,W=58"
	[ "$(stat -c %h "$MAIL"/bob/new/*)" = 2 ]
	[ "$(count "$MAIL")" = 2 ]
	assert_no_tmp
	[ -z "$(nudged)" ]
	# Once more: nobody waits.
	work >out
	[ "$(grep -v 550 out)" = "done $id" ]
	[ "$(count "$MAIL")" = 2 ]
}

@test "a recipient alone is named in the message; the mark is of its state" {
	simple | queue 'to . <alice@example.test>'
	[ "$(work)" = "done $id" ]
	{ printf '%s\n' 'Return-Path: <eve@far.test>' \
		'Delivered-To: alice@example.test'; simple; } |
		diff - "$MAIL/alice/new/$name,S=85,W=92"
	simple | queue 'from <>' 'to . <bob>' # it is ours, too
	[ "$(work)" = "done $id" ]
	grep -qx 'Return-Path: <>' "$MAIL"/bob/new/*
}

@test "ids one after the other; those that are none, or not there, or broken" {
	local ids
	for id in 1.a 2.b 3.c 4.d; do
		simple | queue 'to . <alice@example.test>'
	done
	truncate -s -1 "$QUEUE/2.b"
	sed -i 's/^from .*/from eve/' "$QUEUE/4.d"
	ids=(1.a 2.b ../queue/1.a 9.z '' 4.d 3.c)
	work | diff - <(printf 'done %s\n' "${ids[@]}")
	[ "$(count "$MAIL/alice/new")" = 2 ]
	[ "$(cat "$QUEUE"/* | grep -c '^to +')" = 2 ]
	assert_no_tmp
}

@test "answers come before the next question is asked" {
	simple | queue 'to . <alice@example.test>'
	coproc WORK { exec "$deliver" -q 2>>"$BATS_TEST_TMPDIR/stderr"; }
	local pid=$WORK_PID line
	exec 8<&"${WORK[0]}" 9>&"${WORK[1]}"
	eval "exec ${WORK[0]}<&- ${WORK[1]}>&-"
	for _ in 1 2; do
		echo "$id" >&9
		read -r -t 10 line <&8
		[ "$line" = "done $id" ]
	done
	exec 9>&-
	wait "$pid"
	exec 8<&-
}

@test "options: -q stands alone" {
	run -64 "$deliver" -q alice
	run -64 "$deliver" -q -f a@b.test
}

@test "a second try finds the first: nobody has it twice" {
	echo 'list: alice, bob' >"$aliases"
	simple | queue 'to . <list@example.test>' 'to . <alice@example.test>'
	work
	unmark
	[ "$(work)" = "done $id" ]
	[ "$(to_lines | cut -c 1-4 | sort -u)" = 'to +' ]
	[ "$(count "$MAIL"/*/new)" = 2 ]
	assert_no_tmp
	# Whoever had it already does not change what the others get.
	rm "$MAIL"/bob/new/*
	sed -i 's/^to + <list/to . <list/' "$QUEUE/$id"
	work
	[ "$(count "$MAIL"/*/new)" = 2 ]
	diff "$MAIL"/{alice,bob}/new/*
}

@test "what a killed try left in tmp is no hindrance, and no message" {
	simple | queue 'to . <alice@example.test>'
	echo 'Return-Path: <eve@fa' >"$PENNYPOST_HOME/spool/tmp/$name"
	[ "$(work)" = "done $id" ]
	[ "$(count "$MAIL/alice")" = 1 ]
	tail -n 5 "$MAIL"/alice/new/* | diff - <(simple)
	assert_no_tmp
	echo 'box: /dev/null' >"$aliases"
	simple | queue 'to . <box@example.test>'
	echo half >"$PENNYPOST_HOME/spool/tmp/$name"
	[ "$(work)" = "done $id" ]
	assert_no_tmp
}

@test "a killed try, and the reader has opened the message meanwhile" {
	echo 'list: alice, bob, carol' >"$aliases"
	simple | queue 'to . <list@example.test>'
	# The first unlink takes the temporary name away.
	strace -qq -o trace -e trace=/^unlink -e inject=/^unlink:signal=KILL \
		"$deliver" -q <<<"$id" 2>"$BATS_TEST_TMPDIR/stderr" || true
	[ "$(count "$MAIL"/*/new)" = 3 ]
	[ "$(count "$PENNYPOST_HOME/spool/tmp")" = 1 ]
	unmark
	for user in alice carol; do
		mv "$MAIL/$user/new"/* "$MAIL/$user/cur/$name,S=52,W=58:2,S"
		echo other >"$MAIL/$user/cur/$name"2
	done
	[ "$(work)" = "done $id" ]
	[ "$(cd "$MAIL" && echo */new/*)" = "bob/new/$name,S=84,W=91" ]
	assert_no_tmp
	[ "$(to_lines)" = 'to + <list@example.test>' ]
	# One of two was marked.
	rm "$MAIL"/*/*/*
	simple | queue 'to . <alice@example.test>' 'to . <bob@example.test>'
	strace -qq -o trace -P "$QUEUE/$id" -e trace=pwrite64 \
		-e inject=pwrite64:signal=KILL:when=2 \
		"$deliver" -q <<<"$id" 2>"$BATS_TEST_TMPDIR/stderr" || true
	to_lines | diff - <(printf '%s\n' 'to + <alice@example.test>' \
		'to . <bob@example.test>')
	mv "$MAIL/bob/new"/* "$MAIL/bob/cur/$name,S=52,W=58:2,"
	[ "$(work)" = "done $id" ]
	[ "$(count "$MAIL/bob")" = 1 ]
	assert_no_tmp
}

# lock AT: holds the lock of the byte at AT of the queue file, until its stdin
# ends
lock() {
	python3 -c 'import fcntl, os, struct, sys
f = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(f, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0,
    int(sys.argv[2]), 1, 0)) # F_OFD_SETLK
print("locked", flush=True)
sys.stdin.read()' "$QUEUE/$id" "$1"
}

@test "what somebody else works on is left alone, all that is here" {
	simple | queue 'to . <alice@example.test>' 'to . <far@far.test>' \
		'to . <bob@example.test>'
	local at line pid
	at=$(grep -abo '^to . <bob' "$QUEUE/$id" | cut -d: -f1)
	coproc LOCK { lock $((at + 3)); }
	pid=$LOCK_PID # bash forgets it when the coprocess has ended
	read -r -t 10 line <&"${LOCK[0]}"
	[ "$line" = locked ]
	[ "$(work)" = "done $id" ]
	[ "$(count "$MAIL")" = 0 ]
	[ "$(to_lines | grep -c 'to \.')" = 3 ]
	eval "exec ${LOCK[1]}>&-"
	wait "$pid"
	# Only those that are ours matter.
	at=$(grep -abo '^to . <far' "$QUEUE/$id" | cut -d: -f1)
	coproc LOCK { lock $((at + 3)); }
	pid=$LOCK_PID # bash forgets it when the coprocess has ended
	read -r -t 10 line <&"${LOCK[0]}"
	[ "$(work)" = "done $id" ]
	[ "$(count "$MAIL")" = 2 ]
	eval "exec ${LOCK[1]}>&-"
	wait "$pid"
}

@test "two at once: one of them does it" {
	local pids=() i
	echo 'list: alice, bob, carol' >"$aliases"
	for i in {1..20}; do
		id=$i.a
		simple | queue 'to . <list@example.test>' 'to . <bob@example.test>'
	done
	for i in 1 2 3; do
		printf '%d.a\n' {1..20} | "$deliver" -q >"out$i" 2>/dev/null &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$(cat out? | grep -c ^done)" = 60 ]
	[ "$(count "$MAIL"/*/new)" = 60 ]
	run -1 grep '^to \.' "$QUEUE"/*
	assert_no_tmp
}

@test "a mailbox that fails is answered for; the others have it, once" {
	rm -r "$MAIL/bob/new"
	simple | queue 'to . <alice@example.test>' 'to . <bob@example.test>'
	work | diff - <(printf '%s\n' 'to 1 - 451 4.3.0 Cannot write it now' \
		"done $id")
	to_lines | diff - <(printf '%s\n' 'to + <alice@example.test>' \
		'to . <bob@example.test>')
	assert_no_tmp
	mkdir "$MAIL/bob/new"
	[ "$(work)" = "done $id" ]
	[ "$(count "$MAIL"/*/new)" = 2 ]
}

@test "one of several places fails: the others have it, and get it no more" {
	echo 'alias_pipes yes' >>"$PENNYPOST_HOME/pennypost.conf"
	mkdir beside
	echo "list: alice, $PWD/box, \"|cat >>$PWD/beside/piped\", me@far.test, bob" \
		>"$aliases"
	rm -r "$MAIL/bob/new"
	simple | queue 'to . <list@example.test>' 'to . <carol@example.test>'
	work | diff - <(printf '%s\n' "new $id-0" \
		'to 0 - 451 4.3.0 Cannot write it now' "done $id")
	to_lines | diff - <(printf '%s\n' 'to . <list@example.test>' \
		'to + <carol@example.test>')
	tail -n 5 "$QUEUE/$id" | diff - <(printf '%s\n' '' \
		'had maildir spool/mail/example.test/alice' "had mbox $PWD/box" \
		"had pipe cat >>$PWD/beside/piped" 'had remote me@far.test')
	# It still fails, and what they have may have gone its way meanwhile.
	rm "$MAIL/alice/new"/* "$QUEUE/$id-0"
	cp "$QUEUE/$id" before
	work | diff - <(printf '%s\n' 'to 0 - 451 4.3.0 Cannot write it now' \
		"done $id")
	cmp "$QUEUE/$id" before
	mkdir "$MAIL/bob/new"
	[ "$(work)" = "done $id" ]
	[ "$(to_lines | cut -c 1-4 | sort -u)" = 'to +' ]
	[ "$(count "$MAIL/alice" "$MAIL/bob")" = 1 ]
	[ "$(count "$QUEUE")" = 1 ]
	[ "$(grep -c '^Subject' box beside/piped | grep -c ':1$')" = 2 ]
	assert_no_tmp
}

@test "one of several places fails, and the alias is changed" {
	echo 'list: me@far.test, bob' >"$aliases"
	rm -r "$MAIL/bob/new"
	simple | queue 'to . <list@example.test>'
	work >out
	echo 'list: me@far.test, bob, you@far.test' >"$aliases"
	work | diff - <(printf '%s\n' "new $id-0.1" \
		'to 0 - 451 4.3.0 Cannot write it now' "done $id")
	[ "$(grep '^to ' "$QUEUE/$id-0.1")" = 'to . <you@far.test>' ]
	# However much was said, what it had is kept.
	for i in {1..11000}; do
		printf 'answer %d 0 %0100d 450 %d\n' "$i" 0 "$i"
	done >>"$QUEUE/$id"
	echo 'list: me@far.test, bob, you@far.test, alice' >"$aliases"
	work >out
	sed "1,/^end/d" "$QUEUE/$id" | diff - <(printf '%s\n' '' \
		'had remote me@far.test' 'had remote you@far.test' \
		'had maildir spool/mail/example.test/alice' \
		"$(printf 'answer 11000 0 %0100d 450 11000' 0)")
	mkdir "$MAIL/bob/new"
	[ "$(work)" = "done $id" ]
	[ "$(count "$MAIL")" = 2 ]
}

@test "what cannot be marked is noted, and not delivered again" {
	echo "list: $PWD/box" >"$aliases"
	simple | queue 'to . <list@example.test>'
	work strace -qq -o trace -P "$QUEUE/$id" -e trace=pwrite64 \
		-e inject=pwrite64:error=EIO:when=1 | diff - <(printf '%s\n' \
		'to 0 - 451 4.3.0 Delivered, but cannot note it now' "done $id")
	[ "$(work)" = "done $id" ]
	[ "$(grep -c '^Subject' box)" = 1 ]
}

@test "a forward leaves by the queue, under an id that comes of this one" {
	printf '%s\n' 'out: one@far.test, alice' 'two: two@far.test' >"$aliases"
	simple | queue 'ret hdrs' 'envid abc' 'from <eve@example.test>' \
		'to . <x@far.test>' \
		'to . <out@example.test> notify=SUCCESS,DELAY orcpt=rfc822;o' \
		'to . <two@example.test>'
	work | diff - <(printf '%s\n' "new $id-1" "new $id-2" "done $id")
	[ -z "$(nudged)" ]
	sed '/^arrived/d' "$QUEUE/$id-1" | diff - <(printf '%s\n' \
		'pennypost-queue 1' "id $id-1" 'size 000000000000055' \
		'ret hdrs' 'envid abc' 'from <eve@example.test>' \
		'to . <one@far.test> notify=DELAY orcpt=rfc822;o' '' \
		'Delivered-To: out@example.test'; simple)
	grep -qx 'to \. <two@far.test>' "$QUEUE/$id-2"
	# The same once more: they are there, and perhaps not yet on the disk.
	unmark
	work strace -qq -o trace -e trace=/^open,fsync,write |
		diff - <(printf '%s\n' "new $id-1" "new $id-2" "done $id")
	tr -d '\n' <trace | grep -q '"spool/queue", [^"]*fsync.*write(1, "new'
	[ "$(count "$QUEUE")" = 3 ]
	[ "$(count "$MAIL"/alice/new)" = 1 ]
	assert_no_tmp
	# A kill left it half written.
	unmark
	rm "$QUEUE/$id-1"
	echo half >"$PENNYPOST_HOME/spool/tmp/$id-1"
	work | grep -qx "new $id-1"
	grep -q '^\.$' "$QUEUE/$id-1"
	assert_no_tmp
}

@test "loops end: a forward's own mark, and a hundred hops" {
	echo far@away.test >"$MAIL/alice/.forward"
	{ echo 'Delivered-To: Alice@Example.test'; simple; } |
		queue 'to . <alice@example.test>'
	work | diff - <(printf '%s\n' "to 0 - 554 5.4.6 Mail forwarding loop" \
		"done $id")
	{ for i in {1..102}; do echo "Received: from $i"; done; simple; } |
		queue 'to . <bob@example.test>' 'to . <nobody@example.test>'
	work | diff - <(printf '%s\n' 'to 1 - 550 5.1.1 No such user here' \
		'to 0 - 554 5.4.6 Too many hops' "done $id")
	[ "$(count "$MAIL")" = 1 ]
	assert_no_tmp
}

@test "a message larger than is taken now was taken: it is delivered" {
	echo 'message_size_limit 65536' >>"$PENNYPOST_HOME/pennypost.conf"
	{ simple; yes 'a line of it' | head -n 20000; } |
		queue 'to . <alice@example.test>'
	[ "$(work)" = "done $id" ]
	tail -n +3 "$MAIL"/alice/new/* | cmp - message
}

@test "another file system: a copy, and still only one" {
	local other=/dev/shm/pennypost.$$
	mkdir -p "$other"/{tmp,new,cur}
	echo "both: alice, $other/" >"$aliases"
	simple | queue 'to . <both@example.test>'
	echo half >"$other/tmp/$name"
	[ "$(work)" = "done $id" ]
	cmp "$MAIL"/alice/new/* "$other"/new/*
	unmark
	[ "$(work)" = "done $id" ]
	[ "$(count "$other" "$MAIL"/alice)" = 2 ]
	rm -r "$other"
}

@test "what the disk refuses is not marked, and left for later" {
	local call error
	simple | queue 'to . <alice@example.test>' 'to . <bob@example.test>'
	sed -i 's/^arrived .*/arrived 1795326814/' "$QUEUE/$id"
	# Whatever fails, both are tried again, and have it once in the end.
	while read -r call error; do
		rm -f "$MAIL"/*/new/*
		unmark
		work strace -qq -o trace -e "trace=$call" \
			-e "inject=$call:error=$error:when=1" >out
		[ "$(tail -n 1 out)" = "done $id" ]
		[ "$(grep -c '^to [01] - 45[12] ' out)" = \
			"$(to_lines | grep -c '^to \.')" ]
		[ "$(grep -c ^to out)" -gt 0 ]
		assert_no_tmp
		[ "$(work)" = "done $id" ]
		[ "$(to_lines | grep -c '^to +')" = 2 ]
		[ "$(count "$MAIL"/*/new)" = 2 ]
	done <<-CALLS
		fsync EIO
		/^link ENOSPC
		/^link EIO
		pwrite64 EIO
	CALLS
}

@test "a queue file that cannot be read to its end is not delivered" {
	{ simple; yes 'a line of it' | head -n 20000; } |
		queue 'to . <alice@example.test>'
	# The envelope, its status byte, a block of the message.
	work strace -qq -o trace -P "$QUEUE/$id" -e trace=pread64 \
		-e inject=pread64:error=EIO:when=4 |
		diff - <(printf '%s\n' \
		'to 0 - 451 4.3.0 Cannot read the queue file now' "done $id")
	[ "$(count "$MAIL")" = 0 ]
	assert_no_tmp
}

# Kills cannot show what a power cut would lose: the order of the calls does.
@test "file, name, directory, mark: each is on the disk before the next" {
	simple | queue 'to . <alice@example.test>'
	work strace -qq -o trace \
		-e trace=/^f.*sync,/^open,/^link,/^unlink,pwrite64,write
	tr -d '\n' <trace >order
	grep -qE "sync.*link.*/tmp/.*new/.*/new\".*fsync.*pwrite64.*\"\\+\".*sync.*unlink.*/tmp/.*write\\(1, \"done" order
}
