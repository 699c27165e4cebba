#include "notify.h"

#include <string.h>

#include "names.h"
#include "request.h"
#include "session.h"

#define GROUPS_MAX 100 /* in one command; there are seven filters */

static struct {
	SELDOM struct pool pool; /* of what follows */
	struct group groups[GROUPS_MAX];
	size_t count;
	bool on;
} set;

static const char *const filters[] = {
	"SELECTED", "SELECTED-DELAYED", "INBOXES", "PERSONAL", "SUBSCRIBED",
	"SUBTREE", "MAILBOXES",
};

static const struct {
	const char *name;
	unsigned bit;
} events[] = {
	{"MessageNew", MESSAGE_NEW},
	{"MessageExpunge", MESSAGE_EXPUNGE},
	{"FlagChange", FLAG_CHANGE},
	{"MailboxName", MAILBOX_NAME},
	{"SubscriptionChange", SUBSCRIPTION_CHANGE},
};

#define EVENTS (sizeof events / sizeof *events)

static bool of_selected(enum filter f)
{
	return f <= SELECTED_DELAYED;
}

/* The command */

static void mailbox_parse(struct group *g)
{
	const char *name = session_mailbox();

	g->names = pool_grow(&set.pool, g->names, g->count, sizeof *g->names);
	g->names[g->count++] = pool_copy(&set.pool, name);
	if (*name == '\0')
		input_fault(&session.input, "no such name");
}

static void filter_parse(struct group *g)
{
	struct input *in = &session.input;
	const char *word = input_atom(in);
	unsigned f = 0;

	while (f < sizeof filters / sizeof *filters &&
	    strcasecmp(filters[f], word) != 0)
		f++;
	if (f == sizeof filters / sizeof *filters)
		input_fault(in, "unknown filter");
	g->filter = (enum filter)f;
	if (g->filter < SUBTREE)
		return;
	input_space(in);
	if (!input_try(in, '(')) {
		mailbox_parse(g);
		return;
	}
	do
		mailbox_parse(g);
	while (in->fault == NULL && input_try(in, ' '));
	input_expect(in, ')');
}

/* FETCH reads them again when there is something to fetch. */
static const char *attributes_parse(void)
{
	struct input *in = &session.input;
	char *copy = pool_copy(&set.pool, in->at);
	struct request ignored = {0};
	size_t n = strlen(copy), rest;

	request_items(&ignored);
	if (in->fault != NULL)
		return copy;
	rest = strlen(in->at);
	if (rest > n || strcmp(copy + n - rest, in->at) != 0)
		input_fault(in, "no literal goes there"); /* another line */
	else
		copy[n - rest] = '\0';
	return copy;
}

/* False: an event that there is not here, and no() has been said. */
static bool event_parse(struct group *g)
{
	struct input *in = &session.input;
	const char *word = input_atom(in);
	size_t i = 0;

	while (i < EVENTS && strcasecmp(events[i].name, word) != 0)
		i++;
	if (i == EVENTS) {
		if (in->fault == NULL)
			no("[BADEVENT (MessageNew MessageExpunge FlagChange "
			    "MailboxName SubscriptionChange)] no such event");
		input_fault(in, "no such event");
		return false;
	}
	g->events |= events[i].bit;
	if (events[i].bit == MESSAGE_NEW && input_peek(in) == ' ' &&
	    in->at[1] == '(') {
		in->at++;
		g->attributes = attributes_parse();
	}
	return true;
}

/* RFC 5465 5: what goes together, and what only the selected one has. */
static const char *group_fault(const struct group *g)
{
	unsigned both = g->events & (MESSAGE_NEW | MESSAGE_EXPUNGE);

	if (both == MESSAGE_NEW || both == MESSAGE_EXPUNGE)
		return "MessageNew and MessageExpunge go together";
	if ((g->events & FLAG_CHANGE) != 0 && both == 0)
		return "FlagChange goes with MessageNew and MessageExpunge";
	if (of_selected(g->filter) && (g->events & ~MESSAGE_EVENTS) != 0)
		return "only events of messages for the selected mailbox";
	if (!of_selected(g->filter) && g->attributes != NULL)
		return "attributes are for the selected mailbox";
	return NULL;
}

static void group_parse(void)
{
	struct input *in = &session.input;
	struct group *g = &set.groups[set.count];
	const char *fault;

	if (set.count == GROUPS_MAX) {
		input_fault(in, "too many groups");
		return;
	}
	*g = (struct group){0};
	input_expect(in, '(');
	filter_parse(g);
	input_space(in);
	if (!input_word(in, "NONE")) {
		input_expect(in, '(');
		while (in->fault == NULL && event_parse(g) &&
		    input_try(in, ' '))
			;
		input_expect(in, ')');
	}
	input_expect(in, ')');
	if ((fault = group_fault(g)) != NULL)
		input_fault(in, fault);
	for (size_t i = 0; i < set.count; i++)
		if (of_selected(g->filter) &&
		    of_selected(set.groups[i].filter))
			input_fault(in, "the selected mailbox twice");
	set.count++;
}

static void set_clear(void)
{
	pool_reset(&set.pool);
	set.count = 0;
	set.on = false;
}

bool notify_parse(bool *status)
{
	struct input *in = &session.input;

	*status = false;
	set_clear();
	input_space(in);
	if (input_word(in, "NONE"))
		return input_end(in);
	if (!input_word(in, "SET"))
		input_fault(in, "expected NONE or SET");
	input_space(in);
	if (input_word(in, "STATUS")) {
		*status = true;
		input_space(in);
	}
	do
		group_parse();
	while (in->fault == NULL && input_try(in, ' '));
	set.on = input_end(in);
	if (!set.on)
		set_clear();
	return set.on;
}

/* What is wanted */

bool notify_on(void)
{
	return set.on;
}

void notify_overflow(void)
{
	set_clear();
	put("* OK [NOTIFICATIONOVERFLOW] too much to watch\r\n");
}

const struct group *notify_selected(void)
{
	for (size_t i = 0; i < set.count; i++)
		if (of_selected(set.groups[i].filter))
			return &set.groups[i];
	return NULL;
}

static bool named(const struct group *g, const char *name)
{
	for (size_t i = 0; i < g->count; i++)
		if (strcmp(g->names[i], name) == 0 ||
		    (g->filter == SUBTREE && name_is_below(name, g->names[i])))
			return true;
	return false;
}

static bool fits(const struct group *g, const char *name, bool subscribed)
{
	switch (g->filter) {
	case SELECTED_NOW:
	case SELECTED_DELAYED:
		break;
	case INBOXES:
		return strcmp(name, "INBOX") == 0;
	case PERSONAL:
		return true;
	case SUBSCRIBED:
		return subscribed;
	case SUBTREE:
	case MAILBOXES:
		return named(g, name);
	}
	return false;
}

unsigned notify_events(const char *name, bool subscribed)
{
	unsigned wanted = 0;

	for (size_t i = 0; i < set.count; i++) /* of all groups: RFC 5465 6 */
		if (fits(&set.groups[i], name, subscribed))
			wanted |= set.groups[i].events;
	return wanted;
}
