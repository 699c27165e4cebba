#include "status.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folders.h"
#include "session.h"

enum {
	MESSAGES, RECENT, UIDNEXT, UIDVALIDITY, UNSEEN, HIGHESTMODSEQ, SIZE,
	DELETED, DELETED_STORAGE, APPENDLIMIT, MAILBOXID,
};

static const char *const items[] = {
	[MESSAGES] = "MESSAGES",
	[RECENT] = "RECENT",
	[UIDNEXT] = "UIDNEXT",
	[UIDVALIDITY] = "UIDVALIDITY",
	[UNSEEN] = "UNSEEN",
	[HIGHESTMODSEQ] = "HIGHESTMODSEQ",     /* RFC 7162 3.1.7 */
	[SIZE] = "SIZE",                       /* RFC 8438 */
	[DELETED] = "DELETED",                 /* RFC 9208 4.1.4 */
	[DELETED_STORAGE] = "DELETED-STORAGE", /* RFC 9208 4.1.5 */
	[APPENDLIMIT] = "APPENDLIMIT",         /* RFC 7889 */
	[MAILBOXID] = "MAILBOXID",             /* RFC 8474 4.3 */
};

#define ITEMS (sizeof items / sizeof *items)

unsigned status_parse(struct input *in)
{
	unsigned found = 0;
	size_t i;

	input_expect(in, '(');
	do {
		for (i = 0; i < ITEMS && !input_word(in, items[i]); i++)
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

/* Where the name does not tell, the file's size has to do. */
static uint64_t octets_of(struct mailbox *box, struct message *m)
{
	uint64_t octets = 0;
	struct stat st;
	int fd;

	if (message_octets(m, &octets))
		return octets;
	fd = message_open(box, m);
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0)
		octets = (uint64_t)st.st_size;
	close(fd);
	return octets;
}

static uint64_t deleted_octets(struct mailbox *box)
{
	uint64_t sum = 0;

	if (box->deleted == 0 || mailbox_load(box) != MAILBOX_OK)
		return 0;
	for (size_t i = 0; i < box->count; i++)
		if ((box->messages[i].flags & FLAG_DELETED) != 0)
			sum += octets_of(box, &box->messages[i]);
	return sum;
}

static uint64_t value(struct mailbox *box, unsigned item)
{
	switch (item) {
	case MESSAGES:
		return box->exists;
	case RECENT:
		return recent(box);
	case UIDNEXT:
		return box->uidnext;
	case UIDVALIDITY:
		return box->uidvalidity;
	case UNSEEN:
		return box->unseen;
	case HIGHESTMODSEQ:
		session.condstore = true; /* RFC 7162 3.1: that enables it */
		return box->modseq;
	case SIZE:
		return box->octets;
	case DELETED:
		return box->deleted;
	case DELETED_STORAGE:
		return deleted_octets(box);
	}
	return session.config->message_size_limit; /* APPENDLIMIT */
}

enum mailbox_result status_tell(const char *name, unsigned wanted)
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
		if ((wanted >> i & 1) == 0)
			continue;
		put(before);
		put(items[i]);
		put(i == MAILBOXID ? " (" : " ");
		if (i == MAILBOXID)
			put(box.id);
		else
			put_number(value(&box, i));
		put(i == MAILBOXID ? ")" : "");
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
	if (mailbox_fine(status_tell(name, wanted)))
		ok("that is it");
}
