#include "stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"

#define SAID_MAX 1000 /* octets of a fault: a path and a sentence */

/*
 * A line is a letter, a blank and a value. `F name`, with V, N and S before it,
 * is a folder; `M unique` a message, with what is known of it before it. Behind
 * `T n` stand n octets.
 */

/* --- The reader's side --- */

static struct {
	int fd;
	size_t len;
	char buffer[65536];
} out;

void stream_begin(int fd)
{
	out.fd = fd;
}

static void flush(void)
{
	const char *p = out.buffer;
	ssize_t n;

	for (; out.len > 0; p += n, out.len -= (size_t)n) {
		n = write(out.fd, p, out.len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			_exit(EX_IOERR); /* the writer has gone, and said why */
	}
}

static void put(const void *p, size_t n)
{
	const char *from = p;

	while (n > 0) {
		size_t room = sizeof out.buffer - out.len;
		size_t take = n < room ? n : room;
		memcpy(out.buffer + out.len, from, take);
		out.len += take;
		from += take;
		n -= take;
		if (out.len == sizeof out.buffer)
			flush();
	}
}

/* What cannot stand in a line becomes '?': it is the writer who says no. */
static void line(char letter, const char *value)
{
	const char head[] = {letter, ' '};

	put(head, sizeof head);
	for (; *value != '\0'; value++)
		put(*value == '\n' ? "?" : value, 1);
	put("\n", 1);
}

static void number(char letter, int64_t n)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%" PRId64, n);
	line(letter, digits);
}

void stream_folder(const struct source_folder *f)
{
	number('V', f->uidvalidity);
	number('N', f->uidnext);
	if (f->subscribed)
		line('S', "");
	line('F', f->name);
}

void stream_message(const struct source_message *m)
{
	if (*m->flags != '\0')
		line('L', m->flags);
	if (m->keywords.len > 0)
		line('K', m->keywords.p);
	if (m->seen_by_nobody)
		line('W', "");
	if (m->dated)
		number('D', m->time);
	if (m->uid != 0)
		number('I', m->uid);
	if (*m->uidl != '\0')
		line('P', m->uidl);
	if (*m->from != '\0')
		line('A', m->from);
	line('M', m->unique);
}

void stream_text(const void *p, size_t n)
{
	if (n == 0)
		return;
	number('T', (int64_t)n);
	put(p, n);
}

void stream_end(void)
{
	line('E', "");
}

void stream_drop(void)
{
	line('R', "");
}

static void say(char letter, const char *fmt, va_list ap)
{
	char text[SAID_MAX];

	vsnprintf(text, sizeof text, fmt, ap);
	line(letter, text);
	flush();
}

void stream_fault(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say('X', fmt, ap);
	va_end(ap);
}

void stream_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say('Y', fmt, ap);
	va_end(ap);
}

void stream_finish(void)
{
	line('Z', "");
	flush();
}

/* --- The writer's side --- */

/* False: it is at its end, or cannot be read. */
static bool fill(struct stream *s)
{
	ssize_t n;

	if (s->from > 0)
		memmove(s->buffer, s->buffer + s->from, s->to - s->from);
	s->to -= s->from;
	s->from = 0;
	if (s->to == sizeof s->buffer - 1)
		return false; /* a line without an end */
	do
		n = read(s->fd, s->buffer + s->to,
		    sizeof s->buffer - 1 - s->to);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		s->to += (size_t)n;
	return n > 0;
}

/* The next line, terminated in place of its LF; NULL: there is none. */
static char *line_read(struct stream *s)
{
	char *begin, *lf;
	size_t seen = 0;

	for (;;) {
		begin = s->buffer + s->from;
		lf = memchr(begin + seen, '\n', s->to - s->from - seen);
		if (lf != NULL)
			break;
		seen = s->to - s->from;
		if (!fill(s))
			return NULL;
	}
	*lf = '\0';
	s->from += (size_t)(lf - begin) + 1;
	return (size_t)(lf - begin) == strlen(begin) ? begin : NULL;
}

static enum stream_event text_read(struct stream *s)
{
	size_t n;

	if (s->from == s->to && !fill(s))
		return STREAM_BROKEN;
	n = s->to - s->from;
	if (n > s->left)
		n = (size_t)s->left;
	s->text = s->buffer + s->from;
	s->size = n;
	s->from += n;
	s->left -= n;
	return STREAM_TEXT;
}

static bool copy(char *to, size_t size, const char *value)
{
	size_t n = strlen(value);

	if (n < size)
		memcpy(to, value, n + 1);
	return n < size;
}

static bool number_read(const char *value, uint32_t *out_n)
{
	uint64_t n;

	if (!number_parse(value, UINT32_MAX, &n))
		return false;
	*out_n = (uint32_t)n;
	return true;
}

static bool time_read(const char *value, int64_t *out_n)
{
	bool before = *value == '-'; /* 1970 */
	uint64_t n;

	if (!number_parse(value + before, INT32_MAX * (uint64_t)16, &n))
		return false;
	*out_n = before ? -(int64_t)n : (int64_t)n;
	return true;
}

/* Of "DFRST", in that order. */
static bool flags_read(const char *value, char flags[8])
{
	const char *all = "DFRST";

	for (const char *p = value; *p != '\0'; p++) {
		all = strchr(all, *p);
		if (all == NULL)
			return false;
		all++;
	}
	return copy(flags, 8, value);
}

static bool keywords_said(struct str *keywords, const char *value)
{
	if (strlen(value) >= KEYWORDS_ROOM)
		return false;
	str_clear(keywords);
	str_puts(keywords, value);
	return true;
}

/* What is known of a folder or message, before it. False: nonsense. */
static bool field_read(struct stream *s, char letter, const char *value)
{
	struct source_message *m = &s->message;

	switch (letter) {
	case 'V':
		return number_read(value, &s->folder.uidvalidity);
	case 'N':
		return number_read(value, &s->folder.uidnext);
	case 'S':
		return s->folder.subscribed = true;
	case 'L':
		return flags_read(value, m->flags);
	case 'K':
		return keywords_said(&m->keywords, value);
	case 'W':
		return m->seen_by_nobody = true;
	case 'D':
		return m->dated = time_read(value, &m->time);
	case 'I':
		return number_read(value, &m->uid);
	case 'P':
		return copy(m->uidl, sizeof m->uidl, value);
	case 'A':
		return copy(m->from, sizeof m->from, value);
	}
	return false;
}

static void message_clear(struct source_message *m)
{
	struct str keywords = m->keywords;

	str_clear(&keywords);
	*m = (struct source_message){.keywords = keywords};
}

/* A line of one letter; in_message: one that stands within a message. */
static enum stream_event event_read(struct stream *s, char letter,
    char *value)
{
	uint64_t n;

	switch (letter) {
	case 'X':
	case 'Y':
		s->text = value;
		return letter == 'X' ? STREAM_FAULT : STREAM_NOTE;
	case 'T':
		if (!s->in_message || !number_parse(value, INT64_MAX, &n) ||
		    n == 0)
			return STREAM_BROKEN;
		s->left = n;
		return text_read(s);
	case 'E':
	case 'R':
		if (!s->in_message)
			return STREAM_BROKEN;
		s->in_message = false;
		return letter == 'E' ? STREAM_END : STREAM_DROP;
	case 'F':
		return !s->in_message && copy(s->folder.name,
		    sizeof s->folder.name, value) ? STREAM_FOLDER :
		    STREAM_BROKEN;
	case 'M':
		if (s->in_message || !copy(s->message.unique,
		    sizeof s->message.unique, value))
			return STREAM_BROKEN;
		s->in_message = true;
		return STREAM_MESSAGE;
	case 'Z':
		return s->in_message ? STREAM_BROKEN : STREAM_FINISH;
	}
	return STREAM_BROKEN;
}

enum stream_event stream_next(struct stream *s)
{
	char *said;

	if (s->left > 0)
		return text_read(s);
	if (!s->in_message)
		message_clear(&s->message);
	while ((said = line_read(s)) != NULL) {
		if (*said == '\0' || said[1] != ' ')
			break;
		if (strchr("VNSLKWDIPA", *said) == NULL)
			return event_read(s, *said, said + 2);
		if (*said == 'V') /* the first of a folder's */
			s->folder = (struct source_folder){0};
		if (s->in_message || !field_read(s, *said, said + 2))
			break;
	}
	return STREAM_BROKEN;
}
