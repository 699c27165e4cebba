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
static int count;
static struct {
	short owner; /* by the kernel's number, which grows from 1: ours */
	bool news;   /* by our number */
} watches[WATCHES_MAX + 1];

static void begin(void)
{
	if (fd < 0 && !deaf)
		fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	deaf = deaf || fd < 0;
}

static void add(const char *path, int number)
{
	int wd = fd < 0 ? -1 : inotify_add_watch(fd, path, IN_CREATE |
	    IN_DELETE | IN_MOVE | IN_DELETE_SELF | IN_ONLYDIR);

	if (wd < 0 || wd > WATCHES_MAX)
		deaf = true;
	else
		watches[wd].owner = (short)number;
}

int watch_names(const char *directory)
{
	begin();
	if (count == WATCHES_MAX)
		return -1;
	add(directory, count);
	return count++;
}

int watch_add(const char *folder)
{
	static const char *const directories[] = {"cur", "new"};
	char path[FILE_PATH_SIZE + 8];

	begin();
	if (count == WATCHES_MAX)
		return -1;
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, directories[i]);
		add(path, count);
	}
	return count++;
}

void watch_clear(void)
{
	if (fd >= 0)
		close(fd);
	fd = -1;
	deaf = false;
	memset(watches, 0, (size_t)count * sizeof *watches);
	count = 0;
}

/* What happened does not matter: the mailbox sees for itself. */
static void hear(void)
{
	_Alignas(struct inotify_event) char events[4096];
	const struct inotify_event *e;
	ssize_t n;

	while ((n = read(fd, events, sizeof events)) > 0)
		for (const char *p = events; p < events + n;
		    p += sizeof *e + e->len) {
			e = (const struct inotify_event *)(const void *)p;
			if (e->mask & IN_Q_OVERFLOW)
				for (int i = 0; i < count; i++)
					watches[i].news = true;
			else if (e->wd > 0 && e->wd <= WATCHES_MAX)
				watches[watches[e->wd].owner].news = true;
		}
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
	conn_rest(&session.conn);
	if (deaf && seconds > LOOK_EVERY)
		seconds = LOOK_EVERY;
	if (poll(p, 2, seconds * 1000) <= 0)
		return false;
	if (p[1].revents != 0)
		hear();
	return p[0].revents != 0;
}

bool watch_news(int number)
{
	bool had = deaf || number < 0 || watches[number].news;

	if (number >= 0)
		watches[number].news = false;
	return had;
}
