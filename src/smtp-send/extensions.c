#include "extensions.h"

#include <string.h>
#include <strings.h>

#include "str.h"

void extensions_forget(struct session *s)
{
	s->extensions = 0;
	s->size_max = s->mail_max = s->rcpt_max = s->domain_max = 0;
}

static void auth_extension(struct session *s, char *words)
{
	for (char *word; (word = text_word(&words)) != NULL;)
		if (strcasecmp(word, "PLAIN") == 0)
			s->extensions |= EXT_AUTH_PLAIN;
		else if (strcasecmp(word, "LOGIN") == 0)
			s->extensions |= EXT_AUTH_LOGIN;
}

static void size_extension(struct session *s, char *words)
{
	char *word = text_word(&words);

	s->extensions |= EXT_SIZE;
	if (word != NULL)
		number_parse(word, UINT64_MAX, &s->size_max);
}

/* NAME=NUMBER, of six digits at most; unknown names are for others. */
static void limits_extension(struct session *s, char *words)
{
	const struct {
		const char *name;
		uint64_t *limit;
	} known[] = {
		{"MAILMAX=", &s->mail_max},
		{"RCPTMAX=", &s->rcpt_max},
		{"RCPTDOMAINMAX=", &s->domain_max},
	};

	for (char *word; (word = text_word(&words)) != NULL;)
		for (size_t i = 0; i < 3; i++) {
			size_t n = strlen(known[i].name);
			if (strncasecmp(word, known[i].name, n) == 0)
				number_parse(word + n, 999999, known[i].limit);
		}
}

static const struct {
	const char *keyword;
	unsigned bit;
	void (*words)(struct session *, char *); /* NULL: there are none */
} extensions[] = {
	{"PIPELINING", EXT_PIPELINING, NULL},
	{"SIZE", 0, size_extension},
	{"8BITMIME", EXT_8BITMIME, NULL},
	{"SMTPUTF8", EXT_SMTPUTF8, NULL},
	{"DSN", EXT_DSN, NULL},
	{"CHUNKING", EXT_CHUNKING, NULL},
	{"AUTH", 0, auth_extension},
	{"LIMITS", 0, limits_extension},
	{"STARTTLS", EXT_STARTTLS, NULL},
};

void extension_read(void *session, char *line)
{
	struct session *s = session;
	char *keyword = text_word(&line);

	if (keyword == NULL)
		return;
	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
		if (strcasecmp(keyword, extensions[i].keyword) == 0) {
			s->extensions |= extensions[i].bit;
			if (extensions[i].words != NULL)
				extensions[i].words(s, line);
		}
}
