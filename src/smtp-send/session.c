#include "session.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth.h"
#include "dial.h"
#include "extensions.h"
#include "log.h"
#include "starttls.h"

/* Seconds. RFC 5321 4.5.3.2 has no time for connecting, EHLO and QUIT. */
#define CONNECT_TIMEOUT 30  /* a host that is there answers in a second */
#define GREETING_TIMEOUT 300
#define HELLO_TIMEOUT 300   /* the time for MAIL: some look us up in the DNS */
#define AUTH_TIMEOUT 300
#define STARTTLS_TIMEOUT 120 /* as for DATA: the next words come from elsewhere */
#define QUIT_TIMEOUT 5      /* nothing depends on it */

/* The loop */

static void session_drop(struct session *s)
{
	if (s->phase == CLOSED)
		return;
	if (s->stream)
		conn_flush(&s->conn); /* a transcript shows all that was said */
	close(s->conn.in);
	if (s->conn.out != s->conn.in)
		close(s->conn.out);
	s->phase = CLOSED;
}

enum phase session_fail(struct session *s, int code, const char *status,
    const char *what)
{
	char said[REPLY_SIZE + 64];

	snprintf(said, sizeof said, "%s", what); /* it may be our own reply's */
	reply_print(&s->reply, code, "%s %s: %s", status, s->peer, said);
	return CLOSED;
}

/* "connection lost after MAIL", or what the host said with 421. */
static enum phase lost(struct session *s, const char *when)
{
	char what[REPLY_SIZE + 32];

	snprintf(what, sizeof what, "%s %s", s->reply.text, when);
	if (s->reply.code != 0)
		return session_fail(s, 451, "4.4.2", s->reply.text);
	return session_fail(s, 451, "4.4.2", what);
}

static int64_t due_in(int seconds)
{
	return now_ms() + seconds * (int64_t)1000;
}

/*
 * A reply is waited for as long as the phase says, and no longer than there is
 * time for the message; but at its end, for as long as RFC 5321 4.5.3.2.6 says:
 * who hangs up there makes two of one message (RFC 1047).
 */
static int64_t due(const struct session *s, int timeout)
{
	int64_t end = due_in(timeout);

	return s->phase != END && s->deadline != 0 && s->deadline < end ?
	    s->deadline : end;
}

/*
 * Nothing may be unread where we are to speak: it was said before it was asked
 * for, and would be taken for the answer to something else. (A transcript has
 * all of it there from the beginning.)
 */
static bool in_step(const struct session *s)
{
	return s->stream || s->conn.start == s->conn.end;
}

static enum phase step_run(struct session *s, const struct step *step)
{
	s->conn.timeout = step->timeout;
	s->conn.deadline = s->deadline;
	if (step->say != NULL && s->said < s->phase) {
		if (!in_step(s))
			return session_fail(s, 451, "4.5.0",
			    "speaks out of turn");
		step->say(s);
	}
	reply_read(&s->reply, &s->conn, due(s, step->timeout),
	    s->phase == EHLO ? extension_read : NULL, s);
	s->closing = s->reply.code == 421;
	if (s->reply.code == 0 || s->reply.code == 421)
		return lost(s, step->when);
	s->heard = true;
	return step->hear(s);
}

void session_run(struct session *s, const struct step *steps)
{
	enum phase next;

	while (s->phase != READY && s->phase != CLOSED) {
		next = step_run(s, &steps[s->phase]);
		if (next == CLOSED)
			session_drop(s);
		s->phase = next;
	}
	s->said = CLOSED;
}

/* The opening */

/* What the host has said, in words of ours: for now, whatever its code is. */
static enum phase refused(struct session *s)
{
	return session_fail(s, 451, "4.4.0", s->reply.text);
}

static enum phase heard_greeting(struct session *s)
{
	s->never = s->reply.code == 521;
	return s->reply.code == 220 ? EHLO : refused(s);
}

static void say_ehlo(struct session *s)
{
	conn_reply(&s->conn, "EHLO %s", s->hello);
}

static void say_helo(struct session *s)
{
	conn_reply(&s->conn, "HELO %s", s->hello);
}

static enum phase begin_auth(struct session *s)
{
	const char *why = auth_read(&s->login);

	if (why == NULL && *s->login.user == '\0')
		return READY; /* no users/smarthost: it knows our address */
	if (why == NULL && !s->private && *s->tls.protocol == '\0')
		why = "no password is sent to it without TLS";
	if (why == NULL &&
	    (s->extensions & (EXT_AUTH_PLAIN | EXT_AUTH_LOGIN)) == 0)
		why = "it offers neither AUTH PLAIN nor AUTH LOGIN";
	return why == NULL ? AUTH : session_fail(s, 451, "4.7.0", why);
}

static enum phase begin_mail(struct session *s)
{
	return s->smarthost ? begin_auth(s) : READY;
}

static enum phase heard_hello(struct session *s)
{
	if (s->reply.code / 100 != 2)
		return refused(s);
	s->securing = false;
	if (starttls_due(s))
		return STARTTLS;
	return starttls_missed(s, "offers no STARTTLS") ? CLOSED :
	    begin_mail(s);
}

/* A host that does not know EHLO: RFC 5321 3.2. */
static enum phase heard_ehlo(struct session *s)
{
	if (s->reply.code / 100 != 5)
		return heard_hello(s);
	extensions_forget(s);
	return HELO;
}

static void say_starttls(struct session *s)
{
	conn_puts(&s->conn, "STARTTLS\r\n");
	s->securing = true;
}

/*
 * What came behind the 220 was not said by whom the certificate names, but is
 * read as if: RFC 3207 4.2 has us forget it, and we do not stay.
 */
static enum phase heard_starttls(struct session *s)
{
	char what[REPLY_SIZE + 32];

	if (s->reply.code != 220) {
		s->securing = false;
		snprintf(what, sizeof what, "refuses STARTTLS: %s",
		    s->reply.text);
		return starttls_missed(s, what) ? CLOSED : begin_mail(s);
	}
	if (s->conn.start != s->conn.end)
		return session_fail(s, 451, "4.5.0", "speaks out of turn");
	if (!starttls_handshake(s, due(s, HANDSHAKE_TIMEOUT)))
		return CLOSED;
	extensions_forget(s);
	return EHLO;
}

/* AUTH (RFC 4954) */

static void say_auth(struct session *s)
{
	char text[AUTH_TEXT_SIZE];

	if (s->extensions & EXT_AUTH_PLAIN) {
		auth_plain(text, &s->login);
		conn_reply(&s->conn, "AUTH PLAIN %s", text);
		explicit_bzero(text, sizeof text);
	} else {
		conn_puts(&s->conn, "AUTH LOGIN\r\n");
	}
}

static void say_login(struct session *s, const char *word)
{
	char text[AUTH_TEXT_SIZE];

	base64_encode(text, word, strlen(word));
	conn_reply(&s->conn, "%s", text);
	explicit_bzero(text, sizeof text);
}

static void say_user(struct session *s)
{
	say_login(s, s->login.user);
}

static void say_password(struct session *s)
{
	say_login(s, s->login.password);
}

/* No message is to bounce because somebody has changed a password. */
static enum phase heard_auth(struct session *s)
{
	bool plain = (s->extensions & EXT_AUTH_PLAIN) != 0;
	char what[REPLY_SIZE + 32];

	if (s->reply.code == 334 && !plain && s->phase != AUTH_PASSWORD)
		return s->phase == AUTH ? AUTH_USER : AUTH_PASSWORD;
	if (s->reply.code == 235 && (plain || s->phase == AUTH_PASSWORD))
		return READY;
	snprintf(what, sizeof what, "refuses our login: %s", s->reply.text);
	warn("login refused mta=%s reply=%s", s->peer, quoted(s->reply.text));
	return session_fail(s, 451, "4.7.0", what);
}

static const struct step opening[PHASES] = {
	[GREETING] = {"before its greeting", GREETING_TIMEOUT, NULL,
	    heard_greeting},
	[EHLO] = {"after EHLO", HELLO_TIMEOUT, say_ehlo, heard_ehlo},
	[STARTTLS] = {"after STARTTLS", STARTTLS_TIMEOUT, say_starttls,
	    heard_starttls},
	[HELO] = {"after HELO", HELLO_TIMEOUT, say_helo, heard_hello},
	[AUTH] = {"after AUTH", AUTH_TIMEOUT, say_auth, heard_auth},
	[AUTH_USER] = {"after AUTH", AUTH_TIMEOUT, say_user, heard_auth},
	[AUTH_PASSWORD] = {"after AUTH", AUTH_TIMEOUT, say_password,
	    heard_auth},
};

static bool session_open(struct session *s, int in, int out)
{
	conn_open(&s->conn, in, out, GREETING_TIMEOUT, 0);
	s->conn.client = !s->stream;
	s->said = CLOSED;
	extensions_forget(s);
	memset(&s->tls, 0, sizeof s->tls);
	strcpy(s->how, "no");
	s->transactions = 0;
	s->dirty = s->heard = s->closing = s->never = s->securing = false;
	s->phase = GREETING;
	if (s->policy.at_once &&
	    !starttls_handshake(s, due(s, HANDSHAKE_TIMEOUT)))
		session_drop(s);
	session_run(s, opening);
	s->again = s->phase == CLOSED && starttls_fall_back(s);
	if (s->smarthost) {
		explicit_bzero(&s->login, sizeof s->login);
		explicit_bzero(s->conn.out_buf, 2 * AUTH_TEXT_SIZE);
	}
	return s->phase == READY;
}

static unsigned port(const struct sockaddr_storage *a)
{
	return ntohs(a->ss_family == AF_INET ?
	    ((const struct sockaddr_in *)a)->sin_port :
	    ((const struct sockaddr_in6 *)a)->sin6_port);
}

bool session_connect(struct session *s, const struct mx_address *a)
{
	int fd;

	snprintf(s->host, sizeof s->host, "%s", a->host);
	snprintf(s->peer, sizeof s->peer, "%s[%s]:%u", a->host, a->text,
	    port(&a->address));
	s->private = dial_loopback((const struct sockaddr *)&a->address);
	s->never = s->again = false;
	policy_find(&s->policy, s->route, s->private);
	fd = dial((const struct sockaddr *)&a->address, a->length,
	    due(s, CONNECT_TIMEOUT));
	if (fd < 0) {
		session_fail(s, 451, "4.4.1", strerror(errno));
		return false;
	}
	return session_open(s, fd, fd);
}

bool session_adopt(struct session *s, int in, int out)
{
	strcpy(s->host, "-");
	strcpy(s->peer, "-");
	s->stream = true;
	s->policy.level = TLS_NONE; /* nobody can tell whose these are */
	return session_open(s, in, out);
}

bool session_usable(struct session *s)
{
	struct pollfd p = {.fd = s->conn.in, .events = POLLIN};

	if (s->phase == CLOSED)
		return false;
	if (s->mail_max != 0 && s->transactions >= s->mail_max) {
		session_fail(s, 451, "4.5.3", "takes no more in a session");
		session_quit(s, false);
		return false;
	}
	/* It has hung up, or says that it will: 421. */
	if (!s->stream && (!in_step(s) || poll(&p, 1, 0) != 0)) {
		session_fail(s, 451, "4.4.2", "has closed the session");
		session_drop(s);
		return false;
	}
	return true;
}

void session_quit(struct session *s, bool wait)
{
	struct reply reply;

	if (s->phase == CLOSED)
		return;
	s->conn.timeout = QUIT_TIMEOUT;
	s->conn.deadline = due_in(QUIT_TIMEOUT);
	conn_puts(&s->conn, "QUIT\r\n");
	if (conn_flush(&s->conn) && wait)
		reply_read(&reply, &s->conn, s->conn.deadline, NULL, NULL);
	session_drop(s);
}
