#!/usr/bin/env bats
# Sequence sets: RFC 3501 9.

load helper

setup_file() {
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -I"$ROOT/src" -I"$ROOT/src/lib" \
		-g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
		-o "$BATS_FILE_TMPDIR/set" "$ROOT/tests/imap/set.c" \
		"$ROOT"/src/imapd/set.c "$ROOT"/src/lib/{str,log}.c
}

sets() {
	diff <(cut -d = -f 1 <<<"$1" | "$BATS_FILE_TMPDIR/set") \
		<(cut -d = -f 2 <<<"$1")
}

@test "what a set is" {
	sets '9 1=1: 1
9 1:3=3: 1:3
9 3:1=3: 1:3
9 1,2,3,5=4: 1:3,5
9 5,3,1,4=4: 1,3:5
9 *=1: 9
9 *:8=2: 8:9
9 12:*=4: 9:12
9 4:*,2=7: 2,4:9
9 1:5,2:3,4:7=7: 1:7
9 4294967295=1: 4294967295
9 4294967294:4294967295,4294967295=2: 4294967294:4294967295
9 1:4294967295,7=4294967295: 1:4294967295
0 *=0: 
0 1:*=1: 1
0 *:*=0: '
}

@test "what none is" {
	sets '9 =no set
9 0=no set
9 0:3=no set
9 1:0=no set
9 01=no set
9 -1=no set
9 +1=no set
9 1,=no set
9 ,1=no set
9 1:=no set
9 :1=no set
9 1:2:3=no set
9 1;2=no set
9 1 2=no set
9 4294967296=no set
9 9223372036854775808=no set
9 18446744073709551617=no set
9 1000000000000000000000000000000=no set
9 **=no set
9 1*=no set
9 x=no set'
}

@test "ranges in any order, compared with an array" {
	"$BATS_FILE_TMPDIR/set" 300 </dev/null
}
