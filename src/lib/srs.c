#include "srs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "local.h"
#include "log.h"
#include "program.h"
#include "queue.h"
#include "sha256.h"
#include "str.h"

#define SECRET_SIZE 32   /* octets: as long as what it makes */
#define SECRETS_MAX 4096 /* bytes of the file: some dozen of them */
#define DAYS 1024        /* what two characters of base32 tell apart */

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* The secrets */

struct secrets {
	struct str text;
	char *rest; /* of the text: lines are cut off */
};

static bool secret_print(char text[2 * SECRET_SIZE + 2])
{
	unsigned char octets[SECRET_SIZE];
	ssize_t got;
	size_t n = 0;

	do
		got = getrandom(octets, sizeof octets, 0);
	while (got < 0 && errno == EINTR);
	if (got != sizeof octets)
		return false;
	for (size_t i = 0; i < sizeof octets; i++)
		n += (size_t)snprintf(text + n, 3, "%02x", octets[i]);
	strcpy(text + n, "\n");
	explicit_bzero(octets, sizeof octets);
	return true;
}

static int failed; /* errno of making one; 0: none */

/*
 * 0, or errno. It is whole when it gets its name; somebody may be faster. Before
 * that it is in `dir`, on the same file system.
 */
static int secret_make(const char *dir)
{
	static SELDOM struct file f;
	char path[FILE_PATH_SIZE], id[ID_SIZE], text[2 * SECRET_SIZE + 2];
	int error;

	if (!secret_print(text))
		return errno;
	id_make(id);
	snprintf(path, sizeof path, "%s/srs-secret.%s", dir, id);
	file_create(&f, path, O_WRONLY);
	file_write(&f, text, strlen(text));
	explicit_bzero(text, sizeof text);
	error = file_sync(&f) ? file_link(&f, SRS_FILE) : f.error;
	file_end(&f);
	explicit_bzero(f.buf, sizeof text);
	if (error != 0)
		return error == EEXIST ? 0 : error;
	info("made " SRS_FILE);
	return directory_sync("users");
}

void srs_begin(void)
{
	if (access(SRS_FILE, F_OK) == 0 || errno != ENOENT)
		return;
	failed = secret_make(QUEUE_TMP);
	if (failed == EXDEV)
		failed = secret_make("users");
}

/* The next one; NULL: there are no more. */
static char *secret_next(struct secrets *s)
{
	char *line, *word;

	while ((line = text_line(&s->rest)) != NULL)
		if ((word = text_word(&line)) != NULL && *word != '#')
			return word;
	return NULL;
}

/* 0, or errno. */
static int secrets_load(struct secrets *s)
{
	bool done;

	*s = (struct secrets){0};
	done = str_read_file(&s->text, SRS_FILE, SECRETS_MAX);
	s->rest = s->text.p;
	return done ? 0 : errno;
}

static void secrets_free(struct secrets *s)
{
	explicit_bzero(s->text.p, s->text.len);
	str_free(&s->text);
}

/* The parts of an address */

/* What is covered: the kind, and all that stands behind the hash. */
static void hash_make(char hash[SRS_HASH + 1], const char *secret, char kind,
    const char *rest)
{
	unsigned char digest[SHA256_SIZE];
	char text[ADDRESS_SIZE + 8];
	uint64_t bits = 0;
	int n = snprintf(text, sizeof text, "%c=%s", kind, rest);

	fold(text);
	hmac_sha256(digest, secret, strlen(secret), text, (size_t)n);
	for (int i = 0; i < 8; i++)
		bits = bits << 8 | digest[i];
	for (int i = 0; i < SRS_HASH; i++, bits <<= 5)
		hash[i] = base32[bits >> 59];
	hash[SRS_HASH] = '\0';
}

/* In a time that tells nothing about where they differ. */
static bool hash_same(const char *a, const char *b)
{
	unsigned char differ = 0;
	char x[SRS_HASH + 1], y[SRS_HASH + 1];

	snprintf(x, sizeof x, "%s", a);
	snprintf(y, sizeof y, "%s", b);
	fold(x);
	fold(y);
	for (int i = 0; i < SRS_HASH; i++)
		differ |= (unsigned char)(x[i] ^ y[i]);
	return differ == 0;
}

static unsigned today(void)
{
	return (unsigned)(time(NULL) / 86400 % DAYS);
}

/* Two characters of base32. */
static bool day_parse(const char *text, unsigned *day)
{
	*day = 0;
	for (const char *p = text; *p != '\0'; p++) {
		char c = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
		const char *at = strchr(base32, c);
		if (at == NULL)
			return false;
		*day = *day * 32 + (unsigned)(at - base32);
	}
	return strlen(text) == 2;
}

/* A clock beside us may be a little ahead. */
static bool day_is_fresh(const char *text)
{
	unsigned day, age;

	if (!day_parse(text, &day))
		return false;
	age = (today() + DAYS - day) % DAYS;
	return age <= SRS_DAYS || age == DAYS - 1;
}

/* "SRS0" or "SRS1" and one of these, in whatever case: what others make. */
static bool is_kind(const char *local, char kind)
{
	return strncasecmp(local, "SRS", 3) == 0 && local[3] == kind &&
	    local[4] != '\0' && strchr("=+-", local[4]) != NULL;
}

/* Cuts *text at its first '=': what was before it; NULL: there is none. */
static char *field(char **text)
{
	char *start = *text, *end = strchr(start, '=');

	if (end == NULL || end == start)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return start;
}

/* local@domain, the local part in quotes if it needs them. False: too long. */
static bool address_print(char out[ADDRESS_SIZE], const char *local,
    const char *domain)
{
	struct address a;
	char text[3 * ADDRESS_SIZE];
	size_t n = 0;

	snprintf(text, sizeof text, "%s@%s", local, domain);
	if (address_parse(text, &a) != ADDRESS_OK ||
	    strcmp(a.local, local) != 0) {
		text[n++] = '"';
		for (; *local != '\0'; local++) {
			if (*local == '"' || *local == '\\')
				text[n++] = '\\';
			text[n++] = *local;
		}
		snprintf(text + n, sizeof text - n, "\"@%s", domain);
		if (address_parse(text, &a) != ADDRESS_OK)
			return false;
	}
	strcpy(out, a.text);
	return *a.domain != '\0';
}

/* Out */

/* SRS1, if somebody has rewritten it before. */
static bool rewrite_again(char rest[ADDRESS_SIZE], const struct address *from)
{
	char copy[ADDRESS_SIZE], *p = copy, *first;

	if (is_kind(from->local, '0')) /* FIRST is who sends it to us */
		return snprintf(rest, ADDRESS_SIZE, "%s=%s", from->domain,
		    from->local + 4) < ADDRESS_SIZE;
	if (!is_kind(from->local, '1'))
		return false;
	strcpy(copy, from->local + 5); /* it keeps FIRST and REST */
	if (field(&p) == NULL || (first = field(&p)) == NULL ||
	    !domain_valid(first) || *p == '\0' || strchr("=+-", *p) == NULL)
		return false;
	return snprintf(rest, ADDRESS_SIZE, "%s=%s", first, p) < ADDRESS_SIZE;
}

/* 0, or errno. By the first secret. */
static int sign(char hash[SRS_HASH + 1], char kind, const char *rest)
{
	struct secrets secrets;
	int found = secrets_load(&secrets), error = failed != 0 ? failed : found;
	const char *secret = error == 0 ? secret_next(&secrets) : NULL;

	if (secret != NULL)
		hash_make(hash, secret, kind, rest);
	else
		warn(SRS_FILE ": %s", error != 0 ? strerror(error) :
		    "no secret in it");
	secrets_free(&secrets);
	return secret != NULL ? 0 : error != 0 ? error : EINVAL;
}

int srs_rewrite(char out[ADDRESS_SIZE], const char *sender, const char *domain)
{
	char rest[ADDRESS_SIZE], local[ADDRESS_SIZE + 16], hash[SRS_HASH + 1];
	struct address from;
	unsigned day = today();
	char kind = '1';
	int error;

	strcpy(out, sender);
	if (address_parse(sender, &from) != ADDRESS_OK ||
	    *from.domain == '\0' || domain_is_local(from.domain))
		return 0;
	if (!rewrite_again(rest, &from)) {
		kind = '0';
		if (snprintf(rest, sizeof rest, "%c%c=%s=%s", base32[day / 32],
		    base32[day % 32], from.domain, from.local) >= ADDRESS_SIZE)
			return 0;
	}
	error = sign(hash, kind, rest);
	if (error != 0)
		return error;
	snprintf(local, sizeof local, "SRS%c=%s=%s", kind, hash, rest);
	if (!address_print(out, local, domain))
		strcpy(out, sender);
	return 0;
}

/* Back */

/* Is it the hash of the rest, by one of our secrets? */
static enum srs_result verify(char kind, const char *hash, const char *rest)
{
	struct secrets secrets;
	char ours[SRS_HASH + 1];
	const char *secret;
	int error = secrets_load(&secrets);
	/* Without a file we have never made one. */
	enum srs_result result = error == ENOENT ? SRS_FORGED : SRS_FAILED;

	while (error == 0 && (secret = secret_next(&secrets)) != NULL) {
		hash_make(ours, secret, kind, rest);
		if (hash_same(ours, hash))
			result = SRS_OK;
		else if (result != SRS_OK)
			result = SRS_FORGED;
	}
	secrets_free(&secrets);
	errno = error != 0 ? error : EINVAL;
	return result;
}

enum srs_result srs_restore(char out[ADDRESS_SIZE], const struct address *a)
{
	char kind = is_kind(a->local, '0') ? '0' : '1';
	char copy[ADDRESS_SIZE], local[ADDRESS_SIZE + 8], *p = copy;
	const char *hash, *day = NULL, *domain;
	enum srs_result result;

	if (!is_kind(a->local, kind) || a->local[4] != '=')
		return SRS_NONE;
	strcpy(copy, a->local + 5);
	hash = field(&p);
	if (hash == NULL || strlen(hash) != SRS_HASH)
		return SRS_FORGED;
	result = verify(kind, hash, p);
	if (result != SRS_OK)
		return result;
	if (kind == '0' && (day = field(&p)) == NULL)
		return SRS_FORGED;
	if (day != NULL && !day_is_fresh(day))
		return SRS_EXPIRED;
	domain = field(&p);
	snprintf(local, sizeof local, "%s%s", kind == '0' ? "" : "SRS0", p);
	return domain != NULL && address_print(out, local, domain) ? SRS_OK :
	    SRS_FORGED;
}
