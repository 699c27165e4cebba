#include "text.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "html.h"

#define LINK_MAX 2000 /* octets: browsers' own limit; longer ones are left out */

struct writer {
	struct str *to;
	size_t lines; /* line ends that are due before the next character */
	bool begun, blank, raw, hidden;
	struct str link; /* of the <a> that we are within */
	size_t link_at;  /* where its text begins */
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

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
	static const char *const br[] = {"br", NULL}, *const li[] = {"li", NULL},
	    *const a[] = {"a", NULL}, *const title[] = {"title", NULL},
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
