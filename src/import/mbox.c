/*
 * An mbox: mboxo, mboxrd, mboxcl and mboxcl2, as RFC 4155 names some of them. A
 * pipe will do for one, but then Content-Length is not believed: nobody can
 * look where it leads. Memory: that of a header.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "fields.h"
#include "from.h"
#include "pieces.h"
#include "readers.h"
#include "span.h"
#include "stream.h"

#define HEADER_MAX (1u << 20) /* its flags are looked for in so much */

#define PSEUDO "DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA"

struct mbox {
	struct pieces file;
	const char *name;
	bool any;   /* the folder has been told */
	unsigned long expunged; /* messages */
	uint32_t uidvalidity;
	struct from_line from;
	struct str header;
	struct str value[MBOX_FIELDS]; /* taken out of the header */
	bool has[MBOX_FIELDS];
};

static bool is_blank(struct span s)
{
	return (s.n == 1 && s.p[0] == '\n') ||
	    (s.n == 2 && s.p[0] == '\r' && s.p[1] == '\n');
}

/* mboxrd */
static void unquote(struct span *s, bool first)
{
	if (first && *s->p == '>' && is_from_quoted(s->p, s->n))
		span_skip(s, 1);
}

/* --- Content-Length --- */

static size_t look(struct mbox *m, uint64_t at, char *to, size_t room)
{
	ssize_t n = pread(m->file.fd, to, room, (off_t)at);

	return n > 0 ? (size_t)n : 0;
}

/* Does the body end there: before a From_ line, or at the end of the file? */
static bool is_end(struct mbox *m, uint64_t end)
{
	char text[600];
	size_t n = end > 0 ? look(m, end - 1, text, sizeof text) : 0, at = 1;
	struct from_line from;
	const char *lf;

	if (n == 0) /* beyond it; or a pipe, in which nobody can look ahead */
		return false;
	if (text[0] != '\n' && n > 1 && text[1] != '\n' && text[1] != '\r')
		return false;
	while (at < n && (text[at] == '\n' || text[at] == '\r'))
		at++;
	lf = memchr(text + at, '\n', n - at);
	return at == n || (lf != NULL &&
	    from_line_read(&from, text + at, (size_t)(lf - text) - at));
}

/* A line that begins with "From ", so that nothing in the body is quoted. */
static bool has_from(struct mbox *m, uint64_t at, uint64_t end)
{
	char block[16384 + 1];
	size_t n;

	block[0] = '\n';
	n = look(m, at, block + 1, sizeof block - 1) + 1;
	while (n >= 6) {
		const char *hit;
		if (n - 1 > end - at)
			n = (size_t)(end - at) + 1;
		hit = memmem(block, n, "\nFrom ", 6);
		if (hit != NULL)
			return true;
		if (n < sizeof block)
			return false;
		at += n - 6; /* block[0] will be the fifth octet from the end */
		n = look(m, at - 1, block, sizeof block);
		if (at >= end)
			return false;
	}
	return false;
}

/*
 * Others' Content-Length, and that of a message before somebody changed it, are
 * common. So it only counts where it leads to the end of the message, and is
 * needed for that. 0: go by From_ lines.
 */
static uint64_t body_length(struct mbox *m)
{
	uint64_t n;
	char *text = m->value[CONTENT_LENGTH].p, *word;

	if (!m->has[CONTENT_LENGTH] || text == NULL ||
	    (word = text_word(&text)) == NULL ||
	    !number_parse(word, INT64_MAX / 2, &n) || n == 0 ||
	    !is_end(m, m->file.offset + n) ||
	    !has_from(m, m->file.offset, m->file.offset + n))
		return 0;
	return n;
}

/* --- The header --- */

/* Takes the mbox's own fields out of the header. */
static void header_part(struct mbox *m)
{
	struct str kept = {0};
	const char *p = m->header.p, *end = p + m->header.len, *next;
	enum mbox_field own = MBOX_FIELDS;

	for (enum mbox_field i = 0; i < MBOX_FIELDS; i++) {
		str_clear(&m->value[i]);
		m->has[i] = false;
	}
	for (; p < end; p = next) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t skip = 0;
		next = lf != NULL ? lf + 1 : end;
		if (*p != ' ' && *p != '\t') {
			own = mbox_field(p, (size_t)(next - p));
			if (own != MBOX_FIELDS) {
				skip = strlen(mbox_fields[own]) + 1;
				if (m->has[own])
					str_clear(&m->value[own]);
				m->has[own] = true;
			}
		}
		str_add(own == MBOX_FIELDS ? &kept : &m->value[own], p + skip,
		    (size_t)(next - p) - skip);
	}
	for (enum mbox_field i = 0; i < MBOX_FIELDS; i++) {
		str_add(&m->value[i], "", 0);
		for (char *c = m->value[i].p; *c != '\0'; c++)
			if (*c == '\r' || *c == '\n')
				*c = ' ';
	}
	str_free(&m->header);
	m->header = kept;
}

static bool has_letter(const struct mbox *m, enum mbox_field field, char letter)
{
	return strchr(m->value[field].p, letter) != NULL;
}

/* Status and Status2; *is: they count. */
static unsigned long mozilla_read(const struct mbox *m, bool *is)
{
	*is = m->has[X_MOZILLA_STATUS];
	return *is ? strtoul(m->value[X_MOZILLA_STATUS].p, NULL, 16) |
	    strtoul(m->value[X_MOZILLA_STATUS2].p, NULL, 16) : 0;
}

static void words_add(struct str *words, char *text)
{
	char *word;

	while ((word = text_word(&text)) != NULL)
		str_printf(words, " %s", word);
}

static uint32_t number(char **text)
{
	char *word = text_word(text);
	uint64_t n;

	return word != NULL && number_parse(word, UINT32_MAX - 1, &n) ?
	    (uint32_t)n : 0;
}

/* In the first message alone: UIDVALIDITY, and the last UID. */
static void folder_tell(struct mbox *m)
{
	struct source_folder folder = {.subscribed = true};
	char *text = m->value[m->has[X_IMAP] ? X_IMAP : X_IMAPBASE].p;

	m->any = true;
	if (text != NULL && (m->uidvalidity = number(&text)) != 0) {
		uint32_t last = number(&text);
		folder.uidvalidity = m->uidvalidity;
		folder.uidnext = last + 1;
	}
	stream_folder(&folder);
}

/* Not a message, but where c-client keeps its numbers. */
static bool is_pseudo(const struct mbox *m)
{
	return m->has[X_IMAP] && m->header.p != NULL &&
	    memmem(m->header.p, m->header.len, PSEUDO, strlen(PSEUDO)) != NULL;
}

static void message_tell(struct mbox *m)
{
	struct source_message message = {.dated = true, .time = m->from.time};
	char *text = m->value[X_UID].p;
	bool theirs;
	unsigned long bits = mozilla_read(m, &theirs);
	const struct {
		char letter;
		bool is;
	} flags[] = {
	    {'D', !theirs && has_letter(m, X_STATUS, 'T')},
	    {'F', theirs ? bits & MOZILLA_MARKED :
	        has_letter(m, X_STATUS, 'F')},
	    {'R', theirs ? bits & MOZILLA_REPLIED :
	        has_letter(m, X_STATUS, 'A')},
	    {'S', theirs ? bits & MOZILLA_READ : has_letter(m, STATUS, 'R')},
	    {'T', theirs ? bits & MOZILLA_IMAP_DELETED :
	        has_letter(m, X_STATUS, 'D') || has_letter(m, STATUS, 'D')},
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (flags[i].is)
			message.flags[n++] = flags[i].letter;
	message.seen_by_nobody = n == 0 && !theirs &&
	    !has_letter(m, STATUS, 'O');
	words_add(&message.keywords, m->value[X_KEYWORDS].p);
	words_add(&message.keywords, m->value[X_MOZILLA_KEYS].p);
	if ((bits & MOZILLA_FORWARDED) != 0)
		str_puts(&message.keywords, " $Forwarded");
	if ((bits & MOZILLA_MDN_SENT) != 0)
		str_puts(&message.keywords, " $MDNSent");
	if (m->uidvalidity != 0)
		message.uid = number(&text);
	snprintf(message.from, sizeof message.from, "%s", m->from.sender);
	stream_message(&message);
	str_free(&message.keywords);
}

/* --- A message --- */

static void text_out(const char *p, size_t n, bool wanted)
{
	if (wanted && n > 0)
		stream_text(p, n);
}

/*
 * All behind the header, which begins with `blank`, the line that ended it (n =
 * 0: none did). True: *s is the From_ line of the next message.
 */
static bool body_read(struct mbox *m, struct span *s, bool blank, bool wanted)
{
	uint64_t left = blank ? body_length(m) : 0;
	char held[2];
	size_t kept = 0; /* octets of an empty line; the last is a separator */
	bool first;

	while (piece_next(&m->file, s, &first)) {
		if (left > 0) {
			size_t n = s->n < left ? s->n : (size_t)left;
			text_out(s->p, n, wanted);
			left -= n;
			blank = left == 0;
			continue;
		}
		if (first && blank && from_line_read(&m->from, s->p, s->n))
			return true;
		text_out(held, kept, wanted);
		kept = 0;
		blank = first && is_blank(*s);
		if (blank) {
			memcpy(held, s->p, kept = s->n);
			continue;
		}
		unquote(s, first);
		text_out(s->p, s->n, wanted);
	}
	return false;
}

/* The header: true when an empty line ended it, which is in *s. */
static bool header_read(struct mbox *m, struct span *s)
{
	bool first;

	str_clear(&m->header);
	while (m->header.len < HEADER_MAX && piece_next(&m->file, s, &first)) {
		if (first && is_blank(*s))
			return true;
		unquote(s, first);
		str_add(&m->header, s->p, s->n);
	}
	return false;
}

/* RFC 5321 4.4: where it stands in a Maildir. */
static void return_path_out(const struct mbox *m)
{
	static const char name[] = "Return-Path:";
	const char *p = m->header.p;
	char line[sizeof m->from.sender + 20];

	while (p != NULL && *p != '\0') {
		if (strncasecmp(p, name, sizeof name - 1) == 0)
			return;
		if ((p = strchr(p, '\n')) != NULL)
			p++;
	}
	snprintf(line, sizeof line, "%s <%s>\n", name, m->from.sender);
	if (*m->from.sender != '\0')
		text_out(line, strlen(line), true);
}

/* Is it a message, and one that its owner still has? */
static bool is_wanted(struct mbox *m)
{
	bool theirs;

	if ((mozilla_read(m, &theirs) & MOZILLA_EXPUNGED) != 0) {
		m->expunged++;
		return false;
	}
	return m->any || !is_pseudo(m);
}

/* Behind a From_ line. True: behind the next one. */
static bool message_read(struct mbox *m)
{
	struct span s = {0};
	bool ended, more, wanted;

	ended = header_read(m, &s);
	header_part(m);
	wanted = is_wanted(m);
	if (!m->any)
		folder_tell(m);
	if (wanted) {
		message_tell(m);
		return_path_out(m);
		text_out(m->header.p, m->header.len, true);
		text_out(s.p, ended ? s.n : 0, true);
	}
	more = body_read(m, &s, ended, wanted);
	if (wanted)
		stream_end();
	return more;
}

/* --- The file --- */

#define COMPRESSED "it is compressed"
#define UTF16 "it is in UTF-16", "iconv -f UTF-16 -t UTF-8"

/* What becomes an mbox: by its first octets; the last by its first line. */
static const struct {
	const char *magic, *what, *program;
} others[] = {
	{"\x1f\x8b", COMPRESSED, "zcat"}, {"BZh", COMPRESSED, "bzcat"},
	{"\xfd" "7zXZ", COMPRESSED, "xzcat"},
	{"\x28\xb5\x2f\xfd", COMPRESSED, "zstdcat"},
	{"PK\x03\x04", COMPRESSED, "unzip -p"},
	{"\xff\xfe", UTF16}, {"\xfe\xff", UTF16},
	{"From ", "its lines end in CR alone", "tr '\\r' '\\n' <"},
};

static void other_tell(const struct mbox *m, struct span s)
{
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		size_t n = strlen(others[i].magic);
		if (s.n < n || memcmp(s.p, others[i].magic, n) != 0 ||
		    (*s.p == 'F' && memchr(s.p, '\r', s.n - 2) == NULL))
			continue;
		stream_fault("%s: %s: %s FILE | pennypost import mbox - "
		    "ADDRESS", m->name, others[i].what, others[i].program);
		return;
	}
	stream_fault("%s:%lu: this is no mbox: its first line is not "
	    "\"From SENDER DATE\"", m->name, m->file.line);
}

void read_mbox(const struct source *source)
{
	static struct mbox m;
	const char *name = source->path;
	struct span s;
	bool first, some;

	m = (struct mbox){.file.fd = source->fd, .name = name};
	while ((some = piece_next(&m.file, &s, &first)) && is_blank(s))
		;
	if (some && s.n > 3 && memcmp(s.p, BYTE_ORDER_MARK, 3) == 0)
		span_skip(&s, 3);
	if (!some)
		folder_tell(&m);
	else if (from_line_read(&m.from, s.p, s.n))
		while (message_read(&m))
			;
	else
		other_tell(&m, s);
	if (m.expunged > 0)
		stream_note("%s: messages that Thunderbird has deleted, and "
		    "are left out: %lu", name, m.expunged);
	if (m.file.error != 0)
		stream_fault("%s: %s", name, strerror(m.file.error));
	str_free(&m.header);
	for (enum mbox_field i = 0; i < MBOX_FIELDS; i++)
		str_free(&m.value[i]);
}
