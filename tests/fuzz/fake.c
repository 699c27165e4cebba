#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confine.h"
#include "penalty.h"

char peer_heard[OUTPUT_MAX];
size_t peer_heard_len;

static const uint8_t *input;
static size_t left, piece;

_Noreturn void must_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

void peer_says(const uint8_t *p, size_t n, size_t size)
{
	input = p;
	left = n;
	piece = size;
	peer_heard_len = 0;
}

size_t peer_left(void)
{
	return left;
}

/* In place of the system's: see tests/fuzz/run. */

ssize_t fuzz_read(int fd, void *buf, size_t n);
ssize_t fuzz_write(int fd, const void *buf, size_t n);
int fuzz_poll(struct pollfd *p, nfds_t n, int timeout);
ssize_t fuzz_log(int fd, const void *buf, size_t n);
_Noreturn void fuzz_exit(int status);
void fuzz_begin(const char *name);
pid_t fuzz_start(char *const argv[], int in, int out, const int extra[2],
    char *const more[]);
int fuzz_wait(pid_t pid);
/* A fuzzer is not confined, and need not wait. */

void confine(const struct confinement *c)
{
	MUST(c->calls != 0);
}

void confine_secrets(void)
{
}

bool penalty_begin(struct penalty *p, const char *source, const char *account)
{
	MUST(p != NULL && account != NULL && (source == NULL || *source));
	return true;
}

void penalty_end(struct penalty *p, enum outcome outcome)
{
	MUST(p != NULL && outcome <= UNDECIDED);
}

int fuzz_link(const char *from, const char *to);
int fuzz_unlink(const char *path);
int fuzz_fsync(int fd);

ssize_t fuzz_read(int fd, void *buf, size_t n)
{
	(void)fd;
	if (n > left)
		n = left;
	if (piece != 0 && n > piece)
		n = piece;
	memcpy(buf, input, n);
	input += n;
	left -= n;
	return (ssize_t)n;
}

ssize_t fuzz_write(int fd, const void *buf, size_t n)
{
	(void)fd;
	if (n > OUTPUT_MAX - peer_heard_len) {
		errno = EPIPE; /* the peer has heard enough */
		return -1;
	}
	memcpy(peer_heard + peer_heard_len, buf, n);
	peer_heard_len += n;
	return (ssize_t)n;
}

int fuzz_poll(struct pollfd *p, nfds_t n, int timeout)
{
	(void)timeout;
	p->revents = p->events;
	return (int)n;
}

/* A log line is one line of printable ASCII, whatever the peer sent. */
ssize_t fuzz_log(int fd, const void *buf, size_t n)
{
	const char *p = buf;

	(void)fd;
	MUST(n > 0 && p[n - 1] == '\n');
	for (size_t i = 0; i + 1 < n; i++)
		MUST(p[i] >= ' ' && p[i] <= '~');
	return (ssize_t)n;
}

/* Nothing that a peer says may end the program. */
_Noreturn void fuzz_exit(int status)
{
	fprintf(stderr, "fatal, status %d\n", status);
	abort();
}

void fuzz_begin(const char *name)
{
	MUST(*name != '\0');
}

/* The auth program: user NUL password NUL time NUL. A password with x is bad. */

static int question = -1;

pid_t fuzz_start(char *const argv[], int in, int out, const int extra[2],
    char *const more[])
{
	(void)in, (void)out, (void)more;
	MUST(argv[0] != NULL && extra[0] >= 0 && extra[1] == -1);
	question = dup(extra[0]);
	return 1;
}

int fuzz_wait(pid_t pid)
{
	char text[513];
	ssize_t n = read(question, text, sizeof text);
	size_t user, password;

	MUST(pid == 1 && n > 0 && (size_t)n < sizeof text && text[n - 1] == 0);
	close(question);
	user = strlen(text) + 1;
	MUST(user < (size_t)n);
	password = strlen(text + user) + 1;
	MUST(user + password < (size_t)n);
	MUST(user + password + strlen(text + user + password) + 1 == (size_t)n);
	return strchr(text + user, 'x') != NULL;
}

int fuzz_link(const char *from, const char *to)
{
	return *from != '\0' && *to != '\0' ? 0 : -1;
}

int fuzz_unlink(const char *path)
{
	return *path != '\0' ? 0 : -1;
}

int fuzz_fsync(int fd)
{
	MUST(fd >= 0);
	return 0;
}

void file_put(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "w");

	MUST(f != NULL && fwrite(p, 1, n, f) == n && fclose(f) == 0);
}

const char *home_make(const char *conf_lines, const char *aliases)
{
	static char home[200];
	const char *tmp = getenv("TMPDIR");
	static const char *const dirs[] = {"users", "spool", "spool/queue",
	    "spool/tmp", "spool/mail", "spool/mail/example.test"};
	static const char *const boxes[] = {"alice", "bob", "carol"};
	char path[200];

	snprintf(home, sizeof home, "%s/fuzz.XXXXXX", tmp ? tmp : "/tmp");
	MUST(mkdtemp(home) != NULL && chdir(home) == 0);
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
		MUST(mkdir(dirs[i], 0700) == 0);
	for (size_t i = 0; i < 12; i++) {
		snprintf(path, sizeof path, "spool/mail/example.test/%s%s",
		    boxes[i / 4], (const char *[]){"", "/tmp", "/new",
		    "/cur"}[i % 4]);
		MUST(mkdir(path, 0700) == 0);
	}
	/* Somebody hears the nudges: no queue-run is started. */
	MUST(mkfifo("spool/nudge", 0600) == 0 &&
	    open("spool/nudge", O_RDWR | O_CLOEXEC) >= 0);
	snprintf(path, sizeof path, "host mx.example.test\n%s", conf_lines);
	file_put("pennypost.conf", path, strlen(path));
	file_put("users/domains", "example.test\n", 13);
	file_put("users/srs-secret", "secret\n", 7);
	file_put("users/aliases", aliases, strlen(aliases));
	MUST(setenv("TCPREMOTEIP", "127.0.0.1", 1) == 0);
	return home;
}

void peer_heard_replies(void)
{
	const char *p = peer_heard, *end = p + peer_heard_len;

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL && peer_heard_len > OUTPUT_MAX - 65536)
			return; /* it was cut off */
		MUST(lf != NULL && lf - p >= 5 && lf[-1] == '\r');
		MUST(p[0] >= '2' && p[0] <= '5' && p[1] >= '0' && p[1] <= '9' &&
		    p[2] >= '0' && p[2] <= '9' && (p[3] == ' ' || p[3] == '-'));
		for (p += 4; p < lf - 1; p++)
			MUST((unsigned char)*p >= ' ' && *p != 0x7f);
		p = lf + 1;
	}
}
