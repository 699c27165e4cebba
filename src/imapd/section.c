#include "section.h"

#include <stdio.h>
#include <string.h>

#include "header.h"

#define DIGITS "0123456789"
#define FIELD_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
    DIGITS "!#$&'+-./;<=>?@^_`|~"

/* Reading */

/* nz-number: no zero in front (RFC 3501 9). */
static uint64_t number_above_0(struct input *in, uint64_t max)
{
	if (input_peek(in) == '0')
		input_fault(in, "a number from 1 is wanted");
	return input_number(in, max);
}

/* "1.2.3", and the dot before a word. True: the word comes. */
static bool path_read(struct section *s, struct input *in)
{
	do {
		char c = input_peek(in);
		if (c < '0' || c > '9')
			return true;
		if (s->depth == SECTION_PATH_MAX)
			input_fault(in, "no message has parts so deep");
		s->path = pool_grow(&in->pool, s->path, s->depth,
		    sizeof *s->path);
		s->path[s->depth++] = (unsigned)number_above_0(in, UINT32_MAX);
	} while (input_try(in, '.'));
	return false;
}

static void fields_read(struct section *s, struct input *in)
{
	input_space(in);
	input_expect(in, '(');
	do {
		if (s->fields_count == SECTION_FIELDS_MAX)
			input_fault(in, "too many field names");
		s->fields = pool_grow(&in->pool, s->fields, s->fields_count,
		    sizeof *s->fields);
		char *name = input_astring(in);
		/* They stand in the answer, in quotes at most. */
		for (const char *p = name; *p != '\0'; p++)
			if (*p < ' ' || *p == 0x7f)
				input_fault(in, "no field has such a name");
		s->fields[s->fields_count++] = name;
	} while (in->fault == NULL && input_try(in, ' '));
	input_expect(in, ')');
}

static void what_read(struct section *s, struct input *in)
{
	if (input_word(in, "HEADER"))
		s->what = SECTION_HEADER;
	else if (input_word(in, "TEXT"))
		s->what = SECTION_TEXT;
	else if (s->depth > 0 && input_word(in, "MIME"))
		s->what = SECTION_MIME;
	else if (input_word(in, "HEADER.FIELDS"))
		s->what = SECTION_FIELDS;
	else if (input_word(in, "HEADER.FIELDS.NOT"))
		s->what = SECTION_FIELDS_NOT;
	else
		input_fault(in, "unknown section");
	if (s->what == SECTION_FIELDS || s->what == SECTION_FIELDS_NOT)
		fields_read(s, in);
}

/* RFC 9051 9 has 63 bits, RFC 3501 9 has 32. */
static void partial_read(struct section *s, struct input *in)
{
	s->partial = true;
	s->offset = input_number(in, INT64_MAX);
	input_expect(in, '.');
	s->length = number_above_0(in, INT64_MAX);
	input_expect(in, '>');
}

static void label_field(struct str *to, const char *name)
{
	if (*name != '\0' && strspn(name, FIELD_LETTERS) == strlen(name)) {
		str_puts(to, name);
		return;
	}
	str_puts(to, "\"");
	for (; *name != '\0'; name++) {
		if (*name == '"' || *name == '\\')
			str_puts(to, "\\");
		str_add(to, name, 1);
	}
	str_puts(to, "\"");
}

static const char *label(const struct section *s, const char *name,
    struct pool *pool)
{
	static const char *const words[] = {
		"", "HEADER", "HEADER.FIELDS (", "HEADER.FIELDS.NOT (", "TEXT",
		"MIME",
	};
	struct str to = {0};
	char *kept;

	str_printf(&to, "%s[", name);
	for (size_t i = 0; i < s->depth; i++)
		str_printf(&to, i > 0 ? ".%u" : "%u", s->path[i]);
	if (s->depth > 0 && s->what != SECTION_ALL)
		str_puts(&to, ".");
	str_puts(&to, words[s->what]);
	for (size_t i = 0; i < s->fields_count; i++) {
		str_puts(&to, i > 0 ? " " : "");
		label_field(&to, s->fields[i]);
	}
	str_puts(&to, s->fields_count > 0 ? ")]" : "]");
	if (s->partial)
		str_printf(&to, "<%llu>", (unsigned long long)s->offset);
	kept = pool_copy(pool, to.p);
	str_free(&to);
	return kept;
}

void section_read(struct section *s, struct input *in, const char *name,
    enum section_coding coding)
{
	*s = (struct section){.coding = coding};
	input_expect(in, '[');
	if (path_read(s, in) && (s->depth > 0 || input_peek(in) != ']')) {
		if (coding == SECTION_AS_IS)
			what_read(s, in);
		else
			input_fault(in, "only a part's number goes there");
	}
	input_expect(in, ']');
	if (coding != SECTION_SIZE && input_try(in, '<'))
		partial_read(s, in);
	if (in->fault == NULL)
		s->label = label(s, name, &in->pool);
}

bool section_is_header(const struct section *s)
{
	return s->depth == 0 && (s->what == SECTION_HEADER ||
	    s->what == SECTION_FIELDS || s->what == SECTION_FIELDS_NOT);
}

/* Finding */

/* Behind the empty line that ends the header; the end, where none is. */
static size_t header_length(struct span text)
{
	const char *p = text.p, *end = p + text.n;

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			return text.n;
		if (lf == p || (lf == p + 1 && *p == '\r'))
			return (size_t)(lf + 1 - text.p);
		p = lf + 1;
	}
	return text.n;
}

static bool is_named(const struct section *s, const struct field *f)
{
	for (size_t i = 0; i < s->fields_count; i++)
		if (field_is(f, s->fields[i]))
			return true;
	return false;
}

/* With the empty line, where the header has one: RFC 3501 6.4.5. */
static struct span fields_pick(const struct section *s, struct span header,
    struct str *room)
{
	struct span rest = header;
	struct field f;

	str_clear(room);
	while (header_next(&rest, &f))
		if (is_named(s, &f) == (s->what == SECTION_FIELDS))
			str_add(room, f.whole.p, f.whole.n);
	str_add(room, rest.p, rest.n);
	return (struct span){room->p, room->len};
}

/* header and body of a message: of the mail itself, or of one in a part. */
static enum section_result message_piece(struct section_answer *a,
    const struct section *s, struct span header, struct span body)
{
	a->piece = s->what == SECTION_TEXT ? body : header;
	if (s->what != SECTION_FIELDS && s->what != SECTION_FIELDS_NOT)
		return SECTION_FOUND;
	if (header.n >= STR_MAX)
		return SECTION_TOO_LARGE;
	a->piece = fields_pick(s, header, &a->room);
	return SECTION_FOUND;
}

/* What is known of the message that was asked for last. */
static struct {
	SELDOM struct section_message of;
	bool parsed;
	struct mime mime;
	const struct part *decoded; /* this part is in octets */
	struct str octets;
} kept;

void section_forget(void)
{
	if (!kept.parsed)
		return;
	mime_end(&kept.mime);
	kept.parsed = false;
	kept.decoded = NULL;
	str_free(&kept.octets);
}

/* Its octets never change, but they may be elsewhere now. */
static void message_parse(const struct section_message *m)
{
	if (kept.parsed && kept.of.uid == m->uid &&
	    kept.of.uidvalidity == m->uidvalidity &&
	    kept.of.text.p == m->text.p && kept.of.text.n == m->text.n)
		return;
	section_forget();
	kept.of = *m;
	mime_begin(&kept.mime, m->text);
	kept.parsed = true;
}

/*
 * Decoding is for what a Content-Transfer-Encoding is for: multiparts and
 * messages have none (RFC 2045 6.4), nor has the mail as a whole.
 */
static enum section_result part_decode(const struct part *part,
    struct section_answer *a)
{
	if (part->is_multipart || part->is_message ||
	    part->encoding == ENCODING_NONE)
		return SECTION_FOUND;
	if (part->encoding == ENCODING_UNKNOWN)
		return SECTION_UNKNOWN_CTE;
	if (kept.decoded == part) {
		a->piece = (struct span){kept.octets.p, kept.octets.len};
		return SECTION_FOUND;
	}
	if (a->piece.n >= STR_MAX)
		return SECTION_TOO_LARGE;
	str_clear(&a->room);
	decode(&a->room, part->encoding, a->piece);
	a->piece = (struct span){a->room.p, a->room.len};
	a->decoded = part;
	return SECTION_FOUND;
}

static enum section_result part_piece(struct section_answer *a,
    const struct section *s, const struct section_message *m)
{
	const struct mime *mime = &kept.mime;
	const struct part *part = NULL;

	message_parse(m);
	if (s->depth <= MIME_DEPTH_MAX)
		part = part_find(mime, s->path, s->depth);
	if (part == NULL)
		return SECTION_NONE;
	if (s->what == SECTION_ALL) {
		a->piece = part_body(mime, part);
		return s->coding == SECTION_AS_IS ? SECTION_FOUND :
		    part_decode(part, a);
	}
	if (s->what == SECTION_MIME) {
		a->piece = part_header(mime, part);
		return SECTION_FOUND;
	}
	if (!part->is_message || part->children == NULL)
		return SECTION_NONE;
	return message_piece(a, s, part_header(mime, part->children),
	    part_body(mime, part->children));
}

static void partial_cut(const struct section *s, struct span *piece)
{
	if (s->offset >= piece->n) {
		piece->n = 0;
	} else {
		piece->p += s->offset;
		piece->n -= (size_t)s->offset;
	}
	if (s->length < piece->n)
		piece->n = (size_t)s->length;
}

void section_find(struct section_answer *a, const struct section *s,
    const struct section_message *m)
{
	struct span all = m->text;
	size_t n;

	a->decoded = NULL;
	a->result = SECTION_FOUND;
	if (s->depth > 0) {
		a->result = part_piece(a, s, m);
	} else if (s->what == SECTION_ALL) {
		a->piece = all;
	} else {
		n = header_length(all);
		a->result = message_piece(a, s, (struct span){all.p, n},
		    (struct span){all.p + n, all.n - n});
	}
	if (a->result == SECTION_FOUND && s->partial)
		partial_cut(s, &a->piece);
}

void section_end(struct section_answer *answers, size_t count)
{
	for (size_t i = 0; i < count; i++) { /* answers may be NULL */
		struct section_answer *a = &answers[i];
		if (a->decoded != NULL && a->decoded != kept.decoded) {
			struct str octets = kept.octets;
			kept.octets = a->room;
			kept.decoded = a->decoded;
			a->room = octets;
		}
		str_free(&a->room);
	}
}
