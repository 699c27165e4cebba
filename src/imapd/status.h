/* STATUS's items (RFC 3501 6.3.10, and later ones), for LIST-STATUS as well. */
#ifndef STATUS_H
#define STATUS_H

#include "input.h"
#include "mailbox.h"

/* "(MESSAGES UNSEEN …)" as bits; 0 after a fault. */
unsigned status_parse(struct input *);

/* The untagged response, or, when it cannot be had, none. */
enum mailbox_result status_tell(const char *name, unsigned items);

#endif
