/*
 * What musl's iconv (1.2.3) looks for all through its tables, 10 us an octet, or
 * beyond their ends, from where it writes beyond its output's (CVE-2025-26519, and
 * so with Shift_JIS's rows from 85 on). EUC-KR's characters with an octet below
 * 0xa1 (UHC) and GB18030's of four octets are those that no ordinary pair of
 * octets stands for, in their order.
 */
#ifndef RARE_H
#define RARE_H

#include <iconv.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

enum rare { RARE_NONE, RARE_KOREAN, RARE_CHINESE, RARE_JAPANESE };

/*
 * How many octets at the beginning are ASCII and ordinary pairs: iconv's. What of
 * them it does not know must be skipped as a pair.
 */
size_t rare_ordinary(enum rare, struct span);

/*
 * The octets of the character that begins there and is none of those; 0: there is
 * none. The converter, which is to UTF-8, tells once what the pairs are.
 */
size_t rare_read(enum rare, iconv_t, struct span, uint32_t *);

#endif
