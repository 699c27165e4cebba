/* What TLS a next hop has to have: the `tls` lines of pennypost.conf(5). */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>

#include "config.h"
#include "route.h"

struct policy {
	enum tls_level level;
	bool at_once;     /* before the greeting: RFC 8314 3.3 */
	const char *name; /* whom a certificate has to name; NULL: the host */
	char source[48];  /* who says so: "pennypost.conf:7" … */
};

/* `private`: no network is between us and the host. */
void policy_find(struct policy *, const struct route *, bool private);

/* For a person: prints it to stdout, in a line. */
void policy_explain(const struct route *);

#endif
