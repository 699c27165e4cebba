/*
 * listen: accepts connections and starts one handler for each, with the
 * connection as fd 0 and 1. The socket is its own (ADDRESS:PORT, or the /PATH
 * of a Unix socket), or one that was given (-): by systemd as fd 3, by xinetd
 * (wait = yes) as fd 0.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "str.h"

#define BACKLOG 1024
#define MAX_DEFAULT 200    /* a handler with deliver is 300 KiB */
#define PER_SOURCE_DEFAULT 50
#define MAX_LIMIT 100000
#define SOCKETS_MAX 16
#define IDLE 60            /* s without work: a given socket goes back */
#define RESTART_DELAY 1    /* s, when we cannot work: no storm of restarts */
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4 /* musl does not name it */
#endif
#define REFUSAL "421 4.3.2 Too many connections, try later"
#define REFUSAL_MAX 512 /* octets of the line: RFC 5321 4.5.3.1.5 */
/* RFC 8446 5.1, 6: a record of TLS with a fatal alert, internal_error. */
#define ALERT "\x15\x03\x03\x00\x02\x02\x50"

/* For the limit: IPv4 whole, IPv6 by its /64, a user of this machine. */
struct source {
	struct in6_addr address;
	bool local;
	uid_t uid;
};

struct child {
	pid_t pid;
	struct source source;
};

static struct {
	struct pollfd sockets[SOCKETS_MAX];
	nfds_t count;
	bool given; /* by a super-server, which wants it back */
	struct child *children;
	size_t running, max, per_source;
	const char *refusal;
	bool tls; /* the peer waits for no line, but a handshake */
	const char *path; /* of our own Unix socket; NULL: none */
	char **program;
} s = {
	.max = MAX_DEFAULT,
	.per_source = PER_SOURCE_DEFAULT,
	.refusal = REFUSAL,
};

static volatile sig_atomic_t child_ended, stop;
static volatile int exec_error; /* the child of vfork() tells its parent */

static void on_signal(int signal)
{
	if (signal == SIGCHLD)
		child_ended = 1;
	else
		stop = 1;
}

static struct source source_of(int fd, const struct sockaddr_storage *ss)
{
	struct source from = {0};
	struct in6_addr *a = &from.address;
	struct ucred cred = {0};
	socklen_t len = sizeof cred;

	if (ss->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)ss;
		a->s6_addr[10] = a->s6_addr[11] = 0xff;
		memcpy(&a->s6_addr[12], &in->sin_addr, 4);
	} else if (ss->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const void *)ss;
		*a = in->sin6_addr;
		if (!IN6_IS_ADDR_V4MAPPED(a))
			memset(&a->s6_addr[8], 0, 8);
	} else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0) {
		from.local = true;
		from.uid = cred.uid;
	}
	return from;
}

static size_t running_from(const struct source *source)
{
	size_t n = 0;

	for (size_t i = 0; i < s.running; i++) {
		const struct source *other = &s.children[i].source;
		n += other->local == source->local &&
		    other->uid == source->uid &&
		    memcmp(&other->address, &source->address,
		    sizeof source->address) == 0;
	}
	return n;
}

static void reap(void)
{
	pid_t pid;

	child_ended = 0;
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (size_t i = 0; i < s.running; i++)
			if (s.children[i].pid == pid) {
				s.children[i] = s.children[--s.running];
				break;
			}
}

/* The protocol's own line, so that the other side knows it may come again. */
static void refuse(int fd, const char *why, const struct source *source)
{
	char line[REFUSAL_MAX], address[INET6_ADDRSTRLEN] = "";
	int n = snprintf(line, sizeof line, "%.*s\r\n", REFUSAL_MAX - 3,
	    s.refusal);

	inet_ntop(AF_INET6, &source->address, address, sizeof address);
	if (source->local)
		warn("refused why=%s uid=%u", why, (unsigned)source->uid);
	else
		warn("refused why=%s source=%s", why, address);
	if (s.tls) {
		n = sizeof ALERT - 1;
		memcpy(line, ALERT, (size_t)n);
	}
	if (send(fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return; /* it did not wait to be told */
	/* What the peer has sent must not turn our close into a reset. */
	shutdown(fd, SHUT_WR);
	while (recv(fd, line, sizeof line, MSG_DONTWAIT) > 0)
		continue;
}

/* Child of vfork(): only system calls. */
static _Noreturn void handler(int fd, char *const env[])
{
	static sigset_t none;

	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(fd, 0) < 0 || dup2(fd, 1) < 0)
		_exit(EX_OSERR);
	execve(s.program[0], s.program, env);
	exec_error = errno;
	_exit(EX_UNAVAILABLE);
}

/* Which limit is reached, or NULL. */
static const char *full(const struct source *source)
{
	if (s.running >= s.max)
		return "max";
	return running_from(source) >= s.per_source ? "per-source" : NULL;
}

static void serve(int fd, const struct source *source)
{
	extern char **environ;
	const char *why = full(source);
	pid_t pid;

	if (why != NULL) { /* some may have ended just now */
		reap();
		why = full(source);
	}
	if (why != NULL) {
		refuse(fd, why, source);
		return;
	}
	exec_error = 0;
	pid = vfork();
	if (pid == 0)
		handler(fd, environ);
	if (pid < 0) {
		refuse(fd, strerror(errno), source);
		return;
	}
	s.children[s.running++] = (struct child){pid, *source};
	if (exec_error != 0)
		refuse(fd, strerror(exec_error), source);
}

static bool accept_failed(int why)
{
	if (why == EMFILE || why == ENFILE || why == ENOMEM ||
	    why == ENOBUFS) {
		warn("accept: %s", strerror(why));
		sleep(RESTART_DELAY);
	}
	errno = why;
	return why != EBADF && why != EINVAL && why != ENOTSOCK;
}

/* Takes what is there. False when the socket is of no use any more. */
static bool accept_all(int socket)
{
	struct sockaddr_storage ss = {0};
	struct source source;
	const int on = 1;
	int fd;

	for (int i = 0; i < BACKLOG; i++) {
		socklen_t len = sizeof ss;
		fd = accept4(socket, (struct sockaddr *)&ss, &len,
		    SOCK_CLOEXEC);
		if (fd < 0)
			return accept_failed(errno);
		if (ss.ss_family != AF_UNIX)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
			    sizeof on);
		source = source_of(fd, &ss);
		serve(fd, &source);
		close(fd);
	}
	return true;
}

static int loop(void)
{
	struct timespec idle = {.tv_sec = IDLE};
	sigset_t while_waiting, blocked;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	while_waiting = blocked;
	sigdelset(&while_waiting, SIGCHLD);
	sigdelset(&while_waiting, SIGTERM);
	sigdelset(&while_waiting, SIGINT);
	while (!stop) {
		int n = ppoll(s.sockets, s.count, s.given ? &idle : NULL,
		    &while_waiting);
		/* ppoll() delivers no signal while a socket is ready. */
		sigprocmask(SIG_SETMASK, &while_waiting, NULL);
		sigprocmask(SIG_SETMASK, &blocked, NULL);
		if (child_ended)
			reap();
		if (n == 0 && s.running == 0)
			return EX_OK;
		for (nfds_t i = 0; n > 0 && i < s.count; i++)
			if (s.sockets[i].revents != 0 &&
			    !accept_all(s.sockets[i].fd))
				fatal(EX_OSERR, "accept: %s", strerror(errno));
	}
	if (s.path != NULL)
		unlink(s.path);
	return EX_OK; /* the handlers finish what they do */
}

/* Sockets */

static void socket_add(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (s.count == SOCKETS_MAX)
		fatal(EX_USAGE, "more than %d sockets", SOCKETS_MAX);
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	s.sockets[s.count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static bool is_listening(int fd)
{
	int listening = 0;
	socklen_t len = sizeof listening;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) ==
	    0 && listening;
}

/* Out of the way of 0, 1 and 2, which the handlers get for themselves. */
static void socket_take(int fd)
{
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	if (fd < 0)
		fatal(EX_OSERR, "%s", strerror(errno));
	socket_add(fd);
}

/*
 * sd_listen_fds(3)'s contract, or the super-server's of old: fd 0. Nothing
 * else that was open, by whose fault ever, shall reach a handler.
 */
static void sockets_given(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t who = 0, n = 0;

	if (pid != NULL && fds != NULL &&
	    number_parse(pid, INT32_MAX, &who) && who == (uint64_t)getpid() &&
	    number_parse(fds, SOCKETS_MAX, &n))
		for (int i = 0; i < (int)n; i++)
			if (is_listening(3 + i))
				socket_take(3 + i);
	if (s.count == 0 && is_listening(0))
		socket_take(0);
	s.given = s.count > 0;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
}

/*
 * The name of our socket is ours alone while we hold the lock beside it: two
 * that begin at once cannot both find a socket stale that one of them has just
 * made.
 */
static void path_lock(const char *path)
{
	char name[sizeof(struct sockaddr_un) + sizeof ".lock"];
	int fd;

	snprintf(name, sizeof name, "%s.lock", path);
	fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		fatal(EX_OSERR, "%s: %s", safe(name), strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		fatal(EX_OSERR, "%s: another listen has it", safe(path));
}

/* A socket that a crash left. One that somebody listens on is not. */
static void remove_stale(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd >= 0 && lstat(sun->sun_path, &st) == 0 &&
	    S_ISSOCK(st.st_mode) && connect(fd, (const struct sockaddr *)sun,
	    sizeof *sun) != 0 && errno == ECONNREFUSED)
		unlink(sun->sun_path);
	if (fd >= 0)
		close(fd);
}

/* "/run/pennypost/submit": any user may connect. */
static void socket_open_path(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	mode_t before;
	int fd;

	if (strlen(path) >= sizeof sun.sun_path)
		fatal(EX_USAGE, "path too long: %s", safe(path));
	strcpy(sun.sun_path, path);
	path_lock(path);
	remove_stale(&sun);
	before = umask(0111);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof sun) != 0 ||
	    listen(fd, BACKLOG) != 0)
		fatal(EX_OSERR, "%s: %s", safe(path), strerror(errno));
	umask(before);
	s.path = path;
	socket_add(fd);
}

/* "127.0.0.1:2525", "[::1]:2525", ":2525" for all addresses. */
static void socket_open_address(char *where)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr *sa = (struct sockaddr *)&in;
	socklen_t len = sizeof in;
	char *port = strrchr(where, ':');
	const int on = 1;
	uint64_t number;
	int fd;

	if (port == NULL || !number_parse(port + 1, 65535, &number) ||
	    number == 0)
		fatal(EX_USAGE, "not ADDRESS:PORT: %s", safe(where));
	*port = '\0';
	in.sin_port = in6.sin6_port = htons((uint16_t)number);
	if (*where == '[' && port[-1] == ']') {
		port[-1] = '\0';
		where++;
	}
	if (*where == '\0' || inet_pton(AF_INET6, where, &in6.sin6_addr) == 1) {
		sa = (struct sockaddr *)&in6;
		len = sizeof in6;
	} else if (inet_pton(AF_INET, where, &in.sin_addr) != 1) {
		fatal(EX_USAGE, "not an address: %s", safe(where));
	}
	fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    bind(fd, sa, len) != 0 || listen(fd, BACKLOG) != 0)
		fatal(EX_OSERR, "%s port %d: %s", safe(where), (int)number,
		    strerror(errno));
	socket_add(fd);
}

/*
 * A given socket cannot be left with a connection waiting: the super-server
 * would start us again at once, without end. Tell one peer, and wait.
 */
static _Noreturn void give_up(int status, const char *what, const char *why)
{
	struct source nowhere = {0};
	int fd;

	warn("%s: %s", safe(what), why);
	for (nfds_t i = 0; s.given && i < s.count; i++) {
		fd = accept4(s.sockets[i].fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			refuse(fd, why, &nowhere);
			close(fd);
		}
	}
	if (s.given)
		sleep(RESTART_DELAY);
	exit(status);
}

static size_t limit(const char *text)
{
	uint64_t n;

	if (!number_parse(text, MAX_LIMIT, &n) || n == 0)
		give_up(EX_USAGE, text, "not a number from 1 to 100000");
	return (size_t)n;
}

/*
 * The line itself, or the file that has it: xinetd knows no quotes, and IMAP's
 * begins with two words.
 */
static const char *refusal(const char *text)
{
	static char line[REFUSAL_MAX];
	FILE *f;

	if (*text != '/')
		return text;
	f = fopen(text, "re");
	if (f == NULL || fgets(line, sizeof line, f) == NULL)
		give_up(EX_NOINPUT, text, "cannot be read");
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	return line;
}

static void signals(void)
{
	struct sigaction act = {.sa_handler = on_signal};
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	sigaction(SIGCHLD, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	int option;

	log_open("listen");
	signals();
	sockets_given();
	while ((option = getopt(argc, argv, "+c:s:r:T")) != -1) {
		if (option == 'c')
			s.max = limit(optarg);
		else if (option == 's')
			s.per_source = limit(optarg);
		else if (option == 'r')
			s.refusal = refusal(optarg);
		else if (option == 'T')
			s.tls = true;
		else
			optind = argc;
	}
	if (argc - optind < 2)
		give_up(EX_USAGE, "usage", "listen [-c max] [-s per-source] "
		    "[-r refusal] [-T] ADDRESS:PORT|/PATH|- "
		    "program [argument ...]");
	s.program = argv + optind + 1;
	if (strcmp(argv[optind], "-") != 0) {
		s.count = 0;
		s.given = false;
		if (*argv[optind] == '/')
			socket_open_path(argv[optind]);
		else
			socket_open_address(argv[optind]);
	} else if (!s.given) {
		fatal(EX_USAGE, "neither fd 0 nor fd 3 is a listening socket");
	}
	if (access(argv[optind + 1], X_OK) != 0)
		give_up(EX_UNAVAILABLE, argv[optind + 1], strerror(errno));
	s.children = xrealloc(NULL, s.max * sizeof *s.children);
	return loop();
}
