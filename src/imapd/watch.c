#include "watch.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "session.h"

#define LOOK_EVERY 2 /* s; where nobody tells us */

static int fd = -1;
static bool deaf; /* the kernel gives us no watch: look */

void watch_add(const char *folder)
{
	static const char *const directories[] = {"cur", "new"};
	char path[FILE_PATH_SIZE + 8];

	if (fd < 0 && !deaf)
		fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, directories[i]);
		if (fd < 0 || inotify_add_watch(fd, path, IN_CREATE |
		    IN_DELETE | IN_MOVE | IN_DELETE_SELF | IN_ONLYDIR) < 0)
			deaf = true;
	}
}

void watch_clear(void)
{
	if (fd >= 0)
		close(fd);
	fd = -1;
	deaf = false;
}

/* What happened does not matter: the mailbox sees for itself. */
static void drain(void)
{
	char events[4096];

	while (read(fd, events, sizeof events) > 0)
		;
}

bool watch_wait(int seconds)
{
	struct pollfd p[] = {
		{.fd = session.conn.in, .events = POLLIN},
		{.fd = fd, .events = POLLIN},
	};

	if (session.conn.start < session.conn.end)
		return true;
	if (!conn_flush(&session.conn))
		return true; /* reading says why */
	if (deaf && seconds > LOOK_EVERY)
		seconds = LOOK_EVERY;
	if (poll(p, 2, seconds * 1000) <= 0)
		return false;
	if (p[1].revents != 0)
		drain();
	return p[0].revents != 0;
}
