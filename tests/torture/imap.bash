# The cases of imapd: what kill-sweep and power-cut do to it. imap-verdict looks
# at what a new session shows.
# shellcheck shell=bash disable=SC2034,SC2154,SC2016

IMAP_CASES="imap-append imap-store imap-expunge imap-move imap-copy imap-rename"

imap_mail() { # FILE SUBJECT
	printf 'Subject: %s\n\nbody of %s\n' "$2" "$2" >"$MAIL/alice/$1"
}

# As it is before each attempt: UIDs have been given, and told.
imap_template() {
	local a=$MAIL/alice
	rm -rf "${a:?}"
	mkdir -p "$a"/{tmp,new,cur} "$a"/.Work/{tmp,new,cur}
	printf '0 $kept\n' >"$a/dovecot-keywords"
	cp "$a/dovecot-keywords" "$a/.Work"
	imap_mail cur/1000.m1:2,T m1
	imap_mail cur/1001.m2:2,Sa m2
	imap_mail cur/1002.m3:2,ST m3
	imap_mail cur/1003.m4:2, m4
	imap_mail cur/1004.m5:2,R m5
	imap_mail .Work/cur/1005.w1:2,S w1
	imap_mail .Work/cur/1006.w2:2, w2
	"$HERE/imap-verdict" -l "$WORK/known" 2>"$WORK/err" ||
		{ cat "$WORK/err"; exit 1; }
	rm -rf "$WORK/template"
	cp -a "$a" "$WORK/template"
}

imap_case() { # NAME: its conversation
	local size
	imap_template
	printf 'Subject: n1\r\n\r\nbody of n1\r\n' >"$WORK/n1"
	printf 'Subject: n2\r\n\r\nbody of n2\r\n' >"$WORK/n2"
	size=$(stat -c %s "$WORK/n1")
	{
		printf '1 LOGIN alice secret\r\n'
		[ "$1" = imap-append ] || printf '2 SELECT INBOX\r\n'
		case $1 in
		imap-append)
			printf '2 NOOP\r\n3 APPEND Work (\\Seen $new) {%d+}\r\n' \
				"$size"
			cat "$WORK/n1"
			printf ' {%d+}\r\n' "$size"
			cat "$WORK/n2"
			printf '\r\n4 NOOP\r\n' ;;
		imap-store)
			printf '3 STORE 1:3 +FLAGS (\\Flagged $new)\r\n'
			printf '4 UID STORE 4 FLAGS.SILENT (\\Draft)\r\n' ;;
		imap-expunge)
			printf '3 EXPUNGE\r\n4 NOOP\r\n' ;;
		imap-move)
			printf '3 MOVE 1:2 Work\r\n4 UID MOVE 4 Work\r\n' ;;
		imap-copy)
			printf '3 COPY 1:2 Work\r\n4 UID COPY 3 Work\r\n' ;;
		imap-rename)
			printf '3 RENAME Work Papers\r\n4 NOOP\r\n' ;;
		esac
		printf '5 LOGOUT\r\n'
	} >"$WORK/in"
}

imap_fresh() {
	rm -rf "${MAIL:?}/alice"
	cp -a "$WORK/template" "$MAIL/alice"
}

imap_yes() {
	[ "$(grep -acE '^[1-5] OK' "$WORK/out")" = 5 ]
}

imap_check() {
	local line
	while read -r line; do
		violation "$line"
	done < <("$HERE/imap-verdict" "$name" "$yes" "$WORK/out" \
		"$WORK/known" 2>>"$WORK/err" || echo "verdict: status $?")
}
