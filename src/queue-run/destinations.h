/*
 * Destinations: the next hops that messages wait for, each with its line of
 * parts. The mailboxes here are one, too.
 */
#ifndef DESTINATIONS_H
#define DESTINATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"
#include "route.h"
#include "str.h"

#define DOWN 300000 /* ms: a host that is down, or has enough, is left alone */

struct destination {
	struct destination *next;     /* in its place of the table */
	struct destination *hungrier; /* the next that waits for a worker */
	bool hungry;
	bool local;
	struct part *first, **last;   /* its line */
	size_t waiting;               /* in the line */
	unsigned workers;
	unsigned most;                /* of them, that it takes … */
	int64_t fewer;                /* … until then, in monotonic ms */
	unsigned failures;            /* of workers, in a row */
	int64_t down;                 /* until then, in monotonic ms */
	struct str mta, reply;        /* and why */
	char next_hop[];
};

/* Where mail for the address goes. Never NULL. */
struct destination *destination_of(const char *address);

/*
 * Nobody who waits for it need be tried now, nor for a while: all in its line
 * have the answer.
 */
void destination_down(struct destination *, const char *mta,
    const char *reply);

/* Forget which are down: somebody wants them tried. */
void destinations_up(void);

/* Frees those that are of no use any more; now in monotonic ms. */
void destinations_forget(int64_t now);

/* The line of the part's destination: at its end, at its front. */
void line_add(struct part *);
void line_put_back(struct part *);
struct part *line_take(struct destination *); /* there must be one */

/*
 * Forgets the second half of the longest line, when that is most of what is in
 * memory: it stays in the queue. False: there is no such line.
 */
bool line_forget(void);

/* All recipients of the part have this answer. */
void part_answer(struct part *, const char *mta, const char *reply);

#endif
