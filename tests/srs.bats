#!/usr/bin/env bats
# The return path of what is forwarded: rewritten, and back again (SRS).

load helper

setup() {
	home_make
	deliver=$PROGRAMS/deliver
	secret=$PENNYPOST_HOME/users/srs-secret
	rm "$secret"
	echo 'out: you@far.test' >>"$PENNYPOST_HOME/users/aliases"
}

# rewritten SENDER [RECIPIENT]: the sender of what is forwarded
rewritten() {
	rm -f "$QUEUE"/*
	"$deliver" -f "$1" "${2-out@example.test}" <<<'Subject: x' \
		2>>"$BATS_TEST_TMPDIR/stderr" || return
	sed -n 's/^from <\(.*\)>$/\1/p' "$QUEUE"/*
}

# restored ADDRESS: where mail to it goes
restored() {
	"$deliver" -v "$1" 2>>"$BATS_TEST_TMPDIR/stderr" >"$BATS_TEST_TMPDIR/to" ||
		return
	IFS=$'\t' read -r kind what why <"$BATS_TEST_TMPDIR/to"
	[ "$kind $why" = 'remote users/srs-secret' ] || return 99
	echo "$what"
}

# refused STATUS TEXT ADDRESS
refused() {
	run "-$1" "$deliver" -v "$3"
	[[ $output == *"$2" ]] || { echo "$3: $output"; return 1; }
}

forged() { refused 67 '550 5.1.1 That is no return path of mine' "$1"; }

# sign KIND REST [SECRET]: the hash, as srs.h tells
sign() {
	python3 -c 'import base64, hashlib, hmac, sys
text = (sys.argv[1] + "=" + sys.argv[2]).encode()
print(base64.b32encode(hmac.new(sys.argv[3].encode(), text.lower(),
    hashlib.sha256).digest())[:6].decode())' "$1" "$2" "${3-$(cat "$secret")}"
}

# day N: two characters for the day that is N from today
day() {
	python3 -c 'import sys, time
n = (int(time.time()) // 86400 + int(sys.argv[1])) % 1024
a = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
print(a[n // 32] + a[n % 32])' "$1"
}

@test "SHA-256 and HMAC: what FIPS 180-4 and RFC 4231 have" {
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -I"$ROOT/src/lib" -o sha256 \
		"$ROOT/tests/sha256.c" "$ROOT/src/lib/sha256.c"
	digest() { [ "$(printf '%b' "$1" | ./sha256 "${@:3}")" = "$2" ]; }
	digest '' e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
	digest abc ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
	digest abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq \
		248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1
	digest "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno\
ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu" \
		cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1
	[ "$(head -c 1000000 /dev/zero | tr '\0' a | ./sha256)" = \
		cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0 ]
	# RFC 4231 4.2, 4.3, 4.4, 4.5, 4.7, 4.8
	digest 'Hi There' \
		b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7 \
		0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b
	digest 'what do ya want for nothing?' \
		5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843 \
		4a656665
	digest "$(printf '\\xdd%.0s' {1..50})" \
		773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe \
		"$(printf 'aa%.0s' {1..20})"
	digest "$(printf '\\xcd%.0s' {1..50})" \
		82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b \
		0102030405060708090a0b0c0d0e0f10111213141516171819
	digest 'Test Using Larger Than Block-Size Key - Hash Key First' \
		60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54 \
		"$(printf 'aa%.0s' {1..131})"
	digest "This is a test using a larger than block-size key and a larger \
than block-size data. The key needs to be hashed before being used by the HMAC \
algorithm." 9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2 \
		"$(printf 'aa%.0s' {1..131})"
}

@test "a forward's return path is ours, and signed" {
	local path
	path=$(rewritten eve@b.test)
	[ "$path" = "SRS0=$(sign 0 "$(day 0)=b.test=eve")=$(day 0)=b.test=eve@example.test" ]
	[ "$(restored "$path")" = eve@b.test ]
	# Nothing else has changed.
	grep -q '^to \. <you@far.test>$' "$QUEUE"/*
	sed '1,/^$/d' "$QUEUE"/* |
		diff - <(printf '%s\n' 'Delivered-To: out@example.test' 'Subject: x')
}

@test "none is rewritten that is ours, or none at all, or would be too long" {
	local long
	[ "$(rewritten '<>')" = '' ]
	[ "$(rewritten alice@example.test)" = alice@example.test ]
	[ "$(rewritten Alice@EXAMPLE.test)" = Alice@EXAMPLE.test ]
	[ "$(rewritten root)" = root ]
	# 254 with what is added: SRS0=HASHHH=DD=b.test=LOCAL@example.test
	long=$(printf 'x%.0s' {1..219})
	[ "$(rewritten "$long@b.test" | wc -c)" = 255 ]
	[ "$(restored "$(rewritten "$long@b.test")")" = "$long@b.test" ]
	[ "$(rewritten "x$long@b.test")" = "x$long@b.test" ]
	[ "$(rewritten "\"x $long\"@b.test")" = "\"x $long\"@b.test" ]
}

@test "there and back again" {
	local sender path
	while read -r sender; do
		path=$(rewritten "$sender")
		[[ $path == *@example.test ]]
		grep -qx "from <[\"S].*SRS[01]=......=.*@example.test>\|from <SRS[01]=......=.*@example.test>" "$QUEUE"/*
		[ "$(restored "$path")" = "$sender" ] || {
			echo "$sender: $path"
			return 1
		}
	done <<'SENDERS'
eve@b.test
Eve.O'Hara+x@B.Test
a=b=c@b.test
=@b.test
"john doe"@b.test
"a@c"@b.test
"a\"b\\c"@b.test
""@b.test
".."@b.test
eve@[192.0.2.1]
"x y"@[IPv6:2001:db8::1]
jürgen@büro.test
"jür gen"@b.test
SRS0=AAAA=BB=c.test=eve@b.test
SRS0+AAAA=BB=c.test=eve@b.test
SRS0-aaaa=bb=c.test=eve@b.test
"SRS0=AAAA=BB=c.test=e ve"@b.test
SRS0@b.test
SRS0=@b.test
SRS1@b.test
SRS1=x@b.test
SRS1=x=y@b.test
SRS1=x=y=z@b.test
SRS1=x=-=-z@b.test
SRS2=x@b.test
SENDERS
}

@test "what another forwarder has rewritten stays short, and goes back to him" {
	local path rest=c.test==AAAA=BB=d.test=eve
	path=$(rewritten SRS0=AAAA=BB=d.test=eve@c.test)
	[ "$path" = "SRS1=$(sign 1 $rest)=$rest@example.test" ]
	[ "$(restored "$path")" = SRS0=AAAA=BB=d.test=eve@c.test ]
	# The second one's hash is not for us to keep.
	[ "$(rewritten "SRS1=HASH=$rest@b.test")" = "$path" ]
	[ "$(rewritten 'srs1+hash=c.test=+AAAA=BB=d.test=eve@b.test')" = \
		"SRS1=$(sign 1 c.test=+AAAA=BB=d.test=eve)=c.test=+AAAA=BB=d.test=eve@example.test" ]
	[ "$(restored "$(rewritten 'srs1+hash=c.test=+AAAA=BB=d.test=eve@b.test')")" = \
		SRS0+AAAA=BB=d.test=eve@c.test ]
}

@test "letters change their case on the way" {
	local path
	path=$(rewritten Eve@b.test)
	[ "$(restored "${path,,}")" = eve@b.test ]
	[ "$(restored "${path^^}")" = EVE@B.TEST ]
	path=$(rewritten SRS0=AAAA=BB=d.test=eve@c.test)
	[ "$(restored "${path,,}")" = SRS0=aaaa=bb=d.test=eve@c.test ]
}

@test "what was changed is not ours: any character of it" {
	local path local i c
	path=$(rewritten eve@b.test)
	local=${path%@*}
	for ((i = 0; i < ${#local}; i++)); do
		c=Q
		[[ ${local:i:1} != [Qq] ]] || c=R
		run "$deliver" -v "${local:0:i}$c${local:i+1}@example.test"
		[ "$status" = 67 ] || { echo "$i: $output"; return 1; }
		run "$deliver" -v "${local:0:i}${local:i+1}@example.test"
		[ "$status" = 67 ] || { echo "without $i: $output"; return 1; }
	done
	forged "${local}x@example.test"
	forged "SRS1${local#SRS0}@example.test"
	path=$(rewritten SRS0=AAAA=BB=d.test=eve@c.test)
	forged "${path/SRS1/SRS0}"
	forged "${path/c.test/victim.test}"
	# At somebody else's it is none of our business.
	refused 68 '550 5.1.2 Not a domain of mine' "${local}@far.test"
}

@test "what is none at all" {
	local address
	rewritten eve@b.test
	for address in SRS0= SRS0== SRS0=x SRS0=AAAAAA SRS0=AAAAAA= SRS0=AAAAAA== \
		SRS0=AAAAAA=AA SRS0=AAAAAA=AA= SRS0=AAAAAA=AA=b.test \
		SRS0=AAAAAA=AA=b.test= SRS1= SRS1=AAAAAA SRS1=AAAAAA=b.test \
		"SRS1=$(sign 1 x)=x" "SRS0=$(sign 0 '')=" "SRS0=$(sign 0 A)=A" \
		"SRS0=$(sign 0 "$(day 0)=b.test")=$(day 0)=b.test" \
		"SRS0=$(sign 0 "$(day 0)=-=x")=$(day 0)=-=x" \
		"SRS0=$(sign 0 "$(day 0)==x")=$(day 0)==x" \
		"$(printf 'SRS0=%0230d' 0)" "$(printf 'SRS1=AAAAAA=%0222d' 0)"; do
		forged "\"$address\"@example.test" || return
	done
	# Names of people.
	mkdir -p "$MAIL"/srs0{,a}/{tmp,new,cur}
	"$deliver" -v SRS0@example.test
	"$deliver" -v SRS0+x@example.test
	"$deliver" -v srs0a@example.test
	refused 67 'No such user here' SRS2=AAAAAA=AA=b.test=x@example.test
	# Nor does a catch-all take them.
	echo '@example.test: alice' >>"$PENNYPOST_HOME/users/aliases"
	forged SRS0=AAAAAA=AA=b.test=x@example.test
	rm "$secret"
	forged SRS0=AAAAAA=AA=b.test=x@example.test
	# It is made before anybody has said a word, and not by who is confined.
	[ -e "$secret" ]
}

@test "21 days, and a clock that is ahead" {
	local n rest
	rewritten eve@b.test
	for n in 0 -1 -20 -21 1; do
		rest=$(day "$n")=b.test=eve
		[ "$(restored "SRS0=$(sign 0 "$rest")=$rest@example.test")" = \
			eve@b.test ]
	done
	for n in -22 -23 -100 -500 -1000 2 500; do
		rest=$(day "$n")=b.test=eve
		refused 67 '550 5.1.1 That return path has expired' \
			"SRS0=$(sign 0 "$rest")=$rest@example.test"
	done
	n=$(day 0)
	for rest in "${n:0:1}0=b.test=eve" "0${n:1}=b.test=eve" \
		"${n:0:1}=b.test=eve" "${n}A=b.test=eve" "A$n=b.test=eve"; do
		refused 67 '550 5.1.1 That return path has expired' \
			"SRS0=$(sign 0 "$rest")=$rest@example.test"
	done
}

@test "the secret: made once, for us alone, and never half" {
	local i
	for i in {1..20}; do
		"$deliver" -f "eve$i@b.test" out <<<'Subject: x' 2>/dev/null &
	done
	wait
	[ "$(stat -c '%a %s' "$secret")" = '600 65' ]
	grep -qx '[0-9a-f]*' "$secret"
	[ "$(cd "$PENNYPOST_HOME/users" && echo srs-secret*)" = srs-secret ]
	while read -r i; do
		restored "$i" | grep -qx 'eve[0-9]*@b.test'
	done < <(sed -n 's/^from <\(.*\)>$/\1/p' "$QUEUE"/*)
	# Who is slower takes what is there.
	rm "$secret" "$QUEUE"/*
	strace -qq -o trace -e trace=/^link \
		-e inject=/^link:delay_enter=10000000:when=1 \
		"$deliver" -f slow@b.test out <<<x 2>/dev/null &
	until ls "$PENNYPOST_HOME/spool/tmp"/srs-secret.* >made 2>&1; do
		sleep 0.05
	done
	"$deliver" -f eve@b.test out <<<x 2>/dev/null
	cp "$secret" first
	wait
	cmp first "$secret"
	grep -q EEXIST trace
	[ "$(restored "$(sed -n 's/^from <\(.*slow.*\)>$/\1/p' "$QUEUE"/*)")" = \
		slow@b.test ]
	# A second home has another one.
	cp "$secret" first
	rm "$secret"
	rewritten eve@b.test
	run -1 cmp -s first "$secret"
}

@test "the secret: changed without losing a bounce" {
	local old new rest
	old=$(rewritten eve@b.test)
	printf '%s\n' '# new' 'another secret of mine ' '' "$(cat "$secret")" \
		>"$secret.new"
	mv "$secret.new" "$secret"
	rest="$(day 0)=b.test=eve"
	new=$(rewritten eve@b.test)
	[ "$new" = "SRS0=$(sign 0 "$rest" another)=$rest@example.test" ]
	[ "$(restored "$old")" = eve@b.test ]
	[ "$(restored "$new")" = eve@b.test ]
	echo third >"$secret"
	forged "$old"
	forged "$new"
}

@test "the secret: when it cannot be had, mail waits" {
	local path error
	path=$(rewritten eve@b.test)
	echo '# none' >"$secret"
	run -75 rewritten eve@b.test
	grep -q 'users/srs-secret: no secret in it' "$BATS_TEST_TMPDIR/stderr"
	refused 75 '451 4.3.0 Cannot look the address up now' "$path"
	rm "$secret"
	mkdir "$secret"
	run -75 rewritten eve@b.test
	refused 75 '451 4.3.0 Cannot look the address up now' "$path"
	rmdir "$secret"
	run -75 strace -qq -o trace -P "$PENNYPOST_HOME/users" -e trace=fsync \
		-e inject=fsync:error=EIO "$deliver" -f eve@b.test out <<<x
	rm "$secret"
	while read -r error; do
		run -75 strace -qq -o trace -e "inject=$error" \
			"$deliver" -f eve@b.test out <<<x
		[ ! -e "$secret" ]
		[ "$(count "$QUEUE")" = 0 ]
		assert_no_tmp
		[ "$(cd "$PENNYPOST_HOME/users" && echo *)" = \
			'aliases domains passwd' ]
	done <<-'ERRORS'
		/^link:error=ENOSPC
		getrandom:error=EPERM
	ERRORS
}

@test "the domain is that of who forwards; not only ASCII needs SMTPUTF8" {
	echo two.test >>"$PENNYPOST_HOME/users/domains"
	echo 'büro.test' >>"$PENNYPOST_HOME/users/domains"
	[[ $(rewritten eve@b.test out@two.test) == *=eve@two.test ]]
	[[ $(rewritten eve@b.test OUT+x@Two.Test) == *=eve@Two.Test ]]
	[[ $(rewritten eve@b.test out) == *=eve@example.test ]]
	run -1 grep -x smtputf8 "$QUEUE"/*
	[[ $(rewritten eve@b.test out@büro.test) == *=eve@büro.test ]]
	grep -qx smtputf8 "$QUEUE"/*
	echo 'out: jürgen@far.test' >"$PENNYPOST_HOME/users/aliases"
	rewritten eve@b.test
	grep -qx smtputf8 "$QUEUE"/*
	# What is ours in the meantime is not sent away.
	local path
	path=$(rewritten alice@b.test)
	echo b.test >>"$PENNYPOST_HOME/users/domains"
	refused 67 'No such user here' "$path"
	mkdir -p "$PENNYPOST_HOME"/spool/mail/b.test/alice/{tmp,new,cur}
	[ "$("$deliver" -v "$path")" = \
		"$(printf 'maildir\tspool/mail/b.test/alice\tmailbox')" ]
}

# session SENDER RECIPIENT: one message from outside, the replies
session() {
	printf '%s\r\n' 'HELO client.test' "MAIL FROM:<$1>" "RCPT TO:<$2>" \
		DATA "Subject: $1" . QUIT |
		TCPREMOTEIP=192.0.2.1 "$PROGRAMS/smtpd" \
		2>>"$BATS_TEST_TMPDIR/stderr"
}

@test "the whole way: from outside, by an alias, out; and the bounce back" {
	local path
	[[ $(session eve@b.test out@example.test) == *'250 2.0.0 OK'* ]]
	path=$(sed -n 's/^from <\(.*\)>$/\1/p' "$QUEUE"/*)
	[[ $path == SRS0=*=b.test=eve@example.test ]]
	rm "$QUEUE"/*
	[[ $(session '' "$path") == *'250 2.0.0 OK'* ]]
	grep -v '^arrived\|^id\|^size' "$QUEUE"/* | sed 's/ id .*/ id ID;/' |
		diff - <(printf '%s\n' 'pennypost-queue 1' 'from <>' \
		'to . <eve@b.test>' '' "Delivered-To: $path" \
		'Received: from client.test ([192.0.2.1])' \
		'	by mx.example.test with SMTP id ID;' \
		"	for <$path>;" "$(grep -h $'^\t.*+0000' "$QUEUE"/*)" \
		'Subject: ')
	# Who has a name may write, too; a bounce of that comes through here again.
	rm "$QUEUE"/*
	[[ $(session me@far.test "$path") == *'250 2.0.0 OK'* ]]
	grep -q '^from <SRS0=.*=far.test=me@example.test>$' "$QUEUE"/*
	grep -q '^to \. <eve@b.test>$' "$QUEUE"/*
	# Nobody gets further by it.
	rm "$QUEUE"/*
	[[ $(session '' "${path/eve/adam}") == \
		*'550 5.1.1 That is no return path of mine'* ]]
	[ "$(count "$QUEUE")" = 0 ]
}

@test "from the queue: the same" {
	local id=6B02835E0A3F41C2.0
	printf '%s\n' 'pennypost-queue 1' "id $id" 'arrived 1795326814' \
		'size 000000000000012' 'from <eve@b.test>' \
		'to . <out@example.test>' '' 'Subject: hi' >"$QUEUE/$id"
	"$deliver" -q <<<"$id" 2>>"$BATS_TEST_TMPDIR/stderr"
	[ "$(restored "$(sed -n 's/^from <\(.*\)>$/\1/p' "$QUEUE/$id-0")")" = \
		eve@b.test ]
}
