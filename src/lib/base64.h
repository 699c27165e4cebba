/* base64 (RFC 4648 4): padded, on one line. */
#ifndef BASE64_H
#define BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* The room for n octets as text, its NUL counted. */
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)

/*
 * The octets, a NUL behind them, in out, which has `size`. False for what is no
 * base64, or is too long. len: how many; NULL: they must hold no NUL.
 */
bool base64_decode(const char *text, char *out, size_t size, size_t *len);

void base64_encode(char *out, const void *, size_t n);

#endif
