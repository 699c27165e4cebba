/*
 * deliver: the local delivery agent. Without arguments, LMTP on fd 0 and 1 (RFC
 * 2033); with recipients as arguments, one message on fd 0. deliver(8) has the
 * states that a delivery can be in.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "body.h"
#include "command.h"
#include "config.h"
#include "conn.h"
#include "envelope.h"
#include "log.h"
#include "message.h"
#include "program.h"
#include "resolve.h"
#include "smtp.h"

#define TIMEOUT 600       /* s: the one before us may wait for its peer */
#define TRACE_ROOM 65536  /* what may come on top of a message at its limit */
#define LOOP_MAX 65536    /* bytes of Delivered-To lines to remember */

static struct {
	struct dialogue dialogue;
	const struct config *config;
	struct pool pool; /* the transaction's memory */
	struct envelope envelope;
	struct targets targets;
	struct recipient_targets *rcpt; /* as many as in the envelope */
	/* The message that is being received: */
	struct body body;
	struct str delivered_to; /* the addresses, each NUL-terminated */
	unsigned hops;
	/* Large buffers last: what is small shares a page. */
	struct conn conn;
	struct message message;
} s;

/* The transaction: recipients, the message, the verdicts */

static void reset(void)
{
	message_end(&s.message);
	s.rcpt = NULL;
	s.targets = (struct targets){.pool = &s.pool};
	envelope_reset(&s.envelope);
	pool_reset(&s.pool);
	if (s.dialogue.state & IN_MAIL)
		s.dialogue.state = READY;
}

/* NULL, or the refusal. */
static const char *recipient_add(const struct address *to, struct recipient *r)
{
	struct recipient_targets mine;
	const char *refusal = resolve(&s.targets, &mine, to,
	    s.config->alias_pipes);

	if (refusal != NULL)
		return refusal;
	s.rcpt = pool_grow(&s.pool, s.rcpt, s.envelope.rcpts, sizeof *s.rcpt);
	s.rcpt[s.envelope.rcpts] = mine;
	r->address = mine.recipient;
	envelope_add(&s.envelope, r);
	return NULL;
}

static void on_text(const char *lines, size_t n)
{
	message_lines(&s.message, lines, n);
}

static void on_header(const char *line, size_t n)
{
	if (n == 0)
		return;
	if (header_is(line, n, "Received")) {
		s.hops++;
	} else if (header_is(line, n, "Delivered-To") &&
	    s.delivered_to.len + n < LOOP_MAX) {
		const char *value = (const char *)memchr(line, ':', n) + 1;
		size_t len = n - (size_t)(value - line);
		while (len > 0 && (*value == ' ' || *value == '\t'))
			value++, len--;
		while (len > 0 && strchr("\r\n \t", value[len - 1]) != NULL)
			len--;
		str_add(&s.delivered_to, value, len);
		str_add(&s.delivered_to, "", 1);
	}
	message_lines(&s.message, line, n);
}

static bool looped(const char *recipient)
{
	const char *p = s.delivered_to.p, *end = p + s.delivered_to.len;

	for (; p < end; p += strlen(p) + 1)
		if (strcasecmp(p, recipient) == 0)
			return true;
	return false;
}

/* Those before this host: smtpd has added a line of ours. */
static unsigned hops(void)
{
	return s.hops > 0 ? s.hops - 1 : 0;
}

static void message_start(void)
{
	s.hops = 0;
	str_clear(&s.delivered_to);
	s.message.envelope = &s.envelope;
	message_begin(&s.message, &s.targets,
	    s.envelope.rcpts == 1 ? s.envelope.rcpt[0].address : NULL);
	body_begin(&s.body, s.config->message_size_limit + TRACE_ROOM,
	    on_header, on_text);
}

/* The worst that befell one of its targets. */
static const char *verdict(const struct recipient_targets *r)
{
	const char *worst = DELIVERED;

	for (size_t i = 0; i < r->count; i++) {
		const char *reply = s.targets.target[r->index[i]].reply;
		if (*worst == '2' || *reply == '4')
			worst = *reply == '2' ? worst : reply;
	}
	return worst;
}

/* Delivers to all. Then verdict() knows; or the fault, returned. */
static const char *message_finish(void)
{
	const char *fault = smtp_body_refusal(&s.body, hops());

	if (fault == NULL)
		message_deliver(&s.message, &s.targets, looped);
	else
		warn("refused from=<%s> to=<%s> recipients=%zu size=%" PRIu64
		    " reply=%s", safe(s.envelope.sender),
		    safe(s.envelope.rcpt[0].address), s.envelope.rcpts,
		    s.body.size, quoted(fault));
	return fault;
}

/* LMTP */

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
	conn_reply(&s.conn, "250-%s", s.config->host);
	conn_reply(&s.conn, "250-SIZE %" PRIu64, s.config->message_size_limit);
	conn_puts(&s.conn,
	    "250-PIPELINING\r\n"
	    "250-8BITMIME\r\n"
	    "250-SMTPUTF8\r\n"
	    "250-CHUNKING\r\n"
	    "250 ENHANCEDSTATUSCODES\r\n");
}

static void cmd_mail(char *args)
{
	const char *refusal = envelope_mail(&s.envelope, args,
	    s.config->message_size_limit + TRACE_ROOM);

	if (refusal == NULL)
		s.dialogue.state = SENDER;
	reply(refusal ? refusal : "250 2.1.0 Sender OK");
}

static void cmd_rcpt(char *args)
{
	struct recipient r;
	struct address to;
	const char *refusal = envelope_rcpt(&s.envelope, args, &to, &r);

	if (refusal == NULL)
		refusal = recipient_add(&to, &r);
	if (refusal == NULL)
		s.dialogue.state = RECIPIENTS;
	reply(refusal ? refusal : "250 2.1.5 Recipient OK");
}

/* One reply for each recipient: RFC 2033 4.2. */
static void lmtp_finish(void)
{
	const char *fault = message_finish();

	for (size_t i = 0; i < s.envelope.rcpts; i++)
		conn_reply(&s.conn, "%s", fault ? fault : verdict(&s.rcpt[i]));
	reset();
}

static void lmtp_broken(enum line why)
{
	warn("message broken off from=<%s>", safe(s.envelope.sender));
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
	message_start();
	reply("354 End with CRLF.CRLF");
	end = body_data(&s.body, &s.conn);
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
		end = body_skip(&s.conn, n, s.config->message_size_limit);
		if (end == LINE_OK)
			reply(smtp_protocol.out_of_order);
		else
			lmtp_broken(end);
		return;
	}
	if (s.dialogue.state == RECIPIENTS)
		message_start();
	s.dialogue.state = CHUNKS;
	end = body_bdat(&s.body, &s.conn, n, last);
	if (end != LINE_OK) {
		lmtp_broken(end);
	} else if (last) {
		lmtp_finish();
	} else if ((refusal = smtp_body_refusal(&s.body, hops())) != NULL) {
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

static int lmtp(void)
{
	log_last_words(NULL);
	conn_reply(&s.conn, "220 %s LMTP Pennypost", s.config->host);
	s.dialogue = (struct dialogue){&s.conn, &smtp_protocol, commands,
	    START, 0, NULL};
	command_loop(&s.dialogue);
	reset();
	return EX_OK;
}

/* The command line */

/* Says why on stderr, and returns what <sysexits.h> calls it. */
static int complain(const char *recipient, const char *refusal)
{
	fprintf(stderr, "deliver: <%s>: %s\n", safe(recipient), refusal);
	if (*refusal == '4')
		return EX_TEMPFAIL;
	if (strncmp(refusal + 4, "5.1.1", 5) == 0)
		return EX_NOUSER;
	if (strncmp(refusal + 4, "5.1.2", 5) == 0)
		return EX_NOHOST;
	return strncmp(refusal + 4, "5.7", 3) == 0 ? EX_NOPERM :
	    s.body.fault != BODY_FINE ? EX_DATAERR : EX_UNAVAILABLE;
}

/* "From SENDER DATE" of an mbox comes before the message: cut it off. */
static void skip_from_line(bool take_sender)
{
	struct address from;
	char *line, *end, *word;

	do {
		line = s.conn.buf + s.conn.start;
		end = memchr(line, '\n', s.conn.end - s.conn.start);
	} while (end == NULL && conn_fill(&s.conn, INT64_MAX) == LINE_OK);
	if (end == NULL || end - line < 5 || memcmp(line, "From ", 5) != 0)
		return;
	*end = '\0';
	s.conn.start += (size_t)(end - line) + 1;
	line += 5;
	word = text_word(&line);
	if (take_sender && word != NULL &&
	    address_parse(word, &from) == ADDRESS_OK && *from.domain != '\0')
		strcpy(s.envelope.sender, from.text);
}

static int command_line(char **recipients, bool has_sender)
{
	int status = EX_OK, one;
	enum line got;
	const char *fault;

	for (; *recipients != NULL; recipients++) {
		struct recipient r = {0};
		struct address to;
		const char *refusal = address_parse(*recipients, &to) ==
		    ADDRESS_OK ? recipient_add(&to, &r) :
		    "501 5.1.3 Bad address";
		if (refusal != NULL &&
		    (one = complain(*recipients, refusal)) != EX_OK)
			status = status == EX_OK ? one : status;
	}
	if (status != EX_OK)
		return status; /* all or nobody: the caller will try again */
	skip_from_line(!has_sender);
	message_start();
	do {
		body_lines(&s.body, s.conn.buf + s.conn.start,
		    s.conn.end - s.conn.start, false);
		s.conn.start = s.conn.end = 0;
	} while ((got = conn_fill(&s.conn, INT64_MAX)) == LINE_OK);
	if (got != LINE_EOF || s.conn.error != 0) {
		fprintf(stderr, "deliver: cannot read the message: %s\n",
		    strerror(s.conn.error));
		reset();
		return EX_TEMPFAIL;
	}
	body_lines(&s.body, NULL, 0, true);
	fault = message_finish();
	for (size_t i = 0; i < s.envelope.rcpts; i++) {
		const char *text = fault ? fault : verdict(&s.rcpt[i]);
		if (*text != '2' && (status == EX_OK || *text == '4'))
			status = complain(s.rcpt[i].recipient, text);
	}
	reset();
	return status;
}

int main(int argc, char **argv)
{
	const char *home = NULL, *sender = NULL;
	struct address from;
	int option;

	program_begin("deliver");
	while ((option = getopt(argc, argv, "C:f:")) != -1) {
		if (option == 'C')
			home = optarg;
		else if (option == 'f')
			sender = optarg;
		else
			fatal(EX_USAGE, "usage: deliver [-C home] "
			    "[-f sender] [recipient ...]");
	}
	if (argc == optind)
		log_last_words("421 4.3.0 Out of service, try later\r\n");
	home_enter(home);
	s.config = config_load();
	s.message.file.fd = -1;
	s.envelope.pool = s.targets.pool = &s.pool;
	conn_open(&s.conn, 0, 1, TIMEOUT, 0);
	if (argc == optind)
		return lmtp();
	if (sender != NULL && *sender != '\0' && strcmp(sender, "<>") != 0) {
		if (address_parse(sender, &from) != ADDRESS_OK)
			fatal(EX_USAGE, "bad sender %s", safe(sender));
		strcpy(s.envelope.sender, from.text);
	}
	return command_line(argv + optind, sender != NULL);
}
