/*
 * Doorkeeper and talker. Before a login the process that reads a stranger's
 * bytes, the talker, can reach nothing; its parent, the doorkeeper, hears
 * nothing but the requests below, checks who it is, and opens what is behind
 * the door: by going on with the session itself (pop3d, imapd), or by making
 * another talker that may do more (smtpd).
 *
 *	door_init(&d, config, &peer, "pop3");
 *	if (door_talk(&d))
 *		talk();       the talker: confined; says, and never returns
 *	session(&d.login.who, ...);   the doorkeeper, after a login
 *
 * They speak over a SOCK_SEQPACKET socketpair: a request is one packet, and so
 * is its answer, which may bring a descriptor with it.
 */
#ifndef DOOR_H
#define DOOR_H

#include <stdbool.h>
#include <stddef.h>

#include "conn.h"
#include "login.h"
#include "tls.h"

#define DOOR_TEXT_SIZE 512 /* what a talker may tell the next one */

struct door {
	const struct config *config;
	const struct peer *peer;
	const char *service;  /* "smtp", "pop3", "imap" */
	struct tls tls;       /* both sides know it */
	bool tls_offered;     /* a helper and a certificate are there */
	bool scram_offered;
	struct login login;   /* the doorkeeper's; who: after a login */
	/* What the talker has left to whoever comes after it: */
	char text[DOOR_TEXT_SIZE];
	/*
	 * A request of the program's own, in the doorkeeper: kind is not one of
	 * door.c's. The descriptor for the answer, -1: none.
	 */
	int (*serve)(char kind, const char *text);
	int fd;               /* the other side */
};

void door_init(struct door *, const struct config *, const struct peer *,
    const char *service);

/*
 * Is nobody between us and the peer? TLS, loopback, a pipe: a password may be
 * taken then.
 */
bool door_is_private(const struct door *);

/* The talker's requests. */

/* TLS from here on, on 0 and 1: RFC 3207, RFC 2595. False: it hangs up. */
bool door_tls(struct door *);

enum login_result door_password(struct door *, const char *user,
    char *password); /* wipes it */
enum login_result door_scram_first(struct door *, const char *user,
    const char *first, char text[SCRAM_SIZE]);
enum login_result door_scram_final(struct door *, const char *final,
    char text[SCRAM_SIZE]);
enum login_result door_external(struct door *, const char *authzid);

#endif
