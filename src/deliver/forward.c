#include "forward.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "envelope.h"
#include "job.h"
#include "local.h"
#include "log.h"
#include "nudge.h"
#include "queue.h"
#include "srs.h"

static struct queue queue;

/*
 * A second try of a queue file makes the same forwards: in the envelope, the
 * recipient has one place. When the alias was changed after some had it, what is
 * left is another forward.
 */
static void id_find(char id[ID_SIZE], const struct message *m,
    const char *recipient, size_t had)
{
	const struct entry *from = m->entry;
	char place[48];
	size_t i = 0;

	if (from == NULL) {
		id_make(id);
		return;
	}
	while (i + 1 < from->envelope.rcpts &&
	    strcmp(from->envelope.rcpt[i].address, recipient) != 0)
		i++;
	if (had > 0)
		snprintf(place, sizeof place, "%zu.%zu", i, had);
	else
		snprintf(place, sizeof place, "%zu", i);
	id_derive(id, from->id, place);
}

/* Who nudges for what comes of a queue file is queue-run, which waits for us. */
static int commit(const struct message *m, const struct envelope *e)
{
	int error = queue_commit(&queue, e);

	if (m->entry == NULL) {
		if (error == 0)
			nudge(queue.id);
		return error;
	}
	if (error == EEXIST) /* of an earlier try, and perhaps not yet synced */
		error = directory_sync(QUEUE_DIR);
	if (error == 0)
		job_new(queue.id);
	return error;
}

static int fill(struct message *m, const struct envelope *e, const char *id,
    const char *recipient)
{
	char block[16384];
	size_t at = m->content_at;
	ssize_t n;

	queue_create(&queue, id, e);
	n = snprintf(block, sizeof block, "Delivered-To: %s\n", recipient);
	/* The content may begin with that very line. */
	if (message_read(m, &at, block + n, (size_t)n) != n ||
	    memcmp(block, block + n, (size_t)n) != 0)
		queue_lines(&queue, block, (size_t)n);
	at = m->content_at;
	while ((n = message_read(m, &at, block, sizeof block)) > 0) {
		/* A CR that is left ends no line; SMTP has no place for it. */
		for (char *cr = block; (cr = memchr(cr, '\r',
		    (size_t)(block + n - cr))) != NULL;)
			*cr = ' ';
		queue_lines(&queue, block, (size_t)n);
	}
	if (n < 0) {
		queue_abort(&queue);
		return EIO;
	}
	info("forward recipient=<%s> from=<%s> to=<%s> recipients=%zu queue=%s",
	    safe(recipient), safe(e->sender), safe(e->rcpt[0].address),
	    e->rcpts, id);
	return commit(m, e);
}

/*
 * What the sender wants to be told of the recipient who forwards holds for where
 * it goes, but for success: that is reported here (RFC 3461 5.2.7.3).
 */
static void notify_inherit(struct recipient *r, const struct envelope *e,
    const char *recipient)
{
	for (size_t i = 0; i < e->rcpts; i++) {
		if (strcmp(e->rcpt[i].address, recipient) != 0)
			continue;
		r->orcpt = e->rcpt[i].orcpt;
		r->notify = e->rcpt[i].notify & ~(unsigned)NOTIFY_SUCCESS;
		if (e->rcpt[i].notify == NOTIFY_SUCCESS)
			r->notify = NOTIFY_NEVER;
		return;
	}
}

/*
 * Its return path is at the domain of the recipient who forwards. What was not
 * of ASCII alone before may be so in the addresses that an alias has.
 */
static int addresses_fit(struct envelope *e, const char *sender,
    const char *recipient)
{
	struct address to;
	bool bare = address_parse(recipient, &to) != ADDRESS_OK ||
	    *to.domain == '\0';
	int error = srs_rewrite(e->sender, sender,
	    bare ? domain_default() : to.domain);

	if (address_parse(e->sender, &to) == ADDRESS_OK && to.utf8)
		e->utf8 = true;
	for (size_t i = 0; i < e->rcpts; i++)
		if (address_parse(e->rcpt[i].address, &to) == ADDRESS_OK &&
		    to.utf8)
			e->utf8 = true;
	return error;
}

const char *forward_queue(struct message *m, const struct targets *all,
    const char *recipient)
{
	struct envelope e = *m->envelope;
	char id[ID_SIZE];
	size_t had = 0;
	int error;

	e.rcpt = NULL;
	e.rcpts = 0;
	for (size_t i = 0; i < all->count; i++) {
		const struct target *t = &all->target[i];
		struct recipient r = {.address = t->what,
		    .status = QUEUE_WAITING};
		if (t->kind != TARGET_REMOTE ||
		    strcmp(t->recipient, recipient) != 0)
			continue;
		had += t->had;
		if (t->done)
			continue;
		notify_inherit(&r, m->envelope, recipient);
		envelope_add(&e, &r);
	}
	id_find(id, m, recipient, had);
	error = addresses_fit(&e, m->envelope->sender, recipient);
	if (error == 0)
		error = fill(m, &e, id, recipient);
	return error == 0 ? DELIVERED : file_refusal(error);
}
