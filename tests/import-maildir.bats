#!/usr/bin/env bats
# import maildir: what Dovecot and Courier have comes along whole, once.

load helper

setup() {
	home_make
	export PENNYPOST_LOG=stderr
	import=$PROGRAMS/import
	box=$MAIL/alice
	mkdir -p src/{tmp,new,cur}
}

# Dovecot's own answers, of src; it lets no mail be root's.
dovecot() { # imap|pop3 <COMMANDS
	local as=()
	cat >conf <<END
base_dir = $BATS_TEST_TMPDIR/run
log_path = $BATS_TEST_TMPDIR/dovecot.log
ssl = no
mail_location = maildir:$BATS_TEST_TMPDIR/src
stats_writer_socket_path =
first_valid_uid = 0
first_valid_gid = 0
import_environment =
namespace inbox {
  inbox = yes
  separator = .
}
END
	if [ "$(id -u)" = 0 ]; then
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
		chown -R 65534:65534 "$BATS_TEST_TMPDIR"
		chmod a+rx "$BATS_TEST_TMPDIR" "${BATS_TEST_TMPDIR%/*}" \
			"${BATS_TEST_TMPDIR%/*/*}" "${BATS_TEST_TMPDIR%/*/*/*}"
	fi
	{ cat; sleep 1; } | timeout 30 "${as[@]}" env -i USER=user \
		HOME="$BATS_TEST_TMPDIR" "/usr/lib/dovecot/$1" \
		-c "$BATS_TEST_TMPDIR/conf" | tr -d '\r'
	[ "$(id -u)" != 0 ] || chown -R root: "$BATS_TEST_TMPDIR"
}

# UIDLs as pop3d has them, of alice.
uidls() {
	printf 'USER alice\r\nPASS secret\r\nUIDL\r\nQUIT\r\n' |
		"$PROGRAMS/pop3d" 2>>stderr | tr -d '\r' | grep '^[0-9]'
}

put() { # FILE SUBJECT
	printf 'From: a@far.test\nSubject: %s\n\ntext\n' "$2" >"src/$1"
}

@test "Dovecot's: UIDs, flags, keywords, dates, folders, subscriptions, UIDLs" {
	[ -x /usr/lib/dovecot/imap ] || skip "no Dovecot"
	local i
	for i in 1 2 3 4 5; do
		put new/170000000$i.M$i.host $i
		touch -d "2024-02-0$i 11:12:1$i" src/new/170000000$i.M$i.host
	done
	dovecot imap >answers <<'END'
a SELECT INBOX
b UID STORE 2 +FLAGS (\Deleted)
d UID STORE 3 +FLAGS (\Seen $Forwarded work)
e UID STORE 4 +FLAGS (\Answered \Flagged \Draft work)
c EXPUNGE
m CREATE Arb&AOk-
f CREATE Arb&AOk-.Sub
g CREATE Empty
h SUBSCRIBE Arb&AOk-.Sub
i UID COPY 3:4 Arb&AOk-.Sub
j SELECT Arb&AOk-.Sub
k UID STORE 1 +FLAGS (later)
l LOGOUT
END
	grep -q '^l OK' answers
	put new/1700000009.M9.host 9
	"$ROOT/tests/export/shown" -d maildir src >theirs
	"$ROOT/tests/export/shown" -p src >their-uidls
	[ "$(grep -c '^  ' theirs)" = 7 ]
	grep -q 'Draft.*work' theirs

	run -0 "$import" maildir src alice
	[ "$output" = 'INBOX: 5 messages
Arbé: 0 messages
Arbé.Sub: 2 messages
Empty: 0 messages' ]
	# The first login makes what each user has: those are ours.
	"$ROOT/tests/export/shown" "$PROGRAMS/imapd" 2>>stderr |
		awk '/^folder/ { ours = / (Archive|Drafts|Junk|Sent|Trash) / }
			!ours' >ours
	# A message that Dovecot had not seen: it has the next UID there, too.
	diff theirs ours
	head -n 4 their-uidls | diff - <(uidls | head -n 4)
	[ "$(uidls | wc -l)" = 5 ]
	assert_no_tmp
}

@test "again, and again after somebody has moved and deleted" {
	local i
	for i in 1 2 3; do
		put cur/100$i.M$i.host:2,S $i
	done
	put cur/1004.M4.host:2, 3 # an equal one
	run -0 "$import" maildir src alice
	[ "$output" = 'INBOX: 4 messages' ]
	find "$box" -type f | grep -v pennypost.lock | sort >before
	run -0 "$import" maildir src alice@example.test
	[ "$output" = 'INBOX: 4 messages, 4 were here already' ]
	find "$box" -type f | grep -v pennypost.lock | sort | diff before -

	mkdir -p "$box/.Old"/{tmp,new,cur}
	mv "$box"/cur/1001.* "$box/.Old/cur"
	rm "$box"/cur/1003.*
	put cur/1005.M5.host:2, 5
	put cur/1006.M6.host:2, 3 # a third equal one
	run -0 "$import" maildir src alice
	[ "$output" = 'INBOX: 6 messages, 4 were here already' ]
	diff <(cd "$box/cur" && ls) - <<'END'
1002.M2.host:2,S
1004.M4.host:2,
1005.M5.host:2,
1006.M6.host:2,
END
}
