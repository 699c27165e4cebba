/*
 * A message in memory, as a tree of its parts (RFC 2045, RFC 2046). Whatever it
 * holds there is a tree: wrong or missing boundaries, parts without a header, no
 * end. What is nested deeper or has more parts than the limits is a leaf, of
 * type text/plain where its own is multipart or message; so is a multipart without
 * a boundary.
 *
 * Lines end in CRLF: message_load() sees to that, so that the octets here are
 * those that IMAP counts.
 */
#ifndef MIME_H
#define MIME_H

#include <stdbool.h>
#include <stddef.h>

#include "decode.h"
#include "pool.h"
#include "span.h"

#define MIME_DEPTH_MAX 100   /* real mail: under 10 */
#define MIME_PARTS_MAX 10000 /* so many times 100 bytes of ours */

struct part {
	struct part *next, *children;
	/*
	 * [header, body) has the blank line behind the fields, [body, end) not
	 * the CRLF before a boundary. Offsets in the message.
	 */
	size_t header, body, end;
	size_t lines;             /* line ends in [body, end) */
	struct span type, subtype; /* "text" and "plain" where nothing fits */
	struct span parameters;    /* of Content-Type: words.h */
	enum encoding encoding;
	/* children: many, or for message/rfc822 and message/global one, the
	 * message inside, with the header and body of its own. */
	bool is_multipart, is_message;
	bool is_mime; /* RFC 2045 4: else no Content- field counts */
};

struct mime {
	struct span text;
	struct part *root;
	size_t parts;
	struct pool pool; /* where the parts are */
};

/* text must stay. mime_end() gives back what this took. */
void mime_begin(struct mime *, struct span text);
void mime_end(struct mime *);

struct span part_header(const struct mime *, const struct part *);
struct span part_body(const struct mime *, const struct part *);

/*
 * By IMAP's numbers (RFC 3501 6.4.5): path[0] from 1. NULL: there is none. Of a
 * message that is no multipart, 1 is its text; so within message/rfc822.
 */
const struct part *part_find(const struct mime *, const unsigned *path,
    size_t depth);

/* subtype: NULL for any. */
bool part_is(const struct part *, const char *type, const char *subtype);

/* The first text; of alternatives, what is plain. NULL: there is none. */
const struct part *part_shown(const struct mime *);

/* The text of a text part in UTF-8, decoded; appended. max: octets, about. */
void part_text(struct str *, const struct mime *, const struct part *,
    size_t max);

#endif
