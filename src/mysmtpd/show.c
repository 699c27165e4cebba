#include "show.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "addresses.h"
#include "date.h"
#include "header.h"
#include "html.h"
#include "mime.h"
#include "utf8.h"
#include "words.h"

#define DAY_SIZE 16    /* "21-03-2025" */
#define ENTRY_MAX 600  /* octets of a list's line; an address has 254 */
#define UNKNOWN "unknown"

/* Controls, and what turns the direction of all behind it (UAX 9). */
static bool is_obeyed(uint32_t c)
{
	return (c < ' ' && c != '\t') || (c >= 0x7f && c <= 0x9f) ||
	    (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* Appends at most max octets of it. */
static void plain_add(struct str *to, struct span s, size_t max)
{
	size_t begin = to->len;

	while (s.n > 0) {
		uint32_t c = 0;
		size_t n = utf8_read(s.p, s.n, &c);
		const char *p = n == 0 ? UTF8_REPLACEMENT :
		    is_obeyed(c) ? "?" : s.p;
		size_t len = p == s.p ? n : strlen(p);
		if (to->len - begin + len > max)
			return;
		str_add(to, p, len);
		span_skip(&s, n > 0 ? n : 1);
	}
}

/* The field's value on one line, decoded (RFC 2047). */
static bool field_plain(struct str *to, struct span header, const char *name)
{
	struct str unfolded = {0}, decoded = {0};
	struct field f;
	bool found = header_find(header, name, &f);

	str_clear(&unfolded);
	str_clear(&decoded);
	if (found) {
		field_unfold(&unfolded, f.value);
		words_decode(&decoded,
		    (struct span){unfolded.p, unfolded.len});
		plain_add(to, (struct span){decoded.p, decoded.len}, SIZE_MAX);
	}
	str_free(&unfolded);
	str_free(&decoded);
	return found;
}

/* The first address that the field names. */
static void address_find(struct str *to, struct span header, const char *name)
{
	struct mail_address a = {0};
	struct field f;

	if (header_find(header, name, &f))
		while (to->len == 0 && addresses_next(&f.value, &a))
			if (a.has_mailbox && a.has_host && a.mailbox.len > 0)
				str_printf(to, "%s@%s", a.mailbox.p, a.host.p);
	addresses_free(&a);
}

/* Whom From names; else, in mail without one, the envelope; or UNKNOWN. */
static void sender_add(struct str *to, struct span header)
{
	struct str text = {0};

	str_clear(&text);
	address_find(&text, header, "From");
	if (text.len == 0)
		address_find(&text, header, "Return-Path");
	if (text.len == 0)
		str_puts(&text, UNKNOWN);
	plain_add(to, (struct span){text.p, text.len}, ENTRY_MAX);
	str_free(&text);
}

/* Where it was written; else when it came here: the first Received line. */
static bool date_find(struct span header, int64_t *seconds, int *zone)
{
	const char *semicolon;
	struct field f;

	if (header_find(header, "Date", &f) &&
	    date_read(f.value, seconds, zone))
		return true;
	if (!header_find(header, "Received", &f))
		return false;
	semicolon = memrchr(f.value.p, ';', f.value.n);
	if (semicolon == NULL)
		return false;
	span_skip(&f.value, (size_t)(semicolon + 1 - f.value.p));
	return date_read(f.value, seconds, zone);
}

static void day_print(char to[DAY_SIZE], struct span header)
{
	int64_t seconds;
	struct tm t;
	int zone;

	strcpy(to, UNKNOWN);
	if (!date_find(header, &seconds, &zone))
		return;
	time_t when = (time_t)(seconds + zone * 60);
	if (gmtime_r(&when, &t) != NULL && t.tm_year >= 0 &&
	    t.tm_year < 8100)
		strftime(to, DAY_SIZE, "%d-%m-%Y", &t);
}

void show_entry(struct str *to, uint64_t id, struct span header)
{
	char day[DAY_SIZE];

	day_print(day, header);
	str_printf(to, "%" PRIu64 ": Email from ", id);
	sender_add(to, header);
	str_printf(to, " (%s)\r\n", day);
}

/* Line by line, dots stuffed. */
static void show_text(struct conn *conn, struct span text)
{
	struct str line = {0};

	while (text.n > 0) {
		const char *lf = memchr(text.p, '\n', text.n);
		size_t n = lf != NULL ? (size_t)(lf - text.p) : text.n;
		struct span one = {text.p, n};
		if (n > 0 && one.p[n - 1] == '\r')
			one.n--;
		str_clear(&line);
		if (one.n > 0 && *one.p == '.')
			str_puts(&line, ".");
		plain_add(&line, one, SIZE_MAX);
		str_puts(&line, "\r\n");
		conn_write(conn, line.p, line.len);
		span_skip(&text, lf != NULL ? n + 1 : n);
	}
	str_free(&line);
}

static void show_field(struct conn *conn, struct span header, const char *name)
{
	struct str line = {0};
	bool found;

	str_printf(&line, "%s: ", name);
	found = field_plain(&line, header, name);
	if (!found && strcmp(name, "From") == 0) {
		sender_add(&line, header);
		found = true;
	}
	if (found) {
		str_puts(&line, "\r\n");
		conn_write(conn, line.p, line.len);
	}
	str_free(&line);
}

void show_mail(struct conn *conn, struct span mail, bool whole)
{
	const struct part *part;
	struct str text = {0}, plain = {0};
	char day[DAY_SIZE];
	struct mime mime;

	day_print(day, mail);
	show_field(conn, mail, "From");
	conn_reply(conn, "Date: %s", day);
	show_field(conn, mail, "Subject");
	conn_puts(conn, "\r\n");
	mime_begin(&mime, mail);
	part = part_shown(&mime);
	str_clear(&text);
	str_clear(&plain);
	if (part != NULL)
		part_text(&text, &mime, part, SIZE_MAX);
	if (part != NULL && part_is(part, "text", "html"))
		html_text(&plain, (struct span){text.p, text.len});
	else
		str_add(&plain, text.p, text.len);
	show_text(conn, (struct span){plain.p, plain.len});
	if (part == NULL)
		conn_puts(conn, "[This mail has no text]\r\n");
	if (!whole)
		conn_puts(conn, "[The rest is not shown: it is too long]\r\n");
	mime_end(&mime);
	str_free(&text);
	str_free(&plain);
}
