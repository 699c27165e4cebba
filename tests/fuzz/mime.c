/*
 * imapd's parsers on a message, or on a field: the first byte tells of what. What
 * is within something lies within it, what FETCH says is lawful IMAP, and what
 * was made UTF-8 is it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/addresses.h"
#include "lib/charset.h"
#include "lib/date.h"
#include "lib/header.h"
#include "lib/mime.h"
#include "imapd/structure.h"
#include "lib/utf8.h"
#include "lib/words.h"
#include "fake.h"

static struct span span_of(const struct str *s)
{
	return (struct span){s->p, s->len};
}

static void must_be_within(struct span all, struct span s)
{
	MUST(s.p >= all.p && s.p + s.n <= all.p + all.n);
}

/* A message's lines end in CRLF. */
static void lines_load(struct str *to, struct span s)
{
	str_clear(to);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r'))
			str_add(to, "\r", 1);
		str_add(to, s.p + i, 1);
	}
}

/* IMAP's answers: strings, numbers, NIL, in lists (RFC 3501 9). */

static const char *quoted_end(const char *p)
{
	for (; *p != '"'; p++) {
		MUST(*p != '\0' && *p != '\r' && *p != '\n' &&
		    (unsigned char)*p < 0x80);
		if (*p == '\\') {
			p++;
			MUST(*p == '"' || *p == '\\');
		}
	}
	return p + 1;
}

static const char *literal_end(const char *p, const char *end)
{
	char *number;
	unsigned long n = strtoul(p, &number, 10);

	MUST(memcmp(number, "}\r\n", 3) == 0);
	p = number + 3;
	MUST(n <= (size_t)(end - p) && memchr(p, '\0', n) == NULL);
	return p + n;
}

static void must_be_lists(const struct str *s)
{
	const char *p = s->p, *end = s->p + s->len;
	size_t depth = 0;

	while (p < end) {
		char c = *p++;
		if (c == '(') {
			depth++;
			MUST(*p != ')' && *p != ' ');
		} else if (c == ')') {
			MUST(depth-- > 0);
		} else if (c == '"') {
			p = quoted_end(p);
		} else if (c == '{') {
			p = literal_end(p, end);
		} else if (c == ' ') {
			MUST(depth > 0 && *p != ' ' && *p != ')');
		} else if (c == 'N') {
			MUST(memcmp(p, "IL", 2) == 0);
			p += 2;
		} else {
			MUST(c >= '0' && c <= '9');
		}
		MUST(depth > 0 || p == end);
	}
	MUST(depth == 0);
}

static size_t lines_of(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '\n';
	return n;
}

static size_t part_check(const struct mime *m, const struct part *p,
    const struct part *parent, size_t depth)
{
	struct span all = m->text;
	size_t count = 1, at = p->body;
	struct str s = {0};

	MUST(depth <= MIME_DEPTH_MAX);
	MUST(p->header <= p->body && p->body <= p->end && p->end <= all.n);
	MUST(p->lines == lines_of(part_body(m, p)));
	MUST(p->type.n > 0 && p->subtype.n > 0);
	if (parent != NULL)
		MUST(p->header >= parent->body && p->end <= parent->end);
	if (p->is_message)
		MUST(p->children != NULL && p->children->next == NULL &&
		    p->children->header == p->body &&
		    p->children->end == p->end);
	MUST(p->is_message || p->is_multipart || p->children == NULL);
	for (const struct part *c = p->children; c != NULL; c = c->next) {
		MUST(c->header >= at);
		at = c->end;
		count += part_check(m, c, p, depth + 1);
	}
	str_clear(&s);
	part_text(&s, m, p, 500);
	MUST(utf8_is(span_of(&s)) && s.len <= 3 * 500);
	str_free(&s);
	return count;
}

/* By its numbers every part is found. */
static void path_check(const struct mime *m)
{
	unsigned path[4] = {1, 1, 1, 1};

	MUST(part_find(m, path, 0) == m->root);
	for (path[0] = 0; path[0] < 4; path[0]++)
		for (path[1] = 0; path[1] < 4; path[1]++)
			for (size_t depth = 1; depth <= 4; depth++) {
				const struct part *p = part_find(m, path, depth);
				MUST(path[0] > 0 || p == NULL);
				if (p != NULL)
					must_be_within(m->text,
					    part_body(m, p));
			}
}

static void message(struct span text)
{
	struct mime m;
	struct str s = {0};
	size_t characters = 0;

	mime_begin(&m, text);
	MUST(m.root->header == 0 && m.root->end == text.n);
	MUST(part_check(&m, m.root, NULL, 0) == m.parts);
	MUST(m.parts <= MIME_PARTS_MAX);
	path_check(&m);
	structure_envelope(&s, part_header(&m, m.root));
	must_be_lists(&s);
	for (int extended = 0; extended < 2; extended++) {
		str_clear(&s);
		structure_body(&s, &m, extended);
		must_be_lists(&s);
	}
	str_clear(&s);
	structure_preview(&s, &m);
	MUST(utf8_is(span_of(&s)) && memchr(s.p, '\0', s.len) == NULL);
	for (size_t i = 0; i < s.len; i++)
		characters += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	MUST(characters <= 201); /* and the `>` of what was quoted */
	mime_end(&m);
	str_free(&s);
}

static void header(struct span text)
{
	struct span rest = text, before = rest;
	struct field f, found;
	struct str s = {0};
	char name[300];

	while (header_next(&rest, &f)) {
		MUST(rest.n < before.n && rest.p + rest.n == text.p + text.n);
		before = rest;
		must_be_within(text, f.whole);
		must_be_within(f.whole, f.name);
		must_be_within(f.whole, f.value);
		MUST(f.name.n > 0 && f.name.p == f.whole.p);
		str_clear(&s);
		field_unfold(&s, f.value);
		MUST(s.len <= f.value.n && memchr(s.p, '\n', s.len) == NULL);
		if (f.name.n < sizeof name &&
		    memchr(f.name.p, '\0', f.name.n) == NULL) {
			memcpy(name, f.name.p, f.name.n);
			name[f.name.n] = '\0';
			MUST(field_is(&f, name));
			MUST(header_find(text, name, &found) &&
			    found.whole.p <= f.whole.p);
			MUST(field_is(&found, name));
		}
	}
	MUST(!header_next(&rest, &f));
	str_free(&s);
}

static void addresses(struct span text)
{
	struct mail_address a = {0};
	size_t left = text.n + 1;
	bool in_group = false;

	while (addresses_next(&text, &a)) {
		MUST(text.n < left || (text.n == 0 && in_group));
		left = text.n;
		if (a.has_mailbox && !a.has_host) {
			MUST(!in_group);
			in_group = true;
		} else if (!a.has_mailbox) {
			MUST(in_group && !a.has_name && !a.has_host);
			in_group = false;
		} else {
			MUST(a.host.len > 0 && a.mailbox.len > 0);
		}
	}
	MUST(!in_group && text.n == 0);
	addresses_free(&a);
}

static void parameters(struct span text)
{
	struct parameters p;
	struct str s = {0};

	p.text = (struct str){0};
	parameters_read(&p, text);
	MUST(p.count <= PARAMETERS_MAX);
	for (size_t i = 0; i < p.count; i++)
		MUST(p.all[i].name + p.all[i].name_n <= p.text.len &&
		    p.all[i].value + p.all[i].value_n <= p.text.len &&
		    p.all[i].name_n > 0);
	parameters_free(&p);
	str_clear(&s);
	if (parameter_find(&s, text, "name"))
		MUST(utf8_is(span_of(&s)));
	str_free(&s);
}

static void dates(struct span text)
{
	char again[DATE_TIME_SIZE];
	int64_t seconds, same;
	int zone = 0;

	if (date_read(text, &seconds, &zone)) {
		MUST(zone >= -24 * 60 - 59 && zone <= 24 * 60 + 59);
		date_time_write(again, seconds);
	}
	if (date_time_read(text, &seconds)) {
		date_time_write(again, seconds);
		MUST(strlen(again) == DATE_TIME_SIZE - 1);
		struct span s = {again, strlen(again)};
		/* a zone may lead out of the years that have four digits */
		MUST(date_time_read(s, &same));
		MUST(same == seconds || same - seconds < 90000);
		MUST(date_read(s, &same, &zone));
	}
	date_day_read(text, &seconds);
}

/* Its first line names the charset. */
static void charsets(struct span text)
{
	const char *lf = memchr(text.p, '\n', text.n);
	char name[80] = "";
	struct str s = {0}, folded = {0};

	if (lf == NULL || (size_t)(lf - text.p) >= sizeof name)
		return;
	memcpy(name, text.p, (size_t)(lf - text.p));
	span_skip(&text, (size_t)(lf - text.p) + 1);
	str_clear(&s);
	MUST(charset_convert(&s, name, text) == charset_known(name));
	MUST(utf8_is(span_of(&s)));
	str_clear(&folded);
	charset_fold(&folded, span_of(&s));
	MUST(utf8_is(span_of(&folded)));
	charset_fold(&folded, text);
	str_free(&s);
	str_free(&folded);
}

static void decoders(struct span text)
{
	struct str s = {0};

	for (int e = ENCODING_NONE; e <= ENCODING_UNKNOWN; e++) {
		str_clear(&s);
		decode(&s, (enum encoding)e, text);
		MUST(s.len <= text.n);
	}
	encoding_find(text);
	str_clear(&s);
	words_decode(&s, text);
	MUST(utf8_is(span_of(&s)) && s.len <= 3 * text.n);
	str_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const all[])(struct span) = {
		message, header, addresses, parameters, dates, charsets,
		decoders,
	};
	struct str loaded = {0};
	size_t n = size > 0 ? size - 1 : 0;
	char *copy = malloc(n + (n == 0)); /* of exactly its length */

	MUST(copy != NULL);
	if (size == 0) {
		free(copy);
		return 0;
	}
	memcpy(copy, data + 1, n);
	if (data[0] % 8 == 7) {
		message((struct span){copy, n}); /* with LF alone */
	} else if (data[0] % 8 == 0) {
		lines_load(&loaded, (struct span){copy, n});
		char *exact = malloc(loaded.len + 1);
		MUST(exact != NULL);
		memcpy(exact, loaded.p, loaded.len);
		message((struct span){exact, loaded.len});
		free(exact);
		str_free(&loaded);
	} else {
		all[data[0] % 8]((struct span){copy, n});
	}
	free(copy);
	return 0;
}
