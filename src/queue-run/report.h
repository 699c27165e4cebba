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
#include "str.h"

#define RETURN_USUAL 51200   /* bytes of a message that comes back in a report */
#define RETURN_ASKED 1048576 /* with RET=FULL */
#define RETURN_HEADER 65536  /* of a header */

enum report_kind { REPORT_FAILED, REPORT_DELAYED, REPORT_DELIVERED };

/* Who is told what of whom: as the parts of a report need it. */
struct report {
	const struct entry *entry;
	enum report_kind kind;
	const size_t *rcpt; /* places in the envelope */
	size_t count;
	const struct answer *answers;
	const char *id, *to;
	bool double_bounce; /* to the postmaster, of a message from <> */
	bool global;        /* addresses beyond ASCII: RFC 6533 */
	/* Of the message: its header, as far as it is read; "" for no field */
	const char *header;
	size_t header_len;
	const char *subject, *message_id;
};

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

bool is_ascii(const char *, size_t);

/* status.c: the text for a person, and the fields for a program. */
const char *report_subject(const struct report *);
void report_words(struct str *, const struct report *);
void report_fields(struct str *, const struct report *);

#endif
