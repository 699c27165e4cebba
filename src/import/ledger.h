/*
 * What has been moved in before: pennypost-imported in the user's Maildir, see
 * pennypost-maildir(5). A message is known by its folder, its SHA-256, and how
 * many equal ones came before it, so that it is not moved in again when the
 * user has moved or deleted it since.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "sha256.h"

#define LEDGER_FILE "pennypost-imported"

/*
 * Reads it, and locks it: one import at a time. False: said in the log.
 * root_set() comes first.
 */
bool ledger_open(void);

/* Has the folder been made? */
bool ledger_has_folder(const char *folder);
void ledger_add_folder(const char *folder);

/* The how-manieth of these in this source; *known: it was moved in before. */
uint32_t ledger_count(const char *folder,
    const unsigned char digest[SHA256_SIZE], bool *known);
void ledger_add(const char *folder, const unsigned char digest[SHA256_SIZE],
    uint32_t nth);

/* What was added is durable. 0, or errno. */
int ledger_sync(void);

#endif
