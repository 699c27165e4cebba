#!/usr/bin/env bats
# imapd: IMAP on fd 0 and 1: the protocol's states, both sides written out.

load helper

setup() {
	home_make
	imapd=$PROGRAMS/imapd
	alice=$MAIL/alice
}

OFFERS='IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ ID ENABLE'
GREETING="S: * OK [CAPABILITY $OFFERS AUTH=PLAIN AUTH=LOGIN] mx.example.test IMAP Pennypost"
LOGIN="$GREETING
C: l LOGIN alice secret
S: l OK [CAPABILITY $OFFERS *] logged in"
BYE='C: z LOGOUT
S: * BYE goodbye
S: z OK logged out'

# put NAME TEXT: a message in alice's Maildir
put() {
	printf '%b' "$2" >"$alice/$1"
}

three() {
	put cur/1000.M1.host,S=24,W=28:2,S 'Subject: one\n\nfirst\n.dot\n'
	put cur/1001.M1.host:2,FR 'Subject: two\n\nsecond\n'
	put new/1002.M1.host 'Subject: three\r\n\r\nno newline'
}

# --- before a login ---

@test "greeting, capabilities, what a stranger may not" {
	both "$imapd" <<TALK
$GREETING
C: 1 CAPABILITY
S: * CAPABILITY $OFFERS AUTH=PLAIN AUTH=LOGIN
S: 1 OK that is all
C: 2 NOOP
S: 2 OK still here
C: 3 ID NIL
S: * ID ("name" "Pennypost" *)
S: 3 OK pleased to meet you
C: 4 ID ("name" "x" "version" NIL)
S: * ID *
S: 4 OK pleased to meet you
C: 5 SELECT INBOX
S: 5 BAD not in this state
C: 6 UID FETCH 1 FLAGS
S: 6 BAD not in this state
C: 7 LIST "" *
S: 7 BAD not in this state
C: 8 ENABLE CONDSTORE
S: 8 BAD not in this state
C: 9 IDLE
S: 9 BAD not in this state
$BYE
TALK
}

@test "tags and commands that are none" {
	both "$imapd" <<TALK
$GREETING
C: 1 FOO
S: 1 BAD unknown command
C: 2 UID NOOP
S: 2 BAD unknown command
C: 3
S: 3 BAD an argument is missing
C: 4 NOOP now
S: 4 BAD more than the command takes
C: 5 NOOP 
S: 5 BAD more than the command takes
C:
S: * BAD malformed argument
C: + NOOP
S: * BAD malformed argument
C: (x NOOP
S: * BAD malformed argument
c: 6 NOOP\n
S: * BAD lines end in CRLF, and hold no other CR, LF or NUL
c: 7 NO\rOP\r\n
S: * BAD lines end in CRLF, and hold no other CR, LF or NUL
C: 8 LOGIN
S: 8 BAD an argument is missing
S: * BYE too many errors
TALK
	grep -q 'session end=errors' "$BATS_TEST_TMPDIR/stderr"
}

@test "login: every way" {
	local good
	for good in 'LOGIN alice secret' 'login alice@example.test secret' \
		'LOGIN "ALICE@EXAMPLE.TEST" "secret"' \
		'AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==' \
		'authenticate plain AGFsaWNlAHNlY3JldA=='; do
		both "$imapd" <<TALK
$GREETING
C: 1 $good
S: 1 OK [CAPABILITY $OFFERS IDLE *] logged in
C: 2 LOGIN alice secret
S: 2 BAD not in this state
C: 3 AUTHENTICATE PLAIN
S: 3 BAD not in this state
C: 4 STARTTLS
S: 4 BAD not in this state
C: 5 CAPABILITY
S: * CAPABILITY $OFFERS IDLE *
S: 5 OK that is all
$BYE
TALK
	done
	both "$imapd" <<TALK
$GREETING
C: 1 AUTHENTICATE PLAIN
S: + 
C: AGFsaWNlAHNlY3JldA==
S: 1 OK [CAPABILITY *] logged in
TALK
	both "$imapd" <<TALK
$GREETING
C: 1 AUTHENTICATE LOGIN
S: + VXNlcm5hbWU6
C: YWxpY2U=
S: + UGFzc3dvcmQ6
C: c2VjcmV0
S: 1 OK [CAPABILITY *] logged in
TALK
	grep -q 'login user=alice@example.test .*service=imap mechanism=PLAIN' \
		"$BATS_TEST_TMPDIR/stderr"
	run -1 grep secret "$BATS_TEST_TMPDIR/stderr"
}

@test "login by literals, which a stranger may send unasked, too" {
	step "$imapd" <<TALK
$GREETING
C: 1 LOGIN {5}
S: + go on
C: alice {6}
S: + go on
C: secret
S: 1 OK [CAPABILITY *] logged in
TALK
	both "$imapd" <<TALK
$GREETING
C: 1 LOGIN {5+}
C: alice {6+}
C: secret
S: 1 OK [CAPABILITY *] logged in
TALK
}

@test "login: the wrong ones" {
	both "$imapd" <<TALK
$GREETING
C: 1 LOGIN alice Secret
S: 1 NO [AUTHENTICATIONFAILED] user or password is wrong
C: 2 LOGIN nobody secret
S: 2 NO [AUTHENTICATIONFAILED] user or password is wrong
C: 3 LOGIN alice "secret "
S: 3 NO [AUTHENTICATIONFAILED] user or password is wrong
C: 4 AUTHENTICATE CRAM-MD5
S: 4 NO [CANNOT] unknown mechanism
C: 5 AUTHENTICATE PLAIN AAA
S: 5 BAD that is no response of this mechanism
C: 6 FOO
S: 6 BAD unknown command
S: * BYE too many errors
TALK
	both "$imapd" <<TALK
$GREETING
C: 1 AUTHENTICATE PLAIN
S: + 
C: *
S: 1 BAD given up
C: 2 LOGIN alice
S: 2 BAD an argument is missing
C: 3 LOGIN alice secret x
S: 3 BAD more than the command takes
C: 4 LOGIN "ali
S: 4 BAD expected '"'
C: 5 LOGIN alice secret
S: 5 OK [CAPABILITY *] logged in
TALK
	run -1 grep -i secret "$BATS_TEST_TMPDIR/stderr"
}

@test "no password over a network in the clear" {
	both env TCPREMOTEIP=192.0.2.1 "$imapd" <<TALK
S: * OK [CAPABILITY $OFFERS LOGINDISABLED] mx.example.test IMAP Pennypost
C: 1 LOGIN alice secret
S: 1 NO [PRIVACYREQUIRED] not without encryption
C: 2 AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==
S: 2 NO [PRIVACYREQUIRED] not without encryption
C: 3 STARTTLS
S: 3 BAD TLS is not available
$BYE
TALK
}

@test "imap-hide: what pennypost.conf hides is not offered" {
	echo 'imap_hide IMAP4rev2 NOTIFY' >>"$PENNYPOST_HOME/pennypost.conf"
	pipe "$imapd" <<'TALK'
S: * OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID ENABLE AUTH=PLAIN AUTH=LOGIN] *
C: 1 LOGIN alice secret
S: 1 OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE *] logged in
C: 2 ENABLE IMAP4rev2 CONDSTORE
S: * ENABLED CONDSTORE
S: 2 OK enabled
TALK
	run -1 grep NOTIFY "$BATS_TEST_TMPDIR/out"
}

@test "trouble is the server's, not the user's" {
	rm -r "$MAIL/bob"
	run -75 pipe "$imapd" <<TALK
$GREETING
C: 1 LOGIN bob secret
S: * BYE [UNAVAILABLE] out of service, try later
TALK
	rm "$PENNYPOST_HOME/users/passwd"
	pipe "$imapd" <<TALK
$GREETING
C: 1 LOGIN alice secret
S: 1 NO [UNAVAILABLE] cannot tell now
TALK
}

# --- behind the login ---

@test "ENABLE: what is known, once, in any state behind the login" {
	both "$imapd" <<TALK
$LOGIN
C: 1 ENABLE CONDSTORE X-NOTHING
S: * ENABLED CONDSTORE
S: 1 OK enabled
C: 2 enable qresync utf8=accept imap4rev2
S: * ENABLED QRESYNC UTF8=ACCEPT IMAP4rev2
S: 2 OK enabled
C: 3 ENABLE X-NOTHING
S: * ENABLED
S: 3 OK enabled
C: 4 ENABLE
S: 4 BAD an argument is missing
$BYE
TALK
}

@test "states: what is not selected cannot be fetched" {
	local i=0 command
	{
		echo "$LOGIN"
		for command in 'FETCH 1 FLAGS' 'UID FETCH 1 FLAGS' \
			'STORE 1 FLAGS ()' 'SEARCH ALL' 'COPY 1 INBOX' \
			'MOVE 1 INBOX' EXPUNGE 'UID EXPUNGE 1' CHECK CLOSE \
			UNSELECT 'SORT (DATE) UTF-8 ALL' \
			'THREAD REFERENCES UTF-8 ALL'; do
			i=$((i + 1))
			printf '%s\n' "C: $i $command" \
				"S: $i BAD not in this state"
		done
		echo "$BYE"
	} >talk.txt
	both "$imapd" <talk.txt
}

SELECTED='S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] are kept
S: * 3 EXISTS
S: * * RECENT
S: * OK [UNSEEN 2] is the first
S: * OK [UIDVALIDITY *] UIDs are valid
S: * OK [UIDNEXT 4] is the next
S: * OK [HIGHESTMODSEQ *] is the highest
S: * OK [MAILBOXID (*)] names it'
EXAMINED=${SELECTED/(\\Answered \\Flagged \\Deleted \\Seen \\Draft \\\*)] are kept/()] read-only}

@test "SELECT, EXAMINE, CLOSE, UNSELECT, one after the other" {
	three
	both "$imapd" <<TALK
$LOGIN
C: 1 SELECT INBOX
$SELECTED
S: 1 OK [READ-WRITE] selected
C: 2 EXAMINE inbox
S: * OK [CLOSED] the mailbox that was selected
$EXAMINED
S: 2 OK [READ-ONLY] selected
C: 3 STORE 1 +FLAGS (\Deleted)
S: 3 NO [READ-ONLY] the mailbox was opened by EXAMINE
C: 4 EXPUNGE
S: 4 NO [READ-ONLY] the mailbox was opened by EXAMINE
C: 5 CLOSE
S: 5 OK closed
C: 6 NOOP
S: 6 OK still here
C: 7 SELECT INBOX
$SELECTED
S: 7 OK [READ-WRITE] selected
C: 8 UNSELECT
S: 8 OK unselected
C: 9 FETCH 1 FLAGS
S: 9 BAD not in this state
C: 10 SELECT Nothing
S: 10 NO [NONEXISTENT] no such mailbox
C: 11 SELECT INBOX
$SELECTED
S: 11 OK [READ-WRITE] selected
C: 12 SELECT Nothing
S: * OK [CLOSED] the mailbox that was selected
S: 12 NO [NONEXISTENT] no such mailbox
C: 13 FETCH 1 FLAGS
S: 13 BAD not in this state
C: 14 SELECT
S: 14 BAD an argument is missing
C: 15 SELECT INBOX x
S: 15 BAD *
$BYE
TALK
	[ "$(count "$alice"/{new,cur})" = 3 ]
}

@test "CLOSE expunges, and says nothing of it; UNSELECT and LOGOUT do not" {
	three
	pipe "$imapd" <<TALK
$LOGIN
C: 1 SELECT INBOX
$SELECTED
S: 1 OK [READ-WRITE] selected
C: 2 STORE 1 +FLAGS.SILENT (\Deleted)
S: 2 OK stored
C: 3 UNSELECT
S: 3 OK unselected
$BYE
TALK
	[ "$(count "$alice"/{new,cur})" = 3 ]
	pipe "$imapd" <<TALK
$LOGIN
C: 1 SELECT INBOX
$SELECTED
S: 1 OK [READ-WRITE] selected
C: 2 CLOSE
S: 2 OK closed
$BYE
TALK
	[ "$(count "$alice"/{new,cur})" = 2 ]
	[ ! -e "$alice/cur/1000.M1.host,S=24,W=28:2,ST" ]
}

@test "STORE and EXPUNGE, by number and by UID, silent or not" {
	three
	pipe "$imapd" <<TALK
$LOGIN
C: 1 SELECT INBOX
$SELECTED
S: 1 OK [READ-WRITE] selected
C: 2 STORE 1:2 +FLAGS (\Deleted)
S: * 1 FETCH (FLAGS (\Deleted \Seen \Recent))
S: * 2 FETCH (FLAGS (\Answered \Flagged \Deleted \Recent))
S: 2 OK stored
C: 3 UID STORE 3 FLAGS (\Deleted \$Junk)
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft \$Junk)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \$Junk \*)] are kept
S: * 3 FETCH (UID 3 FLAGS (\Deleted \Recent \$Junk))
S: 3 OK stored
C: 4 STORE 2 -FLAGS.SILENT \Deleted
S: 4 OK stored
C: 5 STORE 4 FLAGS ()
S: 5 BAD *
C: 6 STORE 0 FLAGS ()
S: 6 BAD *
C: 7 STORE 1 FLAGS (\Recent)
S: 7 BAD no such flag
C: 8 UID STORE 99 FLAGS ()
S: 8 OK stored
C: 9 UID EXPUNGE 1:2
S: * 1 EXPUNGE
S: 9 OK expunged
C: 10 EXPUNGE
S: * 2 EXPUNGE
S: 10 OK expunged
C: 11 FETCH 1:* (UID FLAGS)
S: * 1 FETCH (UID 2 FLAGS (\Answered \Flagged \Recent))
S: 11 OK fetched
$BYE
TALK
	[ "$(ls "$alice/cur" "$alice/new")" = "$alice/cur:
1001.M1.host:2,FR

$alice/new:" ]
}

@test "CONDSTORE: MODSEQ once it is asked for, UNCHANGEDSINCE, MODIFIED" {
	three
	pipe "$imapd" <<TALK
$LOGIN
C: 1 SELECT INBOX
$SELECTED
S: 1 OK [READ-WRITE] selected
C: 2 STORE 1 +FLAGS (\Flagged)
S: * 1 FETCH (FLAGS (\Flagged \Seen \Recent))
S: 2 OK stored
C: 3 FETCH 1 MODSEQ
S: * OK [HIGHESTMODSEQ *] is the highest
S: * 1 FETCH (MODSEQ (*))
S: 3 OK fetched
C: 4 STORE 1 +FLAGS.SILENT (\Draft)
S: * 1 FETCH (UID 1 MODSEQ (*))
S: 4 OK stored
C: 5 STORE 1:2 (UNCHANGEDSINCE 1) +FLAGS (\Deleted)
S: 5 OK [MODIFIED 1:2] the others are stored
C: 6 UID STORE 3 (UNCHANGEDSINCE 9223372036854775807) +FLAGS (\Seen)
S: * 3 FETCH (UID 3 FLAGS (\Seen \Recent) MODSEQ (*))
S: 6 OK stored
C: 7 FETCH 1:* (FLAGS) (CHANGEDSINCE 9223372036854775807)
S: 7 OK fetched
$BYE
TALK
}

@test "QRESYNC: only when it is enabled; what has gone, what has changed" {
	local validity modseq
	three
	pipe "$imapd" <<TALK
$LOGIN
C: 1 SELECT INBOX (QRESYNC (1 1))
S: 1 BAD QRESYNC has not been enabled
C: 2 ENABLE QRESYNC
S: * ENABLED QRESYNC
S: 2 OK enabled
C: 3 SELECT INBOX (QRESYNC (1 1))
$SELECTED
S: 3 OK [READ-WRITE] selected
C: 4 SELECT INBOX (QRESYNC 1 1)
S: 4 BAD expected '('
TALK
	validity=$(grep -a -o 'UIDVALIDITY [0-9]*' out | head -1 | cut -d' ' -f2)
	modseq=$(grep -a -o 'HIGHESTMODSEQ [0-9]*' out | tail -1 | cut -d' ' -f2)
	pipe "$imapd" <<TALK
$LOGIN
C: 1 SELECT INBOX
$SELECTED
S: 1 OK [READ-WRITE] selected
C: 2 STORE 1 FLAGS.SILENT (\Deleted)
S: 2 OK stored
C: 3 EXPUNGE
S: * 1 EXPUNGE
S: 3 OK expunged
C: 4 STORE 2 FLAGS.SILENT (\Flagged)
S: 4 OK stored
TALK
	pipe "$imapd" <<TALK
$LOGIN
C: 1 ENABLE QRESYNC
S: * ENABLED QRESYNC
S: 1 OK enabled
C: 2 SELECT INBOX (QRESYNC ($validity $modseq))
S: * FLAGS *
S: * OK [PERMANENTFLAGS *
S: * 2 EXISTS
S: * 0 RECENT
S: * OK [UNSEEN 1] is the first
S: * OK [UIDVALIDITY $validity] UIDs are valid
S: * OK [UIDNEXT 4] is the next
S: * OK [HIGHESTMODSEQ *] is the highest
S: * OK [MAILBOXID (*)] names it
S: * VANISHED (EARLIER) 1
S: * 2 FETCH (UID 3 FLAGS (\Flagged) MODSEQ (*))
S: 2 OK [READ-WRITE] selected
C: 3 UID FETCH 1:* (FLAGS) (CHANGEDSINCE $modseq VANISHED)
S: * VANISHED (EARLIER) 1
S: * 2 FETCH (UID 3 FLAGS (\Flagged) MODSEQ (*))
S: 3 OK fetched
C: 4 UID STORE 3 +FLAGS.SILENT (\Deleted)
S: * 2 FETCH (UID 3 MODSEQ (*))
S: 4 OK stored
C: 5 EXPUNGE
S: * VANISHED 3
S: 5 OK [HIGHESTMODSEQ *] expunged
$BYE
TALK
}

@test "IMAP4rev2: no RECENT, LIST in SELECT, ESEARCH" {
	three
	both "$imapd" <<TALK
$LOGIN
C: 1 ENABLE IMAP4rev2
S: * ENABLED IMAP4rev2
S: 1 OK enabled
C: 2 SELECT INBOX
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
S: * OK [PERMANENTFLAGS (*
S: * 3 EXISTS
S: * LIST () "." INBOX
S: * OK [UIDVALIDITY *] UIDs are valid
S: * OK [UIDNEXT 4] is the next
S: * OK [HIGHESTMODSEQ *] is the highest
S: * OK [MAILBOXID (*)] names it
S: 2 OK [READ-WRITE] selected
C: 3 SEARCH UNSEEN
S: * ESEARCH (TAG "3") ALL 2:3
S: 3 OK *
C: 4 UID SEARCH DELETED
S: * ESEARCH (TAG "4") UID
S: 4 OK *
$BYE
TALK
}

# --- what others do meanwhile ---

# talk_begin, say LINE, hear PATTERN: one side at a time, with pauses of ours.
talk_begin() {
	coproc IMAP { exec "$imapd" 2>>"$BATS_TEST_TMPDIR/stderr"; }
	STARTED=$IMAP_PID
	exec 5<&"${IMAP[0]}" 6>&"${IMAP[1]}"
	hear '\* OK *'
	say 'l LOGIN alice secret'
	hear 'l OK *'
}

say() {
	printf '%s\r\n' "$1" >&6
}

hear() { # PATTERN: the next line
	local line
	IFS= read -r -t 60 line <&5
	line=${line%$'\r'}
	# shellcheck disable=SC2053
	[[ $line == $1 ]] || { echo "expected '$1', got '$line'"; return 1; }
}

hear_to() { # PATTERN: up to that line
	local line
	while IFS= read -r -t 60 line <&5; do
		# shellcheck disable=SC2053
		[[ ${line%$'\r'} != $1 ]] || return 0
	done
	echo "never: '$1'"
	return 1
}

@test "IDLE: what comes, changes and goes is told at once" {
	three
	talk_begin
	say '1 SELECT INBOX'
	hear_to '1 OK *'
	say '2 IDLE'
	hear '+ idling'
	echo 'Subject: x' | "$PROGRAMS/deliver" alice@example.test
	hear '\* 4 EXISTS'
	hear '\* 4 RECENT'
	mv "$alice/cur/1001.M1.host:2,FR" "$alice/cur/1001.M1.host:2,"
	hear '\* 2 FETCH (FLAGS (\\Recent))'
	rm "$alice"/cur/1000.*
	hear '\* 1 EXPUNGE'
	say DONE
	hear '2 OK *'
	say '3 IDLE'
	hear '+ idling'
	say 'NOOP'
	hear_to '3 BAD *'
	say '4 NOOP'
	hear '4 OK *'
}

@test "no EXPUNGE while messages are counted; then it comes" {
	three
	talk_begin
	say '1 SELECT INBOX'
	hear_to '1 OK *'
	rm "$alice"/cur/1000.*
	say '2 FETCH 2 FLAGS'
	hear '\* 2 FETCH (FLAGS (\\Answered \\Flagged \\Recent))'
	hear '2 OK *'
	say '3 SEARCH FLAGGED'
	hear '\* SEARCH 2'
	hear '3 OK *'
	say '4 STORE 2 -FLAGS (\Flagged)'
	hear '\* 2 FETCH (FLAGS (\\Answered \\Recent))'
	hear '4 OK *'
	say '5 UID SEARCH ANSWERED'
	hear '\* SEARCH 2'
	hear '\* 1 EXPUNGE'
	hear '5 OK *'
}

@test "a mailbox that is deleted under a session" {
	three
	talk_begin
	say '1 CREATE Work'
	hear '1 OK *'
	say '2 SELECT Work'
	hear_to '2 OK *'
	pipe "$imapd" <<TALK
$LOGIN
C: 1 DELETE Work
S: 1 OK *
TALK
	say '3 NOOP'
	hear '\* BYE the mailbox has been deleted'
}

@test "NOTIFY: news of the selected mailbox and of others" {
	three
	talk_begin
	say '1 CREATE Work'
	hear '1 OK *'
	say '2 SELECT INBOX'
	hear_to '2 OK *'
	say '3 NOTIFY SET (SELECTED (MessageNew (FLAGS) MessageExpunge FlagChange)) (PERSONAL (MessageNew MessageExpunge))'
	hear '3 OK *'
	echo 'Subject: x' | "$PROGRAMS/deliver" alice@example.test
	hear '\* 4 EXISTS'
	hear_to '\* 4 FETCH (*FLAGS (\\Recent)*)'
	printf 'Subject: y\n\ny\n' >"$alice/.Work/new/9.y"
	hear '\* STATUS Work (*MESSAGES 1*)'
	say '4 NOTIFY NONE'
	hear '4 OK *'
}
