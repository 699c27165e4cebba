/* A message on its way out, line by line: RFC 1939 3's dots, and CRLF. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "conn.h"

/*
 * The header and so many lines of the body, and the dot that ends them. False
 * with errno when fd cannot be read: then there is no dot.
 */
bool message_send(struct conn *, int fd, uint64_t body_lines);

#endif
