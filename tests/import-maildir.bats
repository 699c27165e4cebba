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
mail_location = maildir:$BATS_TEST_TMPDIR/src${layout-}
stats_writer_socket_path =
first_valid_uid = 0
first_valid_gid = 0
import_environment =
namespace inbox {
  inbox = yes
  separator = ${separator-.}
}
END
	if [ "$(id -u)" = 0 ]; then
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
		chown -R 65534:65534 "$BATS_TEST_TMPDIR"
		chmod a+rx "$BATS_TEST_TMPDIR" "${BATS_TEST_TMPDIR%/*}" \
			"${BATS_TEST_TMPDIR%/*/*}" "${BATS_TEST_TMPDIR%/*/*/*}"
	fi
	rm -f "$BATS_TEST_TMPDIR/left"
	# Who hangs up is not answered any more.
	{ cat; until [ -e "$BATS_TEST_TMPDIR/left" ]; do sleep 0.05; done; } | {
		timeout 60 "${as[@]}" env -i USER=user \
			HOME="$BATS_TEST_TMPDIR" "/usr/lib/dovecot/$1" \
			-c "$BATS_TEST_TMPDIR/conf"
		: >"$BATS_TEST_TMPDIR/left"
	} | tr -d '\r'
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

@test "Dovecot's LAYOUT=fs: folders in folders, with UIDs and subscriptions" {
	[ -x /usr/lib/dovecot/imap ] || skip "no Dovecot"
	put new/1700000001.M1.host 1
	put new/1700000002.M2.host 2
	layout=:LAYOUT=fs separator=/ dovecot imap >answers <<'END'
a SELECT INBOX
b UID STORE 2 +FLAGS (\Seen work)
c CREATE Arb&AOk-/Sub/Deep
d SUBSCRIBE Arb&AOk-/Sub/Deep
e CREATE Plain
f UID COPY 2 Arb&AOk-/Sub/Deep
g UID COPY 1:2 Plain
h LOGOUT
END
	grep -q '^h OK' answers
	[ -d 'src/Arb&AOk-/Sub/Deep/cur' ]
	[ ! -d 'src/Arb&AOk-/cur' ] # a directory alone
	ln -s . src/loop
	mkdir -p src/Plain/sub/.hidden/cur
	run -0 "$import" maildir src alice
	[ "$output" = 'INBOX: 2 messages
Arbé.Sub.Deep: 1 message
Plain: 2 messages' ]
	grep -qx $'Arb&AOk-\tSub\tDeep' "$box/subscriptions"
	head -n 1 'src/Arb&AOk-/Sub/Deep/dovecot-uidlist' | cut -d' ' -f 2 |
		diff - <(grep -o '^3 V[0-9]*' \
			"$box/.Arb&AOk-.Sub.Deep/dovecot-uidlist" | cut -c 3-)
	ls "$box/.Arb&AOk-.Sub.Deep/cur" | grep -q ':2,Sa$'
	run -0 "$import" maildir src alice
	[ "$output" = 'INBOX: 2 messages, 2 were here already
Arbé.Sub.Deep: 1 message, 1 was here already
Plain: 2 messages, 2 were here already' ]
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

@test "POP3: UIDLs that Dovecot kept, or made in another format" {
	put cur/1.a:2,S 1
	put cur/2.b:2,S 2
	put cur/3.c:2,S 3
	cat >src/dovecot-uidlist <<'END'
3 V1700000000 N30
10 W9 :1.a
11 Pkept-before W9 :2.b
29 :3.c:2,S
END
	run -0 "$import" -u 'UID%u-%v.%5Xu' maildir src alice
	[ "$output" = 'INBOX: 3 messages
INBOX: 2 messages with a UIDL that is none: they have new ones' ]
	echo '2.b kept-before' | diff "$box/pennypost-uidl" -
	rm -r "$box"/{pennypost-*,dovecot-*,cur}
	mkdir "$box/cur"
	run -0 "$import" -u 'UID%u-%v.%05Xu' maildir src alice
	diff <(uidls) - <<'END'
1 UID10-1700000000.0000a
2 kept-before
3 UID29-1700000000.0001d
END
	# What the file says of others, and what is no UIDL, does no harm.
	printf '%s\n' '3.c a b' '9.x other' '1.a ' 'nonsense' '2.b '{,}$'\x7f' \
		"3.c $(printf 'x%.0s' {1..71})" "1.a $(printf 'y%.0s' {1..70})" \
		>"$box/pennypost-uidl"
	diff <(uidls) - <<END
1 $(printf 'y%.0s' {1..70})
2 2.b
3 3.c
END
	grep -q 'pennypost-uidl: lines without a UIDL: 5' stderr
}

@test "Courier's: UIDs, UIDLs, subscriptions" {
	put cur/1.M1.host:2,S 1
	put cur/2.M2.host:2,FR 2
	put new/3.M3.host 3
	mkdir -p src/.Sent/{tmp,new,cur} src/.Trash/{tmp,new,cur}
	touch src/.Sent/maildirfolder
	put .Sent/cur/4.M4.host:2,S 4
	printf '%s\n' '1 1600000000 9' '5 1.M1.host' '7 2.M2.host' \
		'8 3.M3.host' >src/courierimapuiddb
	printf '%s\n' '1 1600000001 3' '2 4.M4.host' >src/.Sent/courierimapuiddb
	printf '%s\n' '/2 12 1500000000' '1.M1.host 40 11:1500000000' \
		'2.M2.host 40 0:1500000000' >src/courierpop3dsizelist
	printf '%s\n' INBOX INBOX.Sent >src/courierimapsubscribed
	run -0 "$import" maildir src alice
	[ "$output" = 'INBOX: 3 messages
Sent: 1 message
Trash: 0 messages' ]
	"$ROOT/tests/export/shown" "$PROGRAMS/imapd" 2>>stderr |
		awk '/^folder/ || /^  / { NF = NF > 6 ? 6 : NF; print $1, $2, $3, $4, $5 }' |
		cut -d' ' -f 1-4 | grep -v 'Archive\|Drafts\|Junk' >ours
	grep -q '^folder INBOX 1600000000 9$' ours
	grep -q '^folder Sent 1600000001 3$' ours
	diff <(uidls) - <<'END'
1 UID11-1500000000
2 2.M2.host
3 3.M3.host
END
}

# By its README.imapkeywords: what is newest of a message counts.
@test "Courier's keywords: the list, files of messages, and the newest of them" {
	local i k=src/courierimapkeywords
	for i in 1 2 3 4 5 6; do
		put cur/170000000$i.M$i.host:2,S $i
	done
	put new/1700000007.M7.host 7
	mkdir "$k"
	printf '%s\n' work '$Label1' 'what:ever' '' 1700000001.M1.host:'1 0' \
		1700000002.M2.host:0 1700000003.M3.host:0 1700000009.gone:1 \
		1700000004.M4.host:'0 9 x -1 2' >"$k/:list"
	: >"$k/1700000002.M2.host" # none any more
	printf 'newer\nsecond' >"$k/.5984610.1700000003.M3.host"
	for i in {1..9}; do
		echo old >"$k/.598460$i.1700000003.M3.host"
	done
	echo older >"$k/.5984611.1700000005.M5.host"
	echo newest >"$k/1700000005.M5.host"
	echo none >"$k/.tmp.1.1700000006.M6.host"
	mkfifo "$k/1700000006.M6.host"
	echo work >"$k/1700000007.M7.host"
	printf '%s\n' '1 1600000000 9' '5 1700000001.M1.host' >src/courierimapuiddb
	run -0 "$import" maildir src alice
	[ "$output" = 'INBOX: 7 messages' ]
	sort -k 2 "$box/dovecot-keywords" | cut -d' ' -f 2 | paste -s -d' ' |
		diff - <(echo '$Label1 newer newest second what:ever work')
	"$ROOT/tests/export/shown" "$PROGRAMS/imapd" 2>>stderr |
		sed -n '/^folder INBOX/,/^folder/s/^  .*+[0-9]* \(.*\) [^ ]*$/\1/p' |
		diff - <(printf '%s\n' '$Label1 \Seen work' '\Seen' \
			'\Seen newer second' '\Seen what:ever work' \
			'\Seen newest' '\Seen' work)
	# What Dovecot has served since knows better.
	printf '%s\n' '3 V7 N2' '1 :1700000001.M1.host' >src/dovecot-uidlist
	run -0 "$import" maildir src bob
	[ ! -e "$MAIL/bob/dovecot-keywords" ]
}

@test "Courier's keywords: a line that is none; no way to read them" {
	put cur/1.a:2,S 1
	mkdir src/courierimapkeywords
	printf '%s\n' work '' 1.a:0 nonsense >src/courierimapkeywords/:list
	run -65 "$import" maildir src alice
	[ "$output" = 'src/courierimapkeywords/:list:4: that is no name and keywords
INBOX: 1 message' ]
	[ -e "$box/cur/1.a:2,Sa" ]
	rm src/courierimapkeywords/:list
	mkdir src/courierimapkeywords/:list
	run -65 "$import" maildir src bob
	[ "$output" = 'src/courierimapkeywords: Is a directory
src: left out: when that can be read, do the same again' ]
}

# As `rsync -a` of a home brings it, without a word from the other machine.
@test "another Pennypost's: UIDs, UIDVALIDITY, keywords, UIDLs" {
	local i
	for i in 1 2 3 4; do
		put new/170000000$i.M$i.host $i
	done
	put "new/1700000005.M5.host,W=1" 5 # no name that is kept
	mv src/new/* "$box/new"
	python3 - "$PROGRAMS/imapd" <<'PY' 2>>stderr
import imaplib, sys
m = imaplib.IMAP4_stream(sys.argv[1])
m.login("alice", "secret")
m.create("Arb&AOk-")
m.create("Arb&AOk-.Sub")
m.select("INBOX")
m.copy("2:3", "Arb&AOk-.Sub")
m.store("2", "+FLAGS", r"(\Deleted)")
m.expunge()
m.store("1", "+FLAGS", r"(\Seen work)")
m.store("1", "-FLAGS", r"(\Seen)")
m.store("2", "+FLAGS", r"(\Answered)")
m.logout()
PY
	echo '1700000004.M4.host elsewhere' >"$box/pennypost-uidl"
	"$ROOT/tests/export/shown" "$PROGRAMS/imapd" 2>>stderr >theirs
	uidls >their-uidls
	grep -q '^  5 ' theirs
	grep -q '1700000005.M5.host,W=1$' their-uidls
	# A session was killed in the middle of a batch, and of a line.
	printf 'a 77 1 0 1700000003.M3.host:2,\nx 1 7\nS 9' >>"$box/pennypost-uids"

	rm -r src
	mv "$box" src
	mkdir -p "$box"/{tmp,new,cur}
	run -0 "$import" maildir src alice
	[ "$output" = 'INBOX: 4 messages
Arbé: 0 messages
Arbé.Sub: 2 messages
Archive: 0 messages
Drafts: 0 messages
Junk: 0 messages
Sent: 0 messages
Trash: 0 messages' ]
	"$ROOT/tests/export/shown" "$PROGRAMS/imapd" 2>>stderr | diff theirs -
	uidls | cut -d' ' -f 2 | sort >ours
	cut -d' ' -f 2 their-uidls | sort | diff - ours

	# A line that is none, and a hole: the others keep their UIDs.
	sed -i '2s/.*/nonsense/; 3s/^a/\x00/' src/pennypost-uids
	run -65 "$import" maildir src bob
	[ "${lines[0]}" = 'src/pennypost-uids:2: that is no line of a journal' ]
	[ "${lines[1]}" = 'src/pennypost-uids:3: that is no line of a journal' ]
	[ "$(grep -c ' :' "$MAIL/bob/dovecot-uidlist")" = 4 ]
	echo 'pennypost-uids 2 7' >src/pennypost-uids
	run -65 "$import" -q maildir src carol
	[ "$output" = 'src/pennypost-uids:1: no journal: UIDs are new' ]
}

@test "a folder with UIDs keeps them, and says so" {
	put cur/1.a:2,S 1
	printf '%s\n' '3 V1700000000 N8' '7 :1.a' >src/dovecot-uidlist
	printf '%s\n' 'pennypost-uids 1 5 0 M0' 's 1 1 1 0 0 0 0 0 0 0 0 0' \
		>"$box/pennypost-uids"
	run -0 "$import" maildir src alice
	[ "$output" = 'INBOX: 1 message
INBOX: it has UIDs of its own: the messages have new ones' ]
	[ ! -e "$box/dovecot-uidlist" ]
	[ -e "$box/cur/1.a:2,S" ]
}

@test "before the first login, a second import adds UIDs to the first's" {
	put cur/1.a:2,S 1
	printf '%s\n' '3 V1700000000 N8' '7 :1.a' >src/dovecot-uidlist
	run -0 "$import" maildir src alice
	put cur/2.b:2,S 2
	printf '%s\n' '3 V1700000000 N10' '7 :1.a' '9 :2.b' >src/dovecot-uidlist
	run -0 "$import" maildir src alice
	[ "$output" = 'INBOX: 2 messages, 1 was here already' ]
	diff "$box/dovecot-uidlist" src/dovecot-uidlist
	# What stands there goes before what comes: UIDNEXT, and a UID.
	sed -i 's/N10/N30/' "$box/dovecot-uidlist"
	put cur/3.c:2,S 3
	put cur/4.d:2,S 4
	printf '%s\n' '3 V1700000000 N12' '9 :3.c' '11 :4.d' >src/dovecot-uidlist
	run -0 "$import" -q maildir src alice
	diff "$box/dovecot-uidlist" - <<'END'
3 V1700000000 N30
7 :1.a
9 :2.b
11 :4.d
END
}

@test "below another folder; names that none can have; what is no Maildir" {
	mkdir -p src/.A.B/{tmp,new,cur} "src/.bad&/cur" src/fs/cur
	put cur/1.a: 1
	put .A.B/cur/2.b:2, 2
	put "bad" x
	run -65 "$import" maildir src alice Été.old
	[ "$output" = 'Été.old: 1 message
Été.old.A.B: 1 message
bad&: no folder can have that name: rename it, and do the same again
src/.bad&/new: No such file or directory
src/fs/new: No such file or directory
Été.old.fs: 0 messages' ]
	[ -e "$box/.&AMk-t&AOk-.old.A.B/cur/2.b:2," ]
	[ -e "$box/.&AMk-t&AOk-.old/cur/1.a:2," ]

	run -65 "$import" maildir src/cur alice
	[ "$output" = 'src/cur: that is no Maildir: it has no cur: name the directory above' ]
	mkdir -p dbox/mailboxes
	run -65 "$import" maildir dbox alice
	[ "$output" = 'dbox: that is no Maildir: it has no cur; of Dovecot'"'"'s dbox `doveadm backup -u USER maildir:DIR` makes one' ]
	run -65 "$import" maildir src/bad alice
	[ "$output" = 'src/bad: Not a directory; is it an mbox? pennypost import mbox FILE ADDRESS' ]
	run -65 "$import" -u '%08Xu%g' maildir src alice
	[ "$output" = "%08Xu%g: of Dovecot's variables %u, %v and %f are known here; %u or %f has to be there" ]
	mkdir -p home/Maildir/cur
	run -65 "$import" maildir home alice
	[ "$output" = 'home: that is no Maildir: it has no cur; Maildir in it is one' ]
	run -65 "$import" maildir nowhere alice
	[ "$output" = 'nowhere: No such file or directory' ]
	run -67 "$import" maildir src dave
	[[ $output == *'spool/mail/example.test/dave: no such mailbox: make it with `pennypost user add dave`' ]]
	run -64 "$import" maildir src alice a//b
	[[ $output == *"\"a//b\": that is no folder's name: a name holds no /" ]]
	run -64 "$import" imap src alice
	[[ $output == *'imap is no kind of source; usage: '* ]]
}

@test "names that would mislead others are made anew; a name that is taken, too" {
	local long
	long=$(printf 'x%.0s' {1..230})
	put 'cur/1.a,W=7:2,S' 1                # it has more
	put 'cur/2.b c:2,S' 2
	put "cur/3.$long:2,S" 3
	put cur/4.d:2,S 4
	touch -d @1700000000 src/cur/*
	echo other >"$box/cur/4.d:2,F"
	run -0 "$import" maildir src alice
	[ "$(ls "$box/cur" | sed -E 's/I[0-9a-f]{32}N1/HASH/')" = '1700000000.HASH.import,S=34,W=38:2,S
1700000000.HASH.import,S=34,W=38:2,S
1700000000.HASH.import,S=34,W=38:2,S
1700000000.HASH.import,S=34,W=38:2,S
4.d:2,F' ]
	# Without the ledger they are found by their names.
	rm "$box/pennypost-imported"
	run -0 "$import" maildir src alice
	[ "$output" = 'INBOX: 4 messages, 4 were here already' ]
	[ "$(count "$box/cur")" = 5 ]
}

@test "lists with lines that are none: the line is named, the rest comes along" {
	put cur/1.a:2,S 1
	put cur/2.b:2,S 2
	printf '%s\n' '3 V1700000000 N8' '7 :1.a' '0 :2.b' 'x' >src/dovecot-uidlist
	run -65 "$import" maildir src alice
	[ "$output" = 'src/dovecot-uidlist:3: that is no UID and name
src/dovecot-uidlist:4: that is no UID and name
INBOX: 2 messages' ]
	echo '4 V1' >src/dovecot-uidlist
	run -65 "$import" -q maildir src bob
	[ "$output" = 'src/dovecot-uidlist:1: no list of version 3 or 1: UIDs are new' ]
	[ "$(count "$MAIL/bob/cur")" = 2 ]
}

@test "line ends of CRLF become LF; a message that is cut off stays so" {
	printf 'Subject: 1\r\n\r\na\rb\r\r\nc\r' >src/cur/1.a:2,S
	: >src/cur/2.b:2,S
	run -0 "$import" maildir src alice
	printf 'Subject: 1\n\na\rb\r\nc\r' | cmp - "$box/cur/1.a:2,S"
	[ -e "$box/cur/2.b:2,S" ]
	[ ! -s "$box/cur/2.b:2,S" ]
}

@test "more keywords than letters" {
	local i letters=({a..z})
	for i in "${!letters[@]}"; do
		echo "$i word$i"
	done >src/dovecot-keywords
	put "cur/1.a:2,S$(printf %s {a..z})" 1
	printf '%s\n' '0 WORD3' '1 other' >"$box/dovecot-keywords"
	run -0 "$import" maildir src alice
	[ "$output" = 'INBOX: 1 message
INBOX: some keywords are not kept: a folder has room for 26, of 63 octets of ASCII' ]
	[ "$(wc -l <"$box/dovecot-keywords")" = 26 ]
	ls "$box/cur" | grep -q '^1.a:2,Sacdefghijklmnopqrstuvwxyz$'
}

# As root who may not read what is not his.
unprivileged() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --bounding-set=-dac_override,-dac_read_search "$@"
	else
		"$@"
	fi
}

@test "names of Windows; one UID, of two messages" {
	put 'cur/1.a!2,FS' 1
	put 'cur/2.b;2,S' 2
	put 'cur/3.c!x:2,R' 3
	printf '3 V17 N30\n5 :1.a\n7 :2.b\n7 :3.c!x\n' >src/dovecot-uidlist
	run -65 "$import" maildir src alice
	[ "$output" = 'src/cur/3.c!x:2,R: UID 7 is another message'"'"'s, too: it gets a new one
INBOX: 3 messages' ]
	[ "$(ls "$box/cur")" = $'1.a:2,FS\n2.b:2,S\n3.c!x:2,R' ]
	diff "$box/dovecot-uidlist" - <<<$'3 V17 N30\n5 :1.a\n7 :2.b'
	[ "$(uidls | cut -d' ' -f2 | sort -u | wc -l)" = 3 ]
	run -65 "$import" -u %v maildir src alice
	[[ $output == "%v: "*"%u or %f has to be there" ]]
}

@test "what cannot be read is named, and what to do; the rest comes along" {
	local owner=()
	put cur/1.a:2,S 1
	put cur/2.b:2,S 2
	chmod 000 src/cur/1.a:2,S
	run -65 unprivileged "$import" maildir src alice
	[ "$output" = 'src/cur/1.a:2,S: Permission denied
INBOX: 1 message' ]
	[ "$(id -u)" != 0 ] || chown 65534 src
	chmod 000 src
	run -65 unprivileged "$import" -q maildir src alice
	[ "$output" = 'src: Permission denied: do it as a user who may read it, or as root' ]
	chmod 700 src
	ln -s /etc/passwd src/cur/3.c:2,S
	mkfifo src/cur/4.d:2,S
	[ "$(id -u)" != 0 ] || chown 0 src
	run -65 unprivileged "$import" -q maildir src alice
	[[ $output == *'src/cur/3.c:2,S: '*'ymbolic link'* ]]
	[[ $output == *'src/cur/4.d:2,S: that is no ordinary file'* ]]
	[ "$(count "$box/cur")" = 1 ]
}

@test "a source that is a link is nobody's way to another's mail" {
	put cur/1.a:2,S 1
	printf 'From a@b.test Mon Feb 12 14:05:06 2024\n\nx\n' >mbox
	ln -s src link
	ln -s mbox mbox-link
	run -65 "$import" -q maildir link alice
	[ "$output" = 'link: a symbolic link: name what it points to' ]
	run -65 "$import" -q mbox mbox-link alice
	run -65 "$import" -q mailbox mbox-link alice
	mkfifo pipe
	run -65 "$import" -q mbox pipe alice
	[ "$output" = 'pipe: neither a file nor a directory' ]
	[ "$(count "$box/cur")" = 0 ]
	"$import" -q maildir src alice
	"$import" -q mbox mbox alice
	[ "$(count "$box/cur")" = 1 ]
	[ "$(count "$box/new")" = 1 ]
}

@test "root reads what only root may, and the home's owner gets it" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	put cur/1.a:2,S 1
	chmod -R go= src
	chown -R 65534:65534 "$PENNYPOST_HOME/spool"
	chmod a+rx "$BATS_TEST_TMPDIR" "${BATS_TEST_TMPDIR%/*}" \
		"${BATS_TEST_TMPDIR%/*/*}" "${BATS_TEST_TMPDIR%/*/*/*}"
	run -0 "$import" maildir src alice
	[ -z "$(find "$box" ! -user 65534)" ]
	[ "$(count "$box/cur")" = 1 ]
}

@test "a full disk, and one that fails: a sentence, nothing half, and again" {
	strace -qq -o trace true || skip "no process may be traced here"
	local fault
	put cur/1.a:2,S 1
	put cur/2.b:2,S 2
	for fault in fsync:error=ENOSPC:when=1 link,linkat:error=ENOSPC:when=2 \
		fsync:error=EIO:when=4; do
		run -65 strace -f -qq -o trace -e "inject=$fault" \
			"$import" maildir src alice
		case $fault in
		*ENOSPC*) [ "$output" = 'INBOX: the messages: No space left on device: make room, and do the same again' ] ;;
		*) [[ $output == *': I'*' error' ]] ;; # musl has it shorter
		esac
		assert_no_tmp
	done
	run -0 "$import" maildir src alice
	[[ $output == 'INBOX: 2 messages, '* ]]
	[ "$(count "$box/cur")" = 2 ]
}

@test "one at a time; a reader that dies" {
	put cur/1.a:2,S 1
	exec 8>>"$box/pennypost-imported"
	python3 -c 'import fcntl, time
fcntl.lockf(8, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(300)' >locked 3>&- 7>&- &
	STARTED=$!
	until [ -s locked ]; do sleep 0.02; done
	run -65 "$import" maildir src alice
	kill "$STARTED"
	[[ $output == *'pennypost-imported: another import is at work here: wait for its end' ]]
	exec 8>&-
	strace -qq -o trace true || skip "no process may be traced here"
	run -65 strace -f -qq -o trace -P ./cur -e inject=?open,openat:signal=KILL \
		"$import" maildir src alice
	[[ $output == *'the reader has failed: nothing of the folder that it was at is moved in'* ]]
	[ "$(count "$box/cur")" = 0 ]
	assert_no_tmp
}

# What the writer makes of a reader's words: tests/import/stream.c.
@test "the stream between the two is checked like any input" {
	local i said
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -I"$ROOT/src/lib" -I"$ROOT/src/import" \
		-o stream "$ROOT"/tests/import/stream.c \
		"$ROOT"/src/import/stream.c "$ROOT"/src/lib/{str,log}.c
	heard() { printf "$1" | ./stream; }
	[ "$(heard 'V 5\nN 7\nF A\nL FS\nD -1\nM u\nT 3\na\nbE \nZ \n' | xargs)" = \
		'folder A 5 7 message u FS -1 text 3 end finish' ]
	[ "$(heard 'X a fault\nM \nT 1\nxX b\nR \nZ \n' | xargs)" = \
		'fault a fault message text 1 fault b drop finish' ]
	for said in '' 'Z' 'Z\n' '\n' 'Q \n' 'T 3\nabc' 'E \n' 'R \n' \
		'M u\nM u\n' 'M u\nF A\n' 'M u\nZ \n' 'M u\nU 1\n' 'M u\nI 1\n' \
		'M u\nT 0\n' 'M u\nT -1\n' 'M u\nT 99999999999999999999\n' \
		'M u\nT 5\nabc' 'L SF\nM u\n' 'L FF\nM u\n' 'L X\nM u\n' 'I -1\n' \
		'I 4294967296\n' 'D x\n' 'V 1\nV\n' 'F a\0b\n' \
		"P $(printf 'x%.0s' {1..71})\n" "M $(printf 'x%.0s' {1..256})\n" \
		"F $(printf 'x%.0s' {1..200})\n" "K $(printf 'x%.0s' {1..8192})\n" \
		"A $(printf 'x%.0s' {1..320})\n"; do
		[ "$(heard "$said" | tail -n 1)" = broken ] ||
			{ echo "taken: $said"; return 1; }
	done
	{ printf 'X '; head -c 70000 /dev/zero | tr '\0' x; } >long
	[ "$(./stream <long)" = broken ]
}

@test "messages of all sizes around those of buffers" {
	python3 - src/cur <<'PY'
import sys
sizes = [65534, 65535, 65536, 65537, 131071, 131072, 200001]
for i, n in enumerate(sizes):
    text = b"Subject: %d\r\n\r\n" % n + b"x" * 997 + b"\r\n"
    while len(text) < n:
        text += b"y" * min(75, n - len(text) - 1) + b"\n"
    with open("%s/%d.a:2,S" % (sys.argv[1], i), "wb") as f:
        f.write(text)
PY
	run -0 "$import" maildir src alice
	run -0 "$import" maildir src alice
	[ "$output" = 'INBOX: 7 messages, 7 were here already' ]
	local i
	for i in {0..6}; do
		tr -d '\r' <"src/cur/$i.a:2,S" | cmp - "$box/cur/$i.a:2,S"
	done
}

@test "behind the first login, a session sees what comes: with the next UIDs" {
	local uids="3 V1700000000 N8
5 :1700000001.M1.host
7 :1700000002.M2.host"
	put cur/1700000001.M1.host:2,S 1
	put cur/1700000002.M2.host:2,S 2
	echo "$uids" >src/dovecot-uidlist
	run -0 "$import" maildir src alice
	printf '%s\n' "${uids/N8/N20}" '9 :1700000004.M4.host' \
		'12 :1700000005.M5.host' >src/dovecot-uidlist
	put cur/1700000004.M4.host:2,F 4
	put cur/1700000005.M5.host:2, 5
	step "$PROGRAMS/imapd" <<TALK
S: * OK *
C: 1 LOGIN alice secret
S: 1 OK *
C: 2 SELECT INBOX
S: * FLAGS *
S: * OK *
S: * 2 EXISTS
S: * 0 RECENT
S: * OK [UIDVALIDITY 1700000000]*
S: * OK [UIDNEXT 8]*
S: * OK *
S: * OK *
S: 2 OK *
! "$import" -q maildir src alice
C: 3 NOOP
S: * 4 EXISTS
S: * 2 RECENT
S: 3 OK *
C: 4 UID FETCH 8:* FLAGS
S: * 3 FETCH (UID 8 FLAGS (\\Flagged \\Recent))
S: * 4 FETCH (UID 9 FLAGS (\\Recent))
S: 4 OK *
C: 5 LOGOUT
S: * BYE *
S: 5 OK *
TALK
}
