#include "status.h"

#include "folders.h"
#include "session.h"

/* In the order of their bits. */
static const char *const names[] = {
	"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN",
	"HIGHESTMODSEQ", "SIZE", "DELETED", "DELETED-STORAGE", "APPENDLIMIT",
	"MAILBOXID",
};

#define ITEMS (sizeof names / sizeof *names)

unsigned status_parse(struct input *in)
{
	unsigned found = 0;
	size_t i;

	input_expect(in, '(');
	do {
		for (i = 0; i < ITEMS && !input_word(in, names[i]); i++)
			;
		if (i == ITEMS)
			input_fault(in, "unknown status item");
		else
			found |= 1u << i;
	} while (input_try(in, ' '));
	input_expect(in, ')');
	return in->fault == NULL ? found : 0;
}

/* Those that no session has had yet. */
static uint64_t recent(struct mailbox *box)
{
	if (box->first_recent >= box->uidnext ||
	    mailbox_load(box) != MAILBOX_OK)
		return 0;
	return box->count - mailbox_at(box, box->first_recent);
}

static uint64_t octets(struct mailbox *box)
{
	uint64_t sum = 0;

	return mailbox_octets(box, &sum) == MAILBOX_OK ? sum : box->octets;
}

static uint64_t deleted_octets(struct mailbox *box)
{
	uint64_t sum = 0, size;

	if (box->deleted == 0)
		return 0;
	octets(box); /* from here on each has a size */
	if (mailbox_load(box) != MAILBOX_OK)
		return 0;
	for (size_t i = 0; i < box->count; i++)
		if ((box->messages[i].flags & FLAG_DELETED) != 0 &&
		    message_octets(&box->messages[i], &size))
			sum += size;
	return sum;
}

static uint64_t value(struct mailbox *box, unsigned item)
{
	switch (item) {
	case STATUS_MESSAGES:
		return box->exists;
	case STATUS_RECENT:
		return recent(box);
	case STATUS_UIDNEXT:
		return box->uidnext;
	case STATUS_UIDVALIDITY:
		return box->uidvalidity;
	case STATUS_UNSEEN:
		return box->unseen;
	case STATUS_HIGHESTMODSEQ:
		return box->modseq;
	case STATUS_SIZE:
		return octets(box);
	case STATUS_DELETED:
		return box->deleted;
	case STATUS_DELETED_STORAGE:
		return deleted_octets(box);
	}
	return session.config->message_size_limit; /* STATUS_APPENDLIMIT */
}

static void put_item(struct mailbox *box, unsigned item)
{
	if (item == STATUS_MAILBOXID) {
		put("(");
		put(box->id);
		put(")");
	} else {
		put_number(value(box, item));
	}
}

enum mailbox_result status_tell(const char *name, unsigned items)
{
	struct mailbox box = {0};
	char path[FILE_PATH_SIZE];
	enum mailbox_result result;
	const char *before = " (";

	if (!folder_exists(name))
		return MAILBOX_NONE;
	folder_path(path, name);
	result = mailbox_open(&box, path);
	if (result != MAILBOX_OK)
		return result;
	put("* STATUS ");
	put_mailbox(name);
	for (unsigned i = 0; i < ITEMS; i++) {
		if ((items >> i & 1) == 0)
			continue;
		put(before);
		put(names[i]);
		put(" ");
		put_item(&box, 1u << i);
		before = " ";
	}
	put(")\r\n");
	mailbox_close(&box);
	return result;
}

void cmd_status(void)
{
	struct input *in = &session.input;
	const char *name;
	unsigned wanted;

	input_space(in);
	name = session_mailbox();
	input_space(in);
	wanted = status_parse(in);
	if (!input_end(in) || *name == '\0')
		return;
	if (!mailbox_fine(status_tell(name, wanted)))
		return;
	if ((wanted & STATUS_HIGHESTMODSEQ) != 0)
		session_condstore();
	ok("that is it");
}
