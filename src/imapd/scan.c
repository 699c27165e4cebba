#include "batch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "directory.h"
#include "lock.h"
#include "log.h"
#include "name.h"
#include "order.h"
#include "str.h"

/*
 * Where an equal mtime proves nothing, cur is read again: when it has been
 * quiet for a second, and this long a message after the last time, which is then
 * a thousandth of the time.
 */
#define QUIET 1000000000 /* ns */
#define DOUBT 500000     /* ns */

/* A file without a UID. */
struct found {
	const char *name;
	bool in_new;
};

/*
 * The hashes beside the message: most files are known by the whole of their
 * names, and no other memory has to be touched to see that.
 */
struct slot {
	uint64_t whole;
	uint32_t unique, message; /* its index + 1; 0: free */
};

struct scan {
	struct mailbox *box;
	struct batch batch;
	int cur, new;
	/* Files without a UID: "n" or "c", where it is, and the name. */
	struct lines names;
	uint32_t *found; /* their places in names */
	size_t count, room;
	struct slot *table; /* of messages by unique part */
	size_t mask;
	unsigned char *seen; /* of the messages that there were: */
	size_t known;
	size_t missing;
	enum mailbox_result result;
	bool unsure; /* something could not be done now */
};

enum { UNSEEN, RENAMED, SEEN };

static bool new_due(const struct state *s, int64_t mtime)
{
	return mtime != s->new.mtime || mtime >= s->new.time;
}

static bool cur_due(const struct state *s, int64_t mtime)
{
	struct timespec t;
	int64_t now;

	if (mtime != s->cur.mtime)
		return true;
	if (mtime < s->cur.time)
		return false;
	clock_gettime(CLOCK_REALTIME, &t);
	now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	return now - mtime > QUIET &&
	    now - s->cur.time > (int64_t)s->exists * DOUBT;
}

bool mailbox_scan_due(const struct mailbox *box)
{
	const struct state *s = &box->uids->state;

	return new_due(s, mailbox_mtime(box, "new")) ||
	    cur_due(s, mailbox_mtime(box, "cur"));
}

/* --- Which message a file is --- */

/* Of the unique part, and of the whole. */
static uint32_t hashes(const char *name, uint64_t *whole)
{
	size_t n = name_unique(name);
	uint64_t unique = name_hash(name, n);

	*whole = unique ^ name_hash(name + n, strlen(name + n)) << 1;
	return (uint32_t)unique;
}

static void table_make(struct scan *s)
{
	struct mailbox *box = s->box;
	size_t size = 16;

	while (size < box->count * 2)
		size *= 2;
	s->mask = size - 1;
	s->known = box->count;
	s->table = xrealloc(NULL, size * sizeof *s->table);
	memset(s->table, 0, size * sizeof *s->table);
	s->seen = xrealloc(NULL, box->count + 1);
	memset(s->seen, UNSEEN, box->count + 1);
	for (size_t i = 0; i < box->count; i++) {
		const struct message *m = &box->messages[i];
		if (m->expunged) {
			s->seen[i] = SEEN;
			continue;
		}
		uint64_t whole;
		uint32_t unique = hashes(m->name, &whole);
		size_t at = unique & s->mask;
		while (s->table[at].message != 0)
			at = (at + 1) & s->mask;
		s->table[at] = (struct slot){whole, unique, (uint32_t)i + 1};
		s->missing++;
	}
}

/*
 * The next message whose name has this unique part, from *at on; -1: there is
 * no other. *at begins as 0.
 */
static ptrdiff_t lookup(const struct scan *s, const char *name, size_t n,
    uint32_t hash, size_t *at)
{
	for (;; ++*at) {
		struct slot slot = s->table[(hash + *at) & s->mask];
		if (slot.message == 0)
			return -1;
		if (slot.unique != hash)
			continue;
		const char *other = s->box->messages[slot.message - 1].name;
		if (strncmp(other, name, n) == 0 &&
		    (other[n] == ':' || other[n] == '\0')) {
			++*at;
			return (ptrdiff_t)slot.message - 1;
		}
	}
}

static void found_add(struct scan *s, const char *name, bool in_new)
{
	if (s->names.len > UINT32_MAX - NAME_SIZE - 1)
		return; /* the next scan is for the others */
	if (s->count == s->room) {
		s->room += s->room / 8 + 64;
		s->found = xrealloc(s->found, s->room * sizeof *s->found);
	}
	s->found[s->count++] = (uint32_t)s->names.len;
	lines_add(&s->names, in_new ? "n" : "c", 1);
	lines_add(&s->names, name, strlen(name) + 1);
}

static struct found found_at(const struct scan *s, size_t i)
{
	const char *p = s->names.p + s->found[i];

	return (struct found){p + 1, *p == 'n'};
}

static void found_clear(struct scan *s)
{
	s->count = 0;
	s->names.len = 0;
}

/* A file in cur: one that is known by this very name needs nothing. */
static void see(struct scan *s, const char *name)
{
	uint64_t whole;
	size_t at = hashes(name, &whole);

	for (; s->table[at & s->mask].message != 0; at++)
		if (s->table[at & s->mask].whole == whole) {
			size_t i = s->table[at & s->mask].message - 1;
			s->missing -= s->seen[i] == UNSEEN;
			s->seen[i] = SEEN;
			return;
		}
	found_add(s, name, false);
}

/* False: it could not be read to its end, and nothing may be concluded. */
static bool list(struct scan *s, int dir, bool is_new)
{
	struct dirent *entry;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d == NULL) {
		s->result = uids_failed(s->box->path, "opendir", errno);
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (errno = 0, (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.' || is_directory(fd, entry))
			continue;
		if (is_new)
			found_add(s, entry->d_name, true);
		else
			see(s, entry->d_name);
	}
	error = errno;
	closedir(d);
	if (error != 0)
		s->result = uids_failed(s->box->path, "readdir", error);
	return error == 0;
}

/*
 * A file of a message's unique part, which is not there by its name: it is that
 * message, renamed. Where it is there, too: a second link (somebody is renaming
 * it just now) is none of our business, and another file is another message.
 * True: it is not a new one.
 */
static bool claim(struct scan *s, const char *name)
{
	struct stat other, st;
	size_t n = name_unique(name), at = 0;
	uint32_t hash = (uint32_t)name_hash(name, n);
	ptrdiff_t i, last = -1;

	while ((i = lookup(s, name, n, hash, &at)) >= 0) {
		const struct message *m = &s->box->messages[i];
		if (s->seen[i] == UNSEEN || (s->seen[i] == SEEN &&
		    fstatat(s->cur, m->name, &st, AT_SYMLINK_NOFOLLOW) != 0 &&
		    errno == ENOENT)) {
			s->missing -= s->seen[i] == UNSEEN;
			s->seen[i] = RENAMED;
			batch_rename(&s->batch, m, name);
			return true;
		}
		last = i;
	}
	if (last < 0)
		return false;
	if (fstatat(s->cur, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return true; /* it has gone */
	return s->seen[last] == SEEN &&
	    fstatat(s->cur, s->box->messages[last].name, &other,
	    AT_SYMLINK_NOFOLLOW) == 0 && other.st_ino == st.st_ino;
}

static bool known_unique(const struct scan *s, const char *name)
{
	size_t n = name_unique(name), at = 0;
	uint32_t hash = (uint32_t)name_hash(name, n);

	return s->table != NULL && lookup(s, name, n, hash, &at) >= 0;
}

/* The name for a file in cur: one that a line can hold. */
static void name_choose(const struct scan *s, const struct found *f,
    char name[NAME_SIZE])
{
	char base[NAME_SIZE];
	struct stat st = {0};

	if (f->in_new) {
		if (!name_with_flags(name, f->name, name_flags(f->name)))
			name[0] = '\0';
	} else
		snprintf(name, NAME_SIZE, "%s", f->name);
	if (*name != '\0' && strchr(f->name, '\n') == NULL &&
	    !(known_unique(s, f->name) && !f->in_new))
		return;
	fstatat(f->in_new ? s->new : s->cur, f->name, &st,
	    AT_SYMLINK_NOFOLLOW);
	name_make(base, (uint64_t)st.st_size, 0);
	name_with_flags(name, base, name_flags(f->name));
}

/* Brings a file without a UID to its place in cur. False: not now. */
static bool place(struct scan *s, const struct found *f,
    char name[NAME_SIZE])
{
	char base[NAME_SIZE];
	struct stat st, other;
	int dir = f->in_new ? s->new : s->cur, error;

	name_choose(s, f, name);
	if (!f->in_new && strcmp(name, f->name) == 0)
		return true;
	error = rename_new(dir, f->name, s->cur, name);
	if (error == EEXIST && fstatat(dir, f->name, &st, 0) == 0 &&
	    fstatat(s->cur, name, &other, 0) == 0) {
		if (st.st_ino == other.st_ino && st.st_dev == other.st_dev) {
			/* Somebody links and unlinks, or was killed there. */
			unlinkat(dir, f->name, 0);
			s->batch.state.cur.mtime = 0;
			return false;
		}
		name_make(base, (uint64_t)st.st_size, 0);
		name_with_flags(name, base, name_flags(f->name));
		error = rename_new(dir, f->name, s->cur, name);
	}
	if (error == 0 || error == ENOENT)
		return error == 0;
	/* It waits where it is, and is tried again. */
	uids_failed(s->box->path, "rename to cur", error);
	s->unsure = true;
	return false;
}

/* By the names, which begin with the time of delivery. */
static void found_sort(struct scan *s)
{
	struct order order = {0};

	for (size_t i = 0; i < s->count; i++) {
		const char *name = found_at(s, i).name;
		order_text(&order, (struct span){name, strlen(name)}, false);
		order_add(&order, s->found[i]);
	}
	order_sort(&order);
	for (size_t i = 0; i < s->count; i++)
		s->found[i] = order.rows[i].which;
	order_free(&order);
}

static void take_renamed(struct scan *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++)
		if (!claim(s, found_at(s, i).name))
			s->found[kept++] = s->found[i];
	s->count = kept;
}

/*
 * A listing while somebody renames may miss a file: what is missing is looked
 * for once more before it counts as gone.
 */
static bool scan_cur(struct scan *s)
{
	table_make(s);
	if (!list(s, s->cur, false))
		return false;
	if (s->missing > 0) {
		found_clear(s);
		if (!list(s, s->cur, false))
			return false;
	}
	found_sort(s);
	take_renamed(s);
	return true;
}

static void take_missing(struct scan *s)
{
	for (size_t i = 0; s->missing > 0 && i < s->known; i++)
		if (s->seen[i] == UNSEEN) {
			batch_gone(&s->batch, &s->box->messages[i]);
			s->missing--;
		}
}

/* A message that somebody has put back into new. */
static bool take_back(struct scan *s, const struct found *f)
{
	size_t n = name_unique(f->name), at = 0;
	uint32_t hash = (uint32_t)name_hash(f->name, n);
	char name[NAME_SIZE];
	ptrdiff_t i;

	if (s->table == NULL)
		return false;
	while ((i = lookup(s, f->name, n, hash, &at)) >= 0)
		if (s->seen[i] == UNSEEN &&
		    name_with_flags(name, f->name, name_flags(f->name)) &&
		    rename_new(s->new, f->name, s->cur, name) == 0) {
			s->seen[i] = RENAMED;
			s->missing--;
			batch_rename(&s->batch, &s->box->messages[i], name);
			return true;
		}
	return false;
}

/*
 * The places of the directories are as they were before: whoever comes after a
 * crash here goes on.
 */
static bool write_part(struct scan *s)
{
	struct look cur = s->batch.state.cur, new = s->batch.state.new;

	s->batch.state.cur = s->box->uids->state.cur;
	s->batch.state.new = s->box->uids->state.new;
	s->result = batch_write(&s->batch);
	batch_drop(&s->batch);
	batch_begin(&s->batch, s->box);
	s->batch.state.cur = cur;
	s->batch.state.new = new;
	return s->result == MAILBOX_OK;
}

static void take_new(struct scan *s)
{
	char name[NAME_SIZE];

	found_sort(s);
	for (size_t i = 0; i < s->count; i++) {
		const struct found f = found_at(s, i);
		if (f.in_new && take_back(s, &f))
			continue;
		if (!place(s, &f, name))
			continue;
		if (batch_new(&s->batch, name) == 0)
			s->result = MAILBOX_FAILED;
		if (batch_is_long(&s->batch) && !write_part(s))
			return;
	}
}

/* An own change is no news; one that came before it still is. */
static void look_after(struct look *look, int fd, bool in_accord)
{
	if (in_accord)
		look->mtime = directory_mtime(fd);
}

static void scan_run(struct scan *s, bool look_cur, int64_t cur, int64_t new)
{
	struct state *state = &s->batch.state;
	struct look old = state->new;
	int64_t time = lock_time();
	bool cur_ok, new_ok;

	if (look_cur) {
		if (!scan_cur(s))
			return;
		state->cur = (struct look){cur, time};
	}
	if (!list(s, s->new, true))
		return;
	state->new = (struct look){new, time};
	cur_ok = directory_mtime(s->cur) == state->cur.mtime;
	new_ok = directory_mtime(s->new) == new;
	if (s->count > 0) {
		take_new(s);
		if (state->cur.mtime != 0)
			look_after(&state->cur, s->cur, cur_ok);
		look_after(&state->new, s->new, new_ok);
	}
	if (look_cur)
		take_missing(s);
	if (s->unsure)
		state->new = (struct look){0, 0};
	/* An mtime that lies in the future is no reason to write each time. */
	if (!look_cur && s->count == 0 && new == old.mtime && new >= time)
		state->new = old;
}

static void scan_open(struct scan *s, bool all)
{
	struct mailbox *box = s->box;
	int64_t cur = directory_mtime(s->cur), new = directory_mtime(s->new);
	bool look_cur = all || cur_due(&box->uids->state, cur);
	enum mailbox_result result;

	if (!look_cur && !new_due(&box->uids->state, new))
		return;
	/* Loading may repair, and so write: before the batch begins. */
	if (look_cur && (s->result = mailbox_load(box)) != MAILBOX_OK)
		return;
	batch_begin(&s->batch, box);
	scan_run(s, look_cur, cur, new);
	if (s->result == MAILBOX_OK || s->unsure) {
		result = batch_write(&s->batch);
		if (s->result == MAILBOX_OK)
			s->result = result;
	}
	batch_drop(&s->batch);
}

enum mailbox_result mailbox_scan(struct mailbox *box, bool all)
{
	struct scan s = {.box = box, .cur = directory_open(box, "cur"),
	    .new = directory_open(box, "new")};

	if (s.cur < 0 || s.new < 0)
		s.result = errno == ENOENT ? MAILBOX_NONE :
		    uids_failed(box->path, "open", errno);
	else
		scan_open(&s, all);
	found_clear(&s);
	free(s.names.p);
	free(s.found);
	free(s.table);
	free(s.seen);
	if (s.cur >= 0)
		close(s.cur);
	if (s.new >= 0)
		close(s.new);
	return s.result;
}
