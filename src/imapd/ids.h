/* Message ids (RFC 5322 3.6.4) as threading compares them (RFC 5256 3). */
#ifndef IDS_H
#define IDS_H

#include <stddef.h>

#include "span.h"
#include "str.h"

#define IDS_MAX 1000 /* of one message; clients keep about twenty */

/*
 * Appends the ids of a field's value, at most `max`: without the angle brackets,
 * quotes and blanks, a NUL behind each. Returns how many.
 */
size_t ids_read(struct str *, struct span value, size_t max);

/*
 * What summary.references holds: the message's own id, and those of References
 * or else the first of In-Reply-To.
 */
void ids_of(struct str *, struct span header);

/* The next of them; NULL at the end. Moves *rest on. */
const char *id_next(struct span *rest);

#endif
