#!/usr/bin/env bats
# mailclient as a person has it: in a terminal of 80 columns and 24 rows.

load mailclient

setup() {
	mailclient_setup
	# For tmux itself: the program's locale is what ssh leaves of one.
	export LC_ALL=C.UTF-8
	terminal -f /dev/null -u new-session -d -x 80 -y 24 \
		"env -u LC_ALL -u PENNYPOST_LOG LANG=C PS1='sh> ' \
		PATH='$PROGRAMS:$PATH' bash --norc --noprofile"
	STARTED="$STARTED $(terminal display-message -p '#{pid}')"
	sees 'sh> '
	choose='Mail number, n next, p previous page, q main menu:'
	do='d delete, r reply, s save, a NUMBER save attachment, Enter list:'
}

terminal() { timeout 60 tmux -S "$BATS_TEST_TMPDIR/tmux" "$@" 3>&- 7>&-; }

# The keys' names, or text, then Enter.
types() {
	terminal send-keys -l -- "$1"
	terminal send-keys Enter
}

key() { terminal send-keys "$@"; }

# The last line on the screen comes to be this one.
sees() {
	local i
	for i in $(seq 1000); do
		screen=$(terminal capture-pane -p)
		[ "${screen##*$'\n'}" != "${1%% }" ] || return 0
		sleep 0.03
	done
	printf 'no "%s" at the end of:\n%s\n' "$1" "$screen"
	return 1
}

# The lines of the standard input come to be on the screen, in one piece.
shows() {
	local i lines
	lines=$(cat)
	for i in $(seq 1000); do
		[[ $screen != *"$lines"* ]] || return 0
		sleep 0.03
		screen=$(terminal capture-pane -p)
	done
	printf 'no\n%s\nin:\n%s\n' "$lines" "$screen"
	return 1
}

# tmux tells the pane a while later.
resize() { # COLUMNS ROWS
	local _ tty
	tty=$(terminal display-message -p '#{pane_tty}')
	terminal resize-window -x "$1" -y "$2"
	for _ in $(seq 1000); do
		[ "$(stty -F "$tty" size)" != "$2 $1" ] || return 0
		sleep 0.03
	done
	return 1
}

client_begin() {
	types "clear; mailclient 127.0.0.1 $smtp $pop3; echo \"status \$?\""
	sees 'Your choice:'
}

logs_in() {
	types 1
	sees 'User:'
	types alice@example.test
	sees 'Password:'
	types secret
	sees "$choose"
	run -1 grep -q secret <<<"$screen"
}

quits() { # STATUS
	sees 'Your choice:'
	types 3
	sees 'sh>'
	shows <<<"status $1"
}

@test "a person reads: log in, list, pages of a text, save, delete, quit" {
	{
		printf 'From: Carol <carol@example.test>\nSubject: %s\n\n' \
			'=?utf-8?Q?=E5=8C=97=E4=BA=AC?='
		printf '%s ' 'wide 北京' $(seq 100)
		printf '\n%s' $(seq 40) ''
	} | mail_put 1
	client_begin
	logs_in
	shows <<'END'
1 mail:
No.  From                  Received          Subject
  1  Carol                                   北京
END
	types 1
	sees '-- more: Enter, or q to stop --'
	# Lines are broken between words; 23 of them, and the question.
	shows <<'END'
From: Carol <carol@example.test>
Subject: 北京

wide 北京 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26
27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53
54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76 77 78 79 80
81 82 83 84 85 86 87 88 89 90 91 92 93 94 95 96 97 98 99 100
1
2
END
	types ''
	sees '-- more: Enter, or q to stop --'
	shows <<<$'38\n-- more'
	types q
	sees "$do"
	types 's'
	sees 'File:'
	types 'mail.txt'
	sees "$do"
	shows <<<'Saved in mail.txt.'
	diff mail.txt "$MAIL"/alice/*/*.1.mx*
	types 'd'
	sees "$choose"
	shows <<<'  1D                                         (will be deleted)'
	[ "$(count "$MAIL/alice"/{new,cur})" = 1 ]
	types q
	sees 'Your choice:'
	shows <<<'1 mail deleted.'
	[ "$(count "$MAIL/alice"/{new,cur})" = 0 ]
	quits 0
}

@test "a password is not seen; Ctrl-C there, and the terminal is as it was" {
	types 'stty -a >before'
	sees 'sh>'
	client_begin
	types 1
	sees 'User:'
	types alice
	sees 'Password:'
	key g u e s s BSpace C-z
	key Enter
	sees 'Your choice:'
	shows <<<$'Password:\nWrong user or password: user or password is wrong.'
	# By now it is the keeper who asks.
	types 1
	sees 'User [alice]:'
	types ''
	sees 'Password:'
	key g u e s s BSpace C-z
	key Enter
	sees 'Your choice:'
	run -1 grep gue <<<"$screen"
	key C-z
	sees 'sh>'
	shows <<<'Stopped'
	types "clear; fg; echo \"status \$?\""
	sees "mailclient 127.0.0.1 $smtp $pop3"
	types 1
	sees 'User [alice]:'
	types ''
	sees 'Password:'
	types secret
	sees 'Your choice:'
	shows <<<'There is no mail.'
	quits 0
	# Of a shell that does not give the terminal its modes back itself.
	types "clear; sh -c 'trap : INT; mailclient 127.0.0.1 $smtp $pop3; stty -a >after'"
	sees 'Your choice:'
	types 1
	sees 'User:'
	types alice
	sees 'Password:'
	key s e c
	key C-c
	sees 'sh>'
	run -1 grep -E "sec|gue" <<<"$screen"
	cmp before after
	rm after
	types "clear; sh -c 'trap : INT; mailclient 127.0.0.1 $smtp $pop3; stty -a >after'"
	sees 'Your choice:'
	types 1
	sees 'User:'
	types alice
	sees 'Password:'
	types wrong
	sees 'Your choice:'
	types 1
	sees 'User [alice]:'
	types ''
	sees 'Password:'
	key s e c
	key C-c
	sees 'sh>'
	run -1 grep -E "sec|gue" <<<"$screen"
	cmp before after
	# The same at the end of the input.
	client_begin
	types 1
	sees 'User:'
	types alice
	sees 'Password:'
	key C-d
	sees 'sh>'
	shows <<<$'Password:\nThe input has ended: nothing is sent, and nothing deleted.\nstatus 66'
	types 'stty -a | cmp - before && echo same'
	sees 'sh>'
	shows <<<'same'
}

@test "a person writes: UTF-8 typed, corrected, sent; and replies" {
	mails_make
	client_begin
	types 2
	sees 'From:'
	types alice
	sees 'From:'
	shows <<<'Incorrect format: "alice" is not an address, name@domain.'
	types alice@example.test
	sees 'To:'
	types 'bob@example.test, carol@example.test'
	sees 'Subject:'
	terminal send-keys -l 'Größexü'
	key BSpace BSpace
	types ' 北京'
	sees 'Text, and a line with a lone dot to end it:'
	types 'Grüße,'
	types '  Älice'
	types .
	sees 'Your choice:'
	shows <<<'Mail sent successfully.'
	logs_in
	types 1
	sees "$do"
	types r
	sees 'From [alice@example.test]:'
	shows <<<$'To: bob@example.test\nSubject: Re: Can we fix it?\nFrom [alice'
	types ''
	sees 'Text, and a line with a lone dot to end it:'
	types 'Yes.'
	types .
	sees "$do"
	shows <<<'Mail sent successfully.'
	types ''
	sees "$choose"
	types -1
	quits 0
	python3 - "$MAIL"/bob/new/* <<'PY'
import email, email.policy, sys
said = sorted((m["Subject"], m.get_content()) for m in (email.message_from_file(
    open(f), policy=email.policy.default) for f in sys.argv[1:]))
assert said == [("Größe 北京", "Grüße,\n  Älice\n"),
    ("Re: Can we fix it?", "> Yes we can.\n> ..\n>> quoted before\n\nYes.\n")], said
PY
	[ "$(count "$MAIL/carol/new")" = 1 ]
}

@test "another window: the list fits into it" {
	mails_make
	client_begin
	logs_in
	resize 60 10
	types ''
	sees "$choose"
	shows <<'END'
No.  From        Received          Subject
  1  Bob Builde  2024-03-12 14:05  Can we fix it?
  2  Jörg Mülle  2024-03-13 14:30  Re: Grüße aus 北京
  3  carol@exam  yesterday         Papers
END
	resize 132 6
	types ''
	sees "$choose"
	shows <<'END'
3 mails, 1 to 2:
No.  From                              Received          Subject
  1  Bob Builder                       2024-03-12 14:05  Can we fix it?
  2  Jörg Müller                       2024-03-13 14:30  Re: Grüße aus 北京
END
	types q
	quits 0
}

@test "the server goes away in the middle: a sentence, and the main menu" {
	mails_make
	client_begin
	logs_in
	types 1
	sees "$do"
	types d
	sees "$choose"
	read -ra pids <<<"$STARTED" # smtpd's, pop3d's
	session=$(pgrep -P "${pids[1]}")
	kill "${pids[1]}"
	# shellcheck disable=SC2086 # words
	kill -KILL $session
	wait "${pids[1]}" || :
	types 2
	sees 'Your choice:'
	shows <<<'Nothing was deleted.'
	types 1
	sees 'Your choice:'
	shows <<<"Cannot reach 127.0.0.1 port $pop3: Connection refused. Is the server running?"
	quits 69
	[ "$(count "$MAIL/alice"/{new,cur})" = 3 ]
}
