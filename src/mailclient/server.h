/* Where the person's mail is, and how one gets there: the command line. */
#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>

enum server_tls {
	TLS_NONE,
	TLS_START, /* STARTTLS (RFC 3207), STLS (RFC 2595) */
	TLS_FIRST, /* before the greeting (RFC 8314 3) */
};

struct port {
	const char *text;
	unsigned number; /* 0: there is no such port */
};

struct server {
	const char *host; /* an address, or a name */
	struct port smtp, pop3; /* with `teaching` the same one */
	enum server_tls tls;
	bool any_certificate; /* else it has to be good for the host */
	bool teaching;        /* mysmtpd(8) is there, and not SMTP and POP3 */
};

/*
 * Who the person is, once he has said so. AUTH of SMTP takes the same.
 */
struct account {
	char user[256], password[512]; /* "": not said yet */
};

#endif
