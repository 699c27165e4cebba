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

struct config {
	const char *host;       /* our name, in greetings and trace lines */
	const char *relay_from; /* networks that may send to anywhere */
	uint64_t message_size_limit; /* bytes */
	const char *auth;       /* a checkpassword command; NULL: our own */
	bool alias_pipes;       /* may an alias or forward run a command? */
	const struct config_route *routes; /* NULL: MX for everybody */
	const char *resolver;   /* ADDRESS[:PORT]; NULL: /etc/resolv.conf */
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

#endif
