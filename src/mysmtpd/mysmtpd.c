/*
 * mysmtpd: the simplified protocol of a teaching system, on fd 0 and 1: mail is
 * sent, listed and read in one session. With -T, TLS comes first; with -L, for
 * a teaching lab, nobody has to log in. mysmtpd(8) has the protocol.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "address.h"
#include "charset.h"
#include "command.h"
#include "config.h"
#include "confine.h"
#include "conn.h"
#include "door.h"
#include "keeper.h"
#include "local.h"
#include "log.h"
#include "message.h"
#include "peer.h"
#include "program.h"
#include "reader.h"
#include "show.h"
#include "store.h"
#include "str.h"

#define TIMEOUT 600     /* s for a line: a person types */
#define SESSION 14400   /* s in all: a morning's lesson */
#define LINE_MAX 4096   /* octets: DATA has a message on its line */
#define ERRORS_MAX 20   /* as in SMTP */
#define LOGIN_ERRORS 5  /* what a wrong password counts */
#define MESSAGES_MAX 1000 /* DATA commands; as in SMTP */
#define TALKER_MEMORY (64u << 20) /* bytes; it needs 6 MiB, for most mail */

#define USAGE "usage: mysmtpd [-L] [-T] [-C home]"

enum state { /* bits */
	HELO = 1, /* that is waited for */
	MAIL = 2,
	RCPT = 4,
	DATA = 8,
	ANY = HELO | MAIL | RCPT | DATA,
};

#define OK "200 OK"
#define GOODBYE "200 Goodbye"
#define COMMANDS "200 Commands: HELO, MAIL FROM, RCPT TO, DATA, AUTH, LIST, " \
    "GET_MAIL, HELP, QUIT"
#define ENTER "200 Enter your message (end with a single dot '.')"
#define STORED "200 Message stored successfully"
#define NOT_NOW "403 Not now: HELO, MAIL FROM, RCPT TO, DATA is the order"
#define HELO_SYNTAX "400 Syntax: HELO <domain>"
#define MAIL_SYNTAX "400 Syntax: MAIL FROM: <email>"
#define RCPT_SYNTAX "400 Syntax: RCPT TO: <email>"
#define AUTH_SYNTAX "400 Syntax: AUTH <email> <password>"
#define LIST_SYNTAX "400 Syntax: LIST <email>"
#define GET_SYNTAX "400 Syntax: GET_MAIL <email> <id>"
#define OTHER_DOMAIN "403 The domain is not the one of HELO"
#define RELAYING "403 Not a domain of ours"
#define ENOUGH "403 Enough messages for one session, closing"
#define FAR_TOO_BIG "403 Message far too big, closing"
#define IN_CLEAR "403 Not without encryption"
#define WRONG "403 Email or password is wrong"
#define KNOWN "403 You are logged in already"
#define UNDECIDED "500 Cannot tell now, try later"
#define AUTH_FIRST "403 AUTH comes first"
#define NOT_YOURS "403 Not your mailbox"
#define LAB_ONLY "500 This teaching lab is for its own machine alone"
#define NO_MAILBOX "401 No such mailbox"

static const struct protocol protocol = {
	.line_max = LINE_MAX,
	.errors_max = ERRORS_MAX,
	.bad_line = "400 A line ends in LF or CRLF, and holds no CR or NUL",
	.long_line = "400 Line too long",
	.unknown = "400 No such command: HELP names all",
	.bad_args = AUTH_SYNTAX, /* it alone has to have them */
	.out_of_order = NOT_NOW,
	.too_many_errors = "403 Too many errors, closing",
	.timeout = "500 Nothing heard for too long, closing",
};

static struct {
	struct dialogue dialogue;
	struct peer peer;
	const struct config *config;
	struct door door;
	bool lab;
	char helo[ADDRESS_SIZE + 1];
	struct address from, to;
	unsigned messages;
	char id[ID_SIZE];
	struct str listed;
	struct conn conn;
} s;

/* Who talks to a stranger needs no file, and only asks the doorkeeper. */
static const struct confinement stranger = {
	.calls = CALLS_PASS_FD, .memory = TALKER_MEMORY,
};

static void reply(const char *text)
{
	if (*text >= '4')
		s.dialogue.errors++;
	conn_reply(&s.conn, "%s", text);
}

/* Says it, and ends the session. */
static void hang_up(const char *text)
{
	reply(text);
	conn_hang_up(&s.conn);
	s.dialogue.state = 0;
	s.dialogue.end = "hang-up";
}

/* Arguments */

/* All of it is an address, with a domain; bare, or in angle brackets. */
static bool email(const char *text, struct address *a)
{
	bool ok = *text == '<' ?
	    address_path(&text, a) == ADDRESS_OK && *text == '\0' :
	    address_parse(text, a) == ADDRESS_OK;

	return ok && *a->domain != '\0';
}

/* Behind "FROM:" or "TO:", with blanks around the colon; NULL: not there. */
static const char *behind(const char *word, const char *args)
{
	size_t n = strlen(word);

	if (strncasecmp(args, word, n) != 0)
		return NULL;
	args += n;
	args += strspn(args, " \t");
	return *args == ':' ? args + 1 + strspn(args + 1, " \t") : NULL;
}

/* Sending */

static bool is_domain(const char *name)
{
	return strlen(name) < sizeof s.helo && domain_valid(name);
}

static void cmd_helo(char *domain)
{
	if (!is_domain(domain)) {
		reply(HELO_SYNTAX);
		return;
	}
	strcpy(s.helo, domain);
	s.dialogue.state = MAIL;
	reply(OK);
}

static void cmd_mail(char *args)
{
	const char *from = behind("FROM", args);

	if (from == NULL || !email(from, &s.from)) {
		reply(MAIL_SYNTAX);
	} else if (strcasecmp(s.from.domain, s.helo) != 0) {
		reply(OTHER_DOMAIN);
	} else {
		s.dialogue.state = RCPT;
		reply(OK);
	}
}

static void cmd_rcpt(char *args)
{
	const char *to = behind("TO", args), *refusal;

	if (to == NULL || !email(to, &s.to)) {
		reply(RCPT_SYNTAX);
		return;
	}
	refusal = domain_is_local(s.to.domain) ? store_rcpt(&s.from, &s.to) :
	    RELAYING;
	if (refusal == NULL)
		s.dialogue.state = DATA;
	else
		info("refused to=<%s> from=<%s> %s reply=%s", safe(s.to.text),
		    safe(s.from.text), s.peer.who, quoted(refusal));
	reply(refusal != NULL ? refusal : OK);
}

/* Lines up to the lone dot; else the message is broken off. */
static enum line lines_read(void)
{
	enum line got;
	char *line;

	while (!message_endless()) {
		got = conn_line(&s.conn, CONN_BUFFER, &line);
		if (got == LINE_EOF || got == LINE_TIMEOUT)
			return got;
		if (got == LINE_LONG)
			message_fault(BODY_LONG_LINE);
		else if (got == LINE_BAD)
			message_fault(BODY_BARE);
		else if (strcmp(line, ".") == 0)
			return LINE_OK;
		else if (line[0] == '.' && line[1] == '.')
			message_line(line + 1, strlen(line + 1));
		else
			message_line(line, strlen(line));
	}
	return LINE_LONG;
}

static void message_broken(enum line why)
{
	warn("message broken off from=<%s> %s", safe(s.from.text), s.peer.who);
	s.dialogue.state = 0;
	s.dialogue.end = "eof";
	if (why == LINE_TIMEOUT)
		hang_up(protocol.timeout);
	else if (why == LINE_LONG)
		hang_up(FAR_TOO_BIG);
}

static void message_done(void)
{
	const char *refusal = message_end();

	info("message from=<%s> to=<%s> %s user=%s reply=%s",
	    safe(s.from.text), safe(s.to.text), s.peer.who,
	    safe(s.door.login.who.text),
	    refusal != NULL ? quoted(refusal) : "200");
	reply(refusal != NULL ? refusal : STORED);
}

static void cmd_data(char *text)
{
	const struct message message = {
		.from = s.from.text, .limit = s.config->message_size_limit,
		.trace = {
			.helo = s.helo, .peer = s.peer.address,
			.host = s.config->host, .protocol = "MYSMTP",
			.id = s.id, .recipient = s.to.text,
			.local = s.peer.local, .uid = s.peer.uid,
		},
	};
	enum line end = LINE_OK;

	if (++s.messages > MESSAGES_MAX) {
		hang_up(ENOUGH);
		return;
	}
	id_make(s.id);
	log_session(s.id);
	message_begin(&message, *text != '\0');
	s.dialogue.state = HELO;
	if (*text != '\0') {
		message_line(text, strlen(text));
	} else {
		reply(ENTER);
		end = lines_read();
	}
	if (end == LINE_OK)
		message_done();
	else
		message_broken(end);
	store_reset();
}

/* Reading */

static void cmd_auth(char *args)
{
	char *password = args + strcspn(args, " \t");
	size_t n;

	if (*password != '\0')
		*password++ = '\0';
	n = strlen(args);
	if (*args == '<' && args[n - 1] == '>') {
		args[n - 1] = '\0';
		args++;
	}
	if (*args == '\0' || *password == '\0') {
		reply(AUTH_SYNTAX);
	} else if (*s.door.login.who.text != '\0') {
		reply(KNOWN);
	} else if (!door_is_private(&s.door)) {
		reply(IN_CLEAR);
	} else {
		switch (door_password(&s.door, args, password)) {
		case LOGIN_OK:
			reply(OK);
			door_leave(&s.door,
			    s.dialogue.state == HELO ? "" : s.helo);
		case LOGIN_REFUSED:
			s.dialogue.errors += LOGIN_ERRORS - 1;
			reply(WRONG);
			break;
		default:
			reply(UNDECIDED);
		}
	}
	explicit_bzero(password, strlen(password));
}

/* NULL, or the answer to who may not read this mailbox. */
static const char *reading_refused(const struct address *a)
{
	if (s.lab)
		return domain_is_local(a->domain) ? NULL : NO_MAILBOX;
	if (*s.door.login.who.text == '\0')
		return AUTH_FIRST;
	return same_mailbox(&s.door.login.who, a) ? NULL : NOT_YOURS;
}

static void told(const char *event, const struct address *a,
    const char *refusal)
{
	info("%s mailbox=%s %s user=%s reply=%s", event, safe(a->text),
	    s.peer.who, safe(s.door.login.who.text),
	    refusal != NULL ? quoted(refusal) : "200");
	if (refusal != NULL)
		reply(refusal);
}

static void list_line(uint64_t id, struct span header)
{
	show_entry(&s.listed, id, header);
}

static void cmd_list(char *args)
{
	const char *refusal;
	struct address a;
	size_t count;

	if (!email(args, &a)) {
		reply(LIST_SYNTAX);
		return;
	}
	str_clear(&s.listed);
	refusal = reading_refused(&a);
	if (refusal == NULL)
		refusal = reader_list(&a, &count, list_line);
	told("list", &a, refusal);
	if (refusal != NULL)
		return;
	if (count > LISTED_MAX)
		conn_reply(&s.conn, OK " %zu messages, the last %d follow",
		    count, LISTED_MAX);
	else
		conn_reply(&s.conn, OK " %zu messages", count);
	conn_write(&s.conn, s.listed.p, s.listed.len);
	conn_puts(&s.conn, ".\r\n");
}

static void cmd_get_mail(char *args)
{
	char *number = args + strlen(args);
	struct str mail = {0};
	const char *refusal;
	struct address a;
	uint64_t id;
	bool whole;

	while (number > args && number[-1] != ' ' && number[-1] != '\t')
		number--;
	for (char *end = number; end > args &&
	    (end[-1] == ' ' || end[-1] == '\t'); end--)
		end[-1] = '\0';
	if (number == args || !email(args, &a)) {
		reply(GET_SYNTAX);
		return;
	}
	refusal = reading_refused(&a);
	if (refusal == NULL)
		refusal = !number_parse(number, UINT32_MAX, &id) ? NO_MAIL :
		    reader_get(&a, id, &mail, &whole);
	told("get", &a, refusal);
	if (refusal == NULL) {
		reply(OK);
		show_mail(&s.conn, (struct span){mail.p, mail.len}, whole);
		conn_puts(&s.conn, ".\r\n");
	}
	str_free(&mail);
}

/* The rest */

static void cmd_help(char *args)
{
	(void)args;
	reply(COMMANDS);
}

static void cmd_quit(char *args)
{
	(void)args;
	reply(GOODBYE);
	s.dialogue.state = 0;
}

static const struct command commands[] = {
	{"HELO", ANY, ANY_ARGS, cmd_helo},
	{"MAIL", MAIL, ANY_ARGS, cmd_mail},
	{"RCPT", RCPT, ANY_ARGS, cmd_rcpt},
	{"DATA", DATA, ANY_ARGS, cmd_data},
	{"AUTH", HELO | MAIL, RAW_ARGS, cmd_auth},
	{"LIST", ANY, ANY_ARGS, cmd_list},
	{"GET_MAIL", ANY, ANY_ARGS, cmd_get_mail},
	{"HELP", ANY, ANY_ARGS, cmd_help},
	{"QUIT", ANY, ANY_ARGS, cmd_quit},
	{NULL, 0, NO_ARGS, NULL},
};

/* Until QUIT, or the end of the connection. */
static _Noreturn void talk(enum state state)
{
	const char *end;

	store_begin(s.config->host, &s.door);
	reader_begin(&s.door);
	s.dialogue = (struct dialogue){&s.conn, &protocol, commands, state, 0,
	    NULL};
	end = command_loop(&s.dialogue);
	if (strcmp(end, "quit") != 0)
		info("session end=%s %s user=%s", end, s.peer.who,
		    safe(s.door.login.who.text));
	_exit(EX_OK);
}

int main(int argc, char **argv)
{
	const char *home = NULL;
	bool tls = false;
	int option;

	program_begin("mysmtpd");
	log_last_words("500 Out of service, try later\r\n");
	while ((option = getopt(argc, argv, "C:LT")) != -1) {
		if (option == 'C')
			home = optarg;
		else if (option == 'L')
			s.lab = true;
		else if (option == 'T')
			tls = true;
		else
			fatal(EX_USAGE, USAGE);
	}
	home_enter(home);
	s.config = config_load();
	domain_default(); /* what is wrong shows before the first answer */
	peer_find(&s.peer);
	if (s.lab && !peer_is_inside(&s.peer)) {
		log_last_words(LAB_ONLY "\r\n");
		fatal(EX_CONFIG, "-L gives everybody's mail to who connects: "
		    "it has to listen on 127.0.0.1 or ::1 peer=%s",
		    s.peer.address);
	}
	conn_open(&s.conn, 0, 1, TIMEOUT, SESSION);
	s.conn.bare_lf = true; /* telnet, nc and students' programs */
	confine_secrets();
	charset_prepare();
	door_begin(&s.door, s.config, &s.peer, &s.conn, "mysmtp", true);
	keeper_begin(&s.door, s.lab);
	if (tls)
		door_tls_first(&s.door);
	if (door_talk(&s.door, &stranger))
		talk(HELO);
	/* Somebody has logged in: the next one may read, too. */
	if (*s.door.text != '\0' && !is_domain(s.door.text))
		door_close(&s.door, EX_OK);
	strcpy(s.helo, s.door.text);
	if (door_talk(&s.door, &stranger))
		talk(*s.helo == '\0' ? HELO : MAIL);
	door_close(&s.door, EX_OK); /* nobody leaves from there */
}
