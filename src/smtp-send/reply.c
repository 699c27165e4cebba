#include "reply.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

static void lost(struct reply *r, const char *why)
{
	r->code = 0;
	snprintf(r->text, sizeof r->text, "%s", why);
}

/* One line of it, ended by CRLF or, as some old servers do, by LF. */
static char *line_next(struct reply *r, struct conn *c, int64_t due)
{
	size_t seen = 0;

	for (;;) {
		char *p = c->buf + c->start;
		size_t n = c->end - c->start;
		char *lf = memchr(p + seen, '\n', n - seen);
		if (lf != NULL) {
			n = (size_t)(lf - p);
			c->start += n + 1;
			if (n > 0 && p[n - 1] == '\r')
				n--;
		}
		if (n > REPLY_LINE_MAX) {
			lost(r, "its reply has too long a line");
			return NULL;
		}
		if (lf != NULL) {
			p[n] = '\0';
			return p;
		}
		seen = n;
		enum line got = conn_fill(c, due);
		if (got != LINE_OK) {
			lost(r, got == LINE_TIMEOUT ? "no reply in time" :
			    "connection lost");
			return NULL;
		}
	}
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The code of the line; 0 when it is no reply (RFC 5321 4.2). */
static int code_of(const char *line)
{
	if (*line < '2' || *line > '5' || !digit(line[1]) || !digit(line[2]) ||
	    (line[3] != ' ' && line[3] != '-' && line[3] != '\0'))
		return 0;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
}

/* The length of a status code of that class at p: RFC 3463 2. */
static size_t status_length(const char *p, char class)
{
	size_t n = 1;

	if (*p != class)
		return 0;
	for (int part = 0; part < 2; part++) {
		size_t from = n + 1;
		if (p[n] != '.')
			return 0;
		for (n = from; digit(p[n]); n++)
			continue;
		if (n == from || n > from + 3)
			return 0;
	}
	return p[n] == ' ' || p[n] == '\0' ? n : 0;
}

/* Adds text, the last byte of the room being its end. */
static void add(struct reply *r, const char *p)
{
	size_t n = strlen(r->text);

	for (; *p != '\0' && n + 1 < sizeof r->text; p++)
		r->text[n++] = *p == '\t' ? ' ' :
		    *p < ' ' || *p > '~' ? '?' : *p;
	r->text[n] = '\0';
}

/* The first line sets the status code; the others repeat it, or have none. */
static void line_add(struct reply *r, bool first, const char *text)
{
	static char status[16];
	size_t n = status_length(text, r->text[0]);

	if (first) {
		snprintf(status, sizeof status, "%.*s", (int)n, text);
		if (n == 0)
			snprintf(status, sizeof status, "%c.0.0", r->text[0]);
		add(r, " ");
		add(r, status);
	}
	if (n > 0 && strncmp(text, status, n) == 0)
		text += n + (text[n] == ' ');
	if (*text != '\0')
		add(r, " ");
	add(r, text);
}

void reply_read(struct reply *r, struct conn *c, int64_t due,
    void (*each)(void *, char *), void *to)
{
	char *line, last[3];
	bool more = true;

	for (int lines = 0; more; lines++) {
		line = line_next(r, c, due);
		if (line == NULL)
			return;
		int code = code_of(line);
		if (code == 0 || lines == REPLY_LINES_MAX) {
			lost(r, code == 0 ? "it said what is no SMTP reply: " :
			    "its reply has too many lines");
			if (code == 0)
				add(r, quoted(line));
			return;
		}
		more = line[3] == '-';
		if (lines == 0)
			snprintf(r->text, sizeof r->text, "%.3s", line);
		r->code = code;
		memcpy(last, line, 3);
		line += 3 + (line[3] != '\0');
		line_add(r, lines == 0, line);
		if (each != NULL)
			each(to, line);
	}
	/* Where the lines differ in their code, the last one's counts. */
	memcpy(r->text, last, 3);
	r->text[4] = *last;
}

void reply_print(struct reply *r, int code, const char *fmt, ...)
{
	char text[REPLY_SIZE + 256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	r->code = code;
	snprintf(r->text, sizeof r->text, "%d ", code);
	add(r, text);
}

const char *reply_status(const struct reply *r)
{
	return strlen(r->text) > 4 ? r->text + 4 : "";
}
