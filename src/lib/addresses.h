/* Address lists of a header (RFC 5322 3.4), right or wrong, one by one. */
#ifndef ADDRESSES_H
#define ADDRESSES_H

#include <stdbool.h>

#include "span.h"
#include "str.h"

/*
 * As ENVELOPE wants them (RFC 3501 7.4.2): a group's beginning has its name as
 * mailbox and no host; its end has neither. An address always has both: what is
 * missing is said in Dovecot's words, MISSING_MAILBOX, MISSING_DOMAIN, or
 * SYNTAX_ERROR for the domain of a `<...>` that does not end as it should.
 */
struct mail_address {
	bool has_name, has_route, has_mailbox, has_host;
	struct str name; /* quotes resolved; encoded words as they are */
	struct str route, mailbox, host;
	bool in_group; /* of addresses_next() alone */
};

/* The next; *rest moves on. A zeroed struct is reused; addresses_free() ends. */
bool addresses_next(struct span *rest, struct mail_address *);
void addresses_free(struct mail_address *);

#endif
