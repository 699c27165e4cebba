/*
 * FETCH and UID FETCH: RFC 3501 6.4.5 and 7.4.2, RFC 9051 6.4.5, RFC 3516
 * (BINARY), RFC 7162 (MODSEQ, CHANGEDSINCE, VANISHED), RFC 8474 (EMAILID,
 * THREADID), RFC 8514 (SAVEDATE), RFC 8970 (PREVIEW), RFC 9394 (PARTIAL).
 *
 * All that a message's response needs is at hand before its first octet is sent:
 * what has gone meanwhile, or cannot be read, gets none, and no half one.
 */
#include <string.h>
#include <strings.h>

#include "date.h"
#include "index.h"
#include "load.h"
#include "section.h"
#include "session.h"
#include "view.h"

#define SECTIONS_MAX 1000 /* in one command; clients ask for a few dozen */
#define COPY_MAX 16384 /* octets; what is larger is sent from where it is */

enum {
	ITEM_UID = 1,
	ITEM_FLAGS = 2,
	ITEM_MODSEQ = 4,
	ITEM_DATE = 8,
	ITEM_OCTETS = 16,
	ITEM_ENVELOPE = 32,
	ITEM_BODY = 64,
	ITEM_STRUCTURE = 128,
	ITEM_EMAILID = 256,
	ITEM_THREADID = 512,
	ITEM_SAVEDATE = 1024,
	ITEM_PREVIEW = 2048,
};

#define ITEMS_FAST (ITEM_FLAGS | ITEM_DATE | ITEM_OCTETS)
#define ITEMS_ALL (ITEMS_FAST | ITEM_ENVELOPE)
#define ITEMS_FULL (ITEMS_ALL | ITEM_BODY)
/* What only the index knows, and what is sent as it stands there. */
#define ITEMS_INDEX (ITEM_DATE | ITEM_EMAILID | ITEMS_LONG)
#define ITEMS_HEADER (ITEM_DATE | ITEM_ENVELOPE)
#define ITEMS_LONG (ITEM_ENVELOPE | ITEM_BODY | ITEM_STRUCTURE | ITEM_PREVIEW)

struct fetch {
	unsigned items;
	struct section *sections;
	struct section_answer *answers; /* to each, of one message */
	size_t count;
	bool header_only;  /* as far as the sections go */
	bool marks_seen;
	bool changed, vanished;
	uint64_t changed_since;
	bool partial, from_end;
	uint64_t first, last;     /* PARTIAL, from 1 */
	struct set uids;
	struct set seen, failed;  /* of those: to be marked; not to be had */
	bool unknown_cte, too_large;
};

/* Reading */

#define ITEM_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
    "0123456789."

static const struct {
	const char *name;
	unsigned item;
} items[] = {
	{"UID", ITEM_UID},
	{"FLAGS", ITEM_FLAGS},
	{"MODSEQ", ITEM_MODSEQ},
	{"INTERNALDATE", ITEM_DATE},
	{"RFC822.SIZE", ITEM_OCTETS},
	{"ENVELOPE", ITEM_ENVELOPE},
	{"BODYSTRUCTURE", ITEM_STRUCTURE},
	{"EMAILID", ITEM_EMAILID},
	{"THREADID", ITEM_THREADID},
	{"SAVEDATE", ITEM_SAVEDATE},
	{"PREVIEW", ITEM_PREVIEW},
};

#define ITEMS (sizeof items / sizeof *items)

/* What is followed by a section, and what stands for one (no bracket). */
static const struct {
	const char *name, *label;
	enum section_what what;
	enum section_coding coding;
	bool bracket, peek;
} kinds[] = {
	{"BODY", "BODY", SECTION_ALL, SECTION_AS_IS, true, false},
	{"BODY.PEEK", "BODY", SECTION_ALL, SECTION_AS_IS, true, true},
	{"BINARY", "BINARY", SECTION_ALL, SECTION_BINARY, true, false},
	{"BINARY.PEEK", "BINARY", SECTION_ALL, SECTION_BINARY, true, true},
	{"BINARY.SIZE", "BINARY.SIZE", SECTION_ALL, SECTION_SIZE, true, true},
	{"RFC822", "RFC822", SECTION_ALL, SECTION_AS_IS, false, false},
	{"RFC822.HEADER", "RFC822.HEADER", SECTION_HEADER, SECTION_AS_IS,
	    false, true},
	{"RFC822.TEXT", "RFC822.TEXT", SECTION_TEXT, SECTION_AS_IS, false,
	    false},
};

#define KINDS (sizeof kinds / sizeof *kinds)

static void kind_read(struct fetch *f, size_t kind)
{
	struct input *in = &session.input;
	struct section *s;

	if (f->count == SECTIONS_MAX) {
		input_fault(in, "too many sections");
		return;
	}
	f->sections = pool_grow(&in->pool, f->sections, f->count,
	    sizeof *f->sections);
	s = &f->sections[f->count++];
	if (kinds[kind].bracket)
		section_read(s, in, kinds[kind].label, kinds[kind].coding);
	else
		*s = (struct section){.what = kinds[kind].what,
		    .label = kinds[kind].label};
	f->marks_seen |= !kinds[kind].peek;
	f->header_only = section_is_header(s) &&
	    (f->count == 1 || f->header_only);
}

/* RFC 8970 3.2; it stands before the modifiers, which look alike. */
static void lazy_read(struct input *in)
{
	static const char lazy[] = " (LAZY)";

	if (in->fault == NULL &&
	    strncasecmp(in->at, lazy, sizeof lazy - 1) == 0)
		in->at += sizeof lazy - 1;
}

static void item_read(struct fetch *f, const char *name)
{
	struct input *in = &session.input;

	for (size_t i = 0; i < ITEMS; i++)
		if (strcasecmp(items[i].name, name) == 0) {
			f->items |= items[i].item;
			if (items[i].item == ITEM_PREVIEW)
				lazy_read(in);
			return;
		}
	if (strcasecmp(name, "BODY") == 0 && input_peek(in) != '[') {
		f->items |= ITEM_BODY;
		return;
	}
	for (size_t i = 0; i < KINDS; i++)
		if (strcasecmp(kinds[i].name, name) == 0) {
			kind_read(f, i);
			return;
		}
	input_fault(in, "unknown item");
}

static void items_read(struct fetch *f)
{
	struct input *in = &session.input;

	if (input_try(in, '(')) {
		do
			item_read(f, input_chars(in, ITEM_LETTERS));
		while (in->fault == NULL && input_try(in, ' '));
		input_expect(in, ')');
	} else if (input_word(in, "FAST")) {
		f->items |= ITEMS_FAST;
	} else if (input_word(in, "ALL")) {
		f->items |= ITEMS_ALL;
	} else if (input_word(in, "FULL")) {
		f->items |= ITEMS_FULL;
	} else {
		item_read(f, input_chars(in, ITEM_LETTERS));
	}
}

/* "1:100", or from the end "-1:-100": RFC 9394 3.1. */
static void partial_read(struct fetch *f)
{
	struct input *in = &session.input;

	input_space(in);
	f->from_end = input_try(in, '-');
	f->first = input_number(in, UINT32_MAX);
	input_expect(in, ':');
	if (f->from_end)
		input_expect(in, '-');
	f->last = input_number(in, UINT32_MAX);
	if (f->first == 0 || f->last == 0)
		input_fault(in, "messages are counted from 1");
	if (f->first > f->last) {
		uint64_t first = f->first;
		f->first = f->last;
		f->last = first;
	}
}

static void modifier_read(struct fetch *f)
{
	struct input *in = &session.input;

	if (!f->changed && input_word(in, "CHANGEDSINCE")) {
		input_space(in);
		f->changed_since = input_number(in, INT64_MAX);
		f->changed = true;
	} else if (!f->vanished && input_word(in, "VANISHED")) {
		f->vanished = true;
	} else if (!f->partial && input_word(in, "PARTIAL")) {
		partial_read(f);
		f->partial = true;
	} else {
		input_fault(in, "unknown modifier");
	}
}

static void modifiers_read(struct fetch *f)
{
	struct input *in = &session.input;

	if (!input_try(in, ' '))
		return;
	input_expect(in, '(');
	do
		modifier_read(f);
	while (in->fault == NULL && input_try(in, ' '));
	input_expect(in, ')');
	/* RFC 7162 3.2.6 */
	if (f->vanished && !(session.uid && f->changed && session.qresync))
		input_fault(in, "VANISHED is for UID FETCH with CHANGEDSINCE, "
		    "behind ENABLE QRESYNC");
}

/* What comes without being asked for. */
static void items_imply(struct fetch *f)
{
	if (session.uid)
		f->items |= ITEM_UID;
	if (f->changed)
		f->items |= ITEM_MODSEQ;
	if ((f->items & ITEM_MODSEQ) != 0)
		session.condstore = true; /* RFC 7162 3.1 */
	else if (session.condstore && (f->items & ITEM_FLAGS) != 0)
		f->items |= ITEM_MODSEQ;
}

/* Getting ready */

/* What the index has to know for it; the header alone is soon read. */
static bool summary_find(const struct fetch *f, struct message *m,
    struct summary *summary)
{
	unsigned wanted = f->items & ITEMS_INDEX;
	uint64_t octets;

	if ((f->items & ITEM_OCTETS) != 0 && !message_octets(m, &octets))
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

	if (!f->header_only && message_octets(m, &octets) &&
	    octets > LOAD_MAX) {
		f->too_large = true;
		return false;
	}
	if (!(f->header_only ? load_header : load)(&session.box, m,
	    &message.text)) {
		set_add(&f->failed, m->uid, m->uid);
		return false;
	}
	for (size_t i = 0; i < f->count; i++) {
		struct section_answer *a = &f->answers[i];
		section_find(a, &f->sections[i], &message);
		f->unknown_cte |= a->result == SECTION_UNKNOWN_CTE;
		f->too_large |= a->result == SECTION_TOO_LARGE;
	}
	return true;
}

/* Is there anything to say of this message? */
static bool has_answer(const struct fetch *f)
{
	bool any = f->items != 0;

	for (size_t i = 0; i < f->count && !any; i++)
		any = f->answers[i].result == SECTION_FOUND ||
		    f->answers[i].result == SECTION_NONE;
	return any;
}

/* Sending */

static char line[FLAGS_TEXT_SIZE + 512]; /* the items of limited length */
static char lead; /* what stands before the next item */

#define ADD(to, text) ((char *)memcpy(to, text, sizeof text - 1) + \
    sizeof text - 1)

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

	if (f->items & ITEM_EMAILID) {
		to = ADD(add_lead(to), "EMAILID (");
		memcpy(to, summary->email_id, strlen(summary->email_id));
		to = ADD(to + strlen(summary->email_id), ")");
	}
	if (f->items & ITEM_THREADID)
		to = ADD(add_lead(to), "THREADID NIL");
	if (f->items & ITEM_SAVEDATE) {
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

	if (f->items & ITEM_UID)
		to = add_number(ADD(add_lead(to), "UID "), m->uid);
	if (f->items & ITEM_FLAGS) {
		to = ADD(add_lead(to), "FLAGS ");
		to += view_flags_text(to, m);
	}
	if (f->items & ITEM_MODSEQ) {
		to = ADD(add_lead(to), "MODSEQ (");
		to = ADD(add_number(to, m->modseq), ")");
	}
	if (f->items & ITEM_DATE)
		to = add_date(ADD(add_lead(to), "INTERNALDATE "),
		    summary->date);
	if (f->items & ITEM_OCTETS) {
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
	if (f->items & ITEM_ENVELOPE) {
		put_item("ENVELOPE ");
		put_span(summary->envelope);
	}
	if (f->items & ITEM_BODY) {
		put_item("BODY ");
		put_span(summary->body);
	}
	if (f->items & ITEM_STRUCTURE) {
		put_item("BODYSTRUCTURE ");
		put_span(summary->structure);
	}
	if (f->items & ITEM_PREVIEW) {
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
	if (f->count > 0 && (!answers_find(f, m) || !has_answer(f)))
		return;
	to = add_number(ADD(to, "* "), at + 1);
	to = ADD(to, " FETCH ");
	lead = '(';
	to = add_short(to, f, m, &summary);
	conn_write(&session.conn, line, (size_t)(to - line));
	if (f->items & ITEMS_LONG)
		put_long(f, &summary);
	for (size_t i = 0; i < f->count; i++)
		put_section(&f->sections[i], &f->answers[i]);
	conn_write(&session.conn, ")\r\n", 3);
	if (f->marks_seen && (m->flags & FLAG_SEEN) == 0 && !m->expunged)
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
	if (!f->partial)
		return;
	if (!f->from_end) {
		*low = (size_t)f->first - 1;
		*high = (size_t)f->last;
	} else {
		*low = f->last < n ? n - (size_t)f->last : 0;
		*high = f->first <= n ? n - (size_t)f->first + 1 : 0;
	}
}

/* PARTIAL counts first, CHANGEDSINCE picks from that (RFC 9394 3.4). */
static void fetch_all(struct fetch *f)
{
	size_t all = matching(f), done = 0, low, high, from, end;
	bool slow = f->count > 0 || (f->items & ITEMS_INDEX) != 0;

	window(f, all, &low, &high);
	for (size_t i = 0; i < f->uids.count; i++) {
		places(&f->uids.ranges[i], &from, &end);
		for (; from < end && !session.conn.broken; from++, done++) {
			if (done < low || done >= high || (f->changed &&
			    session.box.messages[from].modseq <=
			    f->changed_since))
				continue;
			if (slow)
				progress(done, all);
			fetch_message(f, from);
		}
	}
}

/* Ending */

/*
 * In one go, and when all was sent: who hangs up half way has not seen the rest.
 * That it is \Seen now is told behind, with the news. Where it cannot be written
 * (logged) the client has what it asked for all the same.
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

/* RFC 2180 4.1.2: the rest was answered. A UID that is not there is no fault. */
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

	if (f->count > 0) {
		f->answers = pool_take(&in->pool,
		    f->count * sizeof *f->answers);
		memset(f->answers, 0, f->count * sizeof *f->answers);
	}
	if (f->vanished)
		view_vanished(&f->uids, f->changed_since);
	fetch_all(f);
	index_flush(session.index);
	seen_mark(f);
	fetch_answer(f);
	section_end(f->answers, f->count);
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
	items_read(&f);
	modifiers_read(&f);
	if (!input_end(in))
		return;
	items_imply(&f);
	if (session_set(set, &f.uids))
		fetch_run(&f);
	else
		bad("no such messages");
	set_free(&f.uids);
}
