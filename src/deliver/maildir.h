/* Maildir: https://cr.yp.to/proto/maildir.html, Maildir++ sizes in the name. */
#ifndef MAILDIR_H
#define MAILDIR_H

#include "message.h"

/*
 * Links the synced message into new/ of every TARGET_MAILDIR, syncs those
 * directories, removes the temporary name, and sets the replies.
 */
void maildirs_store(struct message *, struct targets *);

#endif
