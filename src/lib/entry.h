/*
 * An entry of the queue: one file of spool/queue, read and worked on. Its format
 * and its states are in pennypost-queue(5); queue.h writes it.
 *
 * Who works on a recipient holds the lock on its status byte, so two workers
 * never send the same message to the same recipient.
 */
#ifndef ENTRY_H
#define ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "envelope.h"
#include "program.h"
#include "queue.h"
#include "str.h"

#define ENTRY_HEAD_MAX (2u << 20)   /* bytes of envelope: 1000 long recipients */
#define ENTRY_ANSWERS_MAX (1u << 20) /* bytes of answers: then only the last */

enum entry_result {
	ENTRY_OK,
	ENTRY_GONE,    /* there is no such file (any more) */
	ENTRY_DAMAGED, /* it is not what one of our programs wrote */
	ENTRY_LATER,   /* it could not be read now: errno */
};

struct entry {
	int fd;            /* -1: not open */
	char id[ID_SIZE];
	int64_t arrived;   /* seconds since 1970 */
	int64_t due;       /* the same: when it is to be tried next */
	uint64_t size;     /* of the message, with LF */
	size_t message_at; /* where it begins */
	const char *why;   /* ENTRY_DAMAGED: what is wrong */
	struct envelope envelope; /* its rcpt[] have no `local` */
	size_t *status_at; /* where each recipient's status byte is */
	struct str answers; /* noted and not yet written */
	struct pool pool;  /* holds the above */
};

/*
 * Opens and reads the envelope of DIR/id. The struct may be uninitialized; it
 * is to be closed whatever the result.
 */
enum entry_result entry_open(struct entry *, const char *dir, const char *id);
void entry_close(struct entry *);

/* The same to read only: it cannot be locked, marked or given another due. */
enum entry_result entry_look(struct entry *, const char *dir, const char *id);

/* Does somebody else work on one of its recipients now? */
bool entry_busy(const struct entry *);

/* Still to be delivered or relayed? */
bool entry_waits(const struct recipient *);

/*
 * Takes the recipient for the caller alone, until entry_close() or
 * entry_unlock(), and reads its status anew. False: somebody else works on it.
 */
bool entry_lock(struct entry *, size_t i);
void entry_unlock(struct entry *, size_t i);

/* The same for all recipients at once; all statuses are read anew. */
bool entry_lock_all(struct entry *);

/* Writes the status; entry_sync() makes it durable. False with errno. */
bool entry_mark(struct entry *, size_t i, enum queue_status);
bool entry_sync(struct entry *);

/* The message has arrived: to be reported, or nothing more to do. */
enum queue_status entry_success(const struct recipient *);

/* Up to n bytes of the message from *at (0 at first) on, which moves. */
ssize_t entry_read(const struct entry *, uint64_t *at, char *, size_t n);

/*
 * Answers of other hosts stand behind the message: who said what of which
 * recipient. mta: "-" when we say so. entry_answer_add() notes one;
 * entry_answers_write() appends them all: false with errno, and then none of
 * them is there.
 */
void entry_answer_add(struct entry *, size_t i, const char *mta,
    const char *reply);
bool entry_answers_write(struct entry *);

struct answer {
	int64_t when;      /* seconds since 1970 */
	const char *mta;
	const char *reply; /* "550 5.1.1 text"; NULL: there is none */
};

/* The last one for each recipient: an array in the entry's pool. */
struct answer *entry_answers(struct entry *);

/*
 * A recipient's mail may go to several places, see deliver(8). Those that have
 * it while the recipient still waits stand there, too, one line of text each:
 * the next try leaves them out. Noted and written as the answers are.
 */
void entry_had_add(struct entry *, const char *place);
const char **entry_had(struct entry *, size_t *count); /* in the pool */

/* Sets the time of the next try. */
bool entry_due(struct entry *, int64_t due);

/*
 * A name for what comes of a queue file: a second try finds the first one's.
 * "6B02835E0A3F41C2.0" and "d" give "6B02835E0A3F41C2.0-d"; a new id when that
 * gets too long.
 */
void id_derive(char id[ID_SIZE], const char *from, const char *what);

#endif
