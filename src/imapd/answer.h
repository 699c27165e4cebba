/* The tagged answer that ok(), no() and bad() leave: for the loop. */
#ifndef ANSWER_H
#define ANSWER_H

#include <stdbool.h>

void answer_begin(void); /* of a command: there is none yet */
void answer_hold(bool);  /* what is said meanwhile is not the answer */
bool answer_given(void);
bool answer_is_bad(void);
bool answer_is_no(void);
void answer_send(const char *tag);

#endif
