#include "date.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "parameters.h"

#define DAY 86400

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* From 1, 0 for none; n letters of it, of which three count. */
static int month_find(const char *p, size_t n)
{
	if (n < 3)
		return 0;
	for (int i = 0; i < 12; i++)
		if (strncasecmp(months + 3 * i, p, 3) == 0)
			return i + 1;
	return 0;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
	if (month == 2)
		return is_leap(year) ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Days since 1970 of the proleptic Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1; /* which begins in March */
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t in_era = y - era * 400;
	int64_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 +
	    day - 1;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 +
	    in_year - 719468;
}

struct date {
	int year, month, day, hour, minute, second;
	int zone; /* minutes east of UTC */
	bool has_time, has_zone;
};

static bool day_is_possible(const struct date *d)
{
	return d->month > 0 && d->year >= 1 && d->year <= 9999 && d->day >= 1 &&
	    d->day <= month_days(d->year, d->month);
}

static bool time_is_possible(const struct date *d)
{
	return d->hour <= 23 && d->minute <= 59 &&
	    d->second <= 60; /* a leap second */
}

static int64_t date_seconds(const struct date *d)
{
	return days_of(d->year, d->month, d->day) * DAY + d->hour * 3600 +
	    d->minute * 60 + d->second - (int64_t)d->zone * 60;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Commas too: they stand wherever somebody thought they should. */
static void gap_skip(struct span *s)
{
	comments_skip(s);
	while (s->n > 0 && *s->p == ',') {
		span_skip(s, 1);
		comments_skip(s);
	}
}

/* The digits it begins with; -1 where they are none, or too many. */
static int number_next(struct span *s, size_t *digits)
{
	int n = 0;
	size_t i = 0;

	for (; i < s->n && is_digit(s->p[i]); i++)
		n = i < 6 ? n * 10 + (s->p[i] - '0') : n;
	*digits = i;
	span_skip(s, i);
	return i > 0 && i <= 6 ? n : -1;
}

static bool char_next(struct span *s, char c)
{
	if (s->n == 0 || *s->p != c)
		return false;
	span_skip(s, 1);
	return true;
}

/* RFC 5322 4.3 */
static int year_of(int n, size_t digits)
{
	if (digits == 2 && n < 50)
		return n + 2000;
	return digits <= 3 ? n + 1900 : n;
}

static bool time_next(struct span *s, struct date *d)
{
	size_t digits;

	gap_skip(s);
	d->hour = number_next(s, &digits);
	gap_skip(s);
	if (d->hour < 0 || (!char_next(s, ':') && !char_next(s, '.')))
		return false;
	gap_skip(s);
	d->minute = number_next(s, &digits);
	gap_skip(s);
	if (char_next(s, ':') || char_next(s, '.')) {
		gap_skip(s);
		d->second = number_next(s, &digits);
	}
	d->has_time = d->minute >= 0 && d->second >= 0 && time_is_possible(d);
	return d->has_time;
}

static void zone_letters(const char *p, size_t n, struct date *d)
{
	static const struct {
		char name[5];
		int zone;
	} zones[] = {
		{"UT", 0}, {"GMT", 0}, {"UTC", 0},
		{"EST", -300}, {"EDT", -240}, {"CST", -360}, {"CDT", -300},
		{"MST", -420}, {"MDT", -360}, {"PST", -480}, {"PDT", -420},
		/* no standard's, but found */
		{"BST", 60}, {"WET", 0}, {"WEST", 60}, {"CET", 60},
		{"CEST", 120}, {"MET", 60}, {"MEST", 120}, {"EET", 120},
		{"EEST", 180}, {"MSK", 180}, {"JST", 540},
	};

	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
		if (strlen(zones[i].name) == n &&
		    strncasecmp(zones[i].name, p, n) == 0) {
			d->zone = zones[i].zone;
			d->has_zone = true;
		}
	/* RFC 5322 4.3: all others, and military ones, mean -0000. */
}

static bool zone_digits(struct span *s, struct date *d)
{
	int sign = *s->p == '-' ? -1 : 1;
	size_t digits;

	span_skip(s, 1);
	int n = number_next(s, &digits);
	if (n < 0 || digits != 4 || n % 100 > 59 || n / 100 > 24)
		return false;
	d->zone = sign * (n / 100 * 60 + n % 100);
	d->has_zone = true;
	return true;
}

static size_t letters(struct span s)
{
	size_t n = 0;

	while (n < s.n && is_letter(s.p[n]))
		n++;
	return n;
}

/* "Nov 22 14:20:05 2026", asctime(3)'s, a zone somewhere, or RFC 5322's. */
static bool month_first(struct span *s, struct date *d)
{
	size_t digits;
	int n;

	gap_skip(s);
	d->day = number_next(s, &digits);
	if (!time_next(s, d))
		return false;
	for (;;) {
		gap_skip(s);
		size_t word = letters(*s);
		if (word > 0) {
			zone_letters(s->p, word, d);
			span_skip(s, word);
		} else if (s->n > 0 && (*s->p == '+' || *s->p == '-')) {
			if (!zone_digits(s, d))
				return false;
		} else {
			break;
		}
	}
	n = number_next(s, &digits);
	d->year = year_of(n, digits);
	return n >= 0;
}

static bool day_first(struct span *s, struct date *d)
{
	size_t digits, word;
	int n;

	d->day = number_next(s, &digits);
	gap_skip(s);
	char_next(s, '-');
	gap_skip(s);
	word = letters(*s);
	d->month = month_find(s->p, word);
	span_skip(s, word);
	gap_skip(s);
	char_next(s, '-');
	gap_skip(s);
	n = number_next(s, &digits);
	if (n < 0)
		return false;
	d->year = year_of(n, digits);
	time_next(s, d);
	return true;
}

bool date_read(struct span s, int64_t *seconds, int *zone)
{
	struct date d = {0};
	size_t word;

	gap_skip(&s);
	word = letters(s);
	if (word > 0 && month_find(s.p, word) == 0) { /* the weekday */
		span_skip(&s, word);
		char_next(&s, '.');
		gap_skip(&s);
		word = letters(s);
	}
	if (word > 0) {
		d.month = month_find(s.p, word);
		span_skip(&s, word);
	}
	if (word > 0 ? !month_first(&s, &d) : !day_first(&s, &d))
		return false;
	gap_skip(&s);
	if (!d.has_zone && s.n > 0) {
		if (*s.p == '+' || *s.p == '-')
			zone_digits(&s, &d);
		else
			zone_letters(s.p, letters(s), &d);
	}
	if (!day_is_possible(&d))
		return false;
	if (!d.has_time) /* RFC 5256 2.2 */
		d.hour = d.minute = d.second = d.zone = 0;
	*seconds = date_seconds(&d);
	*zone = d.zone;
	return true;
}

/* Exactly so many digits. */
static bool digits_read(const char *p, size_t n, int *out)
{
	*out = 0;
	for (size_t i = 0; i < n; i++) {
		if (!is_digit(p[i]))
			return false;
		*out = *out * 10 + (p[i] - '0');
	}
	return true;
}

/* "-Nov-2026" */
static bool month_year_read(const char *p, struct date *d)
{
	if (p[0] != '-' || p[4] != '-')
		return false;
	d->month = month_find(p + 1, 3);
	return digits_read(p + 5, 4, &d->year);
}

bool date_time_read(struct span s, int64_t *seconds)
{
	const char *p = s.p;
	struct date d = {0};
	int zone;

	if (s.n != DATE_TIME_SIZE - 1)
		return false;
	if (!(p[0] == ' ' ? digits_read(p + 1, 1, &d.day) :
	    digits_read(p, 2, &d.day)) || !month_year_read(p + 2, &d))
		return false;
	if (p[11] != ' ' || !digits_read(p + 12, 2, &d.hour) ||
	    p[14] != ':' || !digits_read(p + 15, 2, &d.minute) ||
	    p[17] != ':' || !digits_read(p + 18, 2, &d.second))
		return false;
	if (p[20] != ' ' || (p[21] != '+' && p[21] != '-') ||
	    !digits_read(p + 22, 4, &zone) || zone % 100 > 59)
		return false;
	d.zone = (p[21] == '-' ? -1 : 1) * (zone / 100 * 60 + zone % 100);
	if (!day_is_possible(&d) || !time_is_possible(&d))
		return false;
	*seconds = date_seconds(&d);
	return true;
}

bool date_day_read(struct span s, int64_t *day)
{
	struct date d = {0};
	size_t n = s.n == 11 ? 2 : 1;

	if ((s.n != 11 && s.n != 10) || !digits_read(s.p, n, &d.day) ||
	    !month_year_read(s.p + n, &d) || !day_is_possible(&d))
		return false;
	*day = days_of(d.year, d.month, d.day);
	return true;
}

void date_time_write(char to[DATE_TIME_SIZE], int64_t seconds)
{
	const int64_t first = days_of(1, 1, 1) * DAY;
	const int64_t last = days_of(9999, 12, 31) * DAY + DAY - 1;

	/* What has no four digits for its year is the nearest that has. */
	seconds = seconds < first ? first : seconds > last ? last : seconds;
	int64_t day = seconds / DAY - (seconds % DAY < 0);
	int rest = (int)(seconds - day * DAY);
	int64_t left = day + 719468;
	int64_t era = left / 146097, in_era = left % 146097;
	int64_t y = (in_era - in_era / 1460 + in_era / 36524 -
	    in_era / 146096) / 365;
	int in_year = (int)(in_era - (365 * y + y / 4 - y / 100));
	int month = (5 * in_year + 2) / 153;
	int of_month = in_year - (153 * month + 2) / 5 + 1;
	month = month < 10 ? month + 3 : month - 9;
	int year = (int)(y + era * 400) + (month <= 2);
	snprintf(to, DATE_TIME_SIZE, "%02u-%.3s-%04u %02u:%02u:%02u +0000",
	    (unsigned)of_month % 100, months + 3 * (month - 1),
	    (unsigned)year % 10000, (unsigned)rest / 3600 % 100,
	    (unsigned)rest / 60 % 60, (unsigned)rest % 60);
}
