/*
 * A folder of a Maildir as IMAP sees it: messages with UIDs, flags and modseqs.
 * The Maildir is the truth; which UID belongs to which file stands in the
 * folder's pennypost-uids, a journal, which is also how sessions hear of each
 * other's changes: see uids.h and pennypost-maildir(5).
 *
 * Whoever changes something takes the lock, reads what others have written,
 * changes the Maildir, writes lines, and reads those back. Only what is read
 * changes `messages`. A change by others (deliver, pop3d, mutt) is seen by the
 * mtime of cur or new, and written into the journal by who sees it first.
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file.h"
#include "keywords.h"
#include "set.h"

/* In message.flags; keyword number k is FLAG_KEYWORD << k. */
enum {
	FLAG_ANSWERED = 1,
	FLAG_FLAGGED = 2,
	FLAG_DELETED = 4,
	FLAG_SEEN = 8,
	FLAG_DRAFT = 16,
	FLAG_KEYWORD = 32, /* to 1 << 30 */
};

struct message {
	uint32_t uid;
	uint32_t flags;
	uint64_t modseq;
	uint64_t octets;  /* RFC822.SIZE; 0: nobody has counted */
	const char *name; /* in cur/, with its flags; the mailbox's memory */
	/* What the client has not been told yet: view.h. */
	bool changed, expunged;
	bool silent; /* this change is the client's own, and it wants no answer */
};

struct mailbox {
	char path[FILE_PATH_SIZE]; /* of the folder */
	/* As the journal's last line says, without the messages: */
	uint32_t uidvalidity, uidnext;
	uint64_t modseq;           /* HIGHESTMODSEQ */
	uint32_t first_recent;     /* UIDs from here on no session has had */
	size_t exists, unseen, deleted;
	uint64_t octets;           /* as RFC822.SIZE counts, of all but: */
	size_t unsized;            /* so many, see mailbox_octets() */
	char id[33];               /* MAILBOXID, RFC 8474 */
	/* Loaded by mailbox_load(), ascending by UID: */
	bool loaded;
	struct message *messages;  /* those that have gone: until view drops them */
	size_t count;
	struct keywords keywords;
	struct uids *uids;         /* the journal: mailbox.c, uids.c */
};

enum mailbox_result {
	MAILBOX_OK,
	MAILBOX_NONE,   /* no such folder, or no such message any more */
	MAILBOX_IN_USE, /* the lock could not be had */
	MAILBOX_FULL,   /* no room on the disk */
	MAILBOX_FAILED, /* said in the log */
};

/*
 * Opens it, and brings it up to date; makes the journal when there is none, of
 * dovecot-uidlist where there is one. mailbox_close() gives all back.
 */
enum mailbox_result mailbox_open(struct mailbox *, const char *folder);
void mailbox_close(struct mailbox *);

/* The messages; does nothing when they are there. */
enum mailbox_result mailbox_load(struct mailbox *);

/*
 * Up to date: the numbers, and, when loaded, the messages: changed ones are
 * marked, those that have gone as well, new ones stand at the end.
 */
enum mailbox_result mailbox_sync(struct mailbox *);

/* The first message with a UID of at least this; count when there is none. */
size_t mailbox_at(const struct mailbox *, uint32_t uid);

/*
 * UIDs from *first to uidnext are \Recent in this session, and in no other.
 */
enum mailbox_result mailbox_claim_recent(struct mailbox *, uint32_t *first);

/*
 * For reading, by whatever name the file has now. -1 with errno; ENOENT: gone,
 * and a fresh look at the directory says so too.
 */
int message_open(struct mailbox *, struct message *);

/* RFC822.SIZE from W= in the name; false: it has to be counted. */
bool message_octets(const struct message *, uint64_t *octets);

/*
 * Of all messages together: STATUS=SIZE. Reads those that lack W= in their
 * names, the first time.
 */
enum mailbox_result mailbox_octets(struct mailbox *, uint64_t *octets);

/* SAVEDATE (RFC 8514): the seconds at the beginning of the name; 0: none. */
int64_t message_saved(const struct message *);

/* Changes. `uids`: of messages; those that are not there are passed over. */

enum store { STORE_SET, STORE_ADD, STORE_REMOVE };

/*
 * Messages whose modseq is above `unchanged_since` are left alone, and are in
 * `modified` (RFC 7162 3.1.3). silent: no untagged FETCH for these.
 */
enum mailbox_result mailbox_store(struct mailbox *, const struct set *uids,
    enum store, uint32_t flags, uint64_t unchanged_since, bool silent,
    struct set *modified);

/* Those of them that are \Deleted: unlinked and synced. */
enum mailbox_result mailbox_expunge(struct mailbox *, const struct set *uids);

/* A message on its way into a folder. */
struct arrival {
	const char *path;  /* synced, on the same file system; will be renamed */
	uint32_t flags;
	const char *keywords[KEYWORDS_MAX + 1]; /* NULL ends them */
	int64_t date;      /* INTERNALDATE, its mtime is set; 0: as it is */
	uint64_t size, octets; /* of the file; as IMAP counts */
	uint32_t uid;      /* is set */
};

/* All or none: in cur, synced, with UIDs that are durable. */
enum mailbox_result mailbox_append(struct mailbox *, struct arrival *,
    size_t count);

/*
 * Copies (hard links) or moves (renames) messages to another folder, flags and
 * keywords with them; `from_uids` and `to_uids` are COPYUID's two lists, equally
 * long. All or none when copying; a move that fails half way has moved those that
 * it names. They may be the same folder.
 */
struct pairs {
	uint32_t *from, *to; /* owned: free() */
	size_t count;
};

enum mailbox_result mailbox_copy(struct mailbox *from, const struct set *uids,
    struct mailbox *to, bool move, struct pairs *);

/* What has gone since (RFC 7162 3.2.5.2): false: it is not known that far back. */
bool mailbox_vanished(struct mailbox *, uint64_t modseq, struct set *);

#endif
