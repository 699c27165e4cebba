/*
 * The text of a submitted message, its body. It is read to its end before
 * anything is written, because the header above it tells of what kind it is: in
 * memory while it is small, else in a file without a name.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_MEMORY 262144 /* octets; most mail is less, and needs no file */

/* What was found. */
struct text {
	uint64_t size;  /* with LF */
	uint64_t longest; /* line, octets without LF */
	bool eightbit;  /* has octets beyond ASCII, */
	bool utf8;      /* and all are well-formed (RFC 3629) */
};

/*
 * Reads the rest of the input. dir: where the file would be; elsewhere it is
 * memory. What fails is fatal().
 */
void text_read(struct text *, const char *dir);

/*
 * Hands it out in pieces, lines with LF; quoted-printable, if wanted. False
 * with errno when it cannot be read again.
 */
bool text_write(bool quoted_printable, void (*out)(const char *, size_t));

#endif
