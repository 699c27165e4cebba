/*
 * Character sets to UTF-8: those of an octet each by tables of our own, those of
 * several through iconv(3). And texts as they are compared (RFC 5255 4,
 * i;unicode-casemap of RFC 5051, as far as libc's case tables go).
 */
#ifndef CHARSET_H
#define CHARSET_H

#include <stdbool.h>

#include "span.h"
#include "str.h"

/*
 * Once, before the process is confined: glibc loads converters and its locale
 * from files, in 0.8 ms, and keeps 160 KiB. musl needs nothing.
 */
void charset_prepare(void);

/* By any name that mail has for it; in either case. */
bool charset_known(const char *name);

/*
 * Appends the text in UTF-8; what cannot be converted becomes U+FFFD: up to three
 * octets for one. What says it is ASCII and has more is taken for UTF-8. Of an
 * unknown charset octets beyond ASCII are U+FFFD, and false is returned.
 */
bool charset_convert(struct str *, const char *charset, struct span);

/* Appends UTF-8 as it is compared: case folded. What is no UTF-8 stays. */
void charset_fold(struct str *, struct span);

#endif
