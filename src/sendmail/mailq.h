/*
 * mailq: shows what waits in spool/queue and spool/hold, and what was set
 * aside in spool/damaged. One file after the other, in no order: a queue of any
 * length needs the same memory.
 */
#ifndef MAILQ_H
#define MAILQ_H

#include <stdbool.h>

/*
 * Prints the usual table on stdout, or a JSON object a line. ids: only these,
 * NULL-terminated; an empty list is the whole queue. Call home_enter() first.
 *
 * Returns the exit status. What is wrong is told on stderr: EX_NOPERM when the
 * caller may not read the queue, EX_NOINPUT when there is no message of an id,
 * EX_IOERR when stdout fails. One message that cannot be read is shown as such
 * and stops nothing.
 */
int mailq(bool json, char *const ids[]);

#endif
