/* UTF-8 (RFC 3629), one character at a time. */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

#define UTF8_SIZE 4 /* octets at most */
#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* The octets of the first of n octets' characters; 0: they are none. */
size_t utf8_read(const char *, size_t n, uint32_t *);

/* How many octets at its beginning are ASCII, are UTF-8. */
size_t ascii_run(struct span);
size_t utf8_run(struct span);
bool utf8_is(struct span); /* all of it */

/* No NUL behind it. What is no character is written as U+FFFD. */
size_t utf8_write(char to[UTF8_SIZE], uint32_t);

#endif
