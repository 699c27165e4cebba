/* One mail: what is shown of it, and what is in it. */
#ifndef LETTER_H
#define LETTER_H

#include <stddef.h>

#include "mime.h"
#include "span.h"
#include "str.h"

#define LETTER_TEXT_MAX (1u << 20) /* octets shown or quoted; s saves all */
#define ATTACHMENTS_MAX 100        /* named; the rest is counted */

struct letter {
	struct str raw; /* lines with CRLF; filled before letter_begin() */
	struct mime mime;
	const struct part *text; /* that is shown; NULL: there is none */
	const struct part *attachments[ATTACHMENTS_MAX];
	size_t count; /* of attachments; may be more than are named */
};

void letter_begin(struct letter *);
void letter_end(struct letter *);

struct span letter_header(const struct letter *);

/* Appends a field's value, if there is one, decoded, harmless, on one line. */
void letter_field(struct str *, const struct letter *, const char *name);

/* Appends the text, harmless, lines with LF. */
void letter_text(struct str *, const struct letter *);

/* To the terminal: the fields, the text, the attachments. */
void letter_show(const struct letter *);

/* See save.h. n: from 1. */
void letter_save(const struct letter *, const char *file);
void attachment_save(const struct letter *, size_t n, const char *file);

#endif
