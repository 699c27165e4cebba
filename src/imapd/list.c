/*
 * LIST, LSUB (RFC 3501 6.3.8, 6.3.9), with LIST-EXTENDED (RFC 5258), CHILDREN
 * (RFC 3348), SPECIAL-USE (RFC 6154), LIST-STATUS (RFC 5819); NAMESPACE.
 */
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "listing.h"
#include "pattern.h"
#include "session.h"
#include "status.h"
#include "uses.h"

#define PATTERNS_MAX 32 /* of one LIST; each takes 8 KiB */

enum { SUBSCRIBED = 1, SPECIAL_USE = 2, CHILDREN = 4, RECURSIVE = 8 };

struct list {
	bool lsub;
	bool extended;
	unsigned selected;   /* what a folder must be, all of it; RECURSIVE */
	unsigned returned;   /* what is to be said of it */
	unsigned status;     /* items */
	struct pattern *patterns;
	size_t count;
	bool separator_only; /* LIST with an empty pattern */
	bool percent;        /* in a pattern */
	/* For each folder of the listing: */
	bool *matches;
	bool *above_hidden; /* of one that is selected, and not told */
};

/* Arguments */

static void select_options(struct list *l)
{
	struct input *in = &session.input;

	l->extended = true;
	while (input_peek(in) != ')' && in->fault == NULL) {
		if (input_word(in, "SUBSCRIBED"))
			l->selected |= SUBSCRIBED;
		else if (input_word(in, "SPECIAL-USE"))
			l->selected |= SPECIAL_USE;
		else if (input_word(in, "RECURSIVEMATCH"))
			l->selected |= RECURSIVE;
		else if (!input_word(in, "REMOTE")) /* there are none */
			input_fault(in, "unknown selection option");
		if (!input_try(in, ' '))
			break;
	}
	input_expect(in, ')');
	if (l->selected == RECURSIVE) /* RFC 5258 3.1 */
		input_fault(in, "RECURSIVEMATCH needs something to match");
	l->returned = l->selected & (SUBSCRIBED | SPECIAL_USE);
}

static void return_options(struct list *l)
{
	struct input *in = &session.input;

	l->extended = true;
	input_space(in);
	input_expect(in, '(');
	while (input_peek(in) != ')' && in->fault == NULL) {
		if (input_word(in, "SUBSCRIBED")) {
			l->returned |= SUBSCRIBED;
		} else if (input_word(in, "SPECIAL-USE")) {
			l->returned |= SPECIAL_USE;
		} else if (input_word(in, "CHILDREN")) {
			l->returned |= CHILDREN;
		} else if (input_word(in, "STATUS")) {
			input_space(in);
			l->status |= status_parse(in);
		} else {
			input_fault(in, "unknown return option");
		}
		if (!input_try(in, ' '))
			break;
	}
	input_expect(in, ')');
}

static void pattern_add(struct list *l, const char *reference)
{
	const char *said = input_list_mailbox(&session.input);

	if (l->count == PATTERNS_MAX)
		input_fault(&session.input, "too many patterns");
	if (session.input.fault != NULL)
		return;
	l->separator_only |= *said == '\0' && !l->extended && !l->lsub;
	l->percent |= strchr(said, '%') != NULL;
	l->patterns = xrealloc(l->patterns,
	    (l->count + 1) * sizeof *l->patterns);
	pattern_make(&l->patterns[l->count++], reference, said,
	    session_utf8());
}

static void patterns(struct list *l)
{
	struct input *in = &session.input;
	const char *reference;

	input_space(in);
	reference = input_astring(in);
	input_space(in);
	if (l->lsub || !input_try(in, '(')) {
		pattern_add(l, reference);
		return;
	}
	l->extended = true;
	do
		pattern_add(l, reference);
	while (input_try(in, ' '));
	input_expect(in, ')');
}

static void arguments(struct list *l)
{
	struct input *in = &session.input;

	if (!l->lsub && strncmp(in->at, " (", 2) == 0) {
		input_space(in);
		input_expect(in, '(');
		select_options(l);
	}
	patterns(l);
	if (!l->lsub && input_try(in, ' ')) {
		if (input_word(in, "RETURN"))
			return_options(l);
		else
			input_fault(in, "RETURN, or nothing, was expected");
	}
	if (!l->extended)
		l->returned = CHILDREN | SPECIAL_USE;
}

/* Which folders */

static bool is_selected(const struct list *l, const struct folder *f)
{
	if ((l->selected & SUBSCRIBED) != 0 && !f->subscribed)
		return false;
	if ((l->selected & SPECIAL_USE) != 0 && f->uses == 0)
		return false;
	return f->there || f->has_children ||
	    (l->selected & SUBSCRIBED) != 0;
}

static bool matches_any(const struct list *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++)
		if (pattern_matches(&l->patterns[i], name))
			return true;
	return false;
}

static void mark(struct list *l, const struct listing *all)
{
	l->matches = xrealloc(NULL, all->count * sizeof *l->matches);
	l->above_hidden = xrealloc(NULL, all->count * sizeof *l->above_hidden);
	memset(l->above_hidden, 0, all->count * sizeof *l->above_hidden);
	for (size_t i = all->count; i-- > 0;) {
		const struct folder *f = &all->folders[i];
		l->matches[i] = matches_any(l, f->name);
		if (f->parent != NO_PARENT && (l->above_hidden[i] ||
		    (is_selected(l, f) && !l->matches[i])))
			l->above_hidden[f->parent] = true;
	}
}

/* What is told of one */

static const char *attribute(const char *before, const char *name)
{
	put(before);
	put(name);
	return " ";
}

static void attributes(const struct list *l, const struct folder *f)
{
	const char *before = "(";

	if (!f->there)
		before = attribute(before, l->extended || session.rev2 ?
		    "\\NonExistent" : "\\Noselect");
	if ((l->returned & SUBSCRIBED) != 0 && f->subscribed)
		before = attribute(before, "\\Subscribed");
	if ((l->returned & CHILDREN) != 0)
		before = attribute(before, f->has_children ?
		    "\\HasChildren" : "\\HasNoChildren");
	for (int i = 0; i < USES && (l->returned & SPECIAL_USE) != 0; i++)
		if ((f->uses >> i & 1) != 0)
			before = attribute(before, use_attributes[i]);
	put(*before == '(' ? "()" : ")");
}

/* RFC 5258 4: because of what is below, it is here. */
static void child_info(const struct list *l)
{
	put(" (\"CHILDINFO\" (");
	if ((l->selected & SUBSCRIBED) != 0)
		put("\"SUBSCRIBED\"");
	if ((l->selected & SUBSCRIBED) != 0 && (l->selected & SPECIAL_USE) != 0)
		put(" ");
	if ((l->selected & SPECIAL_USE) != 0)
		put("\"SPECIAL-USE\"");
	put("))");
}

static void tell_lsub(const struct folder *f)
{
	put(f->subscribed ? "* LSUB () \".\" " : "* LSUB (\\Noselect) \".\" ");
	put_mailbox(f->name);
	put("\r\n");
}

static void tell(const struct list *l, const struct folder *f, bool info)
{
	if (l->lsub) {
		tell_lsub(f);
		return;
	}
	put("* LIST ");
	attributes(l, f);
	put(" \".\" ");
	put_mailbox(f->name);
	if (info)
		child_info(l);
	put("\r\n");
	if (l->status != 0 && f->there)
		status_tell(f->name, l->status);
}

/*
 * A name that is not selected itself is told of where one below it is, of which
 * nobody would hear: with RECURSIVEMATCH, and by LSUB with % (RFC 3501 6.3.9).
 */
static void tell_all(struct list *l, const struct listing *all)
{
	bool recursive = l->lsub ? l->percent : (l->selected & RECURSIVE) != 0;

	mark(l, all);
	for (size_t i = 0; i < all->count; i++) {
		const struct folder *f = &all->folders[i];
		bool info = recursive && l->above_hidden[i];
		if (l->matches[i] && (is_selected(l, f) || info))
			tell(l, f, info && !l->lsub);
		if (l->status != 0)
			progress(i, all->count);
	}
	free(l->matches);
	free(l->above_hidden);
}

static void run(struct list *l)
{
	struct listing all = {0};

	if (l->separator_only) {
		put("* LIST (\\Noselect) \".\" \"\"\r\n");
		ok("that is the separator");
		return;
	}
	if (listing_read(&all)) {
		tell_all(l, &all);
		ok("that is all");
	} else {
		no("[SERVERBUG] cannot read it, see the server's log");
	}
	listing_free(&all);
}

static void list(struct list *l)
{
	arguments(l);
	if (input_end(&session.input))
		run(l);
	free(l->patterns);
}

void cmd_list(void)
{
	list(&(struct list){0});
}

void cmd_lsub(void)
{
	list(&(struct list){.lsub = true, .selected = SUBSCRIBED});
}

void list_tell(const char *name)
{
	struct list l = {.extended = true,
	    .returned = SUBSCRIBED | CHILDREN | SPECIAL_USE};
	struct folder gone = {.name = name};
	const struct folder *f;
	struct listing all = {0};

	if (!listing_read(&all))
		return;
	f = listing_find(&all, name);
	tell(&l, f != NULL ? f : &gone, false);
	listing_free(&all);
}

void cmd_namespace(void)
{
	if (!input_end(&session.input))
		return;
	put("* NAMESPACE ((\"\" \".\")) NIL NIL\r\n"); /* RFC 2342 5 */
	ok("yours alone");
}
