#include "mime.h"

#include <string.h>
#include <strings.h>

#include "block.h"
#include "charset.h"
#include "header.h"
#include "parameters.h"
#include "utf8.h"

#define BOUNDARY_MAX 200 /* octets that count; RFC 2046 5.1.1 has 70 */
#define TYPE_MAX 255     /* of a type or subtype; RFC 4288 4.2 has 127 */
#define TEXT_MAX (32u << 20) /* octets that part_text() takes: memory's sake */
#define TEXT_ROOM 16384 /* octets; a text that is smaller costs no malloc */
#define TEXT_WIDE_MAX (8u << 20) /* where an octet may become three */

/* The parts whose ends have not come yet, outermost first. */
struct open {
	struct part *part;
	struct part **next;   /* where its next child goes */
	struct span boundary; /* n 0: none, or its end was there */
};

struct parser {
	struct mime *mime;
	const char *text;
	size_t n, at, lines; /* line ends before `at` */
	struct open open[MIME_DEPTH_MAX];
	size_t depth;
	bool bounded; /* one of them has a boundary */
	size_t shortest; /* no boundary is or was shorter */
};

static const struct span text_type = {"text", 4}, plain_type = {"plain", 5},
    message_type = {"message", 7}, rfc822_type = {"rfc822", 6};

static bool span_is(struct span s, const char *text)
{
	return s.n == strlen(text) && strncasecmp(s.p, text, s.n) == 0;
}

/* Moves over a line. */
static void line_skip(struct parser *p)
{
	p->at += line_length(p->text + p->at, p->n - p->at);
	p->lines += p->text[p->at - 1] == '\n';
}

/* The line that begins here, without "--" and its end. */
static struct span boundary_line(const struct parser *p)
{
	struct span line = {p->text + p->at + 2, p->n - p->at - 2};

	line.n = line_length(line.p, line.n);
	if (line.n > 0 && line.p[line.n - 1] == '\n')
		line.n -= line.n > 1 && line.p[line.n - 2] == '\r' ? 2 : 1;
	return line;
}

/*
 * Which open part's boundary the line is; NULL: of none. It is enough that the
 * line begins with it (RFC 2046 5.1.1); the longest wins, then the innermost,
 * so that one may be the prefix of another.
 */
static struct open *boundary_find(struct parser *p, bool *is_end)
{
	struct open *best = NULL;

	if (!p->bounded || p->n - p->at < 2 || p->text[p->at] != '-' ||
	    p->text[p->at + 1] != '-')
		return NULL;
	struct span line = boundary_line(p);
	for (size_t i = line.n < p->shortest ? 0 : p->depth; i-- > 0;) {
		struct span b = p->open[i].boundary;
		if (b.n == 0 || b.n > line.n ||
		    (best != NULL && b.n <= best->boundary.n) ||
		    memcmp(b.p, line.p, b.n) != 0)
			continue;
		best = &p->open[i];
		/* "x--" ends x, though there may be a boundary "x--". */
		if (b.n == line.n || (b.n + 2 == line.n &&
		    memcmp(line.p + b.n, "--", 2) == 0))
			break;
	}
	if (best != NULL)
		*is_end = line.n >= best->boundary.n + 2 &&
		    memcmp(line.p + best->boundary.n, "--", 2) == 0;
	return best;
}

/* Fields of a part's header that say what it is. */
struct said {
	struct span type, encoding;
	bool has_type, has_encoding, has_version;
};

static void field_note(struct said *said, struct span rest)
{
	const char *line = rest.p;
	struct field f;

	if (!header_next(&rest, &f) || f.whole.p != line)
		return;
	if (!said->has_type && field_is(&f, "Content-Type")) {
		said->type = f.value;
		said->has_type = true;
	} else if (!said->has_encoding &&
	    field_is(&f, "Content-Transfer-Encoding")) {
		said->encoding = f.value;
		said->has_encoding = true;
	} else if (field_is(&f, "MIME-Version")) {
		said->has_version = true;
	}
}

/* Moves behind the blank line, or to where a boundary is instead. */
static struct open *header_parse(struct parser *p, struct said *said,
    bool *is_end)
{
	while (p->at < p->n) {
		const char *line = p->text + p->at;
		struct open *o;
		if (*line == '\n' || (*line == '\r' && p->at + 1 < p->n &&
		    line[1] == '\n')) {
			line_skip(p);
			return NULL;
		}
		if (*line == '-' && (o = boundary_find(p, is_end)) != NULL)
			return o;
		if (p->n - p->at > 12 && (line[7] == '-' || line[4] == '-'))
			field_note(said, (struct span){line, p->n - p->at});
		line_skip(p);
	}
	return NULL;
}

static bool type_read(struct part *part, struct span value)
{
	struct span type = token_next(&value), subtype;

	comments_skip(&value);
	if (type.n == 0 || type.n > TYPE_MAX || value.n == 0 ||
	    *value.p != '/')
		return false;
	span_skip(&value, 1);
	subtype = token_next(&value);
	if (subtype.n == 0 || subtype.n > TYPE_MAX)
		return false;
	part->type = type;
	part->subtype = subtype;
	part->parameters = value;
	return true;
}

static bool is_digest(const struct parser *p)
{
	const struct part *parent = p->depth > 0 ?
	    p->open[p->depth - 1].part : NULL;

	return parent != NULL && parent->is_multipart &&
	    span_is(parent->subtype, "digest");
}

static bool boundary_of(struct parser *p, const struct part *part,
    struct span *boundary)
{
	char room[BOUNDARY_MAX];
	struct str s = STR_ROOM(room);
	bool found = parameter_find(&s, part->parameters, "boundary") &&
	    s.len > 0;

	if (found) {
		boundary->n = s.len < BOUNDARY_MAX ? s.len : BOUNDARY_MAX;
		boundary->p = memcpy(pool_take(&p->mime->pool, boundary->n),
		    s.p, boundary->n);
	}
	str_free(&s);
	return found;
}

static void part_is_plain(struct part *part)
{
	part->type = text_type;
	part->subtype = plain_type;
	part->parameters = (struct span){0};
}

static void part_is_said(struct parser *p, struct part *part,
    const struct said *said)
{
	if (!said->has_type || !type_read(part, said->type)) {
		part_is_plain(part);
		if (!said->has_type && is_digest(p)) { /* RFC 2046 5.1.5 */
			part->type = message_type;
			part->subtype = rfc822_type;
		}
	}
	part->is_mime = said->has_type || said->has_version || (p->depth > 0 &&
	    p->open[p->depth - 1].part->is_multipart);
	part->encoding = part->is_mime && said->has_encoding ?
	    encoding_find(said->encoding) : ENCODING_NONE;
}

/*
 * What may hold others is opened, or becomes a leaf: one that is shown, rather
 * than a multipart without parts (so Dovecot), when it has no boundary.
 */
static void part_open(struct parser *p, struct part *part)
{
	struct span boundary = {0};
	bool room = p->depth < MIME_DEPTH_MAX &&
	    p->mime->parts < MIME_PARTS_MAX;

	part->is_multipart = span_is(part->type, "multipart");
	part->is_message = span_is(part->type, "message") &&
	    (span_is(part->subtype, "rfc822") ||
	    span_is(part->subtype, "global")); /* RFC 6532 3.7 */
	if (!part->is_multipart && !part->is_message)
		return;
	if (!room || (part->is_multipart &&
	    !boundary_of(p, part, &boundary))) {
		part->is_multipart = part->is_message = false;
		part_is_plain(part);
		return;
	}
	p->open[p->depth++] = (struct open){part, &part->children, boundary};
	if (part->is_multipart && (!p->bounded || boundary.n < p->shortest))
		p->shortest = boundary.n;
	p->bounded = p->bounded || part->is_multipart;
}

static struct part *part_new(struct parser *p)
{
	struct part *part = pool_take(&p->mime->pool, sizeof *part);

	*part = (struct part){.header = p->at};
	p->mime->parts++;
	if (p->depth > 0) {
		struct open *o = &p->open[p->depth - 1];
		*o->next = part;
		o->next = &part->next;
	}
	return part;
}

/*
 * Where the text before a boundary ends: the line end between belongs to the
 * boundary (RFC 2046 5.1.1). `from` is where the text began: the end of a header,
 * or of another boundary's line, keeps its own, as with Dovecot.
 */
static size_t cut(const struct parser *p, size_t from, size_t *lines)
{
	size_t end = p->at;

	*lines = p->lines;
	if (end > from && p->text[end - 1] == '\n') {
		end--;
		--*lines;
		if (end > from && p->text[end - 1] == '\r')
			end--;
	}
	return end;
}

/* `lines` was how many there were before its body. */
static void part_end(struct part *part, size_t end, size_t lines)
{
	part->end = end;
	part->lines = lines - part->lines;
}

/* Ends the leaf, if there is one, and all that is open above `depth`. */
static void parts_end(struct parser *p, struct part *leaf, size_t depth,
    size_t end, size_t lines)
{
	if (leaf != NULL)
		part_end(leaf, end, lines);
	while (p->depth > depth)
		part_end(p->open[--p->depth].part, end, lines);
}

/*
 * A part from its header on, and what it holds down to the first leaf's header.
 * Returns the leaf; NULL: a multipart's preamble comes. *found: a boundary stood
 * within the header.
 */
static struct part *part_begin(struct parser *p, struct open **found,
    bool *is_end)
{
	struct part *part;

	*found = NULL;
	do {
		struct said said = {0};
		part = part_new(p);
		if (*found == NULL)
			*found = header_parse(p, &said, is_end);
		part->body = p->at;
		part->lines = p->lines;
		part_is_said(p, part, &said);
		part_open(p, part);
	} while (part->is_message);
	return part->is_multipart ? NULL : part;
}

static struct open *body_skip(struct parser *p, bool *is_end)
{
	struct open *o;

	while (p->at < p->n) {
		if ((o = boundary_find(p, is_end)) != NULL)
			return o;
		line_skip(p);
	}
	return NULL;
}

static void parse(struct parser *p)
{
	struct open *found;
	bool is_end = false;
	struct part *leaf = part_begin(p, &found, &is_end);
	size_t end, lines;

	p->mime->root = p->depth > 0 ? p->open[0].part : leaf;
	for (;;) {
		size_t from = p->at;
		if (found == NULL)
			found = body_skip(p, &is_end);
		if (found == NULL)
			break;
		end = cut(p, from, &lines);
		parts_end(p, leaf, (size_t)(found - p->open) + 1, end, lines);
		leaf = NULL;
		line_skip(p);
		/* A boundary's line that has no end begins nothing. */
		if (is_end || p->text[p->at - 1] != '\n' ||
		    p->mime->parts >= MIME_PARTS_MAX) {
			found->boundary.n = 0; /* the epilogue */
			found = NULL;
		} else {
			leaf = part_begin(p, &found, &is_end);
		}
	}
	parts_end(p, leaf, 0, p->n, p->lines);
}

void mime_begin(struct mime *m, struct span text)
{
	struct parser p;

	m->text = text;
	m->root = NULL;
	m->parts = 0;
	m->pool.used = 0;
	m->pool.blocks = NULL;
	p.mime = m;
	p.text = text.p;
	p.n = text.n;
	p.at = p.lines = p.depth = p.shortest = 0;
	p.bounded = false;
	parse(&p);
}

void mime_end(struct mime *m)
{
	pool_reset(&m->pool);
}

struct span part_header(const struct mime *m, const struct part *p)
{
	return (struct span){m->text.p + p->header, p->body - p->header};
}

struct span part_body(const struct mime *m, const struct part *p)
{
	return (struct span){m->text.p + p->body, p->end - p->body};
}

/* Of a multipart the child of that number, of all else itself as 1. */
static const struct part *child_find(const struct part *part, unsigned number)
{
	if (!part->is_multipart)
		return number == 1 ? part : NULL;
	part = part->children;
	for (; part != NULL && number > 1; number--)
		part = part->next;
	return number == 1 ? part : NULL;
}

const struct part *part_find(const struct mime *m, const unsigned *path,
    size_t depth)
{
	const struct part *part = m->root;

	for (size_t i = 0; i < depth && part != NULL; i++) {
		if (i > 0 && part->is_message)
			part = part->children;
		else if (i > 0 && !part->is_multipart)
			return NULL;
		if (part != NULL)
			part = child_find(part, path[i]);
	}
	return part;
}

/* How much of a coded text is enough for so many octets. */
static struct span coded_prefix(struct span s, enum encoding e, size_t max)
{
	size_t most = e == ENCODING_BASE64 ? max + max / 2 + 8 :
	    e == ENCODING_QP ? 3 * max : max;

	if (s.n > most)
		s.n = most;
	return s;
}

void part_text(struct str *to, const struct mime *m, const struct part *part,
    size_t max)
{
	struct span s = part_body(m, part);
	char name[64], room[TEXT_ROOM];
	struct str charset = STR_ROOM(name), octets = STR_ROOM(room);

	if (max > TEXT_MAX)
		max = TEXT_MAX;
	parameter_find(&charset, part->parameters, "charset");
	if (charset.len == 0)
		str_puts(&charset, "us-ascii");
	s = coded_prefix(s, part->encoding, max);
	if (part->encoding == ENCODING_QP || part->encoding == ENCODING_BASE64) {
		decode(&octets, part->encoding, s);
		s = (struct span){octets.p, octets.len};
	}
	if (s.n > max)
		s.n = max;
	if (s.n > TEXT_WIDE_MAX && !utf8_is(s))
		s.n = TEXT_WIDE_MAX;
	charset_convert(to, charset.p, s);
	str_free(&octets);
	str_free(&charset);
}

bool part_is(const struct part *p, const char *type, const char *subtype)
{
	return span_is(p->type, type) &&
	    (subtype == NULL || span_is(p->subtype, subtype));
}

static const struct part *text_find(const struct part *p)
{
	const struct part *found = NULL;

	if (part_is(p, "text", NULL))
		return p;
	if (!p->is_multipart)
		return NULL;
	if (part_is(p, "multipart", "alternative"))
		for (const struct part *c = p->children; c; c = c->next)
			if (part_is(c, "text", "plain"))
				return c;
	for (p = p->children; p != NULL && found == NULL; p = p->next)
		found = text_find(p);
	return found;
}

const struct part *part_shown(const struct mime *m)
{
	return text_find(m->root);
}
