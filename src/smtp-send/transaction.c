#include "transaction.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Seconds: RFC 5321 4.5.3.2. */
#define MAIL_TIMEOUT 300
#define RCPT_TIMEOUT 300
#define DATA_TIMEOUT 120
#define BLOCK_TIMEOUT 180 /* for each 64 KiB of the message */
#define END_TIMEOUT 600

static struct {
	struct delivery *delivery;
	size_t rcpt[TRANSACTION_RECIPIENTS]; /* places in the envelope */
	size_t count, at;      /* at: whose reply is next */
	size_t accepted;
	bool refused;          /* MAIL was */
	bool bdat;             /* the message goes by BDAT: RFC 3030 */
	bool utf8;
	bool ended;            /* all of the message was sent */
	bool unreadable;       /* the queue file */
} t;

static const struct recipient *recipient(size_t i)
{
	return &t.delivery->entry.envelope.rcpt[i];
}

/* What the host cannot take at all */

static bool ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

/* RFC 6531 3.2, 3.7.4: what needs SMTPUTF8 goes nowhere without it. */
static void refuse_utf8(struct delivery *d)
{
	const struct envelope *e = &d->entry.envelope;

	if (!ascii(e->sender))
		delivery_all_refused(d, TODO, "-",
		    "550 5.6.7 The next host takes no sender beyond ASCII");
	if (e->utf8 && d->message.header_eightbit)
		delivery_all_refused(d, TODO, "-",
		    "550 5.6.9 The next host takes no header beyond ASCII");
	for (size_t i = 0; i < e->rcpts; i++)
		if (d->progress[i] == TODO && !ascii(recipient(i)->address))
			delivery_refused(d, i, "-", "550 5.6.7 The next host "
			    "takes no recipient beyond ASCII");
}

static void refuse_impossible(const struct session *s, struct delivery *d)
{
	struct message *m = &d->message;
	char text[128];

	if ((s->extensions & EXT_SMTPUTF8) == 0)
		refuse_utf8(d);
	switch (message_convert(m, m->eightbit &&
	    (s->extensions & EXT_8BITMIME) == 0)) {
	case MESSAGE_OK:
		break;
	case MESSAGE_UNREADABLE:
		delivery_all_refused(d, TODO, "-", UNREADABLE);
		return;
	case MESSAGE_IMPOSSIBLE:
		delivery_all_refused(d, TODO, "-", "554 5.6.3 The next host "
		    "takes no 8-bit text, and this cannot be converted");
		return;
	}
	if (s->size_max != 0 && m->size > s->size_max) {
		snprintf(text, sizeof text, "552 5.3.4 The next host takes %"
		    PRIu64 " octets, and the message has %" PRIu64,
		    s->size_max, m->size);
		delivery_all_refused(d, TODO, "-", text);
	}
}

/* Who is in it */

static const char *domain(size_t i)
{
	const char *at = strrchr(recipient(i)->address, '@');

	return at != NULL ? at + 1 : "";
}

static void choose(const struct session *s)
{
	struct delivery *d = t.delivery;
	size_t max = TRANSACTION_RECIPIENTS;

	if (s->rcpt_max != 0 && s->rcpt_max < max)
		max = (size_t)s->rcpt_max;
	t.count = t.at = t.accepted = 0;
	for (size_t i = 0; i < d->entry.envelope.rcpts && t.count < max; i++) {
		if (d->progress[i] != TODO || (s->domain_max != 0 &&
		    t.count > 0 && strcasecmp(domain(i),
		    domain(t.rcpt[0])) != 0))
			continue; /* one domain at a time is never too many */
		d->progress[i] = NAMED;
		t.utf8 = t.utf8 || !ascii(recipient(i)->address);
		t.rcpt[t.count++] = i;
	}
}

/* What is said */

static void say_mail_of(struct session *s, const struct envelope *e)
{
	const struct message *m = &t.delivery->message;
	bool dsn = (s->extensions & EXT_DSN) != 0;
	char size[32] = "";

	if (s->extensions & EXT_SIZE)
		snprintf(size, sizeof size, " SIZE=%" PRIu64, m->size);
	conn_reply(&s->conn, "MAIL FROM:<%s>%s%s%s%s%s%s", e->sender, size,
	    m->eightbit && !m->converted ? " BODY=8BITMIME" : "",
	    t.utf8 && (s->extensions & EXT_SMTPUTF8) ? " SMTPUTF8" : "",
	    !dsn || e->ret == 0 ? "" :
	    e->ret == 'F' ? " RET=FULL" : " RET=HDRS",
	    dsn && *e->envid != '\0' ? " ENVID=" : "", dsn ? e->envid : "");
}

/* As utf-8-addr-xtext, where the host knows ASCII alone: RFC 6533 3. */
static void orcpt_ascii(char *to, size_t size, const char *from)
{
	size_t n = 0, length;
	unsigned long point;

	for (; *from != '\0' && n + 12 < size; from += length) {
		length = utf8_length(from);
		if (length < 2) {
			to[n++] = *from;
			length = 1;
			continue;
		}
		point = (unsigned char)*from & (0x7fu >> length);
		for (size_t i = 1; i < length; i++)
			point = point << 6 | ((unsigned char)from[i] & 0x3f);
		n += (size_t)snprintf(to + n, size - n, "\\x{%lX}", point);
	}
	to[n] = '\0';
}

static void say_rcpt_of(struct session *s, const struct recipient *r)
{
	char words[NOTIFY_SIZE] = "", room[ORCPT_SIZE * 5];
	const char *orcpt = "";

	if (s->extensions & EXT_DSN) {
		notify_print(words, r->notify);
		orcpt = r->orcpt;
		if (!ascii(orcpt) && (s->extensions & EXT_SMTPUTF8) == 0) {
			orcpt_ascii(room, sizeof room, orcpt);
			orcpt = strlen(room) < ORCPT_SIZE ? room : "";
		}
	}
	conn_reply(&s->conn, "RCPT TO:<%s>%s%s%s%s", r->address,
	    *words != '\0' ? " NOTIFY=" : "", words,
	    *orcpt != '\0' ? " ORCPT=" : "", orcpt);
}

static void say_rcpt(struct session *s)
{
	say_rcpt_of(s, recipient(t.rcpt[t.at]));
}

static void say_data(struct session *s)
{
	conn_puts(&s->conn, "DATA\r\n");
}

/*
 * The message, and its end. Where nobody is to have it, and yet DATA got a 354,
 * an empty one: RFC 2920 3.1. What is not whole gets no end: the host must not
 * take it for a message.
 */
static void say_message(struct session *s)
{
	struct message *m = &t.delivery->message;

	s->conn.timeout = BLOCK_TIMEOUT;
	if (t.bdat)
		conn_reply(&s->conn, "BDAT %" PRIu64 " LAST", m->size);
	if ((t.bdat || t.accepted > 0) &&
	    !message_write(m, &s->conn, !t.bdat)) {
		t.unreadable = !s->conn.broken;
		s->conn.broken = true;
		return;
	}
	if (!t.bdat)
		conn_puts(&s->conn, ".\r\n");
	t.ended = conn_flush(&s->conn);
}

/* All that need not wait for a reply, in one: RFC 2920. */
static void say_ahead(struct session *s)
{
	s->said = t.bdat ? RCPT : DATA;
	say_mail_of(s, &t.delivery->entry.envelope);
	for (size_t i = 0; i < t.count; i++)
		say_rcpt_of(s, recipient(t.rcpt[i]));
	if (!t.bdat) {
		say_data(s);
	} else if (message_small(&t.delivery->message)) {
		say_message(s); /* one round trip for a message */
		s->said = END;
	}
}

static void say_mail(struct session *s)
{
	if (s->extensions & EXT_PIPELINING)
		say_ahead(s);
	else
		say_mail_of(s, &t.delivery->entry.envelope);
}

static void say_rset(struct session *s)
{
	conn_puts(&s->conn, "RSET\r\n");
	if (s->extensions & EXT_PIPELINING)
		say_ahead(s);
}

/* What is heard */

static enum phase out_of_step(struct session *s)
{
	char what[REPLY_SIZE + 32];

	snprintf(what, sizeof what, "answers out of step: %s", s->reply.text);
	return session_fail(s, 451, "4.5.0", what);
}

static bool is_refusal(const struct session *s)
{
	return s->reply.code >= 400;
}

/* All that are in the transaction: MAIL, DATA or the end was refused. */
static void refuse_all(struct session *s)
{
	delivery_all_refused(t.delivery, NAMED, s->host, s->reply.text);
	delivery_all_refused(t.delivery, ACCEPTED, s->host, s->reply.text);
	t.accepted = 0;
}

static enum phase hear_rset(struct session *s)
{
	if (s->reply.code / 100 != 2)
		return out_of_step(s);
	s->dirty = false;
	return MAIL;
}

static enum phase hear_mail(struct session *s)
{
	if (s->reply.code / 100 == 3)
		return out_of_step(s);
	if (!is_refusal(s)) {
		s->dirty = true;
		return RCPT;
	}
	t.refused = true;
	refuse_all(s);
	return s->said > MAIL ? RCPT : READY;
}

/*
 * Too many at once: RFC 5321 4.5.3.1.10. The rest comes in the next one, and
 * will not be so many. X.2.X is of one mailbox, which is full.
 */
static bool too_many(const struct session *s)
{
	return (s->reply.code == 452 || s->reply.code == 552) &&
	    t.accepted > 0 &&
	    strncmp(reply_status(&s->reply) + 1, ".2.", 3) != 0;
}

static enum phase behind_rcpts(struct session *s)
{
	if (s->said > RCPT)
		return s->said;
	if (t.accepted > 0)
		return t.bdat ? END : DATA;
	return READY; /* nobody was taken, and RSET will be the next command */
}

static enum phase hear_rcpt(struct session *s)
{
	size_t i = t.rcpt[t.at++];

	if (s->reply.code / 100 == 3)
		return out_of_step(s);
	if (t.refused) {
		; /* all is said */
	} else if (!is_refusal(s)) {
		t.delivery->progress[i] = ACCEPTED;
		t.accepted++;
	} else if (too_many(s)) {
		t.delivery->progress[i] = TODO;
	} else {
		delivery_refused(t.delivery, i, s->host, s->reply.text);
	}
	return t.at < t.count ? RCPT : behind_rcpts(s);
}

static enum phase hear_data(struct session *s)
{
	if (s->reply.code == 354)
		return END;
	if (!is_refusal(s))
		return out_of_step(s);
	refuse_all(s);
	return READY;
}

static enum phase hear_end(struct session *s)
{
	if (!is_refusal(s) && (s->reply.code >= 300 || !t.ended))
		return out_of_step(s); /* a yes before the end is none */
	if (is_refusal(s)) {
		refuse_all(s);
		/* RFC 3030 2: only RSET helps; after a dot all is forgotten. */
		s->dirty = t.bdat;
		return t.ended ? READY : CLOSED;
	}
	if (t.accepted > 0)
		delivery_taken(t.delivery, (s->extensions & EXT_DSN) != 0,
		    s->reply.text);
	s->dirty = false;
	return READY;
}

static const struct step steps[PHASES] = {
	[RSET] = {"after RSET", MAIL_TIMEOUT, say_rset, hear_rset},
	[MAIL] = {"after MAIL", MAIL_TIMEOUT, say_mail, hear_mail},
	[RCPT] = {"after RCPT", RCPT_TIMEOUT, say_rcpt, hear_rcpt},
	[DATA] = {"after DATA", DATA_TIMEOUT, say_data, hear_data},
	[END] = {"after the message", END_TIMEOUT, say_message, hear_end},
};

/*
 * The session is closed. Once the end of the message has been sent, nobody can
 * tell whether it was taken, unless 421 said so: it is for another time then,
 * and not for another host, which would be sure to make it two. But a host that
 * has had a message before, and says nothing at all of the next one, was tired
 * of waiting for it, and has not seen it.
 */
static void lost(struct session *s)
{
	struct delivery *d = t.delivery;
	bool tired = !s->heard && s->transactions > 1;
	bool unsure = t.ended && !t.refused && !s->closing && !tired;

	if (t.unreadable)
		snprintf(s->reply.text, sizeof s->reply.text, UNREADABLE);
	for (size_t k = 0; k < t.count; k++) {
		char *progress = &d->progress[t.rcpt[k]];
		if (*progress != NAMED && *progress != ACCEPTED)
			continue;
		*progress = TODO;
		if (unsure || t.unreadable)
			delivery_refused(d, t.rcpt[k], "-", s->reply.text);
	}
}

void transaction_run(struct session *s, struct delivery *d)
{
	t.delivery = d;
	t.refused = t.ended = t.unreadable = false;
	t.utf8 = d->entry.envelope.utf8 || !ascii(d->entry.envelope.sender);
	t.bdat = (s->extensions & EXT_CHUNKING) != 0;
	d->peer = s->peer;
	d->how = s->how;
	refuse_impossible(s, d);
	if (d->todo == 0)
		return;
	choose(s);
	s->transactions++;
	s->heard = false;
	s->phase = s->dirty ? RSET : MAIL;
	session_run(s, steps);
	if (s->phase == CLOSED)
		lost(s);
}
