/* A piece of a text that somebody else keeps. */
#ifndef SPAN_H
#define SPAN_H

#include <stddef.h>

struct span {
	const char *p;
	size_t n;
};

static inline void span_skip(struct span *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

#endif
