/* The message of a queue file, as it goes over the wire. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conn.h"
#include "convert.h"
#include "entry.h"

/* A message as small as this is read once, and may be sent in one go. */
#define MESSAGE_MEMORY 65536

struct message {
	const struct entry *entry;
	uint64_t size;       /* octets with CRLF, dots single: RFC 1870 5 */
	uint64_t as_it_is;   /* the same, unconverted */
	bool eightbit;       /* has octets beyond ASCII */
	bool header_eightbit; /* in its header */
	bool cr;             /* has CRs, which are not line ends here */
	bool converted;
	size_t len;
	char text[MESSAGE_MEMORY]; /* all of it, or the piece at hand */
	struct convert convert;
};

/* Reads all of it, once. False: it cannot be read (errno). */
bool message_open(struct message *, const struct entry *);

/* Is all of it in memory? */
bool message_small(const struct message *);

enum message_result { MESSAGE_OK, MESSAGE_UNREADABLE, MESSAGE_IMPOSSIBLE };

/* 7-bit (convert.h) from now on, or as it is; that can always be done. */
enum message_result message_convert(struct message *, bool seven_bit);

/*
 * Writes it, with CRLF, each other CR as a blank, the last line with its CRLF;
 * `stuffed`: dots doubled (RFC 5321 4.5.2). False: it could not be read, or not
 * all of it could be sent; the other side must see that this is not its end.
 */
bool message_write(struct message *, struct conn *, bool stuffed);

#endif
