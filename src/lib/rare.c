#include "rare.h"

#include <stdbool.h>
#include <string.h>

#include "str.h"
#include "utf8.h"

#define KOREAN_FIRST 0xac00 /* the Hangul syllables, and how many they are */
#define KOREAN_ALL 11172
#define KOREAN_PAIRS 2350
#define KOREAN_RARE (KOREAN_ALL - KOREAN_PAIRS)

#define CHINESE_RARE 39420  /* of four octets, up to U+FFFF */
#define CHINESE_PLANES 189000 /* the number of U+10000 among those */

static bool is_within(unsigned char c, unsigned char from, unsigned char to)
{
	return c >= from && c <= to;
}

static bool is_pair(enum rare set, unsigned char c, unsigned char d)
{
	if (set == RARE_KOREAN)
		return is_within(c, 0xa1, 0xfd) && is_within(d, 0xa1, 0xfe);
	if (set == RARE_JAPANESE)
		return (is_within(c, 0x81, 0x9f) || is_within(c, 0xe0, 0xea)) &&
		    is_within(d, 0x40, 0xfc) && d != 0x7f;
	return is_within(c, 0x81, 0xfe) && is_within(d, 0x40, 0xfe) &&
	    d != 0x7f;
}

size_t rare_ordinary(enum rare set, struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0;

	for (;;)
		if (i < s.n && (p[i] < 0x80 || (set == RARE_JAPANESE &&
		    is_within(p[i], 0xa1, 0xdf))))
			i++;
		else if (i + 1 < s.n && is_pair(set, p[i], p[i + 1]))
			i += 2;
		else
			return i;
}

/* Marks what the pairs of a row stand for. */
static void row_mark(enum rare set, iconv_t converter, unsigned char row,
    uint8_t marks[8192])
{
	char in[512], out[4 * sizeof in], *from = in, *to = out;
	size_t n = 0, room = sizeof out, length;
	uint32_t c;

	for (unsigned d = 0; d < 256; d++)
		if (is_pair(set, row, (unsigned char)d)) {
			in[n++] = (char)row;
			in[n++] = (char)d;
		}
	iconv(converter, NULL, NULL, NULL, NULL);
	iconv(converter, &from, &n, &to, &room);
	struct span s = {out, sizeof out - room};
	for (; s.n > 0; span_skip(&s, length)) {
		length = utf8_read(s.p, s.n, &c);
		if (length == 0)
			return;
		if (c < 0x10000)
			marks[c / 8] |= (uint8_t)(1 << c % 8);
	}
}

/* All that no pair stands for; made once, 80 KiB at most, and kept. */
static const uint16_t *list_of(enum rare set, iconv_t converter)
{
	static uint16_t *lists[RARE_JAPANESE];
	bool korean = set == RARE_KOREAN;
	size_t count = korean ? KOREAN_RARE : CHINESE_RARE, made = 0;
	uint8_t marks[8192] = {0};

	if (lists[set] != NULL)
		return lists[set];
	/* Hangul is in these rows of KS X 1001. */
	for (unsigned row = korean ? 0xb0 : 0x81;
	    row <= (korean ? 0xc8 : 0xfe); row++)
		row_mark(set, converter, (unsigned char)row, marks);
	lists[set] = xrealloc(NULL, count * sizeof **lists);
	memset(lists[set], 0, count * sizeof **lists);
	for (uint32_t c = korean ? KOREAN_FIRST : 0x80; made < count &&
	    c < (korean ? KOREAN_FIRST + KOREAN_ALL : 0x10000); c++)
		if ((marks[c / 8] >> c % 8 & 1) == 0 &&
		    (c < 0xd800 || c > 0xdfff))
			lists[set][made++] = (uint16_t)c;
	return lists[set];
}

static bool korean_number(const unsigned char *p, size_t n, size_t *number)
{
	size_t d;

	if (n < 2 || !is_within(p[0], 0x81, 0xc6))
		return false;
	if (is_within(p[1], 'A', 'Z'))
		d = p[1] - 'A';
	else if (is_within(p[1], 'a', 'z'))
		d = p[1] - 'a' + 26u;
	else if (is_within(p[1], 0x81, 0xfe))
		d = p[1] - 0x81 + 52u;
	else
		return false;
	*number = p[0] < 0xa1 ? 178u * (p[0] - 0x81) + d :
	    178u * 32 + 84u * (p[0] - 0xa1) + d;
	return *number < KOREAN_RARE;
}

static bool chinese_number(const unsigned char *p, size_t n, size_t *number)
{
	if (n < 4 || !is_within(p[0], 0x81, 0xfe) ||
	    !is_within(p[1], '0', '9') || !is_within(p[2], 0x81, 0xfe) ||
	    !is_within(p[3], '0', '9'))
		return false;
	*number = ((p[0] - 0x81u) * 10 + p[1] - '0') * 1260 +
	    (p[2] - 0x81u) * 10 + p[3] - '0';
	return true;
}

size_t rare_read(enum rare set, iconv_t converter, struct span s, uint32_t *c)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t number;

	if (set == RARE_JAPANESE)
		return 0;
	if (set == RARE_KOREAN) {
		if (!korean_number(p, s.n, &number))
			return 0;
		*c = list_of(set, converter)[number];
		return *c != 0 ? 2 : 0;
	}
	if (!chinese_number(p, s.n, &number))
		return 0;
	if (number >= CHINESE_PLANES)
		*c = 0x10000 + (uint32_t)(number - CHINESE_PLANES);
	else
		*c = number < CHINESE_RARE ?
		    list_of(set, converter)[number] : 0;
	return *c != 0 && *c <= 0x10ffff ? 4 : 0;
}
