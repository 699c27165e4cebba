/* What a handshake has agreed on. */
#ifndef AGREED_H
#define AGREED_H

#include <openssl/ssl.h>

#include "address.h"
#include "str.h"

/* "protocol=TLSv1.3 cipher=NAME resumed=1": also for the log. */
void agreed_words(SSL *, struct str *);

/*
 * ` exporter=HEX` (RFC 9266), ` endpoint=HEX` (RFC 5929 4) and ` unique=HEX`
 * (RFC 5929 3), those that there are.
 */
void agreed_bindings(SSL *, struct str *);

/*
 * The address in the client's certificate, when that was verified: the first
 * rfc822Name of its subjectAltName, else the emailAddress of its subject.
 * "": none.
 */
void agreed_client(SSL *, char address[ADDRESS_SIZE]);

#endif
