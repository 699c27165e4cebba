/*
 * What a server has kept of a folder's messages beside them: their UIDs and
 * UIDLs, by the unique part of the files' names. Ours, Dovecot's, Courier's.
 * Read without anybody's lock. Lines that are none are told of, and left out.
 */
#ifndef CATALOGUE_H
#define CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CATALOGUE_ID_SIZE 33 /* Dovecot's GUID, and our MAILBOXID */

enum catalogue_file {
	PENNYPOST_UIDS, /* the journal: pennypost-maildir(5) */
	DOVECOT_UIDLIST,
	COURIER_UIDS,
	PENNYPOST_UIDLS, /* these two of INBOX alone */
	COURIER_UIDLS,
};

struct known {
	const char *unique, *uidl; /* uidl: NULL where the file says none */
	uint32_t uid, uidvalidity; /* of COURIER_UIDLS: the UIDL's */
};

struct catalogue {
	/* Set before, with all else zeroed. */
	const char *shown; /* the folder, as faults name it */
	void (*fault)(const char *fmt, ...)
	    __attribute__((format(printf, 1, 2)));

	char *text;
	struct known *known; /* by their unique parts */
	size_t count, room, finished;
	enum catalogue_file file;
	unsigned version;
	uint32_t uidvalidity, uidnext; /* 0: there is no list */
	char id[CATALOGUE_ID_SIZE];    /* ""; not Courier's */
	int error; /* errno: it is there, and cannot be read now; said */
};

/* False: there is no such file in the folder. */
bool catalogue_read(struct catalogue *, const char *folder,
    enum catalogue_file);

/* NULL: it is not in the list. n: octets of unique. */
const struct known *catalogue_find(const struct catalogue *,
    const char *unique, size_t n);

void catalogue_free(struct catalogue *);

#endif
