/*
 * POP3 (RFC 1939), the client's side: what box.h asks for. The sentences are
 * remote.h's; box->remote->broken tells whether it was the last.
 */
#ifndef POP3_H
#define POP3_H

#include "box.h"

/* The greeting, TLS, the login, and what there is: fills box->mail. */
const char *pop3_begin(struct box *, const struct account *);

/* Fills box->headers, which are there and empty, by TOP, else by RETR. */
const char *pop3_headers(struct box *);

const char *pop3_message(struct box *, size_t n, struct str *text);
const char *pop3_delete(struct box *, size_t n);
const char *pop3_quit(struct box *);

#endif
