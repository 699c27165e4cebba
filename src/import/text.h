/*
 * The octets of a message on their way to the disk: with LF line ends, whatever
 * they had, counted, and with their SHA-256.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file.h"
#include "sha256.h"

struct text {
	struct sha256 hash;
	uint64_t size, lines;
	bool cr;           /* it is held back: perhaps half of a CRLF */
	struct file *file; /* NULL: it is only looked at */
};

void text_begin(struct text *, struct file *);
void text_add(struct text *, const char *, size_t);
void text_end(struct text *, unsigned char digest[SHA256_SIZE]);

/* Of a file that is there. 0, or errno. */
int text_digest(const char *path, unsigned char digest[SHA256_SIZE]);

#endif
