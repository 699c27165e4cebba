#include "body.h"

#include <string.h>
#include <strings.h>

#include "block.h"

/* A refused body is read to the end, but not for ever. */
#define PATIENCE(limit) (2 * (limit) + (1u << 20))

void body_begin(struct body *b, uint64_t limit,
    void (*header)(const char *, size_t), void (*text)(const char *, size_t))
{
	b->partial.len = 0;
	b->size = 0;
	b->limit = limit;
	b->fault = BODY_FINE;
	b->in_header = true;
	b->header = header;
	b->text = text;
}

static void fault(struct body *b, enum body_fault what)
{
	if (b->fault == BODY_FINE)
		b->fault = what;
}

/* A field name and a colon, or a folded line: RFC 5322 2.2. */
static bool is_header(const char *p, size_t n)
{
	size_t i = 0;

	if (*p == ' ' || *p == '\t')
		return true;
	while (i < n && p[i] > ' ' && p[i] < 0x7f && p[i] != ':')
		i++;
	if (i == 0)
		return false;
	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	return i < n && p[i] == ':';
}

/* Hands header lines on one by one. Returns how much of p they were. */
static size_t hand_header(struct body *b, const char *p, size_t n)
{
	size_t done = 0;

	while (b->in_header && done < n) {
		const char *line = p + done;
		const char *lf = memchr(line, '\n', n - done);
		size_t len = (size_t)(lf - line) + 1;
		if (is_header(line, len)) {
			b->header(line, len);
			done += len;
			continue;
		}
		b->in_header = false;
		b->header(NULL, 0);
		if (*line != '\r' && *line != '\n')
			b->text("\r\n", 2);
	}
	return done;
}

/* n octets of whole lines. */
static void hand_on(struct body *b, const char *p, size_t n)
{
	size_t done = 0;

	if (n == 0)
		return;
	b->size += n;
	if (b->size > b->limit)
		fault(b, BODY_TOO_BIG);
	if (b->fault != BODY_FINE)
		return;
	if (b->in_header)
		done = hand_header(b, p, n);
	if (done < n)
		b->text(p + done, n - done);
}

/* The message is whole. One without a body has not told its header's end. */
static void finish(struct body *b)
{
	if (b->fault == BODY_FINE && b->in_header) {
		b->in_header = false;
		b->header(NULL, 0);
	}
}

static const char *line_break(const char *p, const char *end)
{
	return octet_either(p, end, '\r', '\n');
}

/*
 * The LF of the line that begins at p, NULL when it is not there yet. *bare: it
 * is no CRLF, or a CR stands before it.
 */
static const char *line_end(const char *p, const char *end, bool *bare)
{
	*bare = false;
	for (p = line_break(p, end); p < end; p = line_break(p + 1, end)) {
		if (*p == '\n') {
			*bare = true;
			return p;
		}
		if (p + 1 == end)
			return NULL;
		if (p[1] == '\n')
			return p + 1;
		*bare = true;
	}
	return NULL;
}

/*
 * Takes the whole lines at the front of the buffer. LINE_OK at the end of the
 * body, LINE_EOF when more is needed, LINE_BAD for a false end.
 */
static enum line data_lines(struct body *b, struct conn *c, bool *after_bare)
{
	const char *run = c->buf + c->start, *p = run, *lf;
	enum line end = LINE_EOF;
	bool bare;

	while (end == LINE_EOF &&
	    (lf = line_end(p, c->buf + c->end, &bare)) != NULL) {
		if (*p == '.') {
			hand_on(b, run, (size_t)(p - run));
			run = p + 1;
			if (lf == p + 1 || (lf == p + 2 && !bare))
				end = bare || *after_bare ? LINE_BAD :
				    LINE_OK;
		}
		if (end == LINE_EOF && bare)
			fault(b, BODY_BARE);
		*after_bare = bare;
		p = lf + 1;
	}
	if (end == LINE_EOF)
		hand_on(b, run, (size_t)(p - run));
	c->start = (size_t)(p - c->buf);
	return end;
}

/* Drops the buffered front of an endless line, but for its last octet. */
static void drop_line(struct conn *c, struct body *b)
{
	b->size += c->end - c->start;
	c->buf[0] = c->buf[c->end - 1];
	c->start = 0;
	c->end = 1;
}

enum line body_data(struct body *b, struct conn *c)
{
	bool after_bare = false, skipping = false;
	int64_t due = conn_due(c);

	for (;;) {
		size_t before = c->start;
		if (skipping) {
			char *p = c->buf + c->start;
			size_t n = c->end - c->start;
			char *lf = memchr(p, '\n', n);
			if (lf != NULL) {
				after_bare = lf == p || lf[-1] != '\r';
				c->start += (size_t)(lf - p) + 1;
				skipping = false;
			}
		}
		if (!skipping) {
			enum line end = data_lines(b, c, &after_bare);
			if (end == LINE_OK)
				finish(b);
			if (end != LINE_EOF)
				return end;
		}
		if (b->size > PATIENCE(b->limit))
			return LINE_LONG;
		if (c->start != before)
			due = conn_due(c);
		enum line got = conn_fill(c, due);
		if (got == LINE_LONG) {
			fault(b, BODY_LONG_LINE);
			skipping = true;
			drop_line(c, b);
		} else if (got != LINE_OK) {
			return got;
		}
	}
}

/* The line in b->partial is whole. */
static void partial_done(struct body *b)
{
	bool bare;

	line_end(b->partial.p, b->partial.p + b->partial.len, &bare);
	if (bare)
		fault(b, BODY_BARE);
	hand_on(b, b->partial.p, b->partial.len);
	str_clear(&b->partial);
}

static void partial_add(struct body *b, const char *p, size_t n)
{
	if (b->partial.len + n > BODY_LINE_MAX) {
		fault(b, BODY_LONG_LINE);
		b->size += b->partial.len;
		str_clear(&b->partial);
		if (n > BODY_LINE_MAX)
			return;
	}
	str_add(&b->partial, p, n);
}

static void chunk(struct body *b, const char *p, size_t n)
{
	const char *end = p + n, *run, *lf;
	bool bare;

	if (b->partial.len > 0) {
		lf = memchr(p, '\n', n);
		size_t head = lf != NULL ? (size_t)(lf - p) + 1 : n;
		partial_add(b, p, head);
		p += head;
		if (lf != NULL)
			partial_done(b);
	}
	for (run = p; (lf = line_end(p, end, &bare)) != NULL; p = lf + 1)
		if (bare)
			fault(b, BODY_BARE);
	hand_on(b, run, (size_t)(p - run));
	if (p < end)
		partial_add(b, p, (size_t)(end - p));
}

enum line body_bdat(struct body *b, struct conn *c, uint64_t n, bool last)
{
	int64_t due = conn_due(c);

	if (n > PATIENCE(b->limit))
		return LINE_LONG;
	while (n > 0) {
		size_t have = c->end - c->start;
		if (have == 0) {
			enum line got = conn_fill(c, due);
			if (got != LINE_OK)
				return got;
			due = conn_due(c);
			continue;
		}
		if (have > n)
			have = (size_t)n;
		chunk(b, c->buf + c->start, have);
		c->start += have;
		n -= have;
	}
	if (b->size > PATIENCE(b->limit))
		return LINE_LONG;
	if (last) {
		if (b->partial.len > 0) {
			partial_add(b, "\r\n", 2);
			partial_done(b);
		}
		finish(b);
	}
	return LINE_OK;
}

enum line body_skip(struct conn *c, uint64_t n, uint64_t limit)
{
	struct body nothing = {.fault = BODY_BARE, .limit = limit};
	enum line end = body_bdat(&nothing, c, n, false);

	str_free(&nothing.partial);
	return end;
}

void body_lines(struct body *b, const char *p, size_t n, bool end)
{
	while (n > 0) {
		const char *lf = memchr(p, '\n', n);
		size_t len = lf != NULL ? (size_t)(lf - p) + 1 : n;
		if (lf == NULL || b->partial.len > 0) {
			partial_add(b, p, len);
		} else {
			hand_on(b, p, len);
		}
		if (lf != NULL && b->partial.len > 0) {
			hand_on(b, b->partial.p, b->partial.len);
			str_clear(&b->partial);
		}
		p += len;
		n -= len;
	}
	if (end) {
		if (b->partial.len > 0) {
			str_puts(&b->partial, "\n");
			hand_on(b, b->partial.p, b->partial.len);
			str_clear(&b->partial);
		}
		finish(b);
	}
}

bool header_is(const char *line, size_t n, const char *name)
{
	size_t len = strlen(name);

	if (n <= len || strncasecmp(line, name, len) != 0)
		return false;
	while (len < n && (line[len] == ' ' || line[len] == '\t'))
		len++;
	return len < n && line[len] == ':';
}
