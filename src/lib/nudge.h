/*
 * The nudge: a message has come into the queue, and the runner is to try it at
 * once. spool/nudge is a FIFO that the running queue-run reads lines from; when
 * nobody does, one is started.
 *
 * A line is an id; or empty: look for what is due; or NUDGE_ALL: try all; or
 * NUDGE_UP: forget which hosts do not answer.
 */
#ifndef NUDGE_H
#define NUDGE_H

#include <stdbool.h>
#include <stddef.h>

#define NUDGE_PATH "spool/nudge"
#define NUDGE_ALL "-a"
#define NUDGE_UP "-u"
#define NUDGE_ROOM 65536 /* bytes that wait in the FIFO: the kernel's usual */

/*
 * The message is durable already: whatever fails here, cron makes good. What is
 * no id is ignored.
 */
void nudge(const char *id);

/*
 * For who is to be confined, and can start no runner: where nobody reads the
 * FIFO, nudge() writes the id as a line to fd from now on. Who is at the other
 * end calls nudge().
 */
void nudge_through(int fd);

/*
 * The other end: reads what waits in fd, blocking, and nudges. False when nobody
 * can write to it any more.
 */
bool nudge_relay(int fd);

/*
 * The same, to a child of ours that is there for it: it holds nothing open but
 * its pipe and fd 2, and ends when we do. False with errno.
 */
bool nudge_helper(void);

enum nudge_result {
	NUDGE_TOLD,
	NUDGE_NOBODY, /* no runner reads, or it is about to leave */
	NUDGE_FULL,   /* it has so much to read that it will look at all */
};

/* Tells the active runner the line. */
enum nudge_result nudge_tell(const char *line);

/*
 * The runner's side, for who holds the lock on spool/queue alone. Makes the
 * FIFO when it is missing. The descriptor; -1 with errno.
 */
int nudge_listen(void);

/*
 * What waits, up to NUDGE_ROOM bytes of whole lines; 0: nothing. *full: a line
 * may have found no room, so all of the queue is to be looked at.
 */
size_t nudge_read(int fd, char buf[NUDGE_ROOM], bool *full);

/*
 * The runner wants to end. True: nobody can tell it any more; the FIFO is
 * closed, and after it the lock on spool/queue is to be given up. False:
 * somebody is just about to: read again.
 */
bool nudge_leave(int fd);

#endif
