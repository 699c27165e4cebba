#include "set.h"

#include <stdlib.h>
#include <string.h>

/* Where a range that begins with `first` has to go: behind those below it. */
static size_t place(const struct set *s, uint32_t first)
{
	size_t low = 0, high = s->count;

	if (high > 0 && s->ranges[high - 1].first <= first)
		return high;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (s->ranges[mid].first <= first)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool touches(const struct range *r, const struct range *next)
{
	return r->last == UINT32_MAX || next->first <= r->last + 1;
}

/* Those behind `at` that it touches become part of it. */
static void absorb(struct set *s, size_t at)
{
	size_t next = at + 1;

	while (next < s->count && touches(&s->ranges[at], &s->ranges[next])) {
		if (s->ranges[next].last > s->ranges[at].last)
			s->ranges[at].last = s->ranges[next].last;
		next++;
	}
	memmove(&s->ranges[at + 1], &s->ranges[next],
	    (s->count - next) * sizeof *s->ranges);
	s->count -= next - at - 1;
}

static void append(struct set *s, struct range r)
{
	if (s->count == s->room) {
		s->room = s->room > 0 ? s->room * 2 : 8;
		s->ranges = xrealloc(s->ranges, s->room * sizeof *s->ranges);
	}
	s->ranges[s->count++] = r;
}

void set_add(struct set *s, uint32_t first, uint32_t last)
{
	struct range r = {first, last};
	size_t at = place(s, first);

	if (at > 0 && touches(&s->ranges[at - 1], &r)) {
		at--;
		if (last > s->ranges[at].last)
			s->ranges[at].last = last;
	} else {
		append(s, r);
		memmove(&s->ranges[at + 1], &s->ranges[at],
		    (s->count - 1 - at) * sizeof r);
		s->ranges[at] = r;
	}
	absorb(s, at);
}

bool set_has(const struct set *s, uint32_t n)
{
	size_t at = place(s, n);

	return at > 0 && s->ranges[at - 1].last >= n;
}

size_t set_size(const struct set *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += (size_t)(s->ranges[i].last - s->ranges[i].first) + 1;
	return n;
}

void set_print(struct str *to, const struct set *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct range *r = &s->ranges[i];
		str_printf(to, i > 0 ? ",%u" : "%u", r->first);
		if (r->last > r->first)
			str_printf(to, ":%u", r->last);
	}
}

void set_free(struct set *s)
{
	free(s->ranges);
	*s = (struct set){0};
}

/* seq-number: 1 to 2^32-1, or "*". 0 is only what "*" is in an empty mailbox. */
static bool number(const char **text, uint32_t star, uint32_t *to)
{
	const char *p = *text;
	uint64_t n = 0;

	if (*p == '*') {
		*to = star;
		*text = p + 1;
		return true;
	}
	if (*p < '1' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > UINT32_MAX)
			return false;
	}
	*to = (uint32_t)n;
	*text = p;
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* One sort: a client may name its numbers from the last to the first. */
static void arrange(struct set *s)
{
	size_t kept = 0;

	if (s->count < 2)
		return;
	qsort(s->ranges, s->count, sizeof *s->ranges, compare);
	for (size_t i = 1; i < s->count; i++) {
		struct range *r = &s->ranges[kept];
		if (!touches(r, &s->ranges[i]))
			s->ranges[++kept] = s->ranges[i];
		else if (s->ranges[i].last > r->last)
			r->last = s->ranges[i].last;
	}
	s->count = kept + 1;
}

bool set_parse(struct set *s, const char *text, uint32_t star)
{
	struct range r;

	s->count = 0;
	do {
		if (!number(&text, star, &r.first))
			return false;
		r.last = r.first;
		if (*text == ':') {
			text++;
			if (!number(&text, star, &r.last))
				return false;
		}
		if (r.first > r.last)
			r = (struct range){r.last, r.first};
		if (r.last == 0)
			continue; /* "*" alone, and there is nothing */
		if (r.first == 0)
			r.first = r.last; /* "5:*", the same */
		append(s, r);
	} while (*text++ == ',');
	arrange(s);
	return text[-1] == '\0';
}
