/* The text of HTML, for who reads it on a terminal. */
#ifndef TEXT_H
#define TEXT_H

#include "span.h"
#include "str.h"

/*
 * Appends it, lines with LF: paragraphs as lines with an empty one between them,
 * items of lists with "- ", links as "text <address>". Nothing is made harmless.
 */
void html_text(struct str *, struct span html);

#endif
