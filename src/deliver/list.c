#include "list.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

char *list_next(struct list *l)
{
	char *from = l->rest, *to, *start;
	bool quoted = false;

	l->line += l->ends;
	l->ends = 0;
	for (; *from != '\0' && strchr(", \t\r\n#", *from) != NULL; from++) {
		if (*from == '#')
			from += strcspn(from, "\n");
		if (*from == '\0')
			break;
		l->line += *from == '\n';
	}
	if (*from == '\0') {
		l->rest = from;
		return NULL;
	}
	start = to = from;
	for (; *from != '\0' && (quoted || strchr(",\n", *from) == NULL);
	    from++) {
		l->ends += *from == '\n';
		if (*from == '"')
			quoted = !quoted;
		else
			*to++ = *from;
	}
	l->ends += *from == '\n';
	l->rest = *from != '\0' ? from + 1 : from;
	while (to > start && strchr(" \t\r", to[-1]) != NULL)
		to--;
	*to = '\0';
	return start;
}

/* The value in a line that begins an entry, if its key is this one. */
static const char *value_of(const char *line, const char *key)
{
	size_t n = strlen(key);
	bool quotes = *line == '"';

	line += quotes;
	if (strncasecmp(line, key, n) != 0)
		return NULL;
	line += n;
	if (quotes && *line++ != '"')
		return NULL;
	line += strspn(line, " \t");
	return *line == ':' ? line + 1 : NULL;
}

/* The file is read when it is first asked for. */
static struct {
	bool loaded;
	struct stat stat;
	char room[1024];
	struct str text;
} aliases = {.text = STR_ROOM(aliases.room)};

static bool aliases_changed(void)
{
	struct stat now = {0};

	stat(ALIASES_FILE, &now);
	return now.st_ino != aliases.stat.st_ino ||
	    now.st_size != aliases.stat.st_size ||
	    now.st_mtim.tv_sec != aliases.stat.st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != aliases.stat.st_mtim.tv_nsec;
}

void aliases_refresh(void)
{
	if (aliases.loaded && aliases_changed())
		aliases.loaded = false;
}

bool aliases_replaced(void)
{
	int fd;

	if (!aliases_changed())
		return false;
	fd = open(ALIASES_FILE, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EACCES;
}

void aliases_begin(void)
{
	stat(ALIASES_FILE, &aliases.stat);
}

static bool aliases_load(void)
{
	if (aliases.loaded)
		return true;
	/* What changes while it is read is seen the next time. */
	aliases.stat = (struct stat){0};
	stat(ALIASES_FILE, &aliases.stat);
	if (!str_read_file(&aliases.text, ALIASES_FILE, LIST_MAX) &&
	    errno != ENOENT) {
		aliases.stat = (struct stat){0};
		return false;
	}
	aliases.loaded = true;
	return true;
}

/* Comments and blank lines may stand anywhere. */
enum alias_result alias_find(const char *key, struct str *value,
    unsigned *line)
{
	const char *p, *end, *text;
	unsigned number = 0;
	bool found = false;

	if (!aliases_load())
		return ALIAS_UNREADABLE;
	for (p = aliases.text.p; *p != '\0'; p = end + (*end == '\n')) {
		end = p + strcspn(p, "\n");
		number++;
		text = p + strspn(p, " \t\r");
		if (*text == '#' || text >= end)
			continue;
		if (text == p) {
			if (found)
				break;
			text = value_of(p, key);
			found = text != NULL;
			if (found)
				*line = number;
		}
		if (found) {
			str_add(value, text, (size_t)(end - text));
			str_add(value, " ", 1);
		}
	}
	return found ? ALIAS_FOUND : ALIAS_NONE;
}
