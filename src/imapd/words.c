#include "words.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "charset.h"
#include "decode.h"
#include "header.h"
#include "utf8.h"

#define CHARSET_SIZE 64    /* of a charset's name; the longest is half */
#define SECTIONS_MAX 1000  /* of a parameter: 70 octets each are a long name */

static void skip(struct span *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Encoded words */

struct word {
	char charset[CHARSET_SIZE];
	bool base64;
	struct span text;
	const char *end; /* behind it */
};

/* s begins with "=?". Blanks in the text are wrong, and common. */
static bool word_read(struct word *w, struct span s)
{
	const char *end = s.p + s.n, *mark, *charset = s.p + 2, *language;
	size_t n;

	mark = memchr(charset, '?', s.n - 2);
	if (mark == NULL || end - mark < 5 || mark[2] != '?')
		return false;
	if (mark[1] != 'b' && mark[1] != 'B' && mark[1] != 'q' &&
	    mark[1] != 'Q')
		return false;
	n = (size_t)(mark - charset);
	language = memchr(charset, '*', n); /* RFC 2231 5 */
	n = language != NULL ? (size_t)(language - charset) : n;
	if (n == 0 || n >= sizeof w->charset)
		return false;
	memcpy(w->charset, charset, n);
	w->charset[n] = '\0';
	w->base64 = mark[1] == 'b' || mark[1] == 'B';
	w->text.p = mark + 3;
	mark = memchr(w->text.p, '?', (size_t)(end - w->text.p));
	if (mark == NULL || mark + 1 == end || mark[1] != '=')
		return false;
	w->text.n = (size_t)(mark - w->text.p);
	w->end = mark + 2;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The octets of a text where `sign` begins two hexadecimal digits. */
static void hex_decode(struct str *to, struct span s, char sign)
{
	char out[256];
	size_t made = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		int high = -1, low = -1;
		if (c == sign && i + 2 < s.n) {
			high = hex_digit(s.p[i + 1]);
			low = hex_digit(s.p[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '_' && sign == '=') {
			c = ' ';
		} else if (c == '\r' || c == '\n') {
			continue;
		}
		out[made++] = c;
		if (made == sizeof out) {
			str_add(to, out, made);
			made = 0;
		}
	}
	str_add(to, out, made);
}

static bool is_utf8(struct span s)
{
	uint32_t c;
	size_t n;

	while (s.n > 0) {
		n = utf8_read(s.p, s.n, &c);
		if (n == 0)
			return false;
		skip(&s, n);
	}
	return true;
}

static void plain(struct str *to, struct span s)
{
	const char *charset = is_utf8(s) ? "utf-8" : "iso-8859-1";

	while (s.n > 0) {
		size_t n = 0, end;
		while (n < s.n && s.p[n] != '\r' && s.p[n] != '\n')
			n++;
		end = n < s.n ? n + 1 : n;
		charset_convert(to, charset, (struct span){s.p, n});
		skip(&s, end);
	}
}

static bool all_blank(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_space(s.p[i]))
			return false;
	return true;
}

/* Words that follow each other: a character may be divided between them. */
struct adjacent {
	struct str octets;
	char charset[CHARSET_SIZE];
};

static void adjacent_flush(struct str *to, struct adjacent *a)
{
	if (a->octets.len > 0)
		charset_convert(to, a->charset,
		    (struct span){a->octets.p, a->octets.len});
	a->octets.len = 0;
}

static void adjacent_add(struct str *to, struct adjacent *a,
    const struct word *w)
{
	if (strcasecmp(a->charset, w->charset) != 0)
		adjacent_flush(to, a);
	strcpy(a->charset, w->charset);
	if (w->base64)
		decode(&a->octets, ENCODING_BASE64, w->text);
	else
		hex_decode(&a->octets, w->text, '=');
}

void words_decode(struct str *to, struct span s)
{
	char room[512];
	struct adjacent a = {.octets = STR_ROOM(room), .charset = ""};
	const char *end = s.p + s.n, *from = s.p, *p = s.p;
	bool after = false;
	struct word w;

	while ((p = memmem(p, (size_t)(end - p), "=?", 2)) != NULL) {
		struct span gap = {from, (size_t)(p - from)};
		if (!word_read(&w, (struct span){p, (size_t)(end - p)})) {
			p += 2;
			continue;
		}
		if (!after || !all_blank(gap)) { /* RFC 2047 6.2 */
			adjacent_flush(to, &a);
			plain(to, gap);
		}
		adjacent_add(to, &a, &w);
		from = p = w.end;
		after = true;
	}
	adjacent_flush(to, &a);
	plain(to, (struct span){from, (size_t)(end - from)});
	str_free(&a.octets);
}

/* Parameters */

void comments_skip(struct span *s)
{
	size_t depth = 0, i = 0;

	for (; i < s->n; i++) {
		char c = s->p[i];
		if (depth > 0 && c == '\\')
			i++;
		else if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (depth == 0 && !is_space(c))
			break;
	}
	skip(s, i < s->n ? i : s->n);
}

static bool is_token(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f &&
	    strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

struct span token_next(struct span *rest)
{
	struct span token;
	size_t n = 0;

	comments_skip(rest);
	while (n < rest->n && is_token(rest->p[n]))
		n++;
	token = (struct span){rest->p, n};
	skip(rest, n);
	return token;
}

/* It begins behind the quote; without an end it is the whole rest. */
static void quoted_read(struct str *to, struct span *rest)
{
	size_t i = 0, from = 0;

	for (; i < rest->n && rest->p[i] != '"'; i++) {
		char c = rest->p[i];
		if (c != '\\' && c != '\r' && c != '\n')
			continue;
		str_add(to, rest->p + from, i - from);
		from = i + 1;
		if (c == '\\' && i + 1 < rest->n)
			i++;
	}
	i = i < rest->n ? i : rest->n;
	if (i > from)
		str_add(to, rest->p + from, i - from);
	skip(rest, i < rest->n ? i + 1 : i);
}

/* Up to a blank or `;`: tspecials that should have been quoted too. */
static void bare_read(struct str *to, struct span *rest)
{
	size_t n = 0;

	while (n < rest->n && !is_space(rest->p[n]) && rest->p[n] != ';')
		n++;
	str_add(to, rest->p, n);
	skip(rest, n);
}

bool parameter_next(struct span *rest, struct parameter *p)
{
	str_clear(&p->value);
	for (;;) {
		const char *sign = rest->n > 0 ?
		    memchr(rest->p, ';', rest->n) : NULL;
		if (sign == NULL)
			return false;
		skip(rest, (size_t)(sign - rest->p) + 1);
		p->name = token_next(rest);
		comments_skip(rest);
		if (p->name.n == 0 || rest->n == 0 || *rest->p != '=')
			continue;
		skip(rest, 1);
		comments_skip(rest);
		if (rest->n > 0 && *rest->p == '"') {
			skip(rest, 1);
			quoted_read(&p->value, rest);
		} else {
			bare_read(&p->value, rest);
		}
		return true;
	}
}

/* RFC 2231 3: NAME*, NAME*0, NAME*0* */
struct section {
	unsigned number;
	bool extended;
	size_t at, n; /* in the octets of all */
};

static bool section_read(struct section *s, struct span name, const char *of)
{
	size_t n = strlen(of);

	if (name.n <= n || strncasecmp(name.p, of, n) != 0 || name.p[n] != '*')
		return false;
	skip(&name, n + 1);
	s->extended = name.n == 0 || name.p[name.n - 1] == '*';
	if (name.n > 0 && s->extended)
		name.n--;
	s->number = 0;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] < '0' || name.p[i] > '9' || i > 4)
			return false;
		s->number = s->number * 10 + (unsigned)(name.p[i] - '0');
	}
	return true;
}

static int section_compare(const void *a, const void *b)
{
	const struct section *s = a, *t = b;

	if (s->number != t->number)
		return s->number < t->number ? -1 : 1;
	return s->at < t->at ? -1 : s->at > t->at;
}

/* The charset'language' at the beginning. */
static void charset_take(struct span *s, char charset[CHARSET_SIZE])
{
	const char *first = memchr(s->p, '\'', s->n), *second;
	size_t n;

	strcpy(charset, "us-ascii");
	if (first == NULL)
		return;
	n = (size_t)(first - s->p);
	second = memchr(first + 1, '\'', s->n - n - 1);
	if (second == NULL)
		return;
	if (n > 0 && n < CHARSET_SIZE) {
		memcpy(charset, s->p, n);
		charset[n] = '\0';
	}
	skip(s, (size_t)(second - s->p) + 1);
}

static void sections_join(struct str *to, struct section *sections,
    size_t count, const struct str *all)
{
	char charset[CHARSET_SIZE] = "";
	struct str octets = {0};

	qsort(sections, count, sizeof *sections, section_compare);
	for (size_t i = 0, next = 0; i < count; i++) {
		struct section *s = &sections[i];
		struct span value = {all->p + s->at, s->n};
		if (s->number > next)
			break; /* what follows a gap is not known */
		if (s->number < next)
			continue;
		if (next++ == 0 && s->extended)
			charset_take(&value, charset);
		if (s->extended)
			hex_decode(&octets, value, '%');
		else
			str_add(&octets, value.p, value.n);
	}
	if (*charset != '\0')
		charset_convert(to, charset,
		    (struct span){octets.p, octets.len});
	else if (octets.len > 0)
		words_decode(to, (struct span){octets.p, octets.len});
	str_free(&octets);
}

bool parameter_find(struct str *to, struct span list, const char *name)
{
	struct parameter p = {0};
	struct str all = {0}, whole = {0};
	struct section *sections = NULL, s;
	size_t count = 0;
	bool found = false, is_whole = false;

	while (parameter_next(&list, &p)) {
		if (p.name.n == strlen(name) &&
		    strncasecmp(p.name.p, name, p.name.n) == 0) {
			if (!is_whole)
				str_add(&whole, p.value.p, p.value.len);
			is_whole = true;
		} else if (count < SECTIONS_MAX &&
		    section_read(&s, p.name, name)) {
			if (sections == NULL)
				sections = xrealloc(NULL,
				    SECTIONS_MAX * sizeof *sections);
			s.at = all.len;
			s.n = p.value.len;
			str_add(&all, p.value.p, p.value.len);
			sections[count++] = s;
		}
	}
	if (count > 0) {
		sections_join(to, sections, count, &all);
		found = true;
	} else if (is_whole) {
		words_decode(to, (struct span){whole.p, whole.len});
		found = true;
	}
	free(sections);
	str_free(&whole);
	str_free(&all);
	str_free(&p.value);
	return found;
}
