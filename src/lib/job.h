/*
 * How queue-run and its workers (smtp-send, deliver -q) talk: lines on the
 * worker's fd 0 and 1, so that a person can play either side.
 *
 * The runner writes the id of a queue file. The worker tries the recipients of
 * that file that are its own, marks those that have the message in the file
 * itself (entry_mark), and answers with
 *
 *   to INDEX MTA REPLY   once for each recipient that does not have it: its
 *                        place in the envelope, from 0; who says so, or "-"
 *                        when we do; "450 4.2.0 text" or "550 …"
 *   new ID               a queue file came of it: a forward
 *   down MTA REPLY       the same holds for every message that waits for this
 *                        next hop: none of them need be tried now
 *   done ID              the last line of each answer, when the worker holds
 *                        none of the file's locks any more
 *
 * Who is neither marked nor named in a `to` line, because somebody else works on
 * him, is tried again later. The next id may be there before the answer is. At
 * the end of file on fd 0 the worker finishes what it has and ends; the runner
 * may also be gone, and the answers with it.
 */
#ifndef JOB_H
#define JOB_H

#include <stddef.h>

#define JOB_LINE_MAX 2048 /* of an answer: more is nonsense */

/* Valid until the next call; NULL: there are no more. */
char *job_next(void);

/* What the arguments may hold of a peer's is made harmless here. */
void job_to(size_t index, const char *mta, const char *reply);
void job_new(const char *id);
void job_down(const char *mta, const char *reply);
void job_done(const char *id); /* sends the answer */

#endif
