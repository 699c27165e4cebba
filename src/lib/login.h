/*
 * Login by user and password: SASL PLAIN and LOGIN (RFC 4616, RFC 4954) for
 * every protocol, and the question to a checkpassword program.
 */
#ifndef LOGIN_H
#define LOGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "address.h"
#include "config.h"

/* The checkpassword interface takes 512 bytes for both and a time. */
#define LOGIN_SIZE 240

struct login {
	char user[LOGIN_SIZE];
	char password[LOGIN_SIZE];
};

enum login_result { LOGIN_OK, LOGIN_REFUSED, LOGIN_UNAVAILABLE };

/*
 * Decodes base64 (RFC 4648 4, padding required) into out, NUL-terminated.
 * *len is the length without that NUL; false for anything malformed, for more
 * than size - 1 octets, or, where len is NULL, for a NUL within.
 */
bool base64_decode(const char *text, char *out, size_t size, size_t *len);

/* One PLAIN response. False when it is malformed, or asks to be another. */
bool login_plain(struct login *, const char *base64);

/*
 * Asks the auth program. A user without a domain is of the default domain:
 * `who` is the whole address then, letters folded. Wipes the password.
 */
enum login_result login_check(struct login *, const struct config *,
    struct address *who);

#endif
