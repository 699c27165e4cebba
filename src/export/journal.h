/* The UIDs of a folder, of its pennypost-uids, else of its dovecot-uidlist. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "folder.h"

/*
 * Fills in the messages' UIDs, and the folder's uidvalidity, uidnext and id,
 * where there are such files. False: there is one that cannot be read; said.
 */
bool journal_read(struct folder *);

#endif
