/* Who writes what is moved in: as the user who owns the home. */
#ifndef WRITER_H
#define WRITER_H

#include <stdbool.h>

#include "stream.h"

struct target {
	const char *maildir; /* the user's, which is there */
	const char *folder;  /* where the source's INBOX goes: "INBOX" */
	const char *address; /* for what is said */
	bool quiet;          /* neither progress nor what was done */
};

/*
 * Reads the stream to its end. True: all of it is in the mailbox, durable, and
 * nothing twice. False: what is not was said on stderr.
 */
bool writer_run(struct stream *, const struct target *);

#endif
