/*
 * What the functions of SCRAM and base64 say, for tests/scram.bats:
 *
 *   scram pbkdf2 PASSWORD SALT ITERATIONS     in hex
 *   scram make PASSWORD SALT ITERATIONS       a verifier; the salt in base64
 *   scram is-of VERIFIER PASSWORD             yes, no, or malformed
 *   scram first TEXT                          what is in it
 *   scram talk VERIFIER FIRST NONCE BINDING FINAL
 *                                             a dialogue; BINDING in text
 *   scram encode | decode TEXT                base64
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scram.h"

static void pbkdf2(char **v)
{
	unsigned char key[SHA256_SIZE];

	pbkdf2_sha256(key, v[0], strlen(v[0]), v[1], strlen(v[1]),
	    (unsigned)atoi(v[2]));
	for (size_t i = 0; i < sizeof key; i++)
		printf("%02x", key[i]);
	printf("\n");
}

static void make(char **v)
{
	struct scram_verifier made = {.iterations = (unsigned)atoi(v[2])};
	char text[SCRAM_VERIFIER_SIZE], salt[SCRAM_SALT_MAX + 1];

	if (!base64_decode(v[1], salt, sizeof salt, &made.salt_size))
		exit(1);
	memcpy(made.salt, salt, made.salt_size);
	scram_verifier_make(&made, v[0]);
	scram_verifier_text(text, &made);
	printf("%s\n", text);
}

static void first(const char *text)
{
	struct scram_first f;

	if (!scram_first_parse(&f, text))
		printf("malformed\n");
	else
		printf("flag=%c binding=%s authzid=%s user=%s nonce=%s "
		    "bare=%s\n", f.flag, f.binding, f.authzid, f.user,
		    f.nonce, text + f.bare);
}

static void talk(char **v)
{
	static struct scram s;
	struct scram_first f;
	char text[SCRAM_SIZE];

	if (!scram_verifier_parse(&s.verifier, v[0]) ||
	    !scram_first_parse(&f, v[1]) ||
	    !scram_challenge(&s, &f, v[1], v[2], v[3], strlen(v[3]), text)) {
		printf("malformed\n");
		return;
	}
	printf("%s\n", text);
	printf("%s\n", scram_final(&s, v[4], text) ? text : "refused");
}

int main(int argc, char **argv)
{
	struct scram_verifier v;
	char text[4096];
	size_t n;

	(void)argc;
	if (strcmp(argv[1], "pbkdf2") == 0) {
		pbkdf2(argv + 2);
	} else if (strcmp(argv[1], "make") == 0) {
		make(argv + 2);
	} else if (strcmp(argv[1], "is-of") == 0) {
		printf("%s\n", !scram_verifier_parse(&v, argv[2]) ?
		    "malformed" : scram_verifier_is_of(&v, argv[3]) ? "yes" :
		    "no");
	} else if (strcmp(argv[1], "first") == 0) {
		first(argv[2]);
	} else if (strcmp(argv[1], "talk") == 0) {
		talk(argv + 2);
	} else if (strcmp(argv[1], "encode") == 0) {
		base64_encode(text, argv[2], strlen(argv[2]));
		printf("%s\n", text);
	} else if (base64_decode(argv[2], text, sizeof text, &n)) {
		fwrite(text, 1, n, stdout);
		printf(" %zu\n", n);
	} else {
		printf("malformed\n");
	}
	return 0;
}
