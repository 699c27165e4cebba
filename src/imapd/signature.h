/*
 * Which letters a message's text has: two Bloom filters over its trigrams, one
 * of the header, one of the body. It rules out most messages that do not have a
 * word, and none that has it. About an octet for eight octets of text.
 */
#ifndef SIGNATURE_H
#define SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mime.h"
#include "span.h"
#include "str.h"

/* Appends the signature of a message. */
void signature_make(struct str *, const struct mime *);

/* A word that is looked for, folded, with a NUL. Under three octets: no help. */
#define KEY_TRIGRAMS 32 /* more of a long word rule out nothing more */

struct signature_key {
	size_t count;
	uint16_t bits[KEY_TRIGRAMS];
};

void signature_key(struct signature_key *, struct span folded);

enum { SIGNATURE_HEADER = 1, SIGNATURE_BODY = 2 };

/* May the header, or the body, or either of both have it? */
bool signature_may(struct span signature, const struct signature_key *,
    int where);

#endif
