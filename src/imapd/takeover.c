#include "takeover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "name.h"
#include "str.h"

#define LIST "dovecot-uidlist"

/* A line of the list. */
struct entry {
	uint32_t uid;
	uint64_t octets;
	const char *unique; /* in the list's text, up to '\0' or ':' */
	char *name;         /* as it is in cur or new; owned; NULL: not there */
};

struct list {
	struct lines text;
	struct entry *entries;
	size_t count, room;
	uint32_t *table; /* by the unique part: index + 1 */
	size_t mask;
	unsigned version;
};

/*
 * There has been a journal, which gave UIDs that the list knows nothing of: it
 * would give them a second time.
 */
static bool is_outdated(const char *folder)
{
	char path[FILE_PATH_SIZE + 32];
	struct stat st;

	snprintf(path, sizeof path, "%s/" UIDS_FILE UIDS_DAMAGED, folder);
	return lstat(path, &st) == 0;
}

/* MAILBOX_NONE: there is none. */
static enum mailbox_result list_read(struct list *list, const char *folder)
{
	char path[FILE_PATH_SIZE + 32];
	struct uids file = {.fd = -1, .cur = -1};
	struct stat st;
	bool ok;

	snprintf(path, sizeof path, "%s/" LIST, folder);
	file.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (file.fd < 0)
		return errno == ENOENT ? MAILBOX_NONE :
		    uids_failed(folder, LIST, errno);
	ok = fstat(file.fd, &st) == 0 &&
	    uids_read(&file, 0, (uint64_t)st.st_size, &list->text);
	close(file.fd);
	return ok ? MAILBOX_OK : MAILBOX_FAILED;
}

/* `3 V123 N45 Gguid`, or `1 123 45`. */
static bool header_parse(struct list *list, struct uids *u, char *line)
{
	uint64_t validity = 0, next = 0;
	char *word = text_word(&line);
	bool old = word != NULL && strcmp(word, "1") == 0;

	list->version = old ? 1 : 3;
	if (word == NULL || (!old && strcmp(word, "3") != 0))
		return false;
	for (int i = 0; (word = text_word(&line)) != NULL; i++) {
		if (old ? i == 0 : *word == 'V')
			number_parse(word + !old, UINT32_MAX, &validity);
		else if (old ? i == 1 : *word == 'N')
			number_parse(word + !old, UINT32_MAX, &next);
		else if (*word == 'G' && strlen(word) == sizeof u->id &&
		    strspn(word + 1, "0123456789abcdef") == sizeof u->id - 1)
			memcpy(u->id, word + 1, sizeof u->id);
	}
	u->uidvalidity = (uint32_t)validity;
	u->state.uidnext = next > 0 ? (uint32_t)next : 1;
	return validity > 0;
}

/* `UID FIELD… :NAME`, or, in version 1, `UID NAME`. */
static void line_parse(struct list *list, struct uids *u, char *line)
{
	char *word = text_word(&line), *name;
	struct entry e = {0};
	uint64_t n;

	if (word == NULL || !number_parse(word, UINT32_MAX - 1, &n) || n == 0 ||
	    (list->count > 0 && n <= list->entries[list->count - 1].uid))
		return;
	e.uid = (uint32_t)n;
	name = line;
	if (list->version == 3) {
		while (*line != ':' && (word = text_word(&line)) != NULL)
			if (*word == 'W')
				number_parse(word + 1, INT64_MAX, &e.octets);
		if (*line != ':')
			return;
		name = line + 1;
	}
	if (name_unique(name) == 0)
		return;
	e.unique = name;
	if (list->count == list->room) {
		list->room += list->room / 2 + 256;
		list->entries = xrealloc(list->entries,
		    list->room * sizeof *list->entries);
	}
	list->entries[list->count++] = e;
	if (u->state.uidnext <= e.uid)
		u->state.uidnext = e.uid + 1;
}

static void table_make(struct list *list)
{
	size_t size = 16;

	while (size < list->count * 2)
		size *= 2;
	list->mask = size - 1;
	list->table = xrealloc(NULL, size * sizeof *list->table);
	memset(list->table, 0, size * sizeof *list->table);
	for (size_t i = 0; i < list->count; i++) {
		const char *p = list->entries[i].unique;
		size_t at = name_hash(p, name_unique(p)) & list->mask;
		while (list->table[at] != 0)
			at = (at + 1) & list->mask;
		list->table[at] = (uint32_t)i + 1;
	}
}

/* The first of its unique part that has no file yet. */
static void found(struct list *list, const char *name)
{
	size_t n = name_unique(name), at = name_hash(name, n);
	uint32_t i;

	if (list->count == 0)
		return;
	for (; (i = list->table[at & list->mask]) != 0; at++) {
		struct entry *e = &list->entries[i - 1];
		if (e->name == NULL && name_unique(e->unique) == n &&
		    memcmp(e->unique, name, n) == 0) {
			e->name = xrealloc(NULL, strlen(name) + 1);
			strcpy(e->name, name);
			return;
		}
	}
}

static enum mailbox_result directory_read(struct list *list,
    const char *folder, const char *which)
{
	char path[FILE_PATH_SIZE + 8];
	struct dirent *entry;
	DIR *d;
	int error;

	snprintf(path, sizeof path, "%s/%s", folder, which);
	d = opendir(path);
	if (d == NULL)
		return uids_failed(path, "opendir", errno);
	while (errno = 0, (entry = readdir(d)) != NULL)
		if (*entry->d_name != '.' &&
		    strchr(entry->d_name, '\n') == NULL)
			found(list, entry->d_name);
	error = errno;
	closedir(d);
	return error == 0 ? MAILBOX_OK : uids_failed(path, "readdir", error);
}

static enum mailbox_result journal_write(struct list *list, struct uids *u,
    const char *folder)
{
	struct state *s = &u->state;
	struct uids_new n;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	s->modseq = u->whole = (uint64_t)now.tv_sec * 1000 +
	    (uint64_t)now.tv_nsec / 1000000;
	s->first_recent = s->uidnext;
	uids_new_begin(&n, u, folder);
	for (size_t i = 0; i < list->count; i++) {
		struct entry *e = &list->entries[i];
		if (e->name == NULL)
			continue;
		uint32_t flags = name_flags(e->name);
		name_size(e->name, 'W', &e->octets);
		lines_printf(uids_new_lines(&n), "a %" PRIu32 " %" PRIu64
		    " %" PRIu64 " %s\n", e->uid, s->modseq, e->octets, e->name);
		s->exists++;
		s->unseen += (flags & FLAG_SEEN) == 0;
		s->deleted += (flags & FLAG_DELETED) != 0;
		s->unsized += e->octets == 0;
		s->octets += e->octets;
	}
	return uids_new_end(&n);
}

static enum mailbox_result run(struct list *list, struct uids *u,
    const char *folder)
{
	enum mailbox_result result = list_read(list, folder);
	char *text = list->text.p, *line;

	if (result != MAILBOX_OK)
		return result;
	line = text_line(&text);
	if (line == NULL || !header_parse(list, u, line)) {
		warn("%s: %s: not understood: new UIDs", safe(folder), LIST);
		u->state.uidnext = 1;
		return MAILBOX_NONE;
	}
	while ((line = text_line(&text)) != NULL)
		line_parse(list, u, line);
	table_make(list);
	result = directory_read(list, folder, "cur");
	if (result == MAILBOX_OK)
		result = directory_read(list, folder, "new");
	if (result == MAILBOX_OK)
		result = journal_write(list, u, folder);
	if (result == MAILBOX_OK)
		info("taken over from=%s/%s uidvalidity=%" PRIu32
		    " messages=%zu", safe(folder), LIST, u->uidvalidity,
		    u->state.exists);
	return result;
}

enum mailbox_result takeover(struct uids *u, const char *folder)
{
	struct list list = {0};
	enum mailbox_result result;

	if (is_outdated(folder))
		return MAILBOX_NONE;
	result = run(&list, u, folder);

	for (size_t i = 0; i < list.count; i++)
		free(list.entries[i].name);
	free(list.entries);
	free(list.table);
	free(list.text.p);
	return result;
}
