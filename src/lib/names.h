/*
 * Names of folders: modified UTF-7 (RFC 3501 5.1.3), which is what stands on the
 * disk, and UTF-8, which clients may use who have enabled it (RFC 6855 3, RFC
 * 9051 5.1).
 *
 * A name is one, and is written in one way only: modified UTF-7 that says ASCII
 * in base64, or shifts where it need not, is none. Nothing is normalised: libc
 * has no tables for it, and a name in NFD is another one than the same in NFC
 * (RFC 9051 5.1 leaves that to the client's care, where the server does not).
 */
#ifndef NAMES_H
#define NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "str.h"

#define FOLDER_NAME_SIZE 200 /* a file name has 255 octets at most, and room */
#define FOLDER_DEPTH_MAX 32
#define NAME_UTF8_SIZE 256   /* base64's 6 bits in UTF-8's 16 of 24: 222 */

/* UTF-8 to modified UTF-7. False: it is no UTF-8, or `size` is too small. */
bool name_encode(char *to, size_t size, const char *utf8);

/* n octets of modified UTF-7 to UTF-8, appended. False: they are none. */
bool name_decode(struct str *, const char *name, size_t n);

/*
 * What a client says (in modified UTF-7, or in UTF-8), to a name. A last "." is
 * cut off (RFC 3501 6.3.3), "inbox" is INBOX, and "inbox.x" below it. NULL, or
 * why no folder can have that name.
 */
const char *name_read(char name[FOLDER_NAME_SIZE], const char *said, bool utf8);

/* What is on the disk is a name as name_read() makes them. */
bool name_valid(const char *);

/* As trees are listed: INBOX first, what is below a name directly behind it. */
int name_compare(const char *, const char *);

/* Is it below the other one? */
bool name_is_below(const char *, const char *above);

#endif
