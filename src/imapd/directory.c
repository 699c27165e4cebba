#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "name.h"
#include "uids.h"

#define TMP_AGE (36 * 3600) /* s; the Maildir page: such files are dead */
#define NOREPLACE 1u /* RENAME_NOREPLACE of <linux/fs.h> */

static int64_t ns(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 +
	    st->st_mtim.tv_nsec;
}

int directory_open(const struct mailbox *box, const char *name)
{
	char path[FILE_PATH_SIZE + 8];

	snprintf(path, sizeof path, "%s/%s", box->path, name);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int64_t directory_mtime(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? ns(&st) : 0;
}

int64_t mailbox_mtime(const struct mailbox *box, const char *directory)
{
	int fd = directory_open(box, directory);
	int64_t mtime;

	if (fd < 0)
		return 0;
	mtime = directory_mtime(fd);
	close(fd);
	return mtime;
}

bool is_directory(int dir, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode);
}

int rename_new(int from_dir, const char *from, int to_dir, const char *to)
{
	struct stat st;

	/* musl has no function for it. */
	if (syscall(SYS_renameat2, from_dir, from, to_dir, to, NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
	/* NFS does not know how: the lock keeps our own kind away. */
	if (fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return EEXIST;
	return renameat(from_dir, from, to_dir, to) == 0 ? 0 : errno;
}

/* What killed deliveries have left. */
void mailbox_clean(const struct mailbox *box)
{
	int fd = directory_open(box, "tmp");
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	time_t old = time(NULL) - TMP_AGE;
	struct dirent *entry;
	struct stat st;

	if (d == NULL && fd >= 0)
		close(fd);
	while (d != NULL && (entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.' && !is_directory(fd, entry) &&
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_mtime < old && st.st_atime < old)
			unlinkat(fd, entry->d_name, 0);
	if (d != NULL)
		closedir(d);
}

/* The name in this directory of the file with this unique part. */
static bool name_search(int dir, const char *unique, size_t n,
    char name[NAME_SIZE])
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry = NULL;

	if (d == NULL && fd >= 0)
		close(fd);
	while (d != NULL && (entry = readdir(d)) != NULL)
		if (strncmp(entry->d_name, unique, n) == 0 &&
		    name_unique(entry->d_name) == n)
			break;
	if (entry != NULL)
		snprintf(name, NAME_SIZE, "%s", entry->d_name);
	if (d != NULL)
		closedir(d);
	return entry != NULL;
}

/* The next sync writes the new name down: its mtime says that there is one. */
int message_open(struct mailbox *box, struct message *m)
{
	char name[NAME_SIZE];
	int *dir = &box->uids->cur, fd;

	if (*dir < 0 && (*dir = directory_open(box, "cur")) < 0)
		return -1;
	fd = openat(*dir, m->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	for (int i = 0; fd < 0 && errno == ENOENT && i < 2; i++) {
		if (!name_search(*dir, m->name, name_unique(m->name), name)) {
			errno = ENOENT;
			break;
		}
		fd = openat(*dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	}
	return fd;
}
