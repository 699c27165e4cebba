/*
 * FETCH and UID FETCH: RFC 3501 6.4.5 and 7.4.2, RFC 9051 6.4.5, RFC 3516
 * (BINARY), RFC 7162 (MODSEQ, CHANGEDSINCE, VANISHED), RFC 8474 (EMAILID,
 * THREADID), RFC 8514 (SAVEDATE), RFC 8970 (PREVIEW), RFC 9394 (PARTIAL).
 *
 * All that a message's response needs is at hand before its first octet is
 * sent: what has gone meanwhile, or cannot be read, gets none, and no half one.
 */
#include <string.h>

#include "date.h"
#include "index.h"
#include "load.h"
#include "request.h"
#include "section.h"
#include "session.h"
#include "view.h"

#define COPY_MAX 16384 /* octets; what is larger is sent from where it is */

/* What only the index knows, and what is sent as it stands there. */
#define ITEMS_INDEX (ITEM_DATE | ITEM_EMAILID | ITEMS_LONG)
#define ITEMS_HEADER (ITEM_DATE | ITEM_ENVELOPE)
#define ITEMS_LONG (ITEM_ENVELOPE | ITEM_BODY | ITEM_STRUCTURE | ITEM_PREVIEW)

struct fetch {
	struct request want;
	struct section_answer *answers; /* to each, of one message */
	struct set uids;
	struct set seen, failed; /* of those: to be marked; not to be had */
	bool unknown_cte, too_large;
};

/* Getting ready */

/* What the index has to know for it; the header alone is soon read. */
static bool summary_find(const struct fetch *f, struct message *m,
    struct summary *summary)
{
	unsigned wanted = f->want.items & ITEMS_INDEX;
	uint64_t octets;

	if ((f->want.items & ITEM_OCTETS) != 0 && !message_octets(m, &octets))
		wanted |= ITEM_OCTETS;
	if (wanted == 0)
		return true;
	return index_get(session.index, m, (wanted & ITEM_EMAILID) != 0 ?
	    DEPTH_ID : (wanted & ~(unsigned)ITEMS_HEADER) != 0 ? DEPTH_WHOLE :
	    DEPTH_HEADER, summary);
}

static bool answers_find(struct fetch *f, struct message *m)
{
	struct section_message message = {session.box.uidvalidity, m->uid,
	    {0}};
	uint64_t octets;

	if (!f->want.header_only && message_octets(m, &octets) &&
	    octets > LOAD_MAX) {
		f->too_large = true;
		return false;
	}
	if (!(f->want.header_only ? load_header : load)(&session.box, m,
	    &message.text)) {
		set_add(&f->failed, m->uid, m->uid);
		return false;
	}
	for (size_t i = 0; i < f->want.count; i++) {
		struct section_answer *a = &f->answers[i];
		section_find(a, &f->want.sections[i], &message);
		f->unknown_cte |= a->result == SECTION_UNKNOWN_CTE;
		f->too_large |= a->result == SECTION_TOO_LARGE;
	}
	return true;
}

/* Is there anything to say of this message? */
static bool has_answer(const struct fetch *f)
{
	bool any = f->want.items != 0;

	for (size_t i = 0; i < f->want.count && !any; i++)
		any = f->answers[i].result == SECTION_FOUND ||
		    f->answers[i].result == SECTION_NONE;
	return any;
}

/* Sending */

/* The items of limited length. */
static SELDOM char line[FLAGS_TEXT_SIZE + 512];
static char lead; /* what stands before the next item */

#define ADD(to, text) ((char *)memcpy(to, text, sizeof(text) - 1) + \
    sizeof(text) - 1)

static char *add_number(char *to, uint64_t n)
{
	char digits[20], *p = digits + sizeof digits;
	size_t size;

	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	size = (size_t)(digits + sizeof digits - p);
	return (char *)memcpy(to, p, size) + size;
}

static char *add_lead(char *to)
{
	*to++ = lead;
	lead = ' ';
	return to;
}

static char *add_date(char *to, int64_t seconds)
{
	*to++ = '"';
	date_time_write(to, seconds);
	to += strlen(to);
	*to++ = '"';
	return to;
}

/* RFC 8474 5.3, RFC 8514 4.3 */
static char *add_rare(char *to, const struct fetch *f, const struct message *m,
    const struct summary *summary)
{
	int64_t saved;

	if (f->want.items & ITEM_EMAILID) {
		to = ADD(add_lead(to), "EMAILID (");
		memcpy(to, summary->email_id, strlen(summary->email_id));
		to = ADD(to + strlen(summary->email_id), ")");
	}
	if (f->want.items & ITEM_THREADID)
		to = ADD(add_lead(to), "THREADID NIL");
	if (f->want.items & ITEM_SAVEDATE) {
		to = ADD(add_lead(to), "SAVEDATE ");
		saved = message_saved(m);
		to = saved != 0 ? add_date(to, saved) : ADD(to, "NIL");
	}
	return to;
}

static char *add_short(char *to, const struct fetch *f,
    const struct message *m, const struct summary *summary)
{
	uint64_t octets;

	if (f->want.items & ITEM_UID)
		to = add_number(ADD(add_lead(to), "UID "), m->uid);
	if (f->want.items & ITEM_FLAGS) {
		to = ADD(add_lead(to), "FLAGS ");
		to += view_flags_text(to, m);
	}
	if (f->want.items & ITEM_MODSEQ) {
		to = ADD(add_lead(to), "MODSEQ (");
		to = ADD(add_number(to, m->modseq), ")");
	}
	if (f->want.items & ITEM_DATE)
		to = add_date(ADD(add_lead(to), "INTERNALDATE "),
		    summary->date);
	if (f->want.items & ITEM_OCTETS) {
		if (!message_octets(m, &octets))
			octets = summary->octets;
		to = add_number(ADD(add_lead(to), "RFC822.SIZE "), octets);
	}
	return add_rare(to, f, m, summary);
}

static void put_item(const char *name)
{
	conn_write(&session.conn, &lead, 1);
	lead = ' ';
	put(name);
}

static void put_long(const struct fetch *f, const struct summary *summary)
{
	if (f->want.items & ITEM_ENVELOPE) {
		put_item("ENVELOPE ");
		put_span(summary->envelope);
	}
	if (f->want.items & ITEM_BODY) {
		put_item("BODY ");
		put_span(summary->body);
	}
	if (f->want.items & ITEM_STRUCTURE) {
		put_item("BODYSTRUCTURE ");
		put_span(summary->structure);
	}
	if (f->want.items & ITEM_PREVIEW) {
		put_item("PREVIEW ");
		put_string(summary->preview);
	}
}

static void put_octets(struct span s)
{
	if (s.n <= COPY_MAX)
		put_span(s);
	else
		conn_send(&session.conn, s.p, s.n);
}

/*
 * No literal holds a NUL (RFC 3501 9, CHAR8). Mail does, if rarely: as in
 * Dovecot's answers 0x80 stands for it, so that the octets remain as many.
 */
static void put_without_nul(struct span s)
{
	const char *nul;

	while ((nul = memchr(s.p, '\0', s.n)) != NULL) {
		size_t n = (size_t)(nul - s.p);
		put_octets((struct span){s.p, n});
		put("\x80");
		s = (struct span){nul + 1, s.n - n - 1};
	}
	put_octets(s);
}

static void put_literal(struct span s, bool binary)
{
	bool nul = s.n > 0 && memchr(s.p, '\0', s.n) != NULL;

	put(nul && binary ? " ~{" : " {"); /* literal8: RFC 3516 4.3 */
	put_number(s.n);
	put("}\r\n");
	if (nul && !binary)
		put_without_nul(s);
	else
		put_octets(s);
}

static void put_section(const struct section *s, const struct section_answer *a)
{
	if (a->result != SECTION_FOUND && a->result != SECTION_NONE)
		return;
	put_item(s->label);
	if (s->coding == SECTION_SIZE) {
		put(" ");
		put_number(a->result == SECTION_FOUND ? a->piece.n : 0);
	} else if (a->result == SECTION_NONE) {
		put(" NIL");
	} else {
		put_literal(a->piece, s->coding == SECTION_BINARY);
	}
}

static void fetch_message(struct fetch *f, size_t at)
{
	struct message *m = &session.box.messages[at];
	struct summary summary = {0};
	char *to = line;

	if (!summary_find(f, m, &summary)) {
		set_add(&f->failed, m->uid, m->uid);
		return;
	}
	if (f->want.count > 0 && (!answers_find(f, m) || !has_answer(f)))
		return;
	to = add_number(ADD(to, "* "), at + 1);
	to = ADD(to, " FETCH ");
	lead = '(';
	to = add_short(to, f, m, &summary);
	conn_write(&session.conn, line, (size_t)(to - line));
	if (f->want.items & ITEMS_LONG)
		put_long(f, &summary);
	for (size_t i = 0; i < f->want.count; i++)
		put_section(&f->want.sections[i], &f->answers[i]);
	conn_write(&session.conn, ")\r\n", 3);
	if (f->want.marks_seen && (m->flags & FLAG_SEEN) == 0 && !m->expunged)
		set_add(&f->seen, m->uid, m->uid);
}

/* Which */

/* messages[from … end): those of the range that the client knows. */
static void places(const struct range *r, size_t *from, size_t *end)
{
	*from = mailbox_at(&session.box, r->first);
	*end = r->last == UINT32_MAX ? session.known :
	    mailbox_at(&session.box, r->last + 1);
	if (*end > session.known)
		*end = session.known;
	if (*from > *end)
		*from = *end;
}

static size_t matching(const struct fetch *f)
{
	size_t from, end, n = 0;

	for (size_t i = 0; i < f->uids.count; i++) {
		places(&f->uids.ranges[i], &from, &end);
		n += end - from;
	}
	return n;
}

/* PARTIAL, of n: the low-th up to before the high-th, from 0 (RFC 9394 3.1). */
static void window(const struct fetch *f, size_t n, size_t *low, size_t *high)
{
	*low = 0;
	*high = n;
	if (!f->want.partial)
		return;
	if (!f->want.from_end) {
		*low = (size_t)f->want.first - 1;
		*high = (size_t)f->want.last;
	} else {
		*low = f->want.last < n ? n - (size_t)f->want.last : 0;
		*high = f->want.first <= n ? n - (size_t)f->want.first + 1 : 0;
	}
}

/* PARTIAL counts first, CHANGEDSINCE picks from that (RFC 9394 3.4). */
static void fetch_all(struct fetch *f)
{
	size_t all = matching(f), done = 0, low, high, from, end;
	bool slow = f->want.count > 0 || (f->want.items & ITEMS_INDEX) != 0;

	window(f, all, &low, &high);
	for (size_t i = 0; i < f->uids.count; i++) {
		places(&f->uids.ranges[i], &from, &end);
		for (; from < end && !session.conn.broken; from++, done++) {
			if (done < low || done >= high || (f->want.changed &&
			    session.box.messages[from].modseq <=
			    f->want.changed_since))
				continue;
			if (slow)
				progress(done, all);
			fetch_message(f, from);
		}
	}
}

/* Ending */

/*
 * In one go, and when all was sent: who hangs up half way has not seen the
 * rest. That it is \Seen now is told behind, with the news. Where it cannot be
 * written (logged) the client has what it asked for all the same.
 */
static void seen_mark(struct fetch *f)
{
	struct set modified = {0};

	if (f->seen.count > 0 && !session.read_only && !session.conn.broken)
		mailbox_store(&session.box, &f->seen, STORE_ADD, FLAG_SEEN,
		    UINT64_MAX, false, &modified);
	set_free(&modified);
}

/* Have all that failed been removed by others? */
static bool failed_are_gone(const struct fetch *f)
{
	size_t from, end;

	mailbox_sync(&session.box);
	for (size_t i = 0; i < f->failed.count; i++)
		for (places(&f->failed.ranges[i], &from, &end); from < end;
		    from++)
			if (!session.box.messages[from].expunged &&
			    set_has(&f->failed,
			    session.box.messages[from].uid))
				return false;
	return true;
}

/* RFC 2180 4.1.2: the rest was answered. A UID that has gone is no fault. */
static void fetch_answer(struct fetch *f)
{
	bool gone = f->failed.count == 0 || failed_are_gone(f);

	if (!gone)
		no("[SERVERBUG] some cannot be read, see the server's log");
	else if (f->too_large)
		no("[LIMIT] some are too large for this server");
	else if (f->unknown_cte)
		no("[UNKNOWN-CTE] some cannot be decoded");
	else if (f->failed.count > 0 && !session.uid)
		no("[EXPUNGEISSUED] some are no longer there");
	else
		ok("fetched");
}

static void fetch_run(struct fetch *f)
{
	struct input *in = &session.input;

	if (f->want.count > 0) {
		f->answers = pool_take(&in->pool,
		    f->want.count * sizeof *f->answers);
		memset(f->answers, 0, f->want.count * sizeof *f->answers);
	}
	if (f->want.vanished)
		view_vanished(&f->uids, f->want.changed_since);
	fetch_all(f);
	index_flush(session.index);
	seen_mark(f);
	fetch_answer(f);
	section_end(f->answers, f->want.count);
	set_free(&f->seen);
	set_free(&f->failed);
}

void cmd_fetch(void)
{
	struct input *in = &session.input;
	struct fetch f = {0};
	const char *set;

	input_space(in);
	set = input_set(in);
	input_space(in);
	request_read(&f.want);
	if (!input_end(in))
		return;
	if (session_set(set, &f.uids))
		fetch_run(&f);
	else
		bad("no such messages");
	set_free(&f.uids);
}
