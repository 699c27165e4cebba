#!/usr/bin/env bats
# SCRAM-SHA-256's functions: the RFCs' vectors, other people's numbers, and what
# is malformed.

load helper

setup_file() {
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror \
		-fsanitize=address,undefined -fno-sanitize-recover \
		-I"$BATS_TEST_DIRNAME/../src/lib" -o "$BATS_FILE_TMPDIR/scram" \
		"$BATS_TEST_DIRNAME"/{scram.c,../src/lib/{scram,base64,sha256}.c} \
		"$BATS_TEST_DIRNAME"/../src/lib/{str,log}.c
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	scram=$BATS_FILE_TMPDIR/scram
	# RFC 7677 3: user, pencil
	rfc='4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU='
	nonce='%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
	both="rOprNGfwEbeRWgbNEkqO$nonce"
	proof='dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ='
	challenge="r=$both,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
}

is() { # EXPECTED ARGUMENT ...
	local got
	got=$("$scram" "${@:2}") || return
	[ "$got" = "$1" ] || { echo "${*:2}: '$got', not '$1'"; return 1; }
}

@test "PBKDF2-HMAC-SHA256: known numbers" {
	is 120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b \
		pbkdf2 password salt 1
	is ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43 \
		pbkdf2 password salt 2
	is c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a \
		pbkdf2 password salt 4096
	is 348c89dbcbd32b2f32d814b8116e84cf2b17347ebc1800181c4e2a1fb8dd53e1 \
		pbkdf2 passwordPASSWORDpassword saltSALTsaltSALTsaltSALTsaltSALTsalt 4096
}

@test "PBKDF2: as Python's, at lengths around the block" {
	python3 -c '
import hashlib, subprocess, sys
for n in (1, 55, 56, 63, 64, 65, 128, 200):
    for m in (1, 15, 16, 52, 60, 64, 100):
        p, s = "p" * n, "s" * m
        want = hashlib.pbkdf2_hmac("sha256", p.encode(), s.encode(), 3).hex()
        got = subprocess.run([sys.argv[1], "pbkdf2", p, s, "3"],
            capture_output=True, text=True).stdout.strip()
        assert got == want, (n, m, got)' "$scram"
}

@test "the vector of RFC 7677 3" {
	is "$rfc" make pencil W22ZaJ0SNY7soEsUEjb6gQ== 4096
	is "$challenge"$'\nv=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=' \
		talk "$rfc" n,,n=user,r=rOprNGfwEbeRWgbNEkqO "$nonce" '' \
		"c=biws,r=$both,p=$proof"
}

@test "what is not the vector is refused" {
	local final
	for final in "c=biws,r=$both,p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=" \
		"c=biws,r=$both,p=" "c=biws,r=$both" "c=biws,r=$both," \
		"c=biws,r=$both,x,p=$proof" "c=biws,r=$both,p=$proof,x" \
		"c=biws,r=${both%0},p=$proof" "c=biws,r=${both}0,p=$proof" \
		"c=eSws,r=$both,p=$proof" "c=,r=$both,p=$proof" \
		"r=$both,c=biws,p=$proof" "biws,$both,p=$proof" "p=$proof" \
		",p=$proof" "c=biws,,p=$proof" "c=biws,p=$proof" '' , ,, p= ,p= \
		"c=biws,r=$both,p=${proof%=}" "c=biws,r=$both,p=${proof}AAAA" \
		"c=biws,r=$both,p=AAAA" "c=biws,r=$both,p=$(printf %0999d 0)" \
		"$(printf %02000d 0),p=$proof"; do
		is "$challenge"$'\nrefused' talk "$rfc" \
			n,,n=user,r=rOprNGfwEbeRWgbNEkqO "$nonce" '' "$final"
	done
}

@test "verifiers: as Dovecot makes them, and it takes ours" {
	command -v doveadm >/dev/null || skip 'no doveadm'
	local theirs ours
	theirs=$(doveadm pw -s SCRAM-SHA-256 -p 'pass wörd')
	[[ $theirs == '{SCRAM-SHA-256}'* ]]
	is yes is-of "${theirs#*\}}" 'pass wörd'
	is no is-of "${theirs#*\}}" 'pass word'
	ours=$(echo 'pass wörd' | "$PROGRAMS/auth" -H)
	[[ $ours == '{SCRAM-SHA-256}10000,'* ]]
	is yes is-of "${ours#*\}}" 'pass wörd'
	doveadm pw -t "$ours" -p 'pass wörd' | grep -qF '(verified)'
	run doveadm pw -t "$ours" -p 'pass word'
	[ "$status" != 0 ]
}

@test "verifiers that are none" {
	local bad key=WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=
	is no is-of "1,AAAA,$key,$key" x
	for bad in '' , ,,, "0,AAAA,$key,$key" "-1,AAAA,$key,$key" \
		"1000001,AAAA,$key,$key" "4294967297,AAAA,$key,$key" \
		"1x,AAAA,$key,$key" "1,,$key,$key" "1,AAA,$key,$key" \
		"1,AAAA,$key" "1,AAAA,$key,$key," "1,AAAA,$key,$key,x" \
		"1,AAAA,AAAA,$key" "1,AAAA,$key,AAAA" "1,AAAA,$key,${key}AAAA" \
		"1,AAAA,$key,*" "1,$(printf %0120d 0),$key,$key" \
		"1,$(printf %0400d 0),$key,$key"; do
		is malformed is-of "$bad" x
	done
}

@test "the first message" {
	is 'flag=n binding= authzid= user=user nonce=abc bare=n=user,r=abc' \
		first n,,n=user,r=abc
	is 'flag=y binding= authzid=a user=a nonce=x bare=n=a,r=x' \
		first y,a=a,n=a,r=x
	is 'flag=p binding=tls-exporter authzid= user=u nonce=x bare=n=u,r=x' \
		first p=tls-exporter,,n=u,r=x
	is 'flag=n binding= authzid= user=a,b=c nonce=x bare=n=a=2Cb=3Dc,r=x' \
		first n,,n=a=2Cb=3Dc,r=x
	# Extensions behind the nonce may be there.
	is 'flag=n binding= authzid= user=u nonce=x bare=n=u,r=x,a=b,c' \
		first n,,n=u,r=x,a=b,c
}

@test "first messages that are none" {
	local bad
	for bad in '' n n, n,, n,,n=u n,,n=u, n,,n=u,r= n,,n=,r=x n,,u,r=x \
		n,,r=x,n=u n,,m=x,n=u,r=x n,n=u,r=x x,,n=u,r=x nn,,n=u,r=x \
		,,n=u,r=x p,,n=u,r=x p=,,n=u,r=x 'p=a b,,n=u,r=x' \
		"p=$(printf %032d 0),,n=u,r=x" n,u,n=u,r=x n,a=,n=u,r=x \
		n,,n=a=,r=x n,,n=a=2,r=x n,,n=a=2c,r=x n,,n=a=41,r=x \
		n,,n==,r=x 'n,,n=u,r=a b' $'n,,n=u,r=\177' \
		"n,,n=u,r=$(printf %0257d 0)" "n,,n=$(printf %0240d 0),r=x" \
		"n,,n=u,r=x,$(printf %02000d 0)"; do
		is malformed first "$bad"
	done
	"$scram" first "n,,n=$(printf %0239d 0),r=$(printf %0256d 0)" |
		grep -q ^flag=n
}

@test "with a channel: c= has the header and its octets" {
	cat >client.py <<'PY'
import base64, hashlib, hmac, sys
first, nonce, channel = sys.argv[1:]
def H(k, t): return hmac.new(k, t, hashlib.sha256).digest()
header, bare = first[:first.index("n=")], first[first.index("n="):]
both = bare[bare.index("r=") + 2:] + nonce
challenge = f"r={both},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
c = base64.b64encode((header + channel).encode()).decode()
final = f"c={c},r={both}"
salted = hashlib.pbkdf2_hmac("sha256", b"pencil",
    base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
key = H(salted, b"Client Key")
message = f"{bare},{challenge},{final}".encode()
sig = H(hashlib.sha256(key).digest(), message)
proof = bytes(a ^ b for a, b in zip(key, sig))
print(f"{final},p={base64.b64encode(proof).decode()}")
PY
	local first=p=tls-exporter,a=user,n=user,r=abc final
	final=$(python3 client.py "$first" xyz 0123456789)
	run -0 "$scram" talk "$rfc" "$first" xyz 0123456789 "$final"
	[[ ${lines[1]} == v=* ]]
	run -0 "$scram" talk "$rfc" "$first" xyz 0123456788 "$final"
	[ "${lines[1]}" = refused ]
	run -0 "$scram" talk "$rfc" "$first" xyz '' "$final"
	[ "${lines[1]}" = refused ]
	run -0 "$scram" talk "$rfc" "n,a=user,n=user,r=abc" xyz '' "$final"
	[ "${lines[1]}" = refused ]
	# Longer than any channel's binding.
	is malformed talk "$rfc" "$first" xyz "$(printf %065d 0)" "$final"
}

@test "base64" {
	local bad
	for n in '' f fo foo foob fooba foobar; do # RFC 4648 10
		is "$(printf %s "$n" | base64)" encode "$n"
		is "$n ${#n}" decode "$(printf %s "$n" | base64)"
	done
	for bad in Z Zg Zg= Zg=== Z=== ==== =AAA Zm9v= 'Zm9 ' Zm9v! Zg==Zg== \
		Zm-v Zm_v $'Zm9v\n' A=AA AA=A; do
		is malformed decode "$bad"
	done
}
