/* A message's record in pennypost-index: what index.h's summary says of it. */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index.h"
#include "str.h"

#define RECORD_ALIGN 8        /* a record's length is a multiple of this */
#define RECORD_MAX (4u << 20) /* octets; a message with more is read each time */
#define RECORD_TEXTS 7        /* the spans of struct summary */

/* As it is in the file, in this machine's order; the texts follow. */
struct record {
	uint32_t magic;
	uint32_t length; /* of all, a multiple of 8 */
	uint32_t check;  /* of all behind it */
	uint32_t uid;
	uint64_t name;   /* hash of the file's unique name */
	uint64_t octets;
	int64_t date, sent;
	int32_t sent_day;
	uint16_t is_reply, depth;
	uint32_t lengths[RECORD_TEXTS];
	char email_id[EMAIL_ID_SIZE + 2];
};

/* Appends the record of a message, made of its octets; or of its header. */
void record_make(struct str *, const struct message *, struct span text,
    int64_t date, enum depth);

/* Gives back what was kept for the next message. */
void record_free(void);

/*
 * The length of the record that begins there, of which n octets are known, 0
 * when none does. That it is whole only record_read() knows.
 */
size_t record_length(const char *, size_t n);

/* False: it is damaged, or another message's. The spans are within the record. */
bool record_read(const char *, size_t n, const struct message *,
    struct summary *);

#endif
