/*
 * One lock for all of a user's mailboxes: a change of a folder, of its files
 * beside the mail, or of the folders themselves happens under it. One, so that
 * nobody can wait for another in a circle. By fcntl(2), which works on NFS.
 */
#ifndef LOCK_H
#define LOCK_H

#include <stdbool.h>
#include <stdint.h>

/* maildir: the user's. Opens pennypost.lock there; fatal() where it cannot. */
void lock_open(const char *maildir);

/*
 * Nests. False, and logged, when somebody has had it for half a minute: the
 * command then says NO [INUSE].
 */
bool lock_take(void);
void lock_give(void);

/*
 * What the file system's clock says, in ns since 1970: what is changed from now
 * on has no earlier mtime. Under the lock. 0: cannot tell.
 */
int64_t lock_time(void);

#endif
