#include "address.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LABEL_MAX 63 /* RFC 1035 2.3.4 */

size_t utf8_length(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned low = 0x80, high = 0xbf;
	size_t n;

	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		n = 2;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		n = 3;
		if (p[0] == 0xe0)
			low = 0xa0;
		else if (p[0] == 0xed)
			high = 0x9f;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		n = 4;
		if (p[0] == 0xf0)
			low = 0x90;
		else if (p[0] == 0xf4)
			high = 0x8f;
	} else {
		return 0;
	}
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

static bool letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

static bool atext(char c)
{
	return letter_or_digit(c) ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* The length of one character of a dot-string or a label, or 0. */
static size_t word_char(const char *p, bool (*ascii)(char))
{
	return ascii(*p) ? 1 : utf8_length(p);
}

static bool label_char(char c)
{
	return letter_or_digit(c) || c == '-' || c == '_';
}

/* Dot-string: atoms, single dots between. Returns behind it, or NULL. */
static const char *dot_string(const char *p, bool (*ascii)(char))
{
	for (;;) {
		size_t n = word_char(p, ascii);
		if (n == 0)
			return NULL;
		for (; n != 0; n = word_char(p, ascii))
			p += n;
		if (*p != '.')
			return p;
		p++;
	}
}

/* Quoted-string; writes what it means to out. */
static const char *quoted_string(const char *p, char *out)
{
	for (p++; *p != '"'; p++) {
		size_t n = utf8_length(p);
		if (n > 1) {
			memcpy(out, p, n);
			out += n;
			p += n - 1;
			continue;
		}
		if (*p == '\\')
			p++;
		if (*p < ' ' || *p > '~')
			return NULL;
		*out++ = *p;
	}
	*out = '\0';
	return p + 1;
}

static const char *literal_end(const char *p)
{
	const char *end = p + strcspn(p, "]");
	unsigned char binary[16];
	char text[64];

	if (*end != ']' || (size_t)(end - p) >= sizeof text)
		return NULL;
	snprintf(text, sizeof text, "%.*s", (int)(end - p - 1), p + 1);
	if (strncasecmp(text, "IPv6:", 5) == 0)
		return inet_pton(AF_INET6, text + 5, binary) == 1 ? end + 1 :
		    NULL;
	return inet_pton(AF_INET, text, binary) == 1 ? end + 1 : NULL;
}

static const char *domain_end(const char *p)
{
	const char *end, *label;

	if (*p == '[')
		return literal_end(p);
	end = dot_string(p, label_char);
	if (end == NULL)
		return NULL;
	for (label = p; label < end; label++) {
		size_t n = strcspn(label, ".");
		if (label + n > end)
			n = (size_t)(end - label);
		if (n > LABEL_MAX || *label == '-' || label[n - 1] == '-')
			return NULL;
		label += n;
	}
	return end;
}

bool domain_valid(const char *s)
{
	const char *end = domain_end(s);

	return end != NULL && *end == '\0' && end - s <= 255;
}

/* local-part [ "@" domain ]; returns behind it, or NULL. */
static const char *mailbox_end(const char *p, struct address *a)
{
	const char *local_end, *end;

	if (*p == '"') {
		local_end = quoted_string(p, a->local);
	} else {
		local_end = dot_string(p, atext);
		if (local_end != NULL) {
			memcpy(a->local, p, (size_t)(local_end - p));
			a->local[local_end - p] = '\0';
		}
	}
	if (local_end == NULL)
		return NULL;
	end = local_end;
	if (*end == '@') {
		end = domain_end(local_end + 1);
		if (end == NULL)
			return NULL;
		snprintf(a->domain, sizeof a->domain, "%.*s",
		    (int)(end - local_end - 1), local_end + 1);
	}
	memcpy(a->text, p, (size_t)(end - p));
	a->text[end - p] = '\0';
	return end;
}

/* "@one,@two:" before the mailbox. */
static const char *source_route_end(const char *p)
{
	while (*p == '@') {
		p = domain_end(p + 1);
		if (p == NULL)
			return NULL;
		if (*p == ':')
			return p + 1;
		if (*p++ != ',')
			return NULL;
	}
	return p;
}

static void find_utf8(struct address *a)
{
	for (const char *p = a->text; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			a->utf8 = true;
}

/* How long the mailbox at p would be, by its quotes and its end. */
static size_t mailbox_length(const char *p)
{
	const char *end = p;

	if (*end == '"')
		for (end++; *end != '\0' && *end != '"'; end++)
			if (*end == '\\' && end[1] != '\0')
				end++;
	return (size_t)(end - p) + strcspn(end, "> ");
}

enum address_result address_path(const char **start, struct address *a)
{
	const char *p = *start;

	memset(a, 0, sizeof *a);
	if (*p++ != '<')
		return ADDRESS_SYNTAX;
	if (*p == '>') {
		*start = p + 1;
		return ADDRESS_OK;
	}
	p = source_route_end(p);
	if (p == NULL)
		return ADDRESS_SYNTAX;
	if (mailbox_length(p) >= ADDRESS_SIZE)
		return ADDRESS_LONG;
	p = mailbox_end(p, a);
	if (p == NULL || *p != '>')
		return ADDRESS_SYNTAX;
	find_utf8(a);
	*start = p + 1;
	return ADDRESS_OK;
}

enum address_result address_parse(const char *text, struct address *a)
{
	const char *end;

	memset(a, 0, sizeof *a);
	if (strlen(text) >= ADDRESS_SIZE)
		return ADDRESS_LONG;
	end = mailbox_end(text, a);
	if (end == NULL || *end != '\0')
		return ADDRESS_SYNTAX;
	find_utf8(a);
	return ADDRESS_OK;
}
