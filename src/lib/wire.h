/* DNS messages as octets (RFC 1035 4.1). What comes in is a stranger's. */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns.h"
#include "pool.h"

#define WIRE_NAME_MAX 255 /* RFC 1035 3.1 */
#define WIRE_QUERY_MAX (12 + WIRE_NAME_MAX + 4 + 11) /* header … OPT */

/* Labels with their lengths in front, the root's too; lower case. */
struct wire_name {
	uint8_t octets[WIRE_NAME_MAX];
	size_t size;
};

struct wire_query {
	struct wire_name name;
	enum dns_type type;
	unsigned id;
	bool edns; /* say how much we take (RFC 6891) */
};

enum wire_result {
	WIRE_OTHER,  /* it does not answer this question */
	WIRE_BAD,    /* it is malformed */
	WIRE_FAILED, /* by its `code`; 0: by a server that does not look further */
	WIRE_CUT,    /* to be asked again over TCP */
	WIRE_ALIAS,  /* it ends at a name that has to be asked for next */
	WIRE_NO_NAME,
	WIRE_NO_DATA,
	WIRE_FOUND,
};

struct wire_answer {
	unsigned code;  /* RCODE: RFC 1035 4.1.1 */
	bool validated; /* AD */
	struct dns_record *record; /* WIRE_FOUND: in the pool */
	size_t count;
	struct wire_name name; /* where the aliases led */
};

/*
 * From text, as dns.h describes it. False when it cannot be one: an empty label,
 * one of over 63 octets, over 255 in all, a blank, quote, backslash or control,
 * broken UTF-8; and the root, which has no mail.
 */
bool wire_name_parse(struct wire_name *, const char *text);

/* To text, as dns.h describes it, "" and "." included; in the pool. */
const char *wire_name_text(const struct wire_name *, struct pool *);

/* The octets of the query. */
size_t wire_query_put(const struct wire_query *, uint8_t out[WIRE_QUERY_MAX]);

enum wire_result wire_answer_read(struct wire_answer *, struct pool *,
    const uint8_t *message, size_t size, const struct wire_query *);

#endif
