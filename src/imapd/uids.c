#include "uids.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "str.h"

#define VERSION "pennypost-uids 1"
#define TAIL 4096   /* octets: a state has 200 */
#define PIECE (1u << 20) /* octets of a new file in memory */
#define HEADER 128  /* octets that hold the first line */
#define PADDING 16  /* octets behind what is read: uids_number() looks there */
#define DURABLE "d\n"

enum mailbox_result uids_failed(const char *folder, const char *what,
    int error)
{
	warn("%s: %s: %s", safe(folder), what, strerror(error));
	return error == ENOSPC || error == EDQUOT ? MAILBOX_FULL :
	    MAILBOX_FAILED;
}

static void journal_path(const char *folder, const char *suffix,
    char path[FILE_PATH_SIZE + 32])
{
	snprintf(path, FILE_PATH_SIZE + 32, "%s/%s%s", folder, UIDS_FILE,
	    suffix);
}

static void reserve(struct lines *l, size_t more)
{
	if (l->len + more <= l->room)
		return;
	l->room = 2 * l->room + more + 4096; /* untouched, it costs nothing */
	l->p = xrealloc(l->p, l->room);
}

void lines_add(struct lines *l, const void *p, size_t n)
{
	reserve(l, n + PADDING);
	octets_copy(l->p + l->len, p, n);
	l->len += n;
}

void lines_printf(struct lines *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	reserve(l, 512 + PADDING); /* no line of ours is longer */
	va_start(ap, fmt);
	n = vsnprintf(l->p + l->len, l->room - l->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->len += (size_t)n;
}

void lines_number(struct lines *l, uint64_t n)
{
	char text[21], *p = text + sizeof text;

	*--p = ' ';
	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	lines_add(l, p, (size_t)(text + sizeof text - p));
}

/*
 * Eight digits at once: pairs, then fours, then the whole, each by a multiply.
 * Most of what loading costs are numbers.
 */
static bool eight_digits(const char *p, uint64_t *n)
{
	uint64_t x;

	memcpy(&x, p, sizeof x);
	x = le64toh(x);
	if ((x & (x + 0x0606060606060606u) & 0xf0f0f0f0f0f0f0f0u) !=
	    0x3030303030303030u)
		return false;
	x &= 0x0f0f0f0f0f0f0f0fu;
	x = (x * 10 + (x >> 8)) & 0x00ff00ff00ff00ffu;
	x = (x * 100 + (x >> 16)) & 0x0000ffff0000ffffu;
	*n = (x * 10000 + (x >> 32)) & 0xffffffffu;
	return true;
}

const char *uids_number(const char *p, uint64_t *out)
{
	const char *begin = p;
	uint64_t n = 0, eight;

	/* The text has octets enough behind any number: uids_read(). */
	for (; p - begin <= 8 && eight_digits(p, &eight); p += 8)
		n = n * 100000000 + eight;
	for (; *p >= '0' && *p <= '9'; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	if (p == begin || p - begin > 19 ||
	    (*p != ' ' && *p != '\n' && *p != '\0'))
		return NULL;
	*out = n;
	return p + 1;
}

#define STATE_NUMBERS 12

/* `s` or `S`, and all the numbers. */
static bool state_parse(const char *line, struct state *s)
{
	uint64_t n[STATE_NUMBERS];
	const char *p = line + 2;

	if ((*line != 's' && *line != 'S') || line[1] != ' ')
		return false;
	for (size_t i = 0; i < STATE_NUMBERS; i++) {
		p = uids_number(p, &n[i]);
		if (p == NULL || (p[-1] == '\n') != (i + 1 == STATE_NUMBERS))
			return false;
	}
	if (n[0] == 0 || n[0] > UINT32_MAX || n[1] > UINT32_MAX)
		return false;
	*s = (struct state){
		.uidnext = (uint32_t)n[0], .first_recent = (uint32_t)n[1],
		.modseq = n[2], .exists = n[3], .unseen = n[4],
		.deleted = n[5], .unsized = n[6], .octets = n[7],
		.cur = {(int64_t)n[8], (int64_t)n[9]},
		.new = {(int64_t)n[10], (int64_t)n[11]},
	};
	return true;
}

static void state_print(struct lines *l, const struct state *s, char kind)
{
	lines_printf(l, "%c %" PRIu32 " %" PRIu32 " %" PRIu64
	    " %zu %zu %zu %zu %" PRIu64
	    " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", kind,
	    s->uidnext, s->first_recent, s->modseq, s->exists, s->unseen,
	    s->deleted, s->unsized, s->octets, s->cur.mtime, s->cur.time,
	    s->new.mtime, s->new.time);
}

/* 0, or errno. */
static int read_all(int fd, char *p, size_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t got = pread(fd, p, n, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? errno : EIO;
		p += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

static int write_all(int fd, const char *p, size_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t put = pwrite(fd, p, n, (off_t)at);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? errno : EIO;
		p += put;
		at += (uint64_t)put;
		n -= (size_t)put;
	}
	return 0;
}

bool uids_read(struct uids *u, uint64_t from, uint64_t to, struct lines *l)
{
	size_t n = (size_t)(to - from);
	int error;

	*l = (struct lines){.p = malloc(n + PADDING), .len = n,
	    .room = n + PADDING};
	error = l->p == NULL ? ENOMEM : read_all(u->fd, l->p, n, from);
	if (error == 0) {
		memset(l->p + n, 0, PADDING);
		return true;
	}
	warn("%s: %s", UIDS_FILE, strerror(error));
	free(l->p);
	*l = (struct lines){0};
	return false;
}

/*
 * The last state in a text that is terminated; end: what is behind it, NULL
 * when there is no state. A line counts when its newline is there.
 */
static const char *state_last(const char *text, size_t n, struct state *s)
{
	const char *end = text + n, *line, *next = NULL;

	while ((end = memrchr(text, '\n', (size_t)(end - text))) != NULL) {
		line = memrchr(text, '\n', (size_t)(end - text));
		if (line == NULL)
			return NULL;
		next = end + 1;
		if (state_parse(line + 1, s))
			return next;
	}
	return NULL;
}

/* Writes down that all before u->end is on the disk, after making it so. */
static int settle(struct uids *u)
{
	if (fdatasync(u->fd) != 0)
		return errno;
	if (write_all(u->fd, DURABLE, strlen(DURABLE), u->end) == 0)
		u->end += strlen(DURABLE);
	return 0;
}

/* The state that the first `size` octets of the file end with. */
static int tail_read(struct uids *u, uint64_t size)
{
	struct lines l = {0};
	uint64_t window = TAIL;
	const char *next;
	bool sure, durable;

	for (;; window *= 16) {
		uint64_t from = size > window ? size - window : 0;
		if (!uids_read(u, from, size, &l))
			return EIO;
		next = state_last(l.p, l.len, &u->state);
		if (next != NULL || from == 0)
			break;
		free(l.p);
	}
	if (next != NULL) {
		const char *line = memrchr(l.p, '\n',
		    (size_t)(next - 1 - l.p));
		sure = line[1] == 's';
		durable = strncmp(next, DURABLE, strlen(DURABLE)) == 0;
		if (durable)
			next += strlen(DURABLE);
		u->end = size - (uint64_t)(l.p + l.len - next);
	}
	free(l.p);
	if (next == NULL)
		return EINVAL;
	/* A torn batch: whoever wrote it is gone, since we have the lock. */
	if (u->end < size && ftruncate(u->fd, (off_t)u->end) != 0)
		return errno;
	return sure || durable ? 0 : settle(u);
}

/* 0; errno; EINVAL: that is no journal of ours. */
static int header_read(struct uids *u)
{
	static const char version[] = VERSION " ";
	char line[HEADER + PADDING];
	uint64_t validity;
	const char *p;
	ssize_t n;

	do
		n = pread(u->fd, line, HEADER, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	memset(line + n, 0, sizeof line - (size_t)n);
	if (strncmp(line, version, strlen(version)) != 0 ||
	    (p = uids_number(line + strlen(version), &validity)) == NULL ||
	    (p = uids_number(p, &u->whole)) == NULL ||
	    validity == 0 || validity > UINT32_MAX)
		return EINVAL;
	u->uidvalidity = (uint32_t)validity;
	size_t length = strcspn(p, "\n");
	if (length == 0 || length >= sizeof u->id || p[length] != '\n')
		return EINVAL;
	memcpy(u->id, p, length);
	u->id[length] = '\0';
	return 0;
}

static void forget(struct uids *u)
{
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
}

enum mailbox_result uids_open(struct uids *u, const char *folder)
{
	char path[FILE_PATH_SIZE + 32], aside[FILE_PATH_SIZE + 32];
	struct stat st;
	int error;

	journal_path(folder, "", path);
	u->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (u->fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? MAILBOX_NONE :
		    uids_failed(folder, UIDS_FILE, errno);
	if (fstat(u->fd, &st) != 0)
		error = errno;
	else if ((error = header_read(u)) == 0)
		error = tail_read(u, (uint64_t)st.st_size);
	u->device = st.st_dev;
	u->inode = st.st_ino;
	if (error == 0)
		return MAILBOX_OK;
	forget(u);
	if (error != EINVAL)
		return uids_failed(folder, UIDS_FILE, error);
	warn("%s: %s is damaged: new UIDs", safe(folder), UIDS_FILE);
	journal_path(folder, UIDS_DAMAGED, aside);
	if (rename(path, aside) != 0)
		return uids_failed(folder, aside, errno);
	return MAILBOX_NONE;
}

bool uids_changed(const struct uids *u, const char *folder)
{
	char path[FILE_PATH_SIZE + 32];
	struct stat st;

	journal_path(folder, "", path);
	return stat(path, &st) != 0 || st.st_ino != u->inode ||
	    st.st_dev != u->device || (uint64_t)st.st_size != u->end;
}

/* It has been written anew; of another folder, or of one made anew: none. */
static enum mailbox_result open_other(struct uids *u, const char *folder)
{
	struct uids other = {.fd = -1, .cur = -1};
	enum mailbox_result result = uids_open(&other, folder);

	if (result != MAILBOX_OK)
		return result;
	if (other.uidvalidity != u->uidvalidity ||
	    strcmp(other.id, u->id) != 0) {
		uids_close(&other);
		return MAILBOX_NONE;
	}
	forget(u);
	u->fd = other.fd;
	u->device = other.device;
	u->inode = other.inode;
	u->whole = other.whole;
	u->end = other.end;
	u->state = other.state;
	return MAILBOX_OK;
}

enum mailbox_result uids_refresh(struct uids *u, const char *folder,
    bool *other)
{
	char path[FILE_PATH_SIZE + 32];
	struct stat st;
	int error;

	*other = false;
	journal_path(folder, "", path);
	if (stat(path, &st) != 0)
		return errno == ENOENT || errno == ENOTDIR ? MAILBOX_NONE :
		    uids_failed(folder, UIDS_FILE, errno);
	if (st.st_ino != u->inode || st.st_dev != u->device) {
		*other = true;
		return open_other(u, folder);
	}
	if ((uint64_t)st.st_size == u->end)
		return MAILBOX_OK;
	error = tail_read(u, (uint64_t)st.st_size);
	return error == 0 ? MAILBOX_OK :
	    uids_failed(folder, UIDS_FILE, error);
}

enum mailbox_result uids_append(struct uids *u, struct lines *l,
    const struct state *s, bool sync)
{
	uint64_t begin = u->end;
	int error;

	state_print(l, s, sync ? 'S' : 's');
	error = write_all(u->fd, l->p, l->len, begin);
	if (error == 0) {
		u->end = begin + l->len;
		if (sync)
			error = settle(u);
	}
	if (error == 0) {
		u->state = *s;
		return MAILBOX_OK;
	}
	u->end = begin;
	if (ftruncate(u->fd, (off_t)begin) != 0)
		warn("%s: %s", UIDS_FILE, strerror(errno));
	return uids_failed(UIDS_FILE, "write", error);
}

/* --- A new file in the place of the old one --- */

void uids_new_begin(struct uids_new *n, struct uids *u, const char *folder)
{
	char path[FILE_PATH_SIZE + 32];

	*n = (struct uids_new){.uids = u, .folder = folder};
	journal_path(folder, ".new", path);
	n->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (n->fd < 0)
		n->error = errno;
	lines_printf(&n->lines, VERSION " %" PRIu32 " %" PRIu64 " %s\n",
	    u->uidvalidity, u->whole, u->id);
}

static void new_flush(struct uids_new *n)
{
	if (n->error == 0)
		n->error = write_all(n->fd, n->lines.p, n->lines.len, n->end);
	n->end += n->lines.len;
	n->lines.len = 0;
}

struct lines *uids_new_lines(struct uids_new *n)
{
	if (n->lines.len > PIECE)
		new_flush(n);
	return &n->lines;
}

static void new_failed(struct uids_new *n, const char *path)
{
	if (n->fd >= 0) {
		close(n->fd);
		unlink(path);
	}
}

enum mailbox_result uids_new_end(struct uids_new *n)
{
	char path[FILE_PATH_SIZE + 32], fresh[FILE_PATH_SIZE + 32];
	struct uids *u = n->uids;
	struct stat st = {0};

	journal_path(n->folder, "", path);
	journal_path(n->folder, ".new", fresh);
	state_print(&n->lines, &u->state, 's');
	new_flush(n);
	free(n->lines.p);
	if (n->error == 0 && (fsync(n->fd) != 0 || fstat(n->fd, &st) != 0 ||
	    rename(fresh, path) != 0))
		n->error = errno;
	if (n->error != 0) {
		new_failed(n, fresh);
		return uids_failed(n->folder, UIDS_FILE, n->error);
	}
	forget(u);
	u->fd = n->fd;
	u->device = st.st_dev;
	u->inode = st.st_ino;
	u->end = n->end;
	n->error = directory_sync(n->folder);
	return n->error == 0 ? MAILBOX_OK :
	    uids_failed(n->folder, "fsync", n->error);
}

void uids_close(struct uids *u)
{
	forget(u);
	if (u->cur >= 0)
		close(u->cur);
	u->cur = -1;
}
