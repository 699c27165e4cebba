/* SORT (RFC 5256), with RFC 5957's keys and RFC 5267's results. */
#include <stdlib.h>
#include <string.h>

#include "charset.h"
#include "criteria.h"
#include "items.h"
#include "results.h"
#include "session.h"
#include "words.h"

#define SORT_KEYS_MAX 16  /* there are nine */
#define SORT_TEXT_MAX 1000 /* octets that are compared */

enum order {
	ARRIVAL, CC, DATE, DISPLAYFROM, DISPLAYTO, FROM, SIZE, SUBJECT, TO,
};

static const char *const names[] = {
	"ARRIVAL", "CC", "DATE", "DISPLAYFROM", "DISPLAYTO", "FROM", "SIZE",
	"SUBJECT", "TO",
};

struct key {
	enum order order;
	bool reverse;
};

/* What a message is sorted by; one for each key. */
struct value {
	union {
		int64_t number;
		uint64_t start; /* the text's first octets, big end first */
	};
	const char *text; /* NULL: the number counts */
};

struct sorting {
	struct key keys[SORT_KEYS_MAX];
	size_t count;
	struct row {
		uint32_t at;
		const struct value *values;
	} *rows;
	size_t rows_count, rows_room;
	struct pool pool; /* values and their texts */
	struct str raw, text, folded;
};

static const struct sorting *sorting; /* for qsort(3) */

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
		k.order = (enum order)i;
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

/*
 * RFC 5051 compares capital letters, and so has [ \ ] ^ _ ` behind them; that
 * is seen in ASCII alone.
 */
static char capital(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static struct value text_value(struct sorting *s)
{
	struct value v = {.start = 0};
	size_t n;
	char *p;

	str_clear(&s->folded);
	charset_fold(&s->folded, span_of(&s->text));
	n = s->folded.len < SORT_TEXT_MAX ? s->folded.len : SORT_TEXT_MAX;
	v.text = p = pool_take(&s->pool, n + 1);
	for (size_t i = 0; i < n; i++)
		p[i] = capital(s->folded.p[i]);
	p[n] = '\0';
	for (size_t i = 0; i < 8; i++)
		v.start = v.start << 8 | (i < n ? (unsigned char)p[i] : 0);
	return v;
}

/* As FETCH has it: what the name says counts. */
static uint64_t octets_of(size_t at, const struct summary *m)
{
	uint64_t octets;

	return message_octets(&session.box.messages[at], &octets) ? octets :
	    m->octets;
}

static struct value value_of(struct sorting *s, enum order order, size_t at,
    const struct summary *m)
{
	str_clear(&s->text);
	switch (order) {
	case ARRIVAL:
		return (struct value){.number = m->date};
	case DATE:
		return (struct value){.number = m->sent};
	case SIZE:
		return (struct value){.number = (int64_t)octets_of(at, m)};
	case SUBJECT:
		str_add(&s->text, m->subject.p, m->subject.n);
		break;
	case CC:
		address_text(s, m, ENVELOPE_CC, false);
		break;
	case FROM:
		address_text(s, m, ENVELOPE_FROM, false);
		break;
	case TO:
		address_text(s, m, ENVELOPE_TO, false);
		break;
	case DISPLAYFROM:
		address_text(s, m, ENVELOPE_FROM, true);
		break;
	case DISPLAYTO:
		address_text(s, m, ENVELOPE_TO, true);
	}
	return text_value(s);
}

static void found(void *context, size_t at, const struct summary *m)
{
	struct sorting *s = context;
	struct value *values = pool_take(&s->pool, s->count * sizeof *values);

	for (size_t i = 0; i < s->count; i++)
		values[i] = value_of(s, s->keys[i].order, at, m);
	if (s->rows_count == s->rows_room) {
		s->rows_room = s->rows_room > 0 ? s->rows_room * 2 : 256;
		s->rows = xrealloc(s->rows, s->rows_room * sizeof *s->rows);
	}
	s->rows[s->rows_count++] = (struct row){(uint32_t)at, values};
}

static enum depth depth_needed(const struct sorting *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->keys[i].order == SIZE)
			return DEPTH_WHOLE;
	return DEPTH_HEADER;
}

/* Order */

static int compare_values(const struct value *a, const struct value *b)
{
	if (a->text == NULL)
		return (a->number > b->number) - (a->number < b->number);
	if (a->start != b->start)
		return a->start > b->start ? 1 : -1;
	return strcmp(a->text, b->text);
}

/* Where all keys are the same: as they stand in the mailbox. */
static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	for (size_t i = 0; i < sorting->count; i++) {
		int order = compare_values(&x->values[i], &y->values[i]);
		if (order != 0)
			return sorting->keys[i].reverse ? -order : order;
	}
	return (x->at > y->at) - (x->at < y->at);
}

static void run(struct sorting *s, const struct request *r)
{
	enum depth depth = depth_needed(s);
	struct results results = {0};

	if (criteria_run(&r->criteria, &depth, found, s)) {
		sorting = s;
		if (s->rows_count > 0)
			qsort(s->rows, s->rows_count, sizeof *s->rows, compare);
		for (size_t i = 0; i < s->rows_count; i++)
			results_add(&results, s->rows[i].at);
		results_tell(r, "SORT", &results);
		ok("sorted %zu", results.count);
	}
	results_free(&results);
	free(s->rows);
	pool_reset(&s->pool);
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
