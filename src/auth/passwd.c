#include "passwd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "auth.h"
#include "log.h"
#include "scram.h"

#define PASSWD_FILE "users/passwd"
#define PASSWD_MAX (64u << 20)

/* A locked one has something before it that is no hash. */
static bool is_usable(const char *hash, bool scram)
{
	return strncmp(hash, SCRAM_SCHEME, strlen(SCRAM_SCHEME)) == 0 ||
	    (!scram && *hash_bare(hash) == '$');
}

/* The hash in the line; NULL: it has none. Cuts the user off. */
static char *line_hash(char *line)
{
	char *hash = strchr(line, ':');

	if (*line == '#' || hash == NULL)
		return NULL;
	*hash++ = '\0';
	hash[strcspn(hash, ":\r\n")] = '\0';
	return hash;
}

/* The next line; what is longer than one can be is passed over. */
static char *line_next(FILE *f, char line[PASSWD_LINE], size_t *read)
{
	bool whole = true, starts;

	while (fgets(line, PASSWD_LINE, f) != NULL) {
		size_t n = strlen(line);
		*read += n;
		starts = whole;
		whole = n < PASSWD_LINE - 1 || line[n - 1] == '\n';
		if (starts && whole)
			return line;
	}
	return NULL;
}

/* All of it in any case: the time must not tell where the user stands. */
static bool search(FILE *f, const char *user, bool scram,
    char found[PASSWD_LINE])
{
	static char line[PASSWD_LINE], first[PASSWD_LINE];
	bool seen = false, known = false;
	size_t size = 0;
	char *hash;

	while (line_next(f, line, &size) != NULL && size <= PASSWD_MAX) {
		hash = line_hash(line);
		if (hash == NULL)
			continue;
		if (*first == '\0' && is_usable(hash, scram))
			strcpy(first, hash);
		if (strcasecmp(line, user) != 0 || seen)
			continue;
		seen = true; /* of two lines the first counts */
		known = is_usable(hash, scram);
		if (known)
			strcpy(found, hash);
	}
	if (size > PASSWD_MAX)
		errno = EFBIG;
	if (ferror(f) || size > PASSWD_MAX)
		fatal(UNAVAILABLE, "%s: %s", PASSWD_FILE, strerror(errno));
	if (!known)
		strcpy(found, first);
	explicit_bzero(line, sizeof line);
	explicit_bzero(first, sizeof first);
	return known;
}

bool passwd_find(const char *user, bool scram, char hash[PASSWD_LINE])
{
	static char buffer[32768];
	FILE *f = fopen(PASSWD_FILE, "re");
	bool known = false;

	*hash = '\0';
	if (f != NULL) {
		setvbuf(f, buffer, _IOFBF, sizeof buffer);
		known = search(f, user, scram, hash);
		fclose(f);
	} else {
		fatal(UNAVAILABLE, "%s: %s", PASSWD_FILE, strerror(errno));
	}
	explicit_bzero(buffer, sizeof buffer);
	return known;
}
