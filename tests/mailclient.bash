# What both test files of mailclient load: a home with its servers, and mails.

load helper

# Alice's mails are what mail_put has put there. In $smtp and $pop3: ports.
mailclient_setup() {
	home_make
	export TZ=UTC PENNYPOST_LOG=stderr HOME=$BATS_TEST_TMPDIR
	unset LANG LC_ALL LC_CTYPE
	smtp=$(free_port)
	pop3=$(free_port)
	serve "$smtp" smtpd
	serve "$pop3" pop3d
}

serve() { # PORT HANDLER ...
	"$PROGRAMS/listen" "127.0.0.1:$1" "$PROGRAMS/$2" "${@:3}" </dev/null \
		>/dev/null 2>>"$BATS_TEST_TMPDIR/stderr" 3>&- 7>&- &
	STARTED="${STARTED-} $!"
	port_wait "$1"
}

# A mail of alice's, from the standard input with LF: mail_put NUMBER
mail_put() {
	mkdir -p "$MAIL/alice"/{tmp,new,cur}
	cat >"$MAIL/alice/new/17000000$(printf %02d "$1").$1.mx.example.test"
}

# The third of them has three parts.
mails_make() {
	mail_put 1 <<'MAIL'
Received: from a.test by mx.example.test; Tue, 12 Mar 2024 14:05:00 +0000
From: Bob Builder <bob@example.test>
To: alice@example.test
Subject: Can we fix it?
Date: Mon, 11 Mar 2024 09:00:00 +0000
Message-ID: <one@example.test>

Yes we can.
..
> quoted before
MAIL
	mail_put 2 <<'MAIL'
From: =?iso-8859-1?Q?J=F6rg_M=FCller?= <joerg@example.test>
Reply-To: bob@example.test, "Carol" <carol@example.test>
Subject: =?utf-8?B?UmU6IEdyw7zDn2UgYXVzIOWMl+S6rA==?=
Date: Wed, 13 Mar 2024 16:30:00 +0200
Message-ID: <two@example.test>
References: <zero@example.test> <one@example.test>
MIME-Version: 1.0
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Sch=F6ne Gr=FC=DFe!
MAIL
	mail_put 3 <<'MAIL'
From: carol@example.test
Subject: Papers
Date: yesterday
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/html; charset=utf-8

<html><head><title>no</title><style>p { color: red }</style></head>
<body><p>Read  <a href="https://example.test/?a=1&amp;b=2">this</a>,
&lt;please&gt;.</p><ul><li>one<li>two &auml;</ul></body></html>
--c--
--b
Content-Type: application/octet-stream; name="x"
Content-Disposition: attachment; filename="plan.bin"
Content-Transfer-Encoding: base64

AAECAwoNCg==
--b--
MAIL
}

# What mailclient says to the lines of the standard input.
talk() { # ARGUMENT ...
	timeout 300 env -u PENNYPOST_LOG "$PROGRAMS/mailclient" "$@" 2>>"$BATS_TEST_TMPDIR/stderr"
}
