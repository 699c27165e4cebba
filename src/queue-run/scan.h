/* Looks through spool/queue, for what is due; and after spool/tmp. */
#ifndef SCAN_H
#define SCAN_H

#include <stdbool.h>

/*
 * Begins one; all: what is not due, too. While another is on its way, it comes
 * after that.
 */
void scan_want(bool all);

/* Looks at some files, and loads what is due. True: there is more to do now. */
bool scan_step(void);

/* Is it not at its end yet? */
bool scan_on(void);

/*
 * Renames a file that is none of ours to spool/damaged, and tells the
 * postmaster, once.
 */
void set_aside(const char *name, const char *why);

#endif
