#include "log.h"

#include <fcntl.h>
#include <paths.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LOW 10 /* descriptors below have a meaning to some program */

static const char *name = "pennypost", *last_words;
static char session[40];
static bool to_syslog, for_caller, all_for_caller;
static int connection = -1; /* to syslogd */
static bool for_good;      /* it may not be opened again */
static bool zone_known;
static long east;          /* s of local time from UTC */

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
}

void log_caller(bool verbose)
{
	const char *where = getenv("PENNYPOST_LOG");

	for_caller = true;
	all_for_caller = verbose;
	if (to_syslog || (where != NULL && strcmp(where, "stderr") == 0))
		return;
	to_syslog = true;
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

/*
 * syslog(3) would open a socket and /etc/localtime when it pleases, and has
 * locks that a refused call may find taken: what is confined cannot use it.
 */
static void syslog_connect(void)
{
	const struct sockaddr_un sun = {AF_UNIX, _PATH_LOG};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&sun,
	    sizeof sun) == 0)
		connection = fcntl(fd, F_DUPFD_CLOEXEC, LOW);
	if (fd >= 0)
		close(fd);
}

/* Reads the time zone, which glibc wants to know even for gmtime_r(). */
static void zone_find(void)
{
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm) != NULL)
		east = tm.tm_gmtoff;
	zone_known = true;
}

void log_connect(void)
{
	if (!zone_known)
		zone_find();
	if (to_syslog && connection < 0)
		syslog_connect();
	for_good = true;
}

/* As RFC 3164 4.1.2 has it: "Nov 22 11:02:56". */
static void stamp(char text[16])
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = time(NULL) + east;
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL)
		memset(&tm, 0, sizeof tm);
	snprintf(text, 16, "%.3s %2u %02u:%02u:%02u", months + tm.tm_mon * 3,
	    (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
	    (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

/* One packet, one line. When nobody is there, no line: as in syslog(3). */
static void syslog_write(int level, const char *text)
{
	char line[2300], when[16];
	int n;

	if (!zone_known)
		zone_find();
	stamp(when);
	n = snprintf(line, sizeof line, "<%d>%s %s[%d]: %s%s",
	    LOG_MAIL | level, when, name, (int)getpid(), text, session);
	if (n < 0)
		return;
	if (connection >= 0 && write(connection, line, (size_t)n) == n)
		return;
	if (for_good)
		return;
	/* syslogd has begun anew: for others, it is the first line. */
	if (connection >= 0)
		close(connection);
	connection = -1;
	syslog_connect();
	if (connection >= 0 && write(connection, line, (size_t)n) != n)
		close(connection), connection = -1;
}

static void log_line(int level, const char *fmt, va_list ap)
{
	char text[2048], line[2200];
	int n;

	vsnprintf(text, sizeof text, fmt, ap);
	if (to_syslog) {
		syslog_write(level, text);
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
