/* A new mail: what the person is asked for it, what becomes of it. */
#ifndef COMPOSE_H
#define COMPOSE_H

#include <stdbool.h>

#include "letter.h"
#include "server.h"

/* Octets: RFC 5321 4.5.3.1.7 has 64 KiB, but a script may send a file. */
#define COMPOSE_TEXT_MAX (10u << 20)

/*
 * Asks for all of it, and sends it. `original`: the mail to reply to; NULL:
 * none. False: a server has refused it, or was not there. Asks for the account
 * where the person wants to log in first.
 */
bool compose(const struct server *, struct account *,
    const struct letter *original);

/* Asks for user and password. False: they were not given. */
bool account_ask(struct account *);

#endif
