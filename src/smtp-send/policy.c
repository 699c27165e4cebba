#include "policy.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth.h"

#define SUBMISSIONS_PORT 465 /* RFC 8314 7.3 */

/* A password goes to nobody but the host that it is for. */
static bool has_password(const struct route *r)
{
	return r->smarthost && access(AUTH_FILE, F_OK) == 0;
}

void policy_find(struct policy *p, const struct route *r, bool private)
{
	const struct config_tls *line = route_tls(r);

	memset(p, 0, sizeof *p);
	p->at_once = !r->mx && r->port == SUBMISSIONS_PORT;
	if (line != NULL) {
		p->level = line->level;
		p->name = line->name;
		snprintf(p->source, sizeof p->source, "pennypost.conf:%u",
		    line->line);
	} else if (has_password(r) && !private) {
		p->level = TLS_VERIFY;
		snprintf(p->source, sizeof p->source, AUTH_FILE);
	} else {
		p->level = TLS_MAY;
		snprintf(p->source, sizeof p->source,
		    "pennypost.conf: by default");
	}
	if (p->at_once && p->level < TLS_ENCRYPT) {
		p->level = TLS_ENCRYPT;
		snprintf(p->source, sizeof p->source, "port %u", r->port);
	}
}

void policy_explain(const struct route *r)
{
	static const char *const words[] = {
		"none", "may", "encrypt", "verify",
	};
	struct policy p;

	policy_find(&p, r, false);
	printf("%s: tls %s%s%s%s\n", p.source, words[p.level],
	    p.name != NULL ? " " : "", p.name != NULL ? p.name : "",
	    p.at_once ? ", before the greeting" : "");
}
