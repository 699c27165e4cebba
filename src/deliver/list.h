/* The texts that tell where mail goes: pennypost-aliases(5). */
#ifndef LIST_H
#define LIST_H

#include <stdbool.h>

#include "str.h"

#define ALIASES_FILE "users/aliases"
#define LIST_MAX (4u << 20) /* bytes of a list: half a million addresses */

/* Targets between commas and line ends; "quotes" keep them together. */
struct list {
	char *rest;    /* of the text, which is cut up */
	unsigned line; /* of the target that was cut last, from 0 */
	unsigned ends; /* line ends behind it that were read */
};

/* The next target, without blanks around it; NULL at the end. */
char *list_next(struct list *);

enum alias_result { ALIAS_FOUND, ALIAS_NONE, ALIAS_UNREADABLE };

/*
 * The targets of an alias, its continuation lines joined, and the line on which
 * it begins, from 1. Keys compare without regard to ASCII case. The file is
 * read again when aliases_refresh() sees that it has changed. ALIAS_UNREADABLE:
 * errno.
 */
enum alias_result alias_find(const char *key, struct str *value,
    unsigned *line);
void aliases_refresh(void);

/* For who is to be confined: what aliases_replaced() compares with. */
void aliases_begin(void);

/*
 * Has another file taken its place, which we, being confined, cannot read? Then
 * it is for the next deliver to go on.
 */
bool aliases_replaced(void);

#endif
