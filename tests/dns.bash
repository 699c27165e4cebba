# shellcheck shell=bash disable=SC2034
# A DNS server of the test's own, for dns.bats and mx.bats.

# dns-server with the zone on stdin; it is the resolver. LOG says what is asked.
serve() {
	cat >zone
	LOG=$BATS_TEST_TMPDIR/log
	: >"$LOG"
	rm -f port # that of the one before
	python3 "$ROOT/tests/dns-server" zone "$LOG" "$@" >port 2>server.err \
		3>&- 7>&- &
	STARTED="${STARTED-} $!"
	for _ in $(seq 600); do
		[ ! -s port ] || break
		sleep 0.05
	done
	PORT=$(cat port)
	resolver "${1:-127.0.0.1}" "$PORT"
}

resolver() { # ADDRESS PORT
	sed -i '/^resolver/d' "$CONF"
	case $1 in
	*:*) echo "resolver [$1]:$2" ;;
	*) echo "resolver $1:$2" ;;
	esac >>"$CONF"
}

asked() { # how often: [GREP-PATTERN]
	grep -c "${1:-}" "$LOG" || true
}

# The time that a command takes lies between these: took FROM TO COMMAND…
took() {
	local from=$1 to=$2 start end
	shift 2
	start=$(date +%s%3N)
	"$@"
	end=$(($(date +%s%3N) - start))
	[ "$end" -ge "$from" ] && [ "$end" -le "$to" ] ||
		{ echo "$*: $end ms"; return 1; }
}

# To be called first: `run alone` has no way to skip.
alone_or_skip() {
	unshare -rmn true 2>/dev/null || skip "no namespaces here"
}

# A machine of its own, with nothing but lo: alone SCRIPT [FUNCTION …]
alone() {
	export -f serve resolver took "${@:2}"
	export CONF MS PROGRAMS ROOT BATS_FILE_TMPDIR BATS_TEST_TMPDIR
	unshare -rmn bash -euc 'ip link set lo up; eval "$1"' - "$1"
}
