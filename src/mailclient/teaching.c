#include "teaching.h"

#include <stdio.h>
#include <string.h>

#include "remote.h"

#define PROTOCOL "the teaching protocol"
#define LIST_MAX (1u << 20) /* octets of LIST: mysmtpd shows a thousand */
#define CONTENT "Content-Type: text/plain; charset=utf-8\r\n"
#define END_TIMEOUT 600     /* s: it stores the mail, as SMTP's end */

/* A reply, which is one line: a sentence that begins with `what` unless 200. */
static const char *expect(struct remote *r, const char *what)
{
	char *line;
	const char *why = remote_line(r, &line);

	if (why != NULL)
		return why;
	if (strspn(line, "0123456789") != 3 ||
	    (line[3] != ' ' && line[3] != '\0') ||
	    (*line == '2' && strncmp(line, "200", 3) != 0)) /* SMTP's 220 */
		return remote_nonsense(r, PROTOCOL, line);
	return strncmp(line, "200", 3) == 0 ? NULL :
	    sentence("%s: %s", what, words(line));
}

static const char *domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at != NULL ? at + 1 : "localhost";
}

static const char *hello(struct remote *r, const char *address)
{
	conn_reply(&r->conn, "HELO %s", domain_of(address));
	return expect(r, "the server refuses us");
}

static const char *login(struct remote *r, const struct account *a)
{
	if (*a->password == '\0')
		return NULL;
	conn_reply(&r->conn, "AUTH %s %s", a->user, a->password);
	return expect(r, "the server does not log you in");
}

static const char *begin(struct remote *r, const struct account *account)
{
	const char *why = NULL;

	if (r->server->tls == TLS_START)
		return "the teaching protocol has no STARTTLS: try -t (TLS)";
	if (*account->password != '\0')
		why = remote_private(r);
	return why;
}

/* The mailbox */

/* "1: Email from alice@example.com (21-03-2025)" */
static bool listed(struct box *box, char *line)
{
	static const char from[] = ": Email from ";
	char *colon = strstr(line, from), *date = strrchr(line, '(');
	struct str *header;
	uint64_t id;

	if (colon == NULL || date == NULL || date < colon + strlen(from))
		return false;
	*colon = '\0';
	if (!number_parse(line, BOX_MAILS_MAX, &id) || id == 0 ||
	    (box->prepared > 0 && id != box->first + box->prepared))
		return false;
	if (box->prepared == 0)
		box->first = (size_t)id;
	if ((box->prepared & (box->prepared - 1)) == 0)
		box->headers = xrealloc(box->headers,
		    (2 * box->prepared + 1) * sizeof *box->headers);
	header = &box->headers[box->prepared++];
	*header = (struct str){0};
	*date++ = '\0';
	str_printf(header, "From: %s\r\nDate: %.*s\r\n\r\n",
	    colon + strlen(from), (int)strcspn(date, ")"), date);
	return true;
}

static const char *list(struct box *box)
{
	struct remote *r = box->remote;
	struct str text = {0};
	const char *why;
	char *all, *line;
	bool whole;

	conn_reply(&r->conn, "LIST %s", box->user);
	why = expect(r, "the server shows no mail");
	if (why != NULL)
		return why;
	why = remote_text(r, &text, LIST_MAX, &whole);
	all = text.p;
	while (why == NULL && (line = text_line(&all)) != NULL) {
		line[strcspn(line, "\r")] = '\0';
		if (!listed(box, line))
			why = remote_nonsense(r, PROTOCOL, line);
	}
	str_free(&text);
	if (why != NULL || box->prepared == 0)
		return why;
	box->count = box->first + box->prepared - 1;
	box->mail = xrealloc(NULL, box->count * sizeof *box->mail);
	memset(box->mail, 0, box->count * sizeof *box->mail);
	return NULL;
}

const char *teaching_begin(struct box *box, const struct account *account)
{
	const char *why = begin(box->remote, account);

	snprintf(box->user, sizeof box->user, "%s", account->user);
	if (why == NULL)
		why = hello(box->remote, account->user);
	if (why == NULL)
		why = login(box->remote, account);
	return why != NULL ? why : list(box);
}

const char *teaching_message(struct box *box, size_t n, struct str *text)
{
	const char *why;
	bool whole = true;

	conn_reply(&box->remote->conn, "GET_MAIL %s %zu", box->user, n);
	why = expect(box->remote, "the server does not show it");
	str_puts(text, CONTENT); /* it is decoded, and does not say so */
	if (why == NULL)
		why = remote_text(box->remote, text,
		    BOX_MESSAGE_MAX - text->len, &whole);
	if (why != NULL || whole)
		return why;
	return sentence("message %zu is larger than %u octets: too large to be "
	    "shown here", n, BOX_MESSAGE_MAX);
}

/* Sending */

static const char *envelope(struct remote *r, const char *from, const char *to)
{
	const char *why = hello(r, from);

	if (why != NULL)
		return why;
	conn_reply(&r->conn, "MAIL FROM: <%s>", from);
	why = expect(r, sentence("the server refuses the sender %s",
	    words(from)));
	if (why != NULL)
		return why;
	conn_reply(&r->conn, "RCPT TO: <%s>", to);
	return expect(r, sentence("the server refuses the recipient %s",
	    words(to)));
}

static const char *data(struct remote *r, struct span message)
{
	const char *why;

	conn_puts(&r->conn, "DATA\r\n");
	why = expect(r, "the server refuses the message");
	if (why == NULL)
		why = remote_in_turn(r);
	if (why != NULL)
		return why;
	r->conn.timeout = END_TIMEOUT;
	remote_send(r, message);
	why = expect(r, "the server refuses the message");
	if (why != NULL && r->broken)
		return sentence("%s. The message may have been sent all the "
		    "same: ask before you send it again", why);
	return why;
}

/*
 * A message has one recipient there, and goes once for each; first all of them
 * are tried, so that there is none who has it when another is refused.
 */
const char *teaching_send(struct remote *r, const struct account *account,
    const char *from, const char *const to[], size_t count,
    struct span message)
{
	const char *why = begin(r, account);

	if (why == NULL)
		why = login(r, account);
	for (size_t i = 0; why == NULL && count > 1 && i < count; i++)
		why = envelope(r, from, to[i]);
	for (size_t i = 0; why == NULL && i < count; i++) {
		why = envelope(r, from, to[i]);
		if (why == NULL)
			why = data(r, message);
		if (why != NULL && i > 0)
			why = sentence("%zu of %zu recipients have it, %s does "
			    "not: %s", i, count, to[i], why);
	}
	if (!r->broken)
		conn_puts(&r->conn, "QUIT\r\n");
	return why;
}
