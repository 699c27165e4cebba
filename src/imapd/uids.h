/*
 * The journal of a folder, pennypost-uids: pennypost-maildir(5) has its format.
 * Here it is a file of batches; what their lines mean is mailbox.c's. All but
 * uids_close() under the lock.
 *
 * Its last batch ends with the state, so that the end of the file is enough to
 * know all of a mailbox but its messages. What stands behind the last state was
 * never finished, and does not count.
 */
#ifndef UIDS_H
#define UIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "file.h"
#include "mailbox.h"

#define UIDS_FILE "pennypost-uids"
#define UIDS_DAMAGED ".damaged" /* behind it: one that could not be read */

/*
 * A directory: its mtime (ns) when we knew all that was in it, and the file
 * system's own time when we last began to read it. Only where the mtime is
 * before that, an equal one says that nothing has changed.
 */
struct look {
	int64_t mtime, time;
};

struct state {
	uint32_t uidnext, first_recent;
	uint64_t modseq;
	size_t exists, unseen, deleted;
	size_t unsized;  /* messages whose octets nobody has counted */
	uint64_t octets; /* of the others */
	struct look cur, new;
};

/* Lines to be written, or read ones. Grows without a cap; owned: free(p). */
struct lines {
	char *p;
	size_t len, room;
};

void lines_add(struct lines *, const void *, size_t);
void lines_number(struct lines *, uint64_t); /* and a blank */
void lines_printf(struct lines *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

struct uids {
	int fd;
	dev_t device;
	ino_t inode;
	uint32_t uidvalidity;
	char id[33];
	uint64_t whole; /* it has all expunges whose modseq is above this */
	uint64_t end;   /* octets that count */
	struct state state;
	int cur;        /* the directory, for message_open(); -1: not open */
	/* mailbox.c's: */
	size_t room;    /* of box.messages */
	size_t lines;   /* in the file */
	struct chunk *chunks;
	struct gone *gone;
	size_t gone_count, gone_room;
};

/* MAILBOX_NONE: there is none, or it is no journal (logged, and set aside). */
enum mailbox_result uids_open(struct uids *, const char *folder);

/*
 * A whole new file in the old one's place, if there is one; durable. uids'
 * validity, id and whole are filled in before, and its state before the end;
 * lines are added to what uids_new_lines() returns, the pointer anew each time.
 */
struct uids_new {
	struct uids *uids;
	const char *folder;
	int fd, error;
	struct lines lines;
	uint64_t end;
};

void uids_new_begin(struct uids_new *, struct uids *, const char *folder);
struct lines *uids_new_lines(struct uids_new *);
enum mailbox_result uids_new_end(struct uids_new *);

/*
 * Has somebody written? end and state are those of now, and the UIDs in it
 * durable. other: it is another file, to be read from its beginning.
 */
enum mailbox_result uids_refresh(struct uids *, const char *folder,
    bool *other);

/* The same without the lock: may there be news? */
bool uids_changed(const struct uids *, const char *folder);

/*
 * Appends a batch: the lines, and the state, which is added to them. sync: it
 * has new UIDs. All or nothing.
 */
enum mailbox_result uids_append(struct uids *, struct lines *,
    const struct state *, bool sync);

/* From one offset to another: false, logged. */
bool uids_read(struct uids *, uint64_t from, uint64_t to, struct lines *);

void uids_close(struct uids *);

/* MAILBOX_FULL where that is why; else it is logged, with what and where. */
enum mailbox_result uids_failed(const char *folder, const char *what,
    int error);

/* A decimal number and the blank behind it, of a line; NULL: it is none. */
const char *uids_number(const char *p, uint64_t *out);

#endif
