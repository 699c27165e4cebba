#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local.h"
#include "log.h"
#include "str.h"

#define ALIASES_FILE "users/aliases"
#define LIST_MAX (4u << 20) /* bytes of a list: half a million addresses */
#define KEY_SIZE (2 * ADDRESS_SIZE)

#define UNKNOWN "550 5.1.1 No such user here"
#define LATER "451 4.3.0 Cannot look the address up now"
#define BROKEN "451 4.3.5 Its alias or forward is broken, tell postmaster"

/* Where a list of targets stands: what it may name, and how names complete. */
enum origin { FROM_ALIASES, FROM_INCLUDE, FROM_FORWARD };

struct search {
	struct targets *all;
	struct recipient_targets *mine;
	const char *recipient;
	bool pipes;
	/* The aliases and forwards that led here; one met again is the end. */
	const char *open[NESTING_MAX];
	size_t depth;
	/* The first trouble; it counts when no target was found. */
	const char *refusal;
	/* What was found is not all, or may not be. */
	bool later;
};

struct list {
	enum origin origin;
	const char *domain;  /* of names without one */
	const char *mailbox; /* FROM_FORWARD: the only place for files */
};

static void expand(struct search *, const char *address, const char *domain);

static void refuse(struct search *s, const char *reply)
{
	if (s->refusal == NULL)
		s->refusal = reply;
}

static void broken(struct search *s, const char *why, const char *what)
{
	warn("alias problem=%s what=%s recipient=<%s>", why, safe(what),
	    safe(s->recipient));
	refuse(s, BROKEN);
}

static void unreadable(struct search *s, const char *path)
{
	warn("alias problem=%s what=%s recipient=<%s>",
	    quoted(strerror(errno)), safe(path), safe(s->recipient));
	s->later = true;
}

static void add(struct search *s, enum target_kind kind, const char *what)
{
	struct targets *all = s->all;
	struct recipient_targets *mine = s->mine;
	size_t i = 0;

	while (i < all->count && (all->target[i].kind != kind ||
	    strcmp(all->target[i].what, what) != 0))
		i++;
	for (size_t k = 0; k < mine->count; k++)
		if (mine->index[k] == i)
			return;
	if (mine->count >= TARGETS_MAX) {
		broken(s, "too-many-targets", what);
		s->later = true; /* some would have it, and some not */
		return;
	}
	if (i == all->count) {
		all->target = pool_grow(all->pool, all->target, i,
		    sizeof *all->target);
		all->target[all->count++] = (struct target){.kind = kind,
		    .what = pool_copy(all->pool, what),
		    .recipient = mine->recipient};
	}
	mine->index = pool_grow(all->pool, mine->index, mine->count,
	    sizeof *mine->index);
	mine->index[mine->count++] = i;
}

/* True, and one level deeper, unless `name` is open already. */
static bool enter(struct search *s, const char *name)
{
	for (size_t i = 0; i < s->depth; i++)
		if (strcmp(s->open[i], name) == 0)
			return false;
	if (s->depth == NESTING_MAX) {
		broken(s, "nested-too-deep", name);
		return false;
	}
	s->open[s->depth++] = name;
	return true;
}

static void leave(struct search *s)
{
	s->open[--s->depth] = NULL;
}

/* Lists: targets between commas and line ends; "quotes" keep them together. */

static void target_file(struct search *s, const char *path,
    const struct list *list)
{
	char inside[MAILBOX_SIZE + 256];
	size_t n;

	if (list->origin == FROM_FORWARD) {
		/* "./name": in the user's own mailbox and nowhere else. */
		if (strncmp(path, "./", 2) != 0 || strstr(path, "..") != NULL) {
			broken(s, "file-outside-mailbox", path);
			return;
		}
		snprintf(inside, sizeof inside, "%s/%s", list->mailbox,
		    path + 2);
		path = inside;
	}
	n = strlen(path);
	if (n > 512)
		broken(s, "path-too-long", path);
	else
		add(s, path[n - 1] == '/' ? TARGET_MAILDIR : TARGET_MBOX, path);
}

static void include(struct search *s, const char *path, const char *domain);

static void target(struct search *s, char *text, const struct list *list)
{
	if (*text == '|') {
		if (!s->pipes || list->origin == FROM_INCLUDE)
			refuse(s, "550 5.7.1 Mail to programs is off");
		else
			add(s, TARGET_PIPE, text + 1);
		if (!s->pipes)
			warn("alias problem=pipes-are-off recipient=<%s>",
			    safe(s->recipient));
		return;
	}
	if (*text == '/' || (*text == '.' && text[1] == '/')) {
		if (list->origin == FROM_INCLUDE)
			broken(s, "file-in-include", text);
		else
			target_file(s, text, list);
		return;
	}
	if (strncmp(text, ":include:", 9) == 0) {
		if (list->origin == FROM_FORWARD)
			broken(s, "include-in-forward", text);
		else
			include(s, text + 9 + strspn(text + 9, " \t"),
			    list->domain);
		return;
	}
	expand(s, *text == '\\' ? text + 1 : text, list->domain);
}

/* Cuts the next target out of *p; NULL at the end. */
static char *next_target(char **p)
{
	char *from = *p, *to, *start;
	bool quoted = false;

	for (;;) {
		from += strspn(from, ", \t\r\n");
		if (*from != '#')
			break;
		from += strcspn(from, "\n");
	}
	if (*from == '\0')
		return NULL;
	start = to = from;
	for (; *from != '\0' && (quoted || strchr(",\n", *from) == NULL);
	    from++) {
		if (*from == '"')
			quoted = !quoted;
		else
			*to++ = *from;
	}
	*p = *from != '\0' ? from + 1 : from;
	while (to > start && strchr(" \t\r", to[-1]) != NULL)
		to--;
	*to = '\0';
	return start;
}

static void each_target(struct search *s, char *text, const struct list *list)
{
	char *one;

	while ((one = next_target(&text)) != NULL)
		if (*one != '\0')
			target(s, one, list);
}

static void include(struct search *s, const char *path, const char *domain)
{
	struct list list = {FROM_INCLUDE, domain, NULL};
	struct str text = {0};

	if (!enter(s, path))
		return;
	if (str_read_file(&text, path, LIST_MAX))
		each_target(s, text.p, &list);
	else
		unreadable(s, path);
	str_free(&text);
	leave(s);
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

/*
 * The value of an alias, its continuation lines joined: false when there is no
 * such key. Comments and blank lines may stand anywhere. The file is read once
 * in a process's life.
 */
static bool alias_find(struct search *s, const char *key, struct str *value)
{
	static char room[1024];
	static struct str file = STR_ROOM(room);
	static bool loaded;
	const char *line, *end, *text;
	bool found = false;

	if (!loaded && !str_read_file(&file, ALIASES_FILE, LIST_MAX) &&
	    errno != ENOENT) {
		unreadable(s, ALIASES_FILE);
		return false;
	}
	loaded = true;
	for (line = file.p; *line != '\0'; line = end + (*end == '\n')) {
		end = line + strcspn(line, "\n");
		text = line + strspn(line, " \t\r");
		if (*text == '#' || text >= end)
			continue;
		if (text == line) {
			if (found)
				break;
			text = value_of(line, key);
			found = text != NULL;
		}
		if (found) {
			str_add(value, text, (size_t)(end - text));
			str_add(value, " ", 1);
		}
	}
	return found;
}

/* Expands the alias of that name, unless it led here: it means itself then. */
static bool alias(struct search *s, const char *key, const char *domain)
{
	struct list list = {FROM_ALIASES, domain, NULL};
	struct str value = {0};
	bool found = alias_find(s, key, &value) && enter(s, key);

	if (found) {
		each_target(s, value.p, &list);
		leave(s);
	}
	str_free(&value);
	return found;
}

/* The mailbox's .forward, if it has one that did not lead here. */
static bool forward(struct search *s, const char *mailbox, const char *domain)
{
	struct list list = {FROM_FORWARD, domain, mailbox};
	char path[MAILBOX_SIZE + 16], room[1024];
	struct str text = STR_ROOM(room);
	bool found = true;

	snprintf(path, sizeof path, "%s/.forward", mailbox);
	if (str_read_file(&text, path, 65536)) {
		found = text.p[strspn(text.p, " \t\r\n")] != '\0' &&
		    enter(s, mailbox);
		if (found) {
			each_target(s, text.p, &list);
			leave(s);
		}
	} else if (errno == ENOENT || errno == EISDIR) {
		found = false;
	} else {
		unreadable(s, path);
	}
	str_free(&text);
	return found;
}

static bool mailbox(struct search *s, const char *local, const char *domain)
{
	char path[MAILBOX_SIZE];
	struct stat st;

	if (!mailbox_path(path, local, domain))
		return false;
	if (stat(path, &st) != 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return false;
		unreadable(s, path);
		return true;
	}
	if (!S_ISDIR(st.st_mode))
		return false;
	if (!forward(s, path, domain))
		add(s, TARGET_MAILDIR, path);
	return true;
}

/* "name@domain" and "name" as keys. */
static bool aliases(struct search *s, const char *name, const char *domain)
{
	char key[KEY_SIZE];

	snprintf(key, sizeof key, "%s@%s", name, domain);
	return alias(s, key, domain) || alias(s, name, domain);
}

/* By everything but the catch-all. */
static bool expand_in(struct search *s, const char *local, const char *domain)
{
	char base[ADDRESS_SIZE];
	char *detail;

	snprintf(base, sizeof base, "%s", local);
	detail = strchr(base + (*base != '\0'), '+');
	if (detail != NULL) {
		if (aliases(s, local, domain))
			return true;
		*detail = '\0';
	}
	return aliases(s, base, domain) || mailbox(s, base, domain);
}

/*
 * A name without a domain, in a list, is of the domain whose mail led there, or
 * else of the first one.
 */
static void expand(struct search *s, const char *text, const char *domain)
{
	const char *first = domain_default();
	char key[KEY_SIZE];
	struct address a;
	bool bare;

	if (address_parse(text, &a) != ADDRESS_OK) {
		broken(s, "bad-address", text);
		return;
	}
	bare = *a.domain == '\0';
	if (bare) {
		snprintf(a.domain, sizeof a.domain, "%s", domain);
	} else if (!domain_is_local(a.domain)) {
		add(s, TARGET_REMOTE, a.text);
		return;
	}
	fold(a.local);
	fold(a.domain);
	snprintf(key, sizeof key, "@%s", a.domain);
	if (expand_in(s, a.local, a.domain) ||
	    (bare && strcasecmp(a.domain, first) != 0 &&
	    expand_in(s, a.local, first)) ||
	    alias(s, key, a.domain))
		return;
	if (s->depth > 0)
		warn("alias problem=no-such-user what=%s recipient=<%s>",
		    safe(text), safe(s->recipient));
	refuse(s, UNKNOWN);
}

const char *resolve(struct targets *all, const struct address *to, bool pipes)
{
	struct recipient_targets mine = {
	    .recipient = pool_copy(all->pool, to->text)};
	struct search s = {.all = all, .mine = &mine, .recipient = to->text,
	    .pipes = pipes};
	size_t before = all->count;

	if (*to->domain != '\0' && !domain_is_local(to->domain))
		s.refusal = "550 5.1.2 Not a domain of mine";
	else
		expand(&s, to->text, domain_default());
	if (mine.count > 0 && !s.later) {
		all->rcpt = pool_grow(all->pool, all->rcpt, all->rcpts,
		    sizeof *all->rcpt);
		all->rcpt[all->rcpts++] = mine;
		return NULL;
	}
	all->count = before;
	if (s.later)
		return LATER;
	return s.refusal != NULL ? s.refusal : UNKNOWN;
}
