/* Texts that go into a header: names, and lines that are too long: with LF. */
#ifndef PHRASE_H
#define PHRASE_H

#include <stdbool.h>
#include <stddef.h>

#include "str.h"

/*
 * A person's name before an address: as it is, in quotes, or, beyond ASCII, as
 * encoded words (RFC 2047 5 (3)). Controls become blanks.
 */
void phrase_write(struct str *, const char *name);

/*
 * A text as encoded words, folded, behind what its line holds already. It is
 * for a Subject, too (RFC 2047 5 (1)).
 */
void words_encode(struct str *, const char *text);

/*
 * Folds the lines of out, from `start` on, that have more than max octets: at
 * white space, or, where `commas` allow it, behind one. A line with neither
 * stays as it is.
 */
void lines_fold(struct str *out, size_t start, size_t max, bool commas);

#endif
