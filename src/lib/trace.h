/*
 * What smtpd and sendmail do to a message's header: the trace line on top (RFC
 * 5321 4.4), and, for submissions, the Date that RFC 6409 8 lets us add.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "str.h"

struct trace {
	const char *helo, *peer, *host, *protocol, *id;
	const char *recipient; /* NULL when there are several */
	bool local;            /* a user of this machine: */
	unsigned uid;
};

/* Both write lines with CRLF. */
void trace_received(struct str *, const struct trace *);
void trace_date(struct str *);

/*
 * "Sun, 22 Nov 2026 05:53:34 +0000", from seconds since 1970: RFC 5322 3.3, in
 * UTC: a server's zone is nobody's business.
 */
void trace_time(struct str *, int64_t);

#endif
