#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "auth.h"
#include "log.h"
#include "passwd.h"
#include "penalty.h"
#include "scram.h"

#define DIALOGUE_TIME 900 /* s; whose client is silent is ended earlier */
#define REQUEST_MAX 2560  /* octets: the six texts at their longest */
#define NONCE 18          /* random octets: 24 letters, none of them a comma */

enum { ACCOUNT, USER, EXPORTER, ENDPOINT, UNIQUE, FIRST, TEXTS };

static char request[REQUEST_MAX + 1];

static size_t packet_read(void)
{
	ssize_t n;

	do
		n = read(3, request, REQUEST_MAX);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		_exit(REFUSED); /* nobody waits for an answer */
	request[n] = '\0';
	return (size_t)n;
}

static void answer(char letter, const char *text)
{
	char packet[SCRAM_SIZE + 1];
	int n = snprintf(packet, sizeof packet, "%c%s", letter, text);

	if (write(3, packet, (size_t)n + 1) != n + 1)
		_exit(UNAVAILABLE);
}

static void texts_read(const char *text[TEXTS])
{
	size_t n = packet_read();
	const char *p = request;

	for (int i = 0; i < TEXTS; i++) {
		if (p >= request + n)
			fatal(MISUSED, "fd 3 holds no request");
		text[i] = p;
		p += strlen(p) + 1;
	}
}

/* A salt that looks like one, the same each time: for who has no verifier. */
static bool salt_fake(unsigned char salt[SHA256_SIZE], const char *account)
{
	unsigned char secret[PENALTY_SECRET];

	if (!penalty_secret(secret))
		return false;
	hmac_sha256(salt, secret, sizeof secret, account, strlen(account));
	explicit_bzero(secret, sizeof secret);
	return true;
}

/* True when a right proof is to be believed. The work is always the same. */
static bool verifier_find(struct scram_verifier *v, const char *account)
{
	unsigned char salt[SHA256_SIZE];
	char hash[PASSWD_LINE];
	bool known = passwd_find(account, true, hash);
	int error = salt_fake(salt, account) ? 0 : errno;

	if (strncmp(hash, SCRAM_SCHEME, strlen(SCRAM_SCHEME)) != 0 ||
	    !scram_verifier_parse(v, hash_bare(hash))) {
		known = false;
		*v = (struct scram_verifier){.iterations = SCRAM_ITERATIONS,
		    .salt_size = 16};
	}
	explicit_bzero(hash, sizeof hash);
	if (known)
		return true;
	if (error != 0)
		fatal(UNAVAILABLE, PENALTY_DIRECTORY "/secret: %s",
		    strerror(error));
	if (v->salt_size > sizeof salt)
		v->salt_size = sizeof salt;
	memcpy(v->salt, salt, v->salt_size);
	memset(v->stored, 0, sizeof v->stored); /* the first account's */
	return false;
}

/* From hex; how many octets. */
static size_t octets(unsigned char out[SCRAM_BINDING_MAX], const char *hex)
{
	size_t n = strlen(hex);

	if (n % 2 != 0 || n / 2 > SCRAM_BINDING_MAX ||
	    strspn(hex, "0123456789abcdefABCDEF") != n)
		return 0;
	for (size_t i = 0; i < n; i += 2)
		out[i / 2] = (unsigned char)strtoul(
		    (char[]){hex[i], hex[i + 1], '\0'}, NULL, 16);
	return n / 2;
}

/*
 * The octets of the channel that the client has bound itself to. False when it
 * cannot be, or when somebody has hidden from the client that it could have
 * been (RFC 5802 6: 'y', though it was offered).
 */
static bool binding_find(const struct scram_first *f, const char *text[TEXTS],
    unsigned char out[SCRAM_BINDING_MAX], size_t *n)
{
	static const struct {
		const char *name; /* RFC 9266; RFC 5929 4 and 3 */
		int text;
	} types[] = {
		{"tls-exporter", EXPORTER},
		{"tls-server-end-point", ENDPOINT},
		{"tls-unique", UNIQUE},
	};

	*n = 0;
	if (f->flag == 'n')
		return true;
	if (f->flag == 'y')
		return *text[EXPORTER] == '\0' && *text[ENDPOINT] == '\0' &&
		    *text[UNIQUE] == '\0';
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(f->binding, types[i].name) == 0)
			*n = octets(out, text[types[i].text]);
	return *n > 0;
}

static bool challenge(struct scram *s, const char *text[TEXTS],
    char out[SCRAM_SIZE])
{
	unsigned char binding[SCRAM_BINDING_MAX], random[NONCE];
	char nonce[BASE64_SIZE(NONCE)];
	struct scram_first first;
	size_t n;

	if (!scram_first_parse(&first, text[FIRST]) ||
	    strcmp(first.user, text[USER]) != 0 ||
	    (*first.authzid != '\0' &&
	    strcmp(first.authzid, first.user) != 0) ||
	    !binding_find(&first, text, binding, &n))
		return false;
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		fatal(UNAVAILABLE, "no random numbers");
	base64_encode(nonce, random, sizeof random);
	return scram_challenge(s, &first, text[FIRST], nonce, binding, n, out);
}

int dialogue(void)
{
	static struct scram scram;
	const char *text[TEXTS];
	char out[SCRAM_SIZE];
	bool known;

	alarm(DIALOGUE_TIME);
	texts_read(text);
	known = verifier_find(&scram.verifier, text[ACCOUNT]);
	confine_all();
	if (!challenge(&scram, text, out)) {
		answer('R', "");
		return REFUSED;
	}
	answer('C', out);
	packet_read();
	/* Who is unknown cannot have a proof; nor would it be believed. */
	if (!scram_final(&scram, request, out) || !known) {
		answer('R', "");
		return REFUSED;
	}
	answer('Y', out);
	explicit_bzero(&scram, sizeof scram);
	return ACCEPTED;
}
