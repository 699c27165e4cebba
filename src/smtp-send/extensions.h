/* What a host offers: the reply to EHLO (RFC 5321 4.1.1.1). */
#ifndef EXTENSIONS_H
#define EXTENSIONS_H

#include "session.h"

/* Nothing is offered, yet or any more. */
void extensions_forget(struct session *);

/* For reply_read(): a line; the first has the host's name, which is none. */
void extension_read(void *session, char *line);

#endif
