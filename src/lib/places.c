#include "places.h"

#include <stdbool.h>
#include <string.h>

#include "log.h"
#include "str.h"

#define ALIASES_FILE "users/aliases"
#define ALIASES_MAX (4u << 20) /* as deliver's LIST_MAX */

struct table {
	struct confine_path *end;
	size_t room;
};

static void add(struct table *t, const char *path, size_t n, unsigned rights)
{
	char *copy;

	if (t->room == 0) {
		warn("alias problem=too-many-files what=%s", safe(path));
		return;
	}
	copy = xrealloc(NULL, n + 1);
	memcpy(copy, path, n);
	copy[n] = '\0';
	*t->end++ = (struct confine_path){copy, rights};
	t->room--;
}

/* Of a Maildir "/dir/" the directory itself, of an mbox the one it is in. */
static void target(struct table *t, const char *p, size_t n)
{
	static const char list[] = ":include:";

	if (n > sizeof list && memcmp(p, list, sizeof list - 1) == 0) {
		p += sizeof list - 1;
		n -= sizeof list - 1;
		size_t blanks = strspn(p, " \t");
		if (blanks < n)
			add(t, p + blanks, n - blanks, MAY_READ);
	} else if (n > 1 && *p == '/') {
		while (n > 1 && p[n - 1] != '/')
			n--;
		add(t, p, n, MAY_READ | MAY_WRITE | MAY_CREATE | MAY_REMOVE);
	}
}

/* As deliver's list_next() divides it, but that nothing is changed. */
static void targets(struct table *t, const char *p)
{
	const char *end;
	bool quoted = *p == '"';

	for (; *p != '\0'; p = end + (*end != '\0')) {
		p += strspn(p, ", \t\r");
		quoted = *p == '"';
		p += quoted;
		end = p + strcspn(p, quoted ? "\"" : ",");
		size_t n = (size_t)(end - p);
		while (n > 0 && strchr(" \t\r", p[n - 1]) != NULL)
			n--;
		target(t, p, n);
		if (*p == '#' && !quoted)
			break;
	}
}

void places_add(struct confine_path *end, size_t room)
{
	struct table table = {end, room};
	struct str text = {0};
	char *rest, *line;

	if (str_read_file(&text, ALIASES_FILE, ALIASES_MAX)) {
		rest = text.p;
		while ((line = text_line(&rest)) != NULL) {
			if (strchr(line, '/') == NULL)
				continue;
			/* The name may be quoted, and have a colon in it. */
			if (*line == '"')
				line += 1 + strcspn(line + 1, "\"");
			if (strchr(" \t#", *line) == NULL)
				line += strcspn(line, ":") + 1;
			targets(&table, line);
		}
	}
	str_free(&text);
	*table.end = (struct confine_path){NULL, 0};
}
