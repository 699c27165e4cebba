/* Reads what structure.c has written: strings, NIL and lists in parentheses. */
#ifndef ITEMS_H
#define ITEMS_H

#include <stdbool.h>

#include "span.h"
#include "str.h"

struct item {
	bool nil, list, escaped;
	struct span text; /* of a list, what is between its parentheses */
};

/* The next; moves *rest on. False at the end, or where it makes no sense. */
bool item_next(struct span *rest, struct item *);

/* The item with that number, from 0. */
bool item_find(struct span list, unsigned number, struct item *);

/* A string's octets, appended; NIL has none. */
void item_text(struct str *, const struct item *);

/* Where the members of an ENVELOPE stand (RFC 3501 7.4.2). */
enum {
	ENVELOPE_DATE, ENVELOPE_SUBJECT, ENVELOPE_FROM, ENVELOPE_SENDER,
	ENVELOPE_REPLY_TO, ENVELOPE_TO, ENVELOPE_CC, ENVELOPE_BCC,
	ENVELOPE_IN_REPLY_TO, ENVELOPE_MESSAGE_ID,
};

/* And those of an address. */
enum { ADDRESS_NAME, ADDRESS_ROUTE, ADDRESS_MAILBOX, ADDRESS_HOST };

/* A member of an envelope, which is in parentheses. */
bool envelope_find(struct span envelope, unsigned member, struct item *);

#endif
