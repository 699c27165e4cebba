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
	MBOX_FIELDS,
};

/* Which of them a header line begins; MBOX_FIELDS: none. */
enum mbox_field mbox_field(const char *line, size_t n);

/* The field's name. */
extern const char *const mbox_fields[MBOX_FIELDS];

/* Is the line "From ", behind any number of `>`? (mboxrd quotes with one.) */
bool is_from_quoted(const char *line, size_t n);

#endif
