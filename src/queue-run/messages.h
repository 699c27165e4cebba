/*
 * The window: the messages that are being worked on. Each has a part for each
 * destination that its waiting recipients share; when all parts have their
 * answers, finish() writes down what became of it.
 */
#ifndef MESSAGES_H
#define MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"
#include "program.h"

#define WINDOW 10000 /* messages in memory that a scan loads: 3 MB */
#define LATER_MAX 10000 /* ids that wait to be loaded: more, and all is scanned */

struct destination;

/* The recipients of a message that go to one destination. */
struct part {
	struct part *next;    /* in the line of the destination */
	struct part *sibling; /* of the same message */
	struct message *message;
	struct destination *destination;
	unsigned deaths; /* of workers that had it */
	char *mta, *reply;    /* the same for all of them; NULL: none */
	size_t count;
	uint16_t index[]; /* places in the envelope */
};

/* What was said of one recipient. */
struct verdict {
	struct verdict *next; /* an earlier one */
	size_t index;
	const char *reply;
	char mta[]; /* and the reply */
};

struct message {
	struct message *next; /* in its place of the table */
	char id[ID_SIZE];
	size_t recipients;
	uint64_t size; /* of the message */
	size_t open; /* parts without an answer */
	struct part *parts;
	struct verdict *verdicts;
};

/* Loads what is noted, up to `most` ids. True: there is more. */
bool messages_take_up(unsigned most);

/* Notes the id, to be tried soon, due or not. It must be valid. */
void message_later(const char *id);

/* Loads it and hands out its parts, unless it is here already. */
void message_load(const char *id);

/* What a worker says of one recipient of the part. */
void message_verdict(struct part *, size_t index, const char *mta,
    const char *reply);

/* The part is answered. Its message may be gone after this. */
void message_answered(struct part *);

/*
 * As if it had not been loaded. False: it has other parts, which others know.
 */
bool message_forget(struct message *);

/* How many there are; is a scan to load no more? */
size_t messages_count(void);
bool messages_full(void);

/* Was more noted than LATER_MAX? Tells so once. */
bool messages_overflow(void);

/* Of a text, for a table. */
uint32_t hash(const char *);

#endif
