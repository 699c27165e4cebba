/*
 * The sender rewriting scheme. Mail that is forwarded leaves with a return path
 * at a domain of ours, so that the next host's SPF (RFC 7208) asks about us; a
 * bounce comes back here, and is sent on to where the message came from:
 *
 *   SRS0=HASH=DAY=DOMAIN=LOCAL@OURS    for LOCAL@DOMAIN
 *   SRS1=HASH=FIRST=REST@OURS          for SRS0REST@FIRST, which another
 *                                      forwarder made of somebody's
 *
 * DAY is the number of the day, modulo 1024, in two characters of base32 (RFC
 * 4648 6). HASH is the beginning of the HMAC-SHA-256 of "0=DAY=DOMAIN=LOCAL" or
 * "1=FIRST=REST", letters folded, in base32. Neither minds what changes the case
 * of letters on its way.
 *
 * The key is in users/srs-secret: text lines. The first signs, all verify: a new
 * one on top, and after SRS_DAYS the old one may go.
 */
#ifndef SRS_H
#define SRS_H

#include <stdbool.h>

#include "address.h"

#define SRS_FILE "users/srs-secret"
#define SRS_DAYS 21 /* a bounce comes within 5; a slow host's may wait twice */
#define SRS_HASH 6  /* characters, 30 bits: a guess costs a RCPT command */

/*
 * Makes the secret where there is none: confined, nobody may. What goes wrong
 * srs_rewrite() will tell.
 */
void srs_begin(void);

/*
 * The return path for mail from `sender` that leaves for somebody at `domain`,
 * which is ours. It stays as it is when it is <> or ours already, or when the
 * new one would be too long for an address. 0, or errno: no secret is to be had.
 */
int srs_rewrite(char out[ADDRESS_SIZE], const char *sender,
    const char *domain);

enum srs_result {
	SRS_OK,
	SRS_NONE,    /* it does not look like one of these */
	SRS_FORGED,  /* it is none of ours */
	SRS_EXPIRED,
	SRS_FAILED,  /* the secret cannot be read now: errno */
};

/* For mail to such an address at a domain of ours: to whom it goes. */
enum srs_result srs_restore(char out[ADDRESS_SIZE], const struct address *);

#endif
