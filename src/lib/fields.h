/*
 * What an mbox keeps beside its messages: header fields that c-client, Dovecot,
 * mutt and others have agreed on, and `>` before lines that look like From_.
 */
#ifndef FIELDS_H
#define FIELDS_H

#include <stdbool.h>
#include <stddef.h>

enum mbox_field {
	STATUS,         /* R \Seen, O not \Recent */
	X_STATUS,       /* A \Answered, F \Flagged, T \Draft, D \Deleted */
	X_KEYWORDS,
	X_UID,
	X_IMAP,         /* UIDVALIDITY, last UID; of the pseudo message */
	X_IMAPBASE,     /* the same, of the first message */
	CONTENT_LENGTH,
	X_MOZILLA_STATUS,  /* 16 bits in hexadecimal: enum mozilla */
	X_MOZILLA_STATUS2, /* the same: 32 bits, without these 16 */
	X_MOZILLA_KEYS,    /* keywords */
	MBOX_FIELDS,
};

/* Thunderbird's, which then reads neither Status nor X-Status. */
enum mozilla {
	MOZILLA_READ = 0x1,
	MOZILLA_REPLIED = 0x2,
	MOZILLA_MARKED = 0x4,
	MOZILLA_EXPUNGED = 0x8, /* the file has not been compacted since */
	MOZILLA_FORWARDED = 0x1000,
	MOZILLA_IMAP_DELETED = 0x200000,
	MOZILLA_MDN_SENT = 0x800000,
};

/* Which of them a header line begins; MBOX_FIELDS: none. */
enum mbox_field mbox_field(const char *line, size_t n);

/* The field's name. */
extern const char *const mbox_fields[MBOX_FIELDS];

/* Is the line "From ", behind any number of `>`? (mboxrd quotes with one.) */
bool is_from_quoted(const char *line, size_t n);

#endif
