#include "job.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "str.h"

/* The text with controls as blanks: it is to stay one line. */
static void add_text(char *to, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text != '\0' && n + 1 < size; text++)
		to[n++] = (unsigned char)*text < ' ' || *text == 0x7f ? ' ' :
		    *text;
	to[n] = '\0';
}

static struct str answer;

static void add_reply(const char *mta, const char *reply)
{
	char name[256], text[1024];

	add_text(name, sizeof name, *mta != '\0' ? mta : "-");
	name[strcspn(name, " ")] = '\0';
	add_text(text, sizeof text, reply);
	str_printf(&answer, "%s %s\n", name, text);
}

char *job_next(void)
{
	static char buf[4096], line[sizeof buf];
	static size_t len;
	char *lf;
	ssize_t n;

	while ((lf = memchr(buf, '\n', len)) == NULL) {
		if (len == sizeof buf)
			len = 0;
		n = read(0, buf + len, sizeof buf - len);
		if (n <= 0)
			return NULL;
		len += (size_t)n;
	}
	*lf = '\0';
	snprintf(line, sizeof line, "%s", buf);
	len -= (size_t)(lf + 1 - buf);
	memmove(buf, lf + 1, len);
	return line;
}

void job_to(size_t index, const char *mta, const char *reply)
{
	str_printf(&answer, "to %zu ", index);
	add_reply(mta, reply);
}

void job_new(const char *id)
{
	str_printf(&answer, "new %s\n", id);
}

void job_down(const char *mta, const char *reply)
{
	str_puts(&answer, "down ");
	add_reply(mta, reply);
}

void job_done(const char *id)
{
	const char *p;
	ssize_t n;

	str_printf(&answer, "done %s\n", id);
	p = answer.p;
	for (size_t left = answer.len; left > 0; left -= (size_t)n, p += n)
		if ((n = write(1, p, left)) <= 0)
			break; /* the runner is gone: fd 0 will end, too */
	str_clear(&answer);
}
