#include "tar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "log.h"

#define BLOCK 512   /* octets */
#define NAME_MAX_USTAR 100
#define LONGEST 4096 /* a name: PATH_MAX */

/* POSIX.1-2001, pax: the header of a file. */
struct header {
	char name[NAME_MAX_USTAR], mode[8], uid[8], gid[8], size[12];
	char mtime[12], checksum[8], type, link[100], magic[6], version[2];
	char owner[32], group[32], major[8], minor[8], prefix[155], rest[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a tar header");

static uint64_t left, padding; /* of the file that is being written */

static void out(const void *p, size_t n)
{
	if (fwrite(p, 1, n, stdout) != n)
		fatal(EX_IOERR, "cannot write: %s", strerror(errno));
}

static void zeros(uint64_t n)
{
	static const char block[BLOCK];

	for (; n > BLOCK; n -= BLOCK)
		out(block, BLOCK);
	out(block, (size_t)n);
}

static void octal(char *to, size_t size, uint64_t n)
{
	for (to[--size] = '\0'; size > 0; n /= 8)
		to[--size] = (char)('0' + n % 8);
}

static void header(const char *name, char type, uint64_t size, int64_t mtime)
{
	struct header h = {.type = type, .magic = "ustar",
	    .version = {'0', '0'}};
	unsigned sum = 0;

	memcpy(h.name, name, strnlen(name, sizeof h.name));
	octal(h.mode, sizeof h.mode, type == '5' ? 0700 : 0600);
	octal(h.uid, sizeof h.uid, 0);
	octal(h.gid, sizeof h.gid, 0);
	octal(h.size, sizeof h.size, size);
	octal(h.mtime, sizeof h.mtime, mtime > 0 ? (uint64_t)mtime : 0);
	memset(h.checksum, ' ', sizeof h.checksum);
	for (size_t i = 0; i < sizeof h; i++)
		sum += ((unsigned char *)&h)[i];
	octal(h.checksum, sizeof h.checksum - 1, sum);
	out(&h, sizeof h);
	left = size;
	padding = (BLOCK - size % BLOCK) % BLOCK;
}

/* A record `LENGTH path=NAME`, where the length counts its own digits. */
static void long_name(const char *name)
{
	char record[LONGEST + 32];
	size_t n = strlen(name) + strlen(" path=\n"), digits = 1, rest = 10;

	for (; n + digits >= rest; rest *= 10)
		digits++;
	int len = snprintf(record, sizeof record, "%zu path=%s\n", n + digits,
	    name);
	if (len < 0 || (size_t)len >= sizeof record)
		fatal(EX_SOFTWARE, "%s: too long a name", safe(name));
	header("pax", 'x', (uint64_t)len, 0);
	tar_write(record, (size_t)len);
	tar_file_end();
}

static void entry(const char *name, char type, uint64_t size, int64_t mtime)
{
	if (strlen(name) > NAME_MAX_USTAR)
		long_name(name);
	header(name, type, size, mtime);
}

void tar_directory(const char *name)
{
	entry(name, '5', 0, time(NULL));
}

void tar_file(const char *name, uint64_t size, int64_t mtime)
{
	if (size >> 33 != 0) /* 11 octal digits */
		fatal(EX_SOFTWARE, "%s: larger than 8 GiB", safe(name));
	entry(name, '0', size, mtime);
}

void tar_write(const void *p, size_t n)
{
	if (n > left)
		n = (size_t)left;
	out(p, n);
	left -= n;
}

void tar_file_end(void)
{
	zeros(left + padding);
	left = padding = 0;
}

void tar_text(const char *name, const void *p, size_t n)
{
	tar_file(name, n, time(NULL));
	tar_write(p, n);
	tar_file_end();
}

void tar_end(void)
{
	zeros(2 * BLOCK);
	if (fflush(stdout) != 0)
		fatal(EX_IOERR, "cannot write: %s", strerror(errno));
}
