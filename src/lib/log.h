/*
 * One line per event: `event key=value key=value`, with the session's id.
 *
 * Lines go to stderr when fd 0 is a pipe or a file (somebody is watching a
 * transcript), or when PENNYPOST_LOG=stderr; else, or when
 * PENNYPOST_LOG=syslog, to syslog (RFC 5424's mail facility). Under xinetd fd 2
 * is the peer: log_open() points fd 2 at /dev/null then, so that no assertion
 * or libc message can reach the other side.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

/* Also makes sure that fd 0, 1 and 2 are open. Call it first. */
void log_open(const char *program);

/*
 * For sendmail, whose fd 0 is a message: lines go to syslog. What fatal() says
 * goes to stderr too, all lines when `verbose`, without our pid and id; it
 * never ends with EX_TEMPFAIL, which to the callers means "queued".
 * PENNYPOST_LOG=stderr still has its way.
 */
void log_caller(bool verbose);

/* Lines go to stderr: a program started by this one should do the same. */
bool log_on_stderr(void);

/*
 * Opens now what a line needs, and then never again: for who is confined next.
 * info() and warn() are safe from then on in the handler of a signal that a
 * system call of our own has raised.
 */
void log_connect(void);

/* The id that every line carries from now on. Copied. */
void log_session(const char *id);

/* What fatal() says on fd 1 before the end: the protocol's own refusal. */
void log_last_words(const char *reply);

void info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fatal(int status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A peer's bytes, fit for a log line: blanks, controls, non-ASCII, quotes and
 * backslashes as \xNN, cut at 200. Valid until the eighth call after this one.
 */
const char *safe(const char *s);

/* The same for a text: in quotes, blanks as they are. */
const char *quoted(const char *s);

#endif
