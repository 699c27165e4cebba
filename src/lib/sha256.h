/*
 * SHA-256 (FIPS 180-4), HMAC with it (RFC 2104, RFC 4231), and PBKDF2 with that
 * (RFC 8018 5.2). No libc has them, and libcrypto would cost each login 2 ms of
 * page faults.
 */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32
#define SHA256_BLOCK 64

struct sha256 {
	uint32_t state[8];
	uint64_t size; /* octets so far */
	unsigned char block[SHA256_BLOCK];
};

void sha256_begin(struct sha256 *);
void sha256_add(struct sha256 *, const void *, size_t);
void sha256_end(struct sha256 *, unsigned char digest[SHA256_SIZE]);

void hmac_sha256(unsigned char digest[SHA256_SIZE], const void *key,
    size_t key_size, const void *text, size_t size);

/* The first block, which is all that SCRAM needs: RFC 5802 2.2's Hi(). */
void pbkdf2_sha256(unsigned char key[SHA256_SIZE], const void *password,
    size_t password_size, const void *salt, size_t salt_size,
    unsigned iterations);

#endif
