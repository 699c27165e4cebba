#include "log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

static const char *name = "pennypost", *last_words;
static char session[40];
static bool to_syslog, for_caller, all_for_caller;

static bool same_socket(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && S_ISSOCK(x.st_mode) &&
	    x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Puts /dev/null where a descriptor is closed, or where it is the peer's. */
static void quiet(int fd)
{
	int null = open("/dev/null", O_RDWR);

	if (null >= 0 && null != fd) {
		dup2(null, fd);
		close(null);
	}
}

void log_open(const char *program)
{
	const char *where = getenv("PENNYPOST_LOG");
	struct stat st;

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			quiet(fd);
	if (same_socket(0, 2)) {
		quiet(2);
		where = NULL;
	}
	name = program;
	if (where != NULL && strcmp(where, "stderr") == 0)
		return;
	to_syslog = (where != NULL && strcmp(where, "syslog") == 0) ||
	    (fstat(0, &st) == 0 && S_ISSOCK(st.st_mode));
	if (to_syslog)
		openlog(program, LOG_PID, LOG_MAIL);
}

void log_caller(bool verbose)
{
	const char *where = getenv("PENNYPOST_LOG");

	for_caller = true;
	all_for_caller = verbose;
	if (to_syslog || (where != NULL && strcmp(where, "stderr") == 0))
		return;
	to_syslog = true;
	openlog(name, LOG_PID, LOG_MAIL);
}

bool log_on_stderr(void)
{
	return !to_syslog;
}

void log_session(const char *id)
{
	snprintf(session, sizeof session, " id=%s", id);
}

void log_last_words(const char *reply)
{
	last_words = reply;
}

static void log_line(int level, const char *fmt, va_list ap)
{
	char text[2048], line[2200];
	int n;

	vsnprintf(text, sizeof text, fmt, ap);
	if (to_syslog) {
		syslog(level, "%s%s", text, session);
		if (!for_caller || (level > LOG_ERR && !all_for_caller))
			return;
		n = snprintf(line, sizeof line, "%s: %s\n", name, text);
	} else {
		n = snprintf(line, sizeof line, "%s[%d]: %s%s%s\n", name,
		    (int)getpid(), level <= LOG_WARNING ? "warning: " : "",
		    text, session);
	}
	if (n > 0 && (size_t)n < sizeof line && write(2, line, (size_t)n) < 0)
		return; /* nobody is left to be told */
}

void info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_INFO, fmt, ap);
	va_end(ap);
}

void warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_WARNING, fmt, ap);
	va_end(ap);
}

void fatal(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_ERR, fmt, ap);
	va_end(ap);
	if (for_caller && status == EX_TEMPFAIL)
		status = EX_OSERR;
	if (last_words != NULL && write(1, last_words, strlen(last_words)) < 0)
		status = status ? status : 1;
	_exit(status);
}

static const char *escape(const char *s, char quote)
{
	static char ring[8][208];
	static unsigned turn;
	char *out = ring[turn++ % 8];
	size_t n = 0;

	if (quote != '\0')
		out[n++] = quote;
	for (; *s != '\0' && n < 200; s++) {
		unsigned char c = (unsigned char)*s;
		if ((c > ' ' && c < 0x7f && c != '"' && c != '\\') ||
		    (c == ' ' && quote != '\0'))
			out[n++] = (char)c;
		else
			n += (size_t)snprintf(out + n, 5, "\\x%02x", c);
	}
	if (quote != '\0')
		out[n++] = quote;
	out[n] = '\0';
	return out;
}

const char *safe(const char *s)
{
	return escape(s, '\0');
}

const char *quoted(const char *s)
{
	return escape(s, '"');
}
