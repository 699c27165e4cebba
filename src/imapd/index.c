#include "index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "load.h"
#include "lock.h"
#include "log.h"
#include "record.h"
#include "text.h"
#include "window.h"

#define NAME "pennypost-index"
#define NAME_NEW "pennypost-index.new" /* of a compaction */
/* Raised by who changes it, or how texts are decoded or folded. */
#define FORMAT 6u
#define ORDER 0x01020304u
#define INDEX_MAX ((uint64_t)8 << 30) /* octets; slot.at times 8 */
#define PENDING_MAX (4u << 20) /* octets that are not written yet: what is
                                  written at once has the headers together */
#define DEAD_ALLOWED 1000 /* records; fewer do not matter */

struct head {
	char magic[8];
	uint32_t format, order;
	uint32_t uidvalidity;
	uint32_t libc; /* signatures are folded by its tables of letters */
};

#ifdef __GLIBC__
#define LIBC (__GLIBC__ * 1000u + __GLIBC_MINOR__)
#else
#define LIBC 0u
#endif

static const char MAGIC[8] = "pennyidx";

/* Where a message's record is: its offset, divided by 8. */
#define PENDING 0x80000000u /* in the memory of what is to be written */

struct slot {
	uint32_t uid;
	uint32_t at; /* 0: not known (of) */
};

struct index {
	struct mailbox *box;
	int fd; /* -1: there is no file */
	struct stat st;
	bool looked, bad_head;
	/* Ascending by UID: all that there were since it was opened. */
	struct slot *slots;
	size_t count, room, last;
	/* What has been looked through, and how many records that were. */
	uint64_t scanned, records;
	struct window headers, wholes;
	struct str pending, large; /* records, as record_make() has them */
};

struct index *index_open(struct mailbox *box)
{
	struct index *x = xrealloc(NULL, sizeof *x);

	*x = (struct index){.box = box, .fd = -1};
	return x;
}

/* The file */

static bool path_of(const struct index *x, const char *name,
    char path[FILE_PATH_SIZE])
{
	return snprintf(path, FILE_PATH_SIZE, "%s/%s", x->box->path, name) <
	    FILE_PATH_SIZE;
}

static void forget_file(struct index *x)
{
	if (x->fd >= 0)
		close(x->fd);
	x->fd = -1;
	x->bad_head = false;
	x->scanned = sizeof(struct head);
	x->records = 0;
	x->headers.n = x->wholes.n = 0;
	for (size_t i = 0; i < x->count; i++)
		if ((x->slots[i].at & PENDING) == 0)
			x->slots[i].at = 0;
}

static bool head_fits(const struct index *x)
{
	struct head h;

	return pread(x->fd, &h, sizeof h, 0) == (ssize_t)sizeof h &&
	    memcmp(h.magic, MAGIC, sizeof MAGIC) == 0 && h.format == FORMAT &&
	    h.order == ORDER && h.libc == LIBC &&
	    h.uidvalidity == x->box->uidvalidity;
}

/* The file that is there now, and how long it is; another one is read anew. */
static void look(struct index *x)
{
	char path[FILE_PATH_SIZE];
	struct stat st;

	x->looked = true;
	if (!path_of(x, NAME, path) || stat(path, &st) != 0) {
		forget_file(x);
		return;
	}
	if (x->fd >= 0 && st.st_ino == x->st.st_ino &&
	    st.st_dev == x->st.st_dev && (uint64_t)st.st_size >= x->scanned &&
	    !x->bad_head) {
		x->st = st;
		return;
	}
	forget_file(x);
	x->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (x->fd < 0 || fstat(x->fd, &x->st) != 0) {
		warn("%s: %s", safe(path), strerror(errno));
		forget_file(x);
		return;
	}
	x->bad_head = !head_fits(x);
}

/* The record that begins there; its header's texts may be damaged. */
static const char *record_at(struct index *x, uint64_t offset, size_t *n)
{
	struct window *w = &x->headers;
	const char *p = window_at(w, x->fd, offset, sizeof(struct record));

	if (p == NULL || record_next(p, sizeof(struct record)) == 0)
		return NULL;
	*n = record_header_length((const void *)p);
	return *n <= RECORD_MAX ? window_at(w, x->fd, offset, *n) : NULL;
}

/* Slots */

static void slots_extend(struct index *x)
{
	const struct mailbox *box = x->box;
	uint32_t next = x->count > 0 ? x->slots[x->count - 1].uid + 1 : 1;

	for (size_t i = mailbox_at(box, next); i < box->count; i++) {
		if (x->count == x->room) {
			x->room = x->room > 0 ? x->room * 2 : box->count + 8;
			x->slots = xrealloc(x->slots,
			    x->room * sizeof *x->slots);
		}
		x->slots[x->count++] = (struct slot){box->messages[i].uid, 0};
	}
}

/* NULL: there is no such message. The next one's is where it is looked for. */
static struct slot *slot_find(struct index *x, uint32_t uid)
{
	size_t low = 0, high = x->count;

	if (x->last + 1 < x->count && x->slots[x->last + 1].uid == uid)
		return &x->slots[++x->last];
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (x->slots[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == x->count || x->slots[low].uid != uid)
		return NULL;
	x->last = low;
	return &x->slots[low];
}

/* The next record of the file. False: there is none, or what is no record. */
static bool scan(struct index *x)
{
	const char *p;
	struct slot *slot;
	struct record r;
	size_t n, last = x->last;

	if (x->fd < 0 || x->bad_head ||
	    x->scanned + sizeof r > (uint64_t)x->st.st_size)
		return false;
	p = window_at(&x->headers, x->fd, x->scanned, sizeof r);
	n = p != NULL ? record_next(p, sizeof r) : 0;
	if (n == 0 || x->scanned + n > (uint64_t)x->st.st_size)
		return false;
	memcpy(&r, p, sizeof r);
	slot = slot_find(x, r.uid);
	if (slot != NULL && (slot->at & PENDING) == 0)
		slot->at = (uint32_t)(x->scanned / RECORD_ALIGN);
	x->last = last;
	x->scanned += n;
	x->records++;
	return true;
}

/* Reading */

/* Texts of the whole message; a record that is pending has them behind it. */
static const char *whole_at(struct index *x, const struct slot *slot,
    const struct record *r)
{
	size_t n = record_whole_length(r);

	if ((slot->at & PENDING) != 0)
		return (const char *)r + r->whole;
	return n > RECORD_MAX ? NULL : window_at(&x->wholes, x->fd,
	    (uint64_t)slot->at * RECORD_ALIGN + r->whole, n);
}

/* NULL: it is damaged, not so deep, or another's. */
static const struct record *read_slot(struct index *x, const struct slot *slot,
    const struct message *m, enum depth depth, struct summary *s)
{
	uint64_t at = (uint64_t)(slot->at & ~PENDING) * RECORD_ALIGN;
	const struct record *r;
	const char *p, *whole;
	size_t n;

	if ((slot->at & PENDING) != 0) {
		p = x->pending.p + at;
		n = x->pending.len - at;
	} else {
		p = x->fd >= 0 ? record_at(x, at, &n) : NULL;
	}
	if (p == NULL || !record_read(p, n, m, s))
		return NULL;
	r = (const void *)p;
	if (depth > DEPTH_HEADER && (r->depth < depth ||
	    (whole = whole_at(x, slot, r)) == NULL ||
	    !record_read_whole(r, whole, s)))
		return NULL;
	return r;
}

/* Where it is known, or is still to be found. */
static bool find(struct index *x, struct slot *slot, const struct message *m,
    struct summary *s, enum depth depth)
{
	for (;;) {
		while (slot->at == 0)
			if (!scan(x))
				return false;
		if (read_slot(x, slot, m, depth, s) != NULL)
			return true;
		slot->at = 0; /* it is not believed; perhaps a later one */
	}
}

static bool build(struct index *x, struct slot *slot, struct message *m,
    struct summary *s, enum depth depth)
{
	struct span text = {NULL, 0};
	struct str *to = &x->pending;
	const struct record *r;
	size_t from;

	if (x->pending.len > PENDING_MAX) {
		index_flush(x);
		x->looked = true; /* we have, then */
	}
	if (!(depth > DEPTH_HEADER ? load : load_header)(x->box, m, &text))
		return false;
	from = to->len;
	record_make(to, m, text, load_date(), depth);
	if (slot != NULL && to->len - from <= RECORD_MAX) {
		slot->at = PENDING | (uint32_t)(from / RECORD_ALIGN);
		return read_slot(x, slot, m, depth, s) != NULL;
	}
	str_clear(&x->large);
	str_add(&x->large, to->p + from, to->len - from);
	to->len = from;
	r = (const void *)x->large.p;
	return record_read(x->large.p, x->large.len, m, s) &&
	    (depth == DEPTH_HEADER ||
	    record_read_whole(r, x->large.p + r->whole, s));
}

bool index_get(struct index *x, struct message *m, enum depth depth,
    struct summary *s)
{
	struct slot *slot;

	if (x->count == 0 || m->uid > x->slots[x->count - 1].uid)
		slots_extend(x);
	slot = slot_find(x, m->uid);
	if (slot != NULL && find(x, slot, m, s, depth))
		return true;
	if (slot != NULL && !x->looked) {
		look(x);
		if (find(x, slot, m, s, depth))
			return true;
	}
	return build(x, slot, m, s, depth);
}

void index_get_known(struct index *x, const struct message *m,
    struct summary *s)
{
	const struct slot *slot = slot_find(x, m->uid);
	const struct record *r = slot != NULL && slot->at != 0 ?
	    read_slot(x, slot, m, DEPTH_HEADER, s) : NULL;
	const char *whole = r != NULL && r->depth > DEPTH_HEADER ?
	    whole_at(x, slot, r) : NULL;

	if (whole != NULL)
		record_read_whole(r, whole, s);
}

/* Writing */

static bool write_all(int fd, const char *p, size_t n, uint64_t offset)
{
	while (n > 0) {
		ssize_t done = pwrite(fd, p, n, (off_t)offset);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
		offset += (uint64_t)done;
	}
	return true;
}

static bool write_head(int fd, uint32_t uidvalidity)
{
	struct head h = {.format = FORMAT, .order = ORDER,
	    .uidvalidity = uidvalidity, .libc = LIBC};

	memcpy(h.magic, MAGIC, sizeof MAGIC);
	return write_all(fd, (const char *)&h, sizeof h, 0);
}

/* A file to append to, with nothing wrong at its end. Under the lock. */
static bool prepare(struct index *x)
{
	char path[FILE_PATH_SIZE];

	look(x);
	if (x->fd < 0) {
		if (!path_of(x, NAME, path))
			return false;
		x->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		    0600);
		x->bad_head = true;
	}
	if (x->fd < 0)
		return false;
	while (scan(x))
		;
	if (x->bad_head) {
		x->bad_head = false;
		if (ftruncate(x->fd, 0) != 0 ||
		    !write_head(x->fd, x->box->uidvalidity))
			return false;
	} else if (x->scanned < (uint64_t)x->st.st_size &&
	    ftruncate(x->fd, (off_t)x->scanned) != 0) {
		return false;
	}
	return true;
}

static bool batch_write(const struct str *pending, int fd, uint64_t at)
{
	struct str batch = {0};
	bool fine;

	records_group(&batch, pending);
	fine = write_all(fd, batch.p, batch.len, at);
	str_free(&batch);
	return fine;
}

/* The slots of what was pending: in the file from `offset` on; 0: lost. */
static void settle(struct index *x, uint64_t offset)
{
	struct record r;

	for (size_t at = 0, header = 0; at < x->pending.len;
	    at += r.next, header += r.whole) {
		struct slot *slot;
		memcpy(&r, x->pending.p + at, sizeof r);
		slot = slot_find(x, r.uid);
		if (slot != NULL && slot->at ==
		    (PENDING | (uint32_t)(at / RECORD_ALIGN)))
			slot->at = offset > 0 ?
			    (uint32_t)((offset + header) / RECORD_ALIGN) : 0;
		x->records += offset > 0;
	}
	str_clear(&x->pending);
}

static void append(struct index *x)
{
	uint64_t at;

	if (!prepare(x) || x->scanned + x->pending.len > INDEX_MAX) {
		settle(x, 0);
		return;
	}
	at = x->scanned;
	if (!batch_write(&x->pending, x->fd, at)) {
		warn("%s/" NAME ": %s", safe(x->box->path), strerror(errno));
		if (ftruncate(x->fd, (off_t)at) != 0)
			look(x);
		settle(x, 0);
		return;
	}
	x->scanned = at + x->pending.len;
	settle(x, at);
	fstat(x->fd, &x->st);
}

/* Records that some message has. */
static size_t living(const struct index *x)
{
	size_t n = 0;

	for (size_t i = 0, k = 0; i < x->box->count; i++) {
		uint32_t uid = x->box->messages[i].uid;
		while (k < x->count && x->slots[k].uid < uid)
			k++;
		n += k < x->count && x->slots[k].at != 0 &&
		    x->slots[k].uid == uid;
	}
	return n;
}

/* One copied to x->pending, to all of its depth. */
static void copy_record(struct index *x, const struct slot *slot,
    const struct message *m)
{
	struct summary s;
	const struct record *r = read_slot(x, slot, m, DEPTH_HEADER, &s);
	const char *whole = r != NULL ? whole_at(x, slot, r) : NULL;
	struct record copy;

	if (whole == NULL)
		return;
	copy = *r;
	copy.whole = (uint32_t)record_header_length(r);
	copy.next = copy.whole + (uint32_t)record_whole_length(r);
	str_add(&x->pending, &copy, sizeof copy);
	str_add(&x->pending, r + 1, copy.whole - sizeof copy);
	str_add(&x->pending, whole, copy.next - copy.whole);
}

/* Those copied to another file, in the order of their UIDs. */
static bool copy_living(struct index *x, int to)
{
	uint64_t at = sizeof(struct head);
	bool fine = true;

	for (size_t i = 0; i < x->box->count && fine; i++) {
		struct message *m = &x->box->messages[i];
		struct slot *slot = slot_find(x, m->uid);
		if (slot != NULL && slot->at != 0)
			copy_record(x, slot, m);
		if (x->pending.len > PENDING_MAX) {
			fine = batch_write(&x->pending, to, at);
			at += x->pending.len;
			str_clear(&x->pending);
		}
	}
	fine = fine && batch_write(&x->pending, to, at);
	str_clear(&x->pending);
	return fine;
}

static void compact(struct index *x)
{
	char path[FILE_PATH_SIZE], name[FILE_PATH_SIZE];
	bool fine;
	int fd;

	if (!path_of(x, NAME_NEW, path) || !path_of(x, NAME, name))
		return;
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd < 0)
		return;
	fine = write_head(fd, x->box->uidvalidity) && copy_living(x, fd);
	close(fd);
	if (!fine || rename(path, name) != 0)
		unlink(path);
	forget_file(x);
}

void index_flush(struct index *x)
{
	if (x->pending.len > 0) {
		if (lock_take()) {
			append(x);
			if (x->records > DEAD_ALLOWED &&
			    x->records > 2 * living(x))
				compact(x);
			lock_give();
		} else {
			settle(x, 0);
		}
	}
	x->looked = false;
	record_free();
	text_free();
	str_free(&x->pending);
	str_free(&x->large);
	window_free(&x->headers);
	window_free(&x->wholes);
}

void index_close(struct index *x)
{
	if (x == NULL)
		return;
	index_flush(x);
	if (x->fd >= 0)
		close(x->fd);
	free(x->slots);
	free(x);
	load_free();
}
