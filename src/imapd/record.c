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
_Static_assert(CHECKED % RECORD_ALIGN == 0, "what is checked, too");

static struct str unfolded, decoded;

void record_free(void)
{
	str_free(&unfolded);
	str_free(&decoded);
}

#define ODD 0x9e3779b97f4a7c15u

static uint64_t word_at(const char *p)
{
	uint64_t word;

	memcpy(&word, p, 8);
	return word;
}

static uint64_t name_hash(const char *name)
{
	size_t n = (size_t)(strchrnul(name, ':') - name);
	uint64_t h = n, last = 0;

	for (; n >= 8; name += 8, n -= 8) {
		h = (h ^ word_at(name)) * ODD;
		h ^= h >> 32;
	}
	for (size_t i = 0; i < n; i++)
		last = last << 8 | (unsigned char)name[i];
	h = (h ^ last) * ODD;
	return h ^ h >> 32;
}

/*
 * Each step can be undone, so that one octet that differs makes another sum.
 * Four sums at a time: one alone would wait for its multiplications. n is a
 * multiple of 8.
 */
static uint32_t check_of(const char *p, size_t n)
{
	uint64_t a = n, b = 1, c = 2, d = 3;

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

#define HEADER_TEXTS 3 /* the first ones; then those of the whole message */

static void add_text(struct str *to, size_t which, struct span header,
    const struct mime *m, struct record *r)
{
	switch (which) {
	case 0:
		structure_envelope(to, header);
		return;
	case 1:
		add_subject(to, header, r);
		return;
	case 2:
		ids_of(to, header);
		return;
	case 3:
	case 4:
		structure_body(to, m, which == 3);
		return;
	case 5:
		structure_preview(to, m);
		return;
	default:
		signature_make(to, m);
	}
}

static void align(struct str *to)
{
	static const char nothing[RECORD_ALIGN];

	str_add(to, nothing, -to->len % RECORD_ALIGN);
}

/* One behind the other. */
static void add_texts(struct str *to, struct span header, const struct mime *m,
    struct record *r)
{
	size_t count = m != NULL ? RECORD_TEXTS : HEADER_TEXTS;

	if (header.n > HEADER_MAX)
		header.n = HEADER_MAX;
	for (size_t i = 0; i < count; i++) {
		size_t before = to->len;
		add_text(to, i, header, m, r);
		r->lengths[i] = (uint32_t)(to->len - before);
		if (i + 1 == HEADER_TEXTS)
			align(to);
	}
	align(to);
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

static size_t texts_length(const struct record *r, size_t from, size_t end)
{
	size_t n = 0;

	for (size_t i = from; i < end; i++)
		n += r->lengths[i];
	return n + -n % RECORD_ALIGN;
}

size_t record_header_length(const struct record *r)
{
	return sizeof *r + texts_length(r, 0, HEADER_TEXTS);
}

size_t record_whole_length(const struct record *r)
{
	return texts_length(r, HEADER_TEXTS, RECORD_TEXTS);
}

void record_make(struct str *to, const struct message *message,
    struct span text, int64_t date, enum depth depth)
{
	struct record r = {.magic = MAGIC, .uid = message->uid,
	    .name = name_hash(message->name), .date = date,
	    .depth = (uint16_t)depth};
	size_t from = to->len;

	str_add(to, &r, sizeof r);
	if (depth > DEPTH_HEADER)
		add_whole(to, text, &r);
	else
		add_texts(to, text, NULL, &r);
	r.next = (uint32_t)(to->len - from);
	r.whole = (uint32_t)record_header_length(&r);
	r.whole_check = check_of(to->p + from + r.whole, r.next - r.whole);
	memcpy(to->p + from, &r, sizeof r);
	r.check = check_of(to->p + from + CHECKED, r.whole - CHECKED);
	memcpy(to->p + from, &r, CHECKED);
}

void records_group(struct str *to, const struct str *records)
{
	struct record r;
	size_t last = 0, header = 0, whole, next;

	for (size_t at = 0; at < records->len; at += r.next) {
		memcpy(&r, records->p + at, sizeof r);
		last = to->len;
		str_add(to, records->p + at, r.whole);
	}
	for (size_t at = 0; at < records->len; at += next, header += whole) {
		memcpy(&r, records->p + at, sizeof r);
		whole = r.whole;
		next = r.next;
		r.whole = (uint32_t)(to->len - header);
		str_add(to, records->p + at + whole, next - whole);
		r.next = (uint32_t)(header == last ? to->len - header : whole);
		memcpy(to->p + header, &r, sizeof r);
	}
}

size_t record_next(const char *p, size_t n)
{
	struct record r;

	if (n < sizeof r)
		return 0;
	memcpy(&r, p, CHECKED);
	if (r.magic != MAGIC || r.next < sizeof r ||
	    r.next % RECORD_ALIGN != 0 || r.whole % RECORD_ALIGN != 0)
		return 0;
	return r.next;
}

static struct span span_behind(struct span s, uint32_t n)
{
	return (struct span){s.p + s.n, n};
}

bool record_read(const char *p, size_t n, const struct message *message,
    struct summary *s)
{
	const struct record *r = (const void *)p;

	if (record_next(p, n) == 0 || record_header_length(r) > n ||
	    r->uid != message->uid || r->name != name_hash(message->name) ||
	    r->check != check_of(p + CHECKED,
	    record_header_length(r) - CHECKED))
		return false;
	*s = (struct summary){.depth = DEPTH_HEADER, .date = r->date,
	    .sent = r->sent, .sent_day = r->sent_day,
	    .is_reply = r->is_reply != 0};
	s->envelope = (struct span){p + sizeof *r, r->lengths[0]};
	s->subject = span_behind(s->envelope, r->lengths[1]);
	s->references = span_behind(s->subject, r->lengths[2]);
	return true;
}

bool record_read_whole(const struct record *r, const char *texts,
    struct summary *s)
{
	if (r->whole_check != check_of(texts, record_whole_length(r)))
		return false;
	s->structure = (struct span){texts, r->lengths[3]};
	s->body = span_behind(s->structure, r->lengths[4]);
	s->preview = span_behind(s->body, r->lengths[5]);
	s->signature = span_behind(s->preview, r->lengths[6]);
	s->octets = r->octets;
	memcpy(s->email_id, r->email_id, EMAIL_ID_SIZE);
	s->email_id[EMAIL_ID_SIZE - 1] = '\0';
	s->depth = r->depth;
	return true;
}
