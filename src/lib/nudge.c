/*
 * How nobody's nudge gets lost while the runner leaves:
 *
 * Who writes opens the FIFO, takes its flock shared, writes, closes. The runner
 * that leaves takes the flock alone. If it cannot, somebody is between his open
 * and his write: it goes on reading. If it can, and finds the FIFO empty, it
 * closes it with the lock still held. Whoever comes then finds the flock taken,
 * or no reader at open (ENXIO), or none at write (EPIPE): in each case nobody
 * was told, and he starts a runner.
 *
 * That one may come before the old one has given up the lock on spool/queue. It
 * tries both, the lock and the FIFO, in turn, until one of them works:
 * queue-run.c.
 */
#include "nudge.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "program.h"

/* Opens it; -1 with errno, EINVAL when something else has its name. */
static int fifo_open(int access)
{
	int fd = open(NUDGE_PATH, access | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

enum nudge_result nudge_tell(const char *text)
{
	enum nudge_result result = NUDGE_NOBODY;
	char line[ID_SIZE + 1];
	int n = snprintf(line, sizeof line, "%s\n", text);
	int fd = fifo_open(O_WRONLY);

	if (fd < 0)
		return NUDGE_NOBODY;
	/* One write of less than PIPE_BUF: whole or not at all. */
	if (flock(fd, LOCK_SH | LOCK_NB) != 0 || (size_t)n >= sizeof line)
		result = NUDGE_NOBODY;
	else if (write(fd, line, (size_t)n) == n)
		result = NUDGE_TOLD;
	else if (errno == EAGAIN)
		result = NUDGE_FULL;
	close(fd);
	return result;
}

static void runner_start(const char *id)
{
	char path[PATH_SIZE], name[ID_SIZE];
	char *argv[] = {path, name, NULL};
	static pid_t last;
	int null;

	if (!program_path("queue-run", path))
		return;
	if (last > 0)
		waitpid(last, NULL, WNOHANG); /* a long session, many zombies */
	snprintf(name, sizeof name, "%s", id);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || (last = program_start(argv, null, null, NULL, NULL)) < 0)
		warn("queue-run: %s", strerror(errno));
	if (null >= 0)
		close(null);
}

static int through = -1;

void nudge(const char *id)
{
	/* From a confined program it is a stranger's word. */
	if (!id_valid(id) || nudge_tell(id) != NUDGE_NOBODY)
		return;
	if (through < 0)
		runner_start(id);
	else if (dprintf(through, "%s\n", id) < 0)
		warn("nudge: %s", strerror(errno));
}

void nudge_through(int fd)
{
	through = fd;
}

bool nudge_relay(int fd)
{
	static char text[4 * ID_SIZE];
	static size_t len;
	ssize_t n = read(fd, text + len, sizeof text - len);
	char *lf;

	if (n <= 0) {
		len = 0;
		return false;
	}
	len += (size_t)n;
	while ((lf = memchr(text, '\n', len)) != NULL) {
		*lf = '\0';
		nudge(text);
		len -= (size_t)(lf + 1 - text);
		memmove(text, lf + 1, len);
	}
	if (len == sizeof text)
		len = 0; /* that is no id */
	return true;
}

bool nudge_helper(void)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return false;
	pid = fork();
	if (pid == 0) {
		/* Whoever reads our output to its end waits for us alone. */
		dup2(fds[0], 0);
		dup2(fds[0], 1);
		syscall(SYS_close_range, 3U, ~0U, 0U);
		while (nudge_relay(0))
			continue;
		_exit(0);
	}
	close(fds[0]);
	if (pid < 0) {
		close(fds[1]);
		return false;
	}
	nudge_through(fds[1]);
	return true;
}

int nudge_listen(void)
{
	if (mkfifo(NUDGE_PATH, 0600) != 0 && errno != EEXIST)
		return -1;
	/* For writing too: it does not end when the last writer closes. */
	return fifo_open(O_RDWR);
}

/*
 * A line finds no room when the FIFO is full but for some bytes at the end of
 * each page. What a poor user's FIFO holds may be a page in all, F_SETPIPE_SZ.
 */
static bool nearly_full(int fd, size_t n)
{
	int room = fcntl(fd, F_GETPIPE_SZ);

	return n >= (room > 0 ? (size_t)room : NUDGE_ROOM) / 2;
}

size_t nudge_read(int fd, char buf[NUDGE_ROOM], bool *full)
{
	ssize_t n = read(fd, buf, NUDGE_ROOM);

	*full = false;
	if (n <= 0)
		return 0;
	*full = nearly_full(fd, (size_t)n);
	return (size_t)n;
}

bool nudge_leave(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return false;
	if (poll(&p, 1, 0) != 0) {
		flock(fd, LOCK_UN);
		return false;
	}
	close(fd);
	return true;
}
