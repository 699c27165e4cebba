/* A file's lines, in bounded memory: one by one, a very long one in pieces. */
#ifndef PIECES_H
#define PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

#define PIECE_SIZE 65536 /* octets; a longer line comes in several */

/* Zeroed, but for fd. */
struct pieces {
	int fd;
	int error;          /* errno of a read that failed, which is the end */
	unsigned long line; /* of the last piece, from 1 */
	uint64_t offset;    /* of what follows it, from where reading began */
	size_t at, len;
	bool middle;        /* what follows is not the beginning of a line */
	char buf[PIECE_SIZE];
};

/*
 * A line with its end, LF, or a piece of it; valid until the next call. *first:
 * it is a line's beginning. False: there is no more.
 */
bool piece_next(struct pieces *, struct span *, bool *first);

#endif
