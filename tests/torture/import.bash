# The case of import: a Maildir of Dovecot's is moved in. However often it is
# killed on the way, in the end all is there, once, with its UIDs.
# shellcheck shell=bash disable=SC2034,SC2154

IMPORT_CASES="import-maildir"

import_mail() { # FILE SUBJECT
	printf 'Subject: %s\n\nbody of %s\n' "$2" "$2" >"$SOURCE/$1"
}

import_case() {
	SOURCE=$WORK/source
	rm -rf "$SOURCE"
	mkdir -p "$SOURCE"/{tmp,new,cur} "$SOURCE"/.Old/{tmp,new,cur}
	import_mail cur/1000.m1:2,S m1
	import_mail cur/1001.m2:2,Sa m2
	import_mail new/1002.m3 m3
	import_mail .Old/cur/1003.m4:2,F m4
	import_mail .Old/cur/1004.m5,W=1:2, m5 # a name that is not kept
	touch -d @1700000000 "$SOURCE"/{cur,new,.Old/cur}/*
	echo '0 work' >"$SOURCE/dovecot-keywords"
	printf '%s\n' '3 V77 N20' '11 :1000.m1' '13 :1001.m2' '15 :1002.m3' \
		>"$SOURCE/dovecot-uidlist"
	printf '%s\n' '3 V78 N9' '7 :1003.m4' '8 :1004.m5,W=1' \
		>"$SOURCE/.Old/dovecot-uidlist"
	printf 'V\t2\n\nOld\n' >"$SOURCE/subscriptions"
	: >"$WORK/in"
}

import_fresh() {
	rm -rf "${MAIL:?}/alice"
	mkdir -p "$MAIL/alice"/{tmp,new,cur}
}

# FOLDER NAME HASH of all that is there, the hash of a made name cut.
import_shown() { # MAILDIR
	(cd "$1" && find . -type f \( -path '*/new/*' -o -path '*/cur/*' \) \
		-exec md5sum {} + | sed -E 's/I[0-9a-f]{32}/I/' | sort)
}

import_expected() {
	import_shown "$SOURCE" |
		sed 's/1004.m5,W=1/1700000000.IN1.import,S=24,W=27/'
}

# UIDs are told to nobody before their messages are there, or with them.
import_check() {
	local list
	import_shown "$MAIL/alice" >"$WORK/shown"
	import_expected >"$WORK/expected"
	comm -23 "$WORK/shown" "$WORK/expected" | grep -q . &&
		violation "something that the source has not, or twice"
	if grep -q ' \./[cn]' "$WORK/shown" && [ ! -e "$MAIL/alice/dovecot-uidlist" ]; then
		violation "messages without the UIDs"
	fi
	[ "$yes" = 1 ] || return 0
	cmp -s "$WORK/shown" "$WORK/expected" || violation "yes, but lost"
	cmp -s "$MAIL/alice/dovecot-uidlist" "$SOURCE/dovecot-uidlist" &&
		sed -E 's/I[0-9a-f]{32}N.*/X/' \
			"$MAIL/alice/.Old/dovecot-uidlist" |
		cmp -s - <(sed 's/1004.*/1700000000.X/' \
			"$SOURCE/.Old/dovecot-uidlist") ||
		violation "yes, but other UIDs"
	[ "$(cat "$MAIL/alice/pennypost-uidl")" = '1000.m1 0000000b0000004d
1001.m2 0000000d0000004d
1002.m3 0000000f0000004d' ] || violation "yes, but other UIDLs"
	grep -qx Old "$MAIL/alice/subscriptions" ||
		violation "yes, but not subscribed"
	grep -qx '0 work' "$MAIL/alice/dovecot-keywords" ||
		violation "yes, but no keyword"
	[ "$(grep -c '^m' "$MAIL/alice/pennypost-imported")" = 5 ] ||
		violation "yes, but the ledger says otherwise"
}

# The same again does the rest; once more, nothing.
import_retry() {
	attempt
	[ "$yes" = 1 ] || violation "the second try failed"
	import_check
	[ -z "$(ls "$MAIL/alice/tmp")" ] || violation "left in tmp"
	[ -z "${quick-}" ] || return
	find "$MAIL/alice" -type f -exec md5sum {} + | sort >"$WORK/before"
	attempt
	import_check
	find "$MAIL/alice" -type f -exec md5sum {} + | sort |
		cmp -s - "$WORK/before" || violation "a third try did something"
}
