/*
 * SEARCH, SORT and THREAD of a client that says anything: an octet (its bits: UID,
 * rev2, UTF8, in pieces), a message, two NULs, and lines that are such commands
 * from behind their tag. What they answer is lawful.
 */
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "imapd/answer.h"
#include "imapd/load.h"
#include "imapd/session.h"
#include "messages.h"

static void session_begin(unsigned how)
{
	memset(&session.conn, 0, sizeof session.conn);
	memset(&session.input, 0, sizeof session.input);
	conn_open(&session.conn, 0, 1, 1, 0);
	session.input.conn = &session.conn;
	session.input.line_max = 2000;
	session.input.literals_max = 4000;
	session.box = *messages_make();
	session.known = MESSAGES;
	session.box.messages[4].expunged = (how & 16) != 0;
	session.uid = (how & 1) != 0;
	session.rev2 = (how & 2) != 0;
	session.utf8 = (how & 4) != 0;
	session.tag = "t";
	session.index = index_open(&session.box);
	set_free(&session.saved);
	set_free(&session.recent);
	set_add(&session.recent, 5, 9);
}

/* Numbers are of messages; parentheses and quotes come in pairs. */
static void check_answers(void)
{
	const char *p = peer_heard, *end = p + peer_heard_len;
	int depth = 0;

	MUST(peer_heard_len == 0 || end[-1] == '\n');
	for (; p < end; p++) {
		depth += *p == '(';
		depth -= *p == ')';
		MUST(depth >= 0 && (unsigned char)*p < 0x80 && *p != '\0');
		MUST(*p != '\n' || depth == 0);
	}
}

static void command(void)
{
	static void (*const commands[])(void) = {cmd_search, cmd_sort, cmd_thread};
	struct input *in = &session.input;
	bool is_begun = in->fault == NULL && !in->gone;
	size_t which = is_begun ? (unsigned char)input_peek(in) % 3u : 0;

	answer_begin();
	if (is_begun && input_peek(in) != '\0') {
		in->at++;
		commands[which]();
	}
	MUST(in->fault != NULL || answer_given() || !is_begun ||
	    *in->at == '\0');
	if (in->fault != NULL || (answer_given() && answer_is_bad()))
		input_skip(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *end;
	size_t len;

	messages_make();
	if (n == 0)
		return 0;
	end = memmem(data + 1, n - 1, "\0\0", 2);
	len = end != NULL ? (size_t)(end - data - 1) : 0;
	message_put(data + 1, len);
	index_put("", 0);
	session_begin(data[0]);
	len += end != NULL ? 3 : 1;
	peer_says(data + len, n - len, (data[0] & 8) != 0 ? 3 : 0);
	for (int i = 0; i < 20 && input_begin(&session.input); i++)
		command();
	conn_flush(&session.conn);
	pool_reset(&session.input.pool);
	index_close(session.index);
	set_free(&session.saved);
	set_free(&session.recent);
	return 0;
}
