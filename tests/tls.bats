#!/usr/bin/env bats
# tls: the helper between the network and a program that knows nothing of TLS.

load helper

# Certificates, made once: rsa, ecdsa, another host's, an authority and its
# clients.
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	local ec='ec -pkeyopt ec_paramgen_curve:P-256'
	self_signed ecdsa "$ec" mx.example.test
	self_signed rsa rsa:2048 mx.example.test
	self_signed other rsa:2048 other.test
	self_signed wild "$ec" '*.wild.test'
	self_signed ed25519 ed25519 mx.example.test
	# shellcheck disable=SC2086
	openssl req -x509 -newkey $ec -nodes -days 9 -subj /CN=authority \
		-keyout ca.key -out ca.pem 2>/dev/null
	signed server /CN=far.test 'DNS:far.test,IP:127.0.0.1'
	signed early /CN=far.test DNS:far.test -startdate 20190101000000Z -enddate 20200101000000Z
	signed late /CN=late email:late@example.test \
		-startdate 20190101000000Z -enddate 20200101000000Z
	openssl req -x509 -key ca.key -days 9 -subj /CN=far.test \
		-config /dev/null -out bare.pem 2>/dev/null
	openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=own \
		-addext subjectAltName=email:own@example.test -keyout own.key \
		-out own.pem 2>/dev/null
	mkdir own
	mv own.key own/privkey.pem
	mv own.pem own/fullchain.pem
	signed named /CN=alice 'email:alice@example.test,email:b@example.test'
	signed subject /CN=bob/emailAddress=bob@example.test DNS:client.test
	signed evil '/CN=evil/emailAddress="a b"@example.test' \
		'email:a b@example.test,email:c=d'
	signed nobody /CN=nobody DNS:client.test
}

self_signed() { # DIR KEY NAME
	mkdir "$1"
	# shellcheck disable=SC2086
	openssl req -x509 -newkey $2 -nodes -days 9 -subj /CN=test \
		-addext "subjectAltName=DNS:$3" -keyout "$1/privkey.pem" \
		-out "$1/fullchain.pem" 2>/dev/null
}

signed() { # DIR SUBJECT NAMES OPTION...
	local dir=$1 subject=$2 names=$3
	shift 3
	mkdir "$dir"
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj "$subject" -keyout "$dir/privkey.pem" 2>/dev/null |
		sign "$dir" "$names" "$@"
	cat "$dir/privkey.pem" "$dir/fullchain.pem" >"$dir/both.pem"
}

sign() { # DIR NAMES OPTION...: the request on fd 0
	local dir=$1
	: >index.txt
	printf '%s\n' '[ca]' 'default_ca = own' '[own]' 'database = index.txt' \
		'new_certs_dir = .' 'default_md = sha256' 'policy = any' \
		'rand_serial = yes' 'x509_extensions = extensions' \
		'unique_subject = no' '[any]' 'commonName = supplied' \
		'emailAddress = optional' '[extensions]' \
		"subjectAltName = $2" >ca.conf
	shift 2
	cat >request.pem
	openssl ca -config ca.conf -batch -notext -preserveDN -cert ca.pem \
		-keyfile ca.key -in request.pem -out "$dir/fullchain.pem" \
		$([ $# != 0 ] || echo -days 9) "$@" 2>ca.log || cat ca.log
}

setup() {
	[ -x "$PROGRAMS/tls" ] || [ -e /usr/include/openssl/ssl.h ] ||
		skip "built without libssl-dev"
	home_make
	export PENNYPOST_LOG=stderr
	tls=$PROGRAMS/tls
	made=$BATS_FILE_TMPDIR
	tickets=$PENNYPOST_HOME/spool/tls-tickets
	own=$PENNYPOST_HOME/users/tls
	mkdir "$own"
	certificate mx.example.test ecdsa
	SERVERS=()
	cases=0
}

teardown() {
	local pid
	for pid in "${SERVERS[@]}"; do
		kill -- "-$pid" 2>/dev/null || :
	done
}

certificate() { # NAME DIR: a copy, as the user has it
	rm -rf "${own:?}/$1"
	mkdir "$own/$1"
	cp "$made/$2/fullchain.pem" "$made/$2/privkey.pem" "$own/$1"
	chmod 600 "$own/$1/privkey.pem"
}

# serve MODE ARGUMENT...: the helper behind a port; sets port and at, where
# tls-door tells.
serve() {
	local mode=$1
	shift
	cases=$((cases + 1))
	at=$BATS_TEST_TMPDIR/serve.$cases
	mkdir "$at"
	setsid "$BATS_TEST_DIRNAME/tls-door" serve "$at" "$mode" \
		"${HELPER[@]:-$tls}" "$@" </dev/null 2>"$at/log" 3>&- &
	SERVERS+=($!)
	wait_for "$at/port"
	port=$(cat "$at/port")
}

wait_for() {
	local i
	for i in $(seq 600); do
		[ ! -e "$1" ] || return 0
		sleep 0.05
	done
	echo "no $1"
	return 1
}

# client OPTION...: openssl's, with "hello" sent, and waited for.
client() {
	rm -f client.out client.ended
	{
		echo hello
		heard hello
	} | s_client "$@"
	cat client.out
}

s_client() {
	timeout 60 openssl s_client -connect "127.0.0.1:$port" "$@" \
		>client.out 2>&1 || :
	: >client.ended
}

# heard TEXT: waits until the client has it, or has ended.
heard() {
	local i
	for i in $(seq 600); do
		[ ! -e client.ended ] || break
		! grep -qas "$1" client.out || break
		sleep 0.05
	done
}

# shown OPTION...: whose certificate a client is shown.
shown() {
	client "$@" | openssl x509 -noout -ext subjectAltName |
		sed -n 's/ *DNS://p'
}

status() { # N: of the Nth connection
	wait_for "$at/status.$1"
	cat "$at/status.$1"
}

value() { # N KEY
	status "$1" | tr ' ' '\n' | sed -n "s/^$2=//p"
}

# python: a client in Python, which gets port and the directory of certificates
# and has what this defines.
python() {
	{ cat <<'PY'
import os, socket, ssl, sys, time
port, made = int(sys.argv[1]), sys.argv[2]
def context(version=None, **more):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    if version:
        c.minimum_version = c.maximum_version = version
    return c
def connect(c, session=None, name=None):
    raw = socket.create_connection(("127.0.0.1", port), timeout=60)
    return c.wrap_socket(raw, session=session, server_hostname=name)
def says(s, data=b"hello\n"):
    s.sendall(data)
    got = s.recv(100)
    assert got == data, got
def bye(s):
    s.sendall(b"QUIT\n")
    assert s.recv(100) == b""
    s.close()
V2, V3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
PY
	cat
	} >"$BATS_TEST_TMPDIR/client.py"
	timeout 60 /usr/bin/python3 "$BATS_TEST_TMPDIR/client.py" "$port" \
		"$made" "$@"
}

hex64='[0-9a-f]{64}'

# --- What is told ---

@test "TLS 1.3: the status, and one line in the log" {
	serve echo
	run client -servername MX.Example.Test -keymatexport \
		EXPORTER-Channel-Binding -keymatexportlen 32
	[[ $output == *hello* ]]
	status 1 >told
	grep -qxE "protocol=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 \
name=mx.example.test exporter=$hex64 endpoint=$hex64" told
	[ "$(wc -l <told)" = 1 ]
	[ "$(value 1 exporter)" = "$(sed -n \
		's/.*Keying material: //p' <<<"$output" | tr A-F a-f)" ]
	[ "$(value 1 endpoint)" = "$(openssl x509 -outform der \
		-in "$own/mx.example.test/fullchain.pem" | sha256sum |
		cut -c1-64)" ]
	wait_for "$at/exit.1"
	[ "$(cat "$at/exit.1")" = 0 ]
	sed 's/^tls\[[0-9]*\]: //' "$at/log" | diff - <(echo "tls \
protocol=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 name=mx.example.test \
peer=127.0.0.1")
}

@test "TLS 1.2: the status" {
	serve echo
	run client -tls1_2 -noservername
	[[ $output == *hello* ]]
	status 1 >told
	grep -qxE "protocol=TLSv1.2 cipher=ECDHE-ECDSA-AES256-GCM-SHA384 \
exporter=$hex64 unique=[0-9a-f]{24} endpoint=$hex64" told
}

@test "channel bindings are what GnuTLS has" {
	local version
	for version in 1.2 1.3; do
		serve echo
		{ echo hello; sleep 1; } | timeout 60 gnutls-cli --insecure -V \
			--priority "NORMAL:-VERS-ALL:+VERS-TLS$version" \
			-p "$port" 127.0.0.1 >gnutls.$version 2>&1 || :
		for name in unique:unique server-end-point:endpoint \
			exporter:exporter; do
			[ "$(value 1 ${name#*:})" = "$(sed -n \
				"s/^ - 'tls-${name%:*}': \([0-9a-f]*\)$/\1/p" \
				gnutls.$version)" ]
		done
		[ -n "$(value 1 endpoint)" ]
		[ -n "$(value 1 exporter)" ]
	done
	[ "$(grep -c "'tls-.*': [0-9a-f]*$" gnutls.1.2)" = 3 ]
	[ "$(grep -c "'tls-.*': [0-9a-f]*$" gnutls.1.3)" = 2 ]
}

@test "unique is what the client has, in a resumed session too" {
	serve echo
	run -0 python <<'PY'
c, session = context(V2), None
for resumed in False, True:
    s = connect(c, session)
    assert s.session_reused == resumed
    print(s.get_channel_binding("tls-unique").hex())
    says(s)
    session = s.session
    bye(s)
PY
	[ "$(value 1 unique)" = "${lines[0]}" ]
	[ "$(value 2 unique)" = "${lines[1]}" ]
	[ "$(value 2 resumed)" = 1 ]
	[ "${#lines[0]}" = 24 ]
}

@test "without the extended master secret there is no unique, and no exporter" {
	serve echo
	cat >ems.conf <<-'END'
	openssl_conf = all
	[all]
	ssl_conf = ssl
	[ssl]
	system_default = rules
	[rules]
	Options = -ExtendedMasterSecret
	END
	OPENSSL_CONF=$PWD/ems.conf run client -tls1_2
	[[ $output == *hello* ]]
	[[ $output == *'Extended master secret: no'* ]]
	status 1 | grep -qxE "protocol=TLSv1.2 cipher=[A-Z0-9-]* \
name=127.0.0.1 endpoint=$hex64" ||
		status 1 | grep -qxE "protocol=TLSv1.2 cipher=[A-Z0-9-]* \
endpoint=$hex64"
}

@test "endpoint: the hash of the signature; none where that has none" {
	certificate mx.example.test ed25519
	serve echo
	run client
	[[ $output == *hello* ]]
	[ -z "$(value 1 endpoint)" ]
	[ -n "$(value 1 exporter)" ]
	openssl req -x509 -newkey rsa:2048 -nodes -sha384 -days 9 -subj /CN=x \
		-keyout "$own/mx.example.test/privkey.pem" \
		-out "$own/mx.example.test/fullchain.pem" 2>/dev/null
	run client
	[ "$(value 2 endpoint)" = "$(openssl x509 -outform der \
		-in "$own/mx.example.test/fullchain.pem" | sha384sum |
		cut -c1-96)" ]
}

# --- What is agreed on ---

@test "TLS 1.0 and 1.1 are refused" {
	local version
	serve echo
	for version in -tls1 -tls1_1; do
		OPENSSL_CONF=/dev/null run client "$version" \
			-cipher ALL:@SECLEVEL=0
		[[ $output == *'alert protocol version'* ]]
		[[ $output != *hello* ]]
	done
	[ "$(status 1)" = "error unsupported protocol" ]
	wait_for "$at/exit.1"
	[ "$(cat "$at/exit.1")" = 76 ]
	grep -qxE 'tls\[[0-9]*\]: warning: tls failed peer=127.0.0.1 why="unsupported protocol"' "$at/log"
}

@test "ciphers and groups are those of Mozilla's intermediate choice" {
	local kind
	for kind in ecdsa rsa; do
		certificate mx.example.test $kind
		serve echo
		sslscan --no-colour --no-heartbleed --no-fallback \
			--no-check-certificate "127.0.0.1:$port" >"scan.$kind"
		sed -nE 's/^(Preferred|Accepted) +(TLSv[0-9.]+) +[0-9]+ bits +([^ ]+).*/\2 \3/p' \
			"scan.$kind" | sort >"ciphers.$kind"
		grep -qE '^(SSLv2|SSLv3|TLSv1.0|TLSv1.1) +disabled' "scan.$kind"
		[ "$(grep -cE '^TLSv1.[23] +enabled' "scan.$kind")" = 2 ]
	done
	diff ciphers.ecdsa - <<-'END'
	TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256
	TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384
	TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305
	TLSv1.3 TLS_AES_128_GCM_SHA256
	TLSv1.3 TLS_AES_256_GCM_SHA384
	TLSv1.3 TLS_CHACHA20_POLY1305_SHA256
	END
	diff ciphers.rsa - <<-'END'
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
	sed -nE 's/^TLSv1.3 +[0-9]+ bits +([a-z0-9]+).*/\1/p' \
		scan.rsa | sort -u >groups
	diff groups - <<-'END'
	secp256r1
	secp384r1
	x25519
	END
}

@test "no renegotiation" {
	serve echo
	rm -f client.out client.ended
	{
		echo hello
		heard hello
		echo R # s_client asks for one
		heard 'no renegotiation'
	} | s_client -tls1_2
	grep -q '^hello' client.out
	grep -q 'no renegotiation' client.out
	[ "$(grep -c 'tls protocol' "$at/log")" = 1 ]
}

@test "ALPN: ours is chosen, another one is refused, none is no matter" {
	serve echo -a pop3
	run client -alpn imap,pop3
	[[ $output == *'ALPN protocol: pop3'* && $output == *hello* ]]
	run client -alpn imap
	[[ $output == *'alert no application protocol'* ]]
	[ "$(status 2)" = "error no application protocol" ]
	run client -alpn pop3x
	[[ $output == *'alert no application protocol'* ]]
	run client
	[[ $output == *hello* && $output == *'No ALPN negotiated'* ]]
	serve echo
	run client -alpn imap
	[[ $output == *hello* && $output == *'No ALPN negotiated'* ]]
}

@test "random numbers are the kernel's; without them there is no TLS" {
	local trace=$BATS_TEST_TMPDIR/trace strace
	strace=("$(command -v strace)" -qq -o "$trace")
	HELPER=("${strace[@]}" -e inject=getrandom:error=EINTR:when=2+2 "$tls")
	serve echo
	run client -tls1_3
	[[ $output == *hello* ]]
	run client -tls1_2
	[[ $output == *hello* ]]
	grep -q '^getrandom(.* = 32$' "$trace"
	grep -q '^getrandom(.* EINTR' "$trace"
	# The first is malloc()'s.
	HELPER=("${strace[@]}" -e inject=getrandom:error=ENOSYS:when=2+ "$tls")
	serve echo
	run client
	[[ $output != *hello* ]]
	[[ $(status 1) == "error "* ]]
	[ ! -s "$at/in.1" ]
}

# --- Certificates ---

@test "SNI chooses the certificate" {
	certificate other.test other
	certificate _.wild.test wild
	serve echo
	[ "$(shown -servername other.test)" = other.test ]
	[ "$(shown -servername OTHER.test)" = other.test ]
	[ "$(shown -servername a.wild.test)" = '*.wild.test' ]
	[ "$(shown -servername b.a.wild.test)" = mx.example.test ]
	[ "$(shown -servername wild.test)" = mx.example.test ]
	[ "$(shown -servername mx.example.test)" = mx.example.test ]
	[ "$(shown -servername unknown.test)" = mx.example.test ]
	[ "$(shown -noservername)" = mx.example.test ]
	[ "$(value 1 name)" = other.test ]
	[ "$(value 7 name)" = unknown.test ]
	[ -z "$(value 8 name)" ]
}

@test "SNI: a name is never a path" {
	local name
	mkdir "$own/.hidden" "$own/x"
	certificate other.test other
	cp "$own/other.test"/* "$own/.hidden"
	cp "$own/other.test"/* "$own"
	serve echo
	for name in .hidden .. . ../tls x/../other.test -x other..test \
		_.wild.test 'other.test
'; do
		[ "$(shown -servername "$name")" = mx.example.test ]
	done
	[ -z "$(grep -l name= "$at"/status.*)" ]
}

@test "SNI: each certificate alone, never the default's other key beside it" {
	certificate other.test other
	serve echo
	# The default is ECDSA, the other RSA: who wants ECDSA gets no TLS.
	run client -tls1_2 -servername other.test -cipher ECDHE-ECDSA-AES128-GCM-SHA256
	[[ $output == *'alert handshake failure'* ]]
	run client -tls1_2 -servername mx.example.test -cipher ECDHE-ECDSA-AES128-GCM-SHA256
	[[ $output == *hello* ]]
}

@test "SNI: after a HelloRetryRequest, too" {
	certificate other.test other
	serve echo
	run client -tls1_3 -groups P-521:X25519 -servername other.test
	[[ $output == *hello* ]]
	[[ $output == *'Server Temp Key: X25519'* ]]
	[ "$(value 1 name)" = other.test ]
	run client -tls1_3 -groups P-521:X25519
	[[ $output == *hello* ]]
}

@test "SNI: a certificate that cannot be used is told of, not replaced" {
	certificate other.test other
	rm "$own/other.test/privkey.pem"
	serve echo
	run client -servername other.test
	[[ $output == *'alert internal error'* ]]
	[ "$(status 1)" = "error users/tls/other.test/privkey.pem: No such file or directory" ]
	run client
	[[ $output == *hello* ]]
}

@test "a renewed certificate needs no reload" {
	serve echo
	[ "$(shown -noservername)" = mx.example.test ]
	certificate mx.example.test other
	[ "$(shown -noservername)" = other.test ]
}

@test "certificates by links, out of the home too, confined or not" {
	local dir=$BATS_TEST_TMPDIR/letsencrypt
	mkdir -p "$dir/archive/far" "$dir/live/far"
	cp "$made/other/fullchain.pem" "$dir/archive/far/fullchain1.pem"
	cp "$made/other/privkey.pem" "$dir/archive/far/privkey1.pem"
	chmod 600 "$dir/archive/far/privkey1.pem"
	ln -s ../../archive/far/fullchain1.pem "$dir/live/far/fullchain.pem"
	ln -s ../../archive/far/privkey1.pem "$dir/live/far/privkey.pem"
	ln -s "$dir/live/far" "$own/other.test"
	serve echo
	[ "$(shown -servername other.test)" = other.test ]
	[ "$(shown -noservername)" = mx.example.test ]
	rm -r "$own/mx.example.test" "$own/other.test"
	ln -s "$dir/live/far" "$own/mx.example.test"
	[ "$(shown -noservername)" = other.test ]
}

refused() { # TEXT: no TLS, told everywhere
	serve echo
	run client
	[[ $output != *hello* ]]
	[ "$(status 1)" = "error $1" ] || { status 1; return 1; }
	wait_for "$at/exit.1"
	[ "$(cat "$at/exit.1")" = 78 ]
	grep -qF "tls failed peer=127.0.0.1 why=\"$1\"" "$at/log"
	[ ! -s "$at/in.1" ]
}

@test "a key that is not the certificate's, of the same kind or not" {
	local pair=$own/mx.example.test
	cp "$made/rsa/privkey.pem" "$pair"
	refused "users/tls/mx.example.test/privkey.pem: not the key of fullchain.pem"
	cp "$made/wild/privkey.pem" "$pair"
	refused "users/tls/mx.example.test/privkey.pem: not the key of fullchain.pem"
}

@test "a key with a passphrase, no key, no certificate, damaged ones" {
	local pair=users/tls/mx.example.test
	cd "$PENNYPOST_HOME"
	openssl pkey -in $pair/privkey.pem -aes256 -passout pass:x \
		-out $pair/locked.pem
	mv $pair/locked.pem $pair/privkey.pem
	serve echo
	run client
	[[ $(status 1) == "error $pair/privkey.pem: "* ]]
	rm $pair/privkey.pem
	mkdir $pair/privkey.pem
	refused "$pair/privkey.pem: no file"
	rmdir $pair/privkey.pem
	refused "$pair/privkey.pem: No such file or directory"
	: >$pair/fullchain.pem
	refused "$pair/fullchain.pem: no start line"
	{ cat "$made/ecdsa/fullchain.pem"; echo '-----BEGIN CERTIFICATE-----'; echo x; } \
		>$pair/fullchain.pem
	refused "$pair/fullchain.pem: bad end line"
	rm -r $pair
	refused "$pair: No such file or directory"
}

@test "a key that cannot be read" {
	[ "$(id -u)" != 0 ] || skip "root reads all"
	chmod 0 "$own/mx.example.test/privkey.pem"
	refused "users/tls/mx.example.test/privkey.pem: Permission denied"
}

@test "a key that others can read is warned of" {
	serve echo
	run client
	[[ $output == *hello* ]]
	[ "$(grep -c 'open to others' "$at/log")" = 0 ]
	chmod 604 "$own/mx.example.test/privkey.pem"
	run client
	[[ $output == *hello* ]]
	grep -qF 'warning: users/tls/mx.example.test/privkey.pem: the key is open to others' "$at/log"
}

# --- Tickets ---

# resumes [N]: two connections, of both versions; those from the Nth resume.
resumes() {
	run python "$@" <<'PY'
first = int(sys.argv[3]) if len(sys.argv) > 3 else 1
for version in V2, V3:
    c, session, told = context(version), None, ""
    for n in range(3):
        s = connect(c, session)
        told += " %d" % s.session_reused
        says(s)
        session = s.session
        bye(s)
    print(version.name + told)
PY
}

@test "a session is resumed by another process" {
	serve echo
	resumes
	[ "$output" = $'TLSv1_2 0 1 1\nTLSv1_3 0 1 1' ]
	[ "$(stat -c %a "$tickets")" = 600 ]
	[ "$(grep -c ' resumed=1 ' "$at/log")" = 4 ]
	[ "$(cat "$at"/status.? | grep -c resumed=1)" = 4 ]
}

# aged SECONDS: all keys were made so much earlier.
aged() {
	/usr/bin/python3 - "$tickets" "$1" <<'PY'
import struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
for at in range(8, len(data), 88):
    made, = struct.unpack_from(">Q", data, at)
    if made:
        struct.pack_into(">Q", data, at, made - int(sys.argv[2]))
open(sys.argv[1], "wb").write(data)
PY
}

# A session of both versions, which is kept while the file changes.
keep() {
	python <<'PY' &
for version in V2, V3:
    c = context(version)
    s = connect(c)
    says(s)
    session = s.session
    bye(s)
    open(version.name + ".ready", "w")
    while not os.path.exists(version.name + ".go"):
        time.sleep(0.05)
    s = connect(c, session)
    says(s)
    print(version.name, s.session_reused, file=open("kept", "a"))
    bye(s)
PY
	KEPT=$!
}

# kept COMMAND...: what becomes of the sessions when this is done between.
kept() {
	local version
	rm -f kept *.ready *.go
	keep
	for version in TLSv1_2 TLSv1_3; do
		wait_for $version.ready
		"$@"
		: >$version.go
	done
	wait $KEPT
}

@test "the key changes after half a day, and those before still open tickets" {
	serve echo
	client >out
	cp "$tickets" before
	kept aged 43190
	diff kept <(printf '%s\n' 'TLSv1_2 True' 'TLSv1_3 True')
	# 43,190 s twice: one new key
	[ "$(cmp -l "$tickets" before | wc -l)" != 0 ]
	kept aged 43201
	diff kept <(printf '%s\n' 'TLSv1_2 True' 'TLSv1_3 True')
	[ "$(stat -c %a "$tickets")" = 600 ]
	[ "$(stat -c %s "$tickets")" = 272 ]
	[ ! -e "$tickets.new" ]
	[ "$(grep -c damaged "$at/log")" = 0 ]
}

@test "a ticket ends with its key" {
	serve echo
	kept aged 129601
	diff kept <(printf '%s\n' 'TLSv1_2 False' 'TLSv1_3 False')
}

@test "a damaged file of keys is made anew" {
	serve echo
	client >out
	for damage in 'printf x >>' 'printf "" >' 'head -c 272 /dev/urandom >' \
		'chmod 640' 'truncate -s 200'; do
		: >"$at/log"
		eval "$damage \"\$tickets\""
		run client
		[[ $output == *hello* ]]
		grep -q 'spool/tls-tickets: damaged' "$at/log"
		[ "$(stat -c %a,%s "$tickets")" = 600,272 ]
		: >"$at/log"
		resumes
		[ "$output" = $'TLSv1_2 0 1 1\nTLSv1_3 0 1 1' ]
		[ "$(grep -c damaged "$at/log")" = 0 ]
	done
}

@test "keys from the future are not believed" {
	serve echo
	client >out
	aged -10000
	run client
	grep -q 'spool/tls-tickets: damaged' "$at/log"
}

@test "without a file for the keys there is TLS, without tickets" {
	mkdir "$tickets"
	serve echo
	resumes
	[ "$output" = $'TLSv1_2 0 0 0\nTLSv1_3 0 0 0' ]
	rmdir "$tickets"
	rm -f "$tickets.new"
	mkdir "$tickets.new"
	resumes
	[ "$output" = $'TLSv1_2 0 0 0\nTLSv1_3 0 0 0' ]
	rmdir "$tickets.new"
	resumes
	[ "$output" = $'TLSv1_2 0 1 1\nTLSv1_3 0 1 1' ]
}

@test "a full disk: TLS, without tickets" {
	local call
	for call in ftruncate rename; do
		rm -f "$tickets"
		HELPER=("$(command -v strace)" -qq -o "$BATS_TEST_TMPDIR/trace"
			-e "inject=$call:error=ENOSPC" "$tls")
		serve echo
		run client
		[[ $output == *hello* ]]
		[[ $output != *'New Session Ticket'* ]]
		grep -q 'spool/tls-tickets.new: No space left on device' "$at/log"
		[ ! -e "$tickets" ]
	done
}

@test "who finds another one making keys goes on with those there are" {
	serve echo
	client >out
	aged 43201
	run flock_of "$tickets.new" client
	[[ $output == *hello* ]]
	[ -e "$tickets.new" ]
	cp "$tickets" before
	run client
	[[ $output == *hello* ]]
	[ ! -e "$tickets.new" ]
	run -1 cmp -s "$tickets" before
}

# flock_of FILE COMMAND...: a lock as fcntl has it, from another process.
flock_of() {
	local file=$1
	/usr/bin/python3 -c 'import fcntl, sys, time
f = open(sys.argv[1], "w")
fcntl.lockf(f, fcntl.LOCK_EX)
open("locked", "w")
time.sleep(600)' "$file" &
	local pid=$!
	wait_for locked
	shift
	"$@"
	kill $pid
	wait $pid || :
}

changed() { certificate mx.example.test "$1"; }

@test "a ticket is good for the certificate that it was given with" {
	serve echo
	kept changed rsa
	diff kept <(printf '%s\n' 'TLSv1_2 False' 'TLSv1_3 True')
	certificate other.test other
	run -0 python <<'PY'
for version in V2, V3:
    c = context(version)
    s = connect(c, name="mx.example.test")
    says(s)
    session = s.session
    bye(s)
    s = connect(c, session, name="other.test")
    assert not s.session_reused
    says(s)
    bye(s)
PY
}

# --- Certificates of clients ---

client_cert() { # DIR OPTION...
	client -cert "$made/$1/fullchain.pem" -key "$made/$1/privkey.pem" "${@:2}"
}

@test "a client's certificate: whom it names" {
	local version
	cp "$made/ca.pem" "$own/clients.pem"
	for version in -tls1_2 -tls1_3; do
		serve echo
		run client_cert named $version
		[[ $output == *hello* ]]
		[[ $output == *'Acceptable client certificate CA names'* ]]
		[ "$(value 1 peer)" = alice@example.test ]
		[ "$(value 1 verified)" = 1 ]
		grep -q ' client=alice@example.test peer=127.0.0.1$' "$at/log"
		run client_cert subject $version
		[ "$(value 2 peer)" = bob@example.test ]
		# No address, or none that is one word: nobody.
		run client_cert nobody $version
		[[ $output == *hello* ]]
		[ -z "$(value 3 peer)$(value 3 verified)" ]
		run client_cert evil $version
		[[ $output == *hello* ]]
		[ -z "$(value 4 peer)$(value 4 verified)" ]
		# Another authority's, an expired one, none at all
		run client_cert own $version
		[[ $output == *hello* ]]
		[ -z "$(value 5 peer)$(value 5 verified)" ]
		run client_cert late $version
		[[ $output == *hello* ]]
		[ -z "$(value 6 peer)$(value 6 verified)" ]
		run client $version
		[[ $output == *hello* ]]
		[ -z "$(value 7 peer)$(value 7 verified)" ]
	done
}

@test "without clients.pem nobody is asked" {
	serve echo
	run client_cert named
	[[ $output == *hello* && $output == *'No client certificate CA names'* ]]
	[ -z "$(value 1 peer)" ]
	echo nonsense >"$own/clients.pem"
	run client_cert named
	[[ $output == *hello* && $output == *'No client certificate CA names'* ]]
	grep -qF 'users/tls/clients.pem: no certificate in it' "$at/log"
}

@test "a resumed session has its client, unless clients.pem has changed" {
	cp "$made/ca.pem" "$own/clients.pem"
	serve echo
	run -0 python "$own/clients.pem" <<'PY'
for version in V2, V3:
    c, session, told = context(version), None, ""
    c.load_cert_chain(made + "/named/both.pem")
    for n in range(4):
        if n == 2:
            with open(sys.argv[3], "a") as f:
                f.write("\n")
        s = connect(c, session)
        told += " %d" % s.session_reused
        says(s)
        session = s.session
        bye(s)
    print(version.name + told)
PY
	[ "$output" = $'TLSv1_2 0 1 0 1\nTLSv1_3 0 1 0 1' ]
	[ "$(cat "$at"/status.? | grep -c peer=alice@example.test)" = 8 ]
}

# --- Bytes ---

@test "20 MB each way at once" {
	head -c 20000000 /dev/urandom >down
	head -c 20000000 /dev/urandom >up
	serve "$PWD/down"
	run -0 python <<'PY'
import threading
s = connect(context())
up = open("up", "rb").read()
def send():
    s.sendall(up)
t = threading.Thread(target=send)
t.start()
got = bytearray()
while len(got) < 20000000:
    got += s.recv(100000)
t.join()
open("got", "wb").write(got)
s.close()
PY
	wait_for "$at/exit.1"
	cmp down got
	cmp up "$at/in.1"
	[ "$(cat "$at/exit.1")" = 0 ]
}

@test "pieces of all sizes" {
	serve echo
	run -0 python <<'PY'
s = connect(context())
for n in list(range(1, 40)) + [16383, 16384, 16385, 32768, 50000, 3]:
    data = os.urandom(n).replace(b"QUIT", b"quit")
    s.sendall(data)
    got = b""
    while len(got) < n:
        got += s.recv(n)
    assert got == data
bye(s)
PY
}

@test "records that do not fit are not forgotten" {
	serve echo
	run -0 python <<'PY'
s = connect(context())
raw = socket.socket(fileno=os.dup(s.fileno()))
for n in range(30):
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    s.sendall(b"x" * 10000)
    s.sendall(b"y" * 10000)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
    s.settimeout(30)
    got = 0
    while got < 20000:
        got += len(s.recv(20000))
bye(s)
PY
}

@test "the program writes and ends; the client reads late, and has said more" {
	serve burst
	run -0 python <<'PY'
c = context()
c.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
raw = socket.socket()
raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
raw.connect(("127.0.0.1", port))
s = c.wrap_socket(raw, suppress_ragged_eofs=False)
for n in range(10):
    s.sendall(b"x" * 5000)
    time.sleep(0.1)
got = 0
while data := s.recv(2000):
    got += len(data)
    time.sleep(0.005)
assert got == 150000, got
PY
}

@test "the handler's end: all that it wrote, then close_notify" {
	serve last
	run -0 python <<'PY'
s = connect(context())
s.sendall(b"QUIT\n")
socket.socket.shutdown(s, socket.SHUT_WR) # no close_notify
got = b""
while data := s.recv(1000):
    got += data
assert got == b"last words", got
PY
	wait_for "$at/exit.1"
	[ "$(cat "$at/in.1")" = QUIT ]
	[ "$(cat "$at/exit.1")" = 0 ]
	serve echo
	run -0 python <<'PY'
c = context()
c.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
s = connect(c)
s.suppress_ragged_eofs = False
s.sendall(b"QUIT\n")
assert s.recv(100) == b"" # else SSLEOFError
PY
}

@test "after close_notify nothing counts" {
	serve echo
	run -0 python <<'PY'
i, o = ssl.MemoryBIO(), ssl.MemoryBIO()
raw = socket.create_connection(("127.0.0.1", port), timeout=60)
s = context().wrap_bio(i, o)
while True:
    try:
        s.do_handshake()
        break
    except ssl.SSLWantReadError:
        raw.sendall(o.read())
        i.write(raw.recv(65536))
s.write(b"one\n")
late = o.read()
try:
    s.unwrap()
except ssl.SSLWantReadError:
    pass
raw.sendall(late + o.read() + b"NOOP\r\n" + late)
try:
    while raw.recv(65536):
        pass
except ConnectionResetError: # for what it did not read
    pass
PY
	wait_for "$at/exit.1"
	[ "$(cat "$at/in.1")" = one ]
}

@test "an end without close_notify, a reset, a damaged record" {
	serve echo
	run -0 python <<'PY'
import struct
s = connect(context())
says(s)
os.close(s.detach())
PY
	run -0 python <<'PY'
import struct
s = connect(context())
says(s)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()
s = connect(context())
says(s)
fd = os.dup(s.fileno())
os.write(fd, b"\x17\x03\x03\x00\x20" + b"x" * 32)
try:
    assert s.recv(100) == b""
except (ssl.SSLError, ConnectionError) as e:
    print(e)
PY
	[[ $output == *'alert bad record mac'* ]]
	for n in 1 2 3; do
		wait_for "$at/exit.$n"
		[ "$(cat "$at/exit.$n")" = 0 ]
		[ "$(cat "$at/in.$n")" = hello ]
	done
}

@test "who is no TLS client gets nothing through" {
	serve echo
	run -0 python <<'PY'
def alone(data):
    raw = socket.create_connection(("127.0.0.1", port), timeout=60)
    try:
        raw.sendall(data)
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(1000):
            pass
    except TimeoutError:
        raise
    except OSError: # it may be gone before all is sent
        pass
    raw.close()
alone(b"EHLO x\r\nMAIL FROM:<>\r\n")
alone(b"")
alone(b"\x16\x03\x01\x00\x05\x01\x00")
alone(b"\x16\x03\x01\xff\xff" + b"x" * 70000)
alone(b"\x00" * 100000)
alone(os.urandom(5000))
PY
	for n in 1 2 3 4 5 6; do
		[[ $(status $n) == "error "* ]]
		[ "$(wc -l <"$at/status.$n")" = 1 ]
		wait_for "$at/exit.$n"
		[ "$(cat "$at/exit.$n")" = 76 ]
		[ ! -s "$at/in.$n" ]
	done
	[ "$(grep -c 'warning: tls failed peer=127.0.0.1 why="' "$at/log")" = 6 ]
	[ "$(status 2)" = "error connection closed" ]
}

@test "a handshake octet by octet; one that never ends" {
	serve echo
	run -0 python <<'PY'
i, o = ssl.MemoryBIO(), ssl.MemoryBIO()
raw = socket.create_connection(("127.0.0.1", port))
raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
s = context().wrap_bio(i, o)
def step(function, *args):
    while True:
        try:
            return function(*args)
        except ssl.SSLWantReadError:
            for octet in o.read():
                raw.sendall(bytes([octet]))
            i.write(raw.recv(65536))
step(s.do_handshake)
s.write(b"slow\n")
assert step(s.read, 100) == b"slow\n"
PY
	# poll() as it is after a minute: nothing has come
	HELPER=(strace -qq -o "$BATS_TEST_TMPDIR/trace"
		-e inject=poll:retval=0:when=1 "$tls")
	HELPER[0]=$(command -v strace)
	serve echo
	/usr/bin/python3 -c "import socket
s = socket.create_connection(('127.0.0.1', $port))
s.recv(1)" || :
	[ "$(status 1)" = "error timeout" ]
	wait_for "$at/exit.1"
	# As an ordinary user strace sees no more of it than this.
	grep -qE '^poll\(.*, 1, (60000|[1-5][0-9]{4})\)' "$BATS_TEST_TMPDIR/trace"
}

# cpu PID: its time so far, in hundredths of a second.
cpu() {
	awk '{print $14 + $15}' "/proc/$1/stat"
}

# rests PID: soon it is a whole second without much to do.
rests() {
	local i before
	for i in $(seq 20); do
		before=$(cpu "$1")
		sleep 1
		[ $(($(cpu "$1") - before)) -ge 10 ] || return 0
	done
	return 1
}

ended() { # PID: soon; whoever has inherited it may not have asked yet
	local i
	for i in $(seq 600); do
		grep -qs '^State:.[^Z]' "/proc/$1/status" || return 0
		sleep 0.05
	done
	return 1
}

@test "who does not read is waited for, without a busy loop" {
	local pid client
	head -c 20000000 /dev/zero >down
	serve "$PWD/down"
	python <<'PY' &
s = connect(context())
open("connected", "w")
while not os.path.exists("go"):
    time.sleep(0.05)
n = 0
while n < 20000000:
    n += len(s.recv(100000))
s.close()
PY
	client=$!
	wait_for connected
	status 1
	rests "$(cat "$at/pid.1")"
	: >go
	wait $client
	wait_for "$at/exit.1"

	# The handler is gone, and what it has written still has to be sent.
	rm go connected
	serve "$PWD/down"
	python <<'PY' &
s = connect(context())
open("connected", "w")
while not os.path.exists("go"):
    time.sleep(0.05)
while s.recv(100000):
    pass
s.close()
PY
	client=$!
	wait_for connected
	status 1
	sleep 0.5
	pid=$(cat "$at/pid.1")
	kill "$(awk '$1 == "PPid:" { print $2 }' "/proc/$pid/status")"
	rests "$pid"
	: >go
	wait $client
	ended "$pid"

	serve hush
	python <<'PY' &
s = connect(context())
s.settimeout(1)
try:
    for n in range(100000):
        s.sendall(b"x" * 16384)
except TimeoutError:
    open("stuck", "w")
time.sleep(2)
PY
	client=$!
	wait_for stuck
	status 1
	rests "$(cat "$at/pid.1")"
	: >"$at/go"
	wait_for "$at/exit.1"
	wait $client
}

# --- Confinement ---

@test "confined before the first octet of the peer" {
	local trace=$BATS_TEST_TMPDIR/trace names
	HELPER=("$(command -v strace)" -qq -o "$trace" "$tls")
	for names in one two; do
		serve echo
		run client
		[[ $output == *hello* ]]
		wait_for "$at/exit.1"
		grep -nE '^(seccomp\(SECCOMP_SET_MODE_FILTER|landlock_restrict_self|SYS_446)' \
			"$trace" | grep -v ' = -1' >confined || :
		[ -s confined ] || skip "no seccomp here"
		line=$(sed -n '$s/:.*//p' confined)
		[ "$(sed -n '1s/:.*//p' confined)" -lt \
			"$(grep -nm 1 '^read(0, ' "$trace" | cut -d: -f1)" ]
		# From the last one on no file, no socket, no program.
		sed "1,${line}d" "$trace" >after
		run -1 grep -E '^(open|stat|access|socket|connect|exec|fork|clone)' after
		grep -q '^write(4, ' after
		certificate other.test other
	done
	[ "$(grep -c :seccomp confined)" = 2 ]
}

@test "nothing is left open but what the handler gave" {
	local trace=$BATS_TEST_TMPDIR/trace
	HELPER=("$(command -v strace)" -qq -o "$trace"
		-e trace=%desc,socket,dup,close,landlock_create_ruleset "$tls")
	certificate other.test other
	cp "$made/ca.pem" "$own/clients.pem"
	serve echo
	run client -servername other.test
	[[ $output == *hello* ]]
	wait_for "$at/exit.1"
	run -0 /usr/bin/python3 - "$trace" <<'PY'
import re, sys
fds = set(range(5))
for line in open(sys.argv[1]):
    m = re.match(r"(\w+)\((\d+)?.* = (\d+)", line)
    if not m or "VERSION" in line:
        continue
    call, first, result = m[1], m[2], int(m[3])
    if call in ("open", "openat", "socket", "dup", "landlock_create_ruleset"):
        fds.add(result)
    elif call == "fcntl" and "F_DUPFD" in line:
        fds.add(result)
    elif call == "close":
        fds.discard(int(first))
    elif call == "write" and first == "4":
        at_the_end = None
print(sorted(fds))
PY
	[ "$output" = "[0, 1, 2]" ]
}

@test "its memory and its descriptors are limited, and there is no core" {
	local client
	! grep -qa __asan_init "$tls" || skip "a sanitizer needs the whole of it"
	serve hush
	python <<'PY' &
s = connect(context())
s.recv(1)
PY
	client=$!
	status 1
	tr -s ' ' <"/proc/$(cat "$at/pid.1")/limits" >limits
	: >"$at/go"
	wait $client
	grep -q '^Max address space 134217728 134217728 bytes' limits
	grep -q '^Max open files 32 32 files' limits
	grep -q '^Max core file size 0 0 bytes' limits
}

@test "without libssl-dev all else is built" {
	run -0 env -u MAKEFLAGS make -n -C "$ROOT" BUILD="$PWD/none" all
	[[ $output == *src/tls/* && $output == *smtpd/smtpd.c* ]]
	run -0 env -u MAKEFLAGS make -n -C "$ROOT" BUILD="$PWD/none" \
		TLS_CC=false all
	[[ $output != *src/tls/* && $output == *smtpd/smtpd.c* ]]
}

@test "OpenSSL is in no other program" {
	run grep -rlE '#include *[<"](openssl|gnutls)/' "$ROOT/src"
	for file in "${lines[@]}"; do
		[[ $file == "$ROOT"/src/tls/* || $file == "$ROOT"/src/dkim/* ]]
	done
	for program in "$PROGRAMS"/*; do
		case ${program##*/} in tls|dkim|obj) continue ;; esac
		[ -f "$program" ] || continue
		run ldd "$program"
		[[ $output != *libssl* && $output != *libcrypto* ]]
	done
}

# --- The client's side ---

# far OPTION...: openssl's server, which sends back what it gets, reversed.
far() {
	local i
	rm -f far.out
	setsid openssl s_server -accept 127.0.0.1:0 -rev "$@" >far.out 2>&1 3>&- &
	SERVERS+=($!)
	for i in $(seq 600); do
		port=$(sed -n 's/^ACCEPT .*://p' far.out 2>/dev/null) || :
		[ -z "$port" ] || return 0
		sleep 0.05
	done
	cat far.out
	return 1
}

pair() { # DIR
	echo "-cert $made/$1/fullchain.pem -key $made/$1/privkey.pem"
}

connect() { # ARGUMENT...
	run --separate-stderr timeout 60 "$BATS_TEST_DIRNAME/tls-door" connect \
		"$port" "$tls" "$@" <<<olleh
}

@test "client: any certificate will do, unless it is to be verified" {
	local dir
	for dir in rsa server early; do
		# shellcheck disable=SC2046
		far $(pair $dir)
		connect -c far.test
		[ "$status" = 0 ]
		[[ ${lines[0]} =~ ^protocol=TLSv1.3\ cipher=TLS_AES_256_GCM_SHA384\ exporter=$hex64\ endpoint=$hex64$ ]]
		[ "${lines[1]}" = hello ]
	done
	[[ $stderr == *': tls protocol=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 peer=127.0.0.1 host=far.test' ]]
}

not_verified() { # WHY ARGUMENT...
	connect "${@:2}" -v
	[ "$status" = 76 ]
	[ "$output" = "error certificate not good: $1" ] || return
	[[ $output != *hello* ]]
}

@test "client: verified, by the system's authorities and users/tls/ca.pem" {
	# shellcheck disable=SC2046
	far $(pair server)
	not_verified "unable to get local issuer certificate" -c far.test ||
		not_verified "unable to verify the first certificate" -c far.test
	cp "$made/ca.pem" "$own/ca.pem"
	connect -c far.test -v
	[ "$status" = 0 ]
	[[ ${lines[0]} == *' verified=1 '* ]]
	[ "${lines[1]}" = hello ]
	connect -c FAR.test -v
	[ "$status" = 0 ]
	connect -c 127.0.0.1 -v
	[ "$status" = 0 ]
	not_verified "hostname mismatch" -c mx.far.test
	not_verified "hostname mismatch" -c far.test.example
	not_verified "IP address mismatch" -c 127.0.0.2
	rm "$own/ca.pem"
	SSL_CERT_FILE=$made/ca.pem connect -c far.test -v
	[ "$status" = 0 ]
	echo x >"$own/ca.pem"
	connect -c far.test -v
	[ "$status" = 78 ]
	[[ $output == "error users/tls/ca.pem: "* ]]
}

@test "client: expired, of a wildcard, with a name in the subject alone" {
	cp "$made/ca.pem" "$own/ca.pem"
	# shellcheck disable=SC2046
	far $(pair early)
	not_verified "certificate has expired" -c far.test
	cat "$made/wild/fullchain.pem" >"$own/ca.pem"
	# shellcheck disable=SC2046
	far $(pair wild)
	connect -c a.wild.test -v
	[ "$status" = 0 ]
	not_verified "hostname mismatch" -c wild.test
	not_verified "hostname mismatch" -c a.b.wild.test
	cat "$made/rsa/fullchain.pem" >"$own/ca.pem"
	# shellcheck disable=SC2046
	far $(pair rsa)
	not_verified "hostname mismatch" -c test
	# Its only name is the subject's.
	cp "$made/bare.pem" "$own/ca.pem"
	far -cert "$made/bare.pem" -key "$made/ca.key"
	not_verified "hostname mismatch" -c far.test
}

@test "client: the system's own authorities, read when they are needed" {
	mkdir certs
	cp "$made/ca.pem" certs/one.pem
	openssl rehash certs
	# shellcheck disable=SC2046
	far $(pair server)
	SSL_CERT_DIR=/usr/share/ca-certificates/none connect -c far.test -v
	[ "$status" = 76 ]
	SSL_CERT_DIR=$PWD/certs connect -c far.test -v
	[ "$status" = 0 ]
}

@test "client: sends the name, never an address" {
	# shellcheck disable=SC2046
	far $(pair server) -servername far.test $(pair server |
		sed 's/-cert/-cert2/; s/-key/-key2/') -servername_fatal
	connect -c far.test
	[ "$status" = 0 ]
	connect -c other.test
	[ "$status" = 76 ]
	connect -c 127.0.0.1
	[ "$status" = 0 ]
}

@test "client: old servers, no servers" {
	# shellcheck disable=SC2046
	OPENSSL_CONF=/dev/null far $(pair rsa) -tls1_1 -cipher ALL:@SECLEVEL=0
	connect -c far.test
	[ "$status" = 76 ]
	[[ $output == "error "* ]]
	# What only TLS 1.2 has had: CBC, RSA key exchange; fine, unverified
	# shellcheck disable=SC2046
	far $(pair rsa) -tls1_2 -cipher AES128-SHA
	connect -c far.test
	[ "$status" = 0 ]
	[[ ${lines[0]} == "protocol=TLSv1.2 cipher=AES128-SHA "* ]]
	[ "${lines[1]}" = hello ]
	port=1
	run timeout 60 bash -c "printf '220 hello\r\n' | \"$tls\" -c far.test \
		3<>/dev/null 4>told"
	[ "$status" = 76 ]
	grep -qx 'error wrong version number' told
}

@test "usage" {
	local arguments
	for arguments in '-x' '-v' '-c a -a pop3' 'word' '-c'; do
		# shellcheck disable=SC2086
		run "$tls" $arguments 3<>/dev/null 4>told </dev/null
		[ "$status" = 64 ]
		[[ $output == *'usage: tls '* ]]
	done
	run "$tls" 3>&- </dev/null
	[ "$status" = 64 ]
	[[ $output == *'fd 3: Bad file descriptor'* ]]
}
