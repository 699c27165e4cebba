/*
 * Which folder is for what (RFC 6154): one by name, until CREATE (USE ...) or
 * RENAME says another, which stands in `pennypost-special-use`, in lines of
 * `USE NAME`. The file is there from the first login on.
 */
#ifndef USES_H
#define USES_H

#include <stdbool.h>

#include "names.h"

#define USES_FILE "pennypost-special-use"
#define USES 5

extern const char *const use_attributes[USES]; /* "\\Archive" */
extern const char *const use_names[USES];      /* "Archive" */

struct uses {
	char name[USES][FOLDER_NAME_SIZE];
	bool said[USES]; /* in the file */
};

void uses_read(struct uses *);

/* Under the lock. False: logged. */
bool uses_write(const struct uses *);

/* -1: there is no such attribute here. */
int use_find(const char *attribute, size_t n);

#endif
