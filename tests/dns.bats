#!/usr/bin/env bats
# The resolver, against a server that lies.

load helper
load dns

setup_file() {
	"$ROOT/scripts/need" python3=python3 cc=gcc strace=strace ip=iproute2 \
		unshare=util-linux dnsmasq=dnsmasq-base
	local module sources=()
	for module in address config conn dns local log peer pool program \
		str wire; do
		sources+=("$ROOT/src/lib/$module.c")
	done
	cc -std=c11 -D_GNU_SOURCE -I"$ROOT/src/lib" -g -O1 \
		-fsanitize=address,undefined -fno-sanitize-recover=undefined \
		-o "$BATS_FILE_TMPDIR/dns-ask" "$ROOT/tests/dns-ask.c" \
		"${sources[@]}"
}

setup() {
	home_make
	CONF=$PENNYPOST_HOME/pennypost.conf
	MS=20000
}

ask() { # TYPE NAME ...
	"$BATS_FILE_TMPDIR/dns-ask" "$MS" "$@" 2>>"$BATS_TEST_TMPDIR/stderr"
}

# answers TYPE NAME …: asks, and compares with stdin.
answers() {
	local wanted
	wanted=$(cat)
	run -0 ask "$@"
	[ "$output" = "$wanted" ] || { diff <(echo "$wanted") <(echo "$output"); return 1; }
}

# inject FAULT TYPE NAME …: asks, with a fault of the system as strace has it.
inject() {
	local fault=$1
	shift
	strace -f -qq -o trace -e "trace=${fault%%:*}" -e "inject=$fault" \
		env ASAN_OPTIONS=detect_leaks=0 "$BATS_FILE_TMPDIR/dns-ask" \
		"$MS" "$@" 2>>"$BATS_TEST_TMPDIR/stderr"
}

# --- names ---

@test "names: asked for in lower case, with or without a final dot" {
	serve <<<'mx.example.net A 203.0.113.1'
	answers A MX.Example.NET A mx.example.net. <<'ANSWERS'
A mx.example.net found
  203.0.113.1
A mx.example.net found
  203.0.113.1
ANSWERS
}

@test "names: UTF-8 as Punycode" {
	resolver 127.0.0.1 "$(free_port)"
	local name ascii
	while read -r name ascii; do
		run -0 ask A "$name.example"
		[[ $output = "A $ascii.example later: "* ]] ||
			{ echo "$name: $output"; return 1; }
	done <<'NAMES'
bücher xn--bcher-kva
Bücher xn--bcher-kva
ü xn--tda
XN--TDA xn--tda
пример xn--e1afmkfd
почемужеонинеговорятпорусски xn--b1abfaaepdrnnbgefbadotcwatmq2g4l
3年b組金八先生 xn--3b-ww4c5e180e575a65lsy2b
そのスピードで xn--d9juau41awczczp
パフィーdeルンバ xn--de-jg4avhby1noc0d
💩 xn--ls8h
a.ü.b a.xn--tda.b
NAMES
}

@test "names: Punycode of a hundred labels, as python makes it" {
	resolver 127.0.0.1 "$(free_port)"
	python3 - <<'END'
import random
random.seed(3)
names, wanted = [], []
while len(names) < 100:
    label = "".join(chr(random.choice([random.randrange(97, 123),
        random.randrange(0xe0, 0x180), random.randrange(0x4e00, 0x9000),
        random.randrange(0x10000, 0x110000)]))
        for _ in range(random.randrange(1, 16)))
    ascii = label.encode("punycode").decode()
    if label.isascii() or not label.isprintable() or len(ascii) > 59:
        continue
    names.append("A " + label)
    wanted.append("A xn--" + ascii.lower())
open("names", "w").write("\n".join(names) + "\n")
open("wanted", "w").write("\n".join(wanted) + "\n")
END
	local words=()
	read -r -d '' -a words <names || true
	ask "${words[@]}" | sed 's/ later: .*//' | diff wanted -
}

@test "names: the longest, and what is too long or cannot be one" {
	serve </dev/null
	local label63 name253 name
	label63=$(printf 'x%.0s' {1..63})
	name253=$label63.$label63.$label63.${label63%xx}
	run -0 ask A "$label63.test" A "$name253" A "$name253."
	[ "$(grep -c 'no-name: .* does not exist' <<<"$output")" = 3 ]
	[ "$(asked)" = 3 ]
	for name in '' . .. a..b .a 'a b' 'a"b' 'a\b' $'a\nb' $'a\x7fb' \
		$'a\xffb' $'a\xc3' $'\xed\xa0\x80' "x$label63.test" \
		"$label63.$label63.$label63.${label63%x}" \
		"x$name253" "$label63.$label63.$label63.$label63" \
		"$(printf 'ü%.0s' {1..60})" "$(printf '💩%.0s' {1..64})"; do
		run -0 ask A "$name"
		[[ ${#lines[@]} = 1 && $output = *" no-name: "* ]] ||
			{ echo "'$name': $output"; return 1; }
		[[ $output != *[^\ -~]* ]]
	done
	[ "$(asked)" = 3 ]
}

# --- answers ---

@test "records of every type" {
	serve <<'ZONE'
a.test A 203.0.113.1
a.test A 203.0.113.2
a.test AAAA 2001:db8::1
a.test MX 10 MX1.a.test
a.test MX 0 mx_2.a.test
a.test TXT v=spf1 |-all
a.test TXT
a.test TXT a\000"b"
7.113.0.203.in-addr.arpa PTR mx1.a.test
7.113.0.203.in-addr.arpa TLSA ! soa,ns
_25._tcp.a.test TLSA 030101aabb
ZONE
	answers A a.test AAAA a.test MX a.test TXT a.test \
		PTR 7.113.0.203.in-addr.arpa TLSA _25._tcp.a.test \
		TLSA a.test TLSA 7.113.0.203.in-addr.arpa TXT no.test <<'ANSWERS'
A a.test found
  203.0.113.1
  203.0.113.2
AAAA a.test found
  2001:db8::1
MX a.test found
  10 <mx1.a.test>
  0 <mx_2.a.test>
TXT a.test found
v=spf1 -all\000
\000
a\000"b"\000
PTR 7.113.0.203.in-addr.arpa found
  <mx1.a.test>
TLSA _25._tcp.a.test found
\003\001\001\252\273\000
TLSA a.test no-data: a.test has no TLSA record
TLSA 7.113.0.203.in-addr.arpa no-data: 7.113.0.203.in-addr.arpa has no TLSA record
TXT no.test no-name: no.test does not exist in the DNS
ANSWERS
	# each once, over UDP, with RD and AD, saying how much we take
	[ "$(asked)" = 9 ]
	[ "$(asked '^udp .* 0120 1232$')" = 9 ]
}

@test "names in answers: what is no host's name is not passed on" {
	serve <<'ZONE'
a.test MX 1 a\046b.test
a.test MX 2 a\032b.test
a.test MX 3 a\034b.test
a.test MX 4 a\000b.test
a.test MX 5 a\010b.test
a.test MX 6 a\092b.test
a.test MX 7 a\252b.test
a.test MX 8 a*b.test
a.test MX 9 .
a.test MX 10 A-B_0.test
p.test PTR a\010b.test
ZONE
	answers MX a.test PTR p.test <<'ANSWERS'
MX a.test found
  1 <>
  2 <>
  3 <>
  4 <>
  5 <>
  6 <>
  7 <>
  8 <>
  9 <.>
  10 <a-b_0.test>
PTR p.test found
  <>
ANSWERS
}

@test "CNAME: followed within an answer, and asked for where it ends" {
	serve <<'ZONE'
a.test CNAME b.test
b.test CNAME c.test
c.test A 203.0.113.1
stop.test CNAME stop2.test
stop.test ! stop
stop2.test CNAME c.test
stop2.test ! stop
gone.test CNAME nowhere.test
nothing.test CNAME c.test
nothing.test ! soa
unsure.test CNAME c.test
ZONE
	answers A a.test A stop.test A gone.test AAAA nothing.test \
		AAAA unsure.test <<'ANSWERS'
A a.test found
  203.0.113.1
A stop.test found
  203.0.113.1
A gone.test no-name: gone.test does not exist in the DNS
AAAA nothing.test no-data: nothing.test has no AAAA record
AAAA unsure.test no-data: unsure.test has no AAAA record
ANSWERS
	diff - <(cut -d' ' -f4,5 "$LOG" | sort) <<'ASKED'
A a.test
A c.test
A gone.test
A stop.test
A stop2.test
AAAA c.test
AAAA nothing.test
AAAA unsure.test
ASKED
}

@test "CNAME: chains are bounded, within an answer and from one to the next" {
	{
		echo 'a.test CNAME b.test'
		echo 'b.test CNAME a.test'
		echo 'c.test CNAME d.test'
		echo 'd.test CNAME c.test'
		echo 'c.test ! stop'
		echo 'd.test ! stop'
		for i in {1..12}; do
			echo "n$i.test CNAME n$((i + 1)).test"
			echo "s$i.test CNAME s$((i + 1)).test"
			echo "s$i.test ! stop"
		done
		echo 'n13.test A 203.0.113.1'
		echo 's13.test A 203.0.113.2'
	} >zone.in
	serve <zone.in
	answers A a.test A c.test A n5.test A n4.test A s5.test A s4.test <<'END'
A a.test later: Cannot find the A record of a.test now: the answer is malformed
A c.test later: Cannot find the A record of c.test now: its aliases have no end
A n5.test found
  203.0.113.1
A n4.test later: Cannot find the A record of n4.test now: the answer is malformed
A s5.test found
  203.0.113.2
A s4.test later: Cannot find the A record of s4.test now: its aliases have no end
END
	[ "$(asked)" -lt 50 ]
}

@test "AD: believed from loopback, when every answer has it" {
	serve <<'ZONE'
a.test A 203.0.113.1
a.test ! ad
b.test A 203.0.113.1
b.test AAAA ! ad
c.test A 203.0.113.1
c.test ! id right ad
d.test CNAME a.test
d.test ! ad,stop
e.test CNAME a.test
e.test ! stop
f.test CNAME b.test
f.test ! ad,stop
g.test ! ad
h.test A 203.0.113.1
h.test ! ad,short:3 / right
ZONE
	run -0 ask A a.test A b.test AAAA b.test A d.test A e.test A f.test \
		A g.test A h.test
	diff - <(grep -v '^ ' <<<"$output") <<'ANSWERS'
A a.test found secure
A b.test found
AAAA b.test no-data secure: b.test has no AAAA record
A d.test found secure
A e.test found
A f.test found
A g.test no-name secure: g.test does not exist in the DNS
A h.test found
ANSWERS
}

@test "AD: what a stranger's answer lacks does not count" {
	serve <<'ZONE'
a.test A 203.0.113.1
a.test ! id name wait:100 ad
ZONE
	answers A a.test <<'ANSWERS'
A a.test found secure
  203.0.113.1
ANSWERS
}

@test "AD: not believed from afar" {
	alone_or_skip
	printf 'a.test A 203.0.113.1\na.test ! ad\n' >zone.in
	run -0 alone 'ip addr add 198.51.100.53/32 dev lo
		serve 198.51.100.53 <zone.in; ask A a.test
		serve 127.5.5.5 <zone.in; ask A a.test
		serve ::1 <zone.in; ask A a.test; kill $STARTED' ask
	diff - <(grep -v '^ ' <<<"$output") <<'ANSWERS'
A a.test found
A a.test found secure
A a.test found secure
ANSWERS
}

# --- lies ---

# An answer that is not the one that is wanted: 6.6.6.6.
LIE=raw:1:c00c000100010000003c000406060606

@test "lies: only the answer to this question counts" {
	local lie
	while read -r lie; do
		echo "$lie.test A 203.0.113.1"
		echo "$lie.test ! $lie,$LIE $lie,$LIE wait:50 right"
		echo "only-$lie.test ! $lie,$LIE"
	done <<<$'id\nname\ntype\nclass\nquery\nopcode\nsource' >zone.in
	serve <zone.in
	MS=4000
	for lie in id name type class query opcode source; do
		echo "A $lie.test found"
		echo "  203.0.113.1"
		name=only-$lie.test
		echo "A $name later: Cannot find the A record of $name now: no answer"
	done >wanted
	answers A id.test A only-id.test A name.test A only-name.test \
		A type.test A only-type.test A class.test A only-class.test \
		A query.test A only-query.test A opcode.test A only-opcode.test \
		A source.test A only-source.test <wanted
}

@test "lies: the question may come back in the other case" {
	serve <<'ZONE'
a.test A 203.0.113.1
a.test ! case
ZONE
	answers A a.test <<'ANSWERS'
A a.test found
  203.0.113.1
ANSWERS
	[ "$(asked)" = 1 ]
}

@test "lies: ids and ports are new for every question and every try" {
	local names=() i
	for i in {1..50}; do
		names+=(A "n$i.test")
		echo "n$i.test A 203.0.113.1"
		echo "n$i.test ! wait:300 servfail / right"
	done >zone.in
	serve <zone.in
	# 32 sockets at a time, and none is left open
	(ulimit -n 50; ask "${names[@]}") >out
	[ "$(grep -c ' found$' out)" = 50 ]
	[ "$(asked)" = 100 ]
	[ "$(cut -d' ' -f2 "$LOG" | sort -u | wc -l)" -gt 90 ]
	[ "$(cut -d' ' -f3 "$LOG" | sort -u | wc -l)" -gt 90 ]
	# two in a row: neither is the next number, nor near it
	python3 - "$LOG" <<'END'
import sys
lines = [line.split() for line in open(sys.argv[1])]
for column, base in (1, 10), (2, 16):
    numbers = [int(line[column], base) for line in lines]
    near = sum(abs(a - b) < 16 for a, b in zip(numbers, numbers[1:]))
    assert near < 10, (column, near)
END
	[ "$(grep -c ' n1.test ' "$LOG")" = 2 ]
	[ "$(grep ' n1.test ' "$LOG" | cut -d' ' -f2 | sort -u | wc -l)" = 2 ]
	[ "$(grep ' n1.test ' "$LOG" | cut -d' ' -f3 | sort -u | wc -l)" = 2 ]
}

# --- faults ---

@test "faults: asked again, and then later, with the reason" {
	local fault text i=0
	while read -r fault text; do
		i=$((i + 1))
		echo "a$i.test A 203.0.113.1"
		echo "a$i.test ! $fault / right"
		echo "b$i.test A 203.0.113.1"
		echo "b$i.test ! $fault"
		printf '%s\n' "a$i.test found" "  203.0.113.1" \
			"b$i.test later: Cannot find the A record of b$i.test now: $text" \
			>>wanted
		echo "A a$i.test A b$i.test" >>questions
	done <<'FAULTS' >zone.in
servfail SERVFAIL
refused REFUSED
notimp NOTIMP
formerr FORMERR
formerr,header FORMERR
code:9 an error
raw:0:,lame the server does not look further
raw:0:,ns the server does not look further
short:1 the answer is malformed
counts:1 the answer is malformed
counts:60000 the answer is malformed
length:1 the answer is malformed
length:-1 the answer is malformed
length:60000 the answer is malformed
FAULTS
	serve <zone.in
	# shellcheck disable=SC2046
	answers $(cat questions) < <(sed 's/^[ab]/A &/' wanted)
	[ "$(asked ' a1.test ')" = 2 ]
	[ "$(asked ' b1.test ')" = 2 ]
}

@test "faults: an answer cut anywhere" {
	local names=() i
	for i in {1..60}; do
		names+=(MX "a$i.test")
		echo "a$i.test MX 10 mx.a$i.test"
		echo "a$i.test ! short:$i / right"
	done >zone.in
	serve <zone.in
	MS=4000
	run -0 ask "${names[@]}"
	[ "$(grep -c '^  10 <mx.a' <<<"$output")" = 60 ]
	[ "$(asked ' MX a7.test ')" = 2 ]
}

@test "faults: a server that knows no EDNS is asked without" {
	serve <<'ZONE'
a.test A 203.0.113.1
a.test ! no-edns
b.test A 203.0.113.1
b.test ! no-edns,header / right
ZONE
	answers A a.test A b.test <<'ANSWERS'
A a.test found
  203.0.113.1
A b.test found
  203.0.113.1
ANSWERS
	[ "$(asked ' a.test 0120 1232$')" = 1 ]
	[ "$(asked ' a.test 0120 0$')" = 1 ]
}

@test "faults: garbage behind the answer is not looked at" {
	serve <<'ZONE'
a.test A 203.0.113.1
a.test ! junk:30
ZONE
	answers A a.test <<'ANSWERS'
A a.test found
  203.0.113.1
ANSWERS
}

# The owner of the first record is at 12 + 8 + 4 = 24 for "a.test".
@test "faults: names and data that are malformed" {
	local name=0 type what raw
	{
		while read -r type what raw; do
			name=$((name + 1))
			echo "$type a.te$name" >&3
			echo "a.te$name ! raw:1:$raw" >&4
		done
	} 3>questions 4>zone.in <<'RAW'
A a-pointer-to-itself c018000100010000003c0004cb007101
A a-pointer-forward c01e000100010000003c0004cb007101
A a-loop-of-a-label 0161c018000100010000003c0004cb007101
A a-pointer-at-the-end c0
A a-pointer-outside ffff000100010000003c0004cb007101
A label-type-40 4161740000010001000000003c0004cb007101
A label-type-40-that-fits 406161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616100000100010000003c0004cb007101
A label-type-80 8061740000010001000000003c0004cb007101
A a-label-that-ends 3f6161
A three-octets c00c000100010000003c0003cb0071
A five-octets c00c000100010000003c0005cb00710102
A none c00c000100010000003c0000
AAAA fifteen-octets c00c001c00010000003c000f000000000000000000000000000000
MX none c00c000f00010000003c0000
MX one-octet c00c000f00010000003c000100
MX no-name c00c000f00010000003c00020001
MX its-name-ends-behind c00c000f00010000003c000400010261620000
MX more-behind-its-name c00c000f00010000003c0005000100c00c
MX its-pointer-to-itself c00c000f00010000003c00040001c026
PTR none c00c000c00010000003c0000
TXT a-string-that-ends c00c001000010000003c0003056161
TLSA three-octets c00c003400010000003c0003030101
A a-CNAME-of-none c00c000500010000003c0000
A a-CNAME-that-ends c00c000500010000003c00020161
RAW
	serve <zone.in
	# shellcheck disable=SC2046
	run -0 ask $(cat questions)
	[ "${#lines[@]}" = 24 ]
	[ "$(grep -c 'later: .*now: the answer is malformed$' <<<"$output")" = 24 ]
}

@test "faults: records of another class, type or name do not count" {
	serve <<'ZONE'
a.test ! raw:1:c00c000100030000003c000406060606
b.test ! raw:1:c00c000200010000003c000406060606
c.test ! raw:1:0161c00c000100010000003c000406060606
ZONE
	answers A a.test A b.test A c.test <<'ANSWERS'
A a.test no-name: a.test does not exist in the DNS
A b.test no-name: b.test does not exist in the DNS
A c.test no-name: c.test does not exist in the DNS
ANSWERS
}

@test "faults: a name of more than 255 octets, made of pointers" {
	serve <<<"$(python3 - <<'END'
# a.test: x63 . x63 . x63 . x60 . (the name before), CNAME of a.test
label = "3f" + "78" * 63
end = "3d" + "78" * 61
first = label * 3 + end + "00"             # 255 octets: as long as it may be
data = "00050001" + "0000003c" + "%04x"
records = "c00c" + data % (len(first) // 2) + first
at = 24 + 2 + 10                           # where that name begins
pointer = "%04x" % (0xc000 | at)
records += pointer + data % 4 + "0178" + pointer
print("a.test ! raw:1:" + records)
print("b.test ! raw:2:" + records)
END
	)"
	MS=4000
	run -0 ask A a.test A b.test
	# the first is a CNAME that leads nowhere; the second is too long by two
	[[ ${lines[0]} = 'A a.test no-name: '* ]]
	[[ ${lines[1]} = 'A b.test later: '*malformed ]]
}

# --- TCP ---

@test "TCP: for what is cut off" {
	serve <<'ZONE'
a.test A 203.0.113.1
a.test ! cut
b.test A 203.0.113.1
b.test ! cut / drip
ZONE
	answers A a.test A b.test <<'ANSWERS'
A a.test found
  203.0.113.1
A b.test found
  203.0.113.1
ANSWERS
	[ "$(asked ^udp)" = 2 ]
	[ "$(asked ^tcp)" = 2 ]
}

@test "TCP: what does not fit into 1232 octets, up to 65535" {
	python3 - <<'END' >zone.in
def txt(name, size):
    strings = ["y" * 255] * (size // 256)
    rest = size - 256 * len(strings)
    print(name, "TXT", "|".join(strings + ["z" * (rest - 1)] * (rest > 0)))
txt("a.test", 1232 - 12 - 12 - 12)
txt("b.test", 1232 - 12 - 12 - 11)
txt("c.test", 65535 - 12 - 12 - 12)
END
	serve <zone.in
	run -0 ask TXT a.test TXT b.test TXT c.test
	[ "$(asked '^udp .* a.test')" = 1 ]
	[ "$(asked '^tcp .* a.test')" = 0 ]
	[ "$(asked '^tcp .* b.test')" = 1 ]
	[ "$(asked '^tcp .* c.test')" = 1 ]
	[ "${#lines[1]}" = $((1232 - 36 - 5 + 4)) ] # 5 lengths less, and \000
	[ "${#lines[5]}" = $((65535 - 36 - 256 + 4)) ]
}

@test "TCP: its faults" {
	local fault text
	while read -r fault text; do
		echo "a-$fault.test A 203.0.113.1"
		echo "a-$fault.test ! cut / $fault / right"
		echo "b-$fault.test A 203.0.113.1"
		echo "b-$fault.test ! cut2 / $fault / cut2 / $fault"
		printf '%s\n' "A a-$fault.test found" "  203.0.113.1" \
			"A b-$fault.test later: Cannot find the A record of b-$fault.test now: $text" \
			>>wanted
		echo "A a-$fault.test A b-$fault.test" >>questions
	done <<'FAULTS' >zone.in
close no answer
cut2 the answer is cut off
id the answer is to something else
name the answer is to something else
servfail SERVFAIL
short:1 the answer is malformed
claim:1 no answer
claim:-1 the answer is malformed
FAULTS
	serve <zone.in
	MS=6000
	# shellcheck disable=SC2046
	answers $(cat questions) <wanted
}

@test "TCP: nobody listens there" {
	serve <<'ZONE'
a.test A 203.0.113.1
a.test ! cut / right
b.test ! cut
ZONE
	run -0 inject connect:error=ECONNREFUSED:when=2 A a.test
	[ "${lines[1]}" = "  203.0.113.1" ]
	grep -q INJECTED trace
}

# --- time ---

@test "time: questions are asked side by side" {
	local names=() i
	for i in {1..30}; do
		names+=(A "n$i.test")
		echo "n$i.test A 203.0.113.1"
		echo "n$i.test ! wait:500 right"
	done >zone.in
	serve <zone.in
	took 500 14000 ask "${names[@]}" >out
	[ "$(grep -c ' found$' out)" = 30 ]
}

@test "time: more questions than go side by side" {
	local names=() i
	for i in {1..80}; do
		names+=(A "n$i.test")
		echo "n$i.test A 203.0.113.1"
	done >zone.in
	serve <zone.in
	ask "${names[@]}" >out
	[ "$(grep -c ' found$' out)" = 80 ]
	[ "$(asked)" = 80 ]
}

@test "time: silence, and answers that come too late" {
	serve <<'ZONE'
silent.test ! close
late.test A 203.0.113.1
late.test ! wait:9000 right
again.test A 203.0.113.1
again.test ! close / right
ZONE
	MS=4000
	took 4000 19000 ask A silent.test A late.test A again.test >out
	diff - out <<'ANSWERS'
A silent.test later: Cannot find the A record of silent.test now: no answer
A late.test later: Cannot find the A record of late.test now: no answer
A again.test found
  203.0.113.1
ANSWERS
	[ "$(asked ' silent.test')" = 2 ]
	sleep 5 # the late ones find nobody
	answers A again.test <<'ANSWERS'
A again.test found
  203.0.113.1
ANSWERS
}

@test "time: a TCP answer that never ends" {
	serve <<'ZONE'
a.test A 203.0.113.1
a.test ! cut / claim:40000 wait:25000 / cut / claim:40000 wait:25000
b.test A 203.0.113.1
b.test ! cut / wait:25000 right
ZONE
	MS=1000
	took 950 24000 ask A a.test A b.test >out
	[ "$(grep -c 'later: .*: no answer' out)" = 2 ]
}

@test "time: none at all" {
	serve <<<'a.test A 203.0.113.1'
	MS=0
	answers A a.test <<'ANSWERS'
A a.test later: Cannot find the A record of a.test now: no answer
ANSWERS
	[ "$(asked)" = 0 ]
}

@test "time: a flood of wrong answers" {
	serve <<<"a.test ! $(printf 'id,junk:1000 %.0s' {1..20000})"
	MS=1000
	took 950 19000 ask A a.test >out
	grep -q ': no answer$' out
	# faster than we read: one is always there
	took 950 19000 inject recvfrom:delay_exit=50000 A a.test >out
	grep -q ': no answer$' out
}

@test "time: nobody listens" {
	resolver 127.0.0.1 "$(free_port)"
	took 0 9000 answers A a.test <<'ANSWERS'
A a.test later: Cannot find the A record of a.test now: Connection refused
ANSWERS
}

@test "time: an answer of 64 KiB that costs much to read" {
	# names whose pointers lead through as many others as there can be
	serve <<<"$(python3 - <<'END'
def pointer(n):
    return "%04x" % (0xc000 | 24 + 12 + 2 * n)
chain = "".join(pointer(i) for i in range(8000))
records = "c00c" + "0010" "0001" "00000000" + "%04x" % (2 + len(chain) // 2)
records += "0000" + chain
last = pointer(7990)
records += (last + "0005" "0001" "00000000" "0002" + last) * 3400
print("a.test ! cut / raw:3401:" + records)
print("b.test ! cut / raw:4000:" + ("c00c" "000f" "0001" "00000000"
                                     "0004" "0001c00c") * 4000)
END
	)"
	(ulimit -t 2 && ask A a.test A b.test) >out # of the processor
	grep -q '^A a.test later: .* malformed$' out
}

@test "many records: a hundred are kept" {
	for i in {1..500}; do
		echo "a.test MX $i mx$i.test"
	done >zone.in
	serve <zone.in
	ask MX a.test >out
	[ "$(wc -l <out)" = 101 ]
	[ "$(tail -n 1 out)" = "  100 <mx100.test>" ]
}

# --- servers ---

@test "servers: those of resolv.conf, three at most, one after the other" {
	alone_or_skip
	cat >resolv.conf <<'CONF'
# nameserver 127.0.0.9
; another comment
search example.com
options ndots:5 timeout:1 edns0
nameserver nonsense
nameserver	127.0.0.21
nameserver ::1
nameserver 127.0.0.23
nameserver 127.0.0.24
CONF
	for i in 1 2 3 4; do
		printf '%s\n' 'a.test ! servfail' "b.test A 203.0.113.$i" \
			"c.test A 203.0.113.$i" >"zone$i.in"
	done
	echo 'b.test ! refused' >>zone1.in
	echo 'c.test ! close' >>zone1.in
	run -0 alone '
		mount --bind resolv.conf /etc/resolv.conf
		for i in 1 2 3 4; do
			a=127.0.0.2$i; [ $i != 2 ] || a=::1
			serve $a 53 <zone$i.in
			mv log log$i
		done
		sed -i "/^resolver/d" "$CONF"
		ask A a.test A b.test; MS=6000 ask A c.test; kill $STARTED' ask
	diff - <(echo "$output") <<'ANSWERS'
A a.test later: Cannot find the A record of a.test now: SERVFAIL
A b.test found
  203.0.113.2
A c.test found
  203.0.113.2
ANSWERS
	[ "$(cat log1 log2 log3 | grep -c ' a.test ')" = 6 ]
	[ "$(grep -c ' a.test ' log3)" = 2 ]
	[ ! -s log4 ]
}

@test "servers: without a line, the machine's own" {
	alone_or_skip
	: >resolv.conf
	run -0 alone '
		mount --bind resolv.conf /etc/resolv.conf
		serve 127.0.0.1 53 <<<"a.test A 203.0.113.1"
		sed -i "/^resolver/d" "$CONF"
		ask A a.test; kill $STARTED' ask
	[ "${lines[1]}" = "  203.0.113.1" ]
}

@test "servers: an address of one link" {
	alone_or_skip
	echo 'nameserver fe80::53%lo' >resolv.conf
	run -0 alone '
		mount --bind resolv.conf /etc/resolv.conf
		ip addr add fe80::53/64 dev lo nodad
		serve fe80::53%lo 53 <<<"a.test A 203.0.113.1"
		sed -i "/^resolver/d" "$CONF"
		ask A a.test; kill $STARTED' ask
	[ "${lines[1]}" = "  203.0.113.1" ]
}

@test "servers: dnsmasq, with an answer over TCP" {
	local port i
	port=$(free_port)
	{
		printf '%s\n' no-daemon no-resolv no-hosts "port=$port" \
			listen-address=127.0.0.1 bind-interfaces user=root \
			host-record=mx1.example.net,203.0.113.1,2001:db8::1 \
			mx-host=example.net,mx1.example.net,10 \
			mx-host=example.net,mx2.example.net,20 \
			cname=www.example.net,mx1.example.net \
			ptr-record=1.113.0.203.in-addr.arpa,mx1.example.net \
			local=/example.net/
		for i in {1..30}; do
			echo "txt-record=big.example.net,text $i of many, $(printf '%060d' "$i")"
		done
	} >dnsmasq.conf
	dnsmasq --conf-file=dnsmasq.conf 3>&- 7>&- 2>dnsmasq.log &
	STARTED=$!
	port_wait "$port"
	resolver 127.0.0.1 "$port"
	run -0 ask MX example.net A www.example.net AAAA mx1.example.net \
		PTR 1.113.0.203.in-addr.arpa MX mx1.example.net \
		A no.example.net TXT big.example.net
	[ "$(grep -c '^text .* of many' <<<"$output")" = 30 ]
	diff - <(head -n 11 <<<"$output" | LC_ALL=C sort) <<'ANSWERS'
  10 <mx1.example.net>
  20 <mx2.example.net>
  2001:db8::1
  203.0.113.1
  <mx1.example.net>
A no.example.net no-name: no.example.net does not exist in the DNS
A www.example.net found
AAAA mx1.example.net found
MX example.net found
MX mx1.example.net no-data: mx1.example.net has no MX record
PTR 1.113.0.203.in-addr.arpa found
ANSWERS
}

# --- what the system may refuse ---

@test "system: errors end in later, or in none at all" {
	serve <<'ZONE'
a.test A 203.0.113.1
b.test A 203.0.113.1
b.test ! cut
ZONE
	local fault name asks wanted
	MS=20000
	while read -r fault name asks wanted; do
		: >"$LOG"
		took 0 15000 inject "$fault" A "$name" >out
		grep -qF "$wanted" out || { echo "$fault"; cat out; return 1; }
		grep -q INJECTED trace || { echo "not injected: $fault"; return 1; }
		[ "$(asked)" = "$asks" ] || { echo "$fault"; cat "$LOG"; return 1; }
	done <<'FAULTS'
socket:error=EMFILE a.test 0 later: Cannot find the A record of a.test now: Too many open files
socket:error=EMFILE:when=1 a.test 1 203.0.113.1
connect:error=ENETUNREACH a.test 0 now: Network is unreachable
connect:error=ENETUNREACH:when=1 a.test 1 203.0.113.1
sendto:error=EPERM a.test 0 now: Operation not permitted
sendto:error=EPERM:when=1 a.test 1 203.0.113.1
recvfrom:error=EINTR:when=1 a.test 1 203.0.113.1
recvfrom:error=EAGAIN:when=1 a.test 1 203.0.113.1
recvfrom:error=ECONNREFUSED:when=1 a.test 2 203.0.113.1
recvfrom:error=ECONNREFUSED a.test 2 now: Connection refused
poll:error=EINTR:when=1 a.test 1 203.0.113.1
poll:error=EINTR:when=3 b.test 2 203.0.113.1
sendto:error=ECONNRESET:when=2 b.test 3 203.0.113.1
recvfrom:error=EINTR:when=2 b.test 2 203.0.113.1
recvfrom:error=EAGAIN:when=3 b.test 2 203.0.113.1
recvfrom:error=ECONNRESET:when=3 b.test 4 203.0.113.1
recvfrom:retval=0:when=2 b.test 4 203.0.113.1
FAULTS
	run -71 inject getrandom:error=EIO A a.test
	grep -q 'getrandom: Input/output error' stderr
}
