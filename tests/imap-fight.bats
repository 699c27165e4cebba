#!/usr/bin/env bats
# Three sessions, a delivery agent and a foreign program over one Maildir, for
# thousands of random operations (the whole: make torture); and who judges them.

load helper

setup() {
	export TMPDIR=$BATS_TEST_TMPDIR
	export PROGRAMS
}

@test "the witness tells what is unlawful, and what is not" {
	run -0 "$ROOT/tests/imap/recorded" "$ROOT/tests/imap/unlawful.talk"
	[[ $output == *", 0 judged wrongly" ]]
	[ "$(grep -c '^== ' "$ROOT/tests/imap/unlawful.talk")" -gt 90 ]
}

@test "sessions, deliveries and a mail reader fight; every view stays lawful" {
	local seed
	for seed in 1 2 3; do
		run -0 "$ROOT/tests/torture/imap-fight" -s $seed -n 300
		[ "${lines[-1]}" = 'imap-fight: lawful' ]
	done
}

# Whom the witness is known by. Dovecot serves no root, so nobody does it. One
# session after the other: beside a rename Dovecot may miss a file, and says that
# it has gone (about 1 run of 20).
@test "the same with Dovecot's imap" {
	[ -x /usr/lib/dovecot/imap ] || skip "no Dovecot"
	if [ "$(id -u)" = 0 ]; then
		export TMPDIR=/tmp
		setpriv --reuid nobody --regid nogroup --clear-groups \
			test -r "$ROOT/tests/imap/session.py" ||
			skip "nobody may not read here"
	fi
	run -0 "$ROOT/tests/torture/imap-fight" -d -x together,foreign,race \
		-s 1 -n 300
	[ "${lines[-1]}" = 'imap-fight: lawful' ]
}
