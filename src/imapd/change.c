#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "batch.h"
#include "directory.h"
#include "place.h"
#include "folders.h"
#include "lock.h"
#include "log.h"
#include "name.h"
#include "str.h"

/* --- STORE --- */

struct storing {
	struct place place;
	struct batch batch;
	enum store how;
	uint32_t flags;
	uint64_t unchanged_since;
	bool silent;
	struct set *modified, missing;
	struct set owed; /* changes by others that the client has not heard of */
	enum mailbox_result result;
};

static uint32_t flags_after(const struct storing *s, const struct message *m)
{
	switch (s->how) {
	case STORE_ADD:
		return m->flags | s->flags;
	case STORE_REMOVE:
		return m->flags & ~s->flags;
	default:
		return s->flags;
	}
}

/*
 * The name is taken by a second link of the same file, as somebody leaves who
 * is killed while he renames: rename(2) would do nothing. Another file of the
 * same unique part is another message, and this one gets a new unique part.
 */
static int rename_around(int dir, const char *from, char name[NAME_SIZE])
{
	char base[NAME_SIZE], flags[NAME_SIZE];
	struct stat st, other;

	if (fstatat(dir, from, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    fstatat(dir, name, &other, AT_SYMLINK_NOFOLLOW) != 0)
		return errno;
	if (st.st_ino == other.st_ino && st.st_dev == other.st_dev)
		return unlinkat(dir, from, 0) == 0 ? 0 : errno;
	snprintf(flags, sizeof flags, "%s", name);
	name_make(base, (uint64_t)st.st_size, 0);
	if (!name_with_flags(name, base, name_flags(flags)))
		return ENAMETOOLONG;
	return rename_new(dir, from, dir, name);
}

/* The names as they were, of the lines that could not be written. */
static void store_undo(struct storing *s)
{
	char *line = s->batch.lines.p;
	char *end = line + s->batch.lines.len, *next;
	uint64_t uid, skip;
	const char *p;

	for (; line < end && (next = memchr(line, '\n',
	    (size_t)(end - line))) != NULL; line = next + 1) {
		*next = '\0';
		if (*line != 'a' || (p = uids_number(line + 2, &uid)) == NULL ||
		    (p = uids_number(p, &skip)) == NULL ||
		    (p = uids_number(p, &skip)) == NULL)
			continue;
		struct message *m = mailbox_find(s->place.box, (uint32_t)uid);
		if (m != NULL)
			rename_new(s->place.fd, p, s->place.fd, m->name);
	}
}

/* What there is so far. */
static enum mailbox_result store_write(struct storing *s)
{
	enum mailbox_result result;

	place_changed(&s->place, &s->batch);
	result = batch_write(&s->batch);
	if (result != MAILBOX_OK)
		store_undo(s);
	batch_drop(&s->batch);
	batch_begin(&s->batch, s->place.box);
	return result;
}

static void store_one(struct message *m, void *context)
{
	struct storing *s = context;
	uint32_t flags = flags_after(s, m);
	char name[NAME_SIZE];
	int error;

	if (m->modseq > s->unchanged_since) {
		set_add(s->modified, m->uid, m->uid);
		return;
	}
	if (m->changed && !m->silent)
		set_add(&s->owed, m->uid, m->uid);
	if (flags == m->flags || s->result != MAILBOX_OK)
		return;
	error = name_with_flags(name, m->name, flags) ?
	    rename_new(s->place.fd, m->name, s->place.fd, name) :
	    ENAMETOOLONG;
	if (error == EEXIST)
		error = rename_around(s->place.fd, m->name, name);
	if (error == ENOENT)
		set_add(&s->missing, m->uid, m->uid);
	else if (error != 0)
		s->result = uids_failed(s->place.box->path, "rename", error);
	else {
		batch_rename(&s->batch, m, name);
		if (batch_is_long(&s->batch))
			s->result = store_write(s);
	}
}

/* Told to the client, or not: RFC 3501 6.4.6. */
static void store_mark(struct message *m, void *context)
{
	struct storing *s = context;

	if (s->modified != NULL && set_has(s->modified, m->uid))
		return;
	/* Also where nothing had to be done; conditional ones: RFC 7162 3.1.3. */
	if (!s->silent || s->unchanged_since != UINT64_MAX)
		m->changed = true;
	m->silent = s->silent && !set_has(&s->owed, m->uid);
}

static void store_run(struct storing *s, struct mailbox *box,
    const struct set *uids)
{
	enum mailbox_result result;

	s->result = place_open(&s->place, box);
	if (s->result != MAILBOX_OK)
		return;
	batch_begin(&s->batch, box);
	mailbox_each(box, uids, s, store_one);
	result = store_write(s);
	if (s->result == MAILBOX_OK)
		s->result = result;
	batch_drop(&s->batch);
	place_close(&s->place);
}

enum mailbox_result mailbox_store(struct mailbox *box, const struct set *uids,
    enum store how, uint32_t flags, uint64_t unchanged_since, bool silent,
    struct set *modified)
{
	struct storing s = {.how = how, .flags = flags, .silent = silent,
	    .unchanged_since = unchanged_since, .modified = modified};
	struct set again;

	s.result = change_begin(box);
	if (s.result != MAILBOX_OK)
		return s.result;
	store_run(&s, box, uids);
	if (s.result == MAILBOX_OK && s.missing.count > 0) {
		again = s.missing;
		s.missing = (struct set){0};
		s.result = mailbox_scan(box, true);
		s.unchanged_since = UINT64_MAX; /* it has been asked */
		if (s.result == MAILBOX_OK)
			store_run(&s, box, &again);
		set_free(&again);
	}
	s.unchanged_since = unchanged_since;
	if (s.result == MAILBOX_OK)
		mailbox_each(box, uids, &s, store_mark);
	set_free(&s.missing);
	set_free(&s.owed);
	lock_give();
	return s.result;
}

/* --- EXPUNGE --- */

struct expunging {
	struct place place;
	struct batch batch;
	struct set missing;
	size_t count;
	enum mailbox_result result;
};

static void expunge_one(struct message *m, void *context)
{
	struct expunging *e = context;

	if ((m->flags & FLAG_DELETED) == 0 || e->result != MAILBOX_OK)
		return;
	if (unlinkat(e->place.fd, m->name, 0) == 0) {
		batch_gone(&e->batch, m);
		e->count++;
	} else if (errno == ENOENT)
		set_add(&e->missing, m->uid, m->uid);
	else
		e->result = uids_failed(e->place.box->path, "unlink", errno);
}

static void expunge_run(struct expunging *e, struct mailbox *box,
    const struct set *uids)
{
	enum mailbox_result result;

	e->result = place_open(&e->place, box);
	if (e->result != MAILBOX_OK)
		return;
	batch_begin(&e->batch, box);
	mailbox_each(box, uids, e, expunge_one);
	place_changed(&e->place, &e->batch);
	if (e->count > 0 && fsync(e->place.fd) != 0)
		e->result = uids_failed(box->path, "fsync", errno);
	result = batch_write(&e->batch);
	if (e->result == MAILBOX_OK)
		e->result = result;
	batch_drop(&e->batch);
	place_close(&e->place);
}

enum mailbox_result mailbox_expunge(struct mailbox *box,
    const struct set *uids)
{
	struct expunging e = {0};
	struct set again;

	e.result = change_begin(box);
	if (e.result != MAILBOX_OK)
		return e.result;
	expunge_run(&e, box, uids);
	if (e.result == MAILBOX_OK && e.missing.count > 0) {
		again = e.missing;
		e.missing = (struct set){0};
		e.result = mailbox_scan(box, true);
		if (e.result == MAILBOX_OK)
			expunge_run(&e, box, &again);
		set_free(&again);
	}
	set_free(&e.missing);
	lock_give();
	return e.result;
}
