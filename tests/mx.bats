#!/usr/bin/env bats
# Which hosts are tried for a domain's mail, in which order, or why none is.

load helper
load dns

setup_file() {
	"$ROOT/scripts/need" python3=python3 ip=iproute2 unshare=util-linux \
		strace=strace
}

setup() {
	home_make
	CONF=$PENNYPOST_HOME/pennypost.conf
}

# The hosts, behind the line that tells of routes.
mx() { # DOMAIN or NEXT_HOP
	local status=0
	"$PROGRAMS/smtp-send" -v "$@" 2>>"$BATS_TEST_TMPDIR/stderr" \
		>"$BATS_TEST_TMPDIR/explained" || status=$?
	grep -v '^pennypost\.conf:' "$BATS_TEST_TMPDIR/explained"
	return $status
}

# goes STATUS NEXT_HOP: where mail goes, compared with stdin.
goes() {
	local wanted
	wanted=$(cat)
	run "-$1" mx "$2"
	[ "$output" = "$wanted" ] || { diff <(echo "$wanted") <(echo "$output"); return 1; }
}

@test "by preference, with the addresses of each" {
	serve <<'ZONE'
example.net MX 20 mx2.example.net
example.net MX 5 mx1.example.net
example.net MX 30 mx3.example.org
mx1.example.net A 203.0.113.2
mx1.example.net A 203.0.113.1
mx2.example.net CNAME other.example.org
other.example.org A 203.0.113.3
mx3.example.org AAAA 2001:db8::4
xn--bcher-kva.test MX 1 mx1.example.net
ZONE
	goes 0 Example.NET <<'HOSTS'
5 mx1.example.net [203.0.113.2]:25 MX record
5 mx1.example.net [203.0.113.1]:25 MX record
20 mx2.example.net [203.0.113.3]:25 MX record
30 mx3.example.org [2001:db8::4]:25 MX record
HOSTS
	# MX, A and AAAA of three, and of one where its alias leads
	[ "$(asked)" = 8 ]
	goes 0 bücher.test <<'HOSTS'
1 mx1.example.net [203.0.113.2]:25 MX record
1 mx1.example.net [203.0.113.1]:25 MX record
HOSTS
}

@test "equal ones in any order, behind the better one" {
	serve <<'ZONE'
a.test MX 10 x.test
a.test MX 10 y.test
a.test MX 10 z.test
a.test MX 9 best.test
best.test A 203.0.113.9
x.test A 203.0.113.1
y.test A 203.0.113.2
z.test A 203.0.113.3
ZONE
	for _ in {1..40}; do
		run -0 mx a.test
		[ "${#lines[@]}" = 4 ]
		[[ ${lines[0]} = '9 best.test '* ]]
		echo "${lines[1]}" >>second
		echo "${lines[3]}" >>last
	done
	[ "$(sort -u second | wc -l)" = 3 ]
	[ "$(sort -u last | wc -l)" = 3 ]
}

@test "the domain itself where there is no MX, and only then" {
	serve <<'ZONE'
a.test A 203.0.113.1
alias.test CNAME a.test
failed.test A 203.0.113.1
failed.test MX ! servfail
silent.test A 203.0.113.1
dead.test A 203.0.113.1
dead.test MX 10 nowhere.test
nothing.test TXT x
ZONE
	goes 0 a.test <<<'0 a.test [203.0.113.1]:25 address record'
	goes 0 alias.test <<<'0 alias.test [203.0.113.1]:25 address record'
	goes 75 failed.test <<<'451 4.4.3 Cannot find the MX record of failed.test now: SERVFAIL'
	goes 68 dead.test <<<'550 5.4.4 No mail exchanger of dead.test has an address'
	goes 68 nothing.test <<<'550 5.4.4 nothing.test has neither a mail exchanger nor an address'
}

@test "null MX" {
	serve <<ZONE
a.test MX 0 .
a.test A 203.0.113.1
b.test MX 10 .
c.test MX 0 .
c.test MX 10 mx.test
$(for i in {1..6}; do echo "d.test MX $i ."; echo "d.test MX $i a\\000b"; done)
d.test MX 99 mx.test
mx.test A 203.0.113.1
ZONE
	goes 68 a.test <<<'556 5.1.10 a.test takes no mail, says its null MX (RFC 7505)'
	goes 68 b.test <<<'556 5.1.10 b.test takes no mail, says its null MX (RFC 7505)'
	[ "$(asked)" = 2 ]
	goes 0 c.test <<<'10 mx.test [203.0.113.1]:25 MX record'
	# nobody asks for the address of the root
	[ "$(asked ' \(A\|AAAA\) ')" = 2 ]
	# nor do such names take the place of others
	goes 0 d.test <<<'99 mx.test [203.0.113.1]:25 MX record'
}

@test "a domain that is not there" {
	serve </dev/null
	goes 68 no.test <<<'550 5.1.2 no.test does not exist in the DNS'
	[ "$(asked)" = 1 ]
	# 60 octets in UTF-8, and more than 63 as Punycode
	run -68 mx "$(python3 -c 'print("".join(
		chr(0x10000 + 0x47123 * i % 0xf0000) for i in range(15)))').test"
	[[ $output = '550 5.1.2 '*' does not exist in the DNS' ]]
	[ "$(asked)" = 1 ]
}

@test "exchangers without an address, now or at all" {
	serve <<'ZONE'
gone.test MX 10 no1.test
gone.test MX 20 no2.test
later.test MX 10 no1.test
later.test MX 20 failed.test
some.test MX 10 failed.test
some.test MX 20 mx.test
half.test MX 10 half-mx.test
names.test MX 10 a\032b.test
names.test MX 20 a\000b.test
number.test MX 10 192\0460\0462\0461
no1.test TXT x
failed.test ! servfail
mx.test A 203.0.113.1
half-mx.test A 203.0.113.2
half-mx.test AAAA ! servfail
ZONE
	goes 68 gone.test <<<'550 5.4.4 No mail exchanger of gone.test has an address'
	run -75 mx later.test
	[[ $output = '451 4.4.3 Cannot find the '*' record of failed.test now: SERVFAIL' ]]
	goes 0 some.test <<<'20 mx.test [203.0.113.1]:25 MX record'
	goes 0 half.test <<<'10 half-mx.test [203.0.113.2]:25 MX record'
	goes 68 names.test <<<'550 5.4.4 No mail exchanger of names.test has an address'
	goes 68 number.test <<<'550 5.4.4 No mail exchanger of number.test has an address'
}

@test "a loop ends at our own name" {
	serve <<'ZONE'
first.test MX 5 MX.Example.test
first.test MX 10 other.test
equal.test MX 10 mx.example.test
equal.test MX 10 other.test
equal.test MX 5 better.test
equal.test MX 20 worse.test
second.test MX 20 mx.example.test
second.test MX 10 nowhere.test
unsure.test MX 20 mx.example.test
unsure.test MX 10 failed.test
failed.test ! servfail
mx.example.test A 203.0.113.9
other.test A 203.0.113.1
better.test A 203.0.113.2
worse.test A 203.0.113.3
ZONE
	local text='loops: its host mx.example.test is this one, which does not take it'
	goes 68 first.test <<<"554 5.4.6 Mail for first.test $text"
	goes 68 mx.example.test <<<"554 5.4.6 Mail for mx.example.test $text"
	goes 0 equal.test <<<'5 better.test [203.0.113.2]:25 MX record'
	goes 68 second.test <<<'550 5.4.4 No mail exchanger of second.test has an address'
	run -75 mx unsure.test
}

@test "a loop ends at our own address" {
	local address i=0
	for address in A=127.0.0.1 A=127.8.9.10 A=0.0.0.0 AAAA=::1 AAAA=:: \
		AAAA=::ffff:127.0.0.1; do
		i=$((i + 1))
		echo "a$i.test MX 10 mx$i.test"
		echo "a$i.test MX 5 better.test"
		echo "mx$i.test A 203.0.113.1"
		echo "mx$i.test ${address%%=*} ${address#*=}"
		echo "b$i.test ${address%%=*} ${address#*=}"
	done >zone.in
	echo 'better.test A 203.0.113.2' >>zone.in
	serve <zone.in
	for i in {1..6}; do
		goes 0 "a$i.test" <<<'5 better.test [203.0.113.2]:25 MX record'
		goes 68 "b$i.test" <<<"554 5.4.6 Mail for b$i.test loops: its host b$i.test is this one, which does not take it"
	done
}

@test "a loop ends at an address of an interface" {
	alone_or_skip
	cat >zone.in <<'ZONE'
a.test MX 10 mx.test
mx.test A 203.0.113.1
mx.test A 203.0.113.9
b.test AAAA 2001:db8::9
c.test AAAA ::ffff:203.0.113.9
e.test A 192.0.2.5
f.test A 192.0.2.6
g.test AAAA 2001:db8:2::6
d.test A 203.0.113.8
h.test A 192.0.2.7
i.test AAAA 2001:db8:2::7
ZONE
	# A second address of a network, which the kernel speaks from the first.
	run -0 alone 'ip addr add 203.0.113.9/32 dev lo
		ip -6 addr add 2001:db8::9/128 dev lo
		ip link add here type veth peer name there
		ip link set here up
		ip link set there up
		ip addr add 192.0.2.5/24 dev here
		ip addr add 192.0.2.6/24 dev here
		ip addr add 2001:db8:2::5/64 dev here nodad
		ip addr add 2001:db8:2::6/64 dev here nodad
		serve <zone.in
		for i in a b c e f g d h i; do mx $i.test || true; done
		kill $STARTED' mx
	[ "$(grep -c '^554 5.4.6' <<<"$output")" = 6 ]
	[ "${lines[6]}" = '0 d.test [203.0.113.8]:25 address record' ]
	[ "${lines[7]}" = '0 h.test [192.0.2.7]:25 address record' ]
	[ "${lines[8]}" = '0 i.test [2001:db8:2::7]:25 address record' ]
}

@test "routes, with their lines" {
	serve <<'ZONE'
relay.test A 203.0.113.1
relay.test MX 10 mx.test
here.test A 127.0.0.1
ZONE
	cat >>"$CONF" <<CONF
route a.test relay.test
route b.test relay.test:2525
route .c.test 127.0.0.1:2600
route d.test [2001:db8::1]:26
route e.test 2001:db8::2
route f.test no.test
route g.test here.test
route h.test localhost:2601
smarthost 203.0.113.5:587
CONF
	line() { echo "pennypost.conf line $(grep -n "^$1" "$CONF" | cut -d: -f1)"; }
	goes 0 a.test <<<"0 relay.test [203.0.113.1]:25 $(line 'route a')"
	goes 0 b.test <<<"0 relay.test [203.0.113.1]:2525 $(line 'route b')"
	goes 0 '[relay.test]:2525' <<<"0 relay.test [203.0.113.1]:2525 $(line 'route b')"
	goes 0 x.c.test <<<"0 127.0.0.1 [127.0.0.1]:2600 $(line 'route .c')"
	goes 0 d.test <<<"0 2001:db8::1 [2001:db8::1]:26 $(line 'route d')"
	goes 0 e.test <<<"0 2001:db8::2 [2001:db8::2]:25 $(line 'route e')"
	goes 75 f.test <<<"451 4.3.5 The host of its route: no.test does not exist in the DNS"
	goes 0 g.test <<<"0 here.test [127.0.0.1]:25 $(line 'route g')"
	goes 0 h.test <<<"0 localhost [127.0.0.1]:2601 $(line 'route h')"
	goes 0 any.test <<<"0 203.0.113.5 [203.0.113.5]:587 $(line smarthost)"
	[ "$(asked ' MX ')" = 0 ]
}

@test "address literals" {
	serve </dev/null
	goes 0 '[203.0.113.1]' <<<'0 203.0.113.1 [203.0.113.1]:25 address literal'
	goes 0 '[IPv6:2001:DB8::1]' <<<'0 2001:db8::1 [2001:db8::1]:25 address literal'
	goes 0 '[203.0.113.1]:26' <<<'0 203.0.113.1 [203.0.113.1]:26 address literal'
	local text='loops: its host 127.0.0.1 is this one, which does not take it'
	goes 68 '[127.0.0.1]' <<<"554 5.4.6 Mail for 127.0.0.1 $text"
	goes 68 '[127.0.0.1]:25' <<<"554 5.4.6 Mail for 127.0.0.1 $text"
	[ "$(asked)" = 0 ]
}

@test "IPv6 in turns with IPv4, first where there is a route to it" {
	alone_or_skip
	cat >zone.in <<'ZONE'
a.test MX 10 both.test
a.test MX 20 six.test
a.test MX 30 four.test
both.test A 203.0.113.1
both.test A 203.0.113.2
both.test AAAA 2001:db8::1
both.test AAAA 2001:db8::2
both.test AAAA 2001:db8::3
six.test AAAA 2001:db8::4
four.test A 203.0.113.3
ZONE
	run -0 alone 'serve <zone.in; mx a.test
		ip -6 route add 2001:db8::/32 dev lo; mx a.test; kill $STARTED' mx
	diff - <(cut -d' ' -f1-3 <<<"$output") <<'HOSTS'
10 both.test [203.0.113.1]:25
10 both.test [203.0.113.2]:25
20 six.test [2001:db8::4]:25
30 four.test [203.0.113.3]:25
10 both.test [2001:db8::1]:25
10 both.test [203.0.113.1]:25
10 both.test [2001:db8::2]:25
10 both.test [203.0.113.2]:25
10 both.test [2001:db8::3]:25
20 six.test [2001:db8::4]:25
30 four.test [203.0.113.3]:25
HOSTS
}

@test "so many and no more, and no address twice" {
	local i k
	{
		for i in {1..12}; do
			echo "ten.test MX $i ten$i.test"
			echo "ten$i.test A 203.0.113.$i"
			echo "twice.test MX $i twice$i.test"
			echo "twice$i.test A 203.0.113.1"
			echo "many.test MX $i many$i.test"
			for k in {1..7}; do
				echo "many$i.test A 198.51.$i.$k"
			done
		done
	} >zone.in
	serve <zone.in
	run -0 mx ten.test
	[ "${#lines[@]}" = 10 ]
	[ "${lines[9]}" = '10 ten10.test [203.0.113.10]:25 MX record' ]
	goes 0 twice.test <<<'1 twice1.test [203.0.113.1]:25 MX record'
	run -0 mx many.test
	[ "${#lines[@]}" = 20 ]
	[ "${lines[4]}" = '1 many1.test [198.51.1.5]:25 MX record' ]
	[ "${lines[5]}" = '2 many2.test [198.51.2.1]:25 MX record' ]
	[ "$(asked ' A ten11.test')" = 0 ]
}

@test "our own name is found among many" {
	local i
	{
		for i in {1..50}; do
			echo "a.test MX 10 mx$i.test"
			echo "mx$i.test A 203.0.113.$i"
		done
		echo 'a.test MX 10 mx.example.test'
	} >zone.in
	serve <zone.in
	run -68 mx a.test
	[[ $output = '554 5.4.6 '* ]]
}

@test "all addresses are asked for at once" {
	for i in {1..10}; do
		echo "a.test MX $i mx$i.test"
		echo "mx$i.test A 203.0.113.$i"
		echo "mx$i.test ! wait:2000 right"
	done >zone.in
	echo 'a.test ! wait:2000 right' >>zone.in
	serve <zone.in
	took 4000 20000 mx a.test >out
	[ "$(wc -l <out)" = 10 ]
}

@test "where the way cannot be asked for, a host is still found" {
	serve <<'ZONE'
a.test A 203.0.113.1
b.test A 127.0.0.1
ZONE
	# the sockets: MX, AAAA, A, and the way to the address
	strace -qq -o trace -e trace=socket -e inject=socket:error=EMFILE:when=4 \
		env ASAN_OPTIONS=detect_leaks=0 "$PROGRAMS/smtp-send" -v a.test \
		>out 2>>stderr
	grep -q 'SOCK_DGRAM|SOCK_CLOEXEC, .*INJECTED' trace
	[ "$(tail -n 1 out)" = '0 a.test [203.0.113.1]:25 address record' ]
	run -68 mx b.test
}
