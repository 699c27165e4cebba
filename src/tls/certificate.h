/*
 * users/tls/NAME/fullchain.pem and privkey.pem, read for each connection; and
 * whose certificates we take from clients.
 */
#ifndef CERTIFICATE_H
#define CERTIFICATE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "confine.h"

#define NAME_SIZE 254 /* RFC 1035 2.3.4, as text, without a last dot */

/*
 * The name in lower case, without a last dot; false unless it is made of
 * letters, digits, hyphens and single dots, and begins with a letter or digit.
 */
bool certificate_name(const char *text, size_t, char name[NAME_SIZE]);

/*
 * users/tls/clients.pem, when there is one: a client is asked for a certificate
 * that one of these authorities has signed. None, or another one, is no error:
 * programs offer what they have, and the password is asked for then.
 */
void certificate_clients(SSL_CTX *);

/*
 * Gives the session the certificate of that name, and forgets any other. "": it
 * has one; else why not, in words with the file's name, static.
 * *found: there is a directory for it.
 */
const char *certificate_use(SSL *, const char *name, bool *found);

/*
 * Where the certificates are, when there are others than that of `host`; NULL
 * when there are not. What links lead to is named too.
 */
const struct confine_path *certificate_paths(const char *host);

#endif
