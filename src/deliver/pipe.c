#include "pipe.h"

#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"
#include "program.h"

#define PATIENCE "300" /* s that a program may take */

const char *pipe_run(struct message *m, const char *command,
    const char *recipient)
{
	char sender_line[ADDRESS_SIZE + 8], recipient_line[ADDRESS_SIZE + 16];
	char *more[] = {sender_line, recipient_line, NULL};
	char *argv[] = {"/usr/bin/timeout", PATIENCE, "/bin/sh", "-c",
	    (char *)command, NULL};
	int in, out, status = EX_OSERR;
	pid_t pid;

	snprintf(sender_line, sizeof sender_line, "SENDER=%s",
	    m->envelope->sender);
	snprintf(recipient_line, sizeof recipient_line, "RECIPIENT=%s",
	    recipient);
	in = open(m->file.path, O_RDONLY | O_CLOEXEC);
	out = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (in >= 0 && out >= 0 &&
	    (pid = program_start(argv, in, out, NULL, more)) > 0)
		status = program_wait(pid);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	info("pipe recipient=<%s> status=%d", safe(recipient), status);
	switch (status) {
	case EX_OK:
		return DELIVERED;
	case EX_NOUSER:
		return "550 5.1.1 No such user, says the program";
	case EX_OSERR:
	case EX_OSFILE:
	case EX_IOERR:
	case EX_TEMPFAIL:
	case 111: /* as qmail's programs say it */
	case 124: /* timeout(1) */
		return "451 4.3.0 The program failed for now";
	}
	return "554 5.3.0 The program failed";
}
