#!/usr/bin/env bats
# auth: the checkpassword interface.

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

@test "hashes that -H makes, Dovecot's prefix, and nonsense" {
	passwd=$PENNYPOST_HOME/users/passwd
	hash=$(echo 'pass word' | "$auth" -H)
	[[ $hash == '$6$'????????????????'$'* ]]
	[ "$hash" != "$(echo 'pass word' | "$auth" -H)" ]
	printf '%s\n' '# a:b' "a@x:$hash:quota=1" "b@x:{SHA512-CRYPT}$hash" \
		'c@x::' 'd@x:*:' 'e@x:plain:' 'f@x' >"$passwd"
	ask a@x 'pass word'
	ask b@x 'pass word'
	ask A@X 'pass word'
	for user in c@x d@x e@x f@x '# a' ''; do
		run -1 ask "$user" ''
		run -1 ask "$user" plain
	done
	run -65 "$auth" -H <<<''
	run -65 "$auth" -H </dev/null
}

@test "an unknown user costs the same work" {
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
	for user in alice@example.test nobody@example.test; do
		LD_PRELOAD=$PWD/crypt.so run -1 ask $user wrong
	done
	asked=$PENNYPOST_HOME/asked
	[ "$(wc -l <"$asked")" = 2 ]
	[ "$(sort -u "$asked" | wc -l)" = 1 ]
}
