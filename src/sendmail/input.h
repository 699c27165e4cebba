/*
 * The message on fd 0, line by line. Lines end in LF or CRLF; what is handed
 * out has no CR and no NUL: a CR within a line becomes a blank, a NUL is
 * dropped.
 */
#ifndef INPUT_H
#define INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIECE_MAX 65536 /* octets of a line in memory; a longer one is cut */

/* A line, or a piece of a long one. */
struct piece {
	char *p; /* without the line end; valid until the next call */
	size_t n;
	bool begins, ends; /* the line */
};

/*
 * limit: octets that may come, as they come. dot_ends: a line of a single dot
 * is the end, and two dots at the beginning of a line are one.
 */
void input_begin(uint64_t limit, bool dot_ends);

/*
 * False at the end. A last line without LF is a line. Input past its limit and
 * a failing read are fatal().
 */
bool input_next(struct piece *);

/* The next call gives the same piece again. */
void input_again(void);

/* NULs were dropped. */
bool input_had_nul(void);

#endif
