/* Mail to a program: off, unless pennypost.conf says `alias_pipes yes`. */
#ifndef PIPE_H
#define PIPE_H

#include "message.h"

/*
 * Runs the target's command with the message on fd 0, SENDER and RECIPIENT in
 * the environment, and no word of a stranger's in the command; in a box of its
 * own, box.h. Its exit status, as <sysexits.h> has it, is the reply; static.
 */
const char *pipe_run(struct message *, const struct target *);

#endif
