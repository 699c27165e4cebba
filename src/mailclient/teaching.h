/*
 * The teaching protocol (mysmtpd(8)), the client's side: what box.h and
 * submit.h ask for. The sentences are remote.h's.
 */
#ifndef TEACHING_H
#define TEACHING_H

#include "box.h"
#include "span.h"

/* HELO, AUTH where there is a password, LIST: fills box->mail, box->headers. */
const char *teaching_begin(struct box *, const struct account *);

const char *teaching_message(struct box *, size_t n, struct str *text);

/* As submit(), on a connection that is open. */
struct remote;
const char *teaching_send(struct remote *, const struct account *,
    const char *from, const char *const to[], size_t count, struct span);

#endif
