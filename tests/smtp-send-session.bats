#!/usr/bin/env bats
# smtp-send: its sessions, with a host that answers wrongly, late or not at all,
# hangs up, or wants a password. tests/far is the host, where order or time is the
# point.

load helper
load smtp-send

# The program with times that a test can wait for.
setup_file() {
	"$ROOT/scripts/need" python3=python3 cc=gcc make=make strace=strace \
		setpriv=util-linux
	local src=$BATS_FILE_TMPDIR/quick
	mkdir "$src"
	cp -R "$ROOT/src" "$ROOT/Makefile" "$ROOT/tests" "$src"
	sed -i -E 's/^(#define (GREETING|HELLO|MAIL|DATA|BLOCK|QUIT)_TIMEOUT) [0-9]+/\1 3/
		s/^(#define (CONNECT|RCPT)_TIMEOUT) .*/\1 8/
		s/^(#define END_TIMEOUT) .*/\1 12/
		s/^(#define MESSAGE_TIME) .*/\1 6/' "$src"/src/smtp-send/*.c
	make -s -C "$src" BUILD="$src/build" "$src/build/smtp-send"
}

setup() {
	home_make
	QUICK=$BATS_FILE_TMPDIR/quick/build
}

# What one recipient is told when the far side of a transcript says this.
told() { # PATTERN
	local got
	got=$(answers | sed -n 's/^to 0 //p')
	_matches "$got" "$1" || { echo "expected '$1', got '$got'"; return 1; }
}

HELLO='S: 220 far.test
C: EHLO mx.example.test
S: 250 far.test'

# --- Replies ---

# refused REPLY-LINE... : these lines in answer to RCPT.
refused() {
	queued_plain A1 '<x@far.test>'
	{
		cat <<-TALK
		$HELLO
		C: MAIL FROM:<alice@example.test>
		S: 250 ok
		C: RCPT TO:<x@far.test>
		TALK
		printf '%s\n' "$@"
		cat <<-'TALK'
		C: QUIT
		S: 221 bye
		TALK
	} | HOW=pipe talk A1
	[ "$(status A1)" = . ]
}

@test "replies: an enhanced status code, if it is one and fits" {
	refused 'S: 550 5.1.1 no such user'
	told '- 550 5.1.1 no such user'
	refused 'S: 450 4.255.999'
	told '- 450 4.255.999'
	refused 'S: 550 no such user'
	told '- 550 5.0.0 no such user'
	refused 'S: 450 5.1.1 no such user'
	told '- 450 4.0.0 5.1.1 no such user'
	refused 'S: 550 5.1.1234 x'
	told '- 550 5.0.0 5.1.1234 x'
	refused 'S: 550 5.1.'
	told '- 550 5.0.0 5.1.'
	refused 'S: 550 5.1.1x'
	told '- 550 5.0.0 5.1.1x'
	refused 'S: 550'
	told '- 550 5.0.0'
	refused 'S: 599 x'
	told '- 599 5.0.0 x'
}

@test "replies: several lines are one" {
	refused 'S: 550-5.1.1 No' 'S: 550-5.1.1 such' 'S: 550-' 'S: 550 5.1.1 user'
	told '- 550 5.1.1 No such user'
	refused 'S: 550-No' 'S: 550-5.1.1 such' 'S: 550 user'
	told '- 550 5.0.0 No 5.1.1 such user'
	refused 'S: 250-2.1.0 No' 'S: 550-such' 'S: 450 user'
	told '- 450 4.1.0 No such user'
}

@test "replies: one line of printable ASCII, and no more than so much" {
	refused 's: 550 5.1.1 a\tb\x1bc\x00d\r\n'
	told '- 550 5.1.1 a b?c'
	refused 's: 550 5.1.1 \xc3\xa4\x7f\rto 0 - 250 x\r\n'
	told '- 550 5.1.1 ????to 0 - 250 x'
	refused "S: 550-5.1.1 $(printf 'x%.0s' {1..1900})" 'S: 550 y'
	told "- 550 5.1.1 $(printf 'x%.0s' {1..502})"
}

@test "replies: lines may end in LF" {
	queued_plain A1 '<x@far.test>'
	talk A1 <<-'TALK'
	s: 220 far.test\n
	C: EHLO mx.example.test
	s: 250-far.test\n250 PIPELINING\n
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<x@far.test>
	C: DATA
	s: 250 ok\n450 4.2.0 no\n503 no\n
	C: QUIT
	s: 221 bye\n
	TALK
	told '- 450 4.2.0 no'
}

# What ends the session, after RCPT: it is closed without a word.
ended() { # WHAT-IS-TOLD LINE...
	local told=$1
	shift
	queued_plain A1 '<x@far.test>' '<y@far.test>'
	{
		cat <<-TALK
		$HELLO
		C: MAIL FROM:<alice@example.test>
		S: 250 ok
		C: RCPT TO:<x@far.test>
		TALK
		printf '%s\n' "$@"
	} | HOW=pipe talk A1
	told "- 451 $told"
	[ "$(answers | wc -l)" = 3 ]
	[ "$(status A1)" = .. ]
}

@test "replies: what is none ends the session" {
	local line
	for line in 'hello' '25' '2500 x' '250_x' '650 x' '150 x' '25a x' ''; do
		ended "4.4.2 -: it said what is no SMTP reply: \"$line\" after RCPT" \
			"S: $line"
	done
	ended '4.4.2 -: it said what is no SMTP reply: "\x00250" after RCPT' \
		's: \\x00250\r\n' ||
		ended '4.4.2 -: it said what is no SMTP reply: "" after RCPT' \
			's: \x00250\r\n'
	ended '4.5.0 -: answers out of step: 354 3.0.0 go on' 'S: 354 go on'
}

@test "replies: a line, and their number, have an end" {
	ended '4.4.2 -: its reply has too long a line after RCPT' \
		"S: 250 $(printf 'x%.0s' {1..2045})"
	ended '4.4.2 -: its reply has too many lines after RCPT' \
		"$(printf 'S: 250-%s\n' {1..100})" 'S: 250 x'
	ended '4.4.2 -: its reply has too long a line after RCPT' \
		"s: $(printf 'x%.0s' {1..3000})"
}

@test "421 ends the session at any time" {
	ended '4.4.2 -: 421 4.3.0 closing' 'S: 421 4.3.0 closing'
	ended '4.4.2 -: 421 4.0.0 closing now' 'S: 421-closing' 'S: 421 now'
}

# The transcript ends behind line N: the connection is lost there.
@test "the connection is lost after each line" {
	cat >lines <<-'TALK'
	S: 220 far.test
	S: 250 far.test
	S: 250 ok
	S: 250 ok
	S: 550 5.1.1 no
	S: 354 go on
	TALK
	local n when=('before its greeting' 'after EHLO' 'after MAIL' 'after RCPT'
		'after RCPT' 'after DATA' 'after the message')
	for n in {0..6}; do
		queued_plain A1 '<x@far.test>' '<y@far.test>'
		head -n "$n" lines | sed 's/^S: //; s/$/\r/' |
			"$PROGRAMS/smtp-send" - A1 >/dev/null 2>stderr
		told "- 451 4.4.2 -: connection lost ${when[n]}"
		if [ "$n" -lt 5 ]; then
			grep -qx "to 1 - 451 4.4.2 -: connection lost ${when[n]}" stderr
		else
			grep -qx 'to 1 - 550 5.1.1 no' stderr
		fi
		[ "$(tail -n 1 stderr)" = 'done A1' ]
		[ "$(status A1)" = .. ]
	done
}

@test "a host that does not want us: its greeting, EHLO, HELO" {
	local greeting
	for greeting in '450 4.7.0 busy' '554 5.7.1 no' '250 2.0.0 x' '354 3.0.0 x'; do
		queued_plain A1 '<x@far.test>'
		talk A1 <<<"S: $greeting"
		told "- 451 4.4.0 -: $greeting"
	done
	queued_plain A1 '<x@far.test>'
	talk A1 <<<'S: 421 4.7.0 busy'
	told '- 451 4.4.2 -: 421 4.7.0 busy'
	talk A1 <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 450 4.7.0 later
	TALK
	told '- 451 4.4.0 -: 450 4.7.0 later'
	talk A1 <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 502 5.5.1 what?
	C: HELO mx.example.test
	S: 550 5.7.1 not you
	TALK
	told '- 451 4.4.0 -: 550 5.7.1 not you'
}

# --- Over TCP ---

@test "a connection carries many messages" {
	queued_plain A1 '<x@far.test>'
	queued_plain A2 '<y@far.test>' '<z@elsewhere.test>'
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 PIPELINING
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<x@far.test>
	C: DATA
	S: 250 ok
	S: 250 ok
	S: 354 go on
	data
	S: 250 taken
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<y@far.test>
	C: DATA
	S: 250 ok
	S: 250 ok
	S: 354 go on
	data
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	printf '%s\n' A1 A2 A3 ../A1 '' | send
	heard
	diff <(printf 'done %s\n' A1 A2 A3 ../A1 '') out
	[ "$(status A1) $(status A2)" = '+ +.' ]
	grep -q "sent to=<y@far.test> from=<alice@example.test> mta=127.0.0.1\[127.0.0.1\]:$PORT tls=no reply=\"250 2.0.0 taken\" id=A2$" stderr
}

@test "RSET comes where a transaction is left open, and only there" {
	queued_plain A1 '<x@far.test>'
	queued_plain A2 '<y@far.test>'
	queued_plain A3 '<z@far.test>'
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 PIPELINING
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<x@far.test>
	C: DATA
	S: 250 ok
	S: 550 no
	S: 503 no
	C: RSET
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<y@far.test>
	C: DATA
	S: 250 ok
	S: 250 ok
	S: 250 ok
	S: 354 go on
	data
	S: 554 no
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<z@far.test>
	C: DATA
	S: 250 ok
	S: 250 ok
	S: 354 go on
	data
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	send A1 A2 A3
	heard
	[ "$(status A1)$(status A2)$(status A3)" = ..+ ]
	grep -qx 'to 0 127.0.0.1 554 5.0.0 no' out
	# The same with one command at a time, and behind a refused BDAT.
	queued_plain A3 '<z@far.test>'
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 CHUNKING
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 550 no
	C: RSET
	S: 250 ok
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<y@far.test>
	S: 250 ok
	C: BDAT 20 LAST
	take 20
	S: 450 no
	C: RSET
	S: 250 ok
	C: MAIL FROM:<alice@example.test>
	S: 550 no
	C: QUIT
	S: 221 bye
	TALK
	send A1 A2 A3
	heard
}

@test "RSET refused: the host is out of step" {
	queued_plain A1 '<x@far.test>'
	queued_plain A2 '<y@far.test>'
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 550 no
	C: RSET
	S: 500 no
	---
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 354 no
	TALK
	send A1 A2
	heard
	grep -qx "to 0 - 451 4.5.0 127.0.0.1\[127.0.0.1\]:$PORT: answers out of step: 354 3.0.0 no" out
}

@test "LIMITS: MAILMAX, and then a new connection" {
	local i
	queued_plain A1 '<x1@far.test>' '<x2@far.test>' '<x3@far.test>' \
		'<x4@far.test>' '<x5@far.test>' '<y@far.test>'
	queued_plain A2 '<z@far.test>'
	for i in 1 2 3 4 5; do
		cat <<-TALK
		S: 220 far.test
		C: EHLO mx.example.test
		S: 250-far.test
		S: 250 LIMITS MAILMAX=1 RCPTMAX=1
		C: MAIL FROM:<alice@example.test>
		S: 250 ok
		C: RCPT TO:<x$i@far.test>
		S: 250 ok
		C: DATA
		S: 354 go on
		data
		S: 250 taken
		C: QUIT
		---
		TALK
	done >lines
	cat >>lines <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 LIMITS MAILMAX=2 RCPTMAX=1
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<y@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	data
	S: 250 taken
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<z@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	data
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	far_side <lines
	SECONDS=0
	send A1 A2
	heard
	[ "$(status A1)$(status A2)" = +++++++ ]
	[ $SECONDS -lt 25 ] # the 5 s of the five first QUITs are not waited for
}

@test "a session that was closed while it was idle is opened again" {
	queued_plain A1 '<x@far.test>'
	queued_plain A2 '<y@far.test>'
	queued_plain A3 '<v@far.test>'
	queued_plain A4 '<z@far.test>'
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	data
	S: 250 taken
	close
	mark end1
	---
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<y@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	data
	S: 250 taken
	S: 421 4.4.2 idle for too long
	close
	mark end2
	---
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<v@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	data
	S: 250 taken
	wait 0.1
	S: 250 and what was not asked for
	mark end3
	---
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<z@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	data
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	for n in 1 2 3 4; do
		echo A$n
		[ $n = 4 ] || marked end$n
	done | send
	heard
	[ "$(status A1)$(status A2)$(status A3)$(status A4)" = ++++ ]
	diff <(printf 'done %s\n' A1 A2 A3 A4) out
}

@test "a session that ends when the next message comes is opened again, once" {
	queued_plain A1 '<x@far.test>'
	queued_plain A2 '<y@far.test>'
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	data
	S: 250 taken
	C: MAIL FROM:<alice@example.test>
	S: 421 4.7.0 enough
	---
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<y@far.test>
	close
	TALK
	send A1 A2
	heard
	[ "$(status A1)$(status A2)" = +. ]
	grep -qx "to 0 - 451 4.4.2 127.0.0.1\[127.0.0.1\]:$PORT: connection lost after RCPT" out
	run -1 grep '^down' out
}

@test "a small message in one go, to a host that has gone: again, once" {
	queued_plain A1 '<x@far.test>'
	queued_plain A2 '<y@far.test>'
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250-PIPELINING
	S: 250 CHUNKING
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<x@far.test>
	C: BDAT 20 LAST
	take 20
	S: 250 ok
	S: 250 ok
	S: 250 taken
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<y@far.test>
	C: BDAT 20 LAST
	take 20
	close
	---
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250-PIPELINING
	S: 250 CHUNKING
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<y@far.test>
	C: BDAT 20 LAST
	take 20
	close
	TALK
	send A1 A2
	heard
	[ "$(status A1)$(status A2)" = +. ]
	grep -qx "to 0 - 451 4.4.2 127.0.0.1\[127.0.0.1\]:$PORT: connection lost after MAIL" out
}

@test "lost behind the end of the message: no other try now" {
	queued_plain A1 '<x@far.test>'
	queued_plain A2 '<y@far.test>'
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	data
	S: 250 taken
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<y@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	data
	close
	TALK
	send A1 A2
	heard
	grep -qx "to 0 - 451 4.4.2 127.0.0.1\[127.0.0.1\]:$PORT: connection lost after the message" out
	[ "$(status A1)$(status A2)" = +. ]
}

@test "421 behind the end of the message: it was not taken, and is tried again" {
	queued_plain A1 '<x@far.test>'
	queued_plain A2 '<y@far.test>'
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	data
	S: 250 taken
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<y@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	data
	S: 421 4.3.2 shutting down
	---
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<y@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	data
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	send A1 A2
	heard
	[ "$(status A1)$(status A2)" = ++ ]
}

@test "what is said before it was asked for ends the session" {
	local extra='250-far.test\r\n250 SIZE 1\r\n'
	queued_plain A1 '<x@far.test>'
	far_side <<<"s: 220 far.test\\r\\n$extra"
	send A1
	heard
	grep -qx "to 0 - 451 4.5.0 127.0.0.1\[127.0.0.1\]:$PORT: speaks out of turn" out
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	s: 250 far.test\r\n250 ok\r\n
	TALK
	send A1
	heard
	grep -qx "to 0 - 451 4.5.0 127.0.0.1\[127.0.0.1\]:$PORT: speaks out of turn" out
	# Between two messages.
	queued_plain A2 '<y@far.test>'
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	data
	s: 250 taken\r\n250 taken\r\n
	---
	S: 450 no
	TALK
	send A1 A2
	heard
	[ "$(status A1)$(status A2)" = +. ]
}

@test "nobody there: down, for this message and all that follow" {
	queued_plain A1 '<x@far.test>' '<y@far.test>'
	queued_plain A2 '<z@far.test>'
	far_side <<<close
	send </dev/null
	(: <>"/dev/tcp/127.0.0.1/$PORT") || true
	heard
	send A1 A2
	local why="451 4.4.1 127.0.0.1[127.0.0.1]:$PORT: Connection refused"
	diff out - <<-OUT
	to 0 - $why
	to 1 - $why
	down - $why
	done A1
	to 0 - $why
	done A2
	OUT
}

@test "a host that lets nobody in is down as well, after one try" {
	queued_plain A1 '<x@far.test>'
	queued_plain A2 '<z@far.test>'
	far_side <<<'S: 554 5.7.1 go away'
	send A1 A2
	heard
	local why="451 4.4.0 127.0.0.1[127.0.0.1]:$PORT: 554 5.7.1 go away"
	diff out - <<-OUT
	to 0 - $why
	down - $why
	done A1
	to 0 - $why
	done A2
	OUT
}

@test "521: a host that never takes mail, for good (RFC 7504)" {
	queued_plain A1 '<x@far.test>'
	far_side <<<'S: 521 5.3.2 no mail here'
	send A1
	heard
	local why="521 5.3.2 127.0.0.1[127.0.0.1]:$PORT: 521 5.3.2 no mail here"
	diff out - <<-OUT
	to 0 - $why
	down - $why
	done A1
	OUT
}

# The host of far.test has these addresses (127.0.0.N), by a name server of ours.
many_hosts() { # N ...
	local port
	rm -f zone dns.port
	[ $# -gt 0 ] || { set -- 2 3 4 5 6; echo 'many.test AAAA ::1' >zone; }
	printf 'many.test A 127.0.0.%s\n' "$@" >>zone
	python3 "$ROOT/tests/dns-server" zone dns.log >dns.port 3>&- 7>&- &
	STARTED="${STARTED-} $!"
	for _ in $(seq 600); do
		[ ! -s dns.port ] || break
		sleep 0.05
	done
	port=$(cat dns.port)
	sed -i "s/^resolver .*/resolver 127.0.0.1:$port/" \
		"$PENNYPOST_HOME/pennypost.conf"
	sed -i 's/^route far.test .*/route far.test many.test:'"$PORT/" \
		"$PENNYPOST_HOME/pennypost.conf"
	NEXT="[many.test]:$PORT"
}

@test "a host that fails before it has the message: the next one" {
	queued_plain A1 '<x@far.test>' '<y@far.test>'
	far_side <<-'TALK'
	--- 127.0.0.2
	S: 450 busy
	--- 127.0.0.3
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 PIPELINING
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<x@far.test>
	C: RCPT TO:<y@far.test>
	C: DATA
	S: 250 ok
	S: 550 5.1.1 no
	S: 250 ok
	close
	--- 127.0.0.5
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<y@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	data
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	many_hosts 2 3 4 5
	send A1
	heard
	diff out - <<-'OUT'
	to 0 many.test 550 5.1.1 no
	done A1
	OUT
	[ "$(status A1)" = .+ ]
	grep -q "mta=many.test\[127.0.0.5\]:$PORT tls=no reply=\"250" stderr
	grep -q "no session mta=many.test\[127.0.0.4\]:$PORT reply=.*Connection refused" stderr
}

@test "five connections are enough for a message" {
	ip -6 address show dev lo | grep -q ::1 || skip "no IPv6 here"
	queued_plain A1 '<x@far.test>'
	far_side <<-'TALK'
	--- ::1
	S: 521 1
	--- 127.0.0.2
	S: 521 2
	--- 127.0.0.3
	S: 521 3
	--- 127.0.0.4
	S: 521 4
	--- 127.0.0.5
	S: 521 5.3.2 no mail
	TALK
	many_hosts
	send A1
	heard
	# One was not asked: it may take mail.
	local why="451 4.4.0 many.test[127.0.0.5]:$PORT: 521 5.3.2 no mail"
	diff out - <<-OUT
	to 0 - $why
	down - $why
	done A1
	OUT
}

@test "521 from one host, and not from another: for now" {
	queued_plain A1 '<x@far.test>'
	far_side <<-'TALK'
	--- 127.0.0.2
	S: 521 5.3.2 no mail
	TALK
	many_hosts 2 3
	send A1
	heard
	grep -qx "to 0 - 451 4.4.1 many.test\[127.0.0.3\]:$PORT: Connection refused" out
	far_side <<-'TALK'
	--- 127.0.0.3
	S: 521 5.3.2 no mail
	TALK
	many_hosts 2 3
	send A1
	heard
	grep -qx "to 0 - 451 4.4.0 many.test\[127.0.0.3\]:$PORT: 521 5.3.2 no mail" out
}

@test "lost behind the message, in one go: no other host now" {
	queued_plain A1 '<x@far.test>'
	far_side <<-'TALK'
	--- 127.0.0.2
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250-PIPELINING
	S: 250 CHUNKING
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<x@far.test>
	C: BDAT 20 LAST
	take 20
	close
	TALK
	many_hosts 2 3
	send A1
	heard
	grep -qx "to 0 - 451 4.4.2 many.test\[127.0.0.2\]:$PORT: connection lost after MAIL" out
}

@test "no name server: the recipients are told why, and down" {
	queued_plain A1 '<x@far.test>'
	NEXT=far.test
	send A1
	grep -qE '^to 0 - 451 4\.4\.3 ' out
	grep -qE '^down - 451 4\.4\.3 ' out
}

# Little fits between them, and the host reads nothing before it has written.
@test "two who both write first do not wait for ever" {
	unshare -rn true 2>/dev/null || skip "no namespaces here"
	local i long rcpt=()
	long=$(printf 'x%.0s' {1..60})
	for i in {001..100}; do
		rcpt+=("to . <$long.$long.$long$i@far.test>")
	done
	queued A1 'from <a@example.test>' "${rcpt[@]}" <<<x
	cat >greedy.py <<-'PY'
	import socket
	s = socket.socket()
	s.bind(("127.0.0.1", 0))
	s.listen(1)
	print(s.getsockname()[1], flush=True)
	c, _ = s.accept()
	c.settimeout(40)
	f = c.makefile("rb")
	c.sendall(b"220 far\r\n")
	f.readline()
	c.sendall(b"250-far\r\n250 PIPELINING\r\n")
	f.readline()
	c.sendall(b"250 ok\r\n")
	for i in range(100):
	    c.sendall((b"250-" + b"y" * 50 + b"\r\n") * 9 + b"250 ok\r\n")
	for i in range(100):
	    assert f.readline().startswith(b"RCPT")
	assert f.readline() == b"DATA\r\n"
	c.sendall(b"354 go\r\n")
	assert f.readline() == b"x\r\n" and f.readline() == b".\r\n"
	c.sendall(b"250 taken\r\n")
	f.readline()
	PY
	cat >inside <<-'SH'
	ip link set lo up
	echo 4096 4096 4096 >/proc/sys/net/ipv4/tcp_rmem
	echo 4096 4096 4096 >/proc/sys/net/ipv4/tcp_wmem
	python3 greedy.py >port 2>far.err &
	while [ ! -s port ]; do sleep 0.02; done
	echo "route far.test 127.0.0.1:$(cat port)" >>"$PENNYPOST_HOME/pennypost.conf"
	timeout 60 "$1/smtp-send" "[127.0.0.1]:$(cat port)" A1 >out 2>>stderr
	wait $!
	SH
	unshare -rn sh inside "$PROGRAMS" || { cat far.err; false; }
	[ "$(status A1)" = "$(printf '+%.0s' {1..100})" ]
}

@test "a large message, by DATA and by BDAT" {
	{
		printf 'Subject: large\n\n'
		seq -f '.line %08g of a large message' 10000
		printf '.%.0s' {1..150000}
		echo
	} >large
	queued A1 'from <>' 'to . <x@far.test>' <large
	cp "$QUEUE/A1" saved
	sed 's/$/\r/' large >wire
	far_side <<-TALK
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250-SIZE
	S: 250 PIPELINING
	C: MAIL FROM:<> SIZE=$(stat -c %s wire)
	C: RCPT TO:<x@far.test>
	C: DATA
	S: 250 ok
	S: 250 ok
	S: 354 go on
	data
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	send A1
	heard
	sed -e '$d' -e 's/^\.\././' script.taken | cmp - wire
	cp saved "$QUEUE/A1"
	far_side <<-TALK
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250-CHUNKING
	S: 250 PIPELINING
	C: MAIL FROM:<>
	C: RCPT TO:<x@far.test>
	S: 250 ok
	S: 250 ok
	C: BDAT $(stat -c %s wire) LAST
	take $(stat -c %s wire)
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	send A1
	heard
	cmp script.taken wire
	[ "$(status A1)" = + ]
	# Nobody is taken: then it is not sent.
	cp saved "$QUEUE/A1"
	far_side <<-TALK
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250-CHUNKING
	S: 250 PIPELINING
	C: MAIL FROM:<>
	C: RCPT TO:<x@far.test>
	S: 250 ok
	S: 550 no
	C: QUIT
	S: 221 bye
	TALK
	send A1
	heard
}

@test "a host that hangs up in the middle of a message: what it said counts" {
	{
		printf 'Subject: large\n\n'
		seq -f 'line %08g of a message that is larger than all buffers' 200000
	} >large
	queued A1 'from <>' 'to . <x@far.test>' <large
	cp "$QUEUE/A1" saved
	far_side <<-'TALK'
	small
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	take 100000
	shout 552 5.3.4 too big\r\n
	close
	TALK
	send A1
	heard
	grep -qx 'to 0 127.0.0.1 552 5.3.4 too big' out
	cp saved "$QUEUE/A1"
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	take 100000
	reset
	TALK
	send A1
	heard
	grep -qx "to 0 - 451 4.4.2 127.0.0.1\[127.0.0.1\]:$PORT: connection lost after the message" out
	[ "$(status A1)" = . ]
}

@test "a host that hangs up while we write: it may have said why" {
	yes 'a line' | head -n 30000 >large
	queued A1 'from <>' 'to . <x@far.test>' <large
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	take 10
	shout 552 5.3.4 too big\r\n
	rest
	TALK
	# The sixth write is that of the second block, long after that.
	strace -o trace -e trace=write -e \
		inject=write:error=ECONNRESET:delay_enter=3000000:when=6 \
		"$PROGRAMS/smtp-send" "$NEXT" A1 >out 2>stderr
	wait "$FAR" || true
	grep -q INJECTED trace
	grep -qx 'to 0 127.0.0.1 552 5.3.4 too big' out
}

@test "a yes before the message has ended is none" {
	seq -f 'line %010g of a message that is larger than all buffers' 200000 >large
	queued A1 'from <>' 'to . <x@far.test>' <large
	far_side <<-'TALK'
	small
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	take 10000
	shout 250 2.0.0 taken\r\n
	reset
	TALK
	send A1
	heard
	grep -q '^to 0 - 451 4.4.2 .*: connection lost after the message$' out ||
		grep -q '^to 0 - 451 4.5.0 .*: answers out of step: 250 2.0.0 taken$' out
	[ "$(status A1)" = . ]
}

# --- Time ---

# Each phase, with seconds for it, and a host that says nothing in it.
@test "no reply in time, in each phase" {
	local n lines=('S: 220 far.test' 'C: EHLO mx.example.test'
		'S: 250 far.test' 'C: MAIL FROM:<alice@example.test>'
		'S: 250 ok' 'C: RCPT TO:<x@far.test>' 'S: 250 ok' 'C: DATA'
		'S: 354 go on' data)
	local when=('before its greeting' x 'after EHLO' x 'after MAIL' x
		'after RCPT' x 'after DATA' x 'after the message')
	PROGRAMS=$QUICK
	for n in 0 2 4 6 8 10; do
		queued_plain A1 '<x@far.test>'
		far_side < <(printf '%s\n' "${lines[@]:0:n}" 'wait 0')
		send A1
		heard
		grep -qx "to 0 - 451 4.4.2 127.0.0.1\[127.0.0.1\]:$PORT: no reply in time ${when[n]}" out
	done
}

@test "a reply that drips does not gain time" {
	PROGRAMS=$QUICK
	queued_plain A1 '<x@far.test>'
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	drip 0.3
	TALK
	send A1
	heard
	grep -q 'no reply in time after EHLO' out
}

# patient RECIPIENTS SECONDS: so many, with 1 s for each, and these for the end.
patient() {
	local i
	PROGRAMS=$QUICK
	far_side < <(
		printf '%s\n' 'S: 220 far' 'C: EHLO *' 'S: 250 far' 'C: MAIL *' \
			'S: 250 ok'
		for ((i = 0; i < $1; i++)); do
			printf '%s\n' 'C: RCPT *' 'wait 1' 'S: 250 ok'
		done
		printf '%s\n' 'C: DATA' 'S: 354 go' data "wait $2" 'S: 250 taken' \
			'C: QUIT' 'S: 221 bye'
	)
	send A1
}

@test "a message has a time of its own, whatever is said in it" {
	queued_plain A1 '<'{a..h}'@far.test>'
	patient 8 0
	wait "$FAR" || true
	grep -q 'to 7 - 451 4.4.2 .*no reply in time after RCPT' out
}

@test "a larger message has more time" {
	queued A1 'from <>' 'to . <'{a..h}'@far.test>' < <(seq 30000)
	patient 8 0
	heard
	[ "$(status A1)" = ++++++++ ]
}

@test "the reply to the message has its time, whatever is left" {
	queued_plain A1 '<a@far.test>'
	patient 1 7
	heard
	[ "$(status A1)" = + ]
}

@test "a host that does not read: the block has its time" {
	seq -f 'line %010g of a message that is larger than all buffers' 200000 >large
	queued A1 'from <>' 'to . <x@far.test>' <large
	PROGRAMS=$QUICK
	far_side <<-'TALK'
	small
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	wait 60
	close
	TALK
	SECONDS=0
	send A1
	[ $SECONDS -le 30 ]
	kill "$FAR"
	wait "$FAR" || true
	grep -q 'to 0 - 451 4.4.2 .*connection lost after the message' out
}

@test "QUIT is not waited for when it is not answered" {
	PROGRAMS=$QUICK
	queued_plain A1 '<x@far.test>'
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 550 no
	C: QUIT
	TALK
	send A1
	heard
}

# --- The queue file ---

@test "who is worked on by somebody else is left out, and not answered for" {
	queued_plain A1 '<x@far.test>' '<y@far.test>'
	# The lock of the status byte of x, held by another open file.
	cat >lock.py <<-'PY'
	import fcntl, os, struct, sys, time
	path = sys.argv[1]
	at = open(path, "rb").read().index(b"\nto ") + 4
	fd = os.open(path, os.O_RDWR)
	fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, at, 1, 0))
	print("locked", flush=True)
	sys.stdin.read()
	PY
	coproc LOCK { python3 lock.py "$QUEUE/A1"; }
	read -r _ <&"${LOCK[0]}"
	"$PROGRAMS/smtp-send" - A1 >out 2>stderr < <(printf '%s\r\n' \
		'220 far' '250 far' '250 ok' '250 ok' '354 go' '250 ok' '221 x')
	eval "exec ${LOCK[1]}>&-"
	[ "$(answers)" = 'done A1' ]
	[ "$(status A1)" = .+ ]
	[ "$(grep -c RCPT out)" = 1 ]
}

# The calls behind the host's yes: the mark, the sync, and only then the rest.
@test "a yes is on the disk before anything else happens" {
	queued A1 'from <a@b.test>' 'to . <x@far.test>' 'to . <y@far.test>' <<<x
	printf '%s\r\n' '220 far' '250 far' '250 ok' '250 ok' '250 ok' '354 go' \
		'250 ok' '221 x' >in
	strace -s 500 -o trace -e trace=read,write,pwrite64,fdatasync,poll,fcntl \
		"$PROGRAMS/smtp-send" - A1 <in >/dev/null 2>stderr
	# By pipe all is read at once: the final dot is the last thing written.
	sed -n '/^write(.*x\\r\\n\.\\r\\n",/,$p' trace | sed 1d | head -n 4 |
		sed -E 's/ *=.*//' >calls
	[ "$(cut -d'(' -f1 calls | paste -sd' ')" = \
		'pwrite64 pwrite64 fdatasync write' ]
}

@test "a mark that fails: said, and not taken for a success" {
	local fault
	for fault in pwrite64:error=EIO fdatasync:error=EIO; do
		queued_plain A1 '<x@far.test>' '<y@far.test>'
		printf '%s\r\n' '220 far' '250 far' '250 ok' '250 ok' '550 no' \
			'354 go' '250 ok' '221 x' |
			strace -qq -o trace -e "trace=${fault%%:*}" \
			-e "inject=$fault" \
			"$PROGRAMS/smtp-send" - A1 >out 2>stderr
		grep -qx 'to 0 - 451 4.3.0 Sent, but the queue file cannot be written: it may come twice' stderr
		grep -qx 'to 1 - 550 5.0.0 no' stderr
		grep -q 'warning: sent, but cannot mark it: ' stderr
		[ "$(tail -n 1 out)" = $'QUIT\r' ]
	done
}

@test "a queue file that cannot be read: for now" {
	queued_plain A1 '<x@far.test>'
	printf '%s\r\n' '220 far' '250 far' '221 x' >in
	# The last pread is that of the message.
	strace -o trace -e trace=pread64 "$PROGRAMS/smtp-send" - A1 <in \
		>/dev/null 2>stderr
	strace -qq -o trace2 -e trace=pread64 -e \
		"inject=pread64:error=EIO:when=$(grep -c ^pread64 trace)" \
		"$PROGRAMS/smtp-send" - A1 <in >out 2>stderr
	grep -qx 'to 0 - 451 4.3.0 The queue file cannot be read now' stderr
	[ "$(sed 1d out)" = $'QUIT\r' ]
	# In the middle of it: it gets no end.
	yes 'a line' | head -n 30000 >large
	queued A1 'from <>' 'to . <x@far.test>' <large
	printf '%s\r\n' '220 far' '250 far' '250 ok' '250 ok' '354 go' \
		'250 ok' >in
	strace -o trace -e trace=pread64 "$PROGRAMS/smtp-send" - A1 <in \
		>/dev/null 2>stderr
	[ "$(status A1)" = + ]
	sed -i 's/^to +/to ./' "$QUEUE/A1"
	strace -qq -o trace2 -e trace=pread64 -e \
		"inject=pread64:error=EIO:when=$(grep -c ^pread64 trace)" \
		"$PROGRAMS/smtp-send" - A1 <in >out 2>stderr
	grep -qx 'to 0 - 451 4.3.0 The queue file cannot be read now' stderr
	run -1 grep $'^\.\r' out
	[ "$(status A1)" = . ]
	# The host does not wait for the rest.
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	rest
	TALK
	strace -qq -o trace2 -e trace=pread64 -e \
		"inject=pread64:error=EIO:when=$(grep -c ^pread64 trace)" \
		"$PROGRAMS/smtp-send" "$NEXT" A1 >out 2>>stderr
	heard
	grep -qx 'to 0 - 451 4.3.0 The queue file cannot be read now' out
	run -1 grep $'^\.\r' script.taken
}

@test "a damaged queue file is logged, and nothing is sent" {
	echo x >"$QUEUE/A1"
	printf '%s\r\n' '220 far' '250 far' '221 x' |
		"$PROGRAMS/smtp-send" - A1 >out 2>stderr
	grep -q 'warning: damaged: .* id=A1$' stderr
	[ "$(answers)" = 'done A1' ]
}

@test "when the runner has gone, the message at hand is the last" {
	queued_plain A1 '<x@far.test>'
	queued_plain A2 '<y@far.test>'
	far_side <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	mark begun
	wait 3
	S: 250 ok
	C: DATA
	S: 354 go on
	data
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	{
		printf '%s\n' A1 A2
		sleep 5
	} | "$PROGRAMS/smtp-send" "$NEXT" 2>stderr | marked begun
	heard
	[ "$(status A1)$(status A2)" = +. ]
}

# A part of what torture/drop-sweep does in a minute.
@test "parted at any place: taken once, twice only when the yes was lost" {
	strace -qq -o "$BATS_TEST_TMPDIR/trace" true ||
		skip "no process may be traced here"
	TMPDIR=$BATS_TEST_TMPDIR run -0 "$ROOT/tests/torture/drop-sweep" -q
	[[ ${lines[-1]} =~ ^drop-sweep:\ [1-9][0-9]{2,}\ points,.*,\ 0\ violations$ ]]
}

# --- The smarthost ---

smarthost() { # PASSWORD-LINE; the script on stdin
	far_side
	sed -i 's/^route far.test/smarthost/' "$PENNYPOST_HOME/pennypost.conf"
	rm -f "$PENNYPOST_HOME/users/smarthost"
	[ -z "$1" ] || (
		umask 077
		printf '%s' "$1" >"$PENNYPOST_HOME/users/smarthost"
	)
	queued_plain A1 '<x@any.test>'
	send A1
	heard
}

REFUSED='C: MAIL FROM:<alice@example.test>
S: 450 4.2.0 not today
C: QUIT
S: 221 bye'

@test "smarthost: AUTH PLAIN" {
	smarthost $'me:se:cret\n' <<-TALK
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 AUTH LOGIN PLAIN CRAM-MD5
	C: AUTH PLAIN $(printf '\0me\0se:cret' | base64)
	S: 235 2.7.0 welcome
	$REFUSED
	TALK
	grep -qx 'to 0 127.0.0.1 450 4.2.0 not today' out
	run -1 grep cret stderr
}

@test "smarthost: AUTH LOGIN" {
	smarthost 'user@example.test:p' <<-TALK
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 AUTH LOGIN GSSAPI
	C: AUTH LOGIN
	S: 334 $(printf Username: | base64)
	C: $(printf user@example.test | base64)
	S: 334 $(printf Password: | base64)
	C: $(printf p | base64)
	S: 235 2.7.0 welcome
	$REFUSED
	TALK
	grep -qx 'to 0 127.0.0.1 450 4.2.0 not today' out
}

@test "smarthost: the longest user and password" {
	local user password
	user=$(printf 'u%.0s' {1..239})
	password=$(printf 'p%.0s' {1..239})
	smarthost "$user:$password
" <<-TALK
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 AUTH PLAIN
	C: AUTH PLAIN $(printf '\0%s\0%s' "$user" "$password" | base64 -w 0)
	S: 235 2.7.0 welcome
	$REFUSED
	TALK
	smarthost "$user:${password}p
" <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 AUTH PLAIN
	TALK
	grep -q 'users/smarthost does not begin with user:password' out
}

@test "smarthost: without users/smarthost there is no login" {
	smarthost '' <<-TALK
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 AUTH PLAIN
	$REFUSED
	TALK
}

@test "smarthost: a refused login is for now, and is logged" {
	local reply
	for reply in '535 5.7.8 wrong' '454 4.7.0 cannot tell' '334 go on' '250 ok'; do
		smarthost me:secret <<-TALK
		S: 220 far.test
		C: EHLO mx.example.test
		S: 250-far.test
		S: 250 AUTH PLAIN
		C: AUTH PLAIN *
		S: $reply
		TALK
		grep -q "^to 0 - 451 4.7.0 .*: refuses our login: ${reply:0:3} " out
		grep -q "^down - 451 4.7.0 " out
	done
	grep -q "warning: login refused mta=127.0.0.1\[127.0.0.1\]:$PORT reply=" stderr
	for reply in 'C: AUTH LOGIN|S: 535 5.7.8 no' \
		'C: AUTH LOGIN|S: 334 x|C: bWU=|S: 535 5.7.8 no' \
		'C: AUTH LOGIN|S: 334 x|C: bWU=|S: 334 y|C: c2VjcmV0|S: 535 5.7.8 no' \
		'C: AUTH LOGIN|S: 334 x|C: bWU=|S: 334 y|C: c2VjcmV0|S: 334 y' \
		'C: AUTH LOGIN|S: 235 too early'; do
		smarthost me:secret < <(
			printf '%s\n' 'S: 220 far.test' 'C: EHLO *' \
				'S: 250-far.test' 'S: 250 AUTH LOGIN'
			tr '|' '\n' <<<"$reply")
		grep -q '^to 0 - 451 4.7.0 .*: refuses our login: ' out
	done
}

@test "smarthost: a password that cannot be used is not used" {
	smarthost me:secret <<-'TALK'
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 AUTH CRAM-MD5
	TALK
	grep -q '^to 0 - 451 4.7.0 .*: it offers neither AUTH PLAIN nor AUTH LOGIN$' out
	local wrong
	for wrong in nopassword ':secret' 'me:' ''$'\n''me:secret'; do
		smarthost "$wrong" <<-'TALK'
		S: 220 far.test
		C: EHLO mx.example.test
		S: 250-far.test
		S: 250 AUTH PLAIN
		TALK
		grep -q '^to 0 - 451 4.7.0 .*: users/smarthost does not begin with user:password$' out
	done
}

@test "smarthost: a password file that others can read" {
	local mode
	for mode in 640 604; do
		queued_plain A1 '<x@any.test>'
		far_side <<-'TALK'
		S: 220 far.test
		C: EHLO mx.example.test
		S: 250-far.test
		S: 250 AUTH PLAIN
		TALK
		sed -i 's/^route far.test/smarthost/' "$PENNYPOST_HOME/pennypost.conf"
		echo me:secret >"$PENNYPOST_HOME/users/smarthost"
		chmod $mode "$PENNYPOST_HOME/users/smarthost"
		send A1
		heard
		grep -q '^to 0 - 451 4.7.0 .*: users/smarthost is open to others: make it mode 600$' out
	done
}

@test "smarthost: no password to another machine without TLS" {
	# An address of this machine that is not loopback, in a namespace.
	unshare -rn true 2>/dev/null || skip "no namespaces here"
	cat >script <<-'TALK'
	--- 198.18.0.1
	S: 220 far.test
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 AUTH PLAIN
	TALK
	(umask 077; echo me:secret >"$PENNYPOST_HOME/users/smarthost")
	queued_plain A1 '<x@any.test>'
	cat >inside <<-'SH'
	ip link set lo up
	ip addr add 198.18.0.1/32 dev lo
	"$1/tests/far" script >port 2>far.err &
	while [ ! -s port ]; do sleep 0.02; done
	sed -i '/^route/d' "$PENNYPOST_HOME/pennypost.conf"
	echo "smarthost 198.18.0.1:$(cat port)" >>"$PENNYPOST_HOME/pennypost.conf"
	"$2/smtp-send" "[198.18.0.1]:$(cat port)" A1 >out 2>>stderr
	wait $!
	SH
	rm -f port
	unshare -rn sh inside "$ROOT" "$PROGRAMS"
	grep -q '^to 0 - 451 4.7.4 .*: offers no STARTTLS, and TLS is demanded by users/smarthost$' out
}

# --- The command line ---

@test "what it may not be called with" {
	run -64 "$PROGRAMS/smtp-send"
	run -64 "$PROGRAMS/smtp-send" -x
	run -64 "$PROGRAMS/smtp-send" -v a@b.test c@d.test
	run -64 "$PROGRAMS/smtp-send" '[x'
	[[ $output == *'[x is no next hop' ]]
	run -78 "$PROGRAMS/smtp-send" -C /nowhere x
}

@test "-v tells where mail would go, and why" {
	echo 'route far.test 127.0.0.1:2525' >>"$PENNYPOST_HOME/pennypost.conf"
	run -0 "$PROGRAMS/smtp-send" -v x@far.test
	[ "${lines[-1]}" = '0 127.0.0.1 [127.0.0.1]:2525 pennypost.conf line 3' ]
	run -0 "$PROGRAMS/smtp-send" -v '[127.0.0.1]:2525'
	[ "${lines[-1]}" = '0 127.0.0.1 [127.0.0.1]:2525 pennypost.conf line 3' ]
	run -0 "$PROGRAMS/smtp-send" -v bob@EXAMPLE.test
	[ "$output" = 'EXAMPLE.test is ours: deliver has its mail' ]
	run -75 "$PROGRAMS/smtp-send" -v elsewhere.test
	[[ ${lines[-1]} == '451 4.4.3 '* ]]
	run -64 "$PROGRAMS/smtp-send" -v 'not an address'
	[ "$output" = 'not\x20an\x20address is neither an address nor a domain' ]
}
