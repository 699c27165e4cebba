/*
 * smtpd's whole session, from memory. The first byte: in what pieces the rest
 * arrives, submission or not, who comes, what is offered. In place of handoff.c
 * stands what looks at all that a message may bring to the next program, and
 * into a file.
 */
#define main program_main
#include "smtpd/smtpd.c"
#undef main

#include "fake.h"
#include "session.h"

struct door_service broker; /* for handoff.c */

static const struct envelope *handed;
static char last[2];
static size_t messages;

void handoff_begin(const char *host, struct door *door)
{
	MUST(host != NULL && door == &s.door);
	/* Who may send, or is only here to receive. */
	MUST(!s.submission || s.confirmed == s.trusted);
	handed = NULL;
}

void handoff_expect(void)
{
}

const char *handoff_rcpt(const struct envelope *e, const struct recipient *r)
{
	MUST(e->open && *r->address != '\0');
	switch (r->address[0]) {
	case 'x':
		return "550 5.1.1 No such user here";
	case 'y':
		return "451 4.3.0 Not now";
	}
	return "250 2.1.5 Recipient OK";
}

/* No controls; what is in angle brackets ends with them. */
static void clean(const char *text)
{
	for (; *text != '\0'; text++)
		MUST((unsigned char)*text >= ' ' && *text != 0x7f);
}

void handoff_message(const struct envelope *e, const char *id)
{
	struct address a;

	MUST(e->open && e->rcpts > 0 && e->rcpts <= RECIPIENTS_MAX);
	MUST(s.confirmed);
	clean(e->sender);
	clean(id);
	MUST(*e->sender == '\0' || address_parse(e->sender, &a) == ADDRESS_OK);
	MUST(strpbrk(e->envid, " \t=") == NULL);
	clean(e->envid);
	for (size_t i = 0; i < e->rcpts; i++) {
		clean(e->rcpt[i].address);
		clean(e->rcpt[i].orcpt);
		MUST(strpbrk(e->rcpt[i].orcpt, " \t=") == NULL);
		MUST(address_parse(e->rcpt[i].address, &a) == ADDRESS_OK);
	}
	handed = e;
	last[0] = '\r';
	last[1] = '\n';
}

/* Lines that end in CRLF, with no other CR or LF. */
void handoff_text(const char *lines, size_t n)
{
	MUST(handed != NULL);
	for (size_t i = 0; i < n; i++) {
		MUST((lines[i] == '\n') == (last[1] == '\r') ||
		    (last[1] == '\n' && lines[i] != '\n'));
		last[0] = last[1];
		last[1] = lines[i];
	}
}

const char *handoff_end(struct envelope *e)
{
	MUST(handed == e);
	MUST(last[0] == '\r' && last[1] == '\n');
	handed = NULL;
	return ++messages % 5 == 0 ? "451 4.3.0 Not now" : NULL;
}

void handoff_reset(void)
{
	handed = NULL;
}

void handoff_close(void)
{
	MUST(handed == NULL);
}

static void fresh(void)
{
	memset(&s, 0, sizeof s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *home;
	static const size_t pieces[] = {0, 1, 7, 64};
	unsigned how;

	if (home == NULL)
		home = home_make("message_size_limit 3000\n", "");
	if (n == 0)
		return 0;
	char *argv[] = {"smtpd", "-C", (char *)(uintptr_t)home,
	    data[0] & 4 ? "-s" : data[0] & 8 ? "-T" : NULL,
	    data[0] & 4 && data[0] & 8 ? "-T" : NULL, NULL};
	how = data[0] >> 4;
	messages = 0;
	peer_says(data + 1, n - 1, pieces[data[0] & 3]);
	session_run(program_main, 3 + (data[0] >> 2 & 1) + (data[0] >> 3 & 1),
	    argv, how, fresh);
	peer_heard_replies();
	reset();
	str_free(&s.body.partial);
	return 0;
}
