#!/usr/bin/env bats
# The super-servers, with the files that are installed: xinetd and systemd.

load helper
load launch/lib

setup() {
	installed
	message=$BATS_TEST_TMPDIR/message
	message_make "$message"
	smtp=$(free_port)
	submission=$(free_port)
	pop3=$(free_port)
	submissions=$(free_port)
	pop3s=$(free_port)
	imap=$(free_port)
	imaps=$(free_port)
	log=$BATS_TEST_TMPDIR/xinetd.log
	refusal=$'421 4.3.2 Too many connections, try later\r'
}

# One message by SMTP, one by submission, and both fetched again; with
# $inside, in another network namespace.
mail_goes_round() {
	inside=${inside-}
	$inside timeout 120 curl -sS "smtp://127.0.0.1:$smtp/client.test" \
		--mail-from sender@client.test --mail-rcpt alice@example.test \
		-T "$message"
	$inside timeout 120 "$LAUNCH/mail" send "$submission" "$message" \
		alice@example.test alice:secret
	[ "$(count "$MAIL/alice/new")" = 2 ]
	$inside timeout 120 "$LAUNCH/mail" fetch "$pop3" alice \
		"$BATS_TEST_TMPDIR"
	message_same "$BATS_TEST_TMPDIR/1" "$message"
	message_same "$BATS_TEST_TMPDIR/2" "$message"
	[ "$(count "$MAIL/alice"/{new,cur})" = 0 ]
	$inside timeout 120 swaks --server 127.0.0.1 --port "$smtp" --silent 2 \
		--from sender@client.test --to bob@example.test
	$inside timeout 120 curl -sS "pop3://127.0.0.1:$pop3/1" -u bob:secret |
		grep -q '^This is a test mailing'
	$inside timeout 120 curl -sS -u bob:secret \
		"imap://127.0.0.1:$imap/INBOX;MAILINDEX=1" |
		grep -q '^This is a test mailing'
	assert_no_tmp
}

# xinetd

started() { [ "$(grep -c START: "$log")" = "$1" ]; }

@test "every xinetd file is good, and nothing of it is overlooked" {
	for style in '' -wait; do
		xinetd_start "pennypost-"{smtp,submission,submissions,pop3,pop3s,imap,imaps}"$style"
		stop "$PID"
		not grep -E 'ERROR|CRITICAL|ALERT' \
			"$BATS_TEST_TMPDIR/xinetd.messages"
		grep -q 'Started working: 7 available services' \
			"$BATS_TEST_TMPDIR/xinetd.messages"
		rm "$BATS_TEST_TMPDIR/xinetd.messages"
	done
	not grep -rE '@[A-Z]+@' "$SHARE"
	for file in "$ROOT"/xinetd.d/pennypost-*; do
		grep -qx '	cps             = 100000 1' "$file"
		grep -qx '	passenv         =' "$file"
	done
}

@test "xinetd: the teaching system is off, and on this machine alone" {
	local mysmtp
	mysmtp=$(free_port)
	xinetd_start pennypost-mysmtp pennypost-pop3
	[ -z "$(tcp "$mysmtp" </dev/null)" ]
	stop "$PID"
	sed -i -e 's/= yes/= no/' -e 's/^#\(.*-L\)/\1/' \
		"$SHARE/xinetd.d/pennypost-mysmtp"
	xinetd_start pennypost-mysmtp
	listening "$mysmtp"
	printf '%s\n' 'HELO a.test' 'MAIL FROM: x@a.test' \
		'RCPT TO: alice@example.test' 'DATA hello' \
		'LIST alice@example.test' QUIT | tcp "$mysmtp" |
		sed 's/([-0-9]*)/(DAY)/; s/\r$//' >"$BATS_TEST_TMPDIR/got"
	printf '%s\n' '200 OK' '200 OK' '200 OK' \
		'200 Message stored successfully' '200 OK 1 messages' \
		'1: Email from x@a.test (DAY)' . '200 Goodbye' |
		diff - "$BATS_TEST_TMPDIR/got"
	sed -i -e 's/per_source .*/per_source = 1/' \
		"$SHARE/xinetd.d/pennypost-mysmtp"
	stop "$PID"
	xinetd_start pennypost-mysmtp
	listening "$mysmtp"
	exec 5<>"/dev/tcp/127.0.0.1/$mysmtp"
	echo HELP >&5
	IFS= read -r -t 20 -u 5
	[ "$(tcp "$mysmtp" </dev/null)" = \
		$'500 Too many connections, try later\r' ]
	exec 5<&-
}

@test "xinetd, wait = no: mail goes round" {
	xinetd_start pennypost-smtp pennypost-submission pennypost-pop3 \
		pennypost-imap
	mail_goes_round
	soon grep -q 'START: pennypost-smtp pid=.* from=127.0.0.1' "$log"
	soon grep -q 'EXIT: pennypost-pop3 status=0 pid=' "$log"
	soon grep -q 'EXIT: pennypost-imap status=0 pid=' "$log"
}

@test "xinetd, wait = yes: mail goes round" {
	xinetd_start pennypost-smtp-wait pennypost-submission-wait \
		pennypost-pop3-wait pennypost-imap-wait
	mail_goes_round
	soon started 4
	xinetd_end
}

@test "xinetd: its environment does not leak" {
	local port names
	cp /usr/bin/env "$LIBEXEC/smtpd"
	cp /usr/bin/env "$LIBEXEC/pop3d"
	xinetd_start pennypost-smtp pennypost-pop3-wait
	for port in "$smtp" "$pop3"; do
		tcp "$port" </dev/null >"$BATS_TEST_TMPDIR/env"
		names=$(cut -d= -f1 <"$BATS_TEST_TMPDIR/env" | sort | xargs)
		[ "$names" = 'PATH PENNYPOST_HOME REMOTE_HOST' ]
		grep -qx "PENNYPOST_HOME=$PENNYPOST_HOME" \
			"$BATS_TEST_TMPDIR/env"
	done
	xinetd_end
}

@test "xinetd: what a handler writes to stderr does not reach the peer" {
	echo 'alice: :include:/no/such/file' >>"$PENNYPOST_HOME/users/aliases"
	xinetd_start pennypost-smtp pennypost-pop3
	# Who would write there: a sanitizer, libc.
	exec 5<>"/dev/tcp/127.0.0.1/$pop3"
	IFS= read -r -t 20 -u 5
	# It shows what it has open to root alone.
	[ "$(id -u)" != 0 ] ||
		[ "$(readlink "/proc/$(children "$PID" | xargs)/fd/2")" = /dev/null ]
	exec 5<&-
	# A wrong password and a file that is missing are warnings in the log.
	printf 'USER alice\r\nPASS wrong\r\nQUIT\r\n' |
		tcp "$pop3" >"$BATS_TEST_TMPDIR/got"
	cat "$BATS_TEST_TMPDIR/got"
	not grep -v -e '^+OK ' -e '^-ERR ' "$BATS_TEST_TMPDIR/got"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/got")" = 4 ]
	printf 'HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\nQUIT\r\n' |
		tcp "$smtp" >"$BATS_TEST_TMPDIR/got"
	cat "$BATS_TEST_TMPDIR/got"
	not grep -vE '^[245][0-9]{2} ' "$BATS_TEST_TMPDIR/got"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/got")" = 5 ]
	# And what is said before the home is found.
	mv "$PENNYPOST_HOME/pennypost.conf" "$PENNYPOST_HOME/away"
	[ "$(tcp "$smtp" </dev/null)" = $'421 4.3.0 Out of service, try later\r' ]
}

@test "xinetd: per_source and instances refuse in the protocol's words, in both styles" {
	sed -i -e 's/= 50$/= 2/' "$SHARE/xinetd.d/pennypost-smtp"
	sed -i -e 's/= 200$/= 2/' -e 's/= 50$/= 9/' "$SHARE/xinetd.d/pennypost-pop3"
	sed -i -e 's/-s 50/-s 2/' "$SHARE/xinetd.d/pennypost-submission-wait"
	sed -i -e 's/-s 100/-s 2/' "$SHARE/xinetd.d/pennypost-imap-wait"
	xinetd_start pennypost-smtp pennypost-pop3 pennypost-submission-wait \
		pennypost-imap-wait
	for port in "$smtp" "$pop3" "$submission" "$imap"; do
		for fd in 5 6; do
			eval "exec $fd<>/dev/tcp/127.0.0.1/$port"
			IFS= read -r -t 20 -u "$fd"
		done
		tcp "$port" </dev/null
		exec 5<&- 6<&-
	done >"$BATS_TEST_TMPDIR/got"
	printf '%s\n' "$refusal" \
		$'-ERR [SYS/TEMP] Too many connections, try later\r' \
		"$refusal" \
		$'* BYE [UNAVAILABLE] Too many connections, try later\r' \
		>"$BATS_TEST_TMPDIR/expected"
	diff "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/got"
	soon grep -q 'FAIL: pennypost-smtp per_source_limit from=127.0.0.1' "$log"
	xinetd_end
}

@test "xinetd: many connections in a second do not close the port" {
	sed -i 's/= 50$/= 200/' "$SHARE/xinetd.d/pennypost-smtp"
	xinetd_start pennypost-smtp
	python3 - "$smtp" <<'END'
import socket, sys
for i in range(4):
    some = [socket.create_connection(("127.0.0.1", sys.argv[1]), 60)
            for j in range(40)]
    for s in some:
        if s.recv(4) != b"220 ":
            sys.exit("no greeting")
        s.close()
END
	not grep -q -i deactivat "$BATS_TEST_TMPDIR/xinetd.messages"
	soon started 160
}

@test "xinetd: a wait server that cannot start is no storm, and no silence" {
	rm "$LIBEXEC/smtpd"
	xinetd_start pennypost-smtp-wait
	[ "$(tcp "$smtp" </dev/null)" = "$refusal" ]
	(exec 5<>"/dev/tcp/127.0.0.1/$smtp"; sleep 2.5) &
	sleep 2.5
	grep START: "$log"
	[ "$(grep -c START: "$log")" -le 4 ]
	# The next one finds the port open, and is told.
	[ "$(tcp "$smtp" </dev/null)" = "$refusal" ]
	xinetd_end
}

# systemd-socket-activate: systemd's contract, without systemd

@test "systemd-socket-activate -a --inetd: mail goes round" {
	activate -a --inetd -l 127.0.0.1:"$smtp" "$LIBEXEC/smtpd"
	activate -a --inetd -l 127.0.0.1:"$submission" "$LIBEXEC/smtpd" -s
	activate -a --inetd -l 127.0.0.1:"$pop3" "$LIBEXEC/pop3d"
	activate -a --inetd -l 127.0.0.1:"$imap" "$LIBEXEC/imapd"
	listening "$smtp"
	listening "$submission"
	listening "$pop3"
	listening "$imap"
	mail_goes_round
	grep -q 'smtpd\[.*user=alice@example.test.* reply=250' \
		"$BATS_TEST_TMPDIR/stderr"
}

@test "systemd-socket-activate --inetd, by listen: mail goes round" {
	activate --inetd -l 127.0.0.1:"$smtp" "$LIBEXEC/listen" - \
		"$LIBEXEC/smtpd"
	activate --inetd -l 127.0.0.1:"$submission" "$LIBEXEC/listen" - \
		"$LIBEXEC/smtpd" -s
	activate --inetd -l 127.0.0.1:"$pop3" "$LIBEXEC/listen" - \
		"$LIBEXEC/pop3d"
	activate --inetd -l 127.0.0.1:"$imap" "$LIBEXEC/listen" - \
		"$LIBEXEC/imapd"
	listening "$smtp"
	listening "$submission"
	listening "$pop3"
	listening "$imap"
	mail_goes_round
}

@test "systemd-socket-activate, LISTEN_FDS, two ports for one listen" {
	activate -l 127.0.0.1:"$smtp" -l 127.0.0.1:"$submission" \
		--fdname=smtp:submission "$LIBEXEC/listen" - "$LIBEXEC/smtpd" -s
	activate -l 127.0.0.1:"$pop3" "$LIBEXEC/listen" - "$LIBEXEC/pop3d"
	activate -l 127.0.0.1:"$imap" "$LIBEXEC/listen" - "$LIBEXEC/imapd"
	listening "$smtp"
	listening "$submission"
	listening "$pop3"
	listening "$imap"
	mail_goes_round
}

# systemd itself, as PID 1 of its own namespaces

@test "systemd units: verified, and all as hard" {
	local unit
	for unit in "$ROOT"/systemd/*.service; do
		sed -n '/^User=/,$p' "$unit" | cksum
	done >"$BATS_TEST_TMPDIR/sums"
	[ "$(sort -u "$BATS_TEST_TMPDIR/sums" | wc -l)" = 1 ]
	cd "$SHARE/systemd"
	for unit in *; do
		SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no \
			--recursive-errors=no "./$unit"
	done >"$BATS_TEST_TMPDIR/verify" 2>&1
	cat "$BATS_TEST_TMPDIR/verify"
	not grep -q pennypost "$BATS_TEST_TMPDIR/verify"
}

logged() { # N PATTERN
	[ "$(systemd_do cat /run/pennypost.log | grep -c "$2")" = "$1" ]
}

@test "systemd, Accept=no and Accept=yes: mail goes round" {
	local style service
	systemd_start
	inside="nsenter -t $(cat "$BATS_TEST_TMPDIR/systemd/pid") -n"
	smtp=25 submission=587 pop3=110 imap=143
	for style in '' -accept; do
		for service in smtp submission pop3 imap; do
			systemd_do systemctl start \
				"pennypost-$service$style.socket"
		done
		mail_goes_round
	done
	# The one style has put an end to the other.
	[ "$(systemd_do systemctl is-active pennypost-smtp.socket)" = inactive ]
	[ -z "$(find "$PENNYPOST_HOME/spool" ! -user 64000)" ]
	soon logged 6 'smtpd.*: message .* reply=250'
	soon logged 4 'pop3d.*: quit .* ok=1'
}

@test "systemd: the teaching system, with a password, and as a lab without" {
	local root talk
	systemd_start
	inside="nsenter -t $(cat "$BATS_TEST_TMPDIR/systemd/pid") -n"
	root=/proc/$(cat "$BATS_TEST_TMPDIR/systemd/pid")/root
	talk=(timeout 120 bash -c 'exec 3<>/dev/tcp/127.0.0.1/2500
		cat >&3; cat <&3')
	systemd_do systemctl start pennypost-mysmtp.socket
	printf '%s\r\n' 'HELO a.test' 'MAIL FROM: x@a.test' \
		'RCPT TO: bob@example.test' 'DATA hello' \
		'LIST bob@example.test' 'AUTH bob@example.test secret' \
		'LIST bob@example.test' 'GET_MAIL bob@example.test 1' QUIT |
		$inside "${talk[@]}" | tr -d '\r' >got
	diff - <(sed 's/^Date: .*/Date:/; s/([0-9-]*)$/(date)/' got) <<-'END'
		200 OK
		200 OK
		200 OK
		200 Message stored successfully
		403 AUTH comes first
		200 OK
		200 OK 1 messages
		1: Email from x@a.test (date)
		.
		200 OK
		From: x@a.test
		Date:

		hello
		.
		200 Goodbye
	END
	[ "$(stat -c %u "$MAIL"/bob/*/*)" = 64000 ]
	sed -i 's,/mysmtpd$,& -L,' \
		"$root/etc/systemd/system/pennypost-mysmtp.service"
	systemd_do systemctl daemon-reload
	systemd_do systemctl restart pennypost-mysmtp.service
	printf '%s\r\n' 'LIST bob@example.test' QUIT |
		$inside "${talk[@]}" | tr -d '\r' >got
	grep -qx '1: Email from x@a.test ([0-9-]*)' got
}

@test "systemd: a command of a .forward runs, in the unit and in deliver's box" {
	local box=/var/lib/pennypost/spool/mail/example.test/alice
	echo 'alias_pipes yes' >>"$PENNYPOST_HOME/pennypost.conf"
	printf '"|cat >%s/got; id -u >%s/who"\n' "$box" "$box" \
		>"$MAIL/alice/.forward"
	systemd_start
	inside="nsenter -t $(cat "$BATS_TEST_TMPDIR/systemd/pid") -n"
	for style in '' -accept; do
		systemd_do systemctl start "pennypost-smtp$style.socket"
		$inside timeout 120 curl -sS smtp://127.0.0.1:25/client.test \
			--mail-from sender@client.test \
			--mail-rcpt alice@example.test -T "$message"
		sed 's/$/\r/' "$MAIL/alice/got" >"$BATS_TEST_TMPDIR/got"
		tail -c 100 "$message" | cmp - <(tail -c 100 "$BATS_TEST_TMPDIR/got")
		[ "$(cat "$MAIL/alice/who")" = 64000 ]
		rm "$MAIL/alice"/{got,who}
	done
}

@test "systemd: programs of any user, by their uid" {
	systemd_start
	systemd_do systemctl start pennypost-submit.socket
	[ "$(systemd_do stat -c %a /run/pennypost/submit)" = 666 ]
	systemd_do setpriv --reuid daemon --regid daemon --clear-groups \
		--no-new-privs env -u PENNYPOST_HOME \
		/usr/local/libexec/pennypost/sendmail -i alice \
		<<<'from a program'
	[ "$(count "$MAIL/alice/new")" = 1 ]
	mail_of alice | grep -qx 'Return-Path: <daemon@example.test>'
	mail_of alice | grep -qx 'Received: from mx.example.test (uid 1)'
	systemd_do cat /run/pennypost.log >"$BATS_TEST_TMPDIR/log"
	grep -q 'smtpd.*: message .* uid=1 ' "$BATS_TEST_TMPDIR/log"
}

@test "systemd: a restart lets sessions finish, and who is refused is told" {
	local root
	systemd_start
	root=/proc/$(cat "$BATS_TEST_TMPDIR/systemd/pid")/root
	sed -i 's/-s 50/-s 1/' \
		"$root/etc/systemd/system/pennypost-smtp.service"
	systemd_do systemctl daemon-reload
	systemd_do systemctl start pennypost-smtp.socket
	cat >"$BATS_TEST_TMPDIR/session.py" <<'END'
import socket, subprocess, sys
def connect():
    s = socket.create_connection(("127.0.0.1", 25), 60)
    return s, s.makefile("rb")
s, r = connect()
assert r.readline().startswith(b"220 ")
s2, r2 = connect()
assert r2.read() == b"421 4.3.2 Too many connections, try later\r\n"
subprocess.run(sys.argv[1:], check=True)
s.sendall(b"NOOP\r\n")
assert r.readline().startswith(b"250 ")
s3, r3 = connect()
assert r3.readline().startswith(b"220 ")
END
	nsenter -t "$(cat "$BATS_TEST_TMPDIR/systemd/pid")" -n \
		timeout 120 python3 "$BATS_TEST_TMPDIR/session.py" \
		nsenter -t "$(cat "$BATS_TEST_TMPDIR/systemd/pid")" -m -p -r -w \
		systemctl restart pennypost-smtp.service
	grep -q 'listen.*refused why=per-source' "$root/run/pennypost.log"
}

@test "systemd: many starts do not close the port" {
	systemd_start
	cat >"$BATS_TEST_TMPDIR/many.py" <<'END'
import socket, subprocess, sys
def connect():
    with socket.create_connection(("127.0.0.1", 25), 60) as s:
        r = s.makefile("rb")
        assert r.readline().startswith(b"220 ")
        s.sendall(b"QUIT\r\n")
        r.read()
def systemctl(*what):
    subprocess.run(sys.argv[1:] + list(what), check=True)
systemctl("start", "pennypost-smtp.socket")
for i in range(8):
    connect()
    systemctl("stop", "pennypost-smtp.service")
END
	nsenter -t "$(cat "$BATS_TEST_TMPDIR/systemd/pid")" -n \
		timeout 120 python3 "$BATS_TEST_TMPDIR/many.py" \
		nsenter -t "$(cat "$BATS_TEST_TMPDIR/systemd/pid")" -m -p -r -w \
		systemctl -q
}

# The queue under systemd

# Another host, far.test, on port 2525 of the same namespace; zoe is there.
far_start() {
	FAR=$BATS_TEST_TMPDIR/far
	mkdir -p "$FAR"/{users,spool/{queue,tmp,mail/far.test/zoe/{tmp,new,cur}}}
	printf 'host mx.far.test\nresolver 127.0.0.1:1\n' >"$FAR/pennypost.conf"
	echo far.test >"$FAR/users/domains"
	: >"$FAR/users/aliases"
	chown -R 64000:64000 "$FAR"
	echo 'route far.test 127.0.0.1:2525' >>"$PENNYPOST_HOME/pennypost.conf"
	background nsenter -t "$(cat "$BATS_TEST_TMPDIR/systemd/pid")" -n \
		env PENNYPOST_HOME="$FAR" PENNYPOST_LOG=stderr \
		"$LIBEXEC/listen" 127.0.0.1:2525 "$LIBEXEC/smtpd"
}

arrived() { [ "$(count "$FAR/spool/mail/far.test/zoe/new")" = "$1" ]; }
queue_is_empty() { [ "$(count "$QUEUE")" = 0 ]; }
unit_is() { [ "$(systemd_do systemctl is-active "$2")" = "$1" ]; }

# A message to zoe, from a client in the namespace.
to_zoe() {
	nsenter -t "$(cat "$BATS_TEST_TMPDIR/systemd/pid")" -n timeout 120 \
		curl -sS smtp://127.0.0.1:25/client.test -T "$message" \
		--mail-from alice@example.test --mail-rcpt zoe@far.test
}

# The control group of each queue-run that runs.
groups_of_queue_run() {
	# shellcheck disable=SC2016
	systemd_do sh -c 'for pid in $(grep -ls "^Name:.queue-run" \
		/proc/[0-9]*/status | cut -d/ -f3); do
		grep ^0:: /proc/$pid/cgroup; done'
}

running() {
	groups_of_queue_run >"$BATS_TEST_TMPDIR/groups"
	[ -s "$BATS_TEST_TMPDIR/groups" ]
}

@test "systemd: what comes into the queue is sent at once, by a unit of its own" {
	local root
	exec 7>&-
	systemd_start
	far_start
	root=/proc/$(cat "$BATS_TEST_TMPDIR/systemd/pid")/root
	systemd_do systemctl start pennypost-nudge.socket pennypost-smtp.socket
	kill -STOP "$PID" # the runner waits for far.test
	to_zoe
	soon running
	kill -CONT "$PID"
	cat "$BATS_TEST_TMPDIR/groups"
	grep -q pennypost-nudge.service "$BATS_TEST_TMPDIR/groups"
	not grep -v pennypost-nudge.service "$BATS_TEST_TMPDIR/groups"
	soon arrived 1
	soon queue_is_empty
	# From who may start nothing: a line in the FIFO is enough.
	cat >"$root/run/systemd/system/confined.service" <<'UNIT'
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
User=pennypost
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/var/lib/pennypost
InaccessiblePaths=/usr/local/libexec/pennypost/queue-run
ExecStart=sh -c 'printf "Subject: x\\n\\nx\\n" | \
    exec /usr/local/libexec/pennypost/sendmail -f alice@example.test zoe@far.test'
UNIT
	systemd_do systemctl daemon-reload
	systemd_do systemctl start confined
	soon arrived 2
	# Again when the runner has gone.
	soon unit_is inactive pennypost-nudge.service
	systemd_do systemctl start confined
	soon arrived 3
	soon queue_is_empty
	unit_is active pennypost-nudge.socket
	# A restart finds the FIFO of the time before.
	soon unit_is inactive pennypost-nudge.service
	systemd_do systemctl restart pennypost-nudge.socket
	[ "$(stat -c '%u %a %F' "$PENNYPOST_HOME/spool/nudge")" = '64000 600 fifo' ]
	to_zoe
	soon arrived 4
}

@test "systemd: without that unit, what smtpd has started outlives it" {
	local style n=0
	exec 7>&-
	systemd_start
	far_start
	for style in '' -accept; do
		systemd_do systemctl start "pennypost-smtp$style.socket"
		kill -STOP "$PID" # the runner waits for far.test
		to_zoe
		systemd_do systemctl stop 'pennypost-smtp*.service'
		soon running
		kill -CONT "$PID"
		n=$((n + 1))
		soon arrived $n
		soon queue_is_empty
		soon not running
	done
}

@test "systemd: the timer tries what had to wait" {
	local next
	systemd_start
	far_start
	systemd_do systemctl start pennypost-smtp.socket
	to_zoe # fd 7 seems to be a runner, and does nothing
	[ "$(count "$QUEUE")" = 1 ]
	systemd_do systemctl start pennypost-queue.timer # it may be due now
	exec 7>&-
	systemd_do systemctl list-timers --all --no-legend |
		grep -q 'pennypost-queue.timer *pennypost-queue.service'
	next=$(systemd_do systemctl show -P NextElapseUSecRealtime \
		pennypost-queue.timer)
	[ $(($(date -d "$next" +%s) - $(date +%s))) -le 300 ]
	systemd_do systemctl start --no-block pennypost-queue.service
	soon arrived 1
	soon queue_is_empty
}

@test "systemd: a queue-run that cannot start is no storm, and is tried again" {
	exec 7>&-
	systemd_start
	far_start
	systemd_do systemctl start pennypost-nudge.socket pennypost-smtp.socket
	mv "$LIBEXEC/queue-run" "$LIBEXEC/away"
	printf '#!/bin/sh\necho tried >&2\nexit 78\n' >"$LIBEXEC/queue-run"
	chmod 755 "$LIBEXEC/queue-run"
	SECONDS=0
	to_zoe
	soon systemd_do grep -q tried /run/pennypost.log
	sleep 3
	systemd_do cat /run/pennypost.log >"$BATS_TEST_TMPDIR/log"
	cat "$BATS_TEST_TMPDIR/log"
	[ "$(grep -c tried "$BATS_TEST_TMPDIR/log")" -le $((1 + SECONDS / 10)) ]
	[ "$(count "$QUEUE")" = 1 ]
	mv "$LIBEXEC/away" "$LIBEXEC/queue-run"
	soon arrived 1
	soon queue_is_empty
}

@test "cron: its line is silent" {
	local line
	grep -qx "PENNYPOST_HOME=$PENNYPOST_HOME" "$SHARE/cron.d/pennypost"
	grep -qx 'PENNYPOST_LOG=syslog' "$SHARE/cron.d/pennypost"
	line=$(grep '^\*' "$SHARE/cron.d/pennypost")
	[ "$line" = "*/5 * * * * pennypost $LIBEXEC/queue-run" ]
	# What cron passes over: names with dots, lines without an end.
	[ "$(ls "$SHARE/cron.d")" = pennypost ]
	[ -z "$(tail -c 1 "$SHARE/cron.d/pennypost")" ]
	exec 7>&-
	printf 'Subject: x\n\nx\n' |
		"$LIBEXEC/sendmail" -odq -f alice@example.test bob@example.test
	run -0 env -i PENNYPOST_HOME="$PENNYPOST_HOME" PENNYPOST_LOG=syslog \
		PATH=/usr/bin:/bin sh -c "${line#*pennypost }" </dev/null
	[ -z "$output" ]
	[ "$(count "$MAIL/bob/new")" = 1 ]
}
