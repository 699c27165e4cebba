#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folders.h"
#include "log.h"
#include "pool.h"
#include "root.h"
#include "subscriptions.h"
#include "uses.h"

static bool is_directory(int dir, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode);
}

/*
 * What is no name (raw octets, `&` that shifts to nothing, `.inbox.x`) is left
 * out: no client could say it. Once, in the log.
 */
static bool is_folder(int dir, const struct dirent *e)
{
	static bool told;

	if (e->d_name[0] != '.' || strcmp(e->d_name, ".") == 0 ||
	    strcmp(e->d_name, "..") == 0 || !is_directory(dir, e))
		return false;
	if (name_valid(e->d_name + 1) && strcmp(e->d_name, ".INBOX") != 0)
		return true;
	if (!told)
		warn("%s is no folder's name, and not shown", safe(e->d_name));
	told = true;
	return false;
}

bool folders_each(bool (*see)(const char *name, void *), void *context)
{
	char path[FILE_PATH_SIZE];
	struct dirent *e;
	size_t count = 0;
	bool more = true;
	DIR *dir;

	root_path(path, "");
	dir = opendir(path);
	errno = dir == NULL ? errno : 0;
	while (dir != NULL && more && (e = readdir(dir)) != NULL) {
		if (is_folder(dirfd(dir), e))
			more = ++count < 2 * FOLDERS_MAX &&
			    see(e->d_name + 1, context);
		errno = 0;
	}
	if (errno != 0)
		warn("%s: %s", safe(path), strerror(errno));
	more = errno == 0;
	if (dir != NULL)
		closedir(dir);
	return more;
}

static void add(struct listing *l, const char *name, bool there,
    bool subscribed)
{
	l->folders = pool_grow(l->pool, l->folders, l->count,
	    sizeof *l->folders);
	l->folders[l->count++] = (struct folder){.name = name, .there = there,
	    .subscribed = subscribed, .parent = NO_PARENT};
}

static bool see(const char *name, void *context)
{
	struct listing *l = context;

	add(l, pool_copy(l->pool, name), true, false);
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct folder *x = a, *y = b;

	return name_compare(x->name, y->name);
}

static void add_subscribed(struct listing *l)
{
	struct str names = {0};

	subscriptions_read(&names);
	for (size_t at = 0; at < names.len; at += strlen(names.p + at) + 1)
		if (l->count < 4 * FOLDERS_MAX)
			add(l, pool_copy(l->pool, names.p + at), false, true);
	str_free(&names);
}

/* The sorted names, each once, with all that is above them. */
struct tree {
	struct listing *l;
	size_t above[FOLDER_DEPTH_MAX + 1]; /* of the last one, and itself */
	size_t depth;
};

static struct folder *push(struct tree *t, const char *name)
{
	struct folder *f;

	add(t->l, name, false, false);
	f = &t->l->folders[t->l->count - 1];
	if (t->depth > 0)
		f->parent = t->above[t->depth - 1];
	t->above[t->depth++] = t->l->count - 1;
	return f;
}

static void insert(struct tree *t, const struct folder *f)
{
	struct folder *last = NULL;
	const char *dot = f->name;
	size_t n;

	for (; t->depth > 0; t->depth--, last = NULL) {
		last = &t->l->folders[t->above[t->depth - 1]];
		if (strcmp(last->name, f->name) == 0 ||
		    name_is_below(f->name, last->name)) {
			dot = f->name + strlen(last->name);
			break;
		}
	}
	if (t->depth > 0 && *dot == '.')
		dot++;
	while (*dot != '\0') {
		n = (size_t)(dot - f->name) + strcspn(dot, ".");
		char *name = pool_take(t->l->pool, n + 1);
		memcpy(name, f->name, n);
		name[n] = '\0';
		last = push(t, name);
		dot = f->name + n + (f->name[n] == '.');
	}
	if (last != NULL) { /* a name is never empty */
		last->there |= f->there;
		last->subscribed |= f->subscribed;
	}
}

static void mark_parents(struct listing *l)
{
	for (size_t i = l->count; i-- > 0;) {
		struct folder *f = &l->folders[i];
		if ((f->there || f->has_children) && f->parent != NO_PARENT)
			l->folders[f->parent].has_children = true;
	}
}

static struct folder *find(const struct listing *l, const char *name)
{
	struct folder wanted = {.name = name};

	return l->count == 0 ? NULL : bsearch(&wanted, l->folders, l->count,
	    sizeof wanted, compare);
}

const struct folder *listing_find(const struct listing *l, const char *name)
{
	return find(l, name);
}

/* By its own name again, where another program has removed what was said. */
static void mark_uses(struct listing *l)
{
	struct folder *f;
	struct uses uses;

	uses_read(&uses);
	for (int i = 0; i < USES; i++) {
		f = find(l, uses.name[i]);
		if (f == NULL || !f->there)
			f = find(l, use_names[i]);
		if (f != NULL && f->there)
			f->uses |= 1u << i;
	}
}

bool listing_read(struct listing *l)
{
	struct folder *found;
	struct tree tree = {.l = l};
	size_t count;

	l->pool = xrealloc(NULL, sizeof *l->pool);
	*l->pool = (struct pool){0};
	add(l, "INBOX", true, false);
	if (!folders_each(see, l)) {
		listing_free(l);
		return false;
	}
	add_subscribed(l);
	qsort(l->folders, l->count, sizeof *l->folders, compare);
	found = l->folders;
	count = l->count;
	l->folders = NULL;
	l->count = 0;
	for (size_t i = 0; i < count; i++)
		insert(&tree, &found[i]);
	mark_parents(l);
	mark_uses(l);
	return true;
}

void listing_free(struct listing *l)
{
	if (l->pool != NULL)
		pool_reset(l->pool);
	free(l->pool);
	*l = (struct listing){0};
}
