#include "html.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "decode.h"

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Behind the next octet c; where there is none, the end. */
static void skip_behind(struct span *s, char c)
{
	const char *p = memchr(s->p, c, s->n);

	span_skip(s, p != NULL ? (size_t)(p - s->p) + 1 : s->n);
}

static bool name_is(struct span s, const char *name)
{
	return s.n == strlen(name) && strncasecmp(s.p, name, s.n) == 0;
}

bool html_is(const struct html *h, const char *const names[])
{
	for (; *names != NULL; names++)
		if (name_is(h->tag, *names))
			return true;
	return false;
}

static struct span name_read(struct span s)
{
	size_t n = 0;

	while (n < s.n && !is_blank(s.p[n]) && s.p[n] != '/' && s.p[n] != '>')
		n++;
	return (struct span){s.p, n};
}

/* To the tag that ends what shows nothing. */
static void skip_to_end_of(struct span *s, struct span name)
{
	while (s->n > 0) {
		skip_behind(s, '<');
		if (s->n <= name.n || *s->p != '/')
			continue;
		struct span other = name_read((struct span){s->p + 1, s->n - 1});
		if (other.n == name.n &&
		    strncasecmp(other.p, name.p, name.n) == 0)
			break;
	}
	skip_behind(s, '>');
}

/* Behind `<`. */
static void tag_read(struct html *h, struct span *s)
{
	static const char *const shows_nothing[] = {"style", "script", NULL};
	const char *begin;

	h->ends = s->n > 0 && *s->p == '/';
	span_skip(s, h->ends);
	h->tag = name_read(*s);
	span_skip(s, h->tag.n);
	begin = s->p;
	skip_behind(s, '>');
	h->attributes = (struct span){begin, (size_t)(s->p - begin)};
	if (!h->ends && html_is(h, shows_nothing))
		skip_to_end_of(s, h->tag);
}

/* Behind `&`: what it stands for, and *s behind it; 0: it is text. */
static uint32_t reference_read(struct span *s)
{
	static const struct {
		char name[7];
		uint16_t c;
	} entities[] = {
		{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'},
		{"apos", '\''}, {"nbsp", 0xa0}, {"shy", 0xad}, {"auml", 0xe4},
		{"ouml", 0xf6}, {"uuml", 0xfc}, {"Auml", 0xc4}, {"Ouml", 0xd6},
		{"Uuml", 0xdc}, {"szlig", 0xdf}, {"agrave", 0xe0},
		{"aacute", 0xe1}, {"acirc", 0xe2}, {"aring", 0xe5},
		{"ccedil", 0xe7}, {"egrave", 0xe8}, {"eacute", 0xe9},
		{"ecirc", 0xea}, {"iacute", 0xed}, {"ntilde", 0xf1},
		{"oacute", 0xf3}, {"oslash", 0xf8}, {"uacute", 0xfa},
		{"laquo", 0xab}, {"raquo", 0xbb}, {"copy", 0xa9},
		{"reg", 0xae}, {"euro", 0x20ac}, {"ndash", 0x2013},
		{"mdash", 0x2014}, {"lsquo", 0x2018}, {"rsquo", 0x2019},
		{"ldquo", 0x201c}, {"rdquo", 0x201d}, {"bdquo", 0x201e},
		{"bull", 0x2022}, {"hellip", 0x2026}, {"zwnj", 0x200c},
		{"trade", 0x2122},
	};
	const char *end = memchr(s->p, ';', s->n < 10 ? s->n : 10);
	char name[10] = "";
	uint32_t c = 0;

	if (end != NULL)
		memcpy(name, s->p, (size_t)(end - s->p));
	bool hex = name[0] == '#' && (name[1] | 0x20) == 'x';
	for (const char *p = name + 1 + hex; name[0] == '#' && *p != '\0'; p++) {
		int digit = hex_digit(*p);
		if (digit < 0 || (!hex && digit > 9)) {
			c = 0;
			break;
		}
		c = c * (hex ? 16 : 10) + (uint32_t)digit;
	}
	for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
		if (strcmp(entities[i].name, name) == 0)
			c = entities[i].c;
	if (c != 0)
		span_skip(s, (size_t)(end - s->p) + 1);
	return c;
}

static bool comment_skip(struct span *s)
{
	const char *end;

	if (s->n < 4 || memcmp(s->p, "<!--", 4) != 0)
		return false;
	end = memmem(s->p + 1, s->n - 1, "-->", 3);
	span_skip(s, end != NULL ? (size_t)(end - s->p) + 3 : s->n);
	return true;
}

bool html_next(struct span *rest, struct html *h)
{
	uint32_t c;
	size_t n;

	h->text.n = h->tag.n = h->attributes.n = 0;
	h->ends = false;
	while (comment_skip(rest))
		continue;
	if (rest->n == 0)
		return false;
	if (*rest->p == '<') {
		span_skip(rest, 1);
		tag_read(h, rest);
		return true;
	}
	n = utf8_read(rest->p, rest->n, &c);
	h->text = (struct span){rest->p, n > 0 ? n : 1};
	span_skip(rest, h->text.n);
	if (*h->text.p == '&' && (c = reference_read(rest)) != 0)
		h->text = (struct span){h->room, utf8_write(h->room, c)};
	return true;
}
