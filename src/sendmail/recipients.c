#include "recipients.h"

#include <string.h>

/* What stands between two commas. */
struct element {
	char text[ADDRESS_SIZE];
	size_t len;
	const char *behind;
	bool gap;  /* white space or a comment came last */
	bool bad;
	bool angle, closed; /* <, and its > */
};

struct recipients recipients_begin(const char *text, size_t n)
{
	return (struct recipients){text, text + n};
}

/* Comments nest. One without an end goes on to the end of the list. */
static const char *comment_end(const char *p, const char *end)
{
	unsigned depth = 0;

	for (; p < end; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p + 1;
	}
	return end;
}

/* Behind a quoted string or a domain literal; NULL: it has no end. */
static const char *bracket_end(const char *p, const char *end, char last)
{
	for (p++; p < end; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		else if (*p == last)
			return p + 1;
	}
	return NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *atom_end(const char *p, const char *end)
{
	while (p < end && !is_blank(*p) && strchr("()<>[]:;@,\"", *p) == NULL)
		p++;
	return p;
}

/* Two words side by side are no address; around a dot or @ blanks may be. */
static void add(struct element *e, const char *p, size_t n)
{
	if (e->closed)
		return;
	if (e->gap && e->len > 0 && *p != '.' && *p != '@' &&
	    e->text[e->len - 1] != '.' && e->text[e->len - 1] != '@') {
		e->bad = true;
		if (e->len + 1 < sizeof e->text)
			e->text[e->len++] = ' ';
	}
	e->gap = false;
	if (n >= sizeof e->text - e->len) {
		e->bad = true;
		n = sizeof e->text - 1 - e->len;
	}
	/* A quoted string may be folded. */
	for (size_t i = 0; i < n; i++)
		if (p[i] != '\n')
			e->text[e->len++] = p[i];
	e->text[e->len] = '\0';
	e->behind = p + n;
}

static void clear(struct element *e, bool angle)
{
	*e = (struct element){.angle = angle};
}

/* A special character. True: the element ends here. */
static bool special(struct element *e, const char *p)
{
	bool inside = e->angle && !e->closed;

	switch (*p) {
	case '<':
		if (e->angle)
			e->bad = true;
		else
			clear(e, true); /* what came before is a name */
		return false;
	case '>':
		e->bad = e->bad || !inside;
		e->closed = true;
		return false;
	case ':': /* a group's name, or the end of a route */
		if (inside ? *e->text == '@' :
		    !e->angle && strchr(e->text, '@') == NULL)
			clear(e, inside);
		else
			e->bad = true;
		return false;
	case '@':
		add(e, p, 1);
		return false;
	case ')':
	case ']':
		e->bad = true;
		return false;
	default: /* , and ; */
		if (inside && *e->text == '@' && *p == ',') {
			add(e, p, 1);
			return false;
		}
		return true;
	}
}

/* Reads one element; returns behind it and its comma. */
static const char *element(struct element *e, const char *p, const char *end)
{
	const char *next;

	clear(e, false);
	while (p < end) {
		if (is_blank(*p) || *p == '(') {
			p = *p == '(' ? comment_end(p, end) : p + 1;
			e->gap = true;
			continue;
		}
		if (*p == '"' || *p == '[') {
			next = bracket_end(p, end, *p == '"' ? '"' : ']');
			if (next == NULL) {
				next = end;
				e->bad = true;
			}
			add(e, p, (size_t)(next - p));
			p = next;
			continue;
		}
		next = atom_end(p, end);
		if (next > p) {
			add(e, p, (size_t)(next - p));
			p = next;
		} else if (special(e, p++)) {
			break;
		}
	}
	return p;
}

enum recipients_result recipients_next(struct recipients *list, struct address *a,
    const char **behind)
{
	struct element e;

	do {
		if (list->p == list->end)
			return RECIPIENTS_END;
		list->p = element(&e, list->p, list->end);
	} while (e.len == 0 && !e.angle && !e.bad);
	*behind = e.behind;
	if (!e.bad && e.angle == e.closed && e.len > 0 &&
	    address_parse(e.text, a) == ADDRESS_OK)
		return RECIPIENTS_FOUND;
	strcpy(a->text, e.text);
	return RECIPIENTS_BAD;
}
