#include "session.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "door.h"
#include "fake.h"

static unsigned how;
static jmp_buf end;

/* What a talker has left. */
static struct {
	bool here;
	char text[DOOR_TEXT_SIZE], unread[CONN_BUFFER];
	size_t n;
	struct address who;
	struct tls tls;
} left;

_Noreturn void session_exit(int status);
_Noreturn void session_exit(int status)
{
	MUST(status == 0);
	longjmp(end, 1);
}

void session_run(int (*program)(int, char **), int argc, char **argv,
    unsigned mode, void (*fresh)(void))
{
	how = mode;
	memset(&left, 0, sizeof left);
	MUST(setenv("TCPREMOTEIP", how & SESSION_STRANGER ? "192.0.2.1" :
	    "127.0.0.1", 1) == 0);
	left.here = true;
	while (left.here) {
		left.here = *left.who.text != '\0';
		fresh();
		optind = 0;
		if (setjmp(end) == 0)
			program(argc, argv);
	}
}

void door_begin(struct door *d, const struct config *config,
    const struct peer *peer, struct conn *conn, const char *service,
    bool logins)
{
	*d = (struct door){
		.config = config, .peer = peer, .conn = conn,
		.service = service, .fd = -1,
		.tls_offered = how & SESSION_TLS,
		.logins = logins, .scram_offered = how & SESSION_SCRAM,
	};
	login_begin(&d->login, config, peer, &d->tls, service);
}

bool door_is_private(const struct door *d)
{
	return *d->tls.protocol != '\0' || (how & SESSION_STRANGER) == 0;
}

static void tls_is_here(struct door *d)
{
	MUST(d->tls_offered);
	d->tls_offered = false;
	strcpy(d->tls.protocol, "TLSv1.3");
	strcpy(d->tls.peer, "alice@example.test");
	memset(d->tls.exporter, 'a', sizeof d->tls.exporter - 1);
}

void door_tls_first(struct door *d)
{
	if (!d->tls_offered)
		session_exit(0);
	tls_is_here(d);
}

/* The reply goes out, and nothing that came before it counts. */
bool door_tls(struct door *d, const char *reply)
{
	if (d->conn->start != d->conn->end)
		return false;
	conn_reply(d->conn, "%s", reply);
	if (!conn_flush(d->conn))
		return false;
	tls_is_here(d);
	return true;
}

bool door_talk(struct door *d, const struct confinement *may)
{
	MUST(may->calls != 0 && may->memory != 0);
	d->talker = 1;
	if (!left.here)
		return true;
	d->talker = 0;
	d->login.who = left.who;
	d->tls = left.tls;
	d->tls_offered = d->tls_offered && *d->tls.protocol == '\0';
	strcpy(d->text, left.text);
	memcpy(d->conn->buf, left.unread, left.n);
	d->conn->start = 0;
	d->conn->end = left.n;
	memset(&left, 0, sizeof left);
	return false;
}

_Noreturn void door_leave(struct door *d, const char *text)
{
	struct conn *c = d->conn;

	MUST(*d->login.who.text != '\0' && strlen(text) < DOOR_TEXT_SIZE);
	conn_flush(c);
	left.here = true;
	left.who = d->login.who;
	left.tls = d->tls;
	strcpy(left.text, text);
	left.n = c->end - c->start;
	memcpy(left.unread, c->buf + c->start, left.n);
	session_exit(0);
}

_Noreturn void door_close(struct door *d, int status)
{
	MUST(d->conn != NULL);
	session_exit(status);
}

/* By login.c, whose auth is in fake.c. */
enum login_result door_password(struct door *d, const char *user,
    char *password)
{
	size_t n = strlen(password);
	enum login_result result;

	MUST(door_is_private(d));
	result = login_password(&d->login, user, password);
	for (size_t i = 0; i < n; i++)
		MUST(password[i] == '\0');
	return result;
}

static enum login_result alice(struct door *d)
{
	MUST(address_parse("alice@example.test", &d->login.who) == ADDRESS_OK);
	return LOGIN_OK;
}

/* A whole dialogue; a proof with no x in it is as good as a right one. */
static struct scram scram;

enum login_result door_scram_first(struct door *d, const char *user,
    const char *text, char say[SCRAM_SIZE])
{
	struct scram_first first;

	MUST(door_is_private(d) && strlen(user) < LOGIN_SIZE);
	MUST(strlen(text) < SCRAM_SIZE && scram_first_parse(&first, text));
	MUST(strcmp(first.user, user) == 0);
	MUST(*first.authzid == '\0' || strcmp(first.authzid, user) == 0);
	memset(&scram, 0, sizeof scram);
	scram.verifier = (struct scram_verifier){.iterations = 4096,
	    .salt_size = 4, .salt = "salt"};
	return *user != 'x' && scram_challenge(&scram, &first, text, "nonce",
	    first.flag == 'p' ? "0123" : NULL, first.flag == 'p' ? 4 : 0, say) ?
	    LOGIN_CONTINUE : LOGIN_REFUSED;
}

enum login_result door_scram_final(struct door *d, const char *final,
    char say[SCRAM_SIZE])
{
	MUST(strlen(final) < SCRAM_SIZE);
	return scram_final(&scram, final, say) || strchr(final, 'x') == NULL ?
	    alice(d) : LOGIN_REFUSED;
}

enum login_result door_external(struct door *d, const char *authzid)
{
	MUST(*d->tls.peer != '\0' && strlen(authzid) < LOGIN_SIZE);
	return *authzid == '\0' || strcmp(authzid, d->tls.peer) == 0 ?
	    alice(d) : LOGIN_REFUSED;
}
