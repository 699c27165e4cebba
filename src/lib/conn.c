#include "conn.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "str.h"

/*
 * A blocking write sleeps until all is taken, whatever poll said. A socket that
 * polls writable has a third or more of its buffer free, and takes this much.
 */
#define WRITE_PIECE 16384

#define LINGER 2000            /* ms */
#define LINGER_MAX (16u << 20) /* octets */
#define POLL_MAX 1000000 /* ms; more than this is waited for in pieces */

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void conn_open(struct conn *c, int in, int out, int timeout, int session)
{
	c->in = in;
	c->out = out;
	c->timeout = timeout;
	c->deadline = session > 0 ? now_ms() + session * (int64_t)1000 : 0;
	c->error = 0;
	c->broken = c->client = c->bare_lf = false;
	c->start = c->end = c->out_len = 0;
}

int64_t conn_due(const struct conn *c)
{
	int64_t due = now_ms() + c->timeout * (int64_t)1000;

	return c->deadline != 0 && c->deadline < due ? c->deadline : due;
}

/*
 * Waits until fd is ready; false when due has come first. The last words come
 * after that: they go out if they need not wait.
 */
static bool wait_for(int fd, short events, int64_t due)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n;

	for (;;) {
		int64_t left = due - now_ms();
		if (left <= 0 && events == POLLIN)
			return false;
		n = poll(&p, 1, left > POLL_MAX ? POLL_MAX :
		    left < 0 ? 0 : (int)left);
		if (n > 0)
			return true;
		if (n == 0 ? left <= POLL_MAX : errno != EINTR)
			return false;
	}
}

enum line conn_fill(struct conn *c, int64_t due)
{
	ssize_t n;

	if (!conn_flush(c))
		return LINE_EOF;
	if (c->start == c->end)
		c->start = c->end = 0;
	if (c->end == CONN_BUFFER) {
		if (c->start == 0)
			return LINE_LONG;
		memmove(c->buf, c->buf + c->start, c->end - c->start);
		c->end -= c->start;
		c->start = 0;
	}
	do {
		if (!wait_for(c->in, POLLIN, due))
			return LINE_TIMEOUT;
		n = read(c->in, c->buf + c->end, CONN_BUFFER - c->end);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n < 0)
		c->error = errno;
	if (n <= 0)
		return LINE_EOF;
	c->end += (size_t)n;
	return LINE_OK;
}

enum line conn_line(struct conn *c, size_t max, char **line)
{
	int64_t due = conn_due(c);
	bool skipping = false;
	size_t seen = 0;

	for (;;) {
		char *p = c->buf + c->start;
		size_t n = c->end - c->start;
		char *lf = memchr(p + seen, '\n', n - seen);
		if (lf != NULL) {
			size_t len = (size_t)(lf - p);
			c->start += len + 1;
			if (skipping || len + 1 > max)
				return LINE_LONG;
			if (len > 0 && p[len - 1] == '\r')
				len--;
			else if (!c->bare_lf)
				return LINE_BAD;
			p[len] = '\0';
			*line = p;
			return strcspn(p, "\r") == len ? LINE_OK : LINE_BAD;
		}
		if (n >= max || n == CONN_BUFFER) {
			skipping = true;
			c->start = c->end = n = 0;
		}
		seen = n;
		enum line got = conn_fill(c, due);
		if (got != LINE_OK)
			return got;
	}
}

/* A client: until it can write, or has read. False at due, and at the end. */
static bool wait_for_either(struct conn *c, int64_t due)
{
	struct pollfd p[] = {
		{.fd = c->out, .events = POLLOUT},
		{.fd = c->in, .events = POLLIN},
	};
	int64_t left = due - now_ms();
	ssize_t n;

	if (left <= 0)
		return false;
	if (poll(p, c->end < CONN_BUFFER ? 2 : 1,
	    left > POLL_MAX ? POLL_MAX : (int)left) < 0)
		return errno == EINTR;
	if (p[1].revents == 0)
		return true;
	n = read(c->in, c->buf + c->end, CONN_BUFFER - c->end);
	if (n > 0)
		c->end += (size_t)n;
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

/* A client's peer has hung up: what it said before that is still to be had. */
static void last_words(struct conn *c)
{
	ssize_t n = read(c->in, c->buf + c->end, CONN_BUFFER - c->end);

	if (n > 0)
		c->end += (size_t)n;
}

static bool write_all(struct conn *c, const char *p, size_t n)
{
	int64_t due = n > 0 ? conn_due(c) : 0;
	ssize_t done;

	while (n > 0 && !c->broken) {
		if (!c->client && !wait_for(c->out, POLLOUT, due)) {
			c->broken = true;
			break;
		}
		done = write(c->out, p,
		    c->client || n < WRITE_PIECE ? n : WRITE_PIECE);
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		} else if (errno == EAGAIN && c->client) {
			c->broken = !wait_for_either(c, due);
		} else if (errno != EINTR && errno != EAGAIN) {
			c->broken = true;
			if (c->client)
				last_words(c);
		}
	}
	return !c->broken;
}

bool conn_flush(struct conn *c)
{
	size_t n = c->out_len;

	c->out_len = 0;
	return write_all(c, c->out_buf, n);
}

bool conn_send(struct conn *c, const void *p, size_t n)
{
	return conn_flush(c) && write_all(c, p, n);
}

void conn_write(struct conn *c, const void *p, size_t n)
{
	const char *from = p;

	while (n > 0 && !c->broken) {
		size_t room = CONN_BUFFER - c->out_len;
		size_t take = n < room ? n : room;
		memcpy(c->out_buf + c->out_len, from, take);
		c->out_len += take;
		from += take;
		n -= take;
		if (c->out_len == CONN_BUFFER)
			conn_flush(c);
	}
}

void conn_puts(struct conn *c, const char *text)
{
	conn_write(c, text, strlen(text));
}

void conn_reply(struct conn *c, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line - 2, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n > sizeof line - 3)
		n = sizeof line - 3;
	line[n++] = '\r';
	line[n++] = '\n';
	conn_write(c, line, (size_t)n);
}

/* out_buf stands behind buf. */
void conn_rest(struct conn *c)
{
	if (c->start == c->end)
		pages_free(c->buf, sizeof c->buf + sizeof c->out_buf);
}

void conn_hang_up(struct conn *c)
{
	int64_t due = now_ms() + LINGER;

	if (!conn_flush(c) || shutdown(c->out, SHUT_WR) != 0)
		return;
	for (size_t n = 0; n < LINGER_MAX; n += CONN_BUFFER)
		if (!wait_for(c->in, POLLIN, due) ||
		    read(c->in, c->buf, CONN_BUFFER) <= 0)
			return;
}
