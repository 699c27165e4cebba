#include "compose.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "draft.h"
#include "save.h"
#include "submit.h"
#include "terminal.h"
#include "utf8.h"

bool account_ask(struct account *account)
{
	struct str question = {0}, answer = {0};
	bool ok = true;

	str_puts(&question, "User");
	if (*account->user != '\0')
		str_printf(&question, " [%s]", shown(account->user));
	str_puts(&question, ": ");
	ask(&answer, question.p);
	if (answer.len >= sizeof account->user)
		ok = false;
	else if (answer.len > 0)
		strcpy(account->user, answer.p);
	/* Asked for all the same: a script has a line for it. */
	ok = ask_secret(account->password, sizeof account->password,
	    "Password: ") && ok;
	if (!ok)
		puts("User or password is too long.");
	else if (*account->user == '\0')
		puts("Without a user there is nothing to log in to.");
	ok = ok && *account->user != '\0';
	if (!ok)
		explicit_bzero(account->password, sizeof account->password);
	str_free(&question);
	str_free(&answer);
	return ok;
}

/* Asking */

/* Whoever knows what a mail looks like writes `To: <b@y>` behind "To: ". */
static void ask_field(struct str *answer, const char *question,
    const char *name)
{
	size_t n = strlen(name), skip = n;

	ask(answer, question);
	if (strncasecmp(answer->p, name, n) != 0)
		return;
	skip += strspn(answer->p + skip, " \t");
	answer->len -= skip;
	memmove(answer->p, answer->p + skip, answer->len + 1);
}

/* Blanks and angle brackets around it are nothing to it. */
static char *address_strip(char *text)
{
	text += strspn(text, " \t<");
	for (size_t n = strlen(text); n > 0 && strchr(" \t>", text[n - 1]); n--)
		text[n - 1] = '\0';
	return text;
}

/* A name, from its quotes, if it has such. False: it is more than a name. */
static bool name_take(struct str *name, struct span text)
{
	bool quoted = text.n > 1 && *text.p == '"' && text.p[text.n - 1] == '"';

	if (quoted)
		text = (struct span){text.p + 1, text.n - 2};
	for (; text.n > 0; span_skip(&text, 1)) {
		if (strchr(quoted ? "\"" : "\"<>,", *text.p) != NULL)
			return false;
		if (*text.p == '\\' && quoted && text.n > 1)
			span_skip(&text, 1);
		str_add(name, text.p, 1);
	}
	return name->len <= DRAFT_NAME_MAX;
}

/* `Alice <alice@x>`, `"B, Bob" <bob@y>`: the address. Else all is that. */
static char *name_cut(struct str *name, char *text)
{
	char *angle = strrchr(text, '<');
	struct span before;

	str_clear(name);
	text += strspn(text, " \t");
	if (angle == NULL || strchr(angle, '>') == NULL)
		return address_strip(text);
	before = (struct span){text, (size_t)(angle - text)};
	while (before.n > 0 && strchr(" \t", before.p[before.n - 1]) != NULL)
		before.n--;
	if (name_take(name, before))
		return address_strip(angle);
	str_clear(name);
	return address_strip(text);
}

static bool address_take(struct address *to, const char *text)
{
	if (address_is(text))
		return address_parse(text, to) == ADDRESS_OK;
	printf("Incorrect format: \"%s\" is not an address, name@domain.\n",
	    shown(text));
	return false;
}

static bool ask_from(struct draft *d, const struct account *account)
{
	struct str question = {0}, answer = {0};
	bool has = address_is(account->user), taken;

	str_puts(&question, "From");
	if (has)
		str_printf(&question, " [%s]", account->user);
	str_puts(&question, ": ");
	do {
		ask_field(&answer, question.p, "From:");
		if (answer.len == 0 && !has)
			break;
		str_clear(&d->from_name);
		taken = address_take(&d->from, answer.len > 0 ?
		    name_cut(&d->from_name, answer.p) : account->user);
	} while (!taken);
	str_free(&question);
	str_free(&answer);
	return *d->from.text != '\0';
}

/* One of a list, which may be empty. */
static bool recipient_add(struct draft *d, char *text)
{
	struct str name = {0};
	bool good;

	text = name_cut(&name, text);
	good = *text == '\0';
	if (!good && d->count == DRAFT_RECIPIENTS_MAX) {
		printf("Incorrect format: there are more than %d addresses.\n",
		    DRAFT_RECIPIENTS_MAX);
	} else if (!good && address_take(&d->to[d->count], text)) {
		str_free(&d->to_name[d->count]);
		d->to_name[d->count++] = name;
		return true;
	}
	str_free(&name);
	return good;
}

/* The next one between addresses, and not in quotes; NULL: there is none. */
static char *comma_find(char *list)
{
	bool quoted = false;

	for (; *list != '\0' && (quoted || *list != ','); list++) {
		if (*list == '\\' && quoted && list[1] != '\0')
			list++;
		else if (*list == '"')
			quoted = !quoted;
	}
	return *list == ',' ? list : NULL;
}

static bool recipients_take(struct draft *d, char *list)
{
	char *comma;

	d->count = 0;
	for (; list != NULL; list = comma) {
		comma = comma_find(list);
		if (comma != NULL)
			*comma++ = '\0';
		if (!recipient_add(d, list))
			return false;
	}
	if (d->count == 0)
		puts("Incorrect format: there is no address.");
	return d->count > 0;
}

static bool ask_to(struct draft *d)
{
	struct str answer = {0};

	do
		ask_field(&answer, "To: ", "To:");
	while (answer.len > 0 && !recipients_take(d, answer.p));
	bool given = answer.len > 0;
	str_free(&answer);
	return given;
}

static size_t characters(const struct str *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->len; i++)
		n += (s->p[i] & 0xc0) != 0x80;
	return n;
}

static void ask_subject(struct draft *d)
{
	size_t n;

	do {
		ask_field(&d->subject, "Subject: ", "Subject:");
		n = characters(&d->subject);
		if (n > DRAFT_SUBJECT_MAX)
			printf("Incorrect format: the subject has %zu "
			    "characters, and %d at most can be sent.\n", n,
			    DRAFT_SUBJECT_MAX);
	} while (n > DRAFT_SUBJECT_MAX);
}

/* Lines are read to the dot, whatever is wrong: they are no answers. */
static bool ask_text(struct draft *d)
{
	struct str line = {0};
	bool good = true, fits;

	puts("Text, and a line with a lone dot to end it:");
	for (size_t n = 1; ; n++) {
		fits = line_read(&line, COMPOSE_TEXT_MAX);
		if (strcmp(line.p, ".") == 0 && line.len == 1)
			break;
		if (good && !utf8_is((struct span){line.p, line.len})) {
			printf("Incorrect format: line %zu is not UTF-8. Is "
			    "your terminal set to UTF-8?\n", n);
			good = false;
		} else if (good && (!fits || d->text.len + line.len >=
		    COMPOSE_TEXT_MAX)) {
			printf("Incorrect format: the text has more than %u "
			    "MiB.\n", COMPOSE_TEXT_MAX >> 20);
			good = false;
		}
		if (good) {
			str_add(&d->text, line.p, line.len);
			str_puts(&d->text, "\n");
		}
	}
	str_free(&line);
	return good;
}

static bool reply_tell(struct draft *d, const struct letter *original)
{
	if (!draft_reply(d, original)) {
		puts("This mail has no sender who could be written to.");
		return false;
	}
	for (size_t i = 0; i < d->count; i++)
		printf("%s %s%s", i == 0 ? "To:" : "", d->to[i].text,
		    i + 1 < d->count ? "," : "\n");
	printf("Subject: %s\n", d->subject.p);
	return true;
}

/* Sending */

/* After a refusal: true: once more. */
static bool ask_again(struct account *account, struct span message)
{
	struct str answer = {0};
	bool again = false;

	for (;;) {
		ask(&answer, "y try again, l log in first, s FILE save it, "
		    "n give it up: ");
		if (strcmp(answer.p, "n") == 0)
			break;
		if (*answer.p == 's' && strchr(" ", answer.p[1]) != NULL)
			save(answer.p + 1 + strspn(answer.p + 1, " "), "",
			    message, true);
		again = strcmp(answer.p, "y") == 0 ||
		    (strcmp(answer.p, "l") == 0 && account_ask(account));
		if (again)
			break;
	}
	str_free(&answer);
	return again;
}

static bool draft_send(const struct draft *d, const struct server *server,
    struct account *account)
{
	const char *to[DRAFT_RECIPIENTS_MAX], *why;
	struct str message = {0};
	struct span octets;

	draft_write(&message, d);
	octets = (struct span){message.p, message.len};
	for (size_t i = 0; i < d->count; i++)
		to[i] = d->to[i].text;
	do {
		why = submit(server, account, d->from.text, to, d->count,
		    octets);
		if (why == NULL) {
			puts("Mail sent successfully.");
			break;
		}
		say(why);
	} while (ask_again(account, octets));
	str_free(&message);
	return why == NULL;
}

bool compose(const struct server *server, struct account *account,
    const struct letter *original)
{
	static struct draft d; /* 76 KiB */
	bool ok = true;

	if (original != NULL && !reply_tell(&d, original))
		;
	else if (!ask_from(&d, account) || (original == NULL && !ask_to(&d)))
		puts("Nothing is sent.");
	else {
		if (original == NULL)
			ask_subject(&d);
		if (!ask_text(&d))
			puts("Nothing is sent.");
		else
			ok = draft_send(&d, server, account);
	}
	draft_free(&d);
	return ok;
}
