/*
 * A message that a client sends, on its way to a folder: written to its tmp/,
 * to be handed to mailbox_append() whole and synced, or to be removed.
 */
#ifndef ARRIVING_H
#define ARRIVING_H

#include <stdbool.h>
#include <stdint.h>

#include "file.h"
#include "mailbox.h"
#include "span.h"

struct arriving {
	struct file file;
	bool nul;         /* there was one */
	uint64_t crlf;    /* line ends that remain CRLF in the file: CRCRLF */
	char before[2];   /* what came last */
};

/* Errors are kept until arriving_end(). */
void arriving_begin(struct arriving *, const char *folder);

/* Lines with CRLF or LF, cut anywhere. */
void arriving_lines(struct arriving *, const char *, size_t);

/*
 * A whole message that came as literal8: RFC 3516 4.4. Parts whose transfer
 * encoding is "binary" hold any octets. Lines end in LF on the disk and in CRLF
 * on the wire, which these would not survive, and BODY[…] may show no NUL: so
 * they are stored in base64, and BINARY[…] gives them back as they were.
 */
void arriving_binary(struct arriving *, struct span message);

/*
 * Whole and on the disk; its path (which the caller has to free), sizes and
 * date are in the arrival. Else errno, and nothing is left. date: 0 for now.
 */
int arriving_end(struct arriving *, struct arrival *, int64_t date);

/* Nothing is left. */
void arriving_abort(struct arriving *);

#endif
