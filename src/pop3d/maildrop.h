/*
 * A Maildir as a POP3 maildrop: what was there at login, in order of delivery,
 * locked for one session. Messages may be renamed by others at any moment (new
 * to cur, flags); they are found again.
 */
#ifndef MAILDROP_H
#define MAILDROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"
#include "uidl.h"

struct mail {
	char *name;     /* "new/…" or "cur/…", below the Maildir */
	size_t unique;  /* how long the part between '/' and ':' is */
	const char *uidl; /* which it had elsewhere; NULL: none is known */
	uint64_t octets; /* with CRLF; known when sized */
	bool sized, deleted;
};

struct maildrop {
	const char *path;
	int lock;
	bool unsure; /* a directory could not be read to its end */
	struct mail *mail; /* owned */
	size_t count;
	struct str uidls; /* pennypost-uidl */
};

enum maildrop_result { MAILDROP_OK, MAILDROP_IN_USE, MAILDROP_UNAVAILABLE };

/* path is kept. */
enum maildrop_result maildrop_open(struct maildrop *, const char *path);

/*
 * Its size on the wire: from W= in the name, else S= (the file's, which lacks
 * the CRs), else by reading it. 0 when it has gone.
 */
uint64_t mail_octets(struct maildrop *, struct mail *);

/*
 * What pennypost-uidl says of it, see pennypost-maildir(5); else uidl_of_name().
 */
void mail_uidl(const struct mail *, char uidl[UIDL_SIZE]);

/* For reading; -1 with errno when it has gone. */
int mail_open(struct maildrop *, struct mail *);

/*
 * Removes what is marked as deleted, and syncs: false when some could not be.
 * Releases the lock.
 */
bool maildrop_update(struct maildrop *);

#endif
