/* Encoded words (RFC 2047), decoded. */
#ifndef WORDS_H
#define WORDS_H

#include "parameters.h"
#include "span.h"
#include "str.h"

#define WORDS_MAX (1u << 20) /* octets; a real subject has under 1,000 */

/*
 * Appends the unfolded text in UTF-8, its encoded words decoded. Raw octets
 * beyond ASCII are taken for UTF-8, if they are it, else for ISO-8859-1. Of what
 * is longer than WORDS_MAX, the beginning.
 */
void words_decode(struct str *, struct span);

/*
 * Appends the octets of a text where `sign`, '=' or '%', begins two hexadecimal
 * digits; with '=' a `_` is a blank (RFC 2047 4.2).
 */
void hex_decode(struct str *, struct span, char sign);

#endif
