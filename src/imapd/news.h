/*
 * News as they come, while no command runs: for IDLE, of the selected mailbox;
 * under NOTIFY, of all that it names.
 */
#ifndef NEWS_H
#define NEWS_H

#include <stdbool.h>

/* What is watched is to be found out anew. */
void news_forget(void);

/* Tells what there is to tell; in IDLE, or between two commands. */
void news_tell(bool idle);

/* As watch_wait(), of all that is to be watched. */
bool news_wait(int seconds);

/*
 * At the end of a command, of the selected mailbox: view_tell(), and what
 * NOTIFY wants of new mail.
 */
void news_selected(bool expunges);

/*
 * Before a command is read: what NOTIFY has asked for, until the client speaks.
 * False: the session is over.
 */
bool news_await(void);

#endif
