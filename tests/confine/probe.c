/*
 * Linked into each program with --wrap=confine: in exactly the state that the
 * program has from there on, tries what it must not be able to do. A line of the
 * log for each attempt: `probe TABLE ATTEMPT=RESULT`, and the result is an
 * errno's name, or "done". TABLE is the number of system call groups, and "f"
 * where files are named.
 *
 * The home has the pid of a process of ours in spool/probe.pid, and a Unix socket that
 * listens in probe.socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"
#include "log.h"

void __real_confine(const struct confinement *);
void __wrap_confine(const struct confinement *);

static long victim;

static long open_for(const char *path, int how)
{
	int fd = open(path, how | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd;
}

static long passwd(void) { return open_for("users/passwd", O_RDONLY); }
static long key(void) { return open_for("users/tls/key", O_RDONLY); }
static long queue(void) { return open_for("spool/queue/probe", O_RDONLY); }
static long system_file(void) { return open_for("/etc/passwd", O_RDONLY); }
static long elsewhere(void) { return open_for("escaped", O_WRONLY | O_CREAT); }

/* What may make files, but not there, may perhaps rename one. */
static long planted(void)
{
	char path[64];
	long result;
	int error;

	snprintf(path, sizeof path, "spool/mail/%ld", (long)getpid());
	result = open_for(path, O_WRONLY | O_CREAT);
	if (result < 0)
		return result;
	result = rename(path, "users/tls/planted");
	error = errno;
	unlink(path);
	errno = error;
	return result;
}

static long config(void) { return open_for("pennypost.conf", O_WRONLY); }

static long others_mail(void)
{
	return open_for("spool/mail/example.test/bob/new/probe", O_RDONLY);
}

static long changed_mode(void)
{
	return syscall(SYS_fchmodat, AT_FDCWD, "users/passwd", 0666);
}

static long cut_off(void) { return syscall(SYS_truncate, "users/passwd", 0); }

static long linked(void)
{
	return syscall(SYS_symlinkat, "/etc", AT_FDCWD, "spool/tmp/etc");
}

static long connected(int family, int type, int protocol, const void *to,
    size_t len)
{
	int fd = socket(family, type | SOCK_CLOEXEC, protocol), error;
	long result;

	if (fd < 0)
		return -1;
	result = connect(fd, to, (socklen_t)len);
	error = errno;
	close(fd);
	/* A connection that is refused there was allowed here. */
	errno = error;
	return result == 0 || error == ECONNREFUSED ? 0 : -1;
}

static const struct sockaddr_in port = {
	.sin_family = AF_INET, .sin_port = 0x0900,
	.sin_addr = {0x0100007f}, /* 127.0.0.1, port 9 */
};

static long tcp(void)
{
	return connected(AF_INET, SOCK_STREAM, 0, &port, sizeof port);
}

/* It connects, and Landlock is not asked. */
static long fast_open(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), error;
	long result = syscall(SYS_sendto, fd, "", 1, MSG_FASTOPEN, &port,
	    sizeof port);

	error = errno;
	close(fd);
	errno = error;
	return result > 0 || error == ECONNREFUSED ? 0 : -1;
}

static long udp(void)
{
	return connected(AF_INET, SOCK_DGRAM, 0, &port, sizeof port);
}

static long mptcp(void)
{
	return connected(AF_INET, SOCK_STREAM, 262, &port, sizeof port);
}

static long netlink(void)
{
	return connected(AF_NETLINK, SOCK_RAW, 0, &port, sizeof port);
}

static long unix_path(void)
{
	const struct sockaddr_un to = {AF_UNIX, "probe.socket"};

	return connected(AF_UNIX, SOCK_STREAM, 0, &to, sizeof to);
}

static long unix_abstract(void)
{
	const struct sockaddr_un to = {AF_UNIX, "\0pennypost-probe"};

	return connected(AF_UNIX, SOCK_STREAM, 0, &to,
	    sizeof to.sun_family + 1 + strlen("pennypost-probe"));
}

static long executed(void)
{
	char *argv[] = {"/bin/true", NULL}, *env[] = {NULL};
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	int status;

	/* Where there is no fork: if it can, it is gone, and says no more. */
	if (pid <= 0) {
		execve(argv[0], argv, env);
		if (pid == 0)
			_exit(errno);
		return -1;
	}
	waitpid((pid_t)pid, &status, 0);
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
	return errno == 0 ? 0 : -1;
}

static long signalled(void) { return syscall(SYS_kill, victim, 0); }

/* The kernel would send it. */
static long owner(void) { return syscall(SYS_fcntl, 0, F_SETOWN, victim); }

/* A filter, TLS of the kernel's … on what is the peer's. */
static long tuned(void)
{
	int on = 1;

	return syscall(SYS_setsockopt, 0, SOL_SOCKET, SO_KEEPALIVE, &on,
	    sizeof on) == 0 || errno == ENOTSOCK ? 0 : -1;
}

static long traced(void) { return syscall(SYS_ptrace, 16, victim, 0, 0); }

static long memory_read(void)
{
	return syscall(SYS_process_vm_readv, victim, NULL, 0, NULL, 0, 0);
}

static long limited(void)
{
	return syscall(SYS_prlimit64, victim, 1, NULL, NULL);
}

static long mounted(void)
{
	return syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL);
}

static long unshared(void) { return syscall(SYS_unshare, CLONE_NEWUSER); }
static long io_uring(void) { return syscall(SYS_io_uring_setup, 1, NULL); }
static long bpf(void) { return syscall(SYS_bpf, 0, NULL, 0); }
static long keys(void) { return syscall(SYS_keyctl, 0, 0); }

static long code_made(void)
{
	/* musl's mmap() makes another error of EPERM. */
	return syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1 ? -1 : 0;
}

static const struct {
	const char *name;
	long (*attempt)(void);
} attempts[] = {
	{"passwd", passwd}, {"key", key}, {"others-mail", others_mail},
	{"queue", queue}, {"system-file", system_file},
	{"elsewhere", elsewhere}, {"config", config}, {"planted", planted},
	{"chmod", changed_mode}, {"truncate", cut_off}, {"symlink", linked},
	{"exec", executed}, {"tcp", tcp}, {"fastopen", fast_open},
	{"udp", udp}, {"mptcp", mptcp},
	{"netlink", netlink}, {"unix", unix_path}, {"abstract", unix_abstract},
	{"kill", signalled}, {"owner", owner}, {"tuned", tuned},
	{"ptrace", traced}, {"memory", memory_read},
	{"limits", limited}, {"mount", mounted}, {"unshare", unshared},
	{"io_uring", io_uring}, {"bpf", bpf}, {"keyctl", keys},
	{"code", code_made},
};

static const char *error_name(long result)
{
	static char number[16];

	if (result >= 0)
		return "done";
	switch (errno) {
	case EPERM:
		return "EPERM";
	case EACCES:
		return "EACCES";
	case ENOENT:
		return "ENOENT";
	case ENOSYS:
		return "ENOSYS";
	}
	snprintf(number, sizeof number, "%d", errno);
	return number;
}

void __wrap_confine(const struct confinement *c)
{
	char table[16], text[32] = "";
	int fd = open("spool/probe.pid", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, text, sizeof text - 1) > 0)
		victim = atol(text);
	if (fd >= 0)
		close(fd);
	__real_confine(c);
	if (victim == 0)
		return; /* what is within another's confinement */
	snprintf(table, sizeof table, "%u%s", c->calls,
	    c->paths != NULL ? "f" : "");
	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
		long result = attempts[i].attempt();
		info("probe %s %s=%s", table, attempts[i].name,
		    error_name(result));
	}
}
