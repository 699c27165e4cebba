#include "handoff.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "log.h"
#include "queue.h"
#include "smtp.h"

#define DELIVER_TIMEOUT 600 /* s: a shared file system may stall a minute */
#define CHUNK 65536         /* of message in memory; small mail is one */
#define HEAD 32             /* room for "BDAT 65536 LAST" before it */
#define NO_DELIVER "451 4.3.0 Local delivery is not available now"

static struct {
	const char *host;
	struct door *door; /* whose doorkeeper starts deliver, and nudges */
	bool running;      /* deliver is */
	bool greeted;      /* its greeting and LHLO reply were read */
	bool mail;         /* it knows the sender */
	bool unanswered;   /* a chunk's reply is still to be read */
	bool lost;         /* it went away and took recipients with it */
	bool queueing;     /* a queue file was begun */
	const struct envelope *envelope;
	const char *id;
	char reply[600];
	size_t len;        /* of text not yet handed on */
	char text[HEAD + CHUNK];
	struct conn conn;
	struct queue queue;
} to;

void handoff_begin(const char *host, struct door *door)
{
	to.host = host;
	to.door = door;
	to.queue.file.fd = -1;
}

/* Its code, its last line in to.reply. 0: deliver is gone. */
static int reply_read(void)
{
	return smtp_reply_read(&to.conn, to.reply, sizeof to.reply);
}

static bool started(void)
{
	int fd;

	if (to.running)
		return true;
	fd = door_ask(to.door, "deliver");
	if (fd < 0)
		return false;
	conn_open(&to.conn, fd, fd, DELIVER_TIMEOUT, 0);
	conn_reply(&to.conn, "LHLO %s", to.host);
	to.greeted = false;
	to.running = true;
	return true;
}

void handoff_expect(void)
{
	if (!to.running)
		door_say(to.door, "");
}

void handoff_close(void)
{
	if (to.running)
		close(to.conn.in);
	to.running = to.mail = to.unanswered = false;
}

static const char *gone(void)
{
	to.lost = to.lost || to.mail;
	handoff_close();
	return NO_DELIVER;
}

/* MAIL and RCPT, with what the sender wants to be told (RFC 3461). */

static void send_mail(const struct envelope *e)
{
	conn_reply(&to.conn, "MAIL FROM:<%s>%s%s%s%s%s", e->sender,
	    e->eightbit ? " BODY=8BITMIME" : "", e->utf8 ? " SMTPUTF8" : "",
	    e->ret == 0 ? "" : e->ret == 'F' ? " RET=FULL" : " RET=HDRS",
	    *e->envid != '\0' ? " ENVID=" : "", e->envid);
}

static void send_rcpt(const struct recipient *r)
{
	char words[NOTIFY_SIZE];
	bool orcpt = r->orcpt != NULL && *r->orcpt != '\0';

	notify_print(words, r->notify);
	conn_reply(&to.conn, "RCPT TO:<%s>%s%s%s%s", r->address,
	    *words != '\0' ? " NOTIFY=" : "", words,
	    orcpt ? " ORCPT=" : "", orcpt ? r->orcpt : "");
}

const char *handoff_rcpt(const struct envelope *e, const struct recipient *r)
{
	bool first;

	if (to.lost || !started())
		return NO_DELIVER;
	first = !to.mail;
	if (first)
		send_mail(e);
	send_rcpt(r);
	if (!to.greeted && (reply_read() != 220 || reply_read() != 250))
		return gone();
	to.greeted = true;
	if (first && reply_read() != 250)
		return gone();
	to.mail = true;
	return reply_read() != 0 ? to.reply : gone();
}

void handoff_message(const struct envelope *e, const char *id)
{
	to.envelope = e;
	to.id = id;
	to.len = 0;
}

/* Sends the chunk to deliver, once the one before it has been answered. */
static void chunk_send(bool last)
{
	char command[HEAD];

	if (to.unanswered && reply_read() != 250)
		gone();
	to.unanswered = false;
	if (!to.running)
		return;
	int n = snprintf(command, sizeof command, "BDAT %zu%s\r\n", to.len,
	    last ? " LAST" : "");
	char *start = to.text + HEAD - n; /* one write for both */
	memcpy(start, command, (size_t)n);
	conn_send(&to.conn, start, (size_t)n + to.len);
	to.unanswered = !last;
}

static void queue_text(void)
{
	if (!to.queueing)
		queue_create(&to.queue, to.id, to.envelope);
	to.queueing = true;
	queue_lines(&to.queue, to.text + HEAD, to.len);
}

/* Might somebody have to wait, or to be told? */
static bool queue_may_be_needed(const struct envelope *e)
{
	for (size_t i = 0; i < e->rcpts; i++)
		if (!e->rcpt[i].local ||
		    (e->rcpt[i].notify & NOTIFY_SUCCESS) != 0)
			return true;
	return e->rcpts > 1;
}

/* The buffer is full, and more will come. */
static void text_out(void)
{
	if (queue_may_be_needed(to.envelope))
		queue_text();
	if (to.mail)
		chunk_send(false);
	to.len = 0;
}

void handoff_text(const char *lines, size_t n)
{
	while (n > 0) {
		size_t room = CHUNK - to.len;
		size_t take = n < room ? n : room;
		memcpy(to.text + HEAD + to.len, lines, take);
		to.len += take;
		lines += take;
		n -= take;
		if (to.len == CHUNK)
			text_out();
	}
}

/* A recipient has it: is anything left to do? */
static char delivered(const struct recipient *r)
{
	return (r->notify & NOTIFY_SUCCESS) != 0 ? QUEUE_DELIVERED : QUEUE_DONE;
}

/*
 * Ends the message and reads a reply for each local recipient. Returns the
 * refusal that says most: one that may pass before one that will not.
 */
static const char *lmtp_end(struct envelope *e)
{
	static char refusal[sizeof to.reply];

	*refusal = '\0';
	if (to.mail)
		chunk_send(true);
	for (size_t i = 0; i < e->rcpts; i++) {
		struct recipient *r = &e->rcpt[i];
		if (!r->local)
			continue;
		int code = to.mail && to.running ? reply_read() : 0;
		if (code == 0)
			strcpy(to.reply, gone());
		if (code == 250)
			r->status = delivered(r);
		else if (*refusal == '\0' || *refusal == '5')
			strcpy(refusal, to.reply);
	}
	to.mail = false;
	return refusal;
}

const char *handoff_end(struct envelope *e)
{
	const char *refusal = "";
	size_t waiting = 0, had = 0, reports = 0, local = 0;
	int error = 0;

	for (size_t i = 0; i < e->rcpts; i++) {
		e->rcpt[i].status = QUEUE_WAITING;
		local += e->rcpt[i].local;
	}
	if (to.queueing || local < e->rcpts)
		queue_text();
	/* The part that may fail for want of room comes first. */
	if (local < e->rcpts && !file_sync(&to.queue.file))
		return file_refusal(to.queue.file.error);
	if (local > 0)
		refusal = lmtp_end(e);
	for (size_t i = 0; i < e->rcpts; i++) {
		waiting += e->rcpt[i].status == QUEUE_WAITING;
		had += e->rcpt[i].status != QUEUE_WAITING;
		reports += e->rcpt[i].status == QUEUE_DELIVERED;
	}
	if (had == 0 && local == e->rcpts)
		return refusal;
	if (waiting > 0 || reports > 0) {
		if (!to.queueing) /* all of it is in the buffer still */
			queue_text();
		error = queue_commit(&to.queue, e);
		to.queueing = false;
		if (error == 0)
			door_say(to.door, to.id);
	}
	return error != 0 ? file_refusal(error) : NULL;
}

void handoff_reset(void)
{
	if (to.queueing)
		queue_abort(&to.queue);
	to.queueing = to.lost = false;
	if (!to.running || !to.mail)
		return;
	conn_reply(&to.conn, "RSET");
	if ((to.unanswered && reply_read() == 0) || reply_read() != 250)
		gone();
	to.mail = to.unanswered = false;
}
