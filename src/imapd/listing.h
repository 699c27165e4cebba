/*
 * All folders of a user as one tree, in the order in which it is listed: what is
 * below a name stands directly behind it. Names that are no folders are in it
 * too, where they are above one, or subscribed.
 */
#ifndef LISTING_H
#define LISTING_H

#include <stdbool.h>
#include <stddef.h>

#define NO_PARENT ((size_t)-1)

struct folder {
	const char *name;
	size_t parent;    /* its place in the listing; NO_PARENT */
	bool there;       /* can be selected */
	bool subscribed;
	bool has_children; /* those that are there */
	unsigned uses;    /* bit n: use_attributes[n] */
};

/* May be copied; one of the two is then to be forgotten. */
struct listing {
	struct folder *folders;
	size_t count;
	struct pool *pool;
};

/*
 * Reads one directory and two files. A zeroed struct before; listing_free()
 * after. False: the directory cannot be read (logged).
 */
bool listing_read(struct listing *);
void listing_free(struct listing *);

/* NULL: it is not in the listing. */
const struct folder *listing_find(const struct listing *, const char *name);

/* Calls for each folder but INBOX, until it returns false. False: unreadable. */
bool folders_each(bool (*see)(const char *name, void *), void *);

#endif
