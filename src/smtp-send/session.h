/*
 * A session with one host: from connect() to QUIT. It is in one phase at a
 * time; session_run() is the loop that says and hears, here for the opening of
 * the session, in transaction.c for each message.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "auth.h"
#include "conn.h"
#include "mx.h"
#include "policy.h"
#include "reply.h"
#include "tls.h"

/* In the order of the dialogue. */
enum phase {
	CLOSED,
	GREETING, EHLO, HELO,
	STARTTLS,
	AUTH, AUTH_USER, AUTH_PASSWORD,
	RSET, MAIL, RCPT, DATA,
	END,      /* of the message: its dot, or BDAT LAST */
	READY,    /* for a message */
	PHASES,
};

enum extension { /* bits */
	EXT_PIPELINING = 1,
	EXT_SIZE = 2,
	EXT_8BITMIME = 4,
	EXT_SMTPUTF8 = 8,
	EXT_DSN = 16,
	EXT_CHUNKING = 32,
	EXT_AUTH_PLAIN = 64,
	EXT_AUTH_LOGIN = 128,
	EXT_STARTTLS = 256,
};

#define SESSION_PEER_SIZE 320 /* "host[address]:port" */
#define SESSION_HOW_SIZE 96   /* "TLSv1.3,CIPHER,verified" */

struct session {
	enum phase phase, said; /* said: already, ahead of its phase */
	char host[256];         /* its name in reports; "-": nobody knows it */
	char peer[SESSION_PEER_SIZE]; /* for the log */
	bool stream;       /* not a socket of ours, but fd 0 and 1 */
	bool private;      /* no network is between us and a password */
	bool smarthost;    /* users/smarthost is for it */
	const struct route *route; /* it is on; NULL: a stream */
	struct policy policy;
	struct tls tls;
	char how[SESSION_HOW_SIZE]; /* the same for the log; "no" */
	bool securing;     /* TLS was begun, and nothing heard in it yet */
	bool again;        /* it may be had, when TLS is not tried */
	const char *hello; /* our name */
	int64_t deadline;  /* monotonic ms: of the message and all it takes */
	unsigned extensions;
	uint64_t size_max; /* octets of a message; 0: not said */
	uint64_t mail_max, rcpt_max, domain_max; /* RFC 9422; 0: not said */
	uint64_t transactions;
	bool dirty;        /* a transaction is open: RSET comes first */
	bool heard;        /* it has replied since it was READY last */
	bool closing;      /* it has said 421 */
	bool never;        /* it takes no mail, ever: RFC 7504 */
	struct credentials login;
	struct reply reply;
	struct conn conn;
};

/* What is said and heard in a phase. */
struct step {
	const char *when; /* "connection lost …" */
	int timeout;      /* s, to say it and to hear the reply */
	void (*say)(struct session *); /* NULL: nothing */
	enum phase (*hear)(struct session *); /* the reply: the next phase */
};

/*
 * Opens one, until it is READY. False: it is CLOSED, and s->reply is what we
 * say of that: "451 4.4.1 mx.example.net[192.0.2.1]:25: Connection refused".
 */
bool session_connect(struct session *, const struct mx_address *);

/* The same with the server on two descriptors. */
bool session_adopt(struct session *, int in, int out);

/*
 * From s->phase on, until it is READY or CLOSED. What is no reply, and 421 (RFC
 * 5321 3.8), closes it at any time, and s->reply is what we say of it.
 */
void session_run(struct session *, const struct step *);

/* Closes it, for a reason of ours: "…: what it says". */
enum phase session_fail(struct session *, int code, const char *status,
    const char *what);

/* READY still, and nothing was said out of turn? Else it is CLOSED. */
bool session_usable(struct session *);

/* QUIT. With `wait`, for the reply, but for no more than a moment. */
void session_quit(struct session *, bool wait);

#endif
