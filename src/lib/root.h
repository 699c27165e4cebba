/*
 * The user's Maildir, and the small files in it that are about all folders.
 * Other programs write there: what is no ordinary file is not read.
 */
#ifndef ROOT_H
#define ROOT_H

#include <stdbool.h>
#include <stddef.h>

#include "file.h"
#include "str.h"

/* Where new folders are made, and deleted ones end: no name of a folder, for
 * Dovecot neither. It is there while somebody is at it, or was killed. */
#define ROOT_WORK "pennypost-tmp"

void root_set(const char *maildir);

void root_path(char path[FILE_PATH_SIZE], const char *file);

/* False with errno, and "". Larger than max: EFBIG; no ordinary file: EINVAL. */
bool root_read(struct str *, const char *file, size_t max);

/* Under the lock: durable under its name, or, false and logged, as it was. */
bool root_write(const char *file, const struct str *);

/*
 * In place, where the file has as many octets as the text, which are so few that
 * the disk writes all or none of them: one fsync, not two. False: it was not
 * so, or failed, and root_write() has to do it.
 */
bool root_overwrite(const char *file, const struct str *);

/* An empty file, if it is not there; not durable. */
void root_touch(const char *file);

/* Under the lock: ROOT_WORK is there, and this is a new path in it. */
bool root_work(char path[FILE_PATH_SIZE]);

/* What is in ROOT_WORK is removed, and it too: of one path, or all. */
void root_sweep(const char *path);

/*
 * Under the lock: a folder's directory, whole or not at all. 0, or errno; EEXIST
 * or ENOTEMPTY where there is one. It is durable when the root has been synced.
 */
int root_make_folder(const char *path);

#endif
