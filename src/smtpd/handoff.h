/*
 * Where an accepted message goes: local recipients to deliver, over LMTP (RFC
 * 2033, in BDAT chunks, so that no end of data is looked for a second time);
 * everybody else into a queue file. One deliver serves a whole session.
 *
 * A message for several recipients is always written to a queue file too: when
 * some have it and some have to wait, SMTP has only one reply for them all. The
 * file is thrown away when it turns out that nobody waits.
 */
#ifndef HANDOFF_H
#define HANDOFF_H

#include <stddef.h>

#include "envelope.h"

/* Our host name, for LHLO. */
void handoff_begin(const char *host);

/*
 * Does deliver take this local recipient? Its reply: "250 …", or the refusal to
 * pass on. Valid until the next call.
 */
const char *handoff_rcpt(const struct envelope *, const char *address);

/* The message begins; id names it. Then its lines, each with CRLF. */
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
