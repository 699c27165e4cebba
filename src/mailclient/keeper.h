/*
 * Keeper and talker. Before the first octet of a server's is read the program
 * parts: from there on the talker reads what servers and letters say, and can
 * open no file of the person's; its parent, the keeper, has the person's input
 * and the file system. It hands the talker each line that was asked for, and
 * saves what the person has asked to be saved, where he has said.
 *
 * What the keeper hears is the word of who may be a stranger's by then.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"
#include "str.h"

/*
 * Returns in the talker, which is confined: by TCP it may connect to these
 * ports, 0 ends them. The keeper is the process that was there before, and ends
 * when the talker has, with its status. False with errno: it has not parted.
 */
bool keeper_part(const unsigned ports[]);

/* Has it? Only then the functions below may be called. */
bool keeper_there(void);

/* terminal.h's input_line() and ask_secret(), save.h's save(), there. */
bool keeper_line(struct str *line, size_t max);
bool keeper_secret(char *answer, size_t size, const char *question);
void keeper_save(const char *file, const char *proposed, struct span octets,
    bool lines);

#endif
