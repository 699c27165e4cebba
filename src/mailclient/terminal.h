/*
 * The person: what he is shown and asked. He is at a terminal, or a script is
 * in his place: then the same is asked in the same order, what was answered is
 * written behind the question, and nothing is fitted to a window.
 *
 * All is UTF-8, whatever the locale says.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"
#include "str.h"

#define LINE_MAX_ASKED 16384 /* octets of an answer: 60 long addresses */
#define COLUMNS_ELSE 80      /* where there is no window */
#define ROWS_ELSE 24

void terminal_begin(void);
size_t terminal_columns(void);
size_t terminal_rows(void);
bool terminal_is(void); /* a person sits there, and can be asked to go on */

/*
 * Each asks on a line of its own and gives the answer without blanks around it.
 * Controls and what is no UTF-8 are refused with a sentence, and it is asked
 * again. Where the input ends the program does, and nothing is sent or deleted;
 * ask_or_end() gives false then.
 */
void ask(struct str *answer, const char *question);
bool ask_or_end(struct str *answer, const char *question);
bool ask_yes(const char *question); /* y or n */

/* Without echo at a terminal. False: it does not fit into size. */
bool ask_secret(char *answer, size_t size, const char *question);

/*
 * A line as it comes. False: the end of the input, or an unfinished line, which
 * is nothing that anybody has meant. Longer than max: max + 1 octets of it.
 */
bool input_line(struct str *line, size_t max);

/*
 * A line of the person's text, as he types it, up to max octets. What is longer
 * is skipped, and false. Where the input ends the program does.
 */
bool line_read(struct str *line, size_t max);

/*
 * What others have written, harmless; appended. Line ends and tabs remain if
 * `lines` says so, else they are blanks. Controls are shown as ^X, and what
 * would turn the direction of the text or is no UTF-8 as U+FFFD. Nothing
 * foreign goes to the terminal but through here.
 */
void text_add(struct str *, struct span, bool lines);

/* The same for one short text, to print. Valid until the fourth call after. */
const char *shown(const char *);

/* One line of it in so many columns: cut between characters, or filled. */
void text_fit(struct str *, struct span, size_t columns);

/*
 * A long text that is harmless, lines with LF. At a terminal its lines are
 * broken between words, and after each screen it is asked whether to go on.
 */
void text_page(struct span);

/* A sentence in small letters and without a full stop: with both. */
void say(const char *sentence);

#endif
