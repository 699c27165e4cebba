/* Our user and password at the smarthost: AUTH (RFC 4954), PLAIN and LOGIN. */
#ifndef AUTH_H
#define AUTH_H

#include "base64.h"

#define AUTH_FILE "users/smarthost"
#define AUTH_WORD_SIZE 240 /* a user, a password: what our smtpd takes */
#define AUTH_TEXT_SIZE BASE64_SIZE(2 * AUTH_WORD_SIZE)

struct credentials {
	char user[AUTH_WORD_SIZE], password[AUTH_WORD_SIZE];
};

/*
 * Reads "user:password", the first line of users/smarthost. Without that file
 * the user is "". NULL, or why it is of no use, for a reply.
 */
const char *auth_read(struct credentials *);

/* The response of PLAIN (RFC 4616 2), in base64. */
void auth_plain(char text[AUTH_TEXT_SIZE], const struct credentials *);

#endif
