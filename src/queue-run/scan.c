#include "scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"
#include "destinations.h"
#include "file.h"
#include "log.h"
#include "messages.h"
#include "queue.h"
#include "report.h"

#define STEP_NAMES 5000 /* names in one step: some ms */
#define STEP_LOADS 500  /* messages in one step: the same */
#define LONG 60000      /* ms that a long line may keep others out of memory */
#define TMP_AGE 129600  /* s: 36 hours; nobody takes as long to write a file */

static struct {
	DIR *dir;           /* NULL: no scan */
	bool all;
	bool again, again_all;
	bool tmp_done;
	int64_t full; /* ms: since then nothing could be loaded; 0: it can */
} s;

void scan_want(bool all)
{
	s.again = true;
	s.again_all = s.again_all || all;
}

bool scan_on(void)
{
	return s.dir != NULL || s.again;
}

/* Was it forgotten by a process that was killed? */
static void tmp_check(int dir, const char *name, time_t now)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct stat st;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(st.st_mode) || now - st.st_mtime < TMP_AGE)
		return;
	fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0 && unlinkat(dir, name, 0) == 0)
		info("removed %s/%s", QUEUE_TMP, safe(name));
	close(fd);
}

static void tmp_clean(void)
{
	DIR *dir = opendir(QUEUE_TMP);
	time_t now = time(NULL);
	struct dirent *d;

	if (dir == NULL) {
		warn("%s: %s", QUEUE_TMP, strerror(errno));
		return;
	}
	while ((d = readdir(dir)) != NULL)
		if (*d->d_name != '.')
			tmp_check(dirfd(dir), d->d_name, now);
	closedir(dir);
}

static bool begin(void)
{
	if (!s.again)
		return false;
	s.all = s.again_all;
	s.again = s.again_all = false;
	if (!s.tmp_done)
		tmp_clean();
	s.tmp_done = true;
	s.full = 0;
	s.dir = opendir(QUEUE_DIR);
	if (s.dir == NULL)
		warn("%s: %s", QUEUE_DIR, strerror(errno));
	return s.dir != NULL;
}

static void end(void)
{
	if (errno != 0)
		warn("%s: %s", QUEUE_DIR, strerror(errno));
	closedir(s.dir);
	s.dir = NULL;
}

static bool due(const char *name, time_t now)
{
	struct stat st;

	if (s.all)
		return true;
	return fstatat(dirfd(s.dir), name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_mtime <= now;
}

/*
 * Whoever waits for a slow host must not keep all others out of memory for
 * hours. What is forgotten is found again by another scan.
 */
static void room_make(void)
{
	int64_t now = now_ms();

	if (!messages_full())
		s.full = 0;
	else if (s.full == 0)
		s.full = now;
	else if (now - s.full >= LONG) {
		s.full = now;
		if (line_forget())
			scan_want(false);
	}
}

bool scan_step(void)
{
	unsigned names = 0, loads = 0;
	time_t now = time(NULL);
	struct dirent *d;

	if (s.dir == NULL && !begin())
		return false;
	while (!messages_full() && names++ < STEP_NAMES && loads < STEP_LOADS) {
		errno = 0;
		if ((d = readdir(s.dir)) == NULL) {
			end();
			return s.again;
		}
		if (*d->d_name == '.' || !due(d->d_name, now))
			continue;
		message_load(d->d_name);
		loads++;
	}
	room_make();
	return !messages_full();
}

/* A name in spool/damaged that is free. */
static void free_name(char path[PATH_SIZE], const char *name)
{
	char id[ID_SIZE];
	struct stat st;

	snprintf(path, PATH_SIZE, "%s/%s", DAMAGED_DIR, name);
	if (lstat(path, &st) == 0) {
		id_make(id);
		snprintf(path, PATH_SIZE, "%s/%s.%s", DAMAGED_DIR, name, id);
	}
}

void set_aside(const char *name, const char *why)
{
	char from[PATH_SIZE], to[PATH_SIZE], id[ID_SIZE] = "";

	snprintf(from, sizeof from, "%s/%s", QUEUE_DIR, name);
	if (mkdir(DAMAGED_DIR, 0700) == 0)
		directory_sync("spool");
	/* The notice is the first to be durable: it is found again by its id. */
	if (!report_damaged(id, name, why))
		return;
	free_name(to, name);
	if (rename(from, to) != 0) {
		warn("damaged file=%s why=%s: cannot set it aside: %s",
		    safe(name), quoted(why), strerror(errno));
		return;
	}
	directory_sync(DAMAGED_DIR);
	directory_sync(QUEUE_DIR);
	warn("damaged file=%s why=%s now=%s", safe(from), quoted(why),
	    safe(to));
	if (*id != '\0')
		message_later(id);
}
