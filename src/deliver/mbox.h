/* mbox, the mboxrd kind (RFC 4155 and its ">From " undone without loss). */
#ifndef MBOX_H
#define MBOX_H

#include "message.h"

/*
 * Appends the message, under fcntl and dot locks, and syncs; cuts the file back
 * to its old length when that fails. The reply; static.
 */
const char *mbox_append(struct message *, const char *path);

#endif
