/* When a mail came, as the files of teaching systems say it. */
#ifndef ARRIVAL_H
#define ARRIVAL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Days, months and years in any of their orders, then hours, minutes, seconds,
 * with anything between. In this machine's zone unless it says another. False:
 * it is no date.
 */
bool arrival_read(const char *text, int64_t *seconds);

#endif
