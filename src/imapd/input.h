/*
 * What a client says, taken apart: RFC 3501 9 and RFC 9051 9. Functions read on
 * where the last one stopped, and cross from line to line where there is a
 * literal, for which they ask (RFC 3501 4.3, RFC 7888). The first fault sticks:
 * all that follow do nothing, and input_end() is false. So a command reads all
 * its arguments, and looks once.
 */
#ifndef INPUT_H
#define INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "conn.h"
#include "pool.h"
#include "span.h"

#define LITERALS_MAX (1u << 20) /* octets in one command but for messages */

struct input {
	struct conn *conn;
	char *at;          /* in the line that is being read, NUL-terminated */
	const char *fault; /* what is wrong with it; NULL: nothing yet */
	bool gone;         /* the peer; no more can be read */
	const char *end;   /* then: why, for the log */
	size_t line_max, literals_max, literals;
	bool utf8; /* what quotes hold must be that (RFC 6855 3) */
	struct pool pool;  /* strings live as long as the command */
};

/* The next command's line. False: gone. A fault may stand already. */
bool input_begin(struct input *);

/* The line is over, and there was no fault. */
bool input_end(struct input *);

/* After a fault: what the client sends in any case, to the command's end. */
void input_skip(struct input *);

void input_fault(struct input *, const char *what); /* if it is the first */

/* The character that comes next; NUL at the end of the line. */
char input_peek(const struct input *);
/* It must be this; or it may be. */
void input_expect(struct input *, char);
bool input_try(struct input *, char);
void input_space(struct input *); /* one blank */

/* The next word, without consuming it, is this (letters of either case)? Then
 * it is consumed. A word ends where an atom ends. */
bool input_word(struct input *, const char *word);

/* All are NUL-terminated and never NULL: "" after a fault. */
char *input_atom(struct input *);
char *input_flag(struct input *);      /* "\Seen", "$Junk" */
char *input_astring(struct input *);   /* no NUL in it */
struct span input_string(struct input *);
char *input_list_mailbox(struct input *);  /* with % and * */
/* One of several characters; section names and the like. */
char *input_chars(struct input *, const char *accepted);
uint64_t input_number(struct input *, uint64_t max);
char *input_set(struct input *); /* a sequence set, or "$", as it came */

/*
 * The literal of APPEND, which the caller reads himself: its size, behind the
 * answer that it may come (which is not given where it is over max). binary: it
 * came as literal8. Then n octets are to be read by input_octets(), and at their
 * end input_literal_end() goes on with the line.
 */
bool input_literal(struct input *, uint64_t max, uint64_t *size, bool *binary,
    bool *too_big);
bool input_octets(struct input *, uint64_t *left, struct span *); /* a piece */
void input_literal_end(struct input *);

#endif
