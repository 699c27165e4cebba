#include "items.h"

#include <string.h>

static struct span behind(struct span s, size_t n)
{
	return (struct span){s.p + n, s.n - n};
}

/* Octets of the quoted string that s begins with; 0: it has no end. */
static size_t quoted_length(struct span s, bool *escaped)
{
	size_t i = 1;

	*escaped = false;
	for (;;) {
		while (i < s.n && s.p[i] != '"' && s.p[i] != '\\')
			i++;
		if (i >= s.n)
			return 0;
		if (s.p[i] == '"')
			return i + 1;
		*escaped = true;
		i += 2;
	}
}

/* The text of the literal that s begins with; false: it has no end. */
static bool literal_text(struct span s, struct span *text)
{
	size_t n = 0, i = 1;

	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && n < s.n; i++)
		n = n * 10 + (size_t)(s.p[i] - '0');
	if (s.n - i < 3 || memcmp(s.p + i, "}\r\n", 3) != 0 ||
	    n > s.n - i - 3)
		return false;
	*text = (struct span){s.p + i + 3, n};
	return true;
}

/* A string's text, and where it ends. */
static bool string_read(struct span s, struct item *item, size_t *length)
{
	item->escaped = false;
	if (s.p[0] == '"') {
		*length = quoted_length(s, &item->escaped);
		if (*length == 0)
			return false;
		item->text = (struct span){s.p + 1, *length - 2};
		return true;
	}
	if (!literal_text(s, &item->text))
		return false;
	*length = (size_t)(item->text.p + item->text.n - s.p);
	return true;
}

/* Octets of the list that s begins with; 0: it has no end. */
static size_t list_length(struct span s)
{
	size_t depth = 0, i = 0, n;
	struct item inner;

	while (i < s.n) {
		char c = s.p[i];
		if (c == '"' || c == '{') {
			if (!string_read(behind(s, i), &inner, &n))
				return 0;
			i += n;
			continue;
		}
		depth += c == '(';
		depth -= c == ')';
		i++;
		if (depth == 0)
			return i;
	}
	return 0;
}

bool item_next(struct span *rest, struct item *item)
{
	size_t n;

	while (rest->n > 0 && rest->p[0] == ' ')
		*rest = behind(*rest, 1);
	if (rest->n == 0)
		return false;
	item->nil = item->list = item->escaped = false;
	switch (rest->p[0]) {
	case '(':
		item->list = true;
		n = list_length(*rest);
		if (n == 0)
			return false;
		item->text = (struct span){rest->p + 1, n - 2};
		break;
	case '"':
	case '{':
		if (!string_read(*rest, item, &n))
			return false;
		break;
	default: /* NIL, a number */
		for (n = 1; n < rest->n && rest->p[n] != ' '; n++)
			;
		item->nil = rest->p[0] == 'N';
		item->text = (struct span){rest->p, item->nil ? 0 : n};
	}
	*rest = behind(*rest, n);
	return true;
}

bool item_find(struct span list, unsigned number, struct item *item)
{
	do {
		if (!item_next(&list, item))
			return false;
	} while (number-- > 0);
	return true;
}

void item_text(struct str *to, const struct item *item)
{
	size_t from = 0;

	for (size_t i = 0; item->escaped && i < item->text.n; i++) {
		if (item->text.p[i] != '\\')
			continue;
		str_add(to, item->text.p + from, i - from);
		from = ++i;
	}
	if (from <= item->text.n)
		str_add(to, item->text.p + from, item->text.n - from);
}

bool envelope_find(struct span envelope, unsigned member, struct item *item)
{
	if (envelope.n < 2)
		return false;
	return item_find((struct span){envelope.p + 1, envelope.n - 2}, member,
	    item);
}
