/*
 * The queue's worker: ids of queue files on fd 0, answers on fd 1 (job.h), for
 * the recipients whose domains are ours.
 */
#ifndef WORK_H
#define WORK_H

/* To the end of fd 0. */
void work_run(void);

#endif
