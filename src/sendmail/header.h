/*
 * The header of a submitted message: read into memory, and written anew with
 * what is missing added, what is private removed, and names made addresses (RFC
 * 5322, RFC 6409 8).
 */
#ifndef HEADER_H
#define HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "str.h"

#define HEADER_MAX 524288 /* octets; 1000 long recipients are half of it */
#define LINE_LENGTH_MAX 998 /* octets of a line, RFC 5322 2.1.1 */

struct field {
	size_t at, n;  /* in the header's text */
	size_t known;  /* which of those that concern us */
};

struct header {
	struct str text; /* whole lines with LF */
	struct field *field;
	size_t count;
	uint32_t has;  /* bits: those that concern us */
	bool resent;   /* one of the Resent- fields is there */
	bool eightbit;
};

/* What is to become of the body: the header says so. */
enum encoding { AS_IS, EIGHTBIT, QUOTED_PRINTABLE };

struct additions {
	const char *received;  /* on top: whole lines, or "" */
	const char *host, *id; /* for Message-ID */
	const char *domain;    /* for names without one */
	const char *from;      /* an address */
	const char *name;      /* of who that is; "" */
	bool gateway;          /* adds nothing and mends nothing */
	enum encoding encoding;
	const char *charset;   /* of what is encoded */
};

/*
 * Reads up to the empty line, or to the line that is no header field, which the
 * input then gives again. A line that begins an mbox file's message is dropped.
 * Past HEADER_MAX: fatal().
 */
void header_read(struct header *);

/*
 * Calls `found` for each recipient named in To, Cc and Bcc, or in Resent-To,
 * Resent-Cc and Resent-Bcc alone when there are Resent- fields. Anything that
 * is no address is fatal().
 */
void header_recipients(const struct header *,
    void (*found)(const struct address *));

/* Does any field speak of MIME? */
bool header_is_mime(const struct header *);

/* Is the body one MIME part of text, neither encoded nor signed? */
bool header_is_plain_text(const struct header *);

/* Adds the header's lines, with CRLF or LF, and the empty line to `out`. */
void header_write(const struct header *, const struct additions *,
    struct str *out);

#endif
