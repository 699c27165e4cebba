/*
 * mysmtpd's whole session, from memory, with what looks at all that a message
 * brings to deliver in place of store.c; or (8 in the first byte) what pop3d
 * may say, of any mail, and what a person then sees of it.
 */
#define main program_main
#include "mysmtpd/mysmtpd.c"
#undef main

#include <fcntl.h>
#include <stdlib.h>

#include "fake.h"
#include "session.h"
#include "utf8.h"

struct door_service broker; /* for keeper.c */

static bool reading, stored;
static char last;

int door_ask(struct door *d, const char *what)
{
	struct address a;

	MUST(d == &s.door && strlen(what) < DOOR_TEXT_SIZE);
	MUST(address_parse(what, &a) == ADDRESS_OK && *a.domain != '\0');
	MUST(reading || s.lab || *s.door.login.who.text != '\0');
	return reading ? open("/dev/null", O_RDWR) : -1;
}

/* store.h */

void store_begin(const char *host, struct door *door)
{
	MUST(host != NULL && door == &s.door);
	stored = false;
}

const char *store_rcpt(const struct address *from, const struct address *to)
{
	struct address a;

	MUST(strcasecmp(from->domain, s.helo) == 0);
	MUST(address_parse(from->text, &a) == ADDRESS_OK);
	MUST(address_parse(to->text, &a) == ADDRESS_OK);
	MUST(domain_is_local(a.domain));
	last = '\n';
	return *to->local == 'x' ? NO_MAILBOX :
	    *to->local == 'y' ? NO_DELIVER : NULL;
}

/* Lines that end in CRLF, with no other CR, and no NUL. */
void store_text(const char *lines, size_t n)
{
	MUST(s.dialogue.state == HELO || s.dialogue.state == DATA);
	for (size_t i = 0; i < n; i++) {
		MUST((lines[i] == '\n') == (last == '\r'));
		MUST(lines[i] != '\0');
		last = lines[i];
	}
}

const char *store_end(void)
{
	MUST(last == '\n');
	stored = true;
	return s.messages % 3 == 2 ? NO_DELIVER : NULL;
}

void store_reset(void)
{
}

/* Each line is an answer, and no control is in it. */
static void answers_check(void)
{
	const char *p = peer_heard, *end = p + peer_heard_len;

	for (; p < end; p = memchr(p, '\n', (size_t)(end - p)) + 1) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		MUST(lf != NULL && lf - p > 4 && lf[-1] == '\r' && p[3] == ' ');
		MUST(memcmp(p, "200", 3) == 0 || memcmp(p, "400", 3) == 0 ||
		    memcmp(p, "401", 3) == 0 || memcmp(p, "403", 3) == 0 ||
		    memcmp(p, "500", 3) == 0);
		for (; p < lf - 1; p++)
			MUST(*p >= ' ' && *p <= '~');
	}
}

/* UTF-8 that no terminal obeys; no line is a lone dot. */
static void plain_check(const char *p, size_t n)
{
	const char *begin = p, *end = p + n;
	uint32_t c;

	while (p < end) {
		MUST((n = utf8_read(p, (size_t)(end - p), &c)) != 0);
		if (c == '\r') {
			MUST(p + 1 < end && p[1] == '\n');
			MUST(p - begin != 1 || *begin != '.');
			p += 2;
			begin = p;
			continue;
		}
		MUST((c >= ' ' || c == '\t') && (c < 0x7f || c > 0x9f));
		MUST((c < 0x202a || c > 0x202e) && (c < 0x2066 || c > 0x2069));
		p += n;
	}
	MUST(begin == end);
}

/* What pop3d says, right or wrong. */
static void reading_check(const uint8_t *p, size_t n, size_t piece)
{
	struct address who;
	struct str mail = {0};
	size_t count = 0;
	bool whole = true;

	reading = true;
	MUST(address_parse("alice@example.test", &who) == ADDRESS_OK);
	reader_begin(&s.door);
	peer_says(p, n, piece);
	str_clear(&s.listed);
	if (reader_list(&who, &count, list_line) == NULL)
		plain_check(s.listed.p, s.listed.len);
	peer_says(p, n, piece);
	reader_get(&who, 1, &mail, &whole);
	str_clear(&mail);
	str_add(&mail, p, n);
	conn_open(&s.conn, 0, 1, 1, 0);
	peer_says(NULL, 0, 0);
	show_mail(&s.conn, (struct span){mail.p, mail.len}, whole);
	MUST(conn_flush(&s.conn));
	plain_check(peer_heard, peer_heard_len);
	str_free(&mail);
	reading = false;
}

static void fresh(void)
{
	str_free(&s.listed);
	memset(&s, 0, sizeof s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *home;
	static const size_t pieces[] = {0, 1, 7, 64};

	if (home == NULL)
		home = home_make("message_size_limit 900\n", "");
	if (n == 0)
		return 0;
	unsigned how = data[0] >> 4;
	size_t piece = pieces[data[0] & 3];
	bool lab = (data[0] & 4) != 0 && (how & SESSION_STRANGER) == 0;
	if (data[0] & 8) {
		fresh();
		reading_check(data + 1, n - 1, piece);
		return 0;
	}
	char *argv[] = {"mysmtpd", "-C", (char *)(uintptr_t)home,
	    lab ? "-L" : NULL, NULL};
	peer_says(data + 1, n - 1, piece);
	session_run(program_main, lab ? 4 : 3, argv, how, fresh);
	answers_check();
	return 0;
}
