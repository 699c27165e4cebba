/*
 * News of folders, as they come: inotify(7) on cur and new; where there is none
 * to be had, by looking often.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>

/* Also that folder. */
void watch_add(const char *folder);

/* No folder any more. */
void watch_clear(void);

/*
 * Waits until the client says something: true. Or until a watched folder has
 * news, or might have: false; or so many seconds have passed: false.
 */
bool watch_wait(int seconds);

#endif
