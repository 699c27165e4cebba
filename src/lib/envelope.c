#include "envelope.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "str.h"

#define BAD_PARAMETER "501 5.5.4 Bad parameter value"
#define UNKNOWN_PARAMETER "555 5.5.4 Unknown parameter"
#define BAD_ADDRESS "501 5.1.7 Bad sender address"
#define BAD_RECIPIENT "501 5.1.3 Bad recipient address"
#define LONG_PATH "501 5.1.3 Path too long"
#define NO_SMTPUTF8 "553 5.6.7 Address needs SMTPUTF8"
#define TOO_BIG "552 5.3.4 Message too big"

/* RFC 3461 4: printable ASCII but "+" and "=", or "+" and two hex digits. */
static bool xtext(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s < '!' || *s > '~' || *s == '=')
			return false;
		if (*s != '+')
			continue;
		unsigned octet = 0;
		for (int i = 0; i < 2; i++) {
			const char *hex = "0123456789ABCDEF";
			const char *digit = *++s ? strchr(hex, *s) : NULL;
			if (digit == NULL)
				return false;
			octet = octet * 16 + (unsigned)(digit - hex);
		}
		if (octet < ' ' || octet == 0x7f)
			return false; /* a CR or LF on its way into a file */
	}
	return true;
}

/* "KEYWORD:" and blanks, as MAIL and RCPT begin. */
static const char *behind(const char *arg, const char *keyword)
{
	size_t n = strlen(keyword);

	if (strncasecmp(arg, keyword, n) != 0)
		return NULL;
	return arg + n + strspn(arg + n, " ");
}

static const char *mail_parameter(struct envelope *e, const char *key,
    const char *value, uint64_t limit)
{
	if (strcasecmp(key, "SIZE") == 0) {
		if (!number_parse(value, UINT64_MAX, &e->size))
			return strlen(value) >= 20 &&
			    value[strspn(value, "0123456789")] == '\0' ?
			    TOO_BIG : BAD_PARAMETER;
		return e->size > limit ? TOO_BIG : NULL;
	}
	if (strcasecmp(key, "BODY") == 0) {
		e->eightbit = strcasecmp(value, "8BITMIME") == 0;
		return e->eightbit || strcasecmp(value, "7BIT") == 0 ? NULL :
		    BAD_PARAMETER;
	}
	if (strcasecmp(key, "SMTPUTF8") == 0) {
		e->utf8 = true;
		return *value == '\0' ? NULL : BAD_PARAMETER;
	}
	if (strcasecmp(key, "RET") == 0) {
		e->ret = strcasecmp(value, "FULL") == 0 ? 'F' :
		    strcasecmp(value, "HDRS") == 0 ? 'H' : 0;
		return e->ret != 0 ? NULL : BAD_PARAMETER;
	}
	if (strcasecmp(key, "ENVID") == 0) {
		if (*value == '\0' || strlen(value) >= ENVID_SIZE ||
		    !xtext(value))
			return BAD_PARAMETER;
		strcpy(e->envid, value);
		return NULL;
	}
	if (strcasecmp(key, "AUTH") == 0) /* RFC 4954 5: nobody is believed */
		return *value != '\0' && xtext(value) ? NULL : BAD_PARAMETER;
	return UNKNOWN_PARAMETER;
}

static const char *notify_parse(char *value, unsigned *notify)
{
	static const struct { const char *word; unsigned bit; } words[] = {
		{"NEVER", NOTIFY_NEVER}, {"SUCCESS", NOTIFY_SUCCESS},
		{"FAILURE", NOTIFY_FAILURE}, {"DELAY", NOTIFY_DELAY},
	};

	*notify = 0;
	for (char *word = value; word != NULL;) {
		char *comma = strchr(word, ',');
		unsigned bit = 0;
		if (comma != NULL)
			*comma++ = '\0';
		for (size_t i = 0; i < sizeof words / sizeof *words; i++)
			if (strcasecmp(word, words[i].word) == 0)
				bit = words[i].bit;
		if (bit == 0 || (*notify & bit) != 0)
			return BAD_PARAMETER;
		*notify |= bit;
		word = comma;
	}
	return (*notify & NOTIFY_NEVER) != 0 && *notify != NOTIFY_NEVER ?
	    BAD_PARAMETER : NULL;
}

static const char *rcpt_parameter(struct recipient *r, const char *key,
    char *value)
{
	if (strcasecmp(key, "NOTIFY") == 0)
		return notify_parse(value, &r->notify);
	if (strcasecmp(key, "ORCPT") == 0) {
		const char *semicolon = strchr(value, ';');
		if (semicolon == NULL || semicolon == value ||
		    semicolon[1] == '\0' || strlen(value) >= ORCPT_SIZE ||
		    !xtext(value))
			return BAD_PARAMETER;
		r->orcpt = value;
		return NULL;
	}
	return UNKNOWN_PARAMETER;
}

/* The next " KEY=VALUE"; NULL at the end. *value is "" without one. */
static char *next_parameter(char **rest, char **value)
{
	char *key = text_word(rest);

	if (key != NULL) {
		*value = key + strcspn(key, "=");
		if (**value == '=')
			*(*value)++ = '\0';
	}
	return key;
}

static const char *path(const char **p, struct address *a, const char *bad)
{
	switch (address_path(p, a)) {
	case ADDRESS_LONG:
		return LONG_PATH;
	case ADDRESS_SYNTAX:
		return bad;
	case ADDRESS_OK:
		break;
	}
	return **p == '\0' || **p == ' ' ? NULL : bad;
}

const char *envelope_mail(struct envelope *e, char *arg, uint64_t limit)
{
	const char *p = behind(arg, "FROM:"), *refusal;
	struct envelope new = {.open = true, .pool = e->pool};
	struct address from;
	char *rest, *key, *value;

	if (p == NULL)
		return "501 5.5.4 Syntax: MAIL FROM:<address>";
	refusal = path(&p, &from, BAD_ADDRESS);
	if (refusal != NULL)
		return refusal;
	if (*from.text != '\0' && *from.domain == '\0')
		return BAD_ADDRESS;
	rest = arg + (p - arg);
	while ((key = next_parameter(&rest, &value)) != NULL) {
		refusal = mail_parameter(&new, key, value, limit);
		if (refusal != NULL)
			return refusal;
	}
	if (from.utf8 && !new.utf8)
		return NO_SMTPUTF8;
	strcpy(new.sender, from.text);
	*e = new;
	return NULL;
}

const char *envelope_rcpt(const struct envelope *e, char *arg,
    struct address *to, struct recipient *r)
{
	const char *p = behind(arg, "TO:"), *refusal;
	char *rest, *key, *value;

	if (p == NULL)
		return "501 5.5.4 Syntax: RCPT TO:<address>";
	refusal = path(&p, to, BAD_RECIPIENT);
	if (refusal != NULL)
		return refusal;
	*r = (struct recipient){.address = to->text};
	/* A name alone is postmaster's right only: RFC 5321 4.5.1. */
	if (*to->text == '\0' || (*to->domain == '\0' &&
	    strcasecmp(to->local, "postmaster") != 0))
		return BAD_RECIPIENT;
	rest = arg + (p - arg);
	while ((key = next_parameter(&rest, &value)) != NULL) {
		refusal = rcpt_parameter(r, key, value);
		if (refusal != NULL)
			return refusal;
	}
	if (to->utf8 && !e->utf8)
		return NO_SMTPUTF8;
	if (e->rcpts >= RECIPIENTS_MAX)
		return "452 4.5.3 Too many recipients";
	return NULL;
}

void envelope_add(struct envelope *e, const struct recipient *r)
{
	struct recipient *new;

	e->rcpt = pool_grow(e->pool, e->rcpt, e->rcpts, sizeof *e->rcpt);
	new = &e->rcpt[e->rcpts++];
	*new = *r;
	new->address = pool_copy(e->pool, r->address);
	new->orcpt = r->orcpt != NULL ? pool_copy(e->pool, r->orcpt) : "";
}

void envelope_reset(struct envelope *e)
{
	*e = (struct envelope){.pool = e->pool};
}
