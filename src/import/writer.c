#include "writer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ledger.h"
#include "lock.h"
#include "log.h"
#include "place.h"
#include "root.h"

#define SAY_EVERY 100 /* ms between two signs of progress */

static struct {
	const struct target *target;
	struct place place;
	bool open;    /* there is a folder, and it is not skipped */
	bool faults;  /* something is not in the mailbox */
	bool shown;   /* a line of progress stands on the terminal */
	int64_t said; /* ms, when it was */
	uint64_t seen, known, bad_uidls;
} w;

/* --- What is said --- */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void progress_clear(void)
{
	if (w.shown)
		fputs("\r\033[K", stderr);
	w.shown = false;
}

/* Controls of a hostile source stay off the terminal. */
static void say(const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	progress_clear();
	fprintf(stderr, "%s\n", text);
}

static const char *messages(uint64_t n)
{
	static char text[40];

	snprintf(text, sizeof text, "%llu message%s", (unsigned long long)n,
	    n == 1 ? "" : "s");
	return text;
}

static const char *shown_name(void)
{
	static char room[NAME_UTF8_SIZE];
	static struct str text = STR_ROOM(room);

	str_clear(&text);
	if (!name_decode(&text, w.place.name, strlen(w.place.name)))
		return w.place.name;
	return text.p;
}

static void progress(void)
{
	int64_t now = w.target->quiet || !isatty(2) ? 0 : now_ms();

	if (now - w.said < SAY_EVERY)
		return;
	w.said = now;
	progress_clear();
	fprintf(stderr, "%s: %s", shown_name(), messages(w.seen));
	w.shown = true;
}

static void note(const char *text)
{
	if (!w.target->quiet)
		say("%s", text);
}

static void failed(const char *what, int error)
{
	w.faults = true;
	say("%s: %s: %s%s", shown_name(), what, strerror(error),
	    error == ENOSPC || error == EDQUOT ?
	    ": make room, and do the same again" :
	    error == EBUSY ? ": a session has it: do the same again" : "");
}

/* --- A folder --- */

static void folder_report(void)
{
	const struct place *p = &w.place;
	char text[400];
	int n;

	if (w.target->quiet)
		return;
	n = snprintf(text, sizeof text, "%s: %s", shown_name(),
	    messages(w.seen));
	if (w.known > 0)
		snprintf(text + n, sizeof text - (size_t)n,
		    ", %llu %s here already", (unsigned long long)w.known,
		    w.known == 1 ? "was" : "were");
	say("%s", text);
	if (p->source.uidvalidity != 0 && w.seen > w.known && !p->keeps_uids)
		say("%s: it has UIDs of its own: the messages have new ones",
		    shown_name());
	if (p->words_lost)
		say("%s: some keywords are not kept: a folder has room for %d, "
		    "of %d octets of ASCII", shown_name(), KEYWORDS_MAX,
		    KEYWORD_SIZE - 1);
	if (w.bad_uidls > 0)
		say("%s: %s with a UIDL that is none: they have new ones",
		    shown_name(), messages(w.bad_uidls));
}

/* True: go on. */
static bool folder_end(void)
{
	const char *what;
	int error;

	if (!w.open)
		return true;
	w.open = false;
	progress_clear();
	error = place_commit(&w.place, &what);
	if (error != 0)
		failed(what, error);
	else
		folder_report();
	place_close(&w.place);
	return error == 0;
}

/* "": where the rest goes; else below it. False: no folder has that name. */
static bool target_name(const char *source, char name[FOLDER_NAME_SIZE])
{
	const char *base = w.target->folder;
	char room[2 * FOLDER_NAME_SIZE];

	if (*source == '\0')
		snprintf(room, sizeof room, "%s", base);
	else if (strcmp(base, "INBOX") == 0)
		snprintf(room, sizeof room, "%s", source);
	else
		snprintf(room, sizeof room, "%s.%s", base, source);
	if (strlen(room) >= FOLDER_NAME_SIZE || !name_valid(room))
		return false;
	strcpy(name, room);
	return true;
}

static bool folder_begin(const struct source_folder *source)
{
	char name[FOLDER_NAME_SIZE];
	int error;

	if (!folder_end())
		return false;
	w.seen = w.known = w.bad_uidls = 0;
	if (!target_name(source->name, name)) {
		w.faults = true;
		say("%s: no folder can have that name: rename it, and do the "
		    "same again", source->name);
		return true;
	}
	error = place_open(&w.place, name, source);
	if (error != 0)
		failed("its messages", error);
	w.open = error == 0;
	return w.open;
}

/* --- A message --- */

static bool message_end(const struct source_message *m)
{
	bool known;
	int error;

	if (!w.open)
		return true;
	error = place_end(&w.place, m, &known);
	if (error == EFBIG) {
		w.faults = true;
		say("%s: message %llu: over %u octets: it is left out",
		    shown_name(), (unsigned long long)w.seen + 1, MESSAGE_MAX);
		return true;
	}
	if (error != 0) {
		failed("a message", error);
		return false;
	}
	w.seen++;
	w.known += known;
	w.bad_uidls += *m->uidl != '\0' && !uidl_valid(m->uidl);
	progress();
	return true;
}

/* False: that was the last; what is wrong has been said. */
static bool take(struct stream *s, enum stream_event event)
{
	switch (event) {
	case STREAM_FOLDER:
		return folder_begin(&s->folder);
	case STREAM_MESSAGE:
		if (w.open)
			place_begin(&w.place);
		return true;
	case STREAM_TEXT:
		if (w.open)
			place_text(&w.place, s->text, s->size);
		return true;
	case STREAM_END:
		return message_end(&s->message);
	case STREAM_DROP:
		if (w.open)
			place_drop(&w.place);
		return true;
	case STREAM_FAULT:
		w.faults = true;
		say("%s", s->text);
		return true;
	case STREAM_NOTE:
		note(s->text);
		return true;
	case STREAM_FINISH:
		folder_end();
		return false;
	case STREAM_BROKEN:
		w.faults = true;
		say("the reader has failed: nothing of the folder that it was "
		    "at is moved in");
	}
	return false;
}

bool writer_run(struct stream *s, const struct target *target)
{
	w.target = target;
	root_set(target->maildir);
	lock_open(target->maildir);
	if (!ledger_open())
		return false;
	place_sweep();
	while (take(s, stream_next(s)))
		;
	progress_clear();
	place_close(&w.place);
	return !w.faults;
}
