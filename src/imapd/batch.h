/*
 * A change of a mailbox: lines that are collected, written to the journal, and
 * then read into the messages. What mailbox.c, scan.c and change.c share. Under
 * the lock, behind mailbox_refresh().
 */
#ifndef BATCH_H
#define BATCH_H

#include "mailbox.h"
#include "uids.h"

struct batch {
	struct mailbox *box;
	struct lines lines;
	struct state state; /* as it will be */
	bool uids;          /* there are new ones */
};

void batch_begin(struct batch *, struct mailbox *);

/* A file in cur that has no UID: its UID; 0: there are no more. */
uint32_t batch_new(struct batch *, const char *name);

/* A message has another name, and so perhaps other flags. */
void batch_rename(struct batch *, const struct message *, const char *name);

void batch_gone(struct batch *, const struct message *);

/* Its octets have been counted. */
void batch_sized(struct batch *, const struct message *, uint64_t octets);

/* Writes what there is, and reads it back. The batch is empty then. */
enum mailbox_result batch_write(struct batch *);
void batch_drop(struct batch *);

/*
 * It is long: so that memory does not have all of it at once, write it, and
 * begin the next one.
 */
bool batch_is_long(const struct batch *);

/* What others have written. */
enum mailbox_result mailbox_refresh(struct mailbox *);

/*
 * What has changed in the directories: new messages get UIDs, changed and
 * missing ones lines. Reads cur where its mtime says so, or `all`: in any case.
 */
enum mailbox_result mailbox_scan(struct mailbox *, bool all);

/* Without the lock: could a scan find something? */
bool mailbox_scan_due(const struct mailbox *);

/* The message of this UID; NULL: there is none. */
struct message *mailbox_find(struct mailbox *, uint32_t uid);

#endif
