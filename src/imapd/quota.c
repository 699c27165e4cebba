#include "quota.h"

#include <string.h>

#include "conn.h"
#include "folders.h"
#include "listing.h"
#include "mailbox.h"
#include "root.h"

#define QUOTA_FILE "maildirsize"
#define QUOTA_FILE_MAX (1u << 20) /* octets; Courier rewrites it at 5120 */
#define QUOTA_AGE 10000 /* ms; the sum of a thousand folders takes 10 */
#define QUOTA_AGE_REFUSED 1000 /* ms; before a no */

/* "1000000S" or "1000C"; what else there may be is not ours to understand. */
static void read_limit(struct quota *q, char *word)
{
	size_t n = strlen(word);
	uint64_t limit;
	char kind;

	if (n < 2)
		return;
	kind = word[n - 1];
	word[n - 1] = '\0';
	if (!number_parse(word, INT64_MAX, &limit))
		return;
	if (kind == 'S')
		q->octets_max = limit;
	else if (kind == 'C')
		q->messages_max = limit;
}

bool quota_limits(struct quota *q)
{
	struct str text = {0};
	char *rest, *line, *next;

	*q = (struct quota){0};
	root_read(&text, QUOTA_FILE, QUOTA_FILE_MAX);
	rest = text.p;
	for (line = text_line(&rest); line != NULL; line = next) {
		next = strchr(line, ',');
		if (next != NULL)
			*next++ = '\0';
		read_limit(q, line);
	}
	str_free(&text);
	return q->octets_max > 0 || q->messages_max > 0;
}

static bool add(const char *name, void *context)
{
	struct quota *q = context;
	char path[FILE_PATH_SIZE];
	struct mailbox box = {0};
	uint64_t octets;

	folder_path(path, name);
	if (mailbox_open(&box, path) == MAILBOX_OK) {
		if (mailbox_octets(&box, &octets) == MAILBOX_OK)
			q->octets += octets;
		q->messages += box.exists;
		mailbox_close(&box);
	}
	return true;
}

void quota_usage(struct quota *q)
{
	q->octets = q->messages = 0;
	add("INBOX", q);
	folders_each(add, q);
}

static struct quota used;

/* Sums up, unless that was done so many ms ago at most. */
static void sum_up(int64_t age)
{
	static int64_t summed;

	if (summed != 0 && now_ms() - summed < age)
		return;
	quota_usage(&used);
	summed = now_ms();
}

static bool room(uint64_t max, uint64_t taken, uint64_t more)
{
	return max == 0 || (more <= max && taken <= max - more);
}

static bool fits(const struct quota *q, uint64_t octets, size_t messages)
{
	return room(q->octets_max, used.octets, octets) &&
	    room(q->messages_max, used.messages, messages);
}

bool quota_allows(uint64_t octets, size_t messages)
{
	struct quota q;

	if (!quota_limits(&q))
		return true;
	sum_up(QUOTA_AGE);
	if (!fits(&q, octets, messages))
		sum_up(QUOTA_AGE_REFUSED); /* room may have been made */
	if (!fits(&q, octets, messages))
		return false;
	used.octets += octets;
	used.messages += messages;
	return true;
}
