/*
 * Address lists, as To and Cc hold them (RFC 5322 3.4, and what 4.4 says of old
 * forms): names and comments, groups, quotes, routes, folded lines, UTF-8 (RFC
 * 6532). A semicolon between addresses, as people write it, is a comma.
 */
#ifndef RECIPIENTS_H
#define RECIPIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "address.h"

/* Of a list that is being read; the text is the caller's. */
struct recipients {
	const char *p, *end;
};

enum recipients_result { RECIPIENTS_END, RECIPIENTS_FOUND, RECIPIENTS_BAD };

struct recipients recipients_begin(const char *text, size_t n);

/*
 * The next address, without name and comments, its domain empty where it has
 * none. *behind: the place in the text where a domain would have to be added.
 * RECIPIENTS_BAD: what stands there is none; a->text shows it, cut at its size
 * and perhaps empty, and the list goes on behind it.
 */
enum recipients_result recipients_next(struct recipients *, struct address *a,
    const char **behind);

#endif
