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

/*
 * As it is in the file, in this machine's order. The texts of the header follow;
 * those of the whole message are elsewhere, so that who needs the former alone
 * reads no more. Both begin and end at a multiple of 8 octets.
 */
struct record {
	uint32_t magic;
	uint32_t next;   /* octets from its begin to the next record's */
	uint32_t whole;  /* octets from its begin to the whole message's texts */
	uint32_t check;  /* of what is behind it, and the header's texts */
	uint32_t uid;
	uint32_t whole_check; /* of the whole message's texts */
	uint64_t name;        /* hash of the file's unique name */
	uint64_t octets;
	int64_t date, sent;
	int32_t sent_day;
	uint16_t is_reply, depth;
	uint32_t lengths[RECORD_TEXTS];
	char email_id[EMAIL_ID_SIZE + 2];
};

/*
 * Appends the record of a message, made of its octets; or of its header. The
 * texts of the whole message are directly behind those of the header.
 */
void record_make(struct str *, const struct message *, struct span text,
    int64_t date, enum depth);

/*
 * Appends the same records as they are written: the headers' parts, one behind
 * the other, then the texts of the whole messages. It is as long.
 */
void records_group(struct str *, const struct str *records);

/* Gives back what was kept for the next message. */
void record_free(void);

/*
 * Octets to the next record from the one that begins there, of which n octets are
 * known; 0 when none does. That it is whole only record_read() knows.
 */
size_t record_next(const char *, size_t n);

/* Octets of the record with the header's texts; of the whole message's. */
size_t record_header_length(const struct record *);
size_t record_whole_length(const struct record *);

/*
 * What it says of the header; n octets of it are there, aligned. False: it is
 * damaged, or another message's. The spans are within the record.
 */
bool record_read(const char *, size_t n, const struct message *,
    struct summary *);

/* What a record that was read says of the whole message, in these texts. */
bool record_read_whole(const struct record *, const char *texts,
    struct summary *);

#endif
