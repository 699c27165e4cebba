/*
 * The messages of the folder that is written to: what is there, and what is
 * about to be. Their unique parts, so that none is used twice, and what was
 * moved in by an import that was killed is found again.
 */
#ifndef PRESENT_H
#define PRESENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_SIZE 256 /* a file's name has 255 octets at most */

struct present {
	char *names; /* "new/…" or "cur/…", each NUL-terminated; owned */
	size_t len, room;
	uint32_t *table; /* by the unique part: place in names + 1 */
	size_t count, size;
};

/* Reads cur and new of the folder. 0, or errno. Zeroed before. */
int present_read(struct present *, const char *folder);
void present_free(struct present *);

/* Its place in names. */
uint32_t present_add(struct present *, const char *name);

/*
 * The name of this unique part; NULL: it is free. whatever_time: the number
 * before the first dot may be another.
 */
const char *present_find(const struct present *, const char *unique,
    bool whatever_time);

#endif
