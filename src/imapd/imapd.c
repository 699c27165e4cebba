/*
 * imapd: lets a user keep mail on the server, by IMAP on fd 0 and 1: RFC 3501,
 * and RFC 9051 for who enables it. With -T, TLS comes first (RFC 8314). See
 * imapd(8).
 *
 * The loop is here. A command reads its arguments (input.h), does its work, and
 * leaves its answer (session.h); behind it the client hears what is new in the
 * mailbox that it has selected (view.h). Each command stands in a file that is
 * named after it. Below them are the folders (folders.h), the messages of one
 * (mailbox.h), what is known of each without opening it (index.h), and what takes
 * mail apart (mime.h, structure.h).
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "answer.h"
#include "capability.h"
#include "charset.h"
#include "confine.h"
#include "folders.h"
#include "lock.h"
#include "log.h"
#include "news.h"
#include "program.h"
#include "sasl.h"
#include "session.h"

#define STRANGER_TIMEOUT 300 /* s; half of what a user has is enough to log in */
#define TIMEOUT 1800         /* s; RFC 3501 5.4: thirty minutes at least */
#define STRANGER_LINE 8192   /* RFC 9051 has no limit; SCRAM's are below 2048 */
#define LINE_MAX 65536       /* a client may name its messages one by one */
#define STRANGER_LITERALS 1024 /* user and password */
#define STRANGER_ERRORS 10
#define ERRORS_MAX 100
#define LOGIN_ERRORS 3 /* what a wrong password counts */
#define TALKER_MEMORY (16u << 20)   /* bytes; it needs 1 MiB */
#define SESSION_MEMORY (512u << 20) /* a message of 50 MiB, taken apart */

#define SERVER "(\"name\" \"Pennypost\" \"vendor\" \"Pennypost\")"

static unsigned errors;

/* Who talks to a stranger needs no file, and only asks the doorkeeper. */
static const struct confinement stranger = {
	.calls = CALLS_PASS_FD, .memory = TALKER_MEMORY,
};

/* Who serves a user needs his Maildir. */
static struct confine_path maildir[] = {
	{session.maildir, MAY_READ | MAY_WRITE | MAY_CREATE | MAY_REMOVE},
	{NULL, 0},
};

static const struct confinement user = {
	.paths = maildir, .calls = CALLS_FILES | CALLS_WATCH,
	.memory = SESSION_MEMORY,
};

/* In any state */

static void cmd_noop(void)
{
	if (input_end(&session.input))
		ok("still here");
}

/*
 * RFC 2971: what the client says of itself interests nobody here. Strings are
 * due, imaplib2 sends atoms; NIL is one, too.
 */
static void cmd_id(void)
{
	struct input *in = &session.input;

	input_space(in);
	if (!input_word(in, "NIL")) {
		input_expect(in, '(');
		if (input_peek(in) != ')')
			do {
				input_astring(in);
				input_space(in);
				input_astring(in);
			} while (input_try(in, ' '));
		input_expect(in, ')');
	}
	if (!input_end(in))
		return;
	put("* ID " SERVER "\r\n");
	ok("pleased to meet you");
}

static void cmd_logout(void)
{
	if (!input_end(&session.input))
		return;
	put("* BYE goodbye\r\n");
	ok("logged out");
	session.input.end = "quit";
	session.state = 0;
}

/* Before the login: the talker */

static void login_decided(enum sasl_result result)
{
	switch (result) {
	case SASL_OK:
		door_leave(&session.door, session.tag); /* goes on in enter() */
	case SASL_REFUSED:
		errors += LOGIN_ERRORS;
		no("[AUTHENTICATIONFAILED] user or password is wrong");
		break;
	case SASL_UNAVAILABLE:
		no("[UNAVAILABLE] cannot tell now");
		break;
	case SASL_MALFORMED:
		bad("that is no response of this mechanism");
		break;
	case SASL_UNKNOWN:
		no("[CANNOT] unknown mechanism");
		break;
	case SASL_GIVEN_UP:
		break;
	}
}

static bool login_allowed(void)
{
	if (!door_is_private(&session.door))
		no("[PRIVACYREQUIRED] not without encryption");
	return door_is_private(&session.door);
}

static void cmd_login(void)
{
	char *name, *password;

	input_space(&session.input);
	name = input_astring(&session.input);
	input_space(&session.input);
	password = input_astring(&session.input);
	if (!input_end(&session.input) || !login_allowed())
		return;
	login_decided(sasl_password(&session.door, name, password));
}

/* Says it after a "+ ", and reads the answer; NULL when there is none to use. */
static char *challenge(const char *text)
{
	char *line;

	conn_reply(&session.conn, "+ %s", text);
	switch (conn_line(&session.conn, STRANGER_LINE, &line)) {
	case LINE_OK:
		if (strcmp(line, "*") != 0)
			return line;
		bad("given up");
		break;
	case LINE_LONG:
	case LINE_BAD:
		bad("that line is no response");
		break;
	case LINE_EOF:
	case LINE_TIMEOUT:
		session.input.gone = true;
		session.input.end = "eof";
	}
	return NULL;
}

static void cmd_authenticate(void)
{
	struct input *in = &session.input;
	char *mechanism, *initial = NULL;

	input_space(in);
	mechanism = input_atom(in);
	if (input_try(in, ' '))
		initial = input_chars(in, "abcdefghijklmnopqrstuvwxyz"
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=");
	if (input_end(in) && login_allowed())
		login_decided(sasl_login(&session.door, mechanism, initial,
		    challenge));
}

static void cmd_starttls(void)
{
	char reply[STRANGER_LINE];

	if (!input_end(&session.input))
		return;
	if (!session.door.tls_offered) {
		bad("TLS is not available");
		return;
	}
	snprintf(reply, sizeof reply, "%.500s OK begin TLS", session.tag);
	if (door_tls(&session.door, reply)) {
		session.tag = NULL; /* that was the answer */
		return;
	}
	if (session.conn.start != session.conn.end)
		put("* BYE something has come before TLS\r\n");
	conn_hang_up(&session.conn);
	session.input.gone = true;
	session.input.end = "tls";
}

/* The table, and the loop */

#define ANY (STRANGER | AUTHENTICATED | SELECTED)
#define USERS (AUTHENTICATED | SELECTED)

/*
 * UID: it may also come behind that word; ONLY_UID: only so. HOLDS: no EXPUNGE
 * while it runs, because it counts messages (RFC 3501 7.4.1).
 */
enum { UID = 1, HOLDS = 2 };

static const struct command {
	const char *name;
	unsigned states;
	unsigned how;
	void (*run)(void);
} commands[] = {
	{"CAPABILITY", ANY, 0, cmd_capability},
	{"NOOP", ANY, 0, cmd_noop},
	{"ID", ANY, 0, cmd_id},
	{"LOGOUT", ANY, 0, cmd_logout},
	{"STARTTLS", STRANGER, 0, cmd_starttls},
	{"AUTHENTICATE", STRANGER, 0, cmd_authenticate},
	{"LOGIN", STRANGER, 0, cmd_login},
	{"ENABLE", USERS, 0, cmd_enable},
	{"NAMESPACE", USERS, 0, cmd_namespace},
	{"LIST", USERS, 0, cmd_list},
	{"LSUB", USERS, 0, cmd_lsub},
	{"STATUS", USERS, 0, cmd_status},
	{"CREATE", USERS, 0, cmd_create},
	{"DELETE", USERS, 0, cmd_delete},
	{"RENAME", USERS, 0, cmd_rename},
	{"SUBSCRIBE", USERS, 0, cmd_subscribe},
	{"UNSUBSCRIBE", USERS, 0, cmd_unsubscribe},
	{"GETQUOTA", USERS, 0, cmd_getquota},
	{"GETQUOTAROOT", USERS, 0, cmd_getquotaroot},
	{"SETQUOTA", USERS, 0, cmd_setquota},
	{"APPEND", USERS, 0, cmd_append},
	{"SELECT", USERS, 0, cmd_select},
	{"EXAMINE", USERS, 0, cmd_examine},
	{"IDLE", USERS, 0, cmd_idle},
	{"NOTIFY", USERS, 0, cmd_notify},
	{"CHECK", SELECTED, 0, cmd_noop},
	{"CLOSE", SELECTED, 0, cmd_close},
	{"UNSELECT", SELECTED, 0, cmd_unselect},
	{"FETCH", SELECTED, UID | HOLDS, cmd_fetch},
	{"STORE", SELECTED, UID | HOLDS, cmd_store},
	{"SEARCH", SELECTED, UID | HOLDS, cmd_search},
	{"SORT", SELECTED, UID | HOLDS, cmd_sort},
	{"THREAD", SELECTED, UID | HOLDS, cmd_thread},
	{"COPY", SELECTED, UID, cmd_copy},
	{"MOVE", SELECTED, UID, cmd_move},
	{"EXPUNGE", SELECTED, UID, cmd_expunge},
	{"REPLACE", SELECTED, UID, cmd_replace},
};

#define COMMANDS (sizeof commands / sizeof *commands)

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcasecmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void command_run(const char *name)
{
	const struct command *c = command_find(name);

	if (c == NULL || (session.uid && (c->how & UID) == 0)) {
		bad("unknown command");
	} else if ((c->states & session.state) == 0) {
		bad("not in this state");
	} else {
		session.hold_expunges = (c->how & HOLDS) != 0 && !session.uid;
		c->run();
	}
}

#define TAG_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
    "0123456789!#$&',-./:;<=>?@[]^_`|}~"

/* One command, from its tag to its answer. */
static void command(void)
{
	struct input *in = &session.input;
	char *name;

	session.tag = input_chars(in, TAG_LETTERS);
	if (in->fault != NULL)
		session.tag = "*";
	input_space(in);
	name = input_atom(in);
	session.uid = in->fault == NULL && strcasecmp(name, "UID") == 0;
	if (session.uid) {
		input_space(in);
		name = input_atom(in);
	}
	answer_begin();
	session.hold_expunges = false;
	if (in->fault == NULL)
		command_run(name);
	if (in->fault != NULL && !answer_given())
		bad("%s", in->fault);
	if (in->fault != NULL || answer_is_bad())
		input_skip(in);
	if (in->gone || session.tag == NULL)
		return;
	if (session.state == SELECTED)
		news_selected(!session.hold_expunges);
	if (session.state == 0 && !answer_given())
		return;
	errors += answer_is_bad();
	answer_send(session.tag);
}

/* Until LOGOUT, or the end of the connection. */
static _Noreturn void talk(unsigned errors_max)
{
	struct input *in = &session.input;

	errors = 0;
	in->conn = &session.conn;
	while (session.state != 0 && !in->gone && news_await() &&
	    input_begin(in)) {
		command();
		if (errors > errors_max) {
			put("* BYE too many errors\r\n");
			in->end = "errors";
			break;
		}
	}
	if (in->gone && strcmp(in->end, "timeout") == 0)
		put("* BYE idle for too long\r\n");
	/* It is being sent already: RFC 7888 4 leaves no other way. */
	if (in->gone && strcmp(in->end, "literal") == 0)
		put("* BYE [TOOBIG] literal too large\r\n");
	if (in->end == NULL || strcmp(in->end, "quit") != 0)
		info("session end=%s user=%s peer=%s",
		    in->end != NULL ? in->end : "deleted",
		    safe(session.door.login.who.text), session.peer.address);
	conn_flush(&session.conn); /* leaving may take a while */
	select_leave();
	door_close(&session.door, EX_OK);
}

/* The user's own process: it can reach his Maildir, and nothing else. */
static bool enter(void)
{
	const struct address *who = &session.door.login.who;
	const char *tag = session.door.text;

	if (!mailbox_path(session.maildir, who->local, who->domain)) {
		conn_reply(&session.conn, "%s NO no such mailbox", tag);
		return false;
	}
	charset_prepare();
	confine(&user);
	lock_open(session.maildir);
	folders_prepare(session.maildir);
	session.state = AUTHENTICATED;
	session.conn.timeout = TIMEOUT;
	session.input.line_max = LINE_MAX;
	session.input.literals_max = LITERALS_MAX;
	put(tag);
	put(" OK [CAPABILITY ");
	put(capabilities());
	put("] logged in\r\n");
	return true;
}

int main(int argc, char **argv)
{
	const char *home = NULL;
	bool tls = false;
	int option;

	program_begin("imapd");
	log_last_words("* BYE [UNAVAILABLE] out of service, try later\r\n");
	while ((option = getopt(argc, argv, "C:T")) != -1) {
		if (option == 'C')
			home = optarg;
		else if (option == 'T')
			tls = true;
		else
			fatal(EX_USAGE, "usage: imapd [-T] [-C home]");
	}
	home_enter(home);
	session.config = config_load();
	peer_find(&session.peer);
	conn_open(&session.conn, 0, 1, STRANGER_TIMEOUT, 0);
	confine_secrets();
	door_begin(&session.door, session.config, &session.peer, &session.conn,
	    "imap", true);
	if (tls)
		door_tls_first(&session.door);
	session.state = STRANGER;
	session.input.line_max = STRANGER_LINE;
	session.input.literals_max = STRANGER_LITERALS;
	/* While it is on its way, and the answer, the talker begins. */
	put("* OK [CAPABILITY ");
	put(capabilities());
	put("] ");
	put(session.config->host);
	put(" IMAP Pennypost\r\n");
	conn_flush(&session.conn);
	if (door_talk(&session.door, &stranger))
		talk(STRANGER_ERRORS);
	if (enter())
		talk(ERRORS_MAX);
	conn_hang_up(&session.conn);
	door_close(&session.door, EX_OK);
}
