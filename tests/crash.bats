#!/usr/bin/env bats
# What a crash or a failing disk may do to mail: nothing. The part of `make
# torture` (torture/kill-sweep, torture/power-cut) that takes seconds.

load helper

setup() {
	strace -qq -o "$BATS_TEST_TMPDIR/trace" true ||
		skip "no process may be traced here"
	# Nobody reads a name in the memory of smtpd or pop3d but root, of the
	# namespace where it was started.
	STRACE=(strace)
	[ "$(id -u)" = 0 ] || ! unshare -Ur true || STRACE=(unshare -Ur strace)
	home_make
	export TMPDIR=$BATS_TEST_TMPDIR
	export TCPREMOTEIP=127.0.0.1
}

kill_sweep() {
	run -0 "$ROOT/tests/torture/kill-sweep" -q "$@"
	[[ ${lines[-1]} == *", 0 violations" ]]
}

@test "killed or failing at each write, fsync, link: one recipient" {
	kill_sweep one
}

@test "killed or failing at each write, fsync, link: a local and a remote one" {
	kill_sweep mixed
}

@test "killed or failing at each write, fsync, link: .forward" {
	kill_sweep forward
}

@test "killed or failing at each write, fsync, link: from the command line" {
	kill_sweep command
}

@test "killed or failing at each write, fsync, link: from the queue" {
	kill_sweep work
}

@test "killed or failing at each write, fork, sendmsg, link: behind a login" {
	kill_sweep login
}

@test "killed or failing at each write, fsync, unlink: POP3 deletions" {
	kill_sweep pop3
}

@test "killed or failing at each write, fsync, link: import" {
	kill_sweep import-maildir
}

@test "killed or failing at each write, fsync, rename: APPEND" {
	kill_sweep imap-append
}

@test "killed or failing at each write, fsync, rename: STORE" {
	kill_sweep imap-store
}

@test "killed or failing at each write, fsync, unlink: EXPUNGE" {
	kill_sweep imap-expunge
}

@test "killed or failing at each write, fsync, link: COPY" {
	kill_sweep imap-copy
}

@test "killed or failing at each write, fsync, rename: MOVE" {
	kill_sweep imap-move
}

# Kills cannot show what a power cut would lose: the order of the calls does.
order() { # PROGRAM PATTERN
	"${STRACE[@]}" -f -o trace \
		-e trace=fsync,fdatasync,open,openat,link,rename,write \
		"$PROGRAMS/$1" <in >out 2>err
	[ "$(grep -c ' write(1, ' trace)" = 2 ] # the greeting, and all the rest
	tr -d '\n' <trace | grep -E "$2.*write\\(1, "
}

@test "the file, its name, the directory are on the disk before the yes" {
	{
		printf '%s\r\n' 'LHLO x' 'MAIL FROM:<a@b.test>' \
			'RCPT TO:<alice@example.test>' DATA 'Subject: x' . QUIT
	} >in
	order deliver 'sync.*(link|rename).*/new/.*/new".*sync'
	sed -e s/LHLO/EHLO/ -e s/alice@example/you@far/ -i in
	order smtpd 'sync.*link.*queue/.*/queue".*sync'
}

# failing ERROR CALL TEXT: options of strace, so that the call fails whose line
# in a clean run of the rest of the command has TEXT in it (the $nth of them);
# CALL is a regular expression, as libc's open may be either call
failing() {
	local error=$1 call=$2 text=$3 k nth=${nth-1}
	shift 3
	"${STRACE[@]}" -o trace -e "trace=/^$call\$" "$@" <in >out
	call=$(grep -F -m 1 "$text" trace | sed 's/(.*//')
	k=$(grep "^$call(" trace | grep -nF -m "$nth" "$text" | tail -n 1 |
		cut -d: -f1)
	[ "$k" ]
	"${STRACE[@]}" -qq -o trace -e "trace=$call" \
		-e "inject=$call:error=$error:when=$k" "$@" <in >out
}

lmtp() {
	printf '%s\r\n' 'LHLO x' 'MAIL FROM:<a@b.test>' \
		'RCPT TO:<list@example.test>' >in
	echo 'list: alice, bob' >>"$PENNYPOST_HOME/users/aliases"
}

@test "aliases that cannot be read refuse nobody for good" {
	lmtp
	# First, deliver looks for what it must be able to reach.
	nth=3 failing EMFILE 'open(at)?' 'users/aliases", O_RDONLY' \
		"$PROGRAMS/deliver"
	grep '^451 4.3.0' out
	! grep '^550' out
}

@test "a list of which a part cannot be looked up is not delivered to the rest" {
	lmtp
	failing EMFILE 'open(at)?' bob/.forward "$PROGRAMS/deliver"
	grep '^451 4.3.0' out
	! grep '^250 2.1.5' out
}

@test "a message that cannot be read to its end is not delivered" {
	printf 'Subject: x\n\n' >in
	yes 'a line of it' | head -n 20000 >>in
	# The text as strace shows it, of the second read.
	run -75 failing EIO read 'it\na line of' \
		"$PROGRAMS/deliver" alice@example.test
	[ "$(count "$MAIL")" = 1 ] # from the clean run
	mail_of | tail -n +3 | cmp - in
	assert_no_tmp
}

@test "a file that may grow no further is an answer, not the end" {
	{
		printf '%s\r\n' 'EHLO x' 'MAIL FROM:<a@b.test>' \
			'RCPT TO:<alice@example.test>' 'BDAT 200000 LAST'
		yes $'01234567\r' | head -c 200000
		printf 'NOOP\r\n'
	} >in
	(ulimit -f 100; "$PROGRAMS/smtpd" <in 2>err) | tail -n 2 >out
	[ "$(cat out)" = $'452 4.3.1 File too big here\r\n250 2.0.0 OK\r' ]
	sed -i s/alice@example/you@far/ in
	(ulimit -f 100; "$PROGRAMS/smtpd" <in 2>err) | tail -n 2 >out
	[ "$(cat out)" = $'452 4.3.1 File too big here\r\n250 2.0.0 OK\r' ]
	(ulimit -f 100; run -75 "$PROGRAMS/deliver" alice@example.test <in)
	[ "$(count "$MAIL" "$QUEUE")" = 0 ]
	assert_no_tmp
}

@test "a configuration that cannot be read now is no reason to bounce" {
	echo x >in
	run -75 failing EIO 'open(at)?' pennypost.conf \
		"$PROGRAMS/deliver" alice@example.test
	run -75 failing EMFILE 'open(at)?' users/domains \
		"$PROGRAMS/deliver" alice@example.test
}

@test "a mailbox that cannot be listed to its end is not shown" {
	echo 'Subject: 1' >"$MAIL/alice/new/1"
	printf '%s\r\n' 'USER alice' 'PASS secret' STAT >in
	"$PROGRAMS/pop3d" <in # the first login makes files
	failing EIO 'open(at)?' alice/cur "$PROGRAMS/pop3d"
	[ "$(sed -n '3p' out)" = $'-ERR [SYS/TEMP] cannot open the mailbox\r' ]
}

@test "a peer that goes away in the middle leaves nothing behind" {
	local begin end
	for begin in DATA 'BDAT 100000'; do
		for end in '' 'BDAT 9\r\nSub' 'BDAT 3\r\nSubQUIT\r\n'; do
			{
				printf '%s\r\n' 'EHLO x' 'MAIL FROM:<a@b.test>' \
					'RCPT TO:<alice@example.test>' \
					'RCPT TO:<you@far.test>' "$begin"
				# More than smtpd keeps in memory.
				yes $'01234567\r' | head -c 100000
				printf '%b' "$end"
			} | "$PROGRAMS/smtpd" >out 2>err
			[ "$(count "$MAIL")" = 0 ]
			[ "$(count "$QUEUE")" = 0 ]
			assert_no_tmp
		done
	done
}

# faulty CALL ERROR: one failure each, at every such call of a session that moves
# a message, in a mailbox that is as it was before.
faulty() {
	local k
	for ((k = 1; k < 60; k++)); do
		rm -rf "$MAIL/alice"
		cp -a was "$MAIL/alice"
		"${STRACE[@]}" -f -qq -o trace -e "trace=$1" \
			-e "inject=$1:error=$2:when=$k" \
			"$PROGRAMS/imapd" <in >out 2>err || true
		grep -q INJECTED trace || break
		[ ! -e "$MAIL/alice/pennypost-uids.damaged" ]
		[ ! -e "$MAIL/alice/.Archive/pennypost-uids.damaged" ]
		grep -qx '0 $kept' "$MAIL/alice/dovecot-keywords"
		! grep -q '^4 OK' out || [ -e "$MAIL/alice/.Archive/cur/"*:2,a* ]
	done
	[ $k -gt 3 ]
}

@test "IMAP: what cannot be read now is neither damaged nor empty" {
	echo 'Subject: 1' >"$MAIL/alice/cur/1:2,a"
	echo '0 $kept' >"$MAIL/alice/dovecot-keywords"
	printf '%s\r\n' '1 LOGIN alice secret' '2 SELECT Archive' >in
	cp in both
	printf '%s\r\n' '2 SELECT INBOX' '3 STORE 1 +FLAGS ($new)' \
		'4 MOVE 1 Archive' >>in
	"$PROGRAMS/imapd" <both >out # the journals are made
	cp -a "$MAIL/alice" was
	faulty pread64 EIO
	faulty '/^(newfstatat|stat|lstat|statx)$' EIO
}
