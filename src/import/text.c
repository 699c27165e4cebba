#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void text_begin(struct text *t, struct file *file)
{
	*t = (struct text){.file = file};
	sha256_begin(&t->hash);
}

static void put(struct text *t, const char *p, size_t n)
{
	uint64_t lines = 0;

	sha256_add(&t->hash, p, n);
	for (size_t i = 0; i < n; i++)
		lines += p[i] == '\n';
	t->size += n;
	t->lines += lines;
	if (t->file != NULL)
		file_write(t->file, p, n);
}

void text_add(struct text *t, const char *p, size_t n)
{
	const char *end = p + n, *cr;

	if (t->cr && n > 0) {
		if (*p != '\n')
			put(t, "\r", 1);
		t->cr = false;
	}
	while (p < end && (cr = memchr(p, '\r', (size_t)(end - p))) != NULL) {
		bool last = cr + 1 == end;
		bool ends_line = !last && cr[1] == '\n';
		put(t, p, (size_t)(cr - p) + (last || ends_line ? 0 : 1));
		t->cr = last;
		p = cr + 1;
	}
	put(t, p, (size_t)(end - p));
}

void text_end(struct text *t, unsigned char digest[SHA256_SIZE])
{
	if (t->cr)
		put(t, "\r", 1);
	sha256_end(&t->hash, digest);
}

int text_digest(const char *path, unsigned char digest[SHA256_SIZE])
{
	static char block[65536];
	struct text t;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int error;

	if (fd < 0)
		return errno;
	text_begin(&t, NULL);
	while ((n = read(fd, block, sizeof block)) > 0)
		text_add(&t, block, (size_t)n);
	error = n < 0 ? errno : 0;
	close(fd);
	text_end(&t, digest);
	return error;
}
