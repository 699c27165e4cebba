/*
 * Limits of what a user may keep (RFC 9208), from Maildir++'s `maildirsize`: its
 * first line is `OCTETSS,MESSAGESC`. The lines behind it, by which other
 * programs sum up, are not used: the folders' journals know better.
 */
#ifndef QUOTA_H
#define QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quota {
	uint64_t octets_max, messages_max; /* 0: no limit */
	uint64_t octets, messages;         /* what there is */
};

/* False: there are no limits. */
bool quota_limits(struct quota *);

/* Of all folders; an unreadable one counts nothing. */
void quota_usage(struct quota *);

/*
 * Is there room for so much more? In octets and messages. What the
 * folders hold is asked for at most every ten seconds; what has been allowed
 * meanwhile counts.
 */
bool quota_allows(uint64_t octets, size_t messages);

#endif
