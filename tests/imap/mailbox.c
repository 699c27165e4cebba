/*
 * The mailboxes of imapd by commands: mailbox MAILDIR, then lines on fd 0. X and
 * Y are names of one letter; SET is 1:3,5; FLAGS are the letters of a file's
 * name, or -. What uidvalidity.c would say comes from the environment: UIDVALIDITY.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../src/imapd/uidvalidity.h"
#include "lock.h"
#include "../../src/imapd/mailbox.h"
#include "../../src/imapd/name.h"
#include "../../src/imapd/set.h"
#include "log.h"
#include "str.h"

static struct mailbox boxes[128];

uint32_t uidvalidity_new(void)
{
	const char *value = getenv("UIDVALIDITY");

	return value != NULL ? (uint32_t)atoi(value) : 1;
}

static struct mailbox *box(char **line)
{
	const char *word = text_word(line);

	return &boxes[word != NULL ? word[0] & 127 : 0];
}

static const char *word(char **line, const char *other)
{
	const char *w = text_word(line);

	return w != NULL ? w : other;
}

static uint64_t number(char **line, uint64_t other)
{
	const char *w = text_word(line);

	return w != NULL ? strtoull(w, NULL, 10) : other;
}

static uint32_t flags(const char *letters)
{
	char name[100];

	snprintf(name, sizeof name, "x:2,%s", letters);
	return name_flags(name);
}

static void set_of(struct set *s, char **line)
{
	*s = (struct set){0};
	if (!set_parse(s, word(line, "1:*"), UINT32_MAX))
		printf("bad set\n");
}

static void say(enum mailbox_result result)
{
	static const char *const texts[] = {"ok", "none", "in use", "full",
	    "failed"};

	printf("%s\n", texts[result]);
}

static void letters(uint32_t f, char out[64])
{
	char name[NAME_SIZE];

	name_with_flags(name, "x", f);
	snprintf(out, 64, "%.60s", name + 4);
}

static void list(struct mailbox *b, bool modseqs)
{
	char text[64];

	for (size_t i = 0; i < b->count; i++) {
		const struct message *m = &b->messages[i];
		letters(m->flags, text);
		printf("%u [%s] %s%s%s%s", m->uid, text, m->name,
		    m->changed ? " changed" : "", m->silent ? " silent" : "",
		    m->expunged ? " expunged" : "");
		if (modseqs)
			printf(" %" PRIu64, m->modseq);
		printf("\n");
	}
}

/* What view.c does once it has told the client. */
static void tell(struct mailbox *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->count; i++) {
		b->messages[i].changed = b->messages[i].silent = false;
		if (!b->messages[i].expunged)
			b->messages[kept++] = b->messages[i];
	}
	b->count = kept;
}

/* X FLAGS[,KEYWORD…] TEXT[|TEXT…] */
static void append(char *line)
{
	static unsigned n;
	struct mailbox *b = box(&line);
	char *words = text_word(&line), *keyword;
	struct arrival a[100] = {{0}};
	char paths[100][700];
	size_t count = 0;

	char *save, *first = strtok_r(words, ",", &save);
	char *kept[KEYWORDS_MAX + 1] = {NULL};
	for (size_t k = 0; (keyword = strtok_r(NULL, ",", &save)) != NULL; k++)
		kept[k] = keyword;
	for (char *text = strtok(line, "|"); text != NULL && count < 100;
	    text = strtok(NULL, "|"), count++) {
		snprintf(paths[count], sizeof paths[count], "%.600s/tmp/%d.%u",
		    b->path, (int)getpid(), n++);
		int fd = open(paths[count], O_CREAT | O_EXCL | O_WRONLY, 0600);
		if (fd < 0 || write(fd, text, strlen(text)) < 0 ||
		    write(fd, "\n", 1) < 0 || fsync(fd) != 0) {
			printf("cannot write\n");
			for (size_t i = 0; i <= count; i++)
				unlink(paths[i]);
			return;
		}
		close(fd);
		a[count] = (struct arrival){.path = paths[count],
		    .flags = flags(first), .size = strlen(text) + 1,
		    .octets = strlen(text) + 2};
		for (size_t k = 0; kept[k] != NULL; k++)
			a[count].keywords[k] = kept[k];
		if (getenv("DATE") != NULL)
			a[count].date = atoll(getenv("DATE"));
	}
	enum mailbox_result result = mailbox_append(b, a, count);
	if (result != MAILBOX_OK)
		for (size_t i = 0; i < count; i++)
			unlink(paths[i]);
	for (size_t i = 0; result == MAILBOX_OK && i < count; i++)
		printf("%u ", a[i].uid);
	say(result);
}

static void copy(char *line, bool move)
{
	struct mailbox *from = box(&line);
	struct pairs p;
	struct set s;

	set_of(&s, &line);
	struct mailbox *to = box(&line);
	enum mailbox_result result = mailbox_copy(from, &s, to, move, &p);
	for (size_t i = 0; i < p.count && i < 20; i++)
		printf("%u>%u ", p.from[i], p.to[i]);
	say(result);
	free(p.from);
	free(p.to);
	set_free(&s);
}

/* X SET set|add|remove FLAGS [silent] [MODSEQ] */
static void store(char *line)
{
	struct mailbox *b = box(&line);
	struct set s, modified = {0};
	struct str text = {0};

	set_of(&s, &line);
	const char *how = word(&line, "set"), *f = word(&line, "-");
	bool silent = strcmp(word(&line, ""), "silent") == 0;
	enum mailbox_result result = mailbox_store(b, &s,
	    strcmp(how, "set") == 0 ? STORE_SET :
	    strcmp(how, "add") == 0 ? STORE_ADD : STORE_REMOVE, flags(f),
	    number(&line, UINT64_MAX), silent, &modified);
	if (modified.count > 0) {
		set_print(&text, &modified);
		printf("modified %s ", text.p);
	}
	say(result);
	str_free(&text);
	set_free(&s);
	set_free(&modified);
}

static void expunge(char *line)
{
	struct mailbox *b = box(&line);
	struct set s;

	set_of(&s, &line);
	say(mailbox_expunge(b, &s));
	set_free(&s);
}

static void show(char *line)
{
	struct mailbox *b = box(&line);
	size_t i = mailbox_at(b, (uint32_t)number(&line, 0));
	char text[200];
	ssize_t n = -1;
	int fd = i < b->count ? message_open(b, &b->messages[i]) : -1;

	if (fd < 0) {
		printf("gone %s\n", strerror(errno));
		return;
	}
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	printf("%s\n", text);
}

static void vanished(char *line)
{
	struct mailbox *b = box(&line);
	struct set s = {0};
	struct str text = {0};

	if (mailbox_vanished(b, number(&line, 0), &s)) {
		set_print(&text, &s);
		printf("%s\n", s.count > 0 ? text.p : "nothing");
	} else
		printf("unknown\n");
	str_free(&text);
	set_free(&s);
}

static void state(const struct mailbox *b)
{
	printf("validity %u next %u recent %u exists %zu unseen %zu "
	    "deleted %zu octets %" PRIu64 "\n", b->uidvalidity, b->uidnext,
	    b->first_recent, b->exists, b->unseen, b->deleted, b->octets);
}

static void keyword(char *line)
{
	struct mailbox *b = box(&line);
	const char *name = word(&line, "");

	if (!lock_take())
		return;
	printf("%d\n", keywords_find(&b->keywords, b->path, name,
	    strcmp(word(&line, ""), "make") == 0));
	lock_give();
}

static void run(char *line)
{
	const char *verb = word(&line, "");
	uint32_t first;
	char *rest = line;

	if (strcmp(verb, "open") == 0) {
		struct mailbox *b = box(&line);
		say(mailbox_open(b, word(&line, "")));
	} else if (strcmp(verb, "close") == 0)
		mailbox_close(box(&line));
	else if (strcmp(verb, "load") == 0)
		say(mailbox_load(box(&line)));
	else if (strcmp(verb, "sync") == 0)
		say(mailbox_sync(box(&line)));
	else if (strcmp(verb, "list") == 0)
		list(box(&line), false);
	else if (strcmp(verb, "modseqs") == 0)
		list(box(&line), true);
	else if (strcmp(verb, "highest") == 0)
		printf("%" PRIu64 "\n", box(&line)->modseq);
	else if (strcmp(verb, "id") == 0)
		printf("%s\n", box(&line)->id);
	else if (strcmp(verb, "state") == 0)
		state(box(&line));
	else if (strcmp(verb, "tell") == 0)
		tell(box(&line));
	else if (strcmp(verb, "append") == 0)
		append(rest);
	else if (strcmp(verb, "copy") == 0)
		copy(rest, false);
	else if (strcmp(verb, "move") == 0)
		copy(rest, true);
	else if (strcmp(verb, "store") == 0)
		store(rest);
	else if (strcmp(verb, "expunge") == 0)
		expunge(rest);
	else if (strcmp(verb, "show") == 0)
		show(rest);
	else if (strcmp(verb, "vanished") == 0)
		vanished(rest);
	else if (strcmp(verb, "keyword") == 0)
		keyword(rest);
	else if (strcmp(verb, "claim") == 0) {
		struct mailbox *b = box(&line);
		if (mailbox_claim_recent(b, &first) == MAILBOX_OK)
			printf("from %u\n", first);
	} else if (strcmp(verb, "truncate") == 0) { /* FILE SIZE */
		const char *path = word(&line, "");
		if (truncate(path, (off_t)number(&line, 0)) != 0)
			printf("%s\n", strerror(errno));
	} else if (strcmp(verb, "octets") == 0) {
		uint64_t octets;
		say(mailbox_octets(box(&line), &octets));
		printf("%" PRIu64 "\n", octets);
	} else if (strcmp(verb, "run") == 0) { /* a command of the shell */
		if (system(line) != 0)
			printf("%s\n", line);
	} else if (strcmp(verb, "pause") == 0)
		usleep((unsigned)number(&line, 10) * 1000);
	else if (*verb != '\0' && *verb != '#')
		printf("what? %s\n", verb);
}

static double since(const struct timespec *a, clockid_t clock)
{
	struct timespec b;

	clock_gettime(clock, &b);
	return (double)(b.tv_sec - a->tv_sec) * 1e3 +
	    (double)(b.tv_nsec - a->tv_nsec) / 1e6;
}

/* `time COMMAND`: and how many ms it took, of the clock and the processor. */
int main(int argc, char **argv)
{
	static char line[100000];
	struct timespec wall, cpu;

	if (argc != 2)
		return 64;
	log_open("mailbox");
	umask(077);
	lock_open(argv[1]);
	while (fgets(line, sizeof line, stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		bool timed = strncmp(line, "time ", 5) == 0;
		clock_gettime(CLOCK_MONOTONIC, &wall);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
		run(timed ? line + 5 : line);
		if (timed) {
			double ms = since(&wall, CLOCK_MONOTONIC);
			printf("  %.3f ms, %.3f of the processor: %s\n", ms,
			    since(&cpu, CLOCK_PROCESS_CPUTIME_ID), line + 5);
		}
		fflush(stdout);
	}
	for (size_t i = 0; i < 128; i++)
		mailbox_close(&boxes[i]);
	return 0;
}
