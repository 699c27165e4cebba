/* STATUS responses that nobody has asked for: NOTIFY (RFC 5465 5.1). */
#ifndef STATUS_H
#define STATUS_H

enum {
	STATUS_MESSAGES = 1,
	STATUS_UIDNEXT = 2,
	STATUS_UIDVALIDITY = 4,
	STATUS_UNSEEN = 8,
	STATUS_HIGHESTMODSEQ = 16,
};

/* One untagged STATUS response; none when the mailbox cannot be opened. */
void status_tell(const char *name, unsigned items);

#endif
