#include "messages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "destinations.h"
#include "finish.h"
#include "log.h"
#include "queue.h"
#include "scan.h"
#include "str.h"
#include "workers.h"

#define PLACES 16384 /* of the table: more than there are messages */
#define YOUNG 60     /* s: what seems damaged may just be on its way here */

/* An id to be loaded soon. */
struct noted {
	struct noted *next;
	char id[ID_SIZE];
};

static struct message *table[PLACES];
static size_t count;

static struct {
	struct noted *first, **last;
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

size_t messages_count(void)
{
	return count + later.count;
}

bool messages_full(void)
{
	return count >= WINDOW;
}

void message_later(const char *id)
{
	struct noted *n;

	if (later.count == LATER_MAX) {
		later.overflow = true;
		return;
	}
	n = xrealloc(NULL, sizeof *n);
	n->next = NULL;
	strcpy(n->id, id);
	*later.last = n;
	later.last = &n->next;
	later.count++;
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
	finish(m);
	*place(m->id) = m->next;
	count--;
	message_free(m);
}

bool message_forget(struct message *m)
{
	if (m->parts->sibling != NULL || m->verdicts != NULL)
		return false;
	*place(m->id) = m->next;
	count--;
	message_free(m);
	return true;
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

	*m = (struct message){.recipients = v->rcpts, .size = e->size};
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
		if (e->due <= time(NULL) - YOUNG)
			set_aside(id, e->why);
		break;
	case ENTRY_LATER:
		warn("unreadable id=%s: %s", safe(id), strerror(errno));
		break;
	}
	return false;
}

void message_load(const char *id)
{
	struct message *m = NULL;
	struct entry e;

	if (*place(id) != NULL)
		return;
	if (queue_open(&e, id))
		m = entry_begin(&e);
	entry_close(&e); /* and its locks, which are the workers' now */
	if (m != NULL)
		message_start(m);
}

bool messages_take_up(unsigned most)
{
	struct noted *n;

	while ((n = later.first) != NULL && most-- > 0) {
		if (count >= WINDOW + LATER_MAX)
			return false;
		later.first = n->next;
		if (later.first == NULL)
			later.last = &later.first;
		later.count--;
		message_load(n->id);
		free(n);
	}
	return later.first != NULL;
}
