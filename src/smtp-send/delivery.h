/*
 * One message on its way to one next hop: which recipients it is for, and what
 * has become of each.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include <stdbool.h>
#include <stddef.h>

#include "entry.h"
#include "message.h"

/* What the recipients of such a one are told. */
#define UNREADABLE "451 4.3.0 The queue file cannot be read now"

enum progress {
	ELSEWHERE, /* not ours: another next hop's, done, or somebody else's */
	TODO,
	NAMED,     /* in the transaction at hand */
	ACCEPTED,  /* the same, and RCPT was */
	SETTLED,
};

struct delivery {
	struct entry entry;
	struct message message;
	char *progress; /* enum progress of each; in the entry's pool */
	size_t todo;    /* recipients that are not yet settled */
	const char *peer; /* for the log: who says what comes next, … */
	const char *how;  /* … and by what TLS it was sent */
};

/*
 * Opens the queue file and takes those recipients that wait for this next hop
 * (NULL: for any), and that nobody else works on. False: there are none. It is
 * to be ended whatever was returned.
 */
bool delivery_begin(struct delivery *, const char *id, const char *next_hop);

/* Reads the message. False: it cannot be read, and they are told so. */
bool delivery_read(struct delivery *);

/* Gives the recipients back. */
void delivery_end(struct delivery *);

/* Nobody, this one, all that are in that state: do not have the message. */
void delivery_refused(struct delivery *, size_t i, const char *mta,
    const char *reply);
void delivery_all_refused(struct delivery *, enum progress, const char *mta,
    const char *reply);

/*
 * The next host has taken the message for those that are ACCEPTED: writes that
 * to the disk, before anything else. `reports`: it tells the sender of success
 * where he wants to be told (RFC 3461 5.2.1).
 */
void delivery_taken(struct delivery *, bool reports, const char *reply);

#endif
