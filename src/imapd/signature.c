#include "signature.h"

#include <endian.h>
#include <string.h>

#include "text.h"

/*
 * A filter has 2^n octets, the least that leaves two thirds of its bits at
 * zero, up to 8 KiB; then it fills, and rules out less. On the disk: for each
 * of the two an octet with n, or 0 where the text has no trigram; the filters.
 */
#define FILTER_BITS 65536u
#define FILTER_WORDS (FILTER_BITS / 64)
#define SIZE_LEAST 3 /* n: a word */
#define SIZE_MOST 13

struct filter {
	uint64_t words[FILTER_WORDS];
	size_t count; /* bits that are 1 */
};

/*
 * Multiplied by 2^32 divided by the golden ratio; the upper half is the bit. A
 * fourth octet is read, and does not count.
 */
static unsigned bit_of(const char *p)
{
	uint32_t trigram;

	memcpy(&trigram, p, sizeof trigram);
	return (le32toh(trigram) & 0xffffff) * 0x9e3779b1u >> 16;
}

static bool filter_add(void *context, struct span text)
{
	struct filter *f = context;
	size_t count = 0;

	for (size_t i = 0; i + 2 < text.n; i++) {
		unsigned bit = bit_of(text.p + i);
		uint64_t *word = &f->words[bit / 64], mask = (uint64_t)1 << bit % 64;
		count += (*word & mask) == 0;
		*word |= mask;
	}
	f->count += count;
	return true;
}

static unsigned filter_size(const struct filter *f)
{
	unsigned n = SIZE_LEAST;

	if (f->count == 0)
		return 0;
	while (n < SIZE_MOST && ((size_t)8 << n) * 2 / 5 < f->count)
		n++;
	return n;
}

/* Halved: bit b of the large one is bit b modulo the size of the small one. */
static void filter_write(struct str *to, struct filter *f, unsigned size)
{
	size_t n = ((size_t)1 << size) / 8;

	for (size_t half = FILTER_WORDS / 2; half >= n; half /= 2)
		for (size_t i = 0; i < half; i++)
			f->words[i] |= f->words[half + i];
	str_add(to, f->words, n * 8);
}

void signature_make(struct str *to, const struct mime *m)
{
	struct filter filters[2];
	unsigned char sizes[2];

	memset(filters, 0, sizeof filters);
	text_of_header(part_header(m, m->root), filter_add, &filters[0]);
	text_of_body(m, filter_add, &filters[1]);
	for (size_t i = 0; i < 2; i++)
		sizes[i] = (unsigned char)filter_size(&filters[i]);
	str_add(to, sizes, sizeof sizes);
	for (size_t i = 0; i < 2; i++)
		if (sizes[i] > 0)
			filter_write(to, &filters[i], sizes[i]);
}

void signature_key(struct signature_key *key, struct span folded)
{
	key->count = 0;
	for (size_t i = 0; i + 2 < folded.n && key->count < KEY_TRIGRAMS; i++)
		key->bits[key->count++] = (uint16_t)bit_of(folded.p + i);
}

/* In a machine's words on the disk; the index does not go to another kind. */
static bool filter_may(const char *octets, unsigned size,
    const struct signature_key *key)
{
	size_t last = ((size_t)8 << size) - 1;

	for (size_t i = 0; i < key->count; i++) {
		size_t bit = key->bits[i] & last;
		uint64_t word;
		memcpy(&word, octets + bit / 64 * 8, 8);
		if ((word >> bit % 64 & 1) == 0)
			return false;
	}
	return true;
}

bool signature_may(struct span s, const struct signature_key *key, int where)
{
	const char *p;

	if (key->count == 0 || s.n < 2)
		return true;
	p = s.p + 2;
	for (int i = 0; i < 2; i++) {
		unsigned n = (unsigned char)s.p[i];
		size_t octets = n > 0 ? (size_t)1 << n : 0;
		if (n > SIZE_MOST || octets > s.n - (size_t)(p - s.p))
			return true;
		if ((where & (1 << i)) != 0 && n > 0 && filter_may(p, n, key))
			return true;
		p += octets;
	}
	return false;
}
