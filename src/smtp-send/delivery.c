#include "delivery.h"

#include <errno.h>
#include <string.h>

#include "job.h"
#include "local.h"
#include "log.h"
#include "route.h"

/* Is it one that this next hop is to have? */
static bool is_ours(const struct recipient *r, const char *next_hop)
{
	struct address a;
	struct route route;

	if (!entry_waits(r) || address_parse(r->address, &a) != ADDRESS_OK ||
	    *a.domain == '\0' || domain_is_local(a.domain))
		return false;
	if (next_hop == NULL)
		return true;
	route_find(&route, a.domain);
	return strcmp(route.next_hop, next_hop) == 0;
}

static void choose(struct delivery *d, const char *next_hop)
{
	struct envelope *e = &d->entry.envelope;

	d->progress = pool_take(&d->entry.pool, e->rcpts);
	for (size_t i = 0; i < e->rcpts; i++) {
		d->progress[i] = ELSEWHERE;
		if (!is_ours(&e->rcpt[i], next_hop) ||
		    !entry_lock(&d->entry, i))
			continue;
		if (!entry_waits(&e->rcpt[i])) {
			entry_unlock(&d->entry, i); /* somebody was faster */
			continue;
		}
		d->progress[i] = TODO;
		d->todo++;
	}
}

bool delivery_begin(struct delivery *d, const char *id, const char *next_hop)
{
	enum entry_result result = entry_open(&d->entry, QUEUE_DIR, id);

	d->todo = 0;
	d->peer = d->how = "-";
	if (result == ENTRY_DAMAGED)
		warn("damaged: %s", d->entry.why);
	else if (result == ENTRY_LATER)
		warn("cannot read it: %s", strerror(errno));
	if (result != ENTRY_OK)
		return false;
	choose(d, next_hop);
	return d->todo > 0;
}

bool delivery_read(struct delivery *d)
{
	if (message_open(&d->message, &d->entry))
		return true;
	warn("cannot read it: %s", strerror(errno));
	delivery_all_refused(d, TODO, "-", UNREADABLE);
	return false;
}

void delivery_end(struct delivery *d)
{
	entry_close(&d->entry);
}

/* The log's line of one recipient. */
static void tell(const struct delivery *d, const char *event, size_t i,
    const char *reply)
{
	info("%s to=<%s> from=<%s> mta=%s tls=%s reply=%s", event,
	    safe(d->entry.envelope.rcpt[i].address),
	    safe(d->entry.envelope.sender), d->peer, d->how, quoted(reply));
}

void delivery_refused(struct delivery *d, size_t i, const char *mta,
    const char *reply)
{
	job_to(i, mta, reply);
	d->progress[i] = SETTLED;
	d->todo--;
	tell(d, *reply == '5' ? "failed" : "deferred", i, reply);
}

void delivery_all_refused(struct delivery *d, enum progress progress,
    const char *mta, const char *reply)
{
	for (size_t i = 0; i < d->entry.envelope.rcpts; i++)
		if (d->progress[i] == (char)progress)
			delivery_refused(d, i, mta, reply);
}

void delivery_taken(struct delivery *d, bool reports, const char *reply)
{
	const struct envelope *e = &d->entry.envelope;
	bool marked = true;

	for (size_t i = 0; i < e->rcpts; i++)
		if (d->progress[i] == ACCEPTED && !entry_mark(&d->entry, i,
		    reports ? QUEUE_DONE : entry_success(&e->rcpt[i])))
			marked = false;
	if (!marked || !entry_sync(&d->entry)) {
		warn("sent, but cannot mark it: %s", strerror(errno));
		delivery_all_refused(d, ACCEPTED, "-", "451 4.3.0 Sent, but the"
		    " queue file cannot be written: it may come twice");
		return;
	}
	for (size_t i = 0; i < e->rcpts; i++) {
		if (d->progress[i] != ACCEPTED)
			continue;
		d->progress[i] = SETTLED;
		d->todo--;
		tell(d, "sent", i, reply);
	}
}
