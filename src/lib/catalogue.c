#include "catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "str.h"
#include "uidl.h"

static int compare(const void *a, const void *b)
{
	const struct known *x = a, *y = b;
	int order = strcmp(x->unique, y->unique);

	return order != 0 ? order : (x->uid > y->uid) - (x->uid < y->uid);
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
	free(c->text);
	free(c->known);
	*c = (struct catalogue){0};
}

/* --- Lines --- */

static bool number(char **line, uint64_t max, uint64_t *n)
{
	char *word = text_word(line);

	return word != NULL && number_parse(word, max, n);
}

/* A UID and the name behind it, cut at its flags. */
static bool uid_take(const char *word, char *name, struct known *known)
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

/* `pennypost-uids 1 UIDVALIDITY WHOLE MAILBOXID` */
static bool journal_header(struct catalogue *c, char *line)
{
	char *word = text_word(&line);
	uint64_t n;

	if (word == NULL || strcmp(word, "pennypost-uids") != 0 ||
	    !number(&line, 1, &n) || !number(&line, UINT32_MAX, &n) || n == 0)
		return false;
	c->uidvalidity = (uint32_t)n;
	c->uidnext = 1;
	text_word(&line);
	word = text_word(&line);
	snprintf(c->id, sizeof c->id, "%s", word != NULL ? word : "");
	return true;
}

/* `a UID MODSEQ OCTETS NAME`, `x UID MODSEQ`, `s STATE`, `S STATE`, `d` */
static bool journal_line(struct catalogue *c, char *line, struct known *known)
{
	char *kind = text_word(&line), *uid = text_word(&line);
	uint64_t n;

	if (kind == NULL || kind[1] != '\0' || strchr("axsSd", *kind) == NULL)
		return false;
	switch (*kind) {
	case 'a':
		text_word(&line);
		text_word(&line);
		return uid_take(uid, line, known);
	case 'x': /* a message without a name, to be found by its UID */
		uid_take(uid, strchr(line, '\0'), known);
		return known->uid != 0;
	case 's':
	case 'S':
		if (uid == NULL || !number_parse(uid, UINT32_MAX, &n))
			return false;
		c->uidnext = (uint32_t)n;
		c->finished = c->count;
	}
	return true;
}

/* Where a name stands in the text tells what was said last of a UID. */
static int compare_uids(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return x->uid != y->uid ? (x->uid > y->uid) - (x->uid < y->uid) :
	    (x->unique > y->unique) - (x->unique < y->unique);
}

/* A batch without a state was never finished. The last line of a UID counts. */
static void journal_end(struct catalogue *c)
{
	size_t live = 0;

	c->count = c->finished;
	if (c->count > 0)
		qsort(c->known, c->count, sizeof *c->known, compare_uids);
	for (size_t i = 0; i < c->count; i++)
		if ((i + 1 == c->count ||
		    c->known[i].uid != c->known[i + 1].uid) &&
		    *c->known[i].unique != '\0')
			c->known[live++] = c->known[i];
	c->count = live;
}

/* `3 V123 N45 Gguid`, or `1 123 45`. */
static bool list_header(struct catalogue *c, char *line)
{
	char *word = text_word(&line);
	uint64_t validity = 0, next = 0;

	c->version = word == NULL || word[1] != '\0' ? 0 :
	    *word == '3' && c->file == DOVECOT_UIDLIST ? 3 :
	    *word == '1' ? 1 : 0;
	for (int i = 0; c->version != 0 && (word = text_word(&line)) != NULL;
	    i++) {
		bool named = c->version == 3;
		if (named ? *word == 'V' : i == 0)
			number_parse(word + named, UINT32_MAX, &validity);
		else if (named ? *word == 'N' : i == 1)
			number_parse(word + named, UINT32_MAX, &next);
		else if (*word == 'G')
			snprintf(c->id, sizeof c->id, "%s", word + 1);
	}
	c->uidvalidity = (uint32_t)validity;
	c->uidnext = (uint32_t)next;
	return validity > 0;
}

/* `UID FIELD… :NAME`: P is the UIDL that was kept. In version 1 `UID NAME`. */
static bool list_line(struct catalogue *c, char *line, struct known *known)
{
	char *uid = text_word(&line), *word;

	while (c->version == 3 && *line != ':' &&
	    (word = text_word(&line)) != NULL)
		if (*word == 'P' && word[1] != '\0')
			known->uidl = word + 1;
	if (c->version == 3 && *line++ != ':')
		return false;
	if (!uid_take(uid, line, known))
		return false;
	if (c->uidnext <= known->uid)
		c->uidnext = known->uid + 1;
	return true;
}

/* Older ones have no UIDLs: the names are. */
static bool sizes_header(struct catalogue *c, char *line)
{
	c->version = strncmp(line, "/2 ", 3) == 0 ? 2 : 1;
	return true;
}

/* `NAME SIZE UID:UIDVALIDITY`; a UID of 0: its name is the UIDL. */
static bool sizes_line(struct catalogue *c, char *line, struct known *known)
{
	char *name = text_word(&line), *size = text_word(&line);
	char *uid = text_word(&line), *colon;
	uint64_t n, validity;

	if (c->version == 1)
		return true;
	if (size == NULL || uid == NULL || (colon = strchr(uid, ':')) == NULL)
		return false;
	*colon = '\0';
	if (!number_parse(uid, UINT32_MAX, &n) ||
	    !number_parse(colon + 1, UINT32_MAX, &validity))
		return false;
	name[strcspn(name, ":")] = '\0';
	if (n != 0)
		*known = (struct known){.unique = name, .uid = (uint32_t)n,
		    .uidvalidity = (uint32_t)validity};
	return true;
}

/* `UNIQUE UIDL` */
static bool uidls_line(struct catalogue *c, char *line, struct known *known)
{
	char *blank = strrchr(line, ' ');

	(void)c;
	if (blank == NULL || blank == line || !uidl_valid(blank + 1))
		return false;
	*blank = '\0';
	*known = (struct known){.unique = line, .uidl = blank + 1};
	return true;
}

/* --- Files --- */

static const struct {
	const char *name, *header_fault, *line_fault;
	bool (*header)(struct catalogue *, char *); /* NULL: there is none */
	/* False: it is none. It may be one that says of no message. */
	bool (*line)(struct catalogue *, char *, struct known *);
} files[] = {
	[PENNYPOST_UIDS] = {"pennypost-uids", "no journal: UIDs are new",
	    "that is no line of a journal", journal_header, journal_line},
	[DOVECOT_UIDLIST] = {"dovecot-uidlist",
	    "no list of version 3 or 1: UIDs are new",
	    "that is no UID and name", list_header, list_line},
	[COURIER_UIDS] = {"courierimapuiddb",
	    "no list of version 1: UIDs are new",
	    "that is no UID and name", list_header, list_line},
	[PENNYPOST_UIDLS] = {"pennypost-uidl", NULL,
	    "that is no name and UIDL", NULL, uidls_line},
	[COURIER_UIDLS] = {"courierpop3dsizelist", NULL,
	    "that is no name, size and UIDL", sizes_header, sizes_line},
};

/* As much as there is, without a cap: a journal of a million has 80 MB. */
static int text_read(struct catalogue *c, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	size_t len = 0, size;
	struct stat st;
	ssize_t n = 1;
	int error = 0;

	if (fd < 0)
		return errno;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		error = EINVAL;
	size = error == 0 ? (size_t)st.st_size : 0;
	c->text = xrealloc(NULL, size + 1);
	while (len < size && n > 0)
		if ((n = read(fd, c->text + len, size - len)) > 0)
			len += (size_t)n;
		else if (n < 0)
			error = errno;
	close(fd);
	c->text[len] = '\0';
	/* A hole, as a crash leaves it, hides no line behind it. */
	for (char *p = c->text; (p = memchr(p, '\0',
	    (size_t)(c->text + len - p))) != NULL;)
		*p = '?';
	return error;
}

static void add(struct catalogue *c, struct known known)
{
	if (c->count == c->room) {
		c->room += c->room / 2 + 256;
		c->known = xrealloc(c->known, c->room * sizeof *c->known);
	}
	c->known[c->count++] = known;
}

static void line_fault(const struct catalogue *c, unsigned long line,
    const char *what)
{
	c->fault("%s/%s:%lu: %s", c->shown, files[c->file].name, line, what);
}

static void lines_read(struct catalogue *c, char *rest, unsigned long number)
{
	char *line;

	while ((line = text_line(&rest)) != NULL) {
		struct known known = {0};
		number++;
		if (*line == '\0')
			continue;
		if (!files[c->file].line(c, line, &known))
			line_fault(c, number, files[c->file].line_fault);
		else if (known.unique != NULL)
			add(c, known);
	}
}

bool catalogue_read(struct catalogue *c, const char *folder,
    enum catalogue_file file)
{
	char path[FILE_PATH_SIZE + 32], *rest, *line;

	c->file = file;
	snprintf(path, sizeof path, "%s/%s", folder, files[file].name);
	c->error = text_read(c, path);
	if (c->error == ENOENT) {
		c->error = 0;
		return false;
	}
	if (c->error != 0) {
		c->fault("%s/%s: %s", c->shown, files[file].name,
		    strerror(c->error));
		return true;
	}
	rest = c->text;
	/* Half a line: it is just being written, or a session was killed. */
	if (file == PENNYPOST_UIDS && (line = strrchr(rest, '\n')) != NULL)
		line[1] = '\0';
	if (files[file].header != NULL) {
		line = text_line(&rest);
		if (!files[file].header(c, line != NULL ? line : rest)) {
			line_fault(c, 1, files[file].header_fault);
			c->uidvalidity = 0;
			return true;
		}
	}
	lines_read(c, rest, files[file].header != NULL);
	if (file == PENNYPOST_UIDS)
		journal_end(c);
	if (c->count > 0)
		qsort(c->known, c->count, sizeof *c->known, compare);
	return true;
}
