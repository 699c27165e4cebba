/* Bytes, from the network to the handler and back. */
#ifndef RELAY_H
#define RELAY_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

/* The network's descriptors, which may be one socket, and the handler's. */
struct ends {
	int in, out, plain;
};

/* Milliseconds of the monotonic clock. */
int64_t clock_ms(void);

/* Waits until `due` (-1: no end) for what SSL_get_error() has told of. */
bool relay_wait(const struct ends *, int error, int64_t due);

/*
 * Until the handler has closed its end, or the network is broken. What the
 * handler has written is sent before the close_notify; the end of the network's
 * side is the end of the handler's input, be it told or cut off.
 */
void relay(SSL *, const struct ends *);

#endif
