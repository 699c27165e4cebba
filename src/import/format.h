/* Dovecot's pop3_uidl_format: how it has made its UIDLs. */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "uidl.h"

/*
 * Are all of its variables of those that are known here: %u, %v, %f? And is one of
 * %u and %f there, without which all messages would have the same UIDL?
 */
bool format_known(const char *format);

/* Of a message; unique ends at ':' or the end. What is too long is left out. */
void format_uidl(char uidl[UIDL_SIZE], const char *format, uint32_t uid,
    uint32_t uidvalidity, const char *unique);

#endif
