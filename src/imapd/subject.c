#include "subject.h"

#include <string.h>
#include <strings.h>

/* What is left of the subject: [p, end). */
struct rest {
	const char *p, *end;
	bool is_reply;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool starts(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - p) >= n && strncasecmp(p, word, n) == 0;
}

static const char *blanks(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

/* subj-blob: "[" *BLOBCHAR "]" *WSP. Where it ends; NULL: there is none. */
static const char *blob(const char *p, const char *end)
{
	if (p == end || *p != '[')
		return NULL;
	for (p++; p < end && *p != '[' && *p != ']'; p++)
		;
	return p < end && *p == ']' ? blanks(p + 1, end) : NULL;
}

/* subj-refwd: ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" */
static const char *reply(const char *p, const char *end)
{
	const char *behind;

	if (starts(p, end, "fwd"))
		p += 3;
	else if (starts(p, end, "re") || starts(p, end, "fw"))
		p += 2;
	else
		return NULL;
	p = blanks(p, end);
	behind = blob(p, end);
	if (behind != NULL)
		p = behind;
	return p < end && *p == ':' ? p + 1 : NULL;
}

/* *subj-trailer, at the end. */
static void cut_trailers(struct rest *r)
{
	for (;;) {
		if (r->p < r->end && is_blank(r->end[-1])) {
			r->end--;
		} else if (r->end - r->p >= 5 &&
		    strncasecmp(r->end - 5, "(fwd)", 5) == 0) {
			r->end -= 5;
			r->is_reply = true;
		} else {
			return;
		}
	}
}

/* subj-leader: (*subj-blob subj-refwd) / WSP */
static bool cut_leader(struct rest *r)
{
	const char *p = r->p, *behind;

	if (p < r->end && is_blank(*p)) {
		r->p = blanks(p, r->end);
		return true;
	}
	while ((behind = blob(p, r->end)) != NULL)
		p = behind;
	p = reply(p, r->end);
	if (p == NULL)
		return false;
	r->p = p;
	r->is_reply = true;
	return true;
}

/* A blob at the beginning, unless it is all that there is. */
static bool cut_blob(struct rest *r)
{
	const char *behind = blob(r->p, r->end);

	if (behind == NULL || behind == r->end)
		return false;
	r->p = behind;
	return true;
}

static bool cut_forward(struct rest *r)
{
	if (!starts(r->p, r->end, "[fwd:") || r->end[-1] != ']')
		return false;
	r->p += 5;
	r->end--;
	r->is_reply = true;
	return true;
}

/* Blanks and line ends, however many, are one blank. */
static void add_text(struct str *to, const char *p, const char *end)
{
	while (p < end) {
		const char *from = p;
		while (p < end && !is_blank(*p))
			p++;
		str_add(to, from, (size_t)(p - from));
		from = p;
		p = blanks(p, end);
		if (p > from && p < end)
			str_add(to, " ", 1);
	}
}

bool subject_base(struct str *to, struct span text)
{
	struct rest r = {text.p, text.p + text.n, false};

	if (text.n > SUBJECT_MAX)
		r.end = text.p + SUBJECT_MAX;
	do {
		cut_trailers(&r);
		while (cut_leader(&r) || cut_blob(&r))
			;
	} while (cut_forward(&r));
	add_text(to, r.p, r.end);
	return r.is_reply;
}
