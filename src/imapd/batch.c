#include "batch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "messages.h"
#include "name.h"

#define BATCH_LONG (8u << 20) /* octets; a million messages have 95 MB */

void batch_begin(struct batch *b, struct mailbox *box)
{
	*b = (struct batch){.box = box, .state = box->uids->state};
}

/* One for the whole batch; the clock, so that none comes twice. */
static uint64_t batch_modseq(struct batch *b)
{
	uint64_t last = b->box->uids->state.modseq;
	struct timespec now;

	if (b->state.modseq == last) {
		clock_gettime(CLOCK_REALTIME, &now);
		b->state.modseq = (uint64_t)now.tv_sec * 1000 +
		    (uint64_t)now.tv_nsec / 1000000;
		if (b->state.modseq <= last)
			b->state.modseq = last + 1;
	}
	return b->state.modseq;
}

static void add_line(struct batch *b, uint32_t uid, uint64_t modseq,
    uint64_t octets, const char *name)
{
	struct message m = {.uid = uid, .modseq = modseq, .octets = octets,
	    .name = name};

	message_print(&b->lines, &m);
	state_count(&b->state, name_flags(name), octets);
}

uint32_t batch_new(struct batch *b, const char *name)
{
	uint64_t octets = 0;

	if (b->state.uidnext == UINT32_MAX) {
		warn("%s: no UID is left", safe(b->box->path));
		return 0;
	}
	name_size(name, 'W', &octets);
	b->uids = true;
	add_line(b, b->state.uidnext, batch_modseq(b), octets, name);
	return b->state.uidnext++;
}

void batch_rename(struct batch *b, const struct message *m, const char *name)
{
	state_discount(&b->state, m);
	add_line(b, m->uid, batch_modseq(b), m->octets, name);
}

void batch_sized(struct batch *b, const struct message *m, uint64_t octets)
{
	state_discount(&b->state, m);
	add_line(b, m->uid, m->modseq, octets, m->name);
}

void batch_gone(struct batch *b, const struct message *m)
{
	state_discount(&b->state, m);
	gone_print(&b->lines, m->uid, batch_modseq(b));
}

bool batch_is_long(const struct batch *b)
{
	return b->lines.len > BATCH_LONG;
}

void batch_drop(struct batch *b)
{
	free(b->lines.p);
	b->lines = (struct lines){0};
}

enum mailbox_result batch_write(struct batch *b)
{
	struct mailbox *box = b->box;
	enum mailbox_result result;

	if (b->lines.len == 0 && memcmp(&b->state, &box->uids->state,
	    sizeof b->state) == 0)
		return MAILBOX_OK;
	result = uids_append(box->uids, &b->lines, &b->state, b->uids);
	if (result != MAILBOX_OK)
		return result;
	if (box->loaded)
		messages_apply(box, &b->lines);
	else
		batch_drop(b);
	messages_numbers(box);
	messages_compact(box);
	return MAILBOX_OK;
}

