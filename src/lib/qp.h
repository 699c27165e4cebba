/* Quoted-printable, RFC 2045 6.7, for texts whose lines are long or of 8 bits. */
#ifndef QP_H
#define QP_H

#include <stddef.h>

#define QP_LINE_MAX 76 /* RFC 2045 6.7 (5) */

/* A text on its way; a zeroed struct is at its beginning. */
struct qp {
	void (*out)(const char *, size_t);
	size_t column;
	char held; /* a blank or tab: is it the line's last octet? */
	size_t len;
	char buf[4096];
};

/* Octets of the text, lines ending in LF, as they will in what comes out. */
void qp_text(struct qp *, const char *, size_t);

/* The text is over: hands out what is left. */
void qp_end(struct qp *);

#endif
