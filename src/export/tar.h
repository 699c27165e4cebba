/*
 * A tar stream on stdout: POSIX.1-2001's pax format, which is ustar as long as
 * names are short. Directories and ordinary files, nobody's: they are of who
 * unpacks it.
 */
#ifndef TAR_H
#define TAR_H

#include <stddef.h>
#include <stdint.h>

/* name: without a slash at the end. */
void tar_directory(const char *name);

/* Then `size` octets by tar_write(), and tar_file_end(). */
void tar_file(const char *name, uint64_t size, int64_t mtime);
void tar_write(const void *, size_t);

/* Fills up with zeros what was not written. */
void tar_file_end(void);

/* A whole one, that came now. */
void tar_text(const char *name, const void *, size_t);

/* The end; on the way. A write that failed is fatal(). */
void tar_end(void);

#endif
