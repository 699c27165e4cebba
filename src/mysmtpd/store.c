#include "store.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "smtp.h"

#define DELIVER_TIMEOUT 600 /* s: a shared file system may stall a minute */
#define CHUNK 65536         /* of message in memory; what is typed is one */
#define REPLY_SIZE 600

static struct {
	const char *host;
	struct door *door;
	const struct address *from, *to;
	bool running; /* deliver is */
	bool begun;   /* it has a chunk */
	const char *refusal;
	char reply[REPLY_SIZE];
	size_t len;   /* of text not yet handed on */
	char text[CHUNK];
	struct conn conn;
} to;

void store_begin(const char *host, struct door *door)
{
	to.host = host;
	to.door = door;
}

/* Its code, its last line in to.reply. 0: deliver is gone. */
static int reply_read(void)
{
	int code = smtp_reply_read(&to.conn, to.reply, sizeof to.reply);

	if (code == 0) {
		close(to.conn.in);
		to.running = false;
	}
	return code;
}

/* Behind the code and the enhanced code (RFC 2034). */
static const char *reply_text(void)
{
	const char *text = to.reply + 4;
	size_t n = strspn(text, "0123456789.");

	return n > 0 && text[n] == ' ' ? text + n + 1 : text;
}

/* What a reply is in our protocol; NULL: it has it. */
static const char *answer(int code)
{
	static char text[REPLY_SIZE + 16];

	if (code == 250)
		return NULL;
	if (code < 500)
		return NO_DELIVER;
	if (strncmp(to.reply, "550 5.1.", 8) == 0)
		return "401 No such mailbox";
	snprintf(text, sizeof text, "403 %.*s", REPLY_SIZE, reply_text());
	return text;
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
	to.running = true;
	conn_reply(&to.conn, "LHLO %s", to.host);
	return reply_read() == 220 && reply_read() == 250;
}

/* Asks for the recipient, in a new transaction. */
static int rcpt(void)
{
	if (!started())
		return 0;
	conn_reply(&to.conn, "RSET");
	conn_reply(&to.conn, "MAIL FROM:<%s> BODY=8BITMIME%s", to.from->text,
	    to.from->utf8 || to.to->utf8 ? " SMTPUTF8" : "");
	conn_reply(&to.conn, "RCPT TO:<%s>", to.to->text);
	return reply_read() == 250 && reply_read() == 250 ? reply_read() : 0;
}

/*
 * A deliver that is there already has perhaps not waited for somebody who typed
 * for ten minutes: then a new one.
 */
static const char *begin(void)
{
	bool old = to.running;
	int code = rcpt();

	return answer(code == 0 && old ? rcpt() : code);
}

const char *store_rcpt(const struct address *from, const struct address *who)
{
	to.from = from;
	to.to = who;
	to.len = 0;
	to.begun = false;
	to.refusal = NULL;
	return begin();
}

static void chunk_send(bool last)
{
	if (!to.begun)
		to.refusal = begin();
	to.begun = true;
	if (to.refusal != NULL)
		return;
	conn_reply(&to.conn, "BDAT %zu%s", to.len, last ? " LAST" : "");
	conn_send(&to.conn, to.text, to.len);
	to.refusal = answer(reply_read());
	to.len = 0;
}

void store_text(const char *lines, size_t n)
{
	while (n > 0) {
		size_t room = CHUNK - to.len;
		size_t take = n < room ? n : room;
		memcpy(to.text + to.len, lines, take);
		to.len += take;
		lines += take;
		n -= take;
		if (to.len == CHUNK) {
			chunk_send(false);
			to.len = 0;
		}
	}
}

const char *store_end(void)
{
	chunk_send(true);
	to.begun = false;
	return to.refusal;
}

void store_reset(void)
{
	if (!to.begun || !to.running)
		return;
	to.begun = false;
	conn_reply(&to.conn, "RSET");
	reply_read();
}
