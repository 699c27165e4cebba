#include "structure.h"

#include <string.h>
#include <strings.h>

#include "addresses.h"
#include "header.h"
#include "words.h"

static void number_add(struct str *to, size_t n)
{
	char digits[24];
	size_t i = sizeof digits;

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	str_add(to, digits + i, sizeof digits - i);
}

static void literal_add(struct str *to, struct span s)
{
	size_t nuls = 0;

	for (size_t i = 0; i < s.n; i++)
		nuls += s.p[i] == '\0';
	str_add(to, "{", 1);
	number_add(to, s.n - nuls);
	str_add(to, "}\r\n", 3);
	while (s.n > 0) {
		const char *nul = memchr(s.p, '\0', s.n);
		size_t n = nul != NULL ? (size_t)(nul - s.p) : s.n;
		str_add(to, s.p, n);
		n += nul != NULL;
		s.p += n;
		s.n -= n;
	}
}

void structure_string(struct str *to, struct span s)
{
	size_t from = 0;

	if (s.p == NULL) {
		str_add(to, "NIL", 3);
		return;
	}
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\r' || s.p[i] == '\n' ||
		    (unsigned char)s.p[i] >= 0x80) {
			literal_add(to, s);
			return;
		}
	str_add(to, "\"", 1);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c != '"' && c != '\\' && c != '\0')
			continue;
		str_add(to, s.p + from, i - from);
		if (c != '\0')
			str_add(to, "\\", 1);
		from = c != '\0' ? i : i + 1;
	}
	str_add(to, s.p + from, s.n - from);
	str_add(to, "\"", 1);
}

static void string_add(struct str *to, bool has, const struct str *s)
{
	structure_string(to, (struct span){has ? s->len > 0 ? s->p : "" : NULL,
	    s->len});
}

/* Blanks made one: nobody's answer but Dovecot's, yet what clients show. */
static void blanks_join(struct str *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->len; i++) {
		bool blank = s->p[i] == ' ' || s->p[i] == '\t' ||
		    s->p[i] == '\r';
		if (!blank || (n > 0 && s->p[n - 1] != ' '))
			s->p[n++] = blank ? ' ' : s->p[i];
	}
	s->len = n;
}

static void value_add(struct str *to, bool has, struct span value)
{
	char room[1024];
	struct str s = STR_ROOM(room);

	if (has)
		field_unfold(&s, value);
	blanks_join(&s);
	string_add(to, has, &s);
	str_free(&s);
}

/* ENVELOPE */

enum {
	DATE, SUBJECT, FROM, SENDER, REPLY_TO, TO, CC, BCC, IN_REPLY_TO,
	MESSAGE_ID, FIELDS
};

static const char *const names[FIELDS] = {
	"Date", "Subject", "From", "Sender", "Reply-To", "To", "Cc", "Bcc",
	"In-Reply-To", "Message-ID",
};

/* A field may be there more than once. */
struct values {
	struct span first, last;
	size_t count;
};

/* Of one field, among what is before the last of them. */
static bool addresses_add(struct str *to, struct span value, bool any)
{
	struct mail_address a = {0};

	while (addresses_next(&value, &a)) {
		str_add(to, "((", any ? 1 : 2);
		any = true;
		string_add(to, a.has_name, &a.name);
		str_add(to, " ", 1);
		string_add(to, a.has_route, &a.route);
		str_add(to, " ", 1);
		string_add(to, a.has_mailbox, &a.mailbox);
		str_add(to, " ", 1);
		string_add(to, a.has_host, &a.host);
		str_add(to, ")", 1);
	}
	addresses_free(&a);
	return any;
}

/*
 * All the fields of that name are one list: whoever looks at the first alone and
 * who looks at the last would be shown different senders.
 */
static bool list_add(struct str *to, const struct values *v, const char *name)
{
	struct span rest = v->first;
	struct field f;
	bool any = false;

	if (v->count == 1)
		any = addresses_add(to, v->last, false);
	rest.n = v->count > 0 ? (size_t)(v->last.p + v->last.n - rest.p) : 0;
	while (v->count > 1 && header_next(&rest, &f))
		if (field_is(&f, name))
			any = addresses_add(to, f.value, any);
	if (any)
		str_add(to, ")", 1);
	return any;
}

void structure_envelope(struct str *to, struct span header)
{
	struct values values[FIELDS] = {0};
	struct field f;

	while (header_next(&header, &f))
		for (size_t i = 0; i < FIELDS; i++) {
			if ((f.name.p[0] | 0x20) != (names[i][0] | 0x20) ||
			    !field_is(&f, names[i]))
				continue;
			if (values[i].count++ == 0)
				values[i].first = f.whole;
			values[i].last = f.value;
		}
	for (size_t i = 0; i < FIELDS; i++) {
		str_add(to, i == 0 ? "(" : " ", 1);
		if (i < FROM || i > BCC)
			value_add(to, values[i].count > 0, values[i].last);
		else if (!list_add(to, &values[i], names[i]) &&
		    ((i != SENDER && i != REPLY_TO) ||
		    !list_add(to, &values[FROM], names[FROM])))
			str_add(to, "NIL", 3);
	}
	str_add(to, ")", 1);
}

/* BODY and BODYSTRUCTURE */

static void parameters_add(struct str *to, struct span list, bool is_text)
{
	struct parameter p = {0};
	bool any = false, charset = false;

	while (parameter_next(&list, &p)) {
		str_add(to, any ? " " : "(", 1);
		any = true;
		charset = charset || (p.name.n == 7 &&
		    strncasecmp(p.name.p, "charset", 7) == 0);
		structure_string(to, p.name);
		str_add(to, " ", 1);
		string_add(to, true, &p.value);
	}
	if (is_text && !charset) {
		str_add(to, any ? " " : "(", 1);
		any = true;
		str_puts(to, "\"charset\" \"us-ascii\"");
	}
	str_puts(to, any ? ")" : "NIL");
	str_free(&p.value);
}

struct fields {
	struct field id, description, encoding, md5, disposition, language,
	    location;
	bool has_id, has_description, has_encoding, has_md5, has_disposition,
	    has_language, has_location;
};

static void fields_read(struct fields *fields, struct span header)
{
	struct {
		const char *name;
		struct field *field;
		bool *has;
	} all[] = {
		{"Content-ID", &fields->id, &fields->has_id},
		{"Content-Description", &fields->description,
		    &fields->has_description},
		{"Content-Transfer-Encoding", &fields->encoding,
		    &fields->has_encoding},
		{"Content-MD5", &fields->md5, &fields->has_md5},
		{"Content-Disposition", &fields->disposition,
		    &fields->has_disposition},
		{"Content-Language", &fields->language, &fields->has_language},
		{"Content-Location", &fields->location, &fields->has_location},
	};
	struct field f;

	*fields = (struct fields){0};
	while (header_next(&header, &f)) {
		if ((f.name.p[0] | 0x20) != 'c')
			continue;
		for (size_t i = 0; i < sizeof all / sizeof *all; i++)
			if (!*all[i].has && field_is(&f, all[i].name)) {
				*all[i].field = f;
				*all[i].has = true;
			}
	}
}

static void disposition_add(struct str *to, const struct fields *f)
{
	struct span value = f->disposition.value, token;

	if (!f->has_disposition) {
		str_add(to, "NIL", 3);
		return;
	}
	token = token_next(&value);
	str_add(to, "(", 1);
	structure_string(to, token);
	str_add(to, " ", 1);
	parameters_add(to, value, false);
	str_add(to, ")", 1);
}

static void language_add(struct str *to, const struct fields *f)
{
	struct span rest = f->language.value, token;
	bool any = false;

	while (f->has_language && rest.n > 0) {
		token = token_next(&rest);
		if (token.n > 0) {
			str_add(to, any ? " " : "(", 1);
			structure_string(to, token);
			any = true;
		} else if (rest.n > 0) {
			rest.p++;
			rest.n--;
		}
	}
	str_puts(to, any ? ")" : "NIL");
}

static void extension_add(struct str *to, const struct fields *f)
{
	str_add(to, " ", 1);
	disposition_add(to, f);
	str_add(to, " ", 1);
	language_add(to, f);
	str_add(to, " ", 1);
	value_add(to, f->has_location, f->location.value);
}

static void encoding_add(struct str *to, const struct fields *f)
{
	struct span value = f->encoding.value, token = {0};

	if (f->has_encoding)
		token = token_next(&value);
	comments_skip(&value);
	if (value.n > 0 && *value.p != ';')
		token.n = 0; /* as encoding_find() takes it */
	structure_string(to, token.n > 0 ? token : (struct span){"7bit", 4});
}

#define NO_PARTS "(\"text\" \"plain\" (\"charset\" \"us-ascii\") " \
	"NIL NIL \"7bit\" 0 0"

static void part_add(struct str *, const struct mime *, const struct part *,
    bool extended);

static void leaf_add(struct str *to, const struct mime *m,
    const struct part *p, const struct fields *f, bool extended)
{
	bool is_text = p->type.n == 4 && strncasecmp(p->type.p, "text", 4) == 0;

	structure_string(to, p->type);
	str_add(to, " ", 1);
	structure_string(to, p->subtype);
	str_add(to, " ", 1);
	parameters_add(to, p->parameters, is_text);
	str_add(to, " ", 1);
	value_add(to, f->has_id, f->id.value);
	str_add(to, " ", 1);
	value_add(to, f->has_description, f->description.value);
	str_add(to, " ", 1);
	encoding_add(to, f);
	str_add(to, " ", 1);
	number_add(to, p->end - p->body);
	if (p->is_message) {
		str_add(to, " ", 1);
		structure_envelope(to, part_header(m, p->children));
		str_add(to, " ", 1);
		part_add(to, m, p->children, extended);
	}
	if (p->is_message || is_text) {
		str_add(to, " ", 1);
		number_add(to, p->lines);
	}
	if (extended) {
		str_add(to, " ", 1);
		value_add(to, f->has_md5, f->md5.value);
		extension_add(to, f);
	}
}

/* Not deeper than MIME_DEPTH_MAX. */
static void part_add(struct str *to, const struct mime *m,
    const struct part *p, bool extended)
{
	struct fields f;

	fields_read(&f, p->is_mime ? part_header(m, p) : (struct span){0});
	str_add(to, "(", 1);
	if (p->is_multipart) {
		for (const struct part *c = p->children; c; c = c->next)
			part_add(to, m, c, extended);
		if (p->children == NULL) /* the grammar wants one */
			str_puts(to, extended ? NO_PARTS " NIL NIL NIL NIL)" :
			    NO_PARTS ")");
		str_add(to, " ", 1);
		structure_string(to, p->subtype);
		if (extended) {
			str_add(to, " ", 1);
			parameters_add(to, p->parameters, false);
			extension_add(to, &f);
		}
	} else {
		leaf_add(to, m, p, &f, extended);
	}
	str_add(to, ")", 1);
}

void structure_body(struct str *to, const struct mime *m, bool extended)
{
	part_add(to, m, m->root, extended);
}

void structure_preview(struct str *to, const struct mime *m)
{
	const struct part *p = m->root;

	while (p->children != NULL)
		p = p->children;
	part_text(to, m, p, 200);
}
