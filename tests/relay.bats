#!/usr/bin/env bats
# Mail from one of our machines to another, in a small internet: mx-a takes it
# from its users, finds the way by dns.test and hands it to mx-b. Nobody runs the
# queue by hand, unless the test says so.

load helper
load internet

setup_file() {
	internet_begin
}

teardown_file() {
	internet_end
}

setup() {
	internet_up a b
	xinetd_on a smtp
}

teardown() {
	internet_down
}

# mx-b takes mail for these domains too, in mailboxes of alice.
mx_b_has() {
	local name
	for name; do
		echo "$name" >>b/home/users/domains
		echo "alice@$name:x:" >>b/home/users/passwd
		mkdir -p "b/home/spool/mail/$name/alice"/{tmp,new,cur}
	done
	chown -R 64000:64000 b/home
}

# Files that hold what mx-b took for alice@DOMAIN.
taken() { find "b/home/spool/mail/$1/alice/new" -type f; }

# What is logged comes a moment later than what it tells of.
logged() { # HOST COUNT PATTERN
	[ "$(grep -c "$3" "$1/log")" = "$2" ]
}

is_taken() { [ "$(taken "$1" | wc -l)" = 1 ]; }

@test "across: smtpd, queue, nudge, smtp-send, xinetd, smtpd, Maildir" {
	xinetd_on b smtp
	post carol@a.test alice@b.test
	arrives b alice
	same "$(inbox b alice)" message 2
	grep -q '^Return-Path: <carol@a.test>$' "$(inbox b alice)"
	grep -q '^Delivered-To: alice@b.test$' "$(inbox b alice)"
	[ "$(grep '^Received: ' "$(inbox b alice)" | cut -d' ' -f1-3)" = \
		"Received: from mx-a.test
Received: from client.test" ]
	soon queue_empty a
	assert_clean a
	assert_clean b
}

@test "across, to xinetd's wait style" {
	xinetd_on b smtp-wait
	post carol@a.test alice@b.test
	arrives b alice
	same "$(inbox b alice)" message 2
	soon queue_empty a
	assert_clean b
}

@test "across by sendmail: the mail user's, and anybody's by loopback" {
	xinetd_on b smtp
	tr -d '\r' <message >lf
	for user in 64000 65534; do
		on a setpriv --reuid $user --regid $user --clear-groups \
			"$LIBEXEC/sendmail" -i -f carol@a.test alice@b.test <lf
		arrives b alice
		tail -c "$(wc -c <lf)" "$(inbox b alice)" | cmp - lf
		grep -q '^Return-Path: <carol@a.test>$' "$(inbox b alice)"
		rm "$(inbox b alice)"
	done
	soon queue_empty a
	assert_clean b
}

@test "many recipients of several domains: a file for each domain" {
	mx_b_has c.test alias.test
	xinetd_on b smtp
	post carol@a.test "alice@b.test,bob@b.test,carol@b.test,alice@c.test,\
alice@alias.test,dave@b.test,bob@a.test"
	for user in alice bob carol dave; do
		arrives b $user
		same "$(inbox b $user)" message 2
	done
	arrives a bob
	soon is_taken c.test
	soon is_taken alias.test
	[ "$(find b/home/spool/mail -type f -links 4 | wc -l)" = 4 ]
	soon queue_empty a
	# Three transactions took it across.
	soon logged b 3 'smtpd.*: message '
}

@test "MX: preferences, CNAMEs, none at all, IPv6 alone, a long answer" {
	local name names='several alias aliased implicit implicit6 six large'
	for name in $names; do
		mx_b_has $name.test
		to=${to-}${to+,}alice@$name.test
	done
	xinetd_on b smtp
	post carol@a.test "$to"
	for name in $names; do
		soon is_taken $name.test || { echo $name; false; }
		same "$(taken $name.test)" message 2
	done
	soon queue_empty a
	[ "$(count a/home/spool/mail)" = 0 ]
	# Not by the host of the last preference, though it is there.
	for name in several large; do
		soon grep -q "sent to=<alice@$name.test> .* mta=mx-b.test\[" a/log
	done
	soon grep -q 'sent to=<alice@six.test> .* mta=both.test\[2001:' a/log
}

@test "address literals of both families" {
	sink b 198.18.0.20:25
	sink b '[2001:db8:18::20]:25'
	post carol@a.test 'x@[198.18.0.20],x@[IPv6:2001:db8:18::20]'
	soon queue_empty a
	soon sunk b 198.18.0.20:25 1
	soon sunk b '[2001:db8:18::20]:25' 1
}

@test "MX: where mail cannot go comes back at once, in words" {
	local name
	xinetd_on b smtp
	for name in null hollow nothing gone self mirror; do
		post carol@a.test x@$name.test
	done
	reported a carol 6
	fact 'recipient failed 5.1.10 x@null.test'    # RFC 7505 4.2
	fact 'recipient failed 5.1.2 x@gone.test'     # RFC 3463
	fact 'recipient failed 5.4.4 x@hollow.test'
	fact 'recipient failed 5.4.4 x@nothing.test'
	fact 'recipient failed 5.4.6 x@self.test'     # RFC 5321 5.1
	fact 'recipient failed 5.4.6 x@mirror.test'
	fact 'text <x@gone.test>'
	fact 'text 550 5.1.2 gone.test does not exist in the DNS'
	soon queue_empty a
	[ "$(count b/home/spool)" = 0 ]
}

@test "MX: what is not known now waits" {
	xinetd_on b smtp
	mx_b_has third.test
	for name in dead third x.lame x.broken refused circle; do
		to=${to-}${to+,}alice@$name.test
	done
	post carol@a.test "$to"
	soon waits a
	[ "$(grep -c '^to \. ' "$(queue_of a)")" = 6 ]
	# Behind ourselves in the list of third.test there is nobody to ask.
	[ "$(count b/home/spool/mail)" = 0 ]
	[ "$(count a/home/spool/mail)" = 0 ]
}

@test "a slow name server and a mute host take no time from the others" {
	xinetd_on b smtp
	mute b 2525
	echo 'route mute.test 198.18.0.22:2525' >>a/home/pennypost.conf
	post carol@a.test x@slow.test,x@mute.test,alice@b.test
	arrives b alice
	# While the one is still being waited for, others come and go.
	post carol@a.test bob@b.test
	arrives b bob
	grep -q '^to \. <x@slow.test>' $(queue_of a)
	grep -q '^to \. <x@mute.test>' $(queue_of a)
}

@test "MX: equals are taken in turn" {
	local n first=
	for n in $(seq 20); do
		first+=$(on a "$LIBEXEC/smtp-send" -v equal.test |
			grep -m 1 'MX record')
	done
	[[ $first == *b20.test*b21.test* || $first == *b21.test*b20.test* ]]
}

@test "an unknown user there: a bounce at once, with the words of that host" {
	xinetd_on b smtp
	post carol@a.test nobody@b.test,alice@b.test
	arrives b alice
	reported a carol
	fact 'return-path <>'
	fact 'to carol@a.test'
	fact 'auto auto-replied'
	fact 'mta dns; mx-a.test'
	fact 'recipient failed 5.1.1 nobody@b.test'
	fact 'remote dns; mx-b.test'
	fact 'code smtp; 550 5.1.1 No such user here'
	fact 'original hard to carry'
	[ "$(grep -c '^recipient' facts)" = 1 ]
	grep -q '^text .*nobody@b.test' facts
	grep -q '^text .*No such user here' facts
	soon queue_empty a
	assert_clean a
}

@test "a host that is down: the message waits, and goes when it is up" {
	post carol@a.test alice@b.test
	soon waits a 240
	[ "$(count a/home/spool/mail b/home/spool)" = 0 ]
	xinetd_on b smtp
	run_queue a # it is not due
	has b alice 0
	run_queue a now
	arrives b alice
	same "$(inbox b alice)" message 2
	assert_clean a
	[ "$(count a/home/spool/mail)" = 0 ]
}

@test "after four hours the sender is told, once; after five days it ends" {
	post carol@a.test alice@dead.test
	soon waits a
	has a carol 0
	aged a 14500
	run_queue a now
	reported a carol
	fact 'recipient delayed 4.4.1 alice@dead.test'
	grep -q '^until ' facts
	grep -q '^to d <alice@dead.test>' "$(queue_of a)"
	# The older, the longer it waits: as long again as it is old.
	soon waits a 14000
	rm "$(inbox a carol)"
	aged a 400000
	run_queue a now
	has a carol 0
	aged a 432100
	run_queue a now
	reported a carol
	fact 'recipient failed 5.4.7 alice@dead.test'
	assert_clean a
}

@test "NOTIFY, RET, ENVID and ORCPT go along; SUCCESS is told" {
	xinetd_on b smtp
	post carol@a.test alice@b.test -m 'RET=HDRS ENVID=q+2B1' \
		-r 'NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first+40c.test'
	arrives b alice
	reported a carol
	fact 'mta dns; mx-b.test'
	fact 'envid q+1'
	fact 'recipient delivered 2.0.0 alice@b.test'
	fact 'orcpt rfc822; first@c.test'
	fact 'part text/rfc822-headers'
	fact 'original hard to carry'
	soon queue_empty b
	assert_clean a
	assert_clean b
}

@test "NOTIFY=SUCCESS to a host without DSN: relayed" {
	sink b 198.18.0.2:25 -N
	post carol@a.test alice@b.test,bob@b.test -r NOTIFY=SUCCESS
	reported a carol
	fact 'recipient relayed 2.0.0 alice@b.test'
	fact 'recipient relayed 2.0.0 bob@b.test'
	[ "$(count b/sink)" = 1 ]
	soon queue_empty a
}

@test "NOTIFY=NEVER: nobody is told" {
	xinetd_on b smtp
	post carol@a.test nobody@b.test -r NOTIFY=NEVER
	soon queue_empty a
	[ "$(count a/home/spool/mail)" = 0 ]
}

@test "a bounce that cannot be delivered goes to postmaster" {
	xinetd_on b smtp
	post nobody@a.test nobody@b.test
	reported a dave
	fact 'recipient failed 5.1.1 nobody@a.test'
	soon queue_empty a
	assert_clean a
}

@test "a forward: the next host sees our domain, the bounce comes back" {
	echo 'away: x@b.test' >>a/home/users/aliases
	echo 'gone: nobody@b.test' >>a/home/users/aliases
	echo 'x: alice' >>b/home/users/aliases
	xinetd_on b smtp
	on b "$INTERNET/send" 198.18.0.1 carol@b.test away@a.test \
		"$PWD/message"
	arrives b alice
	grep -q '^Return-Path: <SRS0=.*=b.test=carol@a.test>$' \
		"$(inbox b alice)"
	on b "$INTERNET/send" 198.18.0.1 carol@b.test gone@a.test \
		"$PWD/message"
	reported b carol
	fact 'mta dns; mx-a.test'
	fact 'recipient failed 5.1.1 nobody@b.test'
	soon queue_empty a
	soon queue_empty b
	assert_clean a
	assert_clean b
}

@test "two hosts that forward to each other: one bounce" {
	echo 'ping: pong@b.test' >>a/home/users/aliases
	echo 'pong: ping@a.test' >>b/home/users/aliases
	xinetd_on b smtp
	post carol@a.test ping@a.test
	reported a carol
	grep '^recipient failed 5.4.6 ' facts
	soon queue_empty a
	soon queue_empty b
	[ "$(count {a,b}/home/spool/mail)" = 1 ]
}

@test "8 bits to a host of 7: quoted-printable, or a bounce" {
	sink b 198.18.0.2:25 -8
	post carol@a.test alice@b.test -m BODY=8BITMIME
	soon sunk b 198.18.0.2:25 1
	soon queue_empty a # it has all of it
	LC_ALL=C not grep -P '[^\x00-\x7f]' b/sink/*/*
	sed -e '1,/^$/d' -e '$d' b/sink/*/* | /usr/bin/python3 -c '
import quopri, sys
sys.stdout.buffer.write(quopri.decodestring(sys.stdin.buffer.read()))' >got
	tr -d '\r' <message | sed '1,/^$/d' | diff - got
}

@test "1 MiB and 20 MiB" {
	local size
	xinetd_on b smtp
	for size in 1024 20480; do
		message_make message $size
		post carol@a.test alice@b.test
		arrives b alice
		same "$(inbox b alice)" message 2
		rm "$(inbox b alice)"
	done
	soon queue_empty a
	assert_clean a
}

@test "too big for the other side: SIZE tells, and it bounces" {
	xinetd_on b smtp
	echo 'message_size_limit 65536' >>b/home/pennypost.conf
	message_make message 80
	post carol@a.test alice@b.test
	reported a carol
	fact 'recipient failed 5.3.4 alice@b.test'
	# No more than the envelope went there.
	[ "$(cat b/home/spool/mail/*/*/*/* | wc -c)" = 0 ]
}

@test "a smarthost, with its password" {
	echo 'smarthost 127.0.0.1:2525' >>a/home/pennypost.conf
	echo 'carol:se cret' >a/home/users/smarthost
	chmod 600 a/home/users/smarthost
	chown 64000 a/home/users/smarthost
	on a "$INTERNET/smarthost" 2525 carol 'se cret' "$PWD/got" &
	disown
	answers a 2525
	post carol@a.test x@c.test,y@gone.test
	soon test -s got
	[ "$(grep -c '^MAIL FROM:<carol@a.test>' got)" = 1 ]
	[ "$(grep -cE '^RCPT TO:<(x@c|y@gone).test>' got)" = 2 ]
	soon queue_empty a
	soon idle a smtp-send
	# A wrong password is no fault of the sender's.
	echo 'carol:wrong' >a/home/users/smarthost
	post carol@a.test x@c.test
	soon waits a
	[ "$(count a/home/spool/mail)" = 0 ]
	not grep -r 'se cret\|wrong\|Y2Fyb2' a/log a/home/spool
}

# An authority, and a pair for mx-b.test by it, in the directory tls.
certificates() {
	[ -x "$LIBEXEC/tls" ] || skip "tls is not built"
	local name by=()
	mkdir tls
	for name in authority.test mx-b.test; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
			-nodes -keyout "tls/$name.key" -out "tls/$name.pem" \
			-subj /CN=x -days 30 "${by[@]}" \
			-addext "subjectAltName=DNS:$name" 2>/dev/null
		by=(-CA tls/authority.test.pem -CAkey tls/authority.test.key)
	done
}

# mx-a believes that authority.
believes() {
	mkdir a/home/users/tls
	cp tls/authority.test.pem a/home/users/tls/ca.pem
	chown -R 64000:64000 a/home/users/tls
}

@test "TLS between ours: taken, and verified by the name of the MX" {
	certificates
	mkdir -p b/home/users/tls/mx-b.test
	cp tls/mx-b.test.pem b/home/users/tls/mx-b.test/fullchain.pem
	cp tls/mx-b.test.key b/home/users/tls/mx-b.test/privkey.pem
	chmod 600 b/home/users/tls/mx-b.test/privkey.pem
	chown -R 64000:64000 b/home/users/tls
	xinetd_on b smtp
	post carol@a.test alice@b.test
	arrives b alice
	same "$(inbox b alice)" message 2
	soon grep -qE 'sent to=<alice@b.test> .* tls=TLSv1.3,TLS_[A-Z0-9_]* reply=' a/log
	grep -q 'with ESMTPS' "$(inbox b alice)"
	# Nobody knows who has signed that.
	soon idle a queue-run smtp-send
	echo 'tls b.test verify' >>a/home/pennypost.conf
	post carol@a.test bob@b.test
	soon waits a
	soon grep -q 'deferred to=<bob@b.test> .*451 4.7.5 mx-b.test.*: no TLS with it: certificate' a/log
	has b bob 0
	believes
	run_queue a now
	arrives b bob
	soon grep -q 'sent to=<bob@b.test> .*,verified reply=' a/log
	soon queue_empty a
}

# With these lines, and none of those before: `reload` would not wait.
postfix_has() { # LINE…
	on b postconf -e "$@"
	on b postfix stop
	on b postfix start
	answers b
}

@test "TLS to Postfix: taken, demanded by either side" {
	postfix_needed
	certificates
	believes
	postfix_on b
	postfix_has "smtpd_tls_security_level=may" \
		"smtpd_tls_cert_file=$PWD/tls/mx-b.test.pem" \
		"smtpd_tls_key_file=$PWD/tls/mx-b.test.key" \
		"smtpd_tls_received_header=yes"
	post carol@a.test alice@b.test
	arrives b alice
	same "$(inbox b alice)" message 2
	grep -q 'using TLSv1.3 with cipher' "$(inbox b alice)"
	postfix_has "smtpd_tls_security_level=encrypt" \
		"smtpd_tls_mandatory_protocols=>=TLSv1.2, <=TLSv1.2"
	soon idle a queue-run smtp-send
	echo 'tls b.test verify' >>a/home/pennypost.conf
	post carol@a.test bob@b.test
	arrives b bob
	soon grep -q 'sent to=<bob@b.test> .* tls=TLSv1.2,.*,verified reply=' a/log
	soon idle a queue-run smtp-send
	sed -i 's/^tls b.test verify/tls b.test none/' a/home/pennypost.conf
	post carol@a.test carol@b.test
	reported a carol
	fact 'recipient failed 5.7.0 carol@b.test'
	postfix_has "smtpd_tls_security_level=none"
	soon idle a queue-run smtp-send
	sed -i 's/^tls b.test none/tls b.test encrypt/' a/home/pennypost.conf
	post carol@a.test dave@b.test
	soon waits a
	soon grep -q 'deferred to=<dave@b.test> .*451 4.7.4 mx-b.test.*: offers no STARTTLS, and TLS is demanded by pennypost.conf:4"' a/log
}

@test "200 messages at once by ten connections: each exactly once" {
	xinetd_on b smtp-wait
	post carol@a.test alice@b.test -n 200 -c 10
	soon queue_empty a
	arrives b alice 200
	each_once 200
	[ "$(count a/home/spool/mail)" = 0 ]
	assert_clean a
	assert_clean b
}

@test "five queue-runs at once: each exactly once" {
	xinetd_on b smtp-wait
	held a
	post carol@a.test alice@b.test -n 100 -c 5
	[ "$(queue_of a | wc -l)" = 100 ]
	release
	for n in 1 2 3 4 5; do
		run_queue a 7>&- &
	done
	soon queue_empty a
	arrives b alice 100
	each_once 100
	assert_clean a
}

@test "queue-run and its workers killed again and again: nothing is lost" {
	local kills=0
	xinetd_on b smtp-wait
	held a
	post carol@a.test alice@b.test -n 150 -c 5
	release
	# It takes its time.
	on a tc qdisc add dev eth0 root tbf rate 400kbit burst 16kb latency 1s
	until queue_empty a || [ $kills = 8 ]; do
		on a "$LIBEXEC/queue-run" -a 2>/dev/null &
		moves_on "$(inbox b alice | wc -l)"
		case $((kills % 3)) in
		0) slain a queue-run ;;
		1) slain a smtp-send ;;
		2) slain a queue-run smtp-send deliver ;;
		esac
		kills=$((kills + 1))
	done
	[ $kills -ge 3 ]
	on a tc qdisc del dev eth0 root
	for n in 1 2 3; do
		queue_empty a || run_queue a now
	done
	soon queue_empty a
	# Twice: when the kill fell between the 250 of mx-b and its record here.
	# Each kill meets five connections at most.
	each_once 150 $((kills * 5))
	assert_clean a
	[ "$(count a/home/spool/mail)" = 0 ]
}

# left HOST OCTETS: so many at least have left it by a queue of tc's.
left() {
	[ "$(on "$1" tc -s qdisc show dev eth0 |
		sed -n 's/^ Sent \([0-9]*\) .*/\1/p')" -ge "$2" ]
}

@test "the line is cut in the middle of a message, and comes back" {
	xinetd_on b smtp
	message_make message 1024
	on a tc qdisc add dev eth0 root tbf rate 400kbit burst 16kb latency 400ms
	post carol@a.test alice@b.test
	soon left a 50000
	cable b down
	sleep 1
	soon grep -q START: b/log
	has b alice 0
	on a tc qdisc del dev eth0 root
	cable b up
	arrives b alice
	same "$(inbox b alice)" message 2
	soon queue_empty a
	assert_clean b
}
