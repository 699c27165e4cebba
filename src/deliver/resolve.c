#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "list.h"
#include "local.h"
#include "log.h"
#include "srs.h"
#include "str.h"

#define KEY_SIZE (2 * ADDRESS_SIZE)

#define UNKNOWN "550 5.1.1 No such user here"
#define LATER "451 4.3.0 Cannot look the address up now"
#define FORGED "550 5.1.1 That is no return path of mine"
#define EXPIRED "550 5.1.1 That return path has expired"
#define BROKEN "451 4.3.5 Its alias or forward is broken, tell postmaster"

/* Where a list of targets stands: what it may name, and how names complete. */
enum origin { FROM_ALIASES, FROM_INCLUDE, FROM_FORWARD };

/* An alias, list or forward that led here; one met again is the end. */
struct level {
	const char *name;
	const char *kind, *file; /* as targets.explain has them */
	unsigned line;
};

struct search {
	struct targets *all;
	struct recipient_targets *mine;
	const char *recipient;
	const char *mailbox; /* whose .forward is being read */
	bool pipes;
	struct level level[NESTING_MAX];
	size_t depth;
	/* The first trouble; it counts when no target was found. */
	const char *refusal;
	/* What was found is not all, or may not be. */
	bool later;
};

struct source {
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

/* "alias users/aliases:3, list /etc/list:7, mailbox" */
static const char *why(const struct search *s, const char *end)
{
	char room[512];
	struct str text = STR_ROOM(room);
	const char *copy;

	for (size_t i = 0; i < s->depth; i++)
		str_printf(&text, "%s%s %s:%u", i > 0 ? ", " : "",
		    s->level[i].kind, s->level[i].file, s->level[i].line);
	if (end != NULL)
		str_printf(&text, "%s%s", s->depth > 0 ? ", " : "", end);
	copy = pool_copy(s->all->pool, text.p);
	str_free(&text);
	return copy;
}

/* by: what led to it, other than a list; or NULL */
static void add(struct search *s, enum target_kind kind, const char *what,
    const char *by)
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
		    .recipient = mine->recipient, .mailbox = s->mailbox,
		    .why = all->explain ? why(s, by) : NULL};
	}
	mine->index = pool_grow(all->pool, mine->index, mine->count,
	    sizeof *mine->index);
	mine->index[mine->count++] = i;
}

/* True, and one level deeper, unless `name` is open already. */
static bool enter(struct search *s, const char *name, const char *kind,
    const char *file, unsigned line)
{
	for (size_t i = 0; i < s->depth; i++)
		if (strcmp(s->level[i].name, name) == 0)
			return false;
	if (s->depth == NESTING_MAX) {
		broken(s, "nested-too-deep", name);
		return false;
	}
	s->level[s->depth++] = (struct level){name, kind, file, line};
	return true;
}

static void leave(struct search *s)
{
	s->depth--;
}

/* Lists of targets */

static void target_file(struct search *s, const char *path,
    const struct source *from)
{
	char inside[MAILBOX_SIZE + 256];
	size_t n;

	if (from->origin == FROM_FORWARD) {
		/* "./name": in the user's own mailbox and nowhere else. */
		if (strncmp(path, "./", 2) != 0 || strstr(path, "..") != NULL) {
			broken(s, "file-outside-mailbox", path);
			return;
		}
		snprintf(inside, sizeof inside, "%s/%s", from->mailbox,
		    path + 2);
		path = inside;
	}
	n = strlen(path);
	if (n > 512)
		broken(s, "path-too-long", path);
	else
		add(s, path[n - 1] == '/' ? TARGET_MAILDIR : TARGET_MBOX, path,
		    NULL);
}

static void target_pipe(struct search *s, const char *command,
    const char *mailbox)
{
	s->mailbox = mailbox != NULL ? pool_copy(s->all->pool, mailbox) : NULL;
	add(s, TARGET_PIPE, command, NULL);
	s->mailbox = NULL;
}

static void include(struct search *s, const char *path, const char *domain);

static void target(struct search *s, char *text, const struct source *from)
{
	if (*text == '|') {
		if (!s->pipes || from->origin == FROM_INCLUDE)
			refuse(s, "550 5.7.1 Mail to programs is off");
		else
			target_pipe(s, text + 1, from->mailbox);
		if (!s->pipes)
			warn("alias problem=pipes-are-off recipient=<%s>",
			    safe(s->recipient));
		return;
	}
	if (*text == '/' || (*text == '.' && text[1] == '/')) {
		if (from->origin == FROM_INCLUDE)
			broken(s, "file-in-include", text);
		else
			target_file(s, text, from);
		return;
	}
	if (strncmp(text, ":include:", 9) == 0) {
		if (from->origin == FROM_FORWARD)
			broken(s, "include-in-forward", text);
		else
			include(s, text + 9 + strspn(text + 9, " \t"),
			    from->domain);
		return;
	}
	expand(s, *text == '\\' ? text + 1 : text, from->domain);
}

static void each_target(struct search *s, char *text,
    const struct source *from)
{
	struct level *here = &s->level[s->depth - 1];
	unsigned first = here->line;
	struct list list = {.rest = text};
	char *one;

	while ((one = list_next(&list)) != NULL) {
		here->line = first + list.line;
		if (*one != '\0')
			target(s, one, from);
	}
}

static void include(struct search *s, const char *path, const char *domain)
{
	struct source from = {FROM_INCLUDE, domain, NULL};
	struct str text = {0};

	if (!enter(s, path, "list", path, 1))
		return;
	if (str_read_file(&text, path, LIST_MAX))
		each_target(s, text.p, &from);
	else
		unreadable(s, path);
	str_free(&text);
	leave(s);
}

/* Expands the alias of that name, unless it led here: it means itself then. */
static bool alias(struct search *s, const char *key, const char *domain)
{
	const char *kind = *key == '@' ? "catch-all" : "alias";
	struct source from = {FROM_ALIASES, domain, NULL};
	struct str value = {0};
	unsigned line;
	enum alias_result result = alias_find(key, &value, &line);
	bool found = result == ALIAS_FOUND &&
	    enter(s, key, kind, ALIASES_FILE, line);

	if (result == ALIAS_UNREADABLE)
		unreadable(s, ALIASES_FILE);
	if (found) {
		each_target(s, value.p, &from);
		leave(s);
	}
	str_free(&value);
	return found;
}

/* The mailbox's .forward, if it has one that did not lead here. */
static bool forward(struct search *s, const char *mailbox, const char *domain)
{
	struct source from = {FROM_FORWARD, domain, mailbox};
	char path[MAILBOX_SIZE + 16], room[1024];
	struct str text = STR_ROOM(room);
	bool found = true;

	snprintf(path, sizeof path, "%s/.forward", mailbox);
	if (str_read_file(&text, path, 65536)) {
		found = text.p[strspn(text.p, " \t\r\n")] != '\0' &&
		    enter(s, mailbox, "forward", path, 1);
		if (found) {
			each_target(s, text.p, &from);
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
		add(s, TARGET_MAILDIR, path, "mailbox");
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
 * The return path of what was forwarded, see srs.h: back to who sent it. False:
 * it is nothing of the kind. From whomever it comes: not only bounces have a
 * good use for it, also hosts that ask whether the sender of a message exists.
 */
static bool return_path(struct search *s, const struct address *a)
{
	char original[ADDRESS_SIZE];
	struct address to;

	switch (srs_restore(original, a)) {
	case SRS_NONE:
		return false;
	case SRS_OK:
		/* Its domain may have become ours since. */
		if (address_parse(original, &to) == ADDRESS_OK &&
		    domain_is_local(to.domain))
			expand(s, original, to.domain);
		else
			add(s, TARGET_REMOTE, original, SRS_FILE);
		return true;
	case SRS_FORGED:
		refuse(s, FORGED);
		return true;
	case SRS_EXPIRED:
		refuse(s, EXPIRED);
		return true;
	case SRS_FAILED:
		unreadable(s, SRS_FILE);
	}
	return true;
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
		add(s, TARGET_REMOTE, a.text, NULL);
		return;
	}
	if (return_path(s, &a))
		return;
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

const char *target_kind(const struct target *t)
{
	static const char *const kinds[] = {
		[TARGET_MAILDIR] = "maildir", [TARGET_MBOX] = "mbox",
		[TARGET_REMOTE] = "remote", [TARGET_PIPE] = "pipe",
	};

	return kinds[t->kind];
}

const char *resolve(struct targets *all, const struct address *to, bool pipes)
{
	struct recipient_targets mine = {
	    .recipient = pool_copy(all->pool, to->text)};
	struct search s = {.all = all, .mine = &mine, .recipient = to->text,
	    .pipes = pipes};
	size_t before = all->count;

	aliases_refresh();
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
