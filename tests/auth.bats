#!/usr/bin/env bats
# auth: the checkpassword interface, SCRAM, hashes.

load helper

setup() {
	home_make
	auth=$PROGRAMS/auth
}

# ask USER PASSWORD [PROGRAM...]
ask() {
	local user=$1 password=$2
	shift 2
	"$auth" "$@" 3< <(printf '%s\0%s\0%s\0' "$user" "$password" 0)
}

@test "yes, no, misused, unavailable" {
	ask alice@example.test secret
	run -1 ask alice@example.test Secret
	run -1 ask alice@example.test ''
	run -1 ask nobody@example.test secret
	run -2 bash -c "'$auth' 3</dev/null"
	run -2 bash -c "'$auth' 3<&-"
	run -2 bash -c "printf 'a\0b' | '$auth' 3<&0"
	run -2 bash -c "head -c 600 /dev/zero | tr '\0' x | '$auth' 3<&0"
	rm "$PENNYPOST_HOME/users/passwd"
	run -111 ask alice@example.test secret
}

@test "on yes the program runs, without fd 3" {
	ask alice@example.test secret sh -c 'test ! -e /proc/self/fd/3'
	run -7 ask alice@example.test secret sh -c 'exit 7'
	run -1 ask alice@example.test wrong touch ran
	[ ! -e ran ]
}

@test "the program has time of its own" {
	run -0 ask alice@example.test secret python3 -c \
		'import signal, sys; sys.exit(signal.alarm(0))'
}

@test "-H refuses what no login could send" {
	local long
	long=$(printf '%0239d' 0)
	echo "$long" | "$auth" -H
	printf '%s\r\n' "$long" | "$auth" -H
	printf 'x%s\n' "$long" >in; run -65 "$auth" -H <in
	printf '%s%s\n' "$long" "$long" >in; run -65 "$auth" -H <in
	printf 'a\rb\n' >in; run -65 "$auth" -H <in
	printf 'a\r\r\n' >in; run -65 "$auth" -H <in
	printf '\r\n' >in; run -65 "$auth" -H <in
	printf 'a\0b\n' >in; run -65 "$auth" -H <in
	# The CR of a CRLF is none of it.
	hash=$(printf 'word\r\n' | "$auth" -H)
	echo "dave@example.test:$hash:" >>"$PENNYPOST_HOME/users/passwd"
	ask dave@example.test word
}

# verifier PASSWORD [ITERATIONS]: for users/passwd, at a cost that suits a test
verifier() {
	python3 - "$1" "${2-10}" <<'PY'
import base64, hashlib, hmac, os, sys
salt = os.urandom(16)
salted = hashlib.pbkdf2_hmac("sha256", sys.argv[1].encode(), salt,
    int(sys.argv[2]))
client = hmac.new(salted, b"Client Key", "sha256").digest()
parts = (salt, hashlib.sha256(client).digest(),
    hmac.new(salted, b"Server Key", "sha256").digest())
print("{SCRAM-SHA-256}" + ",".join([sys.argv[2]] +
    [base64.b64encode(p).decode() for p in parts]))
PY
}

@test "hashes that -H makes, Dovecot's prefix, and nonsense" {
	passwd=$PENNYPOST_HOME/users/passwd
	hash=$(echo 'pass word' | "$auth" -H -c)
	[[ $hash == '$6$'????????????????'$'* ]]
	[ "$hash" != "$(echo 'pass word' | "$auth" -H -c)" ]
	scram=$(echo 'pass word' | "$auth" -H)
	[[ $scram =~ ^\{SCRAM-SHA-256\}10000,[A-Za-z0-9+/]{22}==,[A-Za-z0-9+/]{43}=,[A-Za-z0-9+/]{43}=$ ]]
	[ "$scram" != "$(echo 'pass word' | "$auth" -H)" ]
	printf '%s\n' '# a:b' "a@x:$hash:quota=1" "b@x:{SHA512-CRYPT}$hash" \
		'c@x::' 'd@x:*:' 'e@x:plain:' 'f@x' "g@x:$scram:" \
		"h@x:$(verifier 'pass word'):x" "i@x:!$scram:" "j@x:!$hash:" \
		'k@x:{SCRAM-SHA-256}:' 'l@x:{SCRAM-SHA-256}10,AAAA,AAAA,AAAA:' \
		"m@x:{SCRAM-SHA-1}${scram#*\}}:" "a@x:$(verifier other):" \
		>"$passwd"
	ask a@x 'pass word'
	ask b@x 'pass word'
	ask A@X 'pass word'
	ask g@x 'pass word'
	ask h@x 'pass word'
	run -1 ask g@x 'pass words'
	run -1 ask h@x 'pass wor'
	run -1 ask a@x other
	for user in c@x d@x e@x f@x i@x j@x k@x l@x m@x '# a' '' nobody@x; do
		run -1 ask "$user" ''
		run -1 ask "$user" plain
		run -1 ask "$user" 'pass word'
	done
	run -65 "$auth" -H <<<''
	run -65 "$auth" -H </dev/null
}

@test "a long line hides nobody, and lets nobody in" {
	passwd=$PENNYPOST_HOME/users/passwd
	hash=$(verifier secret)
	{
		printf 'x@x:%01100d:\n' 0
		# Where fgets() goes on in the middle of one.
		printf '%01023dy@x:%s:\n' 0 "$hash"
		echo "z@x:$hash:"
	} >"$passwd"
	run -1 ask x@x secret
	run -1 ask y@x secret
	ask z@x secret
	printf 'z@x:%s' "$hash" >"$passwd" # without an end
	ask z@x secret
}

@test "-H: a password that SCRAM cannot have becomes one for crypt(3)" {
	local password
	for password in 'Grüße' 'naïve 用户' ' ' '~'; do
		hash=$(echo "$password" | "$auth" -H)
		[[ $hash == '{SCRAM-SHA-256}'* ]]
		echo "u@x:$hash:" >"$PENNYPOST_HOME/users/passwd"
		ask u@x "$password"
	done
	for password in $'tab\there' $'\377\376' $'\xc2\x80' $'a\x7f'; do
		hash=$(echo "$password" | "$auth" -H)
		[[ $hash == '$6$'* ]]
		echo "u@x:$hash:" >"$PENNYPOST_HOME/users/passwd"
		ask u@x "$password"
	done
}

@test "-E: is there such a user" {
	there() { "$auth" -E 3< <(printf '%s\0\0000\0' "$1"); }
	echo "dora@example.test:$(verifier x):" >>"$PENNYPOST_HOME/users/passwd"
	echo "erik@example.test:!$(verifier x):" >>"$PENNYPOST_HOME/users/passwd"
	there alice@example.test
	there Dora@example.test
	run -1 there erik@example.test
	run -1 there nobody@example.test
	run -1 there ''
	run -2 "$auth" -E 3</dev/null
	run -2 "$auth" -E -S
}

# An answer takes the same work whoever is asked for.
@test "an unknown and a locked user cost the same work" {
	cat >crypt.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
char *crypt(const char *key, const char *setting)
{
	char *(*real)(const char *, const char *) = (char *(*)(const char *,
	    const char *))dlsym(RTLD_NEXT, "crypt");
	FILE *f = fopen("asked", "a");
	fprintf(f, "%.27s\n", setting);
	fclose(f);
	return real(key, setting);
}
C
	ldd "$auth" >/dev/null 2>&1 || skip 'auth is static: nothing to look into'
	nm "$auth" | grep -q asan && skip 'the sanitizer comes first'
	cc -shared -fPIC -o crypt.so crypt.c -ldl
	echo 'lost@example.test:!$6$x:' >>"$PENNYPOST_HOME/users/passwd"
	for user in alice@example.test nobody@example.test lost@example.test; do
		# With a program to be run it is not confined, and the shim can write.
		LD_PRELOAD=$PWD/crypt.so run -1 ask $user wrong true
	done
	asked=$PENNYPOST_HOME/asked
	[ "$(wc -l <"$asked")" = 3 ]
	[ "$(sort -u "$asked" | wc -l)" = 1 ]
}

# dialogue ACCOUNT USER PASSWORD [NAME=VALUE ...]: -S, as the doorkeeper speaks
# to it. Prints the letters of its answers, and its status.
dialogue() {
	PYTHONPATH=$ROOT/tests python3 - "$auth" "$@" <<'PY'
import os, socket, subprocess, sys
import scram
auth, account, user, password = sys.argv[1:5]
o = dict(a.split("=", 1) for a in sys.argv[5:])
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
os.dup2(theirs.fileno(), 3, inheritable=True)
p = subprocess.Popen([auth, "-S"], pass_fds=[3], stdin=subprocess.DEVNULL)
os.close(3)
theirs.close()
client = scram.Client(o.get("says", user), password, o.get("gs2", "n,,"),
    bytes.fromhex(o.get("channel", "")))
first = o.get("first", client.first())
texts = [account, user, o.get("exporter", ""), o.get("endpoint", ""),
    o.get("unique", ""), first]
if "cut" in o:
    texts = texts[:int(o["cut"])]
ours.send(b"".join(t.encode() + b"\0" for t in texts))
ours.settimeout(60)
said = ours.recv(4096)
print(said[:1].decode(), end="")
if said[:1] == b"C":
    challenge = said[1:-1].decode()
    if "show" in o:
        print(" " + challenge, file=sys.stderr)
    if "look" in o:
        status = open(f"/proc/{p.pid}/status").read()
        print(*[l.split()[1] for l in status.splitlines()
            if l.startswith(("Seccomp:", "NoNewPrivs:"))], end=" ")
        try:
            memory = b""
            with open(f"/proc/{p.pid}/mem", "rb") as mem:
                for line in open(f"/proc/{p.pid}/maps"):
                    if " rw" not in line:
                        continue
                    a, b = (int(x, 16) for x in line.split()[0].split("-"))
                    if b - a > 1 << 26: # a sanitizer's
                        continue
                    mem.seek(a)
                    memory += mem.read(b - a)
            print("others" if o["look"].encode() in memory else "alone",
                end=" ")
        except OSError:
            print("alone", end=" ") # it cannot be looked into at all
    if "leave" in o:
        ours.close()
    else:
        final = o.get("final", client.final(challenge, o.get("spoil", ""),
            o.get("salt")))
        ours.send(final.encode() + b"\0")
        said = ours.recv(4096)
        print(said[:1].decode(), end="")
        if said[:1] == b"Y":
            assert client.is_server(said[1:-1].decode())
print("", p.wait(60))
PY
}

@test "-S: who knows the password, and who does not" {
	printf '%s\n' "alice@example.test:$(verifier secret):" \
		"bob@example.test:!$(verifier secret):" \
		"carol@example.test:$(echo secret | "$auth" -H -c):" \
		>"$PENNYPOST_HOME/users/passwd"
	[ "$(dialogue alice@example.test alice secret)" = 'CY 0' ]
	[ "$(dialogue alice@example.test alice@example.test secret)" = 'CY 0' ]
	[ "$(dialogue alice@example.test alice wrong)" = 'CR 1' ]
	[ "$(dialogue alice@example.test alice secret spoil=proof)" = 'CR 1' ]
	[ "$(dialogue alice@example.test alice secret spoil=nonce)" = 'CR 1' ]
	[ "$(dialogue alice@example.test alice secret leave=)" = 'C 1' ]
	[ "$(dialogue alice@example.test alice secret final=)" = 'CR 1' ]
	[ "$(dialogue alice@example.test alice secret gs2=n,a=alice,)" = 'CY 0' ]
	[ "$(dialogue alice@example.test alice secret gs2=n,a=bob,)" = 'R 1' ]
	# Locked, without a verifier, unknown: nobody can tell.
	for user in bob carol nobody; do
		[ "$(dialogue $user@example.test $user secret)" = 'CR 1' ]
		[ "$(dialogue $user@example.test $user '')" = 'CR 1' ]
	done
	# Not even with the key of the first account, on which the work is done.
	salt=$(sed -n '1s/[^,]*,\([^,]*\),.*/\1/p' "$PENNYPOST_HOME/users/passwd")
	[ "$(dialogue alice@example.test alice secret "salt=$salt")" = 'CY 0' ]
	for user in bob carol nobody; do
		[ "$(dialogue $user@example.test $user secret "salt=$salt")" = 'CR 1' ]
	done
	# The message is of somebody else than the doorkeeper was told.
	[ "$(dialogue alice@example.test bob secret says=alice)" = 'R 1' ]
	[ "$(dialogue alice@example.test alice secret first=x)" = 'R 1' ]
	[ "$(dialogue alice@example.test alice secret cut=5 2>/dev/null)" = ' 2' ]
	rm "$PENNYPOST_HOME/users/passwd"
	[ "$(dialogue alice@example.test alice secret 2>/dev/null)" = ' 111' ]
}

@test "-S: an unknown user has a salt, always the same, and the usual cost" {
	echo "alice@example.test:$(verifier secret 77):" \
		>"$PENNYPOST_HOME/users/passwd"
	challenge() {
		dialogue "$1@example.test" "$1" x show= 2>&1 >/dev/null |
			sed 's/.*,s=/s=/'
	}
	one=$(challenge nobody)
	[[ $one =~ ^s=[A-Za-z0-9+/]{22}==,i=77$ ]]
	[ "$(challenge nobody)" = "$one" ]
	[ "$(challenge somebody)" != "$one" ]
	[ "$(challenge alice)" = "$(challenge alice)" ]
	# Another home has other ones.
	rm "$PENNYPOST_HOME/spool/logins/secret"
	[ "$(challenge nobody)" != "$one" ]
	[ "$(stat -c %a "$PENNYPOST_HOME/spool/logins/secret")" = 600 ]
	# A real one has the same shape, and who has no verifier.
	[[ $(challenge alice) =~ ^s=[A-Za-z0-9+/]{22}==,i=77$ ]]
	echo "carol@example.test:$(echo secret | "$auth" -H -c):" |
		cat - "$PENNYPOST_HOME/users/passwd" >both
	for file in both <(tac both); do
		cat "$file" >"$PENNYPOST_HOME/users/passwd"
		[[ $(challenge carol) =~ ^s=[A-Za-z0-9+/]{22}==,i=77$ ]]
		[[ $(challenge nobody) =~ ^s=[A-Za-z0-9+/]{22}==,i=77$ ]]
	done
	# Nobody at all.
	: >"$PENNYPOST_HOME/users/passwd"
	[[ $(challenge nobody) =~ ^s=[A-Za-z0-9+/]{22}==,i=10000$ ]]
	# Half a secret, and a directory that cannot be made.
	echo x >"$PENNYPOST_HOME/spool/logins/secret"
	[ "$(dialogue nobody@example.test nobody x 2>/dev/null)" = ' 111' ]
}

@test "-S: channels" {
	echo "alice@example.test:$(verifier secret):" \
		>"$PENNYPOST_HOME/users/passwd"
	talk() { dialogue alice@example.test alice secret "$@"; }
	local tls=(exporter=00ff10 endpoint=aabbcc unique=1234)
	[ "$(talk "${tls[@]}" gs2=p=tls-exporter,, channel=00ff10)" = 'CY 0' ]
	[ "$(talk "${tls[@]}" gs2=p=tls-server-end-point,, channel=aabbcc)" = 'CY 0' ]
	[ "$(talk "${tls[@]}" gs2=p=tls-unique,, channel=1234)" = 'CY 0' ]
	# In the middle sits somebody else.
	[ "$(talk "${tls[@]}" gs2=p=tls-exporter,, channel=00ff11)" = 'CR 1' ]
	[ "$(talk "${tls[@]}" gs2=p=tls-exporter,, channel=aabbcc)" = 'CR 1' ]
	[ "$(talk "${tls[@]}" gs2=p=tls-exporter,,)" = 'CR 1' ]
	[ "$(talk "${tls[@]}" gs2=p=tls-nothing,, channel=00ff10)" = 'R 1' ]
	[ "$(talk gs2=p=tls-exporter,,)" = 'R 1' ]
	[ "$(talk exporter=0g gs2=p=tls-exporter,, channel=00)" = 'R 1' ]
	# n: the client has none; y: it thinks that we have none.
	[ "$(talk "${tls[@]}")" = 'CY 0' ]
	[ "$(talk gs2=y,,)" = 'CY 0' ]
	[ "$(talk "${tls[@]}" gs2=y,,)" = 'R 1' ]
	[ "$(talk endpoint=aa gs2=y,,)" = 'R 1' ]
	[ "$(talk unique=aa gs2=y,,)" = 'R 1' ]
	[ "$(talk exporter=aa gs2=y,,)" = 'R 1' ]
}

@test "-S: while it waits it is confined, and knows nobody else" {
	bob=$(verifier other)
	printf '%s\n' "alice@example.test:$(verifier secret):" \
		"bob@example.test:$bob:" >"$PENNYPOST_HOME/users/passwd"
	run -0 dialogue alice@example.test alice secret look="${bob##*,}"
	[ "$output" = 'C1 2 alone Y 0' ]
}
