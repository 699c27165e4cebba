/*
 * imapd's index: an octet, then (even) edits of a good file, or all of one, after
 * which its answers have to be what they were; or (odd) a message, of which what
 * is written has to be what is read.
 */
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "lib/charset.h"
#include "imapd/ids.h"
#include "imapd/items.h"
#include "imapd/load.h"
#include "imapd/record.h"
#include "imapd/signature.h"
#include "imapd/text.h"
#include "messages.h"

#define FILE_MAX 65536

/* All that a summary says, in one text. */
static void describe(struct str *to, const struct summary *s)
{
	const struct span texts[] = {s->envelope, s->subject, s->references,
	    s->structure, s->body, s->preview, s->signature};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		str_printf(to, "%zu ", texts[i].n);
		str_add(to, texts[i].p, texts[i].n);
	}
	str_printf(to, "%d %llu %lld %d %d %s;", (int)s->depth,
	    (unsigned long long)s->octets, (long long)s->sent,
	    (int)s->sent_day, s->is_reply, s->email_id);
}

static void ask(struct str *to)
{
	struct mailbox *box = messages_make();
	struct index *x = index_open(box);
	struct summary s;

	str_clear(to);
	for (size_t k = 0; k < 2; k++) {
		for (size_t i = 0; i < MESSAGES; i++) {
			memset(&s, 0, sizeof s);
			MUST(index_get(x, &box->messages[k > 0 ? i :
			    MESSAGES - 1 - i], DEPTH_ID, &s));
			MUST(s.depth == DEPTH_ID);
			describe(to, &s);
		}
		index_flush(x);
	}
	index_close(x);
}

/* Offset, length, octets: written over what is there. */
static size_t edit(char *file, size_t n, const uint8_t *p, size_t left)
{
	while (left > 3) {
		size_t at = (p[0] | (size_t)p[1] << 8) % (n + 1), len = p[2];
		p += 3;
		left -= 3;
		if (len > left)
			len = left;
		if (at + len > FILE_MAX)
			break;
		memcpy(file + at, p, len);
		if (at + len > n || len == 0)
			n = at + len;
		p += len;
		left -= len;
	}
	return n;
}

static void check_damage(const uint8_t *p, size_t n, bool all)
{
	/* With a Date: else its file's mtime would be told. */
	static const uint8_t first[] = "Subject: x\nDate: 20 Nov 2023 "
	    "10:00:00 +0000\n\ny\n";
	static char good[FILE_MAX], file[FILE_MAX];
	static struct str right, said;
	static size_t size;

	if (size == 0) {
		message_put(first, sizeof first - 1);
		ask(&right);
		size = index_read(good, sizeof good);
	}
	message_put(first, sizeof first - 1);
	memcpy(file, good, size);
	if (all)
		index_put(p, n);
	else
		index_put(file, edit(file, size, p, n));
	ask(&said);
	MUST(said.len == right.len && memcmp(said.p, right.p, said.len) == 0);
}

struct look {
	struct span key;
	bool found;
};

static bool look(void *context, struct span text)
{
	struct look *l = context;

	l->found = l->key.n == 0 ||
	    memmem(text.p, text.n, l->key.p, l->key.n) != NULL;
	return !l->found;
}

/* A word of the message itself is not ruled out, where it is found. */
static void check_signature(struct span text, struct span signature, size_t at)
{
	struct mime m;
	struct signature_key key;
	struct str folded = {0};

	if (text.n == 0)
		return;
	at %= text.n;
	str_clear(&folded);
	charset_fold(&folded, (struct span){text.p + at,
	    text.n - at < 12 ? text.n - at : 12});
	signature_key(&key, (struct span){folded.p, folded.len});
	struct look l = {{folded.p, folded.len}, false};
	mime_begin(&m, text);
	text_of_header(part_header(&m, m.root), look, &l);
	MUST(!l.found || signature_may(signature, &key, SIGNATURE_HEADER));
	text_of_body(&m, look, &l);
	MUST(!l.found || signature_may(signature, &key,
	    SIGNATURE_HEADER | SIGNATURE_BODY));
	mime_end(&m);
	str_free(&folded);
}

static void check_message(const uint8_t *p, size_t n)
{
	struct mailbox *box = messages_make();
	struct message *m = &box->messages[0];
	struct str record = {0};
	const struct record *made;
	struct summary s;
	struct span text, rest;
	struct item item;

	message_put(p, n);
	MUST(load(box, m, &text));
	str_clear(&record);
	record_make(&record, m, text, load_date(), DEPTH_ID);
	MUST(record_next(record.p, record.len) == record.len);
	made = (const void *)record.p;
	MUST(record_header_length(made) == made->whole);
	MUST(record_read(record.p, made->whole, m, &s));
	MUST(record_read_whole(made, record.p + made->whole, &s));
	for (unsigned i = ENVELOPE_DATE; i <= ENVELOPE_MESSAGE_ID; i++) {
		MUST(envelope_find(s.envelope, i, &item));
		MUST(item.list == (i >= ENVELOPE_FROM && i <= ENVELOPE_BCC &&
		    !item.nil));
		for (struct item a; item.list && item_next(&item.text, &a);)
			for (unsigned k = 0; k < 4; k++) {
				struct item member;
				MUST(a.list && item_find(a.text, k, &member));
			}
	}
	rest = s.references;
	MUST(id_next(&rest) != NULL);
	while (id_next(&rest) != NULL)
		;
	MUST(rest.n == 0);
	MUST(s.octets == text.n && strlen(s.email_id) == EMAIL_ID_SIZE - 1);
	check_signature(text, s.signature, n > 0 ? p[n / 2] * n : 0);
	str_free(&record);
	load_free();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	messages_make();
	if (n == 0)
		return 0;
	if (data[0] % 2 == 0)
		check_damage(data + 1, n - 1, data[0] % 4 == 0);
	else
		check_message(data + 1, n - 1);
	return 0;
}
