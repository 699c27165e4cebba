/*
 * What a client looks for: SEARCH's keys (RFC 3501 6.4.4, RFC 9051 6.4.4, and
 * RFC 5032, RFC 7162, RFC 8474, RFC 8514) as a tree, and whether a message is it.
 */
#ifndef CRITERIA_H
#define CRITERIA_H

#include <stdbool.h>
#include <stdint.h>

#include "index.h"
#include "mailbox.h"
#include "set.h"
#include "signature.h"
#include "span.h"

#define SEARCH_KEYS_MAX 1000 /* in one command; and so deep on the stack */
#define SEARCH_WORDS_MAX 100 /* BODY and TEXT: each may read all messages */
#define SEARCH_CPU_MAX 120   /* s that one command may use */

/* In the order of what they cost: the cheap ones are asked first. */
enum criterion_kind {
	MATCH_ALL,
	MATCH_FLAGS,  /* all of these bits */
	MATCH_UIDS,
	MATCH_RECENT,
	MATCH_MODSEQ, /* from this on */
	MATCH_SAVED,  /* days, from first to last */
	MATCH_SIZE,   /* octets, from first to last */
	MATCH_DATE,   /* seconds: INTERNALDATE */
	MATCH_SENT,   /* days: the Date field */
	MATCH_EMAIL_ID,
	MATCH_SUBJECT,
	MATCH_ADDRESSES, /* of a member of the envelope */
	MATCH_HEADER,
	MATCH_BODY,
	MATCH_TEXT,
	MATCH_AND,
	MATCH_OR,
};

struct criterion {
	struct criterion *next, *children;
	enum criterion_kind kind;
	bool negated;
	unsigned cost;
	uint32_t flags;      /* or the member of the envelope */
	int64_t first, last; /* or the modseq */
	struct set uids;
	struct span key;     /* folded UTF-8; EMAILID's as it came */
	struct signature_key signature;
	const char *name;    /* of a field, and its signature with the colon: */
	struct signature_key name_signature;
	struct criterion *next_set; /* of those that have uids */
};

struct criteria {
	struct criterion *root, *sets; /* in the command's pool, but for uids */
	const char *charset;
	size_t keys, words;
	bool modseq; /* was asked for: then it is told, too */
};

/*
 * Reads the keys from session.input, up to the end of the command. False: there
 * is a fault, or no() or bad() was said. criteria_free() in any case.
 */
bool criteria_parse(struct criteria *);
void criteria_free(struct criteria *);

/* match.c */

/*
 * Calls found() for each of the messages that the client knows, by its place in
 * session.box.messages. depth: what it is to know of it; NULL: nothing. False:
 * no() was said, because it took too long.
 */
bool criteria_run(const struct criteria *, const enum depth *,
    void (*found)(void *context, size_t at, const struct summary *),
    void *context);

#endif
