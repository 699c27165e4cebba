#include "messages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "finish.h"
#include "log.h"
#include "queue.h"
#include "scan.h"
#include "str.h"
#include "workers.h"

#define PLACES 16384 /* of the table: more than there are messages */

/* An id to be loaded: soon, or after the message that it comes of. */
struct child {
	struct child *next;
	bool after; /* that message has had its turn */
	char id[ID_SIZE];
};

static struct message *table[PLACES];
static size_t count;

static struct {
	struct child *first, **last;
	size_t count;
	bool overflow;
} later = {.last = &later.first};

uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

static struct message **place(const char *id)
{
	struct message **at;

	for (at = &table[hash(id) % PLACES]; *at != NULL; at = &(*at)->next)
		if (strcmp((*at)->id, id) == 0)
			break;
	return at;
}

bool message_is_here(const char *id)
{
	return *place(id) != NULL;
}

size_t messages_count(void)
{
	return count + later.count;
}

bool messages_full(void)
{
	return count >= WINDOW;
}

static struct child *child_new(const char *id, bool after)
{
	struct child *c = xrealloc(NULL, sizeof *c);

	c->next = NULL;
	c->after = after;
	strcpy(c->id, id);
	return c;
}

static void later_add(struct child *c)
{
	c->next = NULL;
	*later.last = c;
	later.last = &c->next;
	later.count++;
}

void message_later(const char *id)
{
	if (later.count < LATER_MAX)
		later_add(child_new(id, false));
	else
		later.overflow = true;
}

bool messages_overflow(void)
{
	bool was = later.overflow;

	later.overflow = false;
	return was;
}

/* The end of a message */

static void message_free(struct message *m)
{
	struct part *part;
	struct verdict *v;

	while ((part = m->parts) != NULL) {
		m->parts = part->sibling;
		free(part->mta);
		free(part->reply);
		free(part);
	}
	while ((v = m->verdicts) != NULL) {
		m->verdicts = v->next;
		free(v);
	}
	free(m);
}

static void message_end(struct message *m)
{
	struct child *c, *next;

	finish(m);
	*place(m->id) = m->next;
	count--;
	for (c = m->children; c != NULL; c = next) {
		next = c->next;
		later_add(c);
	}
	message_free(m);
}

void message_answered(struct part *part)
{
	if (--part->message->open == 0)
		message_end(part->message);
}

void message_verdict(struct part *part, size_t index, const char *mta,
    const char *reply)
{
	size_t n = strlen(mta) + 1;
	struct verdict *v = xrealloc(NULL, sizeof *v + n + strlen(reply) + 1);

	v->index = index;
	v->reply = strcpy(v->mta + n, reply);
	strcpy(v->mta, mta);
	v->next = part->message->verdicts;
	part->message->verdicts = v;
}

/* The beginning */

static void part_add(struct message *m, struct destination *const to[],
    size_t first, size_t recipients)
{
	struct part *part;
	size_t n = 0;

	for (part = m->parts; part != NULL; part = part->sibling)
		if (part->destination == to[first])
			return;
	for (size_t i = first; i < recipients; i++)
		n += to[i] == to[first];
	part = xrealloc(NULL, sizeof *part + n * sizeof part->index[0]);
	*part = (struct part){.message = m, .destination = to[first],
	    .sibling = m->parts};
	for (size_t i = first; i < recipients; i++)
		if (to[i] == to[first])
			part->index[part->count++] = (uint16_t)i;
	m->parts = part;
	m->open++;
}

/* NULL: nobody waits. */
static struct message *message_new(const struct entry *e)
{
	static struct destination *to[RECIPIENTS_MAX];
	const struct envelope *v = &e->envelope;
	struct message *m = xrealloc(NULL, sizeof *m);

	*m = (struct message){.recipients = v->rcpts};
	strcpy(m->id, e->id);
	for (size_t i = 0; i < v->rcpts; i++)
		to[i] = entry_waits(&v->rcpt[i]) ?
		    destination_of(v->rcpt[i].address) : NULL;
	for (size_t i = 0; i < v->rcpts; i++)
		if (to[i] != NULL)
			part_add(m, to, i, v->rcpts);
	if (m->parts == NULL) {
		message_free(m);
		return NULL;
	}
	m->next = *place(m->id);
	*place(m->id) = m;
	count++;
	return m;
}

static bool decided(const struct entry *e)
{
	for (size_t i = 0; i < e->envelope.rcpts; i++)
		if (e->envelope.rcpt[i].status == QUEUE_DELIVERED ||
		    e->envelope.rcpt[i].status == QUEUE_FAILED)
			return true;
	return false;
}

static bool waits(const struct entry *e)
{
	for (size_t i = 0; i < e->envelope.rcpts; i++)
		if (entry_waits(&e->envelope.rcpt[i]))
			return true;
	return false;
}

/*
 * What is decided is reported before anything else is tried, so that a report
 * that a crash left behind is one of the same recipients.
 */
static struct message *entry_begin(struct entry *e)
{
	if (decided(e) || !waits(e)) {
		if (!entry_lock_all(e)) {
			entry_due(e, time(NULL) + BUSY);
			return NULL;
		}
		if (!finish_reports(e))
			return NULL;
		if (!waits(e)) {
			finish_rest(e);
			return NULL;
		}
	}
	return message_new(e);
}

static void message_start(struct message *m)
{
	struct part *next;

	m->open++; /* it is not to end before all of it is handed out */
	for (struct part *part = m->parts; part != NULL; part = next) {
		next = part->sibling;
		part_give(part);
	}
	if (--m->open == 0)
		message_end(m);
}

/* False, with a word in the log, when there is nothing to work with. */
static bool queue_open(struct entry *e, const char *id)
{
	switch (entry_open(e, QUEUE_DIR, id)) {
	case ENTRY_OK:
		return true;
	case ENTRY_GONE:
		break;
	case ENTRY_DAMAGED:
		set_aside(id, e->why);
		break;
	case ENTRY_LATER:
		warn("unreadable id=%s: %s", safe(id), strerror(errno));
		break;
	}
	return false;
}

static struct message *load(const char *id, bool after);

/*
 * What is derived from a message waits while that one is due, or has something
 * to report: a crash may have come when the derived file was there and the
 * message's own was not yet marked. Were the derived one sent and forgotten
 * first, it would be made, and sent, once more.
 *
 * The message to wait for; NULL: none. *leave: there is one, but not now.
 */
static struct message *parent(const char *id, bool after, bool *leave)
{
	const char *dash = strrchr(id, '-');
	char of[ID_SIZE];
	struct message *m;
	struct entry e;
	bool first = false;

	*leave = false;
	if (dash == NULL)
		return NULL;
	memcpy(of, id, (size_t)(dash - id));
	of[dash - id] = '\0';
	if ((m = *place(of)) != NULL)
		return m;
	if (queue_open(&e, of)) {
		*leave = decided(&e);
		first = !after && (*leave || e.due <= time(NULL));
	}
	entry_close(&e);
	if (!first)
		return NULL;
	if ((m = load(of, false)) != NULL)
		return m;
	*leave = queue_open(&e, of) && decided(&e);
	entry_close(&e);
	return NULL;
}

/* What has to end first: the message itself; NULL: it has. */
static struct message *load(const char *id, bool after)
{
	struct message *m = *place(id);
	struct child **c;
	struct entry e;
	bool leave;

	if (m != NULL)
		return m;
	if ((m = parent(id, after, &leave)) != NULL) {
		for (c = &m->children; *c != NULL; c = &(*c)->next)
			if (strcmp((*c)->id, id) == 0)
				return m;
		*c = child_new(id, true);
		return m;
	}
	if (leave)
		return NULL;
	if (queue_open(&e, id))
		m = entry_begin(&e);
	entry_close(&e); /* and its locks, which are the workers' now */
	if (m != NULL)
		message_start(m);
	return *place(id);
}

void message_load(const char *id)
{
	load(id, false);
}

bool messages_take_up(unsigned most)
{
	struct child *c;

	while ((c = later.first) != NULL && most-- > 0) {
		if (count >= WINDOW + LATER_MAX)
			return false;
		later.first = c->next;
		if (later.first == NULL)
			later.last = &later.first;
		later.count--;
		load(c->id, c->after);
		free(c);
	}
	return later.first != NULL;
}
