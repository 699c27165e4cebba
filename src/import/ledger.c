#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "root.h"
#include "str.h"

#define FIRST_LINE LEDGER_FILE " 1\n"
#define KEY_SIZE 16   /* 128 bits tell messages apart */
#define LINE_SIZE 512 /* a digest, a number and a folder have 300 */
#define HEX_SIZE (2 * SHA256_SIZE)

/* A message in a folder, or, with a digest of zeroes, the folder itself. */
struct entry {
	unsigned char key[KEY_SIZE];
	uint32_t before, now; /* how many; an unused entry has neither */
};

static struct {
	struct file file;
	struct entry *table;
	size_t count, size; /* a power of two */
} ledger = {.file = {.fd = -1}};

static const unsigned char no_digest[SHA256_SIZE];

static struct entry *slot_of(const unsigned char key[KEY_SIZE])
{
	uint64_t hash;
	size_t at;

	memcpy(&hash, key, sizeof hash);
	for (at = (size_t)hash;; at++) {
		at &= ledger.size - 1;
		if ((ledger.table[at].before | ledger.table[at].now) == 0 ||
		    memcmp(ledger.table[at].key, key, KEY_SIZE) == 0)
			return &ledger.table[at];
	}
}

static void table_grow(void)
{
	struct entry *old = ledger.table;
	size_t n = ledger.size;

	ledger.size = n == 0 ? 1024 : 2 * n;
	ledger.table = xrealloc(NULL, ledger.size * sizeof *old);
	memset(ledger.table, 0, ledger.size * sizeof *old);
	for (size_t i = 0; i < n; i++)
		if ((old[i].before | old[i].now) != 0)
			*slot_of(old[i].key) = old[i];
	free(old);
}

/* The entry; a new one is none before somebody counts in it. */
static struct entry *entry_of(const char *folder,
    const unsigned char digest[SHA256_SIZE])
{
	unsigned char key[SHA256_SIZE];
	struct sha256 hash;
	struct entry *e;

	if (2 * ledger.count >= ledger.size)
		table_grow();
	sha256_begin(&hash);
	sha256_add(&hash, digest, SHA256_SIZE);
	sha256_add(&hash, folder, strlen(folder));
	sha256_end(&hash, key);
	e = slot_of(key);
	if ((e->before | e->now) == 0) {
		memcpy(e->key, key, KEY_SIZE);
		ledger.count++;
	}
	return e;
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_parse(const char *p, unsigned char digest[SHA256_SIZE])
{
	for (size_t i = 0; i < SHA256_SIZE; i++, p += 2) {
		int high = hex_value(p[0]);
		int low = high < 0 ? -1 : hex_value(p[1]);
		if (low < 0)
			return false;
		digest[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* `f FOLDER`, or `m SHA256 COUNT FOLDER`. What is neither says nothing. */
static void line_take(char *line)
{
	unsigned char digest[SHA256_SIZE];
	struct entry *e;
	char *word;
	uint64_t n;

	if (strncmp(line, "f ", 2) == 0) {
		entry_of(line + 2, no_digest)->before = 1;
		return;
	}
	if (strncmp(line, "m ", 2) != 0 || !hex_parse(line + 2, digest))
		return;
	line += 2 + HEX_SIZE;
	if (*line++ != ' ' || (word = strchr(line, ' ')) == NULL)
		return;
	*word++ = '\0';
	if (!number_parse(line, UINT32_MAX - 1, &n) || n == 0)
		return;
	e = entry_of(word, digest);
	if (e->before < n)
		e->before = (uint32_t)n;
}

/*
 * What a killed import did not finish is cut off. 0, or errno. Not by stdio:
 * who closes a descriptor of a file loses his locks on it.
 */
static int read_lines(int fd)
{
	static char text[65536];
	size_t n = 0;
	off_t end = 0;
	ssize_t got;

	while ((got = read(fd, text + n, sizeof text - 1 - n)) > 0) {
		char *line, *rest = text, *last;
		n += (size_t)got;
		last = memrchr(text, '\n', n);
		if (last == NULL)
			break;
		end += last + 1 - text;
		*last++ = '\0';
		while ((line = text_line(&rest)) != NULL)
			line_take(line);
		n -= (size_t)(last - text);
		memmove(text, last, n);
	}
	if (got < 0 || ftruncate(fd, end) != 0 || lseek(fd, end, SEEK_SET) < 0)
		return errno;
	if (end == 0)
		file_write(&ledger.file, FIRST_LINE, strlen(FIRST_LINE));
	return 0;
}

bool ledger_open(void)
{
	struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[FILE_PATH_SIZE];
	int fd, error;

	table_grow();
	root_path(path, LEDGER_FILE);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	file_adopt(&ledger.file, fd);
	if (fd < 0) {
		warn("%s: %s", safe(path), strerror(errno));
		return false;
	}
	if (fcntl(fd, F_SETLK, &all) != 0) {
		warn(errno == EAGAIN || errno == EACCES ?
		    "%s: another import is at work here: wait for its end" :
		    "%s: it cannot be locked", safe(path));
		return false;
	}
	error = read_lines(fd);
	if (error != 0)
		warn("%s: %s", safe(path), strerror(error));
	return error == 0;
}

bool ledger_has_folder(const char *folder)
{
	return entry_of(folder, no_digest)->before != 0;
}

void ledger_add_folder(const char *folder)
{
	entry_of(folder, no_digest)->before = 1;
	file_write(&ledger.file, "f ", 2);
	file_write(&ledger.file, folder, strlen(folder));
	file_write(&ledger.file, "\n", 1);
}

uint32_t ledger_count(const char *folder,
    const unsigned char digest[SHA256_SIZE], bool *known)
{
	struct entry *e = entry_of(folder, digest);

	e->now++;
	*known = e->now <= e->before;
	return e->now;
}

void ledger_add(const char *folder, const unsigned char digest[SHA256_SIZE],
    uint32_t nth)
{
	char line[LINE_SIZE], *p = line;

	p += sprintf(p, "m ");
	for (size_t i = 0; i < SHA256_SIZE; i++)
		p += sprintf(p, "%02x", digest[i]);
	p += snprintf(p, (size_t)(line + sizeof line - p), " %" PRIu32 " %s\n",
	    nth, folder);
	file_write(&ledger.file, line, (size_t)(p - line));
}

int ledger_sync(void)
{
	return file_sync(&ledger.file) ? 0 : ledger.file.error;
}
