/*
 * pop3-load: a load client for POP3.
 *
 * usage: pop3-load PORT PASSWORD SESSIONS PARALLEL OCTETS
 *        pop3-load PORT PASSWORD 1 0 0
 *
 * PARALLEL processes make SESSIONS sessions together with 127.0.0.1, each
 * process in the box of its own user (u1@bench.test, u2@bench.test ...): login,
 * LIST, RETR of every message, QUIT. Every message must have OCTETS octets.
 * Prints sessions per second. With PARALLEL 0 one session in the box
 * big@bench.test: prints the milliseconds from connect() until STAT is
 * answered, and until UIDL is.
 *
 * Answers are acknowledged at once (TCP_QUICKACK): a server that writes an
 * answer in many small pieces would otherwise be measured by the 40 ms of the
 * client's delayed ACK.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PARALLEL_MAX = 256, TIMEOUT_SECONDS = 300 };

struct session {
	int fd;
	size_t used, have;
	char buffer[65536];
	char line[1024];
};

static int port;
static const char *password;

static void
die(const char *what, const char *answer)
{
	fprintf(stderr, "pop3-load: %s: %s\n", what, answer);
	_exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
octet_get(struct session *s)
{
	int one = 1;
	ssize_t n;

	if (s->used == s->have) {
		n = read(s->fd, s->buffer, sizeof s->buffer);
		if (n <= 0)
			die("read", "the server hung up");
		setsockopt(s->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
		s->used = 0;
		s->have = (size_t)n;
	}
	return s->buffer[s->used++];
}

/* The length of the next line with its CRLF; s->line keeps its beginning. */
static size_t
line_get(struct session *s)
{
	size_t n = 0;
	int c;

	do {
		c = octet_get(s);
		if (n < sizeof s->line - 1) {
			s->line[n] = (char)c;
			s->line[n + 1] = '\0';
		}
		n++;
	} while (c != '\n');
	return n;
}

static void
command(struct session *s, const char *verb, const char *argument)
{
	char text[256];
	int n;

	n = snprintf(text, sizeof text, "%s%s%s\r\n", verb,
	    *argument ? " " : "", argument);
	if (write(s->fd, text, (size_t)n) != n)
		die(verb, "cannot write");
	line_get(s);
	if (strncmp(s->line, "+OK", 3) != 0)
		die(verb, s->line);
}

/* Reads to the line with one dot: its octets without dot-stuffing, lines. */
static size_t
body_get(struct session *s, size_t *lines)
{
	size_t n, octets = 0;

	for (*lines = 0;; ++*lines) {
		n = line_get(s);
		if (s->line[0] == '.') {
			if (n == 3)
				return octets;
			n--;
		}
		octets += n;
	}
}

static void
session_login(struct session *s, const char *user)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int one = 1;

	to.sin_port = htons((in_port_t)port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->used = s->have = 0;
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(s->fd, (struct sockaddr *)&to, sizeof to) < 0)
		die("connect", "refused");
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	line_get(s);
	if (strncmp(s->line, "+OK", 3) != 0)
		die("banner", s->line);
	command(s, "USER", user);
	command(s, "PASS", password);
}

static void
session_quit(struct session *s)
{
	char c;

	command(s, "QUIT", "");
	/* The session is over, and the box unlocked, when the server closes. */
	while (read(s->fd, &c, 1) > 0)
		;
	close(s->fd);
}

static void
worker(int number, long sessions, size_t octets)
{
	static struct session s;
	char user[64], argument[32];
	size_t messages, lines, i;

	snprintf(user, sizeof user, "u%d@bench.test", number);
	for (; sessions > 0; sessions--) {
		session_login(&s, user);
		command(&s, "LIST", "");
		body_get(&s, &messages);
		if (messages == 0)
			die("LIST", "no messages");
		for (i = 1; i <= messages; i++) {
			snprintf(argument, sizeof argument, "%zu", i);
			command(&s, "RETR", argument);
			if (body_get(&s, &lines) != octets)
				die("RETR", "not the size it should have");
		}
		session_quit(&s);
	}
	_exit(0);
}

static void
big_box(void)
{
	static struct session s;
	double begin = now(), ready;
	size_t lines;

	session_login(&s, "big@bench.test");
	command(&s, "STAT", "");
	ready = now();
	command(&s, "UIDL", "");
	body_get(&s, &lines);
	printf("%.1f %.1f\n", (ready - begin) * 1e3, (now() - begin) * 1e3);
	session_quit(&s);
}

int
main(int argc, char **argv)
{
	long sessions, parallel, i;
	int status, failed = 0;
	double begin;

	if (argc != 6) {
		fprintf(stderr, "usage: pop3-load PORT PASSWORD SESSIONS "
		    "PARALLEL OCTETS\n");
		return 64;
	}
	port = atoi(argv[1]);
	password = argv[2];
	sessions = atol(argv[3]);
	parallel = atol(argv[4]);
	if (parallel < 0 || parallel > PARALLEL_MAX || sessions < parallel)
		die("PARALLEL", "out of range");
	alarm(TIMEOUT_SECONDS);
	if (parallel == 0) {
		big_box();
		return 0;
	}
	begin = now();
	for (i = 1; i <= parallel; i++)
		if (fork() == 0) {
			alarm(TIMEOUT_SECONDS);
			worker((int)i, sessions / parallel,
			    (size_t)atol(argv[5]));
		}
	for (i = 0; i < parallel; i++)
		if (wait(&status) < 0 || status != 0)
			failed = 1;
	if (failed)
		return 1;
	printf("%.1f\n", (double)(sessions / parallel * parallel) /
	    (now() - begin));
	return 0;
}
