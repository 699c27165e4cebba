#include "format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WIDTH_MAX 20 /* digits of a number in a UIDL */

bool format_known(const char *format)
{
	const char *p = format;
	bool differs = false; /* from message to message */

	while ((p = strchr(p, '%')) != NULL) {
		p += 1 + strspn(p + 1, "0123456789");
		p += *p == 'X';
		if (*p == '\0' || strchr("uvf", *p) == NULL)
			return false;
		differs |= *p != 'v';
	}
	return differs;
}

static void put(char uidl[UIDL_SIZE], const char *text, size_t n)
{
	size_t at = strlen(uidl);

	if (at + n < UIDL_SIZE) {
		memcpy(uidl + at, text, n);
		uidl[at + n] = '\0';
	}
}

/* `u`, `08Xv`: to behind it. */
static const char *put_variable(char uidl[UIDL_SIZE], const char *p,
    uint32_t uid, uint32_t uidvalidity, const char *unique)
{
	char text[40];
	bool zero = *p == '0', hex;
	unsigned width = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (width < WIDTH_MAX)
			width = width * 10 + (unsigned)(*p - '0');
	hex = *p == 'X';
	p += hex;
	if (width > WIDTH_MAX)
		width = WIDTH_MAX;
	if (*p == 'f') {
		put(uidl, unique, strcspn(unique, ":"));
		return p + 1;
	}
	snprintf(text, sizeof text, hex ? zero ? "%0*" PRIx32 : "%*" PRIx32 :
	    zero ? "%0*" PRIu32 : "%*" PRIu32, (int)width,
	    *p == 'v' ? uidvalidity : uid);
	put(uidl, text, strlen(text));
	return *p != '\0' ? p + 1 : p;
}

void format_uidl(char uidl[UIDL_SIZE], const char *format, uint32_t uid,
    uint32_t uidvalidity, const char *unique)
{
	const char *p = format;

	*uidl = '\0';
	while (*p != '\0') {
		if (*p == '%')
			p = put_variable(uidl, p + 1, uid, uidvalidity, unique);
		else
			put(uidl, p++, 1);
	}
}
