#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block.h"
#include "log.h"
#include "str.h"

#define HEADER_FIRST 32768 /* octets; few headers are larger */
#define RAW_SIZE 65536     /* octets; most mail is smaller */
#define NAME_SIZE 256      /* of a file, with its NUL */

/* The message that was loaded last; its unique name, which nobody else has. */
static struct {
	char *p;
	size_t n, room;
	char name[NAME_SIZE];
	uint32_t uid, uidvalidity;
	int64_t date;
	bool whole;
} held;

void load_free(void)
{
	free(held.p);
	memset(&held, 0, sizeof held);
}

int64_t load_date(void)
{
	return held.date;
}

static size_t unique_length(const char *name)
{
	size_t n = strcspn(name, ":");

	return n < NAME_SIZE ? n : NAME_SIZE - 1;
}

static bool is_held(const struct mailbox *box, const struct message *m)
{
	size_t n = unique_length(m->name);

	return held.uid == m->uid && held.uidvalidity == box->uidvalidity &&
	    strlen(held.name) == n && memcmp(held.name, m->name, n) == 0;
}

static void hold(const struct mailbox *box, const struct message *m, bool whole)
{
	size_t n = unique_length(m->name);

	memcpy(held.name, m->name, n);
	held.name[n] = '\0';
	held.uid = m->uid;
	held.uidvalidity = box->uidvalidity;
	held.whole = whole;
}

static void make_room(size_t n)
{
	if (n < held.room)
		return;
	held.room = n + n / 4 + 1;
	held.p = xrealloc(held.p, held.room);
}

/* Until there are `size` octets, *n counted, or the file is at its end. */
static bool read_upto(int fd, char *to, size_t size, size_t *n)
{
	while (*n < size) {
		ssize_t got = read(fd, to + *n, size - *n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (got == 0)
			break;
		*n += (size_t)got;
	}
	return true;
}

static bool read_to(int fd, size_t n)
{
	make_room(n);
	return read_upto(fd, held.p, n, &held.n);
}

static bool line_is_empty(const char *p, const char *end)
{
	return p < end && (*p == '\n' ||
	    (*p == '\r' && p + 1 < end && p[1] == '\n'));
}

/* Octets of the header and its blank line; 0: that is not there yet. */
static size_t header_length(const char *text, size_t n)
{
	const char *p = text, *end = text + n;

	while (p < end && !line_is_empty(p, end)) {
		p += line_length(p, (size_t)(end - p));
		if (p[-1] != '\n')
			return 0;
	}
	return p < end ? (size_t)(p - text) + (*p == '\r' ? 2 : 1) : 0;
}

static bool read_header(int fd, size_t size)
{
	for (size_t n = HEADER_FIRST; ; n *= 2) {
		size_t length;
		if (!read_to(fd, n < size ? n : size))
			return false;
		length = header_length(held.p, held.n);
		if (length > 0)
			held.n = length;
		if (length > 0 || held.n < n)
			return true;
	}
}

static size_t bare_count(void)
{
	const char *p = held.p, *end = p + held.n, *lf;
	size_t n = 0;

	for (; p < end && (lf = memchr(p, '\n', (size_t)(end - p))) != NULL;
	    p = lf + 1)
		n += lf == held.p || lf[-1] != '\r';
	return n;
}

/* LF becomes CRLF in place, from the end to the beginning. */
static void lines_end_in_crlf(void)
{
	size_t more = bare_count();
	char *in, *out, *lf;

	make_room(held.n + more);
	in = held.p + held.n;
	out = in + more;
	held.n += more;
	while (out > in) {
		lf = memrchr(held.p, '\n', (size_t)(in - held.p));
		size_t line = (size_t)(in - lf);
		out -= line;
		memmove(out, lf, line);
		in = lf;
		if (lf == held.p || lf[-1] != '\r')
			*--out = '\r';
	}
}

/* In whole blocks, for which there is room behind both. Returns its LF. */
static const char *line_copy(char *to, const char *from)
{
	unsigned first = BLOCK;

	for (; first == BLOCK; to += BLOCK, from += first) {
		block b = block_at(from);
		memcpy(to, &b, BLOCK);
		first = block_first((block)(b == '\n'));
	}
	return from;
}

/*
 * A small message, or its header, in one pass: the lines are read behind the
 * room that they need at most.
 */
static bool read_small(int fd, size_t size, bool whole)
{
	const char *p, *lf;
	size_t n = 0, length;
	char *raw, *out, *end;

	make_room(3 * size + 2 * BLOCK);
	p = raw = held.p + 2 * size + BLOCK;
	if (!read_upto(fd, raw, size, &n))
		return false;
	length = whole ? 0 : header_length(raw, n);
	end = raw + (length > 0 ? length : n);
	out = held.p;
	*end = '\n'; /* where the last line's is missing */
	for (; p < end; p = lf + 1) {
		lf = line_copy(out, p);
		out += lf - p;
		if (lf == end)
			break;
		out -= lf > p && lf[-1] == '\r';
		*out++ = '\r';
		*out++ = '\n';
	}
	held.n = (size_t)(out - held.p);
	return true;
}

static bool load_open(int fd, bool whole)
{
	struct stat st;

	held.n = 0;
	*held.name = '\0';
	held.uid = 0;
	if (fstat(fd, &st) != 0)
		return false;
	if (whole && st.st_size > (off_t)LOAD_MAX) {
		errno = EFBIG;
		return false;
	}
	held.date = st.st_mtim.tv_sec;
	if (st.st_size <= RAW_SIZE)
		return read_small(fd, (size_t)st.st_size, whole);
	if (!(whole ? read_to : read_header)(fd, (size_t)st.st_size))
		return false;
	lines_end_in_crlf();
	return true;
}

static bool load_part(struct mailbox *box, struct message *m, bool whole,
    struct span *text)
{
	int fd = message_open(box, m);

	if (fd < 0 || !load_open(fd, whole)) {
		if (errno != ENOENT)
			warn("%s/cur/%s: %s", safe(box->path), safe(m->name),
			    strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	close(fd);
	hold(box, m, whole);
	*text = (struct span){held.p, held.n};
	return true;
}

bool load(struct mailbox *box, struct message *m, struct span *text)
{
	if (!held.whole || !is_held(box, m))
		return load_part(box, m, true, text);
	*text = (struct span){held.p, held.n};
	return true;
}

bool load_header(struct mailbox *box, struct message *m, struct span *text)
{
	size_t n;

	if (!is_held(box, m))
		return load_part(box, m, false, text);
	n = held.whole ? header_length(held.p, held.n) : held.n;
	*text = (struct span){held.p, n > 0 ? n : held.n};
	return true;
}
