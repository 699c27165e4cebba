/* Our user and password at the smarthost: AUTH (RFC 4954), PLAIN and LOGIN. */
#ifndef AUTH_H
#define AUTH_H

#include <stddef.h>

#include "login.h"

#define AUTH_FILE "users/smarthost"
#define AUTH_TEXT_SIZE 704 /* base64 of two NULs and what struct login holds */

/*
 * Reads "user:password", the first line of users/smarthost. Without that file
 * the user is "". NULL, or why it is of no use, for a reply.
 */
const char *auth_read(struct login *);

/* The response of PLAIN (RFC 4616 2), in base64. */
void auth_plain(char text[AUTH_TEXT_SIZE], const struct login *);

/* base64 (RFC 4648 4) of n octets, 480 at most. */
void auth_encode(char text[AUTH_TEXT_SIZE], const char *, size_t n);

#endif
