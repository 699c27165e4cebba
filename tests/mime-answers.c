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

/* Every line's end made CRLF, as message_load() does. */
static void load(struct str *to, const char *path)
{
	struct str file = {0};

	if (!str_read_file(&file, path, STR_MAX - 1)) {
		perror(path);
		exit(1);
	}
	for (size_t i = 0; i < file.len; i++) {
		if (file.p[i] == '\n' && (i == 0 || file.p[i - 1] != '\r'))
			str_add(to, "\r", 1);
		str_add(to, file.p + i, 1);
	}
	str_free(&file);
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

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (unsigned i = 0; i < n; i++) {
		str_clear(&out);
		mime_begin(&m, text);
		structure_envelope(&out, part_header(&m, m.root));
		structure_body(&out, &m, true);
		mime_end(&m);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("%.3f us\n", ((double)(to.tv_sec - from.tv_sec) * 1e9 +
	    (double)(to.tv_nsec - from.tv_nsec)) / 1e3 / n);
	str_free(&out);
}

int main(int argc, char **argv)
{
	struct str text = {0}, out = {0};
	int first = strcmp(argv[1], "-t") == 0 ? 3 : 1;

	charset_prepare();
	for (int i = first; i < argc; i++) {
		str_clear(&text);
		str_clear(&out);
		load(&text, argv[i]);
		struct span s = {text.p, text.len};
		if (first == 3) {
			measure((unsigned)atoi(argv[2]), s);
			continue;
		}
		answer(&out, s, true);
		printf("%s\n", argv[i]);
		fwrite(out.p, 1, out.len, stdout);
	}
	str_free(&text);
	str_free(&out);
	return 0;
}
