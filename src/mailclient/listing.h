/* The list of the mails: a page of it, and turning the pages. */
#ifndef LISTING_H
#define LISTING_H

#include <stddef.h>

#include "box.h"

#define PAGE_MAX 50  /* mails: the headers of a page are fetched in one go */
#define PAGE_ELSE 20 /* where there is no window */

struct listing {
	size_t first, count; /* what is on the page: messages from 1 */
};

/* To the last page, where the newest are. */
void listing_last(struct listing *, const struct box *);
void listing_next(struct listing *, const struct box *);
void listing_previous(struct listing *);

/*
 * Fetches the headers and writes the page. A sentence when that did not go
 * well, like those of box.h.
 */
const char *listing_show(struct listing *, struct box *);

#endif
