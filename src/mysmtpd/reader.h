/*
 * The mail that is there, over POP3 (RFC 1939). Each question is a session of
 * its own that has ended before anybody is told: a session locks the mailbox,
 * and who listens may be slow.
 *
 * A mail's id is its place in the last list of that mailbox, and stays its own
 * until the next list, whatever others remove meanwhile (by UIDL, RFC 1939 7).
 */
#ifndef READER_H
#define READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "door.h"
#include "span.h"
#include "str.h"

#define LISTED_MAX 1000 /* mails of a list, the last: a person reads no more */
#define LISTS_MAX 8     /* mailboxes whose lists are remembered */
#define SHOWN_MAX (1u << 20) /* octets of a mail: no text is longer */

#define NO_MAIL "401 No such mail"

/* Whose doorkeeper starts pop3d. */
void reader_begin(struct door *);

/*
 * Makes a list: calls `line` for each mail of it, with its header, oldest
 * first. *count: mails in the mailbox. NULL, or the answer that says why not.
 */
const char *reader_list(const struct address *, size_t *count,
    void (*line)(uint64_t id, struct span header));

/* The mail, cut behind SHOWN_MAX octets: then *whole is false. */
const char *reader_get(const struct address *, uint64_t id, struct str *mail,
    bool *whole);

#endif
