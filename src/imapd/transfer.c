#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "batch.h"
#include "directory.h"
#include "file.h"
#include "lock.h"
#include "log.h"
#include "name.h"
#include "place.h"
#include "str.h"

/* --- APPEND --- */

/* Names of messages that are in cur, and not yet in the journal. */
struct arrivals {
	struct place place;
	struct batch batch;
	char (*names)[NAME_SIZE];
	size_t done;
};

static uint32_t arrival_flags(struct mailbox *box, const struct arrival *a)
{
	uint32_t flags = a->flags;

	for (size_t i = 0; a->keywords[i] != NULL; i++) {
		int k = keywords_find(&box->keywords, box->path,
		    a->keywords[i], true);
		if (k >= 0)
			flags |= (uint32_t)FLAG_KEYWORD << k;
	}
	return flags;
}

/* INTERNALDATE is the mtime. Who has set it before his fsync spares us one. */
static int date_set(const struct arrival *a)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_NOW},
	    {.tv_sec = (time_t)a->date}};
	struct stat st;
	int fd, error = 0;

	if (a->date == 0)
		return 0;
	fd = open(a->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno;
	if (fstat(fd, &st) != 0 || ((int64_t)st.st_mtim.tv_sec != a->date &&
	    (futimens(fd, times) != 0 || fsync(fd) != 0)))
		error = errno;
	close(fd);
	return error;
}

static int arrive(struct arrivals *all, const struct arrival *a)
{
	char base[NAME_SIZE], *name = all->names[all->done];
	int error = date_set(a);

	if (error != 0)
		return error;
	name_make(base, a->size, a->octets);
	if (!name_with_flags(name, base, arrival_flags(all->place.box, a)))
		return ENAMETOOLONG;
	error = rename_new(AT_FDCWD, a->path, all->place.fd, name);
	all->done += error == 0;
	return error;
}

static enum mailbox_result append_run(struct arrivals *all,
    struct arrival *arrival, size_t count)
{
	struct mailbox *box = all->place.box;
	int error = 0;

	for (size_t i = 0; i < count; i++) {
		error = arrive(all, &arrival[i]);
		if (error != 0)
			return uids_failed(box->path, "append", error);
	}
	place_changed(&all->place, &all->batch);
	if (fsync(all->place.fd) != 0)
		return uids_failed(box->path, "fsync", errno);
	for (size_t i = 0; i < count; i++) {
		arrival[i].uid = batch_new(&all->batch, all->names[i]);
		if (arrival[i].uid == 0)
			return MAILBOX_FAILED;
	}
	return batch_write(&all->batch);
}

enum mailbox_result mailbox_append(struct mailbox *box,
    struct arrival *arrival, size_t count)
{
	struct arrivals all = {.place.fd = -1};
	enum mailbox_result result;

	if (!lock_take())
		return MAILBOX_IN_USE;
	result = place_open(&all.place, box);
	if (result == MAILBOX_OK) {
		keywords_read(&box->keywords, box->path);
		all.names = xrealloc(NULL, count * sizeof *all.names);
		batch_begin(&all.batch, box);
		result = append_run(&all, arrival, count);
	}
	while (result != MAILBOX_OK && all.done-- > 0)
		renameat(all.place.fd, all.names[all.done], AT_FDCWD,
		    arrival[all.done].path);
	batch_drop(&all.batch);
	free(all.names);
	place_close(&all.place);
	lock_give();
	return result;
}

/* --- COPY, MOVE --- */

struct transfer {
	struct place from, to;
	bool move;
	bool again; /* what is not there now has gone */
	bool missing;
	uint32_t *uids;  /* of those that are done */
	size_t *names;   /* and where in `text` their new names are */
	struct lines text;
	size_t done, room;
	int error;
};

/* The letters of the other folder for the keywords of this one. */
static uint32_t flags_there(struct transfer *t, const struct message *m)
{
	uint32_t flags = m->flags & (FLAG_KEYWORD - 1u);

	for (int i = 0; i < KEYWORDS_MAX; i++) {
		const char *name = t->from.box->keywords.names[i];
		if ((m->flags & (uint32_t)FLAG_KEYWORD << i) == 0 ||
		    *name == '\0')
			continue;
		int k = keywords_find(&t->to.box->keywords, t->to.box->path,
		    name, true);
		if (k >= 0)
			flags |= (uint32_t)FLAG_KEYWORD << k;
		else if (t->to.box->keywords.unknown)
			t->error = EIO; /* or it would lose the keyword */
	}
	return flags;
}

/* A file system without links, or with too many of this file. */
static int copy_octets(struct transfer *t, const char *from, const char *to)
{
	static SELDOM struct file f;
	char path[2 * FILE_PATH_SIZE], block[16384];
	struct stat st;
	ssize_t n = -1;
	int fd = openat(t->from.fd, from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno;
	snprintf(path, sizeof path, "%s/tmp/%.64s", t->to.box->path, to);
	file_create(&f, path, O_WRONLY);
	while (f.error == 0 && (n = read(fd, block, sizeof block)) > 0)
		file_write(&f, block, (size_t)n);
	if (f.error == 0 && (n < 0 || fstat(fd, &st) != 0))
		f.error = errno;
	close(fd);
	if (file_flush(&f)) {
		const struct timespec times[2] = {st.st_atim, st.st_mtim};
		futimens(f.fd, times);
	}
	int error = file_sync(&f) ?
	    rename_new(AT_FDCWD, path, t->to.fd, to) : f.error;
	if (error == 0)
		*f.path = '\0';
	file_end(&f);
	return error;
}

static int transfer_file(struct transfer *t, const char *from, const char *to)
{
	if (t->move)
		return rename_new(t->from.fd, from, t->to.fd, to);
	if (linkat(t->from.fd, from, t->to.fd, to, 0) == 0)
		return 0;
	return errno == EMLINK || errno == EXDEV || errno == EPERM ?
	    copy_octets(t, from, to) : errno;
}

static void done_add(struct transfer *t, uint32_t uid, const char *name)
{
	if (t->done == t->room) {
		t->room += t->room / 2 + 64;
		t->uids = xrealloc(t->uids, t->room * sizeof *t->uids);
		t->names = xrealloc(t->names, t->room * sizeof *t->names);
	}
	t->uids[t->done] = uid;
	t->names[t->done++] = t->text.len;
	lines_printf(&t->text, "%s%c", name, '\0');
}

static void transfer_one(struct message *m, void *context)
{
	struct transfer *t = context;
	char base[NAME_SIZE], name[NAME_SIZE];
	uint64_t size = 0;
	uint32_t flags;
	struct stat st;
	int error;

	if (t->error != 0 || (t->missing && !t->again))
		return;
	flags = flags_there(t, m);
	if (t->error != 0)
		return;
	if (!name_size(m->name, 'S', &size) &&
	    fstatat(t->from.fd, m->name, &st, 0) == 0)
		size = (uint64_t)st.st_size;
	name_make(base, size, m->octets);
	error = name_with_flags(name, base, flags) ?
	    transfer_file(t, m->name, name) : ENAMETOOLONG;
	if (error == ENOENT)
		t->missing = true;
	else if (error != 0)
		t->error = error;
	else
		done_add(t, m->uid, name);
}

static void transfer_undo(struct transfer *t)
{
	while (t->done > 0) {
		const char *name = t->text.p + t->names[--t->done];
		struct message *m = mailbox_find(t->from.box,
		    t->uids[t->done]);
		if (!t->move)
			unlinkat(t->to.fd, name, 0);
		else if (m != NULL)
			rename_new(t->to.fd, name, t->from.fd, m->name);
	}
}

/* The UIDs there, durable. */
static enum mailbox_result arrived(struct transfer *t, struct pairs *pairs)
{
	enum mailbox_result result = MAILBOX_OK;
	struct batch b;

	pairs->to = xrealloc(pairs->to, t->done * sizeof *pairs->to);
	batch_begin(&b, t->to.box);
	place_changed(&t->to, &b);
	if (fsync(t->to.fd) != 0)
		result = uids_failed(t->to.box->path, "fsync", errno);
	for (size_t i = 0; result == MAILBOX_OK && i < t->done; i++) {
		pairs->to[i] = batch_new(&b, t->text.p + t->names[i]);
		if (pairs->to[i] == 0)
			result = MAILBOX_FAILED;
	}
	if (result == MAILBOX_OK)
		result = batch_write(&b);
	batch_drop(&b);
	return result;
}

static enum mailbox_result departed(struct transfer *t)
{
	enum mailbox_result result = mailbox_refresh(t->from.box);
	struct batch b;

	if (result != MAILBOX_OK)
		return result;
	batch_begin(&b, t->from.box);
	for (size_t i = 0; i < t->done; i++) {
		struct message *m = mailbox_find(t->from.box, t->uids[i]);
		if (m != NULL)
			batch_gone(&b, m);
	}
	place_changed(&t->from, &b);
	if (fsync(t->from.fd) != 0)
		result = uids_failed(t->from.box->path, "fsync", errno);
	if (batch_write(&b) != MAILBOX_OK)
		warn("%s: a scan will see what has moved",
		    safe(t->from.box->path));
	batch_drop(&b);
	return result;
}

static enum mailbox_result transfer_run(struct transfer *t,
    const struct set *uids, struct pairs *pairs)
{
	enum mailbox_result result = MAILBOX_OK;

	mailbox_each(t->from.box, uids, t, transfer_one);
	if (t->error != 0)
		result = uids_failed(t->to.box->path, "copy", t->error);
	else if (t->done > 0 && (!t->missing || t->again))
		result = arrived(t, pairs);
	if (result != MAILBOX_OK || (t->missing && !t->again))
		transfer_undo(t);
	return result;
}

/* Both are open: what can be done is done, or nothing. */
static enum mailbox_result transfer(struct transfer *t,
    const struct set *uids, struct pairs *pairs)
{
	struct mailbox *from = t->from.box, *to = t->to.box;
	enum mailbox_result result = transfer_run(t, uids, pairs);

	if (result != MAILBOX_OK || !t->missing)
		return result;
	/* Names have changed: by what they are now, once. */
	place_close(&t->from);
	place_close(&t->to);
	t->again = true;
	t->missing = false;
	t->text.len = 0;
	result = mailbox_scan(from, true);
	if (result == MAILBOX_OK)
		result = place_open(&t->to, to);
	if (result == MAILBOX_OK)
		result = place_open(&t->from, from);
	return result == MAILBOX_OK ? transfer_run(t, uids, pairs) : result;
}

enum mailbox_result mailbox_copy(struct mailbox *from, const struct set *uids,
    struct mailbox *to, bool move, struct pairs *pairs)
{
	struct transfer t = {.from.fd = -1, .to.fd = -1, .move = move};
	enum mailbox_result result = change_begin(from);

	*pairs = (struct pairs){0};
	if (result != MAILBOX_OK)
		return result;
	keywords_read(&from->keywords, from->path);
	keywords_read(&to->keywords, to->path);
	result = place_open(&t.to, to);
	if (result == MAILBOX_OK)
		result = place_open(&t.from, from);
	/* Messages would lose theirs. */
	if (result == MAILBOX_OK &&
	    (from->keywords.unknown || to->keywords.unknown))
		result = MAILBOX_FAILED;
	if (result == MAILBOX_OK)
		result = transfer(&t, uids, pairs);
	if (result == MAILBOX_OK && t.done > 0) {
		if (move)
			result = departed(&t);
		pairs->from = t.uids;
		pairs->count = t.done;
		t.uids = NULL;
	} else {
		free(pairs->to);
		*pairs = (struct pairs){0};
	}
	free(t.uids);
	free(t.names);
	free(t.text.p);
	place_close(&t.from);
	place_close(&t.to);
	lock_give();
	return result;
}
