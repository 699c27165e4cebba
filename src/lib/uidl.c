#include "uidl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool valid(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < '!' || p[i] > '~')
			return false;
	return n > 0 && n < UIDL_SIZE;
}

bool uidl_valid(const char *uidl)
{
	return valid(uidl, strlen(uidl));
}

void uidl_of_name(char uidl[UIDL_SIZE], const char *unique, size_t n)
{
	/* FNV-1a, twice with different beginnings. */
	uint64_t a = 0xcbf29ce484222325u, b = 0x84222325cbf29ce4u;

	if (valid(unique, n)) {
		snprintf(uidl, UIDL_SIZE, "%.*s", (int)n, unique);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)unique[i];
		a = (a ^ c) * 0x100000001b3u;
		b = (b ^ c) * 0x100000001b3u;
	}
	snprintf(uidl, UIDL_SIZE, "%016" PRIx64 "%016" PRIx64, a, b);
}
