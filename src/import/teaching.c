/*
 * The mailbox files of teaching systems, which are nobody's standard:
 * NAME/mymailbox (From, To, Subject, Received, the text, a lone dot) and
 * mailbox/RECIPIENT.txt (From, Date, the text, and a line of any kind between).
 * import(8) says what is taken for the border between two mails: which of the
 * two a file is does not tell.
 *
 * Where a mail says no date, it came when the file was last written. Its header
 * does not say so, since that may change from one import to the next.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "arrival.h"
#include "from.h"
#include "readers.h"
#include "span.h"
#include "str.h"
#include "stream.h"
#include "utf8.h"

#define WORD_MAX 32    /* a mark's: START_OF_MAIL is long */
#define RULE_LEAST 3   /* ---, as Markdown has it */
#define MARK_LEAST 2   /* **SOM** */

enum part { PART_ID, FROM, TO, CC, SUBJECT, DATE, PARTS };

struct text {
	const char *name, *address, *domain; /* "@example.org" */
	struct span *lines; /* without their ends */
	size_t count;
	int64_t mtime;
	size_t dividers, dividers_end; /* lines; the last that were looked at */
};

/* --- What a line is --- */

static struct span trimmed(struct span s)
{
	while (s.n > 0 && (*s.p == ' ' || *s.p == '\t'))
		span_skip(&s, 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static bool is_empty(struct span s)
{
	return trimmed(s).n == 0;
}

static bool is_dot(struct span s)
{
	return s.n > 0 && *s.p == '.' && trimmed(s).n == 1;
}

static bool is_ruler(char c)
{
	return c != '\0' && strchr("-=*_#~+<>", c) != NULL;
}

/* ---, =====, ***** */
static bool is_rule(struct span s)
{
	s = trimmed(s);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != *s.p)
			return false;
	return s.n >= RULE_LEAST && is_ruler(*s.p);
}

/* ***SOM*** and ===START_EMAIL===: 'S'; those that end a mail: 'E'; else 0. */
static char mark_of(struct span s)
{
	static const char *const starts[] = {"SOM", "START", "BEGIN"};
	static const char *const ends[] = {"EOM", "END"};
	char word[WORD_MAX];
	size_t n = 0, left = 0, right = 0;

	s = trimmed(s);
	for (; s.n > 0 && is_ruler(*s.p); left++)
		span_skip(&s, 1);
	for (; s.n > 0 && is_ruler(s.p[s.n - 1]); right++)
		s.n--;
	s = trimmed(s);
	if (left < MARK_LEAST || right < MARK_LEAST || s.n >= sizeof word)
		return 0;
	for (; s.n > 0; span_skip(&s, 1)) {
		if (*s.p != '_' && *s.p != ' ' && *s.p != '-' &&
		    !isalpha((unsigned char)*s.p))
			return 0;
		word[n++] = (char)toupper((unsigned char)*s.p);
	}
	word[n] = '\0';
	n = strcspn(word, "_ -");
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
		if (strlen(starts[i]) == n && memcmp(word, starts[i], n) == 0)
			return 'S';
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (strlen(ends[i]) == n && memcmp(word, ends[i], n) == 0)
			return 'E';
	return 0;
}

/* The part that the line gives, and its value; PARTS: none. */
static enum part part_of(struct span line, struct span *value)
{
	static const struct {
		const char *name;
		enum part part;
	} names[] = {
	    {"From", FROM}, {"Sender", FROM}, {"To", TO}, {"Recipient", TO},
	    {"Cc", CC}, {"Subject", SUBJECT}, {"Date", DATE}, {"Time", DATE},
	    {"Received", DATE}, {"Recieved", DATE}, {"Received time", DATE},
	    {"Recieved time", DATE}, {"Received at", DATE},
	    {"Recieved at", DATE}, {"Received on", DATE},
	    {"Recieved on", DATE}, {"Timestamp", DATE}, {"ID", PART_ID},
	    {"Mail_ID", PART_ID}, {"Mail ID", PART_ID}, {"Mail-ID", PART_ID},
	    {"Email ID", PART_ID}, {"Email_ID", PART_ID},
	    {"Message ID", PART_ID}, {"Mail No", PART_ID},
	};
	const char *colon = line.n > 0 ? memchr(line.p, ':', line.n) : NULL;
	struct span name;

	if (colon == NULL)
		return PARTS;
	name = trimmed((struct span){line.p, (size_t)(colon - line.p)});
	*value = trimmed((struct span){colon + 1,
	    line.n - (size_t)(colon - line.p) - 1});
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i].name) == name.n &&
		    strncasecmp(names[i].name, name.p, name.n) == 0)
			return names[i].part;
	return PARTS;
}

/* --- Borders --- */

/*
 * Where the header that begins at line i ends; each part stands in it once, so
 * that a text's first line "Date: on Monday" is not a second one.
 */
static size_t header_end(const struct text *s, size_t i,
    struct span value[PARTS], bool has[PARTS])
{
	for (; i < s->count; i++) {
		struct span v = {0};
		enum part part = part_of(s->lines[i], &v);
		if (part == PARTS || has[part])
			break;
		has[part] = true;
		value[part] = v;
	}
	return i;
}

/*
 * Does a mail begin at line i? After a separator a From line is enough, or a
 * number; in the middle of a text it must come first, with more behind it.
 */
static bool is_beginning(const struct text *s, size_t i, bool separated)
{
	struct span value[PARTS];
	bool has[PARTS] = {false};
	size_t end;

	if (i < s->count && mark_of(s->lines[i]) == 'S')
		return true;
	end = header_end(s, i, value, has);
	if (!has[FROM])
		return false;
	if (separated)
		return true;
	return end - i >= 2 &&
	    (part_of(s->lines[i], value) == FROM || has[PART_ID]);
}

static size_t skip_empty(const struct text *s, size_t i)
{
	while (i < s->count && is_empty(s->lines[i]))
		i++;
	return i;
}

static bool is_divider(struct span s)
{
	return is_dot(s) || is_rule(s);
}

/* Behind all dividers and empty lines; known for the next line of them, too. */
static size_t dividers_end(struct text *s, size_t i)
{
	if (i >= s->dividers && i < s->dividers_end)
		return s->dividers_end;
	s->dividers = i;
	while (i < s->count && (is_empty(s->lines[i]) ||
	    is_divider(s->lines[i])))
		i++;
	s->dividers_end = i;
	return i;
}

/* A rule or a dot is a border if behind it a mail begins, or the file ends. */
static bool is_separator(struct text *s, size_t i)
{
	if (!is_divider(s->lines[i]))
		return false;
	i = dividers_end(s, i);
	return i == s->count || is_beginning(s, i, true);
}

/* The first line from i on that is no more of the mail. */
static size_t mail_end(struct text *s, size_t i, bool marked)
{
	for (; i < s->count; i++) {
		char mark = mark_of(s->lines[i]);
		if (mark != 0 && (marked || mark == 'S'))
			break;
		if (!marked && (is_separator(s, i) ||
		    is_beginning(s, i, false)))
			break;
	}
	return i;
}

/* --- A mail --- */

static bool is_utf8(const struct text *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (!utf8_is(s->lines[i]))
			return false;
	return true;
}

static bool is_ascii(const struct text *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		for (size_t k = 0; k < s->lines[i].n; k++)
			if ((unsigned char)s->lines[i].p[k] >= 0x80)
				return false;
	return true;
}

/* A header's text: ISO-8859-1 becomes UTF-8, a control a blank. */
static void text_put(struct str *out, struct span s)
{
	bool utf8 = utf8_is(s);

	for (; s.n > 0; span_skip(&s, 1)) {
		unsigned char c = (unsigned char)*s.p;
		char to[UTF8_SIZE];
		if (utf8 || c < 0x80) {
			*to = c < ' ' || c == 0x7f ? ' ' : (char)c;
			str_add(out, to, 1);
		} else {
			str_add(out, to, utf8_write(to, c));
		}
	}
}

/* `<alice>` or `alice`: alice at the same domain. What is more stays. */
static void address_put(struct str *out, const struct text *s, struct span v)
{
	struct span bare = v;

	if (bare.n >= 2 && *bare.p == '<' && bare.p[bare.n - 1] == '>')
		bare = trimmed((struct span){bare.p + 1, bare.n - 2});
	if (bare.n > 0 && memchr(bare.p, ' ', bare.n) == NULL &&
	    memchr(bare.p, '<', bare.n) == NULL) {
		text_put(out, bare);
		if (memchr(bare.p, '@', bare.n) == NULL)
			str_puts(out, s->domain);
	} else {
		text_put(out, v);
	}
}

static void date_put(struct str *out, int64_t seconds)
{
	char text[64];
	time_t t = (time_t)seconds;
	struct tm tm;

	if (localtime_r(&t, &tm) != NULL &&
	    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S %z", &tm) > 0)
		str_printf(out, "Date: %s\n", text);
}

static void header_put(struct str *out, const struct text *s,
    const struct span value[PARTS], const bool has[PARTS],
    const struct source_message *message)
{
	static const char *const names[] = {[FROM] = "From", [TO] = "To",
	    [CC] = "Cc"};

	for (enum part part = FROM; part <= CC; part++) {
		if (part == CC && !has[CC])
			continue;
		str_printf(out, "%s: ", names[part]);
		if (has[part] && value[part].n > 0)
			address_put(out, s, value[part]);
		else if (part == TO)
			str_puts(out, s->address);
		else
			str_printf(out, "unknown%s", s->domain);
		str_puts(out, "\n");
	}
	if (has[SUBJECT]) {
		str_puts(out, "Subject: ");
		text_put(out, value[SUBJECT]);
		str_puts(out, "\n");
	}
	if (message->dated)
		date_put(out, message->time);
}

static void date_take(struct source_message *message, struct span v)
{
	char text[128];

	snprintf(text, sizeof text, "%.*s",
	    v.n < sizeof text ? (int)v.n : (int)sizeof text - 1, v.p);
	message->dated = arrival_read(text, &message->time);
}

/* The mail from its header at `from` up to the line `to`. */
static void mail_put(const struct text *s, size_t from, size_t to)
{
	struct span value[PARTS] = {{0}};
	bool has[PARTS] = {false};
	struct source_message message = {.seen_by_nobody = true};
	struct str out = {0};
	size_t body = header_end(s, from, value, has);

	if (body > to)
		body = to;
	if (!has[FROM]) {
		stream_fault("%s:%zu: a mail without a From: line, left out",
		    s->name, from + 1);
		return;
	}
	if (has[DATE])
		date_take(&message, value[DATE]);
	header_put(&out, s, value, has, &message);
	if (!message.dated) {
		message.dated = true;
		message.time = s->mtime;
	}
	if (!is_ascii(s, body, to))
		str_printf(&out, "MIME-Version: 1.0\nContent-Type: text/plain; "
		    "charset=%s\nContent-Transfer-Encoding: 8bit\n",
		    is_utf8(s, body, to) ? "utf-8" : "iso-8859-1");
	str_puts(&out, "\n");
	if (body < to && is_empty(s->lines[body]))
		body++;
	while (to > body && is_empty(s->lines[to - 1]))
		to--;
	stream_message(&message);
	stream_text(out.p, out.len);
	for (; body < to; body++) {
		stream_text(s->lines[body].p, s->lines[body].n);
		stream_text("\n", 1);
	}
	stream_end();
	str_free(&out);
}

/* --- The file --- */

static void mails(struct text *s)
{
	for (size_t i = 0; (i = skip_empty(s, i)) < s->count;) {
		struct span value[PARTS];
		bool has[PARTS] = {false}, marked;
		size_t from, end;

		if (is_divider(s->lines[i]) ||
		    mark_of(s->lines[i]) == 'E') {
			i++;
			continue;
		}
		marked = mark_of(s->lines[i]) == 'S';
		from = skip_empty(s, i + marked);
		/* The header itself is no border. */
		end = header_end(s, from, value, has);
		if (end == from && end < s->count && !marked)
			end++;
		end = mail_end(s, end, marked);
		mail_put(s, from, end);
		i = end;
	}
}

static bool read_all(int fd, struct str *text, const char *name)
{
	char block[65536];
	ssize_t n;

	while ((n = read(fd, block, sizeof block)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			stream_fault("%s: %s", name, strerror(errno));
			return false;
		}
		if (text->len + (size_t)n >= STR_MAX) {
			stream_fault("%s: larger than %u octets; split it",
			    name, STR_MAX);
			return false;
		}
		str_add(text, block, (size_t)n);
	}
	return true;
}

static void lines_find(struct text *s, const struct str *from)
{
	const char *p = from->p, *end = p + from->len;
	size_t room = 0;
	/* Old Macintoshes have CR alone. */
	char line_end = memchr(p, '\n', from->len) != NULL ? '\n' : '\r';

	if (from->len >= 3 && memcmp(p, BYTE_ORDER_MARK, 3) == 0)
		p += 3;
	while (p < end) {
		const char *lf = memchr(p, line_end, (size_t)(end - p));
		size_t n = (size_t)((lf != NULL ? lf : end) - p);
		if (s->count == room) {
			room = room * 2 + 64;
			s->lines = xrealloc(s->lines, room * sizeof *s->lines);
		}
		s->lines[s->count++] = (struct span){p,
		    n > 0 && p[n - 1] == '\r' ? n - 1 : n};
		p += n + (lf != NULL);
	}
}

void read_teaching(const struct source *source)
{
	const char *name = source->path, *at = strchr(source->address, '@');
	struct text s = {.name = name, .address = source->address,
	    .domain = at != NULL ? at : ""};
	struct source_folder inbox = {0};
	struct str text = {0};
	struct stat st;

	stream_folder(&inbox);
	if (read_all(source->fd, &text, name) && text.len > 0) {
		s.mtime = fstat(source->fd, &st) == 0 ? st.st_mtime :
		    time(NULL);
		if (memchr(text.p, '\0', text.len) != NULL) {
			stream_fault("%s: this is no text; if it is UTF-16: "
			    "iconv -f UTF-16 -t UTF-8 FILE >NEW", name);
		} else if (from_line_read(&(struct from_line){0}, text.p,
		    strcspn(text.p, "\n"))) {
			stream_fault("%s: this is an mbox: pennypost import "
			    "mbox FILE ADDRESS", name);
		} else {
			lines_find(&s, &text);
			mails(&s);
		}
	}
	free(s.lines);
	str_free(&text);
}
