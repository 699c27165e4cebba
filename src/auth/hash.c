#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

#include "address.h"
#include "auth.h"
#include "log.h"
#include "scram.h"

#define PASSWORD_MAX 240 /* what a login takes: LOGIN_SIZE */
#define SALT 16          /* octets: RFC 8018 4.1 wants 8 */

/* The same work for a user who is not there, when nobody is. */
#define NOBODY SCRAM_SCHEME "10000," \
    "bm9ib2R5a25vd3N0aGlzIQ==," \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=," \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

const char *hash_bare(const char *hash)
{
	const char *end = *hash == '{' ? strchr(hash, '}') : NULL;

	return end != NULL ? end + 1 : hash;
}

/* Looks at every octet, whatever the first ones say. */
static bool same(const char *a, const char *b)
{
	size_t n = strlen(a);
	unsigned char difference = 0;

	if (strlen(b) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		difference |= (unsigned char)(a[i] ^ b[i]);
	return difference == 0;
}

bool hash_is_of(const char *hash, const char *password)
{
	struct scram_verifier v;
	const char *made;
	bool is;

	if (*hash == '\0')
		hash = NOBODY;
	if (strncmp(hash, SCRAM_SCHEME, strlen(SCRAM_SCHEME)) == 0) {
		is = scram_verifier_parse(&v, hash_bare(hash)) &&
		    scram_verifier_is_of(&v, password);
		explicit_bzero(&v, sizeof v);
		return is;
	}
	hash = hash_bare(hash);
	made = crypt(password, hash);
	return made != NULL && *made != '*' && *hash == '$' &&
	    same(made, hash);
}

/*
 * Is it what SASLprep (RFC 4013) makes of it? Without its tables: for ASCII
 * without controls, yes; for other UTF-8, taken as the client has it.
 */
static bool is_prepared(const char *password)
{
	for (const char *p = password; *p != '\0';) {
		size_t n = utf8_length(p);
		unsigned char c = (unsigned char)*p;
		if (n == 0 && (c < ' ' || c >= 0x7f))
			return false;
		if (c == 0xc2 && (unsigned char)p[1] < 0xa0)
			return false; /* U+0080 to U+009F: controls */
		p += n == 0 ? 1 : n;
	}
	return true;
}

static void random_fill(void *p, size_t n)
{
	if (getrandom(p, n, 0) != (ssize_t)n)
		fatal(EX_OSERR, "no random numbers");
}

static const char *scram_made(const char *password)
{
	static char text[sizeof SCRAM_SCHEME + SCRAM_VERIFIER_SIZE] =
	    SCRAM_SCHEME;
	struct scram_verifier v = {.iterations = SCRAM_ITERATIONS, .salt_size = SALT};

	random_fill(v.salt, SALT);
	scram_verifier_make(&v, password);
	scram_verifier_text(text + strlen(SCRAM_SCHEME), &v);
	return text;
}

static const char *crypt_made(const char *password)
{
	static const char digits[] =
	    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	char setting[24] = "$6$";
	unsigned char random[SALT];
	const char *made;

	random_fill(random, sizeof random);
	for (size_t i = 0; i < sizeof random; i++)
		setting[3 + i] = digits[random[i] % 64];
	strcpy(setting + 3 + sizeof random, "$");
	made = crypt(password, setting);
	if (made == NULL || *made != '$')
		fatal(EX_SOFTWARE, "crypt(3) does not know $6$");
	return made;
}

int hash_print(bool only_crypt)
{
	char *password = NULL;
	const char *made;
	size_t room = 0;
	ssize_t len = getline(&password, &room, stdin);

	if (len <= 0)
		fatal(EX_DATAERR, "no password on fd 0");
	if (password[len - 1] == '\n')
		len--;
	if (len > 0 && password[len - 1] == '\r')
		len--;
	password[len] = '\0';
	/* What no login could send must not be set. */
	if (len == 0 || len >= PASSWORD_MAX ||
	    strcspn(password, "\r") != (size_t)len)
		fatal(EX_DATAERR, "the password is empty, longer than %d "
		    "bytes, or has a CR or NUL in it", PASSWORD_MAX - 1);
	made = only_crypt || !is_prepared(password) ? crypt_made(password) :
	    scram_made(password);
	explicit_bzero(password, room);
	return puts(made) < 0 || fflush(stdout) != 0 ? EX_IOERR : EX_OK;
}
