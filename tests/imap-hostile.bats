#!/usr/bin/env bats
# imapd and who means it harm: before a login and behind it. Memory, time, one
# answer, one line in the log; others go on.

load helper

setup() {
	home_make
	export PROGRAMS MAIL
	unset TCPREMOTEIP
}

hostile() {
	python3 "$ROOT/tests/imap/hostile.py" "$@"
}

@test "a stranger's literals of 2^31, 2^32, 2^63, 2^64, 10^30" {
	hostile literals_of_strangers
}

@test "a stranger's lines without an end" {
	hostile lines_without_end
}

@test "a stranger's floods: literals unasked, empty lines, NULs" {
	hostile floods
}

@test "a stranger's 100,000 commands" {
	hostile many_tags
}

@test "a user's literals of 2^31, 2^32, 2^63, 2^64, 10^30" {
	hostile literals_of_users
}

@test "a literal that never comes leaves nothing behind" {
	hostile literal_that_never_comes
}

@test "lists and keys as deep as a line is long" {
	hostile deep_lists
}

@test "sequence sets of a megabyte, and numbers that are none" {
	hostile sets
}

@test "LIST's patterns: many stars" {
	hostile patterns
}

@test "SEARCH: words that nearly are there, thousands of keys" {
	hostile searches
}

@test "a million parts, and parts as deep as a message is long" {
	hostile mime
}

@test "headers of megabytes" {
	hostile headers
}

@test "others go on meanwhile" {
	hostile others_go_on
}

@test "errors: not without end" {
	hostile many_errors
}
