# shellcheck shell=bash disable=SC2034,SC2154
# What the tests of IMAP clients share: the server, and mail in it.
#
# IMAP_SERVER=dovecot runs Dovecot in place of imapd, as root: a test that
# fails there is wrong, or knows more than the standard says.

CLIENTS=$BATS_TEST_DIRNAME/imap-clients

# What is fetched once, and kept between runs.
CACHE=${PENNYPOST_TEST_CACHE:-/var/tmp/pennypost-tests-$(id -u)}

# A home, the server on $imap and in TLS on $imaps, $ca its certificate.
imap_start() {
	home_make
	export HOME=$BATS_TEST_TMPDIR TERM=dumb
	imap=$(free_port)
	imaps=$(free_port)
	PENNYPOST_PROGRAMS=$PROGRAMS "$ROOT/scripts/pennypost" tls \
		self-signed mx.example.test localhost 127.0.0.1 >/dev/null
	ca=$PENNYPOST_HOME/users/tls/mx.example.test/fullchain.pem
	if [ "${IMAP_SERVER-}" = dovecot ]; then
		dovecot_start
	else
		background env PENNYPOST_LOG=stderr "$PROGRAMS/listen" \
			"127.0.0.1:$imap" "$PROGRAMS/imapd"
		background env PENNYPOST_LOG=stderr "$PROGRAMS/listen" \
			"127.0.0.1:$imaps" "$PROGRAMS/imapd" -T
	fi
	listening "$imap"
	listening "$imaps"
	alice=$MAIL/alice
	# For programs that have mail delivered.
	export -f give give_mail mail
	export PROGRAMS MAIL BATS_TEST_TMPDIR IMAP_SERVER
}

dovecot_start() {
	local tls=${ca%/*} kind owner=nobody
	chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	mkdir "$BATS_TEST_TMPDIR/dovecot"
	cat >"$BATS_TEST_TMPDIR/dovecot.conf" <<-END
	protocols = imap
	listen = 127.0.0.1
	base_dir = $BATS_TEST_TMPDIR/dovecot
	log_path = $BATS_TEST_TMPDIR/dovecot.log
	ssl = yes
	ssl_cert = <$tls/fullchain.pem
	ssl_key = <$(ls "$tls"/*key*.pem)
	disable_plaintext_auth = no
	auth_mechanisms = plain login
	auth_username_format = %n
	mail_location = maildir:$MAIL/%n
	passdb {
	  driver = static
	  args = password=secret
	}
	userdb {
	  driver = static
	  args = uid=nobody gid=nogroup home=$MAIL/%n
	}
	namespace inbox {
	  inbox = yes
	$(for kind in Drafts Sent Trash Junk Archive; do
		echo "mailbox $kind {
		special_use = \\$kind
		auto = subscribe
		}"
	done)
	}
	service imap-login {
	  inet_listener imap {
	    port = $imap
	  }
	  inet_listener imaps {
	    port = $imaps
	    ssl = yes
	  }
	}
	service anvil {
	  chroot =
	}
	END
	chown -R $owner "$MAIL"
	background dovecot -F -c "$BATS_TEST_TMPDIR/dovecot.conf"
}

# deliver brings a message: give USER FILE…
give() {
	local user=$1 file
	shift
	for file; do
		"$PROGRAMS/deliver" -f sender@client.test "$user@example.test" \
			<"$file"
	done
	[ "${IMAP_SERVER-}" != dovecot ] || chown -R nobody "$MAIL/$user"
}

# What was delivered ends as it was sent, byte for byte: same GOT SENT
same() { tail -c "$(wc -c <"$2")" "$1" | cmp - "$2"; }

# A message with a subject and, if you like, a body: mail SUBJECT [BODY] >FILE
mail() {
	printf '%s\n' 'From: Sender <sender@client.test>' \
		'To: alice@example.test' "Subject: $1" \
		'Date: Thu, 01 Jan 2026 12:00:00 +0000' \
		"Message-ID: <$1@client.test>" '' "${2-the body of $1}"
}

# give_mail USER SUBJECT…: a message with each.
give_mail() {
	local user=$1 subject
	shift
	for subject; do
		mail "$subject" >"$BATS_TEST_TMPDIR/given"
		give "$user" "$BATS_TEST_TMPDIR/given"
	done
}

# The file of the only message with this subject: stored FOLDER SUBJECT, where
# FOLDER is '' for INBOX, '.Work' for Work.
stored() {
	local found
	found=$(grep -rlx "Subject: $2" "$alice/$1"/{new,cur}) || {
		echo "not there: $2 in ${1:-INBOX}"
		return 1
	}
	[ "$(wc -l <<<"$found")" = 1 ] || {
		echo "more than one: $found"
		return 1
	}
	echo "$found"
}

# Its flags, sorted: flags FOLDER SUBJECT
flags() {
	local file
	file=$(stored "$@") || return
	case $file in
	*:2,*) grep -o . <<<"${file##*:2,}" | sort | tr -d '\n' ;;
	esac
}

# The messages of a folder: messages FOLDER
messages() {
	count "$alice/$1"/{new,cur}
}

client() { timeout 200 "$@" </dev/null; }

# curl on the port without TLS: url PATH ARG…
url() {
	local path=$1
	shift
	client curl -sS "imap://127.0.0.1:$imap/$path" -u alice:secret "$@"
}

# cache_make NAME COMMAND…: $CACHE/NAME, which the command fills in its own
# current directory unless it is there; skips the test with its first error.
cache_make() {
	local name=$1 work said
	shift
	[ ! -e "$CACHE/$name" ] || return 0
	(umask 077; mkdir -p "$CACHE")
	[ -O "$CACHE" ] || skip "$CACHE is somebody else's"
	work=$(mktemp -d "$CACHE/XXXXXX")
	if said=$(cd "$work" && timeout 120 "$@" 2>&1 </dev/null); then
		mv "$work" "$CACHE/$name"
	else
		rm -rf "$work"
		skip "cannot fetch $name: $(grep -iE '^(npm )?err|^E:' \
			<<<"$said" | head -n 1)"
	fi
}

# What npm has: npm_make NAME VERSION, to be found in $NODE_PATH.
npm_make() {
	type npm >/dev/null 2>&1 || skip "no npm here to fetch $1 with"
	cache_make "npm-$1-$2" npm install --no-audit --no-fund \
		--ignore-scripts --fetch-retries 1 --fetch-timeout 30000 \
		--cache npm-cache --prefix . "$1@$2"
	export NODE_PATH=$CACHE/npm-$1-$2/node_modules
}

# The source of a Debian package, as its author released it, in $SOURCE.
source_make() {
	cache_make "source-$1" "$CLIENTS/source" "$1"
	SOURCE=$(echo "$CACHE/source-$1/source"/*/)
}
