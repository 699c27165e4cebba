/* Sends a message, by SMTP (RFC 5321, RFC 6409) or the teaching protocol. */
#ifndef SUBMIT_H
#define SUBMIT_H

#include <stddef.h>

#include "server.h"
#include "span.h"

/*
 * message: a whole one, lines with CRLF, no dots stuffed. NULL once the server
 * has said that it has it for all; else the sentence that says why not, valid
 * until the next call: then nobody has it, if that does not say otherwise. Logs
 * in with the account where the server offers AUTH and the way is private.
 */
const char *submit(const struct server *, const struct account *,
    const char *from, const char *const to[], size_t count,
    struct span message);

#endif
