#include "work.h"

#include <string.h>

#include "entry.h"
#include "job.h"
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
	bool marked = false;

	for (size_t i = 0; i < t->envelope.rcpts; i++) {
		const struct recipient *r = &t->envelope.rcpt[i];
		const char *reply = fault != NULL ? fault :
		    message_verdict(&t->targets, i);
		if (*reply == '2' &&
		    !entry_mark(&entry, place[i], entry_success(r)))
			reply = "451 4.3.0 Delivered, but cannot note it now";
		if (*reply != '2') {
			job_to(place[i], "-", reply);
			continue;
		}
		marked = true;
		info("delivered recipient=<%s>", safe(r->address));
	}
	if (marked && !entry_sync(&entry))
		warn("marks are not synced");
}

static void work_on(void)
{
	const size_t *place;

	envelope_take();
	place = recipients_take();
	if (t->envelope.rcpts > 0)
		marks_set(place, message_take());
	transaction_reset();
}

void work_run(void)
{
	enum entry_result result;
	const char *id;

	while ((id = job_next()) != NULL) {
		log_session(id);
		result = entry_open(&entry, QUEUE_DIR, id);
		if (result == ENTRY_OK && lock_ours())
			work_on();
		else if (result == ENTRY_DAMAGED)
			warn("damaged: %s", entry.why);
		/* Whoever hears "done" may want to lock it all. */
		entry_close(&entry);
		job_done(id);
	}
}
