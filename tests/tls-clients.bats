#!/usr/bin/env bats
# TLS on every port: real clients, what a scanner finds, and clients that break
# the rules, to smuggle something in or to end in the middle.

load helper
load launch/lib

setup_file() {
	"$ROOT/scripts/need" openssl=openssl sslscan=sslscan node=nodejs \
		/usr/share/nodejs/nodemailer/package.json=node-nodemailer
}

setup() {
	[ -e "$PROGRAMS/tls" ]
	installed
	certificate_make
	message=$BATS_TEST_TMPDIR/message
	message_make "$message"
	smtp=$(free_port)
	submission=$(free_port)
	submissions=$(free_port)
	pop3=$(free_port)
	pop3s=$(free_port)
	imap=$(free_port)
	imaps=$(free_port)
	log=$BATS_TEST_TMPDIR/xinetd.log
	# Only a password makes a submission: loopback is not trusted.
	echo 'relay_from 192.0.2.1' >>"$PENNYPOST_HOME/pennypost.conf"
	export HOME=$BATS_TEST_TMPDIR TERM=dumb
}

certificate_make() {
	PENNYPOST_PROGRAMS=$PROGRAMS "$ROOT/scripts/pennypost" tls \
		self-signed mx.example.test localhost 127.0.0.1
	ca=$PENNYPOST_HOME/users/tls/mx.example.test/fullchain.pem
}

# The seven ports, by listen.
all_start() {
	local n port
	n=0
	for port in "$smtp" "$submission" "$submissions" "$pop3" "$pop3s" \
		"$imap" "$imaps"; do
		n=$((n + 1))
		# shellcheck disable=SC2046
		background env PENNYPOST_LOG=stderr "$LIBEXEC/listen" \
			"127.0.0.1:$port" $(handler $n)
	done
	for port in "$smtp" "$submission" "$submissions" "$pop3" "$pop3s" \
		"$imap" "$imaps"; do
		listening "$port"
	done
}

handler() {
	case $1 in
	1) echo "$LIBEXEC/smtpd" ;;
	2) echo "$LIBEXEC/smtpd -s" ;;
	3) echo "$LIBEXEC/smtpd -s -T" ;;
	4) echo "$LIBEXEC/pop3d" ;;
	5) echo "$LIBEXEC/pop3d -T" ;;
	6) echo "$LIBEXEC/imapd" ;;
	7) echo "$LIBEXEC/imapd -T" ;;
	esac
}

client() { timeout 120 "$@" </dev/null; }

# taken USER WITH: the only message in the mailbox is ours, and came so.
taken() {
	local file
	file=("$MAIL/$1"/new/*)
	[ ${#file[@]} = 1 ]
	sed 's/$/\r/' "${file[0]}" >"$BATS_TEST_TMPDIR/got"
	message_same "$BATS_TEST_TMPDIR/got" "$message"
	came "$2" <"${file[0]}"
	rm "${file[0]}"
}

# came WITH <MESSAGE: what the first Received line says (RFC 3848, RFC 6531).
came() {
	sed -n '/^Received:/,/^[^\t ]/p' | sed '/^Received:/b;/^[\t ]/!d' >"$BATS_TEST_TMPDIR/received"
	grep -qE "[[:space:]]with $1([[:space:]]|\$)" \
		"$BATS_TEST_TMPDIR/received" ||
		{ cat "$BATS_TEST_TMPDIR/received"; return 1; }
}

# Mail by each of the three SMTP ports, and fetched by both of POP3 and both of
# IMAP, all in TLS;
# with $inside, in another network namespace.
mail_goes_round_in_tls() {
	export MAIL_CA=$ca
	inside=${inside-}
	$inside timeout 120 curl -sS --ssl-reqd --cacert "$ca" \
		"smtp://127.0.0.1:$smtp/client.test" -T "$message" \
		--mail-from sender@client.test --mail-rcpt alice@example.test
	taken alice ESMTPS
	MAIL_TLS=start $inside timeout 120 "$LAUNCH/mail" send "$submission" \
		"$message" alice@example.test alice:secret
	taken alice ESMTPSA
	MAIL_TLS=first $inside timeout 120 "$LAUNCH/mail" send "$submissions" \
		"$message" alice@example.test alice:secret
	[ "$(count "$MAIL/alice/new")" = 1 ]
	MAIL_TLS=start $inside timeout 120 "$LAUNCH/mail" fetch "$pop3" alice \
		"$BATS_TEST_TMPDIR"
	message_same "$BATS_TEST_TMPDIR/1" "$message"
	came ESMTPSA <"$BATS_TEST_TMPDIR/1"
	[ "$(count "$MAIL/alice"/{new,cur})" = 0 ]
	$inside timeout 120 swaks --tlsc --tls-verify --tls-ca-path "$ca" \
		--server 127.0.0.1 --port "$submissions" --silent 2 \
		--from alice@example.test --to bob@example.test \
		--auth PLAIN --auth-user alice --auth-password secret
	rm "$BATS_TEST_TMPDIR/1"
	for how in "imaps://127.0.0.1:$imaps" \
		"--ssl-reqd imap://127.0.0.1:$imap"; do
		# shellcheck disable=SC2086
		$inside timeout 120 curl -sS --cacert "$ca" -u bob:secret \
			$how'/INBOX;MAILINDEX=1' |
			grep -q '^This is a test mailing'
	done
	MAIL_TLS=first $inside timeout 120 "$LAUNCH/mail" fetch "$pop3s" bob \
		"$BATS_TEST_TMPDIR"
	grep -q '^This is a test mailing' "$BATS_TEST_TMPDIR/1"
	assert_no_tmp
}

# The launchers

@test "TLS by listen: mail goes round, and a new certificate needs no restart" {
	all_start
	mail_goes_round_in_tls
	cp "$ca" "$BATS_TEST_TMPDIR/old"
	certificate_make
	not cmp -s "$ca" "$BATS_TEST_TMPDIR/old"
	mail_goes_round_in_tls
}

@test "TLS by xinetd, wait = no: mail goes round" {
	chown -R "$USER_ID" "$PENNYPOST_HOME"
	xinetd_start pennypost-{smtp,submission,submissions,pop3,pop3s,imap,imaps}
	mail_goes_round_in_tls
	soon grep -q 'EXIT: pennypost-pop3s status=0 pid=' "$log"
}

@test "TLS by xinetd, wait = yes: mail goes round" {
	chown -R "$USER_ID" "$PENNYPOST_HOME"
	xinetd_start pennypost-{smtp,submission,submissions,pop3,pop3s,imap,imaps}-wait
	mail_goes_round_in_tls
	soon seven_begun
	xinetd_end
}

seven_begun() { [ "$(grep -c START: "$log")" = 7 ]; }

@test "TLS by systemd-socket-activate, -a --inetd: mail goes round" {
	activate -a --inetd -l 127.0.0.1:"$smtp" "$LIBEXEC/smtpd"
	activate -a --inetd -l 127.0.0.1:"$submission" "$LIBEXEC/smtpd" -s
	activate -a --inetd -l 127.0.0.1:"$submissions" "$LIBEXEC/smtpd" -s -T
	activate -a --inetd -l 127.0.0.1:"$pop3" "$LIBEXEC/pop3d"
	activate -a --inetd -l 127.0.0.1:"$pop3s" "$LIBEXEC/pop3d" -T
	activate -a --inetd -l 127.0.0.1:"$imap" "$LIBEXEC/imapd"
	activate -a --inetd -l 127.0.0.1:"$imaps" "$LIBEXEC/imapd" -T
	for port in "$smtp" "$submission" "$submissions" "$pop3" "$pop3s" \
		"$imap" "$imaps"; do
		listening "$port"
	done
	mail_goes_round_in_tls
}

@test "TLS by systemd-socket-activate, by listen: mail goes round" {
	activate --inetd -l 127.0.0.1:"$smtp" "$LIBEXEC/listen" - \
		"$LIBEXEC/smtpd"
	activate -l 127.0.0.1:"$submission" "$LIBEXEC/listen" - \
		"$LIBEXEC/smtpd" -s
	activate --inetd -l 127.0.0.1:"$submissions" "$LIBEXEC/listen" -T - \
		"$LIBEXEC/smtpd" -s -T
	activate --inetd -l 127.0.0.1:"$pop3" "$LIBEXEC/listen" - \
		"$LIBEXEC/pop3d"
	activate -l 127.0.0.1:"$pop3s" "$LIBEXEC/listen" -T - \
		"$LIBEXEC/pop3d" -T
	activate --inetd -l 127.0.0.1:"$imap" "$LIBEXEC/listen" - \
		"$LIBEXEC/imapd"
	activate -l 127.0.0.1:"$imaps" "$LIBEXEC/listen" -T - \
		"$LIBEXEC/imapd" -T
	for port in "$smtp" "$submission" "$submissions" "$pop3" "$pop3s" \
		"$imap" "$imaps"; do
		listening "$port"
	done
	mail_goes_round_in_tls
}

@test "TLS under systemd, Accept=no and Accept=yes, with all that its units forbid" {
	local style service
	systemd_start
	inside="nsenter -t $(cat "$BATS_TEST_TMPDIR/systemd/pid") -n"
	smtp=25 submission=587 submissions=465 pop3=110 pop3s=995
	imap=143 imaps=993
	for style in '' -accept; do
		for service in smtp submission submissions pop3 pop3s imap \
			imaps; do
			systemd_do systemctl start \
				"pennypost-$service$style.socket"
		done
		mail_goes_round_in_tls
	done
	[ -z "$(find "$PENNYPOST_HOME/spool" ! -user 64000)" ]
	systemd_do cat /run/pennypost.log >"$BATS_TEST_TMPDIR/log"
	# A process that its unit forbids something that it needs says so.
	not grep -iE 'confined refused|landlock|seccomp' "$BATS_TEST_TMPDIR/log"
	[ ! -e "$PENNYPOST_HOME/spool/no-landlock" ]
}

# The clients

# s_client PORT ARG…: the commands on stdin, what the server says.
s_client() {
	local port=$1
	shift
	timeout 120 openssl s_client -connect "127.0.0.1:$port" -CAfile "$ca" \
		-servername mx.example.test -verify_hostname mx.example.test \
		-verify_return_error -crlf -ign_eof "$@" 2>&1
}

@test "openssl s_client: each port, TLS 1.2 and 1.3, verified" {
	all_start
	for version in 1_2 1_3; do
		for how in "$smtp -starttls smtp" "$submission -starttls smtp" \
			"$submissions"; do
			# shellcheck disable=SC2086
			run -0 s_client $how -tls$version <<<$'EHLO client.test\nQUIT'
			[[ $output == *"Verification: OK"* ]]
			[[ $output == *"New, TLSv${version/_/.}, Cipher is "* ]]
			[[ $output == *$'\n250 '*$'\n221 2.0.0 '* ]]
			[[ $output != *STARTTLS* ]]
		done
		for how in "$pop3 -starttls pop3" "$pop3s" "$pop3s -alpn pop3"; do
			# shellcheck disable=SC2086
			run -0 s_client $how -tls$version <<<$'CAPA\nQUIT'
			[[ $output == *"Verification: OK"* ]]
			[[ $output == *"New, TLSv${version/_/.}, Cipher is "* ]]
			[[ $output == *$'\nUSER\r'*$'\n+OK'* ]]
			[[ $output != *STLS* ]]
		done
		for how in "$imap -starttls imap" "$imaps" "$imaps -alpn imap"; do
			# shellcheck disable=SC2086
			run -0 s_client $how -tls$version <<<$'1 CAPABILITY\n2 LOGOUT'
			[[ $output == *"Verification: OK"* ]]
			[[ $output == *"New, TLSv${version/_/.}, Cipher is "* ]]
			[[ $output == *$'\n1 OK '*$'\n2 OK '* ]]
			[[ $output != *STARTTLS* ]]
		done
	done
	run -0 s_client "$pop3s" -alpn pop3 <<<QUIT
	[[ $output == *'ALPN protocol: pop3'* ]]
	run s_client "$pop3s" -alpn imap <<<QUIT
	[[ $output == *'no application protocol'* ]]
	# Another name is no reason to hang up: the host's certificate is shown.
	run -0 s_client "$pop3s" -servername other.example.test <<<QUIT
	[[ $output == *"Verification: OK"* ]]
}

@test "openssl s_client: a session is resumed by another process" {
	all_start
	for version in 1_2 1_3; do
		run -0 s_client "$pop3s" -tls$version -sess_out session \
			<<<$'CAPA\nQUIT'
		run -0 s_client "$pop3s" -tls$version -sess_in session \
			<<<$'CAPA\nQUIT'
		[[ $output == *"Reused, TLSv${version/_/.}"* ]]
		run -0 s_client "$submission" -starttls smtp -tls$version \
			-sess_in session <<<QUIT
		[[ $output == *"Reused, TLSv${version/_/.}"* ]]
	done
}

@test "curl: five ports; and no login in the clear that it would not want" {
	all_start
	for how in "smtp://127.0.0.1:$submission --ssl-reqd" \
		"smtps://127.0.0.1:$submissions"; do
		for login in PLAIN LOGIN; do
			# shellcheck disable=SC2086
			client curl -sS --cacert "$ca" $how -T "$message" \
				--mail-from alice@example.test \
				--mail-rcpt bob@example.test -u alice:secret \
				--login-options AUTH=$login
			taken bob ESMTPSA
		done
		# shellcheck disable=SC2086
		not client curl -sS --cacert "$ca" $how -T "$message" \
			--mail-from alice@example.test \
			--mail-rcpt bob@example.test -u alice:wrong
		# shellcheck disable=SC2086
		not client curl -sS --cacert "$ca" $how -T "$message" \
			--mail-from alice@example.test \
			--mail-rcpt bob@example.test
	done
	client curl -sS --cacert "$ca" --ssl-reqd "smtp://127.0.0.1:$smtp" \
		-T "$message" --mail-from sender@client.test \
		--mail-rcpt alice@example.test
	for how in "pop3://127.0.0.1:$pop3/1 --ssl-reqd" \
		"pop3s://127.0.0.1:$pop3s/1"; do
		# shellcheck disable=SC2086
		client curl -sS --cacert "$ca" $how -u alice:secret >got
		message_same got "$message"
	done
	# Who checks, and has not been told of it, goes away.
	run client curl -sS "pop3s://127.0.0.1:$pop3s/" -u alice:secret
	[ "$status" = 60 ]
	not client curl -sS --cacert "$ca" --tls-max 1.1 \
		"pop3s://127.0.0.1:$pop3s/" -u alice:secret
	taken alice ESMTPS
}

@test "swaks: STARTTLS and TLS first, AUTH, a big attachment" {
	all_start
	head -c 3000000 /dev/urandom >big
	for how in "--tls --port $submission" "--tlsc --port $submissions"; do
		for auth in PLAIN LOGIN; do
			# shellcheck disable=SC2086
			client swaks $how --tls-verify --tls-ca-path "$ca" \
				--server 127.0.0.1 --silent 2 \
				--from alice@example.test \
				--to bob@example.test --attach @big --body x \
				--auth $auth --auth-user alice \
				--auth-password secret
			set -- "$MAIL"/bob/new/*
			came ESMTPSA <"$1"
			sed 's/$/\r/' "$1" >got
			"$LAUNCH/mail" part got big
			rm "$1"
		done
	done
	client swaks --tls --tls-verify --tls-ca-path "$ca" --pipeline \
		--server 127.0.0.1 --port "$smtp" --silent 2 \
		--from sender@client.test --to alice@example.test
	came ESMTPS <"$(echo "$MAIL"/alice/new/*)"
	assert_no_tmp
}

@test "Python: SMTPUTF8, TLS by STARTTLS and first, poplib" {
	all_start
	cat >send.py <<'END'
import email.message, email.policy, smtplib, ssl, sys
m = email.message.EmailMessage(policy=email.policy.SMTPUTF8)
m["From"] = "J\u00fcrgen <j\u00fcrgen@client.test>"
m["To"] = "alice@example.test"
m.set_content("Gr\u00fc\u00dfe\n.\n", cte="8bit")
context = ssl.create_default_context(cafile=sys.argv[1])
with smtplib.SMTP("127.0.0.1", int(sys.argv[2]), timeout=60) as smtp:
    smtp.starttls(context=context)
    smtp.send_message(m)
with smtplib.SMTP_SSL("127.0.0.1", int(sys.argv[3]), timeout=60,
                      context=context) as smtp:
    print(smtp.sock.version(), smtp.sock.cipher()[0])
    smtp.login("alice", "secret")
    smtp.send_message(m, from_addr="alice@example.test",
                      to_addrs=["bob@example.test"],
                      mail_options=["SMTPUTF8"])
END
	client python3 send.py "$ca" "$smtp" "$submissions" >told
	grep -q '^TLSv1.3 TLS_' told
	came UTF8SMTPS <"$(echo "$MAIL"/alice/new/*)"
	came UTF8SMTPSA <"$(echo "$MAIL"/bob/new/*)"
}

@test "nodemailer: STARTTLS and TLS first" {
	all_start
	cat >send.js <<'END'
const nodemailer = require("nodemailer");
const fs = require("fs");
const [ca, smtp, submission, submissions] = process.argv.slice(2);
async function send(port, secure, auth, to) {
	const transport = nodemailer.createTransport({
		host: "127.0.0.1", port: Number(port), secure,
		requireTLS: true, auth,
		tls: {ca: fs.readFileSync(ca), servername: "mx.example.test"},
	});
	await transport.sendMail({from: "alice@example.test", to,
		subject: "by node", text: "Grüße\n.\n",
		attachments: [{filename: "x", content: "y".repeat(200000)}]});
	transport.close();
}
async function main() {
	const auth = {user: "alice", pass: "secret"};
	await send(smtp, false, undefined, "alice@example.test");
	await send(submission, false, auth, "bob@example.test");
	await send(submissions, true, auth, "carol@example.test");
}
main().catch(e => { console.error(e); process.exit(1); });
END
	client env NODE_PATH=/usr/share/nodejs node send.js "$ca" "$smtp" \
		"$submission" "$submissions"
	came ESMTPS <"$(echo "$MAIL"/alice/new/*)"
	came ESMTPSA <"$(echo "$MAIL"/bob/new/*)"
	came ESMTPSA <"$(echo "$MAIL"/carol/new/*)"
	[ "$(cat "$MAIL"/carol/new/* | tr -d '\n' | grep -o 'eXl5eXl5' | wc -l)" -gt 1000 ]
}

@test "fetchmail: STLS and TLS first, the certificate checked" {
	for_users_with_names fetchmail
	all_start
	"$LAUNCH/mail" send "$smtp" "$message" alice@example.test
	n=0
	for how in "service $pop3" "service $pop3s"; do
		n=$((n + 1))
		ssl=
		[ "$n" = 1 ] || ssl=ssl
		cat >fetchmailrc <<END
set invisible
poll localhost $how protocol pop3 timeout 60
	user alice there is me here password secret $ssl sslproto tls1.2+
	sslcertck sslcertfile $ca
	keep no rewrite mda "cat >$PWD/got.$n"
END
		chmod 600 fetchmailrc
		client fetchmail -s --pidfile "$PWD/pid" -f fetchmailrc -i "ids.$n"
		sed 's/$/\r/' "got.$n" >got
		message_same got "$message"
	done
	sed -i "s|$ca|/dev/null|" fetchmailrc
	rm -f got.2
	not client fetchmail -s --pidfile "$PWD/pid" -f fetchmailrc -i ids
	[ ! -e got.2 ]
}

@test "mpop: STLS and TLS first, the certificate checked" {
	all_start
	"$LAUNCH/mail" send "$smtp" "$message" alice@example.test
	for how in "on:$pop3" "off:$pop3s"; do
		rm -rf box uidls
		mkdir -p box/{tmp,new,cur}
		cat >mpoprc <<END
defaults
tls on
tls_starttls ${how%:*}
tls_trust_file $ca
uidls_file $PWD/uidls
keep on
received_header off
account test
host localhost
port ${how#*:}
user alice
password secret
auth plain
delivery maildir $PWD/box
END
		chmod 600 mpoprc
		client mpop -q -C mpoprc test
		sed 's/$/\r/' box/new/* >got
		message_same got "$message"
	done
}

# A certificate for alice, by an authority that is asked for clients.
client_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout ca.key -out ca.pem -subj /CN=clients
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout alice.key -out alice.csr -subj /CN=Alice
	openssl x509 -req -in alice.csr -CA ca.pem -CAkey ca.key \
		-CAcreateserial -out alice.pem -extfile <(
		echo subjectAltName=email:alice@example.test)
	cp ca.pem "$PENNYPOST_HOME/users/tls/clients.pem"
} 2>/dev/null

@test "mpop: SCRAM-SHA-256, and EXTERNAL by a certificate" {
	all_start
	# The hash of crypt(3) that is there says nothing to SCRAM.
	echo secret2 | PENNYPOST_PROGRAMS=$PROGRAMS "$ROOT/scripts/pennypost" \
		user passwd alice@example.test
	client_certificate
	"$LAUNCH/mail" send "$smtp" "$message" alice@example.test
	for how in on:$pop3:scram-sha-256 off:$pop3s:scram-sha-256 \
		on:$pop3:external off:$pop3s:external; do
		IFS=: read -r start port auth <<<"$how"
		rm -rf box uidls
		mkdir -p box/{tmp,new,cur}
		cat >mpoprc <<END
defaults
tls on
tls_starttls $start
tls_trust_file $ca
uidls_file $PWD/uidls
keep on
received_header off
account test
host localhost
port $port
user alice@example.test
auth $auth
delivery maildir $PWD/box
END
		case $auth in
		external) printf 'tls_cert_file %s\ntls_key_file %s\n' \
			"$PWD/alice.pem" "$PWD/alice.key" >>mpoprc ;;
		*) echo 'password secret2' >>mpoprc ;;
		esac
		chmod 600 mpoprc
		client mpop -q -C mpoprc test
		sed 's/$/\r/' box/new/* >got
		message_same got "$message"
	done
	sed -i 's/alice@/bob@/' mpoprc # not whom it names
	not client mpop -q -C mpoprc test
}

# mutt wants a terminal to read.
mutt_do() { # FOLDER KEYS
	cat >muttrc <<END
set folder=$PWD
set mbox_type=mbox
set confirmappend=no confirmcreate=no
set delete=yes move=no
set pop_delete=no pop_checkinterval=60
set header_cache="" message_cachedir=""
set ssl_starttls=yes ssl_force_tls=yes
set ssl_ca_certificates_file=$ca
set certificate_file=$PWD/certificates
set copy=no
unset wait_key
set weed=no pipe_decode=no
push "$2"
END
	client script -qfec "mutt -n -F muttrc -f '$1'" /dev/null >screen
}

@test "mutt: reads by POP3, with STLS and TLS first" {
	for_users_with_names mutt
	client script -qfec true /dev/null || skip "no pseudo-terminal here"
	all_start
	"$LAUNCH/mail" send "$smtp" "$message" alice@example.test
	for url in "pop://alice:secret@localhost:$pop3" \
		"pops://alice:secret@localhost:$pop3s"; do
		mutt_do "$url" '<pipe-message>cat >got.pop<enter><quit>'
		sed 's/$/\r/' got.pop >got
		message_same got "$message"
		rm got.pop
	done
}

@test "mutt: sends, with STARTTLS and TLS first" {
	for_users_with_names mutt
	all_start
	for url in "smtp://alice:secret@localhost:$submission" \
		"smtps://alice:secret@localhost:$submissions"; do
		for how in plain login; do
			printf 'Hello\n.\nFrom us\n' | timeout 120 mutt -n \
				-F /dev/null -e "set smtp_url=$url" \
				-e 'set copy=no ssl_force_tls=yes' \
				-e 'set ssl_starttls=yes' \
				-e "set ssl_ca_certificates_file=$ca" \
				-e "set certificate_file=$PWD/certificates" \
				-e "set smtp_authenticators=$how" \
				-e 'set from=alice@example.test' \
				-s 'by mutt' bob@example.test
			came ESMTPSA <"$(echo "$MAIL"/bob/new/*)"
			rm "$MAIL"/bob/new/*
		done
	done
}

# What a scanner finds

# scan PORT [STARTTLS]: what sslscan accepts, a line each.
scan() {
	timeout 300 sslscan --timeout=60 --no-colour --show-sigs "${@:2}" \
		--xml=scan.xml "127.0.0.1:$1" >/dev/null
	python3 - <<'END'
import xml.etree.ElementTree as tree
for e in tree.parse("scan.xml").getroot().iter():
    a = e.attrib
    if e.tag == "protocol" and a["enabled"] == "1":
        print(a["type"] + a["version"])
    elif e.tag == "cipher":
        print(a["sslversion"], a["cipher"])
    elif e.tag in ("renegotiation", "compression"):
        print(e.tag, *(a[k] for k in sorted(a)))
    elif e.tag == "heartbleed" and a["vulnerable"] != "0":
        print(e.tag, a["sslversion"])
    elif e.tag == "fallback":
        print(e.tag, a["supported"])
    elif e.tag == "group":
        print(e.tag, a["sslversion"], a["name"])
END
}

@test "sslscan: TLS 1.2 and 1.3, Mozilla's intermediate ciphers, nothing else, on each port" {
	all_start
	for how in "$smtp --starttls-smtp" "$submission --starttls-smtp" \
		"$submissions" "$pop3 --starttls-pop3" "$pop3s" \
		"$imap --starttls-imap" "$imaps"; do
		echo "$how"
		# shellcheck disable=SC2086
		scan $how | sort >found
		diff -u - found <<'END'
TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256
TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384
TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305
TLSv1.3 TLS_AES_128_GCM_SHA256
TLSv1.3 TLS_AES_256_GCM_SHA384
TLSv1.3 TLS_CHACHA20_POLY1305_SHA256
group TLSv1.2 secp256r1 (NIST P-256)
group TLSv1.3 secp256r1 (NIST P-256)
group TLSv1.3 secp384r1 (NIST P-384)
group TLSv1.3 x25519
renegotiation 0 0
tls1.2
tls1.3
END
	done
}

@test "sslscan: the same with an RSA certificate" {
	all_start
	rm "$PENNYPOST_HOME/users/tls/mx.example.test"
	mkdir "$PENNYPOST_HOME/users/tls/mx.example.test"
	openssl req -x509 -newkey rsa:2048 -nodes -out "$ca" \
		-keyout "${ca%/*}/privkey.pem" -subj /CN=mx.example.test
	chown -R "$USER_ID" "$PENNYPOST_HOME/users"
	scan "$pop3s" | grep '^TLS' | sort >found
	diff -u - found <<'END'
TLSv1.2 DHE-RSA-AES128-GCM-SHA256
TLSv1.2 DHE-RSA-AES256-GCM-SHA384
TLSv1.2 DHE-RSA-CHACHA20-POLY1305
TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256
TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384
TLSv1.2 ECDHE-RSA-CHACHA20-POLY1305
TLSv1.3 TLS_AES_128_GCM_SHA256
TLSv1.3 TLS_AES_256_GCM_SHA384
TLSv1.3 TLS_CHACHA20_POLY1305_SHA256
END
}

@test "no renegotiation, no TLS 1.1, no ciphers of another time" {
	all_start
	for how in "$smtp -starttls smtp" "$submissions" \
		"$pop3 -starttls pop3" "$pop3s" \
		"$imap -starttls imap" "$imaps"; do
		# R: s_client asks for a renegotiation (TLS 1.2). A greeting
		# that comes in the middle of it would end the connection.
		rm -f out
		# shellcheck disable=SC2086
		{
			[[ $how == *-starttls* ]] ||
				soon grep -qsE '^(220|\+OK|\* OK) ' out || :
			echo R
			soon grep -qs 'no renegotiation' out || :
		} |
			timeout 120 openssl s_client -connect \
				"127.0.0.1:${how%% *}" -CAfile "$ca" -tls1_2 \
				${how#"${how%% *}"} >out 2>&1 || :
		grep -q RENEGOTIATING out || { cat out; return 1; }
		grep -q 'no renegotiation' out || { cat out; return 1; }
		for old in '-tls1_1 -cipher ALL:@SECLEVEL=0' \
			'-tls1 -cipher ALL:@SECLEVEL=0' \
			'-tls1_2 -cipher AES128-SHA:@SECLEVEL=0' \
			'-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0' \
			'-tls1_2 -cipher aNULL:eNULL:@SECLEVEL=0'; do
			# shellcheck disable=SC2086
			run ! timeout 120 openssl s_client -connect \
				"127.0.0.1:${how%% *}" -CAfile "$ca" $old \
				${how#"${how%% *}"} </dev/null
			[[ $output == *'Cipher is (NONE)'* || $output == *' alert '* ]]
		done
	done
}

# Clients that break the rules

@test "nothing that is said before the handshake counts after it" {
	all_start
	for port in "$smtp" "$submission"; do
		"$LAUNCH/tls" inject "$port" smtp
	done
	"$LAUNCH/tls" inject "$pop3" pop3
	"$LAUNCH/tls" inject "$imap" imap
	"$LAUNCH/tls" before "$smtp" smtp "$ca"
	"$LAUNCH/tls" before "$pop3" pop3 "$ca"
	"$LAUNCH/tls" before "$imap" imap "$ca"
	"$LAUNCH/tls" login "$submission" "$ca"
}

@test "DATA in TLS that ends at any byte, in any way: no message, nothing in the clear" {
	all_start
	"$LAUNCH/tls" cut "$smtp" data "$ca"
	nothing_is_left
}

@test "BDAT in TLS that ends at any byte, in any way: no message, nothing in the clear" {
	all_start
	"$LAUNCH/tls" cut "$smtp" bdat "$ca"
	nothing_is_left
}

@test "APPEND in TLS that ends at any byte, in any way: no message, nothing in the clear" {
	all_start
	"$LAUNCH/tls" cut "$imap" append "$ca"
	soon no_handlers
	soon nothing_in "$MAIL"/alice/{new,cur,tmp}
}

# Neither message nor process; and the next one is served.
nothing_is_left() {
	soon no_handlers
	soon nothing_in "$PENNYPOST_HOME"/spool/{mail,queue,tmp}
	export MAIL_CA=$ca
	MAIL_TLS=start "$LAUNCH/mail" send "$smtp" "$message" alice@example.test
	taken alice ESMTPS
}

nothing_in() { [ "$(count "$@")" = 0 ]; }

no_handlers() {
	local pid
	for pid in $STARTED; do
		[ -z "$(children "$pid")" ] || return 1
	done
}

@test "POP3 in TLS that ends before QUIT, in any way: nothing is deleted" {
	all_start
	"$LAUNCH/mail" send "$smtp" "$message" alice@example.test
	"$LAUNCH/tls" dele "$pop3" "$ca"
	[ "$(count "$MAIL/alice"/{new,cur})" = 1 ]
	sed 's/$/\r/' "$MAIL"/alice/*/* >got
	message_same got "$message"
}

# Where a password may be said

@test "from another machine: no login in the clear, by no command" {
	export TCPREMOTEIP=192.0.2.7
	both "$PROGRAMS/smtpd" -s <<'TALK'
S: 220 *
C: EHLO client.test
S: 250-mx.example.test
S: 250-SIZE *
S: 250-LIMITS *
S: 250-STARTTLS
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-ENHANCEDSTATUSCODES
S: 250-DSN
S: 250-CHUNKING
S: 250 HELP
C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
S: 538 5.7.11 *
C: MAIL FROM:<alice@example.test>
S: 530 5.7.0 *
C: QUIT
S: 221 *
TALK
	both "$PROGRAMS/pop3d" <<'TALK'
S: +OK *
C: CAPA
S: +OK *
S: STLS
S: TOP
S: UIDL
S: PIPELINING
S: RESP-CODES
S: AUTH-RESP-CODE
S: UTF8
S: EXPIRE NEVER
S: IMPLEMENTATION Pennypost
S: .
C: USER alice
S: -ERR [AUTH] not without encryption
C: PASS secret
S: -ERR *
C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
S: -ERR [AUTH] not without encryption
C: QUIT
S: +OK *
TALK
}

@test "from another machine, on a network: no login but in TLS" {
	local unshare=-n
	[ "$(id -u)" = 0 ] || unshare=-rn
	unshare "$unshare" true || skip "no namespaces here"
	cat >inside <<END
set -eu
cd "$PWD"
ip link set lo up
ip address add 192.0.2.7/32 dev lo
PENNYPOST_LOG=stderr "$LIBEXEC/listen" 192.0.2.7:587 "$LIBEXEC/smtpd" -s &
PENNYPOST_LOG=stderr "$LIBEXEC/listen" 192.0.2.7:110 "$LIBEXEC/pop3d" &
trap 'kill %1 %2' EXIT
for port in 587 110; do
	until (: <>/dev/tcp/192.0.2.7/\$port) 2>/dev/null; do sleep 0.1; done
done
tls="--cacert $ca --ssl-reqd --connect-to ::192.0.2.7:"
submit() {
	timeout 120 curl -sS "\$@" -T "$message" -u alice:secret \
		--mail-from alice@example.test --mail-rcpt bob@example.test
}
fetch() { timeout 120 curl -sS "\$@" -u bob:secret; }
if submit smtp://192.0.2.7:587 || fetch pop3://192.0.2.7:110/; then exit 1; fi
submit \$tls smtp://mx.example.test:587
fetch \$tls pop3://mx.example.test:110/1 >got
END
	client unshare "$unshare" bash inside
	message_same got "$message"
}
