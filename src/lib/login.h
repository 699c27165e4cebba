/*
 * The doorkeeper's side of a login: whether user and password, a SCRAM dialogue
 * or a certificate open the door, what a refusal costs, and the log's line. One
 * for all protocols. See pennypost-logins(5) and auth(8).
 */
#ifndef LOGIN_H
#define LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "address.h"
#include "config.h"
#include "peer.h"
#include "scram.h"
#include "tls.h"

/* The checkpassword interface takes 512 bytes for both and a time. */
#define LOGIN_SIZE 240

enum login_result {
	LOGIN_OK,
	LOGIN_REFUSED,
	LOGIN_UNAVAILABLE, /* cannot tell now */
	LOGIN_CONTINUE,    /* SCRAM: the peer is to answer a challenge */
};

/* One door: who knocks, and how. */
struct login {
	const struct config *config;
	const struct peer *peer;
	const struct tls *tls;  /* "" protocol: there is none */
	const char *service;    /* "smtp", "pop3", "imap": for the log */
	struct address who;     /* at LOGIN_OK: the whole address; else empty */
	const char *mechanism;  /* for the log */
	char account[LOGIN_SIZE + ADDRESS_SIZE]; /* who it is to be */
	int scram;              /* the socket to auth, -1: no dialogue is open */
	pid_t scram_pid;
};

void login_begin(struct login *, const struct config *, const struct peer *,
    const struct tls *, const char *service);

/*
 * Each of these may take as long as penalty.h says, and writes one line of the
 * log (but for LOGIN_CONTINUE).
 */

/* PLAIN, LOGIN, USER and PASS. Wipes the password. */
enum login_result login_password(struct login *, const char *user,
    char *password);

/*
 * SCRAM-SHA-256 and -PLUS (RFC 5802, RFC 7677). `first` is the client's first
 * message, of the user whom the talker has found in it; `text` takes what is to
 * be said to the peer: the challenge at LOGIN_CONTINUE, at LOGIN_OK the server's
 * last message. Any other login ends a dialogue that was left open.
 */
enum login_result login_scram_first(struct login *, const char *user,
    const char *first, char text[SCRAM_SIZE]);
enum login_result login_scram_final(struct login *, const char *final,
    char text[SCRAM_SIZE]);

/* EXTERNAL (RFC 4422 A): authzid is "" or whom the certificate names. */
enum login_result login_external(struct login *, const char *authzid);

/*
 * May SCRAM be offered? When it is our own auth that is asked, and the first
 * account has a verifier for it: pennypost-passwd(5).
 */
bool login_has_scram(const struct config *);

#endif
