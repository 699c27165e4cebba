/*
 * smtp-send with a hostile server, from memory. The first byte: in what pieces
 * the replies arrive, how the first recipient's status stands, and whether the
 * queue file is hostile too. Before the first two NULs is the message (or that
 * file), behind them what the server says.
 */
#define main program_main
#include "smtp-send/smtp-send.c"
#undef main

#include <stdlib.h>

#include "fake.h"

#define QUEUE_FILE QUEUE_DIR "/F1"

static const char *text;
static size_t text_len, answered[8], told;
static bool done;

int fuzz_close(int fd);
ssize_t fuzz_answer(int fd, const void *buf, size_t n);

int fuzz_close(int fd)
{
	MUST(fd == 0 || fd == 1);
	return 0;
}

/* "550 5.1.1 text", one line of printable ASCII that ends at `end`. */
static void reply_check(const char *p, const char *end)
{
	MUST(end - p >= 9 && (*p == '4' || *p == '5') && p[4] == *p);
	MUST(p[3] == ' ' && p[5] == '.');
	for (; p < end; p++)
		MUST(*p >= ' ' && *p <= '~');
}

ssize_t fuzz_answer(int fd, const void *buf, size_t n)
{
	const char *p = buf, *end = p + n, *lf;
	char *reply;

	MUST(fd == 1 && !done);
	for (; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		MUST(lf != NULL && lf - p < JOB_LINE_MAX);
		if (strncmp(p, "to ", 3) == 0) {
			size_t i = strtoul(p + 3, &reply, 10);
			MUST(i < 8 && answered[i]++ == 0 && *reply == ' ');
			told++;
			reply = strchr(reply + 1, ' ');
			MUST(reply != NULL && reply < lf);
			reply_check(reply + 1, lf);
		} else {
			MUST(strncmp(p, "done F1\n", 8) == 0 && lf + 1 == end);
			done = true;
		}
	}
	return (ssize_t)n;
}

/* Every line that it says ends in CRLF, and no CR or LF stands elsewhere. */
static void said_check(void)
{
	const char *p = peer_heard;

	for (size_t i = 0; i < peer_heard_len; i++) {
		if (p[i] == '\n')
			MUST(i > 0 && p[i - 1] == '\r');
		if (p[i] == '\r')
			MUST(i + 1 == peer_heard_len || p[i + 1] == '\n');
	}
}

/* The message as it has to be on the wire, plainly made: an octet at a time. */
static size_t wire_make(char *to, bool stuffed)
{
	char last = '\n';
	size_t n = 0;

	for (size_t i = 0; i < text_len; i++) {
		char c = text[i] == '\r' ? ' ' : text[i];
		if (stuffed && last == '\n' && c == '.')
			to[n++] = '.';
		if (c == '\n')
			to[n++] = '\r';
		to[n++] = c;
		last = c;
	}
	if (last != '\n') {
		to[n++] = '\r';
		to[n++] = '\n';
	}
	return n;
}

/* Who is marked has it: all of it was said, and what ends it. */
static void sent_check(void)
{
	static char wire[65536];
	char bdat[40];
	size_t n = wire_make(wire, false);
	int length = snprintf(bdat, sizeof bdat, "BDAT %zu LAST\r\n", n);

	if (s.delivery.message.converted) {
		MUST(memmem(peer_heard, peer_heard_len, "\r\n.\r\n", 5) ||
		    memmem(peer_heard, peer_heard_len, " LAST\r\n", 7));
		for (size_t i = 0; i < peer_heard_len; i++)
			MUST((unsigned char)peer_heard[i] < 0x80);
		return;
	}
	memmove(wire + length, wire, n);
	memcpy(wire, bdat, (size_t)length);
	if (memmem(peer_heard, peer_heard_len, wire, n + (size_t)length))
		return;
	n = 6 + wire_make(wire + 6, true);
	memcpy(wire, "DATA\r\n", 6);
	memcpy(wire + n, ".\r\n", 3);
	MUST(memmem(peer_heard, peer_heard_len, wire, n + 3) != NULL);
}

static void statuses_check(char first)
{
	struct entry e;
	size_t marked = 0;

	MUST(done);
	if (entry_open(&e, QUEUE_DIR, "F1") == ENTRY_OK && first != '\0') {
		for (size_t i = 0; i < e.envelope.rcpts; i++) {
			char status = e.envelope.rcpt[i].status;
			bool waited = i > 0 || first == '.' || first == 'd';
			if (!waited)
				MUST(status == first && answered[i] == 0);
			else if (status == '+' || status == 's')
				marked++, MUST(answered[i] == 0);
			else
				MUST(answered[i] == 1);
		}
		if (marked > 0)
			sent_check();
	}
	entry_close(&e);
}

static const char envelope[] = "ret full\nenvid a+2Bb\nfrom <a@b.test>\n"
    "to %c <v@far.test> notify=SUCCESS\n"
    "to . <w@far.test> notify=NEVER orcpt=rfc822;x@y.test\n"
    "to d <x@else.test>\nto . <y@far.test>\nto . <z@far.test>\n"
    "to . <\xc3\xa4@far.test> orcpt=utf-8;\xc3\xa4@far.test\n\n";

static void file_make(uint8_t mode, char first)
{
	char room[9000];
	struct str file = STR_ROOM(room);

	if (mode & 32) { /* as it came */
		file_put(QUEUE_FILE, text, text_len);
		return;
	}
	str_printf(&file, "pennypost-queue 1\nid F1\narrived 1\nsize %015zu\n%s",
	    text_len, mode & 64 ? "smtputf8\n" : "");
	str_printf(&file, envelope, first);
	str_add(&file, text, text_len);
	file_put(QUEUE_FILE, file.p, file.len);
	str_free(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const size_t pieces[] = {0, 1, 7, 64};
	static const char *home;
	const uint8_t *end;
	uint8_t mode;

	if (home == NULL)
		home = home_make("", "");
	if (n == 0)
		return 0;
	mode = *data++;
	n--;
	end = memmem(data, n, "\0\0", 2);
	text = (const char *)data;
	text_len = end != NULL ? (size_t)(end - data) : n;
	char first = ".d+sf..."[mode >> 2 & 7];
	file_make(mode, first);
	peer_says(data + text_len + (end != NULL ? 2 : 0),
	    n - text_len - (end != NULL ? 2 : 0), pieces[mode & 3]);
	memset(answered, 0, sizeof answered);
	told = 0;
	done = false;
	memset(&s, 0, sizeof s);
	s.session.hello = config_load()->host;
	s.stream = true;
	session_adopt(&s.session, 0, 1);
	job("F1");
	session_quit(&s.session, true);
	said_check();
	statuses_check(mode & 32 ? '\0' : first);
	return 0;
}
