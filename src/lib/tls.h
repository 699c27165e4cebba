/*
 * TLS, from the side of a program that speaks through it: the helper tls(8)
 * stands between the network and us, and we never see a key. It tells what was
 * agreed on over a pipe of its own.
 */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>

#include "address.h"

#define TLS_CERTIFICATES "users/tls" /* a directory for each name */

/* What was agreed on; "" where there is none of it. */
struct tls {
	char protocol[16];  /* "TLSv1.3"; "": no TLS */
	char cipher[64];    /* "TLS_AES_256_GCM_SHA384" */
	char name[256];     /* the host that the client asked for (SNI) */
	bool resumed;
	bool verified;      /* the peer's certificate was, as it had to be */
	char peer[ADDRESS_SIZE]; /* whom a verified client's certificate names */
	/* Channel bindings, in hex: RFC 9266; RFC 5929 4 and 3. */
	char exporter[65], endpoint[129], unique[97];
	char error[256];    /* why there is no TLS, for the log and reports */
};

/* Is there a helper, and a certificate for our host? Then TLS is offered. */
bool tls_available(const char *host);

/*
 * The server's side. Hands the network on in and out to the helper, and waits
 * for the handshake. The descriptor that we go on with; -1 with t->error.
 * service: the ALPN name, "pop3" or "imap"; NULL where none is registered.
 */
int tls_serve(int in, int out, const char *service, struct tls *);

/*
 * The client's side, towards `host`, by monotonic ms `due`. With `verify`,
 * there is no TLS unless its certificate is good for that name.
 */
int tls_connect(int in, int out, const char *host, bool verify, struct tls *);

#endif
