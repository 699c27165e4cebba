/*
 * sha256 [KEY]: the digest of fd 0, fed in pieces of 1, 2, 3 … octets; with a
 * key, in hex, HMAC of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sha256.h"

int main(int argc, char **argv)
{
	static unsigned char text[1 << 21], key[256], digest[SHA256_SIZE];
	size_t n = fread(text, 1, sizeof text, stdin), key_size = 0;
	struct sha256 s;

	if (argc > 1) {
		for (const char *p = argv[1]; *p != '\0'; p += 2)
			key[key_size++] = (unsigned char)strtoul(
			    (char[]){p[0], p[1], '\0'}, NULL, 16);
		hmac_sha256(digest, key, key_size, text, n);
	} else {
		sha256_begin(&s);
		for (size_t at = 0, piece = 1; at < n; at += piece++)
			sha256_add(&s, text + at, piece < n - at ? piece :
			    n - at);
		sha256_end(&s, digest);
	}
	for (size_t i = 0; i < sizeof digest; i++)
		printf("%02x", digest[i]);
	printf("\n");
	return 0;
}
