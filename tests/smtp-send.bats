#!/usr/bin/env bats
# smtp-send: a transaction, in all the ways it can go. The server is a transcript.

load helper
load smtp-send

setup() {
	home_make
}

@test "a host without extensions: one command at a time" {
	queued_plain A1 '<x@far.test>' '<y@far.test>'
	ANSWERS='done A1'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: RCPT TO:<y@far.test>
	S: 251 will forward
	C: DATA
	S: 354 go on
	C: Subject: x
	C:
	C: text
	C: .
	S: 250 2.0.0 taken
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = ++ ]
	grep -q 'sent to=<y@far.test> from=<alice@example.test> mta=- tls=no reply="250 2.0.0 taken" id=A1$' stderr
}

@test "a host that does not know EHLO is greeted with HELO" {
	local code
	for code in 500 502 550; do
		queued_plain A1 '<x@far.test>'
		talk A1 <<-TALK
		S: 220 far.test
		C: EHLO mx.example.test
		S: $code-PIPELINING
		S: $code 5.5.1 what?
		C: HELO mx.example.test
		S: 250 far.test
		C: MAIL FROM:<alice@example.test>
		S: 250 ok
		C: RCPT TO:<x@far.test>
		S: 250 ok
		C: DATA
		S: 354 go on
		C: Subject: x
		C:
		C: text
		C: .
		S: 250 taken
		C: QUIT
		S: 221 bye
		TALK
		[ "$(status A1)" = + ]
	done
}

@test "PIPELINING: MAIL, RCPTs and DATA in one" {
	queued_plain A1 '<x@far.test>' '<y@far.test>' '<z@far.test>'
	ANSWERS='to 1 - 550 5.1.1 no such user
done A1'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 PIPELINING
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<x@far.test>
	C: RCPT TO:<y@far.test>
	C: RCPT TO:<z@far.test>
	C: DATA
	S: 250 ok
	S: 250 ok
	S: 550 5.1.1 no such user
	S: 250 ok
	S: 354 go on
	C: Subject: x
	C:
	C: text
	C: .
	S: 250 2.0.0 taken
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = +.+ ]
}

@test "PIPELINING: nobody is taken, and DATA is not: RSET" {
	queued_plain A1 '<x@far.test>' '<y@far.test>'
	ANSWERS='to 0 - 550 5.1.1 no
to 1 - 450 4.2.0 later
done A1'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 PIPELINING
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<x@far.test>
	C: RCPT TO:<y@far.test>
	C: DATA
	S: 250 ok
	S: 550 5.1.1 no
	S: 450 4.2.0 later
	S: 554 no valid recipients
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = .. ]
}

@test "PIPELINING: nobody is taken, but DATA is: a lone dot" {
	queued_plain A1 '<x@far.test>'
	ANSWERS='to 0 - 550 5.1.1 no
done A1'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 PIPELINING
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<x@far.test>
	C: DATA
	S: 250 ok
	S: 550 5.1.1 no
	S: 354 go on
	C: .
	S: 250 as you like
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = . ]
}

@test "MAIL is refused: so is everybody" {
	local pipelining
	for pipelining in '' '250-PIPELINING'; do
		queued_plain A1 '<x@far.test>' '<y@far.test>'
		ANSWERS='to 0 - 550 5.7.1 not from you
to 1 - 550 5.7.1 not from you
done A1'
		{
			cat <<-'TALK'
			S: 220 far.test ESMTP
			C: EHLO mx.example.test
			TALK
			[ -z "$pipelining" ] || echo "S: $pipelining"
			cat <<-'TALK'
			S: 250 HELP
			C: MAIL FROM:<alice@example.test>
			TALK
			[ -z "$pipelining" ] || cat <<-'TALK'
			C: RCPT TO:<x@far.test>
			C: RCPT TO:<y@far.test>
			C: DATA
			TALK
			echo 'S: 550 5.7.1 not from you'
			[ -z "$pipelining" ] || cat <<-'TALK'
			S: 503 MAIL first
			S: 503 MAIL first
			S: 503 MAIL first
			TALK
			cat <<-'TALK'
			C: QUIT
			S: 221 bye
			TALK
		} | talk A1
		[ "$(status A1)" = .. ]
	done
}

@test "MAIL is refused, and the rest is not: nothing is sent" {
	queued_plain A1 '<x@far.test>'
	ANSWERS='to 0 - 450 4.7.1 not now
done A1'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 PIPELINING
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<x@far.test>
	C: DATA
	S: 450 4.7.1 not now
	S: 250 ok
	S: 354 go on
	C: .
	S: 250 as you like
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = . ]
}

@test "DATA is refused" {
	queued_plain A1 '<x@far.test>' '<y@far.test>'
	ANSWERS='to 1 - 550 5.1.1 no
to 0 - 451 4.3.0 disk full
done A1'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: RCPT TO:<y@far.test>
	S: 550 5.1.1 no
	C: DATA
	S: 451 4.3.0 disk full
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = .. ]
}

@test "the message is refused: for now, for good" {
	local code
	for code in '451 4.3.0' '554 5.6.0'; do
		queued_plain A1 '<x@far.test>' '<y@far.test>'
		ANSWERS="to 0 - $code nothing
to 1 - $code nothing
done A1"
		talk A1 <<-TALK
		S: 220 far.test ESMTP
		C: EHLO mx.example.test
		S: 250-far.test
		S: 250 PIPELINING
		C: MAIL FROM:<alice@example.test>
		C: RCPT TO:<x@far.test>
		C: RCPT TO:<y@far.test>
		C: DATA
		S: 250 ok
		S: 250 ok
		S: 250 ok
		S: 354 go on
		C: Subject: x
		C:
		C: text
		C: .
		S: $code nothing
		C: QUIT
		S: 221 bye
		TALK
		[ "$(status A1)" = .. ]
	done
}

@test "CHUNKING: a small message in one go" {
	queued_plain A1 '<x@far.test>' '<y@far.test>'
	ANSWERS='to 1 - 550 5.1.1 no
done A1'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250-CHUNKING
	S: 250 PIPELINING
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<x@far.test>
	C: RCPT TO:<y@far.test>
	C: BDAT 20 LAST
	C: Subject: x
	C:
	C: text
	S: 250 ok
	S: 250 ok
	S: 550 5.1.1 no
	S: 250 2.0.0 taken
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = +. ]
}

@test "CHUNKING: nobody is taken" {
	queued_plain A1 '<x@far.test>'
	ANSWERS='to 0 - 550 5.1.1 no
done A1'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250-CHUNKING
	S: 250 PIPELINING
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<x@far.test>
	C: BDAT 20 LAST
	C: Subject: x
	C:
	C: text
	S: 250 ok
	S: 550 5.1.1 no
	S: 503 5.5.1 RCPT first
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = . ]
}

@test "CHUNKING: the chunk is refused" {
	queued_plain A1 '<x@far.test>'
	ANSWERS='to 0 - 554 5.6.0 no
done A1'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250-CHUNKING
	S: 250 PIPELINING
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<x@far.test>
	C: BDAT 20 LAST
	C: Subject: x
	C:
	C: text
	S: 250 ok
	S: 250 ok
	S: 554 5.6.0 no
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = . ]
}

@test "CHUNKING without PIPELINING" {
	queued_plain A1 '<x@far.test>'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 CHUNKING
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: BDAT 20 LAST
	C: Subject: x
	C:
	C: text
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = + ]
}

@test "a message for nobody who waits here is not sent" {
	queued A1 'from <alice@example.test>' 'to + <x@far.test>' \
		'to s <y@far.test>' 'to f <z@far.test>' \
		'to . <bob@example.test>' 'to . <postmaster>' <<<x
	ANSWERS='done A1'
	HOW=pipe talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250 far.test
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = +sf.. ]
}

@test "who waits, and has been told that it takes time, gets it too" {
	queued A1 'from <>' 'to d <x@far.test>' <<<x
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	C: x
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = + ]
}

# --- The text ---

@test "dots are doubled, lines end in CRLF, other CRs are blanks" {
	queued A1 'from <>' 'to . <x@far.test>' \
		< <(printf '.\n..\n.a\r\nb\rc\r\r\n\r.\r\n\n.')
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 SIZE
	C: MAIL FROM:<> SIZE=29
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	C: ..
	C: ...
	C: ..a 
	C: b c  
	C:  . 
	C:
	C: ..
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
}

@test "an empty message" {
	queued A1 'from <>' 'to . <x@far.test>' </dev/null
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 SIZE
	C: MAIL FROM:<> SIZE=0
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = + ]
}

# --- Extensions ---

@test "extensions are words of their own" {
	queued A1 'from <>' 'smtputf8' 'to . <x@far.test>' <<<x
	sed -i '/^smtputf8$/d; s/^from /smtputf8\nfrom /' "$QUEUE/A1"
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-PIPELINING.far.test
	S: 250-XPIPELINING
	S: 250-PIPELININGS
	S: 250-SMTPUTF8X
	S: 250-AUTH=CHUNKING
	S: 250-HELP SIZE
	S: 250
	C: MAIL FROM:<>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	C: x
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
}

@test "extensions in any case, the last line too" {
	queued_plain A1 '<x@far.test>'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250-size 0
	S: 250 Pipelining
	C: MAIL FROM:<alice@example.test> SIZE=20
	C: RCPT TO:<x@far.test>
	C: DATA
	S: 250 ok
	S: 250 ok
	S: 354 go on
	C: Subject: x
	C:
	C: text
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
}

@test "SIZE: as large as it may be, and one more" {
	queued_plain A1 '<x@far.test>'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 SIZE 20
	C: MAIL FROM:<alice@example.test> SIZE=20
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	C: Subject: x
	C:
	C: text
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	queued_plain A2 '<x@far.test>' '<y@far.test>'
	ANSWERS='to 0 - 552 5.3.4 The next host takes 19 octets, and the message has 20
to 1 - 552 5.3.4 The next host takes 19 octets, and the message has 20
done A2'
	talk A2 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 SIZE 19
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A2)" = .. ]
}

@test "8BITMIME: said of what has 8 bits, whatever the sender said" {
	queued A1 'from <>' 'to . <x@far.test>' <<<$'\nä'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 8BITMIME
	C: MAIL FROM:<> BODY=8BITMIME
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	C:
	C: ä
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	queued A2 'body 8bitmime' 'from <>' 'to . <x@far.test>' <<<x
	talk A2 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 8BITMIME
	C: MAIL FROM:<>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	C: x
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
}

@test "no 8BITMIME: quoted-printable" {
	queued A1 'from <>' 'to . <x@far.test>' <<-MAIL
	MIME-Version: 1.0
	Content-Transfer-Encoding: 8bit
	Content-Type: text/plain; charset=utf-8

	.ä=
	MAIL
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 SIZE
	C: MAIL FROM:<> SIZE=119
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	C: MIME-Version: 1.0
	C: Content-Type: text/plain; charset=utf-8
	C: Content-Transfer-Encoding: quoted-printable
	C:
	C: ..=C3=A4=3D
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
}

@test "no 8BITMIME, by BDAT: the size is that of the converted text" {
	queued A1 'from <>' 'to . <x@far.test>' <<<$'MIME-Version: 1.0\n\n.\xc3\xa4='
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250-SIZE 78
	S: 250-PIPELINING
	S: 250 CHUNKING
	C: MAIL FROM:<> SIZE=78
	C: RCPT TO:<x@far.test>
	C: BDAT 78 LAST
	C: MIME-Version: 1.0
	C: Content-Transfer-Encoding: quoted-printable
	C:
	C: .=C3=A4=3D
	S: 250 ok
	S: 250 ok
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
}

@test "no 8BITMIME, and it cannot be converted" {
	queued A1 'from <>' 'to . <x@far.test>' <<<$'Subject: \xe4\n\nx'
	ANSWERS='to 0 - 554 5.6.3 The next host takes no 8-bit text, and this cannot be converted
done A1'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250 far.test
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = . ]
}

@test "SMTPUTF8: said when it is needed or was said" {
	local line
	for line in 'from <ä@example.test>' 'from <a@example.test>'; do
		queued A1 smtputf8 "$line" 'to . <ö@far.test>' <<<$'Subject: ü\n'
		talk A1 <<-TALK
		S: 220 far.test ESMTP
		C: EHLO mx.example.test
		S: 250-far.test
		S: 250-8BITMIME
		S: 250 SMTPUTF8
		C: MAIL FROM:${line#from } BODY=8BITMIME SMTPUTF8
		S: 250 ok
		C: RCPT TO:<ö@far.test>
		S: 250 ok
		C: DATA
		S: 354 go on
		C: Subject: ü
		C:
		C: .
		S: 250 taken
		C: QUIT
		S: 221 bye
		TALK
		[ "$(status A1)" = + ]
	done
	queued A1 'from <a@example.test>' 'to . <ö@far.test>' <<<x
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 SMTPUTF8
	C: MAIL FROM:<a@example.test> SMTPUTF8
	S: 250 ok
	C: RCPT TO:<ö@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	C: x
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
}

@test "no SMTPUTF8: recipients beyond ASCII are refused, the others are not" {
	queued A1 smtputf8 'from <a@example.test>' 'to . <ö@far.test>' \
		'to . <x@far.test>' 'to . <x@fär.test>' <<<$'Subject: x\n\nü'
	ANSWERS='to 0 - 550 5.6.7 The next host takes no recipient beyond ASCII
to 2 - 550 5.6.7 The next host takes no recipient beyond ASCII
done A1'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 8BITMIME
	C: MAIL FROM:<a@example.test> BODY=8BITMIME
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	C: Subject: x
	C:
	C: ü
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = .+. ]
}

@test "no SMTPUTF8: a sender or a header beyond ASCII" {
	local line
	for line in 'from <ä@example.test>' 'from <a@example.test>'; do
		queued A1 smtputf8 "$line" 'to . <x@far.test>' \
			'to . <y@far.test>' <<<$'Subject: ü\n\nx'
		ANSWERS='to 0 - 550 5.6.9 The next host takes no header beyond ASCII
to 1 - 550 5.6.9 The next host takes no header beyond ASCII
done A1'
		[[ $line != *ä* ]] || ANSWERS=$(sed \
			's/5.6.9/5.6.7/; s/header/sender/' <<<"$ANSWERS")
		talk A1 <<-'TALK'
		S: 220 far.test ESMTP
		C: EHLO mx.example.test
		S: 250-far.test
		S: 250 8BITMIME
		C: QUIT
		S: 221 bye
		TALK
	done
}

@test "no SMTPUTF8: a header that is simply wrong goes as it always did" {
	queued A1 'from <a@example.test>' 'to . <x@far.test>' <<<$'Subject: ü\n\nx'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 8BITMIME
	C: MAIL FROM:<a@example.test> BODY=8BITMIME
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	C: Subject: ü
	C:
	C: x
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
}

dsn_mail() {
	queued A1 'ret hdrs' 'envid abc+2Bd' 'from <a@example.test>' \
		'to . <v@far.test>' 'to . <w@far.test> notify=NEVER' \
		'to . <x@far.test> notify=SUCCESS,DELAY orcpt=rfc822;z@example.net' \
		'to . <y@far.test> notify=SUCCESS' <<<x
}

@test "DSN: what the sender wants to be told goes on, and is not ours to tell" {
	dsn_mail
	sed -i 's/^ret hdrs/ret full/' "$QUEUE/A1"
	ANSWERS='to 3 - 550 5.1.1 no
done A1'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 DSN
	C: MAIL FROM:<a@example.test> RET=FULL ENVID=abc+2Bd
	S: 250 ok
	C: RCPT TO:<v@far.test>
	S: 250 ok
	C: RCPT TO:<w@far.test> NOTIFY=NEVER
	S: 250 ok
	C: RCPT TO:<x@far.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;z@example.net
	S: 250 ok
	C: RCPT TO:<y@far.test> NOTIFY=SUCCESS
	S: 550 5.1.1 no
	C: DATA
	S: 354 go on
	C: x
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = +++. ]
}

@test "no DSN: success is reported by us" {
	dsn_mail
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<a@example.test>
	S: 250 ok
	C: RCPT TO:<v@far.test>
	S: 250 ok
	C: RCPT TO:<w@far.test>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: RCPT TO:<y@far.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	C: x
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = ++ss ]
}

@test "DSN: ORCPT beyond ASCII, where the host has SMTPUTF8 and where not" {
	queued A1 smtputf8 'from <a@example.test>' \
		'to . <x@far.test> orcpt=utf-8;ö€😀@far.test' <<<x
	cp "$QUEUE/A1" saved
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250-SMTPUTF8
	S: 250 DSN
	C: MAIL FROM:<a@example.test> SMTPUTF8
	S: 250 ok
	C: RCPT TO:<x@far.test> ORCPT=utf-8;ö€😀@far.test
	S: 450 no
	C: QUIT
	S: 221 bye
	TALK
	cp saved "$QUEUE/A1"
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 DSN
	C: MAIL FROM:<a@example.test>
	S: 250 ok
	C: RCPT TO:<x@far.test> ORCPT=utf-8;\x{F6}\x{20AC}\x{1F600}@far.test
	S: 450 no
	C: QUIT
	S: 221 bye
	TALK
}

# --- Many recipients ---

@test "a hundred in a transaction, not one more" {
	local i rcpt=()
	for i in {001..101}; do
		rcpt+=("<r$i@far.test>")
	done
	queued_plain A1 "${rcpt[@]}"
	transaction() { # RECIPIENT...
		echo 'C: MAIL FROM:<alice@example.test>'
		printf 'C: RCPT TO:%s\n' "$@"
		echo 'C: DATA'
		printf 'S: 250 ok %s\n' MAIL "$@"
		printf '%s\n' 'S: 354 go' 'C: Subject: x' C: 'C: text' 'C: .' \
			'S: 250 taken'
	}
	{
		printf '%s\n' 'S: 220 far' 'C: EHLO *' 'S: 250-far' \
			'S: 250 PIPELINING'
		transaction "${rcpt[@]:0:100}"
		transaction "${rcpt[@]:100}"
		printf '%s\n' 'C: QUIT' 'S: 221 bye'
	} | HOW=pipe talk A1
	[ "$(status A1)" = "$(printf '+%.0s' {1..101})" ]
}

@test "LIMITS: RCPTMAX" {
	queued_plain A1 '<x@far.test>' '<y@far.test>' '<z@far.test>'
	ANSWERS='to 0 - 550 5.1.1 no
done A1'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250-PIPELINING
	S: 250 LIMITS MAILMAX=10 RcptMax=2 RCPTMAX=0x1 RCPTMAX=1234567
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<x@far.test>
	C: RCPT TO:<y@far.test>
	C: DATA
	S: 250 ok
	S: 550 5.1.1 no
	S: 250 ok
	S: 354 go on
	C: Subject: x
	C:
	C: text
	C: .
	S: 250 taken
	C: MAIL FROM:<alice@example.test>
	C: RCPT TO:<z@far.test>
	C: DATA
	S: 250 ok
	S: 250 ok
	S: 354 go on
	C: Subject: x
	C:
	C: text
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = .++ ]
}

@test "LIMITS: RCPTDOMAINMAX, one domain at a time" {
	queued_plain A1 '<x@far.test>' '<y@other.test>' '<z@FAR.test>'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250-far.test
	S: 250 LIMITS RCPTDOMAINMAX=1
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: RCPT TO:<z@FAR.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	C: Subject: x
	C:
	C: text
	C: .
	S: 250 taken
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<y@other.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	C: Subject: x
	C:
	C: text
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = +++ ]
}

@test "too many for a transaction: the rest in the next one" {
	local code
	for code in '452 4.5.3' 452 '552 5.5.3' 552; do
		queued_plain A1 '<w@far.test>' '<x@far.test>' '<y@far.test>' \
			'<z@far.test>'
		# Alone it is refused: then it is not the number.
		ANSWERS="to 3 - ${code/%52/52 ${code:0:1}.0.0} too many
done A1"
		HOW=pipe talk A1 <<-TALK
		S: 220 far.test ESMTP
		C: EHLO mx.example.test
		S: 250-far.test
		S: 250 PIPELINING
		C: MAIL FROM:<alice@example.test>
		C: RCPT TO:<w@far.test>
		C: RCPT TO:<x@far.test>
		C: RCPT TO:<y@far.test>
		C: RCPT TO:<z@far.test>
		C: DATA
		S: 250 ok
		S: 250 ok
		S: $code too many
		S: 250 ok
		S: $code too many
		S: 354 go on
		C: Subject: x
		C:
		C: text
		C: .
		S: 250 taken
		C: MAIL FROM:<alice@example.test>
		C: RCPT TO:<x@far.test>
		C: RCPT TO:<z@far.test>
		C: DATA
		S: 250 ok
		S: 250 ok
		S: $code too many
		S: 354 go on
		C: Subject: x
		C:
		C: text
		C: .
		S: 250 taken
		C: MAIL FROM:<alice@example.test>
		C: RCPT TO:<z@far.test>
		C: DATA
		S: 250 ok
		S: $code too many
		S: 503 no
		C: QUIT
		S: 221 bye
		TALK
		[ "$(status A1)" = +++. ]
	done
}

@test "a full mailbox among others is not too many" {
	queued_plain A1 '<x@far.test>' '<y@far.test>'
	ANSWERS='to 1 - 452 4.2.2 mailbox full
done A1'
	talk A1 <<-'TALK'
	S: 220 far.test ESMTP
	C: EHLO mx.example.test
	S: 250 far.test
	C: MAIL FROM:<alice@example.test>
	S: 250 ok
	C: RCPT TO:<x@far.test>
	S: 250 ok
	C: RCPT TO:<y@far.test>
	S: 452 4.2.2 mailbox full
	C: DATA
	S: 354 go on
	C: Subject: x
	C:
	C: text
	C: .
	S: 250 taken
	C: QUIT
	S: 221 bye
	TALK
	[ "$(status A1)" = +. ]
}

@test "what it sends, smtpd takes as it is, one message each" {
	local server=$BATS_TEST_TMPDIR/server
	cp -R "$PENNYPOST_HOME" "$server"
	echo sender.test >"$PENNYPOST_HOME/users/domains"
	sed -i '/relay_from/d' "$server/pennypost.conf"
	TCPREMOTEIP=127.0.0.1 python3 "$ROOT/tests/through.py" "$PROGRAMS" \
		"$server" 1 25
}

# --- The manual ---

@test "the conversation of the manual is what it says" {
	queued A1 'ret hdrs' 'from <alice@example.test>' \
		'to . <bob@example.net> notify=SUCCESS,FAILURE' \
		'to . <nobody@example.net>' <<<$'Subject: x\n\ntext'
	ANSWERS='to 1 - 550 5.1.1 There is no such user
done A1'
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh/p' "$ROOT/man/smtp-send.8" |
		grep '^[CS]:' | sed 's/example\.org/example.test/g' | talk A1
	[ "$(status A1)" = +. ]
}

@test "the replies of the manual are those of the source" {
	sed -n '/^\.Sh REPLIES/,/^\.Sh/s/^\.Ql \(.*\)/\1/p' \
		"$ROOT/man/smtp-send.8" | sed 's/ [;:,.]$//' >texts
	[ "$(wc -l <texts)" -gt 15 ]
	cat "$ROOT"/src/{smtp-send/*,lib/tls}.[ch] | tr -d '\n\t' | sed 's/" *"//g' >source
	while read -r text; do
		grep -qF -- "$text" source || echo "not in the source: $text"
	done <texts >missing
	[ ! -s missing ] || { cat missing; return 1; }
}
