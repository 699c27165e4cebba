/*
 * News of folders, as they come: inotify(7) on cur and new; where there is none
 * to be had, by looking often.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>

#define WATCHES_MAX 4096 /* directories, two a folder; inotify(7) has 8192 a user */

/*
 * Also that folder; or the one directory, where names come and go. Returns its
 * number, or -1 when there is no room for another.
 */
int watch_add(const char *folder);
int watch_names(const char *directory);

/* Nothing any more. */
void watch_clear(void);

/*
 * Waits until the client says something: true. Or until something watched has
 * news, or might have: false; or so many seconds have passed: false.
 */
bool watch_wait(int seconds);

/* Had it news since it was last asked? What is not watched may always have. */
bool watch_news(int number);

#endif
