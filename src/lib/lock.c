#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "file.h"
#include "log.h"

#define PATIENCE 30 /* s: a change of 100,000 messages takes 2 */
#define STEP_MAX 20 /* ms between two tries */

static int lock = -1, depth;

void lock_open(const char *maildir)
{
	char path[FILE_PATH_SIZE];

	if (lock >= 0)
		return;
	snprintf(path, sizeof path, "%s/pennypost.lock", maildir);
	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		fatal(EX_TEMPFAIL, "%s: %s", safe(path), strerror(errno));
}

static bool try(short type)
{
	struct flock all = {.l_type = type, .l_whence = SEEK_SET};

	return fcntl(lock, F_SETLK, &all) == 0;
}

/* No F_SETLKW with an alarm: a try costs 1 us, and signals are others'. */
bool lock_take(void)
{
	int waited = 0, step = 1;

	if (depth > 0 || try(F_WRLCK)) {
		depth++;
		return true;
	}
	while (errno == EAGAIN || errno == EACCES || errno == EINTR) {
		if (waited >= PATIENCE * 1000) {
			warn("lock: somebody has had it for %d s", PATIENCE);
			return false;
		}
		poll(NULL, 0, step);
		waited += step;
		if (step < STEP_MAX)
			step++;
		if (try(F_WRLCK)) {
			depth++;
			return true;
		}
	}
	warn("lock: %s", strerror(errno));
	return false;
}

void lock_give(void)
{
	if (--depth == 0)
		try(F_UNLCK);
}

int64_t lock_time(void)
{
	struct stat st;

	if (futimens(lock, NULL) != 0 || fstat(lock, &st) != 0)
		return 0;
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}
