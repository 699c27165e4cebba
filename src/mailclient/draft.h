/* A mail that is being made. */
#ifndef DRAFT_H
#define DRAFT_H

#include <stdbool.h>
#include <stddef.h>

#include "address.h"
#include "letter.h"
#include "str.h"

#define DRAFT_RECIPIENTS_MAX 100 /* RFC 5321 4.5.3.1.8: all servers take them */
#define DRAFT_NAME_MAX 200    /* octets; the longest are half of it */
#define DRAFT_SUBJECT_MAX 200 /* characters; a list shows some 35 */

struct draft {
	struct address from, to[DRAFT_RECIPIENTS_MAX];
	struct str from_name, to_name[DRAFT_RECIPIENTS_MAX]; /* UTF-8; "" */
	size_t count;
	struct str subject, text; /* UTF-8, lines with LF */
	struct str reply_to_id, references; /* " <id>", " <id> <id>" */
};

/* name@domain, and nothing else. */
bool address_is(const char *);

/*
 * A zeroed draft becomes a reply: to whom (Reply-To, From, or Return-Path),
 * about what, which ids, and the text quoted. False: there is nobody to write
 * to.
 */
bool draft_reply(struct draft *, const struct letter *original);

/*
 * Appends the message (RFC 5322, RFC 2045), lines with CRLF. It is ASCII but
 * for addresses that are not.
 */
void draft_write(struct str *, const struct draft *);

void draft_free(struct draft *);

#endif
