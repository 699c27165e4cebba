/*
 * imapd's whole session, from memory, before a login and behind it. The first
 * byte: in what pieces the commands arrive, what is offered, and whether alice
 * has logged in and selected her INBOX already. What is before the first two
 * NULs is a message there.
 */
#define main program_main
#include "imapd/imapd.c"
#undef main
#undef SESSION_H /* there are two */

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fake.h"
#include "session.h"

#define ALICE "spool/mail/example.test/alice/"

/* What a session whose mailbox was deleted leaves to exit(2), too. */
static void fresh(void)
{
	index_close(session.index);
	mailbox_close(&session.box);
	pool_reset(&session.input.pool);
	set_free(&session.recent);
	set_free(&session.saved);
	memset(&session, 0, sizeof session);
	answer_hold(false);
}

static int drop(const char *path, const struct stat *st, int kind,
    struct FTW *at)
{
	(void)st, (void)kind;
	return at->level > 0 ? remove(path) : 0;
}

/* Nobody has looked at it yet. */
static void maildir_make(const uint8_t *text, size_t n)
{
	static const char *const dirs[] = {ALICE "tmp", ALICE "new",
	    ALICE "cur", ALICE ".Work", ALICE ".Work/tmp", ALICE ".Work/new",
	    ALICE ".Work/cur"};

	MUST(nftw("spool/mail/example.test/alice", drop, 20,
	    FTW_DEPTH | FTW_PHYS) == 0);
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
		MUST(mkdir(dirs[i], 0700) == 0);
	file_put(ALICE "pennypost-special-use", "", 0); /* or they are made */
	file_put(ALICE "dovecot-keywords", "0 $a\n", 5);
	file_put(ALICE "cur/1.fuzz:2,Sa", text, n);
	file_put(ALICE "cur/2.x,S=12,W=14:2,T", "Subject: 2\n\n", 12);
	file_put(ALICE "new/3.x", "Subject: 3\n\n.\n..\r\nx", 19);
}

/* Lines end in CRLF, and literals are as long as they say. */
static void heard_check(void)
{
	const char *p = peer_heard, *end = p + peer_heard_len;

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p)), *open;
		if (lf == NULL && peer_heard_len > OUTPUT_MAX - 65536)
			return; /* it was cut off */
		MUST(lf != NULL && lf > p && lf[-1] == '\r');
		open = lf[-2] == '}' ? memrchr(p, '{', (size_t)(lf - p)) :
		    NULL;
		p = lf + 1;
		if (open == NULL)
			continue;
		unsigned long n = strtoul(open + 1, NULL, 10);
		if (n > (size_t)(end - p))
			MUST(peer_heard_len > OUTPUT_MAX - n);
		p += n < (size_t)(end - p) ? n : (size_t)(end - p);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char before[] = "l LOGIN alice secret\r\n"
	    "s SELECT INBOX\r\n";
	static uint8_t talk[1 << 20];
	static const char *home;
	static const size_t pieces[] = {0, 7};
	const uint8_t *end;
	size_t len, had = 0;

	if (home == NULL)
		home = home_make("message_size_limit 4000\n", "");
	if (n == 0 || n > sizeof talk / 2)
		return 0;
	end = memmem(data + 1, n - 1, "\0\0", 2);
	len = end != NULL ? (size_t)(end - data - 1) : 0;
	maildir_make(data + 1, len);
	len += end != NULL ? 3 : 1;
	if (data[0] & 2)
		memcpy(talk, before, had = sizeof before - 1);
	memcpy(talk + had, data + len, n - len);
	char *argv[] = {"imapd", "-C", (char *)(uintptr_t)home,
	    data[0] & 8 ? "-T" : NULL, NULL};
	peer_says(talk, had + n - len, pieces[data[0] & 1]);
	session_run(program_main, data[0] & 8 ? 4 : 3, argv, data[0] >> 4,
	    fresh);
	heard_check();
	/* What NOTIFY has set would be there in the next session. */
	session.input.fault = NULL;
	session.input.at = (char[]){" NONE"};
	cmd_notify();
	fresh();
	return 0;
}
