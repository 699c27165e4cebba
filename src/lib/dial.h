/* Connecting by TCP. */
#ifndef DIAL_H
#define DIAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * A connected socket, close-on-exec, which does not block and sends at once
 * (TCP_NODELAY); -1 with errno, ETIMEDOUT when it is not there by monotonic ms
 * `due`. The caller owns it.
 */
int dial(const struct sockaddr *, socklen_t, int64_t due);

/* Is it this machine? IPv4 or IPv6, also IPv4 in IPv6 (RFC 4291 2.5.5.2). */
bool dial_loopback(const struct sockaddr *);

#endif
