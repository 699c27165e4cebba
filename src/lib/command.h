/*
 * The command loop of a line protocol: a table of verbs, and what to say to a
 * line that is not in it. The loop alone answers lines that are unknown,
 * malformed or out of order, and counts them.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stddef.h>

#include "conn.h"

/* RAW_ARGS: all behind one blank, even blanks, which a password may hold. */
enum command_args { NO_ARGS, SOME_ARGS, ANY_ARGS, RAW_ARGS };

struct command {
	const char *verb;
	unsigned states; /* bits: those in which it is allowed */
	enum command_args args;
	void (*run)(char *args); /* without the verb and the blanks around */
};

struct protocol {
	size_t line_max; /* octets, CRLF counted */
	unsigned errors_max;
	/* Replies, without CRLF. */
	const char *bad_line, *long_line, *unknown, *bad_args, *out_of_order;
	const char *too_many_errors, *timeout; /* last words; NULL: none */
};

/* One dialogue with one peer. */
struct dialogue {
	struct conn *conn;
	const struct protocol *protocol;
	const struct command *commands; /* ends with a NULL verb */
	unsigned state;                 /* one bit; 0 ends the loop */
	unsigned errors;                /* handlers may add theirs */
	const char *end; /* why the loop ends, from a handler; NULL: quit */
};

/* Why the loop ended, for the log. */
const char *command_loop(struct dialogue *);

#endif
