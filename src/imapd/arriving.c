#include "arriving.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "program.h"

void arriving_begin(struct arriving *a, const char *folder)
{
	char path[FILE_PATH_SIZE], id[ID_SIZE];

	id_make(id);
	a->nul = false;
	a->crlf = 0;
	memset(a->before, 0, sizeof a->before);
	if ((size_t)snprintf(path, sizeof path, "%s/tmp/%s", folder, id) >=
	    sizeof path) {
		file_adopt(&a->file, -1);
		a->file.error = ENAMETOOLONG;
		return;
	}
	file_create(&a->file, path, O_WRONLY);
}

/* Of CRCRLF the file keeps one CR, and IMAP counts no other for that line. */
static uint64_t crcrlf_count(const char *p, size_t n)
{
	const char *end = p + n;
	uint64_t found = 0;

	while ((p = memmem(p, (size_t)(end - p), "\r\r\n", 3)) != NULL) {
		found++;
		p += 3;
	}
	return found;
}

/* Those that begin in what came before. */
static uint64_t crcrlf_across(struct arriving *a, const char *p, size_t n)
{
	char joint[4];
	size_t more = n < 2 ? n : 2;

	memcpy(joint, a->before, 2);
	memcpy(joint + 2, p, more);
	if (n >= 2)
		memcpy(a->before, p + n - 2, 2);
	else
		memcpy(a->before, joint + more, 2);
	return crcrlf_count(joint, 2 + more);
}

void arriving_lines(struct arriving *a, const char *p, size_t n)
{
	if (n == 0)
		return;
	a->nul = a->nul || memchr(p, '\0', n) != NULL;
	a->crlf += crcrlf_across(a, p, n) + crcrlf_count(p, n);
	file_lines(&a->file, p, n);
}

/* A CR that might have been half of a CRLF is none. */
static void last_cr(struct file *f)
{
	if (f->cr)
		file_write(f, "\r", 1);
	f->cr = false;
}

static void date_set(struct file *f, int64_t date)
{
	struct timespec times[2] = {
		{.tv_nsec = UTIME_NOW}, {.tv_sec = (time_t)date},
	};

	if (date != 0 && f->error == 0 && futimens(f->fd, times) != 0)
		f->error = errno;
}

int arriving_end(struct arriving *a, struct arrival *arrival, int64_t date)
{
	struct file *f = &a->file;
	int error;

	last_cr(f);
	file_flush(f); /* it would change the date */
	date_set(f, date);
	file_sync(f);
	error = f->error;
	if (error == 0) {
		arrival->path = strdup(f->path);
		arrival->date = date;
		arrival->size = f->size;
		arrival->octets = f->size + f->lines - a->crlf;
		error = arrival->path == NULL ? ENOMEM : 0;
	}
	if (error == 0)
		*f->path = '\0'; /* it stays, for who has the arrival */
	file_end(f);
	return error;
}

void arriving_abort(struct arriving *a)
{
	file_end(&a->file);
}
