#include "destinations.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "conn.h"
#include "local.h"
#include "log.h"

#define PLACES 4096 /* of the table */

static struct destination *table[PLACES];

static struct destination *destination_new(const char *next_hop, bool local)
{
	size_t n = strlen(next_hop) + 1;
	struct destination *d = xrealloc(NULL, sizeof *d + n);

	*d = (struct destination){.local = local, .last = &d->first};
	memcpy(d->next_hop, next_hop, n);
	return d;
}

static struct destination *destination_find(const char *next_hop, bool local)
{
	struct destination **at, *d;

	for (at = &table[hash(next_hop) % PLACES]; (d = *at) != NULL;
	    at = &d->next)
		if (d->local == local && strcmp(d->next_hop, next_hop) == 0)
			return d;
	return *at = destination_new(next_hop, local);
}

struct destination *destination_of(const char *address)
{
	struct address a;
	struct route route;

	if (address_parse(address, &a) != ADDRESS_OK || *a.domain == '\0' ||
	    domain_is_local(a.domain))
		return destination_find("local", true);
	route_find(&route, a.domain);
	return destination_find(route.next_hop, false);
}

void destinations_forget(int64_t now)
{
	struct destination **at, *d;

	for (size_t i = 0; i < PLACES; i++) {
		for (at = &table[i]; (d = *at) != NULL;) {
			if (d->first != NULL || d->workers > 0 || d->hungry ||
			    d->down > now || d->fewer > now) {
				at = &d->next;
				continue;
			}
			*at = d->next;
			str_free(&d->mta);
			str_free(&d->reply);
			free(d);
		}
	}
}

void destinations_up(void)
{
	for (size_t i = 0; i < PLACES; i++)
		for (struct destination *d = table[i]; d != NULL; d = d->next)
			d->down = d->fewer = 0;
}

void line_add(struct part *part)
{
	struct destination *d = part->destination;

	part->next = NULL;
	*d->last = part;
	d->last = &part->next;
	d->waiting++;
}

void line_put_back(struct part *part)
{
	struct destination *d = part->destination;

	part->next = d->first;
	d->first = part;
	if (part->next == NULL)
		d->last = &part->next;
	d->waiting++;
}

struct part *line_take(struct destination *d)
{
	struct part *part = d->first;

	d->first = part->next;
	if (d->first == NULL)
		d->last = &d->first;
	d->waiting--;
	return part;
}

static struct destination *longest(void)
{
	struct destination *best = NULL;

	for (size_t i = 0; i < PLACES; i++)
		for (struct destination *d = table[i]; d != NULL; d = d->next)
			if (best == NULL || d->waiting > best->waiting)
				best = d;
	return best;
}

bool line_forget(void)
{
	struct destination *d = longest();
	struct part *part, *next;
	size_t keep;

	if (d == NULL || d->waiting < WINDOW / 2)
		return false;
	keep = d->waiting / 2;
	info("long line next_hop=%s waiting=%zu", safe(d->next_hop),
	    d->waiting);
	part = d->first;
	d->first = NULL;
	d->last = &d->first;
	d->waiting = 0;
	for (; part != NULL; part = next) {
		next = part->next;
		if (keep > 0 || !message_forget(part->message))
			line_add(part);
		keep -= keep > 0;
	}
	return true;
}

static char *copy(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(xrealloc(NULL, n), s, n);
}

void part_answer(struct part *part, const char *mta, const char *reply)
{
	part->mta = copy(mta);
	part->reply = copy(reply);
	message_answered(part);
}

void destination_down(struct destination *d, const char *mta,
    const char *reply)
{
	d->down = now_ms() + DOWN;
	str_clear(&d->mta);
	str_puts(&d->mta, mta);
	str_clear(&d->reply);
	str_puts(&d->reply, reply);
	info("down next_hop=%s waiting=%zu mta=%s reply=%s", safe(d->next_hop),
	    d->waiting, safe(mta), quoted(reply));
	while (d->first != NULL)
		part_answer(line_take(d), d->mta.p, d->reply.p);
}
