#include "html.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "decode.h"

#define LINK_MAX 2000 /* octets: browsers' limit; a longer one is left out */

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
		struct span other = {s->p + 1, s->n - 1};
		other = name_read(other);
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
	for (const char *p = name + 1 + hex; *name == '#' && *p != '\0'; p++) {
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

/* Its text */

struct writer {
	struct str *to;
	size_t lines; /* line ends that are due before the next character */
	bool begun, blank, raw, hidden;
	struct str link; /* of the <a> that we are within */
	size_t link_at;  /* where its text begins */
};

static void put(struct writer *w, struct span text)
{
	if (w->hidden)
		return;
	if (!w->raw && is_blank(*text.p)) {
		w->blank = true;
		return;
	}
	if (w->begun && w->lines == 0 && w->blank)
		str_puts(w->to, " ");
	for (; w->begun && w->lines > 0; w->lines--)
		str_puts(w->to, "\n");
	w->lines = 0;
	w->blank = false;
	w->begun = true;
	str_add(w->to, text.p, text.n);
}

static void lines_due(struct writer *w, size_t n)
{
	w->lines = w->lines > n ? w->lines : n;
}

/* The address in <a href="...">, its references resolved. */
static void link_read(struct str *to, struct span attributes)
{
	struct html piece;
	struct span s = attributes;
	size_t n = 0;

	while (s.n > 4 && strncasecmp(s.p, "href", 4) != 0)
		span_skip(&s, 1);
	const char *at = memchr(s.p, '=', s.n);
	if (at == NULL)
		return;
	span_skip(&s, (size_t)(at + 1 - s.p));
	while (s.n > 0 && is_blank(*s.p))
		span_skip(&s, 1);
	char quote = s.n > 0 && (*s.p == '"' || *s.p == '\'') ? *s.p : '\0';
	span_skip(&s, quote != '\0');
	while (n < s.n && (quote != '\0' ? s.p[n] != quote :
	    !is_blank(s.p[n]) && s.p[n] != '>'))
		n++;
	s.n = n < LINK_MAX ? n : 0;
	while (html_next(&s, &piece))
		str_add(to, piece.text.p, piece.text.n);
}

/* Behind what is linked: where it leads, if that does not stand there. */
static void link_end(struct writer *w)
{
	struct str *link = &w->link;
	bool same = w->to->len >= link->len && w->link_at <= w->to->len &&
	    link->len > 0 && memmem(w->to->p + w->link_at,
	    w->to->len - w->link_at, link->p, link->len) != NULL;

	if (link->len > 0 && !same && (strncasecmp(link->p, "http", 4) == 0 ||
	    strncasecmp(link->p, "mailto:", 7) == 0)) {
		w->blank = true;
		put(w, (struct span){"<", 1});
		put(w, (struct span){link->p, link->len});
		put(w, (struct span){">", 1});
	}
	str_clear(link);
}

static void tag(struct writer *w, const struct html *h)
{
	static const char *const paragraphs[] = {"p", "h1", "h2", "h3", "h4",
	    "h5", "h6", "ul", "ol", "table", "blockquote", "hr", "pre", NULL};
	static const char *const lines[] = {"div", "tr", "li", "dt", "dd",
	    "section", "article", "header", "footer", "title", NULL};
	static const char *const br[] = {"br", NULL},
	    *const li[] = {"li", NULL}, *const a[] = {"a", NULL},
	    *const title[] = {"title", NULL},
	    *const cells[] = {"td", "th", NULL}, *const pre[] = {"pre", NULL};

	if (html_is(h, a)) {
		link_end(w);
		w->link_at = w->to->len;
		if (!h->ends)
			link_read(&w->link, h->attributes);
	} else if (html_is(h, br)) {
		w->lines++;
	} else if (html_is(h, cells)) {
		w->blank = true;
	} else if (html_is(h, paragraphs)) {
		lines_due(w, 2);
		w->raw = html_is(h, pre) && !h->ends;
	} else if (html_is(h, lines)) {
		lines_due(w, 1);
	}
	if (html_is(h, title))
		w->hidden = !h->ends;
	if (html_is(h, li) && !h->ends)
		put(w, (struct span){"- ", 2});
}

void html_text(struct str *to, struct span html)
{
	struct writer w = {.to = to};
	struct html piece;

	while (html_next(&html, &piece)) {
		if (piece.text.n == 0)
			tag(&w, &piece);
		else
			put(&w, piece.text);
	}
	if (w.begun)
		str_puts(to, "\n");
	str_free(&w.link);
}
