#include "message.h"

#include <string.h>

/* Reading */

bool message_small(const struct message *m)
{
	return m->entry->size <= MESSAGE_MEMORY;
}

/*
 * Hands the text to `piece`, in pieces that end with a line, unless a line is
 * longer than the memory.
 */
static bool read_pieces(struct message *m, void (*piece)(void *, const char *,
    size_t), void *to)
{
	uint64_t at = 0;
	size_t kept = 0;

	for (;;) {
		ssize_t n = entry_read(m->entry, &at, m->text + kept,
		    MESSAGE_MEMORY - kept);
		if (n < 0)
			return false;
		kept += (size_t)n;
		if (at == m->entry->size)
			break;
		const char *lf = memrchr(m->text, '\n', kept);
		size_t whole = lf != NULL ? (size_t)(lf + 1 - m->text) : kept;
		if (lf == NULL && kept < MESSAGE_MEMORY)
			continue;
		piece(to, m->text, whole);
		kept -= whole;
		memmove(m->text, m->text + whole, kept);
	}
	piece(to, m->text, kept);
	m->len = kept;
	return true;
}

static bool pieces(struct message *m, void (*piece)(void *, const char *,
    size_t), void *to)
{
	if (!message_small(m) || m->len != m->entry->size)
		return read_pieces(m, piece, to);
	piece(to, m->text, m->len);
	return true;
}

static bool beyond_ascii(const char *p, size_t n)
{
	uint64_t word, all = 0;

	for (; n >= sizeof word; p += sizeof word, n -= sizeof word) {
		memcpy(&word, p, sizeof word);
		all |= word;
	}
	for (; n > 0; n--)
		all |= (unsigned char)*p++;
	return (all & 0x8080808080808080u) != 0;
}

struct scan {
	struct message *message;
	bool in_header, line_begun;
};

static void scan(void *to, const char *p, size_t n)
{
	struct scan *s = to;
	struct message *m = s->message;
	const char *end = p + n, *lf;

	m->cr = m->cr || memchr(p, '\r', n) != NULL;
	m->eightbit = m->eightbit || beyond_ascii(p, n);
	for (; p < end; p = lf != NULL ? lf + 1 : end) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (s->in_header && m->eightbit)
			m->header_eightbit = m->header_eightbit ||
			    beyond_ascii(p, (size_t)((lf ? lf : end) - p));
		if (lf == p && !s->line_begun)
			s->in_header = false;
		m->size += lf != NULL; /* its CR */
		s->line_begun = lf == NULL;
	}
}

bool message_open(struct message *m, const struct entry *e)
{
	struct scan s = {.message = m, .in_header = true};

	m->entry = e;
	m->size = e->size;
	m->eightbit = m->header_eightbit = m->cr = m->converted = false;
	m->len = 0;
	if (!read_pieces(m, scan, &s))
		return false;
	m->size += s.line_begun ? 2 : 0;
	m->as_it_is = m->size;
	return true;
}

/* Writing */

struct writer {
	struct conn *conn; /* NULL: to be counted only */
	bool stuffed, cr, line_begun;
	uint64_t count;
};

static void put(struct writer *w, const char *p, size_t n)
{
	w->count += n;
	if (w->conn != NULL)
		conn_write(w->conn, p, n);
}

/* A CR that ends no line would be a line's end to somebody. */
static void put_text(struct writer *w, const char *p, size_t n)
{
	while (w->cr && n > 0) {
		const char *cr = memchr(p, '\r', n);
		if (cr == NULL)
			break;
		put(w, p, (size_t)(cr - p));
		put(w, " ", 1);
		n -= (size_t)(cr + 1 - p);
		p = cr + 1;
	}
	put(w, p, n);
}

static void put_lines(void *to, const char *p, size_t n)
{
	struct writer *w = to;
	const char *end = p + n, *lf;

	for (; p < end; p = lf != NULL ? lf + 1 : end) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (w->stuffed && !w->line_begun && *p == '.' &&
		    w->conn != NULL)
			conn_write(w->conn, ".", 1);
		put_text(w, p, (size_t)((lf != NULL ? lf : end) - p));
		if (lf != NULL)
			put(w, "\r\n", 2);
		w->line_begun = lf == NULL;
	}
}

static void convert_lines(void *to, const char *p, size_t n)
{
	convert_text(to, p, n);
}

static bool write_lines(struct message *m, struct writer *w)
{
	bool done;

	w->cr = m->cr;
	if (m->converted) {
		convert_begin(&m->convert, put_lines, w);
		done = pieces(m, convert_lines, &m->convert) &&
		    convert_end(&m->convert);
	} else {
		done = pieces(m, put_lines, w);
	}
	if (w->line_begun)
		put(w, "\r\n", 2);
	return done;
}

enum message_result message_convert(struct message *m, bool seven_bit)
{
	struct writer count = {0};

	if (m->converted == seven_bit)
		return MESSAGE_OK;
	m->converted = false;
	m->size = m->as_it_is;
	if (!seven_bit)
		return MESSAGE_OK;
	convert_find(&m->convert);
	if (!pieces(m, convert_lines, &m->convert))
		return MESSAGE_UNREADABLE;
	if (!convert_end(&m->convert))
		return MESSAGE_IMPOSSIBLE;
	m->converted = true;
	if (!write_lines(m, &count))
		return MESSAGE_UNREADABLE;
	m->size = count.count;
	return MESSAGE_OK;
}

bool message_write(struct message *m, struct conn *c, bool stuffed)
{
	struct writer w = {.conn = c, .stuffed = stuffed};

	return write_lines(m, &w) && w.count == m->size && !c->broken;
}
