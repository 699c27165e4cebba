/*
 * Who reads a source: each tells, by stream.h, of all that is in it. It runs as
 * the caller, confined: it may read what is at and below the path, and nothing
 * else. What is wrong is a stream_fault(), and it goes on with the rest.
 */
#ifndef READERS_H
#define READERS_H

#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* what Windows' editors begin with */

struct source {
	const char *path;    /* a file or a directory, as the caller named it */
	int fd;              /* the same, open */
	const char *address; /* whose mail it will be */
	const char *uidl;    /* Dovecot's pop3_uidl_format */
};

void read_maildir(const struct source *);
void read_mbox(const struct source *);
void read_teaching(const struct source *);

#endif
