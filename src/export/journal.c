#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "str.h"
#include "uidl.h"

#define OURS "pennypost-uids"
#define UIDLS "pennypost-uidl"
#define DOVECOTS "dovecot-uidlist"

/* A line's message, its name in the file's text. */
struct entry {
	uint32_t uid;
	size_t at;        /* later lines of a UID count */
	const char *name; /* NULL: it has been expunged */
	size_t unique;
};

struct entries {
	struct entry *p;
	size_t count, room;
};

static void entry_add(struct entries *e, uint64_t uid, const char *name)
{
	if (uid == 0 || uid >= UINT32_MAX)
		return;
	if (e->count == e->room) {
		e->room = e->room * 2 + 256;
		e->p = xrealloc(e->p, e->room * sizeof *e->p);
	}
	e->p[e->count] = (struct entry){(uint32_t)uid, e->count, name,
	    name != NULL ? strcspn(name, ":") : 0};
	e->count++;
}

/* The next word as a number; false: it is none. */
static bool number(char **line, uint64_t max, uint64_t *n)
{
	char *word = text_word(line);

	return word != NULL && number_parse(word, max, n);
}

/* `pennypost-uids 1 UIDVALIDITY WHOLE MAILBOXID`; batches with their states. */
static bool ours_parse(struct folder *f, struct entries *e, char *text)
{
	char *line = text_line(&text), *word;
	size_t counted = 0;
	uint64_t n;

	if (line == NULL || (word = text_word(&line)) == NULL ||
	    strcmp(word, OURS) != 0 || !number(&line, 1, &n) ||
	    !number(&line, UINT32_MAX, &n) || n == 0)
		return false;
	f->uidvalidity = (uint32_t)n;
	f->uidnext = 1;
	text_word(&line);
	if ((word = text_word(&line)) != NULL)
		snprintf(f->id, sizeof f->id, "%s", word);
	while ((line = text_line(&text)) != NULL) {
		uint64_t uid;
		if (strchr("axsS", *line) == NULL || *line == '\0' ||
		    line[1] != ' ')
			continue;
		word = text_word(&line);
		if (!number(&line, UINT32_MAX, &uid))
			continue;
		if (*word == 's' || *word == 'S') {
			f->uidnext = (uint32_t)uid;
			counted = e->count;
		} else if (*word == 'x') {
			entry_add(e, uid, NULL);
		} else if (text_word(&line) != NULL &&
		    text_word(&line) != NULL) {
			entry_add(e, uid, line);
		}
	}
	e->count = counted; /* a batch without a state was never finished */
	return true;
}

/* `3 V1 N2 GID`, `UID FIELD… :NAME`; or in version 1 `1 1 2`, `UID NAME`. */
static bool dovecots_parse(struct folder *f, struct entries *e, char *text)
{
	char *line = text_line(&text), *word;
	uint64_t version, n, numbers[2] = {0, 1};

	if (line == NULL || !number(&line, 3, &version) || version == 2)
		return false;
	for (int i = 0; (word = text_word(&line)) != NULL; i++) {
		int which = version == 1 ? i : *word == 'V' ? 0 :
		    *word == 'N' ? 1 : 2;
		if (which < 2)
			number_parse(word + (version == 3), UINT32_MAX,
			    &numbers[which]);
		else if (*word == 'G')
			snprintf(f->id, sizeof f->id, "%s", word + 1);
	}
	f->uidvalidity = (uint32_t)numbers[0];
	f->uidnext = (uint32_t)numbers[1];
	while ((line = text_line(&text)) != NULL) {
		if (!number(&line, UINT32_MAX, &n))
			continue;
		while (version == 3 && *line != ':' &&
		    text_word(&line) != NULL)
			;
		if (version == 1 || *line == ':')
			entry_add(e, n, line + (version == 3));
		if (n >= f->uidnext)
			f->uidnext = (uint32_t)n + 1;
	}
	return f->uidvalidity != 0;
}

static int by_uid(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->uid != y->uid)
		return (x->uid > y->uid) - (x->uid < y->uid);
	return (x->at > y->at) - (x->at < y->at);
}

static int by_unique(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	size_t n = x->unique < y->unique ? x->unique : y->unique;
	int order = memcmp(x->name, y->name, n);

	return order != 0 ? order :
	    (x->unique > y->unique) - (x->unique < y->unique);
}

static void apply(struct folder *f, struct entries *e)
{
	size_t live = 0;

	if (e->count == 0)
		return;
	qsort(e->p, e->count, sizeof *e->p, by_uid);
	for (size_t i = 0; i < e->count; i++)
		if ((i + 1 == e->count || e->p[i + 1].uid != e->p[i].uid) &&
		    e->p[i].name != NULL)
			e->p[live++] = e->p[i];
	qsort(e->p, live, sizeof *e->p, by_unique);
	for (size_t i = 0; i < f->count; i++) {
		struct message *m = &f->messages[i];
		struct entry key = {.name = m->name, .unique = m->unique},
		    *hit = live == 0 ? NULL : bsearch(&key, e->p, live,
		    sizeof *e->p, by_unique);
		if (hit != NULL)
			m->uid = hit->uid;
	}
}

/* NULL with errno. */
static char *file_read(const char *folder, const char *file)
{
	char path[FOLDER_PATH_SIZE], *text = NULL;
	struct stat st;
	size_t size, len = 0;
	ssize_t n = 1;
	int fd, error = 0;

	snprintf(path, sizeof path, "%s/%s", folder, file);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		error = EINVAL;
	size = error == 0 ? (size_t)st.st_size : 0;
	text = xrealloc(NULL, size + 1);
	while (error == 0 && len < size && n > 0)
		if ((n = read(fd, text + len, size - len)) > 0)
			len += (size_t)n;
		else if (n < 0)
			error = errno;
	close(fd);
	text[len] = '\0';
	if (error != 0) {
		free(text);
		text = NULL;
		errno = error;
	}
	return text;
}

bool journal_read(struct folder *f)
{
	static const struct {
		const char *file;
		bool (*parse)(struct folder *, struct entries *, char *);
	} files[] = {{OURS, ours_parse}, {DOVECOTS, dovecots_parse}};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char *text = file_read(f->path, files[i].file);
		struct entries e = {0};
		if (text == NULL && errno != ENOENT) {
			warn("%s/%s: %s", f->path, files[i].file,
			    strerror(errno));
			return false;
		}
		bool understood = text != NULL && files[i].parse(f, &e, text);
		if (understood)
			apply(f, &e);
		else if (text != NULL)
			warn("%s/%s: not understood: UIDs are not kept",
			    f->path, files[i].file);
		bool there = text != NULL;
		free(e.p);
		free(text);
		if (there)
			break;
	}
	return true;
}

bool uidls_read(struct folder *f)
{
	char *rest = file_read(f->path, UIDLS), *line;

	f->uidls = rest;
	if (rest == NULL && errno != ENOENT) {
		warn("%s/%s: %s", f->path, UIDLS, strerror(errno));
		return false;
	}
	while (rest != NULL && (line = text_line(&rest)) != NULL) {
		char *blank = strrchr(line, ' ');
		struct message *m = blank == NULL ? NULL :
		    message_find(f, line, (size_t)(blank - line));
		if (m != NULL && uidl_valid(blank + 1))
			m->uidl = blank + 1;
	}
	return true;
}
