/* The LMTP server (RFC 2033), on fd 0 and 1. */
#ifndef LMTP_H
#define LMTP_H

/* One session. */
void lmtp_serve(void);

#endif
