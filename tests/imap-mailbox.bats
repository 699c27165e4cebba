#!/usr/bin/env bats
# The mailboxes of imapd below the protocol: UIDs, the journal, foreign changes.

load helper

setup_file() {
	local src=$BATS_TEST_DIRNAME/../src imapd=$BATS_TEST_DIRNAME/../src/imapd
	local files=("$BATS_TEST_DIRNAME/imap/mailbox.c")
	files+=("$imapd"/{mailbox,messages,batch,uids,scan,directory,change}.c)
	files+=("$imapd"/{transfer,takeover,place,name,set,order}.c)
	files+=("$src"/lib/{keywords,lock,str,log,file,charset,rare,utf8}.c)
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -g -I"$src/lib" \
		-o "$BATS_FILE_TMPDIR/plain" "${files[@]}"
	[ "${CC-}" = musl-gcc ] || sanitize=-fsanitize=address,undefined
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror \
		${sanitize:+$sanitize -fno-sanitize-recover} \
		-I"$src/lib" -o "$BATS_FILE_TMPDIR/mailbox" "${files[@]}"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	plain=$BATS_FILE_TMPDIR/plain
	mailbox=$BATS_FILE_TMPDIR/mailbox
	mkdir -p m/{cur,new,tmp} m/.B/{cur,new,tmp}
}

# A conversation with the driver: "> command", and what it answers. Names that
# were made, and other numbers, may be * in the answers.
talk() {
	local talk
	talk=$(cat)
	grep '^> ' <<<"$talk" | sed 's/^> //' >in
	timeout 60 "$mailbox" m <in >out 2>>stderr ||
		{ cat out stderr; return 1; }
	grep -v '^> ' <<<"$talk" >wanted || true
	local line got n=0
	exec 9<out
	while IFS= read -r line; do
		n=$((n + 1))
		IFS= read -r got <&9 || got='<nothing>'
		_matches "$got" "$line" || {
			echo "answer $n: '$got', not '$line'"
			cat out stderr
			return 1
		}
	done <wanted
	if IFS= read -r got <&9; then
		echo "more: $got"
		return 1
	fi
	exec 9<&-
}

put() { # FILE TEXT
	printf '%s\n' "$2" >"m/$1"
}

# What stands in the journal, without times.
journal() {
	sed -E 's/^([ax] [0-9]+) [0-9]+/\1 M/; /^[sS] /s/^(.) ([0-9]+) ([0-9]+) .*/\1 \2 \3/' \
		m/pennypost-uids
}

@test "UIDs: in order of delivery, kept, never used again" {
	put new/1700000002.b,S=4,W=5 two
	put cur/1700000001.a:2,S one
	put new/1700000003.c three
	talk <<'TALK'
> open a m
ok
> state a
validity 1 next 4 recent 1 exists 3 unseen 2 deleted 0 octets 5
> load a
ok
> list a
1 [S] 1700000001.a:2,S
2 [] 1700000002.b,S=4,W=5:2,
3 [] 1700000003.c:2,
> store a 3 add T
ok
> expunge a 1:*
ok
> show a 2
two
TALK
	[ -z "$(ls m/new)" ]
	put new/1700000004.d four
	UIDVALIDITY=7 talk <<'TALK'
> open a m
ok
> load a
ok
> list a
1 [S] 1700000001.a:2,S
2 [] 1700000002.b,S=4,W=5:2,
4 [] 1700000004.d:2,
> state a
validity 1 next 5 recent 1 exists 3 unseen 2 deleted 0 octets 5
TALK
	[ "$(stat -c %a m/pennypost-uids)" = 600 ]
	diff <(journal | sed '1s/ [^ ]*$/ ID/') - <<'END'
pennypost-uids 1 1 0 ID
s 1 1
a 1 M 0 1700000001.a:2,S
a 2 M 5 1700000002.b,S=4,W=5:2,
a 3 M 0 1700000003.c:2,
S 4 1
d
a 3 M 0 1700000003.c:2,T
s 4 1
x 3 M
s 4 1
a 4 M 0 1700000004.d:2,
S 5 1
d
END
}

@test "a change by others: flags, removals, and what has odd names" {
	local i
	for i in 1 2 3 4 5; do
		put cur/170000000$i.a$i:2,S "mail $i"
	done
	cat >change <<'END'
mv m/cur/1700000002.a2:2,S m/cur/1700000002.a2:2,SF
rm m/cur/1700000003.a3:2,S
mv m/cur/1700000004.a4:2,S m/new/1700000004.a4
echo six >m/new/1700000006.a6:2,S
echo seven >'m/new/1700000007.a
7'
echo eight >'m/cur/1700000008.a
8:2,R'
echo dup >m/cur/1700000001.a1:2,
ln m/cur/1700000005.a5:2,S m/cur/1700000005.a5:2,ST
mkdir m/cur/dir:2,
echo nine >m/cur/noinfo
echo ten >m/cur/odd:2,PQSZ
echo hidden >m/cur/.hidden
END
	talk <<'TALK'
> open a m
ok
> load a
ok
> run . ./change
> sync a
ok
> list a
1 [S] 1700000001.a1:2,S
2 [FS] 1700000002.a2:2,SF changed
3 [S] 1700000003.a3:2,S expunged
4 [] 1700000004.a4:2, changed
5 [S] 1700000005.a5:2,S
6 [] *,S=4:2,
7 [S] 1700000006.a6:2,S
8 [] *,S=6:2,
9 [R] *,S=6:2,R
10 [] noinfo
11 [S] odd:2,PQSZ
> tell a
> show a 6
dup
> show a 9
eight
> state a
validity 1 next 12 recent 1 exists 10 unseen 5 deleted 0 octets 0
> store a 5 add T
ok
> store a 10:11 add FT
ok
> sync a
ok
> list a
1 [S] 1700000001.a1:2,S
2 [FS] 1700000002.a2:2,SF
4 [] 1700000004.a4:2,
5 [ST] 1700000005.a5:2,ST changed
6 [] *,S=4:2,
7 [S] 1700000006.a6:2,S
8 [] *,S=6:2,
9 [R] *,S=6:2,R
10 [FT] noinfo:2,FT changed
11 [FST] odd:2,FPQSTZ changed
TALK
	[ "$(find m/cur -type f | wc -l)" = 11 ] # .hidden is none of ours
	[ -d m/cur/dir:2, ]
}

@test "names that are no longer true are looked for" {
	put cur/1.a:2,S one
	put cur/2.b:2,ST two
	put cur/3.c:2,ST three
	put cur/4.d:2, four
	talk <<'TALK'
> open a m
ok
> load a
ok
> open b m/.B
ok
> run mv m/cur/1.a:2,S m/cur/1.a:2,RS; rm m/cur/4.d:2,
> show a 1
one
> show a 4
gone No such file or directory
> store a 1:4 add F
ok
> list a
1 [FRS] 1.a:2,FRS changed
2 [FST] 2.b:2,FST changed
3 [FST] 3.c:2,FST changed
4 [] 4.d:2, expunged
> tell a
> run mv m/cur/2.b:2,FST m/cur/2.b:2,FS; mv m/cur/3.c:2,FST m/cur/3.c:2,T
> expunge a 1:*
ok
> list a
1 [FRS] 1.a:2,FRS
2 [FS] 2.b:2,FS changed
3 [T] 3.c:2,T changed expunged
> tell a
> run mv m/cur/1.a:2,FRS m/cur/1.a:2,
> copy a 1:2 b
1>1 2>2 ok
> run mv m/cur/2.b:2,FS m/cur/2.b:2,S
> move a 1:2 b
1>3 2>4 ok
> load b
ok
> list b
1 [] *:2,
2 [FS] *:2,FS
3 [] *:2,
4 [S] *:2,S
> show b 4
two
TALK
}

@test "a change that comes just before our own, or in the same tick, is seen" {
	put cur/1.a:2,S one
	put cur/2.b:2,S two
	put cur/3.c:2,S three
	echo 'm=$(stat -c %.9Y m/cur); mv "$1" "$2"; touch -d "@$m" m/cur' >move
	talk <<'TALK'
> open a m
ok
> load a
ok
> pause 1200
> sync a
ok
> run mv m/cur/1.a:2,S m/cur/1.a:2,FS
> store a 2 add T
ok
> sync a
ok
> list a
1 [FS] 1.a:2,FS changed
2 [ST] 2.b:2,ST changed
3 [S] 3.c:2,S
> tell a
> store a 2 remove T
ok
> run sh ./move m/cur/3.c:2,S m/cur/3.c:2,RS
> sync a
ok
> pause 1200
> sync a
ok
> list a
1 [FS] 1.a:2,FS
2 [S] 2.b:2,S changed
3 [RS] 3.c:2,RS changed
TALK
}

@test "APPEND, COPY, MOVE: numbers, dates, keywords in both folders" {
	printf '0 $Junk\n' >m/.B/dovecot-keywords
	DATE=1600000000 talk <<'TALK'
> open a m
ok
> append a FS,work,$junk hello|world!
1 2 ok
> state a
validity 1 next 3 recent 1 exists 2 unseen 0 deleted 0 octets 15
> open b m/.B
ok
> load a
ok
> copy a 1:* b
1>1 2>2 ok
> move a 2 b
2>3 ok
> move b 1:2 b
1>4 2>5 ok
> load b
ok
> tell b
> state b
validity 1 next 6 recent 1 exists 3 unseen 0 deleted 0 octets 23
> list b
3 [FSab] *,S=7,W=8:2,FSab
4 [FSab] *,S=6,W=7:2,FSab
5 [FSab] *,S=7,W=8:2,FSab
> list a
1 [FSab] *
2 [FSab] * expunged
> vanished a 0
2
> vanished b 0
1:2
TALK
	diff m/dovecot-keywords - <<<'0 work
1 $junk'
	diff m/.B/dovecot-keywords - <<<'0 $Junk
1 work'
	[ "$(stat -c %Y m/cur/* m/.B/cur/* | sort -u)" = 1600000000 ]
	[ -z "$(find m/tmp m/.B/tmp -type f)" ]
}

@test "STORE: sets, UNCHANGEDSINCE, silence, letters that mean nothing to us" {
	put cur/1.a:2,PSX one
	put cur/2.b:2,S two
	put cur/3.c:2,S three
	talk <<'TALK'
> open a m
ok
> load a
ok
> open b m
ok
> load b
ok
> store a 1 set FRab
ok
> store a 2 remove S silent
ok
> store a 3 add S
ok
> list a
1 [FRab] 1.a:2,FPRXab changed
2 [] 2.b:2, changed silent
3 [S] 3.c:2,S changed
> tell a
> store b 3 add T
ok
> sync b
ok
> list b
1 [FRab] 1.a:2,FPRXab changed
2 [] 2.b:2, changed
3 [ST] 3.c:2,ST changed
> store a 3 remove S silent
ok
> list a
1 [FRab] 1.a:2,FPRXab
2 [] 2.b:2,
3 [T] 3.c:2,T changed
> store a 1:3 add D silent 1
modified 1:3 ok
> list a
1 [FRab] 1.a:2,FPRXab
2 [] 2.b:2,
3 [T] 3.c:2,T changed
TALK
}

@test "MODSEQ grows with each change, of whatever kind" {
	put cur/1.a:2, one
	cat >in <<'END'
open a m
load a
highest a
store a 1 add F
highest a
store a 1 add S
highest a
append a - x
highest a
run touch m/new/2.b
sync a
highest a
store a 1 add T
expunge a 1
highest a
claim a
highest a
END
	"$mailbox" m <in | grep '^[0-9]\{5,\}$' >got
	[ "$(wc -l <got)" = 7 ]
	head -n 6 got | sort -nuc # strictly
	[ "$(tail -n 2 got | uniq | wc -l)" = 1 ] # \Recent is no change
}

@test "two sessions: each hears of what the other does" {
	put cur/1.a:2, one
	put cur/2.b:2, two
	mkfifo fifo
	"$mailbox" m <fifo >other 2>>stderr &
	local pid=$!
	exec 6>fifo
	printf '%s\n' 'open a m' 'load a' >&6
	until [ "$(grep -cs '^ok' other)" = 2 ]; do sleep 0.02; done
	talk <<'TALK'
> open a m
ok
> load a
ok
> store a 1 add T
ok
> append a S three
3 ok
> expunge a 1:*
ok
> claim a
from 1
TALK
	printf '%s\n' 'sync a' 'list a' 'claim a' 'state a' 'vanished a 0' >&6
	exec 6>&-
	wait "$pid"
	diff <(sed 's/ [0-9.]*M[^ ]*:2/ NAME:2/' other) - <<'END'
ok
ok
ok
1 [T] 1.a:2,T changed expunged
2 [] 2.b:2,
3 [S] NAME:2,S
from 4
validity 1 next 4 recent 4 exists 2 unseen 1 deleted 0 octets 7
1
END
}

@test "a journal that is cut anywhere says nothing wrong" {
	local i
	for i in 1 2 3 4; do
		put cur/$i.$i:2,S "text $i"
	done
	talk <<'TALK' >/dev/null
> open a m
ok
> load a
ok
> store a 2 add F
ok
> append a - new
5 ok
TALK
	cp m/pennypost-uids whole
	local size begin
	size=$(stat -c %s whole)
	begin=$(grep -b '^a 5' whole | cut -d: -f1)
	# The flags are in the names, and the file is there: what stood behind
	# the cut is found again, and nothing else.
	for ((i = begin; i <= size; i++)); do
		printf '%s\n' "run cp whole m/pennypost-uids" \
			"truncate m/pennypost-uids $i" 'open a m' 'load a' \
			'list a' 'state a' 'close a'
	done >in
	timeout 300 "$mailbox" m <in >out 2>>stderr
	sed -E 's/ [0-9]+\.M.*:2/ NAME:2/' out | sort | uniq -c | sort -n >got
	local n=$((size - begin + 1))
	diff <(sed 's/^ *//' got | sort) <(sort <<END
$((2 * n)) ok
$n 1 [S] 1.1:2,S
$n 2 [FS] 2.2:2,FS
$n 3 [S] 3.3:2,S
$n 4 [S] 4.4:2,S
$n 5 [] NAME:2,
$n validity 1 next 6 recent 1 exists 5 unseen 1 deleted 0 octets 5
END
)
	# Lines without a state do not count, whatever they say.
	{ cat whole; printf 'a 9 1 1 evil:2,\nx 2 1\na 1 1 1 2.2:2,FS\n'; } \
		>m/pennypost-uids
	talk <<'TALK'
> open a m
ok
> load a
ok
> list a
1 [S] 1.1:2,S
2 [FS] 2.2:2,FS
3 [S] 3.3:2,S
4 [S] 4.4:2,S
5 [] *
TALK
	cmp whole <(head -c "$size" m/pennypost-uids)
	! grep -q evil m/pennypost-uids || return 1
}

@test "a journal with a hole, or none at all" {
	local i
	for i in 1 2 3 4 5 6; do
		put cur/$i.$i:2,S "text $i"
	done
	talk <<'TALK' >/dev/null
> open a m
ok
TALK
	local at
	at=$(grep -b '^a 3' m/pennypost-uids | cut -d: -f1)
	dd if=/dev/zero of=m/pennypost-uids bs=1 seek=$((at + 4)) count=20 \
		conv=notrunc 2>/dev/null
	talk <<'TALK'
> open a m
ok
> load a
ok
> list a
1 [S] 1.1:2,S
2 [S] 2.2:2,S
4 [S] 4.4:2,S
5 [S] 5.5:2,S
6 [S] 6.6:2,S
7 [S] 3.3:2,S
> state a
validity 1 next 8 recent 1 exists 6 unseen 0 deleted 0 octets 0
TALK
	grep -q damaged stderr
	rm stderr
	talk <<'TALK'
> open a m
ok
> load a
ok
> list a
1 [S] 1.1:2,S
2 [S] 2.2:2,S
4 [S] 4.4:2,S
5 [S] 5.5:2,S
6 [S] 6.6:2,S
7 [S] 3.3:2,S
TALK
	[ ! -s stderr ]
	echo nonsense >m/pennypost-uids
	UIDVALIDITY=9 talk <<'TALK'
> open a m
ok
> state a
validity 9 next 7 recent 1 exists 6 unseen 0 deleted 0 octets 0
TALK
	[ "$(cat m/pennypost-uids.damaged)" = nonsense ]
}

@test "compaction: what is dead goes, UIDs stay, sessions follow" {
	local i
	for i in 1 2 3; do
		put cur/$i.$i:2,S "text $i"
	done
	mkfifo fifo
	"$mailbox" m <fifo >other 2>>stderr &
	local pid=$!
	exec 6>fifo
	printf '%s\n' 'open a m' 'load a' >&6
	until [ "$(grep -cs '^ok' other)" = 2 ]; do sleep 0.02; done
	{
		printf '%s\n' 'open a m' 'load a' 'store a 3 add T' \
			'expunge a 1:*' 'tell a'
		for i in $(seq 400); do
			printf '%s\n' 'store a 1:2 add F' 'store a 1:2 remove F'
		done
		echo 'append a - four'
		echo 'list a'
	} >in
	"$mailbox" m <in >out 2>>stderr
	[ "$(stat -c %s m/pennypost-uids)" -lt 150000 ]
	[ "$(grep -c '^s' m/pennypost-uids)" -lt 600 ]
	[ ! -e m/pennypost-uids.new ]
	printf '%s\n' 'sync a' 'list a' 'vanished a 0' 'id a' >&6
	exec 6>&-
	wait "$pid"
	diff <(sed -E 's/ [0-9]+\.M.*:2/ NAME:2/; s/^M.*/ID/' other) - <<'END'
ok
ok
ok
1 [S] 1.1:2,S changed
2 [S] 2.2:2,S changed
3 [S]  expunged
4 [] NAME:2,
3
ID
END
}

@test "compaction waits until nobody waits for it: the folder is left" {
	local i
	put cur/1.1:2,S text
	{
		printf '%s\n' 'open a m' 'load a'
		for i in $(seq 300); do
			printf '%s\n' 'store a 1 add F' 'store a 1 remove F'
		done
		echo 'run wc -l <m/pennypost-uids >during'
	} | "$mailbox" m >out 2>>stderr
	[ "$(cat during)" -gt 1200 ]
	[ "$(wc -l <m/pennypost-uids)" -lt 10 ]
	talk <<'TALK'
> open a m
ok
> load a
ok
> list a
1 [S] 1.1:2,S
TALK
}

@test "a folder that is removed, or made anew, is no longer ours" {
	put .B/cur/1.a:2, one
	talk <<'TALK'
> open b m/.B
ok
> load b
ok
> run rm -r m/.B
> sync b
none
> store b 1 add S
none
> open c m/.B
none
TALK
	mkdir m/.B # cur, new and tmp are made
	talk <<'TALK'
> open b m/.B
ok
> load b
ok
> run mv m/.B m/.C; mkdir m/.B
> open c m/.B
ok
> append b - x
none
> sync b
none
> append c - y
1 ok
TALK
	[ -z "$(ls m/.B/tmp)" ]
	[ -z "$(ls m/.C/cur)" ]
	[ "$(cat m/.B/cur/*)" = y ]
}

@test "all is on the disk before it is said" {
	cat >in <<'END'
open a m
append a - hello
END
	strace -qq -y -o trace -e trace=file,desc "$plain" m <in
	sed -n '/ok$/!{/renameat2(.*tmp/,$p}' trace | grep -oE \
		'^(renameat2|fsync|pwrite64|fdatasync|writev?)\([^,)]*' |
		sed -E 's/writev?\(1<.*/write(1/; s/[0-9]+<.*\/([^/]*)>/\1/; s/AT_FDCWD<.*>/./' >got
	diff got - <<'END'
renameat2(.
fsync(cur
pwrite64(pennypost-uids
fdatasync(pennypost-uids
pwrite64(pennypost-uids
write(1
END
}

@test "a batch that may not be on the disk is put there before it is shown" {
	put cur/1.a:2, one
	talk <<'TALK' >/dev/null
> open a m
ok
TALK
	sed -i '$d' m/pennypost-uids # without the d of its writer
	echo 'open a m' >in
	strace -qq -o trace -e trace=fdatasync,write,writev "$plain" m <in
	diff <(sed 's/v\{0,1\}(.*//' trace) <(printf '%s\n' fdatasync write)
	[ "$(tail -n 1 m/pennypost-uids)" = d ]
	strace -qq -o trace -e trace=fdatasync,write,writev "$plain" m <in
	diff <(sed 's/v\{0,1\}(.*//' trace) <(echo write)
}

@test "old files in tmp go, young ones stay" {
	touch m/tmp/young
	touch -d '2 days ago' m/tmp/old
	talk <<'TALK'
> open a m
ok
> load a
ok
TALK
	[ "$(ls m/tmp)" = young ]
}

@test "sizes: of names without W= when they are asked for, once" {
	printf 'a\nb\r\nc' >m/cur/1.a,S=5:2,
	put cur/2.b,S=6,W=7:2, hello
	talk <<'TALK'
> open a m
ok
> state a
validity 1 next 3 recent 1 exists 2 unseen 2 deleted 0 octets 7
> octets a
ok
14
> octets a
ok
14
TALK
	grep -q '^a 1 [0-9]* 7 1.a,S=5:2,$' m/pennypost-uids
}

@test "keywords: one letter whatever the case, 26 and no more" {
	{
		echo '> open a m'
		echo ok
		local i
		for i in $(seq 0 25); do
			echo "> keyword a Word$i make"
			echo "$i"
		done
		echo '> keyword a word25 make'
		echo 25
		echo '> keyword a another make'
		echo -1
	} | talk
	[ "$(wc -l <m/dovecot-keywords)" = 26 ]
	printf '3 three\n0 zero\nx bad\n99 far\n' >m/dovecot-keywords
	talk <<'TALK'
> open a m
ok
> keyword a THREE
3
> keyword a far
-1
> keyword a new make
1
TALK
	diff m/dovecot-keywords - <<<'0 zero
1 new
3 three'
}

@test "times in the future, and a file that cannot be moved, fill no journal" {
	local i size
	put new/1.a one
	for i in 1 2 3 4 5 6; do
		echo 'sync a'
	done >syncs
	{
		echo 'open a m'
		echo 'run touch -d 2100-01-01 m/new m/cur'
		cat syncs
		echo 'run stat -c %s m/pennypost-uids'
		cat syncs
		echo 'run stat -c %s m/pennypost-uids; echo two >m/new/2.b'
		printf '%s\n' 'sync a' 'run touch m/cur/3.c:2,F' 'sync a' 'list a'
	} >in
	"$mailbox" m <in 2>>stderr | sed /ok/d >out
	[ "$(sed -n 1p out)" = "$(sed -n 2p out)" ]
	diff <(sed 1,2d out) - <<'END'
1 [] 1.a:2,
2 [] 2.b:2,
3 [F] 3.c:2,F
END
	put new/4.d four
	{
		echo 'open a m'
		cat syncs
		echo 'run stat -c %s m/pennypost-uids'
		cat syncs
		echo 'run stat -c %s m/pennypost-uids'
	} >in
	strace -qq -o /dev/null -e inject=renameat2:error=EACCES \
		"$plain" m <in 2>refused | sed /ok/d >out
	grep -q 'rename to cur' refused
	[ "$(sed -n 1p out)" = "$(sed -n 2p out)" ]
	[ -e m/new/4.d ]
}

@test "many messages of one second come in the order of their names" {
	local i
	for i in $(seq 100 300); do
		put new/1700000000.M$i.host x
	done
	echo 'open a m' >in
	printf '%s\n' 'load a' 'list a' >>in
	"$mailbox" m <in | sed 1,2d | awk '{print $1, $3}' |
		diff - <(for i in $(seq 100 300); do
			echo "$((i - 99)) 1700000000.M$i.host:2,"; done)
}

@test "sessions, a delivery agent and mutt fight over two folders" {
	run -0 timeout 600 python3 "$BATS_TEST_DIRNAME/imap/mailbox-fight.py" \
		"$mailbox" "$BATS_TEST_TMPDIR/fight" $RANDOM 150
	[[ $output =~ [0-9]{3}\ UIDs,\ 0\ violations ]]
}

# dovecot MAILDIR <COMMANDS: Dovecot's own answers; it lets no mail be root's.
dovecot() {
	local as=()
	cat >"$BATS_TEST_TMPDIR/conf" <<END
base_dir = $BATS_TEST_TMPDIR/run
log_path = $BATS_TEST_TMPDIR/dovecot.log
ssl = no
mail_location = maildir:$BATS_TEST_TMPDIR/$1
stats_writer_socket_path =
first_valid_uid = 0
first_valid_gid = 0
import_environment =
END
	if [ "$(id -u)" = 0 ]; then
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
		chown -R 65534:65534 "$BATS_TEST_TMPDIR"
		chmod a+rx "$BATS_TEST_TMPDIR" "${BATS_TEST_TMPDIR%/*}" \
			"${BATS_TEST_TMPDIR%/*/*}" "${BATS_TEST_TMPDIR%/*/*/*}"
	fi
	rm -f "$BATS_TEST_TMPDIR/left"
	# Who hangs up is not answered any more.
	{ cat; until [ -e "$BATS_TEST_TMPDIR/left" ]; do sleep 0.05; done; } | {
		timeout 60 "${as[@]}" env -i USER=user \
			HOME="$BATS_TEST_TMPDIR" /usr/lib/dovecot/imap \
			-c "$BATS_TEST_TMPDIR/conf"
		: >"$BATS_TEST_TMPDIR/left"
	} | tr -d '\r'
	[ "$(id -u)" != 0 ] || chown -R root: "$BATS_TEST_TMPDIR"
}

@test "Dovecot's UIDs and keywords are taken over, and it reads ours" {
	[ -x /usr/lib/dovecot/imap ] || skip "no dovecot-imapd"
	local i
	for i in 1 2 3 4 5; do
		put new/170000000$i.M$i.host "Subject: $i"
	done
	dovecot m >answers <<'END'
a SELECT INBOX
b UID STORE 2 +FLAGS (\Deleted)
d UID STORE 3 +FLAGS (\Seen $Forwarded work)
e UID STORE 4 +FLAGS (work)
c EXPUNGE
g LOGOUT
END
	local validity
	validity=$(sed -n 's/.*UIDVALIDITY \([0-9]*\).*/\1/p' answers)
	[ -n "$validity" ]
	[ -s m/dovecot-uidlist ]
	put new/1700000009.M9.host 'Subject: nine'
	rm m/cur/1700000005*
	cat >in <<'END'
open a m
load a
list a
state a
store a 1 add Fb
keyword a Late make
store a 4 add c
append a S,work new
END
	"$mailbox" m <in >out 2>>stderr
	diff <(sed -E 's/ [0-9]+\.M/ M/; s/ host//' out) - <<END
ok
ok
1 [] M1.host:2,
3 [Sab] M3.host:2,Sab
4 [b] M4.host:2,b
6 [] M9.host:2,
validity $validity next 7 recent 6 exists 4 unseen 3 deleted 0 octets 0
ok
2
ok
7 ok
END
	dovecot m >answers <<'END'
a SELECT INBOX
f FETCH 1:* FLAGS
g LOGOUT
END
	sed -n 's/^\* \([0-9]* FETCH.*\)/\1/p' answers >got
	diff got - <<'END'
1 FETCH (FLAGS (\Flagged work))
2 FETCH (FLAGS (\Seen $Forwarded work))
3 FETCH (FLAGS (work Late))
4 FETCH (FLAGS (\Recent))
5 FETCH (FLAGS (\Seen \Recent work))
END
}

@test "lists of version 1, and lists that make no sense" {
	put cur/1.a:2,S one
	put new/2.b two
	printf '1 1234567 20\n3 1.a\n7 2.b:2,\n9 gone\n' >m/dovecot-uidlist
	talk <<'TALK'
> open a m
ok
> load a
ok
> list a
3 [S] 1.a:2,S
7 [] 2.b:2,
> state a
validity 1234567 next 20 recent 20 exists 2 unseen 1 deleted 0 octets 0
> vanished a 1
unknown
TALK
	local bad
	for bad in '' 'nonsense' '3 V0 N5' '2 5 5' '3 N5' $'3 V4294967296 N1\n1 :1.a'; do
		rm m/pennypost-uids
		printf '%s\n' "$bad" >m/dovecot-uidlist
		talk <<'TALK'
> open a m
ok
> state a
validity 1 next 3 recent 1 exists 2 unseen 1 deleted 0 octets 0
TALK
	done
	# A list is no longer true where there has been a journal.
	echo nonsense >m/pennypost-uids
	printf '3 V5 N2\n4 :1.a\n' >m/dovecot-uidlist
	UIDVALIDITY=9 talk <<'TALK'
> open a m
ok
> state a
validity 9 next 3 recent 1 exists 2 unseen 1 deleted 0 octets 0
TALK
	rm m/pennypost-uids*
	printf '3 V5 N2 G0123456789abcdef0123456789abcdef\n4 W9 :1.a\n4 :2.b\n3 :2.b\nx :2.b\n4294967295 :2.b\n' \
		>m/dovecot-uidlist
	talk <<'TALK'
> open a m
ok
> id a
0123456789abcdef0123456789abcdef
> load a
ok
> list a
4 [S] 1.a:2,S
5 [] 2.b:2,
> state a
validity 5 next 6 recent 5 exists 2 unseen 1 deleted 0 octets 9
TALK
}

sweep() {
	local dir=/dev/shm
	[ -w $dir ] || dir=$BATS_TEST_TMPDIR
	dir=$(mktemp -d "$dir/mailbox.XXXXXX")
	run -0 timeout 600 python3 "$BATS_TEST_DIRNAME/imap/mailbox-sweep.py" \
		"$plain" "$dir/m" "$@"
	rm -rf "$dir"
	[[ $output =~ \ [1-9][0-9]\ times|\ [1-9][0-9][0-9]\ times ]]
}

@test "killed at every system call: no message is lost, no UID is another's" {
	local operation
	for operation in append store expunge copy move open compact takeover; do
		sweep kill $operation
	done
}

@test "each error of each system call: all or nothing, and said" {
	local operation
	for operation in append store expunge copy move open compact takeover; do
		sweep fail $operation
	done
}
