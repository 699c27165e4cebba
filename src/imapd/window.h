/* Octets of a file in memory: read ahead by who goes through it all. */
#ifndef WINDOW_H
#define WINDOW_H

#include <stddef.h>
#include <stdint.h>

/* A zeroed struct has none. Forget them: n = 0. */
struct window {
	char *p; /* from `base` on */
	size_t room, n, ahead;
	uint64_t base;
};

/* Octets from `offset` on, n at least, until the next call. NULL: none there. */
const char *window_at(struct window *, int fd, uint64_t offset, size_t n);
void window_free(struct window *);

#endif
