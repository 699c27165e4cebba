/*
 * imap-load: a client for IMAP that takes the time.
 *
 * usage: imap-load PORT PASSWORD USER run <SCRIPT
 *        imap-load PORT PASSWORD USER append COUNT MESSAGE
 *        imap-load PORT PASSWORD USER idle COUNT MAILDIR MESSAGE
 *        imap-load PORT PASSWORD USER hold COUNT
 *
 * run: login and SELECT INBOX, then the commands of SCRIPT, a line each: a
 * label, a tab, the command. Prints `LABEL MILLISECONDS OCTETS` for each, where
 * octets are those of the answers, but for `* OK`; the first line is that of
 * `login`, from connect() until SELECT is answered. A label that begins with `-`
 * is not printed.
 *
 * append: login and SELECT, then COUNT times the file MESSAGE, each when the
 * one before was answered. Prints the milliseconds of all.
 *
 * idle: in IDLE, COUNT times: links the file MESSAGE into MAILDIR/new as a
 * deliverer does, and takes the time until `* n EXISTS` comes. Prints the
 * median in milliseconds.
 *
 * hold: COUNT sessions in IDLE, of ten users in turn, whose number is the %ld in
 * USER; prints `ready` and stays until the end of stdin.
 *
 * Answers are acknowledged at once (TCP_QUICKACK), as in pop3-load.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	HOLD_MAX = 2000, HOLD_USERS = 10, IDLE_MAX = 100,
	TIMEOUT_SECONDS = 900,
	LINE_MAX_OCTETS = 1 << 24, /* a SEARCH that found a million */
	IDLE_PAUSE_MS = 1100 /* more than any server collects changes for */
};

struct session {
	int fd;
	size_t used, have;
	unsigned tag;
	unsigned long long octets; /* of the answers to this command */
	size_t length; /* of line */
	char line[LINE_MAX_OCTETS];
	char buffer[1 << 18];
};

static int port;
static const char *password;

static void
die(const char *what, const char *answer)
{
	fprintf(stderr, "imap-load: %s: %.200s\n", what, answer);
	_exit(1);
}

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
fill(struct session *s)
{
	int one = 1;
	ssize_t n = read(s->fd, s->buffer, sizeof s->buffer);

	if (n <= 0)
		die("read", "the server hung up");
	setsockopt(s->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
	s->used = 0;
	s->have = (size_t)n;
}

/* Skips the octets of a literal. */
static void
skip(struct session *s, unsigned long long n)
{
	size_t some;

	s->octets += n;
	while (n > 0) {
		if (s->used == s->have)
			fill(s);
		some = s->have - s->used;
		if (some > n)
			some = (size_t)n;
		s->used += some;
		n -= some;
	}
}

/* The next line with its CRLF. */
static void
line_get(struct session *s)
{
	size_t some;
	char *end;

	s->length = 0;
	do {
		if (s->used == s->have)
			fill(s);
		end = memchr(s->buffer + s->used, '\n', s->have - s->used);
		some = end != NULL ? (size_t)(end + 1 - s->buffer) - s->used :
		    s->have - s->used;
		if (s->length + some >= sizeof s->line)
			die("read", "a line too long");
		memcpy(s->line + s->length, s->buffer + s->used, some);
		s->length += some;
		s->used += some;
		s->octets += some;
	} while (end == NULL);
	s->line[s->length] = '\0';
}

/* The size of the literal that the line announces, or 0. */
static unsigned long long
literal_size(const struct session *s)
{
	const char *end = s->line + s->length - 3;

	if (s->length < 5 || end[0] != '}')
		return 0;
	while (end > s->line && *end != '{')
		end--;
	return strtoull(end + 1, NULL, 10);
}

/* Reads to the line that begins so; it is in s->line. */
static void
answer_get(struct session *s, const char *begin)
{
	unsigned long long literal;
	int first = 1;

	for (;;) {
		line_get(s);
		if (first && strncmp(s->line, begin, strlen(begin)) == 0)
			return;
		if (first && strncmp(s->line, "* BYE", 5) == 0)
			die("unexpected", s->line);
		if (first && strncmp(s->line, "* OK", 4) == 0)
			s->octets -= s->length; /* "still searching" */
		literal = literal_size(s);
		first = literal == 0;
		if (literal != 0)
			skip(s, literal);
	}
}

static void
text_send(struct session *s, const char *text, size_t length)
{
	ssize_t n;

	for (; length > 0; text += n, length -= (size_t)n)
		if ((n = write(s->fd, text, length)) <= 0)
			die("write", "cannot");
}

static void
ok_get(struct session *s, const char *command)
{
	char tag[32];
	int n = snprintf(tag, sizeof tag, "t%u ", s->tag);

	answer_get(s, tag);
	if (strncmp(s->line + n, "OK", 2) != 0)
		die(command, s->line);
}

/* Sends it with a tag. */
static void
command_send(struct session *s, const char *text)
{
	char line[1024];
	int n = snprintf(line, sizeof line, "t%u %s\r\n", ++s->tag, text);

	if (n < 0 || (size_t)n >= sizeof line)
		die("too long", text);
	s->octets = 0;
	text_send(s, line, (size_t)n);
}

static void
command(struct session *s, const char *text)
{
	command_send(s, text);
	ok_get(s, text);
}

static void
session_login(struct session *s, const char *user)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	char text[256];
	int one = 1;

	to.sin_port = htons((in_port_t)port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->used = s->have = 0;
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(s->fd, (struct sockaddr *)&to, sizeof to) < 0)
		die("connect", "refused");
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	answer_get(s, "* OK");
	snprintf(text, sizeof text, "LOGIN %s %s", user, password);
	command(s, text);
	command(s, "SELECT INBOX");
}

static void
session_logout(struct session *s)
{
	command_send(s, "LOGOUT");
	while (read(s->fd, s->buffer, sizeof s->buffer) > 0)
		;
	close(s->fd);
}

static void
run(struct session *s, const char *user)
{
	static char line[1024];
	double begin = now_ms();
	char *text;

	session_login(s, user);
	printf("login %.3f %llu\n", now_ms() - begin, s->octets);
	while (fgets(line, sizeof line, stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if ((text = strchr(line, '\t')) == NULL)
			die("script", line);
		*text++ = '\0';
		begin = now_ms();
		command(s, text);
		if (*line != '-')
			printf("%s %.3f %llu\n", line, now_ms() - begin,
			    s->octets);
	}
	session_logout(s);
}

/* The file MESSAGE, in static storage. */
static const char *
message_read(const char *name, size_t *length)
{
	static char text[1 << 20];
	int fd = open(name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);

	if (n <= 0)
		die("cannot read", name);
	close(fd);
	*length = (size_t)n;
	return text;
}

static void
append(struct session *s, const char *user, long count, const char *name)
{
	size_t length;
	const char *text = message_read(name, &length);
	char line[128];
	double begin;

	session_login(s, user);
	begin = now_ms();
	for (; count > 0; count--) {
		snprintf(line, sizeof line, "APPEND INBOX (\\Seen) {%zu+}",
		    length);
		command_send(s, line);
		text_send(s, text, length);
		text_send(s, "\r\n", 2);
		ok_get(s, "APPEND");
	}
	printf("%.3f\n", now_ms() - begin);
	session_logout(s);
}

/* Delivers a message as deliver does; returns when it was linked. */
static double
message_link(const char *maildir, const char *text, size_t length, long number)
{
	char tmp[1024], new[1024];
	struct stat st;
	double when;
	int fd;

	snprintf(tmp, sizeof tmp, "%s/tmp/load.%ld", maildir, number);
	snprintf(new, sizeof new, "%s/new/%ld.M%ldP%ld.load,S=%zu", maildir,
	    (long)time(NULL), number, (long)getpid(), length);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, text, length) != (ssize_t)length ||
	    stat(maildir, &st) < 0 || fchown(fd, st.st_uid, st.st_gid) < 0)
		die("cannot write", tmp);
	close(fd);
	when = now_ms();
	if (link(tmp, new) < 0)
		die("cannot link", new);
	unlink(tmp);
	return when;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
idle(struct session *s, const char *user, long count, const char *maildir,
    const char *name)
{
	static double ms[IDLE_MAX];
	size_t length;
	const char *text = message_read(name, &length);
	double begin;
	long i;

	if (count < 1 || count > IDLE_MAX)
		die("COUNT", "out of range");
	session_login(s, user);
	command_send(s, "IDLE");
	answer_get(s, "+");
	for (i = 0; i < count; i++) {
		usleep(IDLE_PAUSE_MS * 1000);
		begin = message_link(maildir, text, length, i);
		do
			answer_get(s, "* ");
		while (strstr(s->line, " EXISTS\r\n") == NULL);
		ms[i] = now_ms() - begin;
	}
	qsort(ms, (size_t)count, sizeof *ms, compare);
	printf("%.3f\n", ms[count / 2]);
	text_send(s, "DONE\r\n", 6);
	ok_get(s, "IDLE");
	session_logout(s);
}

static void
hold(struct session *s, const char *user, long count)
{
	char name[64];
	long i;

	if (count < 1 || count > HOLD_MAX)
		die("COUNT", "out of range");
	for (i = 0; i < count; i++) {
		snprintf(name, sizeof name, user,
		    i % HOLD_USERS + 1);
		session_login(s, name);
		command_send(s, "IDLE");
		answer_get(s, "+");
	}
	printf("ready\n");
	fflush(stdout);
	while (read(0, s->buffer, sizeof s->buffer) > 0)
		;
}

int
main(int argc, char **argv)
{
	static struct session s;
	const char *how = argc > 4 ? argv[4] : "";

	if (argc > 4) {
		port = atoi(argv[1]);
		password = argv[2];
		alarm(TIMEOUT_SECONDS);
	}
	if (argc == 5 && strcmp(how, "run") == 0)
		run(&s, argv[3]);
	else if (argc == 7 && strcmp(how, "append") == 0)
		append(&s, argv[3], atol(argv[5]), argv[6]);
	else if (argc == 8 && strcmp(how, "idle") == 0)
		idle(&s, argv[3], atol(argv[5]), argv[6], argv[7]);
	else if (argc == 6 && strcmp(how, "hold") == 0)
		hold(&s, argv[3], atol(argv[5]));
	else {
		fprintf(stderr, "usage: imap-load PORT PASSWORD USER "
		    "run|append|idle|hold ARGUMENT...\n");
		return 64;
	}
	return 0;
}
