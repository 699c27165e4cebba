# shellcheck shell=bash disable=SC2034
# A small internet: three machines in namespaces of their own, on one wire.
#
#   mx-a.test  198.18.0.1  2001:db8:18::1   ours; domain a.test
#   mx-b.test  198.18.0.2  2001:db8:18::2   the other side; domain b.test
#   dns.test   198.18.0.3  2001:db8:18::3   the wire, and who resolves names
#
# Nobody is on port 25 of dns.test: a host that refuses connections. 198.18.0.9
# is not there at all. mx-b has .20 to .23 too, in both families.
# They have several users: root makes them, or who has subordinate ids as in
# subuid(5), by `unshare -r --map-auto bats`, as scripts/test does. Elsewhere
# `internet_up` skips the test.

load launch/lib

INTERNET=$BATS_TEST_DIRNAME/internet
LIBEXEC=$BATS_FILE_TMPDIR/libexec

# For setup_file: the programs where every user can run them, and dns.test.
internet_begin() {
	[ "$(id -u)" = 0 ] || return 0
	"$ROOT/scripts/need" ip=iproute2 nsd=nsd dnsmasq=dnsmasq-base \
		tc=iproute2 xinetd=xinetd unshare=util-linux openssl=openssl \
		hostname=hostname \
		/usr/bin/python3=python3
	# Never in place of another mail server.
	[ -e /usr/sbin/sendmail ] || "$ROOT/scripts/need" smtp-sink=postfix
	chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/file" "$BATS_FILE_TMPDIR"
	mkdir "$LIBEXEC"
	find "$PROGRAMS" -maxdepth 1 -type f -perm -1 \
		-exec cp {} "$LIBEXEC" \;
	HOSTS=$BATS_FILE_TMPDIR
	message_make "$HOSTS/message"
	host_start dns
	host_ready dns || return 0
	if ! on dns ip link add wire address 02:00:00:00:00:03 type bridge \
		2>"$BATS_FILE_TMPDIR/refused"; then
		hosts_stop "$HOSTS"
		return
	fi
	rm "$BATS_FILE_TMPDIR/refused"
	{
		address 3 wire
		echo link set wire up
	} | on dns ip -batch -
	home_of a
	home_of b
	local file
	for file in nsd.conf dnsmasq.conf; do
		sed -e "s,INTERNET,$INTERNET,g" -e "s,DIR,$HOSTS/dns,g" \
			"$INTERNET/$file" >"$HOSTS/dns/$file"
	done
	on dns nsd -c "$HOSTS/dns/nsd.conf"
	on dns dnsmasq -C "$HOSTS/dns/dnsmasq.conf"
}

# For teardown_file.
internet_end() { hosts_stop "$BATS_FILE_TMPDIR"; }

# For setup: the hosts named, a or b, each with a home, on the wire. Those that
# setup_file has made are there too, and a message that is hard to carry.
internet_up() {
	[ "$(id -u)" = 0 ] || skip "needs root, or subordinate user ids"
	[ ! -e "$BATS_FILE_TMPDIR/refused" ] ||
		skip "not permitted here: $(cat "$BATS_FILE_TMPDIR/refused")"
	chmod a+x "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	ln -s "$BATS_FILE_TMPDIR"/*/ "$BATS_TEST_TMPDIR"
	HOSTS=$BATS_TEST_TMPDIR
	cd "$HOSTS" || return
	cp "$BATS_FILE_TMPDIR/message" .
	hosts_make "$@"
}

# For teardown; shows what the hosts logged: bats does, when the test failed.
internet_down() {
	local log
	for log in "$HOSTS"/[ab]/log; do
		[ ! -e "$log" ] || echo "--- $log"
		tail -50 "$log"
	done
	hosts_stop "$HOSTS"
	# A sanitizer's exit status: what it wrote, nobody keeps.
	not grep -s 'status=99' "$HOSTS"/[ab]/log
}

# The hosts named, with homes, on the wire. In setup_file, too: where dns.test is,
# nothing is refused.
hosts_make() { # HOST…
	local host
	for host; do
		host_start "$host"
		cp -a "$BATS_FILE_TMPDIR/homes/$host" "$HOSTS/$host/home"
	done
	for host; do
		host_ready "$host"
		plug "$host"
	done
}

# host_start NAME: runs until hosts_stop or the end of the test.
host_start() {
	local dir=$HOSTS/$1
	mkdir -p "$dir/etc"
	echo 'nameserver 198.18.0.3' >"$dir/etc/resolv.conf"
	echo 'hosts: files dns' >"$dir/etc/nsswitch.conf"
	echo '127.0.0.1 localhost' >"$dir/etc/hosts"
	setpriv --pdeathsig KILL unshare -m -n -u -p -f --kill-child \
		--mount-proc --propagation private \
		"$INTERNET/host" "$dir" "mx-$1.test" \
		</dev/null >>"$dir/log" 2>&1 3>&- &
	echo $! >"$dir/outer"
}

# Waits for it. False where it may not be.
host_ready() {
	local dir=$HOSTS/$1 outer i
	outer=$(<"$dir/outer")
	for i in $(seq 1500); do
		[ ! -e "$dir/up" ] || break
		if ! kill -0 "$outer"; then
			head -1 "$dir/log" >"$BATS_FILE_TMPDIR/refused"
			return 1
		fi
		sleep 0.02
	done
	i=$(<"/proc/$outer/task/$outer/children")
	echo "${i% }" >"$dir/pid"
}

# All that runs on them is killed: the power fails. Not those of another DIR.
hosts_stop() { # DIR, or one host's
	local dir
	for dir in "$1" "$1"/*; do
		[ ! -L "$dir" ] && [ -s "$dir/pid" ] || continue
		kill -KILL "$(<"$dir/pid")"
		wait "$(<"$dir/outer")" || :
		rm "$dir/pid" "$dir/up"
	done 2>/dev/null
}

# on HOST COMMAND…
on() {
	local pid
	read -r pid <"$HOSTS/$1/pid" || return
	PENNYPOST_HOME=$HOSTS/$1/home nsenter -t "$pid" -m -n -u -p -r -- \
		"${@:2}" 3>&-
}

# plug HOST: a cable to the wire, and addresses that are ready at once. `cable
# HOST down` cuts it, and none of the hosts is told.
plug() {
	local pid n=1 other
	[ "$1" = a ] || n=2
	CABLES=$((${CABLES-0} + 1))
	read -r pid <"$HOSTS/$1/pid"
	echo "$1-${BATS_TEST_NUMBER-0}-$CABLES" >"$HOSTS/$1/cable"
	# What others remember of its address stays true.
	echo "link add $(<"$HOSTS/$1/cable") master wire type veth" \
		"peer name eth0 netns $pid address 02:00:00:00:00:0$n
		link set $(<"$HOSTS/$1/cable") up" |
		nsenter -t "$(<"$HOSTS/dns/pid")" -n ip -batch -
	{
		address $n eth0
		[ "$1" = a ] || for other in 20 21 22; do
			address $other eth0 preferred_lft 0
		done
		echo "link set eth0 up"
		# To 198.18.0.9 there is no way, which shows at once.
		[ "$1" = b ] || echo "route add unreachable 198.18.0.9"
	} | on "$1" ip -batch -
}

cable() { on dns ip link set "$(<"$HOSTS/$1/cable")" "$2"; }

# For ip: address N INTERFACE [OPTION…]
address() {
	echo "addr add 198.18.0.$1/24 dev $2
		addr add 2001:db8:18::$1/64 dev $2 nodad ${*:3}"
}

# The home of a host, empty, as installed; it trusts nobody but itself.
home_of() { # HOST
	local h=$BATS_FILE_TMPDIR/homes/$1 user
	mkdir -p "$h"/users "$h"/spool/{queue,tmp,mail/"$1.test"}
	echo "host mx-$1.test
relay_from 127.0.0.1 ::1
resolver 198.18.0.3" >"$h/pennypost.conf"
	echo "$1.test" >"$h/users/domains"
	for user in alice bob carol dave; do
		mkdir -p "$h/spool/mail/$1.test/$user"/{tmp,new,cur}
		echo "$user@$1.test:x:"
	done >"$h/users/passwd"
	echo 'postmaster: dave' >"$h/users/aliases"
	chmod 700 "$h"/spool/*
	chmod 600 "$h/users/passwd"
	chown -R 64000:64000 "$h"
}

# xinetd on HOST with the files that are installed: smtp, or smtp-wait.
xinetd_on() {
	local host=$1 file conf=$HOSTS/$1/xinetd.conf
	shift
	for file; do
		sed -e "s,@LIBEXEC@,$LIBEXEC,g" \
			-e "s,@HOME@,$HOSTS/$host/home,g" \
			"$ROOT/xinetd.d/pennypost-$file"
	done >"$conf"
	on "$host" setsid xinetd -dontfork -f "$conf" -limit 4000 \
		-syslog daemon -pidfile "$HOSTS/$host/xinetd.pid" \
		</dev/null >>"$HOSTS/$host/log" 2>&1 &
	disown
	answers "$host"
}

# Waits for a listener on HOST's port 25, or PORT, of any or that IPv4 address.
answers() { # HOST [PORT [ADDRESS]]
	local i octets=() where='[0-9A-F]*' # of IPv6, too
	if [[ ${3-} == *.* ]]; then
		IFS=. read -ra octets <<<"$3"
		where=$(printf '%02X' "${octets[3]}" "${octets[2]}" \
			"${octets[1]}" "${octets[0]}")
	fi
	where=" $where:$(printf '%04X' "${2-25}") [0-9A-F]*:0000 0A"
	for i in $(seq 1000); do
		on "$1" grep -qs "$where" /proc/net/tcp /proc/net/tcp6 &&
			return 0
		sleep 0.03
	done
	echo "nobody listens on port ${2-25} of $1"
	return 1
}

# Postfix on HOST, for the same Maildirs, on all its addresses .2 and .21, the
# last one for small mail.
postfix_on() {
	[ "$(awk '{ print $3; exit }' /proc/self/uid_map)" = 4294967295 ] ||
		skip "Postfix wants to be started by root itself"
	local dir=$HOSTS/$1
	mkdir -p "$dir"/postfix/{etc,queue,data}
	chown postfix "$dir/postfix/data"
	cp -r /etc/postfix/. "$dir/postfix/etc"
	sed "s,DIR,$dir," "$INTERNET/main.cf" >"$dir/postfix/etc/main.cf"
	# Nothing in a chroot.
	awk '$5 == "y" { sub(" y ", " n ") } $8 != "smtpd" { print }' \
		/usr/share/postfix/master.cf.dist >"$dir/postfix/etc/master.cf"
	echo '198.18.0.2:smtp inet n - n - - smtpd
[2001:db8:18::2]:smtp inet n - n - - smtpd
198.18.0.21:smtp inet n - n - - smtpd -o message_size_limit=1000000' \
		>>"$dir/postfix/etc/master.cf"
	: >"$dir/postfix/access"
	on "$1" mount --bind "$dir/postfix/etc" /etc/postfix
	on "$1" postmap "$dir/postfix/access"
	on "$1" postfix start
	answers "$1"
}

postfix_needed() {
	command -v smtp-sink >/dev/null ||
		skip "another mail server than Postfix is installed here"
}

# sink HOST ADDRESS:PORT [OPTION…]: smtp-sink; what it takes is in the directory
# HOST/sink/ADDRESS:PORT, a file for each transaction.
sink() {
	local host=$1 address=$2 dir=$HOSTS/$1/sink/$2
	shift 2
	postfix_needed
	mkdir -p "$dir"
	chmod 777 "$dir"
	on "$host" smtp-sink -u nobody -h "mx-$host.test" -d "$dir/" "$@" \
		"$address" 100 </dev/null >>"$HOSTS/$host/log" 2>&1 &
	disown
	answers "$host" "${address##*:}" "${address%:*}"
}

# Has the smtp-sink taken COUNT transactions?  sunk HOST ADDRESS:PORT COUNT
sunk() { [ "$(count "$HOSTS/$1/sink/$2")" = "$3" ]; }

# mute HOST PORT: connections are taken there, and nobody says a word.
mute() {
	on "$1" /usr/bin/python3 -ISc "import socket, time
s = socket.create_server(('', $2))
time.sleep(600)" </dev/null >>"$HOSTS/$1/log" 2>&1 &
	disown
	answers "$1" "$2"
}

# Kills all programs on HOST of these names: those in its own /proc.
slain() {
	on "$1" sh -c 'for p in /proc/[0-9]*; do
		read -r name <$p/comm && case " $* " in
		*" $name "*) kill -KILL ${p#/proc/} ;;
		esac
	done' slain "${@:2}" 2>/dev/null || :
}

# Mail, as it is found: inbox HOST USER prints the names of the files.
inbox() { find "$HOSTS/$1/home/spool/mail/$1.test/$2/new" -type f; }

has() { # HOST USER N
	[ "$(inbox "$1" "$2" | wc -l)" = "$3" ]
}

# Waits for the Nth message.
arrives() { # HOST USER [N]
	soon has "$1" "$2" "${3-1}" && return 0
	echo "$2 on $1 has $(inbox "$1" "$2" | wc -l), not ${3-1}"
	return 1
}

# Is that the message SENT (CRLF), below trace lines of COUNT hosts and such
# other lines as EXTRA names?  same GOT SENT COUNT
same() {
	local size
	tr -d '\r' <"$2" >"$HOSTS/sent"
	size=$(wc -c <"$HOSTS/sent")
	tail -c "$size" "$1" | cmp - "$HOSTS/sent" || return
	head -c "-$size" "$1" | grep -v '^[[:blank:]]' | cut -d: -f1 \
		>"$HOSTS/above"
	[ "$(grep -c '^Received$' "$HOSTS/above")" = "$3" ] &&
		! grep -vxE 'Return-Path|Delivered-To|X-Original-To|Received' \
			"$HOSTS/above"
}

# Waits until alice@b.test has more than N messages, or for a second.
moves_on() { # N
	local i
	for i in $(seq 100); do
		[ "$(inbox b alice | wc -l)" -le "$1" ] || return 0
		sleep 0.01
	done
}

# The files that wait on HOST; not those that are done and only show, while what
# they came of waits, that they have been made.
queue_of() {
	local file
	for file in "$HOSTS/$1"/home/spool/queue/*; do
		[[ $file == *-* ]] && ! grep -qm1 '^to [^+] ' "$file" ||
			[ ! -f "$file" ] || echo "$file"
	done
}

queue_empty() { [ -z "$(queue_of "$1")" ]; }

# Nothing is left half done on HOST, and nothing waits there.
assert_clean() {
	queue_empty "$1" || { ls -l "$HOSTS/$1"/home/spool/queue; return 1; }
	PENNYPOST_HOME=$HOSTS/$1/home assert_no_tmp
}

# post FROM TO,TO [OPTION…]: a user of mx-a hands it the message.
post() {
	on a timeout 300 "$INTERNET/send" "${@:3}" 127.0.0.1 "$1" "$2" \
		"$HOSTS/message"
}

# No program of these names runs on HOST: idle HOST NAME…
idle() {
	! on "$1" sh -c 'for p in /proc/[0-9]*; do
		read -r name <$p/comm && case " $* " in
		*" $name "*) exit 0 ;;
		esac
	done; exit 1' idle "${@:2}" 2>/dev/null
}

# As cron does, on HOST, when what was nudged has ended. With `now`, all that
# waits is due.
run_queue() {
	soon idle "$1" queue-run
	[ "${2-}" != now ] || queue_of "$1" | xargs -r touch -d '1 minute ago'
	on "$1" timeout 300 "$LIBEXEC/queue-run"
}

# Every message on HOST has been tried and waits for N seconds at least.
waits() { # HOST [N]
	local file now
	now=$(date +%s)
	[ -n "$(queue_of "$1")" ] || return
	for file in $(queue_of "$1"); do
		[ "$(stat -c %Y "$file")" -ge $((now + ${2-200})) ] || return
	done
}

# The messages that wait on HOST came N seconds ago.
aged() {
	local file came
	came=$(($(date +%s) - $2))
	for file in $(queue_of "$1"); do
		sed -n "s/^arrived [0-9]*$/arrived $came/p" "$file" | head -1 |
			dd of="$file" conv=notrunc status=none bs=1 \
			seek="$(grep -abm1 '^arrived ' "$file" | cut -d: -f1)"
	done
}

# What HOST's USER has are reports, N (1); what they say is in the file facts.
reported() {
	local file
	arrives "$@"
	for file in $(inbox "$1" "$2"); do
		"$INTERNET/report" "$file" || { cat "$file"; return 1; }
	done >facts
	cat facts
}

fact() { grep -qx -- "$1" facts || { echo "no fact: $1"; return 1; }; }

# Nobody runs HOST's queue until `release`.
held() {
	rm -f "$1/home/spool/nudge"
	mkfifo -m 600 "$1/home/spool/nudge"
	chown 64000:64000 "$1/home/spool/nudge"
	exec 7<>"$1/home/spool/nudge"
}

release() { exec 7>&-; }

# Of N messages for alice@b.test each is there, and COPIES (0) more at most.
each_once() {
	local got
	got=$(inbox b alice | xargs -r grep -hm1 '^Message-ID: <[0-9]*@' |
		sort -u | wc -l)
	[ "$got" = "$1" ] || { echo "$got of $1 arrived"; return 1; }
	got=$(inbox b alice | wc -l)
	[ "$got" -le $(($1 + ${2-0})) ] ||
		{ echo "$got copies of $1 arrived"; return 1; }
}
