/*
 * What is moved in, on its way from who reads the source to who writes the
 * mailbox. They are two processes: the reader is whoever calls, since the source
 * may be his alone, and what he reads may be anything; the writer is the user who
 * owns the home. Between them is a pipe, and on it lines, and the octets of the
 * messages behind them.
 *
 *	reader: for each folder   stream_folder()
 *	        for each message  stream_message(), stream_text()..., stream_end()
 */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"

#define FOLDER_NAME_SIZE 256 /* modified UTF-7, "." between its levels */
#define UNIQUE_SIZE 256      /* of a Maildir's file: a name has 255 octets */
#define UIDL_SIZE 71         /* RFC 1939 7 */

struct source_folder {
	char name[FOLDER_NAME_SIZE]; /* "": INBOX */
	uint32_t uidvalidity, uidnext; /* 0: the source has none */
	bool subscribed;
};

/* Zeroed where the source does not say. */
struct source_message {
	char unique[UNIQUE_SIZE]; /* of the source's Maildir file, up to ':' */
	char flags[8];            /* of "DFRST", in that order */
	struct str keywords;      /* words with a blank between */
	bool seen_by_nobody;      /* it stands in new/ */
	bool dated;
	int64_t time;  /* when it came, seconds since 1970, if dated */
	uint32_t uid;  /* in its folder; 0: none */
	char uidl[UIDL_SIZE];
	char from[320]; /* the envelope's sender, of a From_ line; "" */
};

/* The reader's side. Lines end in LF or CRLF, as they come. */
void stream_folder(const struct source_folder *);
void stream_message(const struct source_message *);
void stream_text(const void *, size_t);
void stream_end(void);

/* Something in the source is wrong: "FILE:LINE: what". The rest goes on. */
void stream_fault(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
