#include "wire.h"

#include <string.h>

#include "address.h"

#define LABEL_MAX 63     /* RFC 1035 3.1 */
#define POINTERS_MAX 127 /* a name has no more labels than this */
#define ALIASES_MAX 8    /* CNAMEs, one behind the other, in one answer */
#define RECORDS_MAX 100  /* of one name and type; the others are not kept */
#define UDP_SIZE 1232    /* fits into the smallest IPv6 packet (RFC 9715 3.1) */

/* RFC 1035 4.1.1, RFC 4035 3.2.3 */
enum { QR = 0x8000, OPCODE = 0x7800, AA = 0x400, TC = 0x200, RD = 0x100,
	RA = 0x80, AD = 0x20, RCODE = 0xf };
enum { NOERROR = 0, FORMERR = 1, NXDOMAIN = 3 };

enum { CLASS_IN = 1 };
enum { TYPE_NS = 2, TYPE_CNAME = 5, TYPE_SOA = 6, TYPE_OPT = 41 };
enum { HEADER_SIZE = 12, OPT_SIZE = 11 };

/* RFC 3492 5: the parameters of Punycode. */
enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700,
	INITIAL_BIAS = 72, INITIAL_N = 128 };

static uint8_t lower(unsigned c)
{
	return (uint8_t)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* A label as it is written, in code points. */
struct label {
	uint32_t point[LABEL_MAX];
	size_t count;
	bool ascii;
};

static bool label_read(struct label *l, const char *text, size_t size)
{
	l->count = 0;
	l->ascii = true;
	for (size_t i = 0, n; i < size; i += n) {
		unsigned c = (uint8_t)text[i];
		n = c < 0x80 ? 1 : utf8_length(text + i);
		if (n == 0 || l->count == LABEL_MAX)
			return false;
		if (c <= ' ' || c == 0x7f || c == '"' || c == '\\')
			return false;
		uint32_t point = n == 1 ? lower(c) : c & (0xffu >> (n + 1));
		for (size_t k = 1; k < n; k++)
			point = point << 6 | ((uint8_t)text[i + k] & 0x3f);
		l->ascii = l->ascii && n == 1;
		l->point[l->count++] = point;
	}
	return l->count > 0;
}

/* RFC 3492 6.1 */
static uint32_t adapt(uint32_t delta, uint32_t count, bool first)
{
	uint32_t k = 0;

	delta /= first ? DAMP : 2;
	for (delta += delta / count; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

struct octets {
	uint8_t octet[LABEL_MAX];
	size_t count;
	bool full;
};

static void put(struct octets *out, unsigned c)
{
	if (out->count == LABEL_MAX)
		out->full = true;
	else
		out->octet[out->count++] = (uint8_t)c;
}

static void put_digit(struct octets *out, uint32_t digit)
{
	put(out, digit < 26 ? 'a' + digit : '0' + digit - 26);
}

/* A delta as a number whose digits tell where it ends: RFC 3492 3.3. */
static void put_delta(struct octets *out, uint32_t delta, uint32_t bias)
{
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = k <= bias ? TMIN : k - bias;
		if (t > TMAX)
			t = TMAX;
		if (delta < t)
			break;
		put_digit(out, t + (delta - t) % (BASE - t));
		delta = (delta - t) / (BASE - t);
	}
	put_digit(out, delta);
}

/*
 * RFC 3492 6.3. No sum overflows 32 bits: a label has 63 code points at most,
 * and the largest is 0x10ffff.
 */
static void punycode(struct octets *out, const struct label *l)
{
	uint32_t n = INITIAL_N, delta = 0, bias = INITIAL_BIAS;
	uint32_t done = 0, basic;

	for (size_t i = 0; i < l->count; i++)
		if (l->point[i] < INITIAL_N) {
			put(out, l->point[i]);
			done++;
		}
	basic = done;
	if (basic > 0)
		put(out, '-');
	for (; done < l->count; delta++, n++) {
		uint32_t next = UINT32_MAX;
		for (size_t i = 0; i < l->count; i++)
			if (l->point[i] >= n && l->point[i] < next)
				next = l->point[i];
		delta += (next - n) * (done + 1);
		n = next;
		for (size_t i = 0; i < l->count; i++) {
			delta += l->point[i] < n;
			if (l->point[i] != n)
				continue;
			put_delta(out, delta, bias);
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
	}
}

static bool label_add(struct wire_name *name, const char *text, size_t size)
{
	struct octets out = {.full = false};
	struct label l;

	if (!label_read(&l, text, size))
		return false;
	if (l.ascii) {
		for (size_t i = 0; i < l.count; i++)
			put(&out, l.point[i]);
	} else {
		for (const char *p = "xn--"; *p != '\0'; p++)
			put(&out, (uint8_t)*p);
		punycode(&out, &l);
	}
	/* The root's octet has to fit behind it. */
	if (out.full || name->size + 1 + out.count + 1 > WIRE_NAME_MAX)
		return false;
	name->octets[name->size++] = (uint8_t)out.count;
	memcpy(name->octets + name->size, out.octet, out.count);
	name->size += out.count;
	return true;
}

bool wire_name_parse(struct wire_name *name, const char *text)
{
	name->size = 0;
	do {
		size_t size = strcspn(text, ".");
		if (!label_add(name, text, size))
			return false;
		text += size;
		text += *text == '.';
	} while (*text != '\0');
	name->octets[name->size++] = 0;
	return true;
}

static bool host_octet(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_';
}

const char *wire_name_text(const struct wire_name *name, struct pool *pool)
{
	char *text = pool_take(pool, name->size), *out = text;

	if (name->size == 1)
		return ".";
	for (size_t at = 0; name->octets[at] != 0;) {
		size_t end = at + 1 + name->octets[at];
		if (at > 0)
			*out++ = '.';
		for (at++; at < end; at++) {
			if (!host_octet(name->octets[at]))
				return "";
			*out++ = (char)name->octets[at];
		}
	}
	*out = '\0';
	return text;
}

static bool same_name(const struct wire_name *a, const struct wire_name *b)
{
	return a->size == b->size && memcmp(a->octets, b->octets, a->size) == 0;
}

static uint8_t *put16(uint8_t *out, unsigned n)
{
	out[0] = (uint8_t)(n >> 8);
	out[1] = (uint8_t)n;
	return out + 2;
}

size_t wire_query_put(const struct wire_query *q, uint8_t out[WIRE_QUERY_MAX])
{
	uint8_t *p = put16(out, q->id);

	p = put16(p, RD | AD); /* AD: tell us of it (RFC 6840 5.7) */
	p = put16(p, 1);
	p = put16(p, 0);
	p = put16(p, 0);
	p = put16(p, q->edns);
	memcpy(p, q->name.octets, q->name.size);
	p = put16(p + q->name.size, q->type);
	p = put16(p, CLASS_IN);
	if (q->edns) {
		memset(p, 0, OPT_SIZE); /* of the root, no flags, no options */
		put16(p + 1, TYPE_OPT);
		put16(p + 3, UDP_SIZE);
		p += OPT_SIZE;
	}
	return (size_t)(p - out);
}

/* A message, and how far it was read. Nothing behind `size` is touched. */
struct message {
	const uint8_t *p;
	size_t size, at;
};

static bool get16(struct message *m, unsigned *n)
{
	if (m->size - m->at < 2)
		return false;
	*n = (unsigned)m->p[m->at] << 8 | m->p[m->at + 1];
	m->at += 2;
	return true;
}

/*
 * RFC 1035 4.1.4. A pointer leads only to before where the last one led: there
 * is no loop.
 */
static bool get_name(struct message *m, struct wire_name *out)
{
	size_t at = m->at, before = at;
	unsigned pointers = 0;

	for (out->size = 0; at < m->size;) {
		size_t n = m->p[at];
		if (n >= 0xc0) {
			if (m->size - at < 2 || pointers == POINTERS_MAX)
				return false;
			if (pointers++ == 0)
				m->at = at + 2;
			at = (n & 0x3f) << 8 | m->p[at + 1];
			if (at >= before)
				return false;
			before = at;
			continue;
		}
		if (n > LABEL_MAX || n >= m->size - at ||
		    out->size + 1 + n > WIRE_NAME_MAX)
			return false;
		for (size_t i = 0; i <= n; i++)
			out->octets[out->size++] = lower(m->p[at + i]);
		at += 1 + n;
		if (n == 0) {
			if (pointers == 0)
				m->at = at;
			return true;
		}
	}
	return false;
}

struct record {
	struct wire_name owner;
	unsigned type, class;
	struct message data; /* ends where the data does */
};

/* RFC 1035 4.1.3. Moves behind it. */
static bool get_record(struct message *m, struct record *r)
{
	unsigned high, low, size;

	if (!get_name(m, &r->owner) || !get16(m, &r->type) ||
	    !get16(m, &r->class) || !get16(m, &high) || !get16(m, &low) ||
	    !get16(m, &size) || size > m->size - m->at)
		return false;
	r->data = (struct message){m->p, m->at + size, m->at};
	m->at += size;
	return true;
}

/* The name that is all the rest of the data. */
static bool name_only(struct message *data, struct wire_name *name)
{
	return get_name(data, name) && data->at == data->size;
}

static void keep_data(struct dns_record *out, struct pool *pool,
    const struct message *data)
{
	uint8_t *copy;

	out->size = data->size - data->at;
	copy = pool_take(pool, out->size + 1);
	memcpy(copy, data->p + data->at, out->size);
	copy[out->size] = '\0';
	out->data = copy;
}

/* The strings of a TXT, joined: RFC 1035 3.3.14, RFC 7208 3.3. */
static bool keep_strings(struct dns_record *out, struct pool *pool,
    const struct message *data)
{
	uint8_t *copy = pool_take(pool, data->size - data->at + 1);
	size_t n;

	out->data = copy;
	out->size = 0;
	for (size_t at = data->at; at < data->size; at += 1 + n) {
		n = data->p[at];
		if (n >= data->size - at)
			return false;
		memcpy(copy + out->size, data->p + at + 1, n);
		out->size += n;
	}
	copy[out->size] = '\0';
	return true;
}

static bool keep(struct dns_record *out, struct pool *pool,
    enum dns_type type, struct message data)
{
	size_t size = data.size - data.at;
	struct wire_name name;

	memset(out, 0, sizeof *out);
	switch (type) {
	case DNS_MX:
		if (!get16(&data, &out->preference))
			return false;
		/* FALLTHROUGH */
	case DNS_PTR:
		if (!name_only(&data, &name))
			return false;
		out->name = wire_name_text(&name, pool);
		return true;
	case DNS_TXT:
		return keep_strings(out, pool, &data);
	case DNS_A:
	case DNS_AAAA:
	case DNS_TLSA:
		if (type == DNS_TLSA ? size < 4 :
		    size != (type == DNS_A ? 4u : 16u))
			return false;
		keep_data(out, pool, &data);
	}
	return true;
}

/* One pass over the answers: the records of a->name, and its alias. */
static bool scan(struct wire_answer *a, struct pool *pool, struct message *m,
    unsigned records, enum dns_type type, struct wire_name *alias)
{
	struct record r;

	alias->size = 0;
	while (records-- > 0) {
		if (!get_record(m, &r))
			return false;
		if (r.class != CLASS_IN || !same_name(&r.owner, &a->name))
			continue;
		if (r.type == TYPE_CNAME && !name_only(&r.data, alias))
			return false;
		if (r.type != type || a->count == RECORDS_MAX)
			continue;
		a->record = pool_grow(pool, a->record, a->count,
		    sizeof *a->record);
		if (!keep(&a->record[a->count], pool, type, r.data))
			return false;
		a->count++;
	}
	return true;
}

static bool has_type(struct message m, unsigned records, unsigned type)
{
	struct record r;

	while (records-- > 0 && get_record(&m, &r))
		if (r.type == type)
			return true;
	return false;
}

struct header {
	unsigned id, flags, questions, answers, authorities, additional;
};

static bool get_header(struct message *m, struct header *h)
{
	return get16(m, &h->id) && get16(m, &h->flags) &&
	    get16(m, &h->questions) && get16(m, &h->answers) &&
	    get16(m, &h->authorities) && get16(m, &h->additional);
}

/* Is it ours? FORMERR may come as a header alone: RFC 6891 7. */
static bool answers(struct message *m, const struct header *h,
    const struct wire_query *q)
{
	struct wire_name name;
	unsigned type, class;

	if (h->id != q->id || (h->flags & (QR | OPCODE)) != QR)
		return false;
	if (m->size == HEADER_SIZE)
		return h->questions == 0 && (h->flags & RCODE) == FORMERR;
	return h->questions == 1 && get_name(m, &name) && get16(m, &type) &&
	    get16(m, &class) && same_name(&name, &q->name) &&
	    type == q->type && class == CLASS_IN;
}

enum wire_result wire_answer_read(struct wire_answer *a, struct pool *pool,
    const uint8_t *p, size_t size, const struct wire_query *q)
{
	struct message m = {p, size, 0}, rest;
	struct wire_name alias;
	struct header h;
	unsigned aliases = 0;
	bool soa;

	memset(a, 0, sizeof *a);
	if (!get_header(&m, &h) || !answers(&m, &h, q))
		return WIRE_OTHER;
	a->code = h.flags & RCODE;
	a->validated = (h.flags & AD) != 0;
	a->name = q->name;
	if ((h.flags & TC) != 0)
		return WIRE_CUT;
	if (a->code != NOERROR && a->code != NXDOMAIN)
		return WIRE_FAILED;
	for (;; aliases++, a->name = alias) {
		rest = m;
		if (aliases > ALIASES_MAX ||
		    !scan(a, pool, &rest, h.answers, q->type, &alias))
			return WIRE_BAD;
		if (a->count > 0)
			return WIRE_FOUND;
		if (alias.size == 0)
			break;
	}
	if (a->code == NXDOMAIN)
		return WIRE_NO_NAME;
	/* By its SOA the zone says that there is no more: RFC 2308 2.2. */
	soa = has_type(rest, h.authorities, TYPE_SOA);
	if (aliases > 0)
		return soa ? WIRE_NO_DATA : WIRE_ALIAS;
	/* A referral is no answer: its server does not recurse, or cannot. */
	if ((h.flags & (AA | RA)) == 0 ||
	    (!soa && has_type(rest, h.authorities, TYPE_NS)))
		return WIRE_FAILED;
	return WIRE_NO_DATA;
}
