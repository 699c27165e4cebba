#include "qp.h"

static void put(struct qp *q, char c)
{
	if (q->len == sizeof q->buf) {
		q->out(q->buf, q->len);
		q->len = 0;
	}
	q->buf[q->len++] = c;
}

/* Room for n octets and the = of a soft line break. */
static void make_room(struct qp *q, size_t n)
{
	if (q->column + n < QP_LINE_MAX) {
		q->column += n;
		return;
	}
	put(q, '=');
	put(q, '\n');
	q->column = n;
}

static void put_hex(struct qp *q, char c)
{
	const char *hex = "0123456789ABCDEF";

	make_room(q, 3);
	put(q, '=');
	put(q, hex[(unsigned char)c >> 4]);
	put(q, hex[(unsigned char)c & 15]);
}

static void put_plain(struct qp *q, char c)
{
	/* No line that we begin is to look like a multipart's boundary. */
	if (c == '-' && q->column + 1 >= QP_LINE_MAX) {
		put_hex(q, c);
		return;
	}
	make_room(q, 1);
	put(q, c);
}

void qp_text(struct qp *q, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = p[i];
		if (q->held != '\0' && c == '\n')
			put_hex(q, q->held);
		else if (q->held != '\0')
			put_plain(q, q->held);
		q->held = '\0';
		if (c == '\n') {
			put(q, c);
			q->column = 0;
		} else if (c == ' ' || c == '\t') {
			q->held = c;
		} else if (c < '!' || c > '~' || c == '=') {
			put_hex(q, c);
		} else {
			put_plain(q, c);
		}
	}
}

void qp_end(struct qp *q)
{
	if (q->held != '\0')
		put_hex(q, q->held);
	q->held = '\0';
	if (q->len > 0)
		q->out(q->buf, q->len);
	q->len = 0;
}
