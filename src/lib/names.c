#include "names.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "utf8.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* Modified UTF-7 on its way: base64 of UTF-16 between "&" and "-". */
struct encoder {
	char *to;
	size_t left; /* with room for the NUL */
	bool shifted, full;
	uint32_t bits;
	unsigned count; /* of bits, below 6 between two units */
};

static void out(struct encoder *e, char c)
{
	if (e->left <= 1) {
		e->full = true;
		return;
	}
	*e->to++ = c;
	e->left--;
}

static void unit(struct encoder *e, uint32_t value)
{
	e->bits = (e->bits << 16 | value) & 0x3fffff;
	e->count += 16;
	while (e->count >= 6) {
		e->count -= 6;
		out(e, digits[e->bits >> e->count & 63]);
	}
}

static void shift_out(struct encoder *e)
{
	if (!e->shifted)
		return;
	if (e->count > 0)
		out(e, digits[e->bits << (6 - e->count) & 63]);
	out(e, '-');
	e->shifted = false;
}

static void shift_in(struct encoder *e)
{
	if (e->shifted)
		return;
	out(e, '&');
	e->shifted = true;
	e->bits = 0;
	e->count = 0;
}

static void character(struct encoder *e, uint32_t c)
{
	if (c >= ' ' && c <= '~') {
		shift_out(e);
		out(e, (char)c);
		if (c == '&')
			out(e, '-');
		return;
	}
	shift_in(e);
	if (c > 0xffff) {
		unit(e, 0xd800 + ((c - 0x10000) >> 10));
		c = 0xdc00 + ((c - 0x10000) & 0x3ff);
	}
	unit(e, c);
}

bool name_encode(char *to, size_t size, const char *utf8)
{
	struct encoder e = {.to = to, .left = size};
	size_t n = strlen(utf8), length;
	uint32_t c;

	for (; n > 0 && !e.full; utf8 += length, n -= length) {
		if ((length = utf8_read(utf8, n, &c)) == 0)
			return false;
		character(&e, c);
	}
	shift_out(&e);
	*e.to = '\0';
	return !e.full;
}

static void add_character(struct str *s, uint32_t c)
{
	char octets[UTF8_SIZE];

	str_add(s, octets, utf8_write(octets, c));
}

/* Between "&" and "-", which is not there any more: pairs are whole. */
static bool decode_shifted(struct str *s, const char *p, size_t n)
{
	uint32_t bits = 0, high = 0, value;
	unsigned count = 0;
	const char *digit;

	for (; n > 0; p++, n--) {
		digit = strchr(digits, *p);
		if (*p == '\0' || digit == NULL)
			return false;
		bits = (bits << 6 | (uint32_t)(digit - digits)) & 0x3fffff;
		if ((count += 6) < 16)
			continue;
		count -= 16;
		value = bits >> count & 0xffff;
		if ((high != 0) != (value >= 0xdc00 && value <= 0xdfff))
			return false;
		if (high != 0)
			add_character(s, 0x10000 + ((high - 0xd800) << 10) +
			    (value - 0xdc00));
		else if (value < 0xd800 || value > 0xdbff)
			add_character(s, value);
		high = high == 0 && value >= 0xd800 && value <= 0xdbff ?
		    value : 0;
	}
	return high == 0;
}

/* Also what is written in another way than it should be. */
static bool decode_loosely(struct str *s, const char *p, size_t n)
{
	const char *end = p + n, *minus;

	for (; p < end; p++) {
		if (*p < ' ' || *p > '~')
			return false;
		if (*p != '&') {
			str_add(s, p, 1);
			continue;
		}
		minus = memchr(p, '-', (size_t)(end - p));
		if (minus == NULL)
			return false;
		if (minus == p + 1)
			str_puts(s, "&");
		else if (!decode_shifted(s, p + 1, (size_t)(minus - p) - 1))
			return false;
		p = minus;
	}
	return true;
}

bool name_decode(struct str *s, const char *name, size_t n)
{
	char again[FOLDER_NAME_SIZE];
	size_t from = s->len;

	str_add(s, "", 0);
	if (n >= sizeof again)
		return false;
	/* There is one way to write it, and this is it? */
	if (decode_loosely(s, name, n) && memchr(name, '\0', n) == NULL &&
	    strlen(s->p + from) == s->len - from &&
	    name_encode(again, sizeof again, s->p + from) &&
	    strlen(again) == n && memcmp(again, name, n) == 0)
		return true;
	s->len = from;
	s->p[from] = '\0';
	return false;
}

/* RFC 6855 3, RFC 9051 5.1: C0, C1, DEL, and the two separators. */
static bool is_control(uint32_t c)
{
	return c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

/* In UTF-8. NULL, or what is wrong with it. */
static const char *text_fault(const char *text)
{
	size_t n = strlen(text), length, depth = 1;
	uint32_t c, last = '.';

	if (n == 0)
		return "a name is not empty";
	for (; n > 0; text += length, n -= length, last = c) {
		if ((length = utf8_read(text, n, &c)) == 0)
			return "a name is in UTF-8";
		if (is_control(c))
			return "a name holds no control characters";
		if (c == '/')
			return "a name holds no /";
		if (c == '.' && last == '.')
			return "between two dots there is a name";
		depth += c == '.';
	}
	if (last == '.')
		return "between two dots there is a name";
	return depth > FOLDER_DEPTH_MAX ? "too deep" : NULL;
}

static bool is_inbox(const char *name)
{
	/* Most are known by their first letter, and sorting asks often. */
	return (*name | 0x20) == 'i' && strncasecmp(name, "INBOX", 5) == 0 &&
	    (name[5] == '\0' || name[5] == '.');
}

static const char *to_mutf7(char name[FOLDER_NAME_SIZE], const char *said,
    bool utf8)
{
	size_t n = strlen(said);

	if (n > 4 * FOLDER_NAME_SIZE)
		return "too long";
	if (utf8)
		return name_encode(name, FOLDER_NAME_SIZE, said) ? NULL :
		    "too long, or no UTF-8";
	if (n >= FOLDER_NAME_SIZE)
		return "too long";
	memcpy(name, said, n + 1);
	return NULL;
}

const char *name_read(char name[FOLDER_NAME_SIZE], const char *said, bool utf8)
{
	char room[NAME_UTF8_SIZE];
	struct str text = STR_ROOM(room);
	const char *fault = to_mutf7(name, said, utf8);
	size_t n;

	if (fault == NULL) {
		n = strlen(name);
		if (n > 1 && name[n - 1] == '.')
			name[--n] = '\0';
		fault = name_decode(&text, name, n) ? text_fault(text.p) :
		    "that is no modified UTF-7";
	}
	if (fault == NULL && is_inbox(name))
		memcpy(name, "INBOX", 5);
	str_free(&text);
	return fault;
}

bool name_valid(const char *name)
{
	char same[FOLDER_NAME_SIZE];

	return name_read(same, name, false) == NULL && strcmp(same, name) == 0;
}

static unsigned rank(char c)
{
	return c == '\0' ? 0 : c == '.' ? 1 : (unsigned char)c + 1u;
}

int name_compare(const char *a, const char *b)
{
	bool a_first = is_inbox(a), b_first = is_inbox(b);

	if (a_first != b_first)
		return a_first ? -1 : 1;
	while (*a != '\0' && *a == *b)
		a++, b++;
	return (rank(*a) > rank(*b)) - (rank(*a) < rank(*b));
}

bool name_is_below(const char *name, const char *above)
{
	size_t n = strlen(above);

	return strncmp(name, above, n) == 0 && name[n] == '.';
}
