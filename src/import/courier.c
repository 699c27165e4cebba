#include "courier.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "stream.h"

#define DIRECTORY "courierimapkeywords"
#define LIST ":list"
#define TURN_DIGITS 18 /* a time in units of 300 s has 7 */
#define LOOKS 10       /* while Courier tidies up */

/* What a line of the list, or a file, says of a message. */
struct keywords_said {
	char *unique;   /* of the list's text; else owned, with words behind */
	char *words;    /* the list's: numbers; a file's: names */
	uint64_t turn;  /* 0: of the list. The last counts */
};

static void add(struct courier_keywords *k, struct keywords_said said)
{
	if (k->count == k->room) {
		k->room += k->room / 2 + 64;
		k->said = xrealloc(k->said, k->room * sizeof *k->said);
	}
	k->said[k->count++] = said;
}

void courier_keywords_free(struct courier_keywords *k)
{
	for (size_t i = 0; i < k->count; i++)
		if (k->said[i].turn > 0)
			free(k->said[i].unique);
	free(k->said);
	free(k->names);
	str_free(&k->list);
	*k = (struct courier_keywords){0};
}

/* The keywords, an empty line, and `UNIQUE:NUMBER NUMBER…`. */
static void list_parse(struct courier_keywords *k, const char *shown)
{
	char *rest, *line, *colon;
	unsigned long number = 0;

	str_add(&k->list, "", 0);
	rest = k->list.p;
	while ((line = text_line(&rest)) != NULL && *line != '\0') {
		number++;
		k->names = xrealloc(k->names,
		    (k->names_count + 1) * sizeof *k->names);
		k->names[k->names_count++] = line;
	}
	for (number++; (line = text_line(&rest)) != NULL;) {
		number++;
		colon = strchr(line, ':');
		if (colon == NULL) {
			stream_fault("%s/" DIRECTORY "/" LIST ":%lu: that is "
			    "no name and keywords", shown, number);
			continue;
		}
		*colon = '\0';
		add(k, (struct keywords_said){line, colon + 1, 0});
	}
}

/* `NAME`, or `.TURN.NAME`, by which Courier remembers it. 0, or errno. */
static int file_read(struct courier_keywords *k, const char *directory,
    const char *name)
{
	size_t digits = *name == '.' ? strspn(name + 1, "0123456789") : 0;
	struct keywords_said said = {.turn = UINT64_MAX};
	char path[2 * FILE_PATH_SIZE];
	struct str text = {0};
	size_t n;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	if (*name == '.') {
		if (digits == 0 || digits > TURN_DIGITS ||
		    name[digits + 1] != '.')
			return 0; /* it is being written */
		said.turn = strtoull(name + 1, NULL, 10) + 1;
		name += digits + 2;
	}
	if (!str_read_file(&text, path, KEYWORDS_ROOM)) {
		int error = errno;
		str_free(&text);
		return error;
	}
	n = strlen(name) + 1;
	said.unique = xrealloc(NULL, n + text.len + 1);
	memcpy(said.unique, name, n);
	said.words = said.unique + n;
	memcpy(said.words, text.p, text.len + 1);
	add(k, said);
	str_free(&text);
	return 0;
}

/* 0, or errno; ENOENT: a file has gone since the directory was read. */
static int files_read(struct courier_keywords *k, const char *path, DIR *d)
{
	struct dirent *entry;
	int error = 0;

	while (error == 0 && (errno = 0, entry = readdir(d)) != NULL)
		if (*entry->d_name != ':' && (entry->d_type == DT_REG ||
		    entry->d_type == DT_UNKNOWN))
			error = file_read(k, path, entry->d_name);
	return error != 0 ? error : errno;
}

/* The same. What a file said that has gone stands in the list by now. */
static int look(struct courier_keywords *k, const char *path, DIR *d,
    const char *shown)
{
	char list[FILE_PATH_SIZE + 64];
	int error = ENOENT;

	snprintf(list, sizeof list, "%s/" LIST, path);
	for (int i = 0; i < LOOKS && error == ENOENT; i++) {
		courier_keywords_free(k);
		rewinddir(d);
		if (!str_read_file(&k->list, list, STR_MAX / 2) &&
		    errno != ENOENT)
			return errno;
		list_parse(k, shown);
		error = files_read(k, path, d);
	}
	return error;
}

static int compare(const void *a, const void *b)
{
	const struct keywords_said *x = a, *y = b;
	int order = strcmp(x->unique, y->unique);

	return order != 0 ? order :
	    (x->turn > y->turn) - (x->turn < y->turn);
}

bool courier_keywords_read(struct courier_keywords *k, const char *folder,
    const char *shown)
{
	char path[FILE_PATH_SIZE + 32];
	DIR *d;
	int error;

	snprintf(path, sizeof path, "%s/" DIRECTORY, folder);
	d = opendir(path);
	if (d == NULL && errno == ENOENT)
		return true;
	error = d != NULL ? look(k, path, d, shown) : errno;
	if (d != NULL)
		closedir(d);
	if (error != 0)
		stream_fault("%s/" DIRECTORY ": %s", shown, strerror(error));
	else if (k->count > 0)
		qsort(k->said, k->count, sizeof *k->said, compare);
	return error == 0;
}

/* The last that is said of it; NULL: nothing is. */
static const struct keywords_said *find(const struct courier_keywords *k,
    const char *unique, size_t n)
{
	size_t from = 0, to = k->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		const char *it = k->said[middle].unique;
		int order = strncmp(it, unique, n);
		if (order < 0 || (order == 0 && it[n] == '\0'))
			from = middle + 1;
		else
			to = middle;
	}
	if (from == 0 || strncmp(k->said[from - 1].unique, unique, n) != 0 ||
	    k->said[from - 1].unique[n] != '\0')
		return NULL;
	return &k->said[from - 1];
}

void courier_keywords_add(const struct courier_keywords *k, const char *unique,
    size_t n, struct str *keywords)
{
	const struct keywords_said *said = find(k, unique, n);
	const char *p = said != NULL ? said->words : "";
	uint64_t i;

	for (; *p != '\0'; p += n) {
		char word[24];
		p += strspn(p, " \r\n");
		n = strcspn(p, " \r\n");
		if (said->turn > 0) {
			str_printf(keywords, " %.*s", (int)n, p);
			continue;
		}
		snprintf(word, sizeof word, "%.*s", n < 20 ? (int)n : 20, p);
		if (number_parse(word, SIZE_MAX, &i) && i < k->names_count)
			str_printf(keywords, " %s", k->names[i]);
	}
}
