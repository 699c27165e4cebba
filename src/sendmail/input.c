#include "input.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"

static struct {
	uint64_t limit, total;
	bool dot_ends, eof, within, again, had_cr, had_nul;
	struct piece piece; /* the last one */
	size_t start, end, seen; /* seen: octets without LF */
	char buf[PIECE_MAX];
} in;

void input_begin(uint64_t limit, bool dot_ends)
{
	in.limit = limit;
	in.dot_ends = dot_ends;
}

static ssize_t read_some(void)
{
	struct pollfd wait = {.fd = 0, .events = POLLIN};
	ssize_t n;

	for (;;) {
		n = read(0, in.buf + in.end, sizeof in.buf - in.end);
		if (n >= 0)
			return n;
		if (errno == EAGAIN) /* the caller's pipe does not block */
			poll(&wait, 1, -1);
		else if (errno != EINTR)
			fatal(EX_IOERR, "cannot read the message: %s",
			    strerror(errno));
	}
}

/* Drops the NULs of the n new octets. */
static size_t clean(char *p, size_t n)
{
	size_t kept = 0;

	if (memchr(p, '\0', n) == NULL)
		return n;
	in.had_nul = true;
	for (size_t i = 0; i < n; i++)
		if (p[i] != '\0')
			p[kept++] = p[i];
	return kept;
}

static void fill(void)
{
	size_t n;

	if (in.start > 0) {
		memmove(in.buf, in.buf + in.start, in.end - in.start);
		in.end -= in.start;
		in.start = 0;
	}
	n = (size_t)read_some();
	in.eof = n == 0;
	in.total += n;
	if (in.total > in.limit)
		fatal(EX_DATAERR, "message too big: more than %" PRIu64
		    " bytes", in.limit);
	n = clean(in.buf + in.end, n);
	in.had_cr = in.had_cr || memchr(in.buf + in.end, '\r', n) != NULL;
	in.end += n;
}

/* The next n octets, of which `skip` are a line end. */
static void take(size_t n, size_t skip, bool ends)
{
	struct piece *piece = &in.piece;
	char *cr;

	*piece = (struct piece){in.buf + in.start, n, !in.within, ends};
	in.start += n + skip;
	in.seen = 0;
	in.within = !ends;
	if (!in.had_cr)
		return;
	while (ends && piece->n > 0 && piece->p[piece->n - 1] == '\r')
		piece->n--;
	for (cr = piece->p; (cr = memchr(cr, '\r',
	    (size_t)(piece->p + piece->n - cr))) != NULL; cr++)
		*cr = ' ';
}

static bool next_raw(void)
{
	for (;;) {
		size_t n = in.end - in.start;
		char *p = in.buf + in.start;
		char *lf = memchr(p + in.seen, '\n', n - in.seen);
		if (lf != NULL) {
			take((size_t)(lf - p), 1, true);
			return true;
		}
		in.seen = n;
		if (in.eof) {
			if (n == 0 && !in.within)
				return false;
			take(n, 0, true);
			return true;
		}
		if (n == sizeof in.buf) {
			/* A CR at the end may be half of a CRLF. */
			take(n - (p[n - 1] == '\r'), 0, false);
			return true;
		}
		fill();
	}
}

bool input_next(struct piece *piece)
{
	if (!in.again && !next_raw())
		return false;
	in.again = false;
	*piece = in.piece;
	if (!in.dot_ends || !piece->begins || piece->n == 0 ||
	    *piece->p != '.')
		return true;
	if (piece->n == 1 && piece->ends) {
		in.eof = true;
		in.start = in.end;
		return false;
	}
	if (piece->n > 1 && piece->p[1] == '.') {
		piece->p++;
		piece->n--;
	}
	return true;
}

void input_again(void)
{
	in.again = true;
}

bool input_had_nul(void)
{
	return in.had_nul;
}
