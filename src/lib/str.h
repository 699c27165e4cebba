/*
 * A string that grows. Always NUL-terminated, capped at STR_MAX bytes, and the
 * program ends (EX_OSERR) when memory does, so that no caller has to check.
 * A zeroed struct is an empty string; STR_ROOM() one that begins in memory of
 * the caller's, and leaves it only when it outgrows it.
 */
#ifndef STR_H
#define STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * For a large variable that is mostly not needed: with -static the linker puts
 * it beside others of its kind, and so the small ones beside each other, on
 * fewer pages (the Makefile has them sorted). Nothing else has this alignment.
 */
#define SELDOM _Alignas(64)

#define STR_MAX (64u << 20) /* nothing we keep in memory is near it */

struct str {
	char *p;
	size_t len, cap;
	bool borrowed; /* p is the caller's */
};

#define STR_ROOM(array) {.p = (array), .cap = sizeof(array), .borrowed = true}

void str_add(struct str *, const void *, size_t);
void str_puts(struct str *, const char *);
void str_printf(struct str *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void str_vprintf(struct str *, const char *fmt, va_list)
    __attribute__((format(printf, 2, 0)));
void str_clear(struct str *); /* empties it, keeps the memory */
void str_free(struct str *);

/* memcpy(3) of mostly short pieces: musl's is slow at the first octet. */
void octets_copy(char *to, const char *from, size_t n);

/* realloc(3), ending the program when memory ends. */
void *xrealloc(void *, size_t);

/* Gives back the whole pages of n octets, which are zero then. */
void pages_free(void *, size_t n);

/*
 * The whole of s is a decimal number from 0 to max: digits only, no sign, no
 * space. Returns false, and leaves *out alone, for anything else.
 */
bool number_parse(const char *s, uint64_t max, uint64_t *out);

/* The file's bytes; false with errno. Larger than max: EFBIG. */
bool str_read_file(struct str *, const char *path, size_t max);

/*
 * The next line of a text held in memory: ends it with a NUL, moves *text on.
 * NULL at the end of the text.
 */
char *text_line(char **text);

/* The next word of a line, cut at blanks. NULL when there is none. */
char *text_word(char **line);

#endif
