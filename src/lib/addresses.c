#include "addresses.h"

#include <string.h>

#include "parameters.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_atom(char c)
{
	switch (c) {
	case '(': case ')': case '<': case '>': case '[': case ']': case ':':
	case ';': case '@': case '\\': case ',': case '.': case '"':
	case ' ': case '\t': case '\r': case '\n':
		return false;
	}
	return true;
}

/* Octets of words: all but specials (RFC 5322 3.2.3). */
static size_t atom_length(struct span s)
{
	size_t n = 0;

	while (n < s.n && is_atom(s.p[n]))
		n++;
	return n;
}

/* A comment's text; the last one of an address is the name, where none is. */
static void comment_read(struct str *to, struct span *rest)
{
	size_t depth = 0, i = 0;

	str_clear(to);
	for (; i < rest->n; i++) {
		char c = rest->p[i];
		if (c == '\\' && i + 1 < rest->n)
			c = rest->p[++i];
		else if (c == ')' && --depth == 0)
			break;
		else if (c == '\r' || c == '\n' ||
		    (c == '(' && depth++ == 0))
			continue;
		str_add(to, &c, 1);
	}
	if (i >= rest->n) {
		str_clear(to); /* it has no end: that is no name */
		i = rest->n;
	}
	span_skip(rest, i < rest->n ? i + 1 : i);
}

static void gap_read(struct str *comment, struct span *rest)
{
	while (rest->n > 0 && (is_space(*rest->p) || *rest->p == '('))
		if (*rest->p == '(')
			comment_read(comment, rest);
		else
			span_skip(rest, 1);
}

static bool char_is(const struct span *s, char c)
{
	return s->n > 0 && *s->p == c;
}

/* Atoms and, if `quoted`, strings, with dots between them (RFC 5322 4.4). */
static void dotted_read(struct str *to, struct span *rest, bool quoted,
    struct str *comment)
{
	for (;;) {
		gap_read(comment, rest);
		size_t n = atom_length(*rest);
		if (n == 0 && quoted && char_is(rest, '"')) {
			span_skip(rest, 1);
			quoted_read(to, rest);
		} else {
			str_add(to, rest->p, n);
			span_skip(rest, n);
		}
		gap_read(comment, rest);
		if (!char_is(rest, '.'))
			return;
		str_add(to, ".", 1);
		span_skip(rest, 1);
	}
}

/* Behind the `@`. Nothing is made of what begins with a dot or does not end. */
static void domain_read(struct str *to, struct span *rest, struct str *comment)
{
	const char *end;

	gap_read(comment, rest);
	if (!char_is(rest, '[')) {
		if (!char_is(rest, '.'))
			dotted_read(to, rest, false, comment);
		return;
	}
	end = memchr(rest->p, ']', rest->n);
	if (end == NULL) {
		span_skip(rest, rest->n);
		return;
	}
	size_t n = (size_t)(end - rest->p) + 1;
	str_add(to, rest->p, n);
	span_skip(rest, n);
	gap_read(comment, rest);
}

/* "@a,@b:" (RFC 5322 4.4) */
static void route_read(struct mail_address *a, struct span *rest,
    struct str *comment)
{
	while (char_is(rest, '@') || char_is(rest, ',')) {
		bool at = *rest->p == '@';
		span_skip(rest, 1);
		if (at) {
			str_puts(&a->route, a->route.len > 0 ? ",@" : "@");
			domain_read(&a->route, rest, comment);
		}
		gap_read(comment, rest);
	}
	if (char_is(rest, ':')) {
		span_skip(rest, 1);
	} else {
		str_clear(&a->route);
		str_puts(&a->route, "INVALID_ROUTE"); /* so does Dovecot */
	}
	a->has_route = true;
}

/* Behind `<`, to behind `>`. */
static void angle_read(struct mail_address *a, struct span *rest)
{
	struct str comment = {0};

	gap_read(&comment, rest);
	if (char_is(rest, '@'))
		route_read(a, rest, &comment);
	dotted_read(&a->mailbox, rest, true, &comment);
	if (char_is(rest, '@')) {
		span_skip(rest, 1);
		domain_read(&a->host, rest, &comment);
		if (a->host.len == 0)
			str_puts(&a->host, "SYNTAX_ERROR");
	}
	str_free(&comment);
	if (char_is(rest, '>')) {
		span_skip(rest, 1);
		return;
	}
	/* A guess might be an address that nobody wrote. So does Dovecot. */
	str_clear(&a->host);
	str_puts(&a->host, "SYNTAX_ERROR");
	while (rest->n > 0 && *rest->p != '>' && *rest->p != ',')
		span_skip(rest, 1);
}

/* What is missing is said as Dovecot says it: no host would be a group. */
static void address_complete(struct mail_address *a)
{
	a->has_name = a->name.len > 0;
	a->has_mailbox = a->has_host = true;
	if (a->mailbox.len == 0)
		str_puts(&a->mailbox, "MISSING_MAILBOX");
	if (a->host.len == 0)
		str_puts(&a->host, "MISSING_DOMAIN");
}

static bool ends_words(char c)
{
	return c == '<' || c == ':' || c == '@' || c == ',' || c == ';';
}

/*
 * The words up to what tells whether they are a phrase or a local part: in name,
 * as a phrase. False: they are more than one local part can have.
 */
static bool words_read(struct mail_address *a, struct span *rest,
    struct str *comment)
{
	bool single = true, quoted = false, quote = false;

	for (;;) {
		size_t left = rest->n, n;
		bool was_quote = quote;
		gap_read(comment, rest);
		bool apart = left != rest->n;
		if (rest->n == 0 || ends_words(*rest->p))
			return single && (!quoted || char_is(rest, '@'));
		n = atom_length(*rest);
		quote = n == 0 && *rest->p == '"';
		quoted = quoted || quote;
		if (a->name.len > 0 && (apart || quote || was_quote)) {
			/* RFC 5322 4.4: blanks may be around its dots. */
			if (*rest->p != '.' && a->name.p[a->name.len - 1] != '.')
				single = false;
			str_add(&a->name, " ", 1);
		}
		if (quote) {
			span_skip(rest, 1);
			quoted_read(&a->name, rest);
		} else {
			n = n > 0 ? n : 1;
			str_add(&a->name, rest->p, n);
			span_skip(rest, n);
		}
	}
}

/* What was a phrase is the local part: without the blanks around its dots. */
static void local_take(struct mail_address *a, struct span words)
{
	struct str comment = {0};

	str_clear(&a->name);
	dotted_read(&a->mailbox, &words, true, &comment);
	str_free(&comment);
}

/* One that begins here and has words before all else. */
static void address_read(struct span *rest, struct mail_address *a)
{
	struct span words = *rest;
	struct str comment = {0};
	bool local = words_read(a, rest, &comment);

	words.n -= rest->n;
	if (char_is(rest, '<')) {
		span_skip(rest, 1);
		angle_read(a, rest);
	} else if (char_is(rest, ':') && !a->in_group) {
		span_skip(rest, 1);
		a->in_group = a->has_mailbox = true;
		str_add(&a->mailbox, a->name.p, a->name.len);
		str_free(&comment);
		return;
	} else {
		if (local)
			local_take(a, words);
		if (local && char_is(rest, '@')) {
			span_skip(rest, 1);
			domain_read(&a->host, rest, &comment);
		}
		if (a->name.len == 0 && comment.len > 0)
			str_add(&a->name, comment.p, comment.len);
	}
	str_free(&comment);
	while (rest->n > 0 && *rest->p != ',' &&
	    !(a->in_group && *rest->p == ';'))
		span_skip(rest, 1);
	address_complete(a);
}

bool addresses_next(struct span *rest, struct mail_address *a)
{
	a->has_name = a->has_route = a->has_mailbox = a->has_host = false;
	str_clear(&a->name);
	str_clear(&a->route);
	str_clear(&a->mailbox);
	str_clear(&a->host);
	for (;;) {
		comments_skip(rest);
		if (rest->n == 0 || (*rest->p == ';' && a->in_group)) {
			bool was = a->in_group;
			span_skip(rest, rest->n > 0);
			a->in_group = false;
			return was;
		}
		if (*rest->p != ',' && *rest->p != ';')
			break;
		span_skip(rest, 1);
	}
	address_read(rest, a);
	return true;
}

void addresses_free(struct mail_address *a)
{
	str_free(&a->name);
	str_free(&a->route);
	str_free(&a->mailbox);
	str_free(&a->host);
}
