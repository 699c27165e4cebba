#!/usr/bin/env bats
# Real clients, through listen, from SMTP to the Maildir and by POP3 to them.

load helper
load launch/lib

setup() {
	home_make
	smtp=$(free_port)
	submission=$(free_port)
	pop3=$(free_port)
	background "$PROGRAMS/listen" 127.0.0.1:"$smtp" "$PROGRAMS/smtpd"
	background "$PROGRAMS/listen" 127.0.0.1:"$submission" \
		"$PROGRAMS/smtpd" -s
	background "$PROGRAMS/listen" 127.0.0.1:"$pop3" "$PROGRAMS/pop3d"
	listening "$smtp"
	listening "$submission"
	listening "$pop3"
	cd "$BATS_TEST_TMPDIR" || return
	message_make message
	# Only the password makes a submission: loopback is not trusted.
	echo 'relay_from 192.0.2.1' >>"$PENNYPOST_HOME/pennypost.conf"
	export HOME=$BATS_TEST_TMPDIR TERM=dumb
}

# The newest message of a user in the Maildir, with CRLF as on the wire.
stored() {
	local file
	file=("$MAIL/$1"/new/*)
	[ ${#file[@]} = 1 ]
	sed 's/$/\r/' "${file[0]}"
}

client() { timeout 120 "$@" </dev/null; }

pop() { # COMMAND PATH ARG…
	local path=$1
	shift
	client curl -sS "pop3://127.0.0.1:$pop3/$path" -u alice:secret "$@"
}

@test "curl: SMTP to three, POP3 with every command" {
	client curl -sS "smtp://127.0.0.1:$smtp/client.test" -T message \
		--mail-from sender@client.test --mail-rcpt alice@example.test \
		--mail-rcpt bob@example.test --mail-rcpt carol@example.test
	for user in alice bob carol; do
		[ "$(count "$MAIL/$user/new")" = 1 ]
	done
	stored alice >got
	size=$(($(wc -c <got)))
	[ "$(pop '')" = "1 $size"$'\r' ]
	[[ $(pop '' -X UIDL) == '1 '* ]]
	pop '' -v -I -X STAT 2>&1 | grep -qx "< +OK 1 $size"$'\r'
	pop 1 --login-options AUTH=PLAIN >got
	message_same got message
	pop '' -X 'TOP 1 2' | sed '1,/^\r$/d' >got
	printf '.\r\n..\r\n' | diff - got
	pop 1 -I -X DELE
	[ -z "$(pop '' | tr -d '\r\n')" ] # curl's quirk
	[ "$(count "$MAIL/alice"/{new,cur})" = 0 ]
	not client curl -sS "pop3://127.0.0.1:$pop3/" -u alice:wrong
}

@test "curl: submission with PLAIN and LOGIN, not with neither" {
	submit() {
		client curl -sS "smtp://127.0.0.1:$submission" -T message \
			--mail-from alice@example.test \
			--mail-rcpt bob@example.test "$@"
	}
	not submit
	not submit -u alice:wrong
	for how in PLAIN LOGIN; do
		submit -u alice@example.test:secret --login-options AUTH=$how
		stored bob >got
		message_same got message
		rm "$MAIL"/bob/new/*
	done
	# PLAIN without the initial response, too.
	submit -u alice:secret --login-options AUTH=PLAIN --sasl-ir
	stored bob >got
	message_same got message
}

@test "swaks: PIPELINING, AUTH, a big attachment, a refusal" {
	head -c 3000000 /dev/urandom >big
	for auth in PLAIN LOGIN; do
		client swaks --silent 2 --server 127.0.0.1 --port "$submission" \
			--from alice@example.test --to bob@example.test \
			--auth $auth --auth-user alice --auth-password secret
		stored bob >got
		grep -q '^This is a test mailing' got
		rm "$MAIL"/bob/new/*
	done
	client swaks --silent 2 --server 127.0.0.1 --port "$smtp" --pipeline \
		--from sender@client.test --to alice@example.test \
		--attach @big --body text
	stored alice >got
	"$LAUNCH/mail" part got big
	run client swaks --server 127.0.0.1 --port "$smtp" \
		--from sender@client.test --to nobody@example.test
	[ "$status" = 24 ] # no recipient was accepted
	[[ $output == *'<** 550 5.1.1 '* ]]
	run client swaks --server 127.0.0.1 --port "$smtp" \
		--from sender@client.test --to someone@elsewhere.test
	[[ $output == *'<** 550 5.7.1 '* ]]
	assert_no_tmp
}

@test "Python: 8 bits, SMTPUTF8, a hundred recipients, poplib" {
	for i in $(seq 100); do
		mkdir -p "$MAIL/user$i"/{tmp,new,cur}
		echo "user$i@example.test:x:"
	done >>"$PENNYPOST_HOME/users/passwd"
	client "$LAUNCH/mail" send "$smtp" message \
		"$(seq -s, -f 'user%g@example.test' 100),no@example.test"
	[ "$(count "$MAIL"/user*/new)" = 100 ]
	# One file for all.
	[ "$(find "$MAIL"/user*/new -type f -links 100 | wc -l)" = 100 ]
	[ "$(cat "$MAIL"/user*/new/* | sort -u | wc -l)" = \
		"$(sort -u "$MAIL"/user1/new/* | wc -l)" ]
	cat >send.py <<'END'
import email.message, email.policy, smtplib, sys
m = email.message.EmailMessage(policy=email.policy.SMTPUTF8)
m["From"] = "J\u00fcrgen <j\u00fcrgen@client.test>"
m["To"] = "alice@example.test"
m["Subject"] = "\u65e5\u672c\u8a9e"
m.set_content("Gr\u00fc\u00dfe\n.\n", cte="8bit")
with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=60) as smtp:
    smtp.send_message(m)
    smtp.send_message(m)
with open("sent", "wb") as f:
    f.write(m.as_bytes())
END
	client python3 send.py "$smtp"
	mkdir pop
	client "$LAUNCH/mail" fetch "$pop3" alice pop
	message_same pop/1 sent
	message_same pop/2 sent
	grep -q 'Return-Path: <jürgen@client.test>' pop/1
	grep -q 'with UTF8SMTP' pop/1
}

@test "Thunderbird-like: all that may be sent at once is sent at once" {
	cat >send.py <<'END'
import socket, sys
with open("message", "rb") as f:
    message = f.read()
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60)
r = s.makefile("rb")
def reply(code):
    while True:
        line = r.readline()
        if line[:3] != code:
            sys.exit("%r, not %r" % (line, code))
        if line[3:4] == b" ":
            return
def dotted(m):
    return b"".join(b"." * (line[:1] == b".") + line + b"\r\n"
                    for line in m.split(b"\r\n")[:-1]) + b".\r\n"
envelope = (b"MAIL FROM:<sender@client.test> BODY=8BITMIME SIZE=%d\r\n"
            b"RCPT TO:<alice@example.test>\r\n"
            b"RCPT TO:<nobody@example.test>\r\n"
            b"RCPT TO:<bob@example.test>\r\n" % len(message))
reply(b"220")
s.sendall(b"EHLO [127.0.0.1]\r\n")
reply(b"250")
for turn in range(2):
    s.sendall(envelope + b"DATA\r\n")
    for code in b"250 250 550 250 354".split():
        reply(code)
    s.sendall(dotted(message) + (envelope + b"RSET\r\n"))
    for code in b"250 250 250 550 250 250".split():
        reply(code)
# And as those with CHUNKING: all in one segment.
half = len(message) // 2
s.sendall(envelope + b"BDAT %d\r\n" % half + message[:half] +
          b"BDAT %d LAST\r\n" % (len(message) - half) + message[half:] +
          b"QUIT\r\n")
for code in b"250 250 550 250 250 250 221".split():
    reply(code)
if r.read() != b"":
    sys.exit("more after QUIT")
END
	client python3 send.py "$smtp"
	mkdir alice bob
	client "$LAUNCH/mail" fetch "$pop3" alice alice
	client "$LAUNCH/mail" fetch "$pop3" bob bob
	for user in alice bob; do
		for n in 1 2 3; do
			message_same $user/$n message
		done
	done
}

@test "fetchmail: to an MDA, and by UIDL nothing twice" {
	for_users_with_names fetchmail
	cat >mda <<'END'
#!/bin/sh
n=$(ls got.* 2>/dev/null | wc -l)
cat >"got.$n"
END
	cat >fetchmailrc <<END
set invisible
poll 127.0.0.1 service $pop3 protocol pop3 uidl timeout 60
	user alice there is me here password secret sslproto ''
	keep no rewrite mda "cd $PWD && sh mda"
END
	chmod 600 fetchmailrc
	"$LAUNCH/mail" send "$smtp" message alice@example.test
	"$LAUNCH/mail" send "$smtp" message alice@example.test
	client fetchmail -s --pidfile "$PWD/pid" -f fetchmailrc -i ids
	[ "$(count got.*)" = 2 ]
	sed 's/$/\r/' got.0 >got
	message_same got message
	run client fetchmail -s --pidfile "$PWD/pid" -f fetchmailrc -i ids
	[ "$status" = 1 ] # no new mail
	[ "$(count got.*)" = 2 ]
	# Another program has read one; a third message comes.
	set -- "$MAIL"/alice/new/*
	mv "$1" "$MAIL/alice/cur/${1##*/}:2,S"
	"$LAUNCH/mail" send "$smtp" message alice@example.test
	client fetchmail -s --pidfile "$PWD/pid" -f fetchmailrc -i ids
	[ "$(count got.*)" = 3 ]
	# And without keep, they go.
	sed -i 's/keep no/fetchall nokeep no/' fetchmailrc
	client fetchmail -s --pidfile "$PWD/pid" -f fetchmailrc -i ids
	[ "$(count "$MAIL/alice"/{new,cur})" = 0 ]
}

@test "mpop: to a Maildir, and by UIDL nothing twice" {
	mkdir -p box/{tmp,new,cur}
	cat >mpoprc <<END
defaults
tls off
uidls_file $PWD/uidls
keep on
received_header off
account test
host 127.0.0.1
port $pop3
user alice
password secret
auth plain
delivery maildir $PWD/box
END
	chmod 600 mpoprc
	"$LAUNCH/mail" send "$smtp" message alice@example.test
	client mpop -q -C mpoprc test
	client mpop -q -C mpoprc test
	[ "$(count box/new)" = 1 ]
	sed 's/$/\r/' box/new/* >got
	message_same got message
}

# mutt wants a terminal.
mutt_do() { # FOLDER KEYS
	cat >muttrc <<END
set folder=$PWD
set mbox_type=mbox
set confirmappend=no confirmcreate=no
set delete=yes move=no
set pop_delete=no pop_checkinterval=60
set header_cache="" message_cachedir=""
set ssl_starttls=no ssl_force_tls=no
set copy=no
unset wait_key
set weed=no pipe_decode=no
push "$2"
END
	client script -qfec "mutt -n -F muttrc -f '$1'" /dev/null >screen
}

@test "mutt: reads the Maildir, reads by POP3" {
	for_users_with_names mutt
	client script -qfec true /dev/null || skip "no pseudo-terminal here"
	"$LAUNCH/mail" send "$smtp" message alice@example.test
	mutt_do "$MAIL/alice" '<pipe-message>cat >got.lf<enter><quit>'
	sed 's/$/\r/' got.lf >got
	message_same got message
	# It has moved the message to cur, with a flag: POP3 knows it again.
	[ "$(count "$MAIL/alice/cur")" = 1 ]
	mutt_do "pop://alice:secret@127.0.0.1:$pop3" \
		'<pipe-message>cat >got.pop<enter><quit>'
	sed 's/$/\r/' got.pop >got
	message_same got message
}

@test "mutt: sends" {
	for_users_with_names mutt
	printf 'Hello\n.\nFrom us\n' | timeout 120 mutt -n -F /dev/null \
		-e "set smtp_url=smtp://127.0.0.1:$smtp" -e 'set copy=no' \
		-e 'set ssl_starttls=no ssl_force_tls=no' \
		-e 'set from=sender@client.test' \
		-s 'by mutt' bob@example.test
	stored bob | sed '1,/^\r$/d' >got
	printf 'Hello\r\n.\r\nFrom us\r\n' | diff - got
}
