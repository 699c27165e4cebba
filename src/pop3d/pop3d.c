/*
 * pop3d: lets a user fetch mail by POP3 on fd 0 and 1: RFC 1939 without APOP,
 * 2449 (CAPA), 3206, 5034 (SASL PLAIN), 6856 (UTF8). See pop3d(8).
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
#include "conn.h"
#include "local.h"
#include "log.h"
#include "login.h"
#include "maildrop.h"
#include "peer.h"
#include "program.h"
#include "str.h"

#define TIMEOUT 600    /* s; RFC 1939 3: ten minutes at least */
#define SESSION 14400  /* s; a large box over a slow line */
#define LINE_MAX 1024  /* 255 by RFC 2449 4; a PLAIN response is longer */
#define ERRORS_MAX 10
#define LOGIN_ERRORS 3 /* what a wrong password counts */

enum state { AUTHORIZATION = 1, TRANSACTION = 2, ANY = 3 };

static struct {
	struct dialogue dialogue;
	struct conn conn;
	struct peer peer;
	const struct config *config;
	struct login login; /* what USER said, then PASS */
	char user[ADDRESS_SIZE], mailbox[MAILBOX_SIZE];
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

/* AUTHORIZATION */

static bool login_is_private(void)
{
	return s.peer.loopback || (!s.peer.socket && *s.peer.address == '\0');
}

static void enter(const struct address *who)
{
	if (!mailbox_path(s.mailbox, who->local, who->domain)) {
		error("[SYS/PERM] no such mailbox");
		return;
	}
	switch (maildrop_open(&s.drop, s.mailbox)) {
	case MAILDROP_IN_USE:
		error("[IN-USE] another session has the mailbox");
		return;
	case MAILDROP_UNAVAILABLE:
		error("[SYS/TEMP] cannot open the mailbox");
		return;
	case MAILDROP_OK:
		break;
	}
	snprintf(s.user, sizeof s.user, "%s", who->text);
	info("login user=%s peer=%s messages=%zu", safe(s.user),
	    s.peer.address, s.drop.count);
	s.dialogue.state = TRANSACTION;
	conn_reply(&s.conn, "+OK %zu messages", s.drop.count);
}

static void login(void)
{
	struct address who;

	switch (login_check(&s.login, s.config, &who)) {
	case LOGIN_OK:
		enter(&who);
		break;
	case LOGIN_REFUSED:
		warn("login refused user=%s peer=%s", safe(s.login.user),
		    s.peer.address);
		s.dialogue.errors += LOGIN_ERRORS - 1;
		error("[AUTH] user or password is wrong");
		break;
	case LOGIN_UNAVAILABLE:
		error("[SYS/TEMP] cannot tell now");
	}
	explicit_bzero(&s.login, sizeof s.login);
}

static bool login_allowed(void)
{
	if (login_is_private())
		return true;
	error("[AUTH] not without encryption");
	return false;
}

static void cmd_user(char *name)
{
	if (!login_allowed())
		return;
	if (strlen(name) >= sizeof s.login.user) {
		error("name too long");
		return;
	}
	strcpy(s.login.user, name);
	ok("now the password");
}

static void cmd_pass(char *password)
{
	if (*s.login.user == '\0') {
		error("USER comes first");
		return;
	}
	if (strlen(password) >= sizeof s.login.password) {
		error("[AUTH] user or password is wrong");
		return;
	}
	strcpy(s.login.password, password);
	explicit_bzero(password, strlen(password));
	login();
}

/* AUTH PLAIN [response]; alone, it lists the mechanisms, as old clients ask. */
static void cmd_auth(char *args)
{
	const char *mechanism = text_word(&args);
	char *response = args;

	if (mechanism == NULL) {
		ok("mechanisms follow");
		conn_puts(&s.conn, "PLAIN\r\n.\r\n");
		return;
	}
	if (strcasecmp(mechanism, "PLAIN") != 0) {
		error("unknown mechanism");
		return;
	}
	if (!login_allowed())
		return;
	if (*response == '\0') {
		conn_puts(&s.conn, "+ \r\n");
		switch (conn_line(&s.conn, LINE_MAX, &response)) {
		case LINE_OK:
			break;
		case LINE_LONG:
		case LINE_BAD:
			error("that line is no response");
			return;
		case LINE_EOF:
		case LINE_TIMEOUT:
			s.dialogue.state = 0;
			s.dialogue.end = "eof";
			return;
		}
	}
	if (strcmp(response, "*") == 0)
		error("given up");
	else if (login_plain(&s.login, response))
		login();
	else
		error("bad PLAIN response");
}

static void cmd_utf8(char *args)
{
	(void)args;
	ok("UTF-8 it is"); /* messages are sent as they are in any case */
}

static void cmd_capa(char *args)
{
	(void)args;
	ok("capabilities follow");
	if (login_is_private())
		conn_puts(&s.conn, "USER\r\nSASL PLAIN\r\n");
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

/* A message on its way out, line by line: RFC 1939 3's dots, and CRLF. */
struct sending {
	bool line_begins; /* nothing of the line was sent yet */
	bool cr;          /* one is held back, perhaps half of a CRLF */
	bool in_header;
	uint64_t body_lines; /* that may still be sent */
};

/* Part of a line, or (lf) its end. False when enough lines were sent. */
static bool send_part(struct sending *to, const char *p, size_t n, bool lf)
{
	if (to->line_begins && !to->in_header && to->body_lines == 0)
		return false;
	if (to->cr && n > 0) { /* it ends no line */
		conn_write(&s.conn, "\r", 1);
		to->cr = to->line_begins = false;
	}
	if (to->line_begins && n > 0 && *p == '.')
		conn_write(&s.conn, ".", 1);
	if (n > 0 && p[n - 1] == '\r') {
		to->cr = true;
		n--;
	}
	conn_write(&s.conn, p, n);
	if (n > 0)
		to->line_begins = false;
	if (!lf)
		return true;
	conn_write(&s.conn, "\r\n", 2);
	if (!to->in_header)
		to->body_lines--;
	else if (to->line_begins)
		to->in_header = false;
	to->cr = false;
	to->line_begins = true;
	return true;
}

static void send_mail(struct mail *mail, uint64_t body_lines)
{
	struct sending to = {true, false, true, body_lines};
	char block[32768];
	bool more = true;
	ssize_t n = 0;
	int fd = mail_open(&s.drop, mail);

	if (fd < 0) {
		error(errno == ENOENT ? "it was removed by another program" :
		    "[SYS/TEMP] cannot read it now");
		return;
	}
	ok("message follows");
	while (more && !s.conn.broken &&
	    (n = read(fd, block, sizeof block)) > 0) {
		const char *p = block, *end = block + n;
		while (more && p < end) {
			const char *lf = memchr(p, '\n', (size_t)(end - p));
			more = send_part(&to, p, (size_t)((lf ? lf : end) - p),
			    lf != NULL);
			p = lf != NULL ? lf + 1 : end;
		}
	}
	close(fd);
	if (n < 0) {
		/* Half a message must not look like a whole one. */
		warn("%s/%s: %s", safe(s.mailbox), safe(mail->name),
		    strerror(errno));
		s.dialogue.state = 0;
		return;
	}
	if (!to.line_begins || to.cr)
		conn_puts(&s.conn, "\r\n");
	conn_puts(&s.conn, ".\r\n");
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
		    safe(s.user), s.retrieved, s.deleted, done);
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

int main(int argc, char **argv)
{
	const char *home = NULL, *end;
	int option;

	program_begin("pop3d");
	log_last_words("-ERR [SYS/TEMP] out of service, try later\r\n");
	while ((option = getopt(argc, argv, "C:")) != -1) {
		if (option == 'C')
			home = optarg;
		else
			fatal(EX_USAGE, "usage: pop3d [-C home]");
	}
	home_enter(home);
	s.config = config_load();
	peer_find(&s.peer);
	conn_open(&s.conn, 0, 1, TIMEOUT, SESSION);

	conn_reply(&s.conn, "+OK %s POP3 Pennypost", s.config->host);
	s.dialogue = (struct dialogue){&s.conn, &protocol, commands,
	    AUTHORIZATION, 0, NULL};
	end = command_loop(&s.dialogue);
	if (strcmp(end, "quit") != 0)
		info("session end=%s user=%s peer=%s", end, safe(s.user),
		    s.peer.address);
	return 0;
}
