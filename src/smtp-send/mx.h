/* Which hosts to try for a next hop: RFC 5321 5.1, RFC 7505. */
#ifndef MX_H
#define MX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "pool.h"
#include "route.h"

#define MX_REPLY_SIZE 512
#define MX_TEXT_SIZE 48 /* an IPv6 address */

struct mx_address {
	const char *host; /* its name in ASCII; of a literal, the address */
	unsigned preference;
	char text[MX_TEXT_SIZE]; /* "192.0.2.1", "2001:db8::1" */
	struct sockaddr_storage address; /* with the port */
	socklen_t length;
};

struct mx {
	struct mx_address *address; /* in the order to try them; in the pool */
	size_t count;
	/* Where the names are from: "MX record", "pennypost.conf line 7" … */
	char source[40];
	/*
	 * When there is none: what to tell of all recipients, by ourselves
	 * ("-"): "550 5.1.2 …", "451 4.4.3 …". ASCII, one line.
	 */
	char reply[MX_REPLY_SIZE];
};

/*
 * Finds them within 40 s. False: there is none, and the reply says why, and by
 * its first digit whether to come again.
 */
bool mx_find(struct mx *, struct pool *, const struct route *);

/*
 * For a person: prints to stdout, a line each, what mx_find() finds for a domain
 * or a next hop ("[host]:port"):
 *
 *   10 mx1.example.net [192.0.2.1]:25 MX record
 *
 * or the reply. An exit status: EX_OK, EX_NOHOST or EX_TEMPFAIL.
 */
int mx_explain(const char *next_hop);

#endif
