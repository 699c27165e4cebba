/*
 * Dovecot's `subscriptions`, so that both may serve the same user. Of its two
 * formats the one that is there is kept: a name a line; or, behind a line of
 * "V\t2", a name a line with its parts divided by tabs. A new file is of the
 * second kind, as Dovecot 2.3 writes it.
 */
#ifndef SUBSCRIPTIONS_H
#define SUBSCRIPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "str.h"

#define SUBSCRIPTIONS_MAX (2u << 20) /* octets: 10,000 names */

/*
 * Appends the names that are valid (names.h), each NUL-terminated; they need not
 * exist. False: the file is there, and cannot be read (logged).
 */
bool subscriptions_read(struct str *names);

/* Under the lock; the names must be valid, NULL ends them. False: logged. */
bool subscriptions_add(const char *const names[]);
bool subscriptions_remove(const char *name);

#endif
