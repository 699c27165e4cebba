/*
 * A folder of a Maildir, to be read while others work in it. Nothing is locked
 * and nothing written: pennypost-maildir(5) has what is read here.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalogue.h"

#define FOLDER_PATH_SIZE 640 /* spool/mail/DOMAIN/USER/.FOLDER/cur/NAME */

struct message {
	char *name;    /* in new or cur, as it was last seen; owned */
	size_t unique; /* how much of it no rename changes */
	bool in_new;
	uint32_t uid;  /* 0: none yet */
	const char *uidl; /* which it had elsewhere; NULL */
};

struct folder {
	const char *path;         /* the caller's */
	struct message *messages; /* by UID, those without one behind */
	size_t count;
	struct message **by_name; /* by the unique part */
	uint32_t uidvalidity, uidnext; /* 0: there is no journal */
	char id[CATALOGUE_ID_SIZE];    /* its MAILBOXID; "" */
	struct catalogue uidls;        /* what message->uidl points into */
};

/* False: it cannot be read; said. */
bool folder_open(struct folder *, const char *path);

/*
 * For reading, by the name it has now: message->name and in_new tell. -1 with
 * errno; ENOENT: it has been expunged.
 */
int message_open(struct folder *, struct message *);

/* By its unique part, n octets; NULL: there is none. */
struct message *message_find(const struct folder *, char *name, size_t n);

void folder_close(struct folder *);

/* The path of a message. False: it is too long. */
bool message_path(const struct folder *, const struct message *,
    char path[FOLDER_PATH_SIZE]);

/* The letters behind ":2,"; "" where there are none. */
const char *message_flags(const struct message *);

#endif
