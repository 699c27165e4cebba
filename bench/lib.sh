# What the benchmarks share. Sourced by bench/smtp and bench/pop3.
# shellcheck shell=bash disable=SC2034,SC2154

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DOMAIN=bench.test
PASSWORD=penny-black
# shellcheck disable=SC2016  # $6$ with 1,000 rounds, the same for every server: else the hash is measured.
HASH='$6$rounds=1000$pennypostbench$cVahCicQv2W5Ng8op8YlRig06COI7YgLSi29uljGe69Rtg.2h6.Mea98P81CT9i7UePmUpuC2diU6WLTlDnRz1'

if [ -z "${PROGRAMS-}" ]; then
	PROGRAMS=$bench/../build/musl
	[ -x "$PROGRAMS/listen" ] || PROGRAMS=$bench/../build
fi
PROGRAMS=$(cd "$PROGRAMS" 2>/dev/null && pwd)

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

note()
{
	echo "${0##*/}: $*" >&2
}

# need COMMAND:PACKAGE...: install by apt what is missing when root, else name
# the packages and stop. A package must not start its own server here.
need()
{
	local pair missing=() policy=/usr/sbin/policy-rc.d made=
	for pair; do
		command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || die "missing; install: ${missing[*]}"
	note "installing ${missing[*]}"
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod 755 $policy
		made=$policy
	fi
	echo "postfix postfix/main_mailer_type select No configuration" |
	    debconf-set-selections
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	    --no-install-recommends "${missing[@]}" >/dev/null </dev/null ||
	    { rm -f $made; die "apt-get install failed: ${missing[*]}"; }
	rm -f $made
}

# scratch: one directory on a real disk for everything; removed at the end,
# when everything started has been ended.
scratch()
{
	case $(df --output=fstype "${TMPDIR:-/var/tmp}" | tail -n 1) in
	tmpfs|ramfs) die "TMPDIR is in memory: fsync would cost nothing" ;;
	esac
	dir=$(mktemp -d "${TMPDIR:-/var/tmp}/bench.XXXXXX") || exit
	chmod 755 "$dir"
	trap 'exit 129' HUP INT TERM
	trap 'server_stop; rm -rf "$dir"' EXIT
}

port_free()
{
	local tries
	for tries in {1..100}; do
		port=$((20000 + RANDOM % 10000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return 0
	done
	die "no free port after $tries tries"
}

# server_start COMMAND...: run it in a session of its own; $pids holds them.
pids=()
server_start()
{
	setsid "$@" </dev/null >>"$dir/log" 2>&1 &
	pids+=($!)
}

# server_ready: wait at most 10 s until a banner comes from $port.
server_ready()
{
	local tries line
	for tries in {1..100}; do
		if (exec 3<>"/dev/tcp/127.0.0.1/$port" && read -r -t 5 line <&3 &&
		    case $line in 220*|+OK*|'* OK'*) ;; *) false ;; esac) 2>/dev/null
		then
			return 0
		fi
		sleep 0.1
	done
	cat "$dir/log" >&2
	die "no banner from $1 after $tries tries"
}

# server_stop: TERM to each session started, KILL after 5 s.
server_stop()
{
	local pid tries
	for pid in "${pids[@]}"; do
		kill -TERM -- "-$pid" 2>/dev/null
		for tries in {1..50}; do
			kill -0 -- "-$pid" 2>/dev/null || continue 2
			[ "$tries" -lt 50 ] || kill -KILL -- "-$pid" 2>/dev/null
			sleep 0.1
		done
	done
	wait
	pids=()
}

# server_cpu: CPU milliseconds so far of the servers, their living
# descendants, and the dead ones that were waited for.
server_cpu()
{
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v roots="${pids[*]}" \
	    -v hertz="$(getconf CLK_TCK)" '
	{
		pid = $1
		sub(/^.*\) /, "")
		parent[pid] = $2
		ticks[pid] = $12 + $13 + $14 + $15
	}
	END {
		n = split(roots, list, " ")
		for (i = 1; i <= n; i++)
			root[list[i]] = 1
		for (pid in ticks) {
			for (p = pid; p > 1 && !(p in root); p = parent[p])
				;
			if (p in root)
				sum += ticks[pid]
		}
		printf "%d\n", sum * 1000 / hertz
	}'
}

# server_pss: KiB of memory, shared pages by their share, of all the processes.
server_pss()
{
	local list pid
	list=$(cat /proc/[0-9]*/stat 2>/dev/null | awk -v roots="${pids[*]}" '
	{ pid = $1; sub(/^.*\) /, ""); parent[pid] = $2 }
	END {
		n = split(roots, list, " ")
		for (i = 1; i <= n; i++)
			root[list[i]] = 1
		for (pid in parent) {
			for (p = pid; p > 1 && !(p in root); p = parent[p])
				;
			if (p in root)
				print pid
		}
	}')
	for pid in $list; do
		cat "/proc/$pid/smaps_rollup" 2>/dev/null
	done | awk '$1 == "Pss:" { sum += $2 } END { print sum }'
}

# microseconds since the epoch
now()
{
	echo "${EPOCHREALTIME/[.,]/}"
}

# home NAME: a Pennypost home in $dir/NAME.
home()
{
	mkdir -p "$dir/$1/users" "$dir/$1/spool/queue" "$dir/$1/spool/tmp" \
	    "$dir/$1/spool/mail/$DOMAIN"
	echo "host $DOMAIN" >"$dir/$1/pennypost.conf"
	echo "$DOMAIN" >"$dir/$1/users/domains"
	: >"$dir/$1/users/passwd"
	: >"$dir/$1/users/aliases"
}

# The $servers, beginning with another one in each $round: none shall always
# find the disk as the same neighbour has left it.
rotated()
{
	local list
	IFS=, read -r -a list <<<"$servers"
	local first=$(((round - 1) % ${#list[@]}))
	echo "${list[@]:first}" "${list[@]:0:first}"
}

# result ROW UNIT SERVER NUMBER CPU: keep a figure of this $round. The unit is
# "ms" (less is better) or a rate (more is better); CPU is in ms for each one.
result()
{
	printf '%s\t' "$round" "$@" >>"$dir/results"
	echo >>"$dir/results"
	note "round $round: $1, $3: $4 $2, CPU $5 ms"
}

# table OURS PEERS: what result() kept, as Markdown: the medians over the
# rounds, the CPU in brackets, and how many times better each of OURS is than
# each of PEERS: the median of the ratios within a round. Lists with commas.
table()
{
	[ -s "$dir/results" ] || die "nothing was measured"
	awk -F '\t' -v ours="$1" -v peers="$2" '
	function median(text, a, n, i, j, t) {
		n = split(text, a, " ")
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && a[j-1] + 0 > a[j] + 0; j--) {
				t = a[j]; a[j] = a[j-1]; a[j-1] = t
			}
		return n % 2 ? a[(n+1)/2] + 0 : (a[n/2] + a[n/2+1]) / 2
	}
	function number(x) { return sprintf(x < 100 ? "%.1f" : "%.0f", x) }
	!(($2, $3) in seen) { seen[$2, $3]; row[++rows] = $2; unit[rows] = $3 }
	{
		all[$2, $3, $4] = all[$2, $3, $4] " " $5
		if ($6 != "-")
			cpu[$2, $3, $4] = cpu[$2, $3, $4] " " $6
		at[$1, $2, $3, $4] = $5
		if ($1 > rounds)
			rounds = $1
	}
	END {
		no = split(ours, our, ",")
		np = split(peers, peer, ",")
		head = "| workload | unit |"; line = "|---|---|"
		for (i = 1; i <= no + np; i++) {
			server[i] = i <= no ? our[i] : peer[i-no]
			head = head " " server[i] " |"; line = line "---:|"
		}
		for (i = 1; i <= no; i++)
			for (j = 1; j <= np; j++) {
				head = head " " our[i] " ÷ " peer[j] " |"
				line = line "---:|"
			}
		print head; print line
		for (r = 1; r <= rows; r++) {
			out = "| " row[r] " | " unit[r] " |"
			for (i = 1; i <= no + np; i++) {
				key = row[r] SUBSEP unit[r] SUBSEP server[i]
				cell = key in all ? number(median(all[key])) : "–"
				if (key in cpu)
					cell = cell sprintf(" (%.2f)", median(cpu[key]))
				out = out " " cell " |"
			}
			for (i = 1; i <= no; i++)
				for (j = 1; j <= np; j++)
					out = out " " ratio(r, our[i], peer[j]) " |"
			print out
		}
	}
	function ratio(r, mine, other, n, x, y, text) {
		for (n = 1; n <= rounds; n++) {
			x = at[n, row[r], unit[r], mine] + 0
			y = at[n, row[r], unit[r], other] + 0
			if (x && y)
				text = text " " (unit[r] == "ms" ? y / x : x / y)
		}
		return text == "" ? "–" : "**" number(median(text)) "**"
	}' "$dir/results"
}
