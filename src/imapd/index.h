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

struct summary {
	bool whole;             /* what is marked * is there, too */
	uint64_t octets;        /* * RFC822.SIZE */
	int64_t date;           /* INTERNALDATE: the file's mtime */
	int64_t sent;           /* the Date field, as RFC 5256 2.2 has it */
	int32_t sent_day;       /* without time and zone, days: SENTON */
	struct span envelope;   /* as FETCH says it, with its parentheses */
	struct span structure;  /* * BODYSTRUCTURE */
	struct span body;       /* * BODY */
	struct span subject;    /* UTF-8, the base subject of RFC 5256 2.1 */
	bool is_reply;          /* something was cut off there */
	struct span references; /* ids as RFC 5256 3 wants them: NUL-divided, the
	                           message's own first, "" where it has none */
	struct span preview;    /* * UTF-8 */
	struct span signature;  /* * signature.h: which letters the text has */
	char email_id[EMAIL_ID_SIZE]; /* * */
};

struct index;

/* For an open mailbox; nothing is read yet. */
struct index *index_open(struct mailbox *);

/*
 * Of one message, read from the mail itself when the cache has none. The spans
 * hold until the next call. False: it has gone, or cannot be read (logged).
 */
bool index_get(struct index *, struct message *, struct summary *);

/*
 * The same for who wants what is in the header only: of a message that is new to
 * the index no more than that is read, which is three times as fast.
 */
bool index_get_header(struct index *, struct message *, struct summary *);

/* Writes what is new. At the end of a command. */
void index_flush(struct index *);
void index_close(struct index *); /* flushes, too; NULL: nothing */

#endif
