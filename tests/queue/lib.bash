# What the tests of queue-run share: a directory of programs in which queue-run
# is the real one, and both smtp-send and deliver are worker.c; and queue files.
# shellcheck shell=bash disable=SC2034

# In setup_file: $BATS_FILE_TMPDIR/bin, and quick/ with a queue-run that is the
# same but for its times: seconds become tenths, or what it lingers, less.
queue_programs() { # [LINGER]
	local at=$BATS_FILE_TMPDIR
	mkdir "$at/bin" "$at/quick"
	queue_compile "$at/bin/smtp-send" "$ROOT/tests/queue/worker.c"
	cp "$at/bin/smtp-send" "$at/bin/deliver"
	cp "$at"/bin/* "$at/quick"
	cp "$PROGRAMS/queue-run" "$at/bin"
	cp -R "$ROOT/src/queue-run" "$at/src"
	quicker queue-run.c LINGER "${1-200}"
	quicker queue-run.c WAIT_MAX 1000
	quicker queue-run.c LOOK 300
	quicker workers.c IDLE 200
	quicker workers.c LIFE 1000
	queue_compile "$at/quick/queue-run" "$at"/src/*.c
}

queue_compile() { # PROGRAM SOURCE...
	local program=$1 lib=$ROOT/src/lib at=$BATS_FILE_TMPDIR flags more=()
	shift
	flags=(-std=c11 -D_GNU_SOURCE -O1 "-I$lib" -ffunction-sections
		'-DDEFAULT_HOME="/none"')
	# As the others are.
	# shellcheck disable=SC2054 # commas within words
	if grep -qa __asan_init "$PROGRAMS/queue-run"; then
		flags+=(-g -fsanitize=address,undefined
			-fno-sanitize-recover=undefined)
		more=("$ROOT/tests/sanitize.c")
	fi
	if [ ! -e "$at/lib" ]; then
		mkdir "$at/lib"
		(cd "$at/lib" && "${CC:-cc}" "${flags[@]}" -c "${more[@]}" \
			"$lib"/{address,calls,config,confine,conn,entry,envelope}.c \
			"$lib"/{file,job,local,log,nudge,peer,places,pool}.c \
			"$lib"/{program,qp,queue,route,seccomp,sha256,srs,str,trace}.c)
	fi
	"${CC:-cc}" "${flags[@]}" -Wl,--gc-sections -o "$program" "$@" \
		"$at"/lib/*.o
}

quicker() { # FILE NAME NUMBER
	grep -q "^#define $2 " "$BATS_FILE_TMPDIR/src/$1" || return
	sed -i "s/^#define $2 [0-9]*/#define $2 $3/" "$BATS_FILE_TMPDIR/src/$1"
}

# In setup. The FIFO is the runner's.
queue_home() {
	home_make
	exec 7>&-
	rm "$PENNYPOST_HOME/spool/nudge"
	# The workers write where those that are real do not.
	echo 'alias_pipes yes' >>"$PENNYPOST_HOME/pennypost.conf"
	mkdir "$PENNYPOST_HOME/box"
	export PENNYPOST_LOG=stderr
	bin=$BATS_FILE_TMPDIR/bin quick=$BATS_FILE_TMPDIR/quick
	SENT=$PENNYPOST_HOME/sent
	now=$(date +%s)
}

# runner_trace OPTION… COMMAND…: strace, and in ./trace what the runner did, who
# is the last to do anything.
runner_trace() {
	local status=0
	strace -f -b execve -qq -e signal=none -o trace.all "$@" || status=$?
	sed -n "s/^$(tail -n 1 trace.all | cut -d' ' -f1)  *//p" trace.all >trace
	return "$status"
}

# put ID SENDER "STATUS <ADDRESS> …" …: a queue file that is due. $arrived
# seconds ago, with the lines $head and the message $message.
put() {
	local id=$1 sender=$2 file=$PENNYPOST_HOME/spool/tmp/$1 body
	body=${message-$'Subject: hello\n\nbody'}
	shift 2
	{
		printf 'pennypost-queue 1\nid %s\narrived %d\nsize %015d\n' \
			"$id" $((now - ${arrived-0})) \
			"$(($(LC_ALL=C; echo ${#body}) + 1))"
		[ -z "${head-}" ] || echo "$head"
		echo "from <$sender>"
		printf 'to %s\n' "$@"
		printf '\n%s\n' "$body"
	} >"$file"
	touch -d "@$((now - 1))" "$file"
	mv "$file" "$QUEUE" # whole, or not there
}

# junk NAME [TEXT]: what is no queue file, and not just being written
junk() {
	echo "${2-junk}" >"$QUEUE/$1"
	touch -d "@$((now - 100))" "$QUEUE/$1"
}

run_queue() {
	"$bin/queue-run" "$@" 2>>stderr
}

run_quick() {
	"$quick/queue-run" "$@" 2>>stderr
}

# Who has which message: lines of ID ADDRESS, in order.
sent() {
	[ ! -e "$SENT" ] || cut -d' ' -f2,3 "$SENT" | sort
}

# The recipients' lines of a queue file.
recipients() { # ID
	sed -n '/^$/q;s/^to //p' "$QUEUE/$1"
}

# The answers behind its message, without their times.
answers() { # ID
	sed -n 's/^answer [0-9]* //p' "$QUEUE/$1"
}

due_in() { # ID: seconds
	echo $(($(stat -c %Y "$QUEUE/$1") - $(date +%s)))
}

assert_due() { # ID LEAST MOST, when it was tried: some seconds ago
	local due
	due=$(due_in "$1")
	if [ "$due" -lt $(($2 - 20)) ] || [ "$due" -gt "$3" ]; then
		echo "$1 is due in $due s, not in $2 to $3"
		return 1
	fi
}

assert_sent() { # what is in stdin, and no more
	diff <(sort) <(sent)
}

assert_queue() { # the ids in it
	[ "$(cd "$QUEUE" && printf '%s\n' * | xargs)" = "$*" ] ||
		{ ls "$QUEUE"; return 1; }
}
