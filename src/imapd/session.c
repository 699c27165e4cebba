#include "session.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "folders.h"
#include "names.h"

#define PROGRESS_AFTER 10000 /* ms; RFC 9585 4: some seconds are too often */

struct session session;

/* The tagged answer */

static struct str answer;
static const char *answer_kind;
static bool held;

/* Since when the client has heard nothing of this command; 0: it is new. */
static int64_t progress_last;

static void answer_set(const char *kind, const char *fmt, va_list ap)
{
	if (held)
		return;
	answer_kind = kind;
	str_clear(&answer);
	str_vprintf(&answer, fmt, ap);
}

#define ANSWER(kind) do { \
		va_list ap; \
		va_start(ap, fmt); \
		answer_set(kind, fmt, ap); \
		va_end(ap); \
	} while (0)

void ok(const char *fmt, ...)
{
	ANSWER("OK");
}

void no(const char *fmt, ...)
{
	ANSWER("NO");
}

void bad(const char *fmt, ...)
{
	ANSWER("BAD");
}

void answer_begin(void)
{
	answer_kind = NULL;
	progress_last = 0;
}

void answer_hold(bool hold)
{
	held = hold;
}

bool answer_given(void)
{
	return answer_kind != NULL;
}

bool answer_is_bad(void)
{
	return answer_kind != NULL && strcmp(answer_kind, "BAD") == 0;
}

bool answer_is_no(void)
{
	return answer_kind != NULL && strcmp(answer_kind, "NO") == 0;
}

void answer_send(const char *tag)
{
	put(tag);
	put(" ");
	put(answer_kind);
	put(" ");
	put(answer.p);
	put("\r\n");
	str_free(&answer);
}

void ok_expunged(const char *text)
{
	if (session.condstore)
		ok("[HIGHESTMODSEQ %llu] %s",
		    (unsigned long long)session.box.modseq, text);
	else
		ok("%s", text);
}

bool mailbox_fine(enum mailbox_result result)
{
	switch (result) {
	case MAILBOX_OK:
		return true;
	case MAILBOX_NONE:
		no("[NONEXISTENT] no such mailbox");
		break;
	case MAILBOX_IN_USE:
		no("[INUSE] another program has the mailbox");
		break;
	case MAILBOX_FULL:
		no("[OVERQUOTA] no room");
		break;
	case MAILBOX_FAILED:
		no("[SERVERBUG] that did not work, see the server's log");
	}
	return false;
}

/* Untagged responses */

void put(const char *text)
{
	conn_puts(&session.conn, text);
}

void put_span(struct span s)
{
	conn_write(&session.conn, s.p, s.n);
}

static char *digits_before(char *end, uint64_t n)
{
	do
		*--end = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	return end;
}

void put_number(uint64_t n)
{
	char text[20], *end = text + sizeof text, *p = digits_before(end, n);

	conn_write(&session.conn, p, (size_t)(end - p));
}

void put_next_number(char divider, uint64_t n)
{
	char text[21], *end = text + sizeof text, *p = digits_before(end, n);

	*--p = divider;
	conn_write(&session.conn, p, (size_t)(end - p));
}

void untagged(const char *fmt, ...)
{
	static struct str text;
	va_list ap;

	str_clear(&text);
	va_start(ap, fmt);
	str_vprintf(&text, fmt, ap);
	va_end(ap);
	put("* ");
	put(text.p);
	put("\r\n");
}

void session_condstore(void)
{
	if (!session.condstore && session.state == SELECTED)
		untagged("OK [HIGHESTMODSEQ %llu] is the highest",
		    (unsigned long long)session.box.modseq);
	session.condstore = true;
}

bool session_utf8(void)
{
	return session.utf8 || session.rev2;
}

/* What quotes can hold; UTF-8 where the client has asked for it (RFC 6855 3). */
static bool quotable(struct span s)
{
	bool utf8 = session_utf8();

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || s.p[i] == '\r' || s.p[i] == '\n' ||
		    ((unsigned char)s.p[i] >= 0x80 && !utf8))
			return false;
	return true;
}

void put_string(struct span s)
{
	size_t from = 0;

	if (!quotable(s)) {
		put("{");
		put_number(s.n);
		put("}\r\n");
		put_span(s);
		return;
	}
	put("\"");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '"' && s.p[i] != '\\')
			continue;
		put_span((struct span){s.p + from, i - from});
		put("\\");
		from = i;
	}
	put_span((struct span){s.p + from, s.n - from});
	put("\"");
}

#define ATOM_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
    "0123456789!#$&'+,-./:;<=>?@^_`|~"

void put_mailbox(const char *name)
{
	struct str shown = {0};

	folder_shown(&shown, name, session_utf8());
	if (shown.len > 0 && strspn(shown.p, ATOM_LETTERS) == shown.len &&
	    strcasecmp(shown.p, "NIL") != 0)
		put(shown.p);
	else
		put_string((struct span){shown.p, shown.len});
	str_free(&shown);
}

void progress(size_t done, size_t all)
{
	int64_t now = now_ms();

	if (progress_last == 0)
		progress_last = now;
	if (now - progress_last < PROGRESS_AFTER)
		return;
	progress_last = now;
	untagged("OK [INPROGRESS (\"%s\" %zu %zu)] at it", session.tag, done,
	    all);
	conn_flush(&session.conn);
}

/* Arguments */

const char *session_mailbox(void)
{
	char name[FOLDER_NAME_SIZE];
	const char *said = input_astring(&session.input), *fault;

	if (session.input.fault != NULL)
		return "";
	fault = name_read(name, said, session_utf8());
	if (fault != NULL) {
		no("[CANNOT] %s", fault);
		return "";
	}
	return pool_copy(&session.input.pool, name);
}

static uint32_t uid_of(uint32_t number)
{
	return session.box.messages[number - 1].uid;
}

bool session_set(const char *text, struct set *uids)
{
	uint32_t last = (uint32_t)session.known;
	struct set numbers = {0};
	bool fine;

	uids->count = 0;
	if (strcmp(text, "$") == 0) {
		for (size_t i = 0; i < session.saved.count; i++)
			set_add(uids, session.saved.ranges[i].first,
			    session.saved.ranges[i].last);
		return true;
	}
	if (session.uid)
		return set_parse(uids, text, last > 0 ? uid_of(last) : 0);
	fine = set_parse(&numbers, text, last) && (last == 0 ||
	    numbers.ranges[numbers.count - 1].last <= last);
	/* No UID between two neighbours is in use. */
	for (size_t i = 0; fine && last > 0 && i < numbers.count; i++)
		set_add(uids, uid_of(numbers.ranges[i].first),
		    uid_of(numbers.ranges[i].last));
	set_free(&numbers);
	return fine;
}
