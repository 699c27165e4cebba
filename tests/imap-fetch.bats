#!/usr/bin/env bats
# imapd: FETCH, what it says and what it refuses.

load helper

setup() {
	home_make
	imapd=$PROGRAMS/imapd
	alice=$MAIL/alice
}

# put NAME TEXT: a message in alice's Maildir
put() {
	printf '%b' "$2" >"$alice/$1"
}

three() {
	put cur/1000.M1.host,S=34,W=39:2,S \
		'Subject: one\nFrom: a@b.test\n\nfirst\n'
	put cur/1001.M1.host:2,FS 'Subject: two\nMIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

pre
--b
Content-Type: text/plain
Content-Transfer-Encoding: base64

aGVsbG8gAHdvcmxk
--b
Content-Type: message/rfc822

Subject: inner
From: q@r.test

inner text
--b
Content-Transfer-Encoding: x-unknown

foo
--b--
'
	put cur/1002.M1.host:2,S 'Subject: three\n\nnul\0here\r\nend'
	touch -d '2026-11-22 14:20:05 UTC' "$alice"/cur/*
}

# opened COMMAND ANSWER: login and SELECT or EXAMINE of three messages
opened() {
	cat <<TALK
S: * OK [CAPABILITY *
C: l LOGIN alice secret
S: l OK *
C: $1 INBOX
S: * FLAGS *
S: * OK [PERMANENTFLAGS *
S: * EXISTS
S: * RECENT
S: * OK [UIDVALIDITY *
S: * OK [UIDNEXT *
S: * OK [HIGHESTMODSEQ *
S: * OK [MAILBOXID *
S: $2
TALK
}

# examine <TALK: read-only, so that it can be said twice
examine() {
	both "$imapd" < <(opened 'e EXAMINE' 'e OK *'; cat)
}

select_once() {
	pipe "$imapd" < <(opened 's SELECT' 's OK *'; cat)
}

@test "the items, and the macros" {
	three
	examine <<'TALK'
C: a FETCH 1 UID
S: * 1 FETCH (UID 1)
S: a OK fetched
C: b fetch 3,1:2 (uid Flags)
S: * 1 FETCH (UID 1 FLAGS (\Seen*))
S: * 2 FETCH (UID 2 FLAGS (\Flagged \Seen*))
S: * 3 FETCH (UID 3 FLAGS (\Seen*))
S: b OK fetched
C: c FETCH 1 FAST
S: * 1 FETCH (FLAGS (\Seen*) INTERNALDATE "22-Nov-2026 14:20:05 +0000" RFC822.SIZE 39)
S: c OK fetched
C: d FETCH 1 ALL
S: * 1 FETCH (FLAGS (\Seen*) INTERNALDATE "22-Nov-2026 14:20:05 +0000" RFC822.SIZE 39 ENVELOPE (NIL "one" ((NIL NIL "a" "b.test")) ((NIL NIL "a" "b.test")) ((NIL NIL "a" "b.test")) NIL NIL NIL NIL NIL))
S: d OK fetched
C: e FETCH 1 full
S: * 1 FETCH (FLAGS (\Seen*) INTERNALDATE "22-Nov-2026 14:20:05 +0000" RFC822.SIZE 39 ENVELOPE (NIL "one" ((NIL NIL "a" "b.test")) ((NIL NIL "a" "b.test")) ((NIL NIL "a" "b.test")) NIL NIL NIL NIL NIL) BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 7 1))
S: e OK fetched
C: f FETCH 1 (BODY BODYSTRUCTURE)
S: * 1 FETCH (BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 7 1) BODYSTRUCTURE ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 7 1 NIL NIL NIL NIL))
S: f OK fetched
C: g FETCH 3 (RFC822.SIZE)
S: * 3 FETCH (RFC822.SIZE 31)
S: g OK fetched
C: h UID FETCH 2:3 (FLAGS)
S: * 2 FETCH (UID 2 FLAGS (\Flagged \Seen*))
S: * 3 FETCH (UID 3 FLAGS (\Seen*))
S: h OK fetched
C: i UID FETCH 4:99,4294967295 (FLAGS)
S: i OK fetched
C: j FETCH 1 (EMAILID THREADID SAVEDATE)
S: * 1 FETCH (EMAILID (*) THREADID NIL SAVEDATE "01-Jan-1970 00:16:40 +0000")
S: j OK fetched
C: k FETCH 1:2 PREVIEW
S: * 1 FETCH (PREVIEW "first")
S: * 2 FETCH (PREVIEW "*world")
S: k OK fetched
C: m FETCH 1 (PREVIEW (LAZY) UID)
S: * 1 FETCH (UID 1 PREVIEW "first")
S: m OK fetched
C: n FETCH 1 PREVIEW (LAZY)
S: * 1 FETCH (PREVIEW "first")
S: n OK fetched
C: o FETCH 1 (UID UID UID)
S: * 1 FETCH (UID 1)
S: o OK fetched
TALK
}

@test "what is malformed" {
	local n=0 bad
	three
	while IFS= read -r bad; do
		n=$((n + 1))
		printf 'C: b%d %s\nS: b%d BAD *\n' $n "$bad" $n
	done >"$BATS_TEST_TMPDIR/bad" <<'BAD'
FETCH
FETCH 1
FETCH 1 
FETCH  1 UID
FETCH 1 ()
FETCH 1 (UID
FETCH 1 UID)
FETCH 1 (UID )
FETCH 1 ( UID)
FETCH 1 (UID  FLAGS)
FETCH 1 UID FLAGS
FETCH 1 (ALL)
FETCH 1 (FAST UID)
FETCH 1 NOTHING
FETCH 1 "UID"
FETCH 0 UID
FETCH 01 UID
FETCH -1 UID
FETCH 1,, UID
FETCH 1:2:3 UID
FETCH 4 UID
FETCH 3:4 UID
FETCH 2147483647 UID
FETCH 4294967295 UID
FETCH 4294967296 UID
FETCH 9223372036854775808 UID
FETCH 18446744073709551616 UID
FETCH 1000000000000000000000000000000 UID
UID FETCH 0 UID
UID FETCH 4294967296 UID
UID FETCH 1000000000000000000000000000000 UID
UID FETCH * 
FETCH 1 BODY[
FETCH 1 BODY]
FETCH 1 BODY.PEEK
FETCH 1 BODY[1
FETCH 1 BODY[1.]
FETCH 1 BODY[.1]
FETCH 1 BODY[0]
FETCH 1 BODY[01]
FETCH 1 BODY[1.0]
FETCH 1 BODY[-1]
FETCH 1 BODY[4294967296]
FETCH 1 BODY[1000000000000000000000000000000]
FETCH 1 BODY[MIME]
FETCH 1 BODY[TEXT.1]
FETCH 1 BODY[1 TEXT]
FETCH 1 BODY[HEADER.FIELDS]
FETCH 1 BODY[HEADER.FIELDS ]
FETCH 1 BODY[HEADER.FIELDS ()]
FETCH 1 BODY[HEADER.FIELDS (From]
FETCH 1 BODY[HEADER.FIELDS (From)
FETCH 1 BODY[HEADER.FIELDS From]
FETCH 1 BODY[HEADER.FIELDS (From  To)]
FETCH 1 BODY[HEADER (From)]
FETCH 1 BODY[]<>
FETCH 1 BODY[]<1>
FETCH 1 BODY[]<1.>
FETCH 1 BODY[]<.1>
FETCH 1 BODY[]<0.0>
FETCH 1 BODY[]<0.01>
FETCH 1 BODY[]<-1.1>
FETCH 1 BODY[]<0.-1>
FETCH 1 BODY[]<0.1
FETCH 1 BODY[]<9223372036854775808.1>
FETCH 1 BODY[]<0.9223372036854775808>
FETCH 1 BODY[]<18446744073709551616.1>
FETCH 1 BODY[]<1000000000000000000000000000000.1>
FETCH 1 BODY[] <0.1>
FETCH 1 BINARY
FETCH 1 BINARY[TEXT]
FETCH 1 BINARY[1.MIME]
FETCH 1 BINARY.SIZE[1]<0.1>
FETCH 1 BINARY.SIZE.PEEK[1]
FETCH 1 RFC822[]
FETCH 1 RFC822.PEEK
FETCH 1 UID ()
FETCH 1 UID (NOTHING)
FETCH 1 UID (CHANGEDSINCE)
FETCH 1 UID (CHANGEDSINCE -1)
FETCH 1 UID (CHANGEDSINCE 9223372036854775808)
FETCH 1 UID (CHANGEDSINCE 1000000000000000000000000000000)
FETCH 1 UID (CHANGEDSINCE 1 CHANGEDSINCE 1)
FETCH 1 UID (CHANGEDSINCE 1 VANISHED)
UID FETCH 1 UID (VANISHED)
UID FETCH 1 UID (CHANGEDSINCE 1 VANISHED)
UID FETCH 1 UID (PARTIAL)
UID FETCH 1 UID (PARTIAL 1)
UID FETCH 1 UID (PARTIAL 0:1)
UID FETCH 1 UID (PARTIAL 1:0)
UID FETCH 1 UID (PARTIAL 1:*)
UID FETCH 1 UID (PARTIAL -1:1)
UID FETCH 1 UID (PARTIAL 1:-1)
UID FETCH 1 UID (PARTIAL 1:4294967296)
UID FETCH 1 UID (PARTIAL 1:1 PARTIAL 1:1)
FETCH 1 PREVIEW (EAGER)
BAD
	[ $n -gt 90 ]
	# Not all in one session, which would end it.
	split -l 160 "$BATS_TEST_TMPDIR/bad" "$BATS_TEST_TMPDIR/bad."
	for bad in "$BATS_TEST_TMPDIR"/bad.*; do
		examine <"$bad"
	done
}

@test "sections: what there is, what is not, and parts of it" {
	three
	examine <<'TALK'
C: a FETCH 1 BODY[]
S: * 1 FETCH (BODY[] {39}
S: Subject: one
S: From: a@b.test
S:
S: first
S: )
S: a OK fetched
C: b FETCH 1 (BODY[HEADER] body[text])
S: * 1 FETCH (BODY[HEADER] {32}
S: Subject: one
S: From: a@b.test
S:
S:  BODY[TEXT] {7}
S: first
S: )
S: b OK fetched
C: c FETCH 1 BODY.PEEK[HEADER.FIELDS (subject "To" {4}
S: + go on
C: X(y))]
S: * 1 FETCH (BODY[HEADER.FIELDS (subject To "X(y)")] {16}
S: Subject: one
S:
S: )
S: c OK fetched
C: d FETCH 1 BODY[HEADER.FIELDS.NOT (SUBJECT)]
S: * 1 FETCH (BODY[HEADER.FIELDS.NOT (SUBJECT)] {18}
S: From: a@b.test
S:
S: )
S: d OK fetched
C: e FETCH 1 (RFC822.HEADER RFC822.TEXT RFC822)
S: * 1 FETCH (RFC822.HEADER {32}
S: Subject: one
S: From: a@b.test
S:
S:  RFC822.TEXT {7}
S: first
S:  RFC822 {39}
S: Subject: one
S: From: a@b.test
S:
S: first
S: )
S: e OK fetched
C: f FETCH 2 (BODY[1] BODY[1.MIME] BODY[2.HEADER] BODY[2.TEXT] BODY[2.1])
S: * 2 FETCH (BODY[1] {16}
S: aGVsbG8gAHdvcmxk BODY[1.MIME] {63}
S: Content-Type: text/plain
S: Content-Transfer-Encoding: base64
S:
S:  BODY[2.HEADER] {34}
S: Subject: inner
S: From: q@r.test
S:
S:  BODY[2.TEXT] {10}
S: inner text BODY[2.1] {10}
S: inner text)
S: f OK fetched
C: g FETCH 1:2 (UID BODY[9] BODY[1.1] BODY[1.HEADER] BODY[4294967295]<0.1>)
S: * 1 FETCH (UID 1 BODY[9] NIL BODY[1.1] NIL BODY[1.HEADER] NIL BODY[4294967295]<0> NIL)
S: * 2 FETCH (UID 2 BODY[9] NIL BODY[1.1] NIL BODY[1.HEADER] NIL BODY[4294967295]<0> NIL)
S: g OK fetched
C: h FETCH 1 (BODY[]<0.7> BODY[]<9.4> BODY[TEXT]<00.1> BODY[TEXT]<5.2147483647>)
S: * 1 FETCH (BODY[]<0> {7}
S: Subject BODY[]<9> {4}
S: one<CR> BODY[TEXT]<0> {1}
S: f BODY[TEXT]<5> {2}
S:
S: )
S: h OK fetched
C: i FETCH 1 (BODY[TEXT]<6.4294967295> BODY[TEXT]<7.1> BODY[TEXT]<4294967295.1>)
S: * 1 FETCH (BODY[TEXT]<6> {1}
S: <LF>
S:  BODY[TEXT]<7> {0}
S:  BODY[TEXT]<4294967295> {0}
S: )
S: i OK fetched
C: j FETCH 1 (BODY[TEXT]<4294967296.1> BODY[TEXT]<9223372036854775807.9223372036854775807>)
S: * 1 FETCH (BODY[TEXT]<4294967296> {0}
S:  BODY[TEXT]<9223372036854775807> {0}
S: )
S: j OK fetched
TALK
}

@test "no NUL in a literal, and the octets of BINARY" {
	three
	opened 'e EXAMINE' 'e OK *' | sed -n 's/^C: //p' >in
	printf '%s\n' 'a FETCH 3 BODY[TEXT]' 'b FETCH 3 BINARY[1]' \
		'c FETCH 2 (BINARY[1] BINARY.SIZE[1] BINARY[1]<5.2>)' \
		'd FETCH 3 BODY[]<20.1>' 'e FETCH 1 BINARY[1]' \
		'f FETCH 1 (BINARY[9] BINARY.SIZE[9] BINARY[])' >>in
	sed 's/$/\r/' in | "$imapd" 2>/dev/null | sed '1,/^e OK/d' | tr -d '\r' |
		LC_ALL=C sed 's/\x80/<80>/g; s/\x00/<00>/g' |
		diff - <(cat <<'SAID'
* 3 FETCH (BODY[TEXT] {13}
nul<80>here
end)
a OK fetched
* 3 FETCH (BINARY[1] ~{13}
nul<00>here
end)
b OK fetched
* 2 FETCH (BINARY[1] ~{12}
hello <00>world BINARY.SIZE[1] 12 BINARY[1]<5> ~{2}
 <00>)
c OK fetched
* 3 FETCH (BODY[]<20> {1}
l)
d OK fetched
* 1 FETCH (BINARY[1] {7}
first
)
e OK fetched
* 1 FETCH (BINARY[9] NIL BINARY.SIZE[9] 0 BINARY[] {39}
Subject: one
From: a@b.test

first
)
f OK fetched
SAID
)
}

@test "piece by piece, in a command each, of messages that are equally long" {
	local n text=(AAAA BBBB)
	for n in 0 1; do
		put cur/100$n.M1.host:2,S "Content-Type: multipart/mixed; boundary=b

--b
Content-Transfer-Encoding: base64

$(printf '%s' "first ${text[n]}" | base64)
--b
Content-Transfer-Encoding: base64

$(printf '%s' "second ${text[n]}" | base64)
--b--
"
	done
	examine <<'TALK'
C: a FETCH 1 BINARY[1]<0.4>
S: * 1 FETCH (BINARY[1]<0> {4}
S: firs)
S: a OK fetched
C: b FETCH 1 BINARY[1]<4.4>
S: * 1 FETCH (BINARY[1]<4> {4}
S: t AA)
S: b OK fetched
C: c FETCH 2 BINARY[1]<4.4>
S: * 2 FETCH (BINARY[1]<4> {4}
S: t BB)
S: c OK fetched
C: d FETCH 2 (BINARY[2]<4.5> BINARY[1]<4.4> BINARY.SIZE[2])
S: * 2 FETCH (BINARY[2]<4> {5}
S: nd BB BINARY[1]<4> {4}
S: t BB BINARY.SIZE[2] 11)
S: d OK fetched
C: e FETCH 1:2 (BINARY[2]<7.9> BODY[2]<0.4>)
S: * 1 FETCH (BINARY[2]<7> {4}
S: AAAA BODY[2]<0> {4}
S: c2Vj)
S: * 2 FETCH (BINARY[2]<7> {4}
S: BBBB BODY[2]<0> {4}
S: c2Vj)
S: e OK fetched
C: f FETCH 2,1 BINARY[2]<7.9>
S: * 1 FETCH (BINARY[2]<7> {4}
S: AAAA)
S: * 2 FETCH (BINARY[2]<7> {4}
S: BBBB)
S: f OK fetched
C: g FETCH 1 (BINARY[9]<0.1> BINARY[2]<7.9>)
S: * 1 FETCH (BINARY[9]<0> NIL BINARY[2]<7> {4}
S: AAAA)
S: g OK fetched
TALK
}

@test "BINARY of what cannot be decoded: NO, and the rest" {
	three
	examine <<'TALK'
C: a FETCH 1:3 (UID BINARY.PEEK[3])
S: * 1 FETCH (UID 1 BINARY[3] NIL)
S: * 2 FETCH (UID 2)
S: * 3 FETCH (UID 3 BINARY[3] NIL)
S: a NO [UNKNOWN-CTE] *
C: b FETCH 2 BINARY.SIZE[3]
S: b NO [UNKNOWN-CTE] *
C: c FETCH 2 (BODY.PEEK[3] BINARY.PEEK[3])
S: * 2 FETCH (BODY[3] {3}
S: foo)
S: c NO [UNKNOWN-CTE] *
TALK
}

@test "\\Seen: by what is read, and by nothing else" {
	local before
	put cur/1000.M1.host:2, 'Subject: one\n\nfirst\n'
	put cur/1001.M1.host:2,F 'Subject: two\n\nsecond\n'
	put cur/1002.M1.host:2,S 'Subject: three\n\nthird\n'
	before=$(ls "$alice/cur")
	pipe "$imapd" < <(opened 'e EXAMINE' 'e OK *' |
		sed 's/^S: .*RECENT/&\nS: * OK [UNSEEN 1] */'; cat <<'TALK'
C: a FETCH 1:* (RFC822.TEXT)
S: * 1 FETCH (RFC822.TEXT {7}
S: first
S: )
S: * 2 FETCH (RFC822.TEXT {8}
S: second
S: )
S: * 3 FETCH (RFC822.TEXT {7}
S: third
S: )
S: a OK fetched
TALK
)
	[ "$(ls "$alice/cur")" = "$before" ]
	pipe "$imapd" < <(opened 's SELECT' 's OK *' |
		sed 's/^S: .*RECENT/&\nS: * OK [UNSEEN 1] */'; cat <<'TALK'
C: a FETCH 1:3 (BODY.PEEK[TEXT]<0.1> RFC822.HEADER BODY ENVELOPE PREVIEW)
S: * 1 FETCH (*
S: f RFC822.HEADER {16}
S: Subject: one
S:
S: )
S: * 2 FETCH (*
S: s RFC822.HEADER {16}
S: Subject: two
S:
S: )
S: * 3 FETCH (*
S: t RFC822.HEADER {18}
S: Subject: three
S:
S: )
S: a OK fetched
C: b FETCH 1:3 (BINARY.PEEK[1]<0.1> BINARY.SIZE[1])
S: * 1 FETCH (*
S: f BINARY.SIZE[1] 7)
S: * 2 FETCH (*
S: s BINARY.SIZE[1] 8)
S: * 3 FETCH (*
S: t BINARY.SIZE[1] 7)
S: b OK fetched
C: c FETCH 1:3 FLAGS
S: * 1 FETCH (FLAGS (\Recent))
S: * 2 FETCH (FLAGS (\Flagged \Recent))
S: * 3 FETCH (FLAGS (\Seen \Recent))
S: c OK fetched
C: d FETCH 1:3 BODY[TEXT]<0.1>
S: * 1 FETCH (BODY[TEXT]<0> {1}
S: f)
S: * 2 FETCH (BODY[TEXT]<0> {1}
S: s)
S: * 3 FETCH (BODY[TEXT]<0> {1}
S: t)
S: * 1 FETCH (FLAGS (\Seen \Recent))
S: * 2 FETCH (FLAGS (\Flagged \Seen \Recent))
S: d OK fetched
C: e FETCH 1:3 BODY[TEXT]<0.1>
S: * 1 FETCH (BODY[TEXT]<0> {1}
S: f)
S: * 2 FETCH (BODY[TEXT]<0> {1}
S: s)
S: * 3 FETCH (BODY[TEXT]<0> {1}
S: t)
S: e OK fetched
TALK
)
	ls "$alice/cur" | diff - <(printf '%s\n' 1000.M1.host:2,S \
		1001.M1.host:2,FS 1002.M1.host:2,S)
}

@test "who hangs up has not seen it" {
	head -c 3000000 /dev/zero | tr '\0' 'x' | fold -w 70 >body
	{ printf 'Subject: large\n\n'; cat body; } >"$alice/cur/1000.M1.host:2,"
	printf 'a LOGIN alice secret\r\nb SELECT INBOX\r\nc FETCH 1 BODY[]\r\n' |
		{ "$imapd" || true; } 2>/dev/null | head -c 5000 >out
	grep -q '^\* 1 FETCH (BODY\[\] {' out
	[ -e "$alice/cur/1000.M1.host:2," ]
}

@test "MODSEQ, CHANGEDSINCE, VANISHED" {
	local since
	three
	select_once <<'TALK'
C: a UID FETCH 1:3 (UID)
S: * 1 FETCH (UID 1)
S: * 2 FETCH (UID 2)
S: * 3 FETCH (UID 3)
S: a OK fetched
C: b FETCH 1 FLAGS
S: * 1 FETCH (FLAGS (\Seen \Recent))
S: b OK fetched
C: c FETCH 1 MODSEQ
S: * OK [HIGHESTMODSEQ *] is the highest
S: * 1 FETCH (MODSEQ (*))
S: c OK fetched
C: d FETCH 1 FLAGS
S: * 1 FETCH (FLAGS (\Seen \Recent) MODSEQ (*))
S: d OK fetched
C: e STORE 2 +FLAGS.SILENT (\Answered)
S: * 2 FETCH (UID 2 MODSEQ (*))
S: e OK *
TALK
	since=$(sed -n 's/^\* 1 FETCH (MODSEQ (\([0-9]*\)))$/\1/p' \
		"$BATS_TEST_TMPDIR/shown")
	pipe "$imapd" < <(opened 's SELECT' 's OK *'; cat <<TALK
C: a FETCH 1:3 UID (CHANGEDSINCE $since)
S: * OK [HIGHESTMODSEQ *] is the highest
S: * 2 FETCH (UID 2 MODSEQ (*))
S: a OK fetched
C: b FETCH 1:3 (UID FLAGS) (CHANGEDSINCE 0)
S: * 1 FETCH (UID 1 FLAGS (\Seen) MODSEQ ($since))
S: * 2 FETCH (UID 2 FLAGS (\Answered \Flagged \Seen) MODSEQ (*))
S: * 3 FETCH (UID 3 FLAGS (\Seen) MODSEQ ($since))
S: b OK fetched
C: c FETCH 1:3 FLAGS (CHANGEDSINCE 9223372036854775807)
S: c OK fetched
C: d STORE 1 +FLAGS.SILENT (\Deleted)
S: * 1 FETCH (UID 1 MODSEQ (*))
S: d OK *
C: e EXPUNGE
S: * 1 EXPUNGE
S: e OK *
C: f UID FETCH 1:3 FLAGS (CHANGEDSINCE $since VANISHED)
S: f BAD *
C: g ENABLE QRESYNC
S: * ENABLED QRESYNC
S: g OK *
C: h FETCH 1:2 FLAGS (CHANGEDSINCE $since VANISHED)
S: h BAD *
C: i UID FETCH 1:3 FLAGS (VANISHED CHANGEDSINCE $since)
S: * VANISHED (EARLIER) 1
S: * 1 FETCH (UID 2 FLAGS (\Answered \Flagged \Seen) MODSEQ (*))
S: i OK fetched
C: j UID FETCH 2:3 (UID) (CHANGEDSINCE $since VANISHED)
S: * 1 FETCH (UID 2 MODSEQ (*))
S: j OK fetched
TALK
)
}

@test "PARTIAL" {
	three
	put cur/1003.M1.host:2,S 'Subject: four\n\nfourth\n'
	put cur/1004.M1.host:2,S 'Subject: five\n\nfifth\n'
	examine <<'TALK'
C: a UID FETCH 1:* UID (PARTIAL 2:3)
S: * 2 FETCH (UID 2)
S: * 3 FETCH (UID 3)
S: a OK fetched
C: b UID FETCH 1,3:5 UID (PARTIAL -1:-2)
S: * 4 FETCH (UID 4)
S: * 5 FETCH (UID 5)
S: b OK fetched
C: c UID FETCH 1,3:5 UID (PARTIAL 2:1)
S: * 1 FETCH (UID 1)
S: * 3 FETCH (UID 3)
S: c OK fetched
C: d UID FETCH 1:* UID (PARTIAL 6:4294967295)
S: d OK fetched
C: e UID FETCH 1:* UID (PARTIAL -6:-4294967295)
S: e OK fetched
C: f UID FETCH 1:* UID (PARTIAL -4:-4294967295)
S: * 1 FETCH (UID 1)
S: * 2 FETCH (UID 2)
S: f OK fetched
C: g UID FETCH 1:* UID (PARTIAL 1:1 CHANGEDSINCE 9223372036854775807)
S: * OK [HIGHESTMODSEQ *] is the highest
S: g OK fetched
C: h FETCH 2:5 UID (PARTIAL 1:1)
S: * 2 FETCH (UID 2)
S: h OK fetched
TALK
}

@test "messages that others remove while a session has them" {
	three
	coproc S { exec "$imapd" 2>/dev/null; }
	local pid=$S_PID line
	exec 8<&"${S[0]}" 9>&"${S[1]}"
	eval "exec ${S[0]}<&- ${S[1]}>&-"
	say() { printf '%s\r\n' "$1" >&9; }
	hear() { # TAG: all that is said, to this answer
		while IFS= read -r -t 60 line <&8; do
			line=${line%$'\r'}
			echo "$line"
			[[ $line != "$1 "* ]] || break
		done
	}
	say 'l LOGIN alice secret'
	say 's SELECT INBOX'
	hear s >/dev/null
	rm "$alice"/cur/1001.*
	# Its numbers stay while commands count by them: RFC 3501 7.4.1.
	say 'a FETCH 1:3 (UID BODY.PEEK[TEXT]<0.1>)'
	hear a | diff - <(printf '%s\n' '* 1 FETCH (UID 1 BODY[TEXT]<0> {1}' \
		'f)' '* 3 FETCH (UID 3 BODY[TEXT]<0> {1}' 'n)' \
		'a NO [EXPUNGEISSUED] some are no longer there')
	say 'b FETCH 1:3 (UID FLAGS)'
	hear b | diff - <(printf '%s\n' '* 1 FETCH (UID 1 FLAGS (\Seen \Recent))' \
		'* 2 FETCH (UID 2 FLAGS (\Flagged \Seen \Recent))' \
		'* 3 FETCH (UID 3 FLAGS (\Seen \Recent))' 'b OK fetched')
	say 'c UID FETCH 1:3 (BODY.PEEK[TEXT]<0.1>)'
	hear c | diff - <(printf '%s\n' '* 1 FETCH (UID 1 BODY[TEXT]<0> {1}' \
		'f)' '* 3 FETCH (UID 3 BODY[TEXT]<0> {1}' 'n)' '* 2 EXPUNGE' \
		'c OK fetched')
	# A new name of it is found.
	mv "$alice"/cur/1002.M1.host:2,S "$alice"/cur/1002.M1.host:2,FS
	say 'd FETCH 2 (BODY.PEEK[TEXT]<0.1>)'
	hear d | diff - <(printf '%s\n' '* 2 FETCH (BODY[TEXT]<0> {1}' 'n)' \
		'* 2 FETCH (FLAGS (\Flagged \Seen \Recent))' 'd OK fetched')
	exec 9>&- 8<&-
	wait "$pid"
}

@test "larger than this server takes into memory: NO, and the rest" {
	three
	put cur/1003.M1.host,S=200000000,W=200000000:2,S 'Subject: x\n\ny\n'
	examine <<'TALK'
C: a FETCH 3:4 (UID BODY[TEXT]<0.1>)
S: * 3 FETCH (UID 3 BODY[TEXT]<0> {1}
S: n)
S: a NO [LIMIT] *
C: b FETCH 4 (RFC822.SIZE BODY[HEADER])
S: * 4 FETCH (RFC822.SIZE 200000000 BODY[HEADER] {14}
S: Subject: x
S:
S: )
S: b OK fetched
TALK
}

@test "an empty mailbox, and one of many messages" {
	local i
	examine <<'TALK'
C: a FETCH 1:* FLAGS
S: a OK *
C: b UID FETCH 1:* FLAGS
S: b OK *
TALK
	for i in $(seq 2000); do
		echo "Subject: $i" >"$alice/cur/$((100000 + i)).M1.host:2,S"
	done
	printf '%s\r\n' 'a LOGIN alice secret' 'b EXAMINE INBOX' \
		'c FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])' |
		"$imapd" 2>/dev/null | sed 's/ .Recent//; s/\r$//' | sed -n '/^b OK/,$p' | sed 1d |
		diff - <(for i in $(seq 2000); do
			printf '* %d FETCH (UID %d FLAGS (\\Seen) BODY%s {%d}\n%s\n)\n' \
				"$i" "$i" '[HEADER.FIELDS (SUBJECT)]' $((11 + ${#i})) \
				"Subject: $i"
		done; echo 'c OK fetched')
}

@test "sections and BINARY as Dovecot has them, on mail right and wrong" {
	[ -x /usr/lib/dovecot/imap ] || skip "no dovecot-imapd"
	python3 "$BATS_TEST_DIRNAME"/imap/mail.py "$BATS_TEST_TMPDIR/mail"
	run -0 python3 "$BATS_TEST_DIRNAME"/imap/sections.py "$imapd" \
		"$BATS_TEST_TMPDIR/mail" "$BATS_TEST_DIRNAME/imap/sections.allowed"
	[[ $output =~ [0-9]{3}\ messages,\ [0-9]{5}\ answers ]]
}
