#include "record.h"

#include <stdio.h>
#include <string.h>

#include "date.h"
#include "header.h"
#include "ids.h"
#include "mime.h"
#include "order.h"
#include "sha256.h"
#include "signature.h"
#include "structure.h"
#include "subject.h"
#include "words.h"

#define MAGIC 0x4d50504du /* "MPPM" */
#define CHECKED offsetof(struct record, uid)
#define DAY 86400
#define HEADER_MAX (1u << 20) /* octets; an ENVELOPE may be ten times that */

_Static_assert(sizeof(struct record) % RECORD_ALIGN == 0, "aligned");
_Static_assert(CHECKED % RECORD_ALIGN == 4, "what is checked begins with 4");

static struct str unfolded, decoded;

void record_free(void)
{
	str_free(&unfolded);
	str_free(&decoded);
}

static uint64_t name_hash(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

	for (; *name != '\0' && *name != ':'; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3u;
	return h;
}

#define ODD 0x9e3779b97f4a7c15u

static uint64_t word_at(const char *p)
{
	uint64_t word;

	memcpy(&word, p, 8);
	return word;
}

/*
 * Each step can be undone, so that one octet that differs makes another sum.
 * Four sums at a time: one alone would wait for its multiplications.
 */
static uint32_t check_of(const char *p, size_t n)
{
	uint64_t a = n, b = 1, c = 2, d = 3;
	uint32_t first;

	memcpy(&first, p, 4); /* behind it all is aligned */
	a ^= first;
	p += 4;
	n -= 4;
	for (; n >= 32; p += 32, n -= 32) {
		a = (a ^ word_at(p)) * ODD;
		b = (b ^ word_at(p + 8)) * ODD;
		c = (c ^ word_at(p + 16)) * ODD;
		d = (d ^ word_at(p + 24)) * ODD;
	}
	for (; n >= 8; p += 8, n -= 8)
		a = (a ^ word_at(p)) * ODD;
	a = (a ^ a >> 32 ^ b) * ODD;
	a = (a ^ a >> 32 ^ c) * ODD;
	a = (a ^ a >> 32 ^ d) * ODD;
	return (uint32_t)(a ^ a >> 32);
}

static struct span span_of(const struct str *s)
{
	return (struct span){s->p, s->len};
}

static void add_subject(struct str *to, struct span header, struct record *r)
{
	struct field f;

	if (!header_find(header, "Subject", &f))
		return;
	str_clear(&unfolded);
	str_clear(&decoded);
	field_unfold(&unfolded, f.value);
	words_decode(&decoded, span_of(&unfolded));
	str_clear(&unfolded);
	r->is_reply = subject_base(&unfolded, span_of(&decoded));
	order_fold(to, span_of(&unfolded));
}

static void sent_of(struct span header, struct record *r)
{
	struct field f;
	int64_t local;
	int zone;

	r->sent = r->date; /* RFC 5256 2.2: where there is no good Date */
	r->sent_day = INT32_MIN;
	if (!header_find(header, "Date", &f) ||
	    !date_read(f.value, &r->sent, &zone))
		return;
	local = r->sent + zone * 60;
	local = (local - (local % DAY + DAY) % DAY) / DAY;
	if (local > INT32_MIN && local <= INT32_MAX)
		r->sent_day = (int32_t)local;
}

static void email_id_of(struct span text, char id[EMAIL_ID_SIZE])
{
	unsigned char digest[SHA256_SIZE];
	struct sha256 s;

	sha256_begin(&s);
	sha256_add(&s, text.p, text.n);
	sha256_end(&s, digest);
	id[0] = 'M';
	for (size_t i = 0; i < (EMAIL_ID_SIZE - 2) / 2; i++)
		snprintf(id + 1 + 2 * i, 3, "%02x", digest[i]);
}

/* The texts, one behind the other, in the order of struct summary. */
static void add_text(struct str *to, size_t which, struct span header,
    const struct mime *m, struct record *r)
{
	switch (which) {
	case 0:
		structure_envelope(to, header);
		return;
	case 3:
		add_subject(to, header, r);
		return;
	case 4:
		ids_of(to, header);
		return;
	}
	if (m == NULL)
		return;
	if (which < 3)
		structure_body(to, m, which == 1);
	else if (which == 5)
		structure_preview(to, m);
	else
		signature_make(to, m);
}

static void add_texts(struct str *to, struct span header, const struct mime *m,
    struct record *r)
{
	if (header.n > HEADER_MAX)
		header.n = HEADER_MAX;
	for (size_t i = 0; i < RECORD_TEXTS; i++) {
		size_t from = to->len;
		add_text(to, i, header, m, r);
		r->lengths[i] = (uint32_t)(to->len - from);
	}
	sent_of(header, r);
}

static void add_whole(struct str *to, struct span text, struct record *r)
{
	struct mime m;

	mime_begin(&m, text);
	add_texts(to, part_header(&m, m.root), &m, r);
	mime_end(&m);
	r->octets = text.n;
	if (r->depth == DEPTH_ID)
		email_id_of(text, r->email_id);
}

void record_make(struct str *to, const struct message *message,
    struct span text, int64_t date, enum depth depth)
{
	static const char nothing[RECORD_ALIGN];
	struct record r = {.magic = MAGIC, .uid = message->uid,
	    .name = name_hash(message->name), .date = date,
	    .depth = (uint16_t)depth};
	size_t from = to->len;

	str_add(to, &r, sizeof r);
	if (depth > DEPTH_HEADER)
		add_whole(to, text, &r);
	else
		add_texts(to, text, NULL, &r);
	str_add(to, nothing, -(to->len - from) % RECORD_ALIGN);
	r.length = (uint32_t)(to->len - from);
	memcpy(to->p + from, &r, sizeof r);
	r.check = check_of(to->p + from + CHECKED, r.length - CHECKED);
	memcpy(to->p + from, &r, CHECKED);
}

size_t record_length(const char *p, size_t n)
{
	struct record r;

	if (n < sizeof r)
		return 0;
	memcpy(&r, p, offsetof(struct record, check));
	if (r.magic != MAGIC || r.length < sizeof r ||
	    r.length % RECORD_ALIGN != 0)
		return 0;
	return r.length;
}

bool record_read(const char *p, size_t n, const struct message *message,
    struct summary *s)
{
	struct span *texts[RECORD_TEXTS] = {&s->envelope, &s->structure,
	    &s->body, &s->subject, &s->references, &s->preview, &s->signature};
	struct record r;
	size_t at = sizeof r;

	if (record_length(p, n) == 0 || record_length(p, n) > n)
		return false;
	memcpy(&r, p, sizeof r);
	if (r.uid != message->uid || r.name != name_hash(message->name) ||
	    r.check != check_of(p + CHECKED, r.length - CHECKED))
		return false;
	for (size_t i = 0; i < RECORD_TEXTS; i++) {
		if (r.lengths[i] > r.length - at)
			return false;
		*texts[i] = (struct span){p + at, r.lengths[i]};
		at += r.lengths[i];
	}
	s->octets = r.octets;
	s->date = r.date;
	s->sent = r.sent;
	s->sent_day = r.sent_day;
	s->is_reply = r.is_reply != 0;
	s->depth = r.depth;
	memcpy(s->email_id, r.email_id, EMAIL_ID_SIZE);
	s->email_id[EMAIL_ID_SIZE - 1] = '\0';
	return true;
}
