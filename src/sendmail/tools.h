/* What an administrator asks sendmail for, which other programs answer. */
#ifndef TOOLS_H
#define TOOLS_H

#include "options.h"

/*
 * -q: the queue is run, or those messages that the filter wants. Returns the
 * exit status, if at all.
 */
int queue_flush(const struct options *);

/* -bv: one line or more about each address; the exit status. */
int addresses_verify(char *const words[], const char *domain);

/*
 * newaliases: nothing needs to be built, but mistakes in users/aliases are
 * told. The exit status.
 */
int aliases_check(void);

#endif
