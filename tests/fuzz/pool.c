/* lib/pool, each piece by itself, so that a sanitizer sees past which end. */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

struct block {
	struct block *next;
	_Alignas(16) char bytes[];
};

void *pool_take(struct pool *p, size_t n)
{
	struct block *b = malloc(sizeof *b + n);

	if (b == NULL)
		abort();
	b->next = p->blocks;
	p->blocks = b;
	return b->bytes;
}

char *pool_copy(struct pool *p, const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(pool_take(p, n), s, n);
}

void *pool_grow(struct pool *p, void *array, size_t count, size_t size)
{
	void *larger = pool_take(p, (count + 1) * size);

	if (count > 0)
		memcpy(larger, array, count * size);
	return larger;
}

void pool_reset(struct pool *p)
{
	while (p->blocks != NULL) {
		struct block *b = p->blocks;
		p->blocks = b->next;
		free(b);
	}
}
