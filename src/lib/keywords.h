/*
 * The keywords of a folder, in dovecot-keywords: lines of `NUMBER KEYWORD`. In a
 * file's name number 0 is the letter a, 25 is z.
 */
#ifndef KEYWORDS_H
#define KEYWORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define KEYWORDS_MAX 26 /* letters */
#define KEYWORD_SIZE 64 /* longer ones are refused */

struct keywords {
	char names[KEYWORDS_MAX][KEYWORD_SIZE]; /* "" : the letter is free */
	struct timespec mtime;                  /* of the file as it was read */
	uint64_t inode;
	bool unknown; /* the file could not be read: letters may have names */
};

/* Reads the file if it has changed. True when it has. */
bool keywords_read(struct keywords *, const char *folder);

/*
 * The number of a keyword (either case is the same); -1: there is none, and none
 * could be made. make: under the lock; it is on the disk then.
 */
int keywords_find(struct keywords *, const char *folder, const char *name,
    bool make);

#endif
