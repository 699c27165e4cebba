#include "broker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "nudge.h"
#include "program.h"

static pid_t deliver;  /* 0: not running */
static int ready = -1; /* its other side, which nobody has asked for yet */

/* Ids of what deliver has queued, of which it could tell nobody. */
static void nudges_read(void)
{
	if (nudge_relay(broker.fd))
		return;
	close(broker.fd);
	broker.fd = -1;
}

static void end(void)
{
	int status;

	if (ready >= 0)
		close(ready);
	ready = -1;
	while (broker.fd >= 0)
		nudges_read();
	if (deliver <= 0)
		return;
	status = program_wait(deliver);
	if (status != 0)
		warn("deliver status=%d", status);
	deliver = 0;
}

static int start(void)
{
	char path[PATH_SIZE], *argv[] = {path, "-n", NULL};
	int lmtp[2], nudges[2];

	end(); /* the one before */
	if (!program_path("deliver", path) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, lmtp) != 0)
		return -1;
	if (pipe2(nudges, O_CLOEXEC) == 0) {
		deliver = program_start(argv, lmtp[1], lmtp[1],
		    (int[]){nudges[1], -1}, NULL);
		broker.fd = nudges[0];
		close(nudges[1]);
	}
	close(lmtp[1]);
	if (deliver > 0)
		return lmtp[0];
	warn("deliver: %s", strerror(errno));
	close(lmtp[0]);
	return -1;
}

static int give(const char *what)
{
	int fd = ready >= 0 ? ready : start();

	(void)what;
	ready = -1;
	return fd;
}

static void hear(const char *text)
{
	if (*text != '\0')
		nudge(text);
	else if (ready < 0 && deliver == 0)
		ready = start();
}

struct door_service broker = {
	.give = give, .hear = hear, .fd = -1, .read = nudges_read,
	.end = end,
};
