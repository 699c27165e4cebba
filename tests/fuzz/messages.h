/* A mailbox of some messages, in place of imapd's own: files in $TMPDIR. */
#ifndef MESSAGES_H
#define MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#include "imapd/mailbox.h"

#define MESSAGES 6 /* the first is written by message_put() */

/* The mailbox; all that was said of its messages is forgotten. */
struct mailbox *messages_make(void);

void message_put(const uint8_t *, size_t n);
void index_put(const void *, size_t n);
size_t index_read(void *, size_t n);

#endif
