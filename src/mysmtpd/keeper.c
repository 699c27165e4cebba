#include "keeper.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker.h"
#include "local.h"
#include "log.h"
#include "program.h"

static const struct door *door;
static bool lab;
static struct door_service deliver; /* as the broker does it */
static pid_t reader;                /* pop3d; 0: not running */

bool same_mailbox(const struct address *a, const struct address *b)
{
	char x[MAILBOX_SIZE], y[MAILBOX_SIZE];

	return *a->domain != '\0' && mailbox_path(x, a->local, a->domain) &&
	    mailbox_path(y, b->local, b->domain) && strcmp(x, y) == 0;
}

/* An address, and no option. */
static bool may_read(const char *text)
{
	struct address a;

	if (*text == '-' || address_parse(text, &a) != ADDRESS_OK)
		return false;
	return lab ? domain_is_local(a.domain) :
	    same_mailbox(&door->login.who, &a);
}

static void reader_end(void)
{
	int status = reader > 0 ? program_wait(reader) : 0;

	if (status != 0)
		warn("pop3d status=%d", status);
	reader = 0;
}

static int reader_start(const char *address)
{
	char path[PATH_SIZE];
	char *argv[] = {path, "-u", (char *)(uintptr_t)address, NULL};
	int fds[2];

	reader_end(); /* a talker has one at a time */
	if (!program_path("pop3d", path) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	reader = program_start(argv, fds[1], fds[1], NULL, NULL);
	close(fds[1]);
	if (reader > 0)
		return fds[0];
	warn("pop3d: %s", strerror(errno));
	close(fds[0]);
	return -1;
}

static int give(const char *what)
{
	if (strcmp(what, "deliver") == 0)
		return deliver.give(what);
	if (may_read(what))
		return reader_start(what);
	warn("refused mailbox=%s user=%s", safe(what),
	    safe(door->login.who.text));
	return -1;
}

static void end(void)
{
	reader_end();
	deliver.end();
}

void keeper_begin(struct door *d, bool everybody)
{
	door = d;
	lab = everybody;
	deliver = broker;
	broker.give = give;
	broker.end = end;
	d->own = &broker;
}
