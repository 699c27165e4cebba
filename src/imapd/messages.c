#include "messages.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "directory.h"
#include "lock.h"
#include "log.h"
#include "name.h"
#include "str.h"

#define GONE_KEPT 10000   /* expunges; 20 octets each, for QRESYNC */
#define LINES_FREE 1000   /* a small journal is not worth a fsync */
#define LINES_DEAD 200000 /* of 20 MB, which each session has in memory */
#define LINES_PATIENCE 2  /* as much again while a client waits */
#define LINE_LEAST 24     /* octets that a message's line has, mostly more */

/* A piece of the journal, with the names of messages in it. */
struct chunk {
	struct chunk *next;
	char *p;
};

/* A UID that is no more. */
struct gone {
	uint64_t modseq;
	uint32_t uid;
};

/* Takes the memory of lines over, for the names in them. */
static void chunk_keep(struct uids *u, struct lines *l)
{
	struct chunk *c = xrealloc(NULL, sizeof *c);

	*c = (struct chunk){u->chunks, l->p};
	u->chunks = c;
	*l = (struct lines){0};
}

static void chunks_free(struct chunk *c)
{
	while (c != NULL) {
		struct chunk *next = c->next;
		free(c->p);
		free(c);
		c = next;
	}
}

/* --- Lines --- */

void message_print(struct lines *l, const struct message *m)
{
	lines_add(l, "a ", 2);
	lines_number(l, m->uid);
	lines_number(l, m->modseq);
	lines_number(l, m->octets);
	lines_add(l, m->name, strlen(m->name));
	lines_add(l, "\n", 1);
}

void gone_print(struct lines *l, uint32_t uid, uint64_t modseq)
{
	lines_printf(l, "x %" PRIu32 " %" PRIu64 "\n", uid, modseq);
}

/* --- The messages --- */

size_t mailbox_at(const struct mailbox *box, uint32_t uid)
{
	size_t low = 0, high = box->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (box->messages[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct message *mailbox_find(struct mailbox *box, uint32_t uid)
{
	size_t i = mailbox_at(box, uid);

	return i < box->count && box->messages[i].uid == uid ?
	    &box->messages[i] : NULL;
}

static struct message *append(struct mailbox *box)
{
	struct uids *u = box->uids;

	if (box->count == u->room) {
		u->room += u->room / 8 + 256; /* realloc() moves pages */
		box->messages = xrealloc(box->messages,
		    u->room * sizeof *box->messages);
	}
	return &box->messages[box->count++];
}

static void add_gone(struct uids *u, uint32_t uid, uint64_t modseq)
{
	if (u->gone_count == u->gone_room) {
		u->gone_room += u->gone_room / 2 + 256;
		u->gone = xrealloc(u->gone, u->gone_room * sizeof *u->gone);
	}
	u->gone[u->gone_count++] = (struct gone){modseq, uid};
}

/* Where in the messages a UID is; they mostly come in order. */
static struct message *find_near(struct mailbox *box, uint32_t uid,
    size_t *hint)
{
	struct message *m;

	if (*hint < box->count && box->messages[*hint].uid == uid)
		return &box->messages[(*hint)++];
	if ((m = mailbox_find(box, uid)) != NULL)
		*hint = (size_t)(m - box->messages) + 1;
	return m;
}

/* `a UID MODSEQ OCTETS NAME`: p is behind the first blank. */
static void apply_message(struct mailbox *box, const char *p, size_t *hint)
{
	uint64_t uid, modseq, octets;
	struct message *m;

	if ((p = uids_number(p, &uid)) == NULL ||
	    (p = uids_number(p, &modseq)) == NULL ||
	    (p = uids_number(p, &octets)) == NULL || uid == 0 ||
	    uid >= UINT32_MAX)
		return;
	if (box->count == 0 || box->messages[box->count - 1].uid < uid) {
		m = append(box);
		*m = (struct message){.uid = (uint32_t)uid};
	} else if ((m = find_near(box, (uint32_t)uid, hint)) == NULL)
		return;
	else if (m->modseq != modseq) {
		m->silent = false;
		m->changed = true;
	}
	m->name = p;
	m->flags = name_flags(p);
	m->modseq = modseq;
	m->octets = octets;
}

static void apply_gone(struct mailbox *box, const char *p, size_t *hint)
{
	uint64_t uid, modseq;
	struct message *m;

	if ((p = uids_number(p, &uid)) == NULL ||
	    uids_number(p, &modseq) == NULL)
		return;
	add_gone(box->uids, (uint32_t)uid, modseq);
	if ((m = find_near(box, (uint32_t)uid, hint)) != NULL) {
		m->expunged = true;
		m->modseq = modseq;
	}
}

/* Lines, which are terminated one by one. */
static void apply(struct mailbox *box, char *p, size_t n)
{
	char *end = p + n, *line, *next;
	size_t hint = 0;

	for (line = p; line < end; line = next) {
		next = memchr(line, '\n', (size_t)(end - line));
		if (next == NULL)
			break;
		*next++ = '\0';
		box->uids->lines++;
		if (line[0] == 'a')
			apply_message(box, line + 2, &hint);
		else if (line[0] == 'x')
			apply_gone(box, line + 2, &hint);
	}
}

void messages_apply(struct mailbox *box, struct lines *l)
{
	apply(box, l->p, l->len);
	chunk_keep(box->uids, l);
}

void messages_numbers(struct mailbox *box)
{
	const struct state *s = &box->uids->state;

	box->uidvalidity = box->uids->uidvalidity;
	memcpy(box->id, box->uids->id, sizeof box->id);
	box->uidnext = s->uidnext;
	box->modseq = s->modseq;
	box->first_recent = s->first_recent;
	box->exists = s->exists;
	box->unseen = s->unseen;
	box->deleted = s->deleted;
	box->octets = s->octets;
	box->unsized = s->unsized;
}

/* --- What is read --- */

void state_count(struct state *s, uint32_t flags, uint64_t octets)
{
	s->exists++;
	s->unseen += (flags & FLAG_SEEN) == 0;
	s->deleted += (flags & FLAG_DELETED) != 0;
	s->unsized += octets == 0;
	s->octets += octets;
}

void state_discount(struct state *s, const struct message *m)
{
	s->exists--;
	s->unseen -= (m->flags & FLAG_SEEN) == 0;
	s->deleted -= (m->flags & FLAG_DELETED) != 0;
	s->unsized -= m->octets == 0;
	s->octets -= m->octets;
}

bool messages_begin_anew(struct mailbox *box)
{
	struct state *s = &box->uids->state, found = *s;
	size_t kept = 0;

	found.exists = found.unseen = found.deleted = found.unsized = 0;
	found.octets = 0;
	for (size_t i = 0; i < box->count; i++) {
		struct message *m = &box->messages[i];
		if (m->expunged)
			continue;
		m->changed = false;
		state_count(&found, m->flags, m->octets);
		if (kept < i)
			box->messages[kept] = *m;
		kept++;
	}
	box->count = kept;
	if (memcmp(&found, s, sizeof found) == 0)
		return true;
	*s = found;
	return false;
}

/* --- Compaction --- */

/* More than half of it says nothing any more; or more of that, with patience. */
static bool compaction_due(const struct mailbox *box, size_t patience)
{
	const struct uids *u = box->uids;
	size_t gone = u->gone_count < GONE_KEPT ? u->gone_count : GONE_KEPT;
	size_t live = u->state.exists + gone;
	size_t dead = live < LINES_DEAD ? live : LINES_DEAD;

	return box->loaded &&
	    u->lines > live + patience * (dead + LINES_FREE);
}

/* The names in one piece of memory; what is not a name goes. */
static void names_gather(struct mailbox *box)
{
	struct chunk *old = box->uids->chunks;
	struct lines l = {0};
	size_t size = 1;

	for (size_t i = 0; i < box->count; i++)
		size += strlen(box->messages[i].name) + 1;
	l.p = xrealloc(NULL, size);
	for (size_t i = 0; i < box->count; i++) {
		size_t n = strlen(box->messages[i].name) + 1;
		memcpy(l.p + l.len, box->messages[i].name, n);
		box->messages[i].name = l.p + l.len;
		l.len += n;
	}
	box->uids->chunks = NULL;
	chunk_keep(box->uids, &l);
	chunks_free(old);
}

static void gone_trim(struct uids *u)
{
	size_t over = u->gone_count - GONE_KEPT;

	if (u->gone_count <= GONE_KEPT)
		return;
	u->whole = u->gone[over - 1].modseq;
	memmove(u->gone, u->gone + over, GONE_KEPT * sizeof *u->gone);
	u->gone_count = GONE_KEPT;
}

/* Under the lock, loaded and up to date. */
static void compact(struct mailbox *box)
{
	struct uids *u = box->uids;
	struct uids_new n;

	gone_trim(u);
	uids_new_begin(&n, u, box->path);
	for (size_t i = 0; i < box->count; i++)
		if (!box->messages[i].expunged)
			message_print(uids_new_lines(&n), &box->messages[i]);
	for (size_t i = 0; i < u->gone_count; i++)
		gone_print(uids_new_lines(&n), u->gone[i].uid,
		    u->gone[i].modseq);
	u->lines = u->state.exists + u->gone_count;
	names_gather(box);
	uids_new_end(&n); /* the old one does as well, and the log has it */
}

void messages_compact(struct mailbox *box)
{
	if (compaction_due(box, LINES_PATIENCE))
		compact(box);
}

/* --- Loading --- */

/* Where it is not what it should be, or is too much: made good. */
static enum mailbox_result tidy(struct mailbox *box, bool damaged)
{
	enum mailbox_result result;

	if (!damaged && !compaction_due(box, 1))
		return MAILBOX_OK;
	if (!lock_take())
		return MAILBOX_OK; /* another time */
	result = mailbox_refresh(box);
	if (result == MAILBOX_OK && damaged)
		result = mailbox_scan(box, true);
	if (result == MAILBOX_OK)
		compact(box);
	lock_give();
	return result;
}

enum mailbox_result mailbox_load(struct mailbox *box)
{
	struct uids *u = box->uids;
	struct lines l;
	bool damaged;

	if (box->loaded)
		return MAILBOX_OK;
	if (!uids_read(u, 0, u->end, &l))
		return MAILBOX_FAILED;
	u->room = u->state.exists < l.len / LINE_LEAST ? u->state.exists + 256 :
	    l.len / LINE_LEAST + 256;
	box->messages = xrealloc(NULL, u->room * sizeof *box->messages);
	box->count = 0;
	messages_apply(box, &l);
	box->loaded = true;
	damaged = !messages_begin_anew(box);
	if (damaged)
		warn("%s: %s is damaged: counted anew", safe(box->path),
		    UIDS_FILE);
	messages_numbers(box);
	mailbox_clean(box);
	return tidy(box, damaged);
}

/* The journal has been written anew: what is in it, and what is not. */
static enum mailbox_result reload(struct mailbox *box)
{
	struct uids *u = box->uids;
	struct chunk *old = u->chunks;
	struct lines l;

	if (!uids_read(u, 0, u->end, &l))
		return MAILBOX_FAILED;
	for (size_t i = 0; i < box->count; i++)
		box->messages[i].name = NULL;
	u->chunks = NULL;
	u->lines = u->gone_count = 0;
	messages_apply(box, &l);
	for (size_t i = 0; i < box->count; i++)
		if (box->messages[i].name == NULL) {
			box->messages[i].name = "";
			box->messages[i].expunged = true;
		}
	chunks_free(old);
	return MAILBOX_OK;
}

enum mailbox_result mailbox_refresh(struct mailbox *box)
{
	struct uids *u = box->uids;
	uint64_t begin = u->end;
	enum mailbox_result result;
	struct lines l;
	bool other;

	result = uids_refresh(u, box->path, &other);
	if (result == MAILBOX_OK && box->loaded) {
		if (other)
			result = reload(box);
		else if (u->end > begin) {
			if (!uids_read(u, begin, u->end, &l))
				return MAILBOX_FAILED;
			messages_apply(box, &l);
		}
	}
	if (result == MAILBOX_OK) {
		/* Behind the lines: what their letters mean was written first. */
		keywords_read(&box->keywords, box->path);
		messages_numbers(box);
	}
	return result;
}

bool mailbox_vanished(struct mailbox *box, uint64_t modseq, struct set *s)
{
	struct uids *u = box->uids;

	if (mailbox_load(box) != MAILBOX_OK || modseq < u->whole)
		return false;
	for (size_t i = 0; i < u->gone_count; i++)
		if (u->gone[i].modseq > modseq)
			set_add(s, u->gone[i].uid, u->gone[i].uid);
	return true;
}

void messages_free(struct mailbox *box)
{
	if (box->loaded)
		tidy(box, false);
	chunks_free(box->uids->chunks);
	free(box->uids->gone);
	free(box->messages);
}
