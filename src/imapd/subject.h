/* The base subject (RFC 5256 2.1), by which threads are told apart. */
#ifndef SUBJECT_H
#define SUBJECT_H

#include <stdbool.h>

#include "span.h"
#include "str.h"

#define SUBJECT_MAX 2000 /* octets that are looked at: taking it apart is n² */

/*
 * Appends it; text: UTF-8, encoded words decoded. True when what was cut off
 * tells of a reply or a forwarded message.
 */
bool subject_base(struct str *, struct span text);

#endif
