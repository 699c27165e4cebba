/* What is told of a handshake: fd 4 for the handler, one line in the log. */
#ifndef OUTCOME_H
#define OUTCOME_H

#include "str.h"

/* Whom the log's lines name: "peer=192.0.2.1", with "host=NAME " for -c. */
void outcome_peer(const char *words);

/* Writes the line of the handler's, and closes fd 4. */
void outcome_tell(const struct str *line);

/* `error TEXT` for the handler, `tls failed` for the log, and the end. */
_Noreturn void outcome_failed(int status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The last thing that OpenSSL complained of, in its words. */
const char *openssl_why(void);

#endif
