/*
 * What sendmail makes of a message on its stdin. The first byte: in what pieces
 * it comes, does a dot end it, is it from a gateway, whom does -t find.
 */
#include "sendmail/input.c"
#include "sendmail/text.c"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "body.h"
#include "fake.h"
#include "sendmail/header.h"

static struct header header;
static struct str made, again, plain, coded;
static jmp_buf end;

/* A message may be refused. */
_Noreturn void sendmail_exit(int status);
_Noreturn void sendmail_exit(int status)
{
	MUST(status == EX_DATAERR);
	longjmp(end, 1);
}

static void begin(void)
{
	if (t.spooled)
		close(t.fd);
	memset(&t, 0, sizeof t);
	memset(&in, 0, sizeof in);
	free(header.field);
	str_free(&header.text);
	memset(&header, 0, sizeof header);
}

static void found(const struct address *a)
{
	struct address b;

	MUST(*a->text != '\0' && address_parse(a->text, &b) == ADDRESS_OK);
	for (const char *p = a->text; *p != '\0'; p++)
		MUST((unsigned char)*p >= ' ' && *p != 0x7f);
}

static void to_plain(const char *p, size_t n)
{
	str_add(&plain, p, n);
}

static void to_coded(const char *p, size_t n)
{
	str_add(&coded, p, n);
}

/* Fields, each a line and its folds; one empty line, the last. */
static void header_check(const struct str *s, bool gateway)
{
	static const char *const gone[] = {"Bcc", "Resent-Bcc", "Return-Path",
	    "Content-Length"};
	const char *p = s->p, *stop = p + s->len, *lf;
	bool from = false;

	for (; p < stop; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(stop - p));
		MUST(lf != NULL);
		size_t n = (size_t)(lf - p);
		MUST(memchr(p, '\0', n) == NULL);
		MUST(memchr(p, '\r', n) == NULL ||
		    memchr(p, '\r', n) == lf - 1);
		MUST((n > 0) == (lf + 1 < stop));
		if (n == 0 || *p == ' ' || *p == '\t')
			continue;
		MUST(memchr(p, ':', n) != NULL && *p != ':');
		for (size_t i = 0; i < 4; i++)
			MUST(!header_is(p, n, gone[i]));
		from = from || header_is(p, n, "From") ||
		    header_is(p, n, "Resent-From");
	}
	MUST(from || gateway);
}

static void text_check(const struct text *text)
{
	size_t longest = 0, start = 0;
	bool eightbit = false, utf8 = true;

	str_add(&plain, "", 0);
	MUST(plain.len == text->size);
	MUST(strlen(plain.p) == plain.len && strchr(plain.p, '\r') == NULL);
	MUST(plain.len == 0 || plain.p[plain.len - 1] == '\n');
	for (size_t i = 0; i < plain.len; i++) {
		if (plain.p[i] == '\n') {
			if (i - start > longest)
				longest = i - start;
			start = i + 1;
		}
		eightbit = eightbit || (unsigned char)plain.p[i] >= 0x80;
	}
	for (const char *p = plain.p; *p != '\0' && utf8;) {
		size_t n = (unsigned char)*p < 0x80 ? 1 : utf8_length(p);
		utf8 = n > 0;
		p += n;
	}
	MUST(text->longest == longest && text->eightbit == eightbit);
	MUST(text->utf8 == utf8);
}

static int hex(char c)
{
	const char *digits = "0123456789ABCDEF", *digit = strchr(digits, c);

	MUST(c != '\0' && digit != NULL);
	return (int)(digit - digits);
}

/* RFC 2045 6.7, undone by its rules. */
static void coded_check(void)
{
	size_t at = 0, column = 0;

	for (size_t i = 0; i < coded.len; i++) {
		char c = coded.p[i];
		if (c == '\n') {
			MUST(column == 0 || (coded.p[i - 1] != ' ' &&
			    coded.p[i - 1] != '\t'));
			MUST(plain.p[at++] == '\n');
			column = 0;
			continue;
		}
		MUST(++column <= 76 && ((c >= ' ' && c <= '~') || c == '\t'));
		if (c == '=' && coded.p[i + 1] == '\n') {
			i++;
			column = 0;
		} else if (c == '=') {
			int octet = 16 * hex(coded.p[i + 1]) +
			    hex(coded.p[i + 2]);
			MUST(plain.p[at++] == (char)octet);
			i += 2;
			column += 2;
			MUST(column <= 76);
		} else {
			MUST(plain.p[at++] == c);
		}
	}
	MUST(at == plain.len);
}

static struct additions additions(const struct text *text, bool gateway)
{
	struct additions add = {
		.received = "", .host = "mx.example.test", .id = "1.0",
		.domain = "example.test", .from = "a@example.test",
		.name = "B \303\274", .gateway = gateway, .charset = "utf-8",
	};

	if (text->longest > LINE_LENGTH_MAX && (!header_is_mime(&header) ||
	    header_is_plain_text(&header)))
		add.encoding = QUOTED_PRINTABLE;
	else if (text->eightbit && !header_is_mime(&header))
		add.encoding = EIGHTBIT;
	return add;
}

static void message(const uint8_t *data, size_t n, uint8_t how)
{
	static const size_t pieces[] = {0, 1, 7, 64};
	bool gateway = (how & 8) != 0;
	struct additions add;
	struct text text;

	peer_says(data, n, pieces[how & 3]);
	input_begin(n + 1, (how & 4) != 0);
	header_read(&header);
	text_read(&text, "/dev/shm");
	MUST((how & 4) != 0 || peer_left() == 0);
	add = additions(&text, gateway);
	header_write(&header, &add, &made);
	header_check(&made, gateway);
	text_write(false, to_plain);
	text_check(&text);
	text_write(true, to_coded);
	coded_check();
	if ((how & 16) != 0)
		header_recipients(&header, found);
	/* There is nothing left to mend. */
	begin();
	peer_says((const uint8_t *)made.p, made.len, 0);
	input_begin(made.len + 1, false);
	header_read(&header);
	text_read(&text, "/dev/shm");
	MUST(text.size == 0);
	add = additions(&text, gateway);
	header_write(&header, &add, &again);
	str_add(&again, "", 0);
	for (char *cr = made.p; (cr = memchr(cr, '\r',
	    (size_t)(made.p + made.len - cr))) != NULL;)
		memmove(cr, cr + 1, (size_t)(made.p + made.len-- - cr));
	MUST(made.len == again.len &&
	    memcmp(made.p, again.p, made.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	begin();
	str_clear(&made);
	str_clear(&again);
	str_clear(&plain);
	str_clear(&coded);
	if (setjmp(end) == 0)
		message(data + 1, n - 1, data[0]);
	return 0;
}
