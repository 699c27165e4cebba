#include "structure.h"

#include <string.h>
#include <strings.h>

#include "addresses.h"
#include "header.h"
#include "parameters.h"

#define TEXTS_MAX (4u << 20) /* of a message's fields in an answer: from there
                                on they are NIL; real ones have under 100,000 */
#define NAME_MAX 255         /* a type's, an encoding's, a language's octets */

/* What is written, and how long it may become. */
struct writer {
	struct str *to;
	size_t end;
};

static struct writer writer_begin(struct str *to)
{
	return (struct writer){to, to->len + TEXTS_MAX};
}

static void put(struct writer *w, const char *text)
{
	str_add(w->to, text, strlen(text));
}

static bool has_room(const struct writer *w, size_t n)
{
	return w->to->len < w->end && n < w->end - w->to->len;
}

static void number_put(struct str *to, size_t n)
{
	char digits[24];
	size_t i = sizeof digits;

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	str_add(to, digits + i, sizeof digits - i);
}

static void literal_put(struct str *to, struct span s)
{
	size_t nuls = 0;

	for (size_t i = 0; i < s.n; i++)
		nuls += s.p[i] == '\0';
	str_add(to, "{", 1);
	number_put(to, s.n - nuls);
	str_add(to, "}\r\n", 3);
	while (s.n > 0) {
		const char *nul = memchr(s.p, '\0', s.n);
		size_t n = nul != NULL ? (size_t)(nul - s.p) : s.n;
		str_add(to, s.p, n);
		span_skip(&s, n + (nul != NULL));
	}
}

/* With a `\` before what needs it, and without NULs. */
static void escaped_put(struct str *to, struct span s)
{
	size_t from = 0;

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
}

void structure_string(struct str *to, struct span s)
{
	bool literal = false, special = false;

	if (s.p == NULL) {
		str_add(to, "NIL", 3);
		return;
	}
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		literal |= (c >= 0x80) | (c == '\r') | (c == '\n');
		special |= (c == '"') | (c == '\\') | (c == '\0');
	}
	if (literal) {
		literal_put(to, s);
		return;
	}
	str_add(to, "\"", 1);
	if (special)
		escaped_put(to, s);
	else
		str_add(to, s.p, s.n);
	str_add(to, "\"", 1);
}

static void string_put(struct writer *w, bool has, const struct str *s)
{
	struct span span = {s->len > 0 ? s->p : "", s->len};

	if (!has || !has_room(w, s->len))
		span.p = NULL;
	structure_string(w->to, span);
}

/* Blanks made one: what clients show, and what Dovecot says. */
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

/* A field's; p == NULL: there is none. */
static void value_put(struct writer *w, struct span value)
{
	char room[1024];
	struct str s = STR_ROOM(room);

	if (value.p != NULL && has_room(w, value.n)) {
		field_unfold(&s, value);
		blanks_join(&s);
		string_put(w, true, &s);
	} else {
		put(w, "NIL");
	}
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
	struct span first; /* all of its lines */
	struct span last;  /* its value */
	size_t count;
};

/* Of one field; `any`: the list has begun. */
static bool addresses_put(struct writer *w, struct span value,
    struct mail_address *a, bool any)
{
	if (value.n > TEXTS_MAX)
		value.n = TEXTS_MAX;
	a->in_group = false;
	while (has_room(w, 0) && addresses_next(&value, a)) {
		put(w, any ? "(" : "((");
		any = true;
		string_put(w, a->has_name, &a->name);
		put(w, " ");
		string_put(w, a->has_route, &a->route);
		put(w, " ");
		string_put(w, a->has_mailbox, &a->mailbox);
		put(w, " ");
		string_put(w, a->has_host, &a->host);
		put(w, ")");
	}
	return any;
}

/*
 * All the fields of that name are one list: who looks at the first alone, and who
 * looks at the last, would be shown different senders.
 */
static bool list_put(struct writer *w, const struct values *v,
    const char *const *name, struct mail_address *a)
{
	struct span rest = v->first;
	struct field f;
	bool any = false;

	if (v->count == 1)
		any = addresses_put(w, v->last, a, false);
	if (v->count > 1)
		rest.n = (size_t)(v->last.p + v->last.n - rest.p);
	while (v->count > 1 && header_next_of(&rest, name, 1, &f) == 0)
		any = addresses_put(w, f.value, a, any);
	if (any)
		put(w, ")");
	return any;
}

static void values_read(struct values values[FIELDS], struct span header)
{
	struct field f;
	int i;

	while ((i = header_next_of(&header, names, FIELDS, &f)) >= 0) {
		if (values[i].count++ == 0)
			values[i].first = f.whole;
		values[i].last = f.value;
	}
}

/* Sender and Reply-To without an address are as From (RFC 3501 7.4.2). */
static void lists_put(struct writer *w, const struct values v[FIELDS],
    struct mail_address *a)
{
	struct str from = {0};

	for (size_t i = FROM; i <= BCC; i++) {
		size_t at = w->to->len + 1;
		put(w, " ");
		bool any = list_put(w, &v[i], &names[i], a);
		if (i == FROM && any)
			str_add(&from, w->to->p + at, w->to->len - at);
		else if ((i == SENDER || i == REPLY_TO) && !any &&
		    from.len > 0 && has_room(w, from.len))
			str_add(w->to, from.p, from.len);
		else if (!any)
			put(w, "NIL");
	}
	str_free(&from);
}

static void envelope_put(struct writer *w, struct span header)
{
	struct values v[FIELDS] = {0};
	char name[256], route[64], mailbox[128], host[128];
	struct mail_address a = {.name = STR_ROOM(name),
	    .route = STR_ROOM(route), .mailbox = STR_ROOM(mailbox),
	    .host = STR_ROOM(host)};

	values_read(v, header);
	put(w, "(");
	value_put(w, v[DATE].last);
	put(w, " ");
	value_put(w, v[SUBJECT].last);
	lists_put(w, v, &a);
	put(w, " ");
	value_put(w, v[IN_REPLY_TO].last);
	put(w, " ");
	value_put(w, v[MESSAGE_ID].last);
	put(w, ")");
	addresses_free(&a);
}

void structure_envelope(struct str *to, struct span header)
{
	struct writer w = writer_begin(to);

	envelope_put(&w, header);
}

/* BODY and BODYSTRUCTURE */

enum {
	ID, DESCRIPTION, ENCODING, MD5, DISPOSITION, LANGUAGE, LOCATION,
	CONTENT_FIELDS
};

static const char *const content_names[CONTENT_FIELDS] = {
	"Content-ID", "Content-Description", "Content-Transfer-Encoding",
	"Content-MD5", "Content-Disposition", "Content-Language",
	"Content-Location",
};

/* The first of each, as with Content-Type. */
static void content_read(struct span values[CONTENT_FIELDS],
    struct span header)
{
	struct field f;
	int i;

	while ((i = header_next_of(&header, content_names, CONTENT_FIELDS,
	    &f)) >= 0)
		if (values[i].p == NULL)
			values[i] = f.value;
}

static bool token_is(struct span token, const char *text)
{
	return token.n == strlen(text) &&
	    strncasecmp(token.p, text, token.n) == 0;
}

static void parameters_put(struct writer *w, struct span list, bool is_text)
{
	char room[512];
	struct parameters p;
	bool any = false;

	p.text = (struct str)STR_ROOM(room);
	p.count = 0;
	if (list.n > 0)
		parameters_read(&p, list);
	for (size_t i = 0; i < p.count; i++) {
		const struct parameter_at *at = &p.all[i];
		struct span name = {p.text.p + at->name, at->name_n};
		struct span value = {p.text.p + at->value, at->value_n};
		if (!has_room(w, name.n + value.n))
			break;
		put(w, any ? " " : "(");
		any = true;
		is_text = is_text && !token_is(name, "charset");
		structure_string(w->to, name);
		put(w, " ");
		structure_string(w->to, value);
	}
	if (is_text) { /* RFC 2045 5.2 */
		put(w, any ? " " : "(");
		any = true;
		put(w, "\"charset\" \"us-ascii\"");
	}
	put(w, any ? ")" : "NIL");
	parameters_free(&p);
}

static void disposition_put(struct writer *w, struct span value)
{
	struct span type;

	if (value.p == NULL) {
		put(w, "NIL");
		return;
	}
	type = token_next(&value); /* if it is none, a file name may follow */
	if (type.n > NAME_MAX)
		type.n = 0;
	put(w, "(");
	structure_string(w->to, type);
	put(w, " ");
	parameters_put(w, value, false);
	put(w, ")");
}

/* RFC 3282; whatever is between two tags divides them. */
static void language_put(struct writer *w, struct span rest)
{
	bool any = false;

	while (rest.n > 0 && has_room(w, 0)) {
		struct span tag = token_next(&rest);
		if (tag.n > 0 && tag.n <= NAME_MAX) {
			put(w, any ? " " : "(");
			structure_string(w->to, tag);
			any = true;
		} else if (rest.n > 0) {
			span_skip(&rest, 1);
		}
	}
	put(w, any ? ")" : "NIL");
}

static void extension_put(struct writer *w,
    const struct span values[CONTENT_FIELDS])
{
	put(w, " ");
	disposition_put(w, values[DISPOSITION]);
	put(w, " ");
	language_put(w, values[LANGUAGE]);
	put(w, " ");
	value_put(w, values[LOCATION]);
}

static void encoding_put(struct writer *w, struct span value)
{
	struct span token = {0};

	if (value.p != NULL) {
		token = token_next(&value);
		comments_skip(&value);
	}
	if (token.n == 0 || token.n > NAME_MAX ||
	    (value.n > 0 && *value.p != ';')) /* as encoding_find() has it */
		put(w, "\"7bit\"");
	else
		structure_string(w->to, token);
}

static void part_put(struct writer *, const struct mime *,
    const struct part *, bool extended);

static void leaf_put(struct writer *w, const struct mime *m,
    const struct part *p, const struct span values[CONTENT_FIELDS],
    bool extended)
{
	bool is_text = token_is(p->type, "text");

	structure_string(w->to, p->type);
	put(w, " ");
	structure_string(w->to, p->subtype);
	put(w, " ");
	parameters_put(w, p->parameters, is_text);
	put(w, " ");
	value_put(w, values[ID]);
	put(w, " ");
	value_put(w, values[DESCRIPTION]);
	put(w, " ");
	encoding_put(w, values[ENCODING]);
	put(w, " ");
	number_put(w->to, p->end - p->body);
	if (p->is_message) {
		put(w, " ");
		envelope_put(w, part_header(m, p->children));
		put(w, " ");
		part_put(w, m, p->children, extended);
	}
	if (p->is_message || is_text) {
		put(w, " ");
		number_put(w->to, p->lines);
	}
	if (extended) {
		put(w, " ");
		value_put(w, values[MD5]);
		extension_put(w, values);
	}
}

/* The grammar wants a part in each multipart. */
#define NO_PARTS "(\"text\" \"plain\" (\"charset\" \"us-ascii\") " \
	"NIL NIL \"7bit\" 0 0"

/* Not deeper than MIME_DEPTH_MAX. */
static void part_put(struct writer *w, const struct mime *m,
    const struct part *p, bool extended)
{
	struct span values[CONTENT_FIELDS] = {0};

	if (p->is_mime)
		content_read(values, part_header(m, p));
	put(w, "(");
	if (!p->is_multipart) {
		leaf_put(w, m, p, values, extended);
	} else {
		for (const struct part *c = p->children; c; c = c->next)
			part_put(w, m, c, extended);
		if (p->children == NULL)
			put(w, extended ? NO_PARTS " NIL NIL NIL NIL)" :
			    NO_PARTS ")");
		put(w, " ");
		structure_string(w->to, p->subtype);
	}
	if (p->is_multipart && extended) {
		put(w, " ");
		parameters_put(w, p->parameters, false);
		extension_put(w, values);
	}
	put(w, ")");
}

void structure_body(struct str *to, const struct mime *m, bool extended)
{
	struct writer w = writer_begin(to);

	part_put(&w, m, m->root, extended);
}
