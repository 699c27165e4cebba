# shellcheck shell=bash disable=SC2034,SC2154
# What the tests of listen, of the launchers and of real clients share.

LAUNCH=$BATS_TEST_DIRNAME/launch

# Starts something that ends with the test; PID is its pid.
background() {
	"$@" </dev/null 2>>"$BATS_TEST_TMPDIR/stderr" 3>&- &
	PID=$!
	STARTED="${STARTED-} $PID"
}

# Waits until PORT is listened on, without connecting: that would be counted.
listening() {
	local i hex
	hex=$(printf '%04X' "$1")
	for i in $(seq 600); do
		grep -qs ":$hex [0-9A-F]*:0000 0A" /proc/net/tcp \
			/proc/net/tcp6 && return 0
		sleep 0.05
	done
	echo "nothing listens on port $1"
	_told
	return 1
}

# Waits until a command succeeds, two minutes and more: soon COMMAND…
soon() {
	local i
	for i in $(seq 1200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	echo "not in time: $*"
	_told
	return 1
}

# Fails when the command does not: bats overlooks a bare `!`.
not() { ! "$@"; }

ended() { not kill -0 "$1" 2>/dev/null; }

# It ends soon, with this exit status: ends_with STATUS PID
ends_with() {
	local status=0
	soon ended_or_zombie "$2"
	wait "$2" || status=$?
	[ "$status" = "$1" ] || { echo "exit status $status, not $1"; return 1; }
}

ended_or_zombie() {
	ended "$1" || grep -qs '^State:.Z' "/proc/$1/status"
}

# A home, programs and configuration as `make install` would put them, in a
# place that USER_ID can enter: INSTALLED/{libexec/pennypost,share/pennypost}.
installed() {
	local file dir
	INSTALLED=$BATS_TEST_TMPDIR/installed
	LIBEXEC=$INSTALLED/libexec/pennypost
	SHARE=$INSTALLED/share/pennypost
	chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	mkdir -p "$LIBEXEC" "$SHARE"/{xinetd.d,systemd,cron.d}
	cp "$PROGRAMS"/{smtpd,mysmtpd,deliver,pop3d,imapd,auth,listen,queue-run} \
		"$PROGRAMS"/{smtp-send,sendmail} \
		"$LIBEXEC"
	[ ! -e "$PROGRAMS/tls" ] || cp "$PROGRAMS/tls" "$LIBEXEC"
	home_make "$BATS_TEST_TMPDIR/home"
	for file in "$ROOT"/{xinetd.d,systemd,cron.d}/*; do
		dir=${file%/*}
		sed -e "s,@LIBEXEC@,$LIBEXEC,g" -e "s,@HOME@,$PENNYPOST_HOME,g" \
			"$file" >"$SHARE/${dir##*/}/${file##*/}"
	done
	# A number where we have no name.
	USER_ID=$(id -un 2>/dev/null) || USER_ID=$(id -u)
	[ "$(id -u)" != 0 ] || USER_ID=nobody
	[ "$(id -u)" != 0 ] || chown -R "$USER_ID" "$PENNYPOST_HOME"
}

children() { cat "/proc/$1/task/$1/children"; }

# Of a client that looks itself up in /etc/passwd.
for_users_with_names() { # CLIENT
	id -un >/dev/null 2>&1 || skip "$1 serves nobody without a name"
}

# As helper.bash has it, and by force after 20 s: what hangs is a fault, too.
stop() {
	local pid i
	for pid in "$@"; do
		kill "$pid" 2>/dev/null || continue
		for i in $(seq 200); do
			! ended_or_zombie "$pid" || break
			sleep 0.1
		done
		# shellcheck disable=SC2046
		ended_or_zombie "$pid" ||
			kill -KILL $(children "$pid") "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	return 0
}

# The super-servers, with the files that are installed.

# xinetd_start FILE…: the shipped files, with ports and a user of the test's.
xinetd_start() {
	local file conf=$BATS_TEST_TMPDIR/xinetd.conf
	echo "defaults
{
	bind = 127.0.0.1
}" >"$conf"
	for file; do
		sed -e "s/= 25$/= $smtp/" -e "s/= 587$/= $submission/" \
			-e "s/= 465$/= ${submissions-}/" \
			-e "s/= 110$/= $pop3/" -e "s/= 995$/= ${pop3s-}/" \
			-e "s/= 143$/= ${imap-}/" -e "s/= 993$/= ${imaps-}/" \
			-e "s/= 2500$/= ${mysmtp-}/" \
			-e "s/= pennypost$/= $USER_ID/" \
			-e 's/= IPv6/= IPv4/' \
			-e "s,= SYSLOG mail info,= FILE $log," \
			"$SHARE/xinetd.d/$file"
	done >>"$conf"
	background env LEAK=leaked xinetd -dontfork -f "$conf" -limit 4000 \
		-filelog "$BATS_TEST_TMPDIR/xinetd.messages" \
		-pidfile "$BATS_TEST_TMPDIR/xinetd.pid"
	for file; do
		case $file in
		*mysmtp*) ;; # it is off
		*smtp*) listening "$smtp" ;;
		*submissions*) listening "$submissions" ;;
		*submission*) listening "$submission" ;;
		*pop3s*) listening "$pop3s" ;;
		*pop3*) listening "$pop3" ;;
		*imaps*) listening "$imaps" ;;
		*imap*) listening "$imap" ;;
		esac
	done
}

# xinetd leaves a `wait = yes` server alone when it ends: idle, it stays for a
# minute.
xinetd_end() {
	local pid
	# shellcheck disable=SC2013
	for pid in $(children "$PID"); do
		kill "$pid" || :
	done
	stop "$PID"
}

activate() {
	background systemd-socket-activate -E PENNYPOST_LOG=stderr \
		-E PENNYPOST_HOME="$PENNYPOST_HOME" "$@"
}

systemd_start() {
	chown -R 64000:64000 "$PENNYPOST_HOME" 2>/dev/null || :
	mkdir "$BATS_TEST_TMPDIR/systemd"
	background "$LAUNCH/systemd" "$BATS_TEST_TMPDIR/systemd" "$LIBEXEC" \
		"$PENNYPOST_HOME"
	soon systemd_is_up_or_refused
	ended_or_zombie "$PID" || return 0
	wait "$PID" || [ $? != 77 ] ||
		skip "$(grep permitted "$BATS_TEST_TMPDIR/stderr")"
	_told
	return 1
}

systemd_is_up_or_refused() {
	ended_or_zombie "$PID" || systemd_do systemctl is-active test.target
}

systemd_do() {
	nsenter -t "$(cat "$BATS_TEST_TMPDIR/systemd/pid")" -m -p -n -r -w "$@"
}

# The messages that clients send, and what must come back.

message_make() { "$LAUNCH/mail" make "$@"; }
message_same() { "$LAUNCH/mail" same "$@"; }
tcp() { timeout 30 "$LAUNCH/mail" tcp "$@"; }
