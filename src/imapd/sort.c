/* SORT (RFC 5256), with RFC 5957's keys and RFC 5267's results. */
#include "criteria.h"
#include "items.h"
#include "order.h"
#include "results.h"
#include "session.h"
#include "words.h"

#define SORT_KEYS_MAX 16  /* there are nine */

enum what {
	ARRIVAL, CC, DATE, DISPLAYFROM, DISPLAYTO, FROM, SIZE, SUBJECT, TO,
};

static const char *const names[] = {
	"ARRIVAL", "CC", "DATE", "DISPLAYFROM", "DISPLAYTO", "FROM", "SIZE",
	"SUBJECT", "TO",
};

struct key {
	enum what what;
	bool reverse;
};

struct sorting {
	struct key keys[SORT_KEYS_MAX];
	size_t count;
	struct order order;
	struct str raw, text, folded;
};

/* Keys */

static void keys_parse(struct sorting *s)
{
	struct input *in = &session.input;

	input_expect(in, '(');
	do {
		struct key k = {.reverse = input_word(in, "REVERSE")};
		size_t i = 0;
		if (k.reverse)
			input_space(in);
		while (i < sizeof names / sizeof *names &&
		    !input_word(in, names[i]))
			i++;
		if (i == sizeof names / sizeof *names ||
		    s->count == SORT_KEYS_MAX) {
			input_fault(in, "unknown sort key");
			return;
		}
		k.what = (enum what)i;
		s->keys[s->count++] = k;
	} while (input_try(in, ' '));
	input_expect(in, ')');
}

/* Values */

static struct span span_of(const struct str *s)
{
	return (struct span){s->p, s->len};
}

static void add_item(struct sorting *s, const struct item *item)
{
	str_clear(&s->raw);
	item_text(&s->raw, item);
	words_decode(&s->text, span_of(&s->raw));
}

/*
 * The mailbox of the first address (RFC 5256 3); or what is shown of it, its
 * name, or else all of the address (RFC 5957 3).
 */
static void address_text(struct sorting *s, const struct summary *m,
    unsigned member, bool shown)
{
	struct item list, address, item;

	if (!envelope_find(m->envelope, member, &list) || !list.list ||
	    !item_next(&list.text, &address) || !address.list)
		return;
	if (shown && item_find(address.text, ADDRESS_NAME, &item) &&
	    item.text.n > 0) {
		add_item(s, &item);
		return;
	}
	if (item_find(address.text, ADDRESS_MAILBOX, &item))
		add_item(s, &item);
	if (shown && item_find(address.text, ADDRESS_HOST, &item) &&
	    !item.nil) {
		str_puts(&s->text, "@");
		add_item(s, &item);
	}
}

/* As FETCH has it: what the name says counts. */
static uint64_t octets_of(size_t at, const struct summary *m)
{
	uint64_t octets;

	return message_octets(&session.box.messages[at], &octets) ? octets :
	    m->octets;
}

static void add_addresses(struct sorting *s, const struct summary *m,
    unsigned member, bool shown, bool reverse)
{
	str_clear(&s->text);
	address_text(s, m, member, shown);
	str_clear(&s->folded);
	order_fold(&s->folded, span_of(&s->text));
	order_text(&s->order, span_of(&s->folded), reverse);
}

static void add_key(struct sorting *s, struct key key, size_t at,
    const struct summary *m)
{
	switch (key.what) {
	case ARRIVAL:
		order_number(&s->order, m->date, key.reverse);
		return;
	case DATE:
		order_number(&s->order, m->sent, key.reverse);
		return;
	case SIZE:
		order_number(&s->order, (int64_t)octets_of(at, m), key.reverse);
		return;
	case SUBJECT:
		order_text(&s->order, m->subject, key.reverse);
		return;
	case CC:
		add_addresses(s, m, ENVELOPE_CC, false, key.reverse);
		return;
	case FROM:
		add_addresses(s, m, ENVELOPE_FROM, false, key.reverse);
		return;
	case TO:
		add_addresses(s, m, ENVELOPE_TO, false, key.reverse);
		return;
	case DISPLAYFROM:
		add_addresses(s, m, ENVELOPE_FROM, true, key.reverse);
		return;
	case DISPLAYTO:
		add_addresses(s, m, ENVELOPE_TO, true, key.reverse);
	}
}

/* Where all keys are the same: as they stand in the mailbox. */
static void found(void *context, size_t at, const struct summary *m)
{
	struct sorting *s = context;

	for (size_t i = 0; i < s->count; i++)
		add_key(s, s->keys[i], at, m);
	order_add(&s->order, (uint32_t)at);
}

static enum depth depth_needed(const struct sorting *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->keys[i].what == SIZE)
			return DEPTH_WHOLE;
	return DEPTH_HEADER;
}

static void run(struct sorting *s, const struct request *r)
{
	enum depth depth = depth_needed(s);
	struct results results = {0};

	if (criteria_run(&r->criteria, &depth, found, s)) {
		order_sort(&s->order);
		for (size_t i = 0; i < s->order.count; i++)
			results_add(&results, s->order.rows[i].which);
		results_tell(r, "SORT", &results);
		ok("sorted %zu", results.count);
	}
	results_free(&results);
	order_free(&s->order);
	str_free(&s->raw);
	str_free(&s->text);
	str_free(&s->folded);
	index_flush(session.index);
}

void cmd_sort(void)
{
	struct request r = {.criteria = {.charset = "UTF-8"}};
	struct sorting s = {.count = 0};
	struct input *in = &session.input;

	request_return(&r);
	keys_parse(&s);
	input_space(in);
	request_charset(&r);
	input_space(in);
	if (criteria_parse(&r.criteria))
		run(&s, &r);
	request_failed(&r);
	criteria_free(&r.criteria);
}
