#include "envelope.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "str.h"

#define BAD_PARAMETER "501 5.5.4 Bad parameter value"
#define UNKNOWN_PARAMETER "555 5.5.4 Unknown parameter"
#define BAD_ADDRESS "501 5.1.7 Bad sender address"
#define BAD_RECIPIENT "501 5.1.3 Bad recipient address"
#define LONG_SENDER "501 5.1.7 Sender address too long"
#define LONG_RECIPIENT "501 5.1.3 Recipient address too long"
#define REPEATED "501 5.5.4 A parameter stands there twice"
#define NO_SMTPUTF8 "553 5.6.7 Address needs SMTPUTF8"
#define TOO_BIG "552 5.3.4 Message too big"

/*
 * RFC 3461 4: printable ASCII but "+" and "=", or "+" and two hex digits; with
 * utf8, characters beyond ASCII as well (RFC 6533 3).
 */
static bool xtext(const char *s, bool utf8)
{
	for (; *s != '\0'; s++) {
		size_t n = utf8 ? utf8_length(s) : 0;
		if (n > 0) {
			s += n - 1;
			continue;
		}
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
		    !xtext(value, false))
			return BAD_PARAMETER;
		strcpy(e->envid, value);
		return NULL;
	}
	if (strcasecmp(key, "AUTH") == 0) /* RFC 4954 5: nobody is believed */
		return *value != '\0' && xtext(value, false) ?
		    NULL : BAD_PARAMETER;
	return UNKNOWN_PARAMETER;
}

/* In the order of enum notify's bits. */
static const char *const notify_words[] = {
	"NEVER", "SUCCESS", "FAILURE", "DELAY",
};

void notify_print(char words[NOTIFY_SIZE], unsigned notify)
{
	*words = '\0';
	for (size_t i = 0; i < 4; i++) {
		if ((notify & 1u << i) == 0)
			continue;
		if (*words != '\0')
			strcat(words, ",");
		strcat(words, notify_words[i]);
	}
}

static const char *notify_parse(char *value, unsigned *notify)
{
	*notify = 0;
	for (char *word = value; word != NULL;) {
		char *comma = strchr(word, ',');
		unsigned bit = 0;
		if (comma != NULL)
			*comma++ = '\0';
		for (size_t i = 0; i < 4; i++)
			if (strcasecmp(word, notify_words[i]) == 0)
				bit = 1u << i;
		if (bit == 0)
			return BAD_PARAMETER;
		*notify |= bit;
		word = comma;
	}
	return (*notify & NOTIFY_NEVER) != 0 && *notify != NOTIFY_NEVER ?
	    BAD_PARAMETER : NULL;
}

static const char *rcpt_parameter(struct recipient *r, const char *key,
    char *value, bool utf8)
{
	if (strcasecmp(key, "NOTIFY") == 0)
		return notify_parse(value, &r->notify);
	if (strcasecmp(key, "ORCPT") == 0) {
		const char *semicolon = strchr(value, ';');
		if (semicolon == NULL || semicolon == value ||
		    semicolon[1] == '\0' || strlen(value) >= ORCPT_SIZE ||
		    !xtext(value, utf8 &&
		    strncasecmp(value, "utf-8;", 6) == 0))
			return BAD_PARAMETER;
		r->orcpt = value;
		return NULL;
	}
	return UNKNOWN_PARAMETER;
}

#define PARAMETERS_MAX 8 /* there are six */

struct parameters {
	char *rest; /* of the line */
	const char *keys[PARAMETERS_MAX];
	size_t count;
};

/*
 * The next " KEY=VALUE"; NULL at the end. *value is "" without one, and NULL
 * when the key was there before.
 */
static char *next_parameter(struct parameters *p, char **value)
{
	char *key = text_word(&p->rest);

	if (key == NULL)
		return NULL;
	*value = key + strcspn(key, "=");
	if (**value == '=')
		*(*value)++ = '\0';
	for (size_t i = 0; i < p->count; i++)
		if (strcasecmp(p->keys[i], key) == 0)
			*value = NULL;
	if (p->count == PARAMETERS_MAX)
		*value = NULL;
	else
		p->keys[p->count++] = key;
	return key;
}

static const char *path(const char **p, struct address *a, const char *bad,
    const char *too_long)
{
	switch (address_path(p, a)) {
	case ADDRESS_LONG:
		return too_long;
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
	struct parameters parameters = {0};
	struct address from;
	char *key, *value;

	if (p == NULL)
		return "501 5.5.4 Syntax: MAIL FROM:<address>";
	refusal = path(&p, &from, BAD_ADDRESS, LONG_SENDER);
	if (refusal != NULL)
		return refusal;
	if (*from.text != '\0' && *from.domain == '\0')
		return BAD_ADDRESS;
	parameters.rest = arg + (p - arg);
	while ((key = next_parameter(&parameters, &value)) != NULL) {
		refusal = value == NULL ? REPEATED :
		    mail_parameter(&new, key, value, limit);
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
	struct parameters parameters = {0};
	char *key, *value;

	if (p == NULL)
		return "501 5.5.4 Syntax: RCPT TO:<address>";
	refusal = path(&p, to, BAD_RECIPIENT, LONG_RECIPIENT);
	if (refusal != NULL)
		return refusal;
	*r = (struct recipient){.address = to->text};
	/* A name alone is postmaster's right only: RFC 5321 4.5.1. */
	if (*to->text == '\0' || (*to->domain == '\0' &&
	    strcasecmp(to->local, "postmaster") != 0))
		return BAD_RECIPIENT;
	parameters.rest = arg + (p - arg);
	while ((key = next_parameter(&parameters, &value)) != NULL) {
		refusal = value == NULL ? REPEATED :
		    rcpt_parameter(r, key, value, e->utf8);
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
