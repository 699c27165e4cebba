#include "mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "batch.h"
#include "folders.h"
#include "lock.h"
#include "log.h"
#include "name.h"
#include "str.h"
#include "takeover.h"
#include "uids.h"

#define GONE_KEPT 10000 /* expunges; 20 octets each, for QRESYNC */
#define LINES_DEAD 200000 /* of 20 MB, which each session has in memory */
#define BATCH_LONG (8u << 20) /* octets */
#define COUNT_AT_ONCE 500 /* messages, between two times with the lock */
#define LINE_LEAST 24   /* octets of a message's line: more than this, mostly */
#define LINES_FREE 1000 /* a small journal is not worth a fsync */

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

static void message_print(struct lines *l, const struct message *m)
{
	lines_printf(l, "a %" PRIu32 " %" PRIu64 " %" PRIu64 " ", m->uid,
	    m->modseq, m->octets);
	lines_add(l, m->name, strlen(m->name));
	lines_add(l, "\n", 1);
}

static void gone_print(struct lines *l, uint32_t uid, uint64_t modseq)
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

static void numbers(struct mailbox *box)
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

static void count_in(struct state *s, uint32_t flags, uint64_t octets)
{
	s->exists++;
	s->unseen += (flags & FLAG_SEEN) == 0;
	s->deleted += (flags & FLAG_DELETED) != 0;
	s->unsized += octets == 0;
	s->octets += octets;
}

static void count_out(struct state *s, const struct message *m)
{
	s->exists--;
	s->unseen -= (m->flags & FLAG_SEEN) == 0;
	s->deleted -= (m->flags & FLAG_DELETED) != 0;
	s->unsized -= m->octets == 0;
	s->octets -= m->octets;
}

/*
 * Nobody has been told of any yet: there is no news. False: they are not what
 * the state says, which is put right.
 */
static bool begin_anew(struct mailbox *box)
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
		count_in(&found, m->flags, m->octets);
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

/* More than half of it says nothing any more. */
static bool compaction_due(const struct mailbox *box)
{
	const struct uids *u = box->uids;
	size_t gone = u->gone_count < GONE_KEPT ? u->gone_count : GONE_KEPT;
	size_t live = u->state.exists + gone;
	size_t dead = live < LINES_DEAD ? live : LINES_DEAD;

	return box->loaded && u->lines > live + dead + LINES_FREE;
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
static enum mailbox_result compact(struct mailbox *box)
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
	return uids_new_end(&n);
}

/* --- Loading --- */

/* Where it is not what it should be, or is too much: made good. */
static enum mailbox_result tidy(struct mailbox *box, bool damaged)
{
	enum mailbox_result result;

	if (!damaged && !compaction_due(box))
		return MAILBOX_OK;
	if (!lock_take())
		return MAILBOX_IN_USE;
	result = mailbox_refresh(box);
	if (result == MAILBOX_OK && damaged)
		result = mailbox_scan(box, true);
	if (result == MAILBOX_OK)
		result = compact(box);
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
	apply(box, l.p, l.len);
	chunk_keep(u, &l);
	box->loaded = true;
	damaged = !begin_anew(box);
	if (damaged)
		warn("%s: %s is damaged: counted anew", safe(box->path),
		    UIDS_FILE);
	numbers(box);
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
	apply(box, l.p, l.len);
	chunk_keep(u, &l);
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
			apply(box, l.p, l.len);
			chunk_keep(u, &l);
		}
	}
	if (result == MAILBOX_OK) {
		/* Behind the lines: what their letters mean was written first. */
		keywords_read(&box->keywords, box->path);
		numbers(box);
	}
	return result;
}

/* --- Batches --- */

void batch_begin(struct batch *b, struct mailbox *box)
{
	*b = (struct batch){.box = box, .state = box->uids->state};
}

/* One for the whole batch; the clock, so that none comes twice. */
static uint64_t batch_modseq(struct batch *b)
{
	uint64_t last = b->box->uids->state.modseq;
	struct timespec now;

	if (b->state.modseq == last) {
		clock_gettime(CLOCK_REALTIME, &now);
		b->state.modseq = (uint64_t)now.tv_sec * 1000 +
		    (uint64_t)now.tv_nsec / 1000000;
		if (b->state.modseq <= last)
			b->state.modseq = last + 1;
	}
	return b->state.modseq;
}

static void add_line(struct batch *b, uint32_t uid, uint64_t modseq,
    uint64_t octets, const char *name)
{
	struct message m = {.uid = uid, .modseq = modseq, .octets = octets,
	    .name = name};

	message_print(&b->lines, &m);
	count_in(&b->state, name_flags(name), octets);
}

uint32_t batch_new(struct batch *b, const char *name)
{
	uint64_t octets = 0;

	if (b->state.uidnext == UINT32_MAX) {
		warn("%s: no UID is left", safe(b->box->path));
		return 0;
	}
	name_size(name, 'W', &octets);
	b->uids = true;
	add_line(b, b->state.uidnext, batch_modseq(b), octets, name);
	return b->state.uidnext++;
}

void batch_rename(struct batch *b, const struct message *m, const char *name)
{
	count_out(&b->state, m);
	add_line(b, m->uid, batch_modseq(b), m->octets, name);
}

void batch_sized(struct batch *b, const struct message *m, uint64_t octets)
{
	count_out(&b->state, m);
	add_line(b, m->uid, m->modseq, octets, m->name);
}

void batch_gone(struct batch *b, const struct message *m)
{
	count_out(&b->state, m);
	gone_print(&b->lines, m->uid, batch_modseq(b));
}

bool batch_is_long(const struct batch *b)
{
	return b->lines.len > BATCH_LONG;
}

void batch_drop(struct batch *b)
{
	free(b->lines.p);
	b->lines = (struct lines){0};
}

enum mailbox_result batch_write(struct batch *b)
{
	struct mailbox *box = b->box;
	enum mailbox_result result;

	if (b->lines.len == 0 && memcmp(&b->state, &box->uids->state,
	    sizeof b->state) == 0)
		return MAILBOX_OK;
	result = uids_append(box->uids, &b->lines, &b->state, b->uids);
	if (result != MAILBOX_OK)
		return result;
	if (box->loaded) {
		apply(box, b->lines.p, b->lines.len);
		chunk_keep(box->uids, &b->lines);
	} else
		batch_drop(b);
	numbers(box);
	return compaction_due(box) ? compact(box) : MAILBOX_OK;
}

/* --- Opening --- */

/* cur, new and tmp; the folder itself must be there. */
static enum mailbox_result directories_make(const char *folder)
{
	static const char *const names[] = {"tmp", "new", "cur"};
	char path[FILE_PATH_SIZE];
	struct stat st;

	if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode))
		return MAILBOX_NONE;
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return uids_failed(path, "mkdir", errno);
	}
	return MAILBOX_OK;
}

/* A letter first, RFC 8474 5.1 likes it so; 124 bits of chance. */
static void id_fill(char id[33])
{
	unsigned char random[16];

	while (getrandom(random, sizeof random, 0) != sizeof random)
		;
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(id + 2 * i, 3, "%02x", random[i]);
	*id = 'M';
}

static enum mailbox_result journal_make(struct mailbox *box)
{
	struct uids *u = box->uids;
	struct uids_new n;

	id_fill(u->id);
	u->state = (struct state){.uidnext = 1, .first_recent = 1,
	    .modseq = 1};
	enum mailbox_result result = takeover(u, box->path);
	if (result != MAILBOX_NONE)
		return result;
	u->uidvalidity = folder_uidvalidity();
	if (u->uidvalidity == 0) /* the disk, and it is in the log */
		return MAILBOX_FAILED;
	uids_new_begin(&n, u, box->path);
	return uids_new_end(&n);
}

static enum mailbox_result open_locked(struct mailbox *box)
{
	enum mailbox_result result = uids_open(box->uids, box->path);

	if (result == MAILBOX_NONE &&
	    (result = directories_make(box->path)) == MAILBOX_OK)
		result = journal_make(box);
	if (result != MAILBOX_OK)
		return result;
	numbers(box);
	result = mailbox_scan(box, false);
	if (result == MAILBOX_NONE &&
	    (result = directories_make(box->path)) == MAILBOX_OK)
		result = mailbox_scan(box, false);
	/* On a full disk what has been there can be read, and deleted. */
	return result == MAILBOX_FULL ? MAILBOX_OK : result;
}

enum mailbox_result mailbox_open(struct mailbox *box, const char *folder)
{
	enum mailbox_result result;

	*box = (struct mailbox){0};
	if (snprintf(box->path, sizeof box->path, "%s", folder) >=
	    (int)sizeof box->path - NAME_SIZE)
		return MAILBOX_NONE;
	if (!lock_take())
		return MAILBOX_IN_USE;
	box->uids = xrealloc(NULL, sizeof *box->uids);
	*box->uids = (struct uids){.fd = -1, .cur = -1};
	result = open_locked(box);
	lock_give();
	if (box->loaded)
		begin_anew(box); /* a scan has: of nothing that was told */
	keywords_read(&box->keywords, box->path);
	if (result != MAILBOX_OK)
		mailbox_close(box);
	return result;
}

void mailbox_close(struct mailbox *box)
{
	if (box->uids == NULL)
		return;
	uids_close(box->uids);
	chunks_free(box->uids->chunks);
	free(box->uids->gone);
	free(box->uids);
	free(box->messages);
	*box = (struct mailbox){0};
}

enum mailbox_result mailbox_sync(struct mailbox *box)
{
	enum mailbox_result result;

	keywords_read(&box->keywords, box->path);
	if (!uids_changed(box->uids, box->path) && !mailbox_scan_due(box))
		return MAILBOX_OK;
	if (!lock_take())
		return MAILBOX_IN_USE;
	result = mailbox_refresh(box);
	if (result == MAILBOX_OK)
		result = mailbox_scan(box, false);
	lock_give();
	return result;
}

enum mailbox_result mailbox_claim_recent(struct mailbox *box, uint32_t *first)
{
	enum mailbox_result result;
	struct batch b;

	*first = box->uidnext;
	if (!lock_take())
		return MAILBOX_IN_USE;
	result = mailbox_refresh(box);
	if (result == MAILBOX_OK) {
		*first = box->first_recent;
		batch_begin(&b, box);
		b.state.first_recent = b.state.uidnext;
		result = batch_write(&b);
		batch_drop(&b);
	}
	lock_give();
	return result;
}

bool message_octets(const struct message *m, uint64_t *octets)
{
	*octets = m->octets;
	return m->octets > 0;
}

/* Each line's end is CRLF, whatever it is in the file. */
static uint64_t octets_count(int fd)
{
	char block[16384], last = '\0';
	uint64_t octets = 0;
	ssize_t n;

	while ((n = read(fd, block, sizeof block)) > 0) {
		octets += (uint64_t)n;
		for (ssize_t i = 0; i < n; i++) {
			octets += block[i] == '\n' && last != '\r';
			last = block[i];
		}
	}
	return n == 0 ? octets : 0;
}

/* A message that has been counted, not yet in the journal. */
struct counted {
	uint32_t uid;
	uint64_t octets;
};

static enum mailbox_result write_counted(struct mailbox *box,
    const struct counted *counted, size_t count)
{
	enum mailbox_result result;
	struct batch b;

	if (!lock_take())
		return MAILBOX_IN_USE;
	result = mailbox_refresh(box);
	if (result == MAILBOX_OK) {
		batch_begin(&b, box);
		for (size_t i = 0; i < count; i++) {
			const struct message *m = mailbox_find(box,
			    counted[i].uid);
			if (m != NULL && !m->expunged && m->octets == 0 &&
			    counted[i].octets > 0)
				batch_sized(&b, m, counted[i].octets);
		}
		result = batch_write(&b);
		batch_drop(&b);
	}
	lock_give();
	return result;
}

enum mailbox_result mailbox_octets(struct mailbox *box, uint64_t *octets)
{
	enum mailbox_result result = MAILBOX_OK;
	struct counted counted[COUNT_AT_ONCE];
	size_t count = 0;

	if (box->unsized > 0)
		result = mailbox_load(box);
	/* Others may come in between: only writing needs the lock. */
	for (size_t i = 0; result == MAILBOX_OK && box->unsized > 0 &&
	    i < box->count; i++) {
		struct message *m = &box->messages[i];
		int fd = m->octets > 0 || m->expunged ? -1 :
		    message_open(box, m);
		if (fd >= 0) {
			counted[count++] = (struct counted){m->uid,
			    octets_count(fd)};
			close(fd);
		}
		if (count == COUNT_AT_ONCE || (i + 1 == box->count && count)) {
			result = write_counted(box, counted, count);
			count = 0;
		}
	}
	*octets = box->octets;
	return result;
}

int64_t message_saved(const struct message *m)
{
	int64_t seconds = 0;
	const char *p = m->name;

	for (; *p >= '0' && *p <= '9' && seconds < INT32_MAX * 1000LL; p++)
		seconds = seconds * 10 + (*p - '0');
	return *p == '.' ? seconds : 0;
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
