/*
 * sendmail's command line, as Sendmail, Postfix and Exim have it: what means
 * something here, and what callers give all the same. sendmail(8) has the list.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

#include "envelope.h"

enum mode {
	MODE_MAIL,    /* a message on stdin */
	MODE_SMTP,    /* -bs: SMTP on stdin and stdout */
	MODE_MAILQ,   /* -bp, mailq: show the queue */
	MODE_ALIASES, /* -bi, newaliases */
	MODE_VERIFY,  /* -bv, -bt: where would it go? */
	MODE_QUEUE,   /* -q: run the queue */
	MODE_NOTHING, /* -bh, -bH: there is nothing to show */
};

struct options {
	enum mode mode;
	bool read_recipients; /* -t */
	bool ignore_dots;     /* -i */
	bool queue_only;      /* -odq */
	bool gateway;         /* -G */
	bool eightbit;        /* -B8BITMIME */
	bool verbose;         /* -v */
	bool json;            /* mailq --json */
	const char *sender;   /* -f; NULL: the user */
	const char *name;     /* -F; NULL: the user's */
	unsigned notify;      /* -N: enum notify */
	char ret;             /* -R: 'F', 'H' or 0 */
	char envid[ENVID_SIZE]; /* -V, as xtext */
	char filter;          /* -qI, -qR, -qS: that letter; or 0, */
	const char *filter_text; /* and then an interval or "" */
	char **words;         /* recipients, or ids; NULL-terminated */
};

/* NULL, or what is wrong: a text for the caller, static. */
const char *options_parse(struct options *, int argc, char **argv);

#endif
