/*
 * dovecot-uidlist, version 3, of a folder that imapd has never opened: it takes
 * its UIDs and UIDVALIDITY from there at the first opening.
 */
#ifndef UIDLIST_H
#define UIDLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* unique ends at ':' or the end, and is somebody else's. */
struct uidlist_entry {
	uint32_t uid;
	const char *unique;
	bool old; /* it stood there before */
};

/*
 * Could the folder have this UIDVALIDITY? Nobody has given UIDs there, or just
 * these. 0, or errno. Under the lock.
 */
int uidlist_free(const char *folder, uint32_t uidvalidity, bool *is_free);

/*
 * Writes it, with what stood there before, which counts where a UID is taken.
 * Durable. 0, or errno. Under the lock.
 */
int uidlist_write(const char *folder, uint32_t uidvalidity, uint32_t uidnext,
    const struct uidlist_entry *, size_t count);

#endif
