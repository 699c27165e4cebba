/*
 * What is moved in, read by mbox.c (first byte even) and teaching.c (odd). What
 * they stream must be what stream.h promises, and the same each time.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"
#include "fields.h"
#include "import/readers.h"
#include "import/stream.h"

#define PATH "source"

static struct {
	size_t folders, messages, faults, octets;
	uint64_t hash;
	uint32_t uidvalidity;
	bool in_message, in_header, teaching;
	char last;
	struct str header;
} s;

static void hash(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s.hash = (s.hash ^ ((const uint8_t *)p)[i]) * 0x100000001b3u;
}

void stream_folder(const struct source_folder *folder)
{
	MUST(!s.in_message && s.folders++ == 0);
	MUST(*folder->name == '\0');
	s.uidvalidity = folder->uidvalidity;
	hash(&folder->uidvalidity, sizeof folder->uidvalidity);
}

/* Of these letters, each once, in their order. */
static void flags_check(const char *flags)
{
	for (const char *all = "DFRST"; *all != '\0'; all++)
		flags += *flags == *all;
	MUST(*flags == '\0');
}

void stream_message(const struct source_message *m)
{
	MUST(s.folders == 1 && !s.in_message);
	s.in_message = s.in_header = true;
	s.messages++;
	str_clear(&s.header);
	flags_check(m->flags);
	MUST(*m->unique == '\0' && *m->uidl == '\0' && m->dated);
	MUST(m->uid == 0 || s.uidvalidity != 0);
	MUST(!s.teaching || (m->seen_by_nobody && *m->flags == '\0'));
	MUST(memchr(m->from, '\0', sizeof m->from) != NULL);
	MUST(strpbrk(m->from, " \t\r\n") == NULL);
	for (size_t i = 0; i < m->keywords.len; i++)
		MUST(strchr("\t\r\n", m->keywords.p[i]) == NULL);
	hash(m->flags, strlen(m->flags));
	hash(&m->time, sizeof m->time);
	hash(&m->uid, sizeof m->uid);
}

void stream_text(const void *text, size_t n)
{
	MUST(s.in_message);
	hash(text, n);
	s.octets += n;
	if (n > 0)
		s.last = ((const char *)text)[n - 1];
	if (s.header.len < 4000)
		str_add(&s.header, text, n);
}

/* A header of ours, and an empty line. */
static void teaching_check(void)
{
	const char *p = s.header.p, *end;

	MUST(s.header.len >= 4000 || s.last == '\n');
	MUST(strncmp(p, "From: ", 6) == 0);
	MUST((p = strchr(p, '\n')) != NULL && strncmp(p + 1, "To: ", 4) == 0);
	for (p = s.header.p; *p != '\n'; p = end + 1) {
		MUST(strchr("FTCSDM", *p) != NULL && *p != '\0');
		if (s.header.len >= 4000)
			return;
		MUST((end = strchr(p, '\n')) != NULL);
		for (; p < end; p++)
			MUST((unsigned char)*p >= ' ' && *p != 0x7f);
	}
}

void stream_end(void)
{
	MUST(s.in_message);
	s.in_message = false;
	if (s.teaching)
		teaching_check();
	hash("", 1);
}

void stream_fault(const char *fmt, ...)
{
	char text[2000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	MUST(!s.in_message && strncmp(text, PATH ":", sizeof PATH) == 0);
	s.faults++;
	hash(text, strlen(text));
}

void stream_note(const char *fmt, ...)
{
	MUST(!s.in_message && strncmp(fmt, "%s: ", 4) == 0);
}

static uint64_t run(bool teaching, size_t n)
{
	struct source source = {.path = PATH, .address = "a@b.test",
	    .fd = open(PATH, O_RDONLY)};

	MUST(source.fd >= 0);
	str_free(&s.header);
	memset(&s, 0, sizeof s);
	s.teaching = teaching;
	if (teaching)
		read_teaching(&source);
	else
		read_mbox(&source);
	close(source.fd);
	MUST(!s.in_message && s.folders <= 1 && s.folders + s.faults > 0);
	/* Return-Path and our header, for each. */
	MUST(s.octets <= 4 * n + s.messages * 1000);
	return s.hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool began;
	uint64_t first;

	if (!began) {
		home_make("", "");
		setenv("TZ", "UTC", 1);
	}
	began = true;
	if (n == 0)
		return 0;
	file_put(PATH, data + 1, n - 1);
	first = run(*data & 1, n);
	MUST(run(*data & 1, n) == first);
	return 0;
}
