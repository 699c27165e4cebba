/*
 * STATUS responses: STATUS's own (RFC 3501 6.3.10 and later items), LIST's (RFC
 * 5819), and those that nobody has asked for (NOTIFY, RFC 5465 5.1).
 */
#ifndef STATUS_H
#define STATUS_H

#include "input.h"
#include "mailbox.h"

enum {
	STATUS_MESSAGES = 1,
	STATUS_RECENT = 2,
	STATUS_UIDNEXT = 4,
	STATUS_UIDVALIDITY = 8,
	STATUS_UNSEEN = 16,
	STATUS_HIGHESTMODSEQ = 32,    /* RFC 7162 3.1.7 */
	STATUS_SIZE = 64,             /* RFC 8438 */
	STATUS_DELETED = 128,         /* RFC 9208 4.1.4 */
	STATUS_DELETED_STORAGE = 256, /* RFC 9208 4.1.5 */
	STATUS_APPENDLIMIT = 512,     /* RFC 7889 */
	STATUS_MAILBOXID = 1024,      /* RFC 8474 4.3 */
};

/* "(MESSAGES UNSEEN …)" as bits; 0 after a fault. */
unsigned status_parse(struct input *);

/* One untagged response; none when the mailbox cannot be opened. */
enum mailbox_result status_tell(const char *name, unsigned items);

#endif
