#include "parameters.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "charset.h"
#include "words.h"

#define CHARSET_SIZE 64   /* of a charset's name; the longest is half */
#define NAME_MAX_2231 255 /* octets of a name that may be of RFC 2231 */
#define LIST_MAX (1u << 18) /* octets of a list that count; real ones: 1,000 */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

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
	span_skip(s, i < s->n ? i : s->n);
}

static bool is_token(char c)
{
	switch (c) {
	case '(': case ')': case '<': case '>': case '@': case ',': case ';':
	case ':': case '\\': case '"': case '/': case '[': case ']': case '?':
	case '=': case 0x7f:
		return false;
	}
	return (unsigned char)c > ' ';
}

struct span token_next(struct span *rest)
{
	struct span token;
	size_t n = 0;

	comments_skip(rest);
	while (n < rest->n && is_token(rest->p[n]))
		n++;
	token = (struct span){rest->p, n};
	span_skip(rest, n);
	return token;
}

void quoted_read(struct str *to, struct span *rest)
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
	span_skip(rest, i < rest->n ? i + 1 : i);
}

/* Up to a blank or `;`: tspecials that should have been quoted too. */
static void bare_read(struct str *to, struct span *rest)
{
	size_t n = 0;

	while (n < rest->n && !is_space(rest->p[n]) && rest->p[n] != ';')
		n++;
	str_add(to, rest->p, n);
	span_skip(rest, n);
}

bool parameter_next(struct span *rest, struct parameter *p)
{
	str_clear(&p->value);
	for (;;) {
		const char *sign = rest->n > 0 ?
		    memchr(rest->p, ';', rest->n) : NULL;
		if (sign == NULL)
			return false;
		span_skip(rest, (size_t)(sign - rest->p) + 1);
		p->name = token_next(rest);
		comments_skip(rest);
		if (p->name.n == 0 || rest->n == 0 || *rest->p != '=')
			continue;
		span_skip(rest, 1);
		comments_skip(rest);
		if (rest->n > 0 && *rest->p == '"') {
			span_skip(rest, 1);
			quoted_read(&p->value, rest);
		} else {
			bare_read(&p->value, rest);
		}
		return true;
	}
}

/* A piece: NAME, NAME*, NAME*0, NAME*0* (RFC 2231 3). */
struct piece {
	const char *base; /* NAME alone, for comparing */
	size_t base_n;
	size_t name, name_n; /* in the text of all */
	size_t value, value_n;
	bool is_2231, coded;
	unsigned number;
};

static void name_read(struct piece *p, struct span name)
{
	const char *star = memchr(name.p, '*', name.n);
	struct span rest;

	p->base_n = name.n;
	if (star == NULL || star == name.p || name.n > NAME_MAX_2231)
		return;
	rest = (struct span){star + 1, (size_t)(name.p + name.n - star) - 1};
	p->coded = rest.n == 0 || rest.p[rest.n - 1] == '*';
	if (rest.n > 0 && p->coded)
		rest.n--;
	for (size_t i = 0; i < rest.n; i++) {
		if (rest.p[i] < '0' || rest.p[i] > '9' || i > 4)
			return;
		p->number = p->number * 10 + (unsigned)(rest.p[i] - '0');
	}
	p->base_n = (size_t)(star - name.p);
	p->is_2231 = true;
}

static int piece_compare(const void *a, const void *b)
{
	const struct piece *s = a, *t = b;
	size_t n = s->base_n < t->base_n ? s->base_n : t->base_n;
	int c;

	if (s->is_2231 != t->is_2231)
		return s->is_2231 ? 1 : -1;
	if (s->is_2231) {
		c = strncasecmp(s->base, t->base, n);
		if (c != 0 || s->base_n != t->base_n)
			return c != 0 ? c : s->base_n < t->base_n ? -1 : 1;
		if (s->number != t->number)
			return s->number < t->number ? -1 : 1;
	}
	return s->name < t->name ? -1 : s->name > t->name;
}

static size_t pieces_read(struct piece pieces[PARAMETERS_MAX],
    struct str *text, struct span list)
{
	char room[256];
	struct parameter p = {.value = STR_ROOM(room)};
	size_t count = 0;
	bool sort = false;

	if (list.n > LIST_MAX)
		list.n = LIST_MAX;
	while (count < PARAMETERS_MAX && parameter_next(&list, &p)) {
		struct piece *piece = &pieces[count++];
		*piece = (struct piece){.name = text->len, .name_n = p.name.n};
		name_read(piece, p.name);
		str_add(text, p.name.p, p.name.n);
		piece->value = text->len;
		piece->value_n = p.value.len;
		str_add(text, p.value.p, p.value.len);
		sort = sort || piece->is_2231;
	}
	str_free(&p.value);
	for (size_t i = 0; i < count; i++)
		pieces[i].base = text->p + pieces[i].name;
	if (sort)
		qsort(pieces, count, sizeof *pieces, piece_compare);
	return count;
}

static bool same_name(const struct piece *p, const struct piece *q)
{
	return p->base_n == q->base_n && p->is_2231 == q->is_2231 &&
	    strncasecmp(p->base, q->base, p->base_n) == 0;
}

/*
 * How many pieces from the first on are a value's, all of those of that name; 0:
 * none, it stands alone.
 */
static size_t run_length(const struct piece *p, size_t count, bool first)
{
	size_t n = 0;

	if (!p->is_2231 || (!first && same_name(p - 1, p)))
		return 0;
	for (; n < count && same_name(p, &p[n]); n++)
		if (p[n].number != n)
			return 0;
	return n;
}

static struct parameter_at run_add(struct str *to, const struct str *text,
    const struct piece *p, size_t n, bool whole)
{
	struct parameter_at at = {.name = to->len};
	bool coded = false;

	for (size_t i = 0; i < n; i++)
		coded = coded || p[i].coded;
	str_add(to, p->base, whole ? p->base_n : p->name_n);
	if (whole && coded)
		str_add(to, "*", 1);
	at.name_n = to->len - at.name;
	at.value = to->len;
	for (size_t i = 0; i < n; i++)
		str_add(to, text->p + p[i].value, p[i].value_n);
	at.value_n = to->len - at.value;
	return at;
}

void parameters_read(struct parameters *to, struct span list)
{
	char room[1024];
	struct piece pieces[PARAMETERS_MAX];
	struct str text = STR_ROOM(room);
	size_t count = pieces_read(pieces, &text, list), n;

	to->count = 0;
	str_clear(&to->text);
	for (size_t i = 0; i < count; i += n) {
		const struct piece *p = &pieces[i];
		size_t run = run_length(p, count - i, i == 0);
		n = run > 0 ? run : 1;
		to->all[to->count++] = run_add(&to->text, &text, p, n, run > 0);
	}
	str_free(&text);
}

void parameters_free(struct parameters *p)
{
	str_free(&p->text);
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
	span_skip(s, (size_t)(second - s->p) + 1);
}

/* Pieces of one name, by their numbers, up to where one is missing. */
static void pieces_decode(struct str *to, const struct str *text,
    const struct piece *p, size_t n)
{
	char charset[CHARSET_SIZE] = "";
	struct str octets = {0};

	for (size_t i = 0, next = 0; i < n && p[i].number <= next; i++) {
		struct span value = {text->p + p[i].value, p[i].value_n};
		if (p[i].number < next)
			continue; /* twice: the first counts */
		if (next++ == 0 && p[i].coded)
			charset_take(&value, charset);
		if (p[i].coded)
			hex_decode(&octets, value, '%');
		else
			str_add(&octets, value.p, value.n);
	}
	struct span all = {octets.len > 0 ? octets.p : "", octets.len};
	if (*charset != '\0')
		charset_convert(to, charset, all);
	else
		words_decode(to, all);
	str_free(&octets);
}

bool parameter_find(struct str *to, struct span list, const char *name)
{
	char room[1024];
	struct piece pieces[PARAMETERS_MAX], *found = NULL;
	struct str text = STR_ROOM(room);
	size_t count, run = 0;

	if (list.n == 0)
		return false;
	count = pieces_read(pieces, &text, list);
	for (size_t i = 0; i < count; i++) {
		struct piece *p = &pieces[i];
		if (p->base_n != strlen(name) ||
		    strncasecmp(text.p + p->name, name, p->base_n) != 0)
			continue;
		/* RFC 2231's is for those who know it, and better. */
		if (found == NULL || p->is_2231 != found->is_2231) {
			found = p;
			run = 0;
		}
		run++;
	}
	if (found != NULL && found->is_2231)
		pieces_decode(to, &text, found, run);
	else if (found != NULL)
		words_decode(to, (struct span){text.p + found->value,
		    found->value_n});
	str_free(&text);
	return found != NULL;
}
