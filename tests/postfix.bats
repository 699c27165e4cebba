#!/usr/bin/env bats
# The real Postfix as the other side, in both directions: mx-a is ours, mx-b is
# Postfix.

load helper
load internet

setup_file() {
	"$ROOT/scripts/need" smtp-sink=postfix
	internet_begin
	[ -e "$HOSTS/dns/pid" ] || return 0
	host_make b
	postfix_on b
}

teardown_file() {
	internet_end
}

setup() {
	internet_up a
	find b/home/spool/mail -type f -delete
	message_make message
	xinetd_on a smtp
}

teardown() {
	internet_down
}

# From Postfix

# post FROM TO…: its sendmail sends the message.
post() {
	tr -d '\r' <message >"message.lf"
	on b sendmail -i -B 8BITMIME -f "$@" <message.lf
}

postfix_empty() { on b postqueue -p | grep -q 'queue is empty'; }

@test "from Postfix: a message that is hard to carry, to three" {
	post alice@b.test alice@a.test bob@a.test carol@a.test
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
		post alice@b.test alice@a.test
		arrives a alice
		same "$(inbox a alice)" message 2
		rm "$(inbox a alice)"
	done
	echo 'message_size_limit 65536' >>a/home/pennypost.conf
	message_make message 128
	post alice@b.test alice@a.test
	arrives b alice
	grep -q 'Diagnostic-Code:.*552 5.3.4\|Status: 5.3.4' "$(inbox b alice)"
	assert_clean a
}

@test "from Postfix: an unknown user comes back with our words" {
	post alice@b.test nobody@a.test bob@a.test
	arrives a bob
	arrives b alice
	grep -q '^Final-Recipient: rfc822; nobody@a.test' "$(inbox b alice)"
	grep -q '^Remote-MTA: dns; mx-a.test' "$(inbox b alice)"
	grep -q '^Diagnostic-Code: smtp; 550 5.1.1 No such user here' \
		"$(inbox b alice)"
	assert_clean a
}

@test "from Postfix: what we cannot take now comes later, once" {
	local id
	mv a/home/users/aliases a/home/users/away
	mkdir a/home/users/aliases
	post bob@b.test alice@a.test bob@a.test
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
