#include "door.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"
#include "program.h"
#include "str.h"

#define REFUSED_MAX 10 /* logins a session: more is no typing error */
#define LINGER 10      /* s that tls has to send what is left */

enum kind {
	TLS = 't',
	PASSWORD = 'p',
	SCRAM_FIRST = 's',
	SCRAM_FINAL = 'f',
	EXTERNAL = 'x',
	LEAVE = 'l',
	ASK = 'a',
	SAY = 'y',
};

/* Two texts, each with its NUL; LEAVE has what is unread for a second. */
struct request {
	char kind;
	char text[SCRAM_SIZE + CONN_BUFFER];
};

struct answer {
	enum login_result result;
	char text[SCRAM_SIZE];
	char who[ADDRESS_SIZE];
	struct tls tls;
};

static struct answer answer; /* too large for a frame with calls below it */

void door_begin(struct door *d, const struct config *config,
    const struct peer *peer, struct conn *conn, const char *service,
    bool logins)
{
	*d = (struct door){
		.config = config, .peer = peer, .conn = conn,
		.service = service, .fd = -1,
		.tls_offered = tls_available(config->host),
		.logins = logins,
		.scram_offered = logins && login_has_scram(config),
	};
	login_begin(&d->login, config, peer, &d->tls, service);
}

bool door_is_private(const struct door *d)
{
	return *d->tls.protocol != '\0' || d->peer->loopback ||
	    d->peer->local ||
	    (!d->peer->socket && *d->peer->address == '\0');
}

/* Both sides: the session goes on here. */
static void network_take(struct door *d, int fd)
{
	if (dup2(fd, 0) < 0 || dup2(fd, 1) < 0)
		fatal(EX_OSERR, "%s", strerror(errno));
	d->tls_offered = false;
}

/* The doorkeeper */

static int tls_begin(struct door *d)
{
	/* No name is registered for SMTP (RFC 7301 6), nor for mysmtp. */
	const char *alpn = strstr(d->service, "smtp") ? NULL : d->service;
	int fd = tls_serve(0, 1, alpn, &d->tls);

	if (fd >= 0)
		network_take(d, fd);
	return fd;
}

void door_tls_first(struct door *d)
{
	int fd = -1;

	if (d->tls_offered)
		fd = tls_begin(d);
	else
		warn("no TLS: no helper, or no certificate for %s",
		    d->config->host);
	if (fd < 0)
		door_close(d, EX_OK);
	close(fd);
}

static void answer_send(struct door *d, int fd)
{
	char room[CMSG_SPACE(sizeof fd)] = {0};
	struct iovec what = {&answer, sizeof answer};
	struct msghdr m = {.msg_iov = &what, .msg_iovlen = 1};
	ssize_t n;

	if (fd >= 0) {
		m.msg_control = room;
		m.msg_controllen = sizeof room;
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	do
		n = sendmsg(d->fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return;
	warn("talker: %s", strerror(errno));
	shutdown(d->fd, SHUT_RDWR); /* or it waits for the answer for ever */
}

static enum login_result login_decide(struct door *d, char kind, char *first,
    char *second, char text[SCRAM_SIZE])
{
	if (!d->logins || !door_is_private(d) || d->refused >= REFUSED_MAX)
		return LOGIN_REFUSED;
	switch (kind) {
	case PASSWORD:
		return login_password(&d->login, first, second);
	case SCRAM_FIRST:
		return login_scram_first(&d->login, first, second, text);
	case SCRAM_FINAL:
		return login_scram_final(&d->login, first, text);
	default:
		return login_external(&d->login, first);
	}
}

/* The second of two texts in n bytes; NULL when there is none. */
static char *second_text(char *text, size_t n)
{
	char *end = memchr(text, '\0', n);

	if (end == NULL || (size_t)(end + 1 - text) >= n ||
	    memchr(end + 1, '\0', n - (size_t)(end + 1 - text)) == NULL)
		return NULL;
	return end + 1;
}

static void serve_login(struct door *d, struct request *r, size_t n)
{
	char *second = second_text(r->text, n);

	answer = (struct answer){.result = LOGIN_REFUSED};
	if (second != NULL)
		answer.result = login_decide(d, r->kind, r->text, second,
		    answer.text);
	if (answer.result == LOGIN_REFUSED)
		d->refused++;
	if (answer.result == LOGIN_OK)
		strcpy(answer.who, d->login.who.text);
	answer_send(d, -1);
	explicit_bzero(r, sizeof r->kind + n);
}

static void serve_tls(struct door *d)
{
	int fd = d->tls_offered ? tls_begin(d) : -1;

	answer = (struct answer){.tls = d->tls};
	answer_send(d, fd);
	if (fd >= 0)
		close(fd);
}

static void serve_own(struct door *d, const struct request *r, size_t n)
{
	const char *end = memchr(r->text, '\0', n);
	int fd = end != NULL && end < r->text + DOOR_TEXT_SIZE ?
	    d->own->give(r->text) : -1;

	answer = (struct answer){0};
	answer_send(d, fd);
	if (fd >= 0)
		close(fd);
}

/* Its last packet: the text, and what the client has said since. */
static bool left(struct door *d, const struct request *r, size_t n)
{
	const char *end = memchr(r->text, '\0', n);
	size_t size = end != NULL ? (size_t)(end + 1 - r->text) : 0;

	if (*d->login.who.text == '\0' || end == NULL ||
	    size > sizeof d->text || n - size > CONN_BUFFER)
		return false;
	memcpy(d->text, r->text, size);
	memcpy(d->conn->buf, end + 1, n - size);
	d->conn->start = 0;
	d->conn->end = n - size;
	return true;
}

/* True when it has left with somebody's login. */
static bool serve(struct door *d, struct request *r, size_t n)
{
	switch (r->kind) {
	case TLS:
		serve_tls(d);
		break;
	case LEAVE:
		return left(d, r, n);
	case ASK:
		if (d->own != NULL)
			serve_own(d, r, n);
		break;
	case SAY:
		if (d->own != NULL && memchr(r->text, '\0', n) != NULL)
			d->own->hear(r->text);
		break;
	default:
		serve_login(d, r, n);
	}
	return false;
}

/* The next packet; 0 at the end. Meanwhile, what others have to say. */
static size_t request_read(struct door *d, struct request *r)
{
	struct pollfd p[] = {
		{.fd = d->fd, .events = POLLIN},
		{.fd = -1, .events = POLLIN},
	};
	ssize_t n;

	for (;;) {
		p[1].fd = d->own != NULL ? d->own->fd : -1;
		if (p[1].fd >= 0 && poll(p, 2, -1) > 0 && p[1].revents != 0)
			d->own->read();
		if (p[1].fd >= 0 && p[0].revents == 0)
			continue;
		n = read(d->fd, r, sizeof *r);
		if (n >= 0 || errno != EINTR)
			return n > 0 ? (size_t)n : 0;
	}
}

/* Until the talker has ended. True: with a login. */
static bool doorkeeper(struct door *d)
{
	struct request *r = xrealloc(NULL, sizeof *r);
	bool done = false;
	size_t n;
	int status;

	while (!done && (n = request_read(d, r)) > 0)
		done = serve(d, r, n - sizeof r->kind);
	free(r);
	close(d->fd);
	status = program_wait(d->talker);
	if (status != 0)
		warn("talker status=%d", status);
	return done;
}

_Noreturn void door_close(struct door *d, int status)
{
	close(0);
	close(1);
	if (d->own != NULL && d->talker > 0)
		d->own->end();
	if (d->tls.helper > 0) {
		alarm(LINGER); /* whose peer does not read */
		program_wait(d->tls.helper);
	}
	_exit(status);
}

bool door_talk(struct door *d, const struct confinement *may)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0 ||
	    (d->talker = fork()) < 0)
		fatal(EX_OSERR, "no talker: %s", strerror(errno));
	d->fd = fds[d->talker == 0];
	close(fds[d->talker != 0]);
	if (d->talker == 0) {
		d->tls.helper = -1;
		confine(may);
		return true;
	}
	if (!doorkeeper(d))
		door_close(d, EX_OK);
	d->talker = 0;
	return false;
}

/* The talker */

/* Sends the kind and two texts; false when the doorkeeper is gone. */
static bool request_send(struct door *d, char kind, const char *first,
    const void *second, size_t n)
{
	struct iovec what[] = {
		{&kind, 1},
		{(void *)(uintptr_t)first, strlen(first) + 1},
		{(void *)(uintptr_t)second, n},
	};

	return writev(d->fd, what, 3) > 0;
}

/* Waits for the answer, and the descriptor with it; else it is -1. */
static bool answer_read(struct door *d, int *fd)
{
	char room[CMSG_SPACE(sizeof *fd)] = {0};
	struct iovec what = {&answer, sizeof answer};
	struct msghdr m = {
		.msg_iov = &what, .msg_iovlen = 1,
		.msg_control = room, .msg_controllen = sizeof room,
	};
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(d->fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = CMSG_FIRSTHDR(&m);
	*fd = -1;
	if (n > 0 && c != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof *fd);
	return n == (ssize_t)sizeof answer;
}

bool door_tls(struct door *d, const char *reply)
{
	struct conn *c = d->conn;
	int fd;

	if (c->start != c->end)
		return false;
	conn_reply(c, "%s", reply);
	if (!conn_flush(c) || !request_send(d, TLS, "", "", 0) ||
	    !answer_read(d, &fd) || fd < 0)
		return false;
	network_take(d, fd);
	close(fd);
	d->tls = answer.tls;
	d->tls.helper = -1; /* it is the doorkeeper's */
	return true;
}

static enum login_result login_ask(struct door *d, char kind,
    const char *first, const char *second, char text[SCRAM_SIZE])
{
	int fd;

	if (!request_send(d, kind, first, second, strlen(second) + 1) ||
	    !answer_read(d, &fd))
		return LOGIN_UNAVAILABLE;
	if (text != NULL)
		memcpy(text, answer.text, SCRAM_SIZE);
	if (answer.result == LOGIN_OK &&
	    address_parse(answer.who, &d->login.who) != ADDRESS_OK)
		return LOGIN_UNAVAILABLE;
	return answer.result;
}

enum login_result door_password(struct door *d, const char *user,
    char *password)
{
	enum login_result result = login_ask(d, PASSWORD, user, password,
	    NULL);

	explicit_bzero(password, strlen(password));
	return result;
}

enum login_result door_scram_first(struct door *d, const char *user,
    const char *first, char text[SCRAM_SIZE])
{
	return login_ask(d, SCRAM_FIRST, user, first, text);
}

enum login_result door_scram_final(struct door *d, const char *final,
    char text[SCRAM_SIZE])
{
	return login_ask(d, SCRAM_FINAL, final, "", text);
}

enum login_result door_external(struct door *d, const char *authzid)
{
	return login_ask(d, EXTERNAL, authzid, "", NULL);
}

int door_ask(struct door *d, const char *what)
{
	int fd = -1;

	if (request_send(d, ASK, what, "", 0) && !answer_read(d, &fd))
		fd = -1;
	return fd;
}

void door_say(struct door *d, const char *text)
{
	if (!request_send(d, SAY, text, "", 0))
		warn("doorkeeper: %s", strerror(errno));
}

_Noreturn void door_leave(struct door *d, const char *text)
{
	struct conn *c = d->conn;

	conn_flush(c);
	if (!request_send(d, LEAVE, text, c->buf + c->start,
	    c->end - c->start))
		_exit(EX_OSERR);
	_exit(EX_OK);
}
