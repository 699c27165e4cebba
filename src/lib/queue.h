/*
 * Writes a queue file: spool/queue/ID, one waiting message. The format is
 * pennypost-queue(5): envelope lines, a blank line, the message with LF.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "envelope.h"
#include "file.h"
#include "program.h"

enum queue_status {
	QUEUE_WAITING = '.',   /* to be delivered or relayed */
	QUEUE_DELAYED = 'd',   /* the same; the sender knows that it takes time */
	QUEUE_DELIVERED = 's', /* done; the sender wants to be told */
	QUEUE_FAILED = 'f',    /* given up; the sender is to be told */
	QUEUE_DONE = '+',      /* nothing more to do */
};

struct queue {
	char id[ID_SIZE];
	size_t size_at;    /* where the size stands in the file */
	size_t message_at; /* where the message begins */
	size_t *status_at; /* each recipient's status byte; in the pool */
	struct file file;
};

#define QUEUE_DIR "spool/queue"
#define HOLD_DIR "spool/hold"       /* an administrator put it aside */
#define DAMAGED_DIR "spool/damaged" /* queue-run did: it is none of ours */
#define QUEUE_TMP "spool/tmp"

/* id names the file. Errors are told by queue_commit(). */
void queue_create(struct queue *, const char *id, const struct envelope *);

/* Lines of the message, with CRLF or LF. */
void queue_lines(struct queue *, const char *, size_t);

/*
 * Puts the recipients' status bytes in, as they now stand in the envelope, and
 * makes the file durable under its name. 0, or errno: then there is no file,
 * but after EIO from the directory's fsync there may be one. EEXIST: a file of
 * that name is in the queue; with a derived id, it is the same one.
 */
int queue_commit(struct queue *, const struct envelope *);

/* Nothing happened. */
void queue_abort(struct queue *);

#endif
