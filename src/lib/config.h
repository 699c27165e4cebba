/* pennypost.conf: what an administrator may set. See pennypost.conf(5). */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stdint.h>

struct config {
	const char *host;       /* our name, in greetings and trace lines */
	const char *relay_from; /* networks that may send to anywhere */
	uint64_t message_size_limit; /* bytes */
	const char *auth;       /* a checkpassword command; NULL: our own */
	bool alias_pipes;       /* may an alias or forward run a command? */
};

/*
 * Reads the file in the home directory, once. A mistake in it is fatal(), with
 * file and line: nobody should run for a year on a line that says nothing.
 */
const struct config *config_load(void);

#endif
