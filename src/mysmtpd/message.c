#include "message.h"

#include <string.h>

#include "str.h"
#include "store.h"

static struct {
	const struct message *message;
	bool first; /* its first line is still to come */
	bool is_text;
	bool has_from, has_to, has_date, has_message_id;
	struct body body;
} m;

static const char *const known[] = {"From", "To", "Cc", "Subject", "Date",
    "Message-ID", "Reply-To", "Sender", "MIME-Version", "Content-Type",
    "In-Reply-To", "References", "Received", "Return-Path", NULL};

static bool is_known(const char *line, size_t n)
{
	for (size_t i = 0; known[i] != NULL; i++)
		if (header_is(line, n, known[i]))
			return true;
	return false;
}

static void add_missing(void)
{
	const struct trace *t = &m.message->trace;
	char room[1024];
	struct str lines = STR_ROOM(room);

	if (!m.has_from)
		str_printf(&lines, "From: %s\r\n", m.message->from);
	if (!m.has_to)
		str_printf(&lines, "To: %s\r\n", t->recipient);
	if (!m.has_date)
		trace_date(&lines);
	if (!m.has_message_id)
		str_printf(&lines, "Message-ID: <%s@%s>\r\n", t->id, t->host);
	if (lines.len > 0)
		store_text(lines.p, lines.len);
	str_free(&lines);
}

static void on_header(const char *line, size_t n)
{
	if (n == 0) {
		add_missing();
		return;
	}
	if (header_is(line, n, "From"))
		m.has_from = true;
	else if (header_is(line, n, "To") || header_is(line, n, "Cc"))
		m.has_to = true;
	else if (header_is(line, n, "Date"))
		m.has_date = true;
	else if (header_is(line, n, "Message-ID"))
		m.has_message_id = true;
	store_text(line, n);
}

void message_begin(const struct message *message, bool is_text)
{
	char room[1024];
	struct str lines = STR_ROOM(room);

	m.message = message;
	m.first = true;
	m.is_text = is_text;
	m.has_from = m.has_to = m.has_date = m.has_message_id = false;
	trace_received(&lines, &message->trace);
	store_text(lines.p, lines.len);
	str_free(&lines);
	body_begin(&m.body, message->limit, on_header, store_text);
}

/* A text without a header: who reads it has to know that it is UTF-8. */
static void text_begins(void)
{
	static const char fields[] = "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\n";

	body_lines(&m.body, fields, sizeof fields - 1, false);
}

void message_line(const char *line, size_t n)
{
	if (m.first && (m.is_text || !is_known(line, n)))
		text_begins();
	m.first = false;
	body_lines(&m.body, line, n, false);
	body_lines(&m.body, "\r\n", 2, false);
}

void message_fault(enum body_fault fault)
{
	if (m.body.fault == BODY_FINE)
		m.body.fault = fault;
	m.body.size += BODY_LINE_MAX; /* it may have been that long */
	m.first = false;
}

bool message_endless(void)
{
	return m.body.size > 2 * m.message->limit + BODY_LINE_MAX;
}

const char *message_end(void)
{
	body_lines(&m.body, NULL, 0, true);
	switch (m.body.fault) {
	case BODY_BARE:
		return "400 A line of the message holds a NUL, or a CR within";
	case BODY_LONG_LINE:
		return "403 A line of the message is too long";
	case BODY_TOO_BIG:
		return "403 Message too big";
	case BODY_FINE:
		break;
	}
	return store_end();
}
