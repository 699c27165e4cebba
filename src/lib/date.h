/* Dates: RFC 5322 3.3 (and what is found instead), and IMAP's own. */
#ifndef DATE_H
#define DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

#define DATE_TIME_SIZE 27 /* "22-Nov-2026 14:20:05 +0000" */

/*
 * A Date field's value: seconds since 1970, and the zone in minutes (RFC 5256
 * 2.2 and SENTON ask for both). Obsolete zones and years too. False: none.
 */
bool date_read(struct span, int64_t *seconds, int *zone);

/* RFC 3501's date-time, without its quotes; false for anything else. */
bool date_time_read(struct span, int64_t *seconds);

/* The same written, in UTC. */
void date_time_write(char to[DATE_TIME_SIZE], int64_t seconds);

/* "22-Nov-2026" or "2-Nov-2026": days since 1970. */
bool date_day_read(struct span, int64_t *day);

#endif
