#include "tls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "program.h"
#include "str.h"

/* The helper gives the handshake 60 s, and tells; this is for one that hangs. */
#define HELPER_TIMEOUT 70000 /* ms */
#define STATUS_MAX 2048      /* octets of its line: all values have 900 */

bool tls_present(void)
{
	char path[PATH_SIZE];

	return program_path("tls", path) && access(path, X_OK) == 0;
}

bool tls_available(const char *host)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof path, TLS_CERTIFICATES "/%s/fullchain.pem", host);
	return access(path, R_OK) == 0 && tls_present();
}

/* The status line */

static bool text_set(char *to, size_t size, const char *value)
{
	return (size_t)snprintf(to, size, "%s", value) < size;
}

/* Hex of whole octets. */
static bool hex_set(char *to, size_t size, const char *value)
{
	size_t n = strlen(value);

	return n % 2 == 0 && strspn(value, "0123456789abcdefABCDEF") == n &&
	    text_set(to, size, value);
}

static bool flag_set(bool *to, const char *value)
{
	*to = strcmp(value, "1") == 0;
	return *to || strcmp(value, "0") == 0;
}

static bool value_set(struct tls *t, const char *key, const char *value)
{
	if (strcmp(key, "protocol") == 0)
		return text_set(t->protocol, sizeof t->protocol, value);
	if (strcmp(key, "cipher") == 0)
		return text_set(t->cipher, sizeof t->cipher, value);
	if (strcmp(key, "name") == 0)
		return text_set(t->name, sizeof t->name, value);
	if (strcmp(key, "peer") == 0)
		return text_set(t->peer, sizeof t->peer, value);
	if (strcmp(key, "exporter") == 0)
		return hex_set(t->exporter, sizeof t->exporter, value);
	if (strcmp(key, "endpoint") == 0)
		return hex_set(t->endpoint, sizeof t->endpoint, value);
	if (strcmp(key, "unique") == 0)
		return hex_set(t->unique, sizeof t->unique, value);
	if (strcmp(key, "resumed") == 0)
		return flag_set(&t->resumed, value);
	if (strcmp(key, "verified") == 0)
		return flag_set(&t->verified, value);
	return true; /* a later helper's, for others */
}

static bool fail(struct tls *t, const char *why)
{
	*t->protocol = '\0';
	snprintf(t->error, sizeof t->error, "%.*s", (int)sizeof t->error - 1,
	    why);
	return false;
}

/* "protocol=TLSv1.3 cipher=…", or "error …". */
static bool status_parse(struct tls *t, char *line)
{
	char *word, *equals;

	for (char *p = line; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?'; /* a certificate may hold anything */
	if (strncmp(line, "error ", 6) == 0)
		return fail(t, line + 6);
	while ((word = text_word(&line)) != NULL) {
		equals = strchr(word, '=');
		if (equals == NULL || equals[1] == '\0')
			return fail(t, "the tls helper tells nonsense");
		*equals = '\0';
		if (!value_set(t, word, equals + 1))
			return fail(t, "the tls helper tells nonsense");
	}
	return *t->protocol != '\0' || fail(t, "the tls helper tells nonsense");
}

/* Until its end of line: what has none was cut off. */
static bool status_read(struct tls *t, int fd, int64_t due)
{
	char line[STATUS_MAX], *end = NULL;
	size_t n = 0;

	while (end == NULL) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = due - now_ms();
		ssize_t got;
		if (left <= 0)
			return fail(t, "no TLS handshake in time");
		if (poll(&p, 1, left > HELPER_TIMEOUT ? HELPER_TIMEOUT :
		    (int)left) <= 0)
			continue;
		got = read(fd, line + n, sizeof line - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return fail(t, "the tls helper tells nothing");
		end = memchr(line + n, '\n', (size_t)got);
		n += (size_t)got;
		if (end == NULL && n == sizeof line)
			return fail(t, "the tls helper tells nonsense");
	}
	*end = '\0';
	if (memchr(line, '\0', (size_t)(end - line)) != NULL)
		return fail(t, "the tls helper tells nonsense");
	return status_parse(t, line);
}

/* The helper */

/* Our end of a pair of which it has the other, and of its status pipe. */
static bool start(struct tls *t, char *argv[], char *const more[], int in,
    int out, int *fd, int *status)
{
	char path[PATH_SIZE];
	int pair[2], tells[2];

	memset(t, 0, sizeof *t);
	t->helper = -1;
	if (!program_path("tls", path) || access(path, X_OK) != 0)
		return fail(t, "there is no tls helper here");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return fail(t, strerror(errno));
	if (pipe2(tells, O_CLOEXEC) != 0) {
		fail(t, strerror(errno));
		close(pair[0]);
		close(pair[1]);
		return false;
	}
	argv[0] = path;
	t->helper = program_start(argv, in, out, (int[]){pair[1], tells[1]},
	    more);
	if (t->helper < 0)
		fail(t, strerror(errno));
	close(pair[1]);
	close(tells[1]);
	*fd = pair[0];
	*status = tells[0];
	if (t->helper >= 0)
		return true;
	close(*fd);
	close(*status);
	return false;
}

static int drop(struct tls *t, int fd)
{
	close(fd);
	kill(t->helper, SIGKILL); /* it may still wait for the peer */
	program_wait(t->helper);
	t->helper = -1;
	return -1;
}

static int handshake(struct tls *t, char *argv[], char *const more[], int in,
    int out, int64_t due)
{
	int fd, status;
	bool done;

	if (!start(t, argv, more, in, out, &fd, &status))
		return -1;
	done = status_read(t, status, due);
	close(status);
	return done ? fd : drop(t, fd);
}

int tls_serve(int in, int out, const char *service, struct tls *t)
{
	char name[16];
	char *argv[] = {NULL, "-a", name, NULL};

	if (service == NULL)
		argv[1] = NULL;
	else
		snprintf(name, sizeof name, "%s", service);
	return handshake(t, argv, NULL, in, out, now_ms() + HELPER_TIMEOUT);
}

/* SSL_CERT_FILE and SSL_CERT_DIR, which all of a person's programs go by. */
static char *const *authorities(void)
{
	static char *more[3];
	size_t n = 0;

	for (char **e = environ; *e != NULL && n < 2; e++)
		if (strncmp(*e, "SSL_CERT_", 9) == 0)
			more[n++] = *e;
	more[n] = NULL;
	return more;
}

int tls_connect(int in, int out, const char *host, bool verify, int64_t due,
    struct tls *t)
{
	char name[256];
	char *argv[] = {NULL, "-c", name, verify ? "-v" : NULL, NULL};
	int fd;

	snprintf(name, sizeof name, "%s", host);
	fd = handshake(t, argv, authorities(), in, out, due);
	if (fd < 0 || !verify || t->verified)
		return fd;
	fail(t, "its certificate was not verified");
	return drop(t, fd);
}
