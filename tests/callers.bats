#!/usr/bin/env bats
# Programs that call sendmail, as Debian has them, on a machine where it is
# ours: from the call to the Maildir.

load helper
load launch/lib

setup_file() {
	"$ROOT/scripts/need" cron=cron anacron=anacron git=git \
		/usr/share/perl5/Mail/Address.pm=libmailtools-perl \
		/usr/lib/git-core/git-send-email=git-email mutt=mutt \
		s-nail=s-nail smtp-sink=postfix bsd-mailx=bsd-mailx php=php-cli
}

setup() {
	installed
	exec 7>&- # the queue is run, as it comes
}

# machine <SCRIPT: its output, and stderr, are $output.
machine() {
	mkdir machine
	run timeout 300 "$BATS_TEST_DIRNAME/callers/machine" "$PWD/machine" \
		"$LIBEXEC" "$PENNYPOST_HOME"
	[ "$status" != 77 ] || skip "$output"
	[ "$status" = 0 ] || { echo "status $status: $output"; return 1; }
}

# has LINE…: each line is there.
has() {
	local line
	for line; do
		grep -qxF -e "$line" <<<"$output" ||
			{ echo "missing: $line"; echo "$output"; return 1; }
	done
}

@test "cron: what a job says lands in its user's mailbox" {
	machine <<'END'
cat >/var/spool/cron/crontabs/alice <<'TAB'
@reboot echo it has run; printf '.\nsecond line\n'
TAB
chown alice:crontab /var/spool/cron/crontabs/alice
chmod 600 /var/spool/cron/crontabs/alice
cron -f &
arrived alice
END
	has 'Return-Path: <alice@example.test>' \
		'Received: from mx.example.test (uid 64001)' \
		'From: root@example.test (Cron Daemon)' \
		'To: alice@example.test' 'it has run' '.' 'second line'
}

@test "cron: root's job, for somebody else by MAILTO" {
	machine <<'END'
cat >/var/spool/cron/crontabs/root <<'TAB'
MAILTO=bob,carol@example.test
@reboot echo from root
TAB
chown root:crontab /var/spool/cron/crontabs/root
chmod 600 /var/spool/cron/crontabs/root
cron -f &
arrived bob
arrived carol
END
	[ "$(grep -cx 'from root' <<<"$output")" = 2 ]
	has 'Received: from root (uid 0)' \
		'From: root@example.test (Cron Daemon)' \
		'To: bob@example.test,carol@example.test'
}

@test "anacron" {
	machine <<'END'
mkdir spool
echo '1 0 job echo done by anacron' >tab
MAILTO=alice anacron -d -f -n -t "$PWD/tab" -S "$PWD/spool"
arrived alice
END
	has 'From: Anacron <root@example.test>' 'To: alice@example.test' \
		'done by anacron'
}

@test "PHP: mail(), with and without an envelope sender" {
	machine <<'END'
cat >mail.php <<'PHP'
<?php
$headers = "From: Web <www@example.test>\r\nX-One: 1";
exit(mail("bob@example.test", "Grüße", "hi\n.\nbye\n", $headers, $argv[1])
    ? 0 : 1);
PHP
as_alice php mail.php -fwww@example.test
arrived bob
as_alice php mail.php ''
arrived bob
END
	has 'Return-Path: <www@example.test>' 'Return-Path: <alice@example.test>' \
		'To: bob@example.test' 'From: Web <www@example.test>' 'X-One: 1' \
		'Subject: Grüße' hi . bye
	# No CR is left of PHP's CRLF.
	[ "$(count "$QUEUE")" = 0 ]
	[[ $output != *$'\r'* ]]
}

@test "PHP: a refusal is a false, and not a promise" {
	machine <<'END'
as_alice php -r 'var_dump(mail("nobody@example.test", "x", "y"));'
END
	has 'bool(false)' \
		'sendmail: recipient nobody@example.test: "550 5.1.1 No such user here"'
}

@test "git send-email" {
	machine <<'END'
export GIT_CONFIG_NOSYSTEM=1
as_alice sh -e <<'SH'
mkdir /tmp/repository && cd /tmp/repository
git init -q
git config user.name Alice
git config user.email alice@example.test
echo x >x
git add x
git commit -qm 'x: one'
git format-patch -q --root
git send-email --quiet --confirm=never --suppress-cc=all \
	--to=bob@example.test --cc=carol@example.test ./*.patch
SH
arrived bob
arrived carol >/dev/null
END
	has 'Subject: [PATCH] x: one' 'To: bob@example.test' \
		'Cc: carol@example.test' 'From: Alice <alice@example.test>' '+x'
}

@test "mutt" {
	machine <<'END'
echo 'Hällo' | as_alice env LANG=C.UTF-8 mutt -F /dev/null \
	-e 'set from=alice@example.test use_envelope_from=yes dsn_notify=never copy=no send_charset=utf-8' \
	-s Grüße -b carol@example.test -- bob@example.test
arrived bob
arrived carol
END
	has 'Return-Path: <alice@example.test>' 'To: bob@example.test' 'Hällo'
	[ "$(grep -cx Hällo <<<"$output")" = 2 ]
	[[ $output != *Bcc:* ]]
}

@test "s-nail and bsd-mailx" {
	machine <<'END'
echo one | as_alice s-nail -:/ -s first bob@example.test
arrived bob
echo two | as_alice bsd-mailx -s second -a 'X-Two: 2' bob
arrived bob
END
	has 'Subject: first' one 'Subject: second' two 'X-Two: 2' \
		'To: bob@example.test'
	[ "$(grep -c '^From: .*alice@example.test' <<<"$output")" = 2 ]
}

@test "scripts: /usr/lib/sendmail -t, and no more" {
	machine <<'END'
as_alice /usr/lib/sendmail -t <<'MAIL'
From: mdadm monitoring <root>
To: bob
Subject: DegradedArray event on /dev/md0:mx

It is degraded.
MAIL
arrived bob
END
	has 'From: mdadm monitoring <root@example.test>' 'It is degraded.'
}
