/* HTML as mail has it, one piece after the other, for who wants its text. */
#ifndef HTML_H
#define HTML_H

#include <stdbool.h>

#include "span.h"
#include "str.h"
#include "utf8.h"

struct html {
	struct span text; /* a character in UTF-8, resolved; n 0: it is a tag */
	struct span tag, attributes; /* "a", " href=..." */
	bool ends;                   /* </a> */
	char room[UTF8_SIZE];
};

/*
 * The next piece of *rest, which moves on; false: there is none. Comments, and
 * what stands within style and script, is passed over. A tag ends at the next
 * `>`; what is no character reference is text.
 */
bool html_next(struct span *rest, struct html *);

/* Is it a tag of one of these NULL-terminated names? In either case. */
bool html_is(const struct html *, const char *const names[]);

/*
 * Appends the whole of its text, lines with LF: paragraphs as lines with an
 * empty one between them, items of lists with "- ", links as "text <address>".
 * Nothing is made harmless.
 */
void html_text(struct str *, struct span html);

#endif
