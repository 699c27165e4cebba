/*
 * Where an accepted message goes: local recipients to deliver, over LMTP (RFC
 * 2033, in BDAT chunks, so that no end of data is looked for a second time);
 * everybody else into a queue file. One deliver serves a whole session.
 *
 * When some recipients have a message and others have to wait, SMTP has only
 * one reply for them all: the queue takes it for those who wait. So a message
 * for several that does not fit into memory goes to a queue file as it comes,
 * which is thrown away when it turns out that nobody waits.
 */
#ifndef HANDOFF_H
#define HANDOFF_H

#include <stddef.h>

#include "door.h"
#include "envelope.h"

/* Our host name, for LHLO; and whose doorkeeper starts deliver: broker.h. */
void handoff_begin(const char *host, struct door *);

/* There will be a local recipient, as it seems. */
void handoff_expect(void);

/*
 * Does deliver take this local recipient? Its reply: "250 …", or the refusal to
 * pass on. Valid until the next call.
 */
const char *handoff_rcpt(const struct envelope *, const struct recipient *);

/*
 * The message begins; id names it (both are kept until its end). Then its
 * lines, each with CRLF.
 */
void handoff_message(const struct envelope *, const char *id);
void handoff_text(const char *lines, size_t n);

/*
 * The message is whole. NULL once it is durable for every recipient; else the
 * reply that refuses it, and then nobody has it (as far as can be helped).
 */
const char *handoff_end(struct envelope *);

/* The transaction is over: drops a message that was begun but not ended. */
void handoff_reset(void);

/* The session is over. */
void handoff_close(void);

#endif
