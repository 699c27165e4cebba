#include "threads.h"

#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "ids.h"

#define STEPS_MAX 50000000u /* up the tree, to see that there is no loop: 0.3 s;
                               who needs more is told of no more parents */

uint32_t node_make(struct threads *t)
{
	if (t->count == t->room) {
		t->room *= 2;
		t->nodes = xrealloc(t->nodes, t->room * sizeof *t->nodes);
	}
	t->nodes[t->count] = (struct node){.at = NO_MESSAGE, .subject = ""};
	return t->count++;
}

void threads_begin(struct threads *t)
{
	*t = (struct threads){.room = 1024, .hashed_room = 1024};
	t->nodes = xrealloc(NULL, t->room * sizeof *t->nodes);
	t->hashed = xrealloc(NULL, t->hashed_room * sizeof *t->hashed);
	memset(t->hashed, 0, t->hashed_room * sizeof *t->hashed);
	/* Whoever sends ids that have the same hash would have to know this. */
	t->seed = (uint64_t)now_ms() * 0x9e3779b97f4a7c15u ^
	    (uint64_t)(uintptr_t)t->nodes;
	node_make(t);
}

void threads_end(struct threads *t)
{
	free(t->nodes);
	free(t->hashed);
	pool_reset(&t->pool);
	order_free(&t->order);
}

/* Step 1: message ids */

static uint32_t *hashed_at(struct threads *t, const char *id)
{
	uint64_t h = t->seed;

	for (; *id != '\0'; id++) {
		h = (h ^ (unsigned char)*id) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	return &t->hashed[h & (t->hashed_room - 1)];
}

static void rehash(struct threads *t)
{
	t->hashed_room *= 4;
	t->hashed = xrealloc(t->hashed, t->hashed_room * sizeof *t->hashed);
	memset(t->hashed, 0, t->hashed_room * sizeof *t->hashed);
	for (uint32_t n = 1; n < t->count; n++) {
		struct node *node = &t->nodes[n];
		if (node->id == NULL)
			continue;
		uint32_t *at = hashed_at(t, node->id);
		node->same = *at;
		*at = n;
	}
}

/* The one with that id; made when there is none. */
static uint32_t node_of(struct threads *t, const char *id)
{
	uint32_t *at = hashed_at(t, id), n;

	for (n = *at; n != NOBODY; n = t->nodes[n].same)
		if (strcmp(t->nodes[n].id, id) == 0)
			return n;
	n = node_make(t);
	t->nodes[n].id = pool_copy(&t->pool, id);
	t->nodes[n].same = *at;
	*at = n;
	if (t->count > t->hashed_room)
		rehash(t);
	return n;
}

static bool is_above(struct threads *t, uint32_t above, uint32_t n)
{
	if (above == n)
		return true;
	if (!t->nodes[above].is_parent)
		return false;
	for (; n != NOBODY && n != above; n = t->nodes[n].parent)
		if (++t->steps > STEPS_MAX)
			return true;
	return n != NOBODY;
}

static void link_nodes(struct threads *t, uint32_t parent, uint32_t child)
{
	if (parent == NOBODY || is_above(t, child, parent))
		return;
	t->nodes[child].parent = parent;
	t->nodes[parent].is_parent = true;
}

/* A message of its own, where its id is none or another's, too. */
static uint32_t node_of_message(struct threads *t, const char *id)
{
	uint32_t n = *id != '\0' ? node_of(t, id) : node_make(t);

	return t->nodes[n].at == NO_MESSAGE ? n : node_make(t);
}

static void fill(struct threads *t, uint32_t n, size_t at,
    const struct summary *s)
{
	struct node *node = &t->nodes[n];
	char *subject = pool_take(&t->pool, s->subject.n + 1);

	memcpy(subject, s->subject.p, s->subject.n);
	subject[s->subject.n] = '\0';
	node->at = (uint32_t)at;
	node->sent = s->sent;
	node->is_reply = s->is_reply;
	node->subject = subject;
}

void threads_add(struct threads *t, size_t at, const struct summary *s)
{
	struct span rest = s->references;
	const char *id = id_next(&rest);
	uint32_t n = node_of_message(t, id != NULL ? id : ""), before = NOBODY;

	fill(t, n, at, s);
	while ((id = id_next(&rest)) != NULL) {
		uint32_t reference = node_of(t, id);
		if (t->nodes[reference].parent == NOBODY)
			link_nodes(t, before, reference);
		before = reference;
	}
	t->nodes[n].parent = NOBODY;
	link_nodes(t, before, n);
}

void threads_add_alone(struct threads *t, size_t at, const struct summary *s)
{
	fill(t, node_make(t), at, s);
}

/* Steps 2 and 3 */

void node_append(struct threads *t, uint32_t parent, uint32_t child)
{
	struct node *p = &t->nodes[parent];

	t->nodes[child].next = NOBODY;
	if (p->first == NOBODY)
		p->first = child;
	else
		t->nodes[p->last].next = child;
	p->last = child;
}

static void children_move(struct threads *t, uint32_t from, uint32_t to)
{
	struct node *f = &t->nodes[from], *p = &t->nodes[to];

	if (f->first == NOBODY)
		return;
	if (p->first == NOBODY)
		p->first = f->first;
	else
		t->nodes[p->last].next = f->first;
	p->last = f->last;
	f->first = f->last = NOBODY;
}

/* All nodes, parents before their children; as many as there are. */
static uint32_t *parents_first(struct threads *t)
{
	uint32_t *order = xrealloc(NULL, t->count * sizeof *order), n = 0;

	for (uint32_t i = 1; i < t->count; i++)
		node_append(t, t->nodes[i].parent, i);
	order[n++] = 0;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t c = t->nodes[order[i]].first; c != NOBODY;
		    c = t->nodes[c].next)
			order[n++] = c;
	for (uint32_t i = 0; i < t->count; i++)
		t->nodes[i].first = t->nodes[i].last = NOBODY;
	return order;
}

/* A dummy's children take its place; two of them not at the top. */
static bool gives_way(const struct threads *t, const struct node *node)
{
	return node->at == NO_MESSAGE && (node->first == NOBODY ||
	    node->parent != 0 || t->nodes[node->first].next == NOBODY);
}

/* From the leaves to the root, each is given its last children. */
static void prune(struct threads *t)
{
	uint32_t *order = parents_first(t);

	for (uint32_t i = t->count - 1; i > 0; i--) {
		uint32_t n = order[i];
		if (gives_way(t, &t->nodes[n]))
			children_move(t, n, t->nodes[n].parent);
		else
			node_append(t, t->nodes[n].parent, n);
	}
	free(order);
}

void threads_by_references(struct threads *t)
{
	prune(t);
	for (uint32_t n = t->nodes[0].first; n != NOBODY; n = t->nodes[n].next)
		if (t->nodes[n].at == NO_MESSAGE)
			siblings_sort(t, n);
	siblings_sort(t, 0);
	threads_gather(t);
	for (uint32_t n = t->count - 1; n > 0; n--)
		siblings_sort(t, n);
	siblings_sort(t, 0);
}
