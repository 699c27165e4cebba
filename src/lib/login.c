#include "login.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local.h"
#include "log.h"
#include "penalty.h"
#include "program.h"
#include "str.h"

#define AUTH_TIME 35 /* s; auth itself ends after 30 */
#define FIRST_BLOCK 4096 /* octets of users/passwd in which its first is */

void login_begin(struct login *l, const struct config *config,
    const struct peer *peer, const struct tls *tls, const char *service)
{
	*l = (struct login){.config = config, .peer = peer, .tls = tls,
	    .service = service, .mechanism = "none", .scram = -1};
}

/* What is logged: fail2ban reads it, so its form is in pennypost-logins(5). */

static const char *tls_text(const struct login *l, char room[32])
{
	if (*l->tls->protocol == '\0')
		return "";
	snprintf(room, 32, " tls=%s", safe(l->tls->protocol));
	return room;
}

/* Nobody is in but by this. */
static enum login_result told(struct login *l, enum login_result result)
{
	char room[32];
	const char *what = result == LOGIN_OK ? "login" :
	    result == LOGIN_REFUSED ? "login refused" : "login unavailable";

	l->who = (struct address){0};
	if (result == LOGIN_OK)
		address_parse(l->account, &l->who);
	(result == LOGIN_OK ? info : warn)
	    ("%s user=%s peer=%s service=%s mechanism=%s%s", what,
	    safe(l->account), l->peer->address, l->service, l->mechanism,
	    tls_text(l, room));
	return result;
}

/* Who it is to be: the whole address; false for what can be nobody's. */
static bool account_find(struct login *l, const char *user,
    const char *mechanism)
{
	struct address who;

	l->who = (struct address){0};
	l->mechanism = mechanism;
	snprintf(l->account, sizeof l->account, "%.*s%s%s", LOGIN_SIZE - 1,
	    user, strchr(user, '@') == NULL ? "@" : "",
	    strchr(user, '@') == NULL ? domain_default() : "");
	fold(l->account);
	return strlen(user) < LOGIN_SIZE &&
	    strlen(l->account) < LOGIN_SIZE &&
	    address_parse(l->account, &who) == ADDRESS_OK &&
	    *who.domain != '\0';
}

/* Loopback is no source: a webmail there would be everybody at once. */
static const char *source(const struct login *l)
{
	return *l->peer->address == '\0' || l->peer->loopback ? NULL :
	    l->peer->address;
}

static enum outcome outcome(enum login_result result)
{
	return result == LOGIN_OK ? LET_IN :
	    result == LOGIN_REFUSED ? TURNED_AWAY : UNDECIDED;
}

/* Starts the auth command, its option before all, with fd as its 3. */
static pid_t auth_start(const struct login *l, const char *option, int fd)
{
	static struct str command;
	char own[PATH_SIZE], *rest, **argv;
	size_t n = 0;
	int null;
	pid_t pid;

	str_clear(&command);
	if (l->config->auth != NULL && option == NULL)
		str_puts(&command, l->config->auth);
	else if (!program_path("auth", own))
		return -1;
	argv = xrealloc(NULL, (command.len / 2 + 4) * sizeof *argv);
	rest = command.p;
	if (command.len == 0)
		argv[n++] = own;
	if (option != NULL)
		argv[n++] = (char *)(uintptr_t)option;
	while ((argv[n] = text_word(&rest)) != NULL)
		n++;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid = null < 0 ? -1 : program_start(argv, null, null, (int[]){fd, -1},
	    NULL);
	if (null >= 0)
		close(null);
	free(argv);
	return pid;
}

/* Asks by the checkpassword interface: auth's status. */
static int auth_ask(const struct login *l, const char *option,
    const char *password)
{
	char text[2 * LOGIN_SIZE + 4];
	int fds[2], n, status = 111;
	bool whole;
	pid_t pid;

	/* "0": there is no APOP timestamp. */
	n = snprintf(text, sizeof text, "%s%c%s%c0", l->account, 0, password,
	    0);
	if (pipe2(fds, O_CLOEXEC) == 0) {
		/* 512 bytes always fit into an empty pipe; it need not read. */
		whole = write(fds[1], text, (size_t)n + 1) == n + 1;
		pid = whole ? auth_start(l, option, fds[0]) : -1;
		close(fds[0]);
		close(fds[1]);
		if (pid > 0)
			status = program_wait(pid);
	}
	explicit_bzero(text, sizeof text);
	return status;
}

static enum login_result auth_said(int status)
{
	if (status == 0 || status == 1)
		return status == 0 ? LOGIN_OK : LOGIN_REFUSED;
	warn("auth failed status=%d", status);
	return LOGIN_UNAVAILABLE;
}

static void scram_end(struct login *l)
{
	if (l->scram < 0)
		return;
	close(l->scram);
	l->scram = -1;
	kill(l->scram_pid, SIGKILL); /* it has said all, or hangs */
	program_wait(l->scram_pid);
}

enum login_result login_password(struct login *l, const char *user,
    char *password)
{
	/* Without a password a directory lets anybody in: RFC 4513 5.1.2. */
	bool possible = account_find(l, user, "PLAIN") && *password != '\0' &&
	    strlen(password) < LOGIN_SIZE;
	enum login_result result = LOGIN_UNAVAILABLE;
	size_t len = strlen(password);
	char asked[sizeof l->account];
	struct penalty penalty;

	scram_end(l);
	if (penalty_begin(&penalty, source(l), l->account)) {
		strcpy(asked, l->account);
		if (!possible) { /* ask all the same: the time must not tell */
			strcpy(l->account, "nobody@invalid");
			password[strnlen(password, LOGIN_SIZE - 1)] = '\0';
		}
		result = auth_said(auth_ask(l, NULL, password));
		strcpy(l->account, asked);
		if (result == LOGIN_OK && !possible)
			result = LOGIN_REFUSED;
		penalty_end(&penalty, outcome(result));
	}
	explicit_bzero(password, len);
	return told(l, result);
}

/* SCRAM */

/* A packet of auth: its letter, and the text; '\0': there is none. */
static char scram_read(struct login *l, char text[SCRAM_SIZE])
{
	struct pollfd p = {.fd = l->scram, .events = POLLIN};
	char packet[SCRAM_SIZE + 1] = "";
	ssize_t n = -1;

	if (poll(&p, 1, AUTH_TIME * 1000) == 1)
		n = read(l->scram, packet, sizeof packet);
	if (n < 2 || packet[n - 1] != '\0')
		return '\0';
	strcpy(text, packet + 1);
	return *packet;
}

static bool scram_start(struct login *l)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return false;
	l->scram_pid = auth_start(l, "-S", fds[1]);
	close(fds[1]);
	if (l->scram_pid < 0) {
		close(fds[0]);
		return false;
	}
	l->scram = fds[0];
	return true;
}

/* The first packet: see src/auth/auth.h. */
static bool scram_ask(struct login *l, const char *user, const char *first)
{
	const char *text[] = {l->account, user, l->tls->exporter,
	    l->tls->endpoint, l->tls->unique, first};
	char room[3072];
	struct str packet = STR_ROOM(room);
	bool sent;

	str_clear(&packet);
	for (size_t i = 0; i < sizeof text / sizeof *text; i++)
		str_add(&packet, text[i], strlen(text[i]) + 1);
	sent = write(l->scram, packet.p, packet.len) == (ssize_t)packet.len;
	str_free(&packet);
	return sent;
}

enum login_result login_scram_first(struct login *l, const char *user,
    const char *first, char text[SCRAM_SIZE])
{
	const char *mechanism = *first == 'p' ? "SCRAM-SHA-256-PLUS" :
	    "SCRAM-SHA-256";
	char letter = '\0';

	scram_end(l);
	if (!account_find(l, user, mechanism) || strlen(first) >= SCRAM_SIZE ||
	    l->config->auth != NULL) /* which is asked for passwords alone */
		return told(l, LOGIN_REFUSED);
	if (scram_start(l) && scram_ask(l, user, first))
		letter = scram_read(l, text);
	if (letter == 'C')
		return LOGIN_CONTINUE;
	scram_end(l);
	if (letter != 'R')
		warn("auth failed: no challenge");
	return told(l, letter == 'R' ? LOGIN_REFUSED : LOGIN_UNAVAILABLE);
}

/* The waiting is here: before it, nothing was told that costs a guess. */
enum login_result login_scram_final(struct login *l, const char *final,
    char text[SCRAM_SIZE])
{
	enum login_result result = LOGIN_UNAVAILABLE;
	size_t n = strlen(final) + 1;
	struct penalty penalty;
	char letter = '\0';

	if (l->scram < 0)
		return told(l, LOGIN_REFUSED);
	if (penalty_begin(&penalty, source(l), l->account)) {
		if (n <= SCRAM_SIZE &&
		    write(l->scram, final, n) == (ssize_t)n)
			letter = scram_read(l, text);
		if (letter == 'Y' || letter == 'R' || n > SCRAM_SIZE)
			result = letter == 'Y' ? LOGIN_OK : LOGIN_REFUSED;
		else
			warn("auth failed: no answer");
		penalty_end(&penalty, outcome(result));
	}
	scram_end(l);
	return told(l, result);
}

/* EXTERNAL */

/* Who has a certificate has to have an account, too. */
static enum login_result account_is_there(struct login *l)
{
	char path[MAILBOX_SIZE];
	struct address who;
	struct stat st;

	if (l->config->auth == NULL)
		return auth_said(auth_ask(l, "-E", ""));
	return address_parse(l->account, &who) == ADDRESS_OK &&
	    mailbox_path(path, who.local, who.domain) &&
	    stat(path, &st) == 0 ? LOGIN_OK : LOGIN_REFUSED;
}

enum login_result login_external(struct login *l, const char *authzid)
{
	char wanted[LOGIN_SIZE + ADDRESS_SIZE];

	scram_end(l);
	if (!account_find(l, authzid, "EXTERNAL") && *authzid != '\0')
		return told(l, LOGIN_REFUSED);
	strcpy(wanted, l->account);
	if (!account_find(l, l->tls->peer, "EXTERNAL") ||
	    *l->tls->peer == '\0' ||
	    (*authzid != '\0' && strcmp(wanted, l->account) != 0))
		return told(l, LOGIN_REFUSED);
	return told(l, account_is_there(l));
}

/* What is offered */

bool login_has_scram(const struct config *config)
{
	char text[FIRST_BLOCK + 1], *rest = text, *line, *hash;
	int fd = config->auth != NULL ? -1 :
	    open("users/passwd", O_RDONLY | O_CLOEXEC);
	bool has = false;
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, FIRST_BLOCK);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	while ((line = text_line(&rest)) != NULL) {
		hash = strchr(line, ':');
		if (*line == '#' || hash == NULL)
			continue;
		has = strncmp(hash + 1, SCRAM_SCHEME, strlen(SCRAM_SCHEME)) ==
		    0;
		break;
	}
	explicit_bzero(text, sizeof text);
	return has;
}
