#include <string.h>
#include <strings.h>

#include "html.h"
#include "structure.h"
#include "utf8.h"

#define PREVIEW_MAX 200     /* characters, RFC 8970 3.1 */
#define PLAIN_MAX 16384     /* octets looked at: what is quoted is skipped */
#define HTML_MAX (1u << 17) /* style sheets come first */

/* What is shown, and what was quoted: that is shown where nothing else is. */
struct shown {
	char text[PREVIEW_MAX * UTF8_SIZE];
	size_t length, characters;
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
		s->text[s->length++] = ' ';
		s->characters++;
	}
	s->blank = false;
	while (n-- > 0)
		s->text[s->length++] = *p++;
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

/* What divides words leaves a blank. */
static void tag_show(struct shown *to, const struct html *tag, size_t *quotes)
{
	static const char *const within[] = {"a", "b", "i", "u", "em", "strong",
	    "span", "font", "sub", "sup", "small", "big", "tt", "code", NULL};
	static const char *const quote[] = {"blockquote", NULL};

	if (html_is(tag, quote))
		*quotes = !tag->ends ? *quotes + 1 : *quotes > 0 ? *quotes - 1 : 0;
	if (!html_is(tag, within))
		to->blank = to->characters > 0;
}

static void html_show(struct shown *own, struct shown *quoted,
    struct span text)
{
	struct html piece;
	size_t quotes = 0;

	while (!is_full(own) && html_next(&text, &piece)) {
		struct shown *to = quotes > 0 ? quoted : own;
		if (piece.text.n > 0)
			show(to, piece.text.p, piece.text.n);
		else
			tag_show(to, &piece, &quotes);
	}
}

void structure_preview(struct str *to, const struct mime *m)
{
	char room[PLAIN_MAX];
	struct shown own = {.length = 0}, quoted = {.length = 0};
	const struct part *p = part_shown(m);
	struct str text = STR_ROOM(room);

	if (p == NULL || p->encoding == ENCODING_UNKNOWN)
		return;
	bool html = part_is(p, "text", "html");
	part_text(&text, m, p, html ? HTML_MAX : PLAIN_MAX);
	(html ? html_show : plain_show)(&own, &quoted,
	    (struct span){text.p, text.len});
	if (own.characters > 0) {
		str_add(to, own.text, own.length);
	} else if (quoted.characters > 0) {
		str_puts(to, ">");
		str_add(to, quoted.text, quoted.length);
	}
	str_free(&text);
}
