/* Mail that leaves again: an alias or .forward with an address elsewhere. */
#ifndef FORWARD_H
#define FORWARD_H

#include "message.h"

/*
 * One queue file for all TARGET_REMOTE of this recipient, whose Delivered-To
 * goes on top: coming back here, it is known for a loop. The return path is
 * rewritten (srs.h). The reply; static.
 */
const char *forward_queue(struct message *, const struct targets *,
    const char *recipient);

#endif
