/* pennypost.conf: what an administrator may set. See pennypost.conf(5). */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stdint.h>

/* Lines in their order, the smarthost last. */
struct config_route {
	const char *domain; /* "example.org", ".example.org", "*": smarthost */
	const char *host;
	unsigned port;
	unsigned line; /* of pennypost.conf */
	struct config_route *next;
};

#define TLS_ANY_PORT 65536 /* no port has this number */

/* How mail goes to a next hop: the words of a `tls` line, in their order. */
enum tls_level { TLS_NONE, TLS_MAY, TLS_ENCRYPT, TLS_VERIFY };

/* Lines in their order; the first that fits counts. */
struct config_tls {
	const char *whom; /* "example.org", ".example.org", a host, "*" */
	unsigned port;    /* or TLS_ANY_PORT */
	enum tls_level level;
	const char *name; /* whom a certificate has to name; NULL: the host */
	unsigned line;    /* of pennypost.conf */
	struct config_tls *next;
};

struct config {
	const char *host;       /* our name, in greetings and trace lines */
	const char *relay_from; /* networks that may send to anywhere */
	uint64_t message_size_limit; /* bytes */
	const char *auth;       /* a checkpassword command; NULL: our own */
	bool alias_pipes;       /* may an alias or forward run a command? */
	const struct config_route *routes; /* NULL: MX for everybody */
	const struct config_tls *tls; /* NULL: the default for everybody */
	const char *resolver;   /* ADDRESS[:PORT]; NULL: /etc/resolv.conf */
	const char *imap_hide;  /* capabilities, by blanks; "": none */
	const char *submit;     /* /SOCKET or HOST[:PORT]; NULL: the usual */
};

/*
 * Reads the file in the home directory, once. A mistake in it is fatal(), with
 * file and line: nobody should run for a year on a line that says nothing.
 */
const struct config *config_load(void);

/*
 * Cuts HOST[:PORT], [V6]:PORT or a bare V6 address in place: the port, or
 * `port` when there is none; 0 for anything else.
 */
unsigned host_port(char *text, char **host, unsigned port);

/* Does a line for ".example.org" (all below it), "*", or a name mean it? */
bool domain_matches(const char *pattern, const char *domain);

#endif
