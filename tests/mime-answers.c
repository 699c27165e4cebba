/*
 * What imapd's functions make of mail, for tests/imap-mime.bats:
 *
 *   mime-answers say FILE ...      for each a line `FILE`, then ENVELOPE, BODY,
 *                                  BODYSTRUCTURE and PREVIEW, as in FETCH
 *   mime-answers time N FILE       what one of N times costs
 *   mime-answers part FILE PATH [MAX]
 *                                  the part (`1.2`): where it is, its text
 *   mime-answers words TEXT
 *   mime-answers parameter LIST NAME
 *   mime-answers addresses TEXT    a line for each: name|route|mailbox|host
 *   mime-answers date | date-time | day TEXT
 *   mime-answers encoding NAME
 *   mime-answers decode N          fd 0, by enum encoding
 *   mime-answers charset NAME      fd 0
 *   mime-answers fold              fd 0
 *
 * Texts that begin with `@` are a file's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "addresses.h"
#include "charset.h"
#include "date.h"
#include "mime.h"
#include "structure.h"
#include "words.h"

/* A stream's octets, every line's end made CRLF if asked; the next call's too. */
static struct span load(FILE *f, bool crlf)
{
	static char *text;
	size_t n = 0, room = 1 << 16;
	bool cr = false;

	free(text);
	text = xrealloc(NULL, room);

	for (int c; f != NULL && (c = getc_unlocked(f)) != EOF;
	    cr = c == '\r') {
		if (n + 2 > room)
			text = xrealloc(text, room += room / 4);
		if (crlf && c == '\n' && !cr)
			text[n++] = '\r';
		text[n++] = (char)c;
	}
	return (struct span){text, n};
}

static struct span message(const char *path)
{
	FILE *f = fopen(path, "r");
	struct span s = load(f, true);

	if (f == NULL)
		exit(1);
	fclose(f);
	return s;
}

static struct span text_of(const char *argument)
{
	if (*argument == '@')
		return message(argument + 1);
	return (struct span){argument, strlen(argument)};
}

/* The last thing that is done with it. */
static int show(struct str *s, bool well)
{
	fwrite(s->p, 1, s->len, stdout);
	printf("%s\n", well ? "" : " (faulty)");
	str_free(s);
	return 0;
}

static void say(const char *path)
{
	struct mime m;
	struct str s = {0}, preview = {0};
	struct span text = message(path);

	mime_begin(&m, text);
	structure_envelope(&s, part_header(&m, m.root));
	str_puts(&s, "\n");
	structure_body(&s, &m, false);
	str_puts(&s, "\n");
	structure_body(&s, &m, true);
	str_puts(&s, "\n");
	str_clear(&preview);
	structure_preview(&preview, &m);
	structure_string(&s, (struct span){preview.p, preview.len});
	printf("%s\n", path);
	show(&s, true);
	str_free(&preview);
	mime_end(&m);
}

static int measure(int n, struct span text)
{
	struct timespec from, to;
	struct str out = {0};
	struct mime m;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (int i = 0; i < n; i++) {
		str_clear(&out);
		mime_begin(&m, text);
		structure_envelope(&out, part_header(&m, m.root));
		structure_body(&out, &m, true);
		mime_end(&m);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	str_free(&out);
	printf("%.3f us\n", ((double)(to.tv_sec - from.tv_sec) * 1e9 +
	    (double)(to.tv_nsec - from.tv_nsec)) / 1e3 / n);
	return 0;
}

static int part(struct span text, char *numbers, const char *max)
{
	struct mime m;
	struct str s = {0};
	unsigned path[8];
	size_t depth = 0;

	for (char *p = strtok(numbers, "."); p != NULL; p = strtok(NULL, "."))
		path[depth++] = (unsigned)atoi(p);
	mime_begin(&m, text);
	const struct part *p = part_find(&m, path, depth);
	str_clear(&s);
	if (p != NULL) {
		str_printf(&s, "%.*s/%.*s %zu %zu %zu %zu\n",
		    (int)p->type.n, p->type.p, (int)p->subtype.n,
		    p->subtype.p, p->header, p->body, p->end, p->lines);
		part_text(&s, &m, p,
		    max != NULL ? strtoul(max, NULL, 10) : 1000);
	} else {
		str_puts(&s, "none");
	}
	mime_end(&m);
	return show(&s, true);
}

static void bit_show(bool has, const struct str *s, char end)
{
	printf("%s%c", has ? s->p : "-", end);
}

static int addresses(struct span text)
{
	struct mail_address a = {0};

	while (addresses_next(&text, &a)) {
		bit_show(a.has_name, &a.name, '|');
		bit_show(a.has_route, &a.route, '|');
		bit_show(a.has_mailbox, &a.mailbox, '|');
		bit_show(a.has_host, &a.host, '\n');
	}
	addresses_free(&a);
	return 0;
}

static int date(const char *how, struct span text)
{
	char written[DATE_TIME_SIZE];
	int64_t n;
	int zone = 0;

	if (strcmp(how, "date") == 0 ? !date_read(text, &n, &zone) :
	    strcmp(how, "day") == 0 ? !date_day_read(text, &n) :
	    !date_time_read(text, &n)) {
		printf("none\n");
		return 0;
	}
	date_time_write(written, strcmp(how, "day") == 0 ? n * 86400 : n);
	printf("%" PRId64 " %d %s\n", n, zone, written);
	return 0;
}

static int by_text(char **v)
{
	struct str s = {0};
	struct span text = text_of(v[1]);
	bool well = true;

	if (strcmp(*v, "addresses") == 0)
		return addresses(text);
	if (strncmp(*v, "da", 2) == 0)
		return date(*v, text);
	str_clear(&s);
	if (strcmp(*v, "words") == 0)
		words_decode(&s, text);
	else if (strcmp(*v, "parameter") == 0)
		well = parameter_find(&s, text, v[2]);
	else
		str_printf(&s, "%d", (int)encoding_find(text));
	return show(&s, well);
}

int main(int argc, char **argv)
{
	char **v = argv + 1;
	struct str s = {0};
	bool well = true;

	charset_prepare();
	if (strcmp(*v, "say") == 0) {
		for (int i = 2; i < argc; i++)
			say(argv[i]);
		return 0;
	}
	if (strcmp(*v, "time") == 0)
		return measure(atoi(v[1]), message(v[2]));
	if (strcmp(*v, "part") == 0)
		return part(message(v[1]), v[2], argv[4]);
	if (strcmp(*v, "fold") != 0 && strcmp(*v, "charset") != 0 &&
	    strcmp(*v, "decode") != 0)
		return by_text(v);
	str_clear(&s);
	if (strcmp(*v, "fold") == 0)
		charset_fold(&s, load(stdin, false));
	else if (strcmp(*v, "charset") == 0)
		well = charset_convert(&s, v[1], load(stdin, false));
	else
		well = decode(&s, (enum encoding)atoi(v[1]),
		    load(stdin, false));
	return show(&s, well);
}
