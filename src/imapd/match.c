/* Is this message what is looked for? What is cheap to know is asked first. */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "charset.h"
#include "criteria.h"
#include "header.h"
#include "items.h"
#include "load.h"
#include "mime.h"
#include "session.h"
#include "text.h"
#include "words.h"

#define DAY 86400
#define LOOK_EVERY 64 /* messages: then, how long it has taken */
#define LONG 65536    /* octets: a message that is worth a look of its own */

struct candidate {
	struct message *message;
	struct summary summary;
	struct mime mime;
	bool has_summary, has_mime;
	bool gone; /* or cannot be read: it is not found */
	bool over; /* it takes too long */
	clock_t began;
	struct str text, folded;
};

static bool matches(const struct criterion *, struct candidate *);

/* NULL: the message has gone. */
static const struct summary *summary_of(struct candidate *x, enum depth depth)
{
	if ((!x->has_summary || x->summary.depth < depth) && !x->gone) {
		x->has_summary = index_get(session.index, x->message, depth,
		    &x->summary);
		x->gone = !x->has_summary;
	}
	return x->gone ? NULL : &x->summary;
}

static bool takes_too_long(struct candidate *x)
{
	x->over = x->over ||
	    (clock() - x->began) / CLOCKS_PER_SEC >= SEARCH_CPU_MAX;
	return x->over;
}

static struct span span_of(const struct str *s)
{
	return (struct span){s->p, s->len};
}

static bool has(struct span text, struct span key)
{
	return key.n == 0 ||
	    memmem(text.p, text.n, key.p, key.n) != NULL;
}

/* Headers */

static bool is_plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return memmem(s.p, s.n, "=?", 2) == NULL;
}

/* A string of the envelope, decoded and folded; appended to x->folded. */
static void fold_item(struct candidate *x, const struct item *item)
{
	struct str raw = {0};

	if (!item->escaped && is_plain(item->text)) {
		charset_fold(&x->folded, item->text);
		return;
	}
	str_clear(&raw);
	str_clear(&x->text);
	item_text(&raw, item);
	words_decode(&x->text, span_of(&raw));
	charset_fold(&x->folded, span_of(&x->text));
	str_free(&raw);
}

static bool subject_has(struct candidate *x, const struct criterion *c)
{
	const struct summary *s = summary_of(x, DEPTH_HEADER);
	struct item item;

	if (s == NULL || !envelope_find(s->envelope, ENVELOPE_SUBJECT, &item) ||
	    item.nil)
		return false;
	str_clear(&x->folded);
	fold_item(x, &item);
	return has(span_of(&x->folded), c->key);
}

/* Name <mailbox@host>, as it would be written. */
static void fold_address(struct candidate *x, struct span address)
{
	struct item name, mailbox, host;

	if (!item_find(address, ADDRESS_NAME, &name) ||
	    !item_find(address, ADDRESS_MAILBOX, &mailbox) ||
	    !item_find(address, ADDRESS_HOST, &host))
		return;
	if (x->folded.len > 0)
		str_puts(&x->folded, ", ");
	if (!name.nil) {
		fold_item(x, &name);
		str_puts(&x->folded, " <");
	}
	fold_item(x, &mailbox);
	if (!host.nil) {
		str_puts(&x->folded, "@");
		fold_item(x, &host);
	}
	str_puts(&x->folded, name.nil ? "" : ">");
}

static bool addresses_have(struct candidate *x, const struct criterion *c)
{
	const struct summary *s = summary_of(x, DEPTH_HEADER);
	struct item list, address;

	if (s == NULL || !envelope_find(s->envelope, c->flags, &list) ||
	    !list.list)
		return false;
	str_clear(&x->folded);
	while (item_next(&list.text, &address))
		if (address.list)
			fold_address(x, address.text);
	return has(span_of(&x->folded), c->key);
}

static bool header_has(struct candidate *x, const struct criterion *c)
{
	const struct summary *s = summary_of(x, DEPTH_HEADER);
	struct span header;
	struct field f;

	if (s != NULL && s->depth == DEPTH_HEADER)
		index_get_known(session.index, x->message, &x->summary);
	if (s == NULL ||
	    !signature_may(s->signature, &c->name_signature,
	    SIGNATURE_HEADER) ||
	    !signature_may(s->signature, &c->signature, SIGNATURE_HEADER))
		return false;
	if (!load_header(&session.box, x->message, &header)) {
		x->gone = true;
		return false;
	}
	if (header.n > TEXT_MAX)
		header.n = TEXT_MAX;
	while (header_next(&header, &f)) {
		if (!field_is(&f, c->name))
			continue;
		str_clear(&x->folded);
		text_of_field(&x->folded, f.value);
		if (has(span_of(&x->folded), c->key))
			return true;
	}
	return false;
}

/* Texts */

struct look {
	struct span key;
	bool found;
};

static bool look(void *context, struct span text)
{
	struct look *l = context;

	l->found = has(text, l->key);
	return !l->found;
}

static const struct mime *mime_of(struct candidate *x)
{
	struct span text;

	if (x->has_mime)
		return &x->mime;
	if (x->gone || !load(&session.box, x->message, &text)) {
		x->gone = true;
		return NULL;
	}
	mime_begin(&x->mime, text);
	x->has_mime = true;
	return &x->mime;
}

static bool text_has(struct candidate *x, const struct criterion *c)
{
	int where = c->kind == MATCH_BODY ? SIGNATURE_BODY :
	    SIGNATURE_BODY | SIGNATURE_HEADER;
	struct look l = {.key = c->key};
	const struct summary *s;
	const struct mime *m;

	if (c->key.n == 0)
		return true;
	s = summary_of(x, DEPTH_WHOLE);
	if (s == NULL || !signature_may(s->signature, &c->signature, where) ||
	    (m = mime_of(x)) == NULL)
		return false;
	if (m->text.n > LONG && takes_too_long(x))
		return false;
	if (c->kind == MATCH_TEXT)
		text_of_header(part_header(m, m->root), look, &l);
	if (!l.found)
		text_of_body(m, look, &l);
	return l.found;
}

/* Numbers */

static bool within(const struct criterion *c, int64_t n)
{
	return n >= c->first && n <= c->last;
}

/* RFC 8514 4.1: where it is not known, INTERNALDATE. */
static bool saved_fits(struct candidate *x, const struct criterion *c)
{
	int64_t t = message_saved(x->message);

	if (t == 0) {
		const struct summary *s = summary_of(x, DEPTH_HEADER);
		t = s != NULL ? s->date : 0;
	}
	return within(c, (t - (t % DAY + DAY) % DAY) / DAY);
}

/* As FETCH has it: what the name says counts. */
static bool size_fits(struct candidate *x, const struct criterion *c)
{
	const struct summary *s;
	uint64_t octets;

	if (message_octets(x->message, &octets))
		return within(c, (int64_t)octets);
	s = summary_of(x, DEPTH_WHOLE);
	return s != NULL && within(c, (int64_t)s->octets);
}

static bool date_fits(struct candidate *x, const struct criterion *c)
{
	const struct summary *s = summary_of(x, DEPTH_HEADER);

	return s != NULL &&
	    within(c, c->kind == MATCH_DATE ? s->date : s->sent_day);
}

static bool email_id_fits(struct candidate *x, const struct criterion *c)
{
	const struct summary *s = summary_of(x, DEPTH_ID);

	return s != NULL && c->key.n == strlen(s->email_id) &&
	    memcmp(c->key.p, s->email_id, c->key.n) == 0;
}

static bool all_match(const struct criterion *c, struct candidate *x)
{
	for (c = c->children; c != NULL; c = c->next)
		if (!matches(c, x))
			return false;
	return true;
}

static bool one_matches(const struct criterion *c, struct candidate *x)
{
	for (c = c->children; c != NULL; c = c->next)
		if (matches(c, x))
			return true;
	return false;
}

static bool fits(const struct criterion *c, struct candidate *x)
{
	const struct message *m = x->message;

	switch (c->kind) {
	case MATCH_ALL:
		return true;
	case MATCH_FLAGS:
		return (m->flags & c->flags) == c->flags;
	case MATCH_UIDS:
		return set_has(&c->uids, m->uid);
	case MATCH_RECENT:
		return set_has(&session.recent, m->uid);
	case MATCH_MODSEQ:
		return m->modseq >= (uint64_t)c->first;
	case MATCH_SAVED:
		return saved_fits(x, c);
	case MATCH_SIZE:
		return size_fits(x, c);
	case MATCH_DATE:
	case MATCH_SENT:
		return date_fits(x, c);
	case MATCH_EMAIL_ID:
		return email_id_fits(x, c);
	case MATCH_SUBJECT:
		return subject_has(x, c);
	case MATCH_ADDRESSES:
		return addresses_have(x, c);
	case MATCH_HEADER:
		return header_has(x, c);
	case MATCH_BODY:
	case MATCH_TEXT:
		return text_has(x, c);
	case MATCH_AND:
		return all_match(c, x);
	case MATCH_OR:
		return one_matches(c, x);
	}
	return false;
}

static bool matches(const struct criterion *c, struct candidate *x)
{
	return fits(c, x) != c->negated;
}

bool criteria_run(const struct criteria *all, const enum depth *depth,
    void (*found)(void *context, size_t at, const struct summary *),
    void *context)
{
	struct candidate x = {.began = clock()};

	for (size_t i = 0; i < session.known && !x.over; i++) {
		x.message = &session.box.messages[i];
		x.has_summary = x.gone = false;
		if (i % LOOK_EVERY == 0) {
			progress(i, session.known);
			takes_too_long(&x);
		}
		if (!x.message->expunged && matches(all->root, &x)) {
			if (depth != NULL)
				summary_of(&x, *depth);
			if (!x.gone)
				found(context, i, &x.summary);
		}
		if (x.has_mime)
			mime_end(&x.mime);
		x.has_mime = false;
	}
	str_free(&x.text);
	str_free(&x.folded);
	text_free();
	load_free();
	if (x.over)
		no("[LIMIT] that takes too long");
	return !x.over;
}
