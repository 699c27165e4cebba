/* A reply of an SMTP server (RFC 5321 4.2), and how far it is believed. */
#ifndef REPLY_H
#define REPLY_H

#include <stdint.h>

#include "conn.h"

#define REPLY_LINE_MAX 2048 /* RFC 5321 4.5.3.1.5 has 512; policy texts, more */
#define REPLY_LINES_MAX 100 /* no server has half as many extensions */
#define REPLY_SIZE 513      /* of text: what a bounce is to show of it */

struct reply {
	int code; /* 200 to 599; 0: there is none, and text says why */
	/*
	 * "550 5.1.1 No such user": one line of printable ASCII. The enhanced
	 * status code is the server's if it is one and fits the code (RFC 3463
	 * 2), else "5.0.0"; a reply of several lines is joined with blanks.
	 */
	char text[REPLY_SIZE];
};

/*
 * Reads one that has to be whole at `due` (monotonic ms): a server that drips
 * gets no more time. `line` (may be NULL) is given the text of each line.
 */
void reply_read(struct reply *, struct conn *, int64_t due,
    void (*line)(void *, char *text), void *);

/* Makes one of ours: printable ASCII in one line, cut to its room. */
void reply_print(struct reply *, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The enhanced status code in the text: "5.1.1 No such user". */
const char *reply_status(const struct reply *);

#endif
