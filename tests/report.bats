#!/usr/bin/env bats
# Reports to senders: delivery status notifications, whole, and as a program
# that knows MIME reads them.

load helper
load queue/lib

setup_file() {
	queue_programs
}

setup() {
	queue_home
	message=$'Received: from x\nMessage-ID: <original@far.test>\nSubject: Lunch\n\nHello.\n--=_0'
}

# A report as it came, with what is another each time made plain.
report() { # ID
	sed -e 's/=_[0-9a-f]\{32\}/=_BOUNDARY/' -e 's/^\tb/TAB b/' \
		-e 's/[A-Z][a-z][a-z], [0-9]* [A-Z][a-z][a-z] 2[0-9]* [0-9:]* +0000/TIME/' \
		"$PENNYPOST_HOME/box/$1.0"
}

same() { # ID: as in stdin
	diff - <(report "$1")
}

# What Python's parser makes of it: types, and the fields of the status part.
parsed() { # ID
	python3 - "$PENNYPOST_HOME/box/$1.0" <<-'EOT'
		import email, email.policy, quopri, sys
		m = email.message_from_binary_file(open(sys.argv[1], "rb"),
		    policy=email.policy.default)
		defects = [p.defects for p in m.walk() if p.defects]
		assert not defects, defects
		print(m.get_content_type(), m.get_param("report-type"))
		for part in m.iter_parts():
		    print(part.get_content_type(), part["Content-Transfer-Encoding"])
		    if part.get_content_type() == "message/global-delivery-status":
		        text = part.as_bytes().split(b"\n\n", 1)[1]
		        if part["Content-Transfer-Encoding"] == "quoted-printable":
		            text = quopri.decodestring(text)
		        print(text.decode())
		    if part.get_content_type() == "message/delivery-status":
		        for block in part.get_payload():
		            for key, value in block.items():
		                print("  %s: %s" % (key, value))
	EOT
}

@test "failure: the whole report" {
	head=$'ret full\nenvid QQ+2B314+20159' put A.0 alice@example.test \
		'. <never-1@a.test> notify=FAILURE,DELAY orcpt=rfc822;Never+2B1@b.test' \
		'. <ok@a.test>' '. <full-2@a.test>' '. <never-3@b.test>'
	run_quick
	same A.0-f0 <<-'EOT'
		From: Mail Delivery System <MAILER-DAEMON@mx.example.test>
		To: <alice@example.test>
		Subject: Your message could not be delivered
		Date: TIME
		Message-ID: <A.0-f0@mx.example.test>
		In-Reply-To: <original@far.test>
		References: <original@far.test>
		Auto-Submitted: auto-replied
		MIME-Version: 1.0
		Content-Type: multipart/report; report-type=delivery-status;
		TAB boundary="=_BOUNDARY"

		This is a report in the form of RFC 3464.

		--=_BOUNDARY
		Content-Description: what happened
		Content-Type: text/plain

		This is the mail server mx.example.test.

		Your message could not be delivered to:

		<never-1@a.test>
		    The mail server mx.far.test says:
		        550 5.1.1 No such user
		    The other side does not know this address. Look at how it is
		    written, and send the message again.

		<never-3@b.test>
		    The mail server mx.far.test says:
		        550 5.1.1 No such user
		    The other side does not know this address. Look at how it is
		    written, and send the message again.

		It will not be tried again.

		The message came to this server on TIME
		with the subject
		    Lunch

		If you ask postmaster@example.test about it, name this number:
		    A.0

		--=_BOUNDARY
		Content-Description: the same for programs
		Content-Type: message/delivery-status

		Original-Envelope-Id: QQ+314 159
		Reporting-MTA: dns; mx.example.test
		Arrival-Date: TIME

		Original-Recipient: rfc822; Never+1@b.test
		Final-Recipient: rfc822; never-1@a.test
		Action: failed
		Status: 5.1.1
		Remote-MTA: dns; mx.far.test
		Diagnostic-Code: smtp; 550 5.1.1 No such user
		Last-Attempt-Date: TIME

		Final-Recipient: rfc822; never-3@b.test
		Action: failed
		Status: 5.1.1
		Remote-MTA: dns; mx.far.test
		Diagnostic-Code: smtp; 550 5.1.1 No such user
		Last-Attempt-Date: TIME

		--=_BOUNDARY
		Content-Description: the message
		Content-Type: message/rfc822

		Received: from x
		Message-ID: <original@far.test>
		Subject: Lunch

		Hello.
		--=_0

		--=_BOUNDARY--
	EOT
	parsed A.0-f0 >got
	head -n 4 got | diff - <(printf '%s\n' \
		'multipart/report delivery-status' 'text/plain None' \
		'message/delivery-status None' \
		'  Original-Envelope-Id: QQ+314 159')
	grep -q '^SMTPUTF8\|^body' <(recipients A.0-f0) && return 1
	# In the envelope: from nobody.
	grep -qx 'from <>' "$QUEUE/A.0-f0"
	grep -q 'report id=A.0-f0 of=A.0 to=<alice@example.test> recipients=2' stderr
}

@test "delay: the whole notice, once" {
	arrived=14401 put A.0 alice@example.test '. <later-1@a.test>' \
		'. <full-2@b.test> notify=FAILURE' '. <ok@a.test>'
	run_quick
	[ "$(recipients A.0)" = $'d <later-1@a.test>\n. <full-2@b.test> notify=FAILURE\n+ <ok@a.test>' ]
	same A.0-d <<-'EOT'
		From: Mail Delivery System <MAILER-DAEMON@mx.example.test>
		To: <alice@example.test>
		Subject: Your message is delayed
		Date: TIME
		Message-ID: <A.0-d@mx.example.test>
		In-Reply-To: <original@far.test>
		References: <original@far.test>
		Auto-Submitted: auto-replied
		MIME-Version: 1.0
		Content-Type: multipart/report; report-type=delivery-status;
		TAB boundary="=_BOUNDARY"

		This is a report in the form of RFC 3464.

		--=_BOUNDARY
		Content-Description: what happened
		Content-Type: text/plain

		This is the mail server mx.example.test.

		Your message has not been delivered yet to:

		<later-1@a.test>
		    The mail server mx.far.test says:
		        450 4.2.0 Try later

		It will be tried until TIME.
		You need not do anything, nor send it again. If it cannot be delivered by
		then, you will be told.

		The message came to this server on TIME
		with the subject
		    Lunch

		If you ask postmaster@example.test about it, name this number:
		    A.0

		--=_BOUNDARY
		Content-Description: the same for programs
		Content-Type: message/delivery-status

		Reporting-MTA: dns; mx.example.test
		Arrival-Date: TIME

		Final-Recipient: rfc822; later-1@a.test
		Action: delayed
		Status: 4.2.0
		Remote-MTA: dns; mx.far.test
		Diagnostic-Code: smtp; 450 4.2.0 Try later
		Last-Attempt-Date: TIME
		Will-Retry-Until: TIME

		--=_BOUNDARY
		Content-Description: the header of the message
		Content-Type: text/rfc822-headers

		Received: from x
		Message-ID: <original@far.test>
		Subject: Lunch

		--=_BOUNDARY--
	EOT
	# Will-Retry-Until is 5 days after the arrival.
	[ "$(date -d "$(sed -n 's/^Will-Retry-Until: //p' \
		"$PENNYPOST_HOME/box/A.0-d.0")" +%s)" = \
		$((now - 14401 + 432000)) ]
	run_quick -a
	[ "$(sent | grep -c -- -d)" = 1 ]
}

@test "a delay of which nothing is known" {
	arrived=14401 put A.0 alice@example.test '. <silent@a.test>'
	run_quick
	report A.0-d | grep -qx '    There is no answer yet.'
	report A.0-d | grep -qx 'Status: 4.0.0'
}

@test "no notice before 4 hours" {
	arrived=14300 put A.0 alice@example.test '. <later-1@a.test>'
	run_quick
	[ "$(recipients A.0)" = '. <later-1@a.test>' ]
	[ -z "$(sent)" ]
}

@test "success: delivered here, passed on elsewhere; the whole report" {
	put A.0 bob@far.test '. <ok-1@a.test> notify=SUCCESS' \
		'. <alice@example.test> notify=SUCCESS,FAILURE orcpt=rfc822;al@example.test' \
		'. <ok-2@a.test>'
	run_quick
	same A.0-s0 <<-'EOT'
		From: Mail Delivery System <MAILER-DAEMON@mx.example.test>
		To: <bob@far.test>
		Subject: Your message was delivered
		Date: TIME
		Message-ID: <A.0-s0@mx.example.test>
		In-Reply-To: <original@far.test>
		References: <original@far.test>
		Auto-Submitted: auto-replied
		MIME-Version: 1.0
		Content-Type: multipart/report; report-type=delivery-status;
		TAB boundary="=_BOUNDARY"

		This is a report in the form of RFC 3464.

		--=_BOUNDARY
		Content-Description: what happened
		Content-Type: text/plain

		This is the mail server mx.example.test.

		You asked to be told what becomes of your message to:

		<ok-1@a.test>
		    It has been passed on to the next mail server, which sends no such
		    reports: what becomes of it there is not known here.

		<alice@example.test>
		    It has been delivered.

		The message came to this server on TIME
		with the subject
		    Lunch

		--=_BOUNDARY
		Content-Description: the same for programs
		Content-Type: message/delivery-status

		Reporting-MTA: dns; mx.example.test
		Arrival-Date: TIME

		Final-Recipient: rfc822; ok-1@a.test
		Action: relayed
		Status: 2.0.0

		Original-Recipient: rfc822; al@example.test
		Final-Recipient: rfc822; alice@example.test
		Action: delivered
		Status: 2.0.0

		--=_BOUNDARY
		Content-Description: the header of the message
		Content-Type: text/rfc822-headers

		Received: from x
		Message-ID: <original@far.test>
		Subject: Lunch

		--=_BOUNDARY--
	EOT
	assert_queue '*'
}

@test "success elsewhere only is no delivery" {
	put A.0 bob@far.test '. <ok-1@a.test> notify=SUCCESS'
	run_quick
	report A.0-s0 | grep -qx 'Subject: Your message was passed on'
}

@test "what was delivered before it came into the queue is reported" {
	put A.0 bob@far.test 's <alice@example.test> notify=SUCCESS'
	run_quick
	assert_sent <<<'A.0-s0 bob@far.test'
	assert_queue '*'
}

@test "what the sender wants to be told: NOTIFY" {
	local n=0 notify
	for notify in '' NEVER SUCCESS FAILURE DELAY SUCCESS,FAILURE \
		SUCCESS,DELAY FAILURE,DELAY SUCCESS,FAILURE,DELAY; do
		n=$((n + 1))
		put F$n.0 s@far.test ". <never@a.test>${notify:+ notify=$notify}"
		put S$n.0 s@far.test ". <ok@a.test>${notify:+ notify=$notify}"
		arrived=20000 put D$n.0 s@far.test \
			". <later@a.test>${notify:+ notify=$notify}"
	done
	run_quick
	[ "$(sent | grep -e '-f0' | cut -c2 | xargs)" = '1 4 6 8 9' ]
	[ "$(sent | grep -e '-s0' | cut -c2 | xargs)" = '3 6 7 9' ]
	[ "$(sent | grep -e '-d ' | cut -c2 | xargs)" = '1 5 7 8 9' ]
	# Nobody is told, and nothing is left.
	assert_queue $(for n in $(seq 9); do echo D$n.0
		[[ 15789 != *$n* ]] || echo D$n.0-d; done)
}

@test "one report a message, with all that failed at once in it" {
	put A.0 s@far.test '. <never-1@a.test>' '. <never-2@b.test>' \
		'. <never-3@example.test>' '. <ok@a.test>'
	run_quick
	[ "$(sent | grep -c s@far.test)" = 1 ]
	[ "$(grep -c '^Final-Recipient' "$PENNYPOST_HOME/box/A.0-f0.0")" = 3 ]
}

@test "a message from <>: the postmaster is told of its failure, nobody of its delay" {
	message=$'Subject: a report\n\nx' put A.0 '' '. <never-1@a.test>'
	arrived=20000 put B.0 '' '. <later@a.test>' '. <ok@a.test> notify=SUCCESS'
	put C.0 '' '. <never-2@a.test> notify=NEVER'
	run_quick
	assert_sent <<-'EOT'
		A.0-f0 postmaster@example.test
		B.0 ok@a.test
	EOT
	same A.0-f0 <<-'EOT'
		From: Mail Delivery System <MAILER-DAEMON@mx.example.test>
		To: <postmaster@example.test>
		Subject: A message without a sender could not be delivered
		Date: TIME
		Message-ID: <A.0-f0@mx.example.test>
		Auto-Submitted: auto-replied
		X-Double-Bounce: postmaster@example.test
		MIME-Version: 1.0
		Content-Type: multipart/report; report-type=delivery-status;
		TAB boundary="=_BOUNDARY"

		This is a report in the form of RFC 3464.

		--=_BOUNDARY
		Content-Description: what happened
		Content-Type: text/plain

		This is the mail server mx.example.test.

		This message has no sender who could be told: it may be a report itself. It
		could not be delivered to:

		<never-1@a.test>
		    The mail server mx.far.test says:
		        550 5.1.1 No such user

		It will not be tried again.

		The message came to this server on TIME
		with the subject
		    a report

		If you ask postmaster@example.test about it, name this number:
		    A.0

		--=_BOUNDARY
		Content-Description: the same for programs
		Content-Type: message/delivery-status

		Reporting-MTA: dns; mx.example.test
		Arrival-Date: TIME

		Final-Recipient: rfc822; never-1@a.test
		Action: failed
		Status: 5.1.1
		Remote-MTA: dns; mx.far.test
		Diagnostic-Code: smtp; 550 5.1.1 No such user
		Last-Attempt-Date: TIME

		--=_BOUNDARY
		Content-Description: the message
		Content-Type: message/rfc822

		Subject: a report

		x

		--=_BOUNDARY--
	EOT
	assert_queue B.0
}

@test "a report that cannot be delivered goes to the postmaster, and no further" {
	put A.0 never-s@b.test '. <never-1@a.test>'
	run_quick
	assert_sent <<<'A.0-f0-f0 postmaster@example.test'
	assert_queue '*'
	# The postmaster's own: nobody is left.
	put B.0 '' '. <Postmaster@Example.Test>'
	sed -i 's/Postmaster@Ex/never@ex/' "$QUEUE/B.0"
	touch -d "@$((now - 1))" "$QUEUE/B.0"
	echo 'route example.test 127.0.0.1:1' >/dev/null
	put C.0 '' 'f <Postmaster@Example.Test>'
	run_quick
	[ "$(sent | grep -c '^C.0')" = 0 ]
	assert_queue '*'
}

@test "a report that a forward of the postmaster's sends astray: no loop" {
	message=$'Delivered-To: postmaster@example.test\nX-Double-Bounce: postmaster@example.test\nSubject: x\n\nx' \
		put A.0-f0-0 '' '. <never@elsewhere.test>'
	run_quick
	[ -z "$(sent)" ]
	assert_queue '*'
	grep -q 'dropped id=A.0-f0-0 to=<never@elsewhere.test> recipients=1: nobody is left to be told' stderr
}

@test "no domain is ours: what fails from <> is told to nobody" {
	: >"$PENNYPOST_HOME/users/domains"
	put A.0 '' '. <never@a.test>'
	put B.0 s@far.test '. <never@a.test>'
	run_quick
	assert_sent <<<'B.0-f0 s@far.test'
	grep -q 'If you ask postmaster@mx.example.test' \
		"$PENNYPOST_HOME/box/B.0-f0.0"
	assert_queue '*'
}

@test "how much comes back: RET and the size" {
	local ret size n=0 long
	long=$(yes 'a line of text' | head -c 52000)
	while read -r ret size; do
		n=$((n + 1))
		head=${ret#-}
		head=${head:+ret $head} message=$'Subject: x\n\n'${long:0:size} \
			put A$n.0 s@far.test '. <never@a.test>'
	done <<-'EOT'
		- 100
		full 100
		hdrs 100
		- 51187
		- 51188
		full 51188
	EOT
	{
		sed -e 's/A1\.0/A7.0/;/^ret/d' -e 's/^arrived.*/&/' "$QUEUE/A1.0" |
			sed -n '1,/^$/p' | sed 's/^size .*/size 000001048577/
			s/^from/ret full\n&/'
		printf 'Subject: x\n\n'
		yes 'a line of text' | head -c 1048564
		echo
	} >"$QUEUE/A7.0"
	sed -e 's/A7\.0/A8.0/' -e 's/000001048577/000001048576/' "$QUEUE/A7.0" |
		head -c -1 >"$QUEUE/A8.0"
	truncate -s -1 "$QUEUE/A8.0"
	echo >>"$QUEUE/A8.0"
	touch -d "@$((now - 1))" "$QUEUE"/*
	run_quick
	[ "$(for n in 1 2 3 4 5 6 7 8; do
		grep -oaE '^Content-Type: (message/rfc822|text/rfc822-h)' \
			"$PENNYPOST_HOME/box/A$n.0-f0.0" | tail -c 2
	done | xargs)" = '2 2 h 2 h 2 h 2' ]
	# All of it.
	[ "$(grep -c 'a line of text' "$PENNYPOST_HOME/box/A4.0-f0.0")" = \
		"$(grep -c 'a line of text' <<<"${long:0:51187}")" ]
}

@test "octets beyond ASCII: 8bit where they are" {
	message=$'Subject: x\n\nGr\xc3\xbc\xc3\x9fe \xff' \
		put A.0 s@far.test '. <never@a.test>'
	message=$'Subject: Gr\xc3\xbc\xc3\x9fe\n\nx' \
		put B.0 s@far.test '. <never@a.test>'
	run_quick
	parsed A.0-f0 | diff - <(printf '%s\n' \
		'multipart/report delivery-status' 'text/plain None' \
		'message/delivery-status None' \
		'  Reporting-MTA: dns; mx.example.test' \
		"$(sed -n 's/^Arrival-Date/  &/p' "$PENNYPOST_HOME/box/A.0-f0.0")" \
		'  Final-Recipient: rfc822; never@a.test' '  Action: failed' \
		'  Status: 5.1.1' '  Remote-MTA: dns; mx.far.test' \
		'  Diagnostic-Code: smtp; 550 5.1.1 No such user' \
		"$(sed -n 's/^Last-Att/  &/p' "$PENNYPOST_HOME/box/A.0-f0.0")" \
		'message/rfc822 8bit')
	report A.0-f0 | sed '/^$/q' | grep -qx 'Content-Transfer-Encoding: 8bit'
	parsed B.0-f0 | grep -qx 'text/plain 8bit'
	report B.0-f0 | grep -qx $'    Gr\xc3\xbc\xc3\x9fe'
	# The message as it was.
	sed '1,/^Content-Type: message/d' "$PENNYPOST_HOME/box/A.0-f0.0" |
		grep -qax $'Gr\xc3\xbc\xc3\x9fe \xff'
}

@test "the envelope of a report says 8BITMIME where it is so" {
	message=$'Subject: x\n\n\xc3\xbc' put A.0 s@far.test '. <never@a.test>'
	put B.0 s@far.test '. <never@a.test>'
	# Its report waits.
	sed -i 's/s@far.test/later@far.test/' "$QUEUE"/[AB].0
	size_again A.0 B.0
	run_quick
	grep -qax 'body 8bitmime' "$QUEUE/A.0-f0"
	run -1 grep -ax 'body 8bitmime' "$QUEUE/B.0-f0"
}

size_again() { # ID...: they are due
	local id
	for id; do
		touch -d "@$((now - 1))" "$QUEUE/$id"
	done
}

@test "SMTPUTF8, to a sender beyond ASCII: RFC 6533, as it is" {
	head=smtputf8 message=$'Subject: Gr\xc3\xbc\xc3\x9fe\n\nb\xc3\xb6dy' \
		put A.0 $'\xc3\xa4@far.test' \
		$'. <never-\xc3\xb6@a.test> orcpt=utf-8;nev\\x{F6}r\\x{2B}\\x{20AC}\\x{1F4E7}@a.test'
	run_quick
	parsed A.0-f0 >got
	diff - <(sed 's/[A-Z][a-z][a-z], .* +0000/TIME/' got) <<-'EOT'
		multipart/report delivery-status
		text/plain 8bit
		message/global-delivery-status 8bit
		Reporting-MTA: dns; mx.example.test
		Arrival-Date: TIME

		Original-Recipient: utf-8; nevör+€📧@a.test
		Final-Recipient: utf-8; never-ö@a.test
		Action: failed
		Status: 5.1.1
		Remote-MTA: dns; mx.far.test
		Diagnostic-Code: smtp; 550 5.1.1 No such user
		Last-Attempt-Date: TIME

		message/global 8bit
	EOT
	report A.0-f0 | grep -qx 'To: <ä@far.test>'
	report A.0-f0 | grep -qx 'bödy'
}

@test "SMTPUTF8, to a sender in ASCII, whose way may be of 7 bits: encoded" {
	head=smtputf8 message=$'Subject: Gr\xc3\xbc\xc3\x9fe\n\nb\xc3\xb6dy' \
		put A.0 s@far.test $'. <never-\xc3\xb6@a.test>'
	head=$'ret hdrs\nsmtputf8' head=$'smtputf8\nret hdrs' \
		message=$'Subject: Gr\xc3\xbc\xc3\x9fe\n\nb\xc3\xb6dy' \
		put B.0 s@far.test '. <never-1@a.test>'
	run_quick
	parsed A.0-f0 | grep '^[mt]' | diff - <(printf '%s\n' \
		'multipart/report delivery-status' 'text/plain 8bit' \
		'message/global-delivery-status quoted-printable' \
		'message/global quoted-printable')
	parsed A.0-f0 | grep -qx 'Final-Recipient: utf-8; never-ö@a.test'
	report A.0-f0 | grep -qx 'Subject: Gr=C3=BC=C3=9Fe'
	report A.0-f0 | grep -qx 'b=C3=B6dy'
	parsed B.0-f0 | grep '^[mt]' | diff - <(printf '%s\n' \
		'multipart/report delivery-status' 'text/plain 8bit' \
		'message/delivery-status None' \
		'message/global-headers quoted-printable')
}

@test "an ORCPT beyond ASCII in its form for 7 bits stays so among ASCII" {
	put A.0 s@far.test '. <never@a.test> orcpt=utf-8;nev\x{F6}r@a.test'
	run_quick
	report A.0-f0 | grep -Fqx 'Original-Recipient: utf-8; nev\x{F6}r@a.test'
	run -1 grep -ac global "$PENNYPOST_HOME/box/A.0-f0.0"
}

# said REPLY [MTA]: a file whose recipient has failed with this answer
said() {
	put A.0 s@far.test 'f <x@a.test>'
	printf '\nanswer %d 0 %s %s\n' "$now" "${2-mx.far.test}" "$1" \
		>>"$QUEUE/A.0"
	touch -d "@$((now - 1))" "$QUEUE/A.0"
	run_quick
}

@test "statuses and advice, by the answer" {
	local reply status advice
	while IFS='|' read -r reply status advice; do
		rm -f "$PENNYPOST_HOME"/box/*
		said "$reply"
		report A.0-f0 >got
		grep -qx "Status: $status" got || { echo "$reply"; cat got; return 1; }
		tr -d '\n' <got | tr -s ' ' | grep -qF "$advice" ||
			{ echo "$reply: $advice"; cat got; return 1; }
	done <<-'EOT'
		550 No such user|5.0.0|If the answer does not tell you what to do
		550 5.1.1 x|5.1.1|does not know this address
		550 5.1.10 x|5.1.10|No mail is taken there.
		556 5.1.10 Null MX|5.1.10|No mail is taken there.
		550 5.1.2 x|5.1.2|No mail server is known for this address.
		550 5.1.21 x|5.1.21|does not know this address
		552 5.2.2 x|5.2.2|The mailbox is full.
		552 5.2.3 x|5.2.3|too large for this mailbox
		552 5.3.4 x|5.3.4|too large for the other side
		550 5.4.4 x|5.4.4|No way is known to this address
		554 5.4.6 x|5.4.6|The message went in a circle.
		550 5.4.7 x|5.4.7|try again later
		554 5.6.1 x|5.6.1|cannot take this kind of text
		550 5.7.1 x|5.7.1|does not want this message
		550 4.2.2 x|5.0.0|If the answer does not tell you what to do
		550 5.7 x|5.0.0|If the answer does not tell
		550 5.7.1234 x|5.0.0|If the answer does not tell
		550|5.0.0|If the answer does not tell
	EOT
}

@test "an answer of ours is not laid in another's mouth" {
	said '550 5.4.7 Given up' -
	report A.0-f0 | grep -qx '    This server says:'
	report A.0-f0 | grep -qx 'Diagnostic-Code: x-pennypost; 550 5.4.7 Given up'
	run -1 grep -a Remote-MTA "$PENNYPOST_HOME/box/A.0-f0.0"
}

@test "an answer that was lost in a crash" {
	put A.0 s@far.test 'f <x@a.test>'
	printf 'answer 17 0 mx.far.test 550 5.1.1 whole\n\nanswer 1' >>"$QUEUE/A.0"
	put B.0 s@far.test 'f <x@a.test>'
	printf 'answer 1795326814 0 mx.fa' >>"$QUEUE/B.0"
	touch -d "@$((now - 1))" "$QUEUE"/*
	run_quick
	report A.0-f0 | grep -qx 'Diagnostic-Code: smtp; 550 5.1.1 whole'
	report B.0-f0 | grep -qx '    The answer has been lost.'
	report B.0-f0 | grep -qx 'Status: 5.0.0'
	run -1 grep -aE 'Diagnostic-Code|Last-Attempt' \
		"$PENNYPOST_HOME/box/B.0-f0.0"
}

@test "what another host says: clean, folded, no header of its own" {
	local long
	long=$(printf 'word%.0s ' $(seq 20))$(printf 'x%.0s' $(seq 300))
	said "550 5.1.1 $long caf"$'\xc3\xa9 \xff\t.' $'mx.\xc3\xa9.test'
	report A.0-f0 >got
	[ "$(LC_ALL=C grep -c '^Remote-MTA: dns; mx.??.test$' got)" = 1 ]
	LC_ALL=C sed -n '/^Diagnostic-Code/,/^Last/p' got >code
	[ "$(wc -l <code)" = 5 ]
	grep -qx ' caf?? ? \.' code
	run -1 env LC_ALL=C grep -n '[^ -~]' code
	grep -q $'caf\xc3\xa9 ? \.$' got
	parsed A.0-f0 >/dev/null
}

@test "the subject: unfolded; not if it is encoded; none is none" {
	message=$'subject:\n a\n\tb  \n c\nX: y\n\nSubject: no' put A.0 s@far.test 'f <x@a.test>'
	message=$'Subject: =?utf-8?q?a?=\n\nx' put B.0 s@far.test 'f <x@a.test>'
	message=$'X-Subject: no\nSubject : no\n\nSubject: no' put C.0 s@far.test 'f <x@a.test>'
	message=$'no header' put D.0 s@far.test 'f <x@a.test>'
	message='' put E.0 s@far.test 'f <x@a.test>'
	run_quick
	report A.0-f0 | grep -A1 '^with the subject' | tail -n 1 |
		grep -qx '    a.b c'
	local id
	for id in B C D E; do
		report $id.0-f0 | grep -qx 'The message came to this server on TIME.'
	done
}

@test "no sensible Message-ID: no reference to it" {
	local line
	for line in 'Message-ID: none' 'Message-ID: <a b>' 'Message-ID: <"a"@b>' \
		"Message-ID: <$(printf 'x%.0s' $(seq 300))>"; do
		rm -f "$PENNYPOST_HOME"/box/*
		message=$line$'\nSubject: x\n\nx' put A.0 s@far.test 'f <x@a.test>'
		run_quick
		run -1 grep -aE '^(In-Reply-To|References)' \
			"$PENNYPOST_HOME/box/A.0-f0.0"
	done
}

@test "a header without end, or a huge one, is cut at a line" {
	{
		echo 'Subject: x'
		for i in $(seq 4000); do echo "X-Line-$i: some text in this line"; done
	} >huge
	message=$(cat huge)
	put A.0 s@far.test 'f <x@a.test>'
	run_quick
	[ "$(stat -c %s huge)" -gt 65536 ]
	report A.0-f0 | grep -qx 'Content-Type: text/rfc822-headers'
	[ "$(grep -ac '^X-Line-.*: some text in this line$' \
		"$PENNYPOST_HOME/box/A.0-f0.0")" -gt 1000 ]
	[ "$(grep -a '^X-Line-' "$PENNYPOST_HOME/box/A.0-f0.0" |
		grep -avc ': some text in this line$')" = 0 ]
	[ "$(stat -c %s "$PENNYPOST_HOME/box/A.0-f0.0")" -lt 70000 ]
}

@test "a text that holds our boundary's beginning ends no part" {
	message=$'Subject: x\n\n--=_\n--=_00000000000000000000000000000000--\n.'
	put A.0 s@far.test '. <never@a.test>'
	run_quick
	parsed A.0-f0 | tail -n 1 | grep -qx 'message/rfc822 None'
	report A.0-f0 | grep -Fqx -- '.'
	# Another each time.
	put B.0 s@far.test '. <never@a.test>'
	run_quick
	[ "$(grep -ahom 1 '=_[0-9a-f]*"' "$PENNYPOST_HOME"/box/*-f0.0 |
		sort -u | wc -l)" = 2 ]
}
