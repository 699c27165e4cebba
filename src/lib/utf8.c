#include "utf8.h"

#include "block.h"

static bool is_character(uint32_t c)
{
	return c < 0xd800 || (c > 0xdfff && c <= 0x10ffff);
}

size_t utf8_read(const char *p, size_t n, uint32_t *c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first;
	size_t length;
	uint32_t made;

	if (n == 0)
		return 0;
	first = (unsigned char)*p;
	if (first < 0x80) {
		*c = first;
		return 1;
	}
	length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	if (first < 0xc2 || first > 0xf4 || n < length)
		return 0;
	made = first & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return 0;
		made = made << 6 | ((unsigned char)p[i] & 0x3f);
	}
	if (made < least[length] || !is_character(made))
		return 0;
	*c = made;
	return length;
}

size_t ascii_run(struct span s)
{
	size_t n = 0;
	unsigned first = BLOCK;

	for (; n + BLOCK <= s.n && first == BLOCK; n += first)
		first = block_first(block_at(s.p + n) & 0x80);
	while (n < s.n && (unsigned char)s.p[n] < 0x80)
		n++;
	return n;
}

size_t utf8_run(struct span s)
{
	size_t at = 0, n = 1;
	uint32_t c;

	while (at < s.n && n > 0) {
		struct span rest = {s.p + at, s.n - at};
		n = utf8_read(rest.p, rest.n, &c);
		at += n == 1 ? ascii_run(rest) : n;
	}
	return at;
}

bool utf8_is(struct span s)
{
	return utf8_run(s) == s.n;
}

size_t utf8_write(char to[UTF8_SIZE], uint32_t c)
{
	if (!is_character(c))
		c = 0xfffd;
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = length; i-- > 1; c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)((0xf00u >> length & 0xff) | c);
	return length;
}
