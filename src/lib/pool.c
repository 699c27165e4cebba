#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include "str.h"

#define BLOCK 16384

struct block {
	struct block *next;
	size_t size;
	_Alignas(16) char bytes[];
};

void *pool_take(struct pool *p, size_t n)
{
	size_t room = p->blocks != NULL ? p->blocks->size : sizeof p->first;

	n = (n + 15) & ~(size_t)15;
	if (n > room - p->used) {
		size_t size = n > BLOCK ? n : BLOCK;
		struct block *b = xrealloc(NULL, sizeof *b + size);
		b->next = p->blocks;
		b->size = size;
		p->blocks = b;
		p->used = 0;
	}
	p->used += n;
	return (p->blocks != NULL ? p->blocks->bytes : p->first) + p->used - n;
}

char *pool_copy(struct pool *p, const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(pool_take(p, n), s, n);
}

void *pool_grow(struct pool *p, void *array, size_t count, size_t size)
{
	void *larger;

	if (count == 0)
		return pool_take(p, 4 * size);
	if (count < 4 || (count & (count - 1)) != 0)
		return array; /* it doubles at 4, 8, 16 … */
	larger = pool_take(p, 2 * count * size);
	return memcpy(larger, array, count * size);
}

void pool_reset(struct pool *p)
{
	struct block *next;

	for (struct block *b = p->blocks; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	p->blocks = NULL;
	p->used = 0;
}
