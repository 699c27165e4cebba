#include "route.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "local.h"
#include "str.h"

#define SMTP_PORT 25

static void to_host(struct route *r, const char *host, unsigned port)
{
	snprintf(r->host, sizeof r->host, "%s", host);
	fold(r->host);
	r->port = port;
	r->mx = false;
	snprintf(r->next_hop, sizeof r->next_hop, "[%s]:%u", r->host, port);
}

static void to_domain(struct route *r, const char *domain)
{
	snprintf(r->host, sizeof r->host, "%s", domain);
	fold(r->host);
	r->port = SMTP_PORT;
	r->mx = true;
	snprintf(r->next_hop, sizeof r->next_hop, "%s", r->host);
}

/* [192.0.2.1], [IPv6:2001:db8::1]: RFC 5321 4.1.3. */
static bool literal(struct route *r, const char *domain)
{
	char host[256];
	size_t n = strlen(domain);

	if (*domain != '[' || n < 3 || n >= sizeof host || domain[n - 1] != ']')
		return false;
	if (strncasecmp(++domain, "IPv6:", 5) == 0)
		domain += 5;
	snprintf(host, sizeof host, "%.*s", (int)strcspn(domain, "]"), domain);
	to_host(r, host, SMTP_PORT);
	return true;
}

void route_find(struct route *r, const char *domain)
{
	const struct config *config = config_load();

	memset(r, 0, sizeof *r);
	for (const struct config_route *c = config->routes; c != NULL;
	    c = c->next) {
		if (!domain_matches(c->domain, domain))
			continue;
		to_host(r, c->host, c->port);
		r->line = c->line;
		r->smarthost = strcmp(c->domain, "*") == 0;
		return;
	}
	if (!literal(r, domain))
		to_domain(r, domain);
}

bool route_parse(struct route *r, const char *next_hop)
{
	const char *colon = strrchr(next_hop, ':');
	const struct config *config = config_load();
	char host[256];
	uint64_t port;

	memset(r, 0, sizeof *r);
	if (*next_hop == '\0' || strlen(next_hop) >= sizeof r->host)
		return false;
	if (*next_hop != '[') {
		to_domain(r, next_hop);
		return true;
	}
	if (colon == NULL || colon[-1] != ']' || colon - next_hop < 3 ||
	    !number_parse(colon + 1, 65535, &port))
		return false;
	snprintf(host, sizeof host, "%.*s", (int)(colon - next_hop - 2),
	    next_hop + 1);
	to_host(r, host, (unsigned)port);
	for (const struct config_route *c = config->routes; c != NULL;
	    c = c->next)
		if (strcmp(c->domain, "*") == 0 && c->port == port &&
		    strcasecmp(c->host, host) == 0)
			r->smarthost = true;
	return true;
}

const struct config_tls *route_tls(const struct route *r)
{
	const struct config_tls *t = config_load()->tls;

	while (t != NULL && ((t->port != TLS_ANY_PORT && t->port != r->port) ||
	    !domain_matches(t->whom, r->host)))
		t = t->next;
	return t;
}
