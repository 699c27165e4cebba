/*
 * The fields of a message's header (RFC 5322 2.2), and of a MIME part's, as they
 * are in real mail: any octets, lines that end in CRLF, folded or not.
 */
#ifndef HEADER_H
#define HEADER_H

#include <stdbool.h>

#include "span.h"
#include "str.h"

struct field {
	struct span name;  /* without the colon and the blanks before it */
	struct span value; /* behind the colon, folded, without the last CRLF */
	struct span whole; /* all its lines, with CRLF */
};

/*
 * The next field; moves *rest on. Lines that are none belong to nobody and are
 * skipped. False at the blank line, or at the end.
 */
bool header_next(struct span *rest, struct field *);

/*
 * The next field that has one of `count` names: which; -1: there is none. The
 * others cost little.
 */
int header_next_of(struct span *rest, const char *const names[], size_t count,
    struct field *);

/* The first field of that name (ASCII letters of either case are the same). */
bool header_find(struct span header, const char *name, struct field *);

bool field_is(const struct field *, const char *name);

/* The value on one line (RFC 5322 2.2.3), without blanks around it; appended. */
void field_unfold(struct str *, struct span value);

#endif
