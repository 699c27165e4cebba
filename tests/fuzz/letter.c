/*
 * mailclient with a hostile mail: it stands in the list, is shown, and answered.
 * Nothing but text comes to the terminal, and the answer can be sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "mailclient/draft.h"
#include "mailclient/letter.h"
#include "mailclient/listing.h"
#include "mailclient/terminal.h"
#include "utf8.h"

static struct span mail;

const char *box_prepare(struct box *box, size_t first, size_t count)
{
	MUST(first >= 1 && first + count - 1 <= box->count);
	return NULL;
}

const char *box_header(struct box *box, size_t n, struct str *text)
{
	MUST(n == 1 && box->open);
	str_clear(text);
	str_add(text, mail.p, mail.n);
	return NULL;
}

/* UTF-8, of its controls only LF and tab, and no turn of direction. */
static void must_be_harmless(const char *p, size_t all)
{
	uint32_t c;

	for (size_t i = 0, n; i < all; i += n) {
		n = utf8_read(p + i, all - i, &c);
		MUST(n > 0);
		MUST(c >= ' ' || c == '\n' || c == '\t');
		MUST(c < 0x7f || c > 0x9f);
		MUST(c < 0x2028 || c > 0x202e);
		MUST(c < 0x2066 || c > 0x2069);
	}
}

/* Lines that end in CRLF, with 998 octets at most before it, and no NUL. */
static void must_be_mail(const struct str *s)
{
	size_t line = 0;

	for (size_t i = 0; i < s->len; i++, line++) {
		MUST(s->p[i] != '\0');
		if (s->p[i] == '\n') {
			MUST(line > 0 && s->p[i - 1] == '\r' && line <= 999);
			line = (size_t)-1;
		} else {
			MUST(s->p[i] != '\r' || s->p[i + 1] == '\n');
		}
	}
	MUST(line == 0);
}

static void answer(const struct letter *letter)
{
	static struct draft d;
	struct str message = {0};

	if (draft_reply(&d, letter)) {
		MUST(d.count >= 1 && d.count <= DRAFT_RECIPIENTS_MAX);
		strcpy(d.from.text, "a@example.test");
		strcpy(d.from.domain, "example.test");
		draft_write(&message, &d);
		must_be_mail(&message);
	}
	draft_free(&d);
	str_free(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct box_mail one = {0};
	struct box box = {.open = true, .count = 1, .mail = &one};
	struct listing listing;
	struct letter letter = {0};
	struct str lines = {0};
	FILE *to = stdout;
	char *out = NULL;
	size_t out_n = 0;

	for (size_t i = 0; i < n; i++) {
		if (data[i] == '\n' && (i == 0 || data[i - 1] != '\r'))
			str_add(&lines, "\r", 1);
		str_add(&lines, data + i, 1);
	}
	str_add(&lines, "", 0);
	mail = (struct span){lines.p, lines.len};
	str_add(&letter.raw, lines.p, lines.len);
	stdout = open_memstream(&out, &out_n);
	listing_last(&listing, &box);
	MUST(listing_show(&listing, &box) == NULL);
	letter_begin(&letter);
	letter_show(&letter);
	fclose(stdout);
	stdout = to;
	must_be_harmless(out, out_n);
	answer(&letter);
	letter_end(&letter);
	str_free(&lines);
	free(out);
	return 0;
}
