#!/usr/bin/env bats
# The real Postfix as the other side, in both directions: mx-a is ours, mx-b is
# Postfix.

load helper
load internet

setup_file() {
	internet_begin
	[ -e "$BATS_FILE_TMPDIR/dns/pid" ] || return 0
	command -v smtp-sink >/dev/null || return 0
	hosts_make b
	postfix_on b
}

teardown_file() {
	internet_end
}

setup() {
	internet_up a
	postfix_needed
	find b/home/spool/mail -type f -delete
	on b postsuper -d ALL
	slain b smtp-sink
	rm -rf b/sink
	xinetd_on a smtp
}

teardown() {
	internet_down
}

# What Postfix says to RCPT, from now on: said ADDRESS REPLY…
said() {
	printf '%s\n' "$@" | paste -sd ' \n' >b/postfix/access
	on b postmap "$HOSTS/b/postfix/access"
	# It looks at the time, in seconds.
	SAID=$((${SAID-0} + 1))
	touch -d "$SAID days ago" b/postfix/access{,.db}
}

# From Postfix

# postfix_sends FROM TO…: its sendmail sends the message.
postfix_sends() {
	tr -d '\r' <message >"message.lf"
	on b sendmail -i -B 8BITMIME -f "$@" <message.lf
}

postfix_empty() { on b postqueue -p | grep -q 'queue is empty'; }

@test "from Postfix: a message that is hard to carry, to three" {
	postfix_sends alice@b.test alice@a.test bob@a.test carol@a.test
	for user in alice bob carol; do
		arrives a $user
		same "$(inbox a $user)" message 2
		grep -q '^Return-Path: <alice@b.test>' "$(inbox a $user)"
	done
	# One transaction, one file.
	[ "$(find a/home/spool/mail -type f -links 3 | wc -l)" = 3 ]
	soon postfix_empty
	assert_clean a
}

@test "from Postfix: 1 MiB, 20 MiB, and more than we take" {
	local size
	for size in 1024 20480; do
		message_make message $size
		postfix_sends alice@b.test alice@a.test
		arrives a alice
		same "$(inbox a alice)" message 2
		rm "$(inbox a alice)"
	done
	echo 'message_size_limit 65536' >>a/home/pennypost.conf
	message_make message 128
	postfix_sends alice@b.test alice@a.test
	arrives b alice
	grep -q 'Diagnostic-Code:.*552 5.3.4\|Status: 5.3.4' "$(inbox b alice)"
	assert_clean a
}

@test "from Postfix: an unknown user comes back with our words" {
	postfix_sends alice@b.test nobody@a.test bob@a.test
	arrives a bob
	reported b alice
	fact 'recipient failed 5.1.1 nobody@a.test'
	fact 'remote dns; mx-a.test'
	fact 'code smtp; 550 5.1.1 No such user here'
	fact 'original hard to carry'
	assert_clean a
}

@test "from Postfix: what we cannot take now comes later, once" {
	local id
	mv a/home/users/aliases a/home/users/away
	mkdir a/home/users/aliases
	postfix_sends bob@b.test alice@a.test bob@a.test
	soon is_deferred
	rmdir a/home/users/aliases
	mv a/home/users/away a/home/users/aliases
	on b postqueue -f
	arrives a alice
	arrives a bob
	soon postfix_empty
	same "$(inbox a alice)" message 2
	has b bob 0
	assert_clean a
}

is_deferred() { on b postqueue -p | grep -q '(.*host mx-a.test.* said: 4'; }

@test "from Postfix: SMTPUTF8" {
	mkdir -p a/home/spool/mail/a.test/jürgen/{tmp,new,cur}
	echo 'jürgen@a.test:x:' >>a/home/users/passwd
	chown -R 64000:64000 a/home
	printf 'From: x <bob@b.test>\r\nSubject: Grüße\r\n\r\nä\r\n' >message
	tr -d '\r' <message |
		on b sendmail -i -O smtputf8=yes -f bob@b.test 'jürgen@a.test'
	arrives a jürgen
	grep -q '^Subject: Grüße' "$(inbox a jürgen)"
	grep -q 'with UTF8SMTP' "$(inbox a jürgen)"
}

@test "smtp-source: 200 messages by 10 connections" {
	on b smtp-source -m 200 -s 10 -l 4096 -f bob@b.test -t alice@a.test \
		198.18.0.1:25
	has a alice 200
	[ "$(grep -h '^Message-Id:' $(inbox a alice) | sort -u | wc -l)" = 200 ]
	assert_clean a
}

# To Postfix

@test "to Postfix: a message that is hard to carry, to three" {
	post carol@a.test alice@b.test,bob@b.test,carol@b.test
	for user in alice bob carol; do
		arrives b $user
		same "$(inbox b $user)" message 2
		grep -q '^Return-Path: <carol@a.test>' "$(inbox b $user)"
	done
	soon queue_empty a
	assert_clean a
	# One transaction.
	soon grep -q ': from=<carol@a.test>, size=.*, nrcpt=3' b/log
}

@test "to Postfix: some are taken, one is refused, one has to wait" {
	said never@b.test '554 5.7.1 We do not like you' \
		later@b.test '450 4.2.1 Come back later'
	post carol@a.test alice@b.test,never@b.test,later@b.test,bob@b.test
	arrives b alice
	arrives b bob
	reported a carol
	fact 'recipient failed 5.7.1 never@b.test'
	fact 'remote dns; mx-b.test'
	grep -q '^code smtp; 554 5.7.1 .*We do not like you' facts
	soon waits a
	[ "$(grep -c '^to \. ' "$(queue_of a)")" = 1 ]
	grep -q '^to \. <later@b.test>' "$(queue_of a)"
	said later@b.test OK
	run_queue a now
	arrives b dave
	has b alice 1
	assert_clean a
}

@test "to Postfix: many messages by one connection" {
	local before
	before=$(grep -c 'smtpd.*: disconnect from mx-a' b/log) || :
	held a
	post carol@a.test alice@b.test -n 40 -c 2
	release
	run_queue a
	arrives b alice 40
	assert_clean a
	[ "$(grep -c 'smtpd.*: disconnect from mx-a' b/log)" -le $((before + 6)) ]
}

@test "to Postfix: 20 MiB, and more than it takes" {
	message_make message 20480
	post carol@a.test alice@b.test
	arrives b alice
	same "$(inbox b alice)" message 2
	post carol@a.test alice@small.test
	reported a carol
	fact 'recipient failed 5.3.4 alice@small.test'
	soon queue_empty a
}

@test "to Postfix: DSN and SMTPUTF8 go along" {
	post carol@a.test alice@b.test -m 'RET=HDRS ENVID=q+2B1' \
		-r 'NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first+40c.test'
	reported a carol
	fact 'mta dns; mx-b.test'
	fact 'envid q+1'
	fact 'recipient delivered 2.0.0 alice@b.test'
	fact 'orcpt rfc822; first@c.test'
	printf 'From: x <bob@b.test>\r\nSubject: Grüße\r\n\r\nä\r\n' >message
	post carol@a.test bob@b.test -m 'SMTPUTF8 BODY=8BITMIME'
	arrives b bob
	grep -q '^Subject: Grüße' "$(inbox b bob)"
	assert_clean a
}

@test "to Postfix: its bounce finds the way back" {
	post carol@a.test astray@b.test
	reported a carol
	fact 'mta dns; mx-b.test'
	fact 'return-path <>'
	grep '^recipient failed 5.* x@gone.test' facts
	assert_clean a
}

# smtp-sink, with its faults

# An attempt fails in each of these ways, at once; then the faults are gone.
@test "smtp-sink: errors that last bounce, all others are tried again" {
	local n=0 way ways=(
	'-f MAIL' '-f RCPT' '-f DATA' '-f .'
	'-r MAIL' '-r RCPT' '-r DATA' '-r .' '-r CONNECT' '-r EHLO,HELO'
	'-q CONNECT' '-q EHLO' '-q MAIL' '-q RCPT' '-q DATA' '-q .'
	'-Q CONNECT' '-Q EHLO' '-Q MAIL' '-Q RCPT' '-Q DATA' '-Q .'
	'-p -q RCPT' '-p -r RCPT' '-p -Q DATA'
	)
	for way in "${ways[@]}"; do
		n=$((n + 1))
		# shellcheck disable=SC2086
		sink b 198.18.0.20:$((2500 + n)) $way
		echo "route w$n.test 198.18.0.20:$((2500 + n))" \
			>>a/home/pennypost.conf
		to=${to-}${to+,}x@w$n.test
	done
	post carol@a.test "$to"
	soon waits a
	# The first four said no for good.
	[ "$(grep '^to + ' "$(queue_of a)" | grep -o 'w[0-9]*' | xargs)" = \
		'w1 w2 w3 w4' ]
	reported a carol
	for n in 1 2 3 4; do
		fact "recipient failed 5.3.0 x@w$n.test"
	done
	slain b smtp-sink
	rm -r b/sink
	n=0
	for way in "${ways[@]}"; do
		n=$((n + 1))
		sink b 198.18.0.20:$((2500 + n))
	done
	run_queue a now
	assert_clean a
	[ "$(find b/sink -type f | wc -l)" = $((n - 4)) ]
	[ "$(find b/sink -type f -exec dirname {} + | sort -u | wc -l)" = \
		$((n - 4)) ]
	has a carol 1
	[ "$(grep -c '^recipient' facts)" = 4 ]
}

@test "smtp-sink: servers of old" {
	local n=0 way ways=(-e -p -8 -N -E -P -a '-f EHLO' '-p -f RSET' '-A 1')
	for way in "${ways[@]}"; do
		n=$((n + 1))
		# shellcheck disable=SC2086
		sink b 198.18.0.20:$((2500 + n)) $way
		echo "route w$n.test 198.18.0.20:$((2500 + n))" \
			>>a/home/pennypost.conf
		to=${to-}${to+,}x@w$n.test
	done
	# 7 bits, so that nobody has to change it.
	printf 'Subject: plain\r\n\r\n.\r\n..\r\nend\r\n' >message
	post carol@a.test "$to"
	# The last says 550 before it has read the message.
	reported a carol
	fact "recipient failed 5.0.0 x@w$n.test"
	soon queue_empty a
	[ "$(find b/sink -type f | wc -l)" -ge $((n - 1)) ]
	for file in b/sink/*/*; do
		[[ $file != *:$((2500 + n))/* ]] || continue
		[ "$(tr -d '\r' <"$file" | sed '1,/^$/d')" = $'.\n..\nend' ]
	done
}
