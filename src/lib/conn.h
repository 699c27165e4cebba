/*
 * A connection: buffered lines in, buffered replies out, and deadlines.
 *
 * Only read, write and poll touch the descriptors, so a pipe, a file and a
 * socket serve alike. Output is sent only when more input has to be waited for
 * (or the buffer is full), which is all that PIPELINING (RFC 2920) asks for.
 */
#ifndef CONN_H
#define CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONN_BUFFER 65536

struct conn {
	int in, out;
	int timeout;      /* seconds for a whole line, or for a flush */
	int64_t deadline; /* monotonic ms, the whole session's; 0: none */
	int error;        /* why a read failed: LINE_EOF is no end then */
	bool broken;      /* a write failed: nobody is there */
	bool client;      /* set behind conn_open(): see there */
	bool bare_lf;     /* the same: a line may end in LF alone */
	size_t start, end, out_len;
	char buf[CONN_BUFFER];
	char out_buf[CONN_BUFFER];
};

enum line {
	LINE_OK,
	LINE_LONG,    /* longer than the limit; skipped to its end */
	LINE_BAD,     /* a bare CR or LF, or a NUL */
	LINE_EOF,     /* also after an unfinished line: it is no command */
	LINE_TIMEOUT,
};

/*
 * session: seconds that the connection may last in all (0: no limit).
 * SIGPIPE must be ignored.
 *
 * c->client may be set behind it, where `in` and `out` are a socket that does
 * not block: what the other side says is then read while it does not take what
 * we say, so that two who both write first do not wait for ever (RFC 2920 3.1),
 * and when it has hung up, what it said before that.
 */
void conn_open(struct conn *, int in, int out, int timeout, int session);

/*
 * The next line of at most max octets (CRLF counted, CONN_BUFFER at most).
 * *line is NUL-terminated, without CRLF, and valid until the next call.
 */
enum line conn_line(struct conn *, size_t max, char **line);

/*
 * For bodies: what is buffered stands at buf[start..end); conn_fill() waits for
 * more, moving it to the front when there is no room behind it. LINE_OK,
 * LINE_EOF, LINE_TIMEOUT; LINE_LONG when the buffer is full.
 * due: monotonic ms from conn_due().
 */
enum line conn_fill(struct conn *, int64_t due);
int64_t conn_due(const struct conn *);

void conn_write(struct conn *, const void *, size_t);
void conn_puts(struct conn *, const char *);

/* The same without a copy: sends what is buffered, and then this. */
bool conn_send(struct conn *, const void *, size_t);

/* One reply line: adds CRLF. */
void conn_reply(struct conn *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* False when the peer is gone or does not read. */
bool conn_flush(struct conn *);

/* Who waits for long needs no memory for it: behind conn_flush(). */
void conn_rest(struct conn *);

/*
 * The end, where the peer may still be sending: tells it so, and reads for a
 * moment, because what lies unread at close() makes TCP throw our last words
 * away. Nothing of that kind happens to a pipe.
 */
void conn_hang_up(struct conn *);

int64_t now_ms(void); /* monotonic */

#endif
