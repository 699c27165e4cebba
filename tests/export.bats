#!/usr/bin/env bats
# export, and `pennypost export`: what a user has is given back whole, and other
# programs can read it.

load helper

setup() {
	home_make
	export PENNYPOST_PROGRAMS=$PROGRAMS PENNYPOST_LOG=stderr
	box=$MAIL/alice
}

pennypost() { "$ROOT/scripts/pennypost" "$@"; }

# A mailbox with all that can be in one: alice's.
box_make() {
	local i
	for i in 1 2 3 4; do
		printf 'From: a@far.test\nSubject: m%s\nStatus: R\n\n%s\n' $i \
			$'From here\n>From there\n\nFrom a@x Mon Jan  1 00:00:00 2024' |
			"$PROGRAMS/deliver" -f bob@far.test alice@example.test
	done 2>>stderr
	python3 - "$PROGRAMS/imapd" <<'PY' 2>>stderr
import imaplib, sys
m = imaplib.IMAP4_stream(sys.argv[1])
m.login("alice", "secret")
for name in "Arb&AOk-", "Arb&AOk-.Sub":
    m.create(name)
m.subscribe("Arb&AOk-.Sub")
m.select("INBOX")
m.store("1", "+FLAGS", r"(\Seen)")
m.store("2", "+FLAGS", r"(\Seen \Flagged \Answered work $Label1)")
m.store("4", "+FLAGS", r"(\Deleted \Draft)")
m.append("Arb&AOk-.Sub", r"(\Seen work)", '"01-Feb-2020 11:12:13 +0100"',
         b"Subject: old\r\nX-Status: D\r\n\r\nlast line")
m.append("Arb&AOk-.Sub", "", None, b"Subject: header alone\r\n\r\n")
m.append("Arb&AOk-.Sub", "", None, b"Subject: 3\r\n\r\n\r\n\r\nx\r\n\r\n")
m.select("INBOX")
m.store("3", "+FLAGS", r"(\Deleted)")
m.uid("EXPUNGE", "3")
m.logout()
PY
}

@test "maildir: Dovecot shows the same: UIDs, flags, keywords, dates, texts" {
	[ -x /usr/lib/dovecot/imap ] || skip "no Dovecot"
	box_make
	"$ROOT/tests/export/shown" "$PROGRAMS/imapd" 2>>stderr >ours
	[ "$(grep -c '^folder' ours)" = 8 ]
	[ "$(grep -c '^  ' ours)" = 6 ]
	grep -q '^  2 .* [$]Label1 .*Answered .*Flagged .*Seen work ' ours
	grep -q '^folder Arb&AOk-.Sub .* subscribed$' ours
	run -0 --separate-stderr pennypost export alice maildir out
	"$ROOT/tests/export/shown" -d maildir out >theirs
	diff ours theirs
	# None of our own files, and nothing for others to read.
	[ -z "$(find out -name '*pennypost*')" ]
	[ -z "$(find out -perm /077)" ]
	[ -e 'out/.Arb&AOk-/maildirfolder' ]
}

@test "maildir: the POP3 UIDLs are the same, of what is in new, too" {
	[ -x /usr/lib/dovecot/pop3 ] || skip "no Dovecot"
	box_make
	printf 'Subject: x\n\nx\n' >"$box/new/1900000000.M1.host"
	printf 'Subject: y\n\nx\n' >"$box/new/1900000000.M2.$(printf 'long%.0s' {1..20})"
	printf 'Subject: z\n\nx\n' >"$box/cur/1900000000.M3.host:2,"
	echo '1900000000.M3.host 0000-elsewhere' >"$box/pennypost-uidl"
	printf 'USER alice\r\nPASS secret\r\nUIDL\r\nQUIT\r\n' |
		"$PROGRAMS/pop3d" 2>>stderr | tr -d '\r' | grep '^[0-9]' >ours
	[ "$(wc -l <ours)" = 6 ]
	grep -q ' 0000-elsewhere$' ours
	pennypost export alice@example.test maildir out 2>>stderr
	"$ROOT/tests/export/shown" -p out >theirs
	diff ours theirs
}

@test "maildir: a folder that only Dovecot has served keeps its UIDs" {
	echo '3 V77 N20' >"$box/dovecot-uidlist"
	for i in 1 2 3; do
		echo "Subject: $i" >"$box/cur/$i.host:2,S"
		echo "1$i W9 :$i.host" >>"$box/dovecot-uidlist"
	done
	pennypost export alice maildir out 2>>stderr
	diff out/dovecot-uidlist - <<'LIST'
3 V77 N20
11 P1.host :1.host
12 P2.host :2.host
13 P3.host :3.host
LIST
	pennypost export alice mbox out.d 2>>stderr
	[ "$(grep -c '^X-UID: 1[123]$' out.d/INBOX.mbox)" = 3 ]
	grep -q '^X-IMAPbase: 77 19$' out.d/INBOX.mbox
}

@test "maildir: long names, and names that tar has to be told" {
	local long name
	long=$(printf 'x%.0s' {1..180})
	mkdir -p "$box/.$long"/{cur,new,tmp}
	for name in "1.$long" '2.-rf' '3.a b' $'4.\xc3\xa9'; do
		echo "$name" >"$box/.$long/cur/$name:2,S"
	done
	pennypost export alice maildir out 2>>stderr
	diff -r "$box/.$long/cur" "out/.$long/cur"
	[ "$(count out/."$long"/cur)" = 4 ]
}

@test "mbox: every octet of a folder, by eye" {
	mkdir -p "$box/.Old"/{cur,new,tmp}
	printf '0 work\n1 later\n' >"$box/.Old/dovecot-keywords"
	printf 'pennypost-uids 1 99 0 M0\na 7 1 0 1.h:2,\nS 8 1 1 1 0 0 0 0 0 0 0 0\na 9 1 0 2.h:2,\n' \
		>"$box/.Old/pennypost-uids"
	printf 'Return-Path: <bob@far.test>\nSubject: 1\nX-UID: 1\nStatus: RO\n\t x\nContent-Length: 3\n\nFrom a\n>From b\n>>Fromage\n From d\n' \
		>"$box/.Old/cur/1.h:2,DFRSTab"
	printf 'Subject: 2' >"$box/.Old/new/2.h"
	printf '\nx' >"$box/.Old/cur/3.h:2,"
	touch -d '2024-02-29 12:00:01 UTC' "$box"/.Old/*/*.h*
	pennypost export alice mbox - Old 2>>stderr >got
	diff - got <<'MBOX'
From bob@far.test Thu Feb 29 12:00:01 2024 +0000
Return-Path: <bob@far.test>
Subject: 1
X-IMAPbase: 99 7 work later
Status: RO
X-Status: AFDT
X-Keywords: work later
X-UID: 7

>From a
>>From b
>>Fromage
 From d

From MAILER-DAEMON Thu Feb 29 12:00:01 2024 +0000
Subject: 2


From MAILER-DAEMON Thu Feb 29 12:00:01 2024 +0000
Status: O

x

MBOX
}

@test "mbox: Dovecot and Python read it, message by message" {
	box_make
	"$ROOT/tests/export/shown" "$PROGRAMS/imapd" 2>>stderr >ours
	pennypost export alice mbox out 2>>stderr
	[ "$(cd out && ls)" = "$(printf '%s\n' Archive.mbox Arbé.Sub.mbox \
		Arbé.mbox Drafts.mbox INBOX.mbox Junk.mbox Sent.mbox Trash.mbox |
		LC_ALL=C sort)" ] || [ "$(find out -type f | wc -l)" = 8 ]
	python3 - "$box" out/INBOX.mbox <<'PY'
import glob, mailbox, re, sys
box = mailbox.mbox(sys.argv[2])
files = sorted(glob.glob(sys.argv[1] + "/cur/*"))
assert len(box) == len(files) == 3, len(box)
for message, name in zip(box, files):
    body = re.sub(rb"(?m)^>(>*From )", rb"\1", message.get_payload().encode())
    assert body == open(name, "rb").read().split(b"\n\n", 1)[1], body
assert box[1].get_flags() == "ROAF", box[1].get_flags()
PY
	[ -x /usr/lib/dovecot/imap ] || skip "no Dovecot"
	# The texts differ by a Status field that is none of the message's.
	"$ROOT/tests/export/shown" -d mbox out | sed 's/ [^ ]*$//' |
		grep -A 3 '^folder INBOX' >theirs
	sed 's/ [^ ]*$//' ours | grep -A 3 '^folder INBOX' | diff - theirs
}

@test "while flags change, each message is there once" {
	local i
	for i in $(seq 400); do
		echo "Subject: $i" >"$box/cur/$i.host:2,"
	done
	python3 - "$box/cur" <<'PY' &
import os, sys
while not os.path.exists("stop"):
    for name in os.listdir(sys.argv[1]):
        other = name[:-1] if name.endswith("S") else name + "S"
        os.rename(sys.argv[1] + "/" + name, sys.argv[1] + "/" + other)
PY
	STARTED=$!
	for i in 1 2 3; do
		pennypost export alice mbox - INBOX 2>>stderr >got
		[ "$(sed -n 's/^Subject: //p' got | sort -n)" = "$(seq 400)" ]
		pennypost export alice maildir out.$i 2>>stderr
		cat out.$i/cur/* >got
		[ "$(sed -n 's/^Subject: //p' got | sort -n)" = "$(seq 400)" ]
	done
	: >stop
}

@test "what is expunged meanwhile is no fault; what cannot be read is one" {
	echo 'Subject: 1' >"$box/cur/1.host:2,"
	ln -s /etc/passwd "$box/cur/2.host:2,"
	mkfifo "$box/cur/3.host:2,"
	echo 'Subject: 4' >"$box/cur/4.host:2,"
	run -74 --separate-stderr pennypost export alice mbox - INBOX
	[ "$(grep -c '^From ' <<<"$output")" = 2 ]
	[[ $stderr == *alice/2.host* ]]
	[[ $stderr == *alice/3.host* ]]
	run -1 --separate-stderr pennypost export alice maildir out
	[[ $stderr == *"out is not whole"* ]]
	[ "$(count out/cur)" = 2 ]
}

@test "nothing is overwritten; every refusal says what to do" {
	mkdir there
	: >file
	run -1 pennypost export alice maildir there
	[[ $output == *"there is there already"*"another name"* ]]
	run -1 pennypost export alice mbox file INBOX
	[[ $output == *"file is there already"* ]]
	run -1 pennypost export alice mbox there
	[ ! -s file ] && [ -z "$(ls there)" ]
	run -1 pennypost export alice mbox -
	[[ $output == *"pennypost export alice mbox - FOLDER" ]]
	run -1 pennypost export alice maildir -
	[[ $output == *"a Maildir is a directory: pennypost export alice maildir DIR" ]]
	[ ! -e - ]
	run -1 pennypost export alice mbox nowhere/x INBOX
	[ "$output" = 'pennypost: nowhere: there is no such directory' ]
	run -1 pennypost export alice maildir nowhere/x
	[ "$output" = 'pennypost: nowhere: there is no such directory' ]
	run -1 pennypost export nobody mbox out
	[[ $output == *"there is no user"*nobody@example.test*"user list"* ]]
	[ ! -e out ]
	run ! pennypost export alice mbox out Nowhere
	[[ $output == *"no folder"*Nowhere* ]]
	run -64 pennypost export alice
	[[ $output == *"export ADDRESS"* ]]
	run -0 "$PROGRAMS/export" folders alice
	[ "$output" = INBOX ]
	run -66 "$PROGRAMS/export" mbox alice ../bob
	run -67 "$PROGRAMS/export" mbox nobody
	run -64 "$PROGRAMS/export" mbox ../bob
	run -64 "$PROGRAMS/export" mbox
}

@test "a full disk is no export" {
	[ -e /dev/full ] || skip "no /dev/full"
	echo 'Subject: 1' >"$box/cur/1.host:2,"
	run -74 bash -c '"$1" mbox alice >/dev/full' - "$PROGRAMS/export"
	run -74 bash -c '"$1" maildir alice >/dev/full' - "$PROGRAMS/export"
}

@test "out, in and out again: the same to Dovecot, and the same UIDLs" {
	[ -x /usr/lib/dovecot/pop3 ] || skip "no Dovecot"
	box_make
	pennypost export alice maildir out 2>>stderr
	run -0 pennypost import maildir out bob
	run -0 pennypost import maildir out bob
	pennypost export bob maildir back 2>>stderr
	"$ROOT/tests/export/shown" -d maildir out >first
	"$ROOT/tests/export/shown" -d maildir back >second
	[ "$(grep -c '^  ' first)" = 6 ]
	diff first second
	"$ROOT/tests/export/shown" -p out >first
	"$ROOT/tests/export/shown" -p back >second
	[ "$(wc -l <first)" = 3 ]
	diff first second
}

@test "a directory, a journal or a message that cannot be read is told of" {
	strace -o /dev/null true 2>/dev/null || skip "no strace"
	box_make
	run -74 strace -f -o trace -P "$box/cur" -e inject=getdents,getdents64:error=EIO \
		"$PROGRAMS/export" mbox alice
	[[ $output == *"/cur: I"*"/"*" error"* ]]
	run -74 strace -f -o trace -P "$box/pennypost-uids" \
		-P spool/mail/example.test/alice/pennypost-uids \
		-e inject=openat,open:error=EIO "$PROGRAMS/export" maildir alice
	[[ $output == *"pennypost-uids: I"*" error"* ]]
	run -74 strace -f -o trace -P "$(echo "$box"/cur/*:2,S)" \
		-e inject=read:error=EIO "$PROGRAMS/export" mbox alice
	[[ $output == *": I"*" error"* ]]
}

@test "root exports what only the owner of the home may read" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	box_make
	outside=$(mktemp -d)
	chmod 755 "$outside"
	mv "$PENNYPOST_HOME" "$outside/home"
	export PENNYPOST_HOME=$outside/home
	chown -R 65534:65534 "$PENNYPOST_HOME"
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		test -x "$PROGRAMS/export" || skip "nobody cannot reach the checkout"
	mkdir -m 700 mine
	pennypost export alice maildir mine/out 2>>stderr
	[ "$(stat -c %U mine/out/cur/*:2,S)" = root ]
	[ "$(count mine/out/cur)" = 3 ]
	pennypost export alice mbox mine/out.d 2>>stderr
	[ "$(grep -c '^From ' mine/out.d/INBOX.mbox)" = 3 ]
	rm -r "$outside"
}
