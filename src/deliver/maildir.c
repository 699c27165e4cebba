#include "maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MANY 4 /* directories, from which on one syncfs costs less */

/* statfs(2) lists them; <linux/magic.h> is not everywhere. */
#define EXT4_MAGIC 0xef53
#define XFS_MAGIC 0x58465342
#define BTRFS_MAGIC 0x9123683e

/* The other device's own copy of the message. */
static int copy(const struct message *m, const char *dir, const char *to)
{
	static struct file f;
	char path[FILE_PATH_SIZE], block[16384];
	size_t at = 0;
	ssize_t n;
	int error;

	snprintf(path, sizeof path, "%s/tmp/%s", dir, m->name);
	if (m->entry != NULL)
		unlink(path);
	file_create(&f, path, O_WRONLY);
	while ((n = message_read(m, &at, block, sizeof block)) > 0)
		file_write(&f, block, (size_t)n);
	if (n < 0)
		error = EIO;
	else
		error = file_sync(&f) ? file_link(&f, to) : f.error;
	file_end(&f);
	return error;
}

static int sync_new(const char *dir)
{
	char path[FILE_PATH_SIZE];

	snprintf(path, sizeof path, "%s/new", dir);
	return directory_sync(path);
}

/* A mail program has taken it out of new/ since the try that was cut off. */
static bool taken(const struct message *m, const char *dir)
{
	size_t n = strlen(m->name);
	struct dirent *e;
	bool found = false;
	DIR *d = opendir(dir);

	if (d == NULL)
		return false;
	while (!found && (e = readdir(d)) != NULL)
		found = strncmp(e->d_name, m->name, n) == 0 &&
		    e->d_name[n] == ',';
	closedir(d);
	return found;
}

/*
 * S is the size of the file, W the size with CRLF, as Maildir++ and Dovecot
 * have them: pop3d lists a mailbox without opening a message. The last Maildir
 * takes the temporary name itself, which saves a link and an unlink.
 */
static int store(struct message *m, const char *dir, bool last)
{
	char path[FILE_PATH_SIZE];
	int error;

	snprintf(path, sizeof path, "%s/cur", dir);
	if (m->again && taken(m, path))
		return directory_sync(path);
	if ((size_t)snprintf(path, sizeof path,
	    "%s/new/%s,S=%" PRIu64 ",W=%" PRIu64, dir, m->name, m->file.size,
	    m->file.size + m->file.lines) >= sizeof path)
		return ENAMETOOLONG;
	error = last && m->entry == NULL ? file_rename(&m->file, path) :
	    file_link(&m->file, path);
	if (error == EXDEV || error == EMLINK) {
		error = copy(m, dir, path);
		if (error == 0)
			return sync_new(dir);
	}
	/* What has the name is whole: it was synced before it got it. */
	if (error == EEXIST && m->entry != NULL)
		return sync_new(dir);
	return error;
}

/*
 * Many directories in one go. Only where syncfs(2) is known to take names along
 * as fsync of their directory would: a FUSE server may never hear of it.
 */
static bool sync_at_once(const struct message *m, size_t count)
{
	struct statfs fs;

	return count >= MANY && fstatfs(m->file.fd, &fs) == 0 &&
	    (fs.f_type == EXT4_MAGIC || fs.f_type == XFS_MAGIC ||
	    fs.f_type == BTRFS_MAGIC);
}

static void judge(struct target *t, int error)
{
	t->reply = error == 0 ? DELIVERED : file_refusal(error);
}

static bool is_to_do(const struct target *t)
{
	return t->kind == TARGET_MAILDIR && !t->done;
}

void maildirs_store(struct message *m, struct targets *all)
{
	struct target *t, *end = all->target + all->count;
	size_t count = 0, left;
	bool at_once;
	int error = 0;

	for (t = all->target; t < end; t++)
		count += is_to_do(t);
	left = count;
	for (t = all->target; t < end; t++)
		if (is_to_do(t))
			judge(t, store(m, t->what, --left == 0));
	if (m->entry == NULL)
		file_unlink(&m->file);
	at_once = sync_at_once(m, count);
	if (at_once && syncfs(m->file.fd) != 0)
		error = errno;
	for (t = all->target; t < end; t++)
		if (is_to_do(t) && strcmp(t->reply, DELIVERED) == 0)
			judge(t, at_once ? error : sync_new(t->what));
}
