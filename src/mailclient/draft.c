#include "draft.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "addresses.h"
#include "header.h"
#include "phrase.h"
#include "program.h"
#include "qp.h"
#include "trace.h"

#define LINE_FOLDED 76      /* octets of a header line; RFC 5322 2.1.1: 78 */
#define LINE_SENT_MAX 998   /* the same: more than that cannot be sent */
#define REFERENCES_LONG 2000 /* octets; of a longer thread the last alone */

bool address_is(const char *text)
{
	struct address a;

	return address_parse(text, &a) == ADDRESS_OK && *a.domain != '\0';
}

/* A reply: to whom, about what, to which */

/* Those of a field which can be written to. */
static void recipients_find(struct draft *d, struct span header,
    const char *name)
{
	struct mail_address a = {0};
	struct field f;

	if (!header_find(header, name, &f))
		return;
	while (d->count < DRAFT_RECIPIENTS_MAX &&
	    addresses_next(&f.value, &a)) {
		struct str text = {0};
		str_printf(&text, "%s@%s", a.mailbox.len > 0 ? a.mailbox.p :
		    "", a.host.len > 0 ? a.host.p : "");
		if (address_is(text.p))
			address_parse(text.p, &d->to[d->count++]);
		str_free(&text);
	}
	addresses_free(&a);
}

static void subject_reply(struct draft *d, const struct letter *original)
{
	struct str subject = {0};
	size_t n = 0, left = DRAFT_SUBJECT_MAX - strlen("Re: ");

	str_puts(&subject, "");
	letter_field(&subject, original, "Subject");
	str_puts(&d->subject, strncasecmp(subject.p, "Re:", 3) == 0 ? "" :
	    "Re: ");
	while (n < subject.len && left-- > 0)
		do
			n++;
		while (n < subject.len && (subject.p[n] & 0xc0) == 0x80);
	str_add(&d->subject, subject.p, n);
	str_free(&subject);
}

/* Those of a field which are ids (RFC 5322 3.6.4), with a blank before each. */
static void ids_add(struct str *to, struct span header, const char *name)
{
	struct str line = {0};
	struct field f;
	char *rest, *word;

	if (!header_find(header, name, &f))
		return;
	field_unfold(&line, f.value);
	rest = line.p;
	while (rest != NULL && (word = text_word(&rest)) != NULL) {
		size_t n = strlen(word), good = 0;
		while (word[good] > ' ' && word[good] < 0x7f)
			good++;
		if (n > 2 && good == n && *word == '<' && word[n - 1] == '>' &&
		    n < LINE_SENT_MAX - 20)
			str_printf(to, " %s", word);
	}
	str_free(&line);
}

static void quote(struct str *to, const struct letter *original)
{
	struct str text = {0};
	char *rest, *line;

	letter_text(&text, original);
	rest = text.p;
	while (rest != NULL && (line = text_line(&rest)) != NULL)
		str_printf(to, *line == '>' ? ">%s\n" : "> %s\n", line);
	str_puts(to, "\n");
	str_free(&text);
}

bool draft_reply(struct draft *d, const struct letter *original)
{
	struct span header = letter_header(original);

	recipients_find(d, header, "Reply-To");
	if (d->count == 0)
		recipients_find(d, header, "From");
	if (d->count == 0)
		recipients_find(d, header, "Return-Path");
	if (d->count == 0)
		return false;
	subject_reply(d, original);
	ids_add(&d->reply_to_id, header, "Message-ID");
	ids_add(&d->references, header, "References");
	if (d->references.len > REFERENCES_LONG)
		str_clear(&d->references);
	if (d->reply_to_id.len > 0)
		str_puts(&d->references, d->reply_to_id.p);
	quote(&d->text, original);
	return true;
}

void draft_free(struct draft *d)
{
	str_free(&d->from_name);
	for (size_t i = 0; i < DRAFT_RECIPIENTS_MAX; i++)
		str_free(&d->to_name[i]);
	str_free(&d->subject);
	str_free(&d->text);
	str_free(&d->reply_to_id);
	str_free(&d->references);
	memset(d, 0, sizeof *d);
}

/* The message */

static void subject_add(struct str *to, const char *subject)
{
	bool plain = strstr(subject, "=?") == NULL;

	for (const char *p = subject; *p != '\0'; p++)
		plain = plain && *p >= ' ' && *p < 0x7f;
	str_puts(to, "Subject: ");
	if (plain)
		str_puts(to, subject);
	else
		words_encode(to, subject);
	str_puts(to, "\n");
}

static bool is_plain(const struct str *text)
{
	size_t line = 0;

	for (size_t i = 0; i < text->len; i++) {
		char c = text->p[i];
		line = c == '\n' ? 0 : line + 1;
		if (line > LINE_SENT_MAX ||
		    ((c < ' ' || c > '~') && c != '\n' && c != '\t'))
			return false;
	}
	return true;
}

static struct str *coded; /* where quoted-printable goes */

static void coded_add(const char *p, size_t n)
{
	str_add(coded, p, n);
}

static void text_write(struct str *to, const struct str *text, bool plain)
{
	struct qp qp = {.out = coded_add};

	coded = to;
	if (plain) {
		str_add(to, text->p, text->len);
	} else {
		qp_text(&qp, text->p, text->len);
		qp_end(&qp);
	}
}

static void address_write(struct str *to, const struct str *name,
    const struct address *a)
{
	if (name->len > 0)
		phrase_write(to, name->p);
	str_printf(to, name->len > 0 ? " <%s>" : "%s", a->text);
}

static void header_write(struct str *to, const struct draft *d, bool plain)
{
	char id[ID_SIZE];

	str_puts(to, "From: ");
	address_write(to, &d->from_name, &d->from);
	str_puts(to, "\nTo: ");
	for (size_t i = 0; i < d->count; i++) {
		str_puts(to, i > 0 ? ", " : "");
		address_write(to, &d->to_name[i], &d->to[i]);
	}
	str_puts(to, "\n");
	subject_add(to, d->subject.p);
	str_puts(to, "Date: ");
	trace_time(to, time(NULL));
	id_make(id);
	str_printf(to, "\nMessage-ID: <%s@%s>\n", id, d->from.domain);
	if (d->reply_to_id.len > 0)
		str_printf(to, "In-Reply-To:%s\nReferences:%s\n",
		    d->reply_to_id.p, d->references.p);
	lines_fold(to, 0, LINE_FOLDED, false);
	str_printf(to, "MIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: %s\n\n", plain ? "7bit" :
	    "quoted-printable");
}

void draft_write(struct str *to, const struct draft *d)
{
	struct str lines = {0};
	bool plain = is_plain(&d->text);
	const char *p, *end, *lf;

	header_write(&lines, d, plain);
	text_write(&lines, &d->text, plain);
	end = lines.p + lines.len;
	for (p = lines.p; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			lf = end;
		str_add(to, p, (size_t)(lf - p));
		str_puts(to, "\r\n");
	}
	str_free(&lines);
}
