/* From Dovecot: the UIDs of a folder that has a dovecot-uidlist. */
#ifndef TAKEOVER_H
#define TAKEOVER_H

#include "uids.h"

/*
 * Makes the journal with that list's UIDVALIDITY, for the messages of the list
 * that are there; new ones are left to a scan. u->id and state are filled in,
 * and kept where the list does not know better. MAILBOX_NONE: there is no list,
 * or nothing that can be understood (logged).
 */
enum mailbox_result takeover(struct uids *, const char *folder);

#endif
