/*
 * In what order things become durable. A crash may come after each line.
 *
 *   the worker   + or s, synced       before it says `done`
 *   answers, f   synced               what has failed is never tried again
 *   the report   a durable file       its id is derived: made again, it is found
 *   +, d         see mark_told()      the report stays meanwhile: see kept()
 *   the due time                      last, as each status sets the time
 *   unlink       not synced           what comes back has its +, and goes
 *
 * What cannot be written is logged, and is tried again when the file is due.
 */
#include "finish.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "queue.h"
#include "report.h"

static int64_t now(void)
{
	return (int64_t)time(NULL);
}

/* The next try: the older it is, the longer it may wait. */
static void retry_later(struct entry *e)
{
	int64_t age = now() - e->arrived, wait = age, last;

	if (wait < RETRY_FIRST)
		wait = RETRY_FIRST;
	if (wait > RETRY_LAST)
		wait = RETRY_LAST;
	wait += random() % (wait / RETRY_JITTER);
	last = GIVE_UP_AFTER - age; /* one try at the very end */
	if (last > 0 && last < wait)
		wait = last;
	if (!entry_due(e, now() + wait))
		warn("id=%s: cannot set the time: %s", e->id, strerror(errno));
}

/* Nothing more can be done with it now. */
static bool put_off(struct entry *e, const char *what)
{
	warn("put off id=%s: %s: %s", e->id, what, strerror(errno));
	retry_later(e);
	return false;
}

/* Reports */

/*
 * There is one notice of delay, and it tells of all who wait. A report is named
 * after the first recipient that it tells of, who is marked last, and after the
 * others are on the disk: as long as one of them has the old status, the first
 * one has it too, and the report that is made again after a crash has the same
 * name.
 */
static void report_name(char id[ID_SIZE], const struct entry *e,
    enum report_kind kind, size_t first)
{
	static const char letters[] = {'f', 'd', 's'};
	char what[24];

	if (kind == REPORT_DELAYED)
		snprintf(what, sizeof what, "%c", letters[kind]);
	else
		snprintf(what, sizeof what, "%c%zu", letters[kind], first);
	id_derive(id, e->id, what);
}

static bool mark_told(struct entry *e, const size_t *told, size_t n,
    enum queue_status after)
{
	for (size_t i = n; i-- > 1;)
		if (!entry_mark(e, told[i], after))
			return false;
	if (n > 1 && !entry_sync(e))
		return false;
	return n == 0 || entry_mark(e, told[0], after);
}

/* Of the recipients with that status; those it tells of get `after`. */
static bool report(struct entry *e, enum report_kind kind, char status,
    enum queue_status after, char id[ID_SIZE])
{
	static size_t told[RECIPIENTS_MAX];
	const struct envelope *v = &e->envelope;
	size_t n = 0;
	int error;

	*id = '\0';
	for (size_t i = 0; i < v->rcpts; i++)
		if (v->rcpt[i].status == status &&
		    report_wanted(e, &v->rcpt[i], kind))
			told[n++] = i;
	if (n == 0)
		return true;
	report_name(id, e, kind, told[0]);
	error = report_make(e, kind, told, n, id);
	if (error != 0) {
		errno = error;
		return put_off(e, "no report");
	}
	return mark_told(e, told, n, after) || put_off(e, "no status");
}

/* Nobody is to be told of these. */
static bool mark_untold(struct entry *e)
{
	for (size_t i = 0; i < e->envelope.rcpts; i++) {
		char status = e->envelope.rcpt[i].status;
		if ((status == QUEUE_FAILED || status == QUEUE_DELIVERED) &&
		    !entry_mark(e, i, QUEUE_DONE))
			return put_off(e, "no status");
	}
	return true;
}

bool finish_reports(struct entry *e)
{
	char failed[ID_SIZE], delivered[ID_SIZE];

	if (!report(e, REPORT_FAILED, QUEUE_FAILED, QUEUE_DONE, failed) ||
	    !report(e, REPORT_DELIVERED, QUEUE_DELIVERED, QUEUE_DONE,
	    delivered) || !mark_untold(e))
		return false;
	if (*failed != '\0')
		message_later(failed);
	if (*delivered != '\0')
		message_later(delivered);
	return true;
}

static void notice(struct entry *e)
{
	char id[ID_SIZE];

	if (now() - e->arrived >= NOTICE_AFTER &&
	    report(e, REPORT_DELAYED, QUEUE_WAITING, QUEUE_DELAYED, id) &&
	    *id != '\0')
		message_later(id);
}

/* Verdicts */

struct said {
	const char *mta, *reply; /* reply NULL: nothing */
};

static void collect(const struct message *m, struct said *said)
{
	for (const struct part *p = m->parts; p != NULL; p = p->sibling)
		for (size_t i = 0; p->reply != NULL && i < p->count; i++)
			said[p->index[i]] = (struct said){p->mta, p->reply};
	/* The newest stands first: the others must not replace it. */
	for (const struct verdict *v = m->verdicts; v != NULL; v = v->next)
		if (said[v->index].reply == NULL)
			said[v->index] = (struct said){v->mta, v->reply};
}

/* How many, and one of them for the log. */
struct tally {
	size_t count, first;
	const char *reply; /* NULL: nothing was said */
};

static void tally(struct tally *t, size_t i, const char *reply)
{
	if (t->count++ == 0 || (t->reply == NULL && reply != NULL)) {
		t->first = i;
		t->reply = reply;
	}
}

/* Notes what was said. True: it has failed for good. */
static bool decide(struct entry *e, size_t i, const struct said *said)
{
	bool old = now() - e->arrived >= GIVE_UP_AFTER;
	char text[1536];

	if (said->reply != NULL && (!old || *said->reply == '5')) {
		entry_answer_add(e, i, said->mta, said->reply);
		return *said->reply == '5';
	}
	if (!old)
		return false;
	if (said->reply == NULL)
		snprintf(text, sizeof text, "550 5.4.7 Given up after %d days",
		    GIVE_UP_AFTER / 86400);
	else
		snprintf(text, sizeof text, "550 5.4.7 Given up after %d days. "
		    "The last answer%s%s: %s", GIVE_UP_AFTER / 86400,
		    *said->mta == '-' ? "" : " was from ",
		    *said->mta == '-' ? "" : said->mta, said->reply);
	entry_answer_add(e, i, "-", text);
	return true;
}

static bool record(struct entry *e, const struct message *m,
    struct tally *failed, struct tally *waiting)
{
	static struct said said[RECIPIENTS_MAX];
	static bool for_good[RECIPIENTS_MAX];
	const struct envelope *v = &e->envelope;

	memset(said, 0, v->rcpts * sizeof *said);
	collect(m, said);
	for (size_t i = 0; i < v->rcpts; i++) {
		bool waits = entry_waits(&v->rcpt[i]);
		for_good[i] = waits && decide(e, i, &said[i]);
		if (waits)
			tally(for_good[i] ? failed : waiting, i,
			    said[i].reply);
	}
	if (!entry_answers_write(e))
		return put_off(e, "no answer");
	for (size_t i = 0; i < v->rcpts; i++)
		if (for_good[i] && !entry_mark(e, i, QUEUE_FAILED))
			return put_off(e, "no status");
	if (failed->count > 0 && !entry_sync(e))
		return put_off(e, "no status");
	return true;
}

/* Is there a file of that name, or is it held? */
static bool exists(const char *dir, const char *id, size_t n)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof path, "%s/%.*s", dir, (int)n, id);
	return access(path, F_OK) == 0 || errno != ENOENT;
}

/*
 * What is derived from another message (a report, a forward) stays, with
 * nothing more to do, as long as that one is there: it may not know yet, since a
 * crash or because a part of it failed, that it has been made, and makes it
 * again. Then it must be found.
 */
static bool kept(const struct entry *e)
{
	const char *dash = strrchr(e->id, '-');
	size_t n = dash != NULL ? (size_t)(dash - e->id) : 0;

	return n > 0 && (exists(QUEUE_DIR, e->id, n) ||
	    exists(HOLD_DIR, e->id, n));
}

void finish_rest(struct entry *e)
{
	char path[PATH_SIZE];

	if (kept(e)) {
		if (!entry_due(e, now() + RETRY_FIRST))
			warn("id=%s: %s", e->id, strerror(errno));
		return;
	}
	snprintf(path, sizeof path, "%s/%s", QUEUE_DIR, e->id);
	entry_close(e); /* a file that is open is dearer to remove */
	if (unlink(path) != 0)
		warn("id=%s: cannot remove it: %s", e->id, strerror(errno));
	else
		info("done id=%s from=<%s> recipients=%zu age=%" PRId64, e->id,
		    safe(e->envelope.sender), e->envelope.rcpts,
		    now() - e->arrived);
}

static void settle(struct entry *e, const struct message *m)
{
	struct tally failed = {0}, waiting = {0};
	const struct recipient *rcpt = e->envelope.rcpt;

	if (!record(e, m, &failed, &waiting))
		return;
	if (failed.count > 0)
		info("failed id=%s from=<%s> to=<%s> recipients=%zu reply=%s",
		    e->id, safe(e->envelope.sender),
		    safe(rcpt[failed.first].address), failed.count,
		    failed.reply != NULL ? quoted(failed.reply) : "-");
	if (!finish_reports(e))
		return;
	if (waiting.count == 0) {
		finish_rest(e);
		return;
	}
	notice(e);
	/*
	 * Nobody has said anything: a program that was started with a new
	 * configuration found nothing of its own. Whoever looks next, tries it.
	 */
	if (waiting.reply != NULL)
		retry_later(e);
	info("deferred id=%s from=<%s> to=<%s> recipients=%zu wait=%" PRId64
	    " reply=%s", e->id, safe(e->envelope.sender),
	    safe(rcpt[waiting.first].address), waiting.count,
	    waiting.reply != NULL ? e->due - now() : 0,
	    waiting.reply != NULL ? quoted(waiting.reply) : "-");
}

void finish(struct message *m)
{
	struct entry e;

	switch (entry_open(&e, QUEUE_DIR, m->id)) {
	case ENTRY_GONE: /* an administrator holds it, or removed it */
		break;
	case ENTRY_DAMAGED:
	case ENTRY_LATER:
		warn("id=%s: cannot read it any more: %s", m->id,
		    e.why != NULL ? e.why : strerror(errno));
		break;
	case ENTRY_OK:
		if (e.envelope.rcpts == m->recipients && entry_lock_all(&e)) {
			settle(&e, m);
		} else {
			info("busy id=%s", m->id);
			entry_due(&e, now() + BUSY);
		}
	}
	entry_close(&e);
}
