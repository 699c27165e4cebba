#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void failed(struct file *f, int error)
{
	if (f->error == 0)
		f->error = error;
}

void file_adopt(struct file *f, int fd)
{
	f->fd = fd;
	f->error = 0;
	f->size = f->lines = 0;
	f->cr = false;
	f->len = 0;
	*f->path = '\0';
}

void file_create(struct file *f, const char *path, int access)
{
	file_adopt(f, open(path, access | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600));
	snprintf(f->path, sizeof f->path, "%s", path);
	if (f->fd < 0)
		failed(f, errno);
}

bool file_flush(struct file *f)
{
	size_t done = 0;
	ssize_t n;

	while (done < f->len && f->error == 0) {
		n = write(f->fd, f->buf + done, f->len - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			failed(f, n == 0 ? EIO : errno);
	}
	f->len = 0;
	return f->error == 0;
}

void file_write(struct file *f, const void *p, size_t n)
{
	const char *from = p;

	f->size += n;
	while (n > 0 && f->error == 0) {
		size_t room = sizeof f->buf - f->len;
		size_t take = n < room ? n : room;
		memcpy(f->buf + f->len, from, take);
		f->len += take;
		from += take;
		n -= take;
		if (f->len == sizeof f->buf)
			file_flush(f);
	}
}

/*
 * memcpy() for the length of a line, inline: beginning costs musl's more than
 * the work does, and this is half of what a large message costs.
 */
static void copy_line(char *to, const char *from, size_t n)
{
	size_t at = 0;

	for (; n - at >= 16; at += 16)
		memcpy(to + at, from + at, 16);
	for (; at < n; at++)
		to[at] = from[at];
}

/* A line's text without its CRLF or LF, and a LF. */
static void add_line(struct file *f, const char *p, size_t n)
{
	f->lines++;
	if (n + 1 > sizeof f->buf - f->len || f->error != 0) {
		file_write(f, p, n);
		file_write(f, "\n", 1);
		return;
	}
	copy_line(f->buf + f->len, p, n);
	f->buf[f->len + n] = '\n';
	f->len += n + 1;
	f->size += n + 1;
	if (f->len == sizeof f->buf)
		file_flush(f);
}

void file_lines(struct file *f, const char *p, size_t n)
{
	const char *end = p + n, *lf;

	if (f->cr && n > 0 && *p != '\n')
		file_write(f, "\r", 1);
	if (n > 0)
		f->cr = false;
	for (; (lf = memchr(p, '\n', (size_t)(end - p))) != NULL; p = lf + 1)
		add_line(f, p, (size_t)(lf - p) - (lf > p && lf[-1] == '\r'));
	if (p < end) {
		f->cr = end[-1] == '\r';
		file_write(f, p, (size_t)(end - p) - f->cr);
	}
}

bool file_sync(struct file *f)
{
	if (file_flush(f) && fsync(f->fd) != 0)
		failed(f, errno);
	return f->error == 0;
}

int file_link(const struct file *f, const char *to)
{
	return link(f->path, to) == 0 ? 0 : errno;
}

int file_rename(struct file *f, const char *to)
{
	if (rename(f->path, to) != 0)
		return errno;
	*f->path = '\0';
	return 0;
}

void file_unlink(struct file *f)
{
	if (*f->path != '\0')
		unlink(f->path);
	*f->path = '\0';
}

void file_end(struct file *f)
{
	if (f->fd < 0)
		return;
	file_unlink(f);
	close(f->fd);
	f->fd = -1;
}

int directory_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;

	if (fd < 0)
		return errno;
	if (fsync(fd) != 0)
		error = errno;
	close(fd);
	return error;
}

const char *file_refusal(int error)
{
	switch (error) {
	case ENOSPC:
		return "452 4.3.1 Disk full";
	case EDQUOT:
		return "452 4.2.2 Mailbox full";
	case EFBIG:
		return "452 4.3.1 File too big here";
	}
	return "451 4.3.0 Cannot write it now";
}
