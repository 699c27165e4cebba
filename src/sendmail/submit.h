/*
 * Submission by SMTP, for who may not write into the queue: to the place in
 * pennypost.conf's `submit`, else to SUBMIT_SOCKET where that is, else to
 * 127.0.0.1:25. A Unix socket tells the other side who we are.
 *
 * All that goes wrong is fatal(), with one line that says why. The status is
 * never EX_TEMPFAIL: what is not taken is nowhere.
 */
#ifndef SUBMIT_H
#define SUBMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "envelope.h"

#define SUBMIT_SOCKET "/run/pennypost/submit"

/* Finds where it is, for who is confined before he connects. */
void submit_find(const struct config *);

/* Connects. True: it is a Unix socket, and our uid is known there. */
bool submit_open(void);

/*
 * Says hello and gives the envelope; size: of the message, about. One recipient
 * that is refused refuses the message: nobody gets it.
 */
void submit_envelope(const struct envelope *, uint64_t size);

/* Pieces of the message, with CRLF or LF, a CRLF never cut. */
void submit_text(const char *, size_t);

/* The message is whole: the other side's answer, once it has it. */
const char *submit_end(void);

/* Copies between fd 0 and 1 and the place until that closes. */
void submit_bridge(const struct config *);

#endif
