/*
 * What SEARCH looks for words in: a message's text in UTF-8, decoded, case
 * folded (charset_fold). The signature is made of the very same, so that it never
 * rules out what a look at the message would find.
 */
#ifndef TEXT_H
#define TEXT_H

#include "mime.h"
#include "span.h"
#include "str.h"

#define TEXT_MAX (16u << 20) /* octets of one part that are searched, about */

/*
 * Called for each piece, with a NUL behind it; what is looked for is within one.
 * False: enough.
 */
typedef bool text_look(void *context, struct span folded);

/* The fields, as "Name: value", encoded words decoded, CRLF behind each. */
bool text_of_header(struct span header, text_look *, void *context);

/* Text parts, and the headers of parts and of messages within. */
bool text_of_body(const struct mime *, text_look *, void *context);

/* A field's value, decoded and folded; appended. */
void text_of_field(struct str *, struct span value);

/* Gives back what was kept for the next message. */
void text_free(void);

#endif
