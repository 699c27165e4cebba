/*
 * What a person sees of a mail, in UTF-8, without what a terminal would obey.
 * Lines end in CRLF, and none is a lone dot.
 */
#ifndef SHOW_H
#define SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include "conn.h"
#include "span.h"
#include "str.h"

/* "1: Email from alice@example.com (21-03-2025)" */
void show_entry(struct str *, uint64_t id, struct span header);

/* From, Date, Subject, an empty line, the text. !whole: only its beginning. */
void show_mail(struct conn *, struct span mail, bool whole);

#endif
