/* SELECT, EXAMINE, CLOSE, UNSELECT (RFC 3501 6.3, RFC 3691, RFC 7162 3.2.5). */
#include <string.h>

#include "folders.h"
#include "news.h"
#include "session.h"
#include "view.h"

/* SELECT's parameters. */
struct known {
	bool qresync;
	uint32_t uidvalidity;
	uint64_t modseq;
	const char *uids; /* NULL: all */
};

/* What is wrong with it is found before a mailbox is left (RFC 7162 3.2.5). */
static const char *set_argument(void)
{
	const char *text = input_set(&session.input);
	struct set ignored = {0};

	if (!set_parse(&ignored, text, 1))
		input_fault(&session.input, "that is no set of messages");
	set_free(&ignored);
	return text;
}

static void qresync_parse(struct known *k)
{
	struct input *in = &session.input;

	k->qresync = true;
	input_space(in);
	input_expect(in, '(');
	k->uidvalidity = (uint32_t)input_number(in, UINT32_MAX);
	input_space(in);
	k->modseq = input_number(in, INT64_MAX);
	if (input_try(in, ' ')) {
		if (input_peek(in) != '(')
			k->uids = set_argument();
		if (k->uids == NULL || input_try(in, ' ')) {
			/* Sequence numbers with their UIDs spare us nothing. */
			input_expect(in, '(');
			set_argument();
			input_space(in);
			set_argument();
			input_expect(in, ')');
		}
	}
	input_expect(in, ')');
}

static void parameters_parse(struct known *k)
{
	struct input *in = &session.input;

	if (!input_try(in, ' '))
		return;
	input_expect(in, '(');
	do {
		if (input_word(in, "CONDSTORE"))
			session.condstore = true;
		else if (input_word(in, "QRESYNC"))
			qresync_parse(k);
		else
			input_fault(in, "unknown parameter");
	} while (input_try(in, ' '));
	input_expect(in, ')');
	if (in->fault == NULL && k->qresync && !session.qresync)
		input_fault(in, "QRESYNC has not been enabled");
}

static void leave(void)
{
	index_close(session.index);
	mailbox_close(&session.box);
	session.index = NULL;
	session.known = 0;
	session.told = 0;
	session.recent.count = session.saved.count = 0;
	session.state = AUTHENTICATED;
	view_forget();
	news_forget();
}

/* RFC 7162 3.2.5.1: what has gone, and what has changed, since then. */
static void catch_up(const struct known *k)
{
	struct mailbox *box = &session.box;
	struct set wanted = {0};

	if (k->uidvalidity != box->uidvalidity ||
	    (k->uids != NULL && !set_parse(&wanted, k->uids, box->uidnext)))
		return;
	if (k->uids == NULL && box->uidnext > 1)
		set_add(&wanted, 1, box->uidnext - 1);
	view_vanished(&wanted, k->modseq);
	session.uid = true; /* the FETCHes have their UIDs */
	for (size_t i = 0; i < session.known; i++) {
		struct message *m = &box->messages[i];
		if (m->modseq > k->modseq && set_has(&wanted, m->uid))
			view_fetch(m);
	}
	session.uid = false;
	set_free(&wanted);
}

static size_t first_unseen(void)
{
	for (size_t i = 0; i < session.known; i++)
		if ((session.box.messages[i].flags & FLAG_SEEN) == 0)
			return i + 1;
	return 0;
}

static void describe(const char *name)
{
	struct mailbox *box = &session.box;
	size_t unseen;

	view_keywords();
	untagged("%zu EXISTS", session.known);
	if (!session.rev2) {
		untagged("%zu RECENT", view_recent());
		if ((unseen = first_unseen()) > 0)
			untagged("OK [UNSEEN %zu] is the first", unseen);
	} else {
		put("* LIST () \".\" ");
		put_mailbox(name);
		put("\r\n");
	}
	untagged("OK [UIDVALIDITY %u] UIDs are valid", box->uidvalidity);
	untagged("OK [UIDNEXT %u] is the next", box->uidnext);
	untagged("OK [HIGHESTMODSEQ %llu] is the highest",
	    (unsigned long long)box->modseq);
	untagged("OK [MAILBOXID (%s)] names it", box->id);
}

static void enter(bool read_only)
{
	struct known known = {0};
	char path[FILE_PATH_SIZE];
	const char *name;

	input_space(&session.input);
	name = session_mailbox();
	parameters_parse(&known);
	if (!input_end(&session.input) || *name == '\0')
		return;
	if (session.state == SELECTED) {
		leave();
		untagged("OK [CLOSED] the mailbox that was selected");
	}
	folder_path(path, name);
	if (!folder_exists(name)) {
		no("[NONEXISTENT] no such mailbox");
		return;
	}
	if (!mailbox_fine(mailbox_open(&session.box, path)))
		return;
	if (!mailbox_fine(mailbox_load(&session.box))) {
		mailbox_close(&session.box);
		return;
	}
	session.index = index_open(&session.box);
	session.read_only = read_only;
	session.known = session.box.count;
	session.state = SELECTED;
	view_claim();
	describe(name);
	if (known.qresync)
		catch_up(&known);
	session.told = session.box.modseq;
	ok("[READ-%s] selected", read_only ? "ONLY" : "WRITE");
}

void cmd_select(void)
{
	enter(false);
}

void cmd_examine(void)
{
	enter(true);
}

void cmd_close(void)
{
	struct set all = {0};

	if (!input_end(&session.input))
		return;
	set_add(&all, 1, UINT32_MAX);
	if (session.read_only ||
	    mailbox_fine(mailbox_expunge(&session.box, &all)))
		ok("closed");
	leave();
	set_free(&all);
}

void cmd_unselect(void)
{
	if (!input_end(&session.input))
		return;
	leave();
	ok("unselected");
}

void select_leave(void)
{
	if (session.state == SELECTED)
		leave();
}
