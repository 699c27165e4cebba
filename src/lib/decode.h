/* Content-Transfer-Encoding (RFC 2045 6), from what a part holds to octets. */
#ifndef DECODE_H
#define DECODE_H

#include <stdbool.h>

#include "span.h"
#include "str.h"

enum encoding {
	ENCODING_NONE,  /* 7bit, 8bit, binary, none said */
	ENCODING_QP,
	ENCODING_BASE64,
	ENCODING_UNKNOWN,
};

/* By its name, as it stands in the field (blanks, comments, either case). */
enum encoding encoding_find(struct span value);

/*
 * Appends the octets. Faults are read over, as mail readers do; false tells of
 * them, or of ENCODING_UNKNOWN, whose octets are appended as they are.
 */
bool decode(struct str *, enum encoding, struct span);

int hex_digit(char); /* its value; -1: it is none */

#endif
