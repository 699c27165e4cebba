/*
 * Session tickets (RFC 5077, RFC 8446 4.6.1): the session is with the client,
 * under a key that all processes read from one file, so that any of them can
 * resume it. The key is changed every TICKET_KEY_AGE; a ticket is good for
 * TICKET_LIFE, as long as the two keys before it.
 */
#ifndef TICKET_H
#define TICKET_H

#include <openssl/ssl.h>

#define TICKET_KEYS "spool/tls-tickets"
#define TICKET_KEY_AGE 43200 /* s; a key that is stolen opens one day's mail */
#define TICKET_KEYS_MAX 3    /* that of today, and two that still decrypt */
#define TICKET_LIFE 86400    /* s; (TICKET_KEYS_MAX - 1) * TICKET_KEY_AGE */

/*
 * Reads the keys, makes a new one when it is time. Without keys, or with a file
 * that cannot be written, there are no tickets; there is TLS in any case.
 */
void tickets_use(SSL_CTX *);

#endif
