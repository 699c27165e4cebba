#include "uidls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "root.h"

#define FILE_NAME "pennypost-uidl"
#define FILE_MAX (32u << 20) /* octets: 300,000 lines; pop3d reads no more */

struct line {
	const char *text; /* up to LF */
	size_t turn;      /* the old ones first */
};

struct lines {
	struct line *line;
	size_t count, room;
};

static void lines_add(struct lines *l, const char *text)
{
	const char *lf;

	for (; (lf = strchr(text, '\n')) != NULL; text = lf + 1) {
		if (l->count == l->room) {
			l->room += l->room / 2 + 256;
			l->line = xrealloc(l->line,
			    l->room * sizeof *l->line);
		}
		l->line[l->count] = (struct line){text, l->count};
		l->count++;
	}
}

/* Where the unique part ends: the UIDL has no blank. */
static size_t unique_size(const char *line)
{
	size_t n = strcspn(line, "\n");

	while (n > 0 && line[n] != ' ')
		n--;
	return n;
}

/* By octets, as pop3d sorts. */
static int compare_unique(const char *x, const char *y)
{
	size_t n = unique_size(x), k = unique_size(y);
	int order = memcmp(x, y, n < k ? n : k);

	return order != 0 ? order : (n > k) - (n < k);
}

static int compare(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = compare_unique(x->text, y->text);

	return order != 0 ? order : (x->turn > y->turn) - (x->turn < y->turn);
}

static bool is_present(const struct present *p, const char *line, size_t n)
{
	char unique[NAME_SIZE];

	if (n == 0 || n >= sizeof unique)
		return false;
	memcpy(unique, line, n);
	unique[n] = '\0';
	return present_find(p, unique, false) != NULL;
}

static void lines_put(struct str *to, struct lines *l,
    const struct present *present)
{
	const char *last = NULL;

	if (l->count > 0)
		qsort(l->line, l->count, sizeof *l->line, compare);
	for (size_t i = 0; i < l->count; i++) {
		const char *line = l->line[i].text;
		size_t n = unique_size(line);
		if ((last != NULL && compare_unique(last, line) == 0) ||
		    !is_present(present, line, n))
			continue;
		str_add(to, line, strcspn(line, "\n") + 1);
		last = line;
	}
}

bool uidls_write(const char *lines, const struct present *present)
{
	struct str old = {0}, new = {0};
	struct lines l = {0};
	bool fine;

	if (!root_read(&old, FILE_NAME, FILE_MAX) && errno != ENOENT) {
		warn(FILE_NAME ": %s", strerror(errno));
		return false;
	}
	lines_add(&l, old.p);
	lines_add(&l, lines);
	str_clear(&new);
	lines_put(&new, &l, present);
	if (new.len > FILE_MAX)
		warn(FILE_NAME ": it gets too large: UIDLs are new");
	fine = new.len > FILE_MAX || (new.len == old.len &&
	    memcmp(new.p, old.p, new.len) == 0) || root_write(FILE_NAME, &new);
	free(l.line);
	str_free(&old);
	str_free(&new);
	return fine;
}
