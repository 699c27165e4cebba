/*
 * What smtpd does to a message's header: the trace line on top (RFC 5321 4.4),
 * the count of those below it, and, for submissions, the Date and Message-ID
 * that RFC 6409 8 lets us add.
 */
#ifndef TRACE_H
#define TRACE_H

#include "str.h"

struct trace {
	const char *helo, *peer, *host, *protocol, *id;
	const char *recipient; /* NULL when there are several */
};

/* Both write lines with CRLF. */
void trace_received(struct str *, const struct trace *);
void trace_date(struct str *);

#endif
