/*
 * A file of the queue that anybody may have damaged, read, worked on, and
 * reported of. The first byte: what is reported. The rest is the file A.0, but
 * that a line "size" in front of "=" gets the size that is right.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address.h"
#include "entry.h"
#include "fake.h"
#include "queue-run/report.h"

#define PATH QUEUE_DIR "/A.0"
#define REPORT QUEUE_DIR "/A.0-f0"

static char text[OUTPUT_MAX];

static size_t file_get(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n;

	MUST(f != NULL);
	n = fread(text, 1, sizeof text - 1, f);
	MUST(fclose(f) == 0 && n < sizeof text - 1);
	text[n] = '\0';
	return n;
}

/* The size is what a fuzzer cannot guess. */
static void size_mend(char *p, size_t n)
{
	char digits[24], *size = strstr(p, "\nsize ="), *end;

	if (size == NULL || (end = strstr(p, "\n\n")) == NULL ||
	    size + 22 > p + n)
		return;
	snprintf(digits, sizeof digits, "%015zu", (size_t)(p + n - end - 2));
	memcpy(size + 6, digits, 15);
}

static void clean(const char *s)
{
	for (; *s != '\0'; s++)
		MUST((unsigned char)*s >= ' ' && *s != 0x7f);
}

static void envelope_check(const struct entry *e, size_t n)
{
	const struct envelope *v = &e->envelope;
	struct address a;

	MUST(strcmp(e->id, "A.0") == 0 && e->arrived >= 0);
	MUST(e->message_at + e->size <= n);
	MUST(v->rcpts > 0 && v->rcpts <= RECIPIENTS_MAX);
	clean(v->sender);
	clean(v->envid);
	MUST(*v->sender == '\0' ||
	    address_parse(v->sender, &a) == ADDRESS_OK);
	for (size_t i = 0; i < v->rcpts; i++) {
		const struct recipient *r = &v->rcpt[i];
		MUST(address_parse(r->address, &a) == ADDRESS_OK);
		clean(r->address);
		clean(r->orcpt);
		MUST(r->status == text[e->status_at[i]] &&
		    strchr(".dsf+", r->status) != NULL);
		MUST(e->status_at[i] < e->message_at);
	}
}

/* Locks, marks, answers; the message stays as it is. */
static void work(struct entry *e)
{
	size_t last = e->envelope.rcpts - 1;
	uint64_t at = 0, size = e->size;
	const struct answer *answers = entry_answers(e);
	char *message = malloc(size + 1), *again = malloc(size + 1);

	MUST(message != NULL && again != NULL);
	while (at < size)
		MUST(entry_read(e, &at, message + at, size - at) > 0);
	for (size_t i = 0; i <= last; i++)
		if (answers[i].reply != NULL) {
			clean(answers[i].mta);
			MUST(*answers[i].reply != '\0');
		}
	MUST(entry_lock_all(e));
	entry_answer_add(e, last, "mx.far.test", "450 4.2.0 Later");
	MUST(entry_answers_write(e));
	MUST(entry_mark(e, last, QUEUE_DELAYED) && entry_sync(e));
	MUST(entry_due(e, 1000));
	entry_close(e);
	MUST(entry_open(e, QUEUE_DIR, "A.0") == ENTRY_OK);
	MUST(e->size == size && e->due == 1000);
	MUST(e->envelope.rcpt[last].status == QUEUE_DELAYED);
	for (at = 0; at < size;)
		MUST(entry_read(e, &at, again + at, size - at) > 0);
	MUST(memcmp(message, again, size) == 0);
	answers = entry_answers(e);
	MUST(strcmp(answers[last].reply, "450 4.2.0 Later") == 0 &&
	    strcmp(answers[last].mta, "mx.far.test") == 0);
	free(message);
	free(again);
}

/* Our own header has the fields that we write, and no others. */
static void header_check(char *p, const char *sender)
{
	static const char *const fields[] = {"From", "To", "Subject", "Date",
	    "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
	    "X-Double-Bounce", "MIME-Version", "Content-Transfer-Encoding",
	    "Content-Type"};
	size_t next = 0, count = sizeof fields / sizeof *fields;
	char *line, to[ADDRESS_SIZE + 8];

	snprintf(to, sizeof to, "To: <%s>", sender);
	while ((line = text_line(&p)) != NULL && *line != '\0') {
		size_t n = strcspn(line, ":");
		clean(*line == '\t' ? line + 1 : line);
		if (*line == '\t')
			continue;
		while (next < count && (strlen(fields[next]) != n ||
		    strncmp(fields[next], line, n) != 0))
			next++;
		MUST(next < count);
		MUST(next != 1 || *sender == '\0' || strcmp(line, to) == 0);
		next++;
	}
}

static void report_check(const char *sender)
{
	struct entry e;
	char boundary[64], *p, *at;
	size_t n = 0;

	MUST(entry_open(&e, QUEUE_DIR, "A.0-f0") == ENTRY_OK);
	MUST(*e.envelope.sender == '\0' && e.envelope.rcpts == 1);
	file_get(REPORT);
	p = text + e.message_at;
	MUST((at = strstr(p, "boundary=\"")) != NULL);
	snprintf(boundary, sizeof boundary, "\n--%.34s", at + 10);
	for (at = p; (at = strstr(at, boundary)) != NULL; at++)
		n++;
	MUST(n == 4 || memchr(p, '\0', e.size) != NULL);
	/* Nothing from others' texts in the status part but clean lines. */
	at = strstr(p, "delivery-status\n");
	MUST(at != NULL);
	for (at += 16; strncmp(at, boundary + 1, 36) != 0; at++)
		MUST((unsigned char)*at >= ' ' || *at == '\n');
	header_check(p, sender);
	entry_close(&e);
}

static void report(struct entry *e, uint8_t what)
{
	static size_t all[RECIPIENTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < e->envelope.rcpts; i++)
		if (report_wanted(e, &e->envelope.rcpt[i], what % 3))
			all[n++] = i;
	unlink(REPORT);
	if (n == 0)
		return;
	MUST(report_make(e, what % 3, all, n, "A.0-f0") == 0);
	if (access(REPORT, F_OK) == 0)
		report_check(e->envelope.sender);
	MUST(report_make(e, what % 3, all, n, "A.0-f0") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool began;
	struct entry e;
	char *copy;

	if (!began)
		home_make("", "");
	began = true;
	if (n == 0)
		return 0;
	copy = malloc(n);
	MUST(copy != NULL);
	memcpy(copy, data + 1, n - 1);
	copy[n - 1] = '\0';
	if (strlen(copy) == n - 1)
		size_mend(copy, n - 1);
	file_put(PATH, copy, n - 1);
	free(copy);
	if (entry_open(&e, QUEUE_DIR, "A.0") == ENTRY_OK) {
		envelope_check(&e, file_get(PATH));
		work(&e);
		report(&e, *data);
	} else {
		MUST(e.why != NULL);
	}
	entry_close(&e);
	return 0;
}
