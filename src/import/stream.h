/*
 * What is moved in, on its way from who reads the source to who writes the
 * mailbox. They are two processes: the reader is whoever calls, since the
 * source may be his alone, and what he reads may be anything; the writer is the
 * user who owns the home. Between them is a pipe, and on it lines, and the
 * octets of the messages behind them.
 *
 *	reader: for each folder  stream_folder()
 *	        for each message stream_message(), stream_text()…, stream_end()
 *
 * The writer believes none of it: what a reader says goes through the same
 * checks as what a stranger would.
 */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"
#include "str.h"
#include "uidl.h"

#define UNIQUE_SIZE 256      /* of a Maildir's file: a name has 255 octets */
#define SENDER_SIZE 320      /* with <>, and room for what is too long */
#define KEYWORDS_ROOM 8192   /* octets: 26 of them have 1,700 */

struct source_folder {
	char name[FOLDER_NAME_SIZE]; /* modified UTF-7, with "."; "": INBOX */
	uint32_t uidvalidity, uidnext; /* 0: the source has none */
	bool subscribed;
};

/* Zeroed where the source does not say. */
struct source_message {
	char unique[UNIQUE_SIZE]; /* of the source's Maildir file, up to ':' */
	char flags[8];            /* of "DFRST", in that order */
	struct str keywords;      /* words, blanks between them */
	bool seen_by_nobody;      /* it stands in new/ */
	bool dated;
	int64_t time;  /* when it came, seconds since 1970, if dated */
	uint32_t uid;  /* in its folder; 0: none */
	char uidl[UIDL_SIZE];
	char from[SENDER_SIZE]; /* the envelope's sender, of a From_ line; "" */
};

/* The reader's side. Lines end in LF or CRLF, as they come. */
void stream_begin(int fd); /* before all else; done by main() */
void stream_folder(const struct source_folder *);
void stream_message(const struct source_message *);
void stream_text(const void *, size_t);
void stream_end(void);
/* The message is none after all: what has come of it is forgotten. */
void stream_drop(void);

/* Something in the source is wrong: "FILE:LINE: what". The rest goes on. */
void stream_fault(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same of what is no fault, but should be known. */
void stream_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* All has been read, right or wrong; done by main(). */
void stream_finish(void);

/* The writer's side. */
enum stream_event {
	STREAM_FOLDER,  /* folder */
	STREAM_MESSAGE, /* message, its strings valid until the next one */
	STREAM_TEXT,    /* text and size: a part of the message */
	STREAM_END,     /* of the message */
	STREAM_DROP,
	STREAM_FAULT,   /* text, terminated and printable */
	STREAM_NOTE,    /* the same */
	STREAM_FINISH,
	STREAM_BROKEN,  /* the reader died, or talks nonsense */
};

struct stream {
	int fd;
	bool in_message;
	struct source_folder folder;
	struct source_message message;
	const char *text;
	size_t size;
	/* Its own: */
	uint64_t left; /* octets of a text */
	size_t from, to;
	char buffer[65536 + 1];
};

enum stream_event stream_next(struct stream *);

#endif
