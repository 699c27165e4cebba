/*
 * What users/aliases names outside of our own directories: the directories of
 * files to deliver to, and included lists. For the tables of confine.h.
 */
#ifndef PLACES_H
#define PLACES_H

#include <stddef.h>

#include "confine.h"

#define PLACES_MAX 100 /* files that aliases name: a rule for each, 3 us */

/*
 * Adds them to the table, which has room for `room` more and the end, and ends
 * it. The paths are never freed. What is more, or is named later, cannot be
 * reached: a temporary failure, until the next program begins.
 */
void places_add(struct confine_path *end, size_t room);

#endif
