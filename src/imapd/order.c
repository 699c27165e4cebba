#include "order.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "charset.h"

#define FEW 8 /* rows: they are sorted as one sorts cards */

static void add_word(struct order *o, uint64_t word)
{
	if (o->words_count == o->words_room) {
		o->words_room = o->words_room > 0 ? o->words_room * 2 : 4096;
		o->words = xrealloc(o->words,
		    o->words_room * sizeof *o->words);
	}
	o->words[o->words_count++] = word;
}

void order_number(struct order *o, int64_t number, bool reverse)
{
	uint64_t word = (uint64_t)number ^ (uint64_t)1 << 63;

	add_word(o, reverse ? ~word : word);
}

/* The last word has a 0 at its end: so texts that differ never seem equal. */
void order_text(struct order *o, struct span text, bool reverse)
{
	size_t n;

	do {
		uint64_t word = 0;
		n = text.n < sizeof word ? text.n : sizeof word;
		for (size_t i = 0; i < n; i++)
			((char *)&word)[i] = text.p[i];
		word = be64toh(word);
		add_word(o, reverse ? ~word : word);
		span_skip(&text, n);
	} while (n == sizeof(uint64_t));
}

void order_add(struct order *o, uint32_t which)
{
	add_word(o, which);
	if (o->count == o->room) {
		o->room = o->room > 0 ? o->room * 2 : 1024;
		o->rows = xrealloc(o->rows, o->room * sizeof *o->rows);
	}
	o->rows[o->count++] = (struct row){o->words[o->began], o->began + 1,
	    which};
	o->began = o->words_count;
}

static void sort_few(struct row *a, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct row row = a[i];
		size_t to = i;
		for (; to > 0 && a[to - 1].word > row.word; to--)
			a[to] = a[to - 1];
		a[to] = row;
	}
}

/* By one word. As deep as n can be halved. */
static void sort_word(struct row *a, struct row *spare, size_t n)
{
	size_t half = n / 2, i = 0, k = half, to = 0;

	if (n <= FEW) {
		sort_few(a, n);
		return;
	}
	sort_word(a, spare, half);
	sort_word(a + half, spare, n - half);
	if (a[half - 1].word <= a[half].word)
		return;
	memcpy(spare, a, half * sizeof *a);
	while (i < half && k < n)
		a[to++] = spare[i].word <= a[k].word ? spare[i++] : a[k++];
	memcpy(a + to, spare + i, (half - i) * sizeof *a);
}

/* As deep as a row has words: 2,017, if there are 16 keys of 1,000 octets. */
static void sort_rows(const struct order *o, struct row *a, struct row *spare,
    size_t n)
{
	sort_word(a, spare, n);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && a[end].word == a[i].word; end++)
			;
		if (end == i + 1)
			continue;
		for (size_t k = i; k < end; k++)
			a[k].word = o->words[a[k].next++];
		sort_rows(o, a + i, spare, end - i);
	}
}

void order_sort(struct order *o)
{
	struct row *spare = xrealloc(NULL, (o->count / 2 + 1) * sizeof *spare);

	sort_rows(o, o->rows, spare, o->count);
	free(spare);
}

void order_clear(struct order *o)
{
	o->count = o->words_count = o->began = 0;
}

void order_free(struct order *o)
{
	free(o->rows);
	free(o->words);
	*o = (struct order){.rows = NULL};
}

/*
 * RFC 5051 compares capital letters, and so has [ \ ] ^ _ ` behind them; that
 * is seen in ASCII alone.
 */
void order_fold(struct str *to, struct span text)
{
	size_t from = to->len;
	char *p;

	charset_fold(to, text);
	if (to->p == NULL)
		return;
	p = to->p + from;
	to->len = from + strnlen(p, ORDER_TEXT_MAX);
	to->p[to->len] = '\0';
	for (; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
}
