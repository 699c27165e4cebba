#include "relay.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RECORD 16384 /* octets of a TLS record (RFC 8446 5.1): a piece */
#define FLUSH 60000  /* ms in which the peer takes nothing of the rest */
#define LINGER 2000  /* ms; else a reset eats what the peer has not read yet */
#define LINGER_MAX (16u << 20) /* octets */

/* One direction: what was read and is not written yet. */
struct flow {
	size_t start, end;
	bool eof;  /* nothing more will be read */
	char data[RECORD];
};

struct relay {
	SSL *ssl;
	const struct ends *ends;
	struct flow in, out; /* seen from the handler */
	/* What poll() must tell before the network is tried again. */
	short read_waits, write_waits;
	bool in_closed; /* the handler knows of the end */
	bool broken;    /* no TLS any more */
	int64_t due;    /* -1, until the handler is gone */
};

int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int left(int64_t due)
{
	int64_t ms = due < 0 ? -1 : due - clock_ms();

	return due >= 0 && ms < 0 ? 0 : (int)ms;
}

bool relay_wait(const struct ends *ends, int error, int64_t due)
{
	bool writing = error == SSL_ERROR_WANT_WRITE;
	struct pollfd p = {writing ? ends->out : ends->in,
	    writing ? POLLOUT : POLLIN, 0};
	int n;

	do
		n = poll(&p, 1, left(due));
	while (n < 0 && errno == EINTR);
	return n > 0;
}

static bool empty(const struct flow *f)
{
	return f->start == f->end;
}

/* What an SSL function waits for; 0: it is broken, or at its end. */
static short waits_for(struct relay *r, int result)
{
	switch (SSL_get_error(r->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return POLLIN;
	case SSL_ERROR_WANT_WRITE:
		return POLLOUT;
	case SSL_ERROR_ZERO_RETURN:
		r->in.eof = true;
		return 0;
	default:
		r->in.eof = r->broken = true;
		return 0;
	}
}

static void network_read(struct relay *r)
{
	struct flow *f = &r->in;
	size_t n;

	r->read_waits = POLLIN;
	f->start = f->end = 0;
	ERR_clear_error();
	do {
		int result = SSL_read_ex(r->ssl, f->data + f->end,
		    sizeof f->data - f->end, &n);
		if (result != 1) {
			r->read_waits = waits_for(r, result);
			return;
		}
		f->end += n;
	} while (f->end < sizeof f->data && SSL_has_pending(r->ssl));
	if (SSL_has_pending(r->ssl))
		r->read_waits = 0; /* there is more: no need to wait */
}

static void network_write(struct relay *r)
{
	struct flow *f = &r->out;
	size_t n;
	int result;

	ERR_clear_error();
	result = SSL_write_ex(r->ssl, f->data + f->start, f->end - f->start,
	    &n);
	if (result == 1) {
		f->start += n;
		r->write_waits = POLLOUT;
		if (r->due >= 0)
			r->due = clock_ms() + FLUSH;
	} else {
		r->write_waits = waits_for(r, result);
	}
}

static bool for_later(ssize_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void handler_read(struct relay *r)
{
	struct flow *f = &r->out;
	ssize_t n = read(r->ends->plain, f->data, sizeof f->data);

	f->start = f->end = 0;
	if (n > 0)
		f->end = (size_t)n;
	else if (!for_later(n))
		f->eof = true;
}

static void handler_write(struct relay *r)
{
	struct flow *f = &r->in;
	ssize_t n = write(r->ends->plain, f->data + f->start,
	    f->end - f->start);

	if (n > 0) {
		f->start += (size_t)n;
	} else if (!for_later(n)) {
		f->start = f->end = 0; /* it wants no more of it */
		f->eof = r->in_closed = true;
	}
}

static bool ready(const struct pollfd *p, short events)
{
	return (p->revents & (events | POLLHUP | POLLERR)) != 0;
}

static bool can_read(const struct relay *r)
{
	return empty(&r->in) && !r->in.eof;
}

static void network_step(struct relay *r, const struct pollfd *in,
    const struct pollfd *out)
{
	if (!empty(&r->out) &&
	    ready(r->write_waits == POLLIN ? in : out, r->write_waits))
		network_write(r);
	if (can_read(r) && (r->read_waits == 0 ||
	    ready(r->read_waits == POLLOUT ? out : in, r->read_waits)))
		network_read(r);
}

/* What was read is written at once: there mostly is room for it. */
static void handler_step(struct relay *r, const struct pollfd *plain)
{
	if (!empty(&r->in))
		handler_write(r);
	if (empty(&r->out) && !r->out.eof && ready(plain, POLLIN)) {
		handler_read(r);
		if (!empty(&r->out))
			network_write(r);
	}
	if ((plain->revents & POLLHUP) != 0 && r->due < 0)
		r->due = clock_ms() + FLUSH;
}

/*
 * One wait, and one step of whatever can be done. A descriptor that has hung up
 * is not asked unless something is done about it: it would answer at once.
 */
static void turn(struct relay *r)
{
	short net = 0;
	struct pollfd p[3] = {{-1, POLLIN, 0}, {-1, POLLOUT, 0},
	    {r->ends->plain, 0, 0}};
	bool at_once = can_read(r) && r->read_waits == 0;

	if (can_read(r))
		net |= r->read_waits;
	if (!empty(&r->out))
		net |= r->write_waits;
	if (net & POLLIN)
		p[0].fd = r->ends->in;
	if (net & POLLOUT)
		p[1].fd = r->ends->out;
	if (empty(&r->out) && !r->out.eof)
		p[2].events |= POLLIN;
	if (!empty(&r->in))
		p[2].events |= POLLOUT;
	if (p[2].events == 0 && r->due >= 0)
		p[2].fd = -1;
	if (poll(p, 3, at_once ? 0 : left(r->due)) < 0)
		return;
	network_step(r, &p[0], &p[1]);
	handler_step(r, &p[2]);
}

/*
 * close_notify, and what a closed socket would turn into a reset. The program
 * need not wait for that.
 */
static void network_close(struct relay *r)
{
	int64_t due = clock_ms() + FLUSH;
	int result;

	close(r->ends->plain);
	ERR_clear_error();
	while ((result = SSL_shutdown(r->ssl)) < 0 &&
	    SSL_get_error(r->ssl, result) == SSL_ERROR_WANT_WRITE)
		if (!relay_wait(r->ends, SSL_ERROR_WANT_WRITE, due))
			return;
	if (shutdown(r->ends->out, SHUT_WR) != 0)
		return;
	due = clock_ms() + LINGER;
	for (size_t n = 0; n < LINGER_MAX; n += sizeof r->in.data)
		if (!relay_wait(r->ends, SSL_ERROR_WANT_READ, due) ||
		    read(r->ends->in, r->in.data, sizeof r->in.data) <= 0)
			return;
}

void relay(SSL *ssl, const struct ends *ends)
{
	static struct relay r;

	r.ssl = ssl;
	r.ends = ends;
	r.due = -1;
	r.write_waits = POLLOUT;
	r.read_waits = SSL_has_pending(ssl) ? 0 : POLLIN;
	while (!r.broken && (!r.out.eof || !empty(&r.out)) &&
	    (r.due < 0 || clock_ms() < r.due)) {
		turn(&r);
		if (r.in.eof && empty(&r.in) && !r.in_closed) {
			shutdown(ends->plain, SHUT_WR);
			r.in_closed = true;
		}
	}
	if (!r.broken)
		network_close(&r);
}
