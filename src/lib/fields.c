#include "fields.h"

#include <string.h>
#include <strings.h>

const char *const mbox_fields[MBOX_FIELDS] = {"Status", "X-Status",
    "X-Keywords", "X-UID", "X-IMAP", "X-IMAPbase", "Content-Length",
    "X-Mozilla-Status", "X-Mozilla-Status2", "X-Mozilla-Keys"};

enum mbox_field mbox_field(const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	size_t name = colon != NULL ? (size_t)(colon - line) : 0;
	enum mbox_field i = 0;

	while (i < MBOX_FIELDS && (strlen(mbox_fields[i]) != name ||
	    strncasecmp(mbox_fields[i], line, name) != 0))
		i++;
	return i;
}

bool is_from_quoted(const char *line, size_t n)
{
	size_t quotes = 0;

	while (quotes < n && line[quotes] == '>')
		quotes++;
	return n - quotes >= 5 && memcmp(line + quotes, "From ", 5) == 0;
}
