/*
 * CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE (RFC 3501 6.3.3 to 6.3.7, RFC
 * 6154 3, RFC 8474 4), GETQUOTA GETQUOTAROOT SETQUOTA (RFC 9208).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "folders.h"
#include "quota.h"
#include "session.h"
#include "uses.h"

#define QUOTA_ROOT "user" /* one, of all folders */
#define QUOTA_UNIT 1024   /* octets; RFC 9208 5.1 */

static bool fine(enum folder_result result)
{
	switch (result) {
	case FOLDER_OK:
		return true;
	case FOLDER_EXISTS:
		no("[ALREADYEXISTS] there is a mailbox of that name");
		break;
	case FOLDER_NONE:
		no("[NONEXISTENT] no such mailbox");
		break;
	case FOLDER_INVALID:
		no("[CANNOT] not with that name");
		break;
	case FOLDER_IN_USE:
		no("[INUSE] another program changes the mailboxes");
		break;
	case FOLDER_LIMIT:
		no("[LIMIT] too many mailboxes");
		break;
	case FOLDER_USED:
		no("[USEATTR] that use is unknown, or another mailbox's");
		break;
	case FOLDER_FULL:
		no("[OVERQUOTA] no room");
		break;
	case FOLDER_FAILED:
		no("[SERVERBUG] that did not work, see the server's log");
	}
	return false;
}

/* The one argument; NULL when the command is over already. */
static const char *only_mailbox(void)
{
	const char *name;

	input_space(&session.input);
	name = session_mailbox();
	return input_end(&session.input) && *name != '\0' ? name : NULL;
}

/* " (USE (\Sent \Drafts))": words divided by blanks; "" where there is none. */
static void create_parameters(struct str *uses)
{
	struct input *in = &session.input;

	str_clear(uses);
	if (!input_try(in, ' '))
		return;
	input_expect(in, '(');
	if (!input_word(in, "USE"))
		input_fault(in, "unknown parameter");
	input_space(in);
	input_expect(in, '(');
	while (input_peek(in) != ')' && in->fault == NULL) {
		str_printf(uses, "%s%s", uses->len > 0 ? " " : "",
		    input_flag(in));
		if (!input_try(in, ' '))
			break;
	}
	input_expect(in, ')');
	input_expect(in, ')');
}

/* MAILBOXID needs the journal, which is made with that. */
static void created(const char *name)
{
	struct mailbox box = {0};
	char path[FILE_PATH_SIZE];

	folder_path(path, name);
	if (mailbox_fine(mailbox_open(&box, path))) {
		ok("[MAILBOXID (%s)] created", box.id);
		mailbox_close(&box);
	}
}

void cmd_create(void)
{
	struct str uses = {0};
	const char *name;

	input_space(&session.input);
	name = session_mailbox();
	create_parameters(&uses);
	if (input_end(&session.input) && *name != '\0' &&
	    fine(folder_create(name, uses.p)))
		created(name);
	str_free(&uses);
}

static bool is_selected(const char *name)
{
	char path[FILE_PATH_SIZE];

	folder_path(path, name);
	return session.state == SELECTED &&
	    strcmp(path, session.box.path) == 0;
}

void cmd_delete(void)
{
	const char *name = only_mailbox();

	if (name == NULL)
		return;
	if (!folder_exists(name) && folder_is_above(name)) {
		no("[HASCHILDREN] it is only what others are below");
		return;
	}
	if (is_selected(name) && strcmp(name, "INBOX") != 0) {
		select_leave();
		untagged("OK [CLOSED] the mailbox that was selected");
	}
	if (fine(folder_delete(name)))
		ok("deleted");
}

/* The mailbox that is selected may have been moved along. */
static void follow(const char *from, const char *to)
{
	char old[FILE_PATH_SIZE], path[FILE_PATH_SIZE];
	size_t n;

	if (session.state != SELECTED || strcmp(from, "INBOX") == 0)
		return;
	folder_path(old, from);
	n = strlen(old);
	if (strncmp(session.box.path, old, n) != 0 ||
	    (session.box.path[n] != '\0' && session.box.path[n] != '.'))
		return;
	folder_path(path, to);
	snprintf(old, sizeof old, "%s", session.box.path + n);
	n = strlen(path);
	if (n + strlen(old) < sizeof path) { /* names are shorter by far */
		strcpy(path + n, old);
		strcpy(session.box.path, path);
	}
}

void cmd_rename(void)
{
	const char *from, *to;

	input_space(&session.input);
	from = session_mailbox();
	input_space(&session.input);
	to = session_mailbox();
	if (!input_end(&session.input) || *from == '\0' || *to == '\0')
		return;
	if (fine(folder_rename(from, to))) {
		follow(from, to);
		ok("renamed");
	}
}

void cmd_subscribe(void)
{
	const char *name = only_mailbox();

	if (name != NULL && fine(folder_subscribe(name, true)))
		ok("subscribed");
}

void cmd_unsubscribe(void)
{
	const char *name = only_mailbox();

	if (name != NULL && fine(folder_subscribe(name, false)))
		ok("not subscribed");
}

/* Quota */

static void put_resource(const char *before, const char *name, uint64_t used,
    uint64_t max)
{
	put(before);
	put(name);
	put(" ");
	put_number(used);
	put(" ");
	put_number(max);
}

static void put_quota(struct quota *q)
{
	const char *before = "* QUOTA " QUOTA_ROOT " (";

	quota_usage(q);
	if (q->octets_max > 0) {
		put_resource(before, "STORAGE",
		    (q->octets + QUOTA_UNIT - 1) / QUOTA_UNIT,
		    q->octets_max / QUOTA_UNIT);
		before = " ";
	}
	if (q->messages_max > 0)
		put_resource(before, "MESSAGE", q->messages, q->messages_max);
	put(")\r\n");
}

void cmd_getquota(void)
{
	struct quota q;
	const char *root;

	input_space(&session.input);
	root = input_astring(&session.input);
	if (!input_end(&session.input))
		return;
	if (strcmp(root, QUOTA_ROOT) != 0 || !quota_limits(&q)) {
		no("[NONEXISTENT] no such quota root");
		return;
	}
	put_quota(&q);
	ok("that is it");
}

/*
 * A mailbox may have no root at all (RFC 9208 4.2.2): then it has no limits. It
 * need not even be there (4.1.2).
 */
void cmd_getquotaroot(void)
{
	const char *name = only_mailbox();
	struct quota q;

	if (name == NULL)
		return;
	put("* QUOTAROOT ");
	put_mailbox(name);
	if (quota_limits(&q)) {
		put(" " QUOTA_ROOT "\r\n");
		put_quota(&q);
	} else {
		put("\r\n");
	}
	ok("that is it");
}

void cmd_setquota(void)
{
	struct input *in = &session.input;

	input_space(in);
	input_astring(in);
	input_space(in);
	input_expect(in, '(');
	while (input_peek(in) != ')' && in->fault == NULL) {
		input_atom(in);
		input_space(in);
		input_number(in, INT64_MAX);
		if (!input_try(in, ' '))
			break;
	}
	input_expect(in, ')');
	if (input_end(in))
		no("[NOPERM] the administrator sets it");
}
