/*
 * What LMTP, the command line and the queue's worker have in common: recipients,
 * then a message, then a verdict for each.
 */
#ifndef TRANSACTION_H
#define TRANSACTION_H

#include "address.h"
#include "body.h"
#include "config.h"
#include "envelope.h"
#include "message.h"
#include "resolve.h"

#define TRACE_ROOM 65536 /* what may come on top of a message at its limit */

struct transaction {
	const struct config *config;
	struct pool pool; /* the memory of the transaction */
	struct envelope envelope;
	struct targets targets; /* its rcpt[] are those of the envelope */
	/* The message that is being received: */
	struct body body;
	struct str delivered_to; /* the addresses, each NUL-terminated */
	unsigned hops;
	struct message message; /* large: last */
};

/* There is one at a time: body.h hands its lines to plain functions. */
extern struct transaction transaction;

void transaction_begin(const struct config *);

/*
 * Adds the recipient, and where its mail goes; fills in its address. NULL, or
 * the refusal; static.
 */
const char *transaction_rcpt(const struct address *to, struct recipient *);

/* The message begins: its lines go to transaction.body. */
void transaction_message(void);

/* What is wrong with what has come of it; NULL: nothing. */
const char *transaction_fault(void);

/*
 * It is whole: delivers it. The fault that keeps it from everybody, or NULL;
 * then message_verdict() tells of each recipient.
 */
const char *transaction_finish(void);

/* The end, whatever came before: nothing is left of it. */
void transaction_reset(void);

#endif
