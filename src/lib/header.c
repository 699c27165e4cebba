#include "header.h"

#include <string.h>

#include "block.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool line_is_empty(struct span text)
{
	return text.p[0] == '\n' ||
	    (text.n > 1 && text.p[0] == '\r' && text.p[1] == '\n');
}

/* Its end cut off: CRLF, or LF alone. */
static struct span line_text(const char *p, size_t n)
{
	if (n > 0 && p[n - 1] == '\n')
		n -= n > 1 && p[n - 2] == '\r' ? 2 : 1;
	return (struct span){p, n};
}

/* RFC 5322 4.5 has blanks before the colon; none is within a name. */
static bool name_of(struct span line, struct span *name)
{
	const char *end = line.p + line.n;
	const char *colon = octet_find(line.p, end, ':');
	size_t n = (size_t)(colon - line.p);

	if (colon == end)
		return false;
	while (n > 0 && is_blank(line.p[n - 1]))
		n--;
	*name = (struct span){line.p, n};
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line.p[i] <= ' ')
			return false;
	return n > 0;
}

bool header_next(struct span *rest, struct field *f)
{
	while (rest->n > 0 && !line_is_empty(*rest)) {
		struct span all = *rest;
		size_t n = line_length(all.p, all.n), first = n;

		span_skip(rest, n);
		if (is_blank(all.p[0]) ||
		    !name_of((struct span){all.p, first}, &f->name))
			continue;
		while (rest->n > 0 && is_blank(rest->p[0])) {
			size_t more = line_length(rest->p, rest->n);
			n += more;
			span_skip(rest, more);
		}
		f->whole = (struct span){all.p, n};
		f->value = line_text(all.p, n);
		span_skip(&f->value, f->name.n);
		while (*f->value.p != ':')
			span_skip(&f->value, 1);
		span_skip(&f->value, 1);
		return true;
	}
	return false;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool field_is(const struct field *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->name.n && name[i] != '\0'; i++)
		if (lower(f->name.p[i]) != lower(name[i]))
			return false;
	return i == f->name.n && name[i] == '\0';
}

/* The line begins with that name, and then perhaps blanks, and a colon. */
static bool line_is_of(struct span line, const char *name)
{
	size_t i;

	for (i = 0; name[i] != '\0'; i++)
		if (i == line.n || lower(line.p[i]) != lower(name[i]))
			return false;
	while (i < line.n && is_blank(line.p[i]))
		i++;
	return i < line.n && line.p[i] == ':';
}

int header_next_of(struct span *rest, const char *const names[], size_t count,
    struct field *f)
{
	uint32_t letters = 0;

	for (size_t i = 0; i < count; i++)
		letters |= UINT32_C(1) << (names[i][0] & 31);
	while (rest->n > 0 && !line_is_empty(*rest)) {
		struct span line = *rest;
		bool may = (letters >> (line.p[0] & 31) & 1) != 0;
		for (size_t i = 0; may && i < count; i++)
			if (line_is_of(line, names[i]) && header_next(rest, f) &&
			    f->whole.p == line.p)
				return (int)i;
		*rest = line; /* it was no field, whatever it is like */
		span_skip(rest, line_length(line.p, line.n));
	}
	return -1;
}

bool header_find(struct span header, const char *name, struct field *f)
{
	return header_next_of(&header, &name, 1, f) == 0;
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

/*
 * RFC 5322 2.2.3 leaves the blanks behind a line's end as they are; but they are
 * what some program put for one blank, and one is what Dovecot makes of them.
 */
void field_unfold(struct str *to, struct span value)
{
	while (value.n > 0 && is_space(value.p[0]))
		span_skip(&value, 1);
	while (value.n > 0 && is_space(value.p[value.n - 1]))
		value.n--;
	while (value.n > 0) {
		size_t n = line_length(value.p, value.n);
		struct span line = line_text(value.p, n);
		span_skip(&value, n);
		if (value.n > 0)
			while (line.n > 0 && is_space(line.p[line.n - 1]))
				line.n--;
		str_add(to, line.p, line.n);
		while (value.n > 0 && is_space(value.p[0])) {
			span_skip(&value, 1);
			if (!is_space(value.p[0]))
				str_add(to, " ", 1);
		}
	}
}
