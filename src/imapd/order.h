/*
 * Rows put in order. A row's keys are laid one behind the other, as words of 8
 * octets, big end first: all rows are compared by a word, and those alone that
 * are the same by the next. musl's qsort(3) compares three times as often, and
 * each time would look for keys that are in no cache.
 */
#ifndef ORDER_H
#define ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"
#include "str.h"

#define ORDER_TEXT_MAX 1000 /* octets that are compared */

/* A zeroed struct has no rows. */
struct order {
	struct row {
		uint64_t word;  /* that is compared */
		uint32_t next;  /* in words */
		uint32_t which; /* as order_add() was told */
	} *rows;
	uint64_t *words;
	uint32_t count, room;
	uint32_t words_count, words_room;
	uint32_t began; /* the row that is not added yet */
};

/* The next key of the row. All rows have the same kinds of keys. */
void order_number(struct order *, int64_t, bool reverse);
void order_text(struct order *, struct span, bool reverse); /* without NUL */

/* Ends the row. `which` is no other's, and decides where all else is equal. */
void order_add(struct order *, uint32_t which);

/* Has the rows in ascending order; until order_clear() nothing can be added. */
void order_sort(struct order *);

void order_clear(struct order *); /* no rows, keeps the memory */
void order_free(struct order *);

/*
 * Appends UTF-8 as it is sorted by: RFC 5051's collation, the first
 * ORDER_TEXT_MAX octets, up to a NUL.
 */
void order_fold(struct str *, struct span);

#endif
