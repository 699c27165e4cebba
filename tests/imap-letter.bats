#!/usr/bin/env bats
# imapd: what the RFCs of its extensions demand in so many words, and what is
# easily missed.

load helper

setup() {
	home_make
	imapd=$PROGRAMS/imapd
	alice=$MAIL/alice
	put cur/1700000000.M1.h:2,S 'From: ann@example.org\nSubject: one\n\n1\n'
	put cur/1700000001.M1.h:2,F 'From: ben@example.org\nSubject: two\n\n2\n'
	put cur/1700000002.M1.h:2, 'From: cleo@example.org\nSubject: 3\n\n3\n'
	login='S: * OK *
C: l LOGIN alice secret
S: l OK *'
	seen='S: * FLAGS *
S: * OK [PERMANENTFLAGS *
S: * 3 EXISTS
S: * * RECENT
S: * OK [UNSEEN *
S: * OK [UIDVALIDITY *
S: * OK [UIDNEXT 4] *
S: * OK [HIGHESTMODSEQ *
S: * OK [MAILBOXID *
S: s OK [READ-WRITE] selected'
	logout='C: z LOGOUT
S: * BYE goodbye
S: z OK logged out'
}

# put NAME TEXT: a message in alice's Maildir
put() {
	printf '%b' "$2" >"$alice/$1"
}

# another COMMAND ...: a second session of alice's, in INBOX.
another() {
	{
		printf 'a LOGIN alice secret\r\nb SELECT INBOX\r\n'
		printf '%s\r\n' "$@" 'z LOGOUT'
	} | "$imapd" >another.out 2>>"$BATS_TEST_TMPDIR/stderr"
}

# --- CONDSTORE and QRESYNC: RFC 7162 ---

@test "the first command that enables CONDSTORE tells HIGHESTMODSEQ" {
	local command answers
	while IFS='|' read -r command answers; do
		pipe "$imapd" <<TALK
$login
C: s SELECT INBOX
$seen
C: 1 $command
$(tr '!' '\n' <<<"$answers")
C: 2 $command
$(tr '!' '\n' <<<"$answers" | sed -e '/S: \* OK \[HIGHEST/d' -e 's/S: 1/S: 2/')
$logout
TALK
	done <<'TELLS'
FETCH 1 MODSEQ|S: * OK [HIGHESTMODSEQ *!S: * 1 FETCH (MODSEQ (*))!S: 1 OK *
FETCH 1 UID (CHANGEDSINCE 1)|S: * OK [HIGHESTMODSEQ *!S: * 1 FETCH (UID 1 MODSEQ (*))!S: 1 OK *
SEARCH MODSEQ 1|S: * OK [HIGHESTMODSEQ *!S: * SEARCH 1 2 3 (MODSEQ *)!S: 1 OK *
STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\Draft)|S: * OK [HIGHESTMODSEQ *!S: 1 OK [MODIFIED 1] *
STATUS INBOX (HIGHESTMODSEQ)|S: * STATUS INBOX (HIGHESTMODSEQ *)!S: * OK [HIGHESTMODSEQ *!S: 1 OK *
ENABLE CONDSTORE|S: * ENABLED CONDSTORE!S: * OK [HIGHESTMODSEQ *!S: 1 OK *
ENABLE QRESYNC|S: * ENABLED QRESYNC!S: * OK [HIGHESTMODSEQ *!S: 1 OK *
SEARCH MODSEQ 1 NONSENSE|S: 1 BAD *
TELLS
}

@test "with CONDSTORE each FETCH that nobody asked for has UID and MODSEQ" {
	step "$imapd" <<TALK
$login
C: s SELECT INBOX (CONDSTORE)
$seen
C: 1 STORE 1 +FLAGS (\\Draft)
S: * 1 FETCH (UID 1 FLAGS (\\Seen \\Draft \\Recent) MODSEQ (*))
S: 1 OK stored
C: 2 FETCH 3 BODY[TEXT]
S: * 3 FETCH (BODY[TEXT] {3}
S: 3
S: )
S: * 3 FETCH (UID 3 FLAGS (\\Seen \\Recent) MODSEQ (*))
S: 2 OK fetched
! another 'c STORE 2 +FLAGS (\\Answered)'
C: 3 NOOP
S: * 2 FETCH (UID 2 FLAGS (\\Answered \\Flagged \\Recent) MODSEQ (*))
S: 3 OK still here
$logout
TALK
}

@test "a conditional STORE is told of, though it is silent and changed nothing" {
	step "$imapd" <<TALK
$login
C: s SELECT INBOX (CONDSTORE)
$seen
C: 1 STORE 2 (UNCHANGEDSINCE 9223372036854775807) +FLAGS.SILENT (\\Flagged)
S: * 2 FETCH (UID 2 MODSEQ (*))
S: 1 OK stored
C: 2 STORE 1:2 (UNCHANGEDSINCE 1) +FLAGS.SILENT (\\Flagged)
S: 2 OK [MODIFIED 1:2] the others are stored
C: 3 STORE 2 +FLAGS.SILENT (\\Flagged)
S: 3 OK stored
$logout
TALK
}

# The client would else come back with the modseq of the FETCH, and never hear
# that message 2 has gone.
@test "while VANISHED may not be told, HIGHESTMODSEQ stays below it" {
	step "$imapd" <<TALK
$login
C: e ENABLE QRESYNC
S: * ENABLED QRESYNC
S: e OK enabled
C: s SELECT INBOX
$seen
! another 'c STORE 2 +FLAGS (\\Deleted)' 'd EXPUNGE'
C: 1 STORE 1 +FLAGS (\\Draft)
S: * 1 FETCH (UID 1 FLAGS (\\Seen \\Draft \\Recent) MODSEQ (*))
S: * OK [HIGHESTMODSEQ *] VANISHED is to come
S: 1 OK stored
C: 2 UID FETCH 1 UID
S: * 1 FETCH (UID 1)
S: * VANISHED 2
S: 2 OK fetched
C: 3 STORE 1 -FLAGS (\\Draft)
S: * 1 FETCH (UID 1 FLAGS (\\Seen \\Recent) MODSEQ (*))
S: 3 OK stored
$logout
TALK
}

@test "QRESYNC with malformed sets: BAD, and the mailbox stays selected" {
	both "$imapd" <<TALK
$login
C: e ENABLE QRESYNC
S: * ENABLED QRESYNC
S: e OK enabled
C: s SELECT INBOX
$seen
C: 1 SELECT Sent (QRESYNC (1 1 1:2:3))
S: 1 BAD that is no set of messages
C: 2 SELECT Sent (QRESYNC (1 1 1:2 (1,,2 1:2)))
S: 2 BAD that is no set of messages
C: 3 SELECT Sent (QRESYNC (1 1 \$))
S: 3 BAD that is no set of messages
C: 4 SELECT Sent (QRESYNC (1 1 1:2 (1 1) 1))
S: 4 BAD *
C: 5 UID FETCH 1 UID
S: * 1 FETCH (UID 1)
S: 5 OK fetched
$logout
TALK
}

@test "no EXPUNGE in a UID SEARCH of sequence numbers" {
	step "$imapd" <<TALK
$login
C: s SELECT INBOX
$seen
! rm "$alice"/cur/*M1.h:2,F
C: 1 UID SEARCH NOT 1
S: * SEARCH * 3
S: 1 OK *
C: 2 UID SEARCH UID 2:3
S: * SEARCH 3
S: * 2 EXPUNGE
S: 2 OK *
$logout
TALK
}

@test "MOVE and REPLACE tell HIGHESTMODSEQ, as EXPUNGE does" {
	step "$imapd" <<TALK
$login
C: s SELECT INBOX (CONDSTORE)
$seen
C: 1 UID MOVE 1:9 Trash
S: * OK [COPYUID * 1:3 1:3] moved
S: * 1 EXPUNGE
S: * 1 EXPUNGE
S: * 1 EXPUNGE
S: 1 OK [HIGHESTMODSEQ *] moved
C: 2 UID MOVE 1:9 Trash
S: 2 OK there was nothing to do
C: 3 SELECT Trash
S: * OK [CLOSED] *
$(sed '$d' <<<"$seen" | sed 's/UIDNEXT 4/UIDNEXT */')
S: 3 OK *
C: 4 REPLACE 1 INBOX {5+}
c: a: b\\n
C:
S: * OK [APPENDUID *] Replacement Message ready
S: * 1 EXPUNGE
S: 4 OK [HIGHESTMODSEQ *] replaced
C: 5 UID MOVE 1:9 INBOX
S: * OK [COPYUID *] moved
S: * 1 EXPUNGE
S: * 1 EXPUNGE
S: 5 OK [HIGHESTMODSEQ *] moved
$logout
TALK
}

# --- NOTIFY: RFC 5465 ---

@test "NOTIFY: several groups are about one mailbox" {
	step "$imapd" <<TALK
$login
C: 1 NOTIFY SET (mailboxes INBOX (MessageNew MessageExpunge)) (personal (SubscriptionChange))
S: 1 OK *
! another 'c SUBSCRIBE INBOX'
S: * LIST (\\Subscribed *) "." INBOX
$logout
TALK
}

@test "NOTIFY: who is above a mailbox that comes and goes is told of, too" {
	step "$imapd" <<TALK
$login
C: 1 NOTIFY SET (personal (MailboxName))
S: 1 OK *
! another 'c CREATE a.b.c'
S: * LIST (\\HasNoChildren) "." a.b.c
S: * LIST (\\NonExistent \\HasChildren) "." a.b
! another 'c CREATE a'
S: * LIST (\\HasChildren) "." a
! another 'c DELETE a.b.c'
S: * LIST (\\NonExistent *) "." a.b.c
S: * LIST (\\NonExistent *) "." a.b
$logout
TALK
}

@test "NOTIFY: flags are told with the UID, and where they are wanted" {
	step "$imapd" <<TALK
$login
C: s SELECT INBOX
$seen
C: 1 NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))
S: 1 OK *
! another 'c STORE 1 +FLAGS (\\Draft)'
S: * 1 FETCH (UID 1 FLAGS (\\Seen \\Draft \\Recent))
C: 2 NOTIFY SET (selected (MessageNew MessageExpunge))
S: 2 OK *
! another 'c STORE 1 -FLAGS (\\Draft)' 'd STORE 3 +FLAGS (\\Deleted)' 'e EXPUNGE'
S: * 3 EXPUNGE
C: 3 NOOP
S: * 1 FETCH (UID 1 FLAGS (\\Seen \\Recent))
S: 3 OK *
$logout
TALK
}

@test "NOTIFY: what selected-delayed delays comes in IDLE" {
	step "$imapd" <<TALK
$login
C: s SELECT INBOX
$seen
C: 1 NOTIFY SET (selected-delayed (MessageNew MessageExpunge))
S: 1 OK *
C: 2 IDLE
S: + idling
! rm "$alice"/cur/*M1.h:2,F
S: * 2 EXPUNGE
C: DONE
S: 2 OK *
$logout
TALK
}

@test "NOTIFY: HIGHESTMODSEQ of other mailboxes, with CONDSTORE" {
	step "$imapd" <<TALK
$login
C: 1 NOTIFY SET STATUS (mailboxes Sent (MessageNew MessageExpunge FlagChange))
S: * STATUS Sent (MESSAGES 0 UIDNEXT 1 UIDVALIDITY * UNSEEN 0 HIGHESTMODSEQ *)
S: 1 OK *
C: 2 ENABLE CONDSTORE
S: * ENABLED CONDSTORE
S: 2 OK *
C: 3 NOTIFY SET (mailboxes Sent (MessageNew MessageExpunge))
S: 3 OK *
! another 'c COPY 2 Sent'
S: * STATUS Sent (MESSAGES 1 UIDNEXT 2 UIDVALIDITY * HIGHESTMODSEQ *)
$logout
TALK
}

@test "NOTIFY: attributes are FETCH's" {
	step "$imapd" <<TALK
$login
C: s SELECT INBOX
$seen
C: 1 NOTIFY SET (selected (MessageNew (NONSENSE) MessageExpunge))
S: 1 BAD unknown item
C: 2 NOTIFY SET (selected (MessageNew (UID MessageExpunge))
S: 2 BAD *
c: 3 NOTIFY SET (selected (MessageNew (BODY.PEEK[HEADER.FIELDS ({4+}\r\n
C: From)]) MessageExpunge))
S: 3 BAD no literal goes there
C: 4 NOTIFY SET (selected (MessageNew (BODY.PEEK[HEADER.FIELDS (")" From)]) MessageExpunge))
S: 4 OK *
! put tmp/4 'From: x@example.org\n\n'; mv "$alice/tmp/4" "$alice/new/1700000003.M1.h"
S: * 4 EXISTS
S: * 4 RECENT
S: * 4 FETCH (BODY[HEADER.FIELDS (")" From)] {23}
S: From: x@example.org
S:
S: )
$logout
TALK
}

# --- strings, flags and tags ---

@test "UTF8=ACCEPT: quotes hold UTF-8, or BAD" {
	both "$imapd" <<TALK
$login
C: e ENABLE UTF8=ACCEPT
S: * ENABLED UTF8=ACCEPT
S: e OK enabled
C: s SELECT INBOX
$seen
c: 1 SEARCH SUBJECT "gr\xfcn"\r\n
S: 1 BAD that is no UTF-8
c: 2 SEARCH SUBJECT "gr\xc3\xbcn"\r\n
S: * SEARCH
S: 2 OK *
c: 3 CREATE "gr\xed\xa0\x80n"\r\n
S: 3 BAD that is no UTF-8
$logout
TALK
}

@test "keywords are atoms, and these are ASCII" {
	both "$imapd" <<TALK
$login
C: s SELECT INBOX
$seen
c: 1 STORE 1 +FLAGS (gr\xc3\xbcn)\r\n
S: 1 BAD flags are ASCII
c: 2 STORE 1 +FLAGS (a]b)\r\n
S: 2 BAD *
c: 3 APPEND INBOX (gr\xc3\xbcn) {1+}\r\n
C: x
S: 3 BAD flags are ASCII
C: a}b NOOP
S: a}b OK still here
$logout
TALK
	[ ! -e "$alice/dovecot-keywords" ]
}

# --- REPLACE and the quota: RFC 8508 3.4 ---

@test "REPLACE: what it removes makes room" {
	echo '140S,3C' >"$alice/maildirsize"
	step "$imapd" <<TALK
$login
C: s SELECT INBOX
$seen
C: 1 APPEND INBOX {5+}
c: a: b\n
C:
S: 1 NO [OVERQUOTA] *
C: 2 UID REPLACE 2 INBOX {5+}
c: a: b\n
C:
S: * OK [APPENDUID *] Replacement Message ready
S: * 2 EXPUNGE
S: * 3 EXISTS
S: * 3 RECENT
S: 2 OK replaced
C: 3 UID REPLACE 4 INBOX {500+}
c: $(printf 'x%.0s' {1..500})
C:
S: 3 NO [OVERQUOTA] *
$logout
TALK
}
