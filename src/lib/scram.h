/*
 * SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side. Nothing here reads,
 * writes or waits.
 */
#ifndef SCRAM_H
#define SCRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base64.h"
#include "sha256.h"

#define SCRAM_SIZE 1024      /* a message, NUL-terminated; real ones: 200 */
#define SCRAM_NAME_SIZE 240  /* a user: LOGIN_SIZE */
#define SCRAM_NONCE_SIZE 257 /* the client's; in use are 24 and 32 letters */
#define SCRAM_BINDING_MAX 64 /* octets of a channel binding: SHA-512 */

/* As {SCRAM-SHA-256} in Dovecot's password files, behind the scheme. */
#define SCRAM_SCHEME "{SCRAM-SHA-256}"
#define SCRAM_SALT_MAX 64         /* octets; ours and Dovecot's have 16 */
#define SCRAM_ITERATIONS_MAX 1000000 /* a second for each password */
#define SCRAM_VERIFIER_SIZE 256

struct scram_verifier {
	unsigned iterations;
	size_t salt_size;
	unsigned char salt[SCRAM_SALT_MAX];
	unsigned char stored[SHA256_SIZE], server[SHA256_SIZE];
};

/* Of "ITERATIONS,SALT,StoredKey,ServerKey", the last three in base64. */
bool scram_verifier_parse(struct scram_verifier *, const char *text);
void scram_verifier_text(char text[SCRAM_VERIFIER_SIZE],
    const struct scram_verifier *);

/* Fills in both keys; salt and iterations must be there. RFC 5802 3. */
void scram_verifier_make(struct scram_verifier *, const char *password);

/* Is it of this password? Takes the same time in any case. */
bool scram_verifier_is_of(const struct scram_verifier *, const char *password);

/* The client's first message: RFC 5802 7. */
struct scram_first {
	char flag;          /* of channel binding: 'n', 'y' or 'p' */
	char binding[32];   /* its name, at 'p' */
	char authzid[SCRAM_NAME_SIZE], user[SCRAM_NAME_SIZE];
	char nonce[SCRAM_NONCE_SIZE];
	size_t bare;        /* where client-first-message-bare begins */
};

bool scram_first_parse(struct scram_first *, const char *text);

/* A dialogue, from the first message to the last. */
struct scram {
	struct scram_verifier verifier;
	char nonce[SCRAM_NONCE_SIZE + 32]; /* both sides' */
	char binding[SCRAM_SIZE];          /* what c= has to be */
	char message[3 * SCRAM_SIZE];      /* AuthMessage: RFC 5802 3 */
};

/*
 * verifier is filled in. text: the challenge, the server's first message.
 * `binding` are the n octets of the channel that first->binding names; NULL
 * without 'p'. False: they do not fit.
 */
bool scram_challenge(struct scram *, const struct scram_first *,
    const char *first, const char *server_nonce, const void *binding,
    size_t n, char text[SCRAM_SIZE]);

/* True when the proof is right. text: the server's final message. */
bool scram_final(struct scram *, const char *final, char text[SCRAM_SIZE]);

#endif
