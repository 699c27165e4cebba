#include "phrase.h"

#include <string.h>

#include "address.h"

#define ENCODED_MAX 75 /* octets of an encoded word, RFC 2047 2 */
#define ENCODED_LINE 76 /* octets of a line that holds one, the same */

static bool is_ascii(const char *s)
{
	while (*s != '\0')
		if ((unsigned char)*s++ >= 0x80)
			return false;
	return true;
}

static const char *charset_of(const char *s)
{
	size_t n;

	for (; *s != '\0'; s += n) {
		n = (unsigned char)*s < 0x80 ? 1 : utf8_length(s);
		if (n == 0)
			return "unknown-8bit"; /* RFC 1428 3 */
	}
	return "utf-8";
}

static bool letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

/* RFC 2047 5 (3) allows few characters within a phrase. */
static void encode(struct str *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (letter_or_digit(p[i]))
			str_add(out, p + i, 1);
		else if (c <= ' ' || c == 0x7f)
			str_puts(out, "_");
		else
			str_printf(out, "=%02X", c);
	}
}

static size_t column(const struct str *s)
{
	const char *lf = s->len > 0 ? memrchr(s->p, '\n', s->len) : NULL;

	return lf != NULL ? s->len - (size_t)(lf + 1 - s->p) : s->len;
}

/* No character is divided between two words: RFC 2047 5. */
void words_encode(struct str *out, const char *text)
{
	const char *charset = charset_of(text);
	size_t start = 0, n;

	for (; *text != '\0'; text += n) {
		n = utf8_length(text);
		if (n == 0)
			n = 1;
		if (start == 0 || column(out) + 3 * n + 2 > ENCODED_LINE ||
		    out->len - start + 3 * n + 2 > ENCODED_MAX) {
			if (start != 0)
				str_puts(out, "?=\n ");
			start = out->len;
			str_printf(out, "=?%s?Q?", charset);
		}
		encode(out, text, n);
	}
	str_puts(out, "?=");
}

void phrase_write(struct str *out, const char *name)
{
	bool plain = true;

	if (!is_ascii(name)) {
		words_encode(out, name);
		return;
	}
	for (const char *p = name; *p != '\0'; p++)
		plain = plain && (letter_or_digit(*p) || *p == ' ' ||
		    *p == '-' || *p == '_');
	if (!plain)
		str_puts(out, "\"");
	for (; *name != '\0'; name++) {
		if (*name == '"' || *name == '\\')
			str_puts(out, "\\");
		str_add(out, *name < ' ' || *name == 0x7f ? " " : name, 1);
	}
	if (!plain)
		str_puts(out, "\"");
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * Where the line of n octets can be cut so that the first part has `max` at
 * most, or else as few as can be; n: nowhere. Blanks at its beginning and its
 * end are no place: a line of blanks would come of it. Nor are, in a field's
 * first line, those before the colon (RFC 5322 4.5.3).
 */
static size_t fold_at(const char *p, size_t n, size_t max, bool commas,
    bool first)
{
	const char *colon = first ? memchr(p, ':', n) : NULL;
	size_t begin = colon != NULL ? (size_t)(colon - p) : 0;
	size_t end = n, best = n;

	while (begin < n && is_blank(p[begin]))
		begin++;
	while (end > begin && is_blank(p[end - 1]))
		end--;
	for (size_t i = begin + 1; i < end; i++) {
		if (!is_blank(p[i]) && !(commas && p[i - 1] == ','))
			continue;
		if (best == n || i <= max)
			best = i;
		if (i >= max)
			break;
	}
	return best;
}

static void line_fold(struct str *out, const char *p, size_t n, size_t max,
    bool commas)
{
	bool blank = false; /* one of ours stands before p */
	bool first = !is_blank(*p);

	while (n + blank > max) {
		size_t at = fold_at(p, n, max - blank, commas, first);
		if (at == n)
			break;
		str_add(out, p, at);
		p += at;
		n -= at;
		first = false;
		blank = !is_blank(*p);
		str_puts(out, blank ? "\n " : "\n");
	}
	str_add(out, p, n);
	str_puts(out, "\n");
}

void lines_fold(struct str *out, size_t start, size_t max, bool commas)
{
	struct str copy = {0};
	const char *p = out->p + start, *end = out->p + out->len, *lf;
	bool long_line = false;

	for (; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			return;
		long_line = long_line || (size_t)(lf - p) > max;
	}
	if (!long_line)
		return;
	str_add(&copy, out->p + start, out->len - start);
	out->len = start;
	end = copy.p + copy.len;
	for (p = copy.p; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		line_fold(out, p, (size_t)(lf - p), max, commas);
	}
	str_free(&copy);
}
