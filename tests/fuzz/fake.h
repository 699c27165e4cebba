/*
 * The peer of a program under fuzz: what it says stands in memory. The
 * program's sources are compiled with read, write, poll … defined as these.
 */
#ifndef FAKE_H
#define FAKE_H

#include <stddef.h>
#include <stdint.h>

#define OUTPUT_MAX (1u << 22)

/* What the peer says; handed over in pieces of `piece` bytes (0: all). */
void peer_says(const uint8_t *, size_t n, size_t piece);

/* How much of it was not read yet. */
size_t peer_left(void);

/* What it has heard so far. */
extern char peer_heard[OUTPUT_MAX];
extern size_t peer_heard_len;

/* A home as tests/helper.bash makes it, in $TMPDIR. Its path; static. */
const char *home_make(const char *conf_lines, const char *aliases);

void file_put(const char *path, const void *, size_t n);

/* Fails loudly: what was promised is not so. */
#define MUST(condition) \
	((condition) ? (void)0 : must_fail(__FILE__, __LINE__, #condition))
_Noreturn void must_fail(const char *file, int line, const char *what);

/* Every line of what it heard is "NNN text" or "NNN-text", and ends in CRLF. */
void peer_heard_replies(void);

#endif
