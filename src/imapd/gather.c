/* Threads of the same base subject (RFC 5256 3), and the order of siblings. */
#include <stdlib.h>
#include <string.h>

#include "threads.h"

/* Order */

/* The message itself, or a dummy's first one. */
static const struct node *first_message(const struct threads *t, uint32_t n)
{
	while (t->nodes[n].at == NO_MESSAGE && t->nodes[n].first != NOBODY)
		n = t->nodes[n].first;
	return &t->nodes[n];
}

static size_t siblings_count(const struct threads *t, uint32_t parent)
{
	size_t n = 0;

	for (uint32_t c = t->nodes[parent].first; c != NOBODY;
	    c = t->nodes[c].next)
		n++;
	return n;
}

void siblings_sort(struct threads *t, uint32_t parent)
{
	struct order *o = &t->order;

	if (siblings_count(t, parent) < 2)
		return;
	order_clear(o);
	for (uint32_t c = t->nodes[parent].first; c != NOBODY;
	    c = t->nodes[c].next) {
		const struct node *m = first_message(t, c);
		order_number(o, m->sent, false);
		order_number(o, m->at, false);
		order_add(o, c);
	}
	order_sort(o);
	t->nodes[parent].first = NOBODY;
	for (size_t i = 0; i < o->count; i++)
		node_append(t, parent, o->rows[i].which);
}

/* Subjects */

struct top {
	uint32_t node; /* of the root's children; NOBODY: merged */
	const char *subject;
};

static bool is_dummy(const struct threads *t, uint32_t n)
{
	return t->nodes[n].at == NO_MESSAGE;
}

/* Step 5.B.iv: is this one to stand for its subject rather than that one? */
static bool stands_rather(const struct threads *t, uint32_t n, uint32_t that)
{
	return !is_dummy(t, that) && (is_dummy(t, n) ||
	    (t->nodes[that].is_reply && !t->nodes[n].is_reply));
}

static void children_append(struct threads *t, uint32_t from, uint32_t to)
{
	uint32_t next;

	for (uint32_t c = t->nodes[from].first; c != NOBODY; c = next) {
		next = t->nodes[c].next;
		node_append(t, to, c);
	}
	t->nodes[from].first = NOBODY;
}

/* Step 5.C: n joins the one of the table; who is in the table then. */
static uint32_t merge(struct threads *t, uint32_t n, uint32_t table)
{
	uint32_t dummy;

	if (is_dummy(t, n) && is_dummy(t, table)) {
		children_append(t, n, table);
		return table;
	}
	if (is_dummy(t, table) ||
	    (t->nodes[n].is_reply && !t->nodes[table].is_reply)) {
		node_append(t, table, n);
		return table;
	}
	dummy = node_make(t);
	node_append(t, dummy, n);
	node_append(t, dummy, table);
	return dummy;
}

/* [all, all + n) have one subject, and the order of the root's children. */
static void merge_all(struct threads *t, struct top *all, size_t n)
{
	size_t table = 0;

	for (size_t i = 1; i < n; i++)
		if (stands_rather(t, all[i].node, all[table].node))
			table = i;
	for (size_t i = 0; i < n; i++) {
		if (i == table)
			continue;
		all[table].node = merge(t, all[i].node, all[table].node);
		all[i].node = NOBODY;
	}
}

static size_t same_subject(const struct top *all, size_t from, size_t count)
{
	size_t n = from + 1;

	while (n < count && strcmp(all[n].subject, all[from].subject) == 0)
		n++;
	return n - from;
}

static const char *subject_of(const struct threads *t, uint32_t top)
{
	return first_message(t, top)->subject;
}

/* The root's children, by subject, then as they stand. free() it. */
static struct top *tops_of(struct threads *t, size_t *count)
{
	struct order *o = &t->order;
	struct top *all;
	int64_t number = 0;

	order_clear(o);
	for (uint32_t c = t->nodes[0].first; c != NOBODY;
	    c = t->nodes[c].next) {
		const char *subject = subject_of(t, c);
		order_text(o, (struct span){subject, strlen(subject)}, false);
		order_number(o, number++, false);
		order_add(o, c);
	}
	order_sort(o);
	*count = o->count;
	all = xrealloc(NULL, (*count + 1) * sizeof *all);
	for (size_t i = 0; i < *count; i++)
		all[i] = (struct top){o->rows[i].which,
		    subject_of(t, o->rows[i].which)};
	return all;
}

void threads_gather(struct threads *t)
{
	size_t count, n;
	struct top *all = tops_of(t, &count);

	for (size_t i = 0; i < count; i += n) {
		n = same_subject(all, i, count);
		if (n > 1 && *all[i].subject != '\0')
			merge_all(t, all + i, n);
	}
	t->nodes[0].first = NOBODY;
	for (size_t i = 0; i < count; i++)
		if (all[i].node != NOBODY)
			node_append(t, 0, all[i].node);
	free(all);
}

void threads_by_subject(struct threads *t)
{
	size_t count, n;
	struct top *all;

	for (uint32_t i = 1; i < t->count; i++)
		node_append(t, 0, i);
	siblings_sort(t, 0);
	all = tops_of(t, &count);
	t->nodes[0].first = NOBODY;
	for (size_t i = 0; i < count; i += n) {
		n = same_subject(all, i, count);
		node_append(t, 0, all[i].node);
		for (size_t k = 1; k < n; k++)
			node_append(t, all[i].node, all[i + k].node);
	}
	siblings_sort(t, 0);
	free(all);
}
