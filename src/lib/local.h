/* What is ours: the domains in users/domains, and the mailboxes on disk. */
#ifndef LOCAL_H
#define LOCAL_H

#include <stdbool.h>

#define MAILBOX_SIZE 384 /* "spool/mail/" DOMAIN "/" USER */

/* Ours? ASCII letters of either case are the same (RFC 5321 2.4). */
bool domain_is_local(const char *domain);

/* The first domain of the file, for names without one; "" when it is empty. */
const char *domain_default(void);

/*
 * The Maildir of local@domain, both without quotes, letters folded. False when
 * no mailbox can have that name; whether there is one, stat() tells.
 */
bool mailbox_path(char path[MAILBOX_SIZE], const char *local,
    const char *domain);

/* ASCII letters to lower case, in place. */
void fold(char *);

#endif
