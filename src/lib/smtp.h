/* What the SMTP and the LMTP server have in common, and who asks deliver(8). */
#ifndef SMTP_H
#define SMTP_H

#include "body.h"
#include "command.h"

#define SMTP_LINE_MAX 2048 /* 512 and what the extensions add: RFC 3461, 6531 */
#define SMTP_ERRORS_MAX 20
#define HOPS_MAX 100       /* RFC 5321 6.3 */

enum smtp_state { /* bits */
	START = 1,      /* nobody has said hello */
	READY = 2,
	SENDER = 4,     /* MAIL was accepted */
	RECIPIENTS = 8, /* so was a RCPT */
	CHUNKS = 16,    /* and a BDAT that was not the last */
	IN_MAIL = SENDER | RECIPIENTS | CHUNKS,
	ANY = START | READY | IN_MAIL,
};

extern const struct protocol smtp_protocol;

/*
 * The next reply of a server: its code, and its last line (cut at `size`, which
 * is also the longest line that is read) in `text`. 0: there is none any more.
 */
int smtp_reply_read(struct conn *, char *text, size_t size);

/* Why this message is refused, whole as it may be; NULL when it is not. */
const char *smtp_body_refusal(const struct body *, unsigned hops);

#endif
