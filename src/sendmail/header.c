#include "header.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "recipients.h"
#include "body.h"
#include "input.h"
#include "log.h"
#include "phrase.h"
#include "trace.h"

enum { /* what is done with a field */
	ADDRESSES = 1,
	RECIPIENTS = 2,
	RESENT = 4,
	REMOVED = 8,
};

enum {
	FROM, SENDER, REPLY_TO, TO, CC, BCC, DATE, MESSAGE_ID,
	RESENT_FROM, RESENT_SENDER, RESENT_TO, RESENT_CC, RESENT_BCC,
	RESENT_DATE, RESENT_MESSAGE_ID,
	MIME_VERSION, CONTENT_TYPE, ENCODING, SIGNATURE,
	RETURN_PATH, CONTENT_LENGTH,
	KNOWN
};

static const struct {
	const char *name;
	unsigned what;
} known[KNOWN] = {
	[FROM] = {"From", ADDRESSES},
	[SENDER] = {"Sender", ADDRESSES},
	[REPLY_TO] = {"Reply-To", ADDRESSES},
	[TO] = {"To", ADDRESSES | RECIPIENTS},
	[CC] = {"Cc", ADDRESSES | RECIPIENTS},
	[BCC] = {"Bcc", RECIPIENTS | REMOVED},
	[DATE] = {"Date", 0},
	[MESSAGE_ID] = {"Message-ID", 0},
	[RESENT_FROM] = {"Resent-From", ADDRESSES | RESENT},
	[RESENT_SENDER] = {"Resent-Sender", ADDRESSES | RESENT},
	[RESENT_TO] = {"Resent-To", ADDRESSES | RECIPIENTS | RESENT},
	[RESENT_CC] = {"Resent-Cc", ADDRESSES | RECIPIENTS | RESENT},
	[RESENT_BCC] = {"Resent-Bcc", RECIPIENTS | RESENT | REMOVED},
	[RESENT_DATE] = {"Resent-Date", RESENT},
	[RESENT_MESSAGE_ID] = {"Resent-Message-ID", RESENT},
	[MIME_VERSION] = {"MIME-Version", 0},
	[CONTENT_TYPE] = {"Content-Type", 0},
	[ENCODING] = {"Content-Transfer-Encoding", 0},
	[SIGNATURE] = {"DKIM-Signature", 0},
	[RETURN_PATH] = {"Return-Path", REMOVED},
	/* Of no standard, and wrong as soon as a line end changes. */
	[CONTENT_LENGTH] = {"Content-Length", REMOVED},
};

static bool has(const struct header *h, unsigned which)
{
	return (h->has & (uint32_t)1 << which) != 0;
}

/* Reading */

/* "From ", as an mbox has it, or quoted as one within another. */
static bool is_mbox_line(const struct piece *piece)
{
	size_t i = 0;

	while (i < piece->n && piece->p[i] == '>')
		i++;
	return piece->n - i >= 5 && memcmp(piece->p + i, "From ", 5) == 0;
}

/* A field name and a colon: RFC 5322 2.2; blanks between: 4.5.3. */
static bool is_field(const struct piece *piece)
{
	const char *p = piece->p;
	size_t i = 0;

	while (i < piece->n && p[i] > ' ' && p[i] < 0x7f && p[i] != ':')
		i++;
	if (i == 0)
		return false;
	while (i < piece->n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	return i < piece->n && p[i] == ':';
}

static void field_begin(struct header *h, const struct piece *piece)
{
	struct field f = {.at = h->text.len};

	while (f.known < KNOWN &&
	    !header_is(piece->p, piece->n, known[f.known].name))
		f.known++;
	if (f.known < KNOWN)
		h->has |= (uint32_t)1 << f.known;
	if (piece->n > 7 && strncasecmp(piece->p, "Resent-", 7) == 0)
		h->resent = true;
	if (h->count % 64 == 0)
		h->field = xrealloc(h->field,
		    (h->count + 64) * sizeof *h->field);
	h->field[h->count++] = f;
}

static void text_add(struct header *h, const struct piece *piece)
{
	if (h->text.len + piece->n > HEADER_MAX)
		fatal(EX_DATAERR, "header too long: more than %u bytes",
		    HEADER_MAX);
	for (size_t i = 0; i < piece->n && !h->eightbit; i++)
		h->eightbit = (unsigned char)piece->p[i] >= 0x80;
	str_add(&h->text, piece->p, piece->n);
	if (piece->ends)
		str_puts(&h->text, "\n");
	h->field[h->count - 1].n = h->text.len - h->field[h->count - 1].at;
}

void header_read(struct header *h)
{
	struct piece piece;
	bool first = true;

	while (input_next(&piece)) {
		if (first && is_mbox_line(&piece)) {
			while (!piece.ends && input_next(&piece))
				continue;
			first = false;
			continue;
		}
		first = false;
		if (piece.begins) {
			bool folded = h->count > 0 && piece.n > 0 &&
			    (*piece.p == ' ' || *piece.p == '\t');
			if (piece.n == 0)
				return;
			if (!folded && !is_field(&piece)) {
				input_again();
				return;
			}
			if (!folded)
				field_begin(h, &piece);
		}
		text_add(h, &piece);
	}
}

/* What stands behind the colon. */
static const char *value(const struct header *h, const struct field *f,
    size_t *n)
{
	const char *p = h->text.p + f->at;
	const char *colon = memchr(p, ':', f->n);

	*n = f->n - (size_t)(colon + 1 - p);
	return colon + 1;
}

static void recipients_of(const struct header *h, const struct field *f,
    void (*found)(const struct address *))
{
	struct recipients list;
	struct address a;
	const char *p, *behind;
	size_t n;

	p = value(h, f, &n);
	list = recipients_begin(p, n);
	for (;;)
		switch (recipients_next(&list, &a, &behind)) {
		case RECIPIENTS_FOUND:
			found(&a);
			break;
		case RECIPIENTS_BAD:
			fatal(EX_DATAERR, "%s: not an address: %s",
			    known[f->known].name, quoted(a.text));
		case RECIPIENTS_END:
			return;
		}
}

void header_recipients(const struct header *h,
    void (*found)(const struct address *))
{
	unsigned wanted = RECIPIENTS | (h->resent ? RESENT : 0);

	for (size_t i = 0; i < h->count; i++) {
		size_t k = h->field[i].known;
		if (k < KNOWN &&
		    (known[k].what & (RECIPIENTS | RESENT)) == wanted)
			recipients_of(h, &h->field[i], found);
	}
}

bool header_is_mime(const struct header *h)
{
	return has(h, MIME_VERSION) || has(h, CONTENT_TYPE) ||
	    has(h, ENCODING);
}

/* Does the field's value begin with one of these words? NULL ends them. */
static bool value_begins(const struct header *h, const struct field *f,
    const char *const words[])
{
	size_t n, skip;
	const char *p = value(h, f, &n);

	skip = strspn(p, " \t\n");
	for (; *words != NULL && skip < n; words++)
		if (strncasecmp(p + skip, *words, strlen(*words)) == 0)
			return true;
	return false;
}

bool header_is_plain_text(const struct header *h)
{
	static const char *const text[] = {"text/", NULL};
	static const char *const identity[] = {"7bit", "8bit", "binary", NULL};
	/* MIME-Version is what PHP scripts forget. */
	bool plain = has(h, CONTENT_TYPE) && !has(h, SIGNATURE);

	for (size_t i = 0; plain && i < h->count; i++) {
		const struct field *f = &h->field[i];
		if (f->known == CONTENT_TYPE)
			plain = value_begins(h, f, text);
		else if (f->known == ENCODING)
			plain = value_begins(h, f, identity);
	}
	return plain;
}

/* Writing */

/* The field, names without a domain made addresses. */
static void field_qualify(const struct header *h, const struct field *f,
    const char *domain, struct str *out)
{
	const char *from = h->text.p + f->at, *end = from + f->n;
	struct recipients list;
	struct address a;
	const char *p, *behind;
	enum recipients_result got;
	size_t n;

	p = value(h, f, &n);
	list = recipients_begin(p, n);
	while ((got = recipients_next(&list, &a, &behind)) != RECIPIENTS_END) {
		if (got == RECIPIENTS_BAD || *a.domain != '\0')
			continue;
		str_add(out, from, (size_t)(behind - from));
		str_puts(out, "@");
		str_puts(out, domain);
		from = behind;
	}
	str_add(out, from, (size_t)(end - from));
}

static void field_write(const struct header *h, const struct field *f,
    const struct additions *add, struct str *out)
{
	unsigned what = f->known < KNOWN ? known[f->known].what : 0;
	bool addresses = (what & ADDRESSES) != 0;
	size_t start = out->len;

	if ((what & REMOVED) != 0 || (f->known == ENCODING &&
	    add->encoding == QUOTED_PRINTABLE))
		return;
	if (addresses && !add->gateway)
		field_qualify(h, f, add->domain, out);
	else
		str_add(out, h->text.p + f->at, f->n);
	if (!add->gateway)
		lines_fold(out, start, LINE_LENGTH_MAX, addresses);
}

static void add_missing(const struct header *h, const struct additions *add,
    struct str *out)
{
	bool resent = h->resent;

	if (!has(h, resent ? RESENT_FROM : FROM)) {
		str_puts(out, resent ? "Resent-From: " : "From: ");
		if (*add->name != '\0')
			phrase_write(out, add->name);
		str_printf(out, *add->name != '\0' ? " <%s>\n" : "%s\n",
		    add->from);
	}
	if (!resent && !has(h, TO) && !has(h, CC))
		str_puts(out, "To: undisclosed-recipients:;\n");
	if (!has(h, resent ? RESENT_DATE : DATE)) {
		if (resent)
			str_puts(out, "Resent-");
		trace_date(out);
	}
	if (!has(h, resent ? RESENT_MESSAGE_ID : MESSAGE_ID))
		str_printf(out, "%sMessage-ID: <%s@%s>\n",
		    resent ? "Resent-" : "", add->id, add->host);
}

static void add_mime(const struct header *h, const struct additions *add,
    struct str *out)
{
	if (add->encoding == AS_IS)
		return;
	if (!has(h, MIME_VERSION))
		str_puts(out, "MIME-Version: 1.0\n");
	if (!has(h, CONTENT_TYPE))
		str_printf(out, "Content-Type: text/plain; charset=%s\n",
		    add->charset);
	str_printf(out, "Content-Transfer-Encoding: %s\n",
	    add->encoding == EIGHTBIT ? "8bit" : "quoted-printable");
}

void header_write(const struct header *h, const struct additions *add,
    struct str *out)
{
	size_t start;

	str_puts(out, add->received);
	for (size_t i = 0; i < h->count; i++)
		field_write(h, &h->field[i], add, out);
	start = out->len;
	if (!add->gateway)
		add_missing(h, add, out);
	lines_fold(out, start, LINE_LENGTH_MAX, false);
	add_mime(h, add, out);
	str_puts(out, "\n");
}
