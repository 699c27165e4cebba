/*
 * TLS towards the next host: who has to have it, STARTTLS (RFC 3207), and what
 * is done without it. Where nothing is said, what is offered is taken, and what
 * fails is done without (RFC 7435): that helps against who only listens.
 */
#ifndef STARTTLS_H
#define STARTTLS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy.h"
#include "session.h"

#define HANDSHAKE_TIMEOUT 60 /* s; the helper gives it no more */

/* Is STARTTLS the next to say? */
bool starttls_due(const struct session *);

/*
 * Is there no TLS now, for this reason, where there has to be? Then s->reply is
 * what we say of that: "451 4.7.4 …".
 */
bool starttls_missed(struct session *, const char *why);

/*
 * Goes on with the session in TLS, if the host has the certificate that it has
 * to have. False: s->reply is what we say of that, "451 4.7.5 …".
 */
bool starttls_handshake(struct session *, int64_t due);

/*
 * The session is CLOSED. True when that came of TLS, and the host may have the
 * mail without: is remembered.
 */
bool starttls_fall_back(struct session *);

#endif
