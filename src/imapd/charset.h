/*
 * Character sets, through iconv(3), to UTF-8; and texts as they are compared
 * (RFC 5255 4, i;unicode-casemap of RFC 5051, as far as libc's case tables go).
 */
#ifndef CHARSET_H
#define CHARSET_H

#include <stdbool.h>

#include "span.h"
#include "str.h"

/*
 * Once, before the process is confined: glibc loads converters and its locale
 * from files. musl needs nothing.
 */
void charset_prepare(void);

bool charset_known(const char *name);

/*
 * Appends the text in UTF-8; what cannot be converted becomes U+FFFD. An unknown
 * charset: octets beyond ASCII are U+FFFD, and false is returned.
 */
bool charset_convert(struct str *, const char *charset, struct span);

/* Appends UTF-8 as it is compared: case folded. What is no UTF-8 stays. */
void charset_fold(struct str *, struct span);

#endif
