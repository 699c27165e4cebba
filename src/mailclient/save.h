/* Into a file of the person's. */
#ifndef SAVE_H
#define SAVE_H

#include <stdbool.h>

#include "span.h"

/*
 * file: "" asks for a name, with `proposed` if Enter alone is the answer ("":
 * then nothing is saved). A file that is there is kept until the person has
 * said that it may go, and the new one is whole. `lines`: CRLF becomes LF. Says
 * what came of it.
 */
void save(const char *file, const char *proposed, struct span octets,
    bool lines);

#endif
