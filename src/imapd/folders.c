#include "folders.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "listing.h"
#include "lock.h"
#include "log.h"
#include "mailbox.h"
#include "root.h"
#include "subscriptions.h"
#include "uses.h"

#define INBOX "INBOX"

/* Names and paths */

void folder_shown(struct str *s, const char *name, bool utf8)
{
	if (!utf8 || !name_decode(s, name, strlen(name)))
		str_puts(s, name);
}

static bool is_inbox(const char *name)
{
	return strcmp(name, INBOX) == 0;
}

void folder_path(char path[FILE_PATH_SIZE], const char *name)
{
	char file[FOLDER_NAME_SIZE + 1] = "";

	if (!is_inbox(name))
		snprintf(file, sizeof file, ".%s", name);
	root_path(path, file);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool folder_exists(const char *name)
{
	char path[FILE_PATH_SIZE];

	folder_path(path, name);
	return is_directory(path);
}

static int sync_root(void)
{
	char path[FILE_PATH_SIZE];

	root_path(path, "");
	return directory_sync(path);
}

static enum folder_result failed(const char *name, int error)
{
	warn("folder %s: %s", safe(name), strerror(error));
	return error == ENOSPC || error == EDQUOT ? FOLDER_FULL :
	    FOLDER_FAILED;
}

/* What is below a name */

struct below {
	const char *above;
	struct str names; /* each NUL-terminated */
	size_t count;     /* of all folders */
	bool there;       /* it is a folder itself */
};

static bool see_below(const char *name, void *context)
{
	struct below *b = context;

	b->count++;
	b->there |= strcmp(name, b->above) == 0;
	if (name_is_below(name, b->above))
		str_add(&b->names, name, strlen(name) + 1);
	return true;
}

bool folder_is_above(const char *name)
{
	struct below b = {.above = name};
	bool is;

	folders_each(see_below, &b);
	is = b.names.len > 0;
	str_free(&b.names);
	return is;
}

/* CREATE */

/* Others may have made a name with wildcards; for LIST it is a nuisance. */
static bool may_be_made(const char *name)
{
	return name_valid(name) && strpbrk(name, "*%") == NULL &&
	    !is_inbox(name);
}

/* It is not durable yet. */
static enum folder_result make(const char *name)
{
	char path[FILE_PATH_SIZE];
	int error;

	folder_path(path, name);
	error = root_make_folder(path);
	if (error == ENOTEMPTY || error == EEXIST)
		return FOLDER_EXISTS; /* by who knows no lock of ours */
	return error == 0 ? FOLDER_OK : failed(name, error);
}

/* The bits of the uses that are asked for. False: they cannot be given. */
static bool uses_wanted(const char *words, const struct uses *uses,
    unsigned *wanted)
{
	size_t n;
	int use;

	*wanted = 0;
	for (; *words != '\0'; words += n + strspn(words + n, " ")) {
		n = strcspn(words, " ");
		use = use_find(words, n);
		if (use < 0 || (uses->said[use] &&
		    folder_exists(uses->name[use])))
			return false;
		*wanted |= 1u << use;
	}
	return true;
}

static bool uses_give(const char *name, struct uses *uses, unsigned wanted)
{
	for (int i = 0; i < USES; i++)
		if ((wanted >> i & 1) != 0) {
			snprintf(uses->name[i], sizeof uses->name[i], "%s",
			    name);
			uses->said[i] = true;
		}
	return wanted == 0 || uses_write(uses);
}

static enum folder_result create(const char *name, const char *use)
{
	struct below b = {.above = name};
	enum folder_result result;
	struct uses uses;
	unsigned wanted;
	int error;

	uses_read(&uses);
	if (folder_exists(name))
		return FOLDER_EXISTS;
	if (!may_be_made(name))
		return FOLDER_INVALID;
	if (!uses_wanted(use == NULL ? "" : use, &uses, &wanted))
		return FOLDER_USED;
	if (!folders_each(see_below, &b))
		return FOLDER_FAILED;
	str_free(&b.names);
	if (b.count >= FOLDERS_MAX)
		return FOLDER_LIMIT;
	result = make(name);
	if (result != FOLDER_OK)
		return result;
	error = sync_root();
	if (error == 0 && uses_give(name, &uses, wanted))
		return FOLDER_OK;
	folder_delete(name);
	return error != 0 ? failed(name, error) : FOLDER_FAILED;
}

enum folder_result folder_create(const char *name, const char *use)
{
	enum folder_result result;

	if (!lock_take())
		return FOLDER_IN_USE;
	result = create(name, use);
	lock_give();
	return result;
}

/* DELETE */

/* Moves it out of sight: to work. */
static enum folder_result hide(const char *name, char work[FILE_PATH_SIZE])
{
	char path[FILE_PATH_SIZE];
	int error;

	*work = '\0';
	if (!folder_exists(name))
		return FOLDER_NONE;
	if (!root_work(work))
		return FOLDER_FAILED;
	folder_path(path, name);
	error = rename(path, work) == 0 ? 0 : errno;
	if (error == 0)
		error = sync_root();
	return error == 0 ? FOLDER_OK : failed(name, error);
}

/* What it was for is the folder's again that has the name for it. */
static void uses_take(const char *name)
{
	struct uses uses;
	bool had = false;

	uses_read(&uses);
	for (int i = 0; i < USES; i++)
		if (uses.said[i] && strcmp(uses.name[i], name) == 0) {
			uses.said[i] = false;
			had = true;
		}
	if (had)
		uses_write(&uses);
}

enum folder_result folder_delete(const char *name)
{
	char work[FILE_PATH_SIZE];
	enum folder_result result;

	if (is_inbox(name))
		return FOLDER_INVALID;
	if (!lock_take())
		return FOLDER_IN_USE;
	result = hide(name, work);
	if (result == FOLDER_OK)
		uses_take(name);
	lock_give();
	/* Without the lock, where a hundred thousand files take their time. */
	if (*work != '\0')
		root_sweep(work);
	return result;
}

/* RENAME */

static int move_folder(const char *from, const char *to)
{
	char from_path[FILE_PATH_SIZE], to_path[FILE_PATH_SIZE];

	folder_path(from_path, from);
	folder_path(to_path, to);
	return rename(from_path, to_path) == 0 ? 0 : errno;
}

/* The name that a folder at or below `from` gets. False: too long or deep. */
static bool new_name(char name[FOLDER_NAME_SIZE], const char *old,
    const char *from, const char *to)
{
	int n = snprintf(name, FOLDER_NAME_SIZE, "%s%s", to,
	    old + strlen(from));

	return n > 0 && n < FOLDER_NAME_SIZE && name_valid(name);
}

static const char *next_name(const char *name)
{
	return name + strlen(name) + 1;
}

/* Are all the names free, and possible? */
static enum folder_result check_names(const struct str *names,
    const char *from, const char *to)
{
	char name[FOLDER_NAME_SIZE];
	const char *p = names->p, *end = p + names->len;

	for (; p < end; p = next_name(p)) {
		if (!new_name(name, p, from, to))
			return FOLDER_INVALID;
		if (folder_exists(name))
			return FOLDER_EXISTS;
	}
	return FOLDER_OK;
}

/* All in their order, or, after an error, none: 0, or errno. */
static int move_folders(const struct str *names, const char *from,
    const char *to)
{
	char name[FOLDER_NAME_SIZE];
	const char *p, *q, *end = names->p + names->len;
	int error = 0;

	for (p = names->p; p < end && error == 0; p = next_name(p)) {
		new_name(name, p, from, to);
		error = move_folder(p, name);
	}
	if (error == 0)
		return sync_root();
	for (q = names->p; next_name(q) < p; q = next_name(q)) {
		new_name(name, q, from, to);
		move_folder(name, q);
	}
	return error;
}

/* The uses go along; so does one that the name alone has given. */
static bool uses_move(const struct str *names, const char *from,
    const char *to)
{
	const char *end = names->p + names->len;
	char name[FOLDER_NAME_SIZE];
	struct uses uses;
	bool had = false;

	uses_read(&uses);
	for (const char *p = names->p; p < end; p = next_name(p))
		for (int i = 0; i < USES; i++)
			if (strcmp(uses.name[i], p) == 0 &&
			    new_name(name, p, from, to)) {
				strcpy(uses.name[i], name);
				uses.said[i] = true;
				had = true;
			}
	return !had || uses_write(&uses);
}

/* What is below goes first: `to` stays free until all is done. */
static enum folder_result rename_tree(const char *from, const char *to)
{
	struct below b = {.above = from};
	enum folder_result result = FOLDER_FAILED;
	int error;

	str_clear(&b.names);
	if (folders_each(see_below, &b)) {
		if (b.there)
			str_add(&b.names, from, strlen(from) + 1);
		result = b.names.len == 0 ? FOLDER_NONE :
		    check_names(&b.names, from, to);
	}
	if (result == FOLDER_OK) {
		error = move_folders(&b.names, from, to);
		if (error != 0)
			result = failed(from, error);
		else
			uses_move(&b.names, from, to);
	}
	str_free(&b.names);
	return result;
}

static enum folder_result rename_result(enum mailbox_result result)
{
	switch (result) {
	case MAILBOX_OK:
		return FOLDER_OK;
	case MAILBOX_NONE:
		return FOLDER_NONE;
	case MAILBOX_IN_USE:
		return FOLDER_IN_USE;
	case MAILBOX_FULL:
		return FOLDER_FULL;
	case MAILBOX_FAILED:
		break;
	}
	return FOLDER_FAILED;
}

static enum mailbox_result move_mail(const char *from, const char *to)
{
	char from_path[FILE_PATH_SIZE], to_path[FILE_PATH_SIZE];
	struct mailbox source = {0}, target = {0};
	struct set all = {0};
	struct pairs pairs = {0};
	enum mailbox_result result;

	folder_path(from_path, from);
	folder_path(to_path, to);
	result = mailbox_open(&source, from_path);
	if (result != MAILBOX_OK)
		return result;
	result = mailbox_open(&target, to_path);
	if (result == MAILBOX_OK) {
		set_add(&all, 1, UINT32_MAX);
		result = mailbox_load(&source);
		if (result == MAILBOX_OK)
			result = mailbox_copy(&source, &all, &target, true,
			    &pairs);
		mailbox_close(&target);
	}
	mailbox_close(&source);
	set_free(&all);
	free(pairs.from);
	free(pairs.to);
	return result;
}

static enum folder_result rename_inbox(const char *to)
{
	enum folder_result result = create(to, NULL);

	return result != FOLDER_OK ? result :
	    rename_result(move_mail(INBOX, to));
}

enum folder_result folder_rename(const char *from, const char *to)
{
	enum folder_result result;

	if (is_inbox(to) || folder_exists(to))
		return FOLDER_EXISTS;
	if (!may_be_made(to) || (name_is_below(to, from) && !is_inbox(from)))
		return FOLDER_INVALID;
	if (!lock_take())
		return FOLDER_IN_USE;
	result = is_inbox(from) ? rename_inbox(to) : rename_tree(from, to);
	lock_give();
	return result;
}

/* SUBSCRIBE */

enum folder_result folder_subscribe(const char *name, bool yes)
{
	bool done;

	if (yes && !folder_exists(name) && !folder_is_above(name))
		return FOLDER_NONE;
	if (!lock_take())
		return FOLDER_IN_USE;
	done = yes ? subscriptions_add((const char *[]){name, NULL}) :
	    subscriptions_remove(name);
	lock_give();
	return done ? FOLDER_OK : FOLDER_FAILED;
}

/* The first login */

/*
 * The marker comes last: as long as it is not there, it is the first login. The
 * directory's fsync for the subscriptions is the folders', too; and who loses
 * the marker does it again.
 */
static void prepare(void)
{
	const char *names[USES + 1] = {0};
	bool fine = true;

	for (int i = 0; i < USES; i++) {
		names[i] = use_names[i];
		if (!folder_exists(names[i]))
			fine = make(names[i]) == FOLDER_OK && fine;
	}
	if (fine && subscriptions_add(names))
		root_touch(USES_FILE);
}

static bool is_there(const char *file)
{
	char path[FILE_PATH_SIZE];
	struct stat st;

	root_path(path, file);
	return lstat(path, &st) == 0;
}

void folders_prepare(const char *maildir)
{
	root_set(maildir);
	if (is_there(ROOT_WORK))
		root_sweep(NULL);
	if (is_there(USES_FILE) || !lock_take())
		return;
	if (!is_there(USES_FILE))
		prepare();
	lock_give();
}
