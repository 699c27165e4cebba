/* cur of a folder, while we change it. Under the lock. */
#ifndef PLACE_H
#define PLACE_H

#include "batch.h"

struct place {
	struct mailbox *box;
	int fd;         /* of the directory; -1: not open */
	bool in_accord; /* nobody else has changed it since the last scan */
};

/* Up to date with the journal; MAILBOX_NONE when the folder has gone. */
enum mailbox_result place_open(struct place *, struct mailbox *);
void place_close(struct place *);

/* Our own change is nothing that a scan has to find: before the batch. */
void place_changed(const struct place *, struct batch *);

/* Loads it, and takes the lock. */
enum mailbox_result change_begin(struct mailbox *);

/* Calls for each message of the set that is still there. */
void mailbox_each(struct mailbox *, const struct set *uids, void *context,
    void (*act)(struct message *, void *context));

#endif
