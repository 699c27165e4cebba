/*
 * The doorkeeper's part: a talker is confined, and asks it for a descriptor. For
 * "deliver" it speaks LMTP (broker.h); for the address of a mailbox, POP3, by
 * pop3d -u. Who may read which mailbox is decided here and nowhere else.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include <stdbool.h>

#include "address.h"
#include "door.h"

/* lab: everybody may read every mailbox. */
void keeper_begin(struct door *, bool lab);

/* Do both name the same mailbox? */
bool same_mailbox(const struct address *, const struct address *);

#endif
