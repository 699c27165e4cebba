/* Messages on their way to become threads (RFC 5256 3). */
#ifndef THREADS_H
#define THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index.h"
#include "order.h"
#include "pool.h"

#define NOBODY 0              /* nodes count from 1 */
#define NO_MESSAGE UINT32_MAX /* a dummy: nobody has sent us that message */

struct node {
	uint32_t parent;
	uint32_t first, last, next; /* its children; its sibling */
	uint32_t at;                /* in session.box.messages */
	uint32_t same;              /* with the same hash, the next one */
	bool is_reply, is_parent;
	int64_t sent;
	const char *id;
	const char *subject;        /* base subject, as it is in the index */
};

struct threads {
	struct node *nodes; /* [0] is the root, under which all threads are */
	uint32_t count, room;
	uint32_t *hashed; /* by message id */
	uint32_t hashed_room;
	uint64_t seed, steps;
	struct pool pool;
	struct order order;
};

void threads_begin(struct threads *);
void threads_end(struct threads *);

/* A message, in ascending order of `at`: step 1 of RFC 5256 3's REFERENCES. */
void threads_add(struct threads *, size_t at, const struct summary *);

/* The same for ORDEREDSUBJECT, where nobody is anybody's parent yet. */
void threads_add_alone(struct threads *, size_t at, const struct summary *);

/* Steps 2 to 6, and all of ORDEREDSUBJECT's. */
void threads_by_references(struct threads *);
void threads_by_subject(struct threads *);

/* gather.c */

void node_append(struct threads *, uint32_t parent, uint32_t child);
uint32_t node_make(struct threads *);

/* Children of it, by when they were sent; of a dummy, its first child counts. */
void siblings_sort(struct threads *, uint32_t parent);

/* Step 5: those of the same subject. */
void threads_gather(struct threads *);

#endif
