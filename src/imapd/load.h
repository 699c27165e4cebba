/* A message read into memory, its lines ending in CRLF, as IMAP counts them. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "mailbox.h"
#include "span.h"

#define LOAD_MAX (160u << 20) /* octets: of the session's memory */

/*
 * The message's octets, valid until the next load or load_free(). One that was
 * loaded last is not read again. False: it has gone, or cannot be read (logged).
 */
bool load(struct mailbox *, struct message *, struct span *);

/*
 * The header alone, with the blank line behind it, without reading the rest of a
 * large message. Otherwise the same.
 */
bool load_header(struct mailbox *, struct message *, struct span *);

/* INTERNALDATE of the one that was loaded last: its file's mtime. */
int64_t load_date(void);

void load_free(void);

#endif
