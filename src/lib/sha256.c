#include "sha256.h"

#include <string.h>

/* FIPS 180-4 4.2.2: of the cube roots of the first 64 primes. */
static const uint32_t K[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
	0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
	0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
	0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
	0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

void sha256_begin(struct sha256 *s)
{
	/* FIPS 180-4 5.3.3: of the square roots of the first 8 primes. */
	*s = (struct sha256){.state = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	}};
}

static uint32_t rotate(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static uint32_t word(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

/* Four octets of each word. */
static void words_out(unsigned char *p, const uint32_t *words, size_t n)
{
	for (size_t i = 0; i < 4 * n; i++)
		p[i] = (unsigned char)(words[i / 4] >> (24 - 8 * (i % 4)));
}

/*
 * A round of FIPS 180-4 6.2.2; x is K[t] + w[t]. The caller renames the variables
 * and nothing is moved: what PBKDF2 costs is what this costs.
 */
static inline void mix(uint32_t a, uint32_t b, uint32_t c, uint32_t *d,
    uint32_t e, uint32_t f, uint32_t g, uint32_t *h, uint32_t x)
{
	uint32_t t1 = *h + x + ((e & f) ^ (~e & g)) +
	    (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25));

	*d += t1;
	*h = t1 + ((a & b) ^ (a & c) ^ (b & c)) +
	    (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22));
}

static void block_add(uint32_t state[8], const unsigned char *p)
{
	uint32_t w[64], *x = w;
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

	for (int t = 0; t < 16; t++)
		w[t] = word(p + 4 * t);
	for (int t = 16; t < 64; t++) {
		uint32_t y = w[t - 15], z = w[t - 2];
		w[t] = w[t - 16] + w[t - 7] +
		    (rotate(y, 7) ^ rotate(y, 18) ^ y >> 3) +
		    (rotate(z, 17) ^ rotate(z, 19) ^ z >> 10);
	}
	for (int t = 0; t < 64; t++)
		w[t] += K[t];
	for (; x < w + 64; x += 8) {
		mix(a, b, c, &d, e, f, g, &h, x[0]);
		mix(h, a, b, &c, d, e, f, &g, x[1]);
		mix(g, h, a, &b, c, d, e, &f, x[2]);
		mix(f, g, h, &a, b, c, d, &e, x[3]);
		mix(e, f, g, &h, a, b, c, &d, x[4]);
		mix(d, e, f, &g, h, a, b, &c, x[5]);
		mix(c, d, e, &f, g, h, a, &b, x[6]);
		mix(b, c, d, &e, f, g, h, &a, x[7]);
	}
	state[0] += a, state[1] += b, state[2] += c, state[3] += d;
	state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void sha256_add(struct sha256 *s, const void *text, size_t n)
{
	const unsigned char *p = text;

	while (n > 0) {
		size_t at = (size_t)(s->size % SHA256_BLOCK);
		size_t take = n < SHA256_BLOCK - at ? n : SHA256_BLOCK - at;
		memcpy(s->block + at, p, take);
		s->size += take;
		p += take;
		n -= take;
		if (at + take == SHA256_BLOCK)
			block_add(s->state, s->block);
	}
}

/* FIPS 180-4 5.1.1: a one bit, zeros, and the length in bits. */
void sha256_end(struct sha256 *s, unsigned char digest[SHA256_SIZE])
{
	static const unsigned char padding[SHA256_BLOCK] = {0x80};
	uint64_t bits = s->size * 8;
	unsigned char length[8];
	size_t at = (size_t)(s->size % SHA256_BLOCK);

	for (int i = 0; i < 8; i++)
		length[i] = (unsigned char)(bits >> (56 - 8 * i));
	sha256_add(s, padding, (at < 56 ? 56 : 120) - at);
	sha256_add(s, length, sizeof length);
	words_out(digest, s->state, 8);
	explicit_bzero(s, sizeof *s);
}

/* What has taken in the key, for the text and for its digest. */
static void hmac_begin(struct sha256 *inner, struct sha256 *outer,
    const void *key, size_t size)
{
	unsigned char block[SHA256_BLOCK] = {0};
	struct sha256 s;

	if (size > SHA256_BLOCK) {
		sha256_begin(&s);
		sha256_add(&s, key, size);
		sha256_end(&s, block);
	} else if (size > 0) {
		memcpy(block, key, size);
	}
	for (int i = 0; i < SHA256_BLOCK; i++)
		block[i] ^= 0x36;
	sha256_begin(inner);
	sha256_add(inner, block, sizeof block);
	for (int i = 0; i < SHA256_BLOCK; i++)
		block[i] ^= 0x36 ^ 0x5c;
	sha256_begin(outer);
	sha256_add(outer, block, sizeof block);
	explicit_bzero(block, sizeof block);
}

static void hmac_end(unsigned char digest[SHA256_SIZE], struct sha256 *inner,
    struct sha256 *outer)
{
	sha256_end(inner, digest);
	sha256_add(outer, digest, SHA256_SIZE);
	sha256_end(outer, digest);
}

void hmac_sha256(unsigned char digest[SHA256_SIZE], const void *key,
    size_t key_size, const void *text, size_t size)
{
	struct sha256 inner, outer;

	hmac_begin(&inner, &outer, key, key_size);
	sha256_add(&inner, text, size);
	hmac_end(digest, &inner, &outer);
}

/* HMAC of a digest: two blocks, their padding (768 bits) always the same. */
static void hmac_again(unsigned char block[SHA256_BLOCK],
    const struct sha256 *inner, const struct sha256 *outer)
{
	uint32_t state[8];

	memcpy(state, inner->state, sizeof state);
	block_add(state, block);
	words_out(block, state, 8);
	memcpy(state, outer->state, sizeof state);
	block_add(state, block);
	words_out(block, state, 8);
}

void pbkdf2_sha256(unsigned char key[SHA256_SIZE], const void *password,
    size_t password_size, const void *salt, size_t salt_size,
    unsigned iterations)
{
	unsigned char block[SHA256_BLOCK] = {[SHA256_SIZE] = 0x80,
	    [SHA256_BLOCK - 2] = 768 >> 8};
	struct sha256 inner, outer, first, last;

	hmac_begin(&inner, &outer, password, password_size);
	first = inner;
	last = outer;
	sha256_add(&first, salt, salt_size);
	sha256_add(&first, "\0\0\0\1", 4);
	hmac_end(block, &first, &last);
	memcpy(key, block, SHA256_SIZE);
	while (--iterations > 0) {
		hmac_again(block, &inner, &outer);
		for (int i = 0; i < SHA256_SIZE; i++)
			key[i] ^= block[i];
	}
	explicit_bzero(&inner, sizeof inner);
	explicit_bzero(&outer, sizeof outer);
	explicit_bzero(block, sizeof block);
}
