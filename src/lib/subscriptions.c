#include "subscriptions.h"

#include <errno.h>
#include <string.h>

#include "log.h"
#include "names.h"
#include "root.h"

#define FILE_NAME "subscriptions"
#define HEADER "V\t2\n" /* looks like a name, too */

/* The file as it is: a line is left alone that is not ours to change. */
struct subscriptions {
	struct str text;
	size_t from; /* where the names begin */
	bool version_2;
};

static bool load(struct subscriptions *s)
{
	bool fine = root_read(&s->text, FILE_NAME, SUBSCRIPTIONS_MAX);

	s->version_2 = strncmp(s->text.p, HEADER, strlen(HEADER)) == 0;
	s->from = s->version_2 ? strlen(HEADER) : 0;
	if (fine)
		return true;
	s->version_2 = true;
	if (errno == ENOENT)
		return true;
	warn(FILE_NAME ": %s", strerror(errno));
	return false;
}

/*
 * The name in a line, its parts divided by dots; false: it is none. A dot within
 * a part would be of another layout than Maildir++.
 */
static bool line_name(const struct subscriptions *s, const char *line,
    size_t n, char name[FOLDER_NAME_SIZE])
{
	if (n >= FOLDER_NAME_SIZE || memchr(line, '\0', n) != NULL ||
	    (s->version_2 && memchr(line, '.', n) != NULL))
		return false;
	memcpy(name, line, n);
	name[n] = '\0';
	for (char *p = name; s->version_2 && *p != '\0'; p++)
		if (*p == '\t')
			*p = '.';
	return name_valid(name);
}

/* Copies the lines that are not of this name. How many were. */
static size_t without(const struct subscriptions *s, const char *name,
    struct str *to)
{
	char of[FOLDER_NAME_SIZE];
	const char *p = s->text.p + s->from, *end = s->text.p + s->text.len, *lf;
	size_t gone = 0;

	str_add(to, s->text.p, s->from);
	for (; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			lf = end;
		if (line_name(s, p, (size_t)(lf - p), of) &&
		    strcmp(of, name) == 0) {
			gone++;
			continue;
		}
		str_add(to, p, (size_t)(lf - p));
		str_puts(to, "\n");
	}
	return gone;
}

static void add_line(const struct subscriptions *s, const char *name,
    struct str *to)
{
	for (; *name != '\0'; name++)
		str_add(to, s->version_2 && *name == '.' ? "\t" : name, 1);
	str_puts(to, "\n");
}

bool subscriptions_read(struct str *names)
{
	struct subscriptions s = {0};
	char name[FOLDER_NAME_SIZE];
	bool fine = load(&s);
	char *rest = s.text.p + s.from, *line;

	while ((line = text_line(&rest)) != NULL)
		if (line_name(&s, line, strlen(line), name))
			str_add(names, name, strlen(name) + 1);
	str_free(&s.text);
	return fine;
}

static bool change(const char *const add[], const char *remove)
{
	struct subscriptions s = {0};
	struct str now = {0}, rest = {0};
	bool fine = load(&s);

	str_clear(&now);
	if (s.text.len == 0 && s.version_2)
		str_puts(&now, HEADER "\n");
	if (remove != NULL)
		without(&s, remove, &now);
	else
		without(&s, "", &now);
	for (; fine && add != NULL && *add != NULL; add++) {
		str_clear(&rest);
		if (without(&s, *add, &rest) == 0)
			add_line(&s, *add, &now);
	}
	if (fine && (now.len != s.text.len ||
	    memcmp(now.p, s.text.p, now.len) != 0))
		fine = root_write(FILE_NAME, &now);
	str_free(&s.text);
	str_free(&now);
	str_free(&rest);
	return fine;
}

bool subscriptions_add(const char *const names[])
{
	return change(names, NULL);
}

bool subscriptions_remove(const char *name)
{
	return change(NULL, name);
}
