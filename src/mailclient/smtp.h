/* SMTP (RFC 5321, RFC 6409), the client's side: what submit.h asks for. */
#ifndef CLIENT_SMTP_H
#define CLIENT_SMTP_H

#include "remote.h"

/* As submit(), on a connection that is open, with nothing read of it. */
const char *smtp_send(struct remote *, const struct account *,
    const char *from, const char *const to[], size_t count, struct span);

#endif
