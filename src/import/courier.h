/*
 * Courier's keywords of a folder, in its directory courierimapkeywords: a file
 * `:list`, and one for each message whose keywords have changed since.
 * Courier-IMAP's README.imapkeywords has the format.
 */
#ifndef COURIER_H
#define COURIER_H

#include <stdbool.h>
#include <stddef.h>

#include "str.h"

struct courier_keywords {
	struct str list;    /* the file */
	const char **names; /* by their numbers in it */
	size_t names_count;
	struct keywords_said *said;
	size_t count, room;
};

/* Zeroed before. False: it cannot be read now; a fault, with `shown`. */
bool courier_keywords_read(struct courier_keywords *, const char *folder,
    const char *shown);

/* Adds those of a message, each behind a blank; unique has n octets. */
void courier_keywords_add(const struct courier_keywords *, const char *unique,
    size_t n, struct str *);

void courier_keywords_free(struct courier_keywords *);

#endif
