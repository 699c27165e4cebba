#include "results.h"

#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "charset.h"
#include "session.h"
#include "str.h"

void results_add(struct results *r, size_t at)
{
	if (r->count == r->room) {
		r->room = r->room > 0 ? r->room * 2 : 1024;
		r->at = xrealloc(r->at, r->room * sizeof *r->at);
	}
	r->at[r->count++] = (uint32_t)at;
}

void results_free(struct results *r)
{
	free(r->at);
	*r = (struct results){0};
}

/* Arguments */

static bool nonzero(const char **p, int64_t *to)
{
	bool negative = **p == '-';
	int64_t n = 0;

	*p += negative;
	if (**p < '1' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; ++*p) {
		n = n * 10 + (**p - '0');
		if (n > UINT32_MAX)
			return false;
	}
	*to = negative ? -n : n;
	return true;
}

/* "1:100" or "-1:-100": from the first, or from the last of those found. */
static void partial_parse(struct request *r)
{
	struct input *in = &session.input;
	const char *p;

	input_space(in);
	p = r->partial = input_chars(in, "0123456789:-");
	if (in->fault != NULL)
		return;
	if (!nonzero(&p, &r->from) || *p++ != ':' || !nonzero(&p, &r->to) ||
	    *p != '\0' || (r->from < 0) != (r->to < 0))
		input_fault(in, "expected a range for PARTIAL");
}

static void option_parse(struct request *r)
{
	static const struct {
		const char *name;
		unsigned bit;
	} options[] = {
		{"MIN", RETURN_MIN}, {"MAX", RETURN_MAX}, {"ALL", RETURN_ALL},
		{"COUNT", RETURN_COUNT}, {"SAVE", RETURN_SAVE},
		{"PARTIAL", RETURN_PARTIAL},
	};
	struct input *in = &session.input;

	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		if (!input_word(in, options[i].name))
			continue;
		if (options[i].bit == RETURN_PARTIAL) {
			if ((r->options & RETURN_PARTIAL) != 0)
				input_fault(in, "PARTIAL once");
			partial_parse(r);
		}
		r->options |= options[i].bit;
		return;
	}
	input_fault(in, "unknown return option");
}

void request_return(struct request *r)
{
	struct input *in = &session.input;

	input_space(in);
	if (!input_word(in, "RETURN"))
		return;
	r->extended = true;
	input_space(in);
	input_expect(in, '(');
	if (!input_try(in, ')')) {
		do
			option_parse(r);
		while (in->fault == NULL && input_try(in, ' '));
		input_expect(in, ')');
	}
	if ((r->options & RETURN_ALL) != 0 &&
	    (r->options & RETURN_PARTIAL) != 0)
		input_fault(in, "PARTIAL or ALL, not both"); /* RFC 9394 3.1 */
	input_space(in);
}

void request_charset(struct request *r)
{
	struct input *in = &session.input;
	const char *name = input_astring(in);

	if (in->fault != NULL)
		return;
	r->criteria.charset = name;
	if (charset_known(name))
		return;
	no("[BADCHARSET (UTF-8 US-ASCII ISO-8859-1)] unknown charset");
	input_fault(in, "unknown charset");
}

/* RFC 5182 2.1: then the variable is empty; after BAD it is what it was. */
void request_failed(const struct request *r)
{
	if ((r->options & RETURN_SAVE) != 0 && answer_is_no())
		set_free(&session.saved);
}

/* Answers */

static uint32_t number_of(uint32_t at)
{
	return session.uid ? session.box.messages[at].uid : at + 1;
}

static void put_numbers(const uint32_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		put(i > 0 ? "," : "");
		put_number(number_of(at[i]));
	}
}

/* In ascending order: as a sequence set. */
static void put_set(const uint32_t *at, size_t n)
{
	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n &&
		    number_of(at[k]) == number_of(at[k - 1]) + 1; k++)
			;
		put(i > 0 ? "," : "");
		put_number(number_of(at[i]));
		if (k - i > 1) {
			put(":");
			put_number(number_of(at[k - 1]));
		}
	}
}

/* Which of them PARTIAL asks for: [*first, *first + *n). */
static void page_of(const struct request *r, size_t count, size_t *first,
    size_t *n)
{
	int64_t all = (int64_t)count, low = r->from, high = r->to;

	if (low < 0) { /* -1 is the last */
		low += all + 1;
		high += all + 1;
	}
	if (low > high) {
		int64_t other = low;
		low = high;
		high = other;
	}
	if (low < 1)
		low = 1;
	if (high > all)
		high = all;
	*first = (size_t)(low - 1);
	*n = high >= low ? (size_t)(high - low + 1) : 0;
}

/* MIN's and MAX's: of SORT the first and last in its order (RFC 5267 3.1). */
struct ends {
	uint32_t min, max;
};

static struct ends ends_of(const struct results *found)
{
	return (struct ends){found->at[0], found->at[found->count - 1]};
}

static uint64_t modseq_of(const uint32_t *at, size_t n)
{
	uint64_t highest = 0;

	for (size_t i = 0; i < n; i++)
		if (session.box.messages[at[i]].modseq > highest)
			highest = session.box.messages[at[i]].modseq;
	return highest;
}

/* RFC 7162 3.1.5: of what is told; of all, where more than the ends are. */
static uint64_t modseq_told(const struct request *r,
    const struct results *found, struct ends e)
{
	uint32_t at[2] = {e.min, e.max};

	switch (r->options & ~(unsigned)RETURN_SAVE) {
	case RETURN_MIN:
		return modseq_of(at, 1);
	case RETURN_MAX:
		return modseq_of(at + 1, 1);
	case RETURN_MIN | RETURN_MAX:
		return modseq_of(at, 2);
	}
	return modseq_of(found->at, found->count);
}

static int compare_uids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void save(const uint32_t *at, size_t n)
{
	uint32_t *uids = xrealloc(NULL, n * sizeof *uids);

	for (size_t i = 0; i < n; i++)
		uids[i] = session.box.messages[at[i]].uid;
	qsort(uids, n, sizeof *uids, compare_uids); /* SORT has another order */
	for (size_t i = 0; i < n; i++)
		set_add(&session.saved, uids[i], uids[i]);
	free(uids);
}

/* RFC 5182 2.1, RFC 9394 3.2: what is told; all, with ALL, COUNT or nothing. */
static void save_results(const struct request *r, const struct results *found)
{
	const unsigned some = RETURN_MIN | RETURN_MAX | RETURN_PARTIAL;
	size_t first, n;
	struct ends e;

	set_free(&session.saved);
	if (found->count == 0)
		return;
	if ((r->options & (RETURN_ALL | RETURN_COUNT)) != 0 ||
	    (r->options & some) == 0) {
		save(found->at, found->count);
		return;
	}
	e = ends_of(found);
	if ((r->options & RETURN_MIN) != 0)
		save(&e.min, 1);
	if ((r->options & RETURN_MAX) != 0)
		save(&e.max, 1);
	if ((r->options & RETURN_PARTIAL) != 0) {
		page_of(r, found->count, &first, &n);
		save(found->at + first, n);
	}
}

static void tell_number(const char *name, uint64_t n)
{
	put(name);
	put_number(n);
}

static void tell_page(const struct request *r, const struct results *found,
    void (*put_some)(const uint32_t *, size_t))
{
	size_t first, n;

	page_of(r, found->count, &first, &n);
	put(" PARTIAL (");
	put(r->partial);
	put(" ");
	if (n > 0)
		put_some(found->at + first, n);
	put(n > 0 ? ")" : "NIL)");
}

/* RFC 4466 2.6.2, with RFC 4731 3.1's data. */
static void tell_extended(const struct request *r, const struct results *found,
    bool sorted)
{
	void (*put_some)(const uint32_t *, size_t) =
	    sorted ? put_numbers : put_set;
	struct ends e = {0};

	put("* ESEARCH (TAG \"");
	put(session.tag);
	put(session.uid ? "\") UID" : "\")");
	if (found->count > 0) {
		e = ends_of(found);
		if ((r->options & RETURN_MIN) != 0)
			tell_number(" MIN ", number_of(e.min));
		if ((r->options & RETURN_MAX) != 0)
			tell_number(" MAX ", number_of(e.max));
		if ((r->options & RETURN_ALL) != 0) {
			put(" ALL ");
			put_some(found->at, found->count);
		}
	}
	if ((r->options & RETURN_PARTIAL) != 0)
		tell_page(r, found, put_some);
	if ((r->options & RETURN_COUNT) != 0)
		tell_number(" COUNT ", found->count);
	if (r->criteria.modseq && found->count > 0)
		tell_number(" MODSEQ ", modseq_told(r, found, e));
	put("\r\n");
}

static void tell_plain(const struct request *r, const char *command,
    const struct results *found)
{
	put("* ");
	put(command);
	for (size_t i = 0; i < found->count; i++)
		put_next_number(' ', number_of(found->at[i]));
	if (r->criteria.modseq && found->count > 0) {
		tell_number(" (MODSEQ ", modseq_of(found->at, found->count));
		put(")");
	}
	put("\r\n");
}

void results_tell(const struct request *request, const char *command,
    const struct results *found)
{
	struct request r = *request;
	bool sorted = strcmp(command, "SORT") == 0;

	if (r.options == 0)
		r.options = RETURN_ALL;
	if ((r.options & RETURN_SAVE) != 0)
		save_results(&r, found);
	if (r.options == RETURN_SAVE)
		return; /* RFC 5182 2.1: nothing is returned */
	if (r.extended || (session.rev2 && !sorted))
		tell_extended(&r, found, sorted);
	else
		tell_plain(&r, command, found);
}
