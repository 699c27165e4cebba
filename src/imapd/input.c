#include "input.h"

#include <string.h>
#include <strings.h>

#include "str.h"
#include "utf8.h"

#define ATOM_ENDS "(){ %*\"\\]"
#define SKIP_MAX (256u << 20) /* octets of refused literals; then we hang up */

bool input_begin(struct input *in)
{
	in->fault = NULL;
	in->literals = 0;
	pool_reset(&in->pool);
	in->at = (char[]){""};
	switch (conn_line(in->conn, in->line_max, &in->at)) {
	case LINE_OK:
		return true;
	case LINE_LONG:
		in->fault = "line too long";
		in->at = NULL;
		return true;
	case LINE_BAD:
		in->fault = "lines end in CRLF, and hold no other CR, LF or NUL";
		in->at = NULL;
		return true;
	case LINE_EOF:
		in->end = "eof";
		break;
	case LINE_TIMEOUT:
		in->end = "timeout";
	}
	in->gone = true;
	return false;
}

void input_fault(struct input *in, const char *what)
{
	if (in->fault == NULL)
		in->fault = what;
}

bool input_end(struct input *in)
{
	if (in->fault == NULL && *in->at != '\0')
		in->fault = "more than the command takes";
	return in->fault == NULL;
}

/* The line ends in {N+}: N octets come without being asked for (RFC 7888 4). */
static bool announced(const char *line, uint64_t *size)
{
	const char *open = strrchr(line, '{');
	char digits[24];
	size_t n;

	if (open == NULL)
		return false;
	n = strspn(open + 1, "0123456789");
	if (n >= sizeof digits || strcmp(open + 1 + n, "+}") != 0)
		return false;
	memcpy(digits, open + 1, n);
	digits[n] = '\0';
	return number_parse(digits, UINT64_MAX, size);
}

static void gone(struct input *in, const char *end)
{
	in->gone = true;
	in->end = end;
	input_fault(in, end);
}

static void next_line(struct input *in)
{
	switch (conn_line(in->conn, in->line_max, &in->at)) {
	case LINE_OK:
		return;
	case LINE_LONG:
		input_fault(in, "line too long");
		break;
	case LINE_BAD:
		input_fault(in, "a bare CR or LF, or a NUL");
		break;
	case LINE_EOF:
		gone(in, "eof");
		break;
	case LINE_TIMEOUT:
		gone(in, "timeout");
	}
	in->at = NULL;
}

void input_skip(struct input *in)
{
	uint64_t left, skipped = 0;
	struct span piece;

	while (!in->gone && in->at != NULL && announced(in->at, &left)) {
		skipped += left;
		if (left > SKIP_MAX || skipped > SKIP_MAX ||
		    (in->literals_max < LITERALS_MAX &&
		    skipped > in->literals_max)) {
			gone(in, "literal");
			return;
		}
		while (left > 0 && input_octets(in, &left, &piece))
			;
		if (!in->gone)
			next_line(in);
	}
}

char input_peek(const struct input *in)
{
	return in->fault == NULL ? *in->at : '\0';
}

bool input_try(struct input *in, char c)
{
	if (in->fault != NULL || *in->at != c || c == '\0')
		return false;
	in->at++;
	return true;
}

void input_expect(struct input *in, char c)
{
	static char text[] = "expected '?'";

	if (in->fault == NULL && !input_try(in, c)) {
		text[sizeof text - 3] = c;
		in->fault = c == ' ' ? "an argument is missing" : text;
	}
}

void input_space(struct input *in)
{
	input_expect(in, ' ');
}

/* Octets of a token that ends before one of these, or a control. */
static size_t token(const char *p, const char *ends)
{
	size_t n = 0;

	while ((unsigned char)p[n] > ' ' && p[n] != 0x7f &&
	    strchr(ends, p[n]) == NULL)
		n++;
	return n;
}

static char *take(struct input *in, size_t n)
{
	char *s = pool_take(&in->pool, n + 1);

	memcpy(s, in->at, n);
	s[n] = '\0';
	in->at += n;
	return s;
}

static char *nothing(struct input *in, const char *fault)
{
	input_fault(in, fault);
	return pool_copy(&in->pool, "");
}

bool input_word(struct input *in, const char *word)
{
	size_t n = strlen(word);

	if (in->fault != NULL || token(in->at, ATOM_ENDS) != n ||
	    strncasecmp(in->at, word, n) != 0)
		return false;
	in->at += n;
	return true;
}

char *input_atom(struct input *in)
{
	size_t n = in->fault == NULL ? token(in->at, ATOM_ENDS) : 0;

	return n > 0 ? take(in, n) : nothing(in, "expected an atom");
}

char *input_flag(struct input *in)
{
	size_t n = 0;

	if (in->fault == NULL) {
		n = *in->at == '\\' ? 1 : 0;
		n += token(in->at + n, ATOM_ENDS);
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)in->at[i] >= 0x80)
				return nothing(in, "flags are ASCII");
	}
	return n > (n > 0 && *in->at == '\\' ? 1u : 0u) ? take(in, n) :
	    nothing(in, "expected a flag");
}

char *input_chars(struct input *in, const char *accepted)
{
	size_t n = in->fault == NULL ? strspn(in->at, accepted) : 0;

	return n > 0 ? take(in, n) : nothing(in, "malformed argument");
}

uint64_t input_number(struct input *in, uint64_t max)
{
	char *digits = input_chars(in, "0123456789");
	uint64_t n = 0;

	if (in->fault == NULL && !number_parse(digits, max, &n))
		input_fault(in, "number out of range");
	return n;
}

char *input_set(struct input *in)
{
	if (input_try(in, '$'))
		return pool_copy(&in->pool, "$");
	return input_chars(in, "0123456789:,*");
}

/* Strings */

static struct span quoted_string(struct input *in)
{
	char *to, *s;

	in->at++;
	to = s = pool_take(&in->pool, strlen(in->at) + 1);
	while (*in->at != '"' && *in->at != '\0') {
		if (*in->at == '\\' && (in->at[1] == '"' || in->at[1] == '\\'))
			in->at++;
		*to++ = *in->at++;
	}
	*to = '\0';
	input_expect(in, '"');
	if (in->utf8 && !utf8_is((struct span){s, (size_t)(to - s)}))
		input_fault(in, "that is no UTF-8");
	return (struct span){s, (size_t)(to - s)};
}

/* {N} or {N+} at the line's end, perhaps ~ before it: moves behind it. */
static bool literal_header(struct input *in, uint64_t *size, bool *binary,
    bool *waits)
{
	const char *p = in->at;
	char digits[24];
	size_t n;

	*binary = *p == '~';
	p += *binary;
	if (*p++ != '{')
		return false;
	n = strspn(p, "0123456789");
	if (n == 0 || n >= sizeof digits)
		return false;
	memcpy(digits, p, n);
	digits[n] = '\0';
	p += n;
	*waits = *p != '+';
	p += !*waits;
	return strcmp(p, "}") == 0 && number_parse(digits, UINT64_MAX, size);
}

bool input_literal(struct input *in, uint64_t max, uint64_t *size, bool *binary,
    bool *too_big)
{
	bool waits;

	*too_big = false;
	if (in->fault != NULL)
		return false;
	if (!literal_header(in, size, binary, &waits)) {
		input_fault(in, "expected a literal");
		return false;
	}
	if (*size > max) { /* `at` stays: input_skip() may find it */
		*too_big = true;
		input_fault(in, "literal too large");
		return false;
	}
	in->at += strlen(in->at);
	if (waits)
		conn_puts(in->conn, "+ go on\r\n");
	return true;
}

bool input_octets(struct input *in, uint64_t *left, struct span *piece)
{
	struct conn *c = in->conn;
	size_t n;

	if (c->start == c->end) {
		enum line got = conn_fill(c, conn_due(c));
		if (got != LINE_OK) {
			gone(in, got == LINE_TIMEOUT ? "timeout" : "eof");
			return false;
		}
	}
	n = c->end - c->start;
	if (n > *left)
		n = (size_t)*left;
	*piece = (struct span){c->buf + c->start, n};
	c->start += n;
	*left -= n;
	return true;
}

void input_literal_end(struct input *in)
{
	if (!in->gone)
		next_line(in);
}

static struct span literal_string(struct input *in)
{
	struct span piece, none = {"", 0};
	uint64_t size;
	bool binary, too_big;
	char *s, *to;

	if (!input_literal(in, in->literals_max - in->literals, &size, &binary,
	    &too_big))
		return none;
	in->literals += (size_t)size;
	to = s = pool_take(&in->pool, (size_t)size + 1);
	for (uint64_t left = size; left > 0; to += piece.n) {
		if (!input_octets(in, &left, &piece))
			return none;
		memcpy(to, piece.p, piece.n);
	}
	*to = '\0';
	input_literal_end(in);
	return (struct span){s, (size_t)size};
}

struct span input_string(struct input *in)
{
	if (in->fault == NULL && *in->at == '"')
		return quoted_string(in);
	if (in->fault == NULL && (*in->at == '{' || *in->at == '~'))
		return literal_string(in);
	input_fault(in, "expected a string");
	return (struct span){"", 0};
}

static char *text_of(struct input *in, struct span s)
{
	if (in->fault != NULL)
		return pool_copy(&in->pool, "");
	if (memchr(s.p, '\0', s.n) != NULL)
		return nothing(in, "a NUL in a string");
	return (char *)(uintptr_t)s.p; /* ours, in the pool */
}

/* An atom of more characters than others have; or a string. */
static char *word_or_string(struct input *in, const char *ends)
{
	size_t n;

	if (in->fault != NULL)
		return pool_copy(&in->pool, "");
	if (*in->at == '"' || *in->at == '{')
		return text_of(in, input_string(in));
	n = token(in->at, ends);
	return n > 0 ? take(in, n) : nothing(in, "expected a word or string");
}

char *input_astring(struct input *in)
{
	return word_or_string(in, "(){ %*\"\\");
}

char *input_list_mailbox(struct input *in)
{
	return word_or_string(in, "(){ \"\\");
}
