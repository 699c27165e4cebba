# What kill-sweep and power-cut share: the cases, one attempt, and the verdict.
#
# A case is a message and everybody who has to have it in the end. An attempt
# runs the case once, with a fault in one process, the victim; check() then
# looks at what the client was told and at what is on the disk. Every process
# of a case is a victim in turn: fault.c names them.
# shellcheck shell=bash disable=SC2034

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PROGRAMS=$(cd "${PROGRAMS:-$HERE/../../build}" && pwd)
export PROGRAMS
WORK=$(mktemp -d "${TMPDIR:-/tmp}/torture.XXXXXX")
MEMORY=/dev/shm # a disk in memory is a fast one
[ -w $MEMORY ] || MEMORY=$WORK
export LC_ALL=C # ${#line} counts bytes
export TCPREMOTEIP=127.0.0.1 # who may relay

BATS_TEST_DIRNAME=$HERE/.. BATS_TEST_TMPDIR=$WORK
bats_require_minimum_version() { :; }
# shellcheck source-path=SCRIPTDIR source=../helper.bash
. "$HERE/../helper.bash"

# shellcheck source-path=SCRIPTDIR source=imap.bash
. "$HERE/imap.bash"
# shellcheck source-path=SCRIPTDIR source=import.bash
. "$HERE/import.bash"

CASES="one three many mixed alias forward command work login pop3 $IMAP_CASES $IMPORT_CASES"
PATIENCE=40 # s for an attempt: a faulty process must not make the others hang
violations=0

STRACE=(strace -qq -o "$WORK/trace")
"${CC:-cc}" -O1 -D_GNU_SOURCE -o "$WORK/fault" "$HERE/fault.c" || exit

# --- The cases ---

body_make() { # LINES: $WORK/body as it is stored, $WORK/stuffed as it is sent
	local i
	{
		printf '%s\n' 'From: sender@far.test' 'Subject: torture' \
			'Date: Sat, 21 Nov 2026 12:00:00 +0000' \
			'Message-ID: <1@far.test>' ''
		printf 'one line\n.\n..two dots\n'
		for ((i = 0; i < $1; i++)); do
			printf '%08d a message that has more than one block\n' $i
		done
		echo 'the last line'
	} >"$WORK/body"
	sed -e 's/^\./../' -e 's/$/\r/' "$WORK/body" >"$WORK/stuffed"
	BODY_SIZE=$(stat -c %s "$WORK/body")
}

smtp_session() { # RECIPIENT...
	local rcpt
	{
		printf 'EHLO far.test\r\nMAIL FROM:<sender@far.test>\r\n'
		for rcpt; do
			printf 'RCPT TO:<%s>\r\n' "$rcpt"
		done
		printf 'DATA\r\n'
		cat "$WORK/stuffed"
		printf '.\r\nQUIT\r\n'
	} >"$WORK/in"
}

# Mailboxes and addresses elsewhere that must have the message. The home is
# there already.
case_make() { # NAME
	local lines=3 box
	boxes=() remote=()
	[[ $1 != @(three|command) ]] || lines=3500 # several chunks, several writes
	body_make $lines
	case $1 in
	one)
		boxes=(alice)
		smtp_session alice@example.test ;;
	three)
		boxes=(alice bob carol)
		smtp_session {alice,bob,carol}@example.test ;;
	many) # a list, so many that one sync may serve them all
		boxes=(user{1..8})
		for box in "${boxes[@]}"; do
			mkdir -p "$MAIL/$box"/{tmp,new,cur}
		done
		box="${boxes[*]}"
		echo "list: ${box// /, }" >>"$PENNYPOST_HOME/users/aliases"
		smtp_session list@example.test ;;
	mixed)
		boxes=(alice) remote=(you@far.test)
		smtp_session alice@example.test you@far.test ;;
	alias)
		boxes=(alice bob)
		echo 'team: alice, bob' >>"$PENNYPOST_HOME/users/aliases"
		smtp_session team@example.test ;;
	forward)
		remote=(you@far.test)
		echo you@far.test >"$MAIL/alice/.forward"
		smtp_session alice@example.test ;;
	command)
		boxes=(alice bob)
		cp "$WORK/body" "$WORK/in" ;;
	work) # from the queue: a list of two mailboxes and a forward
		boxes=(alice bob) remote=(you@far.test)
		echo 'list: alice, bob, you@far.test' \
			>>"$PENNYPOST_HOME/users/aliases"
		echo "$QUEUE_ID" >"$WORK/in" ;;
	login) # somebody of whom only the password is known
		boxes=(alice) remote=(you@far.test)
		echo 'relay_from 192.0.2.0/24' >>"$PENNYPOST_HOME/pennypost.conf"
		smtp_session alice@example.test you@far.test
		sed -i $'2i AUTH PLAIN AGJvYgBzZWNyZXQ=\r' "$WORK/in" ;;
	pop3)
		printf '%s\r\n' 'USER alice' 'PASS secret' 'DELE 1' 'DELE 3' \
			'DELE 4' QUIT >"$WORK/in" ;;
	imap-*)
		imap_case "$1" ;;
	import-*)
		import_case ;;
	*)
		echo "no case $1: it is one of $CASES" >&2
		exit 64 ;;
	esac
	name=$1
}

# The home as it was before the message came.
fresh() {
	find "$PENNYPOST_HOME/spool" -type f ! -name .forward -delete
	[ "$name" != pop3 ] || pop3_fill
	[[ $name != imap-* ]] || imap_fresh
	[[ $name != import-* ]] || import_fresh
	[ "$name" != work ] || queue_fill
}

QUEUE_ID=6B02835E0A3F41C2.0

queue_fill() {
	{
		printf '%s\n' 'pennypost-queue 1' "id $QUEUE_ID" \
			'arrived 1795326814' "$(printf 'size %015d' "$BODY_SIZE")" \
			'from <sender@example.test>' \
			'to . <list@example.test>' 'to . <other@far.test>' \
			'to . <bob@example.test>' ''
		cat "$WORK/body"
	} >"$QUEUE/$QUEUE_ID"
}

POP3_MAIL=(new/1.a 'cur/2.b:2,S' new/3.c 'cur/4.d:2,' new/5.e)

pop3_fill() {
	local mail
	for mail in "${POP3_MAIL[@]}"; do
		echo "Subject: $mail" >"$MAIL/alice/$mail"
	done
}

# --- One attempt ---

# PROCESS CALL K FAULT, or -l: what fault.c takes. Its log is $WORK/fault.log.
attempt() {
	local fault=() command=("$PROGRAMS/smtpd")
	rm -f "$WORK/fault.log"
	[ $# = 0 ] || fault=("$WORK/fault" "$WORK/fault.log" "$@")
	case $name in
	command)
		command=("$PROGRAMS/deliver" -f sender@far.test
			alice@example.test bob@example.test) ;;
	work)
		command=("$PROGRAMS/deliver" -q) ;;
	login)
		command=("$PROGRAMS/smtpd" -s) ;;
	pop3)
		command=("$PROGRAMS/pop3d") ;;
	imap-*)
		command=("$PROGRAMS/imapd") ;;
	import-*)
		command=("$PROGRAMS/import" -q maildir "$SOURCE" alice) ;;
	esac
	# Every process has stderr: the pipe ends when the last of them has. In
	# braces, as bash would tell of each kill.
	{
		timeout -k 5 $PATIENCE "${fault[@]}" "${command[@]}" \
			<"$WORK/in" 2>&1 >"$WORK/out" |
			cat >"$WORK/err"
		status=${PIPESTATUS[0]}
	} 2>/dev/null
	[ "$status" != 124 ] || violation "it hangs"
	yes=0
	case $name in
	command | import-*) [ "$status" != 0 ] || yes=1 ;;
	work) [ "$(grep -c '^to + .*@example' "$QUEUE/$QUEUE_ID")" != 2 ] || yes=1 ;;
	pop3) [ "$(grep -c '^+OK' "$WORK/out")" != 7 ] || yes=1 ;;
	imap-*) ! imap_yes || yes=1 ;;
	*) ! grep -q '^250 2.0.0 OK' "$WORK/out" || yes=1 ;;
	esac
}

# --- The verdict ---

violation() {
	violations=$((violations + 1))
	echo "VIOLATION $name, $what: $*"
	sed 's/^/    out: /' "$WORK/out" | tail -3
	sed 's/^/    err: /' "$WORK/err" | tail -3
}

# A file in new/ or cur/: the whole message, as long as its name says?
mail_whole() {
	local size=${1##*,S=}
	[ "${size%%,*}" = "$(stat -c %s "$1")" ] &&
		tail -c "$BODY_SIZE" "$1" | cmp -s - "$WORK/body"
}

# A file in queue/: notes who waits in it; true when it is whole.
queue_whole() {
	local line size=-1 head=0
	while IFS= read -r line; do
		head=$((head + ${#line} + 1))
		case $line in
		'') break ;;
		'size '*) size=$((10#${line#size })) ;;
		'to . '*)
			line=${line#to . <}
			waits[${line%%>*}]=1 ;;
		esac
	done <"$1"
	# Answers may stand behind the message.
	[ "$(stat -c %s "$1")" -ge $((head + size)) ] &&
		head -c $((head + size)) "$1" | tail -c "$BODY_SIZE" |
		cmp -s - "$WORK/body"
}

# What is on the disk: has[BOX] messages; waits[ADDRESS] in the queue. No part
# of a message may stand under a name that counts.
survey() {
	local box file
	has=() waits=()
	for file in "$MAIL"/*/{new,cur}/*; do
		[ -e "$file" ] || continue
		box=${file%/*/*}
		box=${box##*/}
		has[$box]=$((${has[$box]-0} + 1))
		mail_whole "$file" || violation "in part: $file"
	done
	for file in "$QUEUE"/*; do
		[ -e "$file" ] || continue
		queue_whole "$file" || violation "in part: $file"
	done
}

# Of the RCPT commands, those that were refused, by number from 0. (For now:
# check() sees to that. The client went on with the others.)
refused() {
	awk '/^250 2.1.0/ { on = 1; next }
		/^354/ { exit }
		on { if (!/^250/) print n + 0; n++ }' "$WORK/out"
}

# Each recipient that was not refused: the message is in the mailbox, or in the
# queue for it.
everybody_has_it() {
	local need=("${boxes[@]/%/@example.test}" "${remote[@]}") one
	for one in $(refused); do
		need[one]=
	done
	for one in "${need[@]}"; do
		[ -z "$one" ] || [ "${has[${one%@example.test}]-0}" -gt 0 ] ||
			[ "${waits[$one]-}" ] || return 1
	done
}

# Nobody has it more often than it was sent.
not_more_than() { # TIMES
	local box
	for box in "${!has[@]}"; do
		[ "${has[$box]}" -le "$1" ] ||
			violation "$box has it ${has[$box]} times"
	done
}

# What is left in tmp directories, but for what the victim, killed, could not
# take away.
tmp_left() { # VICTIM killed|failed
	local left
	left=$(cd "$PENNYPOST_HOME/spool" && find . -path '*/tmp/*' -type f)
	case $2/$1 in
	killed/smtpd.*) left=$(grep -v '^./tmp/' <<<"$left") ;;
	killed/deliver.*) left=$(grep -v '^./mail/.*/tmp/' <<<"$left") ;;
	esac
	[[ $2/$name/$1 != killed/@(imap-*/imapd.*|import-*/import.1) ]] ||
		left=$(grep -v '^./mail/.*/tmp/' <<<"$left")
	[[ $name != @(forward|work) ]] || [ "$2" = failed ] ||
		left=$(grep -v '^./tmp/' <<<"$left")
	[ -z "$left" ] || violation "left behind: $left"
}

# pop3: nothing is gone that was not marked; after a yes, all that was is gone.
check_pop3() {
	local mail
	for mail in new/5.e 'cur/2.b:2,S'; do
		grep -qsx "Subject: $mail" "$MAIL/alice/$mail" ||
			violation "lost $mail"
	done
	[ "$yes" = 1 ] || return 0
	for mail in new/1.a new/3.c 'cur/4.d:2,'; do
		[ ! -e "$MAIL/alice/$mail" ] ||
			violation "+OK, but $mail is still there"
	done
}

# After an attempt. A trouble of ours is never the sender's fault: no 5xx.
check() {
	local -A has waits
	! grep -qE 'Sanitizer|runtime error' "$WORK/err" || violation "a bug"
	if [ "$name" = pop3 ]; then
		! grep -qE '^-ERR \[(AUTH|SYS/PERM)' "$WORK/out" ||
			violation "refused for good"
		check_pop3
		return
	fi
	if [[ $name == imap-* ]]; then
		! grep -qE '^. NO \[AUTHENTICATIONFAILED' "$WORK/out" ||
			violation "refused for good"
		imap_check
		return
	fi
	if [[ $name == import-* ]]; then
		import_check
		return
	fi
	survey
	[ "$yes" = 0 ] || everybody_has_it || violation "yes, but it is not there"
	not_more_than 1
	# 503 and 500 say no more than that an earlier command failed, and so does
	# 530 where the login could not be decided.
	! grep -vE '^530' "$WORK/out" | grep -qE '^(to [0-9]+ - )?5[1-9]' ||
		violation "refused for good"
	! grep -q '^530' "$WORK/out" || grep -q '^454' "$WORK/out" ||
		violation "logged in, and out again"
}

# The sender tries again, and all is well: twice at most in any mailbox, and from
# the queue, where the second try finds what the first one did, once.
check_retry() {
	local -A has waits
	if [[ $name == import-* ]]; then
		import_retry
		return
	fi
	[[ $name != @(pop3|imap-*) ]] || fresh
	attempt
	[ "$yes" = 1 ] || violation "the second try failed"
	[[ $name != @(pop3|imap-*) ]] || return 0
	survey
	everybody_has_it || violation "not there after a second try"
	if [ "$name" = work ]; then
		not_more_than 1
		[ "$(count "$QUEUE")" = 2 ] || violation "two forwards"
	else
		not_more_than 2
	fi
}

# --- Points ---

# The calls of every process in a clean run, from where it enters the home:
# lines of PROCESS CALL K, in $WORK/points.
points() {
	fresh
	attempt -l
	what="a clean run"
	[ "$yes" = 1 ] || violation "no success without a fault"
	sort "$WORK/fault.log" >"$WORK/points"
	check
	[ -s "$WORK/points" ] || violation "there is nothing to try"
}

# The processes of the points that make one of these calls; a regular expression.
processes() { # CALL|CALL...
	awk -v calls="^($1)" '$2 ~ calls && !seen[$1]++ { print $1 }' \
		"$WORK/points"
}

points_of() { # PROCESS
	awk -v process="$1" '$1 == process { print $2, $3 }' "$WORK/points"
}

# Was the call that was to fail ever made?
reached() {
	grep -qs reached "$WORK/fault.log"
}
