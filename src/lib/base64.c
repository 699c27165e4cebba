#include "base64.h"

#include <string.h>

static int digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(const char *text, char *out, size_t size, size_t *len)
{
	size_t n = strlen(text), made = 0;

	if (n % 4 != 0 || size == 0)
		return false;
	for (size_t i = 0; i < n; i += 4) {
		size_t pad = i + 4 < n ? 0 :
		    (size_t)(text[i + 3] == '=') + (text[i + 3] == '=' &&
		    text[i + 2] == '=');
		unsigned long bits = 0;
		for (size_t k = 0; k < 4; k++) {
			int digit = k >= 4 - pad ? 0 : digit_of(text[i + k]);
			if (digit < 0)
				return false;
			bits = bits << 6 | (unsigned)digit;
		}
		for (size_t k = 0; k < 3 - pad; k++) {
			if (made + 1 >= size)
				return false;
			out[made++] = (char)(bits >> (16 - 8 * k) & 0xff);
		}
	}
	out[made] = '\0';
	if (len != NULL)
		*len = made;
	return len != NULL || strlen(out) == made;
}

void base64_encode(char *out, const void *from, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = from;

	for (; n > 0; p += 3) {
		unsigned bits = (unsigned)p[0] << 16;
		if (n > 1)
			bits |= (unsigned)p[1] << 8;
		if (n > 2)
			bits |= p[2];
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = n > 1 ? digits[bits >> 6 & 63] : '=';
		*out++ = n > 2 ? digits[bits & 63] : '=';
		n = n > 3 ? n - 3 : 0;
	}
	*out = '\0';
}
