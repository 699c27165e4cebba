/* Sets of numbers: sequence numbers or UIDs (RFC 3501 9, sequence-set). */
#ifndef SET_H
#define SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"

struct range {
	uint32_t first, last; /* first <= last */
};

/* Ascending, no two that touch. A zeroed struct is the empty set. */
struct set {
	struct range *ranges;
	size_t count, room;
};

/*
 * "1:3,7,*": true, and *s is that set (what was in it is gone). star: the number
 * that "*" stands for; where it is 0, in an empty mailbox, "*" is in no set.
 */
bool set_parse(struct set *, const char *text, uint32_t star);

/* Cheapest in ascending order. */
void set_add(struct set *, uint32_t first, uint32_t last);
bool set_has(const struct set *, uint32_t);
size_t set_size(const struct set *); /* how many numbers */
void set_print(struct str *, const struct set *); /* appends "1:3,7" */
void set_free(struct set *);

#endif
