/*
 * A new file that is either whole and on the disk, or not there.
 *
 * The order that loses nothing: create under a temporary name, write, fsync,
 * link to the name that counts, fsync the directory, and only then say yes. A
 * failed fsync is never tried again (fsync(2): the pages are marked clean).
 */
#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILE_PATH_SIZE 640

struct file {
	int fd;    /* -1: not open */
	int error; /* the first errno; 0: none */
	uint64_t size, lines;
	bool cr; /* file_lines() holds one back, perhaps half of a CRLF */
	size_t len;
	char path[FILE_PATH_SIZE];
	char buf[65536];
};

/* A file that is open already, to append to. It has no temporary name. */
void file_adopt(struct file *, int fd);

/*
 * Errors are kept: file_sync() tells of them all. access: O_WRONLY, or O_RDWR
 * for who reads it again.
 */
void file_create(struct file *, const char *path, int access);
void file_write(struct file *, const void *, size_t);

/* Lines that end in CRLF or LF, cut anywhere; stored with LF, counted. */
void file_lines(struct file *, const char *, size_t);

/* Writes what is buffered. */
bool file_flush(struct file *);

/* Flushes and fsyncs. */
bool file_sync(struct file *);

/* 0, or errno. EEXIST: the name is taken. */
int file_link(const struct file *, const char *to);

/* The same; the temporary name becomes this one. A name that is taken goes. */
int file_rename(struct file *, const char *to);

/* Removes the temporary name, if there still is one. Links stay. */
void file_unlink(struct file *);

/* Removes the temporary name and closes. */
void file_end(struct file *);

/* fsync of a directory: 0, or errno. */
int directory_sync(const char *path);

/* What SMTP and LMTP say of a file that could not be written. */
const char *file_refusal(int error);

#endif
