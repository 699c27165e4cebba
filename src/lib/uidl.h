/* What POP3 clients know messages by: UIDL, RFC 1939 7. */
#ifndef UIDL_H
#define UIDL_H

#include <stdbool.h>
#include <stddef.h>

#define UIDL_SIZE 71 /* RFC 1939 7: 1 to 70 characters */

/* 1 to 70 characters from ! to ~? */
bool uidl_valid(const char *);

/*
 * That of a message in a Maildir, by the part of its name that no rename
 * changes, n octets; where it is no UIDL, 128 bits made of it.
 */
void uidl_of_name(char uidl[UIDL_SIZE], const char *unique, size_t n);

#endif
