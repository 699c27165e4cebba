#include "work.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "entry.h"
#include "job.h"
#include "list.h"
#include "local.h"
#include "log.h"
#include "transaction.h"

static struct transaction *const t = &transaction;
static struct entry entry;

/* Does it wait for us? */
static bool is_ours(const struct recipient *r)
{
	struct address to;

	return entry_waits(r) &&
	    address_parse(r->address, &to) == ADDRESS_OK &&
	    (*to.domain == '\0' || domain_is_local(to.domain));
}

/*
 * All of ours or none: a second deliver with the others would write under the
 * same temporary name. False: there is nothing for us to do.
 */
static bool lock_ours(void)
{
	const struct envelope *e = &entry.envelope;
	size_t count = 0;

	for (size_t i = 0; i < e->rcpts; i++) {
		if (!is_ours(&e->rcpt[i]))
			continue;
		if (!entry_lock(&entry, i))
			return false;
		count += entry_waits(&e->rcpt[i]);
	}
	return count > 0;
}

static void envelope_take(void)
{
	const struct envelope *from = &entry.envelope;
	struct envelope *to = &t->envelope;

	to->open = true;
	strcpy(to->sender, from->sender);
	to->eightbit = from->eightbit;
	to->utf8 = from->utf8;
	to->ret = from->ret;
	strcpy(to->envid, from->envid);
}

/* Each one's place in the queue file; those that are refused are answered. */
static size_t *recipients_take(void)
{
	size_t *place = pool_take(&t->pool,
	    entry.envelope.rcpts * sizeof *place);

	for (size_t i = 0; i < entry.envelope.rcpts; i++) {
		struct recipient r = entry.envelope.rcpt[i];
		struct address to;
		const char *refusal;
		if (!is_ours(&r) || address_parse(r.address, &to) != ADDRESS_OK)
			continue;
		refusal = transaction_rcpt(&to, &r);
		if (refusal != NULL)
			job_to(i, "-", refusal);
		else
			place[t->envelope.rcpts - 1] = i;
	}
	return place;
}

/* How the queue file names it; false: it has no line of its own. */
static bool place_print(char text[FILE_PATH_SIZE], const struct target *target)
{
	size_t n = (size_t)snprintf(text, FILE_PATH_SIZE, "%s %s",
	    target_kind(target), target->what);

	if (n >= FILE_PATH_SIZE)
		return false;
	while (n-- > 0)
		if ((unsigned char)text[n] < ' ' || text[n] == 0x7f)
			return false;
	return true;
}

/* Targets that an earlier try has delivered to, though another one failed. */
static void targets_had(void)
{
	char text[FILE_PATH_SIZE];
	size_t count;
	const char **had = entry_had(&entry, &count);

	for (size_t i = 0; i < t->targets.count && count > 0; i++) {
		struct target *target = &t->targets.target[i];
		if (!place_print(text, target))
			continue;
		for (size_t k = 0; k < count && !target->had; k++)
			target->had = strcmp(had[k], text) == 0;
		if (target->had) {
			target->done = true;
			target->reply = DELIVERED;
		}
	}
}

/* Notes for the next try those targets of the recipient that have it now. */
static void targets_note(const struct recipient_targets *r)
{
	char text[FILE_PATH_SIZE];

	for (size_t i = 0; i < r->count; i++) {
		struct target *target = &t->targets.target[r->index[i]];
		if (*target->reply == '2' && !target->had &&
		    place_print(text, target)) {
			entry_had_add(&entry, text);
			target->had = true;
		}
	}
}

/* NULL, or the fault that keeps it from everybody. */
static const char *message_take(void)
{
	char block[16384];
	uint64_t at = 0;
	ssize_t n;

	t->message.entry = &entry;
	transaction_message();
	t->body.limit = UINT64_MAX / 4; /* it was accepted */
	while ((n = entry_read(&entry, &at, block, sizeof block)) > 0)
		body_lines(&t->body, block, (size_t)n, false);
	if (n < 0)
		return "451 4.3.0 Cannot read the queue file now";
	body_lines(&t->body, NULL, 0, true);
	return transaction_finish();
}

/* Who has it is marked, and on the disk, before anybody is told. */
static void marks_set(const size_t *place, const char *fault)
{
	for (size_t i = 0; i < t->envelope.rcpts; i++) {
		const struct recipient *r = &t->envelope.rcpt[i];
		const char *reply = fault != NULL ? fault :
		    message_verdict(&t->targets, i);
		if (*reply == '2' &&
		    !entry_mark(&entry, place[i], entry_success(r)))
			reply = "451 4.3.0 Delivered, but cannot note it now";
		if (*reply == '2')
			info("delivered recipient=<%s>", safe(r->address));
		else
			job_to(place[i], "-", reply);
		if (*reply == '4' && fault == NULL)
			targets_note(&t->targets.rcpt[i]);
	}
	if (!entry_answers_write(&entry) || !entry_sync(&entry))
		warn("what was delivered is not noted: %s", strerror(errno));
}

static void work_on(void)
{
	const size_t *place;

	envelope_take();
	place = recipients_take();
	targets_had();
	if (t->envelope.rcpts > 0)
		marks_set(place, message_take());
	transaction_reset();
}

void work_run(void)
{
	enum entry_result result;
	const char *id;

	while ((id = job_next()) != NULL) {
		if (aliases_replaced())
			return; /* a new deliver can read them */
		log_session(id);
		result = entry_open(&entry, QUEUE_DIR, id);
		if (result == ENTRY_OK && lock_ours())
			work_on();
		else if (result == ENTRY_DAMAGED || result == ENTRY_LATER)
			warn("put off: %s", result == ENTRY_DAMAGED ?
			    entry.why : strerror(errno));
		/* Whoever hears "done" may want to lock it all. */
		entry_close(&entry);
		job_done(id);
	}
}
