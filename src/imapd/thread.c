/* THREAD (RFC 5256). */
#include <stdlib.h>

#include "criteria.h"
#include "results.h"
#include "session.h"
#include "threads.h"

static void found(void *context, size_t at, const struct summary *s)
{
	threads_add(context, at, s);
}

static void found_alone(void *context, size_t at, const struct summary *s)
{
	threads_add_alone(context, at, s);
}

/* Siblings that are still to be told, one for each nesting. */
struct stack {
	uint32_t *nodes;
	size_t count, room;
};

static void push(struct stack *s, uint32_t n)
{
	if (s->count == s->room) {
		s->room = s->room > 0 ? s->room * 2 : 64;
		s->nodes = xrealloc(s->nodes, s->room * sizeof *s->nodes);
	}
	s->nodes[s->count++] = n;
}

/* Behind a thread's last message: its end, and who comes next. NOBODY: none. */
static uint32_t next_thread(const struct threads *t, struct stack *s)
{
	put(")");
	while (s->count > 0) {
		uint32_t n = s->nodes[s->count - 1];
		if (n != NOBODY) {
			s->nodes[s->count - 1] = t->nodes[n].next;
			put("(");
			return n;
		}
		s->count--;
		put(")");
	}
	return NOBODY;
}

/* thread-list = "(" (thread-members / thread-nested) ")" */
static void put_thread(const struct threads *t, struct stack *s, uint32_t n)
{
	put("(");
	while (n != NOBODY) {
		const struct node *node = &t->nodes[n];
		if (node->at != NO_MESSAGE) {
			put_number(session.uid ?
			    session.box.messages[node->at].uid : node->at + 1);
			put(node->first != NOBODY ? " " : "");
		}
		if (node->first == NOBODY) {
			n = next_thread(t, s);
			continue;
		}
		n = node->first;
		if (t->nodes[n].next != NOBODY) {
			push(s, t->nodes[n].next);
			put("(");
		}
	}
}

static void put_threads(const struct threads *t)
{
	struct stack s = {0};

	put("* THREAD");
	if (t->nodes[0].first != NOBODY)
		put(" ");
	for (uint32_t n = t->nodes[0].first; n != NOBODY; n = t->nodes[n].next)
		put_thread(t, &s, n);
	put("\r\n");
	free(s.nodes);
}

static void run(const struct request *r, bool by_subject)
{
	const enum depth depth = DEPTH_HEADER;
	struct threads t;

	threads_begin(&t);
	if (criteria_run(&r->criteria, &depth,
	    by_subject ? found_alone : found, &t)) {
		if (by_subject)
			threads_by_subject(&t);
		else
			threads_by_references(&t);
		put_threads(&t);
		ok("threaded");
	}
	threads_end(&t);
	index_flush(session.index);
}

void cmd_thread(void)
{
	struct request r = {.criteria = {.charset = "UTF-8"}};
	struct input *in = &session.input;
	bool by_subject;

	input_space(in);
	by_subject = input_word(in, "ORDEREDSUBJECT");
	if (!by_subject && !input_word(in, "REFERENCES"))
		input_fault(in, "unknown threading algorithm");
	input_space(in);
	request_charset(&r);
	input_space(in);
	if (criteria_parse(&r.criteria))
		run(&r, by_subject);
	criteria_free(&r.criteria);
}
