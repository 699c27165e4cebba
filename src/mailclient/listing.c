#include "listing.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "addresses.h"
#include "date.h"
#include "header.h"
#include "terminal.h"
#include "words.h"

#define DATE_COLUMNS 16   /* "2026-11-22 14:05" */
#define SENDER_COLUMNS 20 /* of 80; a quarter of a wider window */
#define FRAME_ROWS 4      /* what stands around a page */

static size_t page_size(void)
{
	size_t rows = terminal_is() ? terminal_rows() - FRAME_ROWS : PAGE_ELSE;

	return rows < PAGE_MAX ? rows : PAGE_MAX;
}

static void page_from(struct listing *l, size_t first, size_t all)
{
	size_t size = page_size(), last = all > size ? all - size + 1 : 1;

	l->first = first < last ? first : last;
	l->count = all < size ? all : size;
}

void listing_last(struct listing *l, const struct box *box)
{
	page_from(l, box->count, box->count);
}

void listing_next(struct listing *l, const struct box *box)
{
	page_from(l, l->first + l->count, box->count);
}

void listing_previous(struct listing *l)
{
	l->first = l->first > l->count ? l->first - l->count : 1;
}

/* Mail that was typed by hand may have but a Return-Path: from deliver(8). */
static void sender_add(struct str *to, struct span header)
{
	struct mail_address address = {0};
	struct field f;

	if (!header_find(header, "From", &f) &&
	    !header_find(header, "Return-Path", &f))
		return;
	struct span value = f.value;
	if (addresses_next(&value, &address)) {
		if (address.has_name && address.name.len > 0)
			words_decode(to, (struct span){address.name.p,
			    address.name.len});
		else if (memchr(f.value.p, '@', f.value.n) != NULL)
			str_printf(to, "%s@%s", address.mailbox.p,
			    address.host.p);
	}
	if (to->len == 0)
		field_unfold(to, f.value);
	addresses_free(&address);
}

/* When it came: what the last server wrote (RFC 5321 4.4), else its Date. */
static bool came(struct span header, int64_t *seconds)
{
	struct field f;
	int zone;

	if (header_find(header, "Received", &f)) {
		const char *at = memrchr(f.value.p, ';', f.value.n);
		if (at != NULL && date_read((struct span){at + 1,
		    (size_t)(f.value.p + f.value.n - at - 1)}, seconds, &zone))
			return true;
	}
	return header_find(header, "Date", &f) &&
	    date_read(f.value, seconds, &zone);
}

static void date_add(struct str *to, struct span header)
{
	struct field f;
	int64_t seconds;
	char text[DATE_COLUMNS + 1];
	time_t when;
	struct tm tm;

	if (came(header, &seconds)) {
		when = (time_t)seconds;
		if (localtime_r(&when, &tm) != NULL && strftime(text,
		    sizeof text, "%Y-%m-%d %H:%M", &tm) > 0) {
			str_puts(to, text);
			return;
		}
	}
	if (header_find(header, "Date", &f))
		field_unfold(to, f.value); /* in its own words */
}

static void subject_add(struct str *to, struct span header)
{
	struct field f;
	struct str text = {0};

	if (header_find(header, "Subject", &f)) {
		field_unfold(&text, f.value);
		words_decode(to, (struct span){text.p, text.len});
		str_free(&text);
	}
}

struct columns {
	int number;
	size_t sender, date, subject;
};

static struct columns columns_fit(size_t last)
{
	size_t all = terminal_columns() - 1; /* no terminal wraps this */
	struct columns c = {.number = 3, .date = DATE_COLUMNS};

	for (size_t n = last; n >= 1000; n /= 10)
		c.number++;
	c.sender = all / 4 > SENDER_COLUMNS ? all / 4 : SENDER_COLUMNS;
	if (all < COLUMNS_ELSE - 1)
		c.sender = SENDER_COLUMNS / 2;
	size_t used = (size_t)c.number + 2 + c.sender + 2 + c.date + 2;
	c.subject = all > used ? all - used : 1;
	return c;
}

static void row_write(const struct columns *c, const char *number, bool deleted,
    const struct str fields[3])
{
	const size_t width[3] = {c->sender, c->date, c->subject};
	struct str row = {0};

	str_printf(&row, "%*s%c", c->number, number, deleted ? 'D' : ' ');
	for (size_t i = 0; i < 3; i++) {
		str_puts(&row, i > 0 ? "  " : " ");
		text_fit(&row, (struct span){fields[i].p, fields[i].len},
		    width[i]);
	}
	while (row.p[row.len - 1] == ' ')
		row.p[--row.len] = '\0';
	printf("%s\n", row.p);
	str_free(&row);
}

static void heading_write(const struct columns *c)
{
	struct str fields[3] = {{0}};

	str_puts(&fields[0], "From");
	str_puts(&fields[1], "Received");
	str_puts(&fields[2], "Subject");
	row_write(c, "No.", false, fields);
	for (size_t i = 0; i < 3; i++)
		str_free(&fields[i]);
}

static const char *mail_write(const struct columns *c, struct box *box,
    size_t n)
{
	struct str header = {0}, fields[3] = {{0}};
	char number[24];
	const char *why = NULL;

	snprintf(number, sizeof number, "%zu", n);
	if (box->mail[n - 1].deleted) {
		str_puts(&fields[2], "(will be deleted)");
	} else if ((why = box_header(box, n, &header)) != NULL) {
		str_puts(&fields[2], why);
	} else {
		struct span head = {header.p, header.len};
		sender_add(&fields[0], head);
		date_add(&fields[1], head);
		subject_add(&fields[2], head);
	}
	if (box->open)
		row_write(c, number, box->mail[n - 1].deleted, fields);
	for (size_t i = 0; i < 3; i++)
		str_free(&fields[i]);
	str_free(&header);
	return box->open ? NULL : why;
}

const char *listing_show(struct listing *l, struct box *box)
{
	page_from(l, l->first, box->count); /* the window may be another */
	size_t last = l->first + l->count - 1;
	struct columns c = columns_fit(last);
	const char *why = box_prepare(box, l->first, l->count);

	if (why != NULL)
		return why;
	printf("\n%zu mail%s", box->count, box->count == 1 ? "" : "s");
	if (l->count < box->count)
		printf(", %zu to %zu", l->first, last);
	puts(":");
	heading_write(&c);
	for (size_t n = l->first; n <= last; n++)
		if ((why = mail_write(&c, box, n)) != NULL)
			return why;
	return NULL;
}
