#include "sasl.h"

#include <string.h>
#include <strings.h>

static enum sasl_result result_of(enum login_result result)
{
	switch (result) {
	case LOGIN_OK:
		return SASL_OK;
	case LOGIN_REFUSED:
	case LOGIN_CONTINUE: /* where none can be */
		return SASL_REFUSED;
	case LOGIN_UNAVAILABLE:
		break;
	}
	return SASL_UNAVAILABLE;
}

enum sasl_result sasl_password(struct door *d, const char *user,
    char *password)
{
	return result_of(door_password(d, user, password));
}

/* What the client says: the initial response, or the answer to a challenge. */
struct talk {
	char *initial; /* NULL: there is none, or it was taken */
	char *(*challenge)(const char *text);
};

enum said { SAID, SAID_BADLY, SAID_NOTHING };

/*
 * Its octets, with no NUL in them unless len is asked for. `text` is the
 * challenge, when one is needed.
 */
static enum said hear(struct talk *t, const char *text, char *out, size_t size,
    size_t *len)
{
	char *said = t->initial;
	bool ok;

	if (said == NULL)
		said = t->challenge(text);
	else if (strcmp(said, "=") == 0)
		*said = '\0'; /* an empty one: RFC 4954 4, RFC 5034 4 */
	t->initial = NULL;
	if (said == NULL)
		return SAID_NOTHING;
	ok = base64_decode(said, out, size, len);
	explicit_bzero(said, strlen(said));
	return ok ? SAID : SAID_BADLY;
}

static enum sasl_result not_said(enum said said)
{
	return said == SAID_NOTHING ? SASL_GIVEN_UP : SASL_MALFORMED;
}

/* RFC 4616 2: [authzid] NUL authcid NUL passwd; who acts is who logs in. */
static enum sasl_result plain(struct door *d, struct talk *t)
{
	char text[3 * LOGIN_SIZE], *user, *password;
	enum sasl_result result = SASL_MALFORMED;
	enum said said;
	size_t len;

	said = hear(t, "", text, sizeof text, &len);
	if (said == SAID && strlen(text) < len) {
		user = text + strlen(text) + 1;
		password = user + strlen(user) + 1;
		if (password <= text + len &&
		    password + strlen(password) == text + len &&
		    (*text == '\0' || strcmp(text, user) == 0) &&
		    strlen(user) < LOGIN_SIZE && strlen(password) < LOGIN_SIZE)
			result = result_of(door_password(d, user, password));
	}
	explicit_bzero(text, sizeof text);
	return said == SAID ? result : not_said(said);
}

/* draft-murchison-sasl-login: obsolete, and what Outlook speaks. */
static enum sasl_result login(struct door *d, struct talk *t)
{
	char user[LOGIN_SIZE], password[LOGIN_SIZE];
	enum sasl_result result;
	enum said first, second;

	first = hear(t, "VXNlcm5hbWU6", user, sizeof user, NULL);
	if (first == SAID_NOTHING)
		return SASL_GIVEN_UP;
	/* A bad user is told behind the password, as a wrong one is. */
	second = hear(t, "UGFzc3dvcmQ6", password, sizeof password, NULL);
	if (second != SAID)
		result = not_said(second);
	else if (first != SAID)
		result = SASL_MALFORMED;
	else
		result = result_of(door_password(d, user, password));
	explicit_bzero(password, sizeof password);
	return result;
}

/*
 * The client's first message; `plus`: the mechanism with channel binding, and
 * with no other may 'p' be said (RFC 5802 6).
 */
static bool first_fits(const char *text, struct scram_first *first, bool plus)
{
	return scram_first_parse(first, text) &&
	    (first->flag == 'p') == plus &&
	    (*first->authzid == '\0' ||
	    strcmp(first->authzid, first->user) == 0);
}

static enum sasl_result scram(struct door *d, struct talk *t, bool plus)
{
	char text[SCRAM_SIZE], say[SCRAM_SIZE] = "";
	char base64[BASE64_SIZE(SCRAM_SIZE)];
	struct scram_first first;
	enum login_result result;
	enum said said;

	said = hear(t, "", text, sizeof text, NULL);
	if (said != SAID)
		return not_said(said);
	if (!first_fits(text, &first, plus))
		return SASL_MALFORMED;
	result = door_scram_first(d, first.user, text, say);
	if (result != LOGIN_CONTINUE)
		return result_of(result);
	base64_encode(base64, say, strnlen(say, sizeof say));
	said = hear(t, base64, text, sizeof text, NULL);
	if (said != SAID)
		return not_said(said);
	result = door_scram_final(d, text, say);
	if (result != LOGIN_OK)
		return result_of(result);
	/* Our signature: SMTP and POP3 have no room for it beside the yes. */
	base64_encode(base64, say, strnlen(say, sizeof say));
	said = hear(t, base64, text, sizeof text, NULL);
	if (said == SAID && *text == '\0')
		return SASL_OK;
	return said == SAID ? SASL_MALFORMED : not_said(said);
}

static enum sasl_result scram_alone(struct door *d, struct talk *t)
{
	return scram(d, t, false);
}

static enum sasl_result scram_plus(struct door *d, struct talk *t)
{
	return scram(d, t, true);
}

/* RFC 4422 A: the certificate has said who it is. */
static enum sasl_result external(struct door *d, struct talk *t)
{
	char authzid[LOGIN_SIZE];
	enum said said = hear(t, "", authzid, sizeof authzid, NULL);

	if (said != SAID)
		return not_said(said);
	return result_of(door_external(d, authzid));
}

static bool may_password(const struct door *d)
{
	return door_is_private(d);
}

static bool may_scram(const struct door *d)
{
	return d->scram_offered && door_is_private(d);
}

static bool may_plus(const struct door *d)
{
	return may_scram(d) && (*d->tls.exporter != '\0' ||
	    *d->tls.endpoint != '\0' || *d->tls.unique != '\0');
}

static bool may_external(const struct door *d)
{
	return *d->tls.peer != '\0';
}

/* The best first: RFC 4422 leaves the choice to the client, and some take it. */
static const struct {
	const char *name;
	bool (*may)(const struct door *);
	enum sasl_result (*run)(struct door *, struct talk *);
} mechanisms[] = {
	{"SCRAM-SHA-256-PLUS", may_plus, scram_plus},
	{"SCRAM-SHA-256", may_scram, scram_alone},
	{"EXTERNAL", may_external, external},
	{"PLAIN", may_password, plain},
	{"LOGIN", may_password, login},
};

#define MECHANISMS (sizeof mechanisms / sizeof *mechanisms)

void sasl_mechanisms(const struct door *d, struct str *names)
{
	str_clear(names);
	for (size_t i = 0; i < MECHANISMS; i++)
		if (mechanisms[i].may(d))
			str_printf(names, "%s%s", names->len > 0 ? " " : "",
			    mechanisms[i].name);
}

enum sasl_result sasl_login(struct door *d, const char *mechanism,
    char *initial, char *(*challenge)(const char *text))
{
	struct talk talk = {initial, challenge};

	for (size_t i = 0; i < MECHANISMS; i++)
		if (strcasecmp(mechanism, mechanisms[i].name) == 0 &&
		    mechanisms[i].may(d))
			return mechanisms[i].run(d, &talk);
	return SASL_UNKNOWN;
}
