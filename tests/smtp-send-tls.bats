#!/usr/bin/env bats
# smtp-send: TLS towards the next host, with tests/far as a host that offers it,
# and breaks it in every way; the policy of `tls` lines.

load helper
load smtp-send

CERTIFICATES=$BATS_FILE_TMPDIR/certificates

# pair FILE NAMES [OPTION…]: a key and a certificate, by the authority.
pair() {
	local key=$BATS_FILE_TMPDIR/key
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$key" -out "$CERTIFICATES/$1" -subj /CN=x -days 30 \
		-addext "subjectAltName=$2" "${@:3}" 2>/dev/null
	cat "$key" >>"$CERTIFICATES/$1"
}

# One that was good for a year, until 2020.
pair_expired() {
	local dir=$BATS_FILE_TMPDIR/ca
	mkdir "$dir"
	: >"$dir/index"
	cat >"$dir/conf" <<-CONF
	[ca]
	default_ca = it
	[it]
	new_certs_dir = $dir
	database = $dir/index
	rand_serial = yes
	default_md = sha256
	policy = any
	x509_extensions = names
	[any]
	commonName = optional
	[names]
	subjectAltName = DNS:localhost,IP:127.0.0.1
	[req]
	distinguished_name = any
	CONF
	openssl req -config "$dir/conf" -new -newkey ec -nodes -subj /CN=x \
		-pkeyopt ec_paramgen_curve:P-256 -keyout "$dir/key" \
		-out "$dir/csr" 2>/dev/null
	openssl ca -config "$dir/conf" -batch -notext -in "$dir/csr" \
		-cert "$CERTIFICATES/ca.pem" -keyfile "$CERTIFICATES/ca.pem" \
		-startdate 20190101000000Z -enddate 20200101000000Z \
		-out "$CERTIFICATES/expired.pem" 2>/dev/null
	cat "$dir/key" >>"$CERTIFICATES/expired.pem"
}

setup_file() {
	"$ROOT/scripts/need" openssl=openssl python3=python3 cc=gcc make=make \
		unshare=util-linux ps=procps
	local by=(-CA "$CERTIFICATES/ca.pem" -CAkey "$CERTIFICATES/ca.pem")
	mkdir "$CERTIFICATES"
	pair ca.pem DNS:authority.test
	pair good.pem DNS:localhost,IP:127.0.0.1,IP:198.18.0.1 "${by[@]}"
	pair other.pem DNS:other.test "${by[@]}"
	pair self.pem DNS:localhost
	pair_expired
	local src=$BATS_FILE_TMPDIR/quick
	mkdir "$src"
	cp -R "$ROOT/src" "$ROOT/Makefile" "$ROOT/tests" "$src"
	sed -i -E 's/^(#define HANDSHAKE_TIMEOUT) [0-9]+/\1 1/
		s/^(#define MEMORY) .*/\1 0/' "$src"/src/smtp-send/*.[ch]
	make -s -C "$src" BUILD="$src/build" "$src/build/smtp-send"
}

setup() {
	[ -x "$PROGRAMS/tls" ] || skip "tls is not built"
	home_make
	CONF=$PENNYPOST_HOME/pennypost.conf
	mkdir "$PENNYPOST_HOME/users/tls"
	cp "$CERTIFICATES/ca.pem" "$PENNYPOST_HOME/users/tls/ca.pem"
	cp "$CERTIFICATES"/* .
}

# far LEVEL [NAME]: tests/far plays the script on stdin, as localhost, with that
# policy: "" for none.
far() {
	far_side
	sed -i '/^route /s/127.0.0.1/localhost/; /^tls /d' "$CONF"
	[ -z "$1" ] || echo "tls localhost $*" >>"$CONF"
	NEXT="[localhost]:$PORT"
}

PLAIN='S: 220 far.test
C: EHLO mx.example.test
S: 250-far.test
S: 250-SIZE 9000
S: 250-PIPELINING
S: 250-8BITMIME
S: 250 STARTTLS'
START="$PLAIN
C: STARTTLS
S: 220 2.0.0 go"
SECURE="$START
tls good.pem
C: EHLO mx.example.test
S: 250 far.test"
TAKES='C: MAIL FROM:<alice@example.test>
S: 250 ok
C: RCPT TO:<x@far.test>
S: 250 ok
C: DATA
S: 354 go
data
S: 250 2.0.0 taken'
QUIT='C: QUIT
S: 221 bye'
# The second connection, where TLS has failed in the first.
AGAIN="---
${PLAIN/PIPELINING/X}
C: MAIL FROM:<alice@example.test> SIZE=20
S: 250 ok
${TAKES#*$'\n'*$'\n'}
$QUIT"

# deferred PATTERN: x@far.test waits, and this is why.
deferred() {
	local got
	got=$(sed -n 's/^to 0 - //p' out)
	_matches "$got" "$1" || { echo "expected '$1', got '$got'"; return 1; }
	[ "$(status A1)" = . ]
}

# --- What is offered ---

@test "STARTTLS is taken, and what was offered before it forgotten" {
	queued_plain A1 '<x@far.test>'
	far '' <<<"$SECURE
hears TLSv1.3
named localhost
$TAKES
$QUIT"
	send A1
	heard
	[ "$(status A1)" = + ]
	[ "$(cat out)" = 'done A1' ]
	grep -qE "sent to=<x@far.test> .* mta=localhost\[127.0.0.1\]:$PORT tls=TLSv1.3,TLS_[A-Z0-9_]* reply=\"250 2.0.0 taken\" id=A1$" stderr
	[ "$(cat script.taken)" = $'Subject: x\r\n\r\ntext\r\n.\r' ]
}

@test "a TLS session carries many messages, and needs no second STARTTLS" {
	local i
	for i in 1 2 3; do
		queued_plain A$i '<x@far.test>'
	done
	far verify <<<"$START
tls good.pem
C: EHLO mx.example.test
S: 250-far.test
S: 250 STARTTLS
$TAKES
$TAKES
$TAKES
$QUIT"
	send A1 A2 A3
	heard
	[ "$(status A1)$(status A2)$(status A3)" = +++ ]
	[ "$(grep -c ',verified reply="250' stderr)" = 3 ]
}

@test "extensions that come in TLS count" {
	queued_plain A1 '<x@far.test>'
	far '' <<<"$START
tls good.pem
C: EHLO mx.example.test
S: 250-far.test
S: 250 SIZE 9000
C: MAIL FROM:<alice@example.test> SIZE=20
${TAKES#*$'\n'}
$QUIT"
	send A1
	heard
	[ "$(status A1)" = + ]
}

@test "tls none: it is not asked for" {
	queued_plain A1 '<x@far.test>'
	far none <<<"${PLAIN/PIPELINING/X}
${AGAIN#*STARTTLS$'\n'}"
	send A1
	heard
	[ "$(status A1)" = + ]
	grep -q ' tls=no reply="250 2.0.0 taken"' stderr
}

@test "a large message, both ways of sending it" {
	local size
	{
		printf 'Subject: x\n\n'
		seq 300000
	} | queued A1 'from <alice@example.test>' 'to . <x@far.test>'
	far '' <<<"$SECURE
$TAKES
$QUIT"
	send A1
	heard
	[ "$(status A1)" = + ]
	{
		cat message
		echo .
	} | sed 's/$/\r/' | cmp - script.taken
	size=$(sed 's/$/\r/' message | wc -c)
	{
		printf 'Subject: x\n\n'
		seq 300000
	} | queued A1 'from <alice@example.test>' 'to . <x@far.test>'
	far '' <<<"$START
tls good.pem
C: EHLO mx.example.test
S: 250-far.test
S: 250 CHUNKING
C: MAIL FROM:<alice@example.test>
S: 250 ok
C: RCPT TO:<x@far.test>
S: 250 ok
C: BDAT $size LAST
take $size
S: 250 2.0.0 taken
$QUIT"
	send A1
	heard
	[ "$(status A1)" = + ]
	sed 's/$/\r/' message | cmp - script.taken
}

# --- STARTTLS that comes to nothing ---

@test "STARTTLS refused: goes on without, where that is allowed" {
	local reply
	for reply in '454 4.7.0 not now' '501 5.5.4 no' '250 what' '500 no'; do
		queued_plain A1 '<x@far.test>'
		far '' <<<"${PLAIN/PIPELINING/X}
C: STARTTLS
S: $reply
${AGAIN#*STARTTLS$'\n'}"
		send A1
		heard
		[ "$(status A1)" = + ]
		queued_plain A1 '<x@far.test>'
		far encrypt <<<"$PLAIN
C: STARTTLS
S: $reply"
		send A1
		heard
		deferred "451 4.7.4 localhost[127.0.0.1]:$PORT: refuses STARTTLS: ${reply:0:3} * and TLS is demanded by pennypost.conf:4"
	done
}

@test "not offered, or stripped: nothing goes where TLS has to be" {
	local level
	for level in encrypt verify 'verify localhost'; do
		queued_plain A1 '<x@far.test>'
		far "$level" <<-'TALK'
		S: 220 far.test
		C: EHLO mx.example.test
		S: 250-far.test
		S: 250 XXXXXXXA
		TALK
		send A1
		heard
		deferred "451 4.7.4 *: offers no STARTTLS, and TLS is demanded by pennypost.conf:4"
		grep -q "^down - 451 4.7.4 " out
		far "$level" <<-'TALK'
		S: 220 far.test
		C: EHLO mx.example.test
		S: 500 what
		C: HELO mx.example.test
		S: 250 far.test
		TALK
		send A1
		heard
		deferred "451 4.7.4 *: offers no STARTTLS, *"
	done
}

@test "what comes behind the 220 is not believed" {
	local text
	for text in '220 go\r\n250 injected\r\n' '220 go\r\n\r\n' \
		'220 go\r\n250-far.test\r\n250 AUTH PLAIN\r\n' '220 go\r\nx' \
		'220 go\r\n\x16\x03\x03'; do
		queued_plain A1 '<x@far.test>'
		far encrypt <<<"$PLAIN
C: STARTTLS
s: $text"
		send A1
		heard
		deferred '451 4.5.0 *: speaks out of turn'
		far '' <<<"$PLAIN
C: STARTTLS
s: $text
$AGAIN"
		send A1
		heard
		[ "$(status A1)" = + ]
	done
}

@test "a handshake that fails: again, without TLS; and it is remembered" {
	local end
	for end in close reset 'shout no TLS here\r\n' 'shout \x15\x03\x01\x00\x02\x02\x28' \
		'shout \x15\x03\x03\x00\x02\x01\x00'; do
		queued_plain A1 '<x@far.test>'
		queued_plain A2 '<x@far.test>'
		far '' <<<"$START
$end
close
${AGAIN%C: QUIT*}close
$AGAIN"
		send A1 A2
		heard || { echo "$end"; return 1; }
		[ "$(status A1)$(status A2)" = ++ ]
		[ "$(grep -c 'no tls mta=localhost' stderr)" = 1 ]
		[ "$(grep -c ' tls=no reply="250' stderr)" = 2 ]
		cat stderr >>stderr.all
		: >stderr
	done
}

@test "a handshake that fails: nothing goes where TLS has to be" {
	queued_plain A1 '<x@far.test>'
	far encrypt <<<"$START
close"
	send A1
	heard
	deferred "451 4.7.5 localhost[127.0.0.1]:$PORT: no TLS with it: *"
}

@test "lost between STARTTLS and the EHLO behind it: again, without TLS" {
	local lines
	for lines in "$PLAIN
C: STARTTLS
close" "$PLAIN
C: STARTTLS
S: 421 4.3.2 no
close" "$START
tls good.pem
close" "$START
tls good.pem
notify
close" "$START
tls good.pem
C: EHLO mx.example.test
close" "$START
tls good.pem
C: EHLO mx.example.test
S: 421 4.3.2 no" "$START
tls good.pem
C: EHLO mx.example.test
s: 250-far.test\r\n
notify
shout 250 far.test\r\n
close"; do
		queued_plain A1 '<x@far.test>'
		far '' <<<"$lines
$AGAIN"
		send A1
		heard || { echo "$lines"; return 1; }
		[ "$(status A1)" = + ]
		far encrypt <<<"$lines"
		send A1
		run ! grep '250' out
	done
}

@test "a host that says nothing to the handshake gets no more than its time" {
	local i
	cp "$BATS_FILE_TMPDIR/quick/build/smtp-send" .
	cp "$PROGRAMS/tls" .
	PROGRAMS=$PWD
	queued_plain A1 '<x@far.test>'
	far '' <<<"$START
rest
$AGAIN"
	send A1
	heard
	[ "$(status A1)" = + ]
	grep -q 'no TLS with it: no TLS handshake in time' stderr
	# No helper is left behind.
	for i in $(seq 300); do
		grep -lsz "^$PWD/tls" /proc/[0-9]*/cmdline || return 0
		sleep 0.1
	done
	false
}

# --- Certificates ---

@test "verify: a certificate of the name, by an authority that is known" {
	local name
	for name in localhost 127.0.0.1; do
		queued_plain A1 '<x@far.test>'
		far verify <<<"$SECURE
$TAKES
$QUIT"
		sed -i "s/localhost/$name/" "$CONF"
		NEXT="[$name]:$PORT"
		send A1
		heard
		[ "$(status A1)" = + ]
		grep -q "mta=$name.*,verified reply=" stderr
	done
}

@test "verify: expired, of another name, by nobody known: nothing goes" {
	local why
	while IFS='|' read -r file why; do
		queued_plain A1 '<x@far.test>'
		far verify <<<"$START
untls $file.pem"
		send A1
		heard || { echo "$file"; return 1; }
		deferred "451 4.7.5 *: no TLS with it: *$why*"
		grep -q '^down - 451 4.7.5 ' out
		[ "$(wc -c <script.taken)" = 0 ]
		# Where nothing is said of names, TLS is better than none.
		far encrypt <<<"${SECURE/good/$file}
$TAKES
$QUIT"
		send A1
		heard
		[ "$(status A1)" = + ]
		run -1 grep verified stderr
	done <<-'WHY'
	expired|expired
	other|ostname mismatch
	self|self-signed
	WHY
}

@test "verify: the name that the line says, not the host's" {
	queued_plain A1 '<x@far.test>'
	far verify other.test <<<"$START
tls other.pem
named other.test
C: EHLO mx.example.test
S: 250 far.test
$TAKES
$QUIT"
	send A1
	heard
	[ "$(status A1)" = + ]
	queued_plain A1 '<x@far.test>'
	far verify other.test <<<"$START
untls good.pem"
	send A1
	heard
	deferred '451 4.7.5 *ostname mismatch*'
}

# --- The end of TLS ---

# Not one octet that lies below TLS may be taken for one in it: CVE-2026-45185.
@test "TLS that ends in the middle: nothing behind it is heard" {
	local end mail=${TAKES%data*}
	for end in close 'notify
close' 'notify
shout 250 2.0.0 taken\r\n
close' reset; do
		queued_plain A1 '<x@far.test>'
		far '' <<<"$SECURE
${mail}data
$end"
		send A1
		heard || { echo "$end"; return 1; }
		deferred '451 4.4.2 *: connection lost after the message*'
		run -1 grep -r taken out stderr
	done
}

@test "TLS that ends at any step, by a close or in order: no yes, no mark" {
	local n end count script
	script="$SECURE
$TAKES"
	count=$(wc -l <<<"$script")
	for n in $(seq 7 $((count - 1))); do
		for end in close $'notify\nclose' $'notify\nshout 250 ok\\r\\n250 ok\\r\\n250 ok\\r\\n354 go\\r\\n250 ok\\r\\n\nclose'; do
			[[ $end == close || $n -gt 10 ]] || continue
			queued_plain A1 '<x@far.test>'
			far encrypt < <(head -n "$n" <<<"$script"; echo "$end")
			# A host that is lost before the message has ended is
			# tried once more, and is not there.
			send A1
			heard || { echo "$n $end"; return 1; }
			[ "$(status A1)" = . ] || { echo "$n $end"; return 1; }
			grep -q '^to 0 - 451 4' out || { echo "$n $end"; return 1; }
		done
	done
}

@test "many sessions: no helper is left, no zombie, no descriptor" {
	local i
	for i in 1 2 3 4; do
		queued_plain A$i '<x@far.test>'
	done
	for i in 1 2 3 4; do
		printf '%s\n' --- "$SECURE" "$TAKES" 'close'
	done | sed 1d >lines
	far '' <lines
	mkfifo ids
	"$PROGRAMS/smtp-send" "$NEXT" <ids >out 2>>stderr 3>&- &
	local pid=$! zombies open=
	STARTED="$STARTED $pid"
	exec 8>ids
	for i in 1 2 3 4; do
		echo A$i >&8
		for _ in $(seq 300); do
			[ "$(grep -c ^done out)" != $i ] || break
			sleep 0.1
		done
		open+=" $(find "/proc/$pid/fd" -type l | wc -l)"
	done
	zombies=$(ps -o stat= --ppid "$pid" | grep -c Z || :)
	exec 8>&-
	wait "$pid"
	heard
	[ "$(status A1)$(status A2)$(status A3)$(status A4)" = ++++ ]
	[ "$zombies" -le 1 ]
	read -ra open <<<"$open"
	[ "${open[3]}" = "${open[0]}" ]
}

# --- The helper ---

# Programs of their own, with a helper that tells this alone. It may read nothing
# but the queue.
helper_says() { # printf's escapes
	local dir=$BATS_TEST_TMPDIR/programs
	if [ ! -d "$dir" ]; then
		mkdir "$dir"
		cp "$PROGRAMS/smtp-send" "$dir"
		cat >helper.c <<-'C'
		#include <fcntl.h>
		#include <unistd.h>
		int main(void)
		{
			char text[9000];
			int fd = open("spool/queue/status", O_RDONLY);
			ssize_t n = read(fd, text, sizeof text);
			if (n < 0 || write(4, text, (size_t)n) != n)
				return 1;
			close(4);
			return read(3, text, 1) < 0; /* then it has gone */
		}
		C
		cc -static -o "$dir/tls" helper.c
	fi
	printf '%b' "$1" >"$QUEUE/status"
}

@test "no helper: goes without TLS, says so once, and not where it has to be" {
	mkdir programs
	cp "$PROGRAMS/smtp-send" programs
	PROGRAMS=$PWD/programs
	queued_plain A1 '<x@far.test>'
	queued_plain A2 '<x@far.test>'
	far '' <<<"${PLAIN/PIPELINING/X}
${AGAIN#*STARTTLS$'\n'}
$AGAIN"
	sed 's/^C: QUIT$/close/; /^S: 221/d' script >lines
	kill "$FAR"
	far '' <lines
	send A1 A2
	heard
	[ "$(status A1)$(status A2)" = ++ ]
	[ "$(grep -c 'no tls helper here: mail goes without TLS' stderr)" = 1 ]
	queued_plain A1 '<x@far.test>'
	far encrypt <<<"$START"
	send A1
	heard
	deferred '451 4.7.5 *: there is no tls helper here'
}

@test "what a helper tells is read strictly" {
	local line long
	long=$(printf 'a%.0s' {1..300})
	for line in '' 'protocol=TLSv1.3' '\n' ' \n' 'cipher=X\n' 'protocol=\n' \
		'protocol\n' 'resumed=1\n' "protocol=$long\\n" \
		"protocol=TLSv1.3 cipher=$long\\n" \
		'protocol=TLSv1.3 resumed=yes\n' \
		'protocol=TLSv1.3 verified=2\n' \
		'protocol=TLSv1.3 exporter=0\n' \
		'protocol=TLSv1.3 exporter=0g\n' \
		"protocol=TLSv1.3 exporter=${long}\\n" \
		"protocol=TLSv1.3 unique=${long}\\n" \
		"protocol=TLSv1.3 endpoint=${long}\\n" \
		"protocol=TLSv1.3 name=$long\\n" "protocol=TLSv1.3 peer=$long\\n" \
		'protocol=TLSv1.3 \0 cipher=x\n' \
		"$(printf "$long%.0s" {1..8})\\n"; do
		helper_says "$line"
		queued_plain A1 '<x@far.test>'
		far encrypt <<<"$START"
		PROGRAMS=$PWD/programs send A1
		heard
		deferred '451 4.7.5 *: no TLS with it: the tls helper tells no*' ||
			{ echo "$line"; return 1; }
	done
	helper_says "error a\\tb $long\\n"
	far encrypt <<<"$START"
	PROGRAMS=$PWD/programs send A1
	heard
	deferred '451 4.7.5 *: no TLS with it: a?b aaaa*'
	# What it says is verified has to be.
	helper_says 'protocol=TLSv1.3\n'
	far verify <<<"$START"
	PROGRAMS=$PWD/programs send A1
	heard
	deferred '451 4.7.5 *: its certificate was not verified'
}

# --- The smarthost's password ---

password() { # LEVEL; the script on stdin; by loopback
	far "$1"
	sed -i 's/^route far.test /smarthost /' "$CONF"
	(umask 077; echo me:secret >"$PENNYPOST_HOME/users/smarthost")
}

LOGIN="C: EHLO mx.example.test
S: 250-far.test
S: 250 AUTH PLAIN
C: AUTH PLAIN $(printf '\0me\0secret' | base64)
S: 235 2.7.0 welcome"

@test "smarthost: AUTH that is offered in TLS alone" {
	queued_plain A1 '<x@far.test>'
	password verify <<<"$START
tls good.pem
$LOGIN
$TAKES
$QUIT"
	send A1
	heard
	[ "$(status A1)" = + ]
}

@test "smarthost: AUTH that was offered before TLS is not said in it" {
	queued_plain A1 '<x@far.test>'
	password '' <<<"${START/SIZE 9000/AUTH PLAIN}
tls good.pem
C: EHLO mx.example.test
S: 250 far.test"
	send A1
	heard
	deferred '451 4.7.0 *: it offers neither AUTH PLAIN nor AUTH LOGIN'
}

# alone LEVEL PORT: a smarthost with a password, at an address that is not
# loopback. The script, for localhost, is on stdin.
alone() {
	unshare -rn true 2>/dev/null || skip "no namespaces here"
	{
		echo '--- 198.18.0.1'
		sed 's/^---$/--- 198.18.0.1/'
	} >script
	(umask 077; echo me:secret >"$PENNYPOST_HOME/users/smarthost")
	rm -f port
	cat >inside <<-'SH'
	ip link set lo up
	ip addr add 198.18.0.1/32 dev lo
	"$1/tests/far" script $4 >port 2>far.err &
	while [ ! -s port ]; do sleep 0.02; done
	conf=$PENNYPOST_HOME/pennypost.conf
	sed -i '/^smarthost/d; /^tls/d' "$conf"
	echo "smarthost 198.18.0.1:$(cat port)" >>"$conf"
	[ -z "$3" ] || echo "tls 198.18.0.1 $3" >>"$conf"
	"$2/smtp-send" "[198.18.0.1]:$(cat port)" A1 >out 2>>stderr
	wait $! || { cat far.err; exit 1; }
	SH
	unshare -rn sh inside "$ROOT" "$PROGRAMS" "$1" "${2-}"
}

@test "smarthost: to another machine, a password goes to the right one alone" {
	queued_plain A1 '<x@far.test>'
	alone '' <<<"$START
tls good.pem
$LOGIN
$TAKES
$QUIT"
	[ "$(status A1)" = + ]
	queued_plain A1 '<x@far.test>'
	alone '' <<<"$START
untls other.pem"
	deferred '451 4.7.5 *IP address mismatch*'
	alone encrypt <<<"$START
tls other.pem
$LOGIN
$TAKES
$QUIT"
	[ "$(status A1)" = + ]
	# Whatever a line says: not without TLS.
	queued_plain A1 '<x@far.test>'
	alone none <<<"${PLAIN/SIZE 9000/AUTH PLAIN}"
	deferred '451 4.7.0 *: no password is sent to it without TLS'
	alone may <<<"${START/SIZE 9000/AUTH PLAIN}
close
---
${PLAIN/SIZE 9000/AUTH PLAIN}"
	deferred '451 4.7.0 *: no password is sent to it without TLS'
}

@test "port 465: TLS before the greeting, and never without" {
	queued_plain A1 '<x@far.test>'
	alone '' 465 <<<"tls good.pem
S: 220 far.test
$LOGIN
$TAKES
$QUIT"
	[ "$(status A1)" = + ]
	grep -q ',verified reply=' stderr
	queued_plain A1 '<x@far.test>'
	local level
	for level in none may encrypt; do
		alone "$level" 465 <<<'shout 220 far.test\r\n
close'
		deferred '451 4.7.5 *: no TLS with it: *'
	done
	alone may 465 <<<"tls other.pem
S: 220 far.test
$LOGIN
$TAKES
$QUIT"
	[ "$(status A1)" = + ]
}

@test "port 465: openssl's server, by any cipher" {
	local option wanted
	unshare -rn true 2>/dev/null || skip "no namespaces here"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -days 30 \
		-subj /CN=x -addext subjectAltName=DNS:localhost \
		-CA ca.pem -CAkey ca.pem -out rsa.pem 2>/dev/null
	cat rsa.key >>rsa.pem
	printf '%s\n' 'route far.test localhost:465' 'tls localhost verify' \
		>>"$CONF"
	cat >replies <<-'SH'
	echo '220 far.test'
	while read -r line; do
		case $line in
		DATA*) echo '354 go' ;;
		EHLO* | MAIL* | RCPT*) echo '250 ok' ;;
		.*) echo '250 2.0.0 taken' ;;
		QUIT*) echo '221 bye' ;;
		esac
	done
	SH
	cat >inside <<-'SH'
	ip link set lo up
	mkfifo says
	openssl s_server -accept 127.0.0.1:465 -quiet -crlf "$@" <says |
		sh replies >says &
	until grep -q ':01D1 [0-9A-F]*:0000 0A' /proc/net/tcp; do sleep 0.05; done
	"$PROGRAMS/smtp-send" '[localhost]:465' A1 >out 2>>stderr
	SH
	while read -r wanted option; do
		queued_plain A1 '<x@far.test>'
		rm -f says
		# shellcheck disable=SC2086
		PROGRAMS=$PROGRAMS timeout 120 unshare -rnpf --kill-child \
			--mount-proc sh inside $option
		[ "$(status A1)" = + ] || { echo "$option"; return 1; }
		grep -q " tls=$wanted,verified reply=\"250 2.0.0 taken" stderr
	done <<-'OPTIONS'
	TLSv1.3,TLS_CHACHA20_POLY1305_SHA256 -cert good.pem -tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256
	TLSv1.2,ECDHE-ECDSA-AES128-GCM-SHA256 -cert good.pem -tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256
	TLSv1.2,ECDHE-RSA-AES256-GCM-SHA384 -cert rsa.pem -tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384
	OPTIONS
}

# --- The lines ---

@test "tls lines: the first that fits, by host, port and domain" {
	local what wanted
	cat >>"$CONF" <<-'CONF'
	route a.test a.example.test
	route b.test b.example.test:2525
	route c.test c.example.test:465
	route d.test [2001:db8::1]:26
	tls b.example.test:25 none
	tls B.EXAMPLE.test:2525 verify c.test
	tls .example.test may
	tls [2001:db8::1]:26 encrypt
	tls one.test encrypt
	tls .one.test verify
	tls * none
	tls * verify
	CONF
	while read -r what wanted; do
		run "$PROGRAMS/smtp-send" -v "$what"
		grep -qxF -- "$wanted" <<<"$output" ||
			{ echo "$what: $output"; return 1; }
	done <<-'WANTED'
	x@a.test pennypost.conf:9: tls may
	b.test pennypost.conf:8: tls verify c.test
	c.test port 465: tls encrypt, before the greeting
	d.test pennypost.conf:10: tls encrypt
	one.test pennypost.conf:11: tls encrypt
	ONE.test pennypost.conf:11: tls encrypt
	two.one.test pennypost.conf:12: tls verify
	zone.test pennypost.conf:13: tls none
	[192.0.2.1]:465 port 465: tls encrypt, before the greeting
	[b.example.test]:2525 pennypost.conf:8: tls verify c.test
	WANTED
}

@test "tls lines: none" {
	run "$PROGRAMS/smtp-send" -v '[192.0.2.1]:25'
	[ "${lines[0]}" = 'pennypost.conf: by default: tls may' ]
	echo 'smarthost relay.test:587' >>"$CONF"
	touch "$PENNYPOST_HOME/users/smarthost"
	run "$PROGRAMS/smtp-send" -v a.test
	[ "${lines[1]}" = 'users/smarthost: tls verify' ]
}

@test "tls lines: what makes no sense is said, and nothing runs" {
	local line why
	while IFS='#' read -r line why; do
		printf '%s\n' 'host mx.example.test' \
			'route routed.test relay.test' "$line" >"$CONF"
		run -78 "$PROGRAMS/smtp-send" -v a.test
		[[ $output == *"pennypost.conf:3: tls: $why" ]] ||
			{ echo "$line: $output"; return 1; }
	done <<-'LINES'
	tls a.test#not DOMAIN|HOST[:PORT] LEVEL [NAME]
	tls#no value
	tls a.test secure#none of none, may, encrypt, verify
	tls a.test Verify#none of none, may, encrypt, verify
	tls a.test:0 may#not DOMAIN|HOST[:PORT] LEVEL [NAME]
	tls a.test:65536 may#not DOMAIN|HOST[:PORT] LEVEL [NAME]
	tls a..test may#not DOMAIN|HOST[:PORT] LEVEL [NAME]
	tls x@a.test may#not DOMAIN|HOST[:PORT] LEVEL [NAME]
	tls a.test may b.test#a name is what verify has, and a host's
	tls a.test verify b/test#a name is what verify has, and a host's
	tls a.test verify b.test c.test#not DOMAIN|HOST[:PORT] LEVEL [NAME]
	tls routed.test verify#mail for routed.test goes to relay.test, by line 2: name that host
	LINES
	{
		cat "$CONF"
		for _ in {1..1001}; do echo 'tls a.test may'; done
	} | grep -v routed >conf
	cp conf "$CONF"
	run -78 "$PROGRAMS/smtp-send" -v a.test
	[[ $output == *": tls: more than 1000 tls lines" ]]
	sed -i '$d' "$CONF"
	run ! grep -q 'more than' < <("$PROGRAMS/smtp-send" -v '[192.0.2.1]:25' 2>&1)
	# A smarthost takes the mail of every domain, and has a name.
	printf '%s\n' 'host mx.example.test' 'tls a.test encrypt' \
		'smarthost relay.test' >"$CONF"
	run -78 "$PROGRAMS/smtp-send" -v b.test
	sed -i 's/^tls a.test/tls relay.test/' "$CONF"
	run "$PROGRAMS/smtp-send" -v '[192.0.2.1]:25'
	[[ $output != *'tls:'* ]]
}
