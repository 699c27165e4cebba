#include "mailbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "batch.h"
#include "lock.h"
#include "messages.h"
#include "name.h"
#include "str.h"
#include "takeover.h"
#include "uidvalidity.h"

#define COUNT_AT_ONCE 500 /* messages, between two times with the lock */

/* cur, new and tmp; the folder itself must be there. */
static enum mailbox_result directories_make(const char *folder)
{
	static const char *const names[] = {"tmp", "new", "cur"};
	char path[FILE_PATH_SIZE];
	struct stat st;

	if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode))
		return MAILBOX_NONE;
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return uids_failed(path, "mkdir", errno);
	}
	return MAILBOX_OK;
}

/* A letter first, RFC 8474 5.1 likes it so; 124 bits of chance. */
static void id_fill(char id[33])
{
	unsigned char random[16];

	while (getrandom(random, sizeof random, 0) != sizeof random)
		;
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(id + 2 * i, 3, "%02x", random[i]);
	*id = 'M';
}

static enum mailbox_result journal_make(struct mailbox *box)
{
	struct uids *u = box->uids;
	struct uids_new n;

	id_fill(u->id);
	u->state = (struct state){.uidnext = 1, .first_recent = 1,
	    .modseq = 1};
	enum mailbox_result result = takeover(u, box->path);
	if (result != MAILBOX_NONE)
		return result;
	u->uidvalidity = uidvalidity_new();
	if (u->uidvalidity == 0) /* the disk, and it is in the log */
		return MAILBOX_FAILED;
	uids_new_begin(&n, u, box->path);
	return uids_new_end(&n);
}

static enum mailbox_result open_locked(struct mailbox *box)
{
	enum mailbox_result result = uids_open(box->uids, box->path);

	if (result == MAILBOX_NONE &&
	    (result = directories_make(box->path)) == MAILBOX_OK)
		result = journal_make(box);
	if (result != MAILBOX_OK)
		return result;
	messages_numbers(box);
	result = mailbox_scan(box, false);
	if (result == MAILBOX_NONE &&
	    (result = directories_make(box->path)) == MAILBOX_OK)
		result = mailbox_scan(box, false);
	/* On a full disk what has been there can be read, and deleted. */
	return result == MAILBOX_FULL ? MAILBOX_OK : result;
}

enum mailbox_result mailbox_open(struct mailbox *box, const char *folder)
{
	enum mailbox_result result;

	*box = (struct mailbox){0};
	if (snprintf(box->path, sizeof box->path, "%s", folder) >=
	    (int)sizeof box->path - NAME_SIZE)
		return MAILBOX_NONE;
	if (!lock_take())
		return MAILBOX_IN_USE;
	box->uids = xrealloc(NULL, sizeof *box->uids);
	*box->uids = (struct uids){.fd = -1, .cur = -1};
	result = open_locked(box);
	lock_give();
	if (box->loaded)
		messages_begin_anew(box); /* a scan has: of nothing that was told */
	keywords_read(&box->keywords, box->path);
	if (result != MAILBOX_OK)
		mailbox_close(box);
	return result;
}

void mailbox_close(struct mailbox *box)
{
	if (box->uids == NULL)
		return;
	messages_free(box);
	uids_close(box->uids);
	free(box->uids);
	*box = (struct mailbox){0};
}

enum mailbox_result mailbox_sync(struct mailbox *box)
{
	enum mailbox_result result;

	keywords_read(&box->keywords, box->path);
	if (!uids_changed(box->uids, box->path) && !mailbox_scan_due(box))
		return MAILBOX_OK;
	if (!lock_take())
		return MAILBOX_IN_USE;
	result = mailbox_refresh(box);
	if (result == MAILBOX_OK)
		result = mailbox_scan(box, false);
	lock_give();
	return result;
}

enum mailbox_result mailbox_claim_recent(struct mailbox *box, uint32_t *first)
{
	enum mailbox_result result;
	struct batch b;

	*first = box->uidnext;
	if (!lock_take())
		return MAILBOX_IN_USE;
	result = mailbox_refresh(box);
	if (result == MAILBOX_OK) {
		*first = box->first_recent;
		batch_begin(&b, box);
		b.state.first_recent = b.state.uidnext;
		result = batch_write(&b);
		batch_drop(&b);
	}
	lock_give();
	return result;
}

bool message_octets(const struct message *m, uint64_t *octets)
{
	*octets = m->octets;
	return m->octets > 0;
}

/* Each line's end is CRLF, whatever it is in the file. */
static uint64_t octets_count(int fd)
{
	char block[16384], last = '\0';
	uint64_t octets = 0;
	ssize_t n;

	while ((n = read(fd, block, sizeof block)) > 0) {
		octets += (uint64_t)n;
		for (ssize_t i = 0; i < n; i++) {
			octets += block[i] == '\n' && last != '\r';
			last = block[i];
		}
	}
	return n == 0 ? octets : 0;
}

/* A message that has been counted, not yet in the journal. */
struct counted {
	uint32_t uid;
	uint64_t octets;
};

static enum mailbox_result write_counted(struct mailbox *box,
    const struct counted *counted, size_t count)
{
	enum mailbox_result result;
	struct batch b;

	if (!lock_take())
		return MAILBOX_IN_USE;
	result = mailbox_refresh(box);
	if (result == MAILBOX_OK) {
		batch_begin(&b, box);
		for (size_t i = 0; i < count; i++) {
			const struct message *m = mailbox_find(box,
			    counted[i].uid);
			if (m != NULL && !m->expunged && m->octets == 0 &&
			    counted[i].octets > 0)
				batch_sized(&b, m, counted[i].octets);
		}
		result = batch_write(&b);
		batch_drop(&b);
	}
	lock_give();
	return result;
}

enum mailbox_result mailbox_octets(struct mailbox *box, uint64_t *octets)
{
	enum mailbox_result result = MAILBOX_OK;
	struct counted counted[COUNT_AT_ONCE];
	size_t count = 0;

	if (box->unsized > 0)
		result = mailbox_load(box);
	/* Others may come in between: only writing needs the lock. */
	for (size_t i = 0; result == MAILBOX_OK && box->unsized > 0 &&
	    i < box->count; i++) {
		struct message *m = &box->messages[i];
		int fd = m->octets > 0 || m->expunged ? -1 :
		    message_open(box, m);
		if (fd >= 0) {
			counted[count++] = (struct counted){m->uid,
			    octets_count(fd)};
			close(fd);
		}
		if (count == COUNT_AT_ONCE || (i + 1 == box->count && count)) {
			result = write_counted(box, counted, count);
			count = 0;
		}
	}
	*octets = box->octets;
	return result;
}

int64_t message_saved(const struct message *m)
{
	int64_t seconds = 0;
	const char *p = m->name;

	for (; *p >= '0' && *p <= '9' && seconds < INT32_MAX * 1000LL; p++)
		seconds = seconds * 10 + (*p - '0');
	return *p == '.' ? seconds : 0;
}
