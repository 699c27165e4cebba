#include "maildir.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The other device's own copy of the message. */
static int copy(const struct message *m, const char *dir, const char *to)
{
	static struct file f;
	char path[FILE_PATH_SIZE], block[16384];
	size_t at = 0;
	ssize_t n;
	int error;

	snprintf(path, sizeof path, "%s/tmp/%s", dir, m->name);
	file_create(&f, path);
	while ((n = message_read(m, &at, block, sizeof block)) > 0)
		file_write(&f, block, (size_t)n);
	if (n < 0)
		error = EIO;
	else
		error = file_sync(&f) ? file_link(&f, to) : f.error;
	file_end(&f);
	return error;
}

/*
 * S is the size of the file, W the size with CRLF, as Maildir++ and Dovecot
 * have them: pop3d lists a mailbox without opening a message.
 */
static int store(const struct message *m, const char *dir)
{
	char path[FILE_PATH_SIZE];
	int error;

	if ((size_t)snprintf(path, sizeof path,
	    "%s/new/%s,S=%" PRIu64 ",W=%" PRIu64, dir, m->name, m->file.size,
	    m->file.size + m->file.lines) >= sizeof path)
		return ENAMETOOLONG;
	error = file_link(&m->file, path);
	return error == EXDEV || error == EMLINK ? copy(m, dir, path) : error;
}

static int sync_new(const struct message *m, const char *dir)
{
	char path[FILE_PATH_SIZE];

	(void)m;
	snprintf(path, sizeof path, "%s/new", dir);
	return directory_sync(path);
}

static void each(struct message *m, struct targets *all,
    int (*act)(const struct message *, const char *dir))
{
	for (size_t i = 0; i < all->count; i++) {
		struct target *t = &all->target[i];
		if (t->kind != TARGET_MAILDIR || strcmp(t->reply, DELIVERED) != 0)
			continue;
		int error = act(m, t->what);
		if (error != 0)
			t->reply = file_refusal(error);
	}
}

void maildirs_store(struct message *m, struct targets *all)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->target[i].kind == TARGET_MAILDIR)
			all->target[i].reply = DELIVERED;
	each(m, all, store);
	/* Gone before the syncs, so that they take it along. */
	unlink(m->file.path);
	*m->file.path = '\0';
	each(m, all, sync_new);
}
