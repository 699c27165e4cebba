/*
 * tls-load: a load client for POP3 over TLS (RFC 8314 3.3), on 127.0.0.1.
 *
 * usage: tls-load PORT handshakes COUNT PARALLEL full|resumed 1.2|1.3
 *        tls-load PORT retrieve USER PASSWORD
 *        tls-load PORT idle COUNT USER PASSWORD
 *
 * handshakes: PARALLEL processes make COUNT connections together: the handshake,
 * the greeting, QUIT, the end. Prints connections per second. With "resumed"
 * each process goes on with the session of its last connection, and it is an
 * error when the server does not.
 * retrieve: the first message of a box; prints its megabytes (10^6) per second.
 * idle: that many logins, then prints "idle" and stays to the end of its input.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PARALLEL_MAX = 64, IDLE_MAX = 2000, TIMEOUT_SECONDS = 60 };

static int port;
static SSL_CTX *ctx;
static SSL_SESSION *latest;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "tls-load: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* TLS 1.3's tickets come after the handshake, one for each connection. */
static int session_keep(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(latest);
	latest = session;
	return 1;
}

static SSL *connection_open(SSL_SESSION *session)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port)};
	struct timeval t = {.tv_sec = TIMEOUT_SECONDS};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *ssl = SSL_new(ctx);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || ssl == NULL ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) != 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
		die("connect");
	SSL_set_fd(ssl, fd);
	if (session != NULL)
		SSL_set_session(ssl, session);
	if (SSL_connect(ssl) != 1)
		die("handshake");
	return ssl;
}

static void connection_close(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);

	SSL_shutdown(ssl); /* else the session counts as broken */
	SSL_free(ssl);
	close(fd);
}

/* A line of answer, which must be a good one. */
static void answer(SSL *ssl)
{
	char line[1024];
	size_t n = 0;

	do {
		int got = SSL_read(ssl, line + n, (int)(sizeof line - 1 - n));
		if (got <= 0)
			die("answer");
		n += (size_t)got;
	} while (n < sizeof line - 1 && line[n - 1] != '\n');
	if (line[0] != '+')
		die("refused");
}

static void command(SSL *ssl, const char *verb, const char *argument)
{
	char line[512];
	int n = snprintf(line, sizeof line, "%s%s%s\r\n", verb,
	    *argument ? " " : "", argument);

	if (SSL_write(ssl, line, n) != n)
		die("command");
	answer(ssl);
}

static void quick(int resumed, int first)
{
	SSL *ssl = connection_open(resumed && !first ? latest : NULL);
	char rest[512];

	if (SSL_session_reused(ssl) != (resumed && !first))
		die("resumed, or not, against the order");
	answer(ssl);
	command(ssl, "QUIT", "");
	while (SSL_read(ssl, rest, sizeof rest) > 0)
		;
	connection_close(ssl);
}

static void handshakes(long count, long parallel, int resumed)
{
	int go[2], ready[2], status;
	char c = 0;
	double start;

	if (parallel < 1 || parallel > PARALLEL_MAX || pipe(go) || pipe(ready))
		die("parallel");
	for (long i = 0; i < parallel; i++) {
		if (fork() != 0)
			continue;
		close(go[1]);
		if (resumed)
			quick(1, 1);
		if (write(ready[1], &c, 1) != 1 || read(go[0], &c, 1) != 0)
			_exit(1);
		for (long n = i; n < count; n += parallel)
			quick(resumed, 0);
		_exit(0);
	}
	for (long i = 0; i < parallel; i++)
		if (read(ready[0], &c, 1) != 1)
			die("ready");
	start = now();
	close(go[1]);
	for (long i = 0; i < parallel; i++)
		if (wait(&status) < 0 || status != 0)
			die("a process failed");
	printf("%.1f\n", (double)count / (now() - start));
}

static SSL *logged_in(const char *user, const char *password)
{
	SSL *ssl = connection_open(NULL);

	answer(ssl);
	command(ssl, "USER", user);
	command(ssl, "PASS", password);
	return ssl;
}

static void retrieve(const char *user, const char *password)
{
	static char block[65536];
	SSL *ssl = logged_in(user, password);
	double total = 0, start = now();
	char end[5] = "";
	int n;

	if (SSL_write(ssl, "RETR 1\r\n", 8) != 8)
		die("command");
	while (memcmp(end, "\r\n.\r\n", sizeof end) != 0) {
		n = SSL_read(ssl, block, sizeof block);
		if (n <= 0)
			die("message");
		total += n;
		if ((size_t)n >= sizeof end) {
			memcpy(end, block + n - sizeof end, sizeof end);
		} else {
			memmove(end, end + n, sizeof end - (size_t)n);
			memcpy(end + sizeof end - n, block, (size_t)n);
		}
	}
	printf("%.1f\n", total / 1e6 / (now() - start));
	command(ssl, "QUIT", "");
	connection_close(ssl);
}

static void idle(long count, const char *user, const char *password)
{
	char c;

	if (count < 1 || count > IDLE_MAX)
		die("count");
	for (long i = 0; i < count; i++) {
		char name[64];
		snprintf(name, sizeof name, user, i + 1);
		logged_in(name, password);
	}
	puts("idle");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
}

int main(int argc, char **argv)
{
	ctx = SSL_CTX_new(TLS_client_method());
	if (argc < 4 || ctx == NULL)
		die("usage: see the source");
	port = atoi(argv[1]);
	SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, session_keep);
	if (strcmp(argv[2], "handshakes") == 0 && argc == 7) {
		int version = strcmp(argv[6], "1.2") == 0 ? TLS1_2_VERSION :
		    TLS1_3_VERSION;
		SSL_CTX_set_min_proto_version(ctx, version);
		SSL_CTX_set_max_proto_version(ctx, version);
		handshakes(atol(argv[3]), atol(argv[4]),
		    strcmp(argv[5], "resumed") == 0);
	} else if (strcmp(argv[2], "retrieve") == 0 && argc == 5) {
		retrieve(argv[3], argv[4]);
	} else if (strcmp(argv[2], "idle") == 0 && argc == 6) {
		idle(atol(argv[3]), argv[4], argv[5]);
	} else {
		die("usage: see the source");
	}
	return 0;
}
