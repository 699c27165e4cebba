#!/usr/bin/env bats
# What imapd tells without being asked: IDLE (RFC 2177) and NOTIFY (RFC 5465).

load helper

setup() {
	home_make
	login='S: * OK *
C: a LOGIN alice secret
S: a OK *'
	selected='S: * FLAGS *
S: * OK [PERMANENTFLAGS *
S: * 1 EXISTS
S: * 1 RECENT
S: * OK [UNSEEN 1] *
S: * OK [UIDVALIDITY *
S: * OK [UIDNEXT *
S: * OK [HIGHESTMODSEQ *
S: * OK [MAILBOXID *
S: a OK [READ-WRITE] selected'
	logout='C: z LOGOUT
S: * BYE *
S: z OK logged out'
	printf 'Subject: first\n\nx\n' | "$PROGRAMS/deliver" alice
}

mail() { printf 'Subject: %s\n\nx\n' "$1" | "$PROGRAMS/deliver" alice; }

# another COMMAND ...: a second session of alice's, with each of these.
another() {
	{
		printf 'a LOGIN alice secret\r\n'
		printf '%s\r\n' "$@" 'z LOGOUT'
	} | "$PROGRAMS/imapd" >another.out 2>>stderr
}

of_inbox() { # PATTERN: the only file of INBOX, renamed by sed
	local old=("$MAIL"/alice/cur/*)
	mv "${old[0]}" "$(sed "$1" <<<"${old[0]}")"
}

@test "IDLE: mail, flags and what has gone, from deliver, others and a session" {
	step "$PROGRAMS/imapd" <<TALK
$login
C: a SELECT INBOX
$selected
C: b IDLE
S: + idling
! of_inbox 's/:2,.*/:2,F/'
S: * 1 FETCH (FLAGS (\\Flagged \\Recent))
! mail second
S: * 2 EXISTS
S: * 2 RECENT
! another 'b SELECT INBOX' 'c STORE 2 +FLAGS (\\Seen \$Junk)'
S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \$Junk)
S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \$Junk \\*)] *
S: * 2 FETCH (FLAGS (\\Seen \\Recent \$Junk))
! grep -q '^\* 0 RECENT' another.out
! rm "$MAIL"/alice/cur/*:2,F
S: * 1 EXPUNGE
C: DONE
S: b OK no longer idle
$logout
TALK
}

@test "EXAMINE shows what is recent, and leaves it so" {
	another 'b EXAMINE INBOX'
	grep -q '^\* 1 RECENT' another.out
	another 'b SELECT INBOX'
	grep -q '^\* 1 RECENT' another.out
	another 'b EXAMINE INBOX'
	grep -q '^\* 0 RECENT' another.out
}

@test "IDLE: with nothing selected, ended wrongly, at the end of the connection" {
	step "$PROGRAMS/imapd" <<TALK
$login
C: b IDLE
S: + idling
C: done
S: b OK no longer idle
C: c IDLE
S: + idling
C: d NOOP
S: c BAD only DONE ends IDLE
C: e IDLE more
S: e BAD *
C: f IDLE
S: + idling
TALK
}

@test "IDLE: a mailbox that is deleted" {
	step "$PROGRAMS/imapd" <<TALK
$login
C: a CREATE Gone
S: a OK *
C: b SELECT Gone
S: * FLAGS *
S: * OK *
S: * 0 EXISTS
S: * 0 RECENT
S: * OK *
S: * OK *
S: * OK *
S: * OK *
S: b OK *
C: c IDLE
S: + idling
! another 'b DELETE Gone'
S: * BYE the mailbox has been deleted
TALK
}

@test "IDLE without inotify: it looks" {
	strace -f -qq -o /dev/null -e trace=inotify_init1 \
		-e inject=inotify_init1:error=EMFILE true || skip "no strace"
	step strace -f -qq -o trace -e trace=inotify_init1,inotify_add_watch \
		-e inject=inotify_init1:error=EMFILE "$PROGRAMS/imapd" <<TALK
$login
C: a SELECT INBOX
$selected
C: b IDLE
S: + idling
! mail second
S: * 2 EXISTS
S: * 2 RECENT
C: DONE
S: b OK no longer idle
$logout
TALK
	grep -q 'EMFILE .*INJECTED' trace
}

@test "NOTIFY: the selected mailbox, at once, with what is wanted of new mail" {
	step "$PROGRAMS/imapd" <<TALK
$login
C: a SELECT INBOX
$selected
C: b NOTIFY SET (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (Subject)]) MessageExpunge FlagChange))
S: b OK *
! mail second
S: * 2 EXISTS
S: * 2 RECENT
S: * 2 FETCH (UID 2 BODY[HEADER.FIELDS (Subject)] {19}
S: Subject: second
S: 
S: )
! another 'b SELECT INBOX' 'c STORE 1 +FLAGS (\\Deleted)'
S: * 1 FETCH (UID 1 FLAGS (\\Deleted \\Recent))
! another 'b SELECT INBOX' 'd EXPUNGE'
S: * 1 EXPUNGE
C: c NOTIFY NONE
S: c OK *
! mail third
C: d NOOP
S: * 2 EXISTS
S: * 2 RECENT
S: d OK *
$logout
TALK
}

@test "NOTIFY: selected-delayed holds EXPUNGE until a command" {
	step "$PROGRAMS/imapd" <<TALK
$login
C: a SELECT INBOX
$selected
C: b NOTIFY SET (selected-delayed (MessageNew MessageExpunge))
S: b OK *
! rm "$MAIL"/alice/cur/*
! mail second
S: * 2 EXISTS
S: * 2 RECENT
C: c NOOP
S: * 1 EXPUNGE
S: c OK *
$logout
TALK
}

@test "NOTIFY: other mailboxes, by STATUS" {
	step "$PROGRAMS/imapd" <<TALK
$login
C: b NOTIFY SET STATUS (inboxes (MessageNew MessageExpunge)) (mailboxes (Sent Trash) (MessageNew MessageExpunge FlagChange))
S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY *)
S: * STATUS Sent (MESSAGES 0 UIDNEXT 1 UIDVALIDITY * UNSEEN 0 HIGHESTMODSEQ *)
S: * STATUS Trash (MESSAGES 0 UIDNEXT 1 UIDVALIDITY * UNSEEN 0 HIGHESTMODSEQ *)
S: b OK *
! mail second
S: * STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY *)
! another 'b SELECT INBOX' 'c COPY 1 Sent'
S: * STATUS Sent (MESSAGES 1 UIDNEXT 2 UIDVALIDITY * UNSEEN 1 HIGHESTMODSEQ *)
! another 'b SELECT Sent' 'c STORE 1 +FLAGS (\\Seen)'
S: * STATUS Sent (MESSAGES 1 UIDNEXT 2 UIDVALIDITY * UNSEEN 0 HIGHESTMODSEQ *)
! another 'b SELECT INBOX' 'c STORE 1 +FLAGS (\\Seen)' 'd COPY 1 Drafts'
C: c NOOP
S: c OK still here
$logout
TALK
}

@test "NOTIFY: names come and go, and subscriptions" {
	step "$PROGRAMS/imapd" <<TALK
$login
C: b NOTIFY SET (personal (MailboxName SubscriptionChange))
S: b OK *
! another 'b CREATE New'
S: * LIST (*) "." New
! another 'b SUBSCRIBE New'
S: * LIST (*\\Subscribed*) "." New
! another 'b DELETE New'
S: * LIST (\\NonExistent*) "." New
$logout
TALK
}

@test "NOTIFY: what makes no sense" {
	both "$PROGRAMS/imapd" <<TALK
$login
C: a NOTIFY
S: a BAD *
C: b NOTIFY SET
S: b BAD *
C: c NOTIFY SET (selected (MessageNew))
S: c BAD MessageNew and MessageExpunge go together
C: d NOTIFY SET (personal (FlagChange))
S: d BAD FlagChange goes *
C: e NOTIFY SET (selected (MessageNew MessageExpunge MailboxName))
S: e BAD only events *
C: f NOTIFY SET (personal (MessageNew (UID) MessageExpunge))
S: f BAD attributes are *
C: g NOTIFY SET (selected NONE) (selected-delayed NONE)
S: g BAD the selected mailbox twice
C: h NOTIFY SET (personal (AnnotationChange))
S: h NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange)] *
C: i NOTIFY SET (everything (MailboxName))
S: i BAD unknown filter
C: j NOTIFY SET (subtree INBOX (MailboxName)
S: j BAD *
C: k NOTIFY SET (subtree (INBOX Sent) (MailboxName)) (mailboxes "a//b" NONE)
S: k NO *
C: l NOTIFY NONE
S: l OK *
$logout
TALK
}
