/* UIDVALIDITY: RFC 3501 2.3.1.1. */
#ifndef UIDVALIDITY_H
#define UIDVALIDITY_H

#include <stdint.h>

/*
 * For a folder that is made now: never one that was given before to any of this
 * user's; durable. Under the lock, or takes it. 0: there is none to be had
 * (logged).
 */
uint32_t uidvalidity_new(void);

#endif
