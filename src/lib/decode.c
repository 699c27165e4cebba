#include "decode.h"

#include <string.h>
#include <strings.h>

#include "block.h"
#include "words.h"

#define PIECE 3072 /* octets that are made before they are appended */

enum encoding encoding_find(struct span value)
{
	static const struct {
		const char *name;
		enum encoding encoding;
	} names[] = {
		{"7bit", ENCODING_NONE},
		{"8bit", ENCODING_NONE},
		{"binary", ENCODING_NONE},
		{"quoted-printable", ENCODING_QP},
		{"base64", ENCODING_BASE64},
	};
	struct span token = token_next(&value);

	comments_skip(&value);
	if (token.n == 0 || (value.n > 0 && *value.p != ';'))
		return ENCODING_NONE; /* no token alone: nothing was said */
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i].name) == token.n &&
		    strncasecmp(names[i].name, token.p, token.n) == 0)
			return names[i].encoding;
	return ENCODING_UNKNOWN;
}

/* A digit's value and what is none. */
#define PAD 64
#define SPACE 65
#define OTHER 66

static unsigned char digits[256];

static void digits_make(void)
{
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	memset(digits, OTHER, sizeof digits);
	for (unsigned char i = 0; i < 64; i++)
		digits[(unsigned char)all[i]] = i;
	digits['='] = PAD;
	digits[' '] = digits['\t'] = digits['\r'] = digits['\n'] = SPACE;
}

struct base64 {
	uint32_t bits;
	unsigned count; /* digits in bits */
	bool well;
};

/* What is over at the end or a `=`: two or three digits. */
static size_t base64_rest(struct base64 *b, char *out)
{
	size_t n = b->count > 1 ? b->count - 1 : 0;

	b->well = b->well && b->count != 1;
	b->bits <<= 6 * (4 - b->count);
	for (size_t i = 0; i < n; i++)
		out[i] = (char)(b->bits >> (16 - 8 * i) & 0xff);
	b->bits = 0;
	b->count = 0;
	return n;
}

static size_t base64_digit(struct base64 *b, unsigned char c, char *out)
{
	unsigned char digit = digits[c];

	if (digit == PAD)
		return b->count > 0 ? base64_rest(b, out) : 0;
	if (digit >= SPACE) {
		b->well = b->well && digit == SPACE;
		return 0;
	}
	b->bits = b->bits << 6 | digit;
	if (++b->count < 4)
		return 0;
	b->count = 0;
	out[0] = (char)(b->bits >> 16 & 0xff);
	out[1] = (char)(b->bits >> 8 & 0xff);
	out[2] = (char)(b->bits & 0xff);
	b->bits = 0;
	return 3;
}

/* Four digits at once, as long as there are no others. */
static size_t base64_run(const unsigned char *p, size_t n, char *out,
    size_t *made)
{
	size_t i = 0;

	for (; i + 4 <= n && *made + 3 <= PIECE; i += 4) {
		unsigned a = digits[p[i]], b = digits[p[i + 1]],
		    c = digits[p[i + 2]], d = digits[p[i + 3]];
		if ((a | b | c | d) > 63)
			break;
		uint32_t bits = a << 18 | b << 12 | c << 6 | d;
		out[(*made)++] = (char)(bits >> 16 & 0xff);
		out[(*made)++] = (char)(bits >> 8 & 0xff);
		out[(*made)++] = (char)(bits & 0xff);
	}
	return i;
}

static bool base64(struct str *to, struct span from)
{
	struct base64 b = {.well = true};
	char out[PIECE + 4];
	size_t made = 0;

	if (digits['='] != PAD)
		digits_make();
	for (size_t i = 0; i < from.n;) {
		if (b.count == 0)
			i += base64_run((const unsigned char *)from.p + i,
			    from.n - i, out, &made);
		if (i < from.n && made < PIECE)
			made += base64_digit(&b, (unsigned char)from.p[i++],
			    out + made);
		if (made + 3 > PIECE) {
			str_add(to, out, made);
			made = 0;
		}
	}
	made += base64_rest(&b, out + made);
	str_add(to, out, made);
	return b.well;
}

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A line, without its end. False where a `=` stands for nothing. */
static bool qp_line(struct str *to, const char *p, size_t n)
{
	bool well = true;

	while (n > 0) {
		size_t plain = (size_t)(octet_find(p, p + n, '=') - p);
		str_add(to, p, plain);
		p += plain;
		n -= plain;
		if (n == 0)
			break;
		int high = n > 2 ? hex_digit(p[1]) : -1;
		int low = n > 2 ? hex_digit(p[2]) : -1;
		if (high >= 0 && low >= 0) {
			char c = (char)(high << 4 | low);
			str_add(to, &c, 1);
		} else {
			str_add(to, p, 1);
			well = false;
		}
		plain = high >= 0 && low >= 0 ? 3 : 1;
		p += plain;
		n -= plain;
	}
	return well;
}

static bool qp(struct str *to, struct span from)
{
	bool well = true;

	while (from.n > 0) {
		size_t whole = line_length(from.p, from.n), n = whole;
		bool lf = from.p[n - 1] == '\n';
		n -= lf;
		bool cr = lf && n > 0 && from.p[n - 1] == '\r';
		n -= cr;
		/* RFC 2045 6.7 (3): blanks there were added on the way. */
		while (n > 0 && (from.p[n - 1] == ' ' || from.p[n - 1] == '\t'))
			n--;
		bool soft = n > 0 && from.p[n - 1] == '=';
		well = qp_line(to, from.p, n - soft) && well;
		if (!soft && lf)
			str_add(to, cr ? "\r\n" : "\n", cr ? 2 : 1);
		from.p += whole;
		from.n -= whole;
	}
	return well;
}

bool decode(struct str *to, enum encoding encoding, struct span from)
{
	if (encoding == ENCODING_BASE64)
		return base64(to, from);
	if (encoding == ENCODING_QP)
		return qp(to, from);
	str_add(to, from.p, from.n);
	return encoding == ENCODING_NONE;
}
