#include "uidlist.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "str.h"

#define LIST "dovecot-uidlist"
#define JOURNAL "pennypost-uids" /* imapd's */

struct list {
	struct str text;
	struct uidlist_entry *entries;
	size_t count, room;
	uint32_t uidvalidity, uidnext;
};

/* 0: it is there; ENOENT; or why that cannot be told. */
static int look(const char *folder, const char *file)
{
	char path[FILE_PATH_SIZE + 32];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s", folder, file);
	return lstat(path, &st) == 0 ? 0 : errno;
}

static void entry_add(struct list *l, uint32_t uid, const char *unique)
{
	if (l->count == l->room) {
		l->room += l->room / 2 + 256;
		l->entries = xrealloc(l->entries, l->room *
		    sizeof *l->entries);
	}
	l->entries[l->count++] = (struct uidlist_entry){uid, unique};
}

/* `3 V123 N45 Gguid`. */
static void header_parse(struct list *l, char *line)
{
	char *word = text_word(&line);
	uint64_t n;

	if (word == NULL || strcmp(word, "3") != 0)
		return;
	while ((word = text_word(&line)) != NULL) {
		if (!number_parse(word + 1, UINT32_MAX, &n))
			continue;
		if (*word == 'V')
			l->uidvalidity = (uint32_t)n;
		else if (*word == 'N')
			l->uidnext = (uint32_t)n;
	}
}

/* `UID FIELD… :NAME` */
static void line_parse(struct list *l, char *line)
{
	char *word = text_word(&line), *name = strchr(line, ':');
	uint64_t n;

	if (word != NULL && name != NULL && name[1] != '\0' &&
	    number_parse(word, UINT32_MAX - 1, &n) && n > 0)
		entry_add(l, (uint32_t)n, name + 1);
}

/* What stands there now; nothing, where nothing does. 0, or errno. */
static int list_read(struct list *l, const char *folder)
{
	char path[FILE_PATH_SIZE + 32], *rest, *line;

	snprintf(path, sizeof path, "%s/" LIST, folder);
	if (!str_read_file(&l->text, path, STR_MAX / 2))
		return errno == ENOENT ? 0 : errno;
	rest = l->text.p;
	line = text_line(&rest);
	if (line != NULL)
		header_parse(l, line);
	while ((line = text_line(&rest)) != NULL)
		line_parse(l, line);
	return 0;
}

static void list_free(struct list *l)
{
	free(l->entries);
	str_free(&l->text);
}

int uidlist_free(const char *folder, uint32_t uidvalidity, bool *is_free)
{
	/* Beside a journal, or one that was lost, imapd reads no list. */
	static const char *const taken[] = {JOURNAL, JOURNAL ".damaged"};
	struct list l = {0};
	int error;

	*is_free = false;
	for (int i = 0; i < 2; i++)
		if ((error = look(folder, taken[i])) != ENOENT)
			return error;
	error = look(folder, LIST);
	*is_free = error == ENOENT;
	if (error != 0)
		return *is_free ? 0 : error;
	error = list_read(&l, folder);
	*is_free = error == 0 && l.uidvalidity == uidvalidity;
	list_free(&l);
	return error;
}

static int compare(const void *a, const void *b)
{
	const struct uidlist_entry *x = a, *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

/* Both are sorted; where both have a UID, the old one's. */
static void merge(struct list *to, const struct list *old,
    const struct uidlist_entry *new, size_t count)
{
	size_t i = 0, k = 0;

	while (i < old->count || k < count) {
		const struct uidlist_entry *e = k == count ||
		    (i < old->count && old->entries[i].uid <= new[k].uid) ?
		    &old->entries[i++] : &new[k++];
		if (to->count == 0 ||
		    e->uid != to->entries[to->count - 1].uid)
			entry_add(to, e->uid, e->unique);
	}
	if (to->count > 0 && to->uidnext <= to->entries[to->count - 1].uid)
		to->uidnext = to->entries[to->count - 1].uid + 1;
	if (to->uidnext < old->uidnext)
		to->uidnext = old->uidnext;
}

/* In place of the old one. 0, or errno. */
static int list_write(const struct list *l, const char *folder)
{
	static struct file f;
	char path[FILE_PATH_SIZE + 32], fresh[FILE_PATH_SIZE];
	char line[64];
	int error;

	snprintf(path, sizeof path, "%s/" LIST, folder);
	snprintf(fresh, sizeof fresh, "%s/tmp/" LIST ".new", folder);
	remove(fresh); /* of one who was killed: we have the lock */
	file_create(&f, fresh, O_WRONLY);
	file_write(&f, line, (size_t)snprintf(line, sizeof line,
	    "3 V%" PRIu32 " N%" PRIu32 "\n", l->uidvalidity, l->uidnext));
	for (size_t i = 0; i < l->count; i++) {
		const char *unique = l->entries[i].unique;
		file_write(&f, line, (size_t)snprintf(line, sizeof line,
		    "%" PRIu32 " :", l->entries[i].uid));
		file_write(&f, unique, strcspn(unique, ":"));
		file_write(&f, "\n", 1);
	}
	error = file_sync(&f) ? file_rename(&f, path) : f.error;
	file_end(&f);
	return error != 0 ? error : directory_sync(folder);
}

int uidlist_write(const char *folder, uint32_t uidvalidity, uint32_t uidnext,
    struct uidlist_entry *entries, size_t count)
{
	struct list old = {0}, new = {
		.uidvalidity = uidvalidity, .uidnext = uidnext,
	};
	int error = list_read(&old, folder);

	if (error == 0) {
		qsort(entries, count, sizeof *entries, compare);
		merge(&new, &old, entries, count);
		error = list_write(&new, folder);
	}
	list_free(&old);
	list_free(&new);
	return error;
}
