/*
 * Reads the mailbox files of teaching systems, which are nobody's standard:
 * NAME/mymailbox (From, To, Subject, Received, the text, a lone dot) and
 * mailbox/RECIPIENT.txt (From, Date, the text, and a line of any kind between).
 * import(8) says what is taken for the border between two mails.
 *
 * Where a mail says no date, it came when the file was last written; that is not
 * said in its header, since it may change from one import to the next.
 */
#ifndef TEACHING_H
#define TEACHING_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Days, months and years in any of their orders, then hours, minutes, seconds,
 * with anything between. In this machine's zone unless it says another.
 */
bool teaching_date(const char *text, int64_t *seconds);

#endif
