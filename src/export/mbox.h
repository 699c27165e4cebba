/*
 * A folder as an mbox on stdout: mboxrd (`>` before each line that is "From ",
 * behind any number of `>`), with what Dovecot, c-client and mutt keep in
 * fields of their own: lib/fields.h.
 */
#ifndef MBOX_H
#define MBOX_H

#include <stddef.h>

#include "folder.h"
#include "keywords.h"

/* How many messages were written; -1: some could not be read; said. */
long mbox_write(struct folder *, const struct keywords *);

#endif
