#include "nudge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "program.h"

/*
 * The lock keeps the reader from leaving between our open and our write: it
 * takes the lock alone before it goes. A write after that gets EPIPE. A FIFO
 * that is full needs no more: its reader looks at the whole queue then.
 */
static bool told(const char *id)
{
	char line[ID_SIZE + 1];
	int fd = open(NUDGE_PATH, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	int n = snprintf(line, sizeof line, "%s\n", id);
	flock(fd, LOCK_SH);
	done = write(fd, line, (size_t)n) == n || errno == EAGAIN;
	close(fd);
	return done;
}

void nudge(const char *id)
{
	char path[PATH_SIZE], name[ID_SIZE];
	char *argv[] = {path, name, NULL};
	static pid_t runner; /* the last one */
	int null;

	if (told(id) || !program_path("queue-run", path))
		return;
	if (runner > 0)
		waitpid(runner, NULL, WNOHANG); /* no heap of zombies */
	snprintf(name, sizeof name, "%s", id);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 ||
	    (runner = program_start(argv, null, null, -1, NULL)) < 0)
		warn("queue-run: %s", strerror(errno));
	if (null >= 0)
		close(null);
}
