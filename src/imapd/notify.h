/* What a client wants to be told of (RFC 5465), and what it is told. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdbool.h>
#include <stddef.h>

/* Events, as bits. */
enum {
	MESSAGE_NEW = 1,
	MESSAGE_EXPUNGE = 2,
	FLAG_CHANGE = 4,
	MAILBOX_NAME = 8,
	SUBSCRIPTION_CHANGE = 16,
};

#define MESSAGE_EVENTS ((unsigned)(MESSAGE_NEW | MESSAGE_EXPUNGE | FLAG_CHANGE))

/* Which mailboxes a group is about. */
enum filter {
	SELECTED_NOW,
	SELECTED_DELAYED, /* EXPUNGE comes only where it always may */
	INBOXES,
	PERSONAL,
	SUBSCRIBED,
	SUBTREE,
	MAILBOXES,
};

struct group {
	enum filter filter;
	const char **names; /* of SUBTREE and MAILBOXES */
	size_t count;
	unsigned events;
	const char *attributes; /* of MESSAGE_NEW: "(UID FLAGS)"; NULL: none */
};

/*
 * Reads the command's arguments; what was wanted before is not any more. status:
 * it also asks how things are now. False: a fault, or no() has been said.
 */
bool notify_parse(bool *status);

/* NOTIFY SET is in force; else all is told as RFC 3501 has it. */
bool notify_on(void);

/* The group for the selected mailbox; NULL: there is none. */
const struct group *notify_selected(void);

/* What is to be told of a mailbox that is not selected. */
unsigned notify_events(const char *name, bool subscribed);

/* Too much to watch: NOTIFY NONE from here on (RFC 5465 5.8). */
void notify_overflow(void);

#endif
