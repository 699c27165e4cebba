/*
 * The body that follows DATA (RFC 5321 4.5.2) or comes in BDAT chunks (RFC
 * 3030), in SMTP and LMTP alike.
 *
 * A body ends at CRLF.CRLF and at nothing else. A bare CR or LF is a fault, not
 * a line's end, so that no two servers can disagree about where a message ends
 * (SMTP smuggling). A body with a fault is read to its end, and none of what
 * comes after the fault is handed on.
 */
#ifndef BODY_H
#define BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conn.h"
#include "str.h"

#define BODY_LINE_MAX CONN_BUFFER /* RFC 5321 asks for 1000; real mail, more */

enum body_fault { BODY_FINE, BODY_BARE, BODY_LONG_LINE, BODY_TOO_BIG };

struct body {
	uint64_t size;  /* octets, dots unstuffed */
	uint64_t limit; /* of size */
	enum body_fault fault;
	bool in_header;
	/* One header line with its CRLF; n = 0: the header is over. */
	void (*header)(const char *line, size_t n);
	/* Whole lines, each with its CRLF, BODY_LINE_MAX octets at most. */
	void (*text)(const char *lines, size_t n);
	struct str partial; /* BDAT: a line whose end is in a later chunk */
};

/*
 * A header without a blank line behind it (a first line that is no header
 * field) gets one.
 */
void body_begin(struct body *, uint64_t limit,
    void (*header)(const char *, size_t), void (*text)(const char *, size_t));

/*
 * LINE_OK: CRLF.CRLF was read. LINE_BAD: something that others might take for
 * the end was; LINE_LONG: far more than the limit was. Say so, and close.
 */
enum line body_data(struct body *, struct conn *);

/* n octets, no more. After the last chunk a missing CRLF is added. */
enum line body_bdat(struct body *, struct conn *, uint64_t n, bool last);

/* The same for a chunk that nobody wants: it is still no command. */
enum line body_skip(struct conn *, uint64_t n, uint64_t limit);

/* Lines from elsewhere, with CRLF or LF; `end` when there are no more. */
void body_lines(struct body *, const char *p, size_t n, bool end);

/* Is this header line the beginning of the field of that name? */
bool header_is(const char *line, size_t n, const char *name);

#endif
