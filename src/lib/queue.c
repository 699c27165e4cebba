#include "queue.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "str.h"

#define SIZE_DIGITS 15

void queue_create(struct queue *q, const char *id, const struct envelope *e)
{
	char room[1024], words[NOTIFY_SIZE];
	struct str head = STR_ROOM(room);
	char path[FILE_PATH_SIZE];

	snprintf(q->id, sizeof q->id, "%s", id);
	snprintf(path, sizeof path, QUEUE_TMP "/%s", id);
	q->status_at = pool_take(e->pool,
	    (e->rcpts + 1) * sizeof *q->status_at);
	str_printf(&head, "pennypost-queue 1\nid %s\narrived %" PRId64 "\n",
	    id, (int64_t)time(NULL));
	str_puts(&head, "size ");
	q->size_at = head.len;
	str_printf(&head, "%0*d\n", SIZE_DIGITS, 0);
	if (e->eightbit)
		str_puts(&head, "body 8bitmime\n");
	if (e->utf8)
		str_puts(&head, "smtputf8\n");
	if (e->ret != 0)
		str_printf(&head, "ret %s\n", e->ret == 'F' ? "full" : "hdrs");
	if (*e->envid != '\0')
		str_printf(&head, "envid %s\n", e->envid);
	str_printf(&head, "from <%s>\n", e->sender);
	for (size_t i = 0; i < e->rcpts; i++) {
		const struct recipient *r = &e->rcpt[i];
		str_puts(&head, "to ");
		q->status_at[i] = head.len;
		str_printf(&head, "%c <%s>", QUEUE_WAITING, r->address);
		notify_print(words, r->notify);
		if (*words != '\0')
			str_printf(&head, " notify=%s", words);
		if (*r->orcpt != '\0')
			str_printf(&head, " orcpt=%s", r->orcpt);
		str_puts(&head, "\n");
	}
	str_puts(&head, "\n");
	q->message_at = head.len;
	if (strchr(id, '-') != NULL)
		unlink(path); /* a derived id: a kill left it the last time */
	file_create(&q->file, path, O_WRONLY);
	file_write(&q->file, head.p, head.len);
	str_free(&head);
}

void queue_lines(struct queue *q, const char *p, size_t n)
{
	file_lines(&q->file, p, n);
}

static bool put(struct queue *q, size_t at, const char *p, size_t n)
{
	if (pwrite(q->file.fd, p, n, (off_t)at) == (ssize_t)n)
		return true;
	q->file.error = errno != 0 ? errno : EIO;
	return false;
}

static bool fill_in(struct queue *q, const struct envelope *e)
{
	char size[SIZE_DIGITS + 8];

	snprintf(size, sizeof size, "%0*" PRIu64, SIZE_DIGITS,
	    q->file.size - q->message_at);
	if (!put(q, q->size_at, size, SIZE_DIGITS))
		return false;
	for (size_t i = 0; i < e->rcpts; i++)
		if (e->rcpt[i].status != QUEUE_WAITING &&
		    !put(q, q->status_at[i], &e->rcpt[i].status, 1))
			return false;
	return true;
}

int queue_commit(struct queue *q, const struct envelope *e)
{
	char path[FILE_PATH_SIZE];
	int error = 0;

	snprintf(path, sizeof path, QUEUE_DIR "/%s", q->id);
	if (!file_flush(&q->file) || !fill_in(q, e) || !file_sync(&q->file))
		error = q->file.error;
	else
		error = file_link(&q->file, path);
	queue_abort(q); /* the link stays */
	return error != 0 ? error : directory_sync(QUEUE_DIR);
}

void queue_abort(struct queue *q)
{
	file_end(&q->file);
}
