#!/usr/bin/env bats
# The systems that students build: an SMTP server on a port of its own; SMTP and
# POP3 with user.txt and mymailbox; HELO to GET_MAIL; receive or redirect. In
# teaching/ are their conversations: the commands are those of the courses, the
# codes too, and where only the codes have to be the same the text is a *.

load helper
load launch/lib

setup() {
	unset TMUX
}

# The terminal soon shows what $want has: for its lines from 0, a pattern. What it
# has shown is no longer wanted.
screen_has() {
	local i n screen
	for i in $(seq 600); do
		mapfile -t screen < <(tmux capture-pane -p -S - 2>/dev/null)
		for n in "${!want[@]}"; do
			if ! _matches "${screen[n]-}" "${want[n]}"; then
				sleep 0.05
				continue 2
			fi
			unset "want[n]"
		done
		return 0
	done
	echo "line $((n + 1)) of the screen is not '${want[n]}':"
	printf '%s\n' "${screen[@]}"
	_told
	return 1
}

# A person at a terminal: typed FILE.talk COMMAND…. A line is typed when the answer
# before it is on the screen; in the end the screen is the conversation, below what
# telnet itself has said, of $above lines.
typed() {
	local talk=$1 line n=$above want=() last=S
	shift
	# Its own server: one that was told to end may still be there.
	TMUX_TMPDIR=$(mktemp -d "$BATS_TEST_TMPDIR/XXX")
	export TMUX_TMPDIR
	tmux -f /dev/null new-session -d -x 200 -y 90 "$* 2>&1; sleep 600" \
		3>&- 7>&-
	STARTED="${STARTED-} $(tmux display-message -p '#{pid}')"
	[ "$n" = 0 ] || want[n - 1]="Escape character is '^]'."
	while IFS= read -r line; do
		[ "$last${line%%:*}" != SC ] || screen_has || return
		last=${line%%:*}
		case $line in
		C:*) line=${line#C:} && tmux send-keys -l "${line# }
" ;;
		S:*) line=${line#S:} ;;
		*) return 1 ;;
		esac
		want[n++]=${line# }
	done <"$talk"
	[ "$above" = 0 ] || want[n]='Connection closed by foreign host.'
	screen_has || return
	tmux kill-server
}
above=3

# The same by hand, on a port: telnet, where that is not said otherwise.
typed_at() { typed "$1" telnet 127.0.0.1 "$2"; }

# serve PROGRAM [ARGUMENT…]: on a free port, which is $port.
serve() {
	port=$(free_port)
	background "$PROGRAMS/listen" "127.0.0.1:$port" "$PROGRAMS/$1" "${@:2}"
	listening "$port"
}

talk() { cp "$BATS_TEST_DIRNAME/teaching/$1.talk" .; talk=$PWD/$1.talk; }

# What the last command of the test left in a mailbox, its first lines cut.
text_of() { mail_of "$1" | sed '1,/^Subject:/d'; }

# 1. A simple SMTP server, to which one talks by telnet

@test "the SMTP server: the transcript, through stdin" {
	home_make
	talk smtp
	both "$PROGRAMS/smtpd" <"$talk"
	[ "$(count "$MAIL/bob/new")" = 2 ]
	talk smtp-errors
	both "$PROGRAMS/smtpd" <"$talk"
	[ "$(count "$MAIL/bob/new")" = 2 ]
	assert_no_tmp
}

@test "the SMTP server: typed into telnet" {
	home_make
	talk smtp
	serve smtpd
	typed_at smtp.talk "$port"
	[ "$(text_of bob)" = "
Hello, Bob.
This is a test." ]
	talk smtp-errors
	typed_at smtp-errors.talk "$port"
	[ "$(count "$MAIL/bob/new")" = 1 ]
}

# nc sends lines that end in LF; -C makes them CRLF.
@test "the SMTP server: typed into nc, which wants -C" {
	home_make
	talk smtp
	serve smtpd
	above=0
	typed smtp.talk nc -C 127.0.0.1 "$port"
	[ "$(text_of bob)" = "
Hello, Bob.
This is a test." ]
	printf '%s\n' 'S: 220 *' 'C: HELO me' \
		'S: 500 5.5.2 Lines end in CRLF, and hold no other CR or LF' \
		>bare.talk
	typed bare.talk nc 127.0.0.1 "$port"
}

# 2. SMTP and POP3, with user.txt and mymailbox, and the client's menu

# menu LINE…: what somebody chooses, by pipe; what is shown goes to ./menu.
menu() {
	printf '%s\n' "$@" |
		timeout 120 "$PROGRAMS/mailclient" 127.0.0.1 "$port" "$pop3" \
			>menu 2>>stderr
}

@test "user.txt and mymailbox: moved in, SMTP, POP3, the client's menu" {
	home_make
	rm -r "${MAIL:?}"/* "$PENNYPOST_HOME/users/passwd"
	: >"$PENNYPOST_HOME/users/passwd"
	printf 'anita sitar\nravi\t tabla\r\n' >user.txt
	mkdir anita ravi
	printf '%s\n' 'From: <ravi@example.test>' 'To: <anita@example.test>' \
		'Subject: The old lab' 'Received: 12-03-2024 : 14 : 05' \
		'Was it at nine?' . >anita/mymailbox
	: >ravi/mymailbox
	export PENNYPOST_PROGRAMS=$PROGRAMS
	pennypost=$ROOT/scripts/pennypost
	run -0 "$pennypost" import users user.txt
	[[ $output == '2 users added'* ]]
	for _ in 1 2; do
		"$pennypost" import mymailbox .
		[ "$(count "$MAIL/anita"/{new,cur})" = 1 ]
	done
	# The two servers, each on its port.
	serve pop3d
	pop3=$port
	serve smtpd
	talk class-smtp
	typed_at class-smtp.talk "$port"
	talk class-pop3
	pipe "$PROGRAMS/pop3d" < <(sed 's/^C: QUIT/C: RSET\nS: +OK*\n&/' "$talk")
	typed_at class-pop3.talk "$pop3"
	[ "$(count "$MAIL/ravi"/{new,cur})" = 0 ]
	# 1. Manage Mail: what has moved in is read; -1 goes back.
	menu 1 anita sitar 1 '' -1 3
	grep -q '2024.*The old lab' menu
	grep -qx 'Was it at nine?' menu
	# 2. Send Mail: what is no address is not taken.
	menu 2 'From: <anita@example.test>' 'To: ravi' 'To: <ravi@example.test>' \
		'Subject: By the menu' 'From a client.' . 3
	grep -q '^Incorrect format' menu
	grep -q 'Mail sent successfully' menu
	# d deletes.
	menu 1 ravi tabla 1 d -1 3
	grep -q 'By the menu' menu
	grep -qx 'From a client.' menu
	[ "$(count "$MAIL/ravi"/{new,cur})" = 0 ]
	[ "$(count "$MAIL/anita"/{new,cur})" = 1 ]
	assert_no_tmp
}

# 3. HELO to GET_MAIL

@test "HELO to GET_MAIL: the transcript, through stdin" {
	home_make
	talk mysmtp
	pipe "$PROGRAMS/mysmtpd" -L <"$talk"
	home_make "$BATS_TEST_TMPDIR/second"
	step "$PROGRAMS/mysmtpd" -L <"$talk"
	[ "$(count "$MAIL/bob"/{new,cur})" = 2 ]
	# As the courses' own clients send it: lines that end in LF.
	home_make "$BATS_TEST_TMPDIR/third"
	sed -e '/^C:/s/$/\\n/' -e 's/^C: */c: /' "$talk" >bare.talk
	both "$PROGRAMS/mysmtpd" -L < <(sed '/^c: LIST/,/^S: \.$/d' bare.talk)
	talk mysmtp-errors
	both "$PROGRAMS/mysmtpd" -L <"$talk"
	assert_no_tmp
}

@test "HELO to GET_MAIL: typed into telnet, and into nc" {
	home_make
	talk mysmtp
	serve mysmtpd -L
	typed_at mysmtp.talk "$port"
	talk mysmtp-errors
	typed_at mysmtp-errors.talk "$port"
	talk mysmtp
	sed -n '/^C: LIST/,$p' "$talk" >rest.talk
	above=0
	typed rest.talk nc 127.0.0.1 "$port"
	# Everything else sees the same mailbox.
	[ "$(count "$MAIL/bob/new")" = 2 ]
	pipe "$PROGRAMS/pop3d" <<-END
		S: +OK *
		C: USER bob
		S: +OK *
		C: PASS secret
		S: +OK 2 messages
		C: QUIT
		S: +OK *
	END
}

@test "HELO to GET_MAIL: with AUTH, what SMTP brought" {
	home_make
	talk smtp
	pipe "$PROGRAMS/smtpd" <"$talk"
	talk mysmtp-login
	both "$PROGRAMS/mysmtpd" <"$talk"
	serve mysmtpd
	typed_at mysmtp-login.talk "$port"
}

# 4. Receive or redirect

# A second server, for elsewhere.test, whose dora has a mailbox; $other is its
# port and $far its home.
second_server() {
	far=$BATS_TEST_TMPDIR/far
	other=$(free_port)
	mkdir -p "$far"/users "$far"/spool/{queue,tmp} \
		"$far/spool/mail/elsewhere.test/dora"/{tmp,new,cur}
	printf '%s\n' 'host mx.elsewhere.test' 'resolver 127.0.0.1:1' \
		>"$far/pennypost.conf"
	echo elsewhere.test >"$far/users/domains"
	echo 'dora@elsewhere.test:x:' >"$far/users/passwd"
}

as_the_mail_user() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid nobody --regid nogroup --clear-groups "$@"
	else
		"$@"
	fi
}

@test "receive or redirect: xinetd, smtpd, the spool, cron's queue-run, the other server" {
	installed
	second_server
	smtp=$(free_port)
	log=$BATS_TEST_TMPDIR/xinetd.log
	echo "smarthost 127.0.0.1:$other" >>"$PENNYPOST_HOME/pennypost.conf"
	xinetd_start pennypost-smtp
	talk redirect
	typed_at redirect.talk "$smtp"
	# One has it, the other's waits in the spool.
	[ "$(text_of alice)" = "
One text." ]
	run -0 as_the_mail_user "$LIBEXEC/sendmail" -bp
	[[ $output == *'carol@example.test'*'dora@elsewhere.test'* ]]
	[[ $output != *alice* ]]
	[ "$(count "$QUEUE")" = 1 ]
	# The other server is up, and cron comes.
	PENNYPOST_HOME=$far background "$PROGRAMS/listen" "127.0.0.1:$other" \
		"$PROGRAMS/smtpd"
	listening "$other"
	as_the_mail_user "$LIBEXEC/queue-run" 2>>stderr
	run -0 as_the_mail_user "$LIBEXEC/sendmail" -bp
	[ "$output" = 'Mail queue is empty' ]
	MAIL=$far/spool/mail/elsewhere.test
	[ "$(text_of dora)" = "
One text." ]
	# Both servers have put their line on it.
	[ "$(mail_of dora | grep -c '^Received: ')" = 2 ]
	mail_of dora | grep -q '^Return-Path: <carol@example.test>$'
	[ "$(count "$PENNYPOST_HOME"/spool/{queue,tmp})" = 0 ]
}

# The page for the class

# A checkout of the test's own, built already; $words are the page's ports and
# those that are used in place of them.
checkout() {
	local i port
	copy=$BATS_TEST_TMPDIR/checkout
	mkdir -p "$copy/build"
	cp -R "$ROOT/scripts" "$copy"
	ln -s "$ROOT"/{src,man} "$copy"
	find "$PROGRAMS" -maxdepth 1 -type f -perm -1 \
		-exec cp {} "$copy/build" \;
	printf 'all:\n' >"$copy/Makefile"
	words=() QUICKSTART_PORTS=
	for i in 2525 2587 2110 2526 2465 2995 2143 2993 2500; do
		port=$(free_port)
		QUICKSTART_PORTS+="${QUICKSTART_PORTS:+ }$port"
		words+=("$i=$port")
	done
	words+=("2527=$(free_port)" "2528=$(free_port)")
	export QUICKSTART_PORTS
	unset MAKEFLAGS MFLAGS MAKELEVEL PENNYPOST_HOME
	cd "$copy" || return
}

@test "pennypost-teaching.7: all that it says is typed, and seen" {
	checkout
	timeout 600 "$BATS_TEST_DIRNAME/teaching/terminal" \
		man/pennypost-teaching.7 "${words[@]}" 3>&- 7>&-
}
