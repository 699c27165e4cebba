#include "entry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define PATH_MAX_HERE 128 /* "spool/queue/" and an id */

void id_derive(char id[ID_SIZE], const char *from, const char *what)
{
	/* A prefix of a name is another's: never cut one. */
	if ((size_t)snprintf(id, ID_SIZE, "%s-%s", from, what) >= ID_SIZE)
		id_make(id);
}

/* The envelope: lines in the order of the format, each read once. */

struct head {
	struct entry *entry;
	char *rest;   /* of the text */
	char *line;   /* the one at hand */
	const char *text;
};

static enum entry_result damaged(struct entry *e, const char *why)
{
	e->why = why;
	return ENTRY_DAMAGED;
}

static void next(struct head *h)
{
	h->line = text_line(&h->rest);
}

/* The value, if the line begins with that word; then goes on. */
static char *value(struct head *h, const char *word)
{
	size_t n = strlen(word);
	char *found = h->line;

	if (found == NULL || strncmp(found, word, n) != 0 ||
	    (found[n] != ' ' && found[n] != '\0'))
		return NULL;
	next(h);
	return found + n + (found[n] == ' ');
}

/* Controls would go into commands and reports: nothing of ours has any. */
static bool clean(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

/* "<address>" at *p; ends it, and moves *p behind. */
static char *address(char **p)
{
	struct address a;
	const char *end = *p;
	char *start = *p + 1;

	if (address_path(&end, &a) != ADDRESS_OK || end[-1] != '>' ||
	    !clean(*p))
		return NULL;
	*p += end - *p;
	(*p)[-1] = '\0';
	return strcmp(start, a.text) == 0 ? start : NULL;
}

static bool notify(char *words, unsigned *bits)
{
	static const char *const names[] = {
		"NEVER", "SUCCESS", "FAILURE", "DELAY",
	};

	*bits = 0;
	for (char *word; (word = strsep(&words, ",")) != NULL;) {
		size_t i = 0;
		while (i < 4 && strcmp(word, names[i]) != 0)
			i++;
		if (i == 4)
			return false;
		*bits |= 1u << i;
	}
	return true;
}

static bool recipient(struct entry *e, char *line, const char *text)
{
	struct envelope *v = &e->envelope;
	struct recipient r = {.status = *line, .orcpt = ""};
	size_t at = (size_t)(line - text);
	char *p = line + 2, *word;

	if (*line == '\0' || strchr(".dsf+", *line) == NULL || line[1] != ' ' ||
	    v->rcpts == RECIPIENTS_MAX ||
	    (r.address = address(&p)) == NULL || *r.address == '\0')
		return false;
	while ((word = text_word(&p)) != NULL) {
		if (strncmp(word, "notify=", 7) == 0) {
			if (!notify(word + 7, &r.notify))
				return false;
		} else if (strncmp(word, "orcpt=", 6) == 0 &&
		    strlen(word + 6) < ORCPT_SIZE) {
			r.orcpt = word + 6;
		} else {
			return false;
		}
	}
	e->status_at = pool_grow(&e->pool, e->status_at, v->rcpts,
	    sizeof *e->status_at);
	e->status_at[v->rcpts] = at;
	v->rcpt = pool_grow(&e->pool, v->rcpt, v->rcpts, sizeof *v->rcpt);
	v->rcpt[v->rcpts++] = r;
	return true;
}

static enum entry_result parse(struct entry *e, char *text)
{
	struct envelope *v = &e->envelope;
	struct head h = {.entry = e, .rest = text, .text = text};
	uint64_t n;
	char *s, *sender;

	next(&h);
	if ((s = value(&h, "pennypost-queue")) == NULL || strcmp(s, "1") != 0)
		return damaged(e, "not pennypost-queue 1");
	if ((s = value(&h, "id")) == NULL)
		return damaged(e, "no id");
	if (strcmp(s, e->id) != 0)
		return damaged(e, "a copy under another name");
	if ((s = value(&h, "arrived")) == NULL ||
	    !number_parse(s, INT64_MAX, &n))
		return damaged(e, "no arrival");
	e->arrived = (int64_t)n;
	if ((s = value(&h, "size")) == NULL ||
	    !number_parse(s, (uint64_t)1 << 50, &e->size))
		return damaged(e, "no size");
	if ((s = value(&h, "body")) != NULL) {
		if (strcmp(s, "8bitmime") != 0)
			return damaged(e, "bad body");
		v->eightbit = true;
	}
	if ((s = value(&h, "smtputf8")) != NULL) {
		if (*s != '\0')
			return damaged(e, "bad smtputf8");
		v->utf8 = true;
	}
	if ((s = value(&h, "ret")) != NULL) {
		if (strcmp(s, "full") != 0 && strcmp(s, "hdrs") != 0)
			return damaged(e, "bad ret");
		v->ret = *s == 'f' ? 'F' : 'H';
	}
	if ((s = value(&h, "envid")) != NULL) {
		if (strlen(s) >= ENVID_SIZE || !clean(s))
			return damaged(e, "bad envid");
		strcpy(v->envid, s);
	}
	if ((s = value(&h, "from")) == NULL || (sender = address(&s)) == NULL ||
	    *s != '\0')
		return damaged(e, "bad sender");
	strcpy(v->sender, sender);
	while ((s = value(&h, "to")) != NULL)
		if (!clean(s) || !recipient(e, s, text))
			return damaged(e, "bad recipient");
	if (v->rcpts == 0 || h.line == NULL || *h.line != '\0')
		return damaged(e, "the envelope does not end");
	return ENTRY_OK;
}

/* The envelope's text, up to and with its blank line, in the pool. */
static char *head_read(struct entry *e)
{
	size_t room = 2048, len = 0;
	char *text = NULL, *end = NULL;

	while (end == NULL && room <= ENTRY_HEAD_MAX) {
		char *larger = pool_take(&e->pool, room + 1);
		if (len > 0)
			memcpy(larger, text, len);
		text = larger;
		ssize_t n = pread(e->fd, text + len, room - len, (off_t)len);
		if (n < 0)
			return NULL;
		len += (size_t)n;
		text[len] = '\0';
		end = strstr(text, "\n\n");
		if (n == 0)
			break;
		room *= 4;
	}
	errno = 0;
	if (end == NULL)
		return NULL;
	end[2] = '\0';
	e->message_at = (size_t)(end + 2 - text);
	return text;
}

static enum entry_result unreadable(struct entry *e)
{
	if (errno == ENOENT)
		return ENTRY_GONE;
	if (errno == ELOOP || errno == ENXIO || errno == EISDIR)
		return damaged(e, "not a file");
	return ENTRY_LATER;
}

static enum entry_result open_as(struct entry *e, const char *dir,
    const char *id, int access)
{
	char path[PATH_MAX_HERE], *text;
	enum entry_result result;
	struct stat st;

	memset(e, 0, sizeof *e);
	e->envelope.pool = &e->pool;
	e->envelope.open = true;
	snprintf(e->id, sizeof e->id, "%s", id);
	e->fd = -1;
	if (!id_valid(id))
		return damaged(e, "its name is no id");
	snprintf(path, sizeof path, "%s/%s", dir, id);
	e->fd = open(path, access | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (e->fd < 0 || fstat(e->fd, &st) != 0)
		return unreadable(e);
	if (!S_ISREG(st.st_mode))
		return damaged(e, "not a file");
	e->due = st.st_mtime;
	text = head_read(e);
	if (text == NULL)
		return errno != 0 ? ENTRY_LATER :
		    damaged(e, "the envelope does not end");
	result = parse(e, text);
	if (result == ENTRY_OK && (uint64_t)st.st_size < e->message_at + e->size)
		return damaged(e, "shorter than it says");
	return result;
}

enum entry_result entry_open(struct entry *e, const char *dir, const char *id)
{
	return open_as(e, dir, id, O_RDWR);
}

enum entry_result entry_look(struct entry *e, const char *dir, const char *id)
{
	return open_as(e, dir, id, O_RDONLY);
}

void entry_close(struct entry *e)
{
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
	str_free(&e->answers);
	pool_reset(&e->pool);
}

bool entry_waits(const struct recipient *r)
{
	return r->status == QUEUE_WAITING || r->status == QUEUE_DELAYED;
}

/*
 * Locks of the open file description: they end with it, and not, as those of
 * fcntl's first kind, with whatever descriptor of the file is closed first.
 */
static bool lock(struct entry *e, short type, size_t at, size_t n)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET,
	    .l_start = (off_t)at, .l_len = (off_t)n};

	return fcntl(e->fd, F_OFD_SETLK, &l) == 0;
}

bool entry_busy(const struct entry *e)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET,
	    .l_len = (off_t)e->message_at};

	return fcntl(e->fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

static bool status_read(struct entry *e, size_t i)
{
	return pread(e->fd, &e->envelope.rcpt[i].status, 1,
	    (off_t)e->status_at[i]) == 1;
}

bool entry_lock(struct entry *e, size_t i)
{
	return lock(e, F_WRLCK, e->status_at[i], 1) && status_read(e, i);
}

void entry_unlock(struct entry *e, size_t i)
{
	lock(e, F_UNLCK, e->status_at[i], 1);
}

bool entry_lock_all(struct entry *e)
{
	struct envelope *v = &e->envelope;
	size_t from = e->status_at[0];
	size_t n = e->status_at[v->rcpts - 1] + 1 - from;
	char *text;

	if (!lock(e, F_WRLCK, 0, e->message_at))
		return false;
	text = pool_take(&e->pool, n);
	if (pread(e->fd, text, n, (off_t)from) != (ssize_t)n)
		return false;
	for (size_t i = 0; i < v->rcpts; i++)
		v->rcpt[i].status = text[e->status_at[i] - from];
	return true;
}

bool entry_mark(struct entry *e, size_t i, enum queue_status status)
{
	char byte = (char)status;

	errno = EIO;
	if (pwrite(e->fd, &byte, 1, (off_t)e->status_at[i]) != 1)
		return false;
	e->envelope.rcpt[i].status = byte;
	return true;
}

bool entry_sync(struct entry *e)
{
	return fdatasync(e->fd) == 0;
}

enum queue_status entry_success(const struct recipient *r)
{
	return (r->notify & NOTIFY_SUCCESS) != 0 ? QUEUE_DELIVERED : QUEUE_DONE;
}

ssize_t entry_read(const struct entry *e, uint64_t *at, char *p, size_t n)
{
	ssize_t got;

	if (n > e->size - *at)
		n = e->size - *at;
	do
		got = pread(e->fd, p, n, (off_t)(e->message_at + *at));
	while (got < 0 && errno == EINTR);
	if (got > 0)
		*at += (uint64_t)got;
	else if (got == 0 && n > 0) {
		errno = EIO; /* it was longer when we opened it */
		got = -1;
	}
	return got;
}

/* After a blank line: what is there may be half a line since a crash. */
static void note_begin(struct entry *e)
{
	if (e->answers.len == 0)
		str_puts(&e->answers, "\n");
}

void entry_had_add(struct entry *e, const char *place)
{
	note_begin(e);
	str_printf(&e->answers, "had %s\n", place);
}

void entry_answer_add(struct entry *e, size_t i, const char *mta,
    const char *reply)
{
	note_begin(e);
	str_printf(&e->answers, "answer %" PRId64 " %zu %s %s\n",
	    (int64_t)time(NULL), i, mta, reply);
}

static off_t message_end(const struct entry *e)
{
	return (off_t)(e->message_at + e->size);
}

static bool append(struct entry *e, const char *p, size_t n, off_t at)
{
	ssize_t done;

	errno = 0;
	done = pwrite(e->fd, p, n, at);
	if (done == (ssize_t)n)
		return true;
	if (errno == 0)
		errno = ENOSPC;
	if (done > 0) {
		int saved = errno;
		if (ftruncate(e->fd, at) != 0)
			warn("queue id=%s: %s", e->id, strerror(errno));
		errno = saved;
	}
	return false;
}

/* Only the last answer for each recipient, when there are very many. */
static bool answers_rewrite(struct entry *e)
{
	struct answer *all = entry_answers(e);
	struct str text = {0};
	const char **had;
	size_t count;
	bool done;

	str_puts(&text, "\n");
	had = entry_had(e, &count);
	for (size_t i = 0; i < count; i++)
		str_printf(&text, "had %s\n", had[i]);
	for (size_t i = 0; i < e->envelope.rcpts; i++)
		if (all[i].reply != NULL)
			str_printf(&text, "answer %" PRId64 " %zu %s %s\n",
			    all[i].when, i, all[i].mta, all[i].reply);
	/* A crash in between loses what was said, and nothing else. */
	done = ftruncate(e->fd, message_end(e)) == 0 &&
	    append(e, text.p, text.len, message_end(e));
	str_free(&text);
	return done;
}

bool entry_answers_write(struct entry *e)
{
	struct stat st;
	bool done;

	if (e->answers.len == 0)
		return true;
	if (fstat(e->fd, &st) != 0)
		return false;
	done = st.st_size - message_end(e) + (off_t)e->answers.len <=
	    (off_t)ENTRY_ANSWERS_MAX ?
	    append(e, e->answers.p, e->answers.len, st.st_size) :
	    answers_rewrite(e);
	if (done)
		str_clear(&e->answers);
	return done;
}

static void answer_parse(struct answer *all, size_t count, char *line)
{
	const char *word = text_word(&line), *when = text_word(&line);
	const char *index = text_word(&line), *mta = text_word(&line);
	uint64_t seconds, i;

	if (mta == NULL || strcmp(word, "answer") != 0 || *line == '\0' ||
	    !number_parse(when, INT64_MAX, &seconds) ||
	    !number_parse(index, count - 1, &i))
		return; /* a line that a crash cut */
	all[i] = (struct answer){(int64_t)seconds, mta, line};
}

/* What is behind the message, and what is noted, in the pool. */
static char *answers_text(struct entry *e)
{
	size_t room = 0, len = 0;
	struct stat st;
	ssize_t n;
	char *text;

	if (fstat(e->fd, &st) == 0 && st.st_size > message_end(e))
		room = (size_t)(st.st_size - message_end(e));
	if (room > 2 * ENTRY_ANSWERS_MAX)
		room = 2 * ENTRY_ANSWERS_MAX; /* not of our making */
	text = pool_take(&e->pool, room + e->answers.len + 1);
	while (len < room && (n = pread(e->fd, text + len, room - len,
	    message_end(e) + (off_t)len)) > 0)
		len += (size_t)n;
	for (char *p = text; p < text + len; p++)
		if (*p == '\0')
			*p = '\n'; /* a hole that a power cut left */
		else if (((unsigned char)*p < ' ' && *p != '\n') || *p == 0x7f)
			*p = ' '; /* it is for reports and logs */
	if (e->answers.len > 0)
		memcpy(text + len, e->answers.p, e->answers.len);
	text[len + e->answers.len] = '\0';
	return text;
}

struct answer *entry_answers(struct entry *e)
{
	size_t count = e->envelope.rcpts;
	struct answer *all = pool_take(&e->pool, count * sizeof *all);
	char *rest = answers_text(e), *line;

	memset(all, 0, count * sizeof *all);
	while ((line = text_line(&rest)) != NULL)
		answer_parse(all, count, line);
	return all;
}

const char **entry_had(struct entry *e, size_t *count)
{
	char *rest = answers_text(e), *line;
	const char **all = NULL;

	*count = 0;
	while ((line = text_line(&rest)) != NULL) {
		if (strncmp(line, "had ", 4) != 0)
			continue;
		all = pool_grow(&e->pool, all, *count, sizeof *all);
		all[(*count)++] = line + 4;
	}
	return all;
}

bool entry_due(struct entry *e, int64_t due)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
	    {.tv_sec = (time_t)due}};

	e->due = due;
	return futimens(e->fd, times) == 0;
}
