/*
 * The person's mailbox on the server: by POP3 (RFC 1939), or by the teaching
 * protocol. What can go wrong returns a sentence for the person, valid until
 * the next call, and NULL when it went well. After such a sentence box->open
 * tells whether the connection still stands.
 *
 *	why = box_open(&box, &server, &account);
 *	for (n = 1; n <= box.count; n++)
 *		why = box_header(&box, n, &text);
 *	why = box_close(&box);
 */
#ifndef BOX_H
#define BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server.h"
#include "str.h"

#define BOX_MESSAGE_MAX (32u << 20) /* octets: larger ones are not shown */
#define BOX_HEADER_MAX 65536 /* octets of a header for the list; cut there */
#define BOX_PREPARED_MAX 100 /* headers in memory: more than a page */
#define BOX_MAILS_MAX 1000000 /* messages: who has more, or lies, is refused */

struct box_mail {
	uint64_t octets; /* 0: nobody says */
	bool deleted;
};

struct box {
	bool open;
	bool can_delete; /* the teaching protocol cannot */
	size_t count;    /* messages are 1 to count, oldest first */
	struct box_mail *mail; /* mail[n - 1]; owned */
	struct remote *remote; /* the connection; owned */

	/* For box.c, pop3.c and teaching.c alone. */
	bool teaching, pipelining;
	bool top, no_top; /* TOP works; TOP was refused */
	bool unsure;      /* something was deleted, and QUIT not answered yet */
	char user[256];   /* the account's */
	size_t first, prepared; /* which headers these are; owned */
	struct str *headers; /* an empty one: it could not be had */
};

/* Logs in. On a sentence nothing is open. */
const char *box_open(struct box *, const struct server *,
    const struct account *);

/*
 * What box_header() will be asked for soon: messages from `first`, `count` of
 * them, in one go (PIPELINING where it is offered); BOX_PREPARED_MAX at most.
 */
const char *box_prepare(struct box *, size_t first, size_t count);

/*
 * The message's header, lines with CRLF, in `text`, which is emptied first.
 * There may be some of the message behind it.
 */
const char *box_header(struct box *, size_t n, struct str *text);

/* All of it, the same way. */
const char *box_message(struct box *, size_t n, struct str *text);

/* It goes when the box is closed well. */
const char *box_delete(struct box *, size_t n);

/* Ends the session: what was deleted is gone now. Frees. */
const char *box_close(struct box *);

#endif
