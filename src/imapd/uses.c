#include "uses.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "root.h"

#define USES_MAX 4096 /* octets: five lines */

/* \All, \Flagged and \Important are of messages that are elsewhere too. */
const char *const use_attributes[USES] = {
	"\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash",
};

const char *const use_names[USES] = {
	"Archive", "Drafts", "Junk", "Sent", "Trash",
};

int use_find(const char *attribute, size_t n)
{
	for (int i = 0; i < USES; i++)
		if (strlen(use_attributes[i]) == n &&
		    strncasecmp(use_attributes[i], attribute, n) == 0)
			return i;
	return -1;
}

/* The name may hold blanks. */
static void read_line(struct uses *u, const char *line)
{
	size_t n = strcspn(line, " ");
	int use = use_find(line, n);

	if (use < 0 || line[n] == '\0' || !name_valid(line + n + 1))
		return;
	strcpy(u->name[use], line + n + 1);
	u->said[use] = true;
}

void uses_read(struct uses *u)
{
	struct str text = {0};
	char *rest, *line;

	for (int i = 0; i < USES; i++) {
		strcpy(u->name[i], use_names[i]);
		u->said[i] = false;
	}
	if (!root_read(&text, USES_FILE, USES_MAX) && errno != ENOENT)
		warn(USES_FILE ": %s", strerror(errno));
	for (rest = text.p; (line = text_line(&rest)) != NULL;)
		read_line(u, line);
	str_free(&text);
}

bool uses_write(const struct uses *u)
{
	struct str text = {0};
	bool fine;

	str_clear(&text);
	for (int i = 0; i < USES; i++)
		if (u->said[i])
			str_printf(&text, "%s %s\n", use_attributes[i],
			    u->name[i]);
	fine = root_write(USES_FILE, &text);
	str_free(&text);
	return fine;
}
