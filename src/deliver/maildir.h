/* Maildir: https://cr.yp.to/proto/maildir.html, Maildir++ sizes in the name. */
#ifndef MAILDIR_H
#define MAILDIR_H

#include "message.h"

/*
 * Puts the synced message into new/ of every TARGET_MAILDIR that is not done,
 * syncs those directories, and sets the replies. The temporary name is gone then, but for a
 * message from the queue.
 */
void maildirs_store(struct message *, struct targets *);

#endif
