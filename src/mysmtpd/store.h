/*
 * The mail that comes: to deliver, over LMTP (RFC 2033, in BDAT chunks), one
 * recipient at a time. What deliver refuses is told in our protocol's words.
 */
#ifndef STORE_H
#define STORE_H

#include <stddef.h>

#include "address.h"
#include "door.h"

#define NO_DELIVER "500 Cannot deliver now, try later"

/* Our host name; and whose doorkeeper starts deliver. */
void store_begin(const char *host, struct door *);

/* Does deliver take it? NULL, or the answer that refuses it. Both are kept. */
const char *store_rcpt(const struct address *from, const struct address *to);

/* The message for that recipient: its lines, each with CRLF. */
void store_text(const char *lines, size_t n);

/* It is whole: NULL once it is durable, else the answer. */
const char *store_end(void);

/* It is not wanted any more. */
void store_reset(void);

#endif
