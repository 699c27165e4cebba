/*
 * What a person types, made a message (RFC 5322): with a trace line, and with
 * From, To, Date and Message-ID where they are missing. It goes to store.h.
 *
 * Most type no header. So it is one only when its first line is a field that
 * everybody knows: "Reminder: the exam" is a text.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "body.h"
#include "trace.h"

struct message {
	struct trace trace; /* its recipient is whom To names */
	const char *from;
	uint64_t limit;     /* octets */
};

/* All of it is kept until the end. is_text: there is no header in any case. */
void message_begin(const struct message *, bool is_text);
void message_line(const char *line, size_t n); /* without its end */

/* A line that is none. */
void message_fault(enum body_fault);

/* It is far too big, and who sends it will not end. */
bool message_endless(void);

/* NULL: it is stored, and durable. Else the answer that refuses it. */
const char *message_end(void);

#endif
