#include "view.h"

#include <string.h>

#include "notify.h"
#include "session.h"

static const struct {
	uint32_t bit;
	const char *name;
} system_flags[] = {
	{FLAG_ANSWERED, "\\Answered"},
	{FLAG_FLAGGED, "\\Flagged"},
	{FLAG_DELETED, "\\Deleted"},
	{FLAG_SEEN, "\\Seen"},
	{FLAG_DRAFT, "\\Draft"},
};

#define SYSTEM_FLAGS (sizeof system_flags / sizeof *system_flags)

bool flag_find(const char *name, uint32_t *bit)
{
	for (size_t i = 0; i < SYSTEM_FLAGS; i++)
		if (strcasecmp(system_flags[i].name, name) == 0) {
			*bit = system_flags[i].bit;
			return true;
		}
	return false;
}

static char *add(char *to, const char *name)
{
	to = stpcpy(to, name);
	*to++ = ' ';
	return to;
}

static char *add_keywords(char *to, uint32_t flags)
{
	for (unsigned k = 0; k < KEYWORDS_MAX && flags >> (5 + k) != 0; k++)
		if ((flags & (uint32_t)FLAG_KEYWORD << k) != 0 &&
		    *session.box.keywords.names[k] != '\0')
			to = add(to, session.box.keywords.names[k]);
	return to;
}

/* Most messages have the same flags as the one before. */
static struct {
	uint32_t flags;
	bool recent;
	size_t len; /* 0: nothing is known */
	char text[FLAGS_TEXT_SIZE];
} last;

static void last_make(uint32_t flags, bool recent)
{
	char *to = last.text;

	last.flags = flags;
	last.recent = recent;
	*to++ = '(';
	for (size_t i = 0; i < SYSTEM_FLAGS; i++)
		if (flags & system_flags[i].bit)
			to = add(to, system_flags[i].name);
	if (recent)
		to = add(to, "\\Recent");
	to = add_keywords(to, flags);
	if (to[-1] == ' ')
		to--;
	*to++ = ')';
	last.len = (size_t)(to - last.text);
}

static void last_find(const struct message *m)
{
	bool recent = !session.rev2 && session.recent.count > 0 &&
	    set_has(&session.recent, m->uid);

	if (last.len == 0 || last.flags != m->flags || last.recent != recent)
		last_make(m->flags, recent);
}

static void put_flags(const struct message *m)
{
	last_find(m);
	put_span((struct span){last.text, last.len});
}

size_t view_flags_text(char text[FLAGS_TEXT_SIZE], const struct message *m)
{
	last_find(m);
	memcpy(text, last.text, last.len);
	return last.len;
}

#define KEPT "\\Answered \\Flagged \\Deleted \\Seen \\Draft"

static struct keywords told;
static bool has_told;

void view_forget(void)
{
	has_told = false;
	last.len = 0;
}

void view_keywords(void)
{
	char names[FLAGS_TEXT_SIZE];

	if (has_told && memcmp(&told.names, &session.box.keywords.names,
	    sizeof told.names) == 0)
		return;
	told = session.box.keywords;
	has_told = true;
	last.len = 0;
	names[0] = ' ';
	*add_keywords(names + 1, UINT32_MAX) = '\0';
	names[strlen(names) - 1] = '\0'; /* the blank behind the last */
	untagged("FLAGS (" KEPT "%s)", names);
	if (session.read_only)
		put("* OK [PERMANENTFLAGS ()] read-only\r\n");
	else
		untagged("OK [PERMANENTFLAGS (" KEPT "%s \\*)] are kept",
		    names);
}

/* Its number; the messages do not move within a command. */
static size_t number_of(const struct message *m)
{
	return (size_t)(m - session.box.messages) + 1;
}

void view_fetch(struct message *m)
{
	const char *blank = "";

	m->changed = false;
	if (m->silent && !session.condstore) {
		m->silent = false;
		return;
	}
	put("* ");
	put_number(number_of(m));
	put(" FETCH (");
	/* RFC 7162 3.2.4, RFC 9051 E 21, RFC 5465 5.1 */
	if (session.uid || session.condstore || session.rev2 || notify_on()) {
		put("UID ");
		put_number(m->uid);
		blank = " ";
	}
	if (!m->silent) {
		put(blank);
		put("FLAGS ");
		put_flags(m);
		blank = " ";
	}
	if (session.condstore) {
		put(blank);
		put("MODSEQ (");
		put_number(m->modseq);
		put(")");
	}
	put(")\r\n");
	m->silent = false;
}

/* Takes those out that have gone, and tells, as far as the client knew them. */
static void tell_expunges(void)
{
	struct mailbox *box = &session.box;
	struct str vanished = {0};
	struct set gone = {0};
	size_t kept = 0, known = session.known;

	for (size_t i = 0; i < box->count; i++) {
		struct message *m = &box->messages[i];
		if (!m->expunged) {
			box->messages[kept++] = *m;
			continue;
		}
		if (i >= session.known)
			continue;
		known--;
		if (session.qresync)
			set_add(&gone, m->uid, m->uid);
		else {
			put("* ");
			put_number(kept + 1);
			put(" EXPUNGE\r\n");
		}
	}
	box->count = kept;
	session.known = known;
	if (gone.count > 0) {
		set_print(&vanished, &gone);
		put("* VANISHED ");
		put(vanished.p);
		put("\r\n");
	}
	str_free(&vanished);
	set_free(&gone);
}

/* Both lists ascend. */
static void intersect(struct set *to, const struct set *a, const struct set *b)
{
	size_t i = 0, j = 0;

	while (i < a->count && j < b->count) {
		const struct range *x = &a->ranges[i], *y = &b->ranges[j];
		uint32_t first = x->first > y->first ? x->first : y->first;
		uint32_t end = x->last < y->last ? x->last : y->last;
		if (first <= end)
			set_add(to, first, end);
		if (x->last < y->last)
			i++;
		else
			j++;
	}
}

/* UIDs that were given out, and belong to no message now. */
static void missing(struct set *gone)
{
	uint32_t next = 1;

	for (size_t i = 0; i < session.box.count; i++) {
		uint32_t uid = session.box.messages[i].uid;
		if (uid > next)
			set_add(gone, next, uid - 1);
		next = uid + 1;
	}
	if (session.box.uidnext > next)
		set_add(gone, next, session.box.uidnext - 1);
}

void view_vanished(const struct set *uids, uint64_t modseq)
{
	struct set gone = {0}, since = {0}, wanted = {0};
	struct str text = {0};

	/* Not those whose end has still to be told: they have numbers. */
	missing(&gone);
	if (mailbox_vanished(&session.box, modseq, &since)) {
		intersect(&wanted, &since, &gone);
		set_free(&gone);
		gone = wanted;
		wanted = (struct set){0};
	}
	intersect(&wanted, &gone, uids);
	if (wanted.count > 0) {
		set_print(&text, &wanted);
		put("* VANISHED (EARLIER) ");
		put(text.p);
		put("\r\n");
	}
	str_free(&text);
	set_free(&since);
	set_free(&gone);
	set_free(&wanted);
}

size_t view_recent(void)
{
	size_t n = 0;

	for (size_t i = 0; i < session.recent.count; i++)
		n += mailbox_at(&session.box,
		    session.recent.ranges[i].last + 1) -
		    mailbox_at(&session.box, session.recent.ranges[i].first);
	return n;
}

/* EXAMINE takes them from nobody (RFC 3501 2.3.2). */
void view_claim(void)
{
	uint32_t first = session.box.first_recent;

	if (session.rev2 || first >= session.box.uidnext)
		return;
	if ((session.read_only || mailbox_claim_recent(&session.box, &first) ==
	    MAILBOX_OK) && first < session.box.uidnext)
		set_add(&session.recent, first, session.box.uidnext - 1);
}

static void tell_arrivals(void)
{
	if (session.box.count == session.known)
		return;
	view_claim();
	session.known = session.box.count;
	put("* ");
	put_number(session.known);
	put(" EXISTS\r\n");
	if (!session.rev2)
		untagged("%zu RECENT", view_recent());
}

void view_held(void)
{
	uint64_t lowest = UINT64_MAX;

	for (size_t i = 0; session.qresync && i < session.known; i++) {
		const struct message *m = &session.box.messages[i];
		if (m->expunged && m->modseq < lowest)
			lowest = m->modseq;
	}
	if (lowest > 1 && lowest != UINT64_MAX)
		untagged("OK [HIGHESTMODSEQ %llu] VANISHED is to come",
		    (unsigned long long)lowest - 1);
}

size_t view_tell(bool expunges, bool flags)
{
	enum mailbox_result result = mailbox_sync(&session.box);
	struct mailbox *box = &session.box;
	size_t first;

	if (result == MAILBOX_NONE) {
		put("* BYE the mailbox has been deleted\r\n");
		session.state = 0;
		return session.known + 1;
	}
	/* What else failed is in the log, and may work next time. */
	view_keywords();
	if (session.told == box->modseq)
		return session.known + 1; /* no change without a new modseq */
	if (expunges)
		tell_expunges();
	first = session.known + 1;
	tell_arrivals();
	for (size_t i = 0; flags && i < session.known; i++)
		if (box->messages[i].changed && !box->messages[i].expunged)
			view_fetch(&box->messages[i]);
	session.told = expunges && flags ? box->modseq : 0;
	return first;
}
