/*
 * Sixteen octets at a time, inline: a line is short, and musl's memchr(3) takes
 * its first octets one by one.
 */
#ifndef BLOCK_H
#define BLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BLOCK 16 /* octets */

typedef unsigned char block __attribute__((vector_size(BLOCK)));

static inline block block_at(const char *p)
{
	block b;

	memcpy(&b, p, BLOCK);
	return b;
}

/* Which octet is the first that is not zero; BLOCK: none is. */
static inline unsigned block_first(block b)
{
	typedef uint64_t halves __attribute__((vector_size(BLOCK)));
	uint64_t first = ((halves)b)[0], second = ((halves)b)[1];

	if ((first | second) == 0)
		return BLOCK;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (unsigned)(first != 0 ? __builtin_ctzll(first) :
	    64 + __builtin_ctzll(second)) / 8;
#else
	return (unsigned)(first != 0 ? __builtin_clzll(first) :
	    64 + __builtin_clzll(second)) / 8;
#endif
}

/* The first octet that is a or b; `end` when there is none. */
static inline const char *octet_either(const char *p, const char *end, char a,
    char b)
{
	for (; end - p >= BLOCK; p += BLOCK) {
		block o = block_at(p);
		unsigned first = block_first((block)((o == (unsigned char)a) |
		    (o == (unsigned char)b)));
		if (first < BLOCK)
			return p + first;
	}
	while (p < end && *p != a && *p != b)
		p++;
	return p;
}

static inline const char *octet_find(const char *p, const char *end, char c)
{
	return octet_either(p, end, c, c);
}

/* Octets of the first line, with its LF; all of them, when there is none. */
static inline size_t line_length(const char *p, size_t n)
{
	const char *lf = octet_find(p, p + n, '\n');

	return (size_t)(lf - p) + (lf < p + n);
}

#endif
