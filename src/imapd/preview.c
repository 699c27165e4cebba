#include <string.h>
#include <strings.h>

#include "structure.h"
#include "utf8.h"

#define PREVIEW_MAX 200     /* characters, RFC 8970 3.1 */
#define PLAIN_MAX 16384     /* octets looked at: what is quoted is skipped */
#define HTML_MAX (1u << 17) /* style sheets come first */

/* What is shown, and what was quoted: that is shown where nothing else is. */
struct shown {
	struct str text;
	size_t characters;
	bool blank; /* one is due before the next character */
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_full(const struct shown *s)
{
	return s->characters >= PREVIEW_MAX;
}

static void show(struct shown *s, const char *p, size_t n)
{
	if (n == 1 && is_blank(*p)) {
		s->blank = s->characters > 0;
		return;
	}
	if (*p == '\0')
		return;
	if (s->blank && s->characters + 2 > PREVIEW_MAX)
		s->characters = PREVIEW_MAX; /* no blank as the last one */
	if (is_full(s))
		return;
	if (s->blank) {
		str_add(&s->text, " ", 1);
		s->characters++;
	}
	s->blank = false;
	str_add(&s->text, p, n);
	s->characters++;
}

/* The text is UTF-8: part_text() has made it. */
static size_t character_length(struct span s)
{
	uint32_t c;
	size_t n = utf8_read(s.p, s.n, &c);

	return n > 0 ? n : 1;
}

static void plain_show(struct shown *own, struct shown *quoted,
    struct span text)
{
	struct shown *to = own;
	bool begins = true;

	while (text.n > 0 && !is_full(own)) {
		size_t n = character_length(text);
		if (begins)
			to = *text.p == '>' ? quoted : own;
		if (to == quoted && *text.p == '>' &&
		    (begins || to->blank)) {
			to->blank = to->characters > 0;
		} else {
			show(to, text.p, n);
		}
		begins = *text.p == '\n';
		span_skip(&text, n);
	}
}

static bool name_is(struct span s, const char *name)
{
	size_t n = strlen(name);

	if (s.n <= n || strncasecmp(s.p, name, n) != 0)
		return false;
	return is_blank(s.p[n]) || s.p[n] == '/' || s.p[n] == '>';
}

/* Behind the next octet c; where there is none, the end. */
static void skip_behind(struct span *s, char c)
{
	const char *p = memchr(s->p, c, s->n);

	span_skip(s, p != NULL ? (size_t)(p - s->p) + 1 : s->n);
}

/* To the tag that ends what shows nothing. */
static void skip_to_end_of(struct span *s, const char *name)
{
	while (s->n > 0) {
		skip_behind(s, '<');
		if (s->n > 0 && *s->p == '/' &&
		    name_is((struct span){s->p + 1, s->n - 1}, name))
			return;
	}
}

/* Behind `<`. Its end is at the next `>`; what divides words leaves a blank. */
static void tag_skip(struct shown *to, struct span *s, size_t *quotes)
{
	static const char *const within[] = {"a", "b", "i", "u", "em", "strong",
	    "span", "font", "sub", "sup", "small", "big", "tt", "code"};
	struct span tag = *s;
	bool ends = tag.n > 0 && *tag.p == '/', divides = true;

	if (s->n >= 3 && memcmp(s->p, "!--", 3) == 0) {
		const char *end = memmem(s->p, s->n, "-->", 3);
		span_skip(s, end != NULL ? (size_t)(end - s->p) + 3 : s->n);
		return;
	}
	span_skip(&tag, ends);
	if (!ends && name_is(tag, "style"))
		skip_to_end_of(s, "style");
	else if (!ends && name_is(tag, "script"))
		skip_to_end_of(s, "script");
	else if (name_is(tag, "blockquote"))
		*quotes = !ends ? *quotes + 1 : *quotes > 0 ? *quotes - 1 : 0;
	for (size_t i = 0; i < sizeof within / sizeof *within; i++)
		divides = divides && !name_is(tag, within[i]);
	if (divides)
		to->blank = to->characters > 0;
	skip_behind(s, '>');
}

/* Behind `&`; what is no entity is text. */
static void entity_show(struct shown *to, struct span *s)
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
	char name[10] = "", out[UTF8_SIZE];
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
	if (c == 0) {
		show(to, "&", 1);
		return;
	}
	show(to, out, utf8_write(out, c));
	span_skip(s, (size_t)(end - s->p) + 1);
}

static void html_show(struct shown *own, struct shown *quoted,
    struct span text)
{
	size_t quotes = 0, n;

	while (text.n > 0 && !is_full(own)) {
		struct shown *to = quotes > 0 ? quoted : own;
		char c = *text.p;
		n = c == '<' || c == '&' ? 1 : character_length(text);
		if (c == '<') {
			span_skip(&text, 1);
			tag_skip(to, &text, &quotes);
		} else if (c == '&') {
			span_skip(&text, 1);
			entity_show(to, &text);
		} else {
			show(to, text.p, n);
			span_skip(&text, n);
		}
	}
}

static bool is_type(const struct part *p, const char *type,
    const char *subtype)
{
	return p->type.n == strlen(type) &&
	    strncasecmp(p->type.p, type, p->type.n) == 0 &&
	    (subtype == NULL || (p->subtype.n == strlen(subtype) &&
	    strncasecmp(p->subtype.p, subtype, p->subtype.n) == 0));
}

/* The first text; of alternatives, what is plain. NULL: there is none. */
static const struct part *text_find(const struct part *p)
{
	const struct part *found = NULL;

	if (is_type(p, "text", NULL))
		return p;
	if (!p->is_multipart)
		return NULL;
	if (is_type(p, "multipart", "alternative"))
		for (const struct part *c = p->children; c; c = c->next)
			if (is_type(c, "text", "plain"))
				return c;
	for (p = p->children; p != NULL && found == NULL; p = p->next)
		found = text_find(p);
	return found;
}

void structure_preview(struct str *to, const struct mime *m)
{
	struct shown own = {0}, quoted = {0};
	const struct part *p = text_find(m->root);
	struct str text = {0};

	if (p == NULL || p->encoding == ENCODING_UNKNOWN)
		return;
	bool html = is_type(p, "text", "html");
	part_text(&text, m, p, html ? HTML_MAX : PLAIN_MAX);
	(html ? html_show : plain_show)(&own, &quoted,
	    (struct span){text.p, text.len});
	if (own.characters > 0) {
		str_add(to, own.text.p, own.text.len);
	} else if (quoted.characters > 0) {
		str_puts(to, ">");
		str_add(to, quoted.text.p, quoted.text.len);
	}
	str_free(&own.text);
	str_free(&quoted.text);
	str_free(&text);
}
