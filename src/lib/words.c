#include "words.h"

#include <string.h>
#include <strings.h>

#include "block.h"
#include "charset.h"
#include "decode.h"
#include "utf8.h"

#define CHARSET_SIZE 64 /* of a charset's name; the longest is half */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

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

void hex_decode(struct str *to, struct span s, char sign)
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

static void plain(struct str *to, struct span s)
{
	bool is_utf8 = utf8_is(s);

	while (s.n > 0) {
		const char *end = octet_either(s.p, s.p + s.n, '\r', '\n');
		struct span line = {s.p, (size_t)(end - s.p)};
		if (is_utf8)
			str_add(to, line.p, line.n);
		else
			charset_convert(to, "iso-8859-1", line);
		span_skip(&s, line.n < s.n ? line.n + 1 : line.n);
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
	const char *end, *from = s.p, *p = s.p;
	bool after = false;
	struct word w;

	if (s.n == 0)
		return; /* s.p may be NULL then */
	end = s.p + (s.n < WORDS_MAX ? s.n : WORDS_MAX);
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
