/*
 * The names of messages in cur: UNIQUE:2,FLAGS, where the unique part ends with
 * ,S=size,W=size with CRLF (Maildir++), and the flags are letters.
 */
#ifndef NAME_H
#define NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_SIZE 256 /* a file's name has 255 octets at most */

/* How long the part is that no change of flags touches. */
size_t name_unique(const char *name);

/* 64 bits that tell texts apart, of n octets. */
uint64_t name_hash(const char *, size_t n);

/* FLAG_…, and the keywords' letters. */
uint32_t name_flags(const char *name);

/*
 * The name with these flags instead; letters that mean nothing to us stay.
 * False when it gets too long.
 */
bool name_with_flags(char out[NAME_SIZE], const char *name, uint32_t flags);

/* The number behind ",W=" (tag 'W') or ",S=" ('S'). */
bool name_size(const char *name, char tag, uint64_t *size);

/*
 * A unique part that no other message has or had. octets: 0 where it has not
 * been counted.
 */
void name_make(char out[NAME_SIZE], uint64_t size, uint64_t octets);

#endif
