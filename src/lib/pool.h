/*
 * Memory that lives as long as one transaction, and is then given back at once.
 * The first bytes come from the pool itself: an ordinary message costs no
 * malloc. A zeroed struct is an empty pool. Ends the program when memory ends.
 */
#ifndef POOL_H
#define POOL_H

#include <stddef.h>

struct pool {
	size_t used; /* of the newest block, or of first */
	struct block *blocks;
	_Alignas(16) char first[3072]; /* a sender, a dozen recipients */
};

/* n bytes, aligned for anything. */
void *pool_take(struct pool *, size_t n);

char *pool_copy(struct pool *, const char *);

/*
 * Room for one more in an array of `count` elements: where the array now is.
 * `count` grows by one at a time, from 0.
 */
void *pool_grow(struct pool *, void *array, size_t count, size_t size);

void pool_reset(struct pool *);

#endif
