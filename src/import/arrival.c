#include "arrival.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define NUMBERS_MAX 6  /* year to second */
#define FORWARD_LIMIT (400LL * 366 * 86400) /* s: no mail is of after 2400 */

struct date {
	long number[NUMBERS_MAX];
	int digits[NUMBERS_MAX];
	size_t count;
	int month;   /* by name: 1 to 12 */
	bool zoned, pm, am;
	long offset; /* s east of Greenwich */
};

static int month_of(const char *word, size_t n)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	for (int i = 0; n >= 3 && i < 12; i++)
		if (strncasecmp(word, names + 3 * i, 3) == 0)
			return i + 1;
	return 0;
}

static void word_take(struct date *d, const char *word, size_t n)
{
	if (n == 2 && strncasecmp(word, "pm", 2) == 0)
		d->pm = true;
	else if (n == 2 && strncasecmp(word, "am", 2) == 0)
		d->am = true;
	else if ((n == 1 && *word == 'Z') ||
	    (n == 3 && (strncmp(word, "UTC", 3) == 0 ||
	    strncmp(word, "GMT", 3) == 0)))
		d->zoned = true;
	else if (d->month == 0)
		d->month = month_of(word, n);
}

/* "+0100" or "+01:00" behind the time: its octets; 0: it is none. */
static size_t zone_take(struct date *d, const char *p, char sign)
{
	size_t n = strspn(p, "0123456789");
	const char *minutes = n == 2 && p[2] == ':' ? p + 3 : p + 2;

	if ((sign != '+' && sign != '-') ||
	    (n != 4 && (n != 2 || p[2] != ':')) ||
	    d->count < NUMBERS_MAX - 1 - (size_t)(d->month != 0) ||
	    strspn(minutes, "0123456789") != 2)
		return 0;
	d->offset = (strtol(p, NULL, 10) / (n == 4 ? 100 : 1) * 60 +
	    strtol(minutes, NULL, 10)) * 60;
	if (sign == '-')
		d->offset = -d->offset;
	d->zoned = true;
	return (size_t)(minutes + 2 - p);
}

/* Fractions of a second go. The octets; 0: too many numbers. */
static size_t number_take(struct date *d, const char *p, char before)
{
	size_t n = strspn(p, "0123456789"), zone = zone_take(d, p, before);
	long value = n <= 10 ? strtol(p, NULL, 10) : -1;

	if (zone > 0)
		return zone;
	if (before == '.' && d->count == NUMBERS_MAX - (d->month != 0))
		return n;
	if (value < 0 || d->count == NUMBERS_MAX)
		return 0;
	d->digits[d->count] = (int)n;
	d->number[d->count++] = value;
	return n;
}

static bool words_take(struct date *d, const char *text)
{
	const char *p = text;

	while (*p != '\0') {
		size_t n = 1;
		if (isdigit((unsigned char)*p)) {
			n = number_take(d, p, p > text ? p[-1] : ' ');
			if (n == 0)
				return false;
		} else if (isalpha((unsigned char)*p)) {
			while (isalpha((unsigned char)p[n]))
				n++;
			word_take(d, p, n);
		}
		p += n;
	}
	return true;
}

/* Takes the number out of its row. */
static long take(struct date *d, size_t i)
{
	long value = d->number[i];

	for (d->count--; i < d->count; i++) {
		d->number[i] = d->number[i + 1];
		d->digits[i] = d->digits[i + 1];
	}
	return value;
}

/* Day, month and year, which leaves hour, minute and second. */
static bool day_take(struct date *d, struct tm *tm)
{
	size_t need = d->month != 0 ? 2 : 3, year = d->count;
	long day, month = d->month;

	if (d->count < need)
		return false;
	for (size_t i = d->count; i-- > 0;)
		if (d->digits[i] == 4)
			year = i;
	if (year == d->count)
		year = need - 1;
	bool first = year == 0;
	tm->tm_year = (int)take(d, year) - 1900;
	if (tm->tm_year < -1800) /* 24 */
		tm->tm_year += 2000;
	if (month == 0)
		month = take(d, !first); /* 2024-12-31, 31-12-2024 */
	day = take(d, 0);
	if (month > 12 && day <= 12 && !first) { /* 12/31/2024 */
		long other = day;
		day = month;
		month = other;
	}
	tm->tm_mon = (int)month - 1;
	tm->tm_mday = (int)day;
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
	    tm->tm_year >= 70 && tm->tm_year < 500;
}

static bool time_take(struct date *d, struct tm *tm)
{
	long hour = d->count > 0 ? d->number[0] : 0;

	if (d->pm && hour < 12)
		hour += 12;
	if (d->am && hour == 12)
		hour = 0;
	tm->tm_hour = (int)hour;
	tm->tm_min = d->count > 1 ? (int)d->number[1] : 0;
	tm->tm_sec = d->count > 2 ? (int)d->number[2] : 0;
	return hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60 &&
	    d->count <= 3;
}

bool arrival_read(const char *text, int64_t *seconds)
{
	struct date d = {0};
	struct tm tm = {.tm_isdst = -1};

	if (!words_take(&d, text))
		return false;
	if (d.count == 1 && d.digits[0] >= 9 && d.month == 0) { /* time(2)'s */
		*seconds = d.number[0];
		return true;
	}
	if (!day_take(&d, &tm) || !time_take(&d, &tm))
		return false;
	*seconds = d.zoned ? timegm(&tm) - d.offset : mktime(&tm);
	return *seconds >= 0 && *seconds < FORWARD_LIMIT;
}
