/*
 * SASL (RFC 4422), the talker's side, the same for every protocol: PLAIN,
 * LOGIN, SCRAM-SHA-256, SCRAM-SHA-256-PLUS, EXTERNAL. It reads the peer's
 * words, and has the doorkeeper decide: door.h.
 */
#ifndef SASL_H
#define SASL_H

#include "door.h"
#include "str.h"

enum sasl_result {
	SASL_OK,
	SASL_REFUSED,     /* user, password or proof is wrong */
	SASL_UNAVAILABLE, /* cannot tell now */
	SASL_MALFORMED,   /* no response of this mechanism */
	SASL_UNKNOWN,     /* no such mechanism, or not offered */
	SASL_GIVEN_UP,    /* the challenge function has returned NULL */
};

/*
 * The names, divided by blanks, that may be offered now, the best first; "":
 * none. What was in the str before is gone.
 */
void sasl_mechanisms(const struct door *, struct str *);

/* User and password as they are: POP3's PASS, IMAP's LOGIN. Wipes it. */
enum sasl_result sasl_password(struct door *, const char *user,
    char *password);

/*
 * One login. initial: the response that came with the command, in base64, "="
 * as an empty one; NULL: there was none. challenge() sends a challenge in
 * base64 and returns the answer, also in base64, which we may write on; or
 * NULL: the client has given up, and has had its reply.
 */
enum sasl_result sasl_login(struct door *, const char *mechanism,
    char *initial, char *(*challenge)(const char *text));

#endif
