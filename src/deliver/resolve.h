/*
 * Where mail for an address goes: aliases(5) in users/aliases, the mailbox, its
 * .forward, the catch-all. pennypost-aliases(5) tells the order.
 */
#ifndef RESOLVE_H
#define RESOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include "address.h"
#include "pool.h"

#define TARGETS_MAX 1000 /* of one recipient: a list past this is a program's */
#define NESTING_MAX 10

enum target_kind {
	TARGET_MAILDIR, /* what: its path */
	TARGET_MBOX,    /* what: the file's path */
	TARGET_REMOTE,  /* what: an address elsewhere */
	TARGET_PIPE,    /* what: a shell command */
};

struct target {
	enum target_kind kind;
	const char *what;
	const char *recipient; /* the address that led here first */
	const char *mailbox;   /* whose .forward names it; NULL: an alias does */
	const char *why;       /* targets.explain: by which file and line */
	const char *reply; /* how it went: "250 …" or a refusal */
	bool done;         /* reply is set */
	bool had;          /* and it was set by an earlier try */
};

/* One recipient's share: indexes into the targets. */
struct recipient_targets {
	const char *recipient;
	size_t *index;
	size_t count;
};

/* Every place that one message goes to, each once. */
struct targets {
	struct target *target;
	size_t count;
	struct recipient_targets *rcpt;
	size_t rcpts;
	struct pool *pool; /* the transaction's: all of this is in it */
	bool explain;
};

/* "maildir", "mbox", "remote" or "pipe" */
const char *target_kind(const struct target *);

/*
 * Adds a recipient, and where its mail goes. NULL, or the refusal; static. Local
 * parts compare without regard to ASCII case.
 */
const char *resolve(struct targets *, const struct address *to, bool pipes);

#endif
