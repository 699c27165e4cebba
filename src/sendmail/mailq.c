#include "mailq.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "address.h"
#include "entry.h"
#include "log.h"
#include "queue.h"

#define ID_WIDTH 20   /* of the table; derived ids are longer, and rare */
#define SENDER_AT 52  /* where the sender's column begins */

static const struct place {
	const char *dir, *state;
	char mark;
} places[] = {
	{QUEUE_DIR, "waiting", ' '},
	{HOLD_DIR, "held", '!'},
	{DAMAGED_DIR, "damaged", '?'},
};

#define PLACES (sizeof places / sizeof *places)

static bool json;
static uint64_t messages, octets;

/*
 * Text of other hosts. A control character, of which ISO 8859's second set has
 * some in UTF-8, could steer the terminal; JSON must be well-formed UTF-8.
 */
static void put(const char *s)
{
	size_t n;

	for (; *s != '\0'; s += n) {
		unsigned char c = (unsigned char)s[0], next = (unsigned char)s[1];
		bool second = c == 0xc2 && next < 0xa0;
		n = c < 0x80 ? 1 : utf8_length(s);
		if (n == 0) {
			fputs(json ? "\\ufffd" : "?", stdout);
			n = 1;
		} else if (c < ' ' || c == 0x7f || second) {
			if (json)
				printf("\\u%04x", second ? next : c);
			else
				putchar('?');
		} else {
			if (json && (c == '"' || c == '\\'))
				putchar('\\');
			fwrite(s, 1, n, stdout);
		}
	}
}

/* "key":"value", with what stands before the key. */
static void put_pair(const char *key, const char *value)
{
	printf("%s\":\"", key);
	put(value);
	putchar('"');
}

/* The JSON object */

static const char *status_name(char status)
{
	switch ((enum queue_status)status) {
	case QUEUE_WAITING:
		return "waiting";
	case QUEUE_DELAYED:
		return "delayed";
	case QUEUE_DELIVERED:
		return "delivered";
	case QUEUE_FAILED:
		return "failed";
	case QUEUE_DONE:
		break;
	}
	return "done";
}

static void object_recipient(const struct recipient *r, const struct answer *a)
{
	put_pair("{\"address", r->address);
	put_pair(",\"status", status_name(r->status));
	if (a->reply != NULL) {
		printf(",\"answer\":{\"when\":%" PRId64, a->when);
		put_pair(",\"mta", a->mta);
		put_pair(",\"reply", a->reply);
		putchar('}');
	}
	putchar('}');
}

static void object(struct entry *e, const char *state)
{
	struct answer *answers = entry_answers(e);

	put_pair("{\"id", e->id);
	put_pair(",\"state", state);
	printf(",\"arrived\":%" PRId64 ",\"due\":%" PRId64 ",\"size\":%" PRIu64,
	    e->arrived, e->due, e->size);
	put_pair(",\"sender", e->envelope.sender);
	fputs(",\"recipients\":[", stdout);
	for (size_t i = 0; i < e->envelope.rcpts; i++) {
		if (i > 0)
			putchar(',');
		object_recipient(&e->envelope.rcpt[i], &answers[i]);
	}
	puts("]}");
}

/* The rows of the table */

static void row_begin(const char *id, char mark)
{
	if (messages == 1)
		printf("%-*s  --Size-- ----Arrival Time---- "
		    "-Sender/Recipient-------\n", ID_WIDTH, "-Queue ID-");
	put(id);
	printf("%*s%c ", (int)strlen(id) < ID_WIDTH ?
	    ID_WIDTH - (int)strlen(id) : 0, "", mark);
}

static void row_waiting(struct entry *e)
{
	const struct answer *answers = entry_answers(e);
	const char *last = NULL;
	bool waits = false, report = false;

	for (size_t i = 0; i < e->envelope.rcpts; i++) {
		const struct recipient *r = &e->envelope.rcpt[i];
		const char *reply = answers[i].reply;
		report = report || r->status == QUEUE_DELIVERED ||
		    r->status == QUEUE_FAILED;
		if (!entry_waits(r))
			continue;
		waits = true;
		if (reply != NULL && (last == NULL || strcmp(last, reply) != 0)) {
			printf("%*s(", SENDER_AT - 2, "");
			if (strcmp(answers[i].mta, "-") != 0) {
				put(answers[i].mta);
				fputs(": ", stdout);
			}
			put(reply);
			puts(")");
		}
		last = reply;
		printf("%*s", SENDER_AT, "");
		put(r->address);
		putchar('\n');
	}
	if (!waits && report)
		printf("%*s(the sender is to be told)\n", SENDER_AT - 2, "");
}

static void row(struct entry *e, char mark)
{
	char arrived[32] = "";
	time_t t = (time_t)e->arrived;
	struct tm tm;

	row_begin(e->id, mark);
	if (localtime_r(&t, &tm) != NULL)
		strftime(arrived, sizeof arrived, "%a %b %d %H:%M:%S", &tm);
	printf("%8" PRIu64 " %-20s ", e->size, arrived);
	put(*e->envelope.sender != '\0' ? e->envelope.sender : "MAILER-DAEMON");
	putchar('\n');
	row_waiting(e);
	putchar('\n');
}

/* A file that cannot be shown as a message. */
static void other(const char *name, const char *state, const char *why)
{
	if (json) {
		put_pair("{\"id", name);
		put_pair(",\"state", state);
		put_pair(",\"why", why);
		puts("}");
		return;
	}
	row_begin(name, places[2].mark);
	printf("(%s: %s)\n\n", state, why);
}

/* False: it is not there (any more). */
static bool show(const struct place *place, const char *name)
{
	struct entry e;
	enum entry_result result = entry_look(&e, place->dir, name);
	bool active;

	if (result == ENTRY_GONE) {
		entry_close(&e);
		return false;
	}
	messages++;
	if (result == ENTRY_LATER) {
		other(name, "unreadable", strerror(errno));
	} else if (result == ENTRY_DAMAGED || place == &places[2]) {
		other(name, "damaged", result == ENTRY_OK ? "set aside" :
		    e.why);
	} else {
		active = place == &places[0] && entry_busy(&e);
		octets += e.size;
		if (json)
			object(&e, active ? "active" : place->state);
		else
			row(&e, active ? '*' : place->mark);
	}
	entry_close(&e);
	return true;
}

/* 0, or the exit status. */
static int trouble(const char *what, int error)
{
	fprintf(stderr, "mailq: %s: %s%s\n", what, strerror(error),
	    error == EACCES ? "; the mail user and root may look" : "");
	return error == EACCES ? EX_NOPERM : error == ENOENT ? EX_CONFIG :
	    EX_IOERR;
}

static int show_all(const struct place *place)
{
	DIR *dir = opendir(place->dir);
	struct dirent *d;
	int error;

	if (dir == NULL) /* a home of an earlier version has but the queue */
		return errno == ENOENT && place != &places[0] ? 0 :
		    trouble(place->dir, errno);
	while (errno = 0, !ferror(stdout) && (d = readdir(dir)) != NULL)
		if (*d->d_name != '.')
			show(place, d->d_name);
	error = ferror(stdout) ? 0 : errno;
	closedir(dir);
	return error == 0 ? 0 : trouble(place->dir, error);
}

static int show_one(const char *id)
{
	int fd = open(QUEUE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return trouble(QUEUE_DIR, errno);
	close(fd);
	for (size_t i = 0; i < PLACES; i++)
		if (id_valid(id) && show(&places[i], id))
			return 0;
	fprintf(stderr, "mailq: %s: there is no such message\n", safe(id));
	return EX_NOINPUT;
}

static void table_end(void)
{
	if (messages == 0)
		puts("Mail queue is empty");
	else
		printf("-- %" PRIu64 " Kbytes in %" PRIu64 " Request%s.\n",
		    (octets + 1023) / 1024, messages, messages > 1 ? "s" : "");
}

int mailq(bool as_json, char *const ids[])
{
	int status = 0, wrong;

	json = as_json;
	for (size_t i = 0; *ids == NULL && i < PLACES; i++)
		if (status != EX_NOPERM && (wrong = show_all(&places[i])) != 0)
			status = wrong;
	for (; *ids != NULL; ids++)
		if ((wrong = show_one(*ids)) != 0)
			status = wrong;
	if (!json && (status == 0 || messages > 0))
		table_end();
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno != EPIPE) /* `mailq | head` has seen enough */
		fprintf(stderr, "mailq: output: %s\n", strerror(errno));
	return EX_IOERR;
}
