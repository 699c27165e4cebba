/*
 * The envelope: who sends, to whom, how. What MAIL and RCPT say, in SMTP (RFC
 * 5321 4.1.1.2 and 4.1.1.3) and LMTP alike, with the parameters of SIZE (RFC
 * 1870), 8BITMIME (6152), SMTPUTF8 (6531), DSN (3461) and AUTH (4954).
 *
 * Whatever stands in here is free of CR, LF, NUL and other controls: it may go
 * into a file, a log or a command line as it is.
 */
#ifndef ENVELOPE_H
#define ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "pool.h"

#define RECIPIENTS_MAX 1000 /* a hundred is the least, RFC 5321 4.5.3.1.8 */
#define ENVID_SIZE 101      /* RFC 3461 4.4 */
#define ORCPT_SIZE 501      /* RFC 3461 4.2 */

enum notify { /* bits; 0: nothing was said */
	NOTIFY_NEVER = 1,
	NOTIFY_SUCCESS = 2,
	NOTIFY_FAILURE = 4,
	NOTIFY_DELAY = 8,
};

#define NOTIFY_SIZE 32

struct recipient {
	const char *address;
	const char *orcpt; /* "rfc822;user@example.org", xtext; or "" */
	unsigned notify; /* enum notify */
	bool local;      /* goes to deliver; else to the queue */
	char status;     /* enum queue_status */
};

struct envelope {
	bool open; /* MAIL was accepted */
	char sender[ADDRESS_SIZE];
	bool eightbit, utf8;
	uint64_t size;         /* announced; 0: not */
	char ret;              /* 'F'ull, 'H'drs, or 0 */
	char envid[ENVID_SIZE]; /* xtext; "" */
	struct recipient *rcpt;
	size_t rcpts;
	struct pool *pool; /* the transaction's, whose end is its owner's task */
};

/*
 * Each takes what stands behind the verb ("FROM:<a@b> SIZE=1") and cuts it up.
 * NULL, or the reply that refuses it; the envelope is then as it was.
 */
const char *envelope_mail(struct envelope *, char *arg, uint64_t size_limit);

/* Fills in `to` and a recipient that is not yet in the envelope. */
const char *envelope_rcpt(const struct envelope *, char *arg,
    struct address *to, struct recipient *);

/* Copies the recipient into the pool. */
void envelope_add(struct envelope *, const struct recipient *);

void envelope_reset(struct envelope *);

/* "NEVER", or "SUCCESS,FAILURE,DELAY" in part, as NOTIFY= has it. */
void notify_print(char words[NOTIFY_SIZE], unsigned notify);

#endif
