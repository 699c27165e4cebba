#include "reader.h"

#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "uidl.h"

#define POP3_TIMEOUT 120 /* s: a large mailbox on a busy disk */
#define REPLY_MAX 600    /* octets of a line of POP3; 512 by RFC 2449 4 */
#define WINDOW 50        /* questions ahead: their answers fill a buffer */
#define HEADER_MAX 65536 /* octets of a header that are looked at */

#define UNAVAILABLE "500 Cannot read the mailbox now, try later"

/* What LIST has shown: mail n is at [(n - 1) % LISTED_MAX]. */
struct list {
	struct address who; /* "": nobody's */
	uint64_t first, last;
	char uidl[LISTED_MAX][UIDL_SIZE];
};

static struct list lists[LISTS_MAX];

static struct {
	struct door *door;
	struct conn conn;
	bool broken; /* pop3d does not say what it should */
	bool inside; /* a line, in an answer of many */
} r;

void reader_begin(struct door *door)
{
	r.door = door;
}

/* A line of POP3; "" when there is none any more. */
static char *line_read(void)
{
	static char none[1];
	char *line = none;

	*none = '\0';
	if (!r.broken && conn_line(&r.conn, REPLY_MAX, &line) == LINE_OK)
		return line;
	r.broken = true;
	return none;
}

static bool ok(void)
{
	const char *line = line_read();

	if (*line != '+' && *line != '-')
		r.broken = true;
	return *line == '+';
}

static const char *session_begin(const struct address *who)
{
	int fd = door_ask(r.door, who->text);
	const char *line;

	if (fd < 0)
		return UNAVAILABLE;
	conn_open(&r.conn, fd, fd, POP3_TIMEOUT, 0);
	r.broken = r.inside = false;
	if (ok()) {
		line = line_read();
		if (*line == '+')
			return NULL;
		close(fd);
		if (strncmp(line, "-ERR [SYS/PERM]", 15) == 0)
			return "401 No such mailbox";
		if (strncmp(line, "-ERR [IN-USE]", 13) == 0)
			return "500 Mailbox in use, try later";
		return UNAVAILABLE;
	}
	close(fd);
	return UNAVAILABLE;
}

static void session_end(void)
{
	if (!r.broken) {
		conn_reply(&r.conn, "QUIT");
		ok();
	}
	close(r.conn.in);
}

/*
 * A piece of an answer of many lines, dots unstuffed: up to a line's end, but
 * for a line that fills the buffer. A mail may hold any octet.
 */
static bool piece_read(struct span *piece)
{
	struct conn *c = &r.conn;
	enum line got = LINE_OK;
	const char *lf = NULL;

	while (!r.broken) {
		piece->p = c->buf + c->start;
		piece->n = c->end - c->start;
		lf = memchr(piece->p, '\n', piece->n);
		if (lf != NULL || got == LINE_LONG)
			break;
		got = conn_fill(c, conn_due(c));
		r.broken = got != LINE_OK && got != LINE_LONG;
	}
	if (r.broken)
		return false;
	if (lf != NULL)
		piece->n = (size_t)(lf - piece->p) + 1;
	c->start += piece->n;
	if (!r.inside && *piece->p == '.') {
		if (piece->n == 3 && piece->p[1] == '\r')
			return false;
		span_skip(piece, 1);
	}
	r.inside = lf == NULL;
	return true;
}

/* Appends what comes, up to max octets. False: it was more. */
static bool text_read(struct str *to, size_t max)
{
	struct span piece;
	bool whole = true;

	while (piece_read(&piece)) {
		whole = whole && to->len + piece.n <= max;
		if (whole)
			str_add(to, piece.p, piece.n);
	}
	return whole;
}

/* Lists */

static struct list *list_find(const struct address *who)
{
	for (size_t i = 0; i < LISTS_MAX; i++)
		if (strcmp(lists[i].who.text, who->text) == 0)
			return &lists[i];
	return NULL;
}

/* Its own one again, or the one that was made longest ago. */
static struct list *list_new(const struct address *who)
{
	static size_t turn;
	struct list *l = list_find(who);

	if (l == NULL)
		l = &lists[turn++ % LISTS_MAX];
	l->who = *who;
	l->first = 1;
	l->last = 0;
	return l;
}

static char *uidl(struct list *l, uint64_t id)
{
	return l->uidl[(id - 1) % LISTED_MAX];
}

/* The next of UIDL's lines: its number, 0 behind the last. */
static uint64_t uidl_read(char **text)
{
	char *line = line_read(), *number;
	uint64_t n;

	if (strcmp(line, ".") == 0)
		return 0;
	number = text_word(&line);
	*text = text_word(&line);
	if (number != NULL && *text != NULL && strlen(*text) < UIDL_SIZE &&
	    number_parse(number, UINT32_MAX, &n) && n > 0)
		return n;
	r.broken = true;
	return 0;
}

static struct list *list_make(const struct address *who)
{
	struct list *l = list_new(who);
	uint64_t n;
	char *text;

	conn_reply(&r.conn, "UIDL");
	if (!ok())
		return l;
	while ((n = uidl_read(&text)) != 0 && n == l->last + 1) {
		strcpy(uidl(l, n), text);
		l->last = n;
	}
	if (l->last > LISTED_MAX)
		l->first = l->last - LISTED_MAX + 1;
	return l;
}

/* Its number now; 0: it is not there any more. */
static uint64_t number_of(const char *wanted)
{
	uint64_t n, found = 0;
	char *text;

	conn_reply(&r.conn, "UIDL");
	if (!ok())
		return 0;
	while ((n = uidl_read(&text)) != 0)
		if (strcmp(text, wanted) == 0)
			found = n;
	return found;
}

const char *reader_list(const struct address *who, size_t *count,
    void (*line)(uint64_t, struct span))
{
	const char *why = session_begin(who);
	struct str header = {0};
	struct list *l;
	uint64_t asked;

	if (why != NULL)
		return why;
	l = list_make(who);
	*count = l->last;
	asked = l->first;
	for (uint64_t id = l->first; id <= l->last && !r.broken; id++) {
		for (; asked <= l->last && asked < id + WINDOW; asked++)
			conn_reply(&r.conn, "TOP %u 0", (unsigned)asked);
		if (!ok())
			continue; /* somebody has removed it */
		str_clear(&header);
		text_read(&header, HEADER_MAX);
		line(id, (struct span){header.p, header.len});
	}
	str_free(&header);
	session_end();
	if (!r.broken)
		return NULL;
	l->who = (struct address){0};
	return UNAVAILABLE;
}

const char *reader_get(const struct address *who, uint64_t id,
    struct str *mail, bool *whole)
{
	const char *why = session_begin(who);
	struct list *l = list_find(who);
	bool found = false;
	uint64_t n;

	if (why != NULL)
		return why;
	if (l == NULL)
		l = list_make(who);
	n = id < l->first || id > l->last ? 0 : number_of(uidl(l, id));
	if (n != 0 && !r.broken) {
		conn_reply(&r.conn, "RETR %u", (unsigned)n);
		found = ok();
	}
	if (found)
		*whole = text_read(mail, SHOWN_MAX);
	session_end();
	return r.broken ? UNAVAILABLE : found ? NULL : NO_MAIL;
}
