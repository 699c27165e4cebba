/*
 * Patterns of LIST and LSUB (RFC 3501 6.3.8): * is anything, % anything without
 * a separator. Both pattern and name are compared in UTF-8, since a wildcard may
 * stand in the middle of what modified UTF-7 has encoded as one.
 *
 * A pattern is an automaton whose states are bits: the time is that of the
 * name's length times four words, whatever the pattern is made of.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "names.h"

#define PATTERN_WORDS (NAME_UTF8_SIZE / 64)

/* State n: n octets of the pattern have been found. */
struct pattern {
	bool never; /* longer than any name, or malformed */
	unsigned length; /* octets but for wildcards: the last state */
	uint64_t octet[256][PATTERN_WORDS]; /* the states in which it leads on */
	uint64_t percent[PATTERN_WORDS], star[PATTERN_WORDS]; /* may stay */
};

/* What the client says: the reference name and the pattern behind it. */
void pattern_make(struct pattern *, const char *reference, const char *said,
    bool utf8);

/* The name as it is on the disk. "INBOX" is the same in any case. */
bool pattern_matches(const struct pattern *, const char *name);

#endif
