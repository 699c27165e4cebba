#include "from.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "date.h"
#include "span.h"
#include "str.h"

#define SENDER_WORDS 20 /* before the date; real ones have up to 3 */

static bool is_one_of(const char *word, const char *names)
{
	const char *at = isalpha((unsigned char)*word) ?
	    strcasestr(names, word) : NULL;

	return at != NULL && strlen(word) == 3 && (at - names) % 3 == 0;
}

static bool is_zone(const char *word)
{
	return ((*word == '+' || *word == '-') && strlen(word) == 5 &&
	    strspn(word + 1, "0123456789") == 4) ||
	    (strlen(word) >= 2 && strlen(word) <= 5 &&
	    strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(word));
}

static bool is_year(const char *word)
{
	return strlen(word) == 4 && strspn(word, "0123456789") == 4;
}

/* By this machine's zone, what was read as if in UTC. */
static int64_t local_time(int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		return seconds;
	tm.tm_isdst = -1;
	return mktime(&tm);
}

/*
 * asctime(3)'s date from word[0] on, with a zone before the year, behind it, or
 * not at all; day and month may stand the other way round (RFC 5322 3.3).
 */
static bool date_words(char *const word[], size_t n, int64_t *seconds)
{
	const char *month, *day, *year, *zone = NULL;
	char text[64];
	int minutes;
	size_t at;

	if (n < 5)
		return false;
	word[0][strcspn(word[0], ",")] = '\0';
	if (!is_one_of(word[0], "SunMonTueWedThuFriSat"))
		return false;
	month = word[1], day = word[2];
	if (!is_one_of(month, "JanFebMarAprMayJunJulAugSepOctNovDec"))
		month = word[2], day = word[1];
	if (is_year(word[3])) { /* RFC 5322's */
		year = word[3];
		at = 5;
	} else {
		at = 4;
		if (is_zone(word[at]) && n > 5)
			zone = word[at++];
		year = word[at++];
	}
	if (!is_year(year))
		return false;
	if (zone == NULL && at < n && is_zone(word[at]))
		zone = word[at];
	snprintf(text, sizeof text, "%.2s %.3s %s %.8s %.5s", day, month, year,
	    word[is_year(word[3]) ? 4 : 3], zone != NULL ? zone : "+0000");
	if (!date_read((struct span){text, strlen(text)}, seconds, &minutes))
		return false;
	if (zone == NULL)
		*seconds = local_time(*seconds);
	return true;
}

bool from_line_read(struct from_line *from, const char *line, size_t n)
{
	char text[512], *word[SENDER_WORDS + 8], *p = text;
	size_t count = 0, sender;

	if (n < 5 || memcmp(line, "From ", 5) != 0 || n - 5 >= sizeof text)
		return false;
	n -= 5;
	memcpy(text, line + 5, n);
	text[n] = '\0';
	if (strlen(text) != n)
		return false;
	while (n > 0 && (text[n - 1] == '\r' || text[n - 1] == '\n'))
		text[--n] = '\0';
	if (strchr(text, '\r') != NULL) /* many lines, of an old Macintosh */
		return false;
	while (count < sizeof word / sizeof *word &&
	    (word[count] = text_word(&p)) != NULL)
		count++;
	for (sender = 0; sender < count && sender <= SENDER_WORDS; sender++)
		if (date_words(word + sender, count - sender, &from->time))
			break;
	if (sender == count || sender > SENDER_WORDS)
		return false;
	*from->sender = '\0';
	if (sender == 1 && strchr(word[0], '@') != NULL)
		snprintf(from->sender, sizeof from->sender, "%.*s",
		    (int)sizeof from->sender - 1, word[0]);
	return true;
}
