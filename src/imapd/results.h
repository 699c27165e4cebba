/*
 * What SEARCH and SORT are asked to return, and how they say it: RFC 4731,
 * RFC 5182, RFC 5267, RFC 7162 3.1.5, RFC 9394, RFC 9051 6.4.4.
 */
#ifndef RESULTS_H
#define RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criteria.h"

/* Bits: RETURN's options. */
enum {
	RETURN_MIN = 1, RETURN_MAX = 2, RETURN_ALL = 4, RETURN_COUNT = 8,
	RETURN_SAVE = 16, RETURN_PARTIAL = 32,
};

struct request {
	bool extended; /* ESEARCH is the answer */
	unsigned options;
	int64_t from, to;    /* PARTIAL's: both above 0, or both below */
	const char *partial; /* as it was said */
	struct criteria criteria;
};

/* Where a message is in session.box.messages; in the order of the answer. */
struct results {
	uint32_t *at;
	size_t count, room;
};

void results_add(struct results *, size_t at);
void results_free(struct results *);

/* " RETURN (…)", if it comes. */
void request_return(struct request *);

/*
 * The name of a charset, which is not taken where there is none of that name:
 * BADCHARSET has been said then, and there is a fault.
 */
void request_charset(struct request *);

/* At the end: where SAVE was asked for, and the answer is NO. */
void request_failed(const struct request *);

/* SEARCH or SORT: the untagged response, and what SAVE saves. */
void results_tell(const struct request *, const char *command,
    const struct results *);

#endif
