#include "addresses.h"

#include <string.h>

#include "words.h"

static void skip(struct span *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Octets of words: all but specials (RFC 5322 3.2.3). */
static size_t atom_length(struct span s)
{
	size_t n = 0;

	while (n < s.n && !is_space(s.p[n]) &&
	    (s.p[n] == '\0' || strchr("()<>[]:;@\\,.\"", s.p[n]) == NULL))
		n++;
	return n;
}

/* It begins behind the quote; without an end it is the whole rest. */
static void quoted_read(struct str *to, struct span *rest)
{
	size_t i = 0, from = 0;

	for (; i < rest->n && rest->p[i] != '"'; i++) {
		char c = rest->p[i];
		if (c != '\\' && c != '\r' && c != '\n')
			continue;
		str_add(to, rest->p + from, i - from);
		from = i + 1;
		if (c == '\\' && i + 1 < rest->n)
			i++;
	}
	i = i < rest->n ? i : rest->n;
	if (i > from)
		str_add(to, rest->p + from, i - from);
	skip(rest, i < rest->n ? i + 1 : i);
}

/* The text of one comment into `to`, if it is wanted. */
static void comment_read(struct str *to, struct span *rest)
{
	size_t depth = 0, i = 0;

	str_clear(to);
	for (; i < rest->n; i++) {
		char c = rest->p[i];
		if (c == '\\' && i + 1 < rest->n)
			c = rest->p[++i];
		else if (c == '(' && depth++ == 0)
			continue;
		else if (c == ')' && --depth == 0)
			break;
		else if (c == '\r' || c == '\n')
			continue;
		str_add(to, &c, 1);
	}
	skip(rest, i < rest->n ? i + 1 : rest->n);
}

/* A domain, or a literal of one: without blanks and comments. */
static void domain_read(struct str *to, struct span *rest)
{
	for (;;) {
		comments_skip(rest);
		size_t n = atom_length(*rest);
		if (n == 0 && rest->n > 0 && *rest->p == '.') {
			n = 1;
		} else if (n == 0 && rest->n > 0 && *rest->p == '[') {
			const char *end = memchr(rest->p, ']', rest->n);
			n = end != NULL ? (size_t)(end - rest->p) + 1 : rest->n;
		}
		if (n == 0)
			return;
		str_add(to, rest->p, n);
		skip(rest, n);
	}
}

static void local_read(struct str *to, struct span *rest)
{
	for (;;) {
		comments_skip(rest);
		size_t n = atom_length(*rest);
		if (n == 0 && rest->n > 0 && *rest->p == '"') {
			skip(rest, 1);
			quoted_read(to, rest);
			continue;
		}
		if (n == 0 && rest->n > 0 && *rest->p == '.')
			n = 1;
		if (n == 0)
			return;
		str_add(to, rest->p, n);
		skip(rest, n);
	}
}

/* "@a,@b:" (RFC 5322 4.4) */
static void route_read(struct mail_address *a, struct span *rest)
{
	while (rest->n > 0 && (*rest->p == '@' || *rest->p == ',')) {
		bool at = *rest->p == '@';
		skip(rest, 1);
		if (at) {
			str_puts(&a->route, a->route.len > 0 ? ",@" : "@");
			domain_read(&a->route, rest);
		}
		comments_skip(rest);
	}
	if (rest->n > 0 && *rest->p == ':')
		skip(rest, 1);
	a->has_route = true;
}

/* Behind `<`, to behind `>`. */
static void angle_read(struct mail_address *a, struct span *rest)
{
	comments_skip(rest);
	if (rest->n > 0 && *rest->p == '@')
		route_read(a, rest);
	local_read(&a->mailbox, rest);
	if (rest->n > 0 && *rest->p == '@') {
		skip(rest, 1);
		domain_read(&a->host, rest);
		a->has_host = true;
	}
	while (rest->n > 0 && *rest->p != '>' && *rest->p != ',')
		skip(rest, 1);
	if (rest->n > 0 && *rest->p == '>')
		skip(rest, 1);
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

/* A word of a phrase, or of a local part: which, is known later. */
static void word_add(struct mail_address *a, struct span *rest, bool apart)
{
	size_t n = atom_length(*rest), from = a->mailbox.len;

	if (n > 0 || *rest->p != '"') {
		n = n > 0 ? n : 1;
		str_add(&a->mailbox, rest->p, n);
		skip(rest, n);
	} else {
		skip(rest, 1);
		quoted_read(&a->mailbox, rest);
	}
	if (apart && a->name.len > 0)
		str_add(&a->name, " ", 1);
	str_add(&a->name, a->mailbox.p + from, a->mailbox.len - from);
}

static void rest_skip(struct span *rest, bool in_group)
{
	while (rest->n > 0 && *rest->p != ',' &&
	    !(in_group && *rest->p == ';'))
		skip(rest, 1);
}

/* One of them begins here. */
static void address_read(struct span *rest, struct mail_address *a)
{
	struct str comment = {0};
	bool apart = false;

	for (;;) {
		char c = rest->n > 0 ? *rest->p : ',';
		if (is_space(c)) {
			skip(rest, 1);
			apart = true;
		} else if (c == '(') {
			comment_read(&comment, rest);
			apart = true;
		} else if (c == '<') {
			skip(rest, 1);
			str_clear(&a->mailbox);
			angle_read(a, rest);
			break;
		} else if (c == ':' && !a->in_group) {
			skip(rest, 1);
			a->in_group = a->has_mailbox = true;
			str_clear(&a->mailbox);
			str_add(&a->mailbox, a->name.p, a->name.len);
			str_free(&comment);
			return;
		} else if (c == '@' || c == ',' || c == ';') {
			str_clear(&a->name);
			if (c == '@') {
				skip(rest, 1);
				domain_read(&a->host, rest);
			}
			break;
		} else {
			word_add(a, rest, apart);
			apart = false;
		}
	}
	while (rest->n > 0 && (is_space(*rest->p) || *rest->p == '(')) {
		if (*rest->p == '(')
			comment_read(&comment, rest);
		else
			skip(rest, 1);
	}
	if (a->name.len == 0 && comment.len > 0)
		str_add(&a->name, comment.p, comment.len);
	str_free(&comment);
	rest_skip(rest, a->in_group);
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
			skip(rest, rest->n > 0);
			a->in_group = false;
			return was;
		}
		if (*rest->p != ',' && *rest->p != ';')
			break;
		skip(rest, 1);
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
