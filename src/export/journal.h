/* What stands beside a folder's messages: UIDs and UIDLs. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "folder.h"

/*
 * Fills in the messages' UIDs, and the folder's uidvalidity, uidnext and id, of
 * pennypost-uids, else of dovecot-uidlist, where there are such files. False:
 * there is one that cannot be read; said.
 */
bool journal_read(struct folder *);

/* The UIDLs of pennypost-uidl; the same. by_name is there. */
bool uidls_read(struct folder *);

#endif
