#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "str.h"

#define LOOKS 20        /* at a directory that changes all the time */
#define TICK 20000000   /* ns: two changes may have the same time: 100 Hz */
#define OPENS 100       /* of a message that is renamed all the time */

bool message_path(const struct folder *f, const struct message *m,
    char path[FOLDER_PATH_SIZE])
{
	int n = snprintf(path, FOLDER_PATH_SIZE, "%s/%s/%s", f->path,
	    m->in_new ? "new" : "cur", m->name);

	return n > 0 && n < FOLDER_PATH_SIZE;
}

const char *message_flags(const struct message *m)
{
	return strncmp(m->name + m->unique, ":2,", 3) == 0 ?
	    m->name + m->unique + 3 : "";
}

static int compare_names(const struct message *x, const struct message *y)
{
	size_t n = x->unique < y->unique ? x->unique : y->unique;
	int order = memcmp(x->name, y->name, n);

	return order != 0 ? order :
	    (x->unique > y->unique) - (x->unique < y->unique);
}

static int by_name(const void *a, const void *b)
{
	return compare_names(*(struct message *const *)a,
	    *(struct message *const *)b);
}

struct message *message_find(const struct folder *f, char *name, size_t n)
{
	struct message key = {.name = name, .unique = n}, *p = &key,
	    **known = bsearch(&p, f->by_name, f->count, sizeof *f->by_name,
	    by_name);

	return known != NULL ? *known : NULL;
}

static int by_uid(const void *a, const void *b)
{
	const struct message *x = a, *y = b;
	uint32_t p = x->uid - 1, q = y->uid - 1; /* 0 is the last */

	return p != q ? (p > q) - (p < q) : compare_names(x, y);
}

/* --- Directories --- */

/* What a look at new and cur has found. */
struct found {
	struct message *messages;
	size_t count, room;
};

static void found_add(struct found *f, const char *name, bool in_new)
{
	if (f->count == f->room) {
		f->room = f->room * 2 + 64;
		f->messages = xrealloc(f->messages,
		    f->room * sizeof *f->messages);
	}
	f->messages[f->count] = (struct message){
	    .name = xrealloc(NULL, strlen(name) + 1),
	    .unique = strcspn(name, ":"), .in_new = in_new};
	strcpy(f->messages[f->count++].name, name);
}

static bool directory_read(const char *path, bool in_new, struct found *found)
{
	char which[FOLDER_PATH_SIZE];
	struct dirent *entry;
	DIR *d;
	int error;

	snprintf(which, sizeof which, "%s/%s", path, in_new ? "new" : "cur");
	d = opendir(which);
	while (d != NULL && (errno = 0, entry = readdir(d)) != NULL)
		if (*entry->d_name != '.' && *entry->d_name != ':' &&
		    strchr(entry->d_name, '\n') == NULL)
			found_add(found, entry->d_name, in_new);
	error = errno;
	if (d != NULL)
		closedir(d);
	if (error != 0)
		warn("%s: %s", which, strerror(error));
	return error == 0;
}

static void times_get(const char *path, struct timespec times[2])
{
	char which[FOLDER_PATH_SIZE];
	struct stat st;

	for (size_t i = 0; i < 2; i++) {
		snprintf(which, sizeof which, "%s/%s", path,
		    i == 0 ? "new" : "cur");
		times[i] = stat(which, &st) == 0 ? st.st_mtim :
		    (struct timespec){0};
	}
}

static bool is_fresh(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - t->tv_sec) * 1000000000LL +
	    now.tv_nsec - t->tv_nsec < TICK;
}

/*
 * All that is in new and cur. What is renamed while a directory is read may be
 * read twice, or not at all, so it is looked at until nothing has changed; a
 * message has many names then. Later looks come later.
 */
static bool look(const char *path, struct found *found)
{
	struct timespec before[2], after[2];

	times_get(path, after);
	for (int i = 0; i < LOOKS; i++) {
		if (is_fresh(&after[0]) || is_fresh(&after[1]))
			nanosleep(&(struct timespec){0, TICK}, NULL);
		times_get(path, before);
		/* new first: what moves to cur meanwhile is seen twice. */
		if (!directory_read(path, true, found) ||
		    !directory_read(path, false, found))
			return false;
		times_get(path, after);
		if (memcmp(before, after, sizeof before) == 0)
			break;
	}
	return true;
}

/* --- Messages --- */

struct ordered {
	struct message *message;
	size_t at;
};

static int by_look(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;
	int order = compare_names(x->message, y->message);

	return order != 0 ? order : (x->at < y->at) - (x->at > y->at);
}

/* Each message once, by the name that was seen last. */
static void merge(struct folder *f, struct found *found)
{
	struct ordered *order = xrealloc(NULL,
	    (found->count + 1) * sizeof *order);

	f->messages = xrealloc(NULL, (found->count + 1) * sizeof *f->messages);
	for (size_t i = 0; i < found->count; i++)
		order[i] = (struct ordered){&found->messages[i], i};
	qsort(order, found->count, sizeof *order, by_look);
	for (size_t i = 0; i < found->count; i++) {
		struct message *m = order[i].message;
		if (f->count > 0 &&
		    compare_names(&f->messages[f->count - 1], m) == 0)
			free(m->name);
		else
			f->messages[f->count++] = *m;
	}
	free(order);
	free(found->messages);
}

static bool uids_read(struct folder *f)
{
	struct catalogue c = {.shown = f->path, .fault = warn};
	bool ok;

	if (!catalogue_read(&c, f->path, PENNYPOST_UIDS))
		catalogue_read(&c, f->path, DOVECOT_UIDLIST);
	ok = c.error == 0;
	for (size_t i = 0; i < f->count; i++) {
		struct message *m = &f->messages[i];
		const struct known *known = catalogue_find(&c, m->name,
		    m->unique);
		if (known != NULL)
			m->uid = known->uid;
	}
	f->uidvalidity = c.uidvalidity;
	f->uidnext = c.uidnext;
	memcpy(f->id, c.id, sizeof f->id);
	catalogue_free(&c);
	return ok;
}

static bool uidls_read(struct folder *f)
{
	f->uidls = (struct catalogue){.shown = f->path, .fault = warn};
	catalogue_read(&f->uidls, f->path, PENNYPOST_UIDLS);
	for (size_t i = 0; i < f->count; i++) {
		struct message *m = &f->messages[i];
		const struct known *known = catalogue_find(&f->uidls, m->name,
		    m->unique);
		if (known != NULL)
			m->uidl = known->uidl;
	}
	return f->uidls.error == 0;
}

bool folder_open(struct folder *f, const char *path)
{
	struct found found = {0};

	*f = (struct folder){.path = path};
	/* The journal last: UIDs are given to what is in cur. */
	bool ok = look(path, &found);
	merge(f, &found);
	ok = ok && uids_read(f) && uidls_read(f);
	qsort(f->messages, f->count, sizeof *f->messages, by_uid);
	f->by_name = xrealloc(NULL, (f->count + 1) * sizeof *f->by_name);
	for (size_t i = 0; i < f->count; i++)
		f->by_name[i] = &f->messages[i];
	qsort(f->by_name, f->count, sizeof *f->by_name, by_name);
	return ok;
}

/* Opened as soon as it is seen, since it may be renamed again at once. */
static int regular_open(const struct folder *f, const struct message *m)
{
	char path[FOLDER_PATH_SIZE];
	struct stat st;
	int fd;

	if (!message_path(f, m, path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		fd = -1;
		errno = EINVAL;
	}
	return fd;
}

/*
 * The names that all messages have now, and `wanted` opened. -1 with ENOENT: it
 * is not there; with EAGAIN: it may be, since others were at work.
 */
static int look_again(struct folder *f, const struct message *wanted)
{
	struct timespec before[2], after[2];
	struct found found = {0};
	int fd = -1, error = ENOENT;

	times_get(f->path, before);
	if (!directory_read(f->path, true, &found) ||
	    !directory_read(f->path, false, &found))
		error = EIO;
	for (size_t i = 0; i < found.count; i++) {
		struct message *m = &found.messages[i],
		    *known = message_find(f, m->name, m->unique);
		if (known != NULL) {
			char *name = known->name;
			known->name = m->name;
			known->in_new = m->in_new;
			m->name = name;
			if (known == wanted && fd < 0 &&
			    (fd = regular_open(f, wanted)) < 0)
				error = errno == ENOENT ? EAGAIN : errno;
		}
		free(m->name);
	}
	free(found.messages);
	times_get(f->path, after);
	if (error == ENOENT && (memcmp(before, after, sizeof before) != 0 ||
	    is_fresh(&after[0]) || is_fresh(&after[1])))
		error = EAGAIN;
	errno = error;
	return fd;
}

int message_open(struct folder *f, struct message *m)
{
	int fd = regular_open(f, m);

	for (int i = 0; fd < 0 && i < OPENS; i++) {
		if (errno == EAGAIN)
			nanosleep(&(struct timespec){0, TICK / 4}, NULL);
		else if (i > 0 || errno != ENOENT)
			break;
		fd = look_again(f, m);
	}
	if (fd < 0 && errno == EAGAIN)
		errno = ENOENT;
	return fd;
}

void folder_close(struct folder *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->messages[i].name);
	free(f->messages);
	free(f->by_name);
	catalogue_free(&f->uidls);
	*f = (struct folder){0};
}
