/*
 * What is known of each message without reading it: pennypost-index of a folder.
 * A cache: it is read in one go, appended to, and made again when in doubt; who
 * deletes it loses time. Records are immutable, as messages are.
 */
#ifndef INDEX_H
#define INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "mailbox.h"
#include "span.h"

#define EMAIL_ID_SIZE 34 /* RFC 8474: a letter, 128 bits of SHA-256, NUL */

/* How much of a message is known; each is dearer than the one before. */
enum depth {
	DEPTH_HEADER, /* 10 us: only that is read */
	DEPTH_WHOLE,  /* 50 us */
	DEPTH_ID,     /* 70 us: SHA-256 of all of it */
};

struct summary {
	enum depth depth;
	int64_t date;           /* INTERNALDATE: the file's mtime */
	int64_t sent;           /* the Date field, as RFC 5256 2.2 has it */
	int32_t sent_day;       /* without time and zone, days: SENTON */
	struct span envelope;   /* as FETCH says it, with its parentheses */
	struct span subject;    /* the base subject of RFC 5256 2.1, as order.h's
	                           order_fold() has it */
	bool is_reply;          /* something was cut off there */
	struct span references; /* ids as RFC 5256 3 wants them: NUL-divided, the
	                           message's own first, "" where it has none */
	/* From DEPTH_WHOLE on, where that was asked for; else nothing: */
	uint64_t octets;        /* RFC822.SIZE */
	struct span structure;  /* BODYSTRUCTURE */
	struct span body;       /* BODY */
	struct span preview;    /* UTF-8 */
	struct span signature;  /* signature.h: which letters the text has */
	/* DEPTH_ID: */
	char email_id[EMAIL_ID_SIZE];
};

struct index;

/* For an open mailbox; nothing is read yet. */
struct index *index_open(struct mailbox *);

/*
 * Of one message, read from the mail itself when the cache has none of that depth
 * at least. The spans hold until the next call. False: it has gone, or cannot be
 * read (logged).
 */
bool index_get(struct index *, struct message *, enum depth, struct summary *);

/*
 * Adds to what index_get() has just said of that message what the cache has of
 * the whole of it. It is not read for that.
 */
void index_get_known(struct index *, const struct message *, struct summary *);

/* Writes what is new. At the end of a command. */
void index_flush(struct index *);
void index_close(struct index *); /* flushes, too; NULL: nothing */

#endif
