#include "submit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "conn.h"
#include "log.h"

#define CONNECT_TIMEOUT 30 /* s: it is on this machine, or near */
#define REPLY_TIMEOUT 660  /* s: deliver, behind smtpd, has 600 */
#define SESSION 1800       /* s in all: a caller waits for us */
#define REPLY_MAX 2048     /* RFC 5321 4.5.3.1.5 has 512; some say more */
#define PLACE_SIZE 300

static struct {
	const char *host;        /* our name */
	char place[PLACE_SIZE]; /* for the log */
	char reply[REPLY_MAX];
	bool pipelining, eightbit, utf8, dsn, size;
	bool within; /* a line of the text */
	struct addrinfo *addresses; /* NULL: place is a Unix socket */
	struct conn conn;
} s;

/* Connecting */

static _Noreturn void no_connection(int error)
{
	fatal(EX_UNAVAILABLE, "cannot hand the message over at %s: %s",
	    safe(s.place), error == EAGAIN || error == EINPROGRESS ?
	    "no answer" : strerror(error));
}

static int connect_to(const struct sockaddr *sa, socklen_t len)
{
	const struct timeval limit = {.tv_sec = CONNECT_TIMEOUT};
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	/* Of connect() too, be it the backlog of a Unix socket: socket(7). */
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
	    sizeof limit) == 0 && connect(fd, sa, len) == 0)
		return fd;
	error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

static int connect_unix(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	size_t n = strlen(path);

	if (n >= sizeof sun.sun_path)
		fatal(EX_CONFIG, "submit: the path is too long: %s",
		    safe(path));
	memcpy(sun.sun_path, path, n);
	return connect_to((struct sockaddr *)&sun, sizeof sun);
}

static void host_find(const char *where)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	char copy[PLACE_SIZE], *host, port[8];
	int error;

	snprintf(copy, sizeof copy, "%s", where);
	snprintf(port, sizeof port, "%u", host_port(copy, &host, 25));
	error = getaddrinfo(host, port, &hints, &s.addresses);
	if (error != 0)
		fatal(EX_NOHOST, "submit: %s: %s", safe(host),
		    gai_strerror(error));
}

/* Each of the host's addresses, until one answers. */
static int connect_host(void)
{
	int fd = -1;

	for (struct addrinfo *a = s.addresses; a != NULL && fd < 0;
	    a = a->ai_next)
		fd = connect_to(a->ai_addr, a->ai_addrlen);
	return fd;
}

void submit_find(const struct config *config)
{
	const char *where = config->submit;
	struct stat st;

	if (where == NULL)
		where = stat(SUBMIT_SOCKET, &st) == 0 && S_ISSOCK(st.st_mode) ?
		    SUBMIT_SOCKET : "127.0.0.1:25";
	s.host = config->host;
	snprintf(s.place, sizeof s.place, "%s", where);
	if (*where != '/')
		host_find(where);
}

bool submit_open(void)
{
	int fd = *s.place == '/' ? connect_unix(s.place) : connect_host();

	if (fd < 0)
		no_connection(errno);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	conn_open(&s.conn, fd, fd, REPLY_TIMEOUT, SESSION);
	s.conn.client = true;
	return *s.place == '/';
}

/* Replies */

static _Noreturn void lost(enum line why)
{
	fatal(EX_IOERR, "%s: %s", safe(s.place), why == LINE_TIMEOUT ?
	    "no answer" : why == LINE_EOF ? "connection lost" :
	    "not an SMTP server");
}

/* The last line of the reply is kept; `each` sees them all. */
static int reply_read(void (*each)(const char *))
{
	enum line got;
	char *line;

	do {
		got = conn_line(&s.conn, REPLY_MAX, &line);
		if (got != LINE_OK)
			lost(got);
		if (strspn(line, "0123456789") != 3 ||
		    (line[3] != ' ' && line[3] != '-' && line[3] != '\0'))
			lost(LINE_BAD);
		if (each != NULL && line[3] != '\0')
			each(line + 4);
	} while (line[3] == '-');
	snprintf(s.reply, sizeof s.reply, "%.*s", REPLY_MAX - 1, line);
	return line[0] - '0';
}

/* sysexits(3) from what stands behind the code, RFC 3463 3. */
static int status_of(const char *reply)
{
	static const struct {
		const char *code;
		int status;
	} table[] = {
		{".1.2", EX_NOHOST}, {".1.7", EX_DATAERR},
		{".1.8", EX_DATAERR}, {".1.", EX_NOUSER},
		{".3.1", EX_IOERR}, {".3.0", EX_IOERR},
		{".3.4", EX_DATAERR}, {".2.3", EX_DATAERR},
		{".6.", EX_DATAERR}, {".7.", EX_NOPERM},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strlen(reply) > 5 && strncmp(reply + 5, table[i].code,
		    strlen(table[i].code)) == 0)
			return table[i].status;
	return EX_UNAVAILABLE;
}

/* what: "" or " <recipient>" */
static void expect(int class, const char *what, const char *address)
{
	if (reply_read(NULL) == class)
		return;
	conn_puts(&s.conn, "QUIT\r\n");
	conn_flush(&s.conn);
	if (*s.reply != '4' && *s.reply != '5')
		lost(LINE_BAD);
	fatal(status_of(s.reply), "%s%s%s%s", what, safe(address),
	    *what != '\0' ? ": " : "", quoted(s.reply));
}

static void offer(const char *line)
{
	static const struct {
		const char *keyword;
		bool *offered;
	} all[] = {
		{"PIPELINING", &s.pipelining}, {"8BITMIME", &s.eightbit},
		{"SMTPUTF8", &s.utf8}, {"DSN", &s.dsn}, {"SIZE", &s.size},
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		size_t n = strlen(all[i].keyword);
		if (strncasecmp(line, all[i].keyword, n) == 0 &&
		    (line[n] == '\0' || line[n] == ' '))
			*all[i].offered = true;
	}
}

/* The transaction */

static void send_mail(const struct envelope *e, uint64_t size)
{
	char line[ADDRESS_SIZE + ENVID_SIZE + 128], number[32] = "";

	if (s.size)
		snprintf(number, sizeof number, " SIZE=%" PRIu64, size);
	snprintf(line, sizeof line, "MAIL FROM:<%s>%s%s%s%s%s%s", e->sender,
	    number, e->eightbit && s.eightbit ? " BODY=8BITMIME" : "",
	    e->utf8 ? " SMTPUTF8" : "",
	    !s.dsn || e->ret == 0 ? "" :
	    e->ret == 'F' ? " RET=FULL" : " RET=HDRS",
	    s.dsn && *e->envid != '\0' ? " ENVID=" : "",
	    s.dsn ? e->envid : "");
	conn_reply(&s.conn, "%s", line);
}

static void send_rcpt(const struct recipient *r)
{
	char words[NOTIFY_SIZE] = "";

	if (s.dsn)
		notify_print(words, r->notify);
	conn_reply(&s.conn, "RCPT TO:<%s>%s%s", r->address,
	    *words != '\0' ? " NOTIFY=" : "", words);
}

void submit_envelope(const struct envelope *e, uint64_t size)
{
	expect(2, "", "");
	conn_reply(&s.conn, "EHLO %s", s.host);
	if (reply_read(offer) != 2)
		fatal(EX_UNAVAILABLE, "%s: %s", safe(s.place), quoted(s.reply));
	if (e->utf8 && !s.utf8)
		fatal(EX_UNAVAILABLE, "%s: takes no UTF-8 address",
		    safe(s.place));
	send_mail(e, size);
	if (!s.pipelining)
		expect(2, "sender ", e->sender);
	for (size_t i = 0; i < e->rcpts; i++) {
		send_rcpt(&e->rcpt[i]);
		if (!s.pipelining)
			expect(2, "recipient ", e->rcpt[i].address);
	}
	if (s.pipelining)
		expect(2, "sender ", e->sender);
	for (size_t i = 0; s.pipelining && i < e->rcpts; i++)
		expect(2, "recipient ", e->rcpt[i].address);
	/* Not earlier: after a 354 there is no way back. */
	conn_puts(&s.conn, "DATA\r\n");
	expect(3, "", "");
}

void submit_text(const char *p, size_t n)
{
	const char *end = p + n, *lf, *stop;

	for (; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		stop = lf == NULL ? end : lf - (lf > p && lf[-1] == '\r');
		if (!s.within && *p == '.')
			conn_puts(&s.conn, ".");
		conn_write(&s.conn, p, (size_t)(stop - p));
		s.within = lf == NULL;
		if (lf == NULL)
			return;
		conn_puts(&s.conn, "\r\n");
	}
}

const char *submit_end(void)
{
	conn_puts(&s.conn, ".\r\n");
	expect(2, "", "");
	conn_puts(&s.conn, "QUIT\r\n");
	conn_flush(&s.conn);
	return s.reply;
}

/* The bridge */

/* True: something was copied. */
static bool copy(int from, int to)
{
	static char buf[16384];
	ssize_t n, done = 0, put;

	do
		n = read(from, buf, sizeof buf);
	while (n < 0 && errno == EINTR);
	while (done < n) {
		put = write(to, buf + done, (size_t)(n - done));
		if (put < 0 && errno != EINTR)
			return false;
		done += put > 0 ? put : 0;
	}
	return n > 0;
}

void submit_bridge(const struct config *config)
{
	struct pollfd p[2] = {{.fd = 0, .events = POLLIN}};
	int socket;

	submit_find(config);
	submit_open();
	socket = s.conn.in;
	fcntl(socket, F_SETFL, 0);
	p[1] = (struct pollfd){.fd = socket, .events = POLLIN};
	for (;;) {
		int n = poll(p, 2, REPLY_TIMEOUT * 1000);
		if (n == 0)
			fatal(EX_UNAVAILABLE, "%s: no answer", safe(s.place));
		if (n < 0)
			continue;
		if (p[1].revents != 0 && !copy(socket, 1))
			return;
		if (p[0].revents != 0 && !copy(0, socket)) {
			shutdown(socket, SHUT_WR);
			p[0].fd = -1;
		}
	}
}
