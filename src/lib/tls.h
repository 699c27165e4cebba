/*
 * TLS, from the side of a program that speaks through it: the helper tls(8)
 * stands between the network and us, and we never see a key. It tells what was
 * agreed on over a pipe of its own.
 */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "address.h"

#define TLS_CERTIFICATES "users/tls" /* a directory for each name */

/*
 * Lines of a table of confine.h's, for who calls tls_connect(): the helper, what
 * it is linked with, and whom it believes.
 */
#define TLS_HELPER_PATHS(helper) \
	{helper, MAY_READ | MAY_EXECUTE}, \
	{"/lib", MAY_READ | MAY_EXECUTE}, \
	{"/lib64", MAY_READ | MAY_EXECUTE}, \
	{"/usr/lib", MAY_READ | MAY_EXECUTE}, \
	{"/usr/local/lib", MAY_READ}, \
	{"/etc/ld.so.cache", MAY_READ}, \
	{"/etc/localtime", MAY_READ}, \
	{"/etc/ssl/certs", MAY_READ}, \
	{"/etc/pki", MAY_READ}, \
	{"/usr/share/ca-certificates", MAY_READ}, \
	{"/usr/local/share/ca-certificates", MAY_READ}, \
	{TLS_CERTIFICATES "/ca.pem", MAY_READ}

/* What was agreed on; "" where there is none of it. Printable ASCII. */
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
	pid_t helper;       /* see below; -1: none runs */
};

/* Is there a helper at all, for tls_connect()? */
bool tls_present(void);

/* A helper, and a certificate for our host? Then TLS is offered. */
bool tls_available(const char *host);

/*
 * The server's side. Hands the network on in and out to the helper, and waits
 * for the handshake. The descriptor that we go on with, close-on-exec, which
 * blocks; -1 with t->error: then nothing can be said to the peer any more.
 * service: the ALPN name, "pop3" or "imap"; NULL where none is registered.
 *
 * in and out remain the caller's, who has to close them, or the peer does not
 * see the end. With a descriptor, t->helper runs, until ours is closed and the
 * last is sent: it is the caller's to wait for when that is done, unless he ends
 * first. Without one it has been waited for.
 */
int tls_serve(int in, int out, const char *service, struct tls *);

/*
 * The client's side, towards `host`, by monotonic ms `due`; else the same. With
 * `verify`, there is no TLS unless its certificate is good for that name.
 */
int tls_connect(int in, int out, const char *host, bool verify, int64_t due,
    struct tls *);

#endif
