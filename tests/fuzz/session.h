/*
 * A program with a door, in one process: its talker runs first, and when it
 * leaves, whoever comes behind it. In place of lib/door.c.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdint.h>

enum {
	SESSION_TLS = 1,     /* it is offered */
	SESSION_SCRAM = 2,   /* the same */
	SESSION_STRANGER = 4 /* not from this machine: no login without TLS */
};

/*
 * fresh() is called before each time that `program` runs, and has to forget
 * what is static there.
 */
void session_run(int (*program)(int, char **), int argc, char **argv,
    unsigned how, void (*fresh)(void));

#endif
