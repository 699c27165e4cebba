#!/usr/bin/env bats
# The first command of the README, in a home and on ports of the test's own.

bats_require_minimum_version 1.5.0

setup() {
    export PENNYPOST_HOME=$BATS_TEST_TMPDIR/home
    quickstart=$BATS_TEST_DIRNAME/../scripts/quickstart
    programs=$(realpath "${PROGRAMS:-$BATS_TEST_DIRNAME/../build}")
    unset MAKEFLAGS MFLAGS MAKELEVEL # it builds for itself, not as a part of make test
    until
        base=$((4000 + RANDOM % 6200)) # below what free_port gives
        export QUICKSTART_PORTS="$base $((base + 1)) $((base + 2)) $((base + 3)) $((base + 4)) $((base + 5)) $((base + 6)) $((base + 7)) $((base + 8))"
        ports_closed
    do :; done
}

# Nothing of ours listens any more.
ports_closed() {
    for port in $QUICKSTART_PORTS; do
        ! (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return
    done
}

@test "quickstart --check: a message comes back byte for byte, nothing is left" {
    run -0 "$quickstart" --check
    grep -qx 'The message came back byte for byte. It lies in' <<<"$output"
    grep -qx 'C: MAIL FROM:<alice@pennypost.test>' <<<"$output"
    grep -qx 'S: 354 .*' <<<"$output"
    grep -qx 'C: RETR 1' <<<"$output"
    grep -qx 'S: \* 1 FETCH (FLAGS (\\Flagged.*))' <<<"$output"
    grep -q '^S: \* 1 FETCH (ENVELOPE (".*" "The first penny"' <<<"$output"
    grep -qx 'Sealed, this time.' <<<"$(sed -n 's/^S: //p' <<<"$output")"
    ports_closed
    [ "$(find "$PENNYPOST_HOME/spool/mail/pennypost.test/bob" -type f -path '*/new/*' -o -type f -path '*/cur/*' | wc -l)" = 1 ]
}

@test "quickstart --check: to another host, and the report of what cannot be sent" {
    run -0 "$quickstart" --check
    grep -qx ' *(451 4.4.1 .*: Connection refused)' <<<"$output"
    grep -qx 'trying 1 now' <<<"$output"
    grep -qx 'Mail queue is empty' <<<"$output"
    grep -qx '<nobody@elsewhere.test>' <<<"$output"
    grep -qx ' *550 5.1.1 No such user here' <<<"$output"
    # The report is alice's; nothing waits, nothing runs.
    [ "$(grep -l '^Content-Type: multipart/report' -r "$PENNYPOST_HOME/spool/mail/pennypost.test/alice/new" | wc -l)" = 1 ]
    [ -z "$(find "$PENNYPOST_HOME/spool/queue" -type f)" ]
    flock -n "$PENNYPOST_HOME/spool/queue" true
    # A trial: no name of the world is asked.
    grep -qx "smarthost 127.0.0.1:$((base + 3))" "$PENNYPOST_HOME/pennypost.conf"
    "$quickstart" --check >/dev/null
    [ "$(grep -c '^smarthost' "$PENNYPOST_HOME/pennypost.conf")" = 1 ]
    echo 'smarthost mail.example.com' >>"$PENNYPOST_HOME/pennypost.conf"
    run -1 "$quickstart" --check
    [ "${lines[-1]}" = "quickstart: $PENNYPOST_HOME/pennypost.conf is more than a trial's" ]
}

@test "quickstart --check: in TLS, with a certificate that stays" {
    run -0 "$quickstart" --check
    grep -qx "Bob answers, in TLS on port $((base + 4)):" <<<"$output"
    grep -qx 'C: AUTH PLAIN .*' <<<"$output"
    grep -q '^Received: .*\|with ESMTPSA' <<<"$output"
    ports_closed
    certificate=$PENNYPOST_HOME/users/tls/mail.pennypost.test/fullchain.pem
    first=$(openssl x509 -in "$certificate" -noout -serial)
    openssl verify -CAfile "$certificate" -verify_ip 127.0.0.1 "$certificate"
    # Without the two ports of IMAP, and of TLS: as it was before there was any.
    QUICKSTART_PORTS=${QUICKSTART_PORTS% * * *} run -0 "$quickstart" --check
    [[ $output == *'in TLS'* && $output != *IMAP* ]]
    QUICKSTART_PORTS=${QUICKSTART_PORTS% * * * * *} run -0 "$quickstart" --check
    [[ $output != *'in TLS'* && $output != *IMAP* ]]
    "$quickstart" --check >/dev/null
    [ "$(openssl x509 -in "$certificate" -noout -serial)" = "$first" ]
}

@test "quickstart: without the openssl command, and without the helper, it works without TLS" {
    copy=$BATS_TEST_TMPDIR/copy
    mkdir -p "$copy/build" "$BATS_TEST_TMPDIR/bin"
    cp -R "$BATS_TEST_DIRNAME/../scripts" "$copy/scripts"
    cp "$programs"/{listen,smtpd,deliver,auth,pop3d,imapd,queue-run,smtp-send,sendmail,mysmtpd} "$copy/build"
    printf 'all:\n' >"$copy/Makefile"
    run -0 "$copy/scripts/quickstart" --check
    [[ $output != *'in TLS'* ]]
    [[ $output == *'Bob flags it, IMAP on port'* ]]
    [[ $output == *'Carol has it'* ]]
    # A machine without it: need says what is missing.
    ln -s /usr/bin/* "$BATS_TEST_TMPDIR/bin"
    rm "$BATS_TEST_TMPDIR/bin"/{openssl,apt-get}
    cp "$programs/listen" "$copy/build/tls"
    PATH=$BATS_TEST_TMPDIR/bin run -0 "$copy/scripts/quickstart" --check
    [[ $output == *'need: missing: openssl; as root: apt-get install'* ]]
    [[ $output == *'quickstart: that is for TLS; all the rest works without'* ]]
    [[ $output != *'in TLS'* ]]
}

@test "quickstart --check again, in the same home" {
    "$quickstart" --check >/dev/null
    run -0 "$quickstart" --check
    grep -qx 'C: RETR 2' <<<"$output"
    grep -qx 'The message came back byte for byte. It lies in' <<<"$output"
    [ "$(grep -c @ "$PENNYPOST_HOME/users/passwd")" = 2 ]
}

@test "quickstart stays until it is told to stop; what it prints works" {
    "$quickstart" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    pid=$!
    for _ in {1..1200}; do
        grep -q '^Stop: ' "$BATS_TEST_TMPDIR/out" && break
        kill -0 $pid
        sleep 0.1
    done
    grep -qx "Stop: Ctrl-C, or kill $pid" "$BATS_TEST_TMPDIR/out"
    # The lines under "Try it:", run as they stand.
    sed -n '/^Try it:/,/^$/{/^Try it:/d;p}' "$BATS_TEST_TMPDIR/out" >"$BATS_TEST_TMPDIR/try"
    [ "$(grep -c 'curl' "$BATS_TEST_TMPDIR/try")" = 8 ]
    sed -i 's/curl /curl -sS /; s|/1$|/2|' "$BATS_TEST_TMPDIR/try"
    run -0 bash -e "$BATS_TEST_TMPDIR/try"
    [[ $output == *$'Subject: hello\r\n\r\nHello, Bob.\r'* ]]
    grep -q 'Hello again' -r "$PENNYPOST_HOME/spool/mail/pennypost.test/bob"
    [[ $output == *'Mail queue is empty' ]]
    # The menu, by either protocol.
    sed -n '/^Or from a menu:/,/^$/{/^  /p}' "$BATS_TEST_TMPDIR/out" >"$BATS_TEST_TMPDIR/menus"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/menus")" = 2 ]
    while read -r menu; do
        run -0 timeout 60 $menu <<<3
        [[ $output == *'Manage Mail'*'Send Mail'*'Quit'* ]]
    done <"$BATS_TEST_TMPDIR/menus"
    kill -TERM $pid
    wait $pid
    ports_closed
}

@test "quickstart: Ctrl-C in a terminal stops all of it" {
    script -qec true /dev/null >/dev/null 2>&1 || skip "no terminals (/dev/pts) here"
    # script(1) makes it the foreground of a terminal; the byte 3 is Ctrl-C. It
    # runs $SHELL, which would be told as well: exec.
    coproc TTY { exec script -qec "exec $quickstart" /dev/null 2>&1 3>&-; }
    pid=$TTY_PID
    exec 7<&"${TTY[0]}" 8>&"${TTY[1]}"
    while IFS= read -r -t 60 line <&7; do
        echo "$line" # for who reads a failure
        [[ $line != Stop:* ]] || break
    done
    [[ $line == Stop:* ]]
    printf '\003' >&8
    while IFS= read -r -t 60 line <&7; do :; done
    wait "$pid"
    ports_closed
}

@test "quickstart: a terminal that is closed stops all of it" {
    "$quickstart" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    pid=$!
    until (: <>"/dev/tcp/127.0.0.1/$base") 2>/dev/null; do
        kill -0 $pid
        sleep 0.1
    done
    kill -HUP $pid
    wait $pid
    ports_closed
}

@test "quickstart: a taken port is said before anything is made" {
    "$programs/listen" "127.0.0.1:$((base + 2))" /bin/true 3>&- &
    pid=$!
    until (: <>"/dev/tcp/127.0.0.1/$((base + 2))") 2>/dev/null; do sleep 0.1; done
    run -1 "$quickstart" --check
    kill $pid
    [ "$output" = "quickstart: port $((base + 2)) is taken; try QUICKSTART_PORTS='3525 3587 3110 3526 3465 3995 3143 3993 3500' $quickstart" ]
    [ ! -e "$PENNYPOST_HOME" ]
    for ports in '1 2 3' '1 2 3 4 5' '1 2 3 x' '1 2 3 4 5 x' '1 2 3 4 5 6 7' '1 2 3 4 5 6 7 x' '1 2 3 4 5 6 7 8 x'; do
        QUICKSTART_PORTS=$ports run -1 "$quickstart" --check
        [ "$output" = "quickstart: QUICKSTART_PORTS wants SMTP SUBMISSION POP3 OTHER, and may have SUBMISSIONS POP3S, IMAP IMAPS, and MYSMTP" ]
    done
}

@test "quickstart: a message that comes back changed, or not, is exit 1" {
    # A copy of the checkout whose pop3d is a double, built "by make".
    copy=$BATS_TEST_TMPDIR/copy
    mkdir -p "$copy/build"
    cp -R "$BATS_TEST_DIRNAME/../scripts" "$copy/scripts"
    cp "$programs"/{listen,smtpd,deliver,auth,imapd,queue-run,smtp-send,sendmail,mysmtpd} "$copy/build"
    printf 'all:\n' >"$copy/Makefile"
    for words in 'lies' 'gone' 'silent'; do
        cat >"$copy/build/pop3d" <<EOF
#!/bin/bash
printf '+OK\r\n'
while read -r line; do
    case \$line in
    RETR*)
        case $words in
        lies) printf '+OK\r\nFrom: x\r\n\r\nbody\r\n.\r\n' ;;
        gone) printf -- '-ERR gone\r\n' ;;
        silent) exit ;;
        esac ;;
    *) printf '+OK 1 2\r\n' ;;
    esac
done
EOF
        chmod +x "$copy/build/pop3d"
        run -1 "$copy/scripts/quickstart" --check
        case $words in
        lies) [ "${lines[-1]}" = "quickstart: the message came back changed" ] ;;
        gone) [ "${lines[-1]}" = "quickstart: that was not +OK" ] ;;
        silent) [ "${lines[-1]}" = "quickstart: the server said nothing more" ] ;;
        esac
        ports_closed
    done
}

@test "quickstart --check: a program left running is found, ended and exit 1" {
    copy=$BATS_TEST_TMPDIR/copy
    mkdir -p "$copy/build"
    cp -R "$BATS_TEST_DIRNAME/../scripts" "$copy/scripts"
    cp "$programs"/{listen,deliver,auth,pop3d,imapd,queue-run,smtp-send,sendmail,mysmtpd} "$copy/build"
    cp "$programs/smtpd" "$copy/build/real"
    printf '#!/bin/sh\nsleep 4711 </dev/null >/dev/null &\nexec "${0%%/*}/real" "$@"\n' >"$copy/build/smtpd"
    chmod +x "$copy/build/smtpd"
    printf 'all:\n' >"$copy/Makefile"
    run -1 "$copy/scripts/quickstart" --check
    grep -qx 'quickstart: sleep 4711 still runs: killed' <<<"$output"
    ports_closed
}

@test "quickstart: bad arguments and a build that fails" {
    run -64 "$quickstart" --chek
    [ "$output" = "usage: quickstart [--check]" ]
    mkdir "$BATS_TEST_TMPDIR/copy"
    cp -R "$BATS_TEST_DIRNAME/../scripts" "$BATS_TEST_TMPDIR/copy/scripts"
    printf 'all:\n\t@echo no such thing; false\n' >"$BATS_TEST_TMPDIR/copy/Makefile"
    run -1 "$BATS_TEST_TMPDIR/copy/scripts/quickstart" --check
    [ "${lines[-1]}" = "quickstart: make failed" ]
    grep -qx 'no such thing' <<<"$output"
}

# --- need ---

@test "need: silent when all is there; else names packages and the command" {
    need=$BATS_TEST_DIRNAME/../scripts/need
    run -0 "$need" sh=dash /etc/passwd=base-passwd
    [ -z "$output" ]
    # A machine without apt-get, whoever we are.
    mkdir "$BATS_TEST_TMPDIR/bin"
    ln -s "$(command -v id)" "$(command -v dpkg-query)" "$(command -v grep)" "$BATS_TEST_TMPDIR/bin"
    PATH=$BATS_TEST_TMPDIR/bin run -1 /bin/sh "$need" nosuch=one /nosuch=two other=one id=coreutils
    [ "$output" = "need: missing: one two; as root: apt-get install --no-install-recommends one two" ]
}

@test "need: root installs, updates the lists when that fails, starts no daemon" {
    need=$BATS_TEST_DIRNAME/../scripts/need
    mkdir "$BATS_TEST_TMPDIR/bin"
    cat >"$BATS_TEST_TMPDIR/bin/apt-get" <<EOF
#!/bin/sh
echo "\$*" >>"$BATS_TEST_TMPDIR/calls"
[ "\$DEBIAN_FRONTEND" = noninteractive ] || exit 9
case \$* in
*update) touch "$BATS_TEST_TMPDIR/lists" ;;
*) [ -e "$BATS_TEST_TMPDIR/lists" ] || { echo "E: no such package"; exit 100; } ;;
esac
[ ! -e /usr/sbin/policy-rc.d ] || /usr/sbin/policy-rc.d; echo "policy \$?" >>"$BATS_TEST_TMPDIR/calls"
EOF
    printf '#!/bin/sh\necho 0\n' >"$BATS_TEST_TMPDIR/bin/id"
    chmod +x "$BATS_TEST_TMPDIR/bin"/*
    policy_state() { cat /usr/sbin/policy-rc.d 2>&1 || :; }
    before=$(policy_state)
    PATH=$BATS_TEST_TMPDIR/bin:$PATH run -0 "$need" nosuch=one other=two
    [ "$output" = "need: installing one two" ]
    if [ -e /usr/sbin/policy-rc.d ]; then # it is obeyed
        policy="policy $(/usr/sbin/policy-rc.d >/dev/null; echo $?)"
    elif [ -w /usr/sbin ]; then
        policy='policy 101'
    else
        policy='policy 0'
    fi
    sed 's/-q -y -o [^ ]* //' "$BATS_TEST_TMPDIR/calls" | diff -u - <(
        echo 'install --no-install-recommends one two'
        echo update
        echo "$policy"
        echo 'install --no-install-recommends one two'
        echo "$policy"
    )
    [ "$(policy_state)" = "$before" ]
    rm "$BATS_TEST_TMPDIR/lists"
    sed -i 's/touch/:/' "$BATS_TEST_TMPDIR/bin/apt-get"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH run -1 "$need" nosuch=one
    [ "${lines[-1]}" = "need: apt-get could not install one" ]
    [ "$(policy_state)" = "$before" ]
}
