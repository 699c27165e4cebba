#!/usr/bin/env bats
# imapd's folders: names, LIST and its kin, CREATE DELETE RENAME, subscriptions,
# special use, quota. tests/torture/folder-sweep kills and fails it.

load helper

setup_file() {
	local sanitize=(-fsanitize=address,undefined
		-fno-sanitize-recover=undefined)
	[ "${CC-}" != musl-gcc ] || sanitize=()
	"$ROOT/tests/imap/folders-make" "$BATS_FILE_TMPDIR/folders" -g \
		"${sanitize[@]}"
}

setup() {
	home_make
	imapd=$PROGRAMS/imapd
	alice=$MAIL/alice
}

LOGIN='S: * OK *
C: l LOGIN alice secret
S: l OK *'
BYE='C: z LOGOUT
S: * BYE goodbye
S: z OK logged out'
# What the first login makes, as LIST tells of it.
FIVE='S: * LIST (\HasNoChildren \Archive) "." Archive
S: * LIST (\HasNoChildren \Drafts) "." Drafts
S: * LIST (\HasNoChildren \Junk) "." Junk
S: * LIST (\HasNoChildren \Sent) "." Sent
S: * LIST (\HasNoChildren \Trash) "." Trash'

# The folders of imapd by commands, with a sanitizer.
folders() {
	"$BATS_FILE_TMPDIR/folders" "$alice" "$@"
}

# folder NAME...: made by hand
folder() {
	local name
	for name; do
		mkdir -p "$alice/.$name"/{tmp,new,cur}
	done
}

# Nothing is made on the first login.
no_first_login() {
	: >"$alice/pennypost-special-use"
}

# put FILE NUMBER: a message
put() {
	printf 'Subject: %s\n\nmessage %s\n' "$2" "$2" >"$alice/$1"
}

# --- names ---

# name SAID WANTED SHOWN; the first in modified UTF-7, or with UTF8=1
name_is() {
	local got
	got=$(folders name "$1") || return
	[ "$got" = "$2 $3" ] || { echo "got $got"; return 1; }
}

@test "names: modified UTF-7" {
	name_is INBOX INBOX INBOX
	name_is inbox.Kid INBOX.Kid INBOX.Kid
	name_is inboxes inboxes inboxes
	name_is a.b.c a.b.c a.b.c
	name_is a. a a
	name_is 'a&-b' 'a&-b' 'a&b'
	name_is '&AOQ-' '&AOQ-' ä
	name_is 'x&AOQ-y.&IKw-&-' 'x&AOQ-y.&IKw-&-' 'xäy.€&'
	name_is '&2D3eAA-' '&2D3eAA-' 😀
	export UTF8=1
	name_is ä '&AOQ-' ä
	name_is 'a&b' 'a&-b' 'a&b'
	name_is '&AOQ-' '&-AOQ-' '&AOQ-'
	name_is '日本語.台北' '&ZeVnLIqe-.&U,BTFw-' '日本語.台北'
	name_is 'Inbox.😀ä' 'INBOX.&2D3eAADk-' 'INBOX.😀ä'
}

@test "names: what is none" {
	local said
	local long=${alice//?/xxxxxxxxxx}${alice//?/xxxxxxxxxx}
	while IFS='|' read -r said why; do
		run -1 folders name "$said"
		[ "$output" = "no name: $why" ] ||
			{ echo "$said: $output"; return 1; }
	done <<'NAMES'
|a name is not empty
.|between two dots there is a name
..|between two dots there is a name
.a|between two dots there is a name
a..|between two dots there is a name
a..b|between two dots there is a name
a/b|a name holds no /
../../bob|between two dots there is a name
a&b|that is no modified UTF-7
a&|that is no modified UTF-7
&AOQ|that is no modified UTF-7
&AOQA-|that is no modified UTF-7
&AOR-|that is no modified UTF-7
&AGE-|that is no modified UTF-7
&AC8-|that is no modified UTF-7
&AC4-|that is no modified UTF-7
&AAA-|that is no modified UTF-7
&AOQ-&AOQ-|that is no modified UTF-7
&2D0-|that is no modified UTF-7
&3gA-|that is no modified UTF-7
&2D3YPQ-|that is no modified UTF-7
&AO/-|that is no modified UTF-7
ä|that is no modified UTF-7
&AIU-|a name holds no control characters
&AAo-|a name holds no control characters
&ICg-|a name holds no control characters
NAMES
	run -1 folders name "$(printf 'a\tb')"
	run -1 folders name "$long"
	[ "$output" = 'no name: too long' ]
	run -0 folders name "$(printf 'a.%.0s' {1..31})a"
	run -1 folders name "$(printf 'a.%.0s' {1..32})a"
	[ "$output" = 'no name: too deep' ]
	UTF8=1 run -1 folders name "$(printf '\xe4')"
	[ "$output" = 'no name: too long, or no UTF-8' ]
	UTF8=1 run -1 folders name "$(printf 'a\xc2\x85b')"
	[ "$output" = 'no name: a name holds no control characters' ]
}

@test "patterns" {
	local pattern name wanted
	while read -r pattern name wanted; do
		[ "$(folders match "$pattern" "$name")" = "$wanted" ] ||
			{ echo "$pattern $name: not $wanted"; return 1; }
	done <<'PATTERNS'
* a.b.c yes
% a yes
% a.b no
%.% a.b yes
%.% a.b.c no
a.* a no
a* a yes
*c a.b.c yes
a.%.c a.b.c yes
a.%.c a.b.b.c no
a%c a.b.c no
a%c abc yes
*%*%* a.b yes
*b*b* a.b no
*b*b* ab.b yes
%b%b% abxb yes
inbox INBOX yes
inb% INBOX yes
InBoX.x INBOX.x yes
INBOX.X INBOX.x no
inboxes INBOXES no
*&AOQ-* x&APYA5AD8- yes
&APY-% &APYA5AD8- yes
%&APw- &APYA5AD8- yes
&APY-.% &APYA5AD8- no
a&b a&-b no
PATTERNS
	[ "$(UTF8=1 folders match '*ä%' 'öäü')" = yes ]
	[ "$(UTF8=1 folders match 'a&%' 'a&b')" = yes ]
}

@test "patterns that are bombs" {
	local i bomb=''
	for i in {1..40}; do
		bomb+='*a%'
	done
	no_first_login
	for i in {1..300}; do
		folder "$(printf 'a%.0s' {1..150}).$i"
	done
	ulimit -t 10
	both "$imapd" <<TALK
$LOGIN
C: 1 LIST "" ($bomb"b ${bomb}c"$bomb %$bomb*$bomb*$bomb)
S: 1 BAD *
C: 1 LIST "" (${bomb}b $bomb$bomb$bomb$bomb$bomb %*%*%*%*%$bomb*$bomb*b)
S: 1 OK that is all
$BYE
TALK
}

# --- LIST ---

@test "the first login makes five folders, and subscribes them; only the first" {
	pipe "$imapd" <<TALK
$LOGIN
C: 1 LIST "" *
S: * LIST (\HasNoChildren) "." INBOX
$FIVE
S: 1 OK that is all
C: 2 LSUB "" *
S: * LSUB () "." Archive
S: * LSUB () "." Drafts
S: * LSUB () "." Junk
S: * LSUB () "." Sent
S: * LSUB () "." Trash
S: 2 OK that is all
C: 3 DELETE Junk
S: 3 OK deleted
C: 4 UNSUBSCRIBE Junk
S: 4 OK not subscribed
$BYE
TALK
	[ "$(cat "$alice/subscriptions")" = $'V\t2\n\nArchive\nDrafts\nSent\nTrash' ]
	[ -f "$alice/.Sent/maildirfolder" ]
	step "$imapd" <<TALK
$LOGIN
C: 1 LIST "" J*
S: 1 OK that is all
$BYE
TALK
	assert_no_tmp
}

@test "LIST and LSUB: wildcards, references, what is above, the separator" {
	no_first_login
	folder foo.bar foo.bar.baz foo2 INBOX.kid '&AOQ-' 'a b'
	printf 'foo.bar\nnever.there\n' >"$alice/subscriptions"
	both "$imapd" <<TALK
$LOGIN
C: 1 LIST "" *
S: * LIST (\HasChildren) "." INBOX
S: * LIST (\HasNoChildren) "." INBOX.kid
S: * LIST (\HasNoChildren) "." &AOQ-
S: * LIST (\HasNoChildren) "." "a b"
S: * LIST (\Noselect \HasChildren) "." foo
S: * LIST (\HasChildren) "." foo.bar
S: * LIST (\HasNoChildren) "." foo.bar.baz
S: * LIST (\HasNoChildren) "." foo2
S: 1 OK that is all
C: 2 LIST "" %
S: * LIST (\HasChildren) "." INBOX
S: * LIST (\HasNoChildren) "." &AOQ-
S: * LIST (\HasNoChildren) "." "a b"
S: * LIST (\Noselect \HasChildren) "." foo
S: * LIST (\HasNoChildren) "." foo2
S: 2 OK that is all
C: 3 LIST foo. %
S: * LIST (\HasChildren) "." foo.bar
S: 3 OK that is all
C: 4 LIST "" ""
S: * LIST (\Noselect) "." ""
S: 4 OK that is the separator
C: 5 LIST "" inbox.%
S: * LIST (\HasNoChildren) "." INBOX.kid
S: 5 OK that is all
C: 6 LSUB "" *
S: * LSUB () "." foo.bar
S: * LSUB () "." never.there
S: 6 OK that is all
C: 7 LSUB "" %
S: * LSUB (\Noselect) "." foo
S: * LSUB (\Noselect) "." never
S: 7 OK that is all
C: 8 LIST "" {3}
S: + go on
C: foo
S: * LIST (\Noselect \HasChildren) "." foo
S: 8 OK that is all
C: 9 LIST "" "a b" RETURN ()
S: * LIST () "." "a b"
S: 9 OK that is all
C: 10 LIST "" &AOQ
S: 10 OK that is all
C: 11 LSUB "" foo
S: 11 OK that is all
C: 12 NAMESPACE
S: * NAMESPACE (("" ".")) NIL NIL
S: 12 OK yours alone
$BYE
TALK
}

@test "LIST-EXTENDED, LIST-STATUS, SPECIAL-USE" {
	no_first_login
	folder foo.bar foo.bar.baz gone Sent
	put .foo.bar/new/1.M1.h 1
	printf 'V\t2\n\nfoo\tbar\tbaz\nnever\nfoo\tbar\n' >"$alice/subscriptions"
	both "$imapd" <<TALK
$LOGIN
C: 1 LIST (SUBSCRIBED) "" *
S: * LIST (\Subscribed) "." foo.bar
S: * LIST (\Subscribed) "." foo.bar.baz
S: * LIST (\NonExistent \Subscribed) "." never
S: 1 OK that is all
C: 2 LIST (SUBSCRIBED RECURSIVEMATCH) "" %
S: * LIST (\NonExistent) "." foo ("CHILDINFO" ("SUBSCRIBED"))
S: * LIST (\NonExistent \Subscribed) "." never
S: 2 OK that is all
C: 3 LIST (RECURSIVEMATCH SUBSCRIBED) "" foo.%
S: * LIST (\Subscribed) "." foo.bar ("CHILDINFO" ("SUBSCRIBED"))
S: 3 OK that is all
C: 4 LIST () "" (foo INBOX S%) RETURN (SUBSCRIBED CHILDREN SPECIAL-USE)
S: * LIST (\HasNoChildren) "." INBOX
S: * LIST (\HasNoChildren \Sent) "." Sent
S: * LIST (\NonExistent \HasChildren) "." foo
S: 4 OK that is all
C: 5 LIST (SPECIAL-USE) "" *
S: * LIST (\Sent) "." Sent
S: 5 OK that is all
C: 6 LIST (SPECIAL-USE RECURSIVEMATCH REMOTE) "" * RETURN (CHILDREN)
S: * LIST (\HasNoChildren \Sent) "." Sent
S: 6 OK that is all
C: 7 LIST "" foo* RETURN (STATUS (MESSAGES UNSEEN))
S: * LIST (\NonExistent) "." foo
S: * LIST () "." foo.bar
S: * STATUS foo.bar (MESSAGES 1 UNSEEN 1)
S: * LIST () "." foo.bar.baz
S: * STATUS foo.bar.baz (MESSAGES 0 UNSEEN 0)
S: 7 OK that is all
C: 8 LIST (RECURSIVEMATCH) "" *
S: 8 BAD RECURSIVEMATCH needs something to match
C: 9 LIST (NONSENSE) "" *
S: 9 BAD unknown selection option
C: 10 LIST "" * RETURN (NONSENSE)
S: 10 BAD unknown return option
C: 11 LIST "" * NONSENSE
S: 11 BAD RETURN, or nothing, was expected
C: 12 LIST "" * RETURN (STATUS (NONSENSE))
S: 12 BAD unknown status item
C: 13 LIST "" ()
S: 13 BAD *
C: 14 LIST "" (INBOX INBOX)
S: * LIST () "." INBOX
S: 14 OK that is all
C: 15 LIST (SUBSCRIBED) "" (gone foo.bar) RETURN (STATUS (MESSAGES))
S: * LIST (\Subscribed) "." foo.bar
S: * STATUS foo.bar (MESSAGES 1)
S: 15 OK that is all
C: 16 LIST "" ($(printf 'x%.0s ' {1..32})y)
S: 16 BAD too many patterns
$BYE
TALK
}

@test "UTF-8 names, where a client enables them" {
	no_first_login
	folder '&AOQ-'
	both "$imapd" <<TALK
$LOGIN
C: 1 ENABLE IMAP4REV2
S: * ENABLED IMAP4rev2
S: 1 OK enabled
C: 2 LIST "" *
S: * LIST (\HasNoChildren) "." INBOX
S: * LIST (\HasNoChildren) "." "ä"
S: 2 OK that is all
C: 3 STATUS "ä" (MESSAGES)
S: * STATUS "ä" (MESSAGES 0)
S: 3 OK that is it
C: 4 CREATE "ö&-"
S: 4 OK [MAILBOXID (*)] created
C: 5 LIST "" "*ö%"
S: * LIST (\HasNoChildren) "." "ö&-"
S: 5 OK that is all
C: 6 DELETE "ö&-"
S: 6 OK deleted
$BYE
TALK
	both "$imapd" <<TALK
$LOGIN
C: 1 LIST "" *
S: * LIST (\HasNoChildren) "." INBOX
S: * LIST (\HasNoChildren) "." &AOQ-
S: 1 OK that is all
C: 2 STATUS "ä" (MESSAGES)
S: 2 NO [CANNOT] *
$BYE
TALK
}

@test "what is no folder is not shown; links are not followed" {
	local other=$MAIL/bob
	no_first_login
	folder good 'bad&utf' $'raw\xe4' inbox.low INBOX .x 'a..b'
	mkdir "$other/.secret"
	mkdir "$other/.secret"/{tmp,new,cur}
	ln -s "$other/.secret" "$alice/.link"
	ln -s /etc "$alice/.etc"
	: >"$alice/.file"
	both "$imapd" <<TALK
$LOGIN
C: 1 LIST "" *
S: * LIST (\HasNoChildren) "." INBOX
S: * LIST (\HasNoChildren) "." good
S: 1 OK that is all
C: 2 SELECT link
S: 2 NO [NONEXISTENT] no such mailbox
C: 3 STATUS file (MESSAGES)
S: 3 NO [NONEXISTENT] no such mailbox
C: 4 DELETE etc
S: 4 NO [NONEXISTENT] no such mailbox
C: 5 CREATE file
S: 5 NO *
$BYE
TALK
	[ "$(grep -c "is no folder's name" "$BATS_TEST_TMPDIR/stderr")" = 2 ]
	[ -L "$alice/.link" ]
	# Nor are they where a file of ours should be.
	rm "$alice/pennypost-special-use"
	mkfifo "$alice/subscriptions"
	ln -s "$other/new" "$alice/pennypost-uidvalidity"
	timeout 60 "$BATS_FILE_TMPDIR/folders" "$alice" list \
		>/dev/null 2>>"$BATS_TEST_TMPDIR/told"
	grep -q 'subscriptions: Invalid argument' "$BATS_TEST_TMPDIR/told"
	run -0 folders uidvalidity
	[ ! -L "$alice/pennypost-uidvalidity" ]
}

# --- STATUS ---

@test "STATUS: all items" {
	no_first_login
	put new/1.M1.h,S=22,W=25 1
	put cur/2.M1.h,S=22,W=25:2,S 2
	put cur/3.M1.h,S=22,W=25:2,ST 3
	put cur/4.M1.h:2,T 4
	pipe "$imapd" <<TALK
$LOGIN
C: 1 STATUS inbox (MESSAGES RECENT UNSEEN SIZE DELETED UIDNEXT)
S: * STATUS INBOX (MESSAGES 4 RECENT 4 UIDNEXT 5 UNSEEN 2 SIZE 100 DELETED 2)
S: 1 OK that is it
C: 2 STATUS INBOX (UIDVALIDITY HIGHESTMODSEQ APPENDLIMIT MAILBOXID)
S: * STATUS INBOX (UIDVALIDITY * HIGHESTMODSEQ * APPENDLIMIT 52428800 MAILBOXID (*))
S: 2 OK that is it
C: 3 STATUS INBOX (MESSAGES MESSAGES)
S: * STATUS INBOX (MESSAGES 4)
S: 3 OK that is it
C: 4 STATUS INBOX ()
S: 4 BAD unknown status item
C: 5 STATUS INBOX (NONSENSE)
S: 5 BAD unknown status item
C: 6 STATUS nonesuch (MESSAGES)
S: 6 NO [NONEXISTENT] no such mailbox
C: 7 STATUS INBOX MESSAGES
S: 7 BAD expected '('
C: 8 STATUS INBOX (DELETED-STORAGE)
S: * STATUS INBOX (DELETED-STORAGE 50)
S: 8 OK that is it
$BYE
TALK
}

# --- CREATE, DELETE, RENAME ---

@test "CREATE" {
	no_first_login
	folder old
	pipe "$imapd" <<TALK
$LOGIN
C: 1 CREATE a.b
S: 1 OK [MAILBOXID (*)] created
C: 2 CREATE a.
S: 2 OK [MAILBOXID (*)] created
C: 3 CREATE a.b
S: 3 NO [ALREADYEXISTS] there is a mailbox of that name
C: 4 CREATE inbox
S: 4 NO [ALREADYEXISTS] there is a mailbox of that name
C: 5 CREATE Inbox.kid
S: 5 OK [MAILBOXID (*)] created
C: 6 CREATE .a
S: 6 NO [CANNOT] between two dots there is a name
C: 7 CREATE a..b
S: 7 NO [CANNOT] between two dots there is a name
C: 8 CREATE "a*"
S: 8 NO [CANNOT] not with that name
C: 9 CREATE "a%"
S: 9 NO [CANNOT] not with that name
C: 10 CREATE a/b
S: 10 NO [CANNOT] a name holds no /
C: 11 CREATE $(printf 'x%.0s' {1..200})
S: 11 NO [CANNOT] too long
C: 12 CREATE $(printf 'x%.0s' {1..199})
S: 12 OK [MAILBOXID (*)] created
C: 13 CREATE $(printf 'a.%.0s' {1..32})a
S: 13 NO [CANNOT] too deep
C: 14 CREATE a&b
S: 14 NO [CANNOT] that is no modified UTF-7
C: 15 CREATE
S: 15 BAD *
C: 16 CREATE ""
S: 16 NO [CANNOT] a name is not empty
C: 17 CREATE x (NONSENSE)
S: 17 BAD unknown parameter
C: 18 CREATE x (USE ())
S: 18 OK [MAILBOXID (*)] created
$BYE
TALK
	[ "$(cd "$alice" && ls .a)" = "$(cd "$alice" && ls .INBOX.kid)" ]
	[ "$(cd "$alice" && ls .a)" = $'cur\nmaildirfolder\nnew\npennypost-uids\ntmp' ]
	[ "$(stat -c %a "$alice/.a")" = 700 ]
	[ ! -e "$alice/pennypost-tmp" ]
	assert_no_tmp
}

@test "CREATE: with a use" {
	pipe "$imapd" <<TALK
$LOGIN
C: 1 CREATE Gesendet (USE (\Sent))
S: 1 OK [MAILBOXID (*)] created
C: 2 CREATE Noch (USE (\Sent))
S: 2 NO [USEATTR] *
C: 3 CREATE Noch (USE (\Flagged))
S: 3 NO [USEATTR] *
C: 4 CREATE "Two uses" (USE (\junk \Trash))
S: 4 OK [MAILBOXID (*)] created
C: 5 LIST (SPECIAL-USE) "" *
S: * LIST (\Archive) "." Archive
S: * LIST (\Drafts) "." Drafts
S: * LIST (\Sent) "." Gesendet
S: * LIST (\Junk \Trash) "." "Two uses"
S: 5 OK that is all
C: 6 RENAME Gesendet Weg.damit
S: 6 OK renamed
C: 7 RENAME Drafts Entw
S: 7 OK renamed
C: 8 DELETE "Two uses"
S: 8 OK deleted
C: 9 LIST (SPECIAL-USE) "" *
S: * LIST (\Archive) "." Archive
S: * LIST (\Drafts) "." Entw
S: * LIST (\Junk) "." Junk
S: * LIST (\Trash) "." Trash
S: * LIST (\Sent) "." Weg.damit
S: 9 OK that is all
$BYE
TALK
	[ "$(cat "$alice/pennypost-special-use")" = '\Drafts Entw
\Sent Weg.damit' ]
	# Another program removes it: its usual folder has it again.
	rm -r "$alice/.Weg.damit"
	both "$imapd" <<TALK
$LOGIN
C: 1 LIST (SPECIAL-USE) "" S*
S: * LIST (\Sent) "." Sent
S: 1 OK that is all
$BYE
TALK
}

@test "DELETE" {
	no_first_login
	folder a a.b c
	put .a/new/1.M1.h 1
	put .a.b/new/2.M1.h 2
	pipe "$imapd" <<TALK
$LOGIN
C: 0 SUBSCRIBE a
S: 0 OK subscribed
C: 1 DELETE a
S: 1 OK deleted
C: 2 LIST "" a*
S: * LIST (\Noselect \HasChildren) "." a
S: * LIST (\HasNoChildren) "." a.b
S: 2 OK that is all
C: 3 DELETE a
S: 3 NO [HASCHILDREN] it is only what others are below
C: 4 SELECT a
S: 4 NO [NONEXISTENT] no such mailbox
C: 5 DELETE inbox
S: 5 NO [CANNOT] not with that name
C: 6 DELETE nonesuch
S: 6 NO [NONEXISTENT] no such mailbox
C: 7 STATUS a.b (MESSAGES)
S: * STATUS a.b (MESSAGES 1)
S: 7 OK that is it
C: 8 LSUB "" *
S: * LSUB () "." a
S: 8 OK that is all
C: 9 CREATE a
S: 9 OK [MAILBOXID (*)] created
C: 10 STATUS a (MESSAGES UIDNEXT)
S: * STATUS a (MESSAGES 0 UIDNEXT 1)
S: 10 OK that is it
$BYE
TALK
	[ ! -e "$alice/pennypost-tmp" ]
}

@test "UIDVALIDITY: never one that was given before" {
	local i last=0 now
	for i in 1 2 3; do
		now=$(folders uidvalidity | head -n 1)
		[ "$now" -gt "$last" ]
		last=$now
	done
	echo 4000000000 >"$alice/pennypost-uidvalidity"
	[ "$(folders uidvalidity)" = $'4000000001\nok' ]
	[ "$(cat "$alice/pennypost-uidvalidity")" = 4000000001 ]
	for i in nonsense 4294967295 99999999999999999999 ''; do
		echo "$i" >"$alice/pennypost-uidvalidity"
		now=$(folders uidvalidity | head -n 1)
		[ "$now" -gt 1700000000 ]
		[ "$now" -lt 4294967295 ]
	done
	# A folder of the same name is another one.
	folders create a >/dev/null
	no_first_login
	pipe "$imapd" <<TALK
$LOGIN
C: 1 STATUS a (UIDVALIDITY)
S: * STATUS a (UIDVALIDITY *)
S: 1 OK that is it
C: 2 DELETE a
S: 2 OK deleted
C: 3 CREATE a
S: 3 OK *
C: 4 STATUS a (UIDVALIDITY)
S: * STATUS a (UIDVALIDITY *)
S: 4 OK that is it
$BYE
TALK
	run -0 grep -o 'UIDVALIDITY [0-9]*' "$BATS_TEST_TMPDIR/out"
	[ "${#lines[@]}" = 2 ]
	[ "${lines[0]#* }" -lt "${lines[1]#* }" ]
}

@test "RENAME" {
	no_first_login
	folder a a.b a.b.c d ab
	put .a/new/1.M1.h 1
	put .a.b.c/new/2.M1.h 2
	pipe "$imapd" <<TALK
$LOGIN
C: 1 STATUS a.b.c (UIDVALIDITY UIDNEXT MAILBOXID)
S: * STATUS a.b.c (UIDNEXT 2 UIDVALIDITY *)
S: 1 OK that is it
C: 2 SUBSCRIBE a.b
S: 2 OK subscribed
C: 3 RENAME a x.y
S: 3 OK renamed
C: 4 LIST "" *
S: * LIST (\HasNoChildren) "." INBOX
S: * LIST (\HasNoChildren) "." ab
S: * LIST (\HasNoChildren) "." d
S: * LIST (\Noselect \HasChildren) "." x
S: * LIST (\HasChildren) "." x.y
S: * LIST (\HasChildren) "." x.y.b
S: * LIST (\HasNoChildren) "." x.y.b.c
S: 4 OK that is all
C: 5 STATUS x.y.b.c (UIDVALIDITY UIDNEXT MAILBOXID)
S: * STATUS x.y.b.c (UIDNEXT 2 UIDVALIDITY *)
S: 5 OK that is it
C: 6 LSUB "" *
S: * LSUB () "." a.b
S: 6 OK that is all
C: 7 RENAME x.y d
S: 7 NO [ALREADYEXISTS] there is a mailbox of that name
C: 8 RENAME x.y x.y.z
S: 8 NO [CANNOT] not with that name
C: 9 RENAME x.y x.y
S: 9 NO [ALREADYEXISTS] there is a mailbox of that name
C: 10 RENAME nonesuch y
S: 10 NO [NONEXISTENT] no such mailbox
C: 11 RENAME d INBOX
S: 11 NO [ALREADYEXISTS] there is a mailbox of that name
C: 12 RENAME x new
S: 12 OK renamed
C: 13 RENAME d x.
S: 13 OK renamed
C: 14 RENAME new.y.b $(printf 'x%.0s' {1..198})
S: 14 NO [CANNOT] not with that name
C: 15 RENAME new x
S: 15 NO [ALREADYEXISTS] there is a mailbox of that name
C: 16 RENAME new "x%"
S: 16 NO [CANNOT] not with that name
C: 17 LIST "" % RETURN ()
S: * LIST () "." INBOX
S: * LIST () "." ab
S: * LIST (\NonExistent) "." new
S: * LIST () "." x
S: 17 OK that is all
$BYE
TALK
	run -0 grep -o 'UIDVALIDITY .*' "$BATS_TEST_TMPDIR/out"
	[ "${lines[0]}" = "${lines[1]}" ]
	[ -f "$alice/.new.y.b.c/new/2.M1.h" ] || [ -n "$(ls "$alice/.new.y.b.c/cur")" ]
}

@test "RENAME: where a name below is taken, nothing moves" {
	no_first_login
	folder a a.b x.b
	both "$imapd" <<TALK
$LOGIN
C: 1 RENAME a x
S: 1 NO [ALREADYEXISTS] there is a mailbox of that name
C: 2 LIST "" *
S: * LIST (\HasNoChildren) "." INBOX
S: * LIST (\HasChildren) "." a
S: * LIST (\HasNoChildren) "." a.b
S: * LIST (\Noselect \HasChildren) "." x
S: * LIST (\HasNoChildren) "." x.b
S: 2 OK that is all
$BYE
TALK
}

@test "RENAME of INBOX moves its mail, and nothing below it" {
	no_first_login
	folder INBOX.kid
	put new/1.M1.h,S=22,W=25 1
	put cur/2.M1.h,S=22,W=25:2,FS 2
	put .INBOX.kid/cur/3.M1.h:2, 3
	pipe "$imapd" <<TALK
$LOGIN
C: 1 SELECT INBOX
S: * FLAGS *
S: * OK [PERMANENTFLAGS *
S: * 2 EXISTS
S: * 2 RECENT
S: * OK *
S: * OK [UIDVALIDITY *
S: * OK [UIDNEXT 3] *
S: * OK [HIGHESTMODSEQ *
S: * OK [MAILBOXID *
S: 1 OK [READ-WRITE] selected
C: 2 RENAME inbox Old.Mail
S: * 1 EXPUNGE
S: * 1 EXPUNGE
S: 2 OK renamed
C: 3 STATUS Old.Mail (MESSAGES UNSEEN SIZE)
S: * STATUS Old.Mail (MESSAGES 2 UNSEEN 1 SIZE 50)
S: 3 OK that is it
C: 4 STATUS INBOX (MESSAGES UIDNEXT)
S: * STATUS INBOX (MESSAGES 0 UIDNEXT 3)
S: 4 OK that is it
C: 5 STATUS INBOX.kid (MESSAGES)
S: * STATUS INBOX.kid (MESSAGES 1)
S: 5 OK that is it
C: 6 RENAME INBOX Old.Mail
S: 6 NO [ALREADYEXISTS] there is a mailbox of that name
C: 7 RENAME INBOX INBOX.Old
S: 7 OK renamed
$BYE
TALK
}

# The session that has it selected goes on, or is told that it is over.
@test "the selected folder is renamed, deleted, by this session and by another" {
	no_first_login
	folder a.b
	put .a.b/cur/1.M1.h:2, 1
	pipe "$imapd" <<TALK
$LOGIN
C: 1 SELECT a.b
S: * FLAGS *
S: * OK [PERM*
S: * 1 EXISTS
S: * 1 RECENT
S: * OK [UNSEEN *
S: * OK [UIDV*
S: * OK [UIDN*
S: * OK [HIGH*
S: * OK [MAILBOXID*
S: 1 OK [READ-WRITE] selected
C: 2 RENAME a x
S: 2 OK renamed
C: 3 FETCH 1 FLAGS
S: * 1 FETCH (FLAGS (\Recent))
S: 3 OK *
C: 4 STORE 1 +FLAGS (\Seen)
S: * 1 FETCH (FLAGS (\Seen \Recent))
S: 4 OK *
C: 5 DELETE x.b
S: * OK [CLOSED] the mailbox that was selected
S: 5 OK deleted
C: 6 FETCH 1 FLAGS
S: 6 BAD not in this state
$BYE
TALK
	folder a
	put .a/cur/1.M1.h:2, 1
	local fifo=$BATS_TEST_TMPDIR/fifo got=$BATS_TEST_TMPDIR/got
	mkfifo "$fifo"
	"$imapd" <"$fifo" >"$got" 2>>"$BATS_TEST_TMPDIR/stderr" 7>&- &
	STARTED=$!
	exec 6>"$fifo"
	printf 'l LOGIN alice secret\r\n1 SELECT a\r\n' >&6
	wait_for '^1 OK' "$got"
	[ "$(folders delete a)" = ok ]
	# It may have said BYE by itself.
	(trap '' PIPE
	printf '2 NOOP\r\n3 FETCH 1 (FLAGS BODY[])\r\n4 LOGOUT\r\n' >&6) || true
	exec 6>&-
	wait "$STARTED"
	grep -qE '^(\* BYE|4 OK)' "$got"
}

wait_for() { # PATTERN FILE
	local i
	for i in $(seq 600); do
		! grep -qE "$1" "$2" || return 0
		sleep 0.05
	done
	cat "$2"
	return 1
}

@test "what a killed session left is removed at the next login" {
	mkdir -p "$alice/pennypost-tmp/"{x/cur,y}
	: >"$alice/pennypost-tmp/x/cur/1"
	ln -s "$alice/new" "$alice/pennypost-tmp/y/link"
	put new/1.M1.h 1
	folders list >/dev/null
	[ ! -e "$alice/pennypost-tmp" ]
	[ -e "$alice/new/1.M1.h" ]
}

@test "the lock cannot be had: NO, and nothing has changed" {
	local what
	no_first_login
	folder a
	for what in 'create b' 'delete a' 'rename a b' 'rename INBOX b' \
		'subscribe a' uidvalidity; do
		# Where strace(1) is, LeakSanitizer cannot be. The first three: are
		# there fd 0, 1 and 2?
		# shellcheck disable=SC2086 # words
		ASAN_OPTIONS=detect_leaks=0 run strace -qq -o /dev/null \
			-e inject=fcntl:error=ENOLCK:when=4+ \
			"$BATS_FILE_TMPDIR/folders" "$alice" $what
		[[ ${lines[-1]} == in-use || $what/${lines[-2]} == uidvalidity/0 ]]
	done
	[ "$(cd "$alice" && ls -d .[a-z])" = .a ]
	[ ! -e "$alice/subscriptions" ]
	[ ! -e "$alice/pennypost-uidvalidity" ]
}

# --- subscriptions ---

@test "subscriptions: both formats stay what they are" {
	no_first_login
	folder a.b c
	printf 'c\nother/thing\n' >"$alice/subscriptions"
	pipe "$imapd" <<TALK
$LOGIN
C: 1 SUBSCRIBE a.b
S: 1 OK subscribed
C: 2 SUBSCRIBE a.b
S: 2 OK subscribed
C: 3 SUBSCRIBE a
S: 3 OK subscribed
C: 4 SUBSCRIBE nonesuch
S: 4 NO [NONEXISTENT] no such mailbox
C: 5 UNSUBSCRIBE c
S: 5 OK not subscribed
C: 6 UNSUBSCRIBE nonesuch
S: 6 OK not subscribed
C: 7 SUBSCRIBE Inbox
S: 7 OK subscribed
C: 8 LSUB "" *
S: * LSUB () "." INBOX
S: * LSUB () "." a
S: * LSUB () "." a.b
S: 8 OK that is all
$BYE
TALK
	[ "$(cat "$alice/subscriptions")" = $'other/thing\na.b\na\nINBOX' ]
	folder V.2
	printf 'V\t2\n\nc\nx.y\tz\nV\t2\n' >"$alice/subscriptions"
	run -0 folders subscribe a.b
	[ "$(cat "$alice/subscriptions")" = $'V\t2\n\nc\nx.y\tz\nV\t2\na\tb' ]
	run -0 folders list
	[ "$(grep -c subscribed <<<"$output")" = 3 ]
	run -0 folders unsubscribe V.2
	[ "$(cat "$alice/subscriptions")" = $'V\t2\n\nc\nx.y\tz\na\tb' ]
	printf 'c' >"$alice/subscriptions" # no line end
	run -0 folders subscribe a.b
	[ "$(cat "$alice/subscriptions")" = $'c\na.b' ]
}

# --- quota ---

@test "quota: maildirsize's limits, the folders' sums" {
	no_first_login
	folder a
	put cur/1.M1.h,S=1000,W=2000:2, 1
	put .a/cur/2.M1.h,S=1000,W=1001:2, 2
	both "$imapd" <<TALK
$LOGIN
C: 1 GETQUOTAROOT INBOX
S: * QUOTAROOT INBOX
S: 1 OK that is it
C: 2 GETQUOTA user
S: 2 NO [NONEXISTENT] no such quota root
C: 3 SETQUOTA user (STORAGE 10)
S: 3 NO [NOPERM] the administrator sets it
C: 4 SETQUOTA "" ()
S: 4 NO [NOPERM] the administrator sets it
$BYE
TALK
	printf '10240S,5C\n   5000    2\n  -10 -1\n' >"$alice/maildirsize"
	both "$imapd" <<TALK
$LOGIN
C: 1 GETQUOTAROOT a
S: * QUOTAROOT a user
S: * QUOTA user (STORAGE 3 10 MESSAGE 2 5)
S: 1 OK that is it
C: 2 GETQUOTA "user"
S: * QUOTA user (STORAGE 3 10 MESSAGE 2 5)
S: 2 OK that is it
C: 3 GETQUOTA ""
S: 3 NO [NONEXISTENT] no such quota root
C: 4 GETQUOTAROOT nonesuch
S: * QUOTAROOT nonesuch user
S: * QUOTA user (STORAGE 3 10 MESSAGE 2 5)
S: 4 OK that is it
C: 5 COPY 1 a
S: 5 BAD not in this state
C: 6 SETQUOTA user (STORAGE x)
S: 6 BAD *
$BYE
TALK
	[ "$(folders allows 7239 3)" = $'1\nok' ]
	[ "$(folders allows 7240 1)" = $'0\nok' ]
	[ "$(folders allows 1 4)" = $'0\nok' ]
	[ "$(folders allows 18446744073709551615 1)" = $'0\nok' ]
	local line
	while IFS='|' read -r line wanted; do
		echo "$line" >"$alice/maildirsize"
		[ "$(folders quota | head -n 1)" = "$wanted" ] ||
			{ echo "$line: $(folders quota)"; return 1; }
	done <<'LINES'
1000S|1 1000 0
5C|1 0 5
5C,7S|1 7 5
|0 0 0
0S,0C|0 0 0
nonsense|0 0 0
-1S|0 0 0
99999999999999999999S,3C|1 0 3
1000S,5C,7X|1 1000 5
LINES
}

@test "quota: APPEND and COPY are refused, MOVE is not" {
	no_first_login
	echo 100S >"$alice/maildirsize"
	pipe "$imapd" <<TALK
$LOGIN
C: 1 APPEND INBOX {50+}
C: $(printf 'x%.0s' {1..50})
S: 1 OK *
C: 2 APPEND INBOX {60+}
C: $(printf 'x%.0s' {1..60})
S: 2 NO [OVERQUOTA] *
$BYE
TALK
	[ "$(count "$alice/cur" "$alice/new")" = 1 ]
	echo 90S >"$alice/maildirsize"
	{
		printf '%s\r\n' 'a LOGIN alice secret' 'b CREATE Box' \
			'c SELECT INBOX' 'd COPY 1 Box' 'e MOVE 1 Box' 'f LOGOUT'
	} | "$imapd" >out
	grep -q '^d NO \[OVERQUOTA\]' out
	grep -q '^e OK' out
	[ "$(count "$alice/.Box/cur")" = 1 ]
	assert_no_tmp
}

# --- many, and others ---

@test "a thousand folders are listed fast" {
	no_first_login
	folder folder{1..1000}.a
	{
		printf 'l LOGIN alice secret\r\n'
		for i in {1..100}; do
			printf '%s LIST "" *\r\n' "$i"
		done
	} >"$BATS_TEST_TMPDIR/in"
	ulimit -t 30
	"$imapd" <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
	[ "$(grep -c '^\* LIST' "$BATS_TEST_TMPDIR/out")" = 200100 ]
}

@test "10,000 folders, and no more" {
	no_first_login
	(cd "$alice" && seq -f .f%g 9998 | xargs mkdir)
	pipe "$imapd" <<TALK
$LOGIN
C: 1 CREATE g1
S: 1 OK *
C: 2 CREATE g2
S: 2 OK *
C: 3 CREATE g3
S: 3 NO [LIMIT] too many mailboxes
C: 4 LIST "" g*
S: * LIST (\HasNoChildren) "." g1
S: * LIST (\HasNoChildren) "." g2
S: 4 OK that is all
C: 5 DELETE g1
S: 5 OK deleted
C: 6 CREATE g3
S: 6 OK *
$BYE
TALK
}

@test "Dovecot lists the same" {
	[ -x /usr/lib/dovecot/imap ] || skip "no dovecot-imapd"
	no_first_login
	folder foo.bar foo.bar.baz INBOX.kid '&AOQ-.b' 'a b' Sent x.y.z.w x.y foo2
	put new/1.M1.h,S=22,W=25 1
	put .foo.bar/cur/2.M1.h,S=22,W=25:2,S 2
	printf 'V\t2\n\nfoo\tbar\tbaz\nINBOX\nx\tgone\tdeep\nfoo2\n' \
		>"$alice/subscriptions"
	run -0 python3 "$ROOT/tests/imap/folders.py" "$imapd" "$alice"
	[[ $output == '211 commands, 0 differences' ]]
}

@test "killed at every system call that changes something" {
	strace -o /dev/null true 2>/dev/null || skip "no strace"
	run -0 "$ROOT/tests/torture/folder-sweep" -q
	[[ ${lines[-1]} == *' 0 violations' ]]
}
