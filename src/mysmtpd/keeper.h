/*
 * The doorkeeper's part: a talker is confined, and asks it for descriptors. On
 * that for "deliver" LMTP is spoken (broker.h); for the address of a mailbox,
 * POP3, by pop3d -u. Who may read which mailbox is decided here, whatever the
 * talker thinks.
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
