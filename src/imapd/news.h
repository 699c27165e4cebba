/*
 * News as they come, while no command runs: for IDLE, of the selected mailbox;
 * under NOTIFY, of all that it names.
 */
#ifndef NEWS_H
#define NEWS_H

#include <stdbool.h>
#include <stddef.h>

/* NOTIFY SET: from here on. status: also tells how things are now. */
void news_begin(bool status);

/* What is watched is to be found out anew. */
void news_forget(void);

/* Tells what there is to tell. */
void news_tell(void);

/* As watch_wait(), of all that is to be watched. */
bool news_wait(int seconds);

/* New messages, from this sequence number on: what NOTIFY wants of them. */
void news_arrived(size_t first);

#endif
