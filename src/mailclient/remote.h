/*
 * A connection to the server, and what goes wrong on it, as a sentence for the
 * person: in small letters, without a full stop, fit for a terminal, valid
 * until the next is made. Functions return NULL where nothing went wrong.
 */
#ifndef REMOTE_H
#define REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "conn.h"
#include "server.h"
#include "span.h"
#include "str.h"

#define REPLY_LINE_MAX 2048 /* RFC 5321 4.5.3.1.5 has 512; policy texts, more */
#define SAY_TLS "try -t (TLS) or -s (STARTTLS)"

struct remote {
	const struct server *server;
	struct port port;
	bool loopback; /* it is this very machine */
	bool secured;  /* by TLS */
	bool broken;   /* of no use any more: only to be closed */
	bool bare;     /* its last line ended in LF alone */
	char literal[64]; /* our address as EHLO has it: RFC 5321 4.1.3 */
	pid_t helper;  /* tls(8); -1: none runs */
	struct conn conn;
};

const char *sentence(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* What a server said: no control characters, cut at 300. Valid until next. */
const char *words(const char *text);

/*
 * Connects, by name or address; TLS_FIRST comes before anything is read. Once
 * the addresses are known we are the talker: keeper.h. They are kept.
 */
const char *remote_open(struct remote **, const struct server *, struct port);

/*
 * Before words that matter: nothing may be unread. It was said before it was
 * asked for, and would be taken for the answer to what comes next.
 */
const char *remote_in_turn(struct remote *);

/* The server has agreed to STARTTLS or STLS: TLS from here on. */
const char *remote_secure(struct remote *);

/* May a password be said here? Only by TLS, or within this machine. */
const char *remote_private(const struct remote *);

/* Sends what was written, and reads a line, without its end; until the next. */
const char *remote_line(struct remote *, char **line);

/*
 * A text of lines that ends with a lone dot, with dots unstuffed (RFC 1939 3)
 * and each line end as CRLF, behind what is in the str. No more than `max`
 * octets of it; *whole tells whether that was all.
 */
const char *remote_text(struct remote *, struct str *, size_t max, bool *whole);

/* Writes a message as such a text: dots stuffed, the lone one behind it. */
void remote_send(struct remote *, struct span);

/* That line is none of this protocol: it is not to be believed any more. */
const char *remote_nonsense(struct remote *, const char *protocol,
    const char *line);

/* Says what was written, and closes. NULL is fine. */
void remote_close(struct remote *);

#endif
