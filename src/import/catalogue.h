/*
 * What the source's server has kept of a folder's messages beside them: their
 * UIDs and UIDLs, by the unique part of the files' names. Dovecot's list, and
 * Courier's two. Lines that are none are told of, and left out.
 */
#ifndef CATALOGUE_H
#define CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"

struct known {
	const char *unique, *uidl; /* uidl: NULL where the file says none */
	uint32_t uid, uidvalidity; /* of courierpop3dsizelist: the UIDL's */
};

struct catalogue {
	struct str text;
	struct known *known; /* by their unique parts */
	size_t count, room;
	uint32_t uidvalidity, uidnext; /* 0: there is no list */
	bool dovecot; /* it is Dovecot's */
	bool failed;  /* it is there, and cannot be read now: said */
};

/* shown: the folder, as faults name it. Zeroed before. False: no such file. */
bool dovecot_read(struct catalogue *, const char *folder, const char *shown);
bool courier_read(struct catalogue *, const char *folder, const char *shown);
bool courier_pop3_read(struct catalogue *, const char *shown);

/* NULL: it is not in the list. n: octets of unique. */
const struct known *catalogue_find(const struct catalogue *,
    const char *unique, size_t n);

void catalogue_free(struct catalogue *);

#endif
