/*
 * The folder that is written to. Its messages gather in tmp of the user's
 * Maildir, made durable in batches; then all of them come to their places at
 * once, under the lock, with their UIDs, so that no session sees a part.
 */
#ifndef PLACE_H
#define PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "keywords.h"
#include "present.h"
#include "stream.h"
#include "text.h"

#define UNSYNCED_MAX 128 /* files: a sync of all costs a third of one each */
#define MESSAGE_MAX (1u << 30) /* octets; the largest of real mailboxes: 0.2 */

/* A message in tmp. */
struct staged {
	uint32_t place; /* of its name, without flags, in present */
	uint32_t uid, nth, keywords; /* a bit for each of place.words */
	unsigned char digest[SHA256_SIZE];
	char flags[8];
};

struct place {
	char name[FOLDER_NAME_SIZE], path[FILE_PATH_SIZE];
	struct source_folder source;
	bool subscribe; /* it has not been moved in before */
	bool keeps_uids; /* known behind place_commit() */
	struct present present;
	struct staged *staged;
	size_t count, room;
	struct str uidls; /* lines for uidls_write() */
	char words[KEYWORDS_MAX][KEYWORD_SIZE];
	bool words_lost;
	int unsynced[UNSYNCED_MAX];
	size_t unsynced_count;
	/* The message that is just being written. */
	struct file file;
	struct text text;
};

/* Once: what a killed import left in tmp goes. */
void place_sweep(void);

/* name: "INBOX", or as it is on the disk. 0, or errno. */
int place_open(struct place *, const char *name, const struct source_folder *);

void place_begin(struct place *); /* a message */
void place_text(struct place *, const char *, size_t);

/* It is in tmp, or was moved in before: *known. 0, or errno. */
int place_end(struct place *, const struct source_message *, bool *known);
void place_drop(struct place *);

/*
 * All come to their places, durable. 0, or errno; *what: where it failed. Some
 * may have come then; who does it again finds them.
 */
int place_commit(struct place *, const char **what);

/* What has not come to its place is forgotten. */
void place_close(struct place *);

#endif
