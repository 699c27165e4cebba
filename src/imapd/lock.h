/*
 * One lock for all of a user's mailboxes: a change of a folder, of its files
 * beside the mail, or of the folders themselves happens under it. One, so that
 * nobody can wait for another in a circle. By fcntl(2), which works on NFS.
 */
#ifndef LOCK_H
#define LOCK_H

#include <stdbool.h>

/* maildir: the user's. Opens pennypost.lock there; fatal() where it cannot. */
void lock_open(const char *maildir);

/*
 * Nests. False, and logged, when somebody has had it for half a minute: the
 * command then says NO [INUSE].
 */
bool lock_take(void);
void lock_give(void);

#endif
