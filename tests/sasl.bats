#!/usr/bin/env bats
# SASL in pop3d, smtpd and imapd: every mechanism, right and wrong, the log's lines,
# with TLS the channel, and other people's clients.

load helper
load launch/lib

setup() {
	home_make
	# "secret", with 10 iterations.
	local hash='{SCRAM-SHA-256}10,cGVubnlwb3N0LXBlbm55cA==,'
	hash+=$(python3 - <<'PY'
import base64, hashlib, hmac
salted = hashlib.pbkdf2_hmac("sha256", b"secret", b"pennypost-pennyp", 10)
key = hmac.new(salted, b"Client Key", "sha256").digest()
print(base64.b64encode(hashlib.sha256(key).digest()).decode() + "," +
    base64.b64encode(hmac.new(salted, b"Server Key", "sha256").digest()).decode())
PY
)
	sed -i "s|^\(alice[^:]*\):.*|\1:$hash:|" "$PENNYPOST_HOME/users/passwd"
}

# talk PROTOCOL MECHANISM USER PASSWORD [NAME=VALUE ...]: the last reply.
talk() {
	local program=("$PROGRAMS/pop3d")
	[ "$1" != smtp ] || program=("$PROGRAMS/smtpd" -s)
	[ "$1" != imap ] || program=("$PROGRAMS/imapd")
	timeout 60 python3 "$ROOT/tests/scram.py" "$@" -- "${program[@]}" \
		2>>"$BATS_TEST_TMPDIR/stderr"
}

b64() { printf "$@" | base64 -w 0; }

logged() { # the lines of logins, without what changes
	sed -n 's/^\([a-z0-9]*\)\[[0-9]*\]: \(warning: \)\{0,1\}\(login.*\)/\1: \3/p' \
		"$BATS_TEST_TMPDIR/stderr"
}

no='-ERR [AUTH] user or password is wrong'
bad='-ERR that is no response of this mechanism'

@test "what is offered" {
	both "$PROGRAMS/pop3d" <<'TALK'
S: +OK *
C: AUTH
S: +OK mechanisms follow
S: SCRAM-SHA-256
S: PLAIN
S: LOGIN
S: .
C: AUTH SCRAM-SHA-256-PLUS
S: -ERR unknown mechanism
C: AUTH EXTERNAL =
S: -ERR unknown mechanism
C: AUTH CRAM-MD5
S: -ERR unknown mechanism
C: QUIT
S: +OK *
TALK
	# SCRAM needs what the first account has; another program has it not.
	sed -i 1d "$PENNYPOST_HOME/users/passwd"
	capabilities() {
		printf 'CAPA\r\nQUIT\r\n' | "$PROGRAMS/pop3d" | tr -d '\r' |
			grep ^SASL
	}
	[ "$(capabilities)" = 'SASL PLAIN LOGIN' ]
	echo "# a comment: {SCRAM-SHA-256}" >"$PENNYPOST_HOME/users/passwd"
	echo 'alice@example.test:{SCRAM-SHA-256}x:' >>"$PENNYPOST_HOME/users/passwd"
	[ "$(capabilities)" = 'SASL SCRAM-SHA-256 PLAIN LOGIN' ]
	echo 'auth /bin/true' >>"$PENNYPOST_HOME/pennypost.conf"
	[ "$(capabilities)" = 'SASL PLAIN LOGIN' ]
	[ "$(talk pop3 SCRAM-SHA-256 alice secret)" = '-ERR unknown mechanism' ]
}

@test "nothing is offered to the network without TLS" {
	export TCPREMOTEIP=192.0.2.1
	both "$PROGRAMS/pop3d" <<'TALK'
S: +OK *
C: AUTH
S: +OK mechanisms follow
S: .
C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
S: -ERR [AUTH] not without encryption
C: AUTH SCRAM-SHA-256 biwsbj1hbGljZSxyPWFiYw==
S: -ERR [AUTH] not without encryption
C: USER alice
S: -ERR [AUTH] not without encryption
C: QUIT
S: +OK *
TALK
	[ ! -e "$PENNYPOST_HOME/spool/logins" ] # nobody was asked
}

# like TEXT PATTERN: of the pattern only * is more than itself.
like() {
	local pattern=${2//\[/\\[}
	pattern=${pattern//\]/\\]}
	# shellcheck disable=SC2053
	[[ $1 == $pattern ]] || { echo "$1"; return 1; }
}

@test "SCRAM-SHA-256: in, and not in, by each protocol" {
	local protocol yes no
	for protocol in pop3 smtp imap; do
		yes='+OK 0 messages' no='-ERR [AUTH] user or password is wrong'
		[ $protocol != smtp ] || {
			yes='235 2.7.0 Welcome'
			no='535 5.7.8 User or password is wrong'
		}
		[ $protocol != imap ] || {
			yes='a OK [CAPABILITY IMAP4rev1 *] logged in'
			no='a NO [AUTHENTICATIONFAILED] user or password is wrong'
		}
		like "$(talk $protocol SCRAM-SHA-256 alice secret)" "$yes (server known)"
		like "$(talk $protocol scram-sha-256 Alice@Example.Test secret later=)" "$yes (server known)"
		like "$(talk $protocol SCRAM-SHA-256 alice secret gs2=y,, extension=,x=y)" "$yes (server known)"
		like "$(talk $protocol SCRAM-SHA-256 alice secret gs2=n,a=alice,)" "$yes (server known)"
		[ "$(talk $protocol SCRAM-SHA-256 alice Secret)" = "$no" ]
		[ "$(talk $protocol SCRAM-SHA-256 alice secret spoil=proof)" = "$no" ]
		[ "$(talk $protocol SCRAM-SHA-256 alice secret spoil=nonce)" = "$no" ]
		# One without a verifier, one who is not there, one who cannot be.
		[ "$(talk $protocol SCRAM-SHA-256 bob secret)" = "$no" ]
		[ "$(talk $protocol SCRAM-SHA-256 nobody secret)" = "$no" ]
		[ "$(talk $protocol SCRAM-SHA-256 'a b' secret)" = "$no" ]
		rm -r "$PENNYPOST_HOME/spool/logins"
	done
	logged | grep -c 'login refused .*mechanism=SCRAM-SHA-256$' | grep -qx 18
	logged | grep -qx 'smtpd: login user=alice@example.test peer= service=smtp mechanism=SCRAM-SHA-256'
	logged | grep -qx 'imapd: login user=alice@example.test peer= service=imap mechanism=SCRAM-SHA-256'
}

@test "SCRAM: malformed at each step" {
	local text
	for text in x = "$(b64 'n,,n=alice')" "$(b64 'n,a=bob,n=alice,r=x')" \
		"$(b64 'p=tls-exporter,,n=alice,r=x')" "$(b64 'n,,n=alice,r=x\0')" \
		"$(b64 'n,,n=%0240d,r=x' 0)" "$(b64 'n,,n=a,r=%0300d' 0)" \
		"$(b64 'n,,m=1,n=alice,r=x')" 'biws****'; do
		[ "$(talk pop3 'SCRAM-SHA-256' a b "gs2=$text" 2>/dev/null |
			head -c 4)" = '-ERR' ]
		run -0 pipe "$PROGRAMS/pop3d" <<TALK
S: +OK *
C: AUTH SCRAM-SHA-256 $text
S: $bad
C: QUIT
S: +OK *
TALK
	done
	# The answer to the challenge.
	first=$(b64 'n,,n=alice,r=abc')
	for text in '' x AAAA '****' "$(b64 '\0')" "$(b64 c=biws)"; do
		run -0 step "$PROGRAMS/pop3d" <<TALK
S: +OK *
C: AUTH SCRAM-SHA-256 $first
S: + *
C: $text
S: -ERR *
C: QUIT
S: +OK *
TALK
	done
	# Given up; hung up; another login in the middle.
	mkdir programs
	cp "$PROGRAMS"/{pop3d,auth} programs
	run -0 step programs/pop3d <<TALK
S: +OK *
C: AUTH SCRAM-SHA-256 $first
S: + *
C: *
S: -ERR given up
C: AUTH SCRAM-SHA-256 $first
S: + *
C: *
S: -ERR given up
C: USER alice
S: +OK *
C: PASS secret
S: +OK 0 messages
C: QUIT
S: +OK *
TALK
	run step programs/pop3d <<TALK
S: +OK *
C: AUTH SCRAM-SHA-256 $first
S: + *
TALK
	# No auth stays behind.
	soon not pgrep -f "^$PWD/programs/auth"
}

@test "PLAIN: right, wrong and malformed" {
	local text
	for text in "$(b64 '\0alice\0secret')" "$(b64 'alice\0alice\0secret')" \
		"$(b64 '\0alice@example.test\0secret')" \
		"$(b64 '\0bob\0secret')"; do
		[ "$(talk pop3 PLAIN x x "text=$text")" = '+OK 0 messages' ]
		[ "$(talk pop3 plain x x "text=$text" later=)" = '+OK 0 messages' ]
	done
	for text in "$(b64 '\0alice\0wrong')" "$(b64 '\0\0secret')" \
		"$(b64 '\0alice\0')" "$(b64 '\0a b\0secret')" \
		"$(b64 '\0alice@\0secret')"; do
		[ "$(talk pop3 PLAIN x x "text=$text")" = "$no" ]
	done
	for text in = A '*' '****' "$(b64 alice)" "$(b64 'alice\0secret')" \
		"$(b64 '\0alice\0secret\0')" "$(b64 'bob\0alice\0secret')" \
		"$(b64 '\0%0240d\0secret' 0)" "$(b64 '\0alice\0%0240d' 0)"; do
		[ "$(talk pop3 PLAIN x x "text=$text")" = "$bad" ] || [ "$text" = '*' ]
	done
	[ "$(talk pop3 PLAIN x x)" = '-ERR given up' ]
}

@test "LOGIN: right, wrong and malformed" {
	local alice secret
	alice=$(b64 alice) secret=$(b64 secret)
	[ "$(talk smtp LOGIN x x text="$alice" text="$secret")" = '235 2.7.0 Welcome' ]
	[ "$(talk smtp LOGIN x x text="$alice" text="$secret" later=)" = '235 2.7.0 Welcome' ]
	[[ $(talk smtp LOGIN x x text="$alice" text="$(b64 x)") == 535* ]]
	[[ $(talk smtp LOGIN x x text="$alice" text=) == 535* ]]
	[[ $(talk smtp LOGIN x x text="$alice" text='***') == 501* ]]
	[[ $(talk smtp LOGIN x x text='***' text="$secret") == 501* ]]
	[[ $(talk smtp LOGIN x x text="$(b64 'a\0b')" text="$secret") == 501* ]]
	[[ $(talk smtp LOGIN x x text="$alice" text='*') == 501* ]]
	[[ $(talk smtp LOGIN x x text="$(b64 %0240d 0)" text="$secret") == 501* ]]
}

@test "the log: a line for each, no password, no blank in a name" {
	talk pop3 PLAIN x x text="$(b64 '\0x peer=192.0.2.66\0PaSsWoRd1')"
	talk pop3 LOGIN x x text="$(b64 '"\\\n')" text="$(b64 PaSsWoRd2)"
	talk pop3 SCRAM-SHA-256 $'x\ty' PaSsWoRd3
	talk smtp PLAIN x x text="$(b64 '\0alice\0secret')"
	diff - <(logged) <<'LOG'
pop3d: login refused user=x\x20peer=192.0.2.66@example.test peer= service=pop3 mechanism=PLAIN
pop3d: login refused user=\x22\x5c\x0a@example.test peer= service=pop3 mechanism=PLAIN
pop3d: login refused user=x\x09y@example.test peer= service=pop3 mechanism=SCRAM-SHA-256
smtpd: login user=alice@example.test peer= service=smtp mechanism=PLAIN
LOG
	run -1 grep -i password "$BATS_TEST_TMPDIR/stderr"
	run -1 grep -r PaSsWoRd "$PENNYPOST_HOME/spool/logins"
}

# The doorkeeper cannot be traced, not even by its own user: so an auth that
# tells what it was given.
@test "no password in an argument list, an environment or a core" {
	mkdir programs
	cp "$PROGRAMS/pop3d" programs
	cat >programs/auth <<SH
#!/bin/bash
{
	echo "arguments: \$*"
	cat /proc/\$\$/environ | tr '\\0' '\\n'
	grep 'core file' /proc/\$PPID/limits
} >>"$PWD/told"
exec "$PROGRAMS/auth" "\$@"
SH
	chmod +x programs/auth
	printf 'USER alice\r\nPASS Xyzzy\r\nAUTH PLAIN %s\r\nQUIT\r\n' \
		"$(b64 '\0alice\0secret')" >in
	programs/pop3d <in >out 2>err
	grep -q '^+OK 0 messages' out
	[ "$(grep -c '^arguments: $' told)" = 2 ]
	grep -q "^PENNYPOST_HOME=$PENNYPOST_HOME\$" told
	run -1 grep 'Xyzzy\|secret' told
	run -1 grep 'Xyzzy\|secret' err
	[ "$(grep -c '^Max core file size  *0  *0 ' told)" = 2 ]
}

@test "SCRAM when auth cannot tell" {
	mv "$PENNYPOST_HOME/users/passwd" "$PENNYPOST_HOME/users/passwd.new"
	head -n 1 "$PENNYPOST_HOME/users/passwd.new" >"$PENNYPOST_HOME/users/passwd"
	mkdir "$PENNYPOST_HOME/spool/logins"
	echo x >"$PENNYPOST_HOME/spool/logins/secret" # half a secret
	[ "$(talk pop3 SCRAM-SHA-256 nobody secret)" = '-ERR [SYS/TEMP] cannot tell now' ]
	[ "$(talk pop3 SCRAM-SHA-256 alice secret)" = '+OK 0 messages (server known)' ]
	logged | grep -qx 'pop3d: login unavailable user=nobody@example.test peer= service=pop3 mechanism=SCRAM-SHA-256'
}

@test "a program that says yes to everybody" {
	echo 'auth /bin/true' >>"$PENNYPOST_HOME/pennypost.conf"
	[ "$(talk smtp PLAIN x x text="$(b64 '\0zoe\0x')")" = '235 2.7.0 Welcome' ]
	local name
	for name in '' 'a b' '<a>' 'a@' '@example.test' 'a@b c' '"' 'a@b@c'; do
		[[ $(talk smtp PLAIN x x text="$(b64 '\0%s\0x' "$name")") == 535* ]]
	done
	# To a directory that would be nobody's login: RFC 4513 5.1.2.
	[[ $(talk smtp PLAIN x x text="$(b64 '\0zoe\0')") == 535* ]]
	# One that cannot tell.
	printf '#!/bin/sh\nexit 5\n' >five
	chmod +x five
	sed -i "s|^auth .*|auth $PWD/five|" "$PENNYPOST_HOME/pennypost.conf"
	[[ $(talk smtp PLAIN x x text="$(b64 '\0zoe\0x')") == 454* ]]
	sed -i 's|^auth .*|auth /nonexistent|' "$PENNYPOST_HOME/pennypost.conf"
	[[ $(talk smtp PLAIN x x text="$(b64 '\0zoe\0x')") == 454* ]]
	logged | grep -qx 'smtpd: login unavailable user=zoe@example.test peer= service=smtp mechanism=PLAIN'
}

# Of the doorkeeper alone: who traces it from its beginning may go on.
@test "when the system says no, nobody is let in, and nobody locked out" {
	command -v strace >/dev/null || skip 'no strace'
	nm "$PROGRAMS/pop3d" 2>/dev/null | grep -q asan && skip 'it has its own'
	failing() { # INJECTION USER PASSWORD
		printf 'USER %s\r\nPASS %s\r\nQUIT\r\n' "$2" "$3" >in
		strace -qq -o trace -e "inject=$1" "$PROGRAMS/pop3d" <in 2>err |
			sed -n 3p | tr -d '\r'
		grep -q INJECTED trace || { echo "not injected: $1"; return 1; }
	}
	local what temp='-ERR [SYS/TEMP] cannot tell now'
	for what in pipe2:error=EMFILE vfork:error=EAGAIN; do
		[ "$(failing $what alice secret)" = "$temp" ]
		[ "$(failing $what alice wrong)" = "$temp" ]
	done
	# The tables fail: the log says so, and the answer is right.
	[ "$(failing pwrite64:error=ENOSPC alice wrong)" = "$no" ]
	grep -q 'warning: spool/logins: No space' err
	[ "$(failing fcntl:error=ENOLCK:when=4+ alice wrong)" = "$no" ]
	grep -q 'warning: spool/logins: lock: No locks' err
	rm -r "$PENNYPOST_HOME/spool/logins"
	[ "$(failing getrandom:error=EIO alice secret)" = '+OK 0 messages' ]
	grep -q 'failed logins cost nothing' err
	[ "$(failing fsync:error=EIO alice wrong)" = "$no" ]
	[ ! -e "$PENNYPOST_HOME/spool/logins/secret" ]
	[ "$(find "$PENNYPOST_HOME/spool/logins" -type f | wc -l)" = 0 ]
}

# With TLS

tls_start() {
	[ -x "$PROGRAMS/tls" ] || skip 'no tls'
	PENNYPOST_PROGRAMS=$PROGRAMS "$ROOT/scripts/pennypost" tls self-signed \
		mx.example.test localhost 127.0.0.1
	ca=$PENNYPOST_HOME/users/tls/mx.example.test/fullchain.pem
	pop3=$(free_port) submission=$(free_port)
	background env PENNYPOST_LOG=stderr "$PROGRAMS/listen" \
		127.0.0.1:"$pop3" "$PROGRAMS/pop3d" -T
	background env PENNYPOST_LOG=stderr "$PROGRAMS/listen" \
		127.0.0.1:"$submission" "$PROGRAMS/smtpd" -s
	listening "$pop3"
	listening "$submission"
}

# over_tls MECHANISM USER PASSWORD [NAME=VALUE ...]: on pop3's port.
over_tls() {
	PYTHONPATH=$ROOT/tests timeout 120 python3 - "$pop3" "$ca" "$@" <<'PY'
import hashlib, socket, ssl, sys
import scram
port, ca, mechanism, user, password = sys.argv[1:6]
o = dict(a.split("=", 1) for a in sys.argv[6:])
context = ssl.create_default_context(cafile=ca)
if "tls" in o:
    context.maximum_version = ssl.TLSVersion[o["tls"]]
if "key" in o:
    context.load_cert_chain(o["key"])
s = context.wrap_socket(socket.create_connection(("127.0.0.1", int(port))),
    server_hostname="localhost")
f = s.makefile("rwb")

class Peer:
    def line(self):
        return f.readline().decode().rstrip("\r\n")
    def say(self, text):
        f.write(text.encode() + b"\r\n")
        f.flush()

peer = Peer()
peer.line()
if mechanism == "CAPA":
    peer.say("AUTH")
    peer.line()
    while (line := peer.line()) != ".":
        print(line, end=" ")
    sys.exit()
channel = {
    "tls-server-end-point": lambda: hashlib.sha256(
        s.getpeercert(binary_form=True)).digest(),
    "tls-unique": lambda: s.get_channel_binding("tls-unique"),
    "spoiled": lambda: b"x" * 32,
    "": lambda: b"",
}[o.get("channel", "")]()
client = scram.Client(user, password, o.get("gs2", "n,,"), channel)
reply, known = scram.login(peer, "pop3", mechanism, client,
    texts=[o["text"]] if "text" in o else ())
print(reply + (" (server known)" if known else ""))
peer.say("QUIT")
peer.line() # it has left the mailbox
PY
}

@test "TLS: SCRAM-SHA-256-PLUS, and nobody in the middle" {
	tls_start
	local yes='+OK 0 messages (server known)' plus=SCRAM-SHA-256-PLUS
	[ "$(over_tls CAPA x x)" = 'SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN ' ]
	[ "$(over_tls $plus alice secret gs2=p=tls-server-end-point,, channel=tls-server-end-point)" = "$yes" ]
	[ "$(over_tls $plus alice secret gs2=p=tls-unique,, channel=tls-unique tls=TLSv1_2)" = "$yes" ]
	[ "$(over_tls SCRAM-SHA-256 alice secret)" = "$yes" ]
	[ "$(over_tls $plus alice secret gs2=p=tls-server-end-point,, channel=spoiled)" = "$no" ]
	[ "$(over_tls $plus alice secret gs2=p=tls-exporter,, channel=spoiled)" = "$no" ]
	# Not in TLS 1.3: RFC 9266 3.
	[ "$(over_tls $plus alice secret gs2=p=tls-unique,, channel=spoiled)" = "$no" ]
	[ "$(over_tls $plus alice secret gs2=p=none,, channel=spoiled)" = "$no" ]
	# Somebody has hidden -PLUS from the client.
	[ "$(over_tls SCRAM-SHA-256 alice secret gs2=y,,)" = "$no" ]
	# p is of -PLUS alone, and -PLUS of p.
	[ "$(over_tls SCRAM-SHA-256 alice secret gs2=p=tls-exporter,,)" = "$bad" ]
	[ "$(over_tls $plus alice secret)" = "$bad" ]
	soon grep -q 'login user=alice@example.test peer=127.0.0.1 service=pop3 mechanism=SCRAM-SHA-256-PLUS tls=TLSv1.3$' stderr
	grep -q 'login refused user=alice@example.test peer=127.0.0.1 service=pop3 mechanism=SCRAM-SHA-256-PLUS tls=TLSv1.3$' stderr
	grep -q 'mechanism=SCRAM-SHA-256-PLUS tls=TLSv1.2$' stderr
}

# client_key NAME ADDRESS: a certificate for it by our own CA.
client_key() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$1.key" -subj "/CN=$1" -out "$1.csr" 2>/dev/null
	printf 'subjectAltName=email:%s\nextendedKeyUsage=clientAuth\n' "$2" >ext
	openssl x509 -req -in "$1.csr" -CA clients.pem -CAkey clients.key \
		-CAcreateserial -days 2 -extfile ext -out "$1.crt" 2>/dev/null
	cat "$1.key" "$1.crt" >"$1.pem"
}

@test "TLS: EXTERNAL, whom the certificate names, if there is such an account" {
	tls_start
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout clients.key -subj '/CN=our users' -days 2 \
		-out clients.pem 2>/dev/null
	cp clients.pem "$PENNYPOST_HOME/users/tls/clients.pem"
	client_key alice alice@example.test
	client_key nobody nobody@example.test
	client_key erik erik@example.test
	echo "erik@example.test:!x:" >>"$PENNYPOST_HOME/users/passwd"
	mkdir -p "$MAIL/erik/"{tmp,new,cur}
	[ "$(over_tls CAPA x x)" = 'SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN ' ]
	[ "$(over_tls CAPA x x key=alice.pem)" = 'SCRAM-SHA-256-PLUS SCRAM-SHA-256 EXTERNAL PLAIN LOGIN ' ]
	ext() { over_tls EXTERNAL x x "key=$1.pem" "text=$2"; }
	[ "$(ext alice =)" = '+OK 0 messages' ]
	[ "$(ext alice "$(b64 alice@example.test)")" = '+OK 0 messages' ]
	[ "$(ext alice "$(b64 Alice)")" = '+OK 0 messages' ]
	[ "$(ext alice "$(b64 bob@example.test)")" = "$no" ]
	[ "$(ext alice "$(b64 'alice@example.test\0')")" = "$bad" ]
	[ "$(ext alice '***')" = "$bad" ]
	[ "$(ext nobody =)" = "$no" ]
	[ "$(ext erik =)" = "$no" ] # locked
	[ "$(over_tls EXTERNAL x x text==)" = '-ERR unknown mechanism' ]
	soon grep -q 'login user=alice@example.test peer=127.0.0.1 service=pop3 mechanism=EXTERNAL tls=TLSv1.3$' stderr
	grep -q 'login refused user=nobody@example.test peer=127.0.0.1 service=pop3 mechanism=EXTERNAL tls=TLSv1.3$' stderr
	# With another program: who has a mailbox.
	echo 'auth /bin/false' >>"$PENNYPOST_HOME/pennypost.conf"
	[ "$(ext alice =)" = '+OK 0 messages' ]
	[ "$(ext erik =)" = '+OK 0 messages' ]
	[ "$(ext nobody =)" = "$no" ]
}

# Other people's clients

@test "gsasl: SCRAM-SHA-256, and -PLUS over TLS" {
	command -v gsasl >/dev/null || skip 'no gsasl'
	tls_start
	go() { # MECHANISM PASSWORD OPTION ...
		timeout 120 gsasl --smtp --connect "127.0.0.1:$submission" \
			--mechanism "$1" --password "$2" -a alice "${@:3}" \
			--hostname localhost --x509-ca-file="$ca" </dev/null 2>&1
	}
	go SCRAM-SHA-256 secret --no-starttls >out || { cat out; return 1; }
	grep -q '^235 ' out
	run go SCRAM-SHA-256 wrong --no-starttls
	[[ $output == *'535 '* ]]
	go SCRAM-SHA-256-PLUS secret --starttls >out || { cat out; return 1; }
	grep -q '^235 ' out
	go SCRAM-SHA-256 secret --starttls --no-cb >out || { cat out; return 1; }
	grep -q '^235 ' out
	go PLAIN secret --starttls >out || { cat out; return 1; }
	grep -q '^235 ' out
	soon grep -q 'mechanism=SCRAM-SHA-256-PLUS tls=TLSv1.3$' stderr
}

@test "swaks and curl with what they know" {
	tls_start
	swaks --server "127.0.0.1:$submission" --auth PLAIN --auth-user alice \
		--auth-password secret --quit-after AUTH >out
	swaks --server "127.0.0.1:$submission" --auth LOGIN --auth-user alice \
		--auth-password secret --tls --quit-after AUTH >out
	run swaks --server "127.0.0.1:$submission" --auth LOGIN \
		--auth-user alice --auth-password wrong --quit-after AUTH
	[ "$status" = 28 ]
	# curl without SCRAM falls back on PLAIN; with it, it takes SCRAM.
	curl -sS --cacert "$ca" "pop3s://localhost:$pop3/" -u alice:secret >out
	soon grep -q 'login user=alice@example.test .* service=pop3 .* tls=TLSv1.3' stderr
}

@test "mpop: SCRAM-SHA-256, and what it takes by itself" {
	command -v mpop >/dev/null || skip 'no mpop'
	tls_start
	chmod 700 .
	go() { # METHOD PASSWORD
		rm -rf Maildir
		mkdir -p Maildir/{tmp,new,cur}
		timeout 120 mpop -C /dev/null --host=localhost --port="$pop3" \
			--tls=on --tls-starttls=off --tls-trust-file="$ca" \
			--user=alice --passwordeval="echo $2" --auth="$1" \
			--delivery=maildir,Maildir --uidls-file=uidls \
			</dev/null >out 2>&1
	}
	printf 'Subject: x\n\ntext\n' >"$MAIL/alice/new/1.x"
	go scram-sha-256 secret || { cat out; return 1; }
	[ "$(count Maildir/new)" = 1 ]
	run go scram-sha-256 wrong
	[ "$status" != 0 ]
	rm -f uidls
	printf 'Subject: y\n\ntext\n' >"$MAIL/alice/new/2.x"
	go on secret || { cat out; return 1; }
	[ "$(count Maildir/new)" -ge 1 ]
	soon grep -q "login user=alice@example.test .*mechanism=SCRAM-SHA-256 tls=" stderr
	grep ' login user' stderr
}
