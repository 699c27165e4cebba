/*
 * Reports to senders: delivery status notifications (RFC 3464, RFC 6522, for
 * addresses beyond ASCII RFC 6533), honouring what was asked for (RFC 3461).
 * Each is a message of its own in the queue.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "entry.h"

enum report_kind { REPORT_FAILED, REPORT_DELAYED, REPORT_DELIVERED };

/* Is anybody to be told that this befell the recipient? */
bool report_wanted(const struct entry *, const struct recipient *,
    enum report_kind);

/*
 * Makes the report of these recipients, durably, as spool/queue/id. 0 when it
 * is there, perhaps since the last time; else errno.
 */
int report_make(struct entry *, enum report_kind, const size_t *rcpt,
    size_t count, const char *id);

/*
 * Tells the postmaster that a file is set aside; id is where the notice is, or
 * "" when there is to be none. False: it could not be written now.
 */
bool report_damaged(char id[ID_SIZE], const char *name, const char *why);

#endif
