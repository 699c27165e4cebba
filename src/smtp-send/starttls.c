#include "starttls.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "tls.h"

#define PLAIN_MAX 20 /* as many as there can be of a next hop: mx.c */

/* Hosts with which TLS has failed, in this process. */
static char plain[PLAIN_MAX][SESSION_PEER_SIZE];

static bool is_plain(const char *peer)
{
	for (size_t i = 0; i < PLAIN_MAX; i++)
		if (strcmp(plain[i], peer) == 0)
			return true;
	return false;
}

static bool has_tls(const struct session *s)
{
	return *s->tls.protocol != '\0';
}

static bool helper_present(void)
{
	static bool told;
	bool present = tls_present();

	if (!present && !told)
		info("no tls helper here: mail goes without TLS");
	told = told || !present;
	return present;
}

bool starttls_due(const struct session *s)
{
	return s->policy.level != TLS_NONE && !has_tls(s) &&
	    (s->extensions & EXT_STARTTLS) != 0 &&
	    (s->policy.level > TLS_MAY ||
	    (!is_plain(s->peer) && helper_present()));
}

bool starttls_missed(struct session *s, const char *why)
{
	char what[REPLY_SIZE + 128];

	if (s->policy.level <= TLS_MAY || has_tls(s))
		return false;
	snprintf(what, sizeof what, "%s, and TLS is demanded by %s", why,
	    s->policy.source);
	session_fail(s, 451, "4.7.4", what);
	return true;
}

/* Those of sessions that are closed, when they have ended. */
static void helpers_reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void describe(struct session *s)
{
	snprintf(s->how, sizeof s->how, "%s,%s%s", s->tls.protocol,
	    s->tls.cipher, s->tls.verified ? ",verified" : "");
}

bool starttls_handshake(struct session *s, int64_t due)
{
	const char *name = s->policy.name != NULL ? s->policy.name : s->host;
	char what[sizeof s->tls.error + 32];
	int fd;

	helpers_reap();
	fd = tls_connect(s->conn.in, s->conn.out, name,
	    s->policy.level == TLS_VERIFY, due, &s->tls);
	if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
		snprintf(what, sizeof what, "no TLS with it: %s",
		    s->tls.error);
		session_fail(s, 451, "4.7.5", what);
		return false;
	}
	close(s->conn.in);
	if (s->conn.out != s->conn.in)
		close(s->conn.out);
	conn_open(&s->conn, fd, fd, HANDSHAKE_TIMEOUT, 0);
	s->conn.client = true;
	describe(s);
	return true;
}

bool starttls_fall_back(struct session *s)
{
	static size_t next;

	if (!s->securing || s->policy.level != TLS_MAY)
		return false;
	snprintf(plain[next], sizeof plain[next], "%s", s->peer);
	next = (next + 1) % PLAIN_MAX;
	info("no tls mta=%s reply=%s", s->peer, quoted(s->reply.text));
	return true;
}
