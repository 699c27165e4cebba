#include "request.h"

#include <strings.h>

#include "session.h"

#define SECTIONS_MAX 1000 /* in one command; clients ask for a few dozen */

#define ITEMS_FAST (ITEM_FLAGS | ITEM_DATE | ITEM_OCTETS)
#define ITEMS_ALL (ITEMS_FAST | ITEM_ENVELOPE)
#define ITEMS_FULL (ITEMS_ALL | ITEM_BODY)
#define ITEM_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
    "0123456789."

static const struct {
	const char *name;
	unsigned item;
} items[] = {
	{"UID", ITEM_UID},
	{"FLAGS", ITEM_FLAGS},
	{"MODSEQ", ITEM_MODSEQ},
	{"INTERNALDATE", ITEM_DATE},
	{"RFC822.SIZE", ITEM_OCTETS},
	{"ENVELOPE", ITEM_ENVELOPE},
	{"BODYSTRUCTURE", ITEM_STRUCTURE},
	{"EMAILID", ITEM_EMAILID},
	{"THREADID", ITEM_THREADID},
	{"SAVEDATE", ITEM_SAVEDATE},
	{"PREVIEW", ITEM_PREVIEW},
};

#define ITEMS (sizeof items / sizeof *items)

/* What is followed by a section, and what stands for one (no bracket). */
static const struct {
	const char *name, *label;
	enum section_what what;
	enum section_coding coding;
	bool bracket, peek;
} kinds[] = {
	{"BODY", "BODY", SECTION_ALL, SECTION_AS_IS, true, false},
	{"BODY.PEEK", "BODY", SECTION_ALL, SECTION_AS_IS, true, true},
	{"BINARY", "BINARY", SECTION_ALL, SECTION_BINARY, true, false},
	{"BINARY.PEEK", "BINARY", SECTION_ALL, SECTION_BINARY, true, true},
	{"BINARY.SIZE", "BINARY.SIZE", SECTION_ALL, SECTION_SIZE, true, true},
	{"RFC822", "RFC822", SECTION_ALL, SECTION_AS_IS, false, false},
	{"RFC822.HEADER", "RFC822.HEADER", SECTION_HEADER, SECTION_AS_IS,
	    false, true},
	{"RFC822.TEXT", "RFC822.TEXT", SECTION_TEXT, SECTION_AS_IS, false,
	    false},
};

#define KINDS (sizeof kinds / sizeof *kinds)

static void kind_read(struct request *r, size_t kind)
{
	struct input *in = &session.input;
	struct section *s;

	if (r->count == SECTIONS_MAX) {
		input_fault(in, "too many sections");
		return;
	}
	r->sections = pool_grow(&in->pool, r->sections, r->count,
	    sizeof *r->sections);
	s = &r->sections[r->count++];
	if (kinds[kind].bracket)
		section_read(s, in, kinds[kind].label, kinds[kind].coding);
	else
		*s = (struct section){.what = kinds[kind].what,
		    .label = kinds[kind].label};
	r->marks_seen |= !kinds[kind].peek;
	r->header_only = section_is_header(s) &&
	    (r->count == 1 || r->header_only);
}

/* RFC 8970 3.2; it stands before the modifiers, which look alike. */
static void lazy_read(struct input *in)
{
	static const char lazy[] = " (LAZY)";

	if (in->fault == NULL &&
	    strncasecmp(in->at, lazy, sizeof lazy - 1) == 0)
		in->at += sizeof lazy - 1;
}

static void item_read(struct request *r, const char *name)
{
	struct input *in = &session.input;

	for (size_t i = 0; i < ITEMS; i++)
		if (strcasecmp(items[i].name, name) == 0) {
			r->items |= items[i].item;
			if (items[i].item == ITEM_PREVIEW)
				lazy_read(in);
			return;
		}
	if (strcasecmp(name, "BODY") == 0 && input_peek(in) != '[') {
		r->items |= ITEM_BODY;
		return;
	}
	for (size_t i = 0; i < KINDS; i++)
		if (strcasecmp(kinds[i].name, name) == 0) {
			kind_read(r, i);
			return;
		}
	input_fault(in, "unknown item");
}

void request_items(struct request *r)
{
	struct input *in = &session.input;

	if (input_try(in, '(')) {
		do
			item_read(r, input_chars(in, ITEM_LETTERS));
		while (in->fault == NULL && input_try(in, ' '));
		input_expect(in, ')');
	} else if (input_word(in, "FAST")) {
		r->items |= ITEMS_FAST;
	} else if (input_word(in, "ALL")) {
		r->items |= ITEMS_ALL;
	} else if (input_word(in, "FULL")) {
		r->items |= ITEMS_FULL;
	} else {
		item_read(r, input_chars(in, ITEM_LETTERS));
	}
}

/* "1:100", or from the end "-1:-100": RFC 9394 3.1. */
static void partial_read(struct request *r)
{
	struct input *in = &session.input;

	input_space(in);
	r->from_end = input_try(in, '-');
	r->first = input_number(in, UINT32_MAX);
	input_expect(in, ':');
	if (r->from_end)
		input_expect(in, '-');
	r->last = input_number(in, UINT32_MAX);
	if (r->first == 0 || r->last == 0)
		input_fault(in, "messages are counted from 1");
	if (r->first > r->last) {
		uint64_t first = r->first;
		r->first = r->last;
		r->last = first;
	}
}

static void modifier_read(struct request *r)
{
	struct input *in = &session.input;

	if (!r->changed && input_word(in, "CHANGEDSINCE")) {
		input_space(in);
		r->changed_since = input_number(in, INT64_MAX);
		r->changed = true;
	} else if (!r->vanished && input_word(in, "VANISHED")) {
		r->vanished = true;
	} else if (!r->partial && input_word(in, "PARTIAL")) {
		partial_read(r);
		r->partial = true;
	} else {
		input_fault(in, "unknown modifier");
	}
}

static void modifiers_read(struct request *r)
{
	struct input *in = &session.input;

	if (!input_try(in, ' '))
		return;
	input_expect(in, '(');
	do
		modifier_read(r);
	while (in->fault == NULL && input_try(in, ' '));
	input_expect(in, ')');
	/* RFC 7162 3.2.6 */
	if (r->vanished && !(session.uid && r->changed && session.qresync))
		input_fault(in, "VANISHED is for UID FETCH with CHANGEDSINCE, "
		    "behind ENABLE QRESYNC");
}

/* What comes without being asked for. */
static void items_imply(struct request *r)
{
	if (session.uid)
		r->items |= ITEM_UID;
	if (r->changed)
		r->items |= ITEM_MODSEQ;
	if ((r->items & ITEM_MODSEQ) != 0)
		session_condstore();
	else if (session.condstore && (r->items & ITEM_FLAGS) != 0)
		r->items |= ITEM_MODSEQ;
}

void request_read(struct request *r)
{
	*r = (struct request){0};
	request_items(r);
	modifiers_read(r);
	if (session.input.fault == NULL)
		items_imply(r);
}
