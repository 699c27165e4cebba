#include "mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "body.h"
#include "log.h"

#define LOCK_TRIES 30 /* one a second */
#define LOCK_STALE 500 /* s; its owner is dead (Postfix's stale_lock_time) */
#define LOCKED "451 4.2.0 Mailbox is locked"

static struct file out;

/* 0, or errno; EACCES: no room for a lock file, fcntl has to do. */
static int dotlock(const char *lock)
{
	struct stat st;
	int fd = -1;

	for (int i = 0; i < LOCK_TRIES; i++) {
		fd = open(lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0 || errno != EEXIST)
			break;
		if (stat(lock, &st) == 0 && st.st_mtime < time(NULL) -
		    LOCK_STALE && unlink(lock) == 0) {
			warn("%s: removed, it was stale", safe(lock));
			continue;
		}
		sleep(1);
	}
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static bool fcntl_lock(int fd)
{
	struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (fcntl(fd, F_SETLK, &all) == 0)
			return true;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return false;
		sleep(1);
	}
	return false;
}

/* Whole lines: ">*From " gets one ">" more. */
static void quote_lines(const char *p, size_t n)
{
	while (n > 0) {
		const char *lf = memchr(p, '\n', n);
		size_t len = lf != NULL ? (size_t)(lf - p) + 1 : n;
		size_t marks = 0;
		while (marks < len && p[marks] == '>')
			marks++;
		if (len - marks >= 5 && memcmp(p + marks, "From ", 5) == 0)
			file_write(&out, ">", 1);
		file_lines(&out, p, len);
		p += len;
		n -= len;
	}
}

static void quote_header(const char *p, size_t n)
{
	quote_lines(p, n);
}

static bool write_all(struct message *m, bool unfinished)
{
	static struct body lines;
	const char *sender = m->envelope->sender;
	char block[16384], from[400], date[40];
	time_t now = time(NULL);
	struct tm t;
	size_t at = 0;
	ssize_t n;

	gmtime_r(&now, &t);
	asctime_r(&t, date); /* the form of every From_ line, with its LF */
	n = snprintf(from, sizeof from, "%sFrom %s %s", unfinished ? "\n" : "",
	    *sender != '\0' ? sender : "MAILER-DAEMON", date);
	file_write(&out, from, (size_t)n);
	body_begin(&lines, UINT64_MAX / 4, quote_header, quote_lines);
	while ((n = message_read(m, &at, block, sizeof block)) > 0)
		body_lines(&lines, block, (size_t)n, false);
	body_lines(&lines, NULL, 0, true);
	file_write(&out, "\n", 1);
	return n == 0 && lines.fault == BODY_FINE && file_sync(&out);
}

static int append(struct message *m, int fd, const char *path)
{
	char dir[FILE_PATH_SIZE], last = '\n';
	struct stat st;
	int error = 0;

	if (fstat(fd, &st) != 0)
		return errno;
	if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) != 1)
		return EIO;
	file_adopt(&out, fd);
	if (!write_all(m, last != '\n')) {
		error = out.error != 0 ? out.error : EIO;
		if (ftruncate(fd, st.st_size) != 0)
			warn("%s: cannot cut it back", safe(path));
	} else if (st.st_size == 0) {
		snprintf(dir, sizeof dir, "%s", path);
		char *slash = strrchr(dir, '/');
		*slash = '\0';
		error = directory_sync(*dir != '\0' ? dir : "/");
	}
	return error;
}

const char *mbox_append(struct message *m, const char *path)
{
	char lock[FILE_PATH_SIZE];
	struct stat st;
	int fd, error, locked;

	if (strcmp(path, "/dev/null") == 0)
		return DELIVERED;
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd < 0)
		return file_refusal(errno);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return "550 5.2.0 Not a mailbox";
	}
	snprintf(lock, sizeof lock, "%s.lock", path);
	locked = dotlock(lock);
	if ((locked != 0 && locked != EACCES) || !fcntl_lock(fd)) {
		if (locked == 0)
			unlink(lock);
		close(fd);
		return LOCKED;
	}
	error = append(m, fd, path);
	if (locked == 0)
		unlink(lock);
	close(fd);
	return error == 0 ? DELIVERED : file_refusal(error);
}
