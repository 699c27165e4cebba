#!/usr/bin/env bats
# `pennypost import`: users, mbox, and the files of teaching systems. (Maildirs
# are in import-maildir.bats.)

load helper

setup() {
	home_make
	export PENNYPOST_PROGRAMS=$PROGRAMS PENNYPOST_LOG=stderr TZ=UTC
	users=$PENNYPOST_HOME/users
}

pennypost() { "$ROOT/scripts/pennypost" "$@"; }

# The subjects that alice has, in order of arrival.
subjects() {
	pennypost export alice mbox - "${1:-INBOX}" 2>>stderr |
		sed -n 's/^Subject: //p'
}

logs_in() { # USER PASSWORD
	printf 'USER %s\r\nPASS %s\r\nQUIT\r\n' "$1" "$2" | "$PROGRAMS/pop3d" \
		2>>stderr | grep -q '^+OK [0-9]* messages'
}

user_file() {
	printf '%s\n' 'dave pass1' '' '# a comment' '   ' \
		$'  Eve\t \t\'p`w"$x\\*  ' $'gina@example.test gr\xc3\xbc\xc3\x9fe\r' \
		'alice other' 'dave again'
	printf 'last nolf'
}

@test "users: each line becomes a user, who can log in; a second time adds none" {
	user_file >user.txt
	run -0 pennypost import users user.txt
	[[ $output == *"4 users added, 2 were there already, 0 lines"* ]]
	cp "$users/passwd" passwd
	[ "$(pennypost user list | sort | paste -s -d' ')" = "alice@example.test bob@example.test carol@example.test dave@example.test eve@example.test gina@example.test last@example.test" ]
	logs_in dave pass1
	logs_in eve@example.test $'\'p`w"$x\\*'
	logs_in gina $'gr\xc3\xbc\xc3\x9fe'
	logs_in last nolf
	logs_in alice secret
	[ "$(stat -c %a "$MAIL/last" "$MAIL/last/new" | sort -u)" = 700 ]
	echo 'Subject: x' | "$PROGRAMS/deliver" -f '' gina@example.test 2>>stderr
	run -0 pennypost import users user.txt
	[[ $output == *"0 users added, 6 were there already"* ]]
	diff passwd "$users/passwd"
	[ "$(ls -A "$users")" = $'.lock\naliases\ndomains\npasswd\nsrs-secret' ]
}

@test "users: a line that cannot be taken is told of, and the others are" {
	cat >user.txt <<'END'
dave pass1
alone
three words here
bad+name x
no@elsewhere.test x
END
	printf 'long %0300d\nerin x\n' 0 >>user.txt
	run -1 --separate-stderr pennypost import users user.txt
	[ "$output" = "2 users added, 0 were there already, 5 lines could not be taken" ]
	[ "${#stderr_lines[@]}" = 5 ]
	[[ ${stderr_lines[0]} == "user.txt:2: "*"pennypost user add alone" ]]
	[[ ${stderr_lines[1]} == "user.txt:3: "*"no third word"* ]]
	[[ ${stderr_lines[2]} == "user.txt:4: "*"no mailbox can have this name"* ]]
	[[ ${stderr_lines[3]} == "user.txt:5: elsewhere.test is not one of our domains"* ]]
	[[ ${stderr_lines[4]} == "user.txt:6: "*"239 octets"* ]]
	logs_in erin x
}

@test "users: a password is no pattern of files; Windows' byte order marks" {
	touch elsewhere
	printf '\357\273\277dave *\n  # a comment\nerin elsewher?\n' >user.txt
	run -0 pennypost import users user.txt
	[ "$output" = "2 users added, 0 were there already, 0 lines could not be taken" ]
	logs_in dave '*'
	logs_in erin 'elsewher?'
	iconv -t UTF-16LE <user.txt >user16.txt
	run -1 pennypost import users user16.txt
	[[ $output == *"user16.txt: it is in UTF-16: iconv"* ]]
}

@test "users: DOMAIN, and what postmaster and root get" {
	pennypost domain add other.test
	printf 'root: postmaster\n' >"$users/aliases"
	printf 'kim x\nroot y\nlee@example.test z\n' >user.txt
	run -0 pennypost import users user.txt other.test
	[ "$(pennypost user list | tail -n 3)" = $'kim@other.test\nroot@other.test\nlee@example.test' ]
	[ "$(pennypost alias list)" = 'postmaster: kim@other.test' ]
	run -1 pennypost import users user.txt third.test
	[[ $output == *"domain add third.test"* ]]
}

@test "users: no password in an argument or the environment" {
	strace -o /dev/null true 2>/dev/null || skip "no strace"
	echo 'dave S3CRET-word' >user.txt
	strace -f -v -s 9999 -e trace=execve -o trace \
		"$ROOT/scripts/pennypost" import users user.txt
	grep -q 'execve.*auth' trace
	run -1 grep S3CRET trace
	run -1 grep -r S3CRET "$PENNYPOST_HOME"
}

@test "users: as root, of a file that only root may read" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	outside=$(mktemp -d)
	chmod 755 "$outside"
	mv "$PENNYPOST_HOME" "$outside/home"
	export PENNYPOST_HOME=$outside/home
	chown -R 65534:65534 "$PENNYPOST_HOME"
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		test -x "$PROGRAMS/export" || skip "nobody cannot reach the checkout"
	(umask 077 && mkdir mine && echo 'dave x' >mine/user.txt)
	printf 'From a@b Mon Feb 12 14:05:06 2024\nSubject: 1\n\nx\n' >mine/mbox
	run -0 pennypost import users mine/user.txt
	[ "$(stat -c %u "$PENNYPOST_HOME/spool/mail/example.test/dave")" = 65534 ]
	run -0 pennypost import mbox mine/mbox dave
	[ -z "$(find "$PENNYPOST_HOME" ! -uid 65534)" ]
	[ "$(find "$PENNYPOST_HOME" -path '*/dave/*/17*' | wc -l)" = 1 ]
	rm -r "$outside"
}

# What the four teaching systems' files become: all of it, by eye.
@test "mymailbox and mailbox: every mail of theirs, once" {
	local user i
	for user in dave; do
		echo x | pennypost user add $user
	done
	mkdir -p server/{alice,bob,empty} mailbox
	cp "$ROOT/tests/import/mymailbox" server/alice
	cp "$ROOT/tests/import/mymailbox.txt" server/bob
	cp "$ROOT/tests/import/rules.txt" mailbox/bob@far.test.txt
	cp "$ROOT/tests/import/marks.txt" mailbox/carol@far.test.txt
	cp "$ROOT/tests/import/numbers.txt" mailbox/dave@far.test.txt
	for i in 1 2; do
		run -0 --separate-stderr pennypost import mymailbox server
		[[ $stderr == *"server/alice/mymailbox"*"alice@example.test"*"5 messages"* ]]
		[[ $stderr == *"server/empty has no mymailbox"* ]]
		run -0 pennypost import mailbox mailbox example.test
		for user in alice bob carol dave; do
			echo "== $user"
			pennypost export $user mbox - INBOX 2>>stderr
		done >got
		diff "$ROOT/tests/import/mails" got
	done
}

@test "byte order marks, UTF-16, and lines that end in CR alone" {
	local text='From a@far.test Mon Feb 12 14:05:06 2024\nSubject: '
	mkdir all
	printf "\357\273\277${text}1\n\nx\n" >all/bom
	run -0 pennypost import mbox all/bom alice
	printf "${text}2\n\nx\n" | iconv -f ASCII -t UTF-16 >u16
	run -1 pennypost import mbox u16 alice
	[[ $output == *"u16: it is in UTF-16: iconv -f UTF-16 -t UTF-8 FILE |"* ]]
	printf "${text}3\n\nx\n\n${text}4\n\nx\n" | tr '\n' '\r' >cr
	run -1 pennypost import mbox cr alice
	[[ $output == *"cr: its lines end in CR alone: tr '\\r' '\\n' < FILE |"* ]]
	printf 'From: bob\nTo: alice\nSubject: 5\n\nx\n.\n' | tr '\n' '\r' >mine
	run -0 pennypost import mymailbox mine alice
	iconv -f ASCII -t UTF-16 mine >mine16
	run -1 pennypost import mymailbox mine16 alice
	[[ $output == *"mine16: this is no text; if it is UTF-16: iconv"* ]]
	[ "$(subjects)" = $'1\n5' ]
	ln -s bom all/linked
	printf '\0\0\0' >all/nul
	run -0 pennypost import mbox all alice
	[ "$(subjects bom)" = 1 ]
	[[ $output == *"all/linked is no ordinary file: left out"* ]]
	[[ $output == *"all/nul is no mbox: left out"* ]]
	ln -s nowhere link
	run -1 pennypost import mbox link alice
	[[ $output == *"link: a symbolic link that leads nowhere" ]]
}

@test "mymailbox: a file that grew; one file of one user; equal mails" {
	printf 'From: a@far.test\nTo: alice\nSubject: 1\n\nx\n.\n' >one
	run -0 pennypost import mymailbox one alice
	touch -d 2020-01-01 one
	printf 'From: a@far.test\nTo: alice\nSubject: 2\n\nx\n.\n' >>one
	printf 'From: a@far.test\nTo: alice\nSubject: 2\n\nx\n.\n' >>one
	run -0 pennypost import mymailbox one alice@example.test
	run -0 pennypost import mymailbox one ALICE
	[ "$(subjects | sort)" = $'1\n2\n2' ]
}

# In a zone with summer time, without asking for the machine's files.
@test "mymailbox: the time of arrival in any form" {
	export TZ=CET-1CEST,M3.5.0,M10.5.0/3
	local n=0 form
	while IFS='|' read -r form _; do
		n=$((n + 1))
		printf 'From: a@far.test\nTo: alice\nSubject: %s\n%s\n\nx\n.\n' $n "$form"
	done <"$ROOT/tests/import/times" >file
	[ "$n" -gt 20 ]
	touch -d '2001-01-01 00:00:00 UTC' file
	run -0 pennypost import mymailbox file alice
	n=0
	while IFS='|' read -r form want; do
		n=$((n + 1))
		file=$(grep -lx "Subject: $n" "$MAIL"/alice/new/*)
		got=$(TZ=UTC date -r "$file" '+%F %T')
		[ "$got" = "$want" ] || echo "$form: $got, not $want"
	done <"$ROOT/tests/import/times" >wrong
	[ ! -s wrong ] || { cat wrong; return 1; }
	grep -rqx 'Date: Mon, 12 Feb 2024 14:05:06 +0100' "$MAIL/alice/new"
	# None where the file does not say: it would change with the file.
	[ "$(grep -L '^Date: ' "$MAIL"/alice/new/* | wc -l)" = \
		"$(grep -c '|2001' "$ROOT/tests/import/times")" ]
}

@test "mbox: flags, keywords, UIDs, dates, quotes; none of the mbox's own fields" {
	for i in 1 2; do
		run -0 pennypost import mbox "$ROOT/tests/import/mbox" alice Arbé.1
	done
	pennypost export alice mbox - Arbé.1 2>>stderr >got
	diff "$ROOT/tests/import/mbox.back" got
	grep -q 'Arb&AOk-' "$MAIL/alice/subscriptions"
	{ sed 's/$/\r/' "$ROOT/tests/import/mbox"; echo; } >crlf
	run -0 pennypost import mbox crlf alice Crlf
	pennypost export alice mbox - Crlf 2>>stderr >got
	# Content-Length counts other octets then.
	diff <(sed -n '/^Subject: quotes/,/^$/p' "$ROOT/tests/import/mbox.back") \
		<(sed -n '/^Subject: quotes/,/^$/p' got)
	run -1 grep -rl $'\r' "$MAIL/alice/.Crlf/new" "$MAIL/alice/.Crlf/cur"
}

# What Thunderbird writes; of each file it has an index, FOLDER.msf.
@test "mbox: Thunderbird's flags and tags; what it has deleted; folders below" {
	mail() { # SUBJECT STATUS [STATUS2 [KEYS]]
		printf 'From - Mon Feb 12 14:05:06 2024\nX-Account-Key: account1\n'
		printf 'X-Mozilla-Status: %s\nX-Mozilla-Status2: %s\n' "$2" \
			"${3:-00000000}"
		printf 'X-Mozilla-Keys: %-80s\nStatus: RO\nX-Status: F\n' "${4-}"
		printf 'From: a@far.test\nSubject: %s\n\n%s\n\n' "$1" "$1"
	}
	mkdir -p "Local Folders"/Inbox.sbd/Trips.sbd "Local Folders"/.hidden
	cd "Local Folders"
	{
		mail read 0001
		mail unread 0000
		mail answered 0003 00800000 '$label1 work'
		mail flagged 0004 00200000
		mail deleted 0009
		mail forwarded 1001
		printf 'From b@far.test Mon Feb 12 14:05:06 2024\nSubject: plain\n\nx\n'
	} >Inbox
	mail trips 0001 >Inbox.sbd/Trips
	mail rome 0001 >Inbox.sbd/Trips.sbd/Rome
	: >Trash
	: >Inbox.sbd/Trips.msf
	echo 'version="9"' >msgFilterRules.dat
	echo hello >notes.html
	mail x 0001 >.hidden/x
	ln -s Inbox link
	ln -s / root.sbd
	cd ..
	for i in 1 2; do
		run -0 --separate-stderr pennypost import mbox "Local Folders" alice
		[[ $stderr == *"Inbox: messages that Thunderbird has deleted, and are left out: 1
INBOX: 6 messages"* ]]
		[[ $stderr == *"Local Folders/notes.html is no mbox: left out"* ]]
		[[ $stderr == *"Local Folders/link is no ordinary file: left out"* ]]
		[[ $stderr != *"link, for"* ]]
		sed -i 's/^X-Mozilla-Status: 0000/X-Mozilla-Status: 0001/' \
			"Local Folders/Inbox" # it is the same message
	done
	[[ $stderr == *"INBOX: 6 messages, 6 were here already"* ]]
	[ "$(pennypost export alice maildir out 2>&1 >/dev/null)" = 'INBOX: 6 messages
INBOX.Trips: 1 message
INBOX.Trips.Rome: 1 message
Trash: 0 messages' ]
	[ "$(find out -name '*:2,*' | sed 's/.*:2,//' | sort | paste -s)" = \
		"$(printf '%s\n' '' FT RSabc S S S Sd | LC_ALL=C sort | paste -s)" ]
	sort -n out/dovecot-keywords | diff - \
		<(printf '%s\n' '0 $label1' '1 work' '2 $MDNSent' '3 $Forwarded')
	[ "$(count out/new)" = 1 ]
	run -1 grep -r 'Mozilla\|^Status' out
	# Nor does it go out: there it would hide the message.
	printf 'X-Mozilla-Status: 0009\nSubject: mine\n\nx\n' \
		>"$MAIL/bob/cur/1.a:2,"
	run -1 grep Mozilla <(pennypost export bob mbox - INBOX 2>>stderr)
}

@test "mbox: from a pipe, and never twice; what is no mbox there" {
	local i
	python3 - >long <<'PY'
for i in range(300):
    print(f"From a{i}@far.test Mon Feb 12 14:05:06 2024\nSubject: {i}\n"
          f"Content-Length: 9999999\n\n>From {i}\n" + "x" * 70 * i + "\n")
PY
	gzip -k long
	run -0 bash -c 'zcat long.gz | "$0" import mbox - alice Old' \
		"$ROOT/scripts/pennypost"
	[[ $output == *'Old: 300 messages' ]]
	run -0 pennypost import mbox - alice Old <long
	[[ $output == *'Old: 300 messages, 300 were here already' ]]
	run -0 pennypost import mbox long alice Old
	[[ $output == *'Old: 300 messages, 300 were here already' ]]
	run -1 pennypost import mbox - alice <long.gz
	[[ $output == *'standard input: it is compressed: zcat FILE '* ]]
	run -1 pennypost import mbox - alice < <(echo hello)
	[[ $output == *'standard input:1: this is no mbox: '* ]]
	run -65 "$PROGRAMS/import" maildir - alice < <(echo hello)
	[[ $output == 'standard input: Not a directory'* ]]
	: >-
	run -0 pennypost import mbox ./- alice
}

@test "mbox: out and in again is the same, octet for octet" {
	local i
	run -0 pennypost import mbox "$ROOT/tests/import/mbox" alice
	pennypost export alice mbox out 2>>stderr
	run -0 pennypost import mbox out bob
	pennypost export bob mbox back 2>>stderr
	diff -r out back
	[ "$(grep -c '^From ' back/INBOX.mbox)" -ge 6 ]
}

@test "mbox: an mbox of Python's, read back by Python" {
	python3 - <<'PY'
import mailbox
box = mailbox.mbox("made")
for i in range(20):
    m = mailbox.mboxMessage("Subject: %d\nX: %s\n\nFrom x\n\n>From y\n%s\n" % (
        i, "y" * i * 500, "z" * i * 9000))
    m.set_from("a%d@far.test" % i, True)
    m.set_flags("RF" if i % 2 else "")
    box.add(m)
box.flush()
PY
	run -0 pennypost import mbox made alice
	pennypost export alice mbox out 2>>stderr
	python3 - <<'PY'
import mailbox
a, b = mailbox.mbox("made"), mailbox.mbox("out/INBOX.mbox")
assert len(a) == len(b) == 20, len(b)
b = {m["Subject"]: m for m in b}
for x in a:
    y = b[x["Subject"]]
    assert x["X"] == y["X"]
    assert ("F" in x.get_flags()) == ("F" in y.get_flags())
    assert x.get_payload() == y.get_payload(), y.get_payload()[:200]
PY
}

@test "every refusal says what is wrong, and where; the rest goes on" {
	: >empty
	run -0 pennypost import mbox empty alice
	printf 'x\nFrom a@b Mon Feb 12 14:05:06 2024\n' >none
	run -1 pennypost import mbox none alice
	[[ $output == *"none:1: "*"no mbox"* ]]
	gzip -c "$ROOT/tests/import/mbox" >mbox.gz
	run -1 pennypost import mbox mbox.gz alice
	[[ $output == *"mbox.gz: it is compressed: zcat FILE | pennypost import mbox - ADDRESS" ]]
	run -1 pennypost import mbox "$ROOT/tests/import/mbox" nobody
	[[ $output == *"pennypost user add nobody@example.test"* ]]
	run -1 pennypost import mbox missing alice
	[[ $output == *"missing: there is no such file"* ]]
	mkdir dir
	run -1 pennypost import mbox dir alice
	[[ $output == *"dir: there is no mbox in it"* ]]
	run -1 pennypost import mbox "$MAIL/bob" alice
	[[ $output == *"/bob is a Maildir: pennypost import maildir $MAIL/bob alice@example.test" ]]
	run -1 pennypost import mymailbox dir
	[[ $output == *"NAME/mymailbox"* ]]
	run -1 pennypost import mymailbox none
	[[ $output == *"ADDRESS"* ]]
	printf 'hello\n\nFrom: a@far.test\nTo: b\n\nx\n.\n' >odd
	run -1 pennypost import mymailbox odd alice
	[[ $output == *"odd:1: "*"From:"* ]]
	[ "$(count "$MAIL/alice/new")" = 1 ]
	printf 'From: a\0b\n' >binary
	run -1 pennypost import mymailbox "$ROOT/tests/import/mbox" alice
	[[ $output == *"import/mbox: this is an mbox: pennypost import mbox FILE ADDRESS"* ]]
	run -1 pennypost import mymailbox binary alice
	[[ $output == *"binary: this is no text"* ]]
	mkdir -p server/{alice,nobody,bob}
	for name in alice nobody bob; do
		printf 'From: a@far.test\nTo: b\nSubject: s\n\ny\n.\n' >server/$name/mymailbox
	done
	run -1 pennypost import mymailbox server
	[[ $output == *"pennypost user add nobody@example.test"* ]]
	[ "$(count "$MAIL"/{alice,bob}/new)" = 3 ]
	run -64 pennypost import
	run -64 pennypost import nonsense x
	run -64 pennypost import mbox empty
	[ "${lines[0]}" = 'usage: pennypost [-C HOME] import users FILE [DOMAIN]' ]
	[[ $output != *init* ]]
}

@test "import, export: whoever may not enter the home is told so, and who may" {
	local as=() may='run it as root, or as the owner of the home'
	[ "$(id -u)" != 0 ] ||
		as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	mkdir bin
	cp "$PROGRAMS"/{import,export,auth} "$ROOT"/scripts/pennypost* bin
	chmod -R a+rX "$PENNYPOST_HOME" bin
	chmod 0 "$PENNYPOST_HOME/spool/mail" # who is not root may not, either
	chmod 400 "$PENNYPOST_HOME/users/passwd"
	export PENNYPOST_PROGRAMS=$PWD/bin
	printf 'dora secret\n' >users.txt
	printf 'From: a@far.test\nSubject: s\n\ny\n.\n' >letter
	chmod a+r users.txt letter
	run -1 "${as[@]}" bin/pennypost import users users.txt
	[ "$output" = "pennypost: you may not write $PENNYPOST_HOME/users/passwd: $may" ]
	run -1 "${as[@]}" bin/pennypost import mymailbox letter alice
	[[ $output == *": Permission denied: $may" ]]
	run -77 "${as[@]}" bin/export folders alice@example.test
	[[ $output == *": Permission denied: $may" ]]
	chmod 700 "$PENNYPOST_HOME/spool/mail"
}
