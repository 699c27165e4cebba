/*
 * pop3d's whole session, from memory. The first byte: in what pieces the
 * commands arrive, who comes, and what is offered. What is before the first two NULs is alice's message, which
 * must also come back as it is.
 */
#define main program_main
#include "pop3d/pop3d.c"
#undef main

#include <stdlib.h>

#include "fake.h"
#include "session.h"

#define NEW "spool/mail/example.test/alice/new/"

/* What RETR says of a file, undone: the dots, the CRLFs, the end. */
static void retr_check(const uint8_t *text, size_t n)
{
	struct mail mail = {.name = "new/1.fuzz"};
	const char *p = peer_heard, *end;
	size_t i = 0;

	memset(&s, 0, sizeof s);
	s.drop.path = "spool/mail/example.test/alice";
	conn_open(&s.conn, 0, 1, 1, 0);
	peer_says(NULL, 0, 0);
	send_mail(&mail, UINT64_MAX);
	MUST(conn_flush(&s.conn));
	end = p + peer_heard_len;
	p = (const char *)memchr(p, '\n', peer_heard_len) + 1;
	for (;;) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		MUST(lf != NULL && lf > p && lf[-1] == '\r');
		if (lf == p + 2 && *p == '.')
			break;
		p += *p == '.';
		size_t len = (size_t)(lf - 1 - p);
		MUST(i < n && n - i >= len && memcmp(text + i, p, len) == 0);
		i += len;
		if (i < n && text[i] == '\r' && i + 1 <= n &&
		    (i + 1 == n || text[i + 1] == '\n'))
			i++;
		MUST(i == n || text[i] == '\n');
		i += i < n;
		p = lf + 1;
	}
	MUST(i == n && p + 3 == end);
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
	const uint8_t *end;
	size_t len;

	if (home == NULL) {
		home = home_make("", "");
		file_put(NEW "2.x,S=12,W=13", "Subject: 2\n\n", 12);
		file_put("spool/mail/example.test/alice/cur/3.x:2,S",
		    "Subject: 3\n\n.\n..\r\nx", 19);
	}
	if (n == 0)
		return 0;
	end = memmem(data + 1, n - 1, "\0\0", 2);
	len = end != NULL ? (size_t)(end - data - 1) : 0;
	file_put(NEW "1.fuzz", data + 1, len);
	retr_check(data + 1, len);
	char *argv[] = {"pop3d", "-C", (char *)(uintptr_t)home,
	    data[0] & 8 ? "-T" : NULL, NULL};
	len += end != NULL ? 3 : 1;
	peer_says(data + len, n - len, pieces[data[0] & 3]);
	session_run(program_main, data[0] & 8 ? 4 : 3, argv, data[0] >> 4,
	    fresh);
	for (size_t i = 0; i < s.drop.count; i++)
		free(s.drop.mail[i].name);
	free(s.drop.mail);
	str_free(&s.drop.uidls);
	if (s.dialogue.state == TRANSACTION)
		close(s.drop.lock);
	return 0;
}
