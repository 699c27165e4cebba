#include "lmtp.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "command.h"
#include "conn.h"
#include "list.h"
#include "log.h"
#include "smtp.h"
#include "transaction.h"

#define TIMEOUT 600 /* s: the one before us may wait for its peer */

static struct {
	struct dialogue dialogue;
	struct conn conn;
} s;

static struct transaction *const t = &transaction;

static void reset(void)
{
	transaction_reset();
	if (s.dialogue.state & IN_MAIL)
		s.dialogue.state = READY;
}

static void reply(const char *text)
{
	if (*text >= '4')
		s.dialogue.errors++;
	conn_reply(&s.conn, "%s", text);
}

static void cmd_lhlo(char *args)
{
	(void)args;
	reset();
	s.dialogue.state = READY;
	conn_reply(&s.conn, "250-%s", t->config->host);
	conn_reply(&s.conn, "250-SIZE %" PRIu64,
	    t->config->message_size_limit);
	conn_puts(&s.conn,
	    "250-PIPELINING\r\n"
	    "250-8BITMIME\r\n"
	    "250-SMTPUTF8\r\n"
	    "250-CHUNKING\r\n"
	    "250 ENHANCEDSTATUSCODES\r\n");
}

static void cmd_mail(char *args)
{
	const char *refusal = envelope_mail(&t->envelope, args,
	    t->config->message_size_limit + TRACE_ROOM);

	if (refusal == NULL)
		s.dialogue.state = SENDER;
	reply(refusal ? refusal : "250 2.1.0 Sender OK");
}

static void cmd_rcpt(char *args)
{
	struct recipient r;
	struct address to;
	const char *refusal = envelope_rcpt(&t->envelope, args, &to, &r);

	if (refusal == NULL)
		refusal = transaction_rcpt(&to, &r);
	if (refusal == NULL)
		s.dialogue.state = RECIPIENTS;
	reply(refusal ? refusal : "250 2.1.5 Recipient OK");
	if (refusal != NULL && *refusal == '4' && aliases_replaced())
		s.dialogue.state = 0; /* a new deliver can read them */
}

/* One reply for each recipient: RFC 2033 4.2. */
static void lmtp_finish(void)
{
	const char *fault = transaction_finish();

	for (size_t i = 0; i < t->envelope.rcpts; i++)
		conn_reply(&s.conn, "%s", fault ? fault : message_verdict(&t->targets, i));
	reset();
}

static void lmtp_broken(enum line why)
{
	warn("message broken off from=<%s>", safe(t->envelope.sender));
	if (why == LINE_TIMEOUT)
		reply(smtp_protocol.timeout);
	else if (why != LINE_EOF)
		reply("550 5.6.0 No way to tell where it ends, closing");
	s.dialogue.state = 0;
}

static void cmd_data(char *args)
{
	enum line end;

	(void)args;
	transaction_message();
	reply("354 End with CRLF.CRLF");
	end = body_data(&t->body, &s.conn);
	if (end == LINE_OK)
		lmtp_finish();
	else
		lmtp_broken(end);
}

static void cmd_bdat(char *args)
{
	const char *size = text_word(&args);
	bool last = strcasecmp(args, "LAST") == 0;
	const char *refusal;
	enum line end;
	uint64_t n;

	if (!number_parse(size, UINT64_MAX, &n) || (*args != '\0' && !last)) {
		reply("501 5.5.4 Syntax: BDAT SIZE [LAST], closing");
		s.dialogue.state = 0;
		return;
	}
	if ((s.dialogue.state & (RECIPIENTS | CHUNKS)) == 0) {
		end = body_skip(&s.conn, n, t->config->message_size_limit);
		if (end == LINE_OK)
			reply(smtp_protocol.out_of_order);
		else
			lmtp_broken(end);
		return;
	}
	if (s.dialogue.state == RECIPIENTS)
		transaction_message();
	s.dialogue.state = CHUNKS;
	end = body_bdat(&t->body, &s.conn, n, last);
	if (end != LINE_OK) {
		lmtp_broken(end);
	} else if (last) {
		lmtp_finish();
	} else if ((refusal = transaction_fault()) != NULL) {
		reply(refusal);
		reset();
	} else {
		reply("250 2.0.0 OK");
	}
}

static void cmd_rset(char *args)
{
	(void)args;
	reset();
	reply("250 2.0.0 OK");
}

static void cmd_noop(char *args)
{
	(void)args;
	reply("250 2.0.0 OK");
}

static void cmd_vrfy(char *args)
{
	(void)args;
	reply("252 2.5.0 Send mail to it, and see");
}

static void cmd_quit(char *args)
{
	(void)args;
	reply("221 2.0.0 Goodbye");
	s.dialogue.state = 0;
}

static const struct command commands[] = {
	{"LHLO", ANY, SOME_ARGS, cmd_lhlo},
	{"MAIL", READY, SOME_ARGS, cmd_mail},
	{"RCPT", SENDER | RECIPIENTS, SOME_ARGS, cmd_rcpt},
	{"DATA", RECIPIENTS, NO_ARGS, cmd_data},
	{"BDAT", ANY, SOME_ARGS, cmd_bdat},
	{"RSET", ANY, NO_ARGS, cmd_rset},
	{"NOOP", ANY, ANY_ARGS, cmd_noop},
	{"VRFY", ANY, SOME_ARGS, cmd_vrfy},
	{"QUIT", ANY, NO_ARGS, cmd_quit},
	{NULL, 0, NO_ARGS, NULL},
};

void lmtp_serve(void)
{
	log_last_words(NULL);
	conn_open(&s.conn, 0, 1, TIMEOUT, 0);
	conn_reply(&s.conn, "220 %s LMTP Pennypost", t->config->host);
	s.dialogue = (struct dialogue){&s.conn, &smtp_protocol, commands,
	    START, 0, NULL};
	command_loop(&s.dialogue);
	reset();
}

