/* What a FETCH asks for, and how it is read (RFC 3501 9, fetch). */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "section.h"

enum {
	ITEM_UID = 1,
	ITEM_FLAGS = 2,
	ITEM_MODSEQ = 4,
	ITEM_DATE = 8,
	ITEM_OCTETS = 16,
	ITEM_ENVELOPE = 32,
	ITEM_BODY = 64,
	ITEM_STRUCTURE = 128,
	ITEM_EMAILID = 256,
	ITEM_THREADID = 512,
	ITEM_SAVEDATE = 1024,
	ITEM_PREVIEW = 2048,
};

struct request {
	unsigned items;
	struct section *sections; /* in the input's pool */
	size_t count;
	bool header_only; /* as far as the sections go */
	bool marks_seen;
	bool changed, vanished;
	uint64_t changed_since;
	bool partial, from_end;
	uint64_t first, last; /* PARTIAL, from 1 */
};

/*
 * The items, and the modifiers behind them. What is wrong is the input's fault.
 * What comes without being asked for (UID, MODSEQ) is among the items.
 */
void request_read(struct request *);

/* The items alone, into a zeroed struct. */
void request_items(struct request *);

#endif
