/*
 * smtpd: receives mail by SMTP on fd 0 and 1 (RFC 5321); with -s, takes
 * submissions (RFC 6409); with -T, TLS comes first (RFC 8314). smtpd(8) has the
 * limits and the replies.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "body.h"
#include "broker.h"
#include "command.h"
#include "config.h"
#include "confine.h"
#include "conn.h"
#include "door.h"
#include "envelope.h"
#include "handoff.h"
#include "local.h"
#include "log.h"
#include "peer.h"
#include "program.h"
#include "queue.h"
#include "sasl.h"
#include "smtp.h"
#include "trace.h"

#define TIMEOUT 300    /* s for a line or a reply: RFC 5321 4.5.3.2 */
#define SESSION 3600   /* s in all */
#define AUTH_MAX 12288 /* RFC 4954 4 */
#define MESSAGES_MAX 1000
#define TALKER_MEMORY (64u << 20) /* bytes; it needs 2 MiB */

#define USAGE "usage: smtpd [-s] [-T] [-l uid] [-C home]"

static struct {
	struct dialogue dialogue;
	struct peer peer;
	const struct config *config;
	struct door door;
	bool submission, trusted, extended; /* extended: EHLO, not HELO */
	bool confirmed; /* this process may write the queue */
	char helo[256], user[ADDRESS_SIZE];
	unsigned messages;
	struct pool pool; /* the transaction's memory */
	struct envelope envelope;
	/* The message that is being received: */
	char id[ID_SIZE];
	struct body body;
	unsigned hops;
	bool has_date, has_message_id;
	struct conn conn; /* large buffers last: what is small shares a page */
} s;

static void reply(const char *text)
{
	if (*text >= '4')
		s.dialogue.errors++;
	conn_reply(&s.conn, "%s", text);
}

static void reset(void)
{
	handoff_reset();
	envelope_reset(&s.envelope);
	pool_reset(&s.pool);
	if (s.dialogue.state & IN_MAIL)
		s.dialogue.state = READY;
}

/* Says it, and ends the session. */
static void hang_up(const char *text)
{
	reply(text);
	handoff_reset();
	conn_hang_up(&s.conn);
	s.dialogue.state = 0;
	s.dialogue.end = "hang-up";
}

/* Who may send to anybody without a login. */
static bool peer_is_trusted(void)
{
	return s.peer.local || peer_in(&s.peer, s.config->relay_from);
}

static bool auth_offered(void)
{
	return s.submission && door_is_private(&s.door) && *s.user == '\0' &&
	    !s.peer.local; /* the kernel has said who it is */
}

/* Who talks to a stranger needs no file, and only asks the doorkeeper. */
static const struct confinement stranger = {
	.calls = CALLS_PASS_FD, .memory = TALKER_MEMORY,
};

/* Who may send writes the queue, and asks the doorkeeper for deliver. */
static const struct confinement sender = {
	.paths = (const struct confine_path[]){
		{"spool/queue", MAY_LIST | MAY_CREATE | MAY_REMOVE},
		{"spool/tmp", MAY_WRITE | MAY_CREATE | MAY_REMOVE},
		{NULL, 0},
	},
	.calls = CALLS_FILES | CALLS_PASS_FD, .memory = TALKER_MEMORY,
};

/* HELO, EHLO */

static bool is_host_name(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (name[i] <= ' ' || name[i] > '~' ||
		    strchr("()<>@,;\\\"", name[i]) != NULL)
			return false;
	return n < sizeof s.helo;
}

static bool hello(const char *name)
{
	if (!is_host_name(name)) {
		reply("501 5.5.4 That is no host name");
		return false;
	}
	reset();
	strcpy(s.helo, name);
	s.dialogue.state = READY;
	return true;
}

static void cmd_helo(char *name)
{
	if (!hello(name))
		return;
	s.extended = false;
	conn_reply(&s.conn, "250 %s", s.config->host);
}

static void cmd_ehlo(char *name)
{
	struct str mechanisms = {0};

	if (!hello(name))
		return;
	s.extended = true;
	conn_reply(&s.conn, "250-%s", s.config->host);
	conn_reply(&s.conn, "250-SIZE %" PRIu64, s.config->message_size_limit);
	conn_reply(&s.conn, "250-LIMITS MAILMAX=%d RCPTMAX=%d", MESSAGES_MAX,
	    RECIPIENTS_MAX);
	if (s.door.tls_offered)
		conn_puts(&s.conn, "250-STARTTLS\r\n");
	if (auth_offered())
		sasl_mechanisms(&s.door, &mechanisms);
	if (mechanisms.len > 0)
		conn_reply(&s.conn, "250-AUTH %s", mechanisms.p);
	str_free(&mechanisms);
	conn_puts(&s.conn,
	    "250-PIPELINING\r\n"
	    "250-8BITMIME\r\n"
	    "250-SMTPUTF8\r\n"
	    "250-ENHANCEDSTATUSCODES\r\n"
	    "250-DSN\r\n"
	    "250-CHUNKING\r\n"
	    "250 HELP\r\n");
}

/* AUTH */

/* Asks with a 334 and reads the answer; NULL when there is none to use. */
static char *challenge(const char *text)
{
	char *line;

	conn_reply(&s.conn, "334 %s", text);
	switch (conn_line(&s.conn, AUTH_MAX, &line)) {
	case LINE_OK:
		if (strcmp(line, "*") != 0)
			return line;
		reply("501 5.7.0 Given up");
		return NULL;
	case LINE_TIMEOUT:
		hang_up(smtp_protocol.timeout);
		return NULL;
	case LINE_EOF:
		s.dialogue.state = 0;
		s.dialogue.end = "eof";
		return NULL;
	case LINE_LONG:
	case LINE_BAD:
		break;
	}
	reply("500 5.5.6 That line is no answer");
	return NULL;
}

static void auth_decided(enum sasl_result result)
{
	switch (result) {
	case SASL_OK:
		reply("235 2.7.0 Welcome");
		if (!s.confirmed)
			door_leave(&s.door, s.helo);
		strcpy(s.user, s.door.login.who.text);
		s.trusted = true;
		break;
	case SASL_REFUSED:
		reply("535 5.7.8 User or password is wrong");
		break;
	case SASL_UNAVAILABLE:
		reply("454 4.7.0 Cannot tell now");
		break;
	case SASL_MALFORMED:
		reply("501 5.5.2 That is no response of this mechanism");
		break;
	case SASL_UNKNOWN:
		reply("504 5.5.4 Mechanism not known");
		break;
	case SASL_GIVEN_UP:
		break;
	}
}

static void cmd_auth(char *args)
{
	const char *mechanism = text_word(&args);

	if (!s.submission || !s.extended || *s.user != '\0') {
		reply(s.submission ? smtp_protocol.out_of_order :
		    "502 5.5.1 No logins on this port");
		return;
	}
	if (!door_is_private(&s.door)) {
		reply("538 5.7.11 Not without encryption");
		return;
	}
	auth_decided(sasl_login(&s.door, mechanism,
	    *args != '\0' ? args : NULL, challenge));
}

/* Nothing that was said before is known after it: RFC 3207 4.2. */
static void cmd_starttls(char *args)
{
	(void)args;
	if (!s.door.tls_offered) {
		reply("502 5.5.1 TLS is not available");
		return;
	}
	reset();
	if (door_tls(&s.door, "220 2.0.0 Ready to begin TLS")) {
		s.dialogue.state = START;
		*s.helo = *s.user = '\0';
		s.extended = false;
		s.trusted = peer_is_trusted();
		return;
	}
	if (s.conn.start != s.conn.end)
		reply("554 5.5.1 Something has come before TLS, closing");
	conn_hang_up(&s.conn);
	s.dialogue.state = 0;
	s.dialogue.end = "tls";
}

/* MAIL, RCPT */

static void cmd_mail(char *args)
{
	const char *refusal;

	if (s.submission && !s.trusted) {
		reply("530 5.7.0 Authentication required");
		return;
	}
	if (++s.messages > MESSAGES_MAX) {
		hang_up("421 4.5.3 Enough messages for one session");
		return;
	}
	refusal = envelope_mail(&s.envelope, args,
	    s.config->message_size_limit);
	if (refusal != NULL) {
		reply(refusal);
		return;
	}
	if (!s.trusted)
		handoff_expect();
	s.dialogue.state = SENDER;
	reply("250 2.1.0 Sender OK");
}

/* Where does it go? The reply; "250 …" when it is accepted. */
static const char *route(struct recipient *r, struct address *to)
{
	static char text[ADDRESS_SIZE + 64];

	if (*to->domain == '\0') { /* postmaster */
		snprintf(text, sizeof text, "postmaster@%s", domain_default());
		if (address_parse(text, to) != ADDRESS_OK)
			return "550 5.1.1 No domain of mine";
	}
	r->address = to->text;
	r->local = domain_is_local(to->domain);
	if (r->local)
		return handoff_rcpt(&s.envelope, r);
	if (s.trusted)
		return "250 2.1.5 Recipient OK, to be relayed";
	snprintf(text, sizeof text, "550 5.7.1 <%s>: relaying denied",
	    r->address);
	return text;
}

static void cmd_rcpt(char *args)
{
	struct recipient r;
	struct address to;
	const char *answer = envelope_rcpt(&s.envelope, args, &to, &r);

	if (answer == NULL) {
		answer = route(&r, &to);
		if (*answer != '2')
			info("refused to=<%s> from=<%s> %s reply=%s",
			    safe(to.text), safe(s.envelope.sender),
			    s.peer.who, quoted(answer));
	}
	if (*answer == '2') {
		envelope_add(&s.envelope, &r);
		s.dialogue.state = RECIPIENTS;
	}
	reply(answer);
}

/* The message */

static void add_missing(void)
{
	char room[512];
	struct str lines = STR_ROOM(room);

	if (!s.has_date)
		trace_date(&lines);
	if (!s.has_message_id)
		str_printf(&lines, "Message-ID: <%s@%s>\r\n", s.id,
		    s.config->host);
	if (lines.len > 0)
		handoff_text(lines.p, lines.len);
	str_free(&lines);
}

static void on_header(const char *line, size_t n)
{
	if (n == 0) {
		if (s.submission)
			add_missing();
		return;
	}
	if (header_is(line, n, "Received"))
		s.hops++;
	else if (header_is(line, n, "Date"))
		s.has_date = true;
	else if (header_is(line, n, "Message-ID"))
		s.has_message_id = true;
	handoff_text(line, n);
}

/* RFC 3848; RFC 6531 4.3. */
static const char *protocol_name(void)
{
	static char name[16];

	if (!s.extended && !s.envelope.utf8)
		return "SMTP";
	snprintf(name, sizeof name, "%s%s%s",
	    s.envelope.utf8 ? "UTF8SMTP" : "ESMTP",
	    *s.door.tls.protocol != '\0' ? "S" : "",
	    *s.user != '\0' ? "A" : "");
	return name;
}

static void message_begin(void)
{
	struct trace trace = {
		.helo = s.helo, .peer = s.peer.address, .host = s.config->host,
		.id = s.id, .local = s.peer.local, .uid = s.peer.uid,
	};
	char room[1024];
	struct str lines = STR_ROOM(room);
	id_make(s.id);
	log_session(s.id);
	s.hops = 0;
	s.has_date = s.has_message_id = false;
	trace.protocol = protocol_name();
	if (s.envelope.rcpts == 1)
		trace.recipient = s.envelope.rcpt[0].address;
	handoff_message(&s.envelope, s.id);
	trace_received(&lines, &trace);
	handoff_text(lines.p, lines.len);
	str_free(&lines);
	body_begin(&s.body, s.config->message_size_limit, on_header,
	    handoff_text);
}

/* The body did not come to its end. */
static void message_broken(enum line why)
{
	warn("message broken off from=<%s> %s",
	    safe(s.envelope.sender), s.peer.who);
	s.dialogue.state = 0;
	s.dialogue.end = "eof";
	if (why == LINE_TIMEOUT)
		hang_up(smtp_protocol.timeout);
	else if (why == LINE_BAD)
		hang_up("550 5.6.0 Bare CR or LF around a dot, closing");
	else if (why == LINE_LONG)
		hang_up("552 5.3.4 Message far too big, closing");
}

static void message_end(void)
{
	const char *refusal = smtp_body_refusal(&s.body, s.hops);

	if (refusal == NULL)
		refusal = handoff_end(&s.envelope);
	info("message from=<%s> to=<%s> recipients=%zu size=%" PRIu64
	    " %s user=%s reply=%s", safe(s.envelope.sender),
	    safe(s.envelope.rcpt[0].address), s.envelope.rcpts, s.body.size,
	    s.peer.who, safe(s.user), refusal ? quoted(refusal) : "250");
	if (refusal != NULL)
		reply(refusal);
	else
		conn_reply(&s.conn, "250 2.0.0 OK %s", s.id);
	reset();
}

static void cmd_data(char *args)
{
	enum line end;

	(void)args;
	message_begin();
	reply("354 End with CRLF.CRLF");
	end = body_data(&s.body, &s.conn);
	if (end == LINE_OK)
		message_end();
	else
		message_broken(end);
}

static void chunk_refuse(uint64_t n)
{
	enum line end = body_skip(&s.conn, n, s.config->message_size_limit);

	if (end == LINE_OK)
		reply(smtp_protocol.out_of_order);
	else
		message_broken(end);
}

static void cmd_bdat(char *args)
{
	const char *size = text_word(&args);
	bool last = strcasecmp(args, "LAST") == 0;
	const char *refusal;
	enum line end;
	uint64_t n;

	if (!number_parse(size, UINT64_MAX, &n) || (*args != '\0' && !last)) {
		/* What follows may be data: it must not be obeyed. */
		hang_up("501 5.5.4 Syntax: BDAT SIZE [LAST], closing");
		return;
	}
	if ((s.dialogue.state & (RECIPIENTS | CHUNKS)) == 0) {
		chunk_refuse(n);
		return;
	}
	if (s.dialogue.state == RECIPIENTS)
		message_begin();
	s.dialogue.state = CHUNKS;
	end = body_bdat(&s.body, &s.conn, n, last);
	if (end != LINE_OK) {
		message_broken(end);
	} else if (last) {
		message_end();
	} else if ((refusal = smtp_body_refusal(&s.body, s.hops)) != NULL) {
		reply(refusal);
		reset();
	} else {
		conn_reply(&s.conn, "250 2.0.0 %" PRIu64 " octets", n);
	}
}

/* The rest */

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

static void cmd_expn(char *args)
{
	(void)args;
	reply("502 5.5.1 Lists are not shown");
}

static void cmd_help(char *args)
{
	(void)args;
	reply("214 2.0.0 RFC 5321; smtpd(8) for this server");
}

static void cmd_quit(char *args)
{
	(void)args;
	conn_reply(&s.conn, "221 2.0.0 %s says goodbye", s.config->host);
	s.dialogue.state = 0;
}

static const struct command commands[] = {
	{"HELO", ANY, SOME_ARGS, cmd_helo},
	{"EHLO", ANY, SOME_ARGS, cmd_ehlo},
	{"AUTH", READY, SOME_ARGS, cmd_auth},
	{"STARTTLS", START | READY, NO_ARGS, cmd_starttls},
	{"MAIL", READY, SOME_ARGS, cmd_mail},
	{"RCPT", SENDER | RECIPIENTS, SOME_ARGS, cmd_rcpt},
	{"DATA", RECIPIENTS, NO_ARGS, cmd_data},
	{"BDAT", ANY, SOME_ARGS, cmd_bdat}, /* it reads its data in any case */
	{"RSET", ANY, NO_ARGS, cmd_rset},
	{"NOOP", ANY, ANY_ARGS, cmd_noop},
	{"VRFY", ANY, SOME_ARGS, cmd_vrfy},
	{"EXPN", ANY, SOME_ARGS, cmd_expn},
	{"HELP", ANY, ANY_ARGS, cmd_help},
	{"QUIT", ANY, NO_ARGS, cmd_quit},
	{NULL, 0, NO_ARGS, NULL},
};

/* Until QUIT, or the end of the connection. */
static _Noreturn void talk(void)
{
	const char *end;

	handoff_begin(s.config->host, &s.door);
	s.envelope.pool = &s.pool;
	s.dialogue = (struct dialogue){&s.conn, &smtp_protocol, commands,
	    *s.user == '\0' ? START : READY, 0, NULL};
	end = command_loop(&s.dialogue);
	if (strcmp(end, "quit") != 0)
		info("session end=%s %s", end, s.peer.who);
	handoff_reset();
	handoff_close();
	_exit(EX_OK);
}

/* A talker that may do nothing, until somebody has logged in. */
static void authenticate(void)
{
	if (door_talk(&s.door, &stranger))
		talk();
	strcpy(s.user, s.door.login.who.text);
	s.trusted = true;
	if (!is_host_name(s.door.text))
		door_close(&s.door, EX_OK);
	strcpy(s.helo, s.door.text);
	s.extended = true; /* AUTH is EHLO's */
}

int main(int argc, char **argv)
{
	const char *home = NULL;
	bool tls = false;
	uint64_t uid = UINT64_MAX; /* of the local user; none */
	int option;

	program_begin("smtpd");
	log_last_words("421 4.3.0 Out of service, try later\r\n");
	while ((option = getopt(argc, argv, "C:l:sT")) != -1) {
		if (option == 'C')
			home = optarg;
		else if (option == 's')
			s.submission = true;
		else if (option == 'T')
			tls = true;
		else if (option != 'l' ||
		    !number_parse(optarg, UINT32_MAX, &uid))
			fatal(EX_USAGE, USAGE);
	}
	home_enter(home);
	s.config = config_load();
	domain_default(); /* what is wrong shows before the greeting */
	peer_find(&s.peer);
	if (uid != UINT64_MAX)
		peer_is_local(&s.peer, (unsigned)uid);
	s.trusted = peer_is_trusted();
	conn_open(&s.conn, 0, 1, TIMEOUT, SESSION);
	confine_secrets();
	door_begin(&s.door, s.config, &s.peer, &s.conn, "smtp", s.submission);
	if (tls)
		door_tls_first(&s.door);
	/* While it is on its way, and the answer, the talker begins. */
	conn_reply(&s.conn, "220 %s ESMTP Pennypost", s.config->host);
	conn_flush(&s.conn);
	if (s.submission && !s.trusted)
		authenticate();
	s.confirmed = true;
	s.door.own = &broker;
	if (door_talk(&s.door, &sender))
		talk();
	door_close(&s.door, EX_OK); /* nobody leaves from there */
}
