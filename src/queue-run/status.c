/* What a report says: to a person (words), and to a program (fields). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "config.h"
#include "finish.h"
#include "local.h"
#include "report.h"
#include "trace.h"

#define WIDTH 72 /* columns of text: it may be quoted and still fit */

/* Another host's text: what is not UTF-8, or not ASCII, becomes a ?. */
static void add_clean(struct str *s, const char *text, bool utf8)
{
	while (*text != '\0') {
		size_t n = utf8 ? utf8_length(text) : 0;
		if (n > 0)
			str_add(s, text, n);
		else if (*text >= ' ' && *text <= '~')
			str_add(s, text, 1);
		else
			str_puts(s, "?");
		text += n > 0 ? n : 1;
	}
}

/*
 * The text in lines of WIDTH, cut at blanks; each after the first begins with
 * `margin`. column: where the first one is already.
 */
static void add_wrapped(struct str *s, const char *text, size_t column,
    const char *margin, bool utf8)
{
	char word[2048];

	for (bool first = true; *text != '\0'; first = false) {
		size_t n = strcspn(text, " ");
		snprintf(word, sizeof word, "%.*s", (int)n, text);
		if (!first && column + 1 + n > WIDTH) {
			str_printf(s, "\n%s", margin);
			column = strlen(margin);
		} else if (!first) {
			str_puts(s, " ");
			column++;
		}
		add_clean(s, word, utf8);
		column += n;
		text += n;
		text += strspn(text, " ");
	}
}

static const struct recipient *recipient(const struct report *r, size_t i)
{
	return &r->entry->envelope.rcpt[r->rcpt[i]];
}

static const struct answer *answer(const struct report *r, size_t i)
{
	return &r->answers[r->rcpt[i]];
}

static bool is_local(const struct recipient *r)
{
	const char *at = strrchr(r->address, '@');

	return at == NULL || domain_is_local(at + 1);
}

/* ".1" to ".999" at *p, which moves behind it. */
static bool skip_number(const char **p)
{
	size_t n = **p == '.' ? strspn(*p + 1, "0123456789") : 0;

	*p += n + 1;
	return n >= 1 && n <= 3;
}

/* "5.1.1" of a reply, RFC 3463, of the class that fits the kind of report. */
static void status(char text[16], const struct report *r, const char *reply)
{
	const char class = "542"[r->kind];
	const char *p = reply != NULL && strlen(reply) > 4 ? reply + 5 : "";

	if (r->kind != REPORT_DELIVERED && *p != '\0' && p[-1] == class &&
	    skip_number(&p) && skip_number(&p) && (*p == ' ' || *p == '\0'))
		snprintf(text, 16, "%.*s", (int)(p - reply - 4), reply + 4);
	else
		snprintf(text, 16, "%c.0.0", class);
}

/* Words */

/* What the sender can do about it: by subject and detail of the status. */
static const struct {
	const char *code, *text;
} advice[] = {
	{".1.2", "No mail server is known for this address. Look at what "
	    "stands behind the @, and send the message again."},
	{".1.10", "No mail is taken there. Look at what stands behind the @."},
	{".1.", "The other side does not know this address. Look at how it is "
	    "written, and send the message again."},
	{".2.2", "The mailbox is full. Tell the recipient in another way, or "
	    "send the message again in some days."},
	{".2.3", "The message is too large for this mailbox. Send a smaller "
	    "one."},
	{".2.", "The mailbox takes no mail. Ask the recipient in another way."},
	{".3.4", "The message is too large for the other side. Send a smaller "
	    "one."},
	{".4.4", "No way is known to this address. Look at what stands behind "
	    "the @, and send the message again."},
	{".4.6", "The message went in a circle. Only the administrators can "
	    "mend that: show them this report."},
	{".4.7", "Look at what stands behind the @. If it is right, try again "
	    "later, or ask the recipient in another way."},
	{".6.", "The other side cannot take this kind of text or attachment. "
	    "Send it in a simpler form."},
	{".7.", "The other side does not want this message; its answer may "
	    "tell why. Only its administrator can change that."},
	{"", "If the answer does not tell you what to do, show this report to "
	    "the postmaster here or there."},
};

static void add_advice(struct str *s, const char *code)
{
	size_t i = 0;

	/* ".1.10" must not be taken for ".1.1": a whole code, or a subject */
	for (; *advice[i].code != '\0'; i++) {
		size_t n = strlen(advice[i].code);
		if (strncmp(code + 1, advice[i].code, n) == 0 &&
		    (advice[i].code[n - 1] == '.' || code[1 + n] == '\0'))
			break;
	}
	str_puts(s, "    ");
	add_wrapped(s, advice[i].text, 4, "    ", true);
	str_puts(s, "\n");
}

static void add_answer(struct str *s, const struct report *r,
    const struct answer *a)
{
	if (a->reply == NULL) {
		str_puts(s, r->kind == REPORT_DELAYED ?
		    "    There is no answer yet.\n" :
		    "    The answer has been lost.\n");
		return;
	}
	if (strcmp(a->mta, "-") == 0) {
		str_puts(s, "    This server says:\n        ");
	} else {
		str_puts(s, "    The mail server ");
		add_clean(s, a->mta, true);
		str_puts(s, " says:\n        ");
	}
	add_wrapped(s, a->reply, 8, "        ", true);
	str_puts(s, "\n");
}

static void add_recipient(struct str *s, const struct report *r, size_t i)
{
	const struct answer *a = answer(r, i);
	char code[16];

	str_printf(s, "\n<%s>\n", recipient(r, i)->address);
	switch (r->kind) {
	case REPORT_FAILED:
		add_answer(s, r, a);
		if (r->double_bounce)
			break;
		status(code, r, a->reply);
		add_advice(s, code);
		break;
	case REPORT_DELAYED:
		add_answer(s, r, a);
		break;
	case REPORT_DELIVERED:
		str_puts(s, is_local(recipient(r, i)) ?
		    "    It has been delivered.\n" :
		    "    It has been passed on to the next mail server, which "
		    "sends no such\n    reports: what becomes of it there is "
		    "not known here.\n");
	}
}

const char *report_subject(const struct report *r)
{
	switch (r->kind) {
	case REPORT_DELAYED:
		return "Your message is delayed";
	case REPORT_DELIVERED:
		for (size_t i = 0; i < r->count; i++)
			if (is_local(recipient(r, i)))
				return "Your message was delivered";
		return "Your message was passed on";
	case REPORT_FAILED:
		break;
	}
	return r->double_bounce ?
	    "A message without a sender could not be delivered" :
	    "Your message could not be delivered";
}

static const char *opening(const struct report *r)
{
	switch (r->kind) {
	case REPORT_DELAYED:
		return "Your message has not been delivered yet to:\n";
	case REPORT_DELIVERED:
		return "You asked to be told what becomes of your message "
		    "to:\n";
	case REPORT_FAILED:
		break;
	}
	return r->double_bounce ? "This message has no sender who could be "
	    "told: it may be a report itself. It\ncould not be delivered "
	    "to:\n" :
	    "Your message could not be delivered to:\n";
}

void report_words(struct str *s, const struct report *r)
{
	const struct entry *e = r->entry;

	str_printf(s, "This is the mail server %s.\n\n%s", config_load()->host,
	    opening(r));
	for (size_t i = 0; i < r->count; i++)
		add_recipient(s, r, i);
	if (r->kind == REPORT_DELAYED) {
		str_puts(s, "\nIt will be tried until ");
		trace_time(s, e->arrived + GIVE_UP_AFTER);
		str_puts(s, ".\nYou need not do anything, nor send it again. "
		    "If it cannot be delivered by\nthen, you will be told.\n");
	} else if (r->kind == REPORT_FAILED) {
		str_puts(s, "\nIt will not be tried again.\n");
	}
	str_puts(s, "\nThe message came to this server on ");
	trace_time(s, e->arrived);
	if (*r->subject != '\0') {
		str_puts(s, "\nwith the subject\n    ");
		add_wrapped(s, r->subject, 4, "    ", true);
		str_puts(s, "\n");
	} else {
		str_puts(s, ".\n");
	}
	if (r->kind != REPORT_DELIVERED)
		str_printf(s, "\nIf you ask postmaster@%s about it, name "
		    "this number:\n    %s\n", *domain_default() != '\0' ?
		    domain_default() : config_load()->host, e->id);
}

/* Fields */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* xtext (RFC 3461 4): +XX is an octet, and here always a printable one. */
static void add_xtext(struct str *s, const char *text)
{
	for (; *text != '\0'; text++) {
		char c = *text;
		if (c == '+' && hex(text[1]) >= 0 && hex(text[2]) >= 0) {
			c = (char)(hex(text[1]) * 16 + hex(text[2]));
			text += 2;
		}
		str_add(s, (unsigned char)c < ' ' || c == 0x7f ? "?" : &c, 1);
	}
}

static void add_utf8(struct str *s, unsigned long c)
{
	char octets[4] = {
		(char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3f)),
		(char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f)),
	};

	if (c >= 0x10000) {
		str_add(s, octets, 4);
	} else if (c >= 0x800) {
		octets[1] = (char)(0xe0 | c >> 12);
		str_add(s, octets + 1, 3);
	} else if (c >= 0x80) {
		octets[2] = (char)(0xc0 | c >> 6);
		str_add(s, octets + 2, 2);
	} else {
		octets[3] = (char)c;
		str_add(s, octets + 3, 1);
	}
}

/* \x{HEX} is a character, RFC 6533 3. */
static void add_unitext(struct str *s, const char *text)
{
	while (*text != '\0') {
		unsigned long c = 0;
		size_t n = strncmp(text, "\\x{", 3) == 0 ?
		    strspn(text + 3, "0123456789ABCDEF") : 0;
		for (size_t i = 0; i < n; i++)
			c = c * 16 + (unsigned long)hex(text[3 + i]);
		if (n < 2 || n > 6 || text[3 + n] != '}' || c < ' ' ||
		    c == 0x7f || c > 0x10ffff || (c & 0xfff800) == 0xd800) {
			str_add(s, text++, 1);
		} else {
			add_utf8(s, c);
			text += n + 4;
		}
	}
}

static void add_original(struct str *s, const struct report *r,
    const char *orcpt)
{
	size_t n = strcspn(orcpt, ";");

	if (orcpt[n] == '\0')
		return;
	str_printf(s, "Original-Recipient: %.*s; ", (int)n, orcpt);
	orcpt += n + 1;
	if (n != 5 || strncasecmp(orcpt - 6, "utf-8", 5) != 0)
		add_xtext(s, orcpt);
	else if (r->global)
		add_unitext(s, orcpt);
	else
		str_puts(s, orcpt); /* its form for 7 bits, RFC 6533 3 */
	str_puts(s, "\n");
}

static void add_fields(struct str *s, const struct report *r, size_t i)
{
	static const char *const actions[] = {"failed", "delayed", "delivered"};
	const struct recipient *rcpt = recipient(r, i);
	const struct answer *a = answer(r, i);
	bool delivered = r->kind == REPORT_DELIVERED;
	const char *type;
	char code[16];

	str_puts(s, "\n");
	add_original(s, r, rcpt->orcpt);
	status(code, r, a->reply);
	str_printf(s, "Final-Recipient: %s; %s\nAction: %s\nStatus: %s\n",
	    is_ascii(rcpt->address, strlen(rcpt->address)) ? "rfc822" : "utf-8", rcpt->address,
	    delivered && !is_local(rcpt) ? "relayed" : actions[r->kind], code);
	if (delivered || a->reply == NULL)
		return;
	if (strcmp(a->mta, "-") != 0) {
		str_puts(s, "Remote-MTA: dns; ");
		add_clean(s, a->mta, false);
		str_puts(s, "\n");
	}
	type = strcmp(a->mta, "-") != 0 ? "smtp" : "x-pennypost";
	str_printf(s, "Diagnostic-Code: %s; ", type);
	add_wrapped(s, a->reply, 19 + strlen(type), " ", false);
	str_puts(s, "\nLast-Attempt-Date: ");
	trace_time(s, a->when);
	if (r->kind == REPORT_DELAYED) {
		str_puts(s, "\nWill-Retry-Until: ");
		trace_time(s, r->entry->arrived + GIVE_UP_AFTER);
	}
	str_puts(s, "\n");
}

void report_fields(struct str *s, const struct report *r)
{
	const struct envelope *v = &r->entry->envelope;

	if (*v->envid != '\0') {
		str_puts(s, "Original-Envelope-Id: ");
		add_xtext(s, v->envid);
		str_puts(s, "\n");
	}
	str_printf(s, "Reporting-MTA: dns; %s\nArrival-Date: ",
	    config_load()->host);
	trace_time(s, r->entry->arrived);
	str_puts(s, "\n");
	for (size_t i = 0; i < r->count; i++)
		add_fields(s, r, i);
}
