#!/usr/bin/env bats
# deliver: LMTP on fd 0 and 1, or one message on fd 0 and recipients as
# arguments; aliases, forwards, Maildir, mbox.

load helper

setup() {
	home_make
	deliver=$PROGRAMS/deliver
	aliases=$PENNYPOST_HOME/users/aliases
}

# send RECIPIENT...: a small message, by the command line
send() {
	printf 'Subject: hi\n\nbody\n' |
		"$deliver" -f sender@b.test "$@" 2>>"$BATS_TEST_TMPDIR/stderr"
}

queued() {
	sed -n 's/^to . <\(.*\)>.*/\1/p' "$QUEUE"/* 2>/dev/null | sort
}

# LMTP

@test "LMTP: one reply for each recipient" {
	both "$deliver" <<'TALK'
S: 220 mx.example.test LMTP Pennypost
C: LHLO me
S: 250-mx.example.test
S: 250-SIZE 52428800
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250 ENHANCEDSTATUSCODES
C: MAIL FROM:<a@b.test>
S: 250 2.1.0 Sender OK
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 Recipient OK
C: RCPT TO:<nobody@example.test>
S: 550 5.1.1 No such user here
C: RCPT TO:<x@far.test>
S: 550 5.1.2 Not a domain of mine
C: RCPT TO:<bob@example.test>
S: 250 2.1.5 Recipient OK
C: DATA
S: 354 End with CRLF.CRLF
C: Subject: x
C:
C: ..dot
C: .
S: 250 2.0.0 Delivered
S: 250 2.0.0 Delivered
C: RCPT TO:<alice@example.test>
S: 503 5.5.1 Bad sequence of commands
C: MAIL FROM:<a@b.test>
S: 250 2.1.0 Sender OK
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 Recipient OK
c: BDAT 6\r\nx: y\r\n
S: 250 2.0.0 OK
c: BDAT 7 LAST\r\n\r\n.\r\nz\n
S: 550 5.6.0 Bare CR or LF in the message
C: QUIT
S: 221 2.0.0 Goodbye
TALK
	[ "$(count "$MAIL")" = 4 ]
	[ "$(mail_of | tail -1)" = .dot ]
	assert_no_tmp
}

@test "LMTP: one mailbox fails, the other one has it" {
	rm -r "$MAIL/bob/new"
	both "$deliver" <<'TALK'
S: 220 *
C: LHLO me
S: 250-mx.example.test
S: 250-SIZE *
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250 ENHANCEDSTATUSCODES
C: MAIL FROM:<a@b.test>
S: 250 2.1.0 Sender OK
C: RCPT TO:<bob@example.test>
S: 250 2.1.5 Recipient OK
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 Recipient OK
C: DATA
S: 354 End with CRLF.CRLF
C: .
S: 451 4.3.0 Cannot write it now
S: 250 2.0.0 Delivered
TALK
	[ "$(count "$MAIL/alice")" = 2 ]
	assert_no_tmp
}

@test "LMTP: every command in its place" {
	both "$deliver" <<'TALK'
S: 220 *
C: EHLO me
S: 500 5.5.1 Command not recognized
C: MAIL FROM:<>
S: 503 5.5.1 Bad sequence of commands
C: NOOP
S: 250 2.0.0 OK
C: VRFY x
S: 252 2.5.0 Send mail to it, and see
C: RSET
S: 250 2.0.0 OK
C: DATA
S: 503 5.5.1 Bad sequence of commands
c: BDAT 3\r\nabc
S: 503 5.5.1 Bad sequence of commands
C: NOOP
S: 250 2.0.0 OK
TALK
}

# The command line

@test "the command line: a message on fd 0" {
	send alice@example.test
	mail_of >got
	printf '%s\n' 'Return-Path: <sender@b.test>' \
		'Delivered-To: alice@example.test' 'Subject: hi' '' body >want
	diff want got
	assert_no_tmp
}

@test "the command line: bare names, CRLF, a From_ line, no newline at the end" {
	printf 'From eve@c.test Sun Nov 22 05:00:00 2026\r\nx: y\r\n\r\nend' |
		"$deliver" alice bob
	mail_of >got
	printf '%s\n' 'Return-Path: <eve@c.test>' 'x: y' '' end >want
	diff want got
	[ "$(stat -c %h "$MAIL"/bob/new/*)" = 2 ]
}

@test "the command line: exit codes of <sysexits.h>" {
	run -67 send nobody
	run -67 send alice nobody
	[ "$(count "$MAIL")" = 0 ]	# all or nobody
	run -68 send x@far.test
	run -69 send 'a b@c'
	rm -r "$MAIL/bob/new"
	run -75 send bob
	run -64 "$deliver" -x
	run -78 env PENNYPOST_HOME=/nonexistent "$deliver" alice
	printf 'x: %070000d\n\n' 1 >long
	run -65 "$deliver" alice <long
	assert_no_tmp
}

# Where mail goes

@test "aliases: names, lists, continuation, comments, any case" {
	cat >"$aliases" <<'A'
# comment: bob
Sales:	alice,
	"bob" , carol	
boss: Alice@Example.Test
sales@example.test.not: nobody
A
	send SALES
	send boss@example.test
	[ "$(count "$MAIL/alice")" = 2 ]
	[ "$(count "$MAIL/bob")" = 1 ]
	[ "$(count "$MAIL/carol")" = 1 ]
}

@test "aliases: comments and blank lines within an entry, quoted names" {
	cat >"$aliases" <<'A'
list: alice,
# not: the end
  # carol,

		
	bob

"two": alice
"Quo Te@example.test": carol
#dave: alice
 #dave: alice
"#dave: alice
A
	send list
	[ "$(count "$MAIL/alice")" = 1 ]
	[ "$(count "$MAIL/bob")" = 1 ]
	[ "$(count "$MAIL/carol")" = 0 ]
	send TWO
	[ "$(count "$MAIL/alice")" = 2 ]
	send '"quo te"@example.test'
	[ "$(count "$MAIL/carol")" = 1 ]
	run -67 send '#dave'
	run -67 send not
}

@test "aliases: a bare name is of the domain that led there, else of the first" {
	local two=$PENNYPOST_HOME/spool/mail/two.test
	echo two.test >>"$PENNYPOST_HOME/users/domains"
	mkdir -p "$two"/alice/{tmp,new,cur}
	echo bob >more
	printf 'team: alice, :include:%s\ncarol@two.test: carol\n' "$PWD/more" \
		>"$aliases"
	send team@two.test
	[ "$(count "$two/alice")" = 1 ]
	[ "$(count "$MAIL/alice")" = 0 ]
	[ "$(count "$MAIL/bob")" = 1 ]
	send team@example.test
	[ "$(count "$MAIL/alice")" = 1 ]
	[ "$(count "$two/alice")" = 1 ]
	# The same within a list.
	mkdir -p "$two"/bob/{tmp,new,cur}
	send team@two.test
	[ "$(count "$two/bob")" = 1 ]
	send carol@two.test
	[ "$(count "$MAIL/carol")" = 1 ]
}

@test "aliases: more than a thousand targets are nobody's" {
	printf 'u%d@far.test\n' {1..1000} >list
	echo "list: :include:$PWD/list" >"$aliases"
	send list
	[ "$(queued | wc -l)" = 1000 ]
	rm "$QUEUE"/*
	echo alice >>list
	run -75 send list
	[ "$(count "$QUEUE" "$MAIL")" = 0 ]
	assert_no_tmp
}

@test "aliases: the order of detail, name, mailbox, catch-all" {
	cat >"$aliases" <<'A'
alice+urgent: bob
@example.test: carol
A
	send alice+urgent; [ "$(count "$MAIL/bob")" = 1 ]
	send alice+other; [ "$(count "$MAIL/alice")" = 1 ]
	send anything; [ "$(count "$MAIL/carol")" = 1 ]
	echo 'alice: bob' >>"$aliases"
	send alice; [ "$(count "$MAIL/bob")" = 2 ]
	echo 'alice@example.test: carol' >>"$aliases"
	send alice; [ "$(count "$MAIL/carol")" = 2 ]
}

@test "aliases: itself is its mailbox, circles end, depth is limited" {
	cat >"$aliases" <<'A'
alice: alice, bob
carol: dave
dave: carol
x0: x1
x1: x2
x2: x3
x3: x4
x4: x5
x5: x6
x6: x7
x7: x8
x8: x9
x9: x10
x10: x11
x11: alice
A
	send alice
	[ "$(count "$MAIL/alice")" = 1 ]
	[ "$(count "$MAIL/bob")" = 1 ]
	send carol; [ "$(count "$MAIL/carol")" = 1 ]
	run -75 send x0
	send x2
}

@test "aliases: two ways to one mailbox are one delivery" {
	printf 'a: alice\nb: alice, bob\n' >"$aliases"
	send a b alice
	[ "$(count "$MAIL/alice")" = 1 ]
}

@test "aliases: :include:, with addresses only" {
	printf 'alice\n# nobody\nbob, far@away.test\n|touch x\n%s/x\n' "$PWD" >list
	echo "list: :include:$PWD/list" >"$aliases"
	send list
	[ "$(count "$MAIL/alice")" = 1 ]
	[ "$(count "$MAIL/bob")" = 1 ]
	[ "$(queued)" = far@away.test ]
	[ ! -e x ]
	[ ! -e "$PENNYPOST_HOME/x" ]
	echo "list: :include:$PWD/missing" >"$aliases"
	run -75 send list
	printf ':include:%s\n' "$PWD/loop" >loop
	echo "list: alice, :include:$PWD/loop" >"$aliases"
	send list
}

@test "aliases: a broken target does not hide the good ones" {
	printf 'list: nobody, alice, a b c\n' >"$aliases"
	send list
	[ "$(count "$MAIL/alice")" = 1 ]
	printf 'list: nobody\n' >"$aliases"
	run -67 send list
}

@test "aliases: to a file is mbox, locked and From_-quoted" {
	echo "archive: $PWD/mbox" >"$aliases"
	printf 'Subject: 1\n\nFrom here\n>From there\nend' |
		"$deliver" -f a@b.test archive
	send archive
	sed 's/^\(From [^ ]*\) .*/\1 DATE/' mbox >got
	cat >want <<'MBOX'
From a@b.test DATE
Return-Path: <a@b.test>
Delivered-To: archive
Subject: 1

>From here
>>From there
end

From sender@b.test DATE
Return-Path: <sender@b.test>
Delivered-To: archive
Subject: hi

body

MBOX
	diff want got
	[ ! -e mbox.lock ]
	# A message that was cut off before does not swallow the next one.
	printf 'From x\n\ncut' >mbox
	send archive
	grep -q '^From sender@b.test' mbox
	# Somebody holds the lock.
	touch mbox.lock
	before=$(cksum <mbox)
	run -75 timeout 60 strace -f -o /dev/null \
		-e inject=clock_nanosleep,nanosleep:retval=0 "$deliver" archive </dev/null
	[ "$before" = "$(cksum <mbox)" ]
}

@test "mbox: a lock that nobody holds any more is removed" {
	echo "archive: $PWD/mbox" >"$aliases"
	touch -d '501 seconds ago' mbox.lock
	timeout 60 "$deliver" archive <<<'x: y' 2>"$BATS_TEST_TMPDIR/stderr"
	grep -q '^x: y' mbox
	grep -q 'mbox.lock: removed, it was stale' "$BATS_TEST_TMPDIR/stderr"
	[ ! -e mbox.lock ]
}

@test "mbox: cut back when the disk is full or breaks" {
	echo "archive: $PWD/mbox" >"$aliases"
	send archive
	cp mbox before
	run -75 strace -f -o trace -P "$PWD/mbox" -e trace=fsync,write \
		-e inject=fsync:error=EIO "$deliver" archive <<<'x: y'
	cmp mbox before
	run -75 strace -f -o trace -P "$PWD/mbox" -e trace=fsync,write \
		-e inject=write:error=ENOSPC "$deliver" archive <<<'x: y'
	cmp mbox before
}

@test "aliases: to a directory is Maildir, to /dev/null is nowhere" {
	mkdir -p box/{tmp,new,cur}
	printf 'box: %s/box/\nvoid: /dev/null\n' "$PWD" >"$aliases"
	send box
	[ "$(count box/new)" = 1 ]
	send void
	[ "$(count "$MAIL")" = 0 ]
	mkdir nobox
	echo "box: $PWD/nobox/" >"$aliases"
	run -75 send box
}

@test "aliases: pipes are off; on, a program's exit code is the answer" {
	mkdir beside
	echo "prog: \"|cd $PWD/beside; cat >piped; echo \$SENDER \$RECIPIENT >who\"" \
		>"$aliases"
	run -77 send prog
	echo 'alias_pipes yes' >>"$PENNYPOST_HOME/pennypost.conf"
	send prog
	grep -q '^body' beside/piped
	[ "$(cat beside/who)" = 'sender@b.test prog' ]
	echo 'prog: "|exit 75"' >"$aliases"; run -75 send prog
	echo 'prog: "|exit 67"' >"$aliases"; run -67 send prog
	echo 'prog: "|exit 1"' >"$aliases"; run -69 send prog
	echo 'prog: "|kill -9 $$"' >"$aliases"; run -69 send prog
	assert_no_tmp
}

@test "a stranger's address never reaches a shell" {
	echo 'alias_pipes yes' >>"$PENNYPOST_HOME/pennypost.conf"
	echo '@example.test: "|cat >/dev/null"' >"$aliases"
	local evil
	for evil in '|touch$IFS/tmp/pwned' '$(touch${IFS}/tmp/pwned)' \
		'`touch${IFS}/tmp/pwned`' ':include:/etc/passwd' '/tmp/pwned' \
		'-oQ/tmp' '../../../tmp/pwned'; do
		printf 'x: y\n\n' | "$deliver" "\"$evil\"@example.test" 2>/dev/null || true
	done
	[ ! -e /tmp/pwned ]
}

@test ".forward: elsewhere, a copy here, folders and files of one's own" {
	echo 'far@away.test' >"$MAIL/alice/.forward"
	send alice
	[ "$(count "$MAIL/alice/new")" = 0 ]
	[ "$(queued)" = far@away.test ]
	printf '\\alice, far@away.test\n./mbox\n./.Lists/\n' >"$MAIL/alice/.forward"
	mkdir -p "$MAIL/alice/.Lists"/{tmp,new,cur}
	rm "$QUEUE"/*
	send alice@example.test
	[ "$(count "$MAIL/alice/new")" = 1 ]
	[ "$(count "$MAIL/alice/.Lists/new")" = 1 ]
	grep -q '^body' "$MAIL/alice/mbox"
	[ "$(queued)" = far@away.test ]
	# The queue file: the forwarder's mark on top, no Return-Path.
	sed -n '/^$/,$p' "$QUEUE"/* | sed 1d >got
	printf '%s\n' 'Delivered-To: alice@example.test' 'Subject: hi' '' body >want
	diff want got
	grep -q '^from <SRS0=.*=b.test=sender@example.test>$' "$QUEUE"/*
}

@test ".forward: nothing outside the mailbox" {
	local line
	for line in "$PWD/out" ./../bob/new/x '|touch out' ':include:/etc/passwd'; do
		echo "$line" >"$MAIL/alice/.forward"
		run send alice
		[ "$status" != 0 ]
	done
	[ "$(count "$MAIL")" = 1 ]
	[ ! -e out ]
}

@test ".forward: one that cannot be read is no reason to lose mail" {
	ln -s loop "$MAIL/alice/.forward"
	ln -s .forward "$MAIL/alice/loop"
	run -75 send alice
}

@test "a CR that ends no line: a blank in what is forwarded" {
	printf '\\alice, far@away.test\n' >"$MAIL/alice/.forward"
	printf 'Subject: a\rb\r\n\r\nc\r\r\nd\n\re\n' |
		"$deliver" -f sender@b.test alice@example.test
	sed '1,/^$/d' "$QUEUE"/* >got
	printf '%s\n' 'Delivered-To: alice@example.test' 'Subject: a b' '' \
		'c ' d ' e' >want
	diff want got
	mail_of | tail -4 >got
	printf '%b' '\nc\r\nd\n\re\n' >want
	diff want got
}

@test "a forward that comes back is a loop" {
	echo 'far@away.test' >"$MAIL/alice/.forward"
	run -69 "$deliver" alice@example.test <<'M'
Delivered-To: Alice@Example.test
Subject: again

M
	[[ $output == *'554 5.4.6 Mail forwarding loop'* ]]
	[ -z "$(queued)" ]
	rm "$MAIL/alice/.forward"	# plain delivery is no loop
	"$deliver" alice@example.test <<<'Delivered-To: alice@example.test'
}

@test "a hundred hops are a loop for deliver too" {
	{
		for i in {1..102}; do echo "Received: from $i"; done
		echo
	} >loop
	run -69 "$deliver" alice <loop
	[ "$(count "$MAIL")" = 0 ]
	assert_no_tmp
	sed 1d loop | "$deliver" alice	# one of these is this host's own
	[ "$(count "$MAIL")" = 1 ]
}

@test "another file system: the message is copied, not linked" {
	mkdir -p /dev/shm/pennypost.$$/{tmp,new,cur}
	printf 'both: alice, /dev/shm/pennypost.%s/\n' $$ >"$aliases"
	send both
	cmp "$MAIL"/alice/new/* /dev/shm/pennypost.$$/new/*
	[ "$(count /dev/shm/pennypost.$$/tmp)" = 0 ]
	rm -r /dev/shm/pennypost.$$
	assert_no_tmp
}

@test "two hundred at once: every name is its own" {
	for i in {1..200}; do
		printf 'x: %s\n\n' "$i" | "$deliver" alice &
	done
	wait
	[ "$(count "$MAIL/alice/new")" = 200 ]
	assert_no_tmp
}

@test "a file size limit is an answer, not a death" {
	head -c 300000 /dev/zero | tr '\0' '\n' >big
	run -75 bash -c "ulimit -f 100; exec '$deliver' alice <big"
	[ "$(count "$MAIL")" = 0 ]
	assert_no_tmp
}

@test "what cannot be written is temporary, and leaves nothing" {
	local error
	for error in write:error=ENOSPC:when=1 fsync:error=EIO:when=1 \
		rename:error=EIO fsync:error=EIO:when=2; do
		run -75 strace -f -o trace -e "inject=$error" "$deliver" alice \
			<<<'Subject: this is longer than seven octets'
		assert_no_tmp
	done
}

@test "one syncfs for many Maildirs: when it fails, all of them have failed" {
	case $(stat -f -c %T "$MAIL") in
	ext2/ext3 | xfs | btrfs) ;;
	*) skip 'syncfs is not used on this file system' ;;
	esac
	mkdir -p "$MAIL"/dave/{tmp,new,cur}
	echo 'list: alice, bob, carol, dave' >"$aliases"
	run -75 strace -f -o trace -e trace=syncfs -e inject=syncfs:error=EIO \
		"$deliver" list <<<'x: y'
	grep -q '^[0-9]* *syncfs' trace
	assert_no_tmp
}

@test "-v: where it would go, and the file and line that say so" {
	local list=$PWD/list mail=spool/mail/example.test
	cat >"$aliases" <<A
# comment
Sales:	alice,
	"bob" , :include:$list

staff: sales, /var/mail/x, |cat >a	b
@example.test: bob
A
	printf '# first\ncarol, one@far.test\n\n\t# x\n  two@far.test' >"$list"
	printf '\n\\bob, me@far.test\n"./a\nb"\n./mbox\n' >"$MAIL/bob/.forward"
	explain() {
		cat >want
		"$deliver" -v "$1" 2>>"$BATS_TEST_TMPDIR/stderr" |
			tr '\t' '|' | diff want -
	}
	explain alice <<-V
		maildir|$mail/alice|mailbox
	V
	explain SALES@example.test <<-V
		maildir|$mail/alice|alias users/aliases:2, mailbox
		maildir|$mail/bob|alias users/aliases:2, forward $mail/bob/.forward:2, mailbox
		remote|me@far.test|alias users/aliases:2, forward $mail/bob/.forward:2
		mbox|$mail/bob/a?b|alias users/aliases:2, forward $mail/bob/.forward:3
		mbox|$mail/bob/mbox|alias users/aliases:2, forward $mail/bob/.forward:5
		maildir|$mail/carol|alias users/aliases:2, list $list:2, mailbox
		remote|one@far.test|alias users/aliases:2, list $list:2
		remote|two@far.test|alias users/aliases:2, list $list:5
	V
	explain nobody@example.test <<-V
		maildir|$mail/bob|catch-all users/aliases:6, forward $mail/bob/.forward:2, mailbox
		remote|me@far.test|catch-all users/aliases:6, forward $mail/bob/.forward:2
		mbox|$mail/bob/a?b|catch-all users/aliases:6, forward $mail/bob/.forward:3
		mbox|$mail/bob/mbox|catch-all users/aliases:6, forward $mail/bob/.forward:5
	V
	echo 'alias_pipes yes' >>"$PENNYPOST_HOME/pennypost.conf"
	"$deliver" -v staff | tail -n 2 | diff - <(printf '%s\t%s\t%s\n' \
		mbox /var/mail/x 'alias users/aliases:5' \
		pipe 'cat >a?b' 'alias users/aliases:5')
	[ "$(count "$MAIL" "$QUEUE")" = 1 ] # .forward
	assert_no_tmp
}

@test "-v: exit codes as for a message" {
	run -67 "$deliver" -v nobody
	[ "$output" = 'deliver: <nobody>: 550 5.1.1 No such user here' ]
	run -68 "$deliver" -v x@far.test
	run -69 "$deliver" -v 'a b@c'
	run -64 "$deliver" -v
	run -64 "$deliver" -v alice bob
	run -64 "$deliver" -v -q alice
	run -64 "$deliver" -f a@b.test -v alice
	echo ':include:/nowhere' >>"$aliases"
	echo 'list: :include:/nowhere' >>"$aliases"
	run -75 "$deliver" -v list
	run -74 bash -c "'$deliver' -v alice >/dev/full"
}

# say LINE …: to an LMTP session on fd 9; its last answer, on fd 8, is $line.
say() {
	printf '%s\r\n' "$@" >&9
	until read -r -t 10 line <&8; [[ $line == "${until-}"* ]]; do
		[ -n "$line" ]
	done
}

@test "aliases that change in a session are seen" {
	local line pid user until
	for user in alice bob carol; do
		echo "list: $user" >"$aliases.new"
		[ "$user" = alice ] || mv "$aliases.new" "$aliases"
		coproc LMTP { exec "$deliver" 2>>"$BATS_TEST_TMPDIR/stderr"; }
		pid=$LMTP_PID
		exec 8<&"${LMTP[0]}" 9>&"${LMTP[1]}"
		eval "exec ${LMTP[0]}<&- ${LMTP[1]}>&-"
		[ "$user" != alice ] || cat "$aliases.new" >"$aliases"
		until='250 2.1.5' say 'LHLO x' 'MAIL FROM:<>' \
			'RCPT TO:<list@example.test>'
		until='250 2.0.0' say DATA .
		[ "$(count "$MAIL/$user/new")" = 1 ]
		# The file itself changes: at once.
		echo 'list: dave@far.test' >"$aliases"
		until='250 2.1.5' say 'MAIL FROM:<>' 'RCPT TO:<list@example.test>'
		until='250 2.0.0' say DATA .
		[ "$(count "$MAIL/$user/new")" = 1 ]
		rm "$aliases"
		until='550' say 'MAIL FROM:<>' 'RCPT TO:<list@example.test>'
		# Another one in its place: for the next deliver.
		echo 'list: alice' >"$aliases"
		until='451' say 'RCPT TO:<list@example.test>'
		run -1 read -r -t 10 line <&8
		wait "$pid"
		exec 9>&- 8<&-
	done
}

@test "a nudge for each forward" {
	echo 'list: a@far.test, b@far.test, alice' >"$aliases"
	send alice
	[ -z "$(nudged)" ]
	send list alice
	[ "$(queued | wc -l)" = 2 ]
	[ "$(nudged)" = "$(ls "$QUEUE")" ]
	run -75 strace -f -o trace -P "$QUEUE" -e trace=fsync \
		-e inject=fsync:error=EIO "$deliver" list <<<'x: y'
	[ -z "$(nudged)" ]
}

@test "a forward's runner has nothing of ours, and keeps nobody waiting" {
	runner_tells
	echo me@far.test >"$MAIL/alice/.forward"
	SECRET=x timeout 30 python3 -c 'import subprocess, sys
subprocess.run([sys.argv[1], "alice"], input=b"Subject: x\n", check=True,
    stderr=subprocess.DEVNULL)' "$PROGRAMS/deliver"
	assert_runner_told /dev/null PENNYPOST_LOG=stderr
}
