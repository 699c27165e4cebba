/* Parameters of MIME's fields (RFC 2045 5.1, RFC 2231). */
#ifndef PARAMETERS_H
#define PARAMETERS_H

#include <stdbool.h>

#include "span.h"
#include "str.h"

#define PARAMETERS_MAX 128 /* of a field: Dovecot's; real mail has under 10 */

/*
 * The next token (RFC 2045 5.1) behind blanks, line ends and comments; none there
 * is one of no octets. Moves *rest behind it.
 */
struct span token_next(struct span *rest);

/*
 * Appends what a quoted string holds, its pairs resolved. *rest begins behind the
 * quote; without another the string is all of it.
 */
void quoted_read(struct str *, struct span *rest);

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

/*
 * The whole list, up to PARAMETERS_MAX of them: first those that are as they
 * stand, then RFC 2231's. Continuations are joined, if none is missing, with the
 * name NAME, or NAME* when octets in it are still coded (RFC 2231 4).
 */
struct parameters {
	struct parameter_at {
		size_t name, name_n, value, value_n; /* in text */
	} all[PARAMETERS_MAX];
	size_t count;
	struct str text;
};

void parameters_read(struct parameters *, struct span list);
void parameters_free(struct parameters *);

#endif
