/*
 * 8-bit mail for a host that has no 8BITMIME (RFC 6152 3): MIME parts with
 * octets beyond ASCII become quoted-printable (RFC 2045 6.7), however deep.
 *
 * Text goes in and comes out with LF, in pieces of whole lines, or of lines
 * that are longer than any piece. It takes two passes: the first finds which
 * parts need it, and whether it can be done at all.
 *
 * It cannot where only the sender may say what his octets mean: in a header, in
 * what is signed or encrypted (RFC 1847 2.1), in a part that is encoded already
 * or may not be (RFC 2046 5.2), and where the structure is not clear.
 */
#ifndef CONVERT_H
#define CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qp.h"

#define CONVERT_NESTING_MAX 30  /* multiparts; real mail has 5 */
#define CONVERT_PARTS_MAX 4096  /* of which each costs a bit */
#define CONVERT_BOUNDARY_MAX 200 /* RFC 2046 5.1.1 has 70 */
#define CONVERT_FIELD_MAX 2000  /* a Content-Type field that we understand */
#define CONVERT_LINE_MAX 998    /* RFC 5322 2.1.1 */

enum convert_part {
	PART_LEAF,    /* may be encoded */
	PART_SEALED,  /* goes as it is */
	PART_BETWEEN, /* before, after a multipart's parts: nobody reads it */
};

struct convert_level {
	size_t length;
	bool digest; /* its parts are messages: RFC 2046 5.1.5 */
	char boundary[CONVERT_BOUNDARY_MAX + 1];
};

struct convert {
	void (*out)(void *, const char *, size_t);
	void *to;
	bool finding;    /* the first pass */
	bool impossible;
	/* Where it is: */
	bool in_header, line_begun;
	enum convert_part part;
	size_t parts;    /* leaves so far, this one too */
	size_t depth;
	struct convert_level level[CONVERT_NESTING_MAX];
	/* The header at hand: */
	bool whole;      /* of a message, not of a part */
	bool digest, has_version, unclear;
	enum { FIELD_OTHER, FIELD_TYPE, FIELD_ENCODING } field;
	size_t type_len, encoding_len;
	char type[CONVERT_FIELD_MAX], encoding[CONVERT_FIELD_MAX];
	struct qp qp;    /* the text of a leaf that needs it */
	uint8_t needs[CONVERT_PARTS_MAX / 8];
};

/* A first pass: nothing comes out. */
void convert_find(struct convert *);

/* A further pass, out of which the converted text comes. */
void convert_begin(struct convert *, void (*text_out)(void *, const char *,
    size_t), void *to);

void convert_text(struct convert *, const char *, size_t n);

/* The end of a pass. False: it cannot be converted. */
bool convert_end(struct convert *);

#endif
