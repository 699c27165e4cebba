/*
 * The nudge: a message has come into the queue, and the runner is to try it at
 * once. spool/nudge is a FIFO that the running queue-run reads ids from; when
 * nobody does, one is started.
 */
#ifndef NUDGE_H
#define NUDGE_H

#define NUDGE_PATH "spool/nudge"

/* The message is durable already: whatever fails here, cron makes good. */
void nudge(const char *id);

#endif
