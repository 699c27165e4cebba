#include "scram.h"

#include <stdio.h>
#include <string.h>

#include "str.h"

/* The next of the fields divided by commas; NULL at the end. */
static char *field(char **rest)
{
	char *text = *rest, *comma;

	if (text == NULL)
		return NULL;
	comma = strchr(text, ',');
	if (comma != NULL)
		*comma++ = '\0';
	*rest = comma;
	return text;
}

static bool octets(const char *text, unsigned char *out, size_t size,
    size_t *n)
{
	char room[SCRAM_SALT_MAX + 1];

	if (text == NULL || !base64_decode(text, room, sizeof room, n) ||
	    *n > size)
		return false;
	memcpy(out, room, *n);
	explicit_bzero(room, sizeof room);
	return true;
}

bool scram_verifier_parse(struct scram_verifier *v, const char *text)
{
	char room[SCRAM_VERIFIER_SIZE], *rest = room, *number;
	size_t stored = 0, server = 0;
	uint64_t n;
	bool ok;

	if (strlen(text) >= sizeof room)
		return false;
	strcpy(room, text);
	number = field(&rest);
	ok = number_parse(number, SCRAM_ITERATIONS_MAX, &n) && n > 0 &&
	    octets(field(&rest), v->salt, sizeof v->salt, &v->salt_size) &&
	    v->salt_size > 0 &&
	    octets(field(&rest), v->stored, sizeof v->stored, &stored) &&
	    octets(field(&rest), v->server, sizeof v->server, &server) &&
	    stored == sizeof v->stored && server == sizeof v->server &&
	    rest == NULL;
	v->iterations = ok ? (unsigned)n : 0;
	explicit_bzero(room, sizeof room);
	return ok;
}

void scram_verifier_text(char text[SCRAM_VERIFIER_SIZE],
    const struct scram_verifier *v)
{
	char salt[BASE64_SIZE(SCRAM_SALT_MAX)];
	char stored[BASE64_SIZE(SHA256_SIZE)], server[BASE64_SIZE(SHA256_SIZE)];

	base64_encode(salt, v->salt, v->salt_size);
	base64_encode(stored, v->stored, sizeof v->stored);
	base64_encode(server, v->server, sizeof v->server);
	snprintf(text, SCRAM_VERIFIER_SIZE, "%u,%s,%s,%s", v->iterations, salt,
	    stored, server);
}

static void hmac_text(unsigned char out[SHA256_SIZE],
    const unsigned char key[SHA256_SIZE], const char *text)
{
	hmac_sha256(out, key, SHA256_SIZE, text, strlen(text));
}

static void hash(unsigned char out[SHA256_SIZE],
    const unsigned char in[SHA256_SIZE])
{
	struct sha256 s;

	sha256_begin(&s);
	sha256_add(&s, in, SHA256_SIZE);
	sha256_end(&s, out);
}

void scram_verifier_make(struct scram_verifier *v, const char *password)
{
	unsigned char salted[SHA256_SIZE], client[SHA256_SIZE];

	pbkdf2_sha256(salted, password, strlen(password), v->salt,
	    v->salt_size, v->iterations);
	hmac_text(client, salted, "Client Key");
	hash(v->stored, client);
	hmac_text(v->server, salted, "Server Key");
	explicit_bzero(salted, sizeof salted);
	explicit_bzero(client, sizeof client);
}

/* Looks at every octet, whatever the first ones say. */
static bool same(const unsigned char *a, const unsigned char *b)
{
	unsigned char difference = 0;

	for (size_t i = 0; i < SHA256_SIZE; i++)
		difference |= (unsigned char)(a[i] ^ b[i]);
	return difference == 0;
}

bool scram_verifier_is_of(const struct scram_verifier *v, const char *password)
{
	struct scram_verifier made = *v;

	scram_verifier_make(&made, password);
	bool is = same(made.stored, v->stored);
	explicit_bzero(&made, sizeof made);
	return is;
}

/* saslname: RFC 5802 5.1. Two octets have names, and = is nothing else. */
static bool name_read(const char *text, char out[SCRAM_NAME_SIZE])
{
	size_t n = 0;

	for (; *text != '\0'; text++) {
		char c = *text;
		if (c == '=') {
			if (strncmp(text, "=2C", 3) != 0 &&
			    strncmp(text, "=3D", 3) != 0)
				return false;
			c = text[1] == '2' ? ',' : '=';
			text += 2;
		}
		if (n + 1 >= SCRAM_NAME_SIZE)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return n > 0;
}

/* A nonce, or any text of one: RFC 5802 7, without the commas. */
static bool printable(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

/* gs2-cbind-flag */
static bool flag_read(struct scram_first *f, const char *text)
{
	f->flag = *text;
	if (*text != 'p')
		return strcmp(text, "n") == 0 || strcmp(text, "y") == 0;
	if (text[1] != '=' || strlen(text + 2) >= sizeof f->binding ||
	    !printable(text + 2))
		return false;
	strcpy(f->binding, text + 2);
	return true;
}

bool scram_first_parse(struct scram_first *f, const char *text)
{
	char room[SCRAM_SIZE], *rest = room, *part;

	*f = (struct scram_first){0};
	if (strlen(text) >= sizeof room)
		return false;
	strcpy(room, text);
	if ((part = field(&rest)) == NULL || !flag_read(f, part))
		return false;
	if ((part = field(&rest)) == NULL || (*part != '\0' &&
	    (strncmp(part, "a=", 2) != 0 || !name_read(part + 2, f->authzid))))
		return false;
	if (rest == NULL)
		return false;
	f->bare = (size_t)(rest - room);
	/* m= in this place is an extension that must be understood. */
	part = field(&rest);
	if (strncmp(part, "n=", 2) != 0 || !name_read(part + 2, f->user))
		return false;
	part = field(&rest);
	if (part == NULL || strncmp(part, "r=", 2) != 0 ||
	    strlen(part + 2) >= sizeof f->nonce || !printable(part + 2))
		return false;
	strcpy(f->nonce, part + 2);
	return true; /* what follows are extensions that may be ignored */
}

/* c= has the header as it was said, and the channel behind it. */
static bool binding_text(struct scram *s, const struct scram_first *f,
    const char *first, const void *binding, size_t n)
{
	char room[SCRAM_SIZE];

	if (n > SCRAM_BINDING_MAX ||
	    BASE64_SIZE(f->bare + n) > sizeof s->binding)
		return false;
	memcpy(room, first, f->bare);
	if (n > 0)
		memcpy(room + f->bare, binding, n);
	base64_encode(s->binding, room, f->bare + n);
	return true;
}

bool scram_challenge(struct scram *s, const struct scram_first *f,
    const char *first, const char *server_nonce, const void *binding,
    size_t n, char text[SCRAM_SIZE])
{
	char salt[BASE64_SIZE(SCRAM_SALT_MAX)];
	size_t len = strlen(f->nonce) + strlen(server_nonce);

	if (len >= sizeof s->nonce || !binding_text(s, f, first, binding, n))
		return false;
	base64_encode(salt, s->verifier.salt, s->verifier.salt_size);
	snprintf(s->nonce, sizeof s->nonce, "%s%s", f->nonce, server_nonce);
	snprintf(text, SCRAM_SIZE, "r=%s,s=%s,i=%u", s->nonce, salt,
	    s->verifier.iterations);
	snprintf(s->message, sizeof s->message, "%s,%s,", first + f->bare,
	    text);
	return true;
}

/* Is what the proof stands behind the answer to our challenge? */
static bool final_fits(const struct scram *s, const char *text)
{
	char room[SCRAM_SIZE], *rest = room, *part;

	strcpy(room, text);
	part = field(&rest);
	if (strncmp(part, "c=", 2) != 0 || strcmp(part + 2, s->binding) != 0)
		return false;
	part = field(&rest);
	return part != NULL && strncmp(part, "r=", 2) == 0 &&
	    strcmp(part + 2, s->nonce) == 0;
}

/* RFC 5802 3: ClientSignature, ClientKey, StoredKey. */
static bool proof_fits(const struct scram *s, const unsigned char *proof)
{
	unsigned char key[SHA256_SIZE], stored[SHA256_SIZE];

	hmac_text(key, s->verifier.stored, s->message);
	for (size_t i = 0; i < sizeof key; i++)
		key[i] ^= proof[i];
	hash(stored, key);
	explicit_bzero(key, sizeof key);
	return same(stored, s->verifier.stored);
}

bool scram_final(struct scram *s, const char *final, char text[SCRAM_SIZE])
{
	unsigned char proof[SHA256_SIZE], signature[SHA256_SIZE];
	char room[SCRAM_SIZE], *at = NULL;
	size_t n = 0, len = strlen(s->message);

	if (strlen(final) >= sizeof room)
		return false;
	strcpy(room, final);
	for (char *p = room; (p = strstr(p, ",p=")) != NULL; p++)
		at = p; /* the proof is last */
	if (at == NULL || !octets(at + 3, proof, sizeof proof, &n) ||
	    n != sizeof proof)
		return false;
	*at = '\0';
	if (!final_fits(s, room) ||
	    len + strlen(room) >= sizeof s->message)
		return false;
	strcpy(s->message + len, room);
	if (!proof_fits(s, proof))
		return false;
	hmac_text(signature, s->verifier.server, s->message);
	strcpy(text, "v=");
	base64_encode(text + 2, signature, sizeof signature);
	return true;
}
