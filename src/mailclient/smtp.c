#include "smtp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base64.h"

#define REPLY_LINES_MAX 100 /* no server has half as many extensions */
#define END_TIMEOUT 600     /* s: RFC 5321 4.5.3.2.6; else there may be two */

struct reply {
	int code;
	char text[1024]; /* all its lines, without the codes */
};

struct offers { /* the reply to EHLO */
	bool starttls, plain, eightbit, utf8, size;
	uint64_t size_max; /* octets; 0: not said */
};

struct session {
	struct remote *remote;
	struct reply reply;
	struct offers offers;
};

/* Replies */

static void offer_read(struct offers *o, char *line)
{
	char *word = text_word(&line);

	if (word == NULL)
		return;
	if (strcasecmp(word, "STARTTLS") == 0)
		o->starttls = true;
	else if (strcasecmp(word, "8BITMIME") == 0)
		o->eightbit = true;
	else if (strcasecmp(word, "SMTPUTF8") == 0)
		o->utf8 = true;
	else if (strcasecmp(word, "AUTH") == 0)
		while ((word = text_word(&line)) != NULL)
			o->plain = o->plain || strcasecmp(word, "PLAIN") == 0;
	else if (strcasecmp(word, "SIZE") == 0) {
		o->size = true;
		word = text_word(&line);
		if (word != NULL)
			number_parse(word, UINT64_MAX, &o->size_max);
	}
}

/* RFC 5321 4.2; 0: it is no reply's line. Some end behind the code. */
static int code_of(const char *line)
{
	if (strspn(line, "0123456789") != 3 || *line < '2' || *line > '5' ||
	    (line[3] != ' ' && line[3] != '-' && line[3] != '\0'))
		return 0;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
}

/* Each line but the first is an offer, if anybody wants to know. */
static const char *reply_read(struct session *s, struct offers *offers)
{
	struct reply *r = &s->reply;
	size_t n = 0;
	bool more = true;
	char *line;

	r->text[0] = '\0';
	for (int lines = 0; more; lines++) {
		const char *why = remote_line(s->remote, &line);
		if (why != NULL)
			return why;
		int code = code_of(line);
		if (code == 0 || (lines > 0 && code != r->code) ||
		    lines == REPLY_LINES_MAX)
			return remote_nonsense(s->remote, "SMTP", line);
		r->code = code;
		more = line[3] == '-';
		line += 3 + (line[3] != '\0');
		n += (size_t)snprintf(r->text + n, sizeof r->text - n, "%s%s",
		    n > 0 ? " " : "", line);
		if (n >= sizeof r->text)
			n = sizeof r->text - 1;
		if (offers != NULL && lines > 0)
			offer_read(offers, line);
	}
	return NULL;
}

/* One with a code of this class; else the sentence begins with `what`. */
static const char *expect(struct session *s, int class, const char *what)
{
	const char *why = reply_read(s, NULL);

	if (why != NULL || s->reply.code / 100 == class)
		return why;
	return sentence("%s: %d %s", what, s->reply.code, words(s->reply.text));
}

/* The opening */

/* A server of the teaching kind may know HELO alone: RFC 5321 3.2. */
static const char *hello(struct session *s)
{
	const char *why;

	s->offers = (struct offers){0};
	conn_reply(&s->remote->conn, "EHLO %s", s->remote->literal);
	why = reply_read(s, &s->offers);
	if (why != NULL || s->reply.code / 100 == 2)
		return why;
	s->offers = (struct offers){0};
	conn_reply(&s->remote->conn, "HELO %s", s->remote->literal);
	return expect(s, 2, "the server refuses us");
}

static const char *starttls(struct session *s)
{
	const char *why;

	if (!s->offers.starttls)
		return "the server offers no STARTTLS";
	conn_puts(&s->remote->conn, "STARTTLS\r\n");
	why = expect(s, 2, "the server refuses STARTTLS");
	if (why == NULL)
		why = remote_secure(s->remote);
	return why != NULL ? why : hello(s);
}

static const char *login(struct session *s, const struct account *a)
{
	char response[sizeof a->user + sizeof a->password];
	char text[BASE64_SIZE(sizeof response)];
	const char *why;
	int n;

	if (*a->password == '\0' || !s->offers.plain ||
	    remote_private(s->remote) != NULL)
		return NULL;
	n = snprintf(response, sizeof response, "%c%s%c%s", 0, a->user, 0,
	    a->password);
	base64_encode(text, response, (size_t)n);
	conn_puts(&s->remote->conn, "AUTH PLAIN ");
	conn_puts(&s->remote->conn, text);
	conn_puts(&s->remote->conn, "\r\n");
	explicit_bzero(response, sizeof response);
	explicit_bzero(text, sizeof text);
	why = reply_read(s, NULL);
	if (why != NULL || s->reply.code == 235)
		return why;
	return sentence("the server does not log you in: %d %s", s->reply.code,
	    words(s->reply.text));
}

static const char *opening(struct session *s, const struct account *account)
{
	const char *why = expect(s, 2, "the server takes no mail now");

	if (why == NULL)
		why = hello(s);
	if (why == NULL && s->remote->server->tls == TLS_START)
		why = starttls(s);
	return why != NULL ? why : login(s, account);
}

/* The transaction */

struct octets {
	bool header, body, addresses; /* have some beyond ASCII */
};

static bool beyond_ascii(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] > 0x7f)
			return true;
	return false;
}

static void octets_find(struct octets *o, const char *from,
    const char *const to[], size_t count, struct span message)
{
	const char *end = memmem(message.p, message.n, "\r\n\r\n", 4);
	size_t n = end != NULL ? (size_t)(end - message.p) : message.n;

	o->header = beyond_ascii(message.p, n);
	o->body = beyond_ascii(message.p + n, message.n - n);
	o->addresses = beyond_ascii(from, strlen(from));
	for (size_t i = 0; i < count; i++)
		o->addresses |= beyond_ascii(to[i], strlen(to[i]));
}

static const char *mail(struct session *s, const char *from, size_t size,
    const struct octets *o)
{
	const struct offers *offers = &s->offers;
	bool utf8 = o->addresses || o->header, eightbit = o->body;
	char number[32] = "";

	if (utf8 && !offers->utf8)
		return "the server takes no address and no header beyond ASCII";
	if (eightbit && !offers->eightbit && !utf8)
		return "the server takes no text beyond ASCII";
	if (offers->size_max != 0 && size > offers->size_max)
		return sentence("the message has %zu octets, and the server "
		    "takes %" PRIu64 " at most", size, offers->size_max);
	if (offers->size)
		snprintf(number, sizeof number, " SIZE=%zu", size);
	conn_reply(&s->remote->conn, "MAIL FROM:<%s>%s%s%s", from, number,
	    eightbit && offers->eightbit ? " BODY=8BITMIME" : "",
	    utf8 ? " SMTPUTF8" : "");
	return expect(s, 2, sentence("the server refuses the sender %s",
	    words(from)));
}

static const char *recipients(struct session *s, const char *const to[],
    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *why;
		conn_reply(&s->remote->conn, "RCPT TO:<%s>", to[i]);
		why = expect(s, 2, sentence("nobody has it, since the server "
		    "refuses the recipient %s", words(to[i])));
		if (why != NULL)
			return why;
	}
	return NULL;
}

static const char *data(struct session *s, struct span message)
{
	const char *why;

	conn_puts(&s->remote->conn, "DATA\r\n");
	why = expect(s, 3, "the server refuses the message");
	if (why == NULL)
		why = remote_in_turn(s->remote);
	if (why != NULL)
		return why;
	s->remote->conn.timeout = END_TIMEOUT;
	remote_send(s->remote, message);
	why = expect(s, 2, "the server refuses the message");
	if (why != NULL && s->remote->broken)
		return sentence("%s. The message may have been sent all the "
		    "same: ask before you send it again", why);
	return why;
}

const char *smtp_send(struct remote *r, const struct account *account,
    const char *from, const char *const to[], size_t count,
    struct span message)
{
	struct session s = {.remote = r};
	struct octets o;
	const char *why = opening(&s, account);

	octets_find(&o, from, to, count, message);
	if (why == NULL)
		why = mail(&s, from, message.n, &o);
	if (why == NULL)
		why = recipients(&s, to, count);
	if (why == NULL)
		why = data(&s, message);
	if (!r->broken)
		conn_puts(&r->conn, "QUIT\r\n");
	return why;
}
