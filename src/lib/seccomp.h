/*
 * The filter of system calls, built from the groups of confine.h, and what
 * becomes of a refused one: SIGSYS, whose handler writes the log line and has
 * the call fail with EPERM.
 */
#ifndef SECCOMP_H
#define SECCOMP_H

#include <stdbool.h>

/* Has the kernel filters, and do we know this machine's system calls? */
bool seccomp_available(void);

/* calls: enum confine_calls. False with errno. After PR_SET_NO_NEW_PRIVS. */
bool seccomp_enter(unsigned calls);

#endif
