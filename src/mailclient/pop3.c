#include "pop3.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base64.h"
#include "remote.h"

#define LISTING_MAX (32u << 20) /* octets of LIST: twice a million lines */
#define CAPABILITIES_MAX 8192   /* octets of CAPA; there are twenty words */
#define COMMAND_MAX 255         /* octets with CRLF: RFC 2449 4 */

/* What the server said behind its last +OK or -ERR; valid until it speaks. */
struct reply {
	bool ok;
	char *text;
};

/* "+OK text", "-ERR text": a sentence when it is neither. */
static const char *reply_read(struct box *box, struct reply *reply)
{
	const char *why = remote_line(box->remote, &reply->text);
	size_t n;

	if (why != NULL)
		return why;
	reply->ok = strncmp(reply->text, "+OK", 3) == 0;
	n = reply->ok ? 3 : 4;
	if ((!reply->ok && strncmp(reply->text, "-ERR", 4) != 0) ||
	    (reply->text[n] != ' ' && reply->text[n] != '\0'))
		return remote_nonsense(box->remote, "POP3", reply->text);
	reply->text += n + strspn(reply->text + n, " ");
	return NULL;
}

/* "what: why", without the response code (RFC 2449 8) of the why. */
static const char *refused(const char *what, const struct reply *reply)
{
	const char *text = reply->text;

	if (*text == '[' && strchr(text, ']') != NULL)
		text = strchr(text, ']') + 1;
	text += strspn(text, " ");
	return sentence("%s%s%s", what, *text != '\0' ? ": " : "",
	    words(text));
}

/* One that must be +OK, else the sentence begins with `what`. */
static const char *expect(struct box *box, const char *what)
{
	struct reply reply;
	const char *why = reply_read(box, &reply);

	return why != NULL || reply.ok ? why : refused(what, &reply);
}

/* The opening */

struct capabilities {
	bool utf8, plain;
};

static void capability_read(struct box *box, struct capabilities *c,
    char *line)
{
	char *word = text_word(&line);

	if (word == NULL)
		return;
	if (strcasecmp(word, "PIPELINING") == 0)
		box->pipelining = true;
	else if (strcasecmp(word, "TOP") == 0)
		box->top = true;
	else if (strcasecmp(word, "UTF8") == 0)
		c->utf8 = true;
	else if (strcasecmp(word, "SASL") == 0)
		while ((word = text_word(&line)) != NULL)
			c->plain = c->plain || strcasecmp(word, "PLAIN") == 0;
}

/* Servers of the teaching kind have no CAPA. */
static const char *capabilities_read(struct box *box, struct capabilities *c)
{
	struct str text = {0};
	struct reply reply;
	const char *why;
	bool whole;

	*c = (struct capabilities){0};
	conn_puts(&box->remote->conn, "CAPA\r\n");
	why = reply_read(box, &reply);
	if (why != NULL || !reply.ok)
		return why;
	why = remote_text(box->remote, &text, CAPABILITIES_MAX, &whole);
	for (char *all = text.p, *line; (line = text_line(&all)) != NULL;)
		capability_read(box, c, line);
	str_free(&text);
	return why;
}

/* RFC 3206 and RFC 2449 8.1.1: some refusals are not the password's fault. */
static const char *login_reply(struct box *box)
{
	struct reply reply;
	const char *why = reply_read(box, &reply);

	if (why != NULL || reply.ok)
		return why;
	if (strncasecmp(reply.text, "[IN-USE", 7) == 0 ||
	    strncasecmp(reply.text, "[SYS", 4) == 0 ||
	    strncasecmp(reply.text, "[LOGIN-DELAY", 12) == 0)
		return refused("the mailbox cannot be opened now, try again "
		    "in a minute", &reply);
	return refused("wrong user or password", &reply);
}

static const char *user_login(struct box *box, const struct account *a)
{
	struct reply reply;
	const char *why;

	conn_reply(&box->remote->conn, "USER %s", a->user);
	why = reply_read(box, &reply);
	if (why != NULL)
		return why;
	if (!reply.ok)
		return refused("no such user here", &reply);
	conn_reply(&box->remote->conn, "PASS %s", a->password);
	return login_reply(box);
}

/*
 * SASL's PLAIN (RFC 5034, RFC 4616): nobody can tell what a user beyond ASCII,
 * or a blank at the end of a password, means to PASS. False: it is too long.
 */
static bool plain_say(struct box *box, const struct account *a)
{
	char response[COMMAND_MAX], text[BASE64_SIZE(COMMAND_MAX)];
	int n = snprintf(response, sizeof response, "%c%s%c%s", 0, a->user, 0,
	    a->password);
	bool fits = (size_t)n < sizeof response &&
	    BASE64_SIZE((size_t)n) + strlen("AUTH PLAIN \r") <= COMMAND_MAX;

	if (fits) {
		base64_encode(text, response, (size_t)n);
		conn_reply(&box->remote->conn, "AUTH PLAIN %s", text);
	}
	explicit_bzero(response, sizeof response);
	explicit_bzero(text, sizeof text);
	return fits;
}

static const char *login(struct box *box, const struct account *a)
{
	struct capabilities c;
	const char *why = remote_private(box->remote);

	if (why == NULL)
		why = capabilities_read(box, &c);
	if (why != NULL)
		return why;
	if (c.utf8) { /* RFC 6856 2: else it may have to leave letters out */
		struct reply ignored;
		conn_puts(&box->remote->conn, "UTF8\r\n");
		why = reply_read(box, &ignored);
	}
	if (why != NULL)
		return why;
	return c.plain && plain_say(box, a) ? login_reply(box) :
	    user_login(box, a);
}

static const char *starttls(struct box *box)
{
	struct reply reply;
	const char *why;

	conn_puts(&box->remote->conn, "STLS\r\n");
	why = reply_read(box, &reply);
	if (why != NULL)
		return why;
	if (!reply.ok)
		return refused("the server offers no STARTTLS (STLS)", &reply);
	return remote_secure(box->remote);
}

/* A number at *p, which is moved behind it and the blanks that follow. */
static bool number_next(char **p, uint64_t max, uint64_t *n)
{
	char *word = text_word(p);

	return word != NULL && number_parse(word, max, n);
}

static const char *count(struct box *box)
{
	struct reply reply;
	uint64_t n, octets;
	const char *why;

	conn_puts(&box->remote->conn, "STAT\r\n");
	why = reply_read(box, &reply);
	if (why != NULL)
		return why;
	if (!reply.ok)
		return refused("the server cannot count the mail", &reply);
	char *rest = reply.text;
	if (!number_next(&rest, UINT64_MAX, &n) ||
	    !number_next(&rest, UINT64_MAX, &octets))
		return remote_nonsense(box->remote, "POP3", reply.text);
	if (n > BOX_MAILS_MAX)
		return sentence("the server says that there are %" PRIu64
		    " messages; more than %d are not listed here", n,
		    BOX_MAILS_MAX);
	box->count = (size_t)n;
	box->mail = xrealloc(NULL, box->count * sizeof *box->mail);
	memset(box->mail, 0, box->count * sizeof *box->mail);
	return NULL;
}

/* What is said of messages that are not there, nobody hears. */
static const char *sizes(struct box *box)
{
	struct str text = {0};
	struct reply reply;
	uint64_t n, octets;
	const char *why;
	bool whole;

	if (box->count == 0)
		return NULL;
	conn_puts(&box->remote->conn, "LIST\r\n");
	why = reply_read(box, &reply);
	if (why != NULL || !reply.ok)
		return why;
	why = remote_text(box->remote, &text, LISTING_MAX, &whole);
	for (char *all = text.p, *line; (line = text_line(&all)) != NULL;)
		if (number_next(&line, box->count, &n) && n > 0 &&
		    number_next(&line, UINT64_MAX, &octets))
			box->mail[n - 1].octets = octets;
	str_free(&text);
	return why;
}

const char *pop3_begin(struct box *box, const struct account *account)
{
	const char *why = expect(box, "the server takes nobody now");

	if (why == NULL && box->remote->server->tls == TLS_START)
		why = starttls(box);
	if (why == NULL)
		why = login(box, account);
	if (why == NULL)
		why = count(box);
	return why != NULL ? why : sizes(box);
}

/* Messages */

/* RETR and TOP with its answer: `text` behind what it holds, `max` at most. */
static const char *text_read(struct box *box, struct str *text, size_t max,
    bool *whole)
{
	const char *why = expect(box, "the server does not show it");

	return why != NULL ? why : remote_text(box->remote, text, max, whole);
}

/* Says TOP for `n` headers, `at` which: a socket's buffer holds as much. */
static const char *tops(struct box *box, const size_t at[], size_t n)
{
	const char *why;
	bool whole;

	for (size_t i = 0; i < n; i++)
		conn_reply(&box->remote->conn, "TOP %zu 0", box->first + at[i]);
	for (size_t i = 0; i < n; i++) {
		why = text_read(box, &box->headers[at[i]], BOX_HEADER_MAX,
		    &whole);
		if (box->remote->broken)
			return why;
		box->top = box->top || why == NULL;
	}
	return NULL;
}

/* Where the first TOP ever is refused, there is none. */
const char *pop3_headers(struct box *box)
{
	size_t at[BOX_PREPARED_MAX], count = 0, done = 0, n;
	const char *why;
	bool whole;

	for (size_t i = 0; i < box->prepared; i++)
		if (!box->mail[box->first + i - 1].deleted)
			at[count++] = i;
	while (done < count && !box->no_top) {
		n = box->pipelining && box->top ? count - done : 1;
		why = tops(box, at + done, n);
		if (why != NULL)
			return why;
		box->no_top = !box->top;
		done += box->no_top ? 0 : n;
	}
	for (; done < count; done++) {
		conn_reply(&box->remote->conn, "RETR %zu",
		    box->first + at[done]);
		why = text_read(box, &box->headers[at[done]], BOX_HEADER_MAX,
		    &whole);
		if (box->remote->broken)
			return why;
	}
	return NULL;
}

const char *pop3_message(struct box *box, size_t n, struct str *text)
{
	const char *why;
	bool whole = true;

	conn_reply(&box->remote->conn, "RETR %zu", n);
	why = text_read(box, text, BOX_MESSAGE_MAX, &whole);
	if (why != NULL || whole)
		return why;
	return sentence("message %zu is larger than %u octets: too large to be "
	    "shown here", n, BOX_MESSAGE_MAX);
}

const char *pop3_delete(struct box *box, size_t n)
{
	conn_reply(&box->remote->conn, "DELE %zu", n);
	return expect(box, "the server does not delete it");
}

const char *pop3_quit(struct box *box)
{
	conn_puts(&box->remote->conn, "QUIT\r\n");
	return expect(box, "the server did not delete all");
}
