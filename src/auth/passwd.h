/* users/passwd: see pennypost-passwd(5). */
#ifndef PASSWD_H
#define PASSWD_H

#include <stdbool.h>

#define PASSWD_LINE 1024 /* octets; SCRAM and crypt(3) need 200 with the user */

/*
 * The user's hash, with the scheme before it. For who is not there, or may not
 * log in: false, and the first hash that may be used, so that the work is the
 * same; "" when there is none. `scram`: verifiers alone may be used. Of
 * everybody else nothing stays in memory.
 * fatal() when the file cannot be read.
 */
bool passwd_find(const char *user, bool scram, char hash[PASSWD_LINE]);

#endif
