/* The directories of a folder: tmp, new and cur. */
#ifndef DIRECTORY_H
#define DIRECTORY_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>

#include "mailbox.h"

/* "cur" and so on: for reading; -1 with errno. */
int directory_open(const struct mailbox *, const char *name);

/* The mtime in ns of a directory that is open; 0: it cannot be told. */
int64_t directory_mtime(int fd);

/* The same by name, opening it: which is what makes an NFS client ask. */
int64_t mailbox_mtime(const struct mailbox *, const char *name);

/* An entry of the directory that is open as dir. */
bool is_directory(int dir, const struct dirent *);

/* Renames where there is no such name yet. 0, or errno. */
int rename_new(int from_dir, const char *from, int to_dir, const char *to);

/* Removes files in tmp that have been there for 36 hours. */
void mailbox_clean(const struct mailbox *);

#endif
