/* ENVELOPE, BODY and BODYSTRUCTURE as FETCH says them (RFC 3501 7.4.2). */
#ifndef STRUCTURE_H
#define STRUCTURE_H

#include <stdbool.h>

#include "mime.h"
#include "span.h"
#include "str.h"

/* Both append the parenthesised list. */
void structure_envelope(struct str *, struct span header);
void structure_body(struct str *, const struct mime *, bool extended);

/*
 * A string: quoted, or a literal where it cannot be: with CR, LF or octets
 * beyond ASCII. NUL, which neither may hold, is left out. p == NULL: NIL.
 */
void structure_string(struct str *, struct span);

/*
 * PREVIEW (RFC 8970): the beginning of the text, at most 200 characters, blanks
 * made one, in UTF-8; appended as it is, without quotes.
 */
void structure_preview(struct str *, const struct mime *);

#endif
