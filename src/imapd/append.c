/*
 * APPEND (RFC 3501 6.3.11, RFC 3502, RFC 4469 3, RFC 7889, RFC 3516 4.4, RFC
 * 6855 4) and REPLACE (RFC 8508).
 *
 * What is refused is refused before the client is asked for its octets, where
 * that can be known. Messages are written to the folder's tmp/ as they come,
 * and appear all at once behind the last (RFC 3502 3), or none does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arriving.h"
#include "date.h"
#include "folders.h"
#include "load.h"
#include "lock.h"
#include "log.h"
#include "quota.h"
#include "session.h"
#include "view.h"

#define MESSAGES_MAX 10000 /* in one command: a file each, in tmp/ till then */

struct append {
	char folder[FILE_PATH_SIZE]; /* its directory */
	struct mailbox *box;
	struct arrival *arrivals;
	size_t count;
	uint64_t octets;   /* of all */
	uint64_t octets_room, messages_room; /* by the quota, from the start */
	uint64_t octets_freed; /* by REPLACE, with as many messages: */
	size_t messages_freed;
};

/* The quota */

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What is left of a limit, of which 0 is none. */
static uint64_t room_in(uint64_t limit, uint64_t used)
{
	return limit == 0 ? UINT64_MAX : limit - smaller(limit, used);
}

static void quota_find(struct append *a)
{
	struct quota q;

	a->octets_room = a->messages_room = UINT64_MAX;
	if (!quota_limits(&q))
		return;
	quota_usage(&q);
	a->octets_room = room_in(q.octets_max, q.octets);
	a->messages_room = room_in(q.messages_max, q.messages);
}

/* The target */

/*
 * Clients append many messages to one mailbox: it stays open between commands,
 * as long as the directory is the same one.
 */
static struct {
	SELDOM struct mailbox box;
	bool open;
	dev_t device;
	ino_t inode;
} target;

static void target_close(void)
{
	if (!target.open)
		return;
	mailbox_close(&target.box);
	target.open = false;
}

static bool target_is(const struct append *a, const struct stat *st)
{
	return target.open && target.device == st->st_dev &&
	    target.inode == st->st_ino &&
	    strcmp(target.box.path, a->folder) == 0;
}

/* No mailbox: the client may CREATE it and try again (RFC 3501 7.1). */
static void say_none(void)
{
	no("[TRYCREATE] no such mailbox");
}

static bool target_fine(enum mailbox_result result)
{
	if (result == MAILBOX_NONE)
		say_none();
	else
		mailbox_fine(result);
	return result == MAILBOX_OK;
}

/* False: no() has been said. */
static bool target_find(struct append *a, const char *name)
{
	struct stat st;

	quota_find(a);
	folder_path(a->folder, name);
	if (!folder_exists(name) || stat(a->folder, &st) != 0) {
		say_none();
		return false;
	}
	if (session.state == SELECTED &&
	    strcmp(a->folder, session.box.path) == 0) {
		a->box = &session.box;
		return true;
	}
	a->box = &target.box;
	if (target_is(a, &st))
		return true;
	target_close();
	memset(&target.box, 0, sizeof target.box);
	if (!target_fine(mailbox_open(&target.box, a->folder)))
		return false;
	target.open = true;
	target.device = st.st_dev;
	target.inode = st.st_ino;
	return true;
}

/* Reading a message */

static void keyword_add(struct arrival *to, const char *name)
{
	size_t n = 0;

	while (to->keywords[n] != NULL &&
	    strcasecmp(to->keywords[n], name) != 0)
		n++;
	if (n == KEYWORDS_MAX || strlen(name) >= KEYWORD_SIZE)
		input_fault(&session.input, "too many keywords, or too long");
	else
		to->keywords[n] = name;
}

/* \Recent is not the client's to set, but some copy it from elsewhere. */
static void flags_read(struct arrival *to)
{
	struct input *in = &session.input;
	uint32_t bit;
	char *name;

	if (input_try(in, ')'))
		return;
	do {
		name = input_flag(in);
		if (flag_find(name, &bit))
			to->flags |= bit;
		else if (*name != '\\')
			keyword_add(to, name);
		else if (strcasecmp(name, "\\Recent") != 0)
			input_fault(in, "no such flag");
	} while (in->fault == NULL && input_try(in, ' '));
	input_expect(in, ')');
}

static void options_read(struct arrival *to, int64_t *date)
{
	struct input *in = &session.input;

	input_space(in);
	if (input_try(in, '(')) {
		flags_read(to);
		input_space(in);
	}
	if (input_peek(in) == '"') {
		if (!date_time_read(input_string(in), date))
			input_fault(in, "that is no date-time");
		input_space(in);
	}
}

/*
 * The literal's size; false: a fault, or refused and no() said, and the client
 * has not been asked for it.
 */
static bool literal_begin(const struct append *a, uint64_t *size, bool *binary)
{
	uint64_t limit = session.config->message_size_limit;
	uint64_t room = a->octets_room - smaller(a->octets_room, a->octets);
	bool too_big;

	if (a->count >= a->messages_room)
		room = 0;
	if (input_peek(&session.input) == '~')
		limit = smaller(limit, LOAD_MAX); /* it is taken apart */
	if (!input_literal(&session.input, smaller(limit, room), size, binary,
	    &too_big)) {
		if (too_big && *size > limit)
			no("[TOOBIG] the largest message may have %llu octets",
			    (unsigned long long)limit);
		else if (too_big)
			no("[OVERQUOTA] no room for that");
		return false;
	}
	return true;
}

/* All of the literal, whatever becomes of it. False: the client has gone. */
static bool literal_read(struct arriving *to, uint64_t size)
{
	struct span piece;

	while (size > 0) {
		if (!input_octets(&session.input, &size, &piece))
			return false;
		arriving_lines(to, piece.p, piece.n);
	}
	return true;
}

static bool binary_read(struct arriving *to, uint64_t size)
{
	struct span piece;
	char *text = xrealloc(NULL, (size_t)size), *p = text;

	for (uint64_t left = size; left > 0; p += piece.n) {
		if (!input_octets(&session.input, &left, &piece)) {
			free(text);
			return false;
		}
		memcpy(p, piece.p, piece.n);
	}
	arriving_binary(to, (struct span){text, (size_t)size});
	free(text);
	return true;
}

static void say_failed(const struct append *a, int error)
{
	warn("%s/tmp: %s", safe(a->folder), strerror(error));
	mailbox_fine(error == ENOSPC || error == EDQUOT || error == EFBIG ?
	    MAILBOX_FULL : MAILBOX_FAILED);
}

/* What it sent, to the end; false: the client has gone, or it is refused. */
static bool octets_take(struct append *a, struct arriving *from,
    struct arrival *to, uint64_t size, bool binary, int64_t date)
{
	int error;

	arriving_begin(from, a->folder);
	if (!(binary ? binary_read : literal_read)(from, size)) {
		arriving_abort(from);
		return false;
	}
	input_literal_end(&session.input);
	if (size == 0 || (from->nul && !binary)) {
		arriving_abort(from);
		if (size == 0) /* RFC 3502 3: so a client changes its mind */
			no("an empty message is none, nothing was appended");
		else
			no("[CANNOT] a NUL needs BINARY's literal8");
		return false;
	}
	error = arriving_end(from, to, date);
	if (error != 0)
		say_failed(a, error);
	return error == 0;
}

/* Its buffer is not for sessions that idle. */
static bool octets_read(struct append *a, struct arrival *to, uint64_t size,
    bool binary, int64_t date)
{
	struct arriving *arriving = xrealloc(NULL, sizeof *arriving);
	bool fine = octets_take(a, arriving, to, size, binary, date);

	free(arriving);
	return fine;
}

/* " (\Seen) "date" {n}…", perhaps as UTF8 (~{n}…): RFC 6855 4. */
static bool message_read(struct append *a)
{
	struct input *in = &session.input;
	struct arrival *to;
	uint64_t size;
	int64_t date = 0;
	bool binary, utf8;

	if (a->count == MESSAGES_MAX) {
		no("[LIMIT] too many messages in one command");
		return false;
	}
	a->arrivals = pool_grow(&in->pool, a->arrivals, a->count,
	    sizeof *a->arrivals);
	to = &a->arrivals[a->count];
	memset(to, 0, sizeof *to);
	options_read(to, &date);
	utf8 = input_word(in, "UTF8");
	if (utf8) {
		input_space(in);
		input_expect(in, '(');
	}
	if (!literal_begin(a, &size, &binary) ||
	    !octets_read(a, to, size, binary, date))
		return false;
	a->count++;
	a->octets += to->octets;
	if (utf8)
		input_expect(in, ')');
	return in->fault == NULL;
}

/* Storing */

/* The files that nobody has taken. */
static void append_end(struct append *a, bool taken)
{
	for (size_t i = 0; i < a->count; i++) {
		char *path = (char *)(uintptr_t)a->arrivals[i].path;
		if (!taken)
			unlink(path);
		free(path);
	}
	a->count = 0;
}

/* False: no() has been said, and there is nothing. */
static bool store(struct append *a)
{
	enum mailbox_result result;
	uint64_t octets = 0;

	for (size_t i = 0; i < a->count; i++)
		octets += a->arrivals[i].octets;
	octets -= smaller(octets, a->octets_freed);
	if (octets + a->count > a->messages_freed &&
	    !quota_allows(octets, a->count - a->messages_freed)) {
		no("[OVERQUOTA] there is not so much room");
		return false;
	}
	result = mailbox_append(a->box, a->arrivals, a->count);
	if (result == MAILBOX_NONE && a->box == &target.box)
		target_close();
	return target_fine(result);
}

/* "APPENDUID 38505 3955:3957": RFC 4315 3. */
static void appenduid(struct str *to, const struct append *a)
{
	struct set uids = {0};

	for (size_t i = 0; i < a->count; i++)
		set_add(&uids, a->arrivals[i].uid, a->arrivals[i].uid);
	str_printf(to, "APPENDUID %u ", a->box->uidvalidity);
	set_print(to, &uids);
	set_free(&uids);
}

/* After a refusal: what is under way is no command. */
static void refused(void)
{
	if (!session.input.gone && session.input.fault == NULL)
		input_skip(&session.input);
}

void cmd_append(void)
{
	struct input *in = &session.input;
	struct append a = {0};
	struct str code = {0};
	const char *name;
	bool fine, taken = false;

	input_space(in);
	name = session_mailbox();
	if (in->fault != NULL)
		return;
	fine = *name != '\0' && target_find(&a, name);
	while (fine && (a.count == 0 || input_peek(in) == ' '))
		fine = message_read(&a);
	if (fine && input_end(in) && (taken = store(&a))) {
		appenduid(&code, &a);
		ok("[%s] appended", code.p);
		str_free(&code);
	}
	if (!fine)
		refused();
	append_end(&a, taken);
}

/* REPLACE: the new message is there before the old one goes. */

/* The old message, by its number or UID. False: bad() or no() has been said. */
static bool old_find(const char *text, struct set *uids)
{
	struct mailbox *box = &session.box;
	size_t at;

	if (strspn(text, "0123456789") != strlen(text) &&
	    strcmp(text, "*") != 0) {
		bad("REPLACE takes one message");
		return false;
	}
	if (!session_set(text, uids)) {
		bad("no such message");
		return false;
	}
	if (session.read_only) {
		no("[READ-ONLY] the mailbox was opened by EXAMINE");
		return false;
	}
	at = uids->count == 1 ? mailbox_at(box, uids->ranges[0].first) :
	    session.known;
	if (at < session.known && !box->messages[at].expunged &&
	    box->messages[at].uid == uids->ranges[0].first)
		return true;
	no("[NONEXISTENT] no such message");
	return false;
}

/* Only what is more than the old message counts (RFC 8508 3.4). */
static void old_frees(struct append *a, const struct set *old)
{
	const struct message *m = &session.box.messages[mailbox_at(
	    &session.box, old->ranges[0].first)];

	if (!message_octets(m, &a->octets_freed))
		a->octets_freed = 0;
	a->messages_freed = 1;
	if (a->octets_room != UINT64_MAX)
		a->octets_room += a->octets_freed;
	if (a->messages_room != UINT64_MAX)
		a->messages_room++;
}

static bool old_expunge(const struct set *uids)
{
	struct set modified = {0};
	enum mailbox_result result = mailbox_store(&session.box, uids,
	    STORE_ADD, FLAG_DELETED, UINT64_MAX, true, &modified);

	set_free(&modified);
	if (result == MAILBOX_OK)
		result = mailbox_expunge(&session.box, uids);
	return mailbox_fine(result);
}

static bool replace(struct append *a, const struct set *old)
{
	struct str code = {0};
	bool taken;

	if (!lock_take()) {
		mailbox_fine(MAILBOX_IN_USE);
		return false;
	}
	taken = store(a);
	if (taken) {
		appenduid(&code, a);
		untagged("OK [%s] Replacement Message ready", code.p);
		str_free(&code);
		if (old_expunge(old))
			ok_expunged("replaced");
	}
	lock_give();
	return taken;
}

void cmd_replace(void)
{
	struct input *in = &session.input;
	struct append a = {0};
	struct set old = {0};
	const char *text, *name;
	bool fine, taken = false;

	input_space(in);
	text = input_set(in);
	input_space(in);
	name = session_mailbox();
	if (in->fault != NULL)
		return;
	fine = *name != '\0' && old_find(text, &old) && target_find(&a, name);
	if (fine) {
		old_frees(&a, &old);
		fine = message_read(&a);
	}
	if (fine && input_end(in))
		taken = replace(&a, &old);
	if (!fine)
		refused();
	append_end(&a, taken);
	set_free(&old);
}
