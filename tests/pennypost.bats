#!/usr/bin/env bats
# The administrator's command: each change, each refusal, and what a kill, a
# full disk or a second administrator leaves behind.

setup() {
    export PENNYPOST_PROGRAMS
    PENNYPOST_PROGRAMS=$(realpath "${PROGRAMS:-$BATS_TEST_DIRNAME/../build}")
    programs=$PENNYPOST_PROGRAMS
    export PENNYPOST_HOME=$BATS_TEST_TMPDIR/home
    home=$PENNYPOST_HOME
    script=$BATS_TEST_DIRNAME/../scripts/pennypost
    pennypost init --host mail.example.org --domain example.org
    echo "$closed" >>"$home/pennypost.conf"
}

closed='resolver 127.0.0.1:1' # no name is asked of the world

pennypost() { "$script" "$@"; }

user_add() { echo "${2-secret}" | pennypost user add "$1"; }

# refused WORDS COMMAND...: fails with exactly this on stderr, and changes no
# file at all.
refused() {
    local words=$1 before
    shift
    before=$(state)
    run -1 pennypost "$@"
    [ "$output" = "pennypost: $words" ] || { echo "said: $output"; false; }
    [ "$(state)" = "$before" ]
}

state() { (cd "$home" && find . -type f ! -name .lock -exec sha256sum {} + && find . -type d) | sort; }

same() { diff -u "$1" -; }

bats_require_minimum_version 1.5.0

# --- init ---

@test "init makes a home: the files, their modes, nothing for others to read" {
    run -0 find "$home" -mindepth 1 -printf '%P %y %m\n'
    diff -u - <(sort <<<"$output") <<'EOF'
pennypost.conf f 644
spool d 755
spool/damaged d 700
spool/hold d 700
spool/mail d 700
spool/queue d 700
spool/tmp d 700
users d 755
users/.lock f 644
users/aliases f 644
users/domains f 644
users/passwd f 600
EOF
    [ "$(grep -v '^#' "$home/pennypost.conf")" = $'host mail.example.org\n'"$closed" ]
    [ "$(cat "$home/users/domains")" = example.org ]
    [ "$(grep -v '^#' "$home/users/aliases")" = $'root: postmaster\nmailer-daemon: postmaster' ]
    run -1 grep -v '^#' "$home/users/passwd"
}

@test "init again changes nothing and says so" {
    before=$(state)
    run -0 pennypost init --host other.example.org --domain other.org
    [ "$(state)" = "$before" ]
    [ "${#lines[@]}" = 4 ]
    [ "${lines[0]}" = "$home/pennypost.conf is there already: left as it is" ]
}

@test "init: the domain is the host's name unless it is said" {
    run -0 pennypost -C "$BATS_TEST_TMPDIR/b" init --host Box.Example.NET
    same "$BATS_TEST_TMPDIR/b/users/domains" <<<box.example.net
    run -0 pennypost -C "$BATS_TEST_TMPDIR/c" init --domain a.org --host box.example.net --domain b.org
    same "$BATS_TEST_TMPDIR/c/users/domains" <<<$'a.org\nb.org'
}

@test "init refuses what is no host name, and makes nothing" {
    for name in '' -a.org a..org .a.org a.org. a_b.org 'a b' a/../b $'a\nb' "$(printf '%064d' 0).org"; do
        run -1 pennypost -C "$BATS_TEST_TMPDIR/b" init --host "$name"
        [ "$output" = "pennypost: $name is not a host name" ]
        [ ! -e "$BATS_TEST_TMPDIR/b/users" ]
    done
}

@test "a wrong command line gets the usage and 64" {
    for arguments in '' frob 'init' 'init --host' 'init --host a b' 'init --hast a' 'domain' 'domain add' \
        'domain add a b' 'domain list x' 'user' 'user add' 'user add a b' 'user frob a' 'alias add a' \
        'alias add' 'alias del' 'alias del a b c' 'check x' 'frob list'; do
        # shellcheck disable=SC2086 # words
        run -64 pennypost $arguments
        [ "${lines[0]}" = "usage: pennypost [-C HOME] init --host NAME [--domain NAME]..." ]
    done
    run -64 pennypost -C
}

@test "no home is said, not made" {
    run -1 pennypost -C "$BATS_TEST_TMPDIR/none" user list
    [ "$output" = "pennypost: there is no home $BATS_TEST_TMPDIR/none; pennypost init makes one" ]
    mkdir "$BATS_TEST_TMPDIR/empty"
    run -1 pennypost -C "$BATS_TEST_TMPDIR/empty" user list
    [ "$output" = "pennypost: $BATS_TEST_TMPDIR/empty is not a home yet; pennypost init makes it one" ]
}

@test "-C, also relative, wins over PENNYPOST_HOME" {
    cd "$BATS_TEST_TMPDIR"
    PENNYPOST_HOME=/nowhere run -0 pennypost -C home domain list
    [ "$output" = example.org ]
}

# --- domain ---

@test "domain add, list, del; comments stay" {
    printf '# ours\nexample.org\n' >"$home/users/domains"
    run -0 pennypost domain add Second.Example.ORG
    [ -z "$output" ]
    run -0 pennypost domain list
    [ "$output" = $'example.org\nsecond.example.org' ]
    run -0 pennypost domain add second.example.org
    [ "$output" = "pennypost: note: second.example.org is there already" ]
    run -0 pennypost domain del EXAMPLE.org
    same "$home/users/domains" <<<$'# ours\nsecond.example.org'
    refused "example.org is not one of our domains; first: pennypost domain add example.org" domain del example.org
    refused "a_b is not a domain name" domain add a_b
}

@test "domain del refuses while a user is in it, and only then" {
    pennypost domain add b.org
    pennypost domain add sub.b.org
    user_add joe@sub.b.org
    refused "sub.b.org still has users; first: pennypost user del" domain del sub.b.org
    run -0 pennypost domain del b.org
    pennypost user del joe@sub.b.org
    run -0 pennypost domain del sub.b.org
    same "$home/users/domains" <<<example.org
}

# --- user ---

@test "user add: line, mailbox, postmaster" {
    run -0 user_add Alice
    [ "$output" = "alice@example.org now gets the mail for postmaster (RFC 5321 wants one)" ]
    run -0 user_add bob@Example.org
    [ -z "$output" ]
    run -0 sed 's/{SCRAM-SHA-256}[a-zA-Z0-9+/=,]*/HASH/' "$home/users/passwd"
    [ "$output" = $'# address:hash: (pennypost-passwd(5))\nalice@example.org:HASH:\nbob@example.org:HASH:' ]
    [ "$(stat -c %a "$home/users/passwd")" = 600 ]
    run -0 pennypost user list
    [ "$output" = $'alice@example.org\nbob@example.org' ]
    run -0 pennypost alias list
    [ "$output" = $'root: postmaster\nmailer-daemon: postmaster\npostmaster: alice@example.org' ]
    run -0 find "$home/spool/mail" -mindepth 1 -printf '%P %y %m\n'
    diff -u - <(sort <<<"$output") <<'EOF'
example.org d 700
example.org/alice d 700
example.org/alice/cur d 700
example.org/alice/new d 700
example.org/alice/tmp d 700
example.org/bob d 700
example.org/bob/cur d 700
example.org/bob/new d 700
example.org/bob/tmp d 700
EOF
}

@test "user add: who has the name of an alias that init made gets its mail" {
    run -0 user_add root
    [ "${lines[0]}" = "the alias root is deleted: the user gets this mail" ]
    run -0 pennypost alias list
    [ "$output" = $'mailer-daemon: postmaster\npostmaster: root@example.org' ]
    pennypost alias add bob root
    run -0 user_add bob # somebody wanted that
    [ -z "$output" ]
    [ "$(pennypost alias list | grep -c '^bob: root$')" = 1 ]
}

@test "user add twice is refused, in any case of letters" {
    user_add alice
    refused "alice@example.org is there already; for its password: pennypost user passwd alice@example.org" \
        user add ALICE@EXAMPLE.ORG < <(echo x)
}

@test "user add refuses names that no mailbox can have" {
    pennypost domain add b.org
    for name in '' .alice -alice +alice '#alice' alice+x a/b ../x .. . 'a b' 'a:b' 'a@b' 'a"b' 'a\b' 'a<b' 'a>b' \
        'a(b' 'a)b' 'a,b' 'a;b' 'a[b' 'a]b' 'a*b' 'a|b' a..b a. $'a\tb' $'a\nb' $'a\x7f' $'\xff' "$(printf '%065d' 0)"; do
        refused "$name@b.org: no mailbox can have this name (see pennypost(8))" user add "$name@b.org"
    done
    refused "other.org is not one of our domains; first: pennypost domain add other.org" user add joe@other.org
    refused " is not one of our domains; first: pennypost domain add " user add joe@
    refused "example is not one of our domains; first: pennypost domain add example" user add joe@example
    refused "example.or. is not one of our domains; first: pennypost domain add example.or." user add joe@example.or.
}

@test "user add takes what a name may hold" {
    for name in o\'brien 'a$b' 'a`b`' 'a&b' 'a%s' 'a!b' '{a}' 'a~b' a=b a#b a?b a^b_c-d.e jörg 用户 "$(printf '%064d' 0)"; do
        user_add "$name"
        [ -d "$home/spool/mail/example.org/$name/new" ]
        echo new | pennypost user passwd "$name"
        pennypost user list | grep -Fqx -e "$name@example.org"
    done
    pennypost user list | while read -r user; do pennypost user del "$user"; done
    [ -z "$(pennypost user list)" ]
    [ -z "$(find "$home/spool/mail/example.org" -mindepth 1 -maxdepth 1 ! -name '.deleted-*')" ]
}

@test "no empty password" {
    for input in '' $'\n' $'\nsecond line\n'; do
        run -1 pennypost user add alice < <(printf '%s' "$input")
        [ ! -e "$home/spool/mail/example.org" ]
        [ "$(grep -c @ "$home/users/passwd")" = 0 ]
    done
    [ "$output" = "pennypost: an empty password lets everybody in" ]
    user_add alice
    before=$(state)
    run -1 pennypost user passwd alice < <(echo)
    [ "$(state)" = "$before" ]
}

# checks PASSWORD ADDRESS: by the checkpassword interface
checks() {
    printf '%s\0%s\0%s\0' "$2" "$1" 0 >"$BATS_TEST_TMPDIR/fd3"
    "$PENNYPOST_PROGRAMS/auth" true 3<"$BATS_TEST_TMPDIR/fd3"
}

@test "user passwd changes one hash: the rest of the line and the file stay" {
    user_add alice first
    user_add bob other
    user_add carol other
    sed -i 's/^\(bob.*\)/# a good man\n\1quota=5:x/' "$home/users/passwd"
    cp "$home/users/passwd" "$BATS_TEST_TMPDIR/before"
    cp "$home/users/passwd" "$BATS_TEST_TMPDIR/before"
    run -0 pennypost user passwd BOB < <(echo second)
    [ -z "$output" ]
    run -1 diff "$BATS_TEST_TMPDIR/before" "$home/users/passwd"
    [[ $output =~ ^4c4[[:space:]]'< bob@example.org:{SCRAM-SHA-256}'[^:]*:quota=5:x[[:space:]]---[[:space:]]'> bob@example.org:{SCRAM-SHA-256}'[^:]*:quota=5:x$ ]]
    checks second bob@example.org
    run ! checks other bob@example.org
    checks first alice@example.org
    sed -i 's/^alice@example.org:/&!/' "$home/users/passwd" # locked out
    run ! checks first alice@example.org
    refused "there is no user dora@example.org" user passwd dora
}

@test "the password is the first line, whatever bytes it holds" {
    for password in 'with  two spaces ' 'back\slash\n' '$HOME' '%s%n' "quote'\"" '-n' 'Grüße ÁÈ 用户' '*'; do
        pennypost user del alice >/dev/null 2>&1 || true
        printf '%s\nsecond line\n' "$password" | pennypost user add alice
        checks "$password" alice@example.org
    done
    printf 'no newline' | pennypost user add bob
    checks 'no newline' bob@example.org
}

@test "the password is in no argument list and no environment, of any program" {
    command -v strace || skip "needs strace"
    echo Xyzzy >"$BATS_TEST_TMPDIR/password"
    password=exported hash=exported strace -f -v -s 9999 -e trace=execve -o "$BATS_TEST_TMPDIR/trace" \
        "$script" user add alice <"$BATS_TEST_TMPDIR/password"
    grep -q 'execve("[^"]*/auth", \["[^"]*/auth", "-H"\], \[.*PENNYPOST_HOME' "$BATS_TEST_TMPDIR/trace" # it sees both
    run ! grep -F 'Xyzzy' "$BATS_TEST_TMPDIR/trace"
    run ! grep -F 'SCRAM-SHA-256}' "$BATS_TEST_TMPDIR/trace"
}

@test "a senseless hash is refused" {
    mkdir "$BATS_TEST_TMPDIR/fake"
    export PENNYPOST_PROGRAMS=$BATS_TEST_TMPDIR/fake
    for answer in 'true' 'echo plain' "printf '\$6\$a:b'" "printf '\$6\$a\n\$6\$b'" 'echo "\$6\$x"; exit 1' "echo '\$6\$'" "echo '{SCRAM-SHA-256}10,a'" "echo '{SCRAM-SHA-256}10,a:b,c,d'"; do
        printf '#!/bin/sh\n%s\n' "$answer" >"$BATS_TEST_TMPDIR/fake/auth"
        chmod +x "$BATS_TEST_TMPDIR/fake/auth"
        run -1 user_add alice
        [ "$(grep -c @ "$home/users/passwd")" = 0 ]
    done
}

terminal_need() {
    script -qec true /dev/null >/dev/null 2>&1 || skip "no terminals (/dev/pts) here"
}

# bash closes its ends when the process is gone: keep our own.
follow() {
    pid=$TTY_PID out=$BATS_TEST_TMPDIR/out
    exec 7<&"${TTY[0]}" 8>&"${TTY[1]}"
    : >"$out"
}

# until_says WORDS: reads the terminal's side up to them, into $out
until_says() {
    local c
    until grep -q "$1" "$out"; do
        IFS= read -r -n 1 -d '' -t 20 c <&7 || return
        printf %s "$c" >>"$out"
    done
}

@test "a terminal shows no password, asks twice, and is as before" {
    terminal_need
    coproc TTY { exec script -qec "'$script' user add alice; stty -a" /dev/null 2>&1; }
    follow
    until_says 'Password for alice@example.org: '
    echo Xyzzy >&8
    until_says 'Once more: '
    echo Xyzzy >&8
    until_says ' echo '
    run ! grep Xyzzy "$out"
    wait "$pid" || [ $? = 1 ]
    checks Xyzzy alice@example.org
}

@test "a terminal: two different passwords are refused" {
    terminal_need
    coproc TTY { exec script -qec "'$script' user add alice" /dev/null 2>&1; }
    follow
    until_says 'Password for alice@example.org: '
    echo one >&8
    until_says 'Once more: '
    echo two >&8
    until_says 'the two are not the same'
    wait "$pid" || [ $? = 1 ]
    [ -z "$(pennypost user list)" ]
}

@test "user del: no line, no mailbox, the mail kept" {
    user_add alice
    user_add bob
    echo mail >"$home/spool/mail/example.org/bob/new/1"
    run -0 pennypost user del Bob
    kept=$(echo "$home"/spool/mail/example.org/.deleted-bob-*)
    [ "$output" = "the mail of bob@example.org is kept in $kept" ]
    [ "$(cat "$kept/new/1")" = mail ]
    [ ! -e "$home/spool/mail/example.org/bob" ]
    [ "$(pennypost user list)" = alice@example.org ]
    refused "there is no user bob@example.org" user del bob
    user_add bob
    run -0 pennypost user del bob
    [ "$(find "$home/spool/mail/example.org" -name '.deleted-bob-*' | wc -l)" = 2 ]
    run -0 pennypost user del alice
    [ "${lines[1]}" = "pennypost: note: the alias postmaster still names alice@example.org" ]
}

# --- alias ---

@test "alias add, list, del" {
    : >"$home/users/aliases"
    run -0 pennypost alias add Info alice bob@elsewhere.net
    run -0 pennypost alias add info 'carol+x@elsewhere.net'
    run -0 pennypost alias add sales@example.org :include:/etc/sales /var/mail/sales /var/mail/sales.d/
    run -0 pennypost alias add @example.org info
    run -0 pennypost alias add info+urgent alice+urgent
    [ -z "$output" ]
    run -0 pennypost alias list
    diff -u - <(echo "$output") <<'EOF'
info: alice, bob@elsewhere.net, carol+x@elsewhere.net
sales@example.org: :include:/etc/sales, /var/mail/sales, /var/mail/sales.d/
@example.org: info
info+urgent: alice+urgent
EOF
    run -0 pennypost alias add info alice
    [ "$output" = "pennypost: note: nothing to do: info has it already" ]
    run -0 pennypost alias del INFO alice
    run -0 pennypost alias del @example.org info
    run -0 pennypost alias del sales@example.org
    run -0 pennypost alias list
    [ "$output" = $'info: bob@elsewhere.net, carol+x@elsewhere.net\ninfo+urgent: alice+urgent' ]
    refused "there is no alias sales@example.org" alias del sales@example.org
    refused "info has no target alice" alias del info alice
    refused "info has no target a b" alias del info 'a b'
}

@test "alias add of a command: quoted, off until the configuration says so" {
    run -0 pennypost alias add robot '|/usr/bin/robot --to a,b'
    [ "$output" = "pennypost: note: commands do not run until pennypost.conf says: alias_pipes yes" ]
    echo 'alias_pipes yes' >>"$home/pennypost.conf"
    run -0 pennypost alias add robot '|/usr/bin/other' '/var/mail/with space'
    [ -z "$output" ]
    run -0 grep '^robot' "$home/users/aliases"
    [ "$output" = 'robot: "|/usr/bin/robot --to a,b", |/usr/bin/other, "/var/mail/with space"' ]
    run -0 pennypost alias del robot '|/usr/bin/robot --to a,b'
    run -0 pennypost alias del robot '/var/mail/with space'
    run -0 grep '^robot' "$home/users/aliases"
    [ "$output" = 'robot: |/usr/bin/other' ]
}

@test "alias add refuses what no alias can be" {
    for key in '' +x .x 'a b' 'a,b' 'a:b' '#a' '|x' a/b $'a\nb: c' 'a"b' $'a\tb'; do
        refused "$key: no alias can have this name" alias add "$key" alice
    done
    refused "other.org is not one of our domains; first: pennypost domain add other.org" alias add x@other.org alice
    refused "other.org is not one of our domains; first: pennypost domain add other.org" alias add @other.org alice
    for target in 'a b' '#a' ':include:x' ':fail:' '/' 'a;b' 'a(b)' '<a@b.org>' 'a:b' 'a,b'; do
        refused "$target is not an alias target" alias add info "$target"
    done
    for target in 'a"b' 'a\b' $'a\nroot: b' $'a\r' $'|x\ny'; do
        refused "$target: write such a target into users/aliases by hand" alias add info "$target"
    done
    refused "a@b_c is not an address" alias add info a@b_c
    refused "a@ is not a local name" alias add info a@
    refused "@b.org is not a local name" alias add info @b.org
    refused " is not a local name" alias add info ''
    refused "a b is not an alias target" alias add info alice 'a b'
}

@test "edits of an entry leave comments, order and all other lines alone" {
    cat >"$home/users/aliases" <<'EOF'
# Our aliases
  # (indented, still a comment)
Root:	postmaster

info: alice,
	bob,
# carol left in May
   carol@elsewhere.net
"staff" : info
list: :include:/etc/list # not a comment
empty:
# the end, without a newline
EOF
    truncate -s -1 "$home/users/aliases"
    pennypost alias add info dora
    pennypost alias add staff erik
    pennypost alias add empty alice
    pennypost alias add new alice
    pennypost alias del info BOB && false
    pennypost alias del info bob
    same "$home/users/aliases" <<'EOF'
# Our aliases
  # (indented, still a comment)
Root:	postmaster

info: alice,
# carol left in May
   carol@elsewhere.net, dora
"staff" : info, erik
list: :include:/etc/list # not a comment
empty: alice
# the end, without a newline
new: alice
EOF
    pennypost alias del info
    pennypost alias del root
    pennypost alias del staff
    same "$home/users/aliases" <<'EOF'
# Our aliases
  # (indented, still a comment)

# carol left in May
list: :include:/etc/list # not a comment
empty: alice
# the end, without a newline
new: alice
EOF
}

# --- how files are changed ---

@test "an edit keeps mode, owner and symbolic link, and leaves no other file" {
    chmod 640 "$home/users/aliases"
    [ "$(id -u)" != 0 ] || chown 12345:54321 "$home/users/aliases"
    mv "$home/users/domains" "$BATS_TEST_TMPDIR/domains"
    ln -s "$BATS_TEST_TMPDIR/domains" "$home/users/domains"
    owner=$(stat -c '%a %u:%g' "$home/users/aliases")
    pennypost alias add info alice
    pennypost domain add b.org
    [ "$(stat -c '%a %u:%g' "$home/users/aliases")" = "$owner" ]
    [ -L "$home/users/domains" ]
    same "$BATS_TEST_TMPDIR/domains" <<<$'example.org\nb.org'
    [ "$(ls -A "$home/users")" = $'.lock\naliases\ndomains\npasswd' ]
}

@test "an edit is on disk when it is done: file, name, directory, in this order" {
    command -v strace || skip "needs strace"
    user_add alice
    strace -f -y -e trace=fsync,fdatasync,rename,renameat,renameat2 -o "$BATS_TEST_TMPDIR/trace" \
        "$script" user passwd alice <<<second
    run -0 sed -n "s|$home/||g; s/^[0-9]* *//; s/.*\(fsync\|rename\)[a-z0-9]*(.*users\/passwd.new.* = 0$/\1 new/p
        s/fsync([0-9]*<users>) .*/fsync users/p" "$BATS_TEST_TMPDIR/trace"
    [ "$output" = $'fsync new\nrename new\nfsync users' ]
}

# The directory of a test is closed to other users: a home beside it, for 65534.
open_home() {
    [ "$(id -u)" = 0 ] || skip "needs root"
    outside=$(mktemp -d)
    chmod 755 "$outside"
    mv "$home" "$outside/home"
    home=$outside/home PENNYPOST_HOME=$outside/home
    as_other test -x "$script" -a -x "$PENNYPOST_PROGRAMS/auth" || skip "user 65534 cannot reach the checkout"
}

as_other() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }

teardown() {
    [ -z "${outside-}" ] || rm -rf "$outside"
    [ -z "${server-}" ] || kill "$server" || true
}

@test "root makes the mail user's files as the mail user" {
    open_home
    chown -R 65534:65534 "$home"
    user_add alice
    pennypost domain add b.org
    [ -z "$(find "$home" ! -uid 65534 -o ! -gid 65534)" ]
    checks_ok
    # What a taken-over mail user may try on root: a link to a file of root's.
    (umask 077 && echo '# root' >"$outside/rootfile")
    rm "$home/users/aliases" && ln -s "$outside/rootfile" "$home/users/aliases"
    run -1 pennypost alias add info alice
    same "$outside/rootfile" <<<'# root'
}

@test "many at once: nothing is lost, nothing is doubled" {
    for i in {1..12}; do
        user_add "user$i" >/dev/null &
        pennypost alias add everybody "user$i" &
        pennypost domain add "d$i.org" &
    done
    wait
    [ "$(pennypost user list | sort | uniq | wc -l)" = 12 ]
    [ "$(pennypost user list | wc -l)" = 12 ]
    [ "$(pennypost domain list | sort -u | wc -l)" = 13 ]
    [ "$(pennypost alias list | sed -n 's/^everybody: //p' | tr -d ' ' | tr , '\n' | sort -u | wc -l)" = 12 ]
    [ "$(pennypost alias list | grep -c '^postmaster: ')" = 1 ]
}

@test "two at once with the same name: one wins" {
    for i in {1..8}; do user_add same 2>/dev/null & done >"$BATS_TEST_TMPDIR/out"
    wait
    [ "$(pennypost user list)" = same@example.org ]
}

# each_command HOW: puts a shim before every command that an edit runs; the
# $AT-th does HOW instead of its work.
each_command() {
    mkdir -p "$BATS_TEST_TMPDIR/shim"
    cat >"$BATS_TEST_TMPDIR/shim/shim" <<EOF
#!/bin/sh
n=\$(flock 8; echo >&8; wc -l <"$BATS_TEST_TMPDIR/count") 8>>"$BATS_TEST_TMPDIR/count"
[ "\$n" != "\$AT" ] || { $1; }
PATH=\${PATH#*:} exec "\${0##*/}" "\$@"
EOF
    chmod +x "$BATS_TEST_TMPDIR/shim/shim"
    for command in awk chmod chown sync mv rm mkdir grep; do
        ln -sf shim "$BATS_TEST_TMPDIR/shim/$command"
    done
}

# at N COMMAND...: in a session of its own, for the shim to kill whole
at() {
    : >"$BATS_TEST_TMPDIR/count"
    AT=$1 PATH=$BATS_TEST_TMPDIR/shim:$PATH setsid -w "$script" "${@:2}"
}

@test "killed at any command: the file is the old one or the new one, and not locked" {
    user_add alice first
    user_add bob
    printf '# the end\n' >>"$home/users/passwd"
    others=$(grep -v ^alice "$home/users/passwd")
    old=$(grep ^alice "$home/users/passwd")
    each_command 'kill -KILL 0'
    kills=0
    for ((n = 1; n < 99; n++)); do
        status=0
        at $n user passwd alice <<<"password$n" || status=$?
        [ "$(grep -v ^alice "$home/users/passwd")" = "$others" ]
        now=$(grep ^alice "$home/users/passwd")
        [ "$(stat -c %a "$home/users/passwd")" = 600 ]
        [[ $now == 'alice@example.org:{SCRAM-SHA-256}'*: ]]
        if [ $status = 0 ]; then break; fi
        [ $status = 137 ]
        kills=$((kills + 1))
        if [ "$now" = "$old" ]; then continue; fi
        old=$now
        checks "password$n" alice@example.org
    done
    [ $status = 0 ]
    [ $kills -gt 5 ]
    checks "password$n" alice@example.org
    [ "$(ls -A "$home/users")" = $'.lock\naliases\ndomains\npasswd' ]
}

@test "killed at any command, user add can be done again" {
    each_command 'kill -KILL 0'
    user_add root
    for ((n = 1; n < 99; n++)); do
        status=0
        at $n user add "user$n" <<<secret || status=$?
        [ $status != 0 ] || break
        [ $status = 137 ]
        pennypost user list | grep -q "^user$n@" || user_add "user$n"
        [ -d "$home/spool/mail/example.org/user$n/cur" ]
    done
    [ $status = 0 ]
    [ "$(pennypost user list | wc -l)" = $((n + 1)) ]
}

@test "any command of an edit that fails: said and nothing changed, or it did not matter" {
    each_command 'echo broken >&2; exit 2'
    cp "$home/users/domains" "$BATS_TEST_TMPDIR/before"
    failures=0
    for ((n = 1; n < 99; n++)); do
        run at $n domain add b.org
        [ "$(wc -l <"$BATS_TEST_TMPDIR/count")" -ge $n ] || break
        [ "$(ls -A "$home/users")" = $'.lock\naliases\ndomains\npasswd' ] # no .new
        if [ "$status" = 0 ] || [[ $output == *"is changed, but may not survive a power cut" ]]; then
            same "$home/users/domains" <<<$'example.org\nb.org'
            cp "$BATS_TEST_TMPDIR/before" "$home/users/domains"
        else
            [ "$status" != 0 ]
            cmp "$BATS_TEST_TMPDIR/before" "$home/users/domains"
            failures=$((failures + 1))
        fi
    done
    [ $failures -ge 5 ]
}

@test "a full disk: said, and the file is as it was" {
    cp "$home/users/aliases" "$BATS_TEST_TMPDIR/before"
    run -1 bash -c "ulimit -f 0; exec '$script' alias add info alice"
    [[ $output == *"users/aliases could not be changed: it is as it was" ]]
    cmp "$BATS_TEST_TMPDIR/before" "$home/users/aliases"
    [ ! -e "$home/users/aliases.new" ]
}

# --- tls ---

pem() { openssl x509 -in "$home/users/tls/$1/fullchain.pem" -noout "${@:2}"; }

# The certificate that NAME shows belongs to the key beside it.
pair_is_good() {
    local dir
    dir=$(readlink -f "$home/users/tls/$1")
    diff <(openssl x509 -in "$dir/fullchain.pem" -noout -pubkey) <(openssl pkey -in "$dir/privkey.pem" -pubout)
}

# cert_make DIR NAME START END: signed by an authority of the test's.
cert_make() {
    local ca=$BATS_TEST_TMPDIR/ca
    mkdir -p "$1" "$ca"
    if [ ! -e "$ca/key" ]; then
        : >"$ca/index"
        echo 01 >"$ca/serial"
        openssl req -x509 -newkey rsa:2048 -nodes -keyout "$ca/key" -out "$ca/pem" -subj "/O=Test's/CN=authority" 2>/dev/null
    fi
    cat >"$ca/conf" <<EOF
[ca]
default_ca = c
[c]
database = $ca/index
serial = $ca/serial
new_certs_dir = $ca
default_md = sha256
policy = p
unique_subject = no
x509_extensions = e
[p]
commonName = supplied
[e]
subjectAltName = DNS:$2
[req]
distinguished_name = n
[n]
EOF
    openssl req -config "$ca/conf" -new -newkey rsa:2048 -nodes -keyout "$1/privkey.pem" -subj "/CN=x" -out "$ca/csr" 2>/dev/null
    openssl ca -config "$ca/conf" -batch -notext -cert "$ca/pem" -keyfile "$ca/key" -in "$ca/csr" -out "$1/fullchain.pem" \
        -startdate "$3" -enddate "$4" 2>/dev/null
    cat "$ca/pem" >>"$1/fullchain.pem"
}

@test "tls self-signed: a key for the owner alone, a certificate that a client can trust" {
    run -0 pennypost tls self-signed
    [ -z "$output" ]
    dir=$home/users/tls/mail.example.org
    [ "$(stat -L -c '%a %F' "$dir" "$dir/fullchain.pem" "$dir/privkey.pem")" = \
        $'755 directory\n644 regular file\n600 regular file' ]
    [ "$(ls "$dir/")" = $'fullchain.pem\nprivkey.pem' ]
    openssl pkey -in "$dir/privkey.pem" -noout -text | grep -q 'NIST CURVE: P-256'
    openssl verify -CAfile "$dir/fullchain.pem" -purpose sslserver -verify_hostname mail.example.org "$dir/fullchain.pem"
    run ! openssl verify -CAfile "$dir/fullchain.pem" -verify_hostname example.org "$dir/fullchain.pem"
    pem mail.example.org -ext basicConstraints | grep -q CA:FALSE # a server, no authority
    pem mail.example.org -checkend $((824 * 86400))
    run -1 pem mail.example.org -checkend $((826 * 86400))
    pair_is_good mail.example.org
    run -0 pennypost tls self-signed Other.example.org localhost 192.0.2.7 2001:db8::7
    openssl verify -CAfile "$home/users/tls/other.example.org/fullchain.pem" -verify_ip 192.0.2.7 \
        "$home/users/tls/other.example.org/fullchain.pem"
    pem other.example.org -ext subjectAltName | grep -q \
        'DNS:other.example.org, DNS:localhost, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7'
    run -0 pennypost tls self-signed _.example.net
    openssl verify -CAfile "$home/users/tls/_.example.net/fullchain.pem" -verify_hostname any.example.net \
        "$home/users/tls/_.example.net/fullchain.pem"
    name=$(printf '%060d.' 1 2 3 | tr 0-9 a)example.org # longer than a common name may be
    run -0 pennypost tls self-signed "$name"
    openssl verify -CAfile "$home/users/tls/$name/fullchain.pem" -verify_hostname "$name" "$home/users/tls/$name/fullchain.pem"
}

@test "tls self-signed again: another pair; not in place of what somebody signed" {
    pennypost tls self-signed
    first=$(pem mail.example.org -serial)
    pennypost tls self-signed
    second=$(pem mail.example.org -serial)
    [ "$first" != "$second" ]
    pennypost tls self-signed
    # The one before is still there, for who is just reading it; no older one.
    [ "$(find "$home/users/tls" -mindepth 1 -type d | wc -l)" = 2 ]
    run -0 find "$home/users/tls" -name fullchain.pem -exec openssl x509 -noout -serial -in {} ';'
    grep -qx "$second" <<<"$output"
    cert_make "$BATS_TEST_TMPDIR/new" mail.example.org 20200101000000Z 20990101000000Z
    pennypost tls install mail.example.org "$BATS_TEST_TMPDIR/new"/{fullchain,privkey}.pem
    refused "mail.example.org has a certificate that somebody else signed; to give it up: rm -r $home/users/tls/mail.example.org" \
        tls self-signed
    refused "a_b is not a host name" tls self-signed a_b
    refused "../x is not a host name" tls self-signed ../x
    refused $'a.org\nx is neither a name nor an address' tls self-signed b.org $'a.org\nx'
    refused "a.org,IP:1.2.3.4 is neither a name nor an address" tls self-signed b.org a.org,IP:1.2.3.4
}

@test "tls install: as certbot's hook, again and again" {
    live=$BATS_TEST_TMPDIR/live/mail.example.org
    for n in 1 2 3; do
        cert_make "$live" mail.example.org 20200101000000Z 20990101000000Z
        run -0 pennypost tls install mail.example.org "$live/fullchain.pem" "$live/privkey.pem"
        [ -z "$output" ]
        cmp "$live/fullchain.pem" "$home/users/tls/mail.example.org/fullchain.pem" # the chain, too
        cmp "$live/privkey.pem" "$home/users/tls/mail.example.org/privkey.pem"
        [ "$(stat -L -c %a "$home/users/tls/mail.example.org/privkey.pem")" = 600 ]
    done
    [ "$(find "$home/users/tls" -mindepth 1 -type d | wc -l)" = 2 ]
    # In place of what somebody has put there by hand: a directory, a link.
    rm -r "$home/users/tls"
    cp -r "$live" "$BATS_TEST_TMPDIR/hand"
    mkdir "$home/users/tls"
    cp -r "$live" "$home/users/tls/mail.example.org"
    cert_make "$live" mail.example.org 20200101000000Z 20990101000000Z
    pennypost tls install mail.example.org "$live/fullchain.pem" "$live/privkey.pem"
    cmp "$live/fullchain.pem" "$home/users/tls/mail.example.org/fullchain.pem"
    ln -sfn "$BATS_TEST_TMPDIR/hand" "$home/users/tls/mail.example.org"
    pennypost tls install mail.example.org "$live/fullchain.pem" "$live/privkey.pem"
    cmp "$live/fullchain.pem" "$home/users/tls/mail.example.org/fullchain.pem"
    [ -e "$BATS_TEST_TMPDIR/hand/privkey.pem" ] # not ours to delete
}

@test "tls install: the hook of the manual, as root, on certbot's files" {
    sed -n '/renewal-hooks/,/^\.Ed/p' "$BATS_TEST_DIRNAME/../man/pennypost.8" | sed -n '/^#!/,/^\.Ed/p' |
        sed "/^\.Ed/d; s/\\\\e/\\\\/; s|/usr/local/sbin/pennypost|$script|" >"$BATS_TEST_TMPDIR/hook"
    chmod +x "$BATS_TEST_TMPDIR/hook"
    open_home
    chown -R 65534:65534 "$home"
    live=$outside/live/mail.example.org
    (umask 077 && cert_make "$live" mail.example.org 20200101000000Z 20990101000000Z)
    chmod 700 "$outside/live"
    RENEWED_LINEAGE=$live RENEWED_DOMAINS=mail.example.org run -0 "$BATS_TEST_TMPDIR/hook"
    [ -z "$output" ]
    cmp "$live/privkey.pem" "$home/users/tls/mail.example.org/privkey.pem"
    [ "$(stat -L -c '%a %u' "$home/users/tls/mail.example.org/privkey.pem")" = '600 65534' ]
    [ -z "$(find "$home/users/tls" ! -user 65534)" ]
    # The mail user is led nowhere, and leads root nowhere.
    run -1 as_other "$script" tls install mail.example.org "$live/fullchain.pem" "$live/privkey.pem"
    rm -r "$home/users/tls"
    ln -s "$outside/live" "$home/users/tls"
    run -1 "$script" tls install mail.example.org "$live/fullchain.pem" "$live/privkey.pem"
    [ "$(ls -A "$outside/live")" = mail.example.org ]
}

@test "tls install refuses what no client would take, and changes nothing" {
    cert_make "$BATS_TEST_TMPDIR/good" mail.example.org 20200101000000Z 20990101000000Z
    cert_make "$BATS_TEST_TMPDIR/old" mail.example.org 20200101000000Z 20210101000000Z
    cert_make "$BATS_TEST_TMPDIR/early" mail.example.org 20980101000000Z 20990101000000Z
    cert_make "$BATS_TEST_TMPDIR/other" other.example.org 20200101000000Z 20990101000000Z
    cert_make "$BATS_TEST_TMPDIR/wild" '*.example.org' 20200101000000Z 20990101000000Z
    cd "$BATS_TEST_TMPDIR"
    openssl pkey -in good/privkey.pem -aes128 -passout pass:secret -out good/locked.pem
    pennypost tls install mail.example.org good/{fullchain,privkey}.pem
    refused "nothing is changed: expired on 2021-01-01" tls install mail.example.org old/{fullchain,privkey}.pem
    refused "nothing is changed: valid only from 2098-01-01 on" tls install mail.example.org early/{fullchain,privkey}.pem
    refused "nothing is changed: not good for mail.example.org: a client refuses it" \
        tls install mail.example.org other/{fullchain,privkey}.pem
    refused "nothing is changed: privkey.pem is not the key of the certificate" \
        tls install mail.example.org good/fullchain.pem other/privkey.pem
    refused "nothing is changed: privkey.pem is no key without a passphrase" \
        tls install mail.example.org good/{fullchain,locked}.pem
    refused "nothing is changed: fullchain.pem is no certificate" tls install mail.example.org good/{privkey,fullchain}.pem
    refused "cannot read nosuch and good/privkey.pem" tls install mail.example.org nosuch good/privkey.pem
    refused "cannot read good and good/privkey.pem" tls install mail.example.org good good/privkey.pem
    pennypost tls install mail.example.org wild/{fullchain,privkey}.pem
    pennypost tls install _.example.org wild/{fullchain,privkey}.pem
    refused "nothing is changed: not good for _.example.org: a client refuses it" \
        tls install _.example.org good/{fullchain,privkey}.pem
    for arguments in 'install' 'install a' 'install a b' 'install a b c d' 'list x' 'frob' ''; do
        # shellcheck disable=SC2086 # words
        run -64 pennypost tls $arguments
    done
}

@test "tls list" {
    run -0 pennypost tls list
    [ -z "$output" ]
    pennypost tls self-signed
    cert_make "$BATS_TEST_TMPDIR/new" b.example.org 20200101000000Z 20990101000000Z
    pennypost tls install b.example.org "$BATS_TEST_TMPDIR/new"/{fullchain,privkey}.pem
    mkdir "$home/users/tls/broken"
    touch "$home/users/tls/clients.pem"
    run -0 pennypost tls list
    diff - <(echo "$output") <<EOF
b.example.org	2099-01-01	CN=authority,O=Test's
broken	-	no certificate that can be read
mail.example.org	$(date -u -d "$(pem mail.example.org -enddate | cut -d= -f2)" +%F)	self-signed
EOF
}

@test "tls, killed at any command: there is a pair, and it can be done again" {
    pennypost tls self-signed
    each_command 'kill -KILL 0'
    for command in openssl ln mktemp cat; do ln -sf shim "$BATS_TEST_TMPDIR/shim/$command"; done
    cert_make "$BATS_TEST_TMPDIR/new" mail.example.org 20200101000000Z 20990101000000Z
    for ((n = 1; n < 99; n++)); do
        status=0
        at $n tls install mail.example.org "$BATS_TEST_TMPDIR/new"/{fullchain,privkey}.pem || status=$?
        pair_is_good mail.example.org
        [ "$status" != 0 ] || break
        [ "$status" = 137 ]
    done
    [ "$status" = 0 ]
    [ "$n" -gt 15 ]
    pennypost tls install mail.example.org "$BATS_TEST_TMPDIR/new"/{fullchain,privkey}.pem
    [ "$(find "$home/users/tls" -mindepth 1 | grep -vc '/\(fullchain\|privkey\).pem$')" = 3 ] # the link, two pairs
}

@test "tls, any command that fails: said, and the pair is the old one; or it did not matter" {
    cert_make "$BATS_TEST_TMPDIR/new" mail.example.org 20200101000000Z 20990101000000Z
    pennypost tls self-signed
    old=$(pem mail.example.org -serial)
    each_command 'echo broken >&2; exit 2'
    for command in openssl ln mktemp cat; do ln -sf shim "$BATS_TEST_TMPDIR/shim/$command"; done
    failures=0
    for ((n = 1; n < 99; n++)); do
        run at $n tls install mail.example.org "$BATS_TEST_TMPDIR/new"/{fullchain,privkey}.pem
        [ "$(wc -l <"$BATS_TEST_TMPDIR/count")" -ge $n ] || break
        pair_is_good mail.example.org
        if [ "$status" = 0 ] || [[ $output == *"is changed, but may not survive a power cut" ]]; then
            [ "$(pem mail.example.org -serial)" != "$old" ]
            rm -r "$home/users/tls"
            pennypost tls self-signed
            old=$(pem mail.example.org -serial)
        else
            [ "$(pem mail.example.org -serial)" = "$old" ]
            [ -n "$output" ]
            failures=$((failures + 1))
        fi
    done
    [ "$failures" -ge 10 ]
}

@test "tls: while it changes, who opens the directory finds a pair" {
    pennypost tls self-signed
    cat >"$BATS_TEST_TMPDIR/reader.py" <<'EOF'
import os, ssl, sys
while not os.path.exists(sys.argv[2]):
    d = os.open(sys.argv[1], os.O_RDONLY)
    names = ["/proc/self/fd/%d/%s" % (d, f) for f in ("fullchain.pem", "privkey.pem")]
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*names) # compares them
    os.close(d)
    print(flush=True)
EOF
    read=$BATS_TEST_TMPDIR/read
    timeout 300 python3 "$BATS_TEST_TMPDIR/reader.py" "$home/users/tls/mail.example.org" \
        "$BATS_TEST_TMPDIR/enough" >"$read" &
    for _ in {1..20}; do
        pennypost tls self-signed
        # What it has opened is there for one change more, not for two.
        n=$(wc -l <"$read")
        while [ "$(wc -l <"$read")" = "$n" ]; do
            kill -0 $!
            sleep 0.01
        done
    done
    touch "$BATS_TEST_TMPDIR/enough"
    wait $!
    [ "$(wc -l <"$read")" -gt 20 ]
}

# --- check ---

# What depends on the machine and not on the home.
machine='^[a-z]* tls\|^[a-z]* users/tls\|^[a-z]* queue-run\|^[a-z]* sendmail\|^warn dns'

checks_ok() {
    run -0 pennypost check
    [ "$(grep -vc "^ok\|$machine" <<<"$output")" = 0 ] || { echo "$output"; false; }
}

# finds LINE: check says exactly this line, and fails
finds() {
    run -1 pennypost check
    grep -Fqx -e "$1" <<<"$output" || { echo "$output"; false; }
    [ "$(grep -c '^bad' <<<"$output")" = "${2-1}" ] || { echo "$output"; false; }
}

@test "check of a new home with a user: all is well" {
    user_add alice
    checks_ok
    diff -u - <(grep -v "$machine" <<<"$output") <<'EOF'
ok pennypost.conf
ok users/smarthost
ok users/srs-secret
ok users/domains
ok users/passwd
ok users/aliases
ok mailboxes
ok spool
ok queue
ok programs
ok confinement
EOF
}

@test "check: pennypost.conf" {
    user_add alice
    mv "$home/pennypost.conf" "$home/saved"
    finds 'bad pennypost.conf: missing or closed; pennypost init makes a missing one'
    printf '# mine\nhost a.org\nhots b.org\n%s\n' "$closed" >"$home/pennypost.conf"
    finds 'bad pennypost.conf:3: hots: unknown key'
    printf 'host a.org\nalias_pipes maybe\n%s\n' "$closed" >"$home/pennypost.conf"
    finds 'bad pennypost.conf:2: alias_pipes: neither yes nor no'
    printf '# host\n%s\n' "$closed" >"$home/pennypost.conf"
    finds 'bad pennypost.conf: no host line'
    printf 'host a.org\nauth /nonexistent x\n%s\n' "$closed" >"$home/pennypost.conf"
    finds 'bad pennypost.conf: auth: no program /nonexistent'
    mv "$home/saved" "$home/pennypost.conf"
    checks_ok
}

# Each key's senseless values, as every program says it before it does anything.
@test "check: pennypost.conf, each wrong value with its line" {
    user_add alice
    cat >"$BATS_TEST_TMPDIR/wrong" <<'EOF'
route example.net: not DOMAIN HOST[:PORT]
route example.net a b: not DOMAIN HOST[:PORT]
route example.net mail.example.net:0: not HOST[:PORT]
route example.net mail.example.net:65536: not HOST[:PORT]
route example.net mail.example.net:smtp: not HOST[:PORT]
route example.net mail.example.net:: not HOST[:PORT]
route example.net :25: not HOST[:PORT]
route example.net [2001:db8::1: not HOST[:PORT]
route example.net [2001:db8::1]25: not HOST[:PORT]
route example.net mail::25: not HOST[:PORT]
route example.net mail:25:25: not HOST[:PORT]
route example.net a/b: not HOST[:PORT]
route example.net .b: not HOST[:PORT]
route user@example.net mail: not DOMAIN HOST[:PORT]
route example..net mail: not DOMAIN HOST[:PORT]
smarthost a b: not HOST[:PORT]
smarthost a:x: not HOST[:PORT]
smarthost []: not HOST[:PORT]
resolver localhost: not ADDRESS[:PORT]
resolver 192.0.2.1:0: not ADDRESS[:PORT]
resolver 192.0.2.0/24: not ADDRESS[:PORT]
resolver 192.0.2.1 192.0.2.2: not ADDRESS[:PORT]
submit relative/socket:x: neither /SOCKET nor HOST[:PORT]
submit 127.0.0.1:70000: neither /SOCKET nor HOST[:PORT]
tls example.net: not DOMAIN|HOST[:PORT] LEVEL [NAME]
tls example.net:x encrypt: not DOMAIN|HOST[:PORT] LEVEL [NAME]
tls example.net often: none of none, may, encrypt, verify
tls example.net may mail.example.net: a name is what verify has, and a host's
EOF
    while IFS= read -r line; do
        value=${line%: [na]*}
        printf 'host a.org\n%s\n%s\n' "$closed" "$value" >"$home/pennypost.conf"
        finds "bad pennypost.conf:3: ${value%% *}: ${line#"$value: "}"
    done <"$BATS_TEST_TMPDIR/wrong"
    for key in route smarthost resolver submit tls; do
        printf 'host a.org\n%s\n' "$key" >"$home/pennypost.conf"
        finds "bad pennypost.conf:2: $key: no value"
    done
    printf 'host a.org\nsmarthost a\n%s\nsmarthost b\n' "$closed" >"$home/pennypost.conf"
    finds 'bad pennypost.conf:4: smarthost: there is a smarthost already'
    { printf 'host a.org\n%s\n' "$closed" && seq -f 'route d%g.org h' 1001; } >"$home/pennypost.conf"
    finds 'bad pennypost.conf:1003: route: more than 1000 routes'
    sed -i '$d' "$home/pennypost.conf"
    checks_ok
    printf 'host a.org\n%s\nroute example.net h\ntls example.net verify\n' "$closed" >"$home/pennypost.conf"
    finds 'bad pennypost.conf:4: tls: mail for example.net goes to h, by line 3: name that host'
    {
        printf 'host a.org\n%s\n' "$closed"
        printf 'route %s\n' 'example.net 192.0.2.1' '.example.net mail.example.net:2525' \
            'a.example [2001:db8::1]:25' 'b.example 2001:db8::1'
        printf 'smarthost localhost:1\nsubmit /run/x\n'
        printf 'tls %s\n' 'mail.example.net:2525 verify other.example.net' '* encrypt'
    } >"$home/pennypost.conf"
    checks_ok
}

@test "check: users/smarthost" {
    user_add alice
    (umask 077 && echo user:pass:word >"$home/users/smarthost")
    run -0 pennypost check
    grep -Fqx 'warn users/smarthost: without use; pennypost.conf has no smarthost line' <<<"$output"
    echo 'smarthost 127.0.0.1:1' >>"$home/pennypost.conf"
    checks_ok
    for line in '' user : user: :pass; do
        printf '%s\n' "$line" >"$home/users/smarthost"
        finds 'bad users/smarthost: does not begin with user:password'
    done
    : >"$home/users/smarthost"
    finds 'bad users/smarthost: does not begin with user:password'
    echo user:password >"$home/users/smarthost"
    chmod 640 "$home/users/smarthost"
    finds "bad users/smarthost: open to others; chmod 600 $home/users/smarthost"
}

@test "check: users/domains" {
    user_add alice
    echo bad_name.org >>"$home/users/domains"
    pennypost alias add postmaster@example.org alice@example.org
    run -1 pennypost check
    grep -Fqx 'bad users/domains: bad_name.org is not a domain name' <<<"$output"
    echo '# none' >"$home/users/domains"
    run -1 pennypost check
    grep -Fqx 'bad users/domains: no domain, so no mail; pennypost domain add NAME' <<<"$output"
}

@test "check: users/passwd" {
    user_add alice
    hash=$(echo x | "$PENNYPOST_PROGRAMS/auth" -H)
    cp "$home/users/passwd" "$BATS_TEST_TMPDIR/good"
    line() { (cat "$BATS_TEST_TMPDIR/good" && printf '%s\n' "$1") >"$home/users/passwd"; }
    line '# a comment'
    checks_ok
    line 'alice'
    finds 'bad users/passwd:3: not address:hash:options'
    line "alice:$hash:"
    finds 'bad users/passwd:3: not address:hash:options'
    line "Alice@example.org:$hash:"
    finds 'bad users/passwd:3: alice@example.org has two lines; delete one'
    mkdir -p "$home"/spool/mail/{other.org/joe,example.org/bob}/{tmp,new,cur}
    line "joe@other.org:$hash:"
    finds 'bad users/passwd:3: joe@other.org is in no domain of users/domains'
    line "bob@example.org:secret:"
    finds 'bad users/passwd:3: no hash of a password; pennypost user passwd bob@example.org'
    for line in '{SCRAM-SHA-256}' '{SCRAM-SHA-256}10000,YQ==' '{SCRAM-SHA-256}10000,YQ==,YQ==,' '{SCRAM-SHA-1}10000,YQ==,YQ==,YQ=='; do
        line "bob@example.org:$line:"
        finds 'bad users/passwd:3: no hash of a password; pennypost user passwd bob@example.org'
    done
    line "bob@example.org:!$hash:"
    checks_ok
    line 'bob@example.org:$6$salt$hash:' # crypt(3)'s
    checks_ok
    line 'bob@example.org:{SHA512-CRYPT}$6$salt$hash:'
    checks_ok
    line 'bob@example.org:$y$j9T$abc$def:'
    run -0 pennypost check
    grep -Fqx 'unknown users/passwd:3: bob@example.org has a hash that not every libc reads' <<<"$output"
    line '#'
    chmod 640 "$home/users/passwd"
    finds "bad users/passwd: open to others; chmod 600 $home/users/passwd"
}

@test "check: users/aliases, as deliver reads it" {
    user_add alice
    pennypost domain add b.org
    checks_ok
    echo 'info: alice, nobody' >>"$home/users/aliases"
    finds 'bad users/aliases: info@example.org: no-such-user: nobody'
    echo 'info: alice, elsewhere@a.net' >"$home/users/aliases"
    finds 'bad users/aliases: nobody reads postmaster@example.org; pennypost alias add postmaster NAME' 2
    finds 'bad users/aliases: nobody reads postmaster@b.org; pennypost alias add postmaster NAME' 2
    printf 'postmaster: alice\ninfo alice\n' >"$home/users/aliases"
    finds 'bad users/aliases:2: not `name: target`'
    printf 'postmaster: alice\ninfo: alice\nINFO : alice\n' >"$home/users/aliases"
    finds 'bad users/aliases:3: a second entry for info; only the first counts'
    printf 'postmaster: alice\ninfo: :include:/nonexistent\n' >"$home/users/aliases"
    finds 'bad users/aliases: info@example.org: No such file or directory: /nonexistent'
    printf 'postmaster: alice\nroot: alice\nrobot: |/bin/true\n' >"$home/users/aliases"
    finds 'bad users/aliases: robot@example.org: pipes-are-off'
    echo 'alias_pipes yes' >>"$home/pennypost.conf"
    checks_ok
    printf 'postmaster: alice\na: b\nb: a\n' >"$home/users/aliases"
    finds 'bad users/aliases: a@example.org: no-such-user: a' 2
    printf '@b.org: nobody\npostmaster: alice\n' >"$home/users/aliases"
    finds 'bad users/aliases: no-such-user@b.org: no-such-user: nobody'
    (echo postmaster: alice; for i in {1..40}; do echo "a$i: nobody"; done) >"$home/users/aliases"
    run -1 pennypost check
    grep -Fqx 'bad users/aliases: and more; mend these first' <<<"$output"
}

@test "check: nobody reads root" {
    user_add alice
    pennypost alias del root
    run -0 pennypost check
    grep -Fqx 'warn users/aliases: nobody reads root@example.org, to whom cron writes; pennypost alias add root postmaster' <<<"$output"
    [ "$(grep -c '^bad' <<<"$output")" = 0 ]
}

@test "check: mailboxes" {
    user_add alice
    rmdir "$home/spool/mail/example.org/alice/cur"
    finds "bad spool/mail/example.org/alice/cur: missing; as the mail user: mkdir -p -m 700 $home/spool/mail/example.org/alice/cur"
    rm -r "$home/spool/mail/example.org/alice"
    run -1 pennypost check
    grep -Fqx "bad spool/mail/example.org/alice: missing; as the mail user: mkdir -p -m 700 $home/spool/mail/example.org/alice" <<<"$output"
}

@test "check: spool" {
    user_add alice
    for dir in queue hold damaged tmp; do
        chmod 750 "$home/spool/$dir"
        finds "bad spool/$dir: not the mail user's alone; chown --reference=$home $home/spool/$dir; chmod 700 $home/spool/$dir"
        chmod 700 "$home/spool/$dir"
    done
    if [ "$(id -u)" = 0 ]; then
        chown 12345 "$home/spool/hold"
        finds "bad spool/hold: not the mail user's alone; chown --reference=$home $home/spool/hold; chmod 700 $home/spool/hold"
        chown --reference="$home" "$home/spool/hold"
    fi
    rmdir "$home/spool/damaged"
    finds "bad spool/damaged: missing; as the mail user: mkdir -p -m 700 $home/spool/damaged"
    mkdir -m 700 "$home/spool/damaged"
    rmdir "$home/spool/queue"
    finds "bad spool/queue: missing; as the mail user: mkdir -p -m 700 $home/spool/queue"
    mkdir -m 700 "$home/spool/queue"
    elsewhere=$(mktemp -d -p /dev/shm)
    if [ "$(stat -c %d "$elsewhere")" != "$(stat -c %d "$home")" ]; then
        rmdir "$home/spool/hold"
        ln -s "$elsewhere" "$home/spool/hold"
        finds "bad spool/hold: not on the file system of spool/mail; files are moved between them"
    fi
    rmdir "$elsewhere"
}

@test "check: a queue that nobody runs, and a damaged file" {
    user_add alice
    touch -d '-16 min' "$home/spool/queue/old" "$home/spool/queue/older"
    touch -d '-14 min' "$home/spool/queue/new"
    touch -d '+1 hour' "$home/spool/queue/later"
    finds 'bad queue: 2 should have been tried 15 minutes ago or before; does queue-run run? Its log, and: pennypost queue retry'
    rm "$home/spool/queue"/*
    : >"$home/spool/damaged/6B02835E0A3F41C2.0"
    run -0 pennypost check
    grep -Fqx 'warn queue: 6B02835E0A3F41C2.0 is damaged and set aside; pennypost queue show 6B02835E0A3F41C2.0' <<<"$output"
    rm "$home/spool/damaged"/*
    checks_ok
}

@test "check: the name server, and who takes our mail" {
    user_add alice
    run -0 pennypost check
    grep -Fqx 'warn dns: example.org: 451 4.4.3 Cannot find the MX record of example.org now: Connection refused' <<<"$output"
    printf '%s\n' 'example.org MX 10 mail.example.org' 'mail.example.org A 203.0.113.1' >"$BATS_TEST_TMPDIR/zone"
    name_server "$BATS_TEST_TMPDIR/zone"
    run -0 pennypost check
    grep -qx 'ok dns' <<<"$output"
    # It is this host.
    printf '%s\n' 'example.org MX 10 mail.example.org' 'mail.example.org A 127.0.0.1' >"$BATS_TEST_TMPDIR/zone"
    name_server "$BATS_TEST_TMPDIR/zone"
    run -0 pennypost check
    grep -qx 'ok dns' <<<"$output"
    echo 'example.net A 203.0.113.1' >"$BATS_TEST_TMPDIR/zone"
    name_server "$BATS_TEST_TMPDIR/zone"
    run -0 pennypost check
    grep -q '^warn dns: example.org: 550 ' <<<"$output" || { echo "$output"; false; }
}

name_server() { # ZONE: it is the resolver from now on
    [ -z "${server-}" ] || kill "$server" || true
    : >"$BATS_TEST_TMPDIR/port"
    python3 "$BATS_TEST_DIRNAME/dns-server" "$1" /dev/null >"$BATS_TEST_TMPDIR/port" 3>&- &
    server=$!
    until [ -s "$BATS_TEST_TMPDIR/port" ]; do kill -0 $server; sleep 0.05; done
    sed -i "s/^resolver .*/resolver 127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")/" "$home/pennypost.conf"
}

# elsewhere COMMANDS: with /usr/sbin and what starts programs of the test's own.
elsewhere() {
    run unshare -m sh -c 'mount -t tmpfs tmpfs /usr/sbin'
    [ "$status" = 0 ] || skip "mounts are not permitted: $output"
    unshare -m bash -euc '
        for dir in /usr/sbin /etc/cron.d /etc/systemd/system /var/spool/cron; do
            [ ! -d $dir ] || mount -t tmpfs tmpfs $dir
        done
        [ ! -e /etc/crontab ] || mount --bind /dev/null /etc/crontab
        mkdir -p /etc/cron.d /etc/systemd/system/timers.target.wants
        script=$0 programs=$1
        '"$1" "$script" "$programs"
}

@test "check: who starts queue-run" {
    user_add alice
    none='warn queue-run: neither cron nor a timer starts it: what cannot be sent at once waits; see pennypost(7)'
    elsewhere '
        $script check
        echo "# * * * * * root /usr/libexec/queue-run" >/etc/cron.d/other
        echo ---
        $script check
        echo "*/5 * * * * root /usr/libexec/queue-run" >/etc/cron.d/pennypost
        echo --- cron
        $script check
        rm /etc/cron.d/*
        : >/etc/systemd/system/timers.target.wants/pennypost-queue.timer
        echo --- timer
        $script check
        rm /etc/systemd/system/timers.target.wants/*
        echo ---
        $script check' >"$BATS_TEST_TMPDIR/said"
    run -0 grep -e 'queue-run' -e '---' "$BATS_TEST_TMPDIR/said"
    diff -u - <(echo "$output") <<EOF
$none
---
$none
--- cron
ok queue-run
--- timer
ok queue-run
---
$none
EOF
}

@test "check: whose sendmail is called" {
    user_add alice
    elsewhere '
        $script check
        cp /bin/true /usr/sbin/sendmail
        echo ---
        $script check
        ln -sf $programs/sendmail /usr/sbin/sendmail
        echo --- ours
        $script check' >"$BATS_TEST_TMPDIR/said"
    run -0 grep -e '/usr/sbin/sendmail' -e '---' "$BATS_TEST_TMPDIR/said"
    diff -u - <(echo "$output") <<EOF
warn sendmail: no /usr/sbin/sendmail: programs cannot send; see pennypost(7)
---
warn sendmail: /usr/sbin/sendmail is not ours: what programs send goes elsewhere; see pennypost(7)
--- ours
EOF
}

@test "check: what every user's sendmail reads" {
    user_add alice
    for value in . users pennypost.conf users/domains; do
        mode=$(stat -c %a "$home/$value")
        chmod o= "$home/$value"
        run -0 pennypost check
        grep -Fqx "warn sendmail: no other user's works: chmod o+rX $home/$value" <<<"$output"
        chmod "$mode" "$home/$value"
    done
    run -0 pennypost check
    run -1 grep "no other user's works" <<<"$output"
}

@test "check: users/srs-secret" {
    user_add alice
    (umask 077 && echo secret >"$home/users/srs-secret")
    checks_ok
    chmod 644 "$home/users/srs-secret"
    finds "bad users/srs-secret: open to others; chmod 600 $home/users/srs-secret"
}

@test "check: programs" {
    user_add alice
    mkdir "$BATS_TEST_TMPDIR/programs"
    for program in listen smtpd mysmtpd deliver pop3d imapd auth queue-run \
        smtp-send sendmail import export; do
        ln -s "$PENNYPOST_PROGRAMS/$program" "$BATS_TEST_TMPDIR/programs/$program"
    done
    cd "$BATS_TEST_TMPDIR/programs"
    export PENNYPOST_PROGRAMS=$BATS_TEST_TMPDIR/programs
    rm pop3d listen
    finds "bad pop3d: not in $PENNYPOST_PROGRAMS; make, or make install" 2
    finds "bad listen: not in $PENNYPOST_PROGRAMS; make, or make install" 2
    ln -s "$programs/listen" listen
    printf '#!/nonexistent\n' >pop3d
    chmod +x pop3d
    run -1 pennypost check
    grep -q '^bad pop3d: does not run: .' <<<"$output"
    rm smtpd deliver
    run -1 pennypost check
    grep -Fqx "unknown pennypost.conf: smtpd, which reads it, is not in $PENNYPOST_PROGRAMS" <<<"$output"
    grep -Fqx "unknown users/aliases: deliver, which reads it, is not in $PENNYPOST_PROGRAMS" <<<"$output"
}

# With a helper, if there is none.
helper_have() {
    mkdir "$BATS_TEST_TMPDIR/programs"
    ln -s "$programs"/* "$BATS_TEST_TMPDIR/programs"
    export PENNYPOST_PROGRAMS=$BATS_TEST_TMPDIR/programs
    [ -x "$programs/tls" ] || ln -s /bin/true "$PENNYPOST_PROGRAMS/tls"
}

# warns LINE: check says exactly this line, and does not fail
warns() {
    run -0 pennypost check
    grep -Fqx -e "$1" <<<"$output" || { echo "$output"; false; }
}

@test "check: tls, and users/tls" {
    user_add alice
    helper_have
    dir=$home/users/tls/mail.example.org
    none='warn users/tls: no certificate for mail.example.org, so no TLS, and passwords from this machine only'
    none="$none; pennypost tls self-signed, or install"
    warns "$none"
    pennypost tls self-signed other.example.org
    warns "$none"
    pennypost tls self-signed
    warns 'ok users/tls'
    warns 'ok tls'
    chmod 640 "$dir/privkey.pem" # a group of Debian's, ssl-cert
    warns 'ok users/tls'
    chmod 604 "$dir/privkey.pem"
    finds "bad users/tls/mail.example.org: the key is open to others; chmod 600 $dir/privkey.pem"
    chmod 600 "$dir/privkey.pem"
    mv "$dir/privkey.pem" "$BATS_TEST_TMPDIR/away"
    finds 'bad users/tls/mail.example.org: no privkey.pem'
    cp "$home/users/tls/other.example.org/privkey.pem" "$dir/privkey.pem"
    finds 'bad users/tls/mail.example.org: privkey.pem is not the key of the certificate'
    echo none >"$dir/privkey.pem"
    finds 'bad users/tls/mail.example.org: privkey.pem is no key without a passphrase'
    mv "$BATS_TEST_TMPDIR/away" "$dir/privkey.pem"
    echo none >"$home/users/tls/other.example.org/fullchain.pem"
    finds 'bad users/tls/other.example.org: fullchain.pem is no certificate'
    rm "$home/users/tls/other.example.org/fullchain.pem"
    finds 'bad users/tls/other.example.org: no fullchain.pem'
    # Links to what the mail user cannot reach, as certbot's mostly is.
    ln -s /nowhere/fullchain.pem "$home/users/tls/other.example.org/fullchain.pem"
    finds 'bad users/tls/other.example.org/fullchain.pem: cannot be read; to have a copy, as root: pennypost tls install'
    rm "$home/users/tls/other.example.org"
    rm "$dir/privkey.pem"
    ln -sfn /nowhere "$home/users/tls/mail.example.org"
    finds 'bad users/tls/mail.example.org: cannot be read; to have a copy, as root: pennypost tls install'
    run -0 pennypost tls list
    [ "$output" = $'mail.example.org\t-\tno certificate that can be read' ]
    pennypost tls self-signed
    warns 'ok users/tls'
}

@test "check: users/tls: of when, and for whom" {
    user_add alice
    helper_have
    dir=$home/users/tls/mail.example.org
    have() {
        cert_make "$dir" "$@"
        chmod 600 "$dir/privkey.pem"
    }
    have mail.example.org 20200101000000Z 20210101000000Z
    finds 'bad users/tls/mail.example.org: expired on 2021-01-01'
    day=$(date -u -d "@$(($(date +%s) + 10 * 86400))" +%Y-%m-%d)
    have mail.example.org 20200101000000Z "${day//-/}120000Z"
    warns "warn users/tls/mail.example.org: expires on $day"
    day=$(date -u -d "@$(($(date +%s) + 15 * 86400))" +%Y-%m-%d)
    have mail.example.org 20200101000000Z "${day//-/}235900Z"
    warns 'ok users/tls'
    have x.example.org 20200101000000Z 20990101000000Z
    finds 'bad users/tls/mail.example.org: not good for mail.example.org: a client refuses it'
    have '*.example.org' 20200101000000Z 20990101000000Z
    warns 'ok users/tls'
    for name in clients ca; do
        echo none >"$home/users/tls/$name.pem"
        finds "bad users/tls/$name.pem: no certificate of an authority in it"
        cp "$BATS_TEST_TMPDIR/ca/pem" "$home/users/tls/$name.pem"
        warns 'ok users/tls'
    done
    (umask 022 && : >"$home/spool/tls-tickets")
    finds "bad spool/tls-tickets: open to others; rm $home/spool/tls-tickets"
    chmod 600 "$home/spool/tls-tickets"
    warns 'ok users/tls'
    rm "$PENNYPOST_PROGRAMS/tls"
    warns 'warn tls: not built, so no TLS; apt-get install libssl-dev, and make again'
    warns 'ok users/tls'
}

@test "check: a kernel without Landlock" {
    user_add alice
    checks_ok
    : >"$home/spool/no-landlock"
    warns "warn confinement: the kernel has had no Landlock: files are guarded by their owner alone; if it has it now, rm $home/spool/no-landlock"
}

@test "check as a stranger: what is closed to it is unknown, not bad" {
    open_home
    user_add alice
    pennypost tls self-signed
    run as_other "$script" check
    grep -Fqx 'unknown users/tls/mail.example.org/privkey.pem: closed to you; ask as root' <<<"$output"
    grep -Fqx 'unknown users/passwd: closed to you; ask as root' <<<"$output"
    grep -Fqx 'unknown spool/mail: closed to you; ask as root' <<<"$output"
    grep -Fqx 'unknown users/aliases: whom they lead to, as spool/mail cannot be seen' <<<"$output"
    [ "$(grep -c '^bad\|^ok users/passwd' <<<"$output")" = 0 ] || { echo "$output"; false; }
}

# --- make install ---

@test "make install: every name leads somewhere, and pennypost finds its parts" {
    unset MAKEFLAGS MFLAGS MAKELEVEL
    root=$BATS_TEST_TMPDIR/root
    make -s -o all -C "$BATS_TEST_DIRNAME/.." install-files BUILD="$programs" DESTDIR="$root" HOME_DIR=/srv/post
    [ -z "$(find "$root" -xtype l)" ] # no link that dangles
    run -1 grep -rIE '@(LIBEXEC|HOME)@|/var/lib/pennypost' "$root/usr/local/share/pennypost"
    grep -qx 'home=${PENNYPOST_HOME:-/srv/post}' "$root/usr/local/sbin/pennypost"
    for name in sbin/sendmail bin/mailq bin/newaliases; do
        [ "$root/usr/local/$name" -ef "$root/usr/local/libexec/pennypost/sendmail" ]
    done
    [ "$root/usr/local/bin/mailclient" -ef "$root/usr/local/libexec/pennypost/mailclient" ]
    script=$root/usr/local/sbin/pennypost
    unset PENNYPOST_PROGRAMS
    user_add alice
    checks_ok
    run -0 pennypost queue list
    [ "$output" = "Mail queue is empty" ]
    run -0 "$root/usr/local/bin/mailq"
    [ "$output" = "Mail queue is empty" ]
}
