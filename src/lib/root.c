#include "root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local.h"
#include "lock.h"
#include "log.h"
#include "program.h"

#define TREE_DEPTH 4 /* a folder has one level; others may have made more */

static char root[MAILBOX_SIZE] = ".";

void root_set(const char *maildir)
{
	snprintf(root, sizeof root, "%s", maildir);
}

void root_path(char path[FILE_PATH_SIZE], const char *file)
{
	if (*file == '\0')
		snprintf(path, FILE_PATH_SIZE, "%s", root);
	else
		snprintf(path, FILE_PATH_SIZE, "%s/%s", root, file);
}

static bool is_regular(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return false;
	if (!S_ISREG(st.st_mode))
		errno = EINVAL;
	return S_ISREG(st.st_mode);
}

/* errno when it is not read to its end. */
static int read_all(struct str *s, int fd, size_t max)
{
	char block[4096];
	ssize_t n;

	while ((n = read(fd, block, sizeof block)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		str_add(s, block, (size_t)n);
		if (s->len > max)
			return EFBIG;
	}
	return 0;
}

bool root_read(struct str *s, const char *file, size_t max)
{
	char path[FILE_PATH_SIZE];
	int fd, error;

	str_clear(s);
	root_path(path, file);
	/* O_NONBLOCK: a FIFO would keep us. */
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	error = is_regular(fd) ? read_all(s, fd, max) : errno;
	close(fd);
	if (error != 0)
		str_clear(s);
	errno = error;
	return error == 0;
}

bool root_write(const char *file, const struct str *text)
{
	static SELDOM struct file f;
	char path[FILE_PATH_SIZE], name[80];
	int error;

	snprintf(name, sizeof name, "tmp/%s.new", file);
	root_path(path, name);
	unlink(path); /* of one that was killed */
	file_create(&f, path, O_WRONLY);
	file_write(&f, text->p, text->len);
	root_path(path, file);
	error = file_sync(&f) ? file_rename(&f, path) : f.error;
	file_end(&f);
	if (error == 0) {
		root_path(path, "");
		error = directory_sync(path);
	}
	if (error != 0)
		warn("%s/%s: %s", safe(root), file, strerror(error));
	return error == 0;
}

static bool has_size(int fd, size_t size)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size == (off_t)size;
}

bool root_overwrite(const char *file, const struct str *text)
{
	char path[FILE_PATH_SIZE];
	bool done;
	int fd;

	root_path(path, file);
	fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = has_size(fd, text->len) &&
	    pwrite(fd, text->p, text->len, 0) == (ssize_t)text->len &&
	    fdatasync(fd) == 0;
	close(fd);
	return done;
}

void root_touch(const char *file)
{
	char path[FILE_PATH_SIZE];
	int fd;

	root_path(path, file);
	fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC, 0600);
	if (fd < 0)
		warn("%s: %s", safe(path), strerror(errno));
	else
		close(fd);
}

bool root_work(char path[FILE_PATH_SIZE])
{
	char id[ID_SIZE], name[80];

	root_path(path, ROOT_WORK);
	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		int error = errno;
		warn("%s: %s", safe(path), strerror(error));
		errno = error;
		return false;
	}
	id_make(id);
	snprintf(name, sizeof name, ROOT_WORK "/%s", id);
	root_path(path, name);
	return true;
}

/* A file, or a directory with all that is in it. Links are not followed. */
static void remove_tree(int at, const char *name, unsigned depth)
{
	struct dirent *e;
	DIR *dir;
	int fd;

	if (unlinkat(at, name, 0) == 0 || errno == ENOENT || depth == 0)
		return;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			remove_tree(fd, e->d_name, depth - 1);
	closedir(dir);
	unlinkat(at, name, AT_REMOVEDIR);
}

void root_sweep(const char *path)
{
	char work[FILE_PATH_SIZE];

	root_path(work, ROOT_WORK);
	if (path != NULL)
		remove_tree(AT_FDCWD, path, TREE_DEPTH);
	/* Under the lock: who has just made it needs it. */
	if (!lock_take())
		return;
	if (path == NULL)
		remove_tree(AT_FDCWD, work, TREE_DEPTH + 1);
	else
		rmdir(work);
	lock_give();
}

static int make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 ? errno : close(fd) == 0 ? 0 : errno;
}

/*
 * Under a name that nobody knows. 0, or errno. It is not synced: should its
 * parts be lost in a power cut, imapd makes them again.
 */
static int make_parts(const char *dir)
{
	static const char *const parts[] = {"tmp", "new", "cur"};
	char path[FILE_PATH_SIZE + 16];

	if (mkdir(dir, 0700) != 0)
		return errno;
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, parts[i]);
		if (mkdir(path, 0700) != 0)
			return errno;
	}
	snprintf(path, sizeof path, "%s/maildirfolder", dir);
	return make_file(path);
}

int root_make_folder(const char *path)
{
	char work[FILE_PATH_SIZE];
	int error;

	if (!root_work(work))
		return errno;
	error = make_parts(work);
	if (error == 0 && rename(work, path) != 0)
		error = errno;
	root_sweep(work);
	return error;
}
