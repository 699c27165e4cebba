/*
 * What imapd's functions say of messages, for tests/imap-mime.bats:
 *
 *   mime-answers FILE ...   for each a line `FILE`, then ENVELOPE, BODY,
 *                           BODYSTRUCTURE and PREVIEW, as in FETCH
 *   mime-answers -t N FILE  how long it takes, a time of N
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "charset.h"
#include "mime.h"
#include "structure.h"

/* Every line's end made CRLF, as message_load() does. To be freed. */
static struct span load(const char *path)
{
	FILE *f = fopen(path, "r");
	long size;
	char *text;
	size_t n = 0, cr = 0;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 ||
	    (text = malloc(2 * (size_t)size + 1)) == NULL) {
		perror(path);
		exit(1);
	}
	rewind(f);
	for (int c; (c = getc_unlocked(f)) != EOF; cr = c == '\r') {
		if (c == '\n' && !cr)
			text[n++] = '\r';
		text[n++] = (char)c;
	}
	fclose(f);
	return (struct span){text, n};
}

static void answer(struct str *out, struct span text, bool preview)
{
	struct mime m;
	struct str s = {0};

	mime_begin(&m, text);
	structure_envelope(out, part_header(&m, m.root));
	str_puts(out, "\n");
	structure_body(out, &m, false);
	str_puts(out, "\n");
	structure_body(out, &m, true);
	str_puts(out, "\n");
	str_clear(&s);
	if (preview)
		structure_preview(&s, &m);
	structure_string(out, (struct span){s.p, s.len});
	str_puts(out, "\n");
	str_free(&s);
	mime_end(&m);
}

static void measure(unsigned n, struct span text)
{
	struct timespec from, to;
	struct str out = {0};
	struct mime m;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (unsigned i = 0; i < n; i++) {
		str_clear(&out);
		mime_begin(&m, text);
		structure_envelope(&out, part_header(&m, m.root));
		structure_body(&out, &m, true);
		mime_end(&m);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	printf("%.3f us\n", ((double)(to.tv_sec - from.tv_sec) * 1e9 +
	    (double)(to.tv_nsec - from.tv_nsec)) / 1e3 / n);
	str_free(&out);
}

int main(int argc, char **argv)
{
	struct str out = {0};
	int first = strcmp(argv[1], "-t") == 0 ? 3 : 1;

	charset_prepare();
	for (int i = first; i < argc; i++) {
		struct span s = load(argv[i]);
		str_clear(&out);
		if (first == 3) {
			measure((unsigned)atoi(argv[2]), s);
		} else {
			answer(&out, s, true);
			printf("%s\n", argv[i]);
			fwrite(out.p, 1, out.len, stdout);
		}
		free((void *)(uintptr_t)s.p);
	}
	str_free(&out);
	return 0;
}
