#include "catalogue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "stream.h"

/* A file that is read line by line. */
struct list {
	struct catalogue *to;
	const char *file, *shown;
	char *rest;
	unsigned line;
};

static bool list_open(struct list *l, struct catalogue *c, const char *folder,
    const char *file, const char *shown)
{
	char path[FILE_PATH_SIZE];

	*l = (struct list){.to = c, .file = file, .shown = shown};
	snprintf(path, sizeof path, "%s/%s", folder, file);
	if (!str_read_file(&c->text, path, STR_MAX / 2)) {
		c->failed = errno != ENOENT;
		if (c->failed)
			stream_fault("%s/%s: %s", shown, file,
			    strerror(errno));
		return c->failed;
	}
	l->rest = c->text.p;
	return true;
}

static char *list_line(struct list *l)
{
	l->line++;
	return text_line(&l->rest);
}

static void list_fault(const struct list *l, const char *what)
{
	stream_fault("%s/%s:%u: %s", l->shown, l->file, l->line, what);
}

static void add(struct catalogue *c, struct known known)
{
	if (c->count == c->room) {
		c->room += c->room / 2 + 256;
		c->known = xrealloc(c->known, c->room * sizeof *c->known);
	}
	c->known[c->count++] = known;
}

static int compare(const void *a, const void *b)
{
	const struct known *x = a, *y = b;
	int order = strcmp(x->unique, y->unique);

	return order != 0 ? order : (x->uid > y->uid) - (x->uid < y->uid);
}

static void sort(struct catalogue *c)
{
	if (c->count > 0)
		qsort(c->known, c->count, sizeof *c->known, compare);
}

const struct known *catalogue_find(const struct catalogue *c,
    const char *unique, size_t n)
{
	size_t from = 0, to = c->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		const char *it = c->known[middle].unique;
		int order = strncmp(it, unique, n);
		if (order == 0 && it[n] == '\0')
			return &c->known[middle];
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

void catalogue_free(struct catalogue *c)
{
	str_free(&c->text);
	free(c->known);
	*c = (struct catalogue){0};
}

/* A UID and the name behind it, cut at its flags. */
static bool uid_take(char *word, char *name, struct known *known)
{
	uint64_t n;

	if (word == NULL || name == NULL ||
	    !number_parse(word, UINT32_MAX - 1, &n) || n == 0)
		return false;
	name[strcspn(name, ":")] = '\0';
	known->uid = (uint32_t)n;
	known->unique = name;
	return *name != '\0';
}

/* --- Dovecot --- */

/* `3 V123 N45 Gguid`, or `1 123 45`. The version; 0: it is neither. */
static unsigned header_parse(struct catalogue *c, char *line)
{
	char *word = line != NULL ? text_word(&line) : NULL;
	unsigned version = word == NULL || word[1] != '\0' ? 0 :
	    *word == '3' ? 3 : *word == '1' ? 1 : 0;
	uint64_t validity = 0, next = 0;

	for (int i = 0; version != 0 && (word = text_word(&line)) != NULL; i++)
		if (version == 3 ? *word == 'V' : i == 0)
			number_parse(word + (version == 3), UINT32_MAX,
			    &validity);
		else if (version == 3 ? *word == 'N' : i == 1)
			number_parse(word + (version == 3), UINT32_MAX, &next);
	c->uidvalidity = (uint32_t)validity;
	c->uidnext = (uint32_t)next;
	return validity > 0 ? version : 0;
}

/* `UID FIELD… :NAME`: of the fields, P is the UIDL that was kept. */
static bool dovecot_line(char *line, struct known *known)
{
	char *uid = text_word(&line), *word;

	while (*line != ':' && (word = text_word(&line)) != NULL)
		if (*word == 'P' && word[1] != '\0')
			known->uidl = word + 1;
	return *line == ':' && uid_take(uid, line + 1, known);
}

static bool old_line(char *line, struct known *known)
{
	char *uid = text_word(&line);

	return uid_take(uid, line, known);
}

bool dovecot_read(struct catalogue *c, const char *folder, const char *shown)
{
	struct list l;
	unsigned version;
	char *line;

	if (!list_open(&l, c, folder, "dovecot-uidlist", shown))
		return false;
	if (c->failed)
		return true;
	c->dovecot = true;
	version = header_parse(c, list_line(&l));
	if (version == 0) {
		list_fault(&l, "no list of version 3 or 1: UIDs are new");
		c->uidvalidity = 0;
		return true;
	}
	while ((line = list_line(&l)) != NULL) {
		struct known known = {0};
		if (version == 3 ? dovecot_line(line, &known) :
		    old_line(line, &known))
			add(c, known);
		else if (*line != '\0')
			list_fault(&l, "that is no UID and name");
	}
	sort(c);
	return true;
}

/* --- Courier --- */

bool courier_read(struct catalogue *c, const char *folder, const char *shown)
{
	struct list l;
	char *line;

	if (!list_open(&l, c, folder, "courierimapuiddb", shown))
		return false;
	if (c->failed)
		return true;
	if (header_parse(c, list_line(&l)) != 1) {
		list_fault(&l, "no list of version 1: UIDs are new");
		c->uidvalidity = 0;
		return true;
	}
	while ((line = list_line(&l)) != NULL) {
		struct known known = {0};
		if (old_line(line, &known))
			add(c, known);
		else if (*line != '\0')
			list_fault(&l, "that is no UID and name");
	}
	sort(c);
	return true;
}

/* `NAME SIZE UID:UIDVALIDITY`; a UID of 0: its name is the UIDL. */
static bool size_line(char *line, struct known *known)
{
	char *name = text_word(&line), *size = text_word(&line);
	char *uid = text_word(&line), *colon;
	uint64_t n, validity;

	if (size == NULL || uid == NULL || (colon = strchr(uid, ':')) == NULL)
		return false;
	*colon = '\0';
	if (!number_parse(uid, UINT32_MAX, &n) ||
	    !number_parse(colon + 1, UINT32_MAX, &validity))
		return false;
	name[strcspn(name, ":")] = '\0';
	*known = (struct known){.unique = name, .uid = (uint32_t)n,
	    .uidvalidity = (uint32_t)validity};
	return true;
}

bool courier_pop3_read(struct catalogue *c, const char *shown)
{
	struct list l;
	char *line;

	if (!list_open(&l, c, ".", "courierpop3dsizelist", shown))
		return false;
	if (c->failed)
		return true;
	line = list_line(&l);
	if (line == NULL || strncmp(line, "/2 ", 3) != 0)
		return true; /* older ones: the names are the UIDLs */
	while ((line = list_line(&l)) != NULL) {
		struct known known;
		if (!size_line(line, &known))
			list_fault(&l, "that is no name, size and UIDL");
		else if (known.uid != 0)
			add(c, known);
	}
	sort(c);
	return true;
}
