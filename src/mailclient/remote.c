#include "remote.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dial.h"
#include "keeper.h"
#include "program.h"
#include "tls.h"
#include "utf8.h"

#define CONNECT_TIMEOUT 30000   /* ms: a host that is there answers in one s */
#define HANDSHAKE_TIMEOUT 30000 /* ms */
#define REPLY_TIMEOUT 120       /* s: RFC 5321 4.5.3.2.4; a person waits */
#define RATE_MIN 1              /* octet in a ms: a slow modem */
#define SKIP_MAX (256u << 20)   /* octets of a text that is too long to keep */
#define FAREWELL 2000           /* ms for the helper's last words */
#define STEP 10                 /* ms between two looks at it */

#define WORDS_MAX 300

/* Sentences */

const char *sentence(const char *fmt, ...)
{
	static char text[1024];
	char made[sizeof text];
	va_list ap;

	va_start(ap, fmt); /* an argument may be the last sentence */
	vsnprintf(made, sizeof made, fmt, ap);
	va_end(ap);
	return memcpy(text, made, sizeof text);
}

const char *words(const char *text)
{
	static char out[WORDS_MAX + UTF8_SIZE + 1];
	size_t n = 0, left = strlen(text);

	while (left > 0 && n < WORDS_MAX) {
		uint32_t c;
		size_t size = utf8_read(text, left, &c);
		bool shown = size > 0 && c >= ' ' && (c < 0x7f || c > 0x9f);
		if (size == 0)
			size = 1;
		if (shown)
			memcpy(out + n, text, size);
		else
			out[n] = c == '\t' && size == 1 ? ' ' : '?';
		n += shown ? size : 1;
		text += size;
		left -= size;
	}
	out[n] = '\0';
	return out;
}

static const char *broken(struct remote *r, const char *how)
{
	r->broken = true;
	return sentence("%s port %s %s", r->server->host, r->port.text, how);
}

const char *remote_nonsense(struct remote *r, const char *protocol,
    const char *line)
{
	r->broken = true;
	return sentence("%s port %s does not speak %s: it says \"%s\". Is it "
	    "the port for that?", r->server->host, r->port.text, protocol,
	    words(line));
}

/* Connecting */

static void literal_make(struct remote *r)
{
	struct sockaddr_storage own = {0};
	socklen_t size = sizeof own;
	char host[INET6_ADDRSTRLEN] = "127.0.0.1";
	bool v6 = false;

	if (getsockname(r->conn.in, (struct sockaddr *)&own, &size) == 0) {
		v6 = own.ss_family == AF_INET6;
		inet_ntop(own.ss_family, v6 ?
		    (void *)&((struct sockaddr_in6 *)&own)->sin6_addr :
		    (void *)&((struct sockaddr_in *)&own)->sin_addr,
		    host, sizeof host);
	}
	snprintf(r->literal, sizeof r->literal, "[%s%s]", v6 ? "IPv6:" : "",
	    host);
}

static struct addrinfo *addresses; /* of the server */

/* Each of its addresses has its part of what time is left. */
static int connect_any(struct remote *r)
{
	int64_t due = now_ms() + CONNECT_TIMEOUT, now;
	int fd = -1, left = 0;

	for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next)
		left++;
	errno = ETIMEDOUT;
	for (const struct addrinfo *a = addresses; a != NULL && fd < 0;
	    a = a->ai_next) {
		now = now_ms();
		if (now >= due)
			break;
		/* Where sin6_port is, too. */
		((struct sockaddr_in *)a->ai_addr)->sin_port =
		    htons((uint16_t)r->port.number);
		fd = dial(a->ai_addr, a->ai_addrlen,
		    now + (due - now) / left--);
		r->loopback = fd >= 0 && dial_loopback(a->ai_addr);
	}
	return fd;
}

/* The last time that a file is read: we part as soon as they are there. */
static const char *addresses_find(const struct server *server)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	unsigned ports[] = {server->smtp.number, server->pop3.number, 0};
	int error = getaddrinfo(server->host, NULL, &hints, &addresses);

	if (error != 0)
		return sentence("cannot find %s: %s", server->host,
		    error == EAI_SYSTEM ? strerror(errno) :
		    gai_strerror(error));
	if (ports[0] == 0) {
		ports[0] = ports[1];
		ports[1] = 0;
	}
	if (keeper_part(ports))
		return NULL;
	error = errno;
	freeaddrinfo(addresses);
	addresses = NULL;
	return sentence("cannot begin: %s", strerror(error));
}

static const char *begin(struct remote *r)
{
	const char *why = NULL;
	int fd, error;

	if (r->port.number == 0)
		return sentence("there is no port %s", r->port.text);
	if (addresses == NULL)
		why = addresses_find(r->server);
	if (why != NULL)
		return why;
	fd = connect_any(r);
	error = errno;
	if (fd < 0)
		return sentence("cannot reach %s port %s: %s. Is the server "
		    "running?", r->server->host, r->port.text,
		    strerror(error));
	conn_open(&r->conn, fd, fd, REPLY_TIMEOUT, 0);
	r->conn.client = true;
	literal_make(r);
	return r->server->tls == TLS_FIRST ? remote_secure(r) : NULL;
}

const char *remote_open(struct remote **to, const struct server *server,
    struct port port)
{
	struct remote *r = xrealloc(NULL, sizeof *r);
	const char *why;

	r->server = server;
	r->port = port;
	r->loopback = r->secured = r->broken = r->bare = false;
	r->helper = -1;
	r->conn.in = -1;
	why = begin(r);
	if (why != NULL) {
		remote_close(r);
		r = NULL;
	}
	*to = r;
	return why;
}

const char *remote_in_turn(struct remote *r)
{
	return r->conn.start == r->conn.end ? NULL :
	    broken(r, "speaks out of turn: somebody may be in between");
}

const char *remote_secure(struct remote *r)
{
	const struct server *server = r->server;
	const char *why = remote_in_turn(r); /* RFC 3207 6 */
	struct tls t;
	int fd;

	if (why != NULL)
		return why;
	r->broken = true;
	if (!tls_present())
		return sentence("there is no TLS here: the program tls has to "
		    "be beside mailclient, and is built where libssl-dev is");
	fd = tls_connect(r->conn.in, r->conn.out, server->host,
	    !server->any_certificate, now_ms() + HANDSHAKE_TIMEOUT, &t);
	if (fd < 0)
		return sentence("no TLS with %s port %s: %s%s", server->host,
		    r->port.text, t.error, server->any_certificate ||
		    strstr(t.error, "certificate") == NULL ?
		    ". Is it the port for that?" :
		    "; -k takes any certificate");
	close(r->conn.in);
	r->helper = t.helper;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	conn_open(&r->conn, fd, fd, REPLY_TIMEOUT, 0);
	r->conn.client = r->secured = true;
	r->broken = false;
	return NULL;
}

const char *remote_private(const struct remote *r)
{
	if (r->secured || r->loopback)
		return NULL;
	return sentence("%s is another machine, and no password is sent to it "
	    "in clear: " SAY_TLS, r->server->host);
}

static void helper_wait(pid_t pid)
{
	int64_t due = now_ms() + FAREWELL;

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (now_ms() >= due)
			kill(pid, SIGKILL);
		poll(NULL, 0, STEP);
	}
}

void remote_close(struct remote *r)
{
	if (r == NULL)
		return;
	if (r->conn.in >= 0) {
		if (!r->broken)
			conn_flush(&r->conn);
		close(r->conn.in);
	}
	if (r->helper > 0)
		helper_wait(r->helper);
	explicit_bzero(r, sizeof *r); /* there were passwords in it */
	free(r);
}

/* Reading */

static const char *lost(struct remote *r, enum line how)
{
	return broken(r, how == LINE_TIMEOUT ? "does not answer: try again" :
	    how == LINE_LONG ? "says too long a line" :
	    "has closed the connection: try again");
}

const char *remote_line(struct remote *r, char **line)
{
	struct conn *c = &r->conn;
	int64_t due = conn_due(c);
	enum line got = LINE_OK;
	size_t seen = 0;

	conn_flush(c); /* where it fails, there may be last words */
	for (;;) {
		char *p = c->buf + c->start;
		size_t n = c->end - c->start;
		char *lf = memchr(p + seen, '\n', n - seen);
		if (lf != NULL ? lf - p > REPLY_LINE_MAX : n > REPLY_LINE_MAX)
			return lost(r, LINE_LONG);
		if (lf != NULL) {
			c->start += (size_t)(lf + 1 - p);
			r->bare = lf == p || lf[-1] != '\r';
			lf[r->bare ? 0 : -1] = '\0';
			*line = p;
			return NULL;
		}
		seen = n;
		got = conn_fill(c, due);
		if (got != LINE_OK)
			return lost(r, got);
	}
}

/* A text */

struct text {
	struct str *to;
	size_t max;   /* octets that may be added */
	bool whole;   /* all of it was */
	bool begun;   /* there was a line end, and so it is known if `bare` */
	bool bare;    /* lines of it end in LF alone */
	bool within;  /* a line whose beginning was read before */
};

static void text_add(struct text *t, const char *p, size_t n)
{
	if (n > t->max) {
		t->whole = false;
		t->max = 0;
		return;
	}
	str_add(t->to, p, n);
	t->max -= n;
}

/*
 * Some of it: up to an LF, or a part of a long line. False at the lone dot.
 *
 * Servers of the teaching kind end lines with LF alone. With all others an LF
 * is no line end, or who writes a letter could say what the server says next.
 */
static bool piece(struct text *t, const char *p, size_t n)
{
	bool lf = p[n - 1] == '\n', crlf = lf && n > 1 && p[n - 2] == '\r';
	size_t length = n - lf - crlf;

	if (lf && !t->begun)
		t->bare = t->bare || !crlf;
	t->begun = t->begun || lf;
	if (!t->within && *p == '.') {
		if (length == 1 && (crlf || t->bare) && lf)
			return false;
		p++;
		length--;
	}
	t->within = !(crlf || (lf && t->bare));
	text_add(t, p, length);
	if (lf)
		text_add(t, "\r\n", 2);
	return true;
}

const char *remote_text(struct remote *r, struct str *text, size_t max,
    bool *whole)
{
	struct text t = {.to = text, .max = max, .whole = true,
	    .bare = r->bare};
	struct conn *c = &r->conn;
	int64_t due = conn_due(c);
	uint64_t read = 0;
	size_t seen = 0, n;
	bool more = true;

	str_add(text, "", 0); /* no text is one, too */
	while (more) {
		char *p = c->buf + c->start, *lf;
		n = c->end - c->start;
		lf = memchr(p + seen, '\n', n - seen);
		if (lf == NULL) {
			seen = n;
			enum line got = conn_fill(c, due + (int64_t)(read /
			    RATE_MIN));
			if (got == LINE_OK)
				continue;
			if (got != LINE_LONG)
				return lost(r, got);
			p = c->buf;
			n = CONN_BUFFER - 1; /* the last may be a CR */
		} else {
			n = (size_t)(lf + 1 - p);
		}
		seen = 0;
		c->start += n;
		read += n;
		if (read > SKIP_MAX)
			return broken(r, "says more than any letter has");
		more = piece(&t, p, n);
	}
	*whole = t.whole;
	return NULL;
}

/* RFC 5321 4.5.2, and 2.3.8: a CR that ends no line is a line end to some. */
void remote_send(struct remote *r, struct span text)
{
	struct conn *c = &r->conn;

	while (text.n > 0) {
		const char *lf = memchr(text.p, '\n', text.n), *cr;
		size_t n = lf != NULL ? (size_t)(lf - text.p) : text.n;
		size_t all = n + (lf != NULL);
		if (n > 0 && text.p[n - 1] == '\r')
			n--;
		if (*text.p == '.')
			conn_puts(c, ".");
		const char *end = text.p + n;
		for (const char *p = text.p; p < end; p = cr + 1) {
			cr = memchr(p, '\r', (size_t)(end - p));
			if (cr == NULL)
				cr = end;
			conn_write(c, p, (size_t)(cr - p));
			if (cr < end)
				conn_puts(c, " ");
		}
		conn_puts(c, "\r\n");
		span_skip(&text, all);
	}
	conn_puts(c, ".\r\n");
}
