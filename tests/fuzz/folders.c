/*
 * Names of folders, and LIST's patterns: an octet (bit 0: in UTF-8), a name, a
 * line's end, a pattern.
 */
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "names.h"
#include "imapd/pattern.h"

/* A string of its own, so that a step past its end is seen. */
static char *string(const uint8_t *data, size_t n)
{
	char *s = malloc(n + 1);

	MUST(s != NULL);
	if (n > 0)
		memcpy(s, data, n);
	s[n] = '\0';
	return s;
}

/* One way to write it, and it fits where it has to. */
static void check_name(const char *name)
{
	char again[FOLDER_NAME_SIZE];
	struct str shown = {0};

	MUST(strlen(name) < FOLDER_NAME_SIZE && *name != '\0');
	MUST(name_valid(name));
	MUST(strchr(name, '/') == NULL && *name != '.');
	for (const char *p = name; *p != '\0'; p++)
		MUST(*p >= ' ' && *p <= '~');
	MUST(name_decode(&shown, name, strlen(name)));
	MUST(shown.len < NAME_UTF8_SIZE && strlen(shown.p) == shown.len);
	MUST(strchr(shown.p, '/') == NULL);
	MUST(name_read(again, shown.p, true) == NULL);
	MUST(strcmp(again, name) == 0 && name_compare(again, name) == 0);
	str_free(&shown);
}

/*
 * The same by a table: does text[i …] match what[j …]? Both in UTF-8.
 */
static bool matches(const char *text, const char *what)
{
	size_t n = strlen(text), m = strlen(what);
	bool inbox = strncmp(text, "INBOX", 5) == 0 &&
	    (text[5] == '\0' || text[5] == '.');
	bool *may = calloc((n + 1) * (m + 1), 1), result;

	MUST(may != NULL);
	for (size_t i = n + 1; i-- > 0;)
		for (size_t j = m + 1; j-- > 0;) {
			bool *this = &may[i * (m + 1) + j];
			if (j == m)
				*this = i == n;
			else if (what[j] == '*' || what[j] == '%')
				*this = this[1] || (i < n &&
				    (what[j] == '*' || text[i] != '.') &&
				    this[m + 1]);
			else
				*this = i < n && (text[i] == what[j] ||
				    (inbox && i < 5 &&
				    (text[i] | 0x20) == what[j])) &&
				    this[m + 2];
		}
	result = may[0];
	free(may);
	return result;
}

static void check_pattern(const char *name, const char *said)
{
	static struct pattern p;
	struct str shown = {0};
	size_t octets = 0;
	bool is;

	pattern_make(&p, "", said, true);
	is = pattern_matches(&p, name);
	for (size_t i = 0; said[i] != '\0'; i++)
		octets += said[i] != '*' && said[i] != '%';
	MUST(name_decode(&shown, name, strlen(name)));
	if (octets < NAME_UTF8_SIZE - 1)
		MUST(is == matches(shown.p, said));
	pattern_make(&p, "", name, false);
	MUST(pattern_matches(&p, name) || strpbrk(name, "*%") != NULL);
	pattern_make(&p, "", said, false);
	is = pattern_matches(&p, name);
	if (strchr(said, '&') == NULL && octets < NAME_UTF8_SIZE - 1 && is)
		MUST(matches(shown.p, said));
	str_free(&shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char name[FOLDER_NAME_SIZE], *said, *pattern;
	const uint8_t *lf;
	size_t k;

	if (n == 0)
		return 0;
	lf = memchr(data + 1, '\n', n - 1);
	k = lf == NULL ? n : (size_t)(lf - data);
	said = string(data + 1, k - 1);
	pattern = lf == NULL ? string(data, 0) : string(lf + 1, n - k - 1);
	if (name_read(name, said, data[0] & 1) == NULL) {
		check_name(name);
		check_pattern(name, pattern);
	}
	free(said);
	free(pattern);
	return 0;
}
