#!/usr/bin/env bats
# imapd: SEARCH, SORT, THREAD, and the index that they read.

load helper

setup() {
	home_make
	imapd=$PROGRAMS/imapd
	alice=$MAIL/alice
}

setup_file() {
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -I"$ROOT/src/imapd" \
		-I"$ROOT/src/lib" -g -O1 -fsanitize=address,undefined \
		-fno-sanitize-recover=undefined -o "$BATS_FILE_TMPDIR/signature" \
		"$ROOT/tests/imap/signature.c" "$ROOT"/src/imapd/{signature,text}.c \
		"$ROOT"/src/imapd/{subject,ids}.c \
		"$ROOT"/src/lib/{mime,header,words,parameters,charset}.c \
		"$ROOT"/src/lib/{decode,utf8,str,log,pool}.c
}

# put NAME TEXT DATE: a message in alice's Maildir
put() {
	printf '%b' "$2" >"$alice/$1"
	touch -d "${3:-2023-11-14T12:00:00Z}" "$alice/$1"
}

five() {
	put cur/1700000000.M1.h:2,S "From: Ann <ann@example.org>\nTo: Bob \
<bob@example.net>\nSubject: First words\nDate: Mon, 13 Nov 2023 10:00:00 \
+0000\nMessage-ID: <1@x.example>\n\nsome text of the first\n" \
		2023-11-13T10:00:00Z
	put cur/1700000001.M1.h:2,FR "From: Ben <ben@example.org>\nTo: Bob \
<bob@example.net>\nCc: cc@example.net\nSubject: Re: First words\nDate: \
Tue, 14 Nov 2023 10:00:00 +0000\nMessage-ID: <2@x.example>\nIn-Reply-To: \
<1@x.example>\n\nsome text of the second\n" 2023-11-14T10:00:00Z
	put cur/1700000002.M1.h:2,D "From: ann@example.org\nSubject: Other\n\
Date: Wed, 15 Nov 2023 10:00:00 +0000\nX-Flag: yes\n\nnothing much\n" \
		2023-11-15T10:00:00Z
	put cur/1700000003.M1.h:2,T "From: z@example.org\nSubject: \
=?utf-8?Q?Gr=C3=BC=C3=9Fe?=\nDate: Wed, 15 Nov 2023 11:00:00 +0000\n\n\
Content\n" 2023-11-15T11:00:00Z
	put cur/1700000004.M1.h:2,Sa "Subject: last\n\n$(printf 'x%.0s' \
		{1..500})\n" 2023-11-16T10:00:00Z
	# shellcheck disable=SC2016 # a keyword
	echo '0 $Junk' >"$alice/dovecot-keywords"
}

HEAD='S: * OK *
C: l LOGIN alice secret
S: l OK *
C: s SELECT INBOX
S: * FLAGS *
S: * OK [PERMANENTFLAGS *
S: * 5 EXISTS
S: * * RECENT
S: * OK [UNSEEN *
S: * OK [UIDVALIDITY *
S: * OK [UIDNEXT *
S: * OK [HIGHESTMODSEQ *
S: * OK [MAILBOXID *
S: s OK *'
BYE='C: z LOGOUT
S: * BYE goodbye
S: z OK logged out'

# finds KEYS=NUMBERS …, a line each
finds() {
	local line n=0 talk=$HEAD
	while IFS= read -r line; do
		n=$((n + 1))
		talk+=$'\n'"C: $n SEARCH ${line%=*}"
		talk+=$'\n'"S: * SEARCH${line##*=}"
		talk+=$'\n'"S: $n OK found *"
	done
	both "$imapd" <<<"$talk"$'\n'"$BYE"
}

@test "keys of flags, numbers and dates" {
	five
	finds <<'KEYS'
ALL= 1 2 3 4 5
SEEN= 1 5
UNSEEN= 2 3 4
FLAGGED= 2
UNFLAGGED= 1 3 4 5
ANSWERED= 2
UNANSWERED= 1 3 4 5
DRAFT= 3
UNDRAFT= 1 2 4 5
DELETED= 4
UNDELETED= 1 2 3 5
KEYWORD $Junk= 5
KEYWORD $JUNK= 5
UNKEYWORD $Junk= 1 2 3 4
KEYWORD $None=
UNKEYWORD $None= 1 2 3 4 5
2:3,5= 2 3 5
*= 5
UID 1:2,4:9= 1 2 4 5
UID 9:*= 5
NOT 1:3= 4 5
BEFORE 14-Nov-2023= 1
ON 14-Nov-2023= 2
SINCE 15-Nov-2023= 3 4 5
SENTBEFORE 14-Nov-2023= 1
SENTON "14-Nov-2023"= 2
SENTSINCE 15-Nov-2023= 3 4
LARGER 400= 5
SMALLER 130= 3 4
OR SEEN FLAGGED= 1 2 5
OR (SEEN 1) (NOT SEEN NOT 2:4)= 1
(SEEN UNFLAGGED) (1:4)= 1
not or seen flagged= 3 4
KEYS
}

@test "what is new: RECENT, NEW, OLD" {
	five
	pipe "$imapd" <<TALK
$HEAD
C: 1 SEARCH RECENT
S: * SEARCH 1 2 3 4 5
S: 1 OK found 5
C: 2 SEARCH NEW
S: * SEARCH 2 3 4
S: 2 OK found 3
C: 3 SEARCH OLD
S: * SEARCH
S: 3 OK found 0
$BYE
TALK
	put new/1700000009.M1.h 'Subject: new\n\n'
	pipe "$imapd" <<TALK
${HEAD/5 EXISTS/6 EXISTS}
C: 1 SEARCH OR RECENT NEW
S: * SEARCH 6
S: 1 OK found 1
C: 2 SEARCH OLD
S: * SEARCH 1 2 3 4 5
S: 2 OK found 5
$BYE
TALK
}

@test "keys of words" {
	five
	finds <<'KEYS'
SUBJECT first= 1 2
SUBJECT "RE: FIRST WORDS"= 2
SUBJECT nothing=
FROM ann= 1 3
FROM ANN@EXAMPLE.ORG= 1 3
TO bob= 1 2
CC cc@= 2
BCC x=
HEADER X-Flag ""= 3
HEADER x-flag YES= 3
HEADER X-Flag no=
HEADER In-Reply-To 1@x= 2
HEADER Message-ID ""= 1 2
BODY "SOME TEXT"= 1 2
BODY first= 1
BODY ent= 4
BODY ""= 1 2 3 4 5
BODY x= 1 2 5
TEXT first= 1 2
TEXT ann= 1 3
TEXT x-flag= 3
TEXT "x-flag: yes"= 3
CHARSET US-ASCII SUBJECT other= 3
SUBJECT other BODY much= 3
OR BODY second SUBJECT last= 2 5
KEYS
}

@test "words in other charsets" {
	five
	both "$imapd" <<TALK
$HEAD
c: 1 SEARCH CHARSET UTF-8 SUBJECT {7}\r\n
S: + go on
c: gr\xc3\xbc\xc3\x9fe\r\n
S: * SEARCH 4
S: 1 OK found 1
c: 2 SEARCH CHARSET ISO-8859-1 SUBJECT {5+}\r\nGR\xdc\xdfE\r\n
S: * SEARCH 4
S: 2 OK found 1
c: 3 SEARCH CHARSET X-NONE SUBJECT {5+}\r\nhallo BODY {5+}\r\nhallo\r\n
S: 3 NO [BADCHARSET (UTF-8 US-ASCII ISO-8859-1)] unknown charset
C: 4a ENABLE IMAP4rev2
S: * ENABLED IMAP4rev2
S: 4a OK enabled
C: 4b SEARCH CHARSET UTF-8 SUBJECT zzz
S: * ESEARCH (TAG "4b")
S: 4b OK found 0
C: 4 ENABLE UTF8=ACCEPT
S: * ENABLED UTF8=ACCEPT
S: 4 OK *
C: 5 SEARCH CHARSET UTF-8 ALL
S: 5 BAD no CHARSET after ENABLE UTF8=ACCEPT
c: 6 SEARCH SUBJECT "Gr\xc3\xbc\xc3\x9fe"\r\n
S: * ESEARCH (TAG "6") ALL 4
S: 6 OK found 1
$BYE
TALK
}

@test "what is no search" {
	five
	both "$imapd" <<TALK
$HEAD
C: 1 SEARCH
S: 1 BAD an argument is missing
C: 2 SEARCH NONSENSE
S: 2 BAD unknown search key
C: 3 SEARCH SEEN  FLAGGED
S: 3 BAD unknown search key
C: 4 SEARCH (SEEN
S: 4 BAD expected ')'
C: 5 SEARCH SEEN)
S: 5 BAD more than the command takes
C: 6 SEARCH 7
S: 6 BAD no such messages
C: 7 SEARCH 0
S: 7 BAD no such messages
C: 8 SEARCH SINCE 32-Nov-2023
S: 8 BAD expected a date
C: 9 SEARCH LARGER big
S: 9 BAD malformed argument
C: 10 SEARCH OR SEEN
S: 10 BAD an argument is missing
C: 11 SEARCH RETURN (MAN) ALL
S: 11 BAD unknown return option
C: 12 SEARCH RETURN (PARTIAL 1:2 ALL) ALL
S: 12 BAD PARTIAL or ALL, not both
C: 13 SEARCH RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL
S: 13 BAD PARTIAL once
C: 14 SEARCH RETURN (PARTIAL 0:2) ALL
S: 14 BAD expected a range for PARTIAL
C: 15 SEARCH RETURN (PARTIAL -1:2) ALL
S: 15 BAD expected a range for PARTIAL
C: 16 SEARCH BODY {1+}
C: x SEEN BODY
S: 16 BAD an argument is missing
C: 17 SORT (SIZE) ALL
S: 17 NO [BADCHARSET *
C: 18 SORT (COLOUR) UTF-8 ALL
S: 18 BAD unknown sort key
C: 19 SORT () UTF-8 ALL
S: 19 BAD unknown sort key
C: 20 THREAD GUESSES UTF-8 ALL
S: 20 BAD unknown threading algorithm
C: 21 THREAD REFERENCES ALL
S: 21 NO [BADCHARSET *
C: 22 UID SEARCH MODSEQ x
S: 22 BAD malformed argument
$BYE
TALK
}

@test "ESEARCH: what RETURN asks for" {
	five
	both "$imapd" <<TALK
$HEAD
C: 1 SEARCH RETURN (MIN MAX COUNT ALL) 2:4
S: * ESEARCH (TAG "1") MIN 2 MAX 4 ALL 2:4 COUNT 3
S: 1 OK found 3
C: 2 UID SEARCH RETURN () SEEN
S: * ESEARCH (TAG "2") UID ALL 1,5
S: 2 OK found 2
C: 3 SEARCH RETURN (MIN ALL COUNT) SUBJECT nothing
S: * ESEARCH (TAG "3") COUNT 0
S: 3 OK found 0
C: 4 SEARCH RETURN (MAX) CHARSET UTF-8 UNSEEN
S: * ESEARCH (TAG "4") MAX 4
S: 4 OK found 3
C: 5 SEARCH RETURN (PARTIAL 2:3) ALL
S: * ESEARCH (TAG "5") PARTIAL (2:3 2:3)
S: 5 OK found 5
C: 6 SEARCH RETURN (PARTIAL -1:-2 COUNT) UNSEEN
S: * ESEARCH (TAG "6") PARTIAL (-1:-2 3:4) COUNT 3
S: 6 OK found 3
C: 7 SEARCH RETURN (PARTIAL 9:6) ALL
S: * ESEARCH (TAG "7") PARTIAL (9:6 NIL)
S: 7 OK found 5
C: 8 UID SEARCH RETURN (PARTIAL -3:-90) SEEN
S: * ESEARCH (TAG "8") UID PARTIAL (-3:-90 NIL)
S: 8 OK found 2
C: 9 SEARCH RETURN (PARTIAL 4:1 MAX) SEEN
S: * ESEARCH (TAG "9") MAX 5 PARTIAL (4:1 1,5)
S: 9 OK found 2
C: 10 SEARCH RETURN (ALL) NOT ALL
S: * ESEARCH (TAG "10")
S: 10 OK found 0
$BYE
TALK
}

@test "SEARCHRES: what SAVE saves" {
	five
	both "$imapd" <<TALK
$HEAD
C: 1 SEARCH RETURN (SAVE) UNSEEN
S: 1 OK found 3
C: 2 SEARCH $
S: * SEARCH 2 3 4
S: 2 OK found 3
C: 3 FETCH $ UID
S: * 2 FETCH (UID 2)
S: * 3 FETCH (UID 3)
S: * 4 FETCH (UID 4)
S: 3 OK *
C: 4 SEARCH RETURN (SAVE MIN MAX) $ NOT FLAGGED
S: * ESEARCH (TAG "4") MIN 3 MAX 4
S: 4 OK found 2
C: 5 UID SEARCH UID $
S: * SEARCH 3 4
S: 5 OK found 2
C: 6 SEARCH RETURN (SAVE MIN) ALL
S: * ESEARCH (TAG "6") MIN 1
S: 6 OK found 5
C: 7 SEARCH RETURN (SAVE MIN COUNT) NOT $
S: * ESEARCH (TAG "7") MIN 2 COUNT 4
S: 7 OK found 4
C: 8 SEARCH RETURN (ALL) $
S: * ESEARCH (TAG "8") ALL 2:5
S: 8 OK found 4
C: 9 SEARCH RETURN (SAVE PARTIAL 2:3) ALL
S: * ESEARCH (TAG "9") PARTIAL (2:3 2:3)
S: 9 OK found 5
C: 10 SEARCH $
S: * SEARCH 2 3
S: 10 OK found 2
C: 11 SEARCH RETURN (SAVE) NONSENSE
S: 11 BAD unknown search key
C: 12 SEARCH $
S: * SEARCH 2 3
S: 12 OK found 2
C: 13 SEARCH RETURN (SAVE) CHARSET X-NONE ALL
S: 13 NO [BADCHARSET *
C: 14 SEARCH $
S: * SEARCH
S: 14 OK found 0
C: 15 SORT RETURN (SAVE MIN) (REVERSE SIZE) UTF-8 ALL
S: * ESEARCH (TAG "15") MIN 5
S: 15 OK sorted 5
C: 16 SEARCH $
S: * SEARCH 5
S: 16 OK found 1
C: 17 SEARCH RETURN (SAVE) BODY nothing-like-this
S: 17 OK found 0
C: 18 FETCH $ FLAGS
S: 18 OK *
$BYE
TALK
}

@test "CONDSTORE: MODSEQ, and the highest of what is told" {
	five
	both "$imapd" <<TALK
$HEAD
C: 1 SEARCH MODSEQ 1
S: * OK [HIGHESTMODSEQ *] is the highest
S: * SEARCH 1 2 3 4 5 (MODSEQ *)
S: 1 OK found 5
C: 2 SEARCH MODSEQ "/flags/\\\\draft" all 9223372036854775807
S: * SEARCH
S: 2 OK found 0
C: 3 SEARCH RETURN (MIN COUNT) MODSEQ 0
S: * ESEARCH (TAG "3") MIN 1 COUNT 5 MODSEQ *
S: 3 OK found 5
C: 4 SORT (REVERSE ARRIVAL) UTF-8 MODSEQ 1 1:2
S: * SORT 2 1 (MODSEQ *)
S: 4 OK sorted 2
C: 5 SEARCH RETURN (COUNT) MODSEQ 9223372036854775807
S: * ESEARCH (TAG "5") COUNT 0
S: 5 OK found 0
$BYE
TALK
}

@test "MODSEQ of MIN is that message's" {
	five
	printf '%s\r\n' 'l LOGIN alice secret' 's SELECT INBOX (CONDSTORE)' \
		'1 STORE 3 +FLAGS.SILENT (\Seen)' '2 FETCH 1:5 MODSEQ' \
		'3 SEARCH RETURN (MIN) MODSEQ 1' '4 SEARCH RETURN (MAX) MODSEQ 1' \
		'5 SEARCH RETURN (MIN MAX) MODSEQ 1' \
		'6 SEARCH RETURN (ALL) MODSEQ 1' |
		"$imapd" 2>"$BATS_TEST_TMPDIR/stderr" | tr -d '\r' >out
	local old new
	old=$(sed -n 's/^\* 1 FETCH (MODSEQ (\(.*\)))/\1/p' out | tail -n 1)
	new=$(sed -n 's/^\* 3 FETCH (MODSEQ (\(.*\)))/\1/p' out | tail -n 1)
	[ "$new" -gt "$old" ]
	grep -x "\* ESEARCH (TAG \"3\") MIN 1 MODSEQ $old" out
	grep -x "\* ESEARCH (TAG \"4\") MAX 5 MODSEQ $old" out
	grep -x "\* ESEARCH (TAG \"5\") MIN 1 MAX 5 MODSEQ $old" out
	grep -x "\* ESEARCH (TAG \"6\") ALL 1:5 MODSEQ $new" out
}

@test "WITHIN, SAVEDATE, OBJECTID" {
	five
	touch -d '1 hour ago' "$alice"/cur/1700000002.*
	finds <<'KEYS'
YOUNGER 7200= 3
OLDER 7200= 1 2 4 5
YOUNGER 60=
SAVEDATESUPPORTED= 1 2 3 4 5
SAVEDON 14-Nov-2023= 1 2 3 4 5
SAVEDBEFORE 14-Nov-2023=
SAVEDSINCE 15-Nov-2023=
EMAILID M00000000000000000000000000000000=
THREADID T1=
NOT THREADID T1= 1 2 3 4 5
KEYS
	printf '%s\r\n' 'l LOGIN alice secret' 's SELECT INBOX' \
		'1 FETCH 2 EMAILID' |
		"$imapd" 2>"$BATS_TEST_TMPDIR/stderr" | tr -d '\r' >out
	finds <<KEYS
EMAILID $(sed -n 's/.*EMAILID (\(.*\)))/\1/p' out)= 2
KEYS
}

@test "IMAP4rev2: ESEARCH always" {
	five
	both "$imapd" <<TALK
S: * OK *
C: l LOGIN alice secret
S: l OK *
C: e ENABLE IMAP4rev2
S: * ENABLED IMAP4*
S: e OK *
C: s SELECT INBOX
S: * FLAGS *
S: * OK [PERMANENTFLAGS *
S: * 5 EXISTS
S: * LIST *
S: * OK [UIDVALIDITY *
S: * OK [UIDNEXT *
S: * OK [HIGHESTMODSEQ *
S: * OK [MAILBOXID *
S: s OK *
C: 1 SEARCH SEEN
S: * ESEARCH (TAG "1") ALL 1,5
S: 1 OK found 2
C: 2 UID SEARCH NOT ALL
S: * ESEARCH (TAG "2") UID
S: 2 OK found 0
$BYE
TALK
}

@test "SORT and ESORT" {
	five
	both "$imapd" <<TALK
$HEAD
C: 1 SORT (ARRIVAL) UTF-8 ALL
S: * SORT 1 2 3 4 5
S: 1 OK sorted 5
C: 2 UID SORT (REVERSE DATE) US-ASCII 1:4
S: * SORT 4 3 2 1
S: 2 OK sorted 4
C: 3 SORT (SUBJECT) UTF-8 ALL
S: * SORT 1 2 4 5 3
S: 3 OK sorted 5
C: 4 SORT (FROM REVERSE SIZE) UTF-8 ALL
S: * SORT 5 1 3 2 4
S: 4 OK sorted 5
C: 5 SORT (TO CC) UTF-8 ALL
S: * SORT 3 4 5 1 2
S: 5 OK sorted 5
C: 6 SORT (DISPLAYFROM) UTF-8 1:4
S: * SORT 1 3 2 4
S: 6 OK sorted 4
C: 7 SORT RETURN (MIN MAX COUNT ALL) (REVERSE SUBJECT) UTF-8 1:4
S: * ESEARCH (TAG "7") MIN 3 MAX 2 ALL 3,4,1,2 COUNT 4
S: 7 OK sorted 4
C: 8 SORT RETURN (PARTIAL 1:2) (REVERSE SUBJECT) UTF-8 1:4
S: * ESEARCH (TAG "8") PARTIAL (1:2 3,4)
S: 8 OK sorted 4
C: 9 SORT (SIZE) UTF-8 NOT ALL
S: * SORT
S: 9 OK sorted 0
$BYE
TALK
}

# message NUMBER SUBJECT DATE REFERENCES…
message() {
	put "cur/17000000$1.M1.h:2,S" "Message-ID: <$1@x>\nSubject: $2\nDate: \
$3 Nov 2023 10:00:00 +0000\nReferences: ${*:4}\n\nx\n"
}

threads() { # ALGORITHM THREADS
	printf '%s\r\n' 'l LOGIN alice secret' 's SELECT INBOX' \
		"1 THREAD $1 UTF-8 ALL" |
		"$imapd" 2>>"$BATS_TEST_TMPDIR/stderr" | tr -d '\r' >out
	grep -Fx "* THREAD $2" out || { grep THREAD out; return 1; }
}

@test "THREAD=REFERENCES, step by step" {
	# Children of children; siblings by date; a message that is not there.
	message 01 a 1
	message 02 'Re: a' 5 '<01@x>'
	message 03 'Re: a' 3 '<01@x>'
	message 04 'Re: a' 6 '<01@x> <02@x>'
	message 05 b 2 '<missing@x>'
	message 06 c 4 '<missing@x>'
	threads REFERENCES '(1 (3)(2 4))((5)(6))'
	# One child of a dummy takes its place; loops are none.
	message 07 d 7 '<gone@x> <gone2@x>'
	message 08 e 8 '<09@x>'
	message 09 f 9 '<08@x>'
	threads REFERENCES '(1 (3)(2 4))((5)(6))(7)(9 8)'
	# The same subject: a reply below, two that are none below a dummy.
	message 10 'Re: d' 10
	message 11 twins 11
	message 12 twins 12
	message 13 'Re: twins' 13
	threads REFERENCES \
		'(1 (3)(2 4))((5)(6))(7 10)(9 8)((11)(12)(13))'
	# Two children of one that is not there, below one that is.
	message 14 g 14
	message 15 'Re: g' 15 '<14@x> <gone3@x>'
	message 16 'Re: g' 17 '<14@x> <gone3@x>'
	message 17 'Re: g' 16 '<14@x>'
	threads REFERENCES \
		'(1 (3)(2 4))((5)(6))(7 10)(9 8)((11)(12)(13))(14 (15)(17)(16))'
}

@test "THREAD: quoted ids, doubled ids, none; the first of In-Reply-To" {
	put cur/1.h:2, 'Message-ID: <"one"@x>\nSubject: 1\nDate: 1 Nov 2023 10:00:00 +0000\n\n'
	put cur/2.h:2, 'Message-ID: <2@x>\nSubject: 2\nDate: 2 Nov 2023 10:00:00 +0000\nIn-Reply-To: your <one@x> of <3@x>\n\n'
	put cur/3.h:2, 'Message-ID: <2@x>\nSubject: 3\nDate: 3 Nov 2023 10:00:00 +0000\n\n'
	put cur/4.h:2, 'Message-ID: none\nSubject: 4\nDate: 4 Nov 2023 10:00:00 +0000\nReferences: <nonsense>\nIn-Reply-To: <2@x>\n\n'
	threads REFERENCES '(1 2 4)(3)'
}

@test "THREAD=ORDEREDSUBJECT" {
	message 01 b 3
	message 02 a 2
	message 03 'Re: b' 1
	message 04 a 4
	message 05 'a (fwd)' 5
	threads ORDEREDSUBJECT '(3 1)(2 (4)(5))'
}

@test "THREAD: 20,000 replies in a row, and a header of 20,000 ids" {
	python3 - "$alice" <<'PY'
import random, sys
order = list(range(20000))
random.Random(3).shuffle(order)
for i, at in enumerate(order):
    with open("%s/cur/%d.h:2,S" % (sys.argv[1], 1700000000 + at), "w") as f:
        f.write("Message-ID: <%d@x>\nIn-Reply-To: <%d@x>\nSubject: s\n\n" %
                (i, i - 1))
with open(sys.argv[1] + "/cur/1800000000.h:2,S", "w") as f:
    f.write("References: " + "\n ".join("<r%d@x>" % i for i in range(20000)))
PY
	printf '%s\r\n' 'l LOGIN alice secret' 's SELECT INBOX' \
		'1 THREAD REFERENCES UTF-8 ALL' |
		timeout 300 "$imapd" 2>"$BATS_TEST_TMPDIR/stderr" |
		tr -d '\r' >out
	grep -x '1 OK threaded' out
	grep '^\* THREAD' out >told
	[ "$(tr -cs 0-9 '\n' <told | grep -c .)" = 20001 ]
	[ "$(tr -cd '(' <told)" = '((' ]
}

@test "the same as Dovecot finds, sorts and threads" {
	[ -x /usr/lib/dovecot/imap ] || skip "no dovecot-imapd"
	python3 "$BATS_TEST_DIRNAME/imap/searches.py" make mail
	run -0 python3 "$BATS_TEST_DIRNAME/imap/searches.py" compare "$imapd" \
		mail "$BATS_TEST_DIRNAME/imap/searches.allowed"
	[[ $output == *'687 commands, 0 differ' ]]
}

@test "a signature rules out no message that has the word" {
	run -0 "$BATS_FILE_TMPDIR/signature" 3000
	[[ $output =~ ^[0-9]+\ words\ found,\ ([0-9]+)\ of\ ([0-9]+)\ others\ ruled\ out$ ]]
	[ $((BASH_REMATCH[1] * 10)) -gt $((BASH_REMATCH[2] * 7)) ]
}

# --- bombs ---

bomb() { # SECONDS ANSWER, the command comes on fd 0
	{
		printf '%s\r\n' 'l LOGIN alice secret' 's SELECT INBOX'
		printf 'b SEARCH '
		cat
		printf '\r\nc NOOP\r\n'
	} | timeout "$1" "$imapd" 2>"$BATS_TEST_TMPDIR/stderr" |
		tr -d '\r' >out
	grep "^b $2" out || { tail -c 300 out; return 1; }
	grep -x 'c OK still here' out
}

@test "searches that want too much" {
	five
	for i in $(seq 4000); do printf 'OR BODY x%d ' "$i"; done |
		sed 's/ $/ ALL/' | bomb 60 'NO \[LIMIT\]'
	printf '(%.0s' $(seq 60000) | bomb 60 'NO \[LIMIT\]'
	printf 'NOT %.0s' $(seq 15000) | bomb 60 'NO \[LIMIT\]'
	{ printf '(%.0s' $(seq 900); printf SEEN; printf ')%.0s' $(seq 900); } |
		bomb 60 'OK found 2'
	{ printf 'NOT %.0s' $(seq 998); printf SEEN; } | bomb 60 'OK found 2'
	{ for i in $(seq 99); do printf 'OR BODY x%d ' "$i"; done; printf SEEN; } |
		bomb 60 'OK found 2'
	{ for i in $(seq 101); do printf 'OR BODY x%d ' "$i"; done; printf SEEN; } |
		bomb 60 'NO \[LIMIT\]'
	{ printf 'BODY {60000+}\r\n'; head -c 60000 /dev/zero | tr '\0' e; } |
		bomb 60 'OK found 0'
}

# --- the index ---

@test "an index that is damaged in any way changes no answer" {
	python3 "$BATS_TEST_DIRNAME/imap/searches.py" make mail
	run -0 timeout 900 python3 "$BATS_TEST_DIRNAME/imap/damage.py" \
		"$imapd" mail 150
	[[ $output == *'150 times damaged, 0 wrong answers'* ]]
}

# A session that is asked one command at a time; $got: its last line.
session_start() {
	coproc IMAPD { exec "$imapd" 2>>"$BATS_TEST_TMPDIR/stderr"; }
	ask 'l LOGIN alice secret'
	ask 's SELECT INBOX'
}

ask() {
	printf '%s\r\n' "$1" >&"${IMAPD[1]}"
	while IFS= read -r -t 60 line <&"${IMAPD[0]}"; do
		[[ $line != "${1%% *} "* ]] || break
		got=${line%$'\r'}
	done
}

session_stop() {
	kill "$IMAPD_PID"
	wait "$IMAPD_PID" || true
}

@test "what has gone, and the client was not told of, is not found" {
	five
	session_start
	ask '1 SEARCH SUBJECT first'
	[ "$got" = '* SEARCH 1 2' ]
	rm "$alice"/cur/1700000000.*
	ask '2 SEARCH SUBJECT first'
	[ "$got" = '* SEARCH 1 2' ] || [ "$got" = '* SEARCH 2' ]
	ask '3 SEARCH ALL'
	[ "$got" = '* SEARCH 2 3 4 5' ]
	ask '4 SEARCH BODY text'
	[ "$got" = '* SEARCH 2' ]
	ask '5 SORT (REVERSE DATE) UTF-8 ALL'
	[ "$got" = '* SORT 5 4 3 2' ]
	ask '6 THREAD ORDEREDSUBJECT UTF-8 ALL'
	[ "$got" = '* THREAD (2)(3)(4)(5)' ]
	ask '7 NOOP'
	ask '8 SEARCH ALL'
	[ "$got" = '* SEARCH 1 2 3 4' ]
	session_stop
}

@test "an index that goes, or is another's, while a session has it" {
	five
	session_start
	ask '1 SEARCH SUBJECT first'
	[ "$got" = '* SEARCH 1 2' ]
	[ -s "$alice/pennypost-index" ]
	rm "$alice/pennypost-index"
	ask '2 SEARCH BODY content'
	[ "$got" = '* SEARCH 4' ]
	ask '3 FETCH 2 EMAILID'
	head -c 3000 /dev/urandom >"$alice/pennypost-index"
	ask '4 SEARCH SUBJECT first'
	[ "$got" = '* SEARCH 1 2' ]
	: >"$alice/pennypost-index"
	ask '5 SORT (SUBJECT) UTF-8 ALL'
	[ "$got" = '* SORT 1 2 4 5 3' ]
	put new/1700000009.M1.h 'Subject: sixth\n\nfirst\n'
	ask '6 NOOP'
	ask '7 SEARCH TEXT first'
	[ "$got" = '* SEARCH 1 2 6' ]
	# It is whole again: another session reads no mail for an answer.
	strace -f -e "trace=/^open" -o trace "$imapd" >out \
		2>>"$BATS_TEST_TMPDIR/stderr" <<<$'l LOGIN alice secret\r
s SELECT INBOX\r\n1 SEARCH SUBJECT first\r'
	grep -q 'SEARCH 1 2' out
	run -1 grep '"17[0-9]*.M1.h' trace
	session_stop
}

@test "an index of another format is made anew, and nobody hears of it" {
	local index=$alice/pennypost-index
	five
	printf '%s\r\n' 'l LOGIN alice secret' 's SELECT INBOX' \
		'1 SORT (SUBJECT) UTF-8 ALL' '2 FETCH 1:5 EMAILID' >says.txt
	"$imapd" <says.txt >out 2>"$BATS_TEST_TMPDIR/stderr"
	cp "$index" first
	for way in -1 +1; do
		python3 - "$index" $way <<-'END'
		import struct, sys
		with open(sys.argv[1], "r+b") as f:
		    format, = struct.unpack_from("=I", f.read(), 8)
		    f.seek(8)
		    f.write(struct.pack("=I", format + int(sys.argv[2])))
		END
		run -1 cmp first "$index"
		"$imapd" <says.txt >out 2>log
		grep -x $'\* SORT 1 2 4 5 3\r' out
		run -1 grep -v -e login -e session log
		cmp first "$index"
	done
}

@test "an index without room, or that cannot be written" {
	five
	printf '%s\r\n' 'l LOGIN alice secret' 's SELECT INBOX' \
		'1 SEARCH SUBJECT first' '2 SEARCH BODY content' >says.txt
	"$imapd" <says.txt >out 2>"$BATS_TEST_TMPDIR/stderr" # the journal is made
	for how in pwrite64:error=ENOSPC ftruncate:error=EIO \
		pwrite64:error=EIO:when=2+; do
		head -c 3000 /dev/urandom >"$alice/pennypost-index"
		strace -f -e trace=pwrite64,ftruncate -e inject="$how" \
			-o /dev/null "$imapd" <says.txt >out \
			2>"$BATS_TEST_TMPDIR/stderr.$how"
		grep -x $'\* SEARCH 1 2\r' out
		grep -x $'\* SEARCH 4\r' out
	done
	ln -sf /dev/null "$alice/pennypost-index"
	"$imapd" <says.txt >out 2>"$BATS_TEST_TMPDIR/stderr.link"
	grep -x $'\* SEARCH 1 2\r' out
}

@test "an index whose messages have gone is made smaller" {
	local i size
	for i in $(seq 1500); do
		echo "Subject: $i" >"$alice/cur/$((1700000000 + i)).h:2,S"
	done
	talk() {
		printf '%s\r\n' 'l LOGIN alice secret' 's SELECT INBOX' "$@" |
			"$imapd" 2>>"$BATS_TEST_TMPDIR/stderr" | tr -d '\r'
	}
	talk '1 SEARCH SUBJECT 150' '2 FETCH 1:* PREVIEW' | grep -c SEARCH
	size=$(stat -c %s "$alice/pennypost-index")
	rm "$alice"/cur/1700000[0-9]* "$alice"/cur/17000010*
	echo 'Subject: 1600' >"$alice/new/1800000000.h"
	talk '1 SEARCH SUBJECT 1600' | grep -x '\* SEARCH 402'
	[ "$(stat -c %s "$alice/pennypost-index")" -lt $((size / 2)) ]
	talk '1 SEARCH SUBJECT 1500' '2 FETCH 1 ENVELOPE' |
		grep -x '\* SEARCH 401'
	# All of it has come along, what is known of whole messages, too.
	printf '%s\r\n' 'l LOGIN alice secret' 's SELECT INBOX' \
		'1 FETCH 1:401 (ENVELOPE BODYSTRUCTURE PREVIEW)' |
		strace -f -e "trace=/^open" -o trace "$imapd" >out \
			2>>"$BATS_TEST_TMPDIR/stderr"
	[ "$(grep -c 'FETCH.*BODYSTRUCTURE' out)" = 401 ]
	run -1 grep '"1700.*.h' trace
}

@test "W= that lies; a size is the same in SEARCH, SORT and FETCH" {
	put cur/1.h,S=20,W=9999:2, 'Subject: a\n\nbody\n'
	put cur/2.h,S=20:2, 'Subject: a\n\nlonger body\n'
	printf '%s\r\n' 'l LOGIN alice secret' 's SELECT INBOX' \
		'1 FETCH 1:2 RFC822.SIZE' '2 SEARCH LARGER 1000' \
		'3 SORT (SIZE) UTF-8 ALL' '4 FETCH 1 (RFC822.SIZE BODY.PEEK[])' |
		"$imapd" 2>>"$BATS_TEST_TMPDIR/stderr" | tr -d '\r' >out
	cat out
	local sizes
	sizes=$(sed -n 's/^\* 1 FETCH (RFC822.SIZE \([0-9]*\).*/\1/p' out |
		sort -u)
	[ "$(wc -l <<<"$sizes")" = 1 ]
}
