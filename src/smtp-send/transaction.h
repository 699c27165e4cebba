/* One transaction: MAIL, some of the recipients, the message. */
#ifndef TRANSACTION_H
#define TRANSACTION_H

#include "delivery.h"
#include "session.h"

/*
 * The most in one transaction: every server takes so many (RFC 5321 4.5.3.1.8),
 * and with more, one slow mailbox holds up too many others.
 */
#define TRANSACTION_RECIPIENTS 100

/*
 * Tries recipients that are TODO, as many as the session takes at once; it must
 * be READY. If it is READY after that, at least one of them is settled.
 *
 * If it is CLOSED, s->reply is what we say of it. Recipients are TODO again
 * where the host cannot have taken the message.
 */
void transaction_run(struct session *, struct delivery *);

#endif
