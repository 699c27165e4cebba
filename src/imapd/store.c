/* STORE, COPY, MOVE, EXPUNGE (RFC 3501 6.4, RFC 4315, RFC 6851, RFC 7162). */
#include <stdlib.h>
#include <string.h>

#include "folders.h"
#include "lock.h"
#include "quota.h"
#include "session.h"
#include "view.h"

static bool writable(void)
{
	if (session.read_only)
		no("[READ-ONLY] the mailbox was opened by EXAMINE");
	return !session.read_only;
}

/* The set that came as an argument; else says so. */
static bool set_of(const char *text, struct set *uids)
{
	if (session_set(text, uids))
		return true;
	bad("no such messages");
	return false;
}

/* STORE */

struct change {
	enum store how;
	bool silent, modseq_said;
	uint64_t unchanged_since;
	const char *flags[64]; /* names */
	size_t count;
};

static void flags_parse(struct change *c)
{
	struct input *in = &session.input;
	bool list = input_try(in, '(');

	if (list && input_try(in, ')'))
		return;
	do {
		if (c->count == sizeof c->flags / sizeof *c->flags)
			input_fault(in, "too many flags");
		else
			c->flags[c->count++] = input_flag(in);
	} while (in->fault == NULL && input_try(in, ' '));
	if (list)
		input_expect(in, ')');
}

static void change_parse(struct change *c)
{
	struct input *in = &session.input;

	c->unchanged_since = UINT64_MAX;
	input_space(in);
	if (input_try(in, '(')) {
		if (!input_word(in, "UNCHANGEDSINCE"))
			input_fault(in, "unknown modifier");
		input_space(in);
		c->unchanged_since = input_number(in, INT64_MAX);
		c->modseq_said = true;
		input_expect(in, ')');
		input_space(in);
	}
	c->how = input_try(in, '+') ? STORE_ADD :
	    input_try(in, '-') ? STORE_REMOVE : STORE_SET;
	c->silent = input_word(in, "FLAGS.SILENT");
	if (!c->silent && !input_word(in, "FLAGS"))
		input_fault(in, "expected FLAGS");
	input_space(in);
	flags_parse(c);
}

/* Their bits; new keywords are made, if they are to be set. False: no() said. */
static bool bits_of(const struct change *c, uint32_t *bits)
{
	bool make = c->how != STORE_REMOVE;
	uint32_t bit;
	int k;

	*bits = 0;
	/* Another session may have made some since: we have the lock now. */
	keywords_read(&session.box.keywords, session.box.path);
	for (size_t i = 0; i < c->count; i++) {
		if (flag_find(c->flags[i], &bit)) {
			*bits |= bit;
			continue;
		}
		if (*c->flags[i] == '\\') {
			bad("no such flag"); /* \Recent is not a client's */
			return false;
		}
		k = keywords_find(&session.box.keywords, session.box.path,
		    c->flags[i], make);
		if (k < 0 && make) {
			no("[LIMIT] no room for another keyword");
			return false;
		}
		if (k >= 0)
			*bits |= (uint32_t)FLAG_KEYWORD << k;
	}
	return true;
}

/* UIDs as the command counts: RFC 7162 3.1.3's MODIFIED. */
static void modified_print(struct str *text, const struct set *uids)
{
	struct set numbers = {0};

	if (session.uid) {
		set_print(text, uids);
		return;
	}
	for (size_t i = 0; i < session.known; i++)
		if (set_has(uids, session.box.messages[i].uid))
			set_add(&numbers, (uint32_t)i + 1, (uint32_t)i + 1);
	set_print(text, &numbers);
	set_free(&numbers);
}

static void store(const struct change *c, const struct set *uids)
{
	struct set modified = {0};
	struct str text = {0};
	uint32_t bits;

	if (!lock_take()) {
		mailbox_fine(MAILBOX_IN_USE);
		return;
	}
	if (bits_of(c, &bits) && mailbox_fine(mailbox_store(&session.box,
	    uids, c->how, bits, c->unchanged_since, c->silent, &modified))) {
		if (modified.count > 0) {
			modified_print(&text, &modified);
			ok("[MODIFIED %s] the others are stored", text.p);
		} else {
			ok("stored");
		}
	}
	lock_give();
	session.told = 0; /* the flags are told where nothing has changed, too */
	set_free(&modified);
	str_free(&text);
}

void cmd_store(void)
{
	struct change change = {0};
	struct set uids = {0};
	const char *text;

	input_space(&session.input);
	text = input_set(&session.input);
	change_parse(&change);
	if (!input_end(&session.input))
		return;
	if (change.modseq_said)
		session_condstore();
	if (set_of(text, &uids) && writable())
		store(&change, &uids);
	set_free(&uids);
}

/* EXPUNGE */

void cmd_expunge(void)
{
	struct set uids = {0};
	const char *text = "1:*";

	if (session.uid) {
		input_space(&session.input);
		text = input_set(&session.input);
	}
	if (!input_end(&session.input))
		return;
	if (session.uid ? set_of(text, &uids) : true) {
		if (!session.uid)
			set_add(&uids, 1, UINT32_MAX);
		if (writable() &&
		    mailbox_fine(mailbox_expunge(&session.box, &uids)))
			ok_expunged("expunged");
	}
	set_free(&uids);
}

/* COPY and MOVE */

static void copyuid(struct str *to, uint32_t uidvalidity, const struct pairs *p)
{
	struct set set = {0};

	str_printf(to, "[COPYUID %u ", uidvalidity);
	for (size_t i = 0; i < p->count; i++)
		set_add(&set, p->from[i], p->from[i]);
	set_print(to, &set);
	set_free(&set);
	str_puts(to, " ");
	for (size_t i = 0; i < p->count; i++)
		set_add(&set, p->to[i], p->to[i]);
	set_print(to, &set);
	set_free(&set);
	str_puts(to, "]");
}

static void copied(uint32_t uidvalidity, struct pairs *pairs, bool move)
{
	struct str code = {0};

	if (pairs->count > 0)
		copyuid(&code, uidvalidity, pairs);
	if (pairs->count == 0) {
		ok("there was nothing to do");
	} else if (move) {
		untagged("OK %s moved", code.p); /* before the EXPUNGEs */
		ok_expunged("moved");
	} else {
		ok("%s copied", code.p);
	}
	str_free(&code);
}

static bool fits(const struct set *uids)
{
	uint64_t octets = 0, one;
	size_t count = 0;

	for (size_t i = 0; i < session.known; i++) {
		struct message *m = &session.box.messages[i];
		if (!set_has(uids, m->uid))
			continue;
		count++;
		if (message_octets(m, &one))
			octets += one;
	}
	if (quota_allows(octets, count))
		return true;
	no("[OVERQUOTA] there is not so much room");
	return false;
}

static void copy(const struct set *uids, const char *name, bool move)
{
	struct mailbox other = {0}, *to = &other;
	struct pairs pairs = {0};
	char path[FILE_PATH_SIZE];
	enum mailbox_result result;

	folder_path(path, name);
	if (!folder_exists(name)) {
		no("[TRYCREATE] no such mailbox");
		return;
	}
	if (strcmp(path, session.box.path) == 0)
		to = &session.box;
	else if (!mailbox_fine(mailbox_open(&other, path)))
		return;
	result = mailbox_copy(&session.box, uids, to, move, &pairs);
	if (mailbox_fine(result) || (move && pairs.count > 0))
		copied(to->uidvalidity, &pairs, move);
	if (result != MAILBOX_OK)
		mailbox_fine(result);
	if (to == &other)
		mailbox_close(&other);
	free(pairs.from);
	free(pairs.to);
}

static void copy_or_move(bool move)
{
	struct set uids = {0};
	const char *text, *name;

	input_space(&session.input);
	text = input_set(&session.input);
	input_space(&session.input);
	name = session_mailbox();
	if (!input_end(&session.input) || *name == '\0')
		return;
	if (set_of(text, &uids) && (move ? writable() : fits(&uids)))
		copy(&uids, name, move);
	set_free(&uids);
}

void cmd_copy(void)
{
	copy_or_move(false);
}

void cmd_move(void)
{
	copy_or_move(true);
}
