/*
 * The message that deliver has in hand: written once, to a temporary file in
 * the first Maildir it is for (else, and from the queue, in spool/tmp), then
 * given to each target.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "entry.h"
#include "envelope.h"
#include "file.h"
#include "resolve.h"

#define DELIVERED "250 2.0.0 Delivered"

/*
 * One that comes from a queue file has the same names at each try, the temporary
 * one too, and whoever delivers it has the locks of the entry: so a second try
 * finds what the first one did.
 */
struct message {
	const struct envelope *envelope;
	const struct entry *entry; /* the queue file; NULL: it is new */
	bool again;         /* an earlier try was cut off: it left its file */
	char name[300];     /* its unique part, without sizes */
	size_t content_at;  /* behind the Return-Path that we put on top */
	struct file file;
};

/*
 * Begins it, for these targets. `recipient` gets a Delivered-To; NULL when
 * there are several (a blind copy is to stay blind).
 */
void message_begin(struct message *, const struct targets *,
    const char *recipient);
void message_lines(struct message *, const char *, size_t);

/*
 * Delivers to every target that is not done and sets its reply. All "250 …" are
 * durable.
 * `looped(recipient)`: has this address had the message before?
 */
void message_deliver(struct message *, struct targets *,
    bool (*looped)(const char *recipient));

/* The reply for that recipient: the worst that befell one of its targets. */
const char *message_verdict(const struct targets *, size_t rcpt);

/*
 * Removes what is left of it; also when it was never delivered. For one from the
 * queue that is to come after the marks in its file.
 */
void message_end(struct message *);

/* The content again: up to n bytes from *at on, which moves. 0 at the end. */
ssize_t message_read(const struct message *, size_t *at, char *, size_t n);

#endif
