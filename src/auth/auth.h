/* What the parts of auth share: its answers, hashes, the dialogue of SCRAM. */
#ifndef AUTH_H
#define AUTH_H

#include <stdbool.h>

/* Exit statuses of the checkpassword interface. */
enum { ACCEPTED = 0, REFUSED = 1, MISUSED = 2, UNAVAILABLE = 111 };

/*
 * 10 ms for who logs in with PLAIN, and for each guess of who has stolen the
 * file; with SCRAM it is the client's work. RFC 7677 4: 4096 at least.
 */
#define SCRAM_ITERATIONS 10000

/* hash.c */

/* Behind a scheme in braces, which crypt(3) does not need. */
const char *hash_bare(const char *hash);

/*
 * Is the hash one of this password? The same work is done for any hash; for ""
 * as much as for a new one.
 */
bool hash_is_of(const char *hash, const char *password);

/*
 * -H: prints a hash of the password on fd 0, for users/passwd: for SCRAM, or
 * (`only_crypt`, or when the password cannot be one of SCRAM's) of crypt(3).
 * Returns main()'s status.
 */
int hash_print(bool only_crypt);

/* dialogue.c */

/*
 * -S: SCRAM-SHA-256 with who is on fd 3, a SOCK_SEQPACKET socket. A packet
 * brings texts, each with its NUL: the account, the user as the client names
 * it, the channel's exporter, endpoint and unique in hex, the client's first
 * message. The answer is a letter and a text: C and the challenge, or R. Then a
 * packet with the client's final message, and Y with the server's, or R.
 */
int dialogue(void);

/* auth.c: from here on, no file, no socket, no program. */
void confine_all(void);

#endif
