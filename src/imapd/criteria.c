#include "criteria.h"

#include <limits.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "charset.h"
#include "date.h"
#include "items.h"
#include "session.h"
#include "str.h"

#define DAY 86400

struct parse {
	struct criteria *all;
	struct str text;
};

static struct criterion *key_parse(struct parse *);

static struct input *in(void)
{
	return &session.input;
}

static struct criterion *make(enum criterion_kind kind)
{
	struct criterion *c = pool_take(&in()->pool, sizeof *c);

	*c = (struct criterion){.kind = kind,
	    .cost = kind < MATCH_AND ? kind : 0};
	return c;
}

static bool too_many(struct parse *p)
{
	if (p->all->keys <= SEARCH_KEYS_MAX &&
	    p->all->words <= SEARCH_WORDS_MAX)
		return false;
	if (in()->fault == NULL)
		no("[LIMIT] that is too much to search for");
	input_fault(in(), "too many search keys");
	return true;
}

/* Before the first that costs more. */
static void child_add(struct criterion *to, struct criterion *child)
{
	struct criterion **at = &to->children;

	while (*at != NULL && (*at)->cost <= child->cost)
		at = &(*at)->next;
	child->next = *at;
	*at = child;
	if (to->cost < child->cost)
		to->cost = child->cost;
}

/* Arguments */

/* The word, as it is compared. */
static void folded_argument(struct parse *p, struct criterion *c)
{
	const char *word = input_astring(in());
	struct str *text = &p->text, folded = {0};

	str_clear(text);
	str_clear(&folded);
	charset_convert(text, p->all->charset,
	    (struct span){word, strlen(word)});
	charset_fold(&folded, (struct span){text->p, text->len});
	c->key = (struct span){pool_copy(&in()->pool, folded.p), folded.len};
	signature_key(&c->signature, c->key);
	str_free(&folded);
}

static int64_t day_argument(void)
{
	const char *text = input_astring(in());
	int64_t day = 0;

	if (in()->fault == NULL &&
	    !date_day_read((struct span){text, strlen(text)}, &day))
		input_fault(in(), "expected a date");
	return day;
}

static struct criterion *set_key(struct parse *p, bool uid)
{
	struct criterion *c = make(MATCH_UIDS);
	bool before = session.uid;
	const char *text = input_set(in());

	c->next_set = p->all->sets;
	p->all->sets = c;
	if (in()->fault != NULL)
		return c;
	session.uid = uid;
	session.hold_expunges |= !uid && *text != '$'; /* RFC 7162 3.2.10.2 */
	if (!session_set(text, &c->uids))
		input_fault(in(), "no such messages");
	session.uid = before;
	return c;
}

/* Keys, by what follows them */

static struct criterion *flags_key(struct parse *p, int flags)
{
	struct criterion *c = make(MATCH_FLAGS);

	(void)p;
	c->negated = flags < 0;
	c->flags = (uint32_t)(flags < 0 ? -flags : flags);
	return c;
}

static struct criterion *all_key(struct parse *p, int negated)
{
	struct criterion *c = make(MATCH_ALL);

	(void)p;
	c->negated = negated != 0;
	return c;
}

static struct criterion *recent_key(struct parse *p, int negated)
{
	struct criterion *c = make(MATCH_RECENT);

	(void)p;
	c->negated = negated != 0;
	return c;
}

static struct criterion *new_key(struct parse *p, int unused)
{
	struct criterion *c = make(MATCH_AND);

	(void)unused;
	child_add(c, recent_key(p, false));
	child_add(c, flags_key(p, -FLAG_SEEN));
	return c;
}

static struct criterion *keyword_key(struct parse *p, int negated)
{
	const char *name;
	int n;

	input_space(in());
	name = input_atom(in());
	n = keywords_find(&session.box.keywords, session.box.path, name, false);
	if (n < 0)
		return all_key(p, !negated);
	struct criterion *c = make(MATCH_FLAGS);
	c->flags = (uint32_t)FLAG_KEYWORD << n;
	c->negated = negated != 0;
	return c;
}

static struct criterion *word_key(struct parse *p, int kind)
{
	struct criterion *c = make((enum criterion_kind)kind);

	input_space(in());
	folded_argument(p, c);
	p->all->words += kind == MATCH_BODY || kind == MATCH_TEXT;
	return c;
}

static struct criterion *addresses_key(struct parse *p, int member)
{
	struct criterion *c = word_key(p, MATCH_ADDRESSES);

	c->flags = (uint32_t)member;
	return c;
}

static struct criterion *header_key(struct parse *p, int unused)
{
	const char *name;
	struct criterion *c;

	(void)unused;
	input_space(in());
	name = input_astring(in());
	c = word_key(p, MATCH_HEADER);
	c->name = name;
	str_clear(&p->text);
	charset_fold(&p->text, (struct span){name, strlen(name)});
	str_puts(&p->text, ": "); /* as text_of_header() has it */
	signature_key(&c->name_signature,
	    (struct span){p->text.p, p->text.len});
	return c;
}

enum { BEFORE, ON, SINCE };
#define DATES(kind, how) ((int)(kind) * 4 + (how))

static struct criterion *date_key(struct parse *p, int dates)
{
	struct criterion *c = make((enum criterion_kind)(dates / 4));
	int64_t day;

	(void)p;
	input_space(in());
	day = day_argument();
	c->first = dates % 4 == BEFORE ? INT32_MIN + 1LL : day;
	c->last = dates % 4 == BEFORE ? day - 1 :
	    dates % 4 == ON ? day : INT32_MAX;
	if (c->kind == MATCH_DATE) {
		c->first *= DAY;
		c->last = c->last * DAY + DAY - 1;
	}
	return c;
}

/* RFC 5032: n seconds ago, or before that. */
static struct criterion *within_key(struct parse *p, int older)
{
	struct criterion *c = make(MATCH_DATE);
	int64_t then;

	(void)p;
	input_space(in());
	then = time(NULL) - (int64_t)input_number(in(), UINT32_MAX);
	c->first = older ? INT64_MIN : then;
	c->last = older ? then : INT64_MAX;
	return c;
}

static struct criterion *size_key(struct parse *p, int larger)
{
	struct criterion *c = make(MATCH_SIZE);
	int64_t n;

	(void)p;
	input_space(in());
	n = (int64_t)input_number(in(), INT64_MAX - 1);
	c->first = larger ? n + 1 : 0;
	c->last = larger ? INT64_MAX : n - 1;
	return c;
}

static struct criterion *uid_key(struct parse *p, int unused)
{
	(void)unused;
	input_space(in());
	return set_key(p, true);
}

/* RFC 7162 3.1.5; what modseq of which flag is meant, we do not tell apart. */
static struct criterion *modseq_key(struct parse *p, int unused)
{
	struct criterion *c = make(MATCH_MODSEQ);

	(void)unused;
	input_space(in());
	if (input_peek(in()) == '"') {
		input_string(in());
		input_space(in());
		if (!input_word(in(), "all") && !input_word(in(), "priv") &&
		    !input_word(in(), "shared"))
			input_fault(in(), "expected priv, shared or all");
		input_space(in());
	}
	c->first = (int64_t)input_number(in(), INT64_MAX);
	p->all->modseq = true;
	return c;
}

/* RFC 8474: a THREADID is NIL here, and so none is found. */
static struct criterion *id_key(struct parse *p, int is_thread)
{
	struct criterion *c = make(is_thread ? MATCH_ALL : MATCH_EMAIL_ID);
	const char *id;

	(void)p;
	input_space(in());
	id = input_astring(in());
	c->key = (struct span){id, strlen(id)};
	c->negated = is_thread != 0;
	return c;
}

static struct criterion *not_key(struct parse *p, int unused)
{
	struct criterion *c;

	(void)unused;
	input_space(in());
	c = key_parse(p);
	c->negated = !c->negated;
	return c;
}

static struct criterion *or_key(struct parse *p, int unused)
{
	struct criterion *c = make(MATCH_OR);

	(void)unused;
	for (int i = 0; i < 2; i++) {
		input_space(in());
		child_add(c, key_parse(p));
	}
	return c;
}

static const struct key {
	const char *name;
	struct criterion *(*parse)(struct parse *, int);
	int argument;
} keys[] = {
	{"ALL", all_key, false},
	{"ANSWERED", flags_key, FLAG_ANSWERED},
	{"BCC", addresses_key, ENVELOPE_BCC},
	{"BEFORE", date_key, DATES(MATCH_DATE, BEFORE)},
	{"BODY", word_key, MATCH_BODY},
	{"CC", addresses_key, ENVELOPE_CC},
	{"DELETED", flags_key, FLAG_DELETED},
	{"DRAFT", flags_key, FLAG_DRAFT},
	{"EMAILID", id_key, false},
	{"FLAGGED", flags_key, FLAG_FLAGGED},
	{"FROM", addresses_key, ENVELOPE_FROM},
	{"HEADER", header_key, 0},
	{"KEYWORD", keyword_key, false},
	{"LARGER", size_key, true},
	{"MODSEQ", modseq_key, 0},
	{"NEW", new_key, 0},
	{"NOT", not_key, 0},
	{"OLD", recent_key, true},
	{"OLDER", within_key, true},
	{"ON", date_key, DATES(MATCH_DATE, ON)},
	{"OR", or_key, 0},
	{"RECENT", recent_key, false},
	{"SAVEDATESUPPORTED", all_key, false},
	{"SAVEDBEFORE", date_key, DATES(MATCH_SAVED, BEFORE)},
	{"SAVEDON", date_key, DATES(MATCH_SAVED, ON)},
	{"SAVEDSINCE", date_key, DATES(MATCH_SAVED, SINCE)},
	{"SEEN", flags_key, FLAG_SEEN},
	{"SENTBEFORE", date_key, DATES(MATCH_SENT, BEFORE)},
	{"SENTON", date_key, DATES(MATCH_SENT, ON)},
	{"SENTSINCE", date_key, DATES(MATCH_SENT, SINCE)},
	{"SINCE", date_key, DATES(MATCH_DATE, SINCE)},
	{"SMALLER", size_key, false},
	{"SUBJECT", word_key, MATCH_SUBJECT},
	{"TEXT", word_key, MATCH_TEXT},
	{"THREADID", id_key, true},
	{"TO", addresses_key, ENVELOPE_TO},
	{"UID", uid_key, 0},
	{"UNANSWERED", flags_key, -FLAG_ANSWERED},
	{"UNDELETED", flags_key, -FLAG_DELETED},
	{"UNDRAFT", flags_key, -FLAG_DRAFT},
	{"UNFLAGGED", flags_key, -FLAG_FLAGGED},
	{"UNKEYWORD", keyword_key, true},
	{"UNSEEN", flags_key, -FLAG_SEEN},
	{"YOUNGER", within_key, false},
};

/* Keys with blanks between, all of which have to fit. */
static struct criterion *list_parse(struct parse *p)
{
	struct criterion *c = make(MATCH_AND);

	do
		child_add(c, key_parse(p));
	while (in()->fault == NULL && input_try(in(), ' '));
	return c;
}

static struct criterion *key_parse(struct parse *p)
{
	char next = input_peek(in());

	p->all->keys++;
	if (too_many(p) || in()->fault != NULL)
		return make(MATCH_ALL);
	if (input_try(in(), '(')) {
		struct criterion *c = list_parse(p);
		input_expect(in(), ')');
		return c;
	}
	if ((next >= '0' && next <= '9') || next == '*' || next == '$')
		return set_key(p, false);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (input_word(in(), keys[i].name))
			return keys[i].parse(p, keys[i].argument);
	input_fault(in(), "unknown search key");
	return make(MATCH_ALL);
}

bool criteria_parse(struct criteria *all)
{
	struct parse p = {.all = all};

	all->root = list_parse(&p);
	str_free(&p.text);
	if (!input_end(in()))
		return false;
	if (all->modseq)
		session_condstore();
	return true;
}

void criteria_free(struct criteria *all)
{
	for (struct criterion *c = all->sets; c != NULL; c = c->next_set)
		set_free(&c->uids);
}
