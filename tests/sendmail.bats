#!/usr/bin/env bats
# sendmail: the calls that programs make, what becomes of a message, refusals.

load helper
load launch/lib

setup() {
	home_make
	sendmail=$BATS_TEST_TMPDIR/sbin/sendmail
	mkdir sbin
	for name in sendmail mailq newaliases; do
		ln -s "$PROGRAMS/sendmail" "sbin/$name"
	done
	uid=$(id -u)
	me=$(id -un 2>/dev/null) || me=uid$uid
	local gecos
	gecos=$(getent passwd "$me" | cut -d: -f5) || true
	gecos=${gecos%%,*}
	from="$me@example.test"
	if [[ $gecos =~ ^[A-Za-z0-9\ _-]+$ ]]; then
		from="$gecos <$me@example.test>"
	elif [ -n "$gecos" ]; then
		from="\"$gecos\" <$me@example.test>"
	fi
	unset PENNYPOST_LOG
}

# sends ARG … <MESSAGE: exit 0, and not a word.
sends() {
	run -0 --separate-stderr "$sendmail" "$@"
	[ -z "$output$stderr" ] || { echo "said: $output$stderr"; return 1; }
}

# refuses STATUS TEXT ARG … <MESSAGE: that status, one line, nothing queued.
refuses() {
	local status_wanted=$1 text=$2
	shift 2
	run --separate-stderr "$sendmail" "$@"
	[ "$status" = "$status_wanted" ] ||
		{ echo "status $status: $stderr"; return 1; }
	# shellcheck disable=SC2154
	_matches "$stderr" "sendmail: $text" || { echo "said: $stderr"; return 1; }
	[ "${#stderr_lines[@]}" = 1 ]
	[ "$(count "$QUEUE")" = 0 ]
	[ ! -d "$PENNYPOST_HOME/spool" ] || assert_no_tmp
}

# What differs from run to run, in few words. The size is looked at.
shape() {
	local size
	size=$(sed -n '1,/^$/s/^size 0*//p' "$1")
	[ "$size" = "$(sed '1,/^$/d' "$1" | wc -c)" ] || echo "wrong size: $size"
	[ "$(sed -n '2s/^id //p' "$1")" = "${1##*/}" ] || echo "wrong id"
	local id='[0-9A-F]\{14,\}\.[0-9]*'
	local date='[A-Z][a-z]*, [0-9]* [A-Z][a-z]* [0-9: ]* +0000'
	sed -e '1,4d' -e "s/$id/ID/" -e "s/$date\$/DATE/" "$1" |
		sed -e "/^Received: from $me (uid $uid)\$/{N;N;s/.*/RECEIVED/}" |
		sed -e 's/Message-ID: <ID@mx.example.test>$/MESSAGE-ID/' \
			-e 's/Date: DATE$/DATE/'
}

# The one queue file, without its first four lines, is what stands on stdin;
# nobody else needs to be told of it.
queued() {
	local files=("$QUEUE"/*)
	[ "${#files[@]}" = 1 ] && [ -f "${files[0]}" ] ||
		{ echo "not one file: ${files[*]}"; return 1; }
	diff - <(shape "${files[0]}") || return
	[ "$(nudged)" = "${files[0]##*/}" ] || { echo "no nudge"; return 1; }
	rm "${files[0]}"
	assert_no_tmp
}

# The message alone, without RECEIVED.
message() {
	local files=("$QUEUE"/*)
	[ "${#files[@]}" = 1 ]
	diff - <(shape "${files[0]}" | sed '1,/^RECEIVED$/d') || return
	rm "${files[0]}"
	nudged >/dev/null
}

# Who calls, and how

@test "cronie: -FCronDaemon -i -odi -oem -oi -t -f user" {
	sends -FCronDaemon -i -odi -oem -oi -t -f alice <<'END'
From: "(Cron Daemon)" <alice>
To: alice
Subject: Cron <alice@mx> echo hi
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Auto-Submitted: auto-generated
Precedence: bulk
X-Cron-Env: <SHELL=/bin/sh>

hi
.
there
END
	queued <<END
from <alice@example.test>
to . <alice@example.test>

RECEIVED
From: "(Cron Daemon)" <alice@example.test>
To: alice@example.test
Subject: Cron <alice@mx> echo hi
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Auto-Submitted: auto-generated
Precedence: bulk
X-Cron-Env: <SHELL=/bin/sh>
DATE
MESSAGE-ID

hi
.
there
END
}

@test "BSD cron: -FCronDaemon -odi -oem -oi -t; older: -or0s" {
	for older in '' -or0s; do
		sends -FCronDaemon -odi -oem -oi $older -t <<'END'
From: root (Cron Daemon)
To: alice, bob@example.net

hi
END
		queued <<END
from <$me@example.test>
to . <alice@example.test>
to . <bob@example.net>

RECEIVED
From: root@example.test (Cron Daemon)
To: alice@example.test, bob@example.net
DATE
MESSAGE-ID

hi
END
	done
}

@test "Debian cron: -i -FCronDaemon -B8BITMIME -oem user, and no -t" {
	sends -i -FCronDaemon -B8BITMIME -oem alice <<'END'
From: root (Cron Daemon)
To: alice
Subject: Cron <alice@mx> test -x job
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit
X-Cron-Env: <LOGNAME=alice>

grüße
END
	queued <<END
body 8bitmime
from <$me@example.test>
to . <alice@example.test>

RECEIVED
From: root@example.test (Cron Daemon)
To: alice@example.test
Subject: Cron <alice@mx> test -x job
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit
X-Cron-Env: <LOGNAME=alice>
DATE
MESSAGE-ID

grüße
END
}

@test "anacron: -FAnacron -odi user, neither -i nor -t" {
	sends -FAnacron -odi alice <<'END'
From: Anacron <root>
To: alice
Subject: Anacron job 'cron.daily' on mx

done
.
END
	queued <<END
from <$me@example.test>
to . <alice@example.test>

RECEIVED
From: Anacron <root@example.test>
To: alice@example.test
Subject: Anacron job 'cron.daily' on mx
DATE
MESSAGE-ID

done
END
}

@test "systemd-cron: -i -B 8BITMIME user, without new privileges" {
	sendmail_there=$sendmail
	sendmail=setpriv
	sends --no-new-privs "$sendmail_there" -i -B 8BITMIME alice <<'END'
Subject: [mx] job output: cron-alice-0
To: alice
Auto-Submitted: auto-generated

failed
END
	queued <<END
body 8bitmime
from <$me@example.test>
to . <alice@example.test>

RECEIVED
Subject: [mx] job output: cron-alice-0
To: alice@example.test
Auto-Submitted: auto-generated
From: $from
DATE
MESSAGE-ID

failed
END
}

@test "busybox crond: -ti" {
	sends -ti <<'END'
To: alice
Subject: cron: echo hi

hi
.
END
	queued <<END
from <$me@example.test>
to . <alice@example.test>

RECEIVED
To: alice@example.test
Subject: cron: echo hi
From: $from
DATE
MESSAGE-ID

hi
.
END
}

@test "PHP mail(): -t -i, with LF before 8 and CRLF since; -fADDRESS" {
	local message=$'To: alice@example.test\nSubject: hi\nX-PHP-Originating-Script: 0:x.php\n\nhello\n'
	printf '%s' "$message" >lf
	sed 's/$/\r/' lf >crlf
	# On Unix PHP 7 programs wrote CRLF, and PHP made each LF one again.
	sed 's/$/\r\r/' lf >crcrlf
	for file in lf crlf crcrlf; do
		sends -t -i -fwww@example.test <$file
		queued <<'END'
from <www@example.test>
to . <alice@example.test>

RECEIVED
To: alice@example.test
Subject: hi
X-PHP-Originating-Script: 0:x.php
From: www@example.test
DATE
MESSAGE-ID

hello
END
	done
}

@test "PHPMailer: -fADDRESS -i -t, or no -f" {
	for f in -fwww@example.test ''; do
		sends $f -i -t <<'END'
Date: Sun, 22 Nov 2026 00:00:00 -0500
To: Alice <alice@example.test>
From: =?utf-8?Q?J=C3=B6rg?= <j@example.test>
Cc: bob@example.test
Bcc: carol@example.test, dave@example.net
Subject: x
Message-ID: <1@example.test>
X-Mailer: PHPMailer
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

hi
END
		local sender=$me@example.test
		[ -z "$f" ] || sender=www@example.test
		queued <<END
from <$sender>
to . <alice@example.test>
to . <bob@example.test>
to . <carol@example.test>
to . <dave@example.net>

RECEIVED
Date: Sun, 22 Nov 2026 00:00:00 -0500
To: Alice <alice@example.test>
From: =?utf-8?Q?J=C3=B6rg?= <j@example.test>
Cc: bob@example.test
Subject: x
Message-ID: <1@example.test>
X-Mailer: PHPMailer
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

hi
END
	done
}

@test "Symfony, Laravel: -bs, and -bs -i: SMTP, without a password" {
	for i in '' -i; do
		step "$sendmail" -bs $i <<'TALK'
S: 220 mx.example.test *
C: EHLO [127.0.0.1]
S: 250-mx.example.test
S: 250-SIZE *
S: 250-LIMITS *
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-ENHANCEDSTATUSCODES
S: 250-DSN
S: 250-CHUNKING
S: 250 HELP
C: MAIL FROM:<www@example.test>
S: 250 *
C: RCPT TO:<bob@example.net>
S: 250 *
C: DATA
S: 354 *
C: Subject: x
C: Message-ID: <1@example.test>
C: Date: Sun, 22 Nov 2026 00:00:00 -0500
C:
C: ..hi
C: .
S: 250 2.0.0 OK *
C: RSET
S: 250 *
C: QUIT
S: 221 *
TALK
		[ "$(count "$QUEUE")" = 1 ]
		sed '1,4d; s/ id .*/ id ID/; s/^\t.*+0000$/\tDATE/' \
			"$QUEUE"/* >got
		diff got - <<END
from <www@example.test>
to . <bob@example.net>

Received: from [127.0.0.1] (uid $uid)
	by mx.example.test with ESMTP id ID
	for <bob@example.net>;
	DATE
Subject: x
Message-ID: <1@example.test>
Date: Sun, 22 Nov 2026 00:00:00 -0500

.hi
END
		rm "$QUEUE"/*
	done
}

@test "-bs: whoever narrows relay_from does not mean his own programs" {
	echo 'relay_from 192.0.2.1' >>"$PENNYPOST_HOME/pennypost.conf"
	pipe "$sendmail" -bs <<'TALK'
S: 220 *
C: HELO x
S: 250 *
C: MAIL FROM:<www@example.test>
S: 250 *
C: RCPT TO:<bob@example.net>
S: 250 *
C: QUIT
S: 221 *
TALK
	# Log lines are not for the caller's stderr.
	[ ! -s "$BATS_TEST_TMPDIR/stderr" ]
}

@test "Symfony in the place of -t: -fADDRESS recipients, dots doubled" {
	sends -fwww@example.test bob@example.net <<'END'
From: www@example.test
To: bob@example.net
Subject: x
Date: Sun, 22 Nov 2026 00:00:00 -0500
Message-ID: <1@example.test>

..
..two
.one
END
	queued <<'END'
from <www@example.test>
to . <bob@example.net>

RECEIVED
From: www@example.test
To: bob@example.net
Subject: x
Date: Sun, 22 Nov 2026 00:00:00 -0500
Message-ID: <1@example.test>

.
.two
.one
END
}

@test "git send-email: [-f sender] -i recipients" {
	for f in '' '-f dev@example.org'; do
		# shellcheck disable=SC2086
		sends $f -i list@example.org alice@example.test <<'END'
From: Dev <dev@example.org>
To: list@example.org
Cc: alice@example.test
Subject: [PATCH] x
Date: Sun, 22 Nov 2026 00:00:00 -0500
Message-Id: <1-dev@example.org>
X-Mailer: git-send-email 2.39.5

---
.
 x | 1 +
END
		local sender=$me@example.test
		[ -z "$f" ] || sender=dev@example.org
		queued <<END
from <$sender>
to . <list@example.org>
to . <alice@example.test>

RECEIVED
From: Dev <dev@example.org>
To: list@example.org
Cc: alice@example.test
Subject: [PATCH] x
Date: Sun, 22 Nov 2026 00:00:00 -0500
Message-Id: <1-dev@example.org>
X-Mailer: git-send-email 2.39.5

---
.
 x | 1 +
END
	done
}

@test "mutt: -oem -oi -B8BITMIME -f addr -N failure,delay -R hdrs -- recipients" {
	sends -oem -oi -B8BITMIME -f alice@example.test -N failure,delay \
		-R hdrs -- bob@example.net <<'END'
From: Alice <alice@example.test>
To: bob@example.net
Subject: x
Date: Sun, 22 Nov 2026 00:00:00 -0500
Message-ID: <1@example.test>

hi
END
	queued <<'END'
body 8bitmime
ret hdrs
from <alice@example.test>
to . <bob@example.net> notify=FAILURE,DELAY

RECEIVED
From: Alice <alice@example.test>
To: bob@example.net
Subject: x
Date: Sun, 22 Nov 2026 00:00:00 -0500
Message-ID: <1@example.test>

hi
END
}

@test "Ruby mail: -i -f from -- recipients" {
	sends -i -f app@example.test -- bob@example.net -odd@example.net <<'END'
Date: Sun, 22 Nov 2026 00:00:00 -0500
From: app@example.test
To: bob@example.net
Message-ID: <1@example.test>
Subject: x

hi
END
	queued <<'END'
from <app@example.test>
to . <bob@example.net>
to . <-odd@example.net>

RECEIVED
Date: Sun, 22 Nov 2026 00:00:00 -0500
From: app@example.test
To: bob@example.net
Message-ID: <1@example.test>
Subject: x

hi
END
}

@test "nodemailer: -i -f from recipients, Bcc left in, stdin a socket" {
	cat >message <<'END'
Bcc: carol@example.test
From: app@example.test
To: bob@example.net
Message-ID: <1@example.test>
Date: Sun, 22 Nov 2026 00:00:00 -0500

hi
END
	# Node gives its children socketpairs.
	python3 - "$sendmail" <<'END'
import socket, subprocess, sys
ours, theirs = socket.socketpair()
errors, its = socket.socketpair()
p = subprocess.Popen([sys.argv[1], "-i", "-f", "app@example.test",
    "bob@example.net", "carol@example.test"], stdin=theirs, stdout=its,
    stderr=its)
theirs.close()
its.close()
ours.sendall(open("message", "rb").read())
ours.close()
sys.exit(p.wait() or errors.recv(100) or 0)
END
	queued <<'END'
from <app@example.test>
to . <bob@example.net>
to . <carol@example.test>

RECEIVED
From: app@example.test
To: bob@example.net
Message-ID: <1@example.test>
Date: Sun, 22 Nov 2026 00:00:00 -0500

hi
END
}

@test "MIME::Lite, CGI scripts: -t -oi -oem" {
	sends -t -oi -oem <<'END'
MIME-Version: 1.0
Content-Type: text/plain
Content-Length: 3
To: alice@example.test
From: www@example.test (The web)

hi
END
	queued <<END
from <$me@example.test>
to . <alice@example.test>

RECEIVED
MIME-Version: 1.0
Content-Type: text/plain
To: alice@example.test
From: www@example.test (The web)
DATE
MESSAGE-ID

hi
END
}

@test "logwatch: -t, and a single dot ends it" {
	sends -t <<'END'
To: root
From: Logwatch <root>
Subject: Logwatch for mx (Linux)

all is well
.
not any more
END
	queued <<END
from <$me@example.test>
to . <root@example.test>

RECEIVED
To: root@example.test
From: Logwatch <root@example.test>
Subject: Logwatch for mx (Linux)
DATE
MESSAGE-ID

all is well
END
}

@test "mdadm: -t, From: mdadm monitoring <root>" {
	sends -t <<'END'
From: mdadm monitoring <root>
To: root
Subject: DegradedArray event on /dev/md0:mx

This is an automatically generated mail message.
END
	queued <<END
from <$me@example.test>
to . <root@example.test>

RECEIVED
From: mdadm monitoring <root@example.test>
To: root@example.test
Subject: DegradedArray event on /dev/md0:mx
DATE
MESSAGE-ID

This is an automatically generated mail message.
END
}

@test "fail2ban: -f \"<sender>\" \"<dest>\"" {
	sends -f '<fail2ban@mx.example.test>' '<root>' <<'END'
Subject: [Fail2Ban] sshd: banned 192.0.2.1
From: Fail2Ban <fail2ban@mx.example.test>
To: root

Hi,
END
	queued <<'END'
from <fail2ban@mx.example.test>
to . <root@example.test>

RECEIVED
Subject: [Fail2Ban] sshd: banned 192.0.2.1
From: Fail2Ban <fail2ban@mx.example.test>
To: root@example.test
DATE
MESSAGE-ID

Hi,
END
}

@test "mailx: -i user; Mailutils: -oi -f x -t; a body alone" {
	sends -oi -f "$me" -t <<'END'
To: <alice>

hi
END
	queued <<END
from <$me@example.test>
to . <alice@example.test>

RECEIVED
To: <alice@example.test>
From: $me@example.test
DATE
MESSAGE-ID

hi
END
	sends -i alice <<'END'
Just text, no header.
END
	queued <<END
from <$me@example.test>
to . <alice@example.test>

RECEIVED
From: $from
To: undisclosed-recipients:;
DATE
MESSAGE-ID

Just text, no header.
END
}

# Options

# envelope ARG …: the envelope lines that the call gives.
envelope() {
	printf 'To: t@example.net\n\nhi\n' | sends "$@" || return
	sed '1,4d; /^$/,$d' "$QUEUE"/*
	rm -f "$QUEUE"/*
	nudged >/dev/null
}

@test "-t: arguments are added; Resent fields alone count, when there are some" {
	[ "$(envelope -t a@example.net | grep -c '^to')" = 2 ]
	sends -t <<'END'
To: a@example.net
Resent-To: b@example.net
Resent-Cc: c
Resent-Bcc: d@example.net
Bcc: e@example.net
Date: Sun, 22 Nov 2026 00:00:00 -0500
Message-ID: <1@example.test>

hi
END
	queued <<END
from <$me@example.test>
to . <b@example.net>
to . <c@example.test>
to . <d@example.net>

RECEIVED
To: a@example.net
Resent-To: b@example.net
Resent-Cc: c@example.test
Date: Sun, 22 Nov 2026 00:00:00 -0500
Message-ID: <1@example.test>
Resent-From: $from
Resent-DATE
Resent-MESSAGE-ID

hi
END
}

@test "-i, -oi, -oitrue, -ti: a lone dot is text; without it is the end" {
	for i in -i -oi -oitrue '-o i' -bm; do
		local wanted=4
		[ "$i" != -bm ] || wanted=2
		# shellcheck disable=SC2086
		printf '\na\n.\nb\n' | sends $i alice
		[ "$(sed '1,/^$/d' "$QUEUE"/* | sed '1,/^$/d' | wc -l)" = \
			$((wanted - 1)) ]
		rm "$QUEUE"/*
	done
	# Not at the end of a line, and not with blanks.
	printf '\na.\n. \n .\nb\n' | sends alice
	[ "$(tail -n 4 "$QUEUE"/* | tr '\n' '|')" = 'a.|. | .|b|' ]
}

@test "-f and -r: glued, apart, in brackets, with a name, null" {
	for f in -fa@example.net '-f a@example.net' -ra@example.net \
		'-r a@example.net' '-f<a@example.net>'; do
		# shellcheck disable=SC2086
		[ "$(envelope $f x@example.net | head -1)" = \
			'from <a@example.net>' ]
	done
	[ "$(envelope -f 'A B <a@example.net>' x | head -1)" = \
		'from <a@example.net>' ]
	[ "$(envelope -f a x | head -1)" = 'from <a@example.test>' ]
	for null in '' '<>' ' '; do
		[ "$(envelope -f "$null" x | head -1)" = 'from <>' ]
	done
	[ "$(envelope -i -f '' -- x | head -1)" = 'from <>' ]
	for bad in 'a b' a@ @b 'a@b, c@d' 'a@b c' '<a@b' 'a@-b' '"a@b' \
		'a@b@c' "$(printf 'a%.0s' $(seq 260))@b"; do
		refuses 64 '-f: not an address: *' -f "$bad" x </dev/null
	done
	for bad in $'a\nb@c' $'a\rb@c' $'a@b\n' $'a@b>\nto . <x@y' $'\x7f@b'; do
		refuses 64 '-f: control character' -f "$bad" x </dev/null
	done
}

@test "-F: the name, when From is missing; encoded, quoted, harmless" {
	from_of() {
		printf 'hi\n' | sends "$@" -f a@example.test x || return
		sed -n '/^From: /,/^To: /p' "$QUEUE"/* | sed '$d'
		rm "$QUEUE"/*
	}
	[ "$(from_of -F 'Big Brother')" = 'From: Big Brother <a@example.test>' ]
	[ "$(from_of -FCronDaemon)" = 'From: CronDaemon <a@example.test>' ]
	[ "$(from_of -F 'A. "B" \C')" = \
		'From: "A. \"B\" \\C" <a@example.test>' ]
	[ "$(from_of -F Jürgen)" = \
		'From: =?utf-8?Q?J=C3=BCrgen?= <a@example.test>' ]
	[ "$(from_of -F $'J\xfc')" = \
		'From: =?unknown-8bit?Q?J=FC?= <a@example.test>' ]
	# 75 octets a word, and no character in two.
	[ "$(from_of -F "$(printf 'ü%.0s' $(seq 12))")" = \
		"From: =?utf-8?Q?$(printf '=C3=BC%.0s' $(seq 9))?=
 =?utf-8?Q?=C3=BC=C3=BC=C3=BC?= <a@example.test>" ]
	[ "$(from_of -F $'x\nBcc: evil@example.net')" = \
		'From: "x Bcc: evil@example.net" <a@example.test>' ]
	[ "$(from_of -F $'ü\r\n\r\nbody')" = \
		'From: =?utf-8?Q?=C3=BC____body?= <a@example.test>' ]
	[ "$(from_of -F '')" = 'From: a@example.test' ]
	[ "$(from_of -F "$(printf 'word%.0s ' $(seq 400))" | wc -L)" -le 998 ]
	printf 'From: b\n\nhi\n' | sends -F Name x
	grep -qx 'From: b@example.test' "$QUEUE"/*
}

@test "modes: -bm and -ba, a daemon is refused, -bh shows nothing" {
	[ "$(envelope -bm x | tail -1)" = 'to . <x@example.test>' ]
	[ "$(envelope -b m x | tail -1)" = 'to . <x@example.test>' ]
	printf 'Subject: x\r\n\r\nhi\r\n' | sends -ba x
	[ "$(tail -n 2 "$QUEUE"/* | tr '\n' '|')" = '|hi|' ]
	rm "$QUEUE"/*
	for mode in -bd -bD -bl; do
		refuses 64 'there is no daemon: *xinetd*' $mode -q15m </dev/null
	done
	refuses 64 'unknown mode -bz' -bz </dev/null
	for mode in -bh -bH; do
		run -0 "$sendmail" $mode
		[ "$output" = 'no host status is kept' ]
	done
}

@test "-N, -R, -V: what the sender wants to be told" {
	[ "$(envelope -N never x | tail -1)" = 'to . <x@example.test> notify=NEVER' ]
	[ "$(envelope -N success,Failure,DELAY x | tail -1)" = \
		'to . <x@example.test> notify=SUCCESS,FAILURE,DELAY' ]
	[ "$(envelope -R full x | head -1)" = 'ret full' ]
	[ "$(envelope -RHDRS x | head -1)" = 'ret hdrs' ]
	[ "$(envelope -V 'a+b=c d' x | head -1)" = 'envid a+2Bb+3Dc+20d' ]
	[ "$(envelope -V "$(printf 'a%.0s' $(seq 100))" x | head -1 | wc -c)" = 107 ]
	for bad in '' never,delay success,never x 'delay,' 'delay failure'; do
		refuses 64 '-N: *' -N "$bad" x </dev/null
	done
	refuses 64 '-R: neither full nor hdrs' -R some x </dev/null
	refuses 64 '-V: too long' -V "$(printf 'a%.0s' $(seq 101))" x </dev/null
	refuses 64 '-V: too long' -V "$(printf '+%.0s' $(seq 34))" x </dev/null
	refuses 64 '-V: not printable ASCII' -V $'a\nto . <x>' x </dev/null
}

@test "-B: 8BITMIME is recorded, 7BIT is not" {
	for b in -B8BITMIME '-B 8BITMIME' -B8bitmime; do
		# shellcheck disable=SC2086
		[ "$(envelope $b x | head -1)" = 'body 8bitmime' ]
	done
	[ "$(envelope -B7BIT x | head -1)" = "from <$me@example.test>" ]
	refuses 64 '-B: *' -BBINARY x </dev/null
}

@test "-G: nothing is added and nothing mended, but Bcc is removed" {
	local long
	long="X-Long: $(printf 'word%.0s ' $(seq 300))"
	printf 'From: a\nTo: b\nBcc: c\n%s\n\ngr\374\337e\n%01000d\n' "$long" 0 |
		sends -G x
	message <<END
From: a
To: b
$long

$(printf 'gr\374\337e\n%01000d\n' 0)
END
}

@test "options without a meaning are accepted, values and all" {
	for o in -odi -odb -odd -oem -oee -oep -oeq -oew -om -o7 -o8 -oA/x \
		-oAx '-o e' -or0s '-oT 5d' '-O DeliveryMode=i' -OTimeout=1 -em -ep \
		-eq -ew -ee '-X t/x' -Xt/x '-L tag' -Ltag '-C /etc/x' \
		'-d 0' -d0-5.4 '-D x' '-p smtp' -psmtp '-h 5' -h5 '-M id' -Mid -Ac \
		-Am '-A c' -U -m -n -x -J -E -nm -mnxUt; do
		# shellcheck disable=SC2086
		[ "$(envelope $o x@example.net | grep -c '^to . <x@example.net>$')" \
			= 1 ] || { echo "$o"; return 1; }
	done
	[ ! -e t/x ]
}

@test "options that are none, and those that come too late" {
	refuses 64 'unknown option -Z' -Z x </dev/null
	refuses 64 'unknown option -y' -iy x </dev/null
	refuses 64 'unknown option -?' -$'\303' x </dev/null
	refuses 64 'option -f needs a value' -f </dev/null
	refuses 64 'options come before recipients: -f' x -f y </dev/null
	[ "$(envelope -- -f@example.net | tail -1)" = 'to . <-f@example.net>' ]
}

@test "-odq: the runner is not told" {
	printf 'hi\n' | sends -odq x
	[ "$(count "$QUEUE")" = 1 ]
	[ -z "$(nudged)" ]
}

@test "-v: says what it does" {
	run -0 --separate-stderr "$sendmail" -v x <<<hi
	[[ $stderr == "sendmail: queued from=<$me@example.test> to=<x@example.test> recipients=1 size="*" uid=$uid" ]]
	[ -z "$output" ]
}

@test "nobody in the runner's place: it is started, and keeps nobody waiting" {
	local there=$BATS_TEST_TMPDIR/programs
	mkdir "$there"
	cp "$PROGRAMS/sendmail" "$there"
	cat >"$there/queue-run" <<'END'
#!/bin/sh
echo "$@" >"$PENNYPOST_HOME/ran.new"
env >>"$PENNYPOST_HOME/ran.new"
ls -l /proc/$$/fd >>"$PENNYPOST_HOME/ran.new"
mv "$PENNYPOST_HOME/ran.new" "$PENNYPOST_HOME/ran"
echo $$ >"$PENNYPOST_HOME/pid"
exec sleep 600
END
	chmod +x "$there/queue-run"
	exec 7>&-
	sendmail=$there/sendmail
	sends x <<<hi # `run` reads stdout and stderr to their end
	soon test -s "$PENNYPOST_HOME/pid"
	kill "$(<"$PENNYPOST_HOME/pid")" # it is still there
	[ "$(head -1 "$PENNYPOST_HOME/ran")" = "$(basename "$QUEUE"/*)" ]
	grep -qx PENNYPOST_LOG=syslog "$PENNYPOST_HOME/ran"
	[ "$(grep -c ' -> /dev/null$' "$PENNYPOST_HOME/ran")" = 2 ]
	[ "$(grep -c ' -> pipe:' "$PENNYPOST_HOME/ran")" = 0 ]
}

# The queue and the aliases

@test "mailq and -bp: the queue" {
	run -0 "$BATS_TEST_TMPDIR/sbin/mailq"
	[ "$output" = 'Mail queue is empty' ]
	printf 'hi\n' | sends -f a@example.net x@example.net
	run -0 "$sendmail" -bp
	[[ $output == *a@example.net*x@example.net* ]]
	local table=$output
	run -0 "$BATS_TEST_TMPDIR/sbin/mailq" -v
	[ "$output" = "$table" ]
	run -0 "$BATS_TEST_TMPDIR/sbin/mailq" --json
	[[ $output == '{'*'"a@example.net"'*'}' ]]
}

@test "newaliases, -bi and -I: nothing to build, mistakes are told" {
	printf '%s\n' '# comment' 'postmaster: alice,' '   bob' '' \
		'"odd name": carol' 'x : y' >"$PENNYPOST_HOME/users/aliases"
	for call in sbin/newaliases 'sbin/sendmail -bi' 'sbin/sendmail -I'; do
		run -0 $call
		[ "$output" = 'users/aliases: 3 aliases, read at each delivery' ]
	done
	for bad in 'no colon' '"open: x' ': x' 'two words: x'; do
		printf 'ok: x\n%s\n' "$bad" >"$PENNYPOST_HOME/users/aliases"
		run -65 --separate-stderr sbin/newaliases
		[ "$stderr" = 'sendmail: users/aliases:2: not "name: target"' ]
	done
	printf '  x\n' >"$PENNYPOST_HOME/users/aliases"
	run -65 sbin/newaliases
	rm "$PENNYPOST_HOME/users/aliases"
	run -0 sbin/newaliases
}

# fake NAME: a program beside sendmail that writes its arguments into a file.
fake() {
	mkdir -p programs
	[ -e programs/sendmail ] || cp "$PROGRAMS/sendmail" programs/
	printf '#!/bin/sh\necho "%s $*" >>"%s"\necho "said $*"\nexit %s\n' \
		"$1" "$BATS_TEST_TMPDIR/called" "${2:-0}" >"programs/$1"
	chmod +x "programs/$1"
	sendmail=$BATS_TEST_TMPDIR/programs/sendmail
}

@test "-bv and -bt: where would it go?" {
	fake deliver
	fake smtp-send 68
	run -0 "$sendmail" -bv alice bob@example.test
	[ "$output" = $'said -v alice@example.test\nsaid -v bob@example.test' ]
	run -68 "$sendmail" -bt '"x y"@example.net, carol'
	[ "$output" = $'said -v example.net\nsaid -v carol@example.test' ]
	refuses 64 'no address to look at' -bv </dev/null
	refuses 65 'not an address: *' -bv 'a b' </dev/null
	rm programs/deliver
	refuses 69 'deliver: No such file*' -bv alice </dev/null
}

@test "-q: the queue is run, or a part of it" {
	fake queue-run
	called() {
		cat called
		rm called
	}
	for n in 1 2 3; do
		printf 'hi\n' | sends -odq -f "from$n@example.net" \
			"to$n@example.org" "also$n@example.org"
	done
	cd "$QUEUE"
	local ids=(*)
	cd "$BATS_TEST_TMPDIR"
	run -0 "$sendmail" -q
	[ "$(called)" = 'queue-run -a' ]
	run -0 "$sendmail" -q15m
	[ "$(called)" = 'queue-run ' ]
	run -0 "$sendmail" "-qI${ids[1]}"
	[ "$(called)" = "queue-run ${ids[1]}" ]
	run -0 "$sendmail" -qSfrom3
	[ "$(called)" = "queue-run ${ids[2]}" ]
	run -0 "$sendmail" -qRALSO1@
	[ "$(called)" = "queue-run ${ids[0]}" ]
	# Who has the message already is no reason.
	sed -i 's/^to \. <also1/to + <also1/' "$QUEUE/${ids[0]}"
	run -0 "$sendmail" -qRalso
	[ "$(called | tr ' ' '\n' | sort)" = \
		"$(printf '%s\n' "${ids[1]}" "${ids[2]}" queue-run | sort)" ]
	run -0 "$sendmail" -qRnobody
	[ ! -e called ]
	fake queue-run 75
	run -75 "$sendmail" -qI"${ids[1]}"
	rm programs/queue-run
	run -69 "$sendmail" -q
}

@test "-q: more ids than fit into one call" {
	fake queue-run
	printf 'hi\n' | sends -odq x
	local id
	id=$(basename "$QUEUE"/*)
	for n in $(seq 1 1500); do
		echo >"$QUEUE/$id-$n"
	done
	run -0 "$sendmail" "-qI$id"
	[ "$(wc -l <called)" = 2 ]
	[ "$(wc -w <called)" = 1503 ]
	# The first of two fails.
	fake queue-run "\$([ -e $PWD/once ] || echo 75; touch $PWD/once)"
	run -75 "$sendmail" "-qI$id"
	[ -e once ]
}

# What becomes of a message

@test "a line of an mbox before the header is dropped" {
	for line in 'From alice Sun Nov 22 00:00:00 2026' '>From bob' \
		'>>>From x'; do
		printf '%s\n' "$line" 'Subject: x' '' 'From here' | sends x
		message <<END
Subject: x
From: $from
To: undisclosed-recipients:;
DATE
MESSAGE-ID

From here
END
	done
	{ printf 'From '; printf '%070000d\nSubject: x\n\n' 0; } | sends x
	grep -qx 'Subject: x' "$QUEUE"/*
	run -1 grep -q "$(printf %0100d 0)" "$QUEUE"/*
	rm "$QUEUE"/*
	printf '%s\n' 'From: a' 'From the start' | sends x
	[ "$(tail -n 2 "$QUEUE"/* | tr '\n' '|')" = '|From the start|' ]
}

@test "line ends: LF, CRLF, mixed, none at the end; stray CRs and NULs" {
	printf 'Subject: x\r\nX-A: b\n\r\none\ntwo\r\nth\rree\r\n\0fo\0ur' |
		sends x
	message <<END
Subject: x
X-A: b
From: $from
To: undisclosed-recipients:;
DATE
MESSAGE-ID

one
two
th ree
four
END
}

@test "no header, no body, nothing at all" {
	for text in 'text\nmore' '\ntext\nmore' ' text\nmore' ': text\nmore' \
		'two words: text\nmore' 'ü: text\nmore'; do
		# shellcheck disable=SC2059
		printf "$text\n" | sends x
		[ "$(tail -n 1 "$QUEUE"/*)" = more ]
		# Everything that came is behind the one empty line.
		[ "$(sed '1,/^$/d' "$QUEUE"/* | sed '1,/^$/d' | wc -l)" = 2 ]
		rm "$QUEUE"/*
	done
	nudged >/dev/null
	for text in '' '\n' '.\n' '\0'; do
		# shellcheck disable=SC2059
		printf "$text" | sends x
		message <<END
From: $from
To: undisclosed-recipients:;
DATE
MESSAGE-ID

END
	done
	printf 'Subject: x\n folded\nno header\nX: y' | sends x
	[ "$(tail -n 3 "$QUEUE"/* | tr '\n' '|')" = '|no header|X: y|' ]
	rm "$QUEUE"/*
	printf 'Subject: x' | sends x
	grep -qx 'Subject: x' "$QUEUE"/*
}

@test "what is there is not touched, not even in odd writing" {
	cat >given <<'END'
received: from somewhere
DATE  : yesterday
message-id:<1@example.net>
fRom:
 someone
	<a@example.net>
cc: b@example.net
Return-Receipt-To: <c>
X-Empty:
END
	printf '\nhi\n' | cat given - | sends x
	{ cat given; printf '\nhi\n'; } >whole
	message <whole
	# But none of these leaves the machine.
	printf '%s\n' 'Return-Path: <x@example.net>' 'BCC: y@example.net,' \
		'	z@example.net' 'Content-Length: 17' 'Resent-bcc: q' \
		'Bccc: kept' '' hi | sends x
	[ "$(sed '1,/^Received/d' "$QUEUE"/* | grep -ciE '^(\s.*z@|bcc:|return-p|content-l|resent-bcc)')" = 0 ]
	grep -qx 'Bccc: kept' "$QUEUE"/*
}

@test "To: undisclosed-recipients, but not where there is a Cc" {
	printf 'Bcc: a@example.net\n\nhi\n' | sends -t
	grep -qx 'To: undisclosed-recipients:;' "$QUEUE"/*
	rm "$QUEUE"/*
	printf 'Cc: a@example.net\n\nhi\n' | sends -t
	run -1 grep -q '^To:' "$QUEUE"/*
}

@test "names without a domain get ours, wherever they stand" {
	cat >given <<'END'
From: root (Cron Daemon)
Sender: <root>
Reply-To: "Odd, name" <"odd user"> (x)
To: alice, Bob <bob>,
 carol@example.net , (comment only)
	"dave" ; A group: eve, "f g"@example.net (<no@one>);, undisclosed:;
Cc: root@, two words, <@a.example,@b.example:x@example.net>, <>, h . i
Resent-From: j
Subject: k, l
END
	printf '\nhi\n' | cat given - | sends -- m
	sed '1,/^$/d; /^$/,$d' "$QUEUE"/* | sed '/^Received/,/^\t.*+0000/d' \
		>got
	sed '/^Resent-[DM]/d' got | diff - <(cat <<'END'
From: root@example.test (Cron Daemon)
Sender: <root@example.test>
Reply-To: "Odd, name" <"odd user"@example.test> (x)
To: alice@example.test, Bob <bob@example.test>,
 carol@example.net , (comment only)
	"dave"@example.test ; A group: eve@example.test, "f g"@example.net (<no@one>);, undisclosed:;
Cc: root@, two words, <@a.example,@b.example:x@example.net>, <>, h . i@example.test
Resent-From: j@example.test
Subject: k, l
END
	)
	rm "$QUEUE"/*
	: >"$PENNYPOST_HOME/users/domains"
	[ "$(envelope x | tail -1)" = 'to . <x@mx.example.test>' ]
}

# recipients HEADER…: who -t finds there.
recipients() {
	printf '%s\n' "$@" '' hi | sends -t || return
	sed -n 's/^to \. <\(.*\)>$/\1/p' "$QUEUE"/*
	rm -f "$QUEUE"/*
}

@test "-t: address lists of all kinds" {
	[ "$(recipients 'To: a, "b c" <d@example.net>, e (f (g) h\), i)' | xargs)" = \
		'a@example.test d@example.net e@example.test' ]
	[ "$(recipients 'To: <a> and more, "b' ' c" (x) <d> e' | xargs)" = \
		'a@example.test d@example.test' ]
	[ "$(recipients 'To: "b' ' c"@example.net')" = '"b c"@example.net' ]
	[ "$(recipients 'To: "a, b" <c>, =?utf-8?Q?J=C3=B6rg?= <d>' \
		' (folded' ' comment) , Jörg <e>' | xargs)" = \
		'c@example.test d@example.test e@example.test' ]
	[ "$(recipients 'To: staff: a, b@example.net;, empty:;, c' | xargs)" = \
		'a@example.test b@example.net c@example.test' ]
	[ "$(recipients 'To: <@r.example,@s.example:a@example.net>, b; c;' | xargs)" = \
		'a@example.net b@example.test c@example.test' ]
	[ "$(recipients 'To: "q\"r s"@example.net' 'CC: t . u @ example . net')" = \
		'"q\"r s"@example.net'$'\n''t.u@example.net' ]
	[ "$(recipients 'To: a@[192.0.2.1], b@[IPv6:2001:db8::1]' | xargs)" = \
		'a@[192.0.2.1] b@[IPv6:2001:db8::1]' ]
	[ "$(recipients 'To: J. P. M. @ home [x] <a@example.net>' 'To: b' \
		'bcc: c' | xargs)" = 'a@example.net b@example.test c@example.test' ]
	# The same one again; a domain's letters do not count.
	[ "$(recipients 'To: a@example.net, a@EXAMPLE.net, A@example.net' \
		'Cc: <a@example.net>' | xargs)" = 'a@example.net A@example.net' ]
	# Who writes in UTF-8 needs SMTPUTF8 (RFC 6531).
	printf 'To: Jörg <jörg@example.net>\n\nhi\n' | sends -t
	grep -qx smtputf8 "$QUEUE"/*
	grep -qx 'to \. <jörg@example.net>' "$QUEUE"/*
	rm "$QUEUE"/*
	[ "$(envelope -f jörg@example.net x | head -2)" = \
		$'smtputf8\nfrom <jörg@example.net>' ]
}

@test "-t: what is no address is refused, and nobody gets it" {
	for bad in 'two words' 'a@' '@b' '<a@b' 'a@b>' '<>' '"open' 'a@b@c' \
		'<a> <b>' 'a@-b.example' 'a@b..example' 'x: y@' 'a)' '[1.2.3.4]' \
		'a\b' 'a: b: c@d: e'; do
		printf 'To: good@example.net, %s\n\nhi\n' "$bad" |
			refuses 65 'To: not an address: *' -t
	done
	printf 'Resent-Cc: a b\n\nhi\n' |
		refuses 65 'Resent-Cc: not an address: "a b"' -t
	printf 'Subject: x\n\nhi\n' |
		refuses 64 'no recipients in To, Cc or Bcc' -t
	printf 'To: staff:;\n\nhi\n' |
		refuses 64 'no recipients in To, Cc or Bcc' -t
	# Without -t they are nobody's business.
	printf 'To: two words\n\nhi\n' | sends x
	grep -qx 'To: two words' "$QUEUE"/*
}

@test "recipients on the command line: lists, names, brackets" {
	[ "$(envelope 'a, b@example.net' 'C <c>' '<d>' '"e f"' d | grep -c '^to')" = 5 ]
	[ "$(envelope '' x | grep -c '^to')" = 1 ]
	refuses 64 'no recipients: *' </dev/null
	refuses 64 'no recipients: *' '' </dev/null
	for bad in 'a b' 'a@' $'a@b\nto . <x@y' $'a\rb'; do
		refuses 65 'not an address: *' "$bad" </dev/null
	done
	refuses 65 'not an address: *' "$(printf 'a%.0s' $(seq 250))@b.cd" </dev/null
	refuses 65 'recipient too long: *' "$(printf 'a%.0s' $(seq 250))" </dev/null
}

@test "8 bits without a MIME header get one; with one they pass" {
	printf 'Subject: x\n\nGrüße\n' | sends x
	grep -qx 'body 8bitmime' "$QUEUE"/*
	message <<END
Subject: x
From: $from
To: undisclosed-recipients:;
DATE
MESSAGE-ID
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Grüße
END
	printf '\nGr\374\337e\n' | sends x
	grep -aqx 'Content-Type: text/plain; charset=unknown-8bit' "$QUEUE"/*
	rm "$QUEUE"/*
	# Not well-formed: half characters, too long, too high, surrogates.
	for bad in '\303' '\303\n\274' '\300\200' '\340\200\200' '\364\220\200\200' \
		'\355\240\200' '\370\210\200\200' '\200' '\303\303'; do
		# shellcheck disable=SC2059
		printf "\nGrüße\n$bad\n" | sends x
		grep -aq 'charset=unknown-8bit' "$QUEUE"/*
		rm "$QUEUE"/*
	done
	for good in '\302\200' '\340\240\200' '\355\237\277' '\357\277\277' \
		'\360\220\200\200' '\364\217\277\277'; do
		# shellcheck disable=SC2059
		printf "\n$good\n" | sends x
		grep -aq 'charset=utf-8' "$QUEUE"/*
		rm "$QUEUE"/*
	done
	printf 'Content-Type: text/plain\n\n\374\n' | sends x
	grep -qax 'body 8bitmime' "$QUEUE"/*
	run -1 grep -aq '^MIME-Version' "$QUEUE"/*
	rm "$QUEUE"/*
	printf 'Subject: ü\n\nx\n' | sends x
	grep -qx 'body 8bitmime' "$QUEUE"/*
	run -1 grep -aq '^MIME-Version' "$QUEUE"/*
}

# The message as Python's email package understands it.
decoded() {
	python3 -c 'import email, sys
m = email.message_from_bytes(open(sys.argv[1], "rb").read().split(b"\n\n", 1)[1])
sys.stdout.buffer.write(m.get_payload(decode=True))' "$QUEUE"/*
}

@test "lines of more than 998 octets: quoted-printable, where that may be" {
	{
		printf '%0998d\n' 0
		printf 'a = b\t\n \n=20\n\n.\nü\177'
		printf '%03000d \n' 0
		printf 'end'
	} >body
	{ cat body; echo; } >whole
	printf '\n' | cat - body | sends -i x
	[ "$(wc -L <"$QUEUE"/*)" -le 80 ]
	[ "$(sed '1,/^$/d; 1,/^$/!d' "$QUEUE"/* | grep -A9 '^MIME')" = \
		'MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable' ]
	run -1 grep -qx 'body 8bitmime' "$QUEUE"/*
	decoded | cmp - whole
	run -1 grep -q '[[:blank:]]$' "$QUEUE"/*
	rm "$QUEUE"/*
	# A single part of text, as an HTML mail of one line is, also from PHP
	# scripts that forget MIME-Version.
	for more in 'MIME-Version: 1.0' 'Content-transfer-encoding: 8bit' 'X: y'; do
		printf '%s\n' "$more" \
			'Content-Type: text/html; charset="utf-8"' '' |
			cat - body | sends -i x
		[ "$(grep -ci '^content-transfer-encoding:' "$QUEUE"/*)" = 1 ]
		[ "$(grep -c '^MIME-Version:' "$QUEUE"/*)" = 1 ]
		[ "$(wc -L <"$QUEUE"/*)" -le 80 ]
		decoded | cmp - whole
		rm "$QUEUE"/*
	done
	# Exactly 998 is no long line.
	printf '\n%0998d\n' 0 | sends x
	run -1 grep -q '^MIME' "$QUEUE"/*
}

@test "long lines that cannot be helped pass, with a word in the log" {
	for header in 'Content-Type: multipart/mixed; boundary=x' \
		'Content-Transfer-Encoding: base64' \
		'Content-Type: application/pdf' \
		$'Content-Type: text/plain\nDKIM-Signature: v=1' \
		$'Content-Type: text/plain\nContent-Transfer-Encoding: x-uu'; do
		{
			printf 'MIME-Version: 1.0\n%s\n\n' "$header"
			printf '%02000d\n' 0
		} >given
		PENNYPOST_LOG=stderr run -0 "$sendmail" x <given
		[[ $output == *'warning: line too long octets=2000'* ]]
		[ "$(tail -n 1 "$QUEUE"/* | wc -c)" = 2001 ]
		rm "$QUEUE"/*
	done
	printf 'Content-Type: multipart/mixed\n\n%070000d\n' 0 >given
	PENNYPOST_LOG=stderr run -0 "$sendmail" x <given
	[[ $output == *'octets=70000 '* ]]
}

@test "header lines of more than 998 octets are folded" {
	local words addresses
	words=$(printf 'word%.0s ' $(seq 500))
	addresses=$(printf 'u%d@example.net,' $(seq 100))
	printf '%s\n' "Subject: $words" "X-One: $(printf '%02000d' 0)" \
		"To: ${addresses%,}" '' hi | sends -t
	[ "$(sed '1,/^$/d' "$QUEUE"/* | grep -v '^ 000' | wc -L)" -le 998 ]
	[ "$(sed -n '/^Subject/,/^X-One/p' "$QUEUE"/* | sed '$d' | tr -d '\n')" = \
		"Subject: $words" ]
	[ "$(grep -c '^to \.' "$QUEUE"/*)" = 100 ]
	# What has no blank within stays whole.
	[ "$(grep '^ 000' "$QUEUE"/* | wc -c)" = 2002 ]
}

@test "a large message: whole, and in little memory" {
	{ printf 'Subject: x\n\n'; seq 3000000 | head -c 20000000; echo; } >large
	sends -i x <large
	sed '1,/^$/d' "$QUEUE"/* | sed '1,/^$/d' | cmp - <(sed 1,2d large)
	rm "$QUEUE"/*
	# Quoted-printable is known of only at the end.
	{ seq 100000; printf '%02000d\n' 0; } >large
	sends -i x <large
	decoded | cmp - large
	rm "$QUEUE"/*
	if [ -z "$(nm "$PROGRAMS/sendmail" 2>/dev/null | grep -m1 __asan)" ]; then
		seq 3000000 >large
		(ulimit -v 20000; "$sendmail" -i x <large)
	fi
	assert_no_tmp
}

@test "a line as long as the message, with or without NULs and CRs" {
	head -c 300000 /dev/zero | tr '\0' a >line
	{ printf 'MIME-Version: 1.0\n\n'; cat line line; printf '\r\n.\nno'; } |
		sends x
	[ "$(tail -n 1 "$QUEUE"/* | wc -c)" = 600001 ]
	rm "$QUEUE"/*
	# CRs wherever a piece may end.
	for n in 65534 65535 65536 65537; do
		{ printf '\n'; head -c $n line; printf '\r\nb\r\n'; } |
			sends -G x
		[ "$(tail -n 2 "$QUEUE"/* | cksum)" = \
			"$({ head -c $n line; printf '\nb\n'; } | cksum)" ]
		rm "$QUEUE"/*
	done
	# A dot that begins a piece is no line of its own.
	{ printf '\n'; head -c 65536 line; printf '.\nmore\n'; } | sends -G x
	[ "$(tail -n 1 "$QUEUE"/*)" = more ]
}

# Refusals

@test "size: the limit, and no input without end" {
	echo 'message_size_limit 65536' >>"$PENNYPOST_HOME/pennypost.conf"
	{ printf '\n'; head -c 65534 /dev/zero | tr '\0' a; echo; } >given
	sends x <given
	rm "$QUEUE"/*
	echo >>given
	refuses 65 'message too big: more than 65536 bytes' x <given
	timeout 60 cat /dev/zero | refuses 65 'message too big: *' x
	yes | refuses 65 'message too big: *' x
	yes ' ' | tr -d '\n' | refuses 65 'message too big: *' x
	yes 'X-Bomb: boom' | refuses 65 'message too big: *' x
}

@test "a header bomb" {
	yes 'X-Bomb: boom' | refuses 65 'header too long: more than 524288 bytes' x
	{ printf 'To: '; yes 'a,' | tr -d '\n' | head -c 1000000; } |
		refuses 65 'header too long: *' -t
	{ printf 'To: '; yes '(((((((' | tr -d '\n' | head -c 500000; } |
		refuses 64 'no recipients in To, Cc or Bcc' -t
	{ printf 'Subject: '; yes ' a' | tr -d '\n' | head -c 500000; } | sends x
	[ "$(wc -L <"$QUEUE"/*)" -le 998 ]
}

@test "recipients: a thousand, no more; ten thousand of the same" {
	[ "$(envelope $(printf 'u%d ' $(seq 1000)) | grep -c ^to)" = 1000 ]
	refuses 65 'more than 1000 recipients' $(printf 'u%d ' $(seq 1001)) \
		</dev/null
	printf 'To: u%d\n' $(seq 10000) |
		refuses 65 'more than 1000 recipients' -t
	printf 'To: u\n%.0s' $(seq 10001) |
		refuses 65 'more than 10000 addresses' -t
}

under_strace() {
	cat >strace.sh <<END
#!/bin/sh
exec strace -qq -o /dev/null $(printf " -e '%s'" "$@") \
	"$PROGRAMS/sendmail" x
END
	chmod +x strace.sh
	sendmail=$PWD/strace.sh
}

@test "the disk: full, failing, not ours. Never 75: that is \"queued\" to PHP" {
	export ASAN_OPTIONS=detect_leaks=0
	while read -r status text what; do
		under_strace "inject=$what"
		refuses "$status" "${text//_/ }" <<<hi ||
			{ echo "$what"; return 1; }
	done <<'END'
74 cannot_write_into_the_queue:_No_space_* write:error=ENOSPC:when=1
74 cannot_write_into_the_queue:_*uota_exceeded write:error=EDQUOT:when=1
74 cannot_write_into_the_queue:_* ?pwrite64:error=EIO
74 cannot_write_into_the_queue:_* fsync:error=EIO:when=1
74 cannot_write_into_the_queue:_* fsync:error=ENOSPC:when=1
74 cannot_write_into_the_queue:_* link,linkat:error=ENOSPC
74 cannot_write_into_the_queue:_* link,linkat:error=EACCES
END
}

@test "a large text that cannot be read again leaves nothing" {
	export ASAN_OPTIONS=detect_leaks=0
	seq 100000 >large
	# The dynamic loader calls it, too.
	strace -qq -o loader -e trace=?pread64 "$PROGRAMS/sendmail" -bh >no
	under_strace "inject=?pread64:error=EIO:when=$(($(wc -l <loader) + 1))"
	refuses 74 'cannot write into the queue: *' <large
}

@test "what is exit 0 is on the disk, and only then is the runner told" {
	export ASAN_OPTIONS=detect_leaks=0
	strace -qq -o trace -e trace=fsync,link,linkat,write,open,openat,flock \
		"$PROGRAMS/sendmail" x <<<hi
	[ "$(sed -n -e /O_PATH/d -e 's/^fsync.*/fsync/p' -e 's/^link.*/link/p' \
		-e 's/^open.*spool\/nudge.*/nudge/p' \
		-e 's/^open.*spool\/tmp\/.*/create/p' \
		-e 's/^open.*"spool\/queue", .*/directory/p' trace | xargs)" = \
		'create fsync link directory fsync nudge' ]
}

@test "killed on its way: nothing, or the whole message" {
	export ASAN_OPTIONS=detect_leaks=0
	for point in write:when=1 ?pwrite64:when=1 fsync:when=1 link,linkat \
		unlink,unlinkat:when=1 fsync:when=2 flock; do
		under_strace "inject=${point/:/:signal=KILL:}"
		[[ $point == *:* ]] || under_strace "inject=$point:signal=KILL"
		run "$sendmail" <<<hi
		[ "$status" = 137 ] || { echo "$point: $status"; return 1; }
		for file in "$QUEUE"/*; do
			[ ! -e "$file" ] || [ -z "$(shape "$file" | grep wrong)" ]
		done
		rm -f "$QUEUE"/* "$PENNYPOST_HOME"/spool/tmp/*
	done
}

@test "a disk that is really full" {
	unshare -m true 2>/dev/null || skip 'a small disk cannot be mounted'
	cat >small.sh <<END
#!/bin/sh
mount -t tmpfs -o "size=\$SIZE,nr_inodes=\$INODES" small "$PENNYPOST_HOME/spool" &&
mkdir "$PENNYPOST_HOME"/spool/queue "$PENNYPOST_HOME"/spool/tmp || exit 99
"$PROGRAMS/sendmail" -odq "\$@"
status=\$?
find "$PENNYPOST_HOME/spool" -type f
exit \$status
END
	chmod +x small.sh
	SIZE=64k INODES=20 run -0 unshare -m ./small.sh x <<<hi
	[ "${#lines[@]}" = 1 ] # it can work there
	seq 100000 >large
	for size in 1k 300k; do
		SIZE=$size INODES=20 run -74 unshare -m ./small.sh -i x <large
		[[ $output == *': No space left on device' ]]
		[ "${#lines[@]}" = 1 ]
	done
	SIZE=64k INODES=3 run -73 unshare -m ./small.sh x <<<hi
	[ "$output" = 'sendmail: cannot write into the queue: No space left on device' ]
}

@test "the configuration: wrong, missing, not to be read" {
	refuses 74 'cannot read the message: Is a directory' x </
	echo 'nonsense yes' >>"$PENNYPOST_HOME/pennypost.conf"
	refuses 78 'pennypost.conf:3: nonsense: unknown key' x <<<hi
	rm "$PENNYPOST_HOME/pennypost.conf"
	refuses 78 'pennypost.conf: No such file *' x <<<hi
	mkdir "$PENNYPOST_HOME/pennypost.conf"
	refuses 71 'pennypost.conf: Is a directory' x <<<hi
	PENNYPOST_HOME=/no/home refuses 78 'home /no/home: No such *' x <<<hi
}

# Handing over

# A home without a queue of its own, and a server for it that writes down what
# it hears, and says what the file `says` has for a command, else yes.
talker_start() {
	mkdir -p client/users
	printf '%s\n' 'host client.example.test' "submit $PWD/socket" \
		>client/pennypost.conf
	echo example.test >client/users/domains
	printf '%s\n' "EHLO 250-talker\r\n250-PIPELINING\r\n250-SIZE 9\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 DSN" \
		>offers
	cat >talker <<'END'
#!/bin/bash
cd "$(dirname "$0")"
answer() {
	local said
	said=$(grep -m1 "^$1 " says) || said=$(grep -m1 "^$1 " offers) ||
		said="$1 ${2:-250 2.0.0 OK}"
	said=${said#* }
	[ "$said" != hang-up ] || exit 0
	printf "$said\r\n"
	case $said in [45]*) return 1 ;; esac
}
answer BEGIN '220 talker ESMTP'
text=
while IFS= read -r line; do
	printf '%s\n' "$line" >>heard
	if [ -n "$text" ]; then
		[ "$line" != $'.\r' ] || { text=; answer END; }
		continue
	fi
	case $line in
	EHLO*) answer EHLO ;;
	MAIL*) answer MAIL ;;
	RCPT*'<bad'*) answer BAD ;;
	RCPT*) answer RCPT ;;
	DATA*) answer DATA '354 go on' && text=yes ;;
	QUIT*) answer QUIT '221 2.0.0 bye'; exit ;;
	esac
done
END
	chmod +x talker
	: >says
	: >heard
	background "$PROGRAMS/listen" "$PWD/socket" "$PWD/talker"
	soon test -S socket
	export PENNYPOST_HOME=$PWD/client
}

# heard: what the server heard, in words; it must all end in CRLF.
heard() {
	soon grep -q '^QUIT' heard
	_shown <heard >heard.shown
	: >heard
	cat heard.shown
}

@test "by SMTP: the envelope, dots, CRLF, and what the server offers" {
	talker_start
	printf 'To: x\nMessage-ID: <1@x>\nDate: now\n\n.\n..two\nü\nend' |
		sends -i -f a@example.net -N success,delay -R full -V 'a b' \
			x bad@example.net
	heard >got
	diff got - <<END
EHLO client.example.test
MAIL FROM:<a@example.net> SIZE=173 BODY=8BITMIME RET=FULL ENVID=a+20b
RCPT TO:<x@example.test> NOTIFY=SUCCESS,DELAY
RCPT TO:<bad@example.net> NOTIFY=SUCCESS,DELAY
DATA
To: x@example.test
Message-ID: <1@x>
Date: now
From: a@example.net
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

..
...two
ü
end
.
QUIT
END
	printf 'hi\n' | sends -f ö@example.net x
	[[ $(heard | sed -n 2p) == 'MAIL FROM:<ö@example.net> SIZE='*' SMTPUTF8' ]]
	# Little is offered, and one thing said at a time.
	echo 'EHLO 250 talker' >says
	printf 'ü\n' | sends -N never -R hdrs -V x -f '' x y
	[ "$(heard | sed '/^DATA/,$d')" = "EHLO client.example.test
MAIL FROM:<>
RCPT TO:<x@example.test>
RCPT TO:<y@example.test>" ]
	refuses 69 "$PWD/socket: takes no UTF-8 address" ö@example.net <<<hi
}

@test "by SMTP: a large message, quoted-printable" {
	talker_start
	{ seq 100000; printf '%02000d\n' 0; } >large
	sends -i x <large
	heard >got
	sed -i 's/^\.\././; 1,/^DATA/d; /^\.$/,$d' got
	python3 -c 'import email, sys
m = email.message_from_bytes(open("got", "rb").read())
sys.exit(m.get_payload(decode=True) != open("large", "rb").read())'
	# Dots everywhere, also where the pieces end.
	yes 'a...................' | head -n 40000 >dots
	{ echo; cat dots; } | sends x
	heard >got
	sed '1,/^$/d; /^\.$/,$d' got | cmp - dots
}

@test "by SMTP: refusals, by their codes; nobody gets what one is refused" {
	talker_start
	while read -r status says; do
		echo "$says" >says
		: >heard
		local said=${says#* }
		[ "${says%% *}" != BAD ] || said="bad@example.net: $said"
		run "-$status" --separate-stderr "$sendmail" x bad@example.net y <<<hi
		case $says in
		BAD*)
			[ "$stderr" = "sendmail: recipient bad@example.net: \"${says#* }\"" ]
			run -1 grep -q ^DATA heard ;;
		MAIL*)
			[[ $stderr == "sendmail: sender "*"@example.test: \"${says#* }\"" ]] ;;
		*)
			[[ $stderr == "sendmail: "*"\"${says#* }\"" ]] ;;
		esac
	done <<'END'
67 BAD 550 5.1.1 No such user
67 BAD 450 4.1.1 Not now
68 BAD 550 5.1.2 No such host
77 BAD 550 5.7.1 Relaying denied
69 BAD 550 just no
69 BAD 450 4.2.0 Later
74 BAD 452 4.3.1 Disk full
74 BAD 451 4.3.0 Cannot write it now
65 MAIL 552 5.3.4 Message too big
77 MAIL 530 5.7.0 Authentication required
65 MAIL 501 5.1.7 Bad sender address
69 DATA 554 no
65 END 554 5.6.0 Bad message
74 END 452 4.3.1 Disk full
69 END 421 4.3.2 Shutting down
69 BEGIN 421 4.3.2 Too many connections
69 EHLO 502 5.5.1 What
END
	for says in 'BEGIN hang-up' 'RCPT hang-up' 'END hang-up' 'DATA hang-up'; do
		echo "$says" >says
		run -74 --separate-stderr "$sendmail" x <<<hi
		[ "$stderr" = "sendmail: $PWD/socket: connection lost" ]
	done
	for says in 'BEGIN hello there' 'END 2500 hm' 'MAIL 25' 'RCPT 354 go on' \
		'END 250 OK\n'; do
		echo "$says" >says
		run -74 --separate-stderr "$sendmail" x <<<hi
		[ "$stderr" = "sendmail: $PWD/socket: not an SMTP server" ] ||
			{ echo "$says: $stderr"; return 1; }
	done
}

@test "by SMTP: nobody there, no answer, a path too long" {
	talker_start
	stop "$PID"
	refuses 69 "cannot hand the message over at $PWD/socket: No such file *" x <<<hi
	for where in 127.0.0.1:1 '[::1]:1' localhost:1; do
		sed -i "s|^submit .*|submit $where|" client/pennypost.conf
		run -69 --separate-stderr "$sendmail" x <<<hi
		[[ $stderr == "sendmail: cannot hand the message over at $where: "* ]]
	done
	sed -i "s|^submit .*|submit $PWD/socket|" client/pennypost.conf
	background "$PROGRAMS/listen" "$PWD/socket" "$PWD/talker"
	soon test -S socket
	export ASAN_OPTIONS=detect_leaks=0
	under_strace 'inject=poll,ppoll:retval=0'
	refuses 74 "$PWD/socket: no answer" <<<hi
	under_strace 'inject=connect:error=EAGAIN'
	refuses 69 "cannot hand * at $PWD/socket: no answer" <<<hi
	sendmail=$PROGRAMS/sendmail
	sed -i "s|^submit .*|submit /$(printf 'x%.0s' $(seq 120))|" \
		client/pennypost.conf
	refuses 78 'submit: the path is too long: *' x <<<hi
}

# The real one: smtpd -s behind a Unix socket, as nobody; the caller is daemon.
served() {
	[ "$uid" = 0 ] || skip 'only root can be two users'
	installed
	sendmail=$LIBEXEC/sendmail
	mkdir run
	chown nobody run
	background setpriv --reuid nobody --regid nogroup --clear-groups \
		env PENNYPOST_LOG=stderr "$LIBEXEC/listen" "$PWD/run/submit" \
		"$LIBEXEC/smtpd" -s
	soon test -S run/submit
	echo "submit $PWD/run/submit" >>"$PENNYPOST_HOME/pennypost.conf"
	daemon=$PWD/daemon # a program, to be run by whatever
	cat >daemon <<'END'
#!/bin/sh
exec setpriv --reuid "${AS-1}" --regid 1 --clear-groups --no-new-privs "$@"
END
	chmod +x daemon
}

@test "another user: the Unix socket, which knows his uid" {
	served
	echo 'relay_from 192.0.2.1' >>"$PENNYPOST_HOME/pennypost.conf"
	printf 'To: alice, bob@example.net\nMessage-ID: <1@x>\n\nhi\n' |
		"$daemon" "$sendmail" -t
	soon test -f "$QUEUE"/*
	sed '1,4d; s/ id .*/ id ID/; s/^\t.*+0000$/\tDATE/; s/^Date: .*/DATE/' \
		"$QUEUE"/* >got
	diff got - <<'END'
from <daemon@example.test>
to + <alice@example.test>
to . <bob@example.net>

Received: from mx.example.test (uid 1)
	by mx.example.test with ESMTP id ID
	DATE
To: alice@example.test, bob@example.net
Message-ID: <1@x>
From: daemon <daemon@example.test>
DATE

hi
END
	[ "$(stat -c %U "$QUEUE"/*)" = nobody ]
	mail_of alice | grep -q '^Received: from mx.example.test (uid 1)$'
	grep -q ': message from=<daemon@example.test> .* uid=1 user= reply=250 ' \
		"$BATS_TEST_TMPDIR/stderr"
	rm "$QUEUE"/*
	# One of whom nobody knows a name.
	AS=54321 "$daemon" "$sendmail" x@example.net <<<hi
	grep -qx 'from <uid54321@example.test>' "$QUEUE"/*
	grep -qx 'Received: from mx.example.test (uid 54321)' "$QUEUE"/*
	run -67 --separate-stderr "$daemon" "$sendmail" nosuch <<<hi
	[ "$stderr" = 'sendmail: recipient nosuch@example.test: "550 5.1.1 No such user here"' ]
}

@test "another user: -bs is carried to the socket, and ends with it" {
	served
	both "$daemon" "$sendmail" -bs <<'TALK'
S: 220 mx.example.test *
C: EHLO x
S: 250-mx.example.test
S: 250-SIZE *
S: 250-LIMITS *
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-ENHANCEDSTATUSCODES
S: 250-DSN
S: 250-CHUNKING
S: 250 HELP
C: MAIL FROM:<daemon@example.test>
S: 250 *
C: RCPT TO:<bob@example.net>
S: 250 *
C: DATA
S: 354 *
C: Subject: x
C:
C: hi
C: .
S: 250 2.0.0 OK *
C: QUIT
S: 221 *
TALK
	[ "$(grep -lx 'Received: from x (uid 1)' "$QUEUE"/* | wc -l)" = 2 ]
	# No end of input is needed.
	mkfifo never
	exec 5<>never
	printf 'QUIT\r\n' >never
	[[ $(timeout 60 "$daemon" "$sendmail" -bs <never) == *'221 '* ]]
	exec 5>&-
	sed -i 's|^submit .*|submit /no/socket|' "$PENNYPOST_HOME/pennypost.conf"
	run -69 --separate-stderr "$daemon" "$sendmail" -bs </dev/null
	[ -z "$output" ]
}

@test "another user: loopback, where our own Received line tells the uid" {
	served
	local port
	port=$(free_port)
	background setpriv --reuid nobody --regid nogroup --clear-groups \
		"$LIBEXEC/listen" 127.0.0.1:"$port" "$LIBEXEC/smtpd" -s
	listening "$port"
	sed -i "s|^submit .*|submit 127.0.0.1:$port|" \
		"$PENNYPOST_HOME/pennypost.conf"
	"$daemon" "$sendmail" bob@example.net <<<hi
	[ "$(sed -n 's/ id .*//; /^Received/,/^\t.*by/p' "$QUEUE"/*)" = \
'Received: from mx.example.test ([127.0.0.1])
	by mx.example.test with ESMTP
Received: from daemon (uid 1)
	by mx.example.test with local' ]
	rm "$QUEUE"/*
	echo 'relay_from 192.0.2.1' >>"$PENNYPOST_HOME/pennypost.conf"
	run -77 --separate-stderr "$daemon" "$sendmail" bob@example.net <<<hi
	[[ $stderr == *'"530 5.7.0 Authentication required"' ]]
	[ "$(count "$QUEUE")" = 0 ]
}

@test "another user: neither the queue nor its runner is his" {
	served
	"$sendmail" -odq x@example.net <<<hi
	[ "$(stat -c %U "$QUEUE"/*)" = nobody ] # root is the mail user there
	chmod 700 "$QUEUE"
	run -77 "$daemon" "$sendmail" -bp
	run -77 "$daemon" "$sendmail" -q
	run -77 "$daemon" "$sendmail" -qR.
	chmod 600 "$PENNYPOST_HOME/users/aliases"
	run -77 "$daemon" "$sendmail" -bi
}

@test "a queue of ours that is read-only for the moment" {
	unshare -m true 2>/dev/null || skip 'mounts are not permitted'
	served
	# As in a service with ProtectSystem=strict.
	unshare -m sh -c "mount --bind '$PENNYPOST_HOME' '$PENNYPOST_HOME' &&
		mount -o remount,bind,ro '$PENNYPOST_HOME' &&
		exec '$sendmail' x@example.net" <<<hi
	grep -qx 'Received: from mx.example.test (uid 65534)' "$QUEUE"/*
}
