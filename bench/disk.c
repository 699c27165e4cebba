/*
 * disk: what the disk alone allows, for comparison.
 *
 * usage: disk DIRECTORY MESSAGES BYTES RECIPIENTS PARALLEL
 *
 * PARALLEL processes deliver MESSAGES together into Maildirs below DIRECTORY as
 * durably as a mail server has to, without a network, a protocol or another
 * program: write and fsync a file without a name (O_TMPFILE), link it into new of
 * the box of each recipient (box; or 1box, 2box ...), fsync those directories.
 * A file made in tmp, linked and unlinked, was never faster, and on ext4 without a
 * journal half as fast when many deliver at once.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void
new_path(char *path, size_t size, long recipients, long box)
{
	if (recipients == 1)
		snprintf(path, size, "box/new");
	else
		snprintf(path, size, "%ldbox/new", box);
}

static void
deliver(const char *bytes, size_t size, long recipients, const char *name)
{
	char open_file[64], path[64];
	long box;
	int fd, new;

	new_path(path, sizeof path, recipients, 1);
	fd = open(path, O_WRONLY | O_TMPFILE, 0600);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || fsync(fd) < 0)
		err(1, "%s", path);
	snprintf(open_file, sizeof open_file, "/proc/self/fd/%d", fd);
	for (box = 1; box <= recipients; box++) {
		new_path(path, sizeof path, recipients, box);
		new = open(path, O_RDONLY | O_DIRECTORY);
		if (new < 0 || linkat(AT_FDCWD, open_file, new, name,
		    AT_SYMLINK_FOLLOW) < 0)
			err(1, "%s", path);
		close(new);
	}
	for (box = 1; box <= recipients; box++) {
		new_path(path, sizeof path, recipients, box);
		new = open(path, O_RDONLY | O_DIRECTORY);
		if (new < 0 || fsync(new) < 0)
			err(1, "%s", path);
		close(new);
	}
	close(fd);
}

int
main(int argc, char **argv)
{
	long messages, recipients, parallel, worker, i;
	int status, failed = 0;
	char name[64], *bytes;
	size_t size;

	if (argc != 6 || chdir(argv[1]) < 0)
		errx(64, "usage: disk DIRECTORY MESSAGES BYTES RECIPIENTS PARALLEL");
	messages = atol(argv[2]);
	size = (size_t)atol(argv[3]);
	recipients = atol(argv[4]);
	parallel = atol(argv[5]);
	bytes = malloc(size);
	if (bytes == NULL)
		err(1, "malloc");
	memset(bytes, 'x', size);
	for (worker = 0; worker < parallel; worker++)
		if (fork() == 0) {
			for (i = worker; i < messages; i += parallel) {
				snprintf(name, sizeof name, "1700000000.%d_%ld",
				    getpid(), i);
				deliver(bytes, size, recipients, name);
			}
			_exit(0);
		}
	for (worker = 0; worker < parallel; worker++)
		if (wait(&status) < 0 || status != 0)
			failed = 1;
	return failed;
}
