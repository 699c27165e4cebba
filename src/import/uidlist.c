#include "uidlist.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "catalogue.h"
#include "file.h"
#include "log.h"
#include "str.h"

#define LIST "dovecot-uidlist"
#define JOURNAL "pennypost-uids" /* imapd's */

/* What stands there now. 0, or errno. */
static int list_read(struct catalogue *list, const char *folder)
{
	*list = (struct catalogue){.shown = folder, .fault = warn};
	catalogue_read(list, folder, DOVECOT_UIDLIST);
	return list->error;
}

/* 0: it is there; ENOENT; or why that cannot be told. */
static int look(const char *folder, const char *file)
{
	char path[FILE_PATH_SIZE + 32];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s", folder, file);
	return lstat(path, &st) == 0 ? 0 : errno;
}

int uidlist_free(const char *folder, uint32_t uidvalidity, bool *is_free)
{
	/* Beside a journal, or one that was lost, imapd reads no list. */
	static const char *const taken[] = {JOURNAL, JOURNAL ".damaged"};
	struct catalogue list;
	int error;

	*is_free = false;
	for (int i = 0; i < 2; i++)
		if ((error = look(folder, taken[i])) != ENOENT)
			return error;
	error = look(folder, LIST);
	*is_free = error == ENOENT;
	if (error != 0)
		return *is_free ? 0 : error;
	error = list_read(&list, folder);
	*is_free = error == 0 && list.uidvalidity == uidvalidity;
	catalogue_free(&list);
	return error;
}

/* By UID; of equal ones that first which stood there before. */
static int compare(const void *a, const void *b)
{
	const struct uidlist_entry *x = a, *y = b;

	return x->uid != y->uid ? (x->uid > y->uid) - (x->uid < y->uid) :
	    y->old - x->old;
}

/* In place of the old one. 0, or errno. */
static int list_write(const char *folder, uint32_t uidvalidity,
    uint32_t uidnext, const struct uidlist_entry *e, size_t count)
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
	    "3 V%" PRIu32 " N%" PRIu32 "\n", uidvalidity, uidnext));
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && e[i].uid == e[i - 1].uid)
			continue;
		file_write(&f, line, (size_t)snprintf(line, sizeof line,
		    "%" PRIu32 " :", e[i].uid));
		file_write(&f, e[i].unique, strcspn(e[i].unique, ":"));
		file_write(&f, "\n", 1);
	}
	error = file_sync(&f) ? file_rename(&f, path) : f.error;
	file_end(&f);
	return error != 0 ? error : directory_sync(folder);
}

int uidlist_write(const char *folder, uint32_t uidvalidity, uint32_t uidnext,
    const struct uidlist_entry *new, size_t count)
{
	struct catalogue old;
	struct uidlist_entry *all;
	size_t n;
	int error = list_read(&old, folder);

	if (error != 0)
		return error;
	all = xrealloc(NULL, (old.count + count + 1) * sizeof *all);
	for (n = 0; n < old.count; n++)
		all[n] = (struct uidlist_entry){old.known[n].uid,
		    old.known[n].unique, true};
	if (count > 0)
		memcpy(all + n, new, count * sizeof *new);
	n += count;
	qsort(all, n, sizeof *all, compare);
	if (uidnext < old.uidnext)
		uidnext = old.uidnext;
	if (n > 0 && uidnext <= all[n - 1].uid)
		uidnext = all[n - 1].uid + 1;
	error = list_write(folder, uidvalidity, uidnext, all, n);
	free(all);
	catalogue_free(&old);
	return error;
}
