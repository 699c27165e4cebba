#include "local.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "log.h"
#include "str.h"

#define DOMAINS_FILE "users/domains"
#define DOMAINS_MAX (1u << 20)

/* The names in the file, each NUL-terminated, one after the other. */
static const char *domains(const char **end)
{
	static char text_room[1024], names_room[1024];
	static struct str text = STR_ROOM(text_room);
	static struct str names = STR_ROOM(names_room);
	static bool loaded;
	char *rest, *line, *word;

	if (!loaded) {
		loaded = true;
		if (!str_read_file(&text, DOMAINS_FILE, DOMAINS_MAX))
			fatal(errno == ENOENT ? EX_CONFIG : EX_TEMPFAIL,
			    "%s: %s", DOMAINS_FILE, strerror(errno));
		rest = text.p;
		while ((line = text_line(&rest)) != NULL) {
			word = text_word(&line);
			if (word != NULL && *word != '#')
				str_add(&names, word, strlen(word) + 1);
		}
	}
	*end = names.p + names.len;
	return names.p;
}

bool domain_is_local(const char *domain)
{
	const char *end, *p = domains(&end);

	for (; p < end; p += strlen(p) + 1)
		if (strcasecmp(p, domain) == 0)
			return true;
	return false;
}

const char *domain_default(void)
{
	const char *end, *p = domains(&end);

	return p; /* str is always terminated: "" when there is none */
}

void fold(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

/* One component of a path: no way out of the directory, nothing hidden. */
static bool component(const char *s)
{
	if (*s == '\0' || *s == '.' || *s == '-' || strlen(s) > 255)
		return false;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f || *s == '/')
			return false;
	return true;
}

bool mailbox_path(char path[MAILBOX_SIZE], const char *local,
    const char *domain)
{
	if (!component(local) || !component(domain))
		return false;
	int n = snprintf(path, MAILBOX_SIZE, "spool/mail/%s/%s", domain,
	    local);
	if (n < 0 || n >= MAILBOX_SIZE)
		return false;
	fold(path);
	return true;
}
