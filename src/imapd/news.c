#include "news.h"

#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "folders.h"
#include "list.h"
#include "listing.h"
#include "names.h"
#include "notify.h"
#include "session.h"
#include "status.h"
#include "view.h"
#include "watch.h"

#define OTHERS_MAX 1000 /* mailboxes; each costs two watches */

/* A mailbox that is not selected. */
struct other {
	const char *name; /* in `names` */
	unsigned events;
	int watch;
	/* As last told: */
	uint32_t uidnext, uidvalidity;
	size_t exists, unseen;
	uint64_t modseq;
};

static struct {
	bool watching;
	int selected, root;
	struct listing names; /* as last told */
	size_t count; /* of others */
} news;

static SELDOM struct other others[OTHERS_MAX];

static bool is_selected(const char *name)
{
	char path[FILE_PATH_SIZE];

	folder_path(path, name);
	return session.state == SELECTED && strcmp(path, session.box.path) == 0;
}

/* True when something that is wanted has changed. */
static bool differs(const struct other *was, const struct other *o)
{
	if (was->uidnext != o->uidnext || was->exists != o->exists ||
	    was->uidvalidity != o->uidvalidity)
		return true;
	return (o->events & FLAG_CHANGE) != 0 && was->modseq != o->modseq;
}

static bool look(struct other *o)
{
	struct mailbox box = {0};
	char path[FILE_PATH_SIZE];
	struct other was = *o;

	folder_path(path, o->name);
	if (mailbox_open(&box, path) != MAILBOX_OK)
		return false;
	o->uidnext = box.uidnext;
	o->uidvalidity = box.uidvalidity;
	o->exists = box.exists;
	o->unseen = box.unseen;
	o->modseq = box.modseq;
	mailbox_close(&box);
	return differs(&was, o);
}

static void status(const struct other *o)
{
	unsigned items = STATUS_MESSAGES | STATUS_UIDNEXT | STATUS_UIDVALIDITY;

	if (o->events & FLAG_CHANGE) /* RFC 5465 3.1, without CONDSTORE, too */
		items |= STATUS_UNSEEN | STATUS_HIGHESTMODSEQ;
	if (session.condstore) /* 5.2, 5.3 */
		items |= STATUS_HIGHESTMODSEQ;
	status_tell(o->name, items);
}

/* Those of the listing of which something is wanted. */
static void others_find(void)
{
	news.count = 0;
	for (size_t i = 0; i < news.names.count; i++) {
		const struct folder *f = &news.names.folders[i];
		unsigned events = notify_events(f->name, f->subscribed);
		if (!f->there || (events & MESSAGE_EVENTS) == 0 ||
		    is_selected(f->name))
			continue;
		if (news.count == OTHERS_MAX) {
			notify_overflow();
			news.count = 0;
			return;
		}
		others[news.count++] = (struct other){f->name, events,
		    -1, 0, 0, 0, 0, 0};
	}
}

static void watch(void)
{
	watch_clear();
	news.selected = news.root = -1;
	if (session.state == SELECTED)
		news.selected = watch_add(session.box.path);
	if (!notify_on())
		return;
	news.root = watch_names(session.maildir);
	others_find();
	for (size_t i = 0; i < news.count; i++) {
		char path[FILE_PATH_SIZE];
		folder_path(path, others[i].name);
		others[i].watch = watch_add(path);
		look(&others[i]);
	}
}

void news_forget(void)
{
	news.watching = false;
	watch_clear();
}

/* Names */

static void name_changed(const struct folder *f, unsigned event)
{
	if (notify_events(f->name, f->subscribed) & event)
		list_tell(f->name);
}

/* Its parent is concerned, be it there or not (RFC 5465 5.4). */
static void name_came_or_went(const struct listing *l, const struct folder *f)
{
	name_changed(f, MAILBOX_NAME);
	if (f->parent != NO_PARENT)
		name_changed(&l->folders[f->parent], MAILBOX_NAME);
}

/* Both are in the order of name_compare(). True: they differ. */
static bool names_compare(const struct listing *was, const struct listing *now)
{
	bool differ = was->count != now->count;
	size_t i = 0, j = 0;

	while (i < was->count || j < now->count) {
		const struct folder *old = &was->folders[i];
		const struct folder *new = &now->folders[j];
		int order = i == was->count ? 1 : j == now->count ? -1 :
		    name_compare(old->name, new->name);
		differ = differ || order != 0 || old->there != new->there ||
		    old->subscribed != new->subscribed;
		if (order < 0) {
			if (old->there)
				name_came_or_went(was, old);
		} else if (order > 0) {
			if (new->there)
				name_came_or_went(now, new);
		} else if (old->there != new->there) {
			name_came_or_went(now, new);
		} else if (old->subscribed != new->subscribed) {
			name_changed(new, SUBSCRIPTION_CHANGE);
		}
		i += order <= 0;
		j += order >= 0;
	}
	return differ;
}

/* What has changed while nobody watched, since watch() made others anew. */
static void others_compare(const struct other *was, size_t count)
{
	for (size_t i = 0, j = 0; i < news.count && j < count;) {
		int order = name_compare(others[i].name, was[j].name);
		if (order == 0 && differs(&was[j], &others[i]))
			status(&others[i]);
		i += order <= 0;
		j += order >= 0;
	}
}

/* True: they were others, and are watched anew. */
static bool names_tell(void)
{
	static SELDOM struct other old[OTHERS_MAX];
	struct listing now = {0}, was = news.names;
	size_t count = news.count;

	if (!listing_read(&now))
		return false;
	if (!names_compare(&was, &now)) {
		listing_free(&now);
		return false;
	}
	memcpy(old, others, count * sizeof *old);
	news.names = now;
	watch();
	others_compare(old, count);
	listing_free(&was);
	return true;
}

static void begin(bool tell)
{
	listing_free(&news.names);
	if (!listing_read(&news.names))
		notify_overflow();
	watch();
	news.watching = true;
	while (notify_on() && names_tell())
		;
	for (size_t i = 0; tell && i < news.count; i++)
		status(&others[i]);
}

/* Messages */

/* New ones, from this sequence number on: what NOTIFY wants of them. */
static void arrived(size_t first)
{
	const struct group *g = notify_selected();
	struct input *in = &session.input;
	char *at = in->at, text[64];
	bool uid = session.uid;

	if (g == NULL || g->attributes == NULL || first > session.known)
		return;
	snprintf(text, sizeof text, " %zu:%zu ", first, session.known);
	in->at = pool_take(&in->pool, strlen(text) + strlen(g->attributes) + 1);
	strcpy(stpcpy(in->at, text), g->attributes);
	session.uid = false;
	answer_hold(true);
	cmd_fetch();
	answer_hold(false);
	session.uid = uid;
	in->fault = NULL;
	in->at = at;
}

void news_selected(bool expunges)
{
	arrived(view_tell(expunges, true));
	if (!expunges)
		view_held();
}

/* RFC 5465 4, 6.1: what is wanted, and nothing else. */
static void selected_tell(bool idle)
{
	const struct group *g = notify_selected();

	if (!notify_on())
		news_selected(true);
	else if (g != NULL && g->events != 0)
		arrived(view_tell(idle || g->filter == SELECTED_NOW,
		    (g->events & FLAG_CHANGE) != 0));
}

void news_tell(bool idle)
{
	/* First: it watches anew, and forgets what it has not heard yet. */
	if (notify_on() && news.watching && watch_news(news.root))
		while (names_tell())
			; /* more may have come before it watched again */
	if (session.state == SELECTED)
		selected_tell(idle);
	if (!notify_on() || !news.watching)
		return;
	for (size_t i = 0; i < news.count; i++)
		if (watch_news(others[i].watch) && look(&others[i]))
			status(&others[i]);
}

bool news_wait(int seconds)
{
	if (!news.watching) {
		watch();
		news.watching = true;
		return false; /* something may have come just before */
	}
	return watch_wait(seconds);
}

void cmd_notify(void)
{
	bool status;

	news_forget();
	if (!notify_parse(&status))
		return;
	if (!notify_on()) {
		ok("as you were");
		return;
	}
	ok("you will hear");
	begin(status);
}

bool news_await(void)
{
	int64_t due = conn_due(&session.conn);

	if (!notify_on())
		return true;
	while (!news_wait(60)) {
		news_tell(false);
		if (session.state == 0 || now_ms() >= due) {
			session.input.gone = true;
			session.input.end = "timeout";
			return false;
		}
	}
	return true;
}
