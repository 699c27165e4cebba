#!/usr/bin/env bats
# smtpd: SMTP on fd 0 and 1.

load helper

setup() {
	home_make
	smtpd=$PROGRAMS/smtpd
}

@test "hello, and what is offered" {
	both "$smtpd" <<'TALK'
S: 220 mx.example.test ESMTP Pennypost
C: EHLO client.test
S: 250-mx.example.test
S: 250-SIZE 52428800
S: 250-LIMITS MAILMAX=1000 RCPTMAX=1000
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-ENHANCEDSTATUSCODES
S: 250-DSN
S: 250-CHUNKING
S: 250 HELP
C: HELO client.test
S: 250 mx.example.test
C: QUIT
S: 221 2.0.0 mx.example.test says goodbye
TALK
}
