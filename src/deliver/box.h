/* What deliver may do, and the programs that it starts. */
#ifndef BOX_H
#define BOX_H

#include "config.h"

/* From here on: see the table. */
void box_enter(const struct config *);

/*
 * For a program of an alias or a .forward, after the fork: of the home it may
 * read what is there beside users and spool, and message, and have `mailbox`
 * (NULL: none); no network.
 */
void box_enter_pipe(const char *message, const char *mailbox);

#endif
