/*
 * pop3d: lets a user fetch mail by POP3 on fd 0 and 1: RFC 1939 without APOP,
 * 2449 (CAPA), 2595 (STLS), 3206, 5034 (SASL), 6856 (UTF8). With -T, TLS comes
 * first (RFC 8314); with -u, who it is is known. See pop3d(8).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "command.h"
#include "config.h"
#include "confine.h"
#include "conn.h"
#include "door.h"
#include "local.h"
#include "log.h"
#include "maildrop.h"
#include "message.h"
#include "peer.h"
#include "program.h"
#include "sasl.h"
#include "str.h"

#define TIMEOUT 600    /* s; RFC 1939 3: ten minutes at least */
#define SESSION 14400  /* s; a large box over a slow line */
#define LINE_MAX 2048  /* 255 by RFC 2449 4; SCRAM's responses are longer */
#define ERRORS_MAX 10
#define TALKER_MEMORY (16u << 20)   /* bytes; it needs 1 MiB */
#define SESSION_MEMORY (256u << 20) /* a million messages */
#define LOGIN_ERRORS 3 /* what a wrong password counts */

#define USAGE "usage: pop3d [-T | -u address] [-C home]"

enum state { AUTHORIZATION = 1, TRANSACTION = 2, ANY = 3 };

static struct {
	struct dialogue dialogue;
	struct conn conn;
	struct peer peer;
	const struct config *config;
	struct door door;
	char user[LOGIN_SIZE];  /* what USER said */
	char mailbox[MAILBOX_SIZE];
	struct maildrop drop;
	size_t deleted, retrieved;
} s;

static const struct protocol protocol = {
	.line_max = LINE_MAX,
	.errors_max = ERRORS_MAX,
	.bad_line = "-ERR lines end in CRLF, and hold no other CR or LF",
	.long_line = "-ERR line too long",
	.unknown = "-ERR unknown command",
	.bad_args = "-ERR bad arguments",
	.out_of_order = "-ERR not in this state",
	.too_many_errors = "-ERR too many errors, closing",
	.timeout = NULL, /* "without any response": RFC 1939 3 */
};

#define NO_SUCH_MESSAGE "no such message"

static void ok(const char *text)
{
	conn_reply(&s.conn, "+OK %s", text);
}

static void error(const char *text)
{
	s.dialogue.errors++;
	conn_reply(&s.conn, "-ERR %s", text);
}

/* Who talks to a stranger needs no file, and only asks the doorkeeper. */
static const struct confinement stranger = {
	.calls = CALLS_PASS_FD, .memory = TALKER_MEMORY,
};

/* Who serves a user needs his mailbox. */
static struct confine_path mailbox[] = {
	{s.mailbox, MAY_READ | MAY_WRITE | MAY_CREATE | MAY_REMOVE},
	{NULL, 0},
};

static const struct confinement user = {
	.paths = mailbox, .calls = CALLS_FILES, .memory = SESSION_MEMORY,
};

/* AUTHORIZATION: the talker */

static void login_decided(enum sasl_result result)
{
	switch (result) {
	case SASL_OK:
		door_leave(&s.door, ""); /* the doorkeeper says the rest */
	case SASL_REFUSED:
		s.dialogue.errors += LOGIN_ERRORS - 1;
		error("[AUTH] user or password is wrong");
		break;
	case SASL_UNAVAILABLE:
		error("[SYS/TEMP] cannot tell now");
		break;
	case SASL_MALFORMED:
		error("that is no response of this mechanism");
		break;
	case SASL_UNKNOWN:
		error("unknown mechanism");
		break;
	case SASL_GIVEN_UP:
		break;
	}
}

static bool login_allowed(void)
{
	if (door_is_private(&s.door))
		return true;
	error("[AUTH] not without encryption");
	return false;
}

static void cmd_user(char *name)
{
	if (!login_allowed())
		return;
	if (strlen(name) >= sizeof s.user) {
		error("name too long");
		return;
	}
	strcpy(s.user, name);
	ok("now the password");
}

static void cmd_pass(char *password)
{
	if (*s.user == '\0') {
		error("USER comes first");
		return;
	}
	login_decided(sasl_password(&s.door, s.user, password));
	*s.user = '\0';
}

/* Says it after a "+ ", and reads the answer; NULL when there is none to use. */
static char *challenge(const char *text)
{
	char *line;

	conn_reply(&s.conn, "+ %s", text);
	switch (conn_line(&s.conn, LINE_MAX, &line)) {
	case LINE_OK:
		if (strcmp(line, "*") != 0)
			return line;
		error("given up");
		break;
	case LINE_LONG:
	case LINE_BAD:
		error("that line is no response");
		break;
	case LINE_EOF:
	case LINE_TIMEOUT:
		s.dialogue.state = 0;
		s.dialogue.end = "eof";
	}
	return NULL;
}

/* Alone, it lists the mechanisms, as old clients ask. */
static void cmd_auth(char *args)
{
	const char *mechanism = text_word(&args);
	struct str names = {0};
	char *rest, *name;

	if (mechanism != NULL) {
		if (login_allowed())
			login_decided(sasl_login(&s.door, mechanism,
			    *args != '\0' ? args : NULL, challenge));
		return;
	}
	str_clear(&names); /* there may be none */
	sasl_mechanisms(&s.door, &names);
	ok("mechanisms follow");
	for (rest = names.p; (name = text_word(&rest)) != NULL;)
		conn_reply(&s.conn, "%s", name);
	conn_puts(&s.conn, ".\r\n");
	str_free(&names);
}

static void cmd_stls(char *args)
{
	(void)args;
	if (!s.door.tls_offered) {
		error("TLS is not available");
		return;
	}
	if (!door_tls(&s.door, "+OK begin TLS")) {
		if (s.conn.start != s.conn.end)
			error("something has come before TLS, closing");
		conn_hang_up(&s.conn);
		s.dialogue.state = 0;
		s.dialogue.end = "tls";
	}
	*s.user = '\0';
}

static void cmd_utf8(char *args)
{
	(void)args;
	ok("UTF-8 it is"); /* messages are sent as they are in any case */
}

static void cmd_capa(char *args)
{
	struct str names = {0};

	(void)args;
	ok("capabilities follow");
	sasl_mechanisms(&s.door, &names);
	if (names.len > 0)
		conn_reply(&s.conn, "USER\r\nSASL %s", names.p);
	str_free(&names);
	if (s.door.tls_offered)
		conn_puts(&s.conn, "STLS\r\n");
	conn_puts(&s.conn,
	    "TOP\r\n"
	    "UIDL\r\n"
	    "PIPELINING\r\n"
	    "RESP-CODES\r\n"
	    "AUTH-RESP-CODE\r\n"
	    "UTF8\r\n"
	    "EXPIRE NEVER\r\n"
	    "IMPLEMENTATION Pennypost\r\n"
	    ".\r\n");
}

/* TRANSACTION */

/* The message that has this number and is not deleted; else says so. */
static struct mail *numbered(const char *text)
{
	uint64_t n;

	if (number_parse(text, s.drop.count, &n) && n > 0 &&
	    !s.drop.mail[n - 1].deleted)
		return &s.drop.mail[n - 1];
	error(NO_SUCH_MESSAGE);
	return NULL;
}

static size_t number_of(const struct mail *mail)
{
	return (size_t)(mail - s.drop.mail) + 1;
}

static uint64_t octets_left(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s.drop.count; i++)
		if (!s.drop.mail[i].deleted)
			sum += mail_octets(&s.drop, &s.drop.mail[i]);
	return sum;
}

static void cmd_stat(char *args)
{
	(void)args;
	conn_reply(&s.conn, "+OK %zu %" PRIu64, s.drop.count - s.deleted,
	    octets_left());
}

static void list_line(const char *mark, struct mail *mail)
{
	conn_reply(&s.conn, "%s%zu %" PRIu64, mark, number_of(mail),
	    mail_octets(&s.drop, mail));
}

static void uidl_line(const char *mark, struct mail *mail)
{
	char uidl[UIDL_SIZE];

	mail_uidl(mail, uidl);
	conn_reply(&s.conn, "%s%zu %s", mark, number_of(mail), uidl);
}

/* One line for the message that was named, or a line for each. */
static void listing(char *args, void (*line)(const char *, struct mail *))
{
	struct mail *mail;

	if (*args != '\0') {
		if ((mail = numbered(args)) != NULL)
			line("+OK ", mail);
		return;
	}
	conn_reply(&s.conn, "+OK %zu messages", s.drop.count - s.deleted);
	for (size_t i = 0; i < s.drop.count; i++)
		if (!s.drop.mail[i].deleted)
			line("", &s.drop.mail[i]);
	conn_puts(&s.conn, ".\r\n");
}

static void cmd_list(char *args)
{
	listing(args, list_line);
}

static void cmd_uidl(char *args)
{
	listing(args, uidl_line);
}

static void send_mail(struct mail *mail, uint64_t body_lines)
{
	int fd = mail_open(&s.drop, mail);
	bool whole;

	if (fd < 0) {
		error(errno == ENOENT ? "it was removed by another program" :
		    "[SYS/TEMP] cannot read it now");
		return;
	}
	ok("message follows");
	whole = message_send(&s.conn, fd, body_lines);
	if (!whole) {
		/* Half a message must not look like a whole one. */
		warn("%s/%s: %s", safe(s.mailbox), safe(mail->name),
		    strerror(errno));
		s.dialogue.state = 0;
	}
	close(fd);
}

static void cmd_retr(char *args)
{
	struct mail *mail = numbered(args);

	if (mail == NULL)
		return;
	s.retrieved++;
	send_mail(mail, UINT64_MAX);
}

static void cmd_top(char *args)
{
	const char *number = text_word(&args);
	struct mail *mail;
	uint64_t lines;

	args += strspn(args, " \t");
	if (!number_parse(args, UINT64_MAX, &lines)) {
		error("TOP takes a message and a number of lines");
		return;
	}
	if ((mail = numbered(number)) != NULL)
		send_mail(mail, lines);
}

static void cmd_dele(char *args)
{
	struct mail *mail = numbered(args);

	if (mail == NULL)
		return;
	mail->deleted = true;
	s.deleted++;
	ok("will be deleted at QUIT");
}

static void cmd_rset(char *args)
{
	(void)args;
	for (size_t i = 0; i < s.drop.count; i++)
		s.drop.mail[i].deleted = false;
	s.deleted = 0;
	ok("nothing will be deleted");
}

static void cmd_noop(char *args)
{
	(void)args;
	ok("still here");
}

static void cmd_quit(char *args)
{
	bool done = true;

	(void)args;
	if (s.dialogue.state == TRANSACTION) {
		done = maildrop_update(&s.drop);
		info("quit user=%s retrieved=%zu deleted=%zu ok=%d",
		    safe(s.door.login.who.text), s.retrieved, s.deleted, done);
	}
	if (done)
		ok("goodbye");
	else
		error("[SYS/TEMP] some messages were not deleted");
	s.dialogue.state = 0;
}

static const struct command commands[] = {
	{"USER", AUTHORIZATION, RAW_ARGS, cmd_user},
	{"PASS", AUTHORIZATION, RAW_ARGS, cmd_pass},
	{"AUTH", AUTHORIZATION, ANY_ARGS, cmd_auth},
	{"STLS", AUTHORIZATION, NO_ARGS, cmd_stls},
	{"UTF8", AUTHORIZATION, NO_ARGS, cmd_utf8},
	{"CAPA", ANY, NO_ARGS, cmd_capa},
	{"STAT", TRANSACTION, NO_ARGS, cmd_stat},
	{"LIST", TRANSACTION, ANY_ARGS, cmd_list},
	{"UIDL", TRANSACTION, ANY_ARGS, cmd_uidl},
	{"RETR", TRANSACTION, SOME_ARGS, cmd_retr},
	{"TOP", TRANSACTION, SOME_ARGS, cmd_top},
	{"DELE", TRANSACTION, SOME_ARGS, cmd_dele},
	{"RSET", TRANSACTION, NO_ARGS, cmd_rset},
	{"NOOP", TRANSACTION, NO_ARGS, cmd_noop},
	{"QUIT", ANY, NO_ARGS, cmd_quit},
	{NULL, 0, NO_ARGS, NULL},
};

/* Until QUIT, or the end of the connection. */
static _Noreturn void talk(enum state state)
{
	const char *end;

	s.dialogue = (struct dialogue){&s.conn, &protocol, commands, state, 0,
	    NULL};
	end = command_loop(&s.dialogue);
	if (strcmp(end, "quit") != 0)
		info("session end=%s user=%s peer=%s", end,
		    safe(s.door.login.who.text), s.peer.address);
	door_close(&s.door, EX_OK);
}

/*
 * The user's own process: it can reach his mailbox, and nothing else. Where
 * auth was asked he has one, and it is our trouble when it is not there.
 */
static bool enter(bool asked)
{
	const struct address *who = &s.door.login.who;
	const char *why = NULL;

	if (!mailbox_path(s.mailbox, who->local, who->domain) ||
	    (!asked && access(s.mailbox, F_OK) != 0 && errno == ENOENT)) {
		error("[SYS/PERM] no such mailbox");
		return false;
	}
	confine(&user);
	switch (maildrop_open(&s.drop, s.mailbox)) {
	case MAILDROP_OK:
		break;
	case MAILDROP_IN_USE:
		why = "[IN-USE] another session has the mailbox";
		break;
	case MAILDROP_UNAVAILABLE:
		why = "[SYS/TEMP] cannot open the mailbox";
	}
	if (why == NULL)
		conn_reply(&s.conn, "+OK %zu messages", s.drop.count);
	else
		error(why);
	return why == NULL;
}

/* -u: somebody else has asked who it is. */
static void user_is(const char *address)
{
	char whole[2 * ADDRESS_SIZE];

	if (*s.peer.address != '\0')
		fatal(EX_USAGE, "-u is not for the network: it asks nobody "
		    "for a password");
	snprintf(whole, sizeof whole, "%s%s%s", address,
	    strchr(address, '@') == NULL ? "@" : "",
	    strchr(address, '@') == NULL ? domain_default() : "");
	if (address_parse(whole, &s.door.login.who) != ADDRESS_OK ||
	    *s.door.login.who.domain == '\0')
		fatal(EX_USAGE, "-u %s: no address", safe(address));
	s.door.tls_offered = false;
}

int main(int argc, char **argv)
{
	const char *home = NULL, *address = NULL;
	bool tls = false;
	int option;

	program_begin("pop3d");
	log_last_words("-ERR [SYS/TEMP] out of service, try later\r\n");
	while ((option = getopt(argc, argv, "C:Tu:")) != -1) {
		if (option == 'C')
			home = optarg;
		else if (option == 'T')
			tls = true;
		else if (option == 'u')
			address = optarg;
		else
			fatal(EX_USAGE, USAGE);
	}
	if (tls && address != NULL)
		fatal(EX_USAGE, USAGE);
	home_enter(home);
	s.config = config_load();
	peer_find(&s.peer);
	conn_open(&s.conn, 0, 1, TIMEOUT, SESSION);
	confine_secrets();
	door_begin(&s.door, s.config, &s.peer, &s.conn, "pop3",
	    address == NULL);
	if (address != NULL)
		user_is(address);
	if (tls)
		door_tls_first(&s.door);
	/* While it is on its way, and the answer, the talker begins. */
	conn_reply(&s.conn, "+OK %s POP3 Pennypost", s.config->host);
	conn_flush(&s.conn);
	if (address == NULL && door_talk(&s.door, &stranger))
		talk(AUTHORIZATION);
	if (enter(address == NULL))
		talk(TRANSACTION);
	conn_hang_up(&s.conn);
	door_close(&s.door, EX_OK);
}
