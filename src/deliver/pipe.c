#include "pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "box.h"
#include "log.h"
#include "program.h"

#define PATIENCE "300" /* s that a program may take */

static _Noreturn void become(const struct message *m, const struct target *t,
    int in, int out)
{
	char sender_line[ADDRESS_SIZE + 8], recipient_line[ADDRESS_SIZE + 16];
	char *more[] = {sender_line, recipient_line, NULL};
	char *argv[] = {"/usr/bin/timeout", PATIENCE, "/bin/sh", "-c",
	    (char *)(uintptr_t)t->what, NULL};

	snprintf(sender_line, sizeof sender_line, "SENDER=%s",
	    m->envelope->sender);
	snprintf(recipient_line, sizeof recipient_line, "RECIPIENT=%s",
	    t->recipient);
	log_last_words(NULL);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0)
		fatal(EX_OSERR, "pipe: %s", strerror(errno));
	box_enter_pipe(m->file.path, t->mailbox);
	program_become(argv, more);
	_exit(EX_UNAVAILABLE);
}

const char *pipe_run(struct message *m, const struct target *t)
{
	int in, out, status = EX_OSERR;
	pid_t pid = -1;

	in = open(m->file.path, O_RDONLY | O_CLOEXEC);
	out = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (in >= 0 && out >= 0 && (pid = fork()) == 0)
		become(m, t, in, out);
	if (pid > 0)
		status = program_wait(pid);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	info("pipe recipient=<%s> status=%d", safe(t->recipient), status);
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
