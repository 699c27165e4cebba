# For the tests of smtp-send: queue files, and the far side of a conversation.
# shellcheck shell=bash

# queued ID LINE ...: a queue file with these envelope lines behind its size, and
# the message on stdin.
queued() {
	local id=$1 size
	shift
	cat >"$BATS_TEST_TMPDIR/message"
	size=$(stat -c %s "$BATS_TEST_TMPDIR/message")
	{
		printf '%s\n' 'pennypost-queue 1' "id $id" 'arrived 1795326814' \
			"size $(printf %015d "$size")" "$@" ''
		cat "$BATS_TEST_TMPDIR/message"
	} >"$QUEUE/$id"
}

# An ordinary one: queued_plain ID RECIPIENT ...
queued_plain() {
	local id=$1
	shift
	queued "$id" 'from <alice@example.test>' "${@/#/to . }" \
		<<<$'Subject: x\n\ntext'
}

# The recipients' status bytes, in their order: "+.f".
status() { # ID
	sed '/^$/,$d' "$QUEUE/$1" | sed -n 's/^to \(.\) .*/\1/p' | tr -d '\n'
}

# What smtp-send answered: the lines of job.h.
answers() {
	grep -E '^(to|new|down|done) ' "$BATS_TEST_TMPDIR/stderr"
}

# talk ID: the conversation on stdin, S: what the far side says, as a transcript
# on a pipe and then over TCP (or only as $HOW says), with the same queue file.
# What was answered is compared with $ANSWERS, if that is set, and stays in stderr.
talk() {
	local how
	cat >"$BATS_TEST_TMPDIR/lines"
	cp "$QUEUE/$1" "$BATS_TEST_TMPDIR/before"
	for how in ${HOW:-pipe tcp}; do
		cp "$BATS_TEST_TMPDIR/before" "$QUEUE/$1"
		[ ! -e stderr ] || cat stderr >>stderr.all
		rm -f stderr
		"_talk_$how" "$1" || { echo "($how)"; return 1; }
		[ -z "${ANSWERS-}" ] || diff <(echo "$ANSWERS") <(answers) ||
			{ echo "($how)"; return 1; }
	done
}

_talk_pipe() {
	sed -E 's/^S:/x:/; s/^s:/y:/; s/^C:/S:/; s/^x:/C:/; s/^y:/c:/' lines |
		pipe "$PROGRAMS/smtp-send" - "$1"
}

# The same; far sees to it that nothing is said too early. What it is told is made
# that of a transcript, where nobody has a name.
_talk_tcp() {
	far_side <lines
	sed -i "s/^route far.test /smarthost /" "$PENNYPOST_HOME/pennypost.conf"
	send "$1" || return
	heard || return
	sed -e "s/^to \([0-9]*\) 127.0.0.1 /to \1 - /" -e '/^down /d' \
		-e "s/ 127.0.0.1\[127.0.0.1\]:$PORT:/ -:/" out >>stderr
	sed -i "s/mta=127.0.0.1\[127.0.0.1\]:$PORT /mta=- /" stderr
}

# tests/far plays the script on stdin; mail for far.test goes there.
far_side() {
	cat >"$BATS_TEST_TMPDIR/script"
	rm -f "$BATS_TEST_TMPDIR/port"
	"$ROOT/tests/far" "$BATS_TEST_TMPDIR/script" \
		>"$BATS_TEST_TMPDIR/port" 2>"$BATS_TEST_TMPDIR/far.err" 3>&- &
	FAR=$!
	STARTED="${STARTED-} $FAR"
	for _ in $(seq 1500); do
		[ ! -s "$BATS_TEST_TMPDIR/port" ] || break
		sleep 0.02
	done
	PORT=$(cat "$BATS_TEST_TMPDIR/port")
	NEXT="[127.0.0.1]:$PORT"
	sed -i '/^route /d; /^smarthost /d' "$PENNYPOST_HOME/pennypost.conf"
	echo "route far.test 127.0.0.1:$PORT" \
		>>"$PENNYPOST_HOME/pennypost.conf"
}

# Waits until far has come to that `mark`.
marked() { # NAME
	for _ in $(seq 1500); do
		[ ! -e "$BATS_TEST_TMPDIR/$1" ] || return 0
		sleep 0.02
	done
	return 1
}

# It has heard all that it wanted, and nothing else.
heard() {
	wait "$FAR" && return
	cat "$BATS_TEST_TMPDIR/far.err"
	return 1
}

# send ID ...: answers go to the file out.
send() {
	"$PROGRAMS/smtp-send" "$NEXT" "$@" >out \
		2>>"$BATS_TEST_TMPDIR/stderr"
}
