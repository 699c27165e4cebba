/*
 * Doorkeeper and talker. Before a login the process that reads a stranger's
 * bytes, the talker, can reach nothing; its parent, the doorkeeper, hears
 * nothing but the requests below. It checks who it is, and opens what is behind
 * the door: by going on with the session itself (pop3d, imapd), or by making
 * another talker, one that may do more (smtpd).
 *
 *	door_begin(&door, config, &peer, &conn, "pop3", true);
 *	if (door_talk(&door, &stranger))
 *		talk();                 the talker, confined
 *	confine(...); session(...);     the doorkeeper: somebody has logged in
 *
 * They speak over a SOCK_SEQPACKET socketpair: a request is one packet, and so
 * is its answer, which may bring a descriptor with it. What a talker says is a
 * stranger's word to the doorkeeper.
 */
#ifndef DOOR_H
#define DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "confine.h"
#include "conn.h"
#include "login.h"
#include "tls.h"

#define DOOR_TEXT_SIZE 512 /* a talker's last words; a host name fits */

/* What the doorkeeper of one program does besides. */
struct door_service {
	/* door_ask(): the descriptor that the talker is to have; -1: none.
	 * `what` is a stranger's word, of less than DOOR_TEXT_SIZE. */
	int (*give)(const char *what);
	/* door_say(): there is no answer. */
	void (*hear)(const char *text);
	/* There is something to read on fd; -1: there never is. */
	int fd;
	void (*read)(void);
	/* The talker has ended. */
	void (*end)(void);
};

struct door {
	const struct config *config;
	const struct peer *peer;
	struct conn *conn;          /* on fd 0 and 1 */
	const char *service;        /* "smtp", "pop3", "imap", "mysmtp" */
	struct door_service *own;   /* may be NULL */
	struct tls tls;
	bool tls_offered;           /* and not in use yet */
	bool logins, scram_offered;
	struct login login;         /* the doorkeeper's */
	/* What the talker has left to whoever comes after it: */
	char text[DOOR_TEXT_SIZE];
	int fd;                     /* the other side */
	pid_t talker;
	unsigned refused;           /* logins */
};

/* logins: there are any here. Else all are refused, and nothing is offered. */
void door_begin(struct door *, const struct config *, const struct peer *,
    struct conn *, const char *service, bool logins);

/* TLS before the greeting (RFC 8314 3): before door_talk(). Or it ends us. */
void door_tls_first(struct door *);

/*
 * Forks. True in the talker, which is confined; at its end it has to exit.
 * False in the doorkeeper when somebody has logged in and the talker has left:
 * login.who, text, and what conn holds already. When the talker ends in another
 * way the doorkeeper ends too.
 */
bool door_talk(struct door *, const struct confinement *);

/* At the end of a session: hangs up, and waits until all is sent. */
_Noreturn void door_close(struct door *, int status);

/* Nobody is between us and the peer: TLS, or this machine alone. */
bool door_is_private(const struct door *);

/* What a talker may ask for. */

/*
 * TLS from here on, on 0 and 1, behind the reply that says so (RFC 3207 4, RFC
 * 2595 4). Nothing may be unread: what was said before the handshake is not to
 * count after it (RFC 3207 6). False: there is none, and no way to go on.
 */
bool door_tls(struct door *, const char *reply);

/* At LOGIN_OK the talker, too, knows login.who. */
enum login_result door_password(struct door *, const char *user,
    char *password); /* wipes it */
enum login_result door_scram_first(struct door *, const char *user,
    const char *first, char text[SCRAM_SIZE]);
enum login_result door_scram_final(struct door *, const char *final,
    char text[SCRAM_SIZE]);
enum login_result door_external(struct door *, const char *authzid);

/* What the program's own service does. */
int door_ask(struct door *, const char *what);
void door_say(struct door *, const char *text);

/* After a login: leaves conn, with what is unread, and the text to the next. */
_Noreturn void door_leave(struct door *, const char *text);

#endif
