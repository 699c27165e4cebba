/* Encoded words (RFC 2047) and parameters (RFC 2045 5.1, RFC 2231), decoded. */
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>

#include "span.h"
#include "str.h"

/*
 * Appends the unfolded text in UTF-8, its encoded words decoded. Raw octets
 * beyond ASCII are taken for UTF-8, if they are it, else for ISO-8859-1.
 */
void words_decode(struct str *, struct span);

/*
 * The next token (RFC 2045 5.1) behind blanks, line ends and comments; none there
 * is one of no octets. Moves *rest behind it.
 */
struct span token_next(struct span *rest);

/* Blanks, line ends and comments (RFC 5322 3.2.2), skipped. */
void comments_skip(struct span *rest);

/* A `;`-divided parameter list, raw, behind "text/plain": one after another. */
struct parameter {
	struct span name;
	struct str value; /* quotes and comments resolved, nothing decoded */
};

bool parameter_next(struct span *rest, struct parameter *);

/*
 * Appends the parameter's value, its RFC 2231 continuations joined, decoded to
 * UTF-8 (an encoded word in quotes, which is wrong but common, too). False when
 * there is none of that name.
 */
bool parameter_find(struct str *, struct span list, const char *name);

#endif
