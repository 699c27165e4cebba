#include "convert.h"

#include <string.h>
#include <strings.h>

static void out(struct convert *c, const char *p, size_t n)
{
	if (!c->finding && n > 0)
		c->out(c->to, p, n);
}

static void out_text(struct convert *c, const char *text)
{
	out(c, text, strlen(text));
}

static bool ascii(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] >= 0x80 || p[i] == '\0')
			return false;
	return true;
}

/* What Content-Type and Content-Transfer-Encoding say: RFC 2045 5.1, 6.1. */

/* Behind blanks and comments, which may be nested. */
static const char *skip_blanks(const char *p)
{
	int nested = 0;

	for (; *p != '\0'; p++) {
		if (*p == '(')
			nested++;
		else if (*p == ')' && nested > 0)
			nested--;
		else if (*p == '\\' && nested > 0 && p[1] != '\0')
			p++;
		else if (nested == 0 && strchr(" \t\r\n", *p) == NULL)
			break;
	}
	return p;
}

/* A token or a quoted string, its value to out. Behind it, or NULL. */
static const char *value_read(const char *p, char *to, size_t size)
{
	bool quote = *p == '"';
	size_t n = 0;

	for (p += quote; *p != '\0'; p++) {
		if (quote ? *p == '"' :
		    strchr(" \t\r\n()<>@,;:\\\"/[]?=", *p) != NULL)
			break;
		if (quote && *p == '\\' && p[1] != '\0')
			p++;
		if (n + 1 >= size)
			return NULL;
		to[n++] = *p;
	}
	to[n] = '\0';
	if (n == 0 || (quote && *p != '"'))
		return NULL;
	return p + quote;
}

struct content {
	char type[80];   /* "text/plain", as it came */
	char boundary[CONVERT_BOUNDARY_MAX + 1];
};

/* False: it is not what RFC 2045 5.1 has, or says two things at once. */
static bool content_read(struct content *to, const char *field)
{
	char name[80], other[CONVERT_FIELD_MAX];
	const char *p = skip_blanks(field);
	size_t n;

	p = value_read(p, to->type, sizeof to->type / 2);
	if (p == NULL || *(p = skip_blanks(p)) != '/')
		return false;
	n = strlen(to->type);
	to->type[n++] = '/';
	p = value_read(skip_blanks(p + 1), to->type + n, sizeof to->type - n);
	while (p != NULL && *(p = skip_blanks(p)) == ';') {
		p = skip_blanks(p + 1);
		if (*p == '\0')
			break; /* at the end: harmless, and common */
		p = value_read(p, name, sizeof name);
		if (p == NULL || *(p = skip_blanks(p)) != '=')
			return false;
		p = skip_blanks(p + 1);
		bool is_boundary = strcasecmp(name, "boundary") == 0;
		if (is_boundary && *to->boundary != '\0')
			return false;
		p = is_boundary ?
		    value_read(p, to->boundary, sizeof to->boundary) :
		    value_read(p, other, sizeof other);
	}
	return p != NULL && *p == '\0';
}

/* Is the content there as it is? "7bit", "8bit", "binary", or no field. */
static bool encoding_is_plain(const struct convert *c)
{
	char word[40];
	const char *p;

	if (c->encoding_len == 0)
		return true;
	p = strchr(c->encoding, ':');
	p = value_read(skip_blanks(p + 1), word, sizeof word);
	return p != NULL && *skip_blanks(p) == '\0' &&
	    (strcasecmp(word, "7bit") == 0 || strcasecmp(word, "8bit") == 0 ||
	    strcasecmp(word, "binary") == 0);
}

/* The header */

static void header_begin(struct convert *c, bool whole, bool digest)
{
	c->in_header = true;
	c->whole = whole;
	c->digest = digest;
	c->has_version = c->unclear = false;
	c->field = FIELD_OTHER;
	c->type_len = c->encoding_len = 0;
}

/* The length of the field's name; 0: the line is no field (RFC 5322 4.5). */
static size_t name_length(const char *p, size_t n)
{
	size_t length = 0, colon;

	while (length < n && p[length] > ' ' && p[length] != ':')
		length++;
	colon = length;
	while (colon < n && (p[colon] == ' ' || p[colon] == '\t'))
		colon++;
	return colon < n && p[colon] == ':' ? length : 0;
}

static bool field_is(const char *p, size_t n, const char *name)
{
	return n == strlen(name) && strncasecmp(p, name, n) == 0;
}

/* A piece of the field at hand, kept when we have to understand it. */
static void field_add(struct convert *c, const char *p, size_t n)
{
	bool type = c->field == FIELD_TYPE;
	char *text = type ? c->type : c->encoding;
	size_t *len = type ? &c->type_len : &c->encoding_len;

	if (c->field == FIELD_OTHER)
		return;
	if (n >= CONVERT_FIELD_MAX - *len) {
		c->unclear = true;
		/* An encoding is still to come out: whole. */
		if (!type)
			c->impossible = true;
		return;
	}
	memcpy(text + *len, p, n);
	*len += n;
	text[*len] = '\0';
}

/* False: this line is none of a header. */
static bool header_line(struct convert *c, const char *p, size_t n)
{
	if (!c->line_begun && *p != ' ' && *p != '\t') {
		size_t length = name_length(p, n);
		if (length == 0)
			return false;
		c->field = FIELD_OTHER;
		if (field_is(p, length, "MIME-Version")) {
			c->has_version = true;
		} else if (field_is(p, length, "Content-Type")) {
			c->unclear = c->unclear || c->type_len > 0;
			c->field = FIELD_TYPE;
		} else if (field_is(p, length, "Content-Transfer-Encoding")) {
			c->field = FIELD_ENCODING;
		}
	}
	if (!ascii(p, n))
		c->impossible = true;
	field_add(c, p, n);
	if (c->field != FIELD_ENCODING) /* that one comes out at the end */
		out(c, p, n);
	return true;
}

static bool needs(const struct convert *c)
{
	size_t i = c->parts - 1;

	return (c->needs[i / 8] & 1u << i % 8) != 0;
}

/* The encoding comes out: as it was, or what it now is. */
static void encoding_out(struct convert *c, const char *instead)
{
	if (instead == NULL || (c->encoding_len == 0 && *instead == '7'))
		out(c, c->encoding, c->encoding_len);
	else {
		out_text(c, "Content-Transfer-Encoding: ");
		out_text(c, instead);
		out_text(c, "\n");
	}
}

static void leaf_begin(struct convert *c)
{
	c->part = PART_LEAF;
	if (c->parts == CONVERT_PARTS_MAX) {
		c->impossible = true;
		c->part = PART_SEALED;
		encoding_out(c, NULL);
		return;
	}
	c->parts++;
	if (c->finding) {
		c->needs[(c->parts - 1) / 8] &=
		    (uint8_t)~(1u << (c->parts - 1) % 8);
	} else if (needs(c)) {
		/* Text that nobody has called MIME yet: RFC 1428 3. */
		if (c->whole && !c->has_version)
			out_text(c, "MIME-Version: 1.0\n");
		if (c->whole && !c->has_version && c->type_len == 0)
			out_text(c, "Content-Type: text/plain; "
			    "charset=unknown-8bit\n");
		encoding_out(c, "quoted-printable");
		return;
	}
	encoding_out(c, "7bit");
}

static bool multipart_begin(struct convert *c, const struct content *content)
{
	struct convert_level *level = &c->level[c->depth];

	if (strcasecmp(content->type, "multipart/signed") == 0 ||
	    strcasecmp(content->type, "multipart/encrypted") == 0 ||
	    *content->boundary == '\0' || c->depth == CONVERT_NESTING_MAX)
		return false;
	strcpy(level->boundary, content->boundary);
	level->length = strlen(level->boundary);
	level->digest = strcasecmp(content->type, "multipart/digest") == 0;
	c->depth++;
	c->part = PART_BETWEEN;
	encoding_out(c, "7bit");
	return true;
}

static void header_end(struct convert *c, const char *blank_line)
{
	struct content content = {.type = "text/plain"};
	bool known, message = c->digest && c->type_len == 0;
	const char *type = content.type;

	c->in_header = false;
	known = !c->unclear && encoding_is_plain(c);
	/* What says nothing that can be understood is text: RFC 2045 5.2. */
	if (known && c->type_len > 0 &&
	    !content_read(&content, strchr(c->type, ':') + 1))
		known = strncasecmp(type, "multipart", 9) != 0 &&
		    strncasecmp(type, "message", 7) != 0;
	c->part = PART_SEALED;
	if (known && (message || strcasecmp(type, "message/rfc822") == 0)) {
		encoding_out(c, "7bit");
		out_text(c, blank_line);
		header_begin(c, true, false);
		return;
	}
	if (known && strncasecmp(type, "multipart/", 10) == 0)
		known = multipart_begin(c, &content);
	else if (known && (strncasecmp(type, "message/", 8) != 0 ||
	    strncasecmp(type, "message/global", 14) == 0))
		leaf_begin(c); /* RFC 6532 3.7 lets message/global be encoded */
	else
		known = false;
	if (!known)
		encoding_out(c, NULL);
	out_text(c, blank_line);
}

/* The body */

static struct convert *quoting; /* whose text it is: qp.h does not say */

static void quoted(const char *p, size_t n)
{
	out(quoting, p, n);
}

static void body_text(struct convert *c, const char *p, size_t n)
{
	bool clean = ascii(p, n);

	switch (c->part) {
	case PART_LEAF:
		if (c->finding && (!clean || n > CONVERT_LINE_MAX + 1))
			c->needs[(c->parts - 1) / 8] |=
			    (uint8_t)(1u << (c->parts - 1) % 8);
		if (!c->finding && needs(c))
			qp_text(&c->qp, p, n);
		else
			out(c, p, n);
		return;
	case PART_SEALED:
		if (!clean)
			c->impossible = true;
		out(c, p, n);
		return;
	case PART_BETWEEN: /* a line that cannot be sent is left out */
		if (clean && !c->line_begun && n <= CONVERT_LINE_MAX + 1 &&
		    p[n - 1] == '\n')
			out(c, p, n);
	}
}

static void part_end(struct convert *c)
{
	if (c->in_header)
		encoding_out(c, NULL); /* it has no body */
	qp_end(&c->qp);
}

/* Is it the line of one of the boundaries, and of which? */
static bool boundary_line(struct convert *c, const char *p, size_t n)
{
	const char *end = p + n;

	if (n < 3 || p[0] != '-' || p[1] != '-' || c->line_begun)
		return false;
	for (size_t i = c->depth; i-- > 0;) {
		const struct convert_level *level = &c->level[i];
		const char *tail = p + 2 + level->length;
		if (n < level->length + 2 ||
		    memcmp(p + 2, level->boundary, level->length) != 0)
			continue;
		bool last = end - tail >= 2 && tail[0] == '-' && tail[1] == '-';
		tail += last ? 2 : 0;
		while (tail < end && (*tail == ' ' || *tail == '\t' ||
		    *tail == '\r' || *tail == '\n'))
			tail++;
		if (tail < end)
			continue;
		part_end(c);
		out(c, p, n);
		c->depth = last ? i : i + 1;
		c->in_header = false;
		c->part = PART_BETWEEN;
		if (!last)
			header_begin(c, false, level->digest);
		return true;
	}
	return false;
}

/* One line, or a piece of a longer one. */
static void line(struct convert *c, const char *p, size_t n)
{
	if (boundary_line(c, p, n))
		return;
	if (c->in_header && *p == '\n' && !c->line_begun) {
		header_end(c, "\n");
	} else if (!c->in_header || !header_line(c, p, n)) {
		if (c->in_header) { /* the body begins without a blank line */
			c->unclear = true;
			header_end(c, "");
		}
		body_text(c, p, n);
	}
	c->line_begun = p[n - 1] != '\n';
}

void convert_text(struct convert *c, const char *p, size_t n)
{
	while (n > 0) {
		const char *lf = memchr(p, '\n', n);
		size_t length = lf != NULL ? (size_t)(lf + 1 - p) : n;
		line(c, p, length);
		p += length;
		n -= length;
	}
}

static void begin(struct convert *c)
{
	c->parts = c->depth = 0;
	c->line_begun = false;
	c->part = PART_SEALED;
	c->qp = (struct qp){.out = quoted};
	quoting = c;
	header_begin(c, true, false);
}

void convert_find(struct convert *c)
{
	c->finding = true;
	c->impossible = false;
	begin(c);
}

void convert_begin(struct convert *c, void (*text_out)(void *, const char *,
    size_t), void *to)
{
	c->finding = false;
	c->out = text_out;
	c->to = to;
	begin(c);
}

bool convert_end(struct convert *c)
{
	part_end(c);
	return !c->impossible;
}
