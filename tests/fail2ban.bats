#!/usr/bin/env bats
# The filter for fail2ban, by Debian's fail2ban-regex, with what the programs
# have really said to syslog.

load helper

setup() {
	home_make
	command -v fail2ban-regex >/dev/null || skip 'no fail2ban'
	log=$BATS_TEST_TMPDIR/log
	# A filter stands beside those that it includes.
	mkdir etc
	cp -R /etc/fail2ban/. etc
	cp -R "$ROOT/fail2ban/." etc
}

# refused NAME PEER: what pop3d says of a login, as syslogd writes it down.
refused() {
	printf 'USER %s\r\nPASS wrong\r\nQUIT\r\n' "$1" >in
	TCPREMOTEIP=$2 "$PROGRAMS/pop3d" <in 2>err >out || return
	as_syslog <err
}

as_syslog() {
	LC_ALL=C sed -n "s/^\([a-z0-9]*\[[0-9]*\]: \)\(warning: \)\{0,1\}/$(
		LC_ALL=C date '+%b %e %T') mx \1/p"
}

# found: the addresses that the filter finds in the log.
found() {
	fail2ban-regex -o ip "$log" etc/filter.d/pennypost.conf >found 2>&1 ||
		{ tail -n 3 found; return 1; }
	cat found
}

# Without TLS a password is taken from loopback alone.
@test "what fails is found, with its address, and what does not is not" {
	refused alice@example.test 127.0.0.1 >"$log"
	grep -q ' mx pop3d\[[0-9]*\]: login refused user=alice@example.test peer=127.0.0.1 service=pop3 mechanism=PLAIN$' "$log"
	printf 'USER alice\r\nPASS secret\r\nQUIT\r\n' |
		TCPREMOTEIP=127.0.0.1 "$PROGRAMS/pop3d" 2>err >out
	as_syslog <err >>"$log"
	grep -q ' login user=alice@example.test peer=127.0.0.1 ' "$log"
	[ "$(found)" = 127.0.0.1 ]
	sed -i 's/127\.0\.0\.1/2001:db8::7/' "$log"
	[ "$(found)" = 2001:db8::7 ]
}

@test "imapd" {
	printf 'a LOGIN alice wrong\r\nb LOGOUT\r\n' |
		TCPREMOTEIP=127.0.0.1 "$PROGRAMS/imapd" 2>err >out
	as_syslog <err >"$log"
	grep -q ' mx imapd\[[0-9]*\]: login refused user=alice@example.test peer=127.0.0.1 service=imap mechanism=' "$log"
	[ "$(found)" = 127.0.0.1 ]
}

@test "smtpd" {
	step env TCPREMOTEIP=127.0.0.1 "$PROGRAMS/smtpd" -s <<'TALK'
S: 220 *
C: EHLO x
S: 250-*
S: 250-*
S: 250-*
S: 250-AUTH PLAIN LOGIN
S: 250-*
S: 250-*
S: 250-*
S: 250-*
S: 250-*
S: 250-*
S: 250 HELP
C: AUTH PLAIN AGFsaWNlAHdyb25n
S: 535 *
C: QUIT
S: 221 *
TALK
	as_syslog <stderr >"$log"
	grep -q ' mx smtpd\[[0-9]*\]: login refused user=alice@example.test peer=127.0.0.1 service=smtp mechanism=PLAIN' "$log"
	[ "$(found)" = 127.0.0.1 ]
}

@test "who calls himself another's address has only his own banned" {
	local name
	for name in 'x peer=192.0.2.66' \
		'x peer=192.0.2.66 service=pop3 mechanism=PLAIN' \
		'x"peer=192.0.2.66' 'peer=192.0.2.66' 'x@192.0.2.66' \
		$'x\tpeer=192.0.2.66' 'user=x peer=192.0.2.66 service=x' \
		'x\x20peer=192.0.2.66' \
		'login refused user=x peer=192.0.2.66 service=a mechanism=b' \
		'1] mx pop3d[1]: login refused user=x peer=192.0.2.66'; do
		refused "$name" 127.0.0.1 >"$log"
		[ "$(grep -c 'login refused' "$log")" = 1 ]
		[ "$(found)" = 127.0.0.1 ] || { cat "$log"; return 1; }
	done
}

@test "the line with TLS, other mechanisms, a queue id" {
	local mechanism
	for mechanism in SCRAM-SHA-256 SCRAM-SHA-256-PLUS EXTERNAL; do
		echo "Nov 22 11:00:00 mx imapd[77]: login refused user=bob@example.test peer=192.0.2.9 service=imap mechanism=$mechanism tls=TLSv1.3 id=ABC.0"
	done >"$log"
	[ "$(found)" = $'192.0.2.9\n192.0.2.9\n192.0.2.9' ]
}

@test "nothing else that is logged bans anybody" {
	printf 'Nov 22 11:00:00 mx %s\n' \
		'pop3d[1]: login user=a peer=192.0.2.1 service=pop3 mechanism=PLAIN' \
		'pop3d[1]: login unavailable user=a peer=192.0.2.1 service=pop3 mechanism=PLAIN' \
		'smtp-send[1]: login refused mta=192.0.2.1[192.0.2.1]:25 reply="535"' \
		'cron[1]: login refused user=a peer=192.0.2.1 service=pop3 mechanism=PLAIN' \
		'pop3d[1]: login refused user=a peer= service=pop3 mechanism=PLAIN' \
		>"$log"
	[ "$(found)" = '' ]
}

@test "the jail is read by fail2ban, with the filter" {
	fail2ban-client -c etc -d >dump 2>dump.err || { cat dump.err; return 1; }
	grep -q "'add', 'pennypost'" dump
	grep -q "'set', 'pennypost', 'addfailregex', .*login refused user=" dump
	grep -q "'pop3,pop3s\|port.*465" dump
}
