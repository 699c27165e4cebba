/*
 * pennypost-uidl in the user's Maildir: which UIDL a message of INBOX had where
 * it comes from, for pop3d. See pennypost-maildir(5).
 */
#ifndef UIDLS_H
#define UIDLS_H

#include <stdbool.h>

#include "present.h"
#include "str.h"
#include "uidl.h"

/*
 * Adds lines of `UNIQUE UIDL`; of a unique part that has one, the old one
 * counts, and those of messages that are gone go. Durable; false: logged. Under
 * the lock.
 */
bool uidls_write(const char *lines, const struct present *);

#endif
