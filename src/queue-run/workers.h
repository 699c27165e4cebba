/*
 * The processes that send to the destinations: smtp-send for another host,
 * `deliver -q` for the mailboxes here. They speak lib/job.h on a socket pair.
 * Nothing here waits for them.
 */
#ifndef WORKERS_H
#define WORKERS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "messages.h"

#define WORKERS_MAX 20 /* in all */

/* Hands the part to the destination's line; may answer it at once. */
void part_give(struct part *);

/* For poll(): fills in the descriptors; how many. */
size_t workers_poll(struct pollfd *);

/* After poll(): answers, ends, and what time brings; now in monotonic ms. */
void workers_serve(const struct pollfd *, size_t, int64_t now);

/* ms until workers_serve() has something to do; at most `most`. */
int workers_patience(int64_t now, int most);

/* They may finish what they have, and end. True: some have. */
bool workers_dismiss(void);

#endif
