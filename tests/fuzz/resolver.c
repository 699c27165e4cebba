/*
 * The resolver: what it makes of answers, of names, and of servers that say
 * anything at any time. The first byte: which.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"
#include "config.h"
#include "fake.h"
#include "wire.h"

static const enum dns_type types[] = {DNS_A, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA,
    DNS_TLSA, DNS_A, DNS_MX};

static void host_name(const char *name)
{
	MUST(name != NULL && strlen(name) <= 253);
	if (strcmp(name, ".") != 0)
		MUST(name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.")]
		    == '\0' && *name != '.' && strstr(name, "..") == NULL);
}

static void records(enum dns_type type, const struct dns_record *r, size_t count)
{
	static volatile unsigned sum;

	for (; count > 0; r++, count--) {
		MUST(r->preference <= 65535);
		if (type == DNS_MX || type == DNS_PTR) {
			host_name(r->name);
			continue;
		}
		MUST(type != DNS_A || r->size == 4);
		MUST(type != DNS_AAAA || r->size == 16);
		MUST(type != DNS_TLSA || r->size >= 4);
		for (size_t i = 0; i < r->size; i++)
			sum += r->data[i];
		MUST(r->data[r->size] == '\0');
	}
}

static void wire_name(const struct wire_name *name)
{
	size_t at = 0;

	MUST(name->size >= 1 && name->size <= WIRE_NAME_MAX);
	while (name->octets[at] != 0) {
		MUST(name->octets[at] <= 63);
		at += 1u + name->octets[at];
		MUST(at < name->size);
	}
	MUST(at + 1 == name->size);
}

/* The message, or all but its id and question, which are the right ones. */
static void answer(const uint8_t *data, size_t n, bool whole)
{
	struct wire_query q = {.edns = true};
	uint8_t query[WIRE_QUERY_MAX], *copy;
	struct pool pool = {0};
	struct wire_answer a;
	size_t size;

	if (n < 9)
		return;
	q.type = types[data[0] & 7];
	q.id = 0x6162;
	MUST(wire_name_parse(&q.name, "a.test"));
	size = wire_query_put(&q, query) - 11; /* its OPT */
	MUST(size == 24);
	data++, n--;
	copy = malloc(whole ? n : n - 8 + size);
	MUST(copy != NULL);
	if (whole) {
		memcpy(copy, data, n);
	} else {
		memcpy(copy, query, size);
		memcpy(copy + 2, data, 8);
		copy[2] |= 0x80;
		memcpy(copy + size, data + 8, n - 8);
		n = n - 8 + size;
	}
	enum wire_result result = wire_answer_read(&a, &pool, copy, n, &q);
	MUST((result == WIRE_FOUND) == (a.count > 0) || result == WIRE_BAD);
	MUST(a.count <= 100);
	if (result != WIRE_OTHER)
		wire_name(&a.name);
	if (result == WIRE_FOUND)
		records(q.type, a.record, a.count);
	pool_reset(&pool);
	free(copy);
}

/* RFC 3492 6.2: what it was made of. */
static size_t decode(uint32_t *out, const char *p, size_t size)
{
	uint32_t n = 128, i = 0, bias = 72;
	size_t count = 0, last = 0;

	for (size_t k = 0; k < size; k++)
		if (p[k] == '-')
			last = k;
	for (size_t k = 0; k < last; k++)
		out[count++] = (uint8_t)p[k];
	for (size_t at = last > 0 || *p == '-' ? last + 1 : 0; at < size;) {
		uint32_t from = i, w = 1, t, delta;
		for (uint32_t k = 36;; k += 36) {
			MUST(at < size);
			uint32_t digit = (uint32_t)(p[at] >= 'a' ? p[at] - 'a' :
			    p[at] - '0' + 26);
			at++;
			MUST(digit < 36);
			i += digit * w;
			t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
			if (digit < t)
				break;
			w *= 36 - t;
		}
		count++;
		delta = from == 0 ? (i - from) / 700 : (i - from) / 2;
		delta += delta / (uint32_t)count;
		for (bias = 0; delta > 455; bias += 36)
			delta /= 35;
		bias += 36 * delta / (delta + 38);
		n += i / (uint32_t)count;
		i %= (uint32_t)count;
		memmove(out + i + 1, out + i, (count - 1 - i) * sizeof *out);
		out[i++] = n;
	}
	return count;
}

static void same_label(const uint8_t *octets, const char *text, size_t size)
{
	uint32_t points[64] = {0};
	size_t count, k = 0;
	bool ascii = true;

	for (size_t i = 0; i < size; i++)
		ascii = ascii && (uint8_t)text[i] < 0x80;
	if (ascii) {
		MUST(octets[0] == size);
		return;
	}
	MUST(octets[0] > 4 && memcmp(octets + 1, "xn--", 4) == 0);
	count = decode(points, (const char *)octets + 5, octets[0] - 4u);
	for (size_t i = 0; i < size; k++) {
		uint32_t c = (uint8_t)text[i], n = 1;
		if (c >= 0x80)
			n = (uint32_t)utf8_length(text + i);
		else if (c >= 'A' && c <= 'Z')
			c += 32;
		if (n > 1)
			c &= 0xffu >> (n + 1);
		for (uint32_t m = 1; m < n; m++)
			c = c << 6 | ((uint8_t)text[i + m] & 0x3f);
		MUST(k < count && points[k] == c);
		i += n;
	}
	MUST(k == count);
}

static void name(const uint8_t *data, size_t n)
{
	struct wire_name name, again;
	struct pool pool = {0};
	char *text = malloc(n + 1);
	const char *p = text;

	MUST(text != NULL);
	memcpy(text, data, n);
	text[n] = '\0';
	if (wire_name_parse(&name, text)) {
		wire_name(&name);
		MUST(name.size > 1);
		for (size_t at = 0; name.octets[at] != 0;
		    at += 1u + name.octets[at]) {
			size_t size = strcspn(p, ".");
			same_label(name.octets + at, p, size);
			p += size + (p[size] == '.');
		}
		MUST(*p == '\0');
		const char *ascii = wire_name_text(&name, &pool);
		host_name(ascii);
		if (*ascii != '\0')
			MUST(wire_name_parse(&again, ascii) &&
			    again.size == name.size && memcmp(again.octets,
			    name.octets, name.size) == 0);
	}
	pool_reset(&pool);
	free(text);
}

/*
 * Servers. src/lib/dns.c is compiled with these. Each event is a byte of what
 * happens, and what it needs.
 */
static const uint8_t *event, *event_end;
static int64_t now;
static int open_sockets;
static uint16_t id;

static unsigned next(void)
{
	return event < event_end ? *event++ : 0;
}

int64_t fuzz_now(void)
{
	return now;
}

ssize_t fuzz_random(void *out, size_t n, unsigned flags)
{
	(void)flags;
	memset(out, 0x61, n);
	id = 0x6161;
	return (ssize_t)n;
}

int fuzz_socket(int family, int type, int protocol)
{
	(void)family, (void)type, (void)protocol;
	if (next() % 16 == 15) {
		errno = EMFILE;
		return -1;
	}
	MUST(++open_sockets <= 32);
	return 1000;
}

int fuzz_connect(int fd, const struct sockaddr *a, socklen_t size)
{
	(void)a, (void)size;
	MUST(fd == 1000);
	errno = next() % 2 == 0 ? EINPROGRESS : ENETUNREACH;
	return next() % 4 == 3 ? -1 : 0;
}

int fuzz_close(int fd)
{
	MUST(fd == 1000 && --open_sockets >= 0);
	return 0;
}

ssize_t fuzz_send(int fd, const void *p, size_t n, int flags)
{
	(void)fd, (void)p, (void)flags;
	errno = EPIPE;
	return next() % 16 == 15 ? -1 : (ssize_t)n;
}

/* So many octets of the rest, or the answer's beginning, or an error. */
ssize_t fuzz_recv(int fd, void *p, size_t n, int flags)
{
	unsigned what = next();
	size_t size = next() << 2;

	(void)fd, (void)flags;
	if (what % 16 == 15) {
		errno = what & 16 ? EAGAIN : ECONNREFUSED;
		return -1;
	}
	if (size > (size_t)(event_end - event))
		size = (size_t)(event_end - event);
	if (size > n)
		size = n;
	memcpy(p, event, size);
	event += size;
	if (what % 2 == 0 && size > 2)
		memset(p, 0x61, 2);
	return (ssize_t)size;
}

int fuzz_dns_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	unsigned what = next();

	MUST(timeout >= 0 && timeout <= 5000);
	now += event >= event_end || what % 8 == 7 ? timeout : timeout / 50;
	for (nfds_t i = 0; i < n; i++)
		fds[i].revents = fds[i].fd >= 0 && event < event_end &&
		    (what >> i % 4 & 1) == 0 ? fds[i].events : 0;
	return 1;
}

static void servers(const uint8_t *data, size_t n)
{
	static const char *names[] = {"a.test", "b.test", "", "xn--a",
	    "a\xc3\xbc"};
	struct dns_question q[40] = {{0}};
	struct pool pool = {0};
	size_t count;

	if (n == 0)
		return;
	event = data + 1;
	event_end = data + n;
	now = 1000;
	count = data[0] % 40 + 1u;
	for (size_t i = 0; i < count; i++) {
		q[i].name = names[i % 5];
		q[i].type = types[i % 6];
	}
	dns_ask(&pool, q, count, 3000);
	MUST(open_sockets == 0 && now <= 1000 + 3000 + 5000);
	for (size_t i = 0; i < count; i++) {
		MUST((q[i].result == DNS_FOUND) == (q[i].count > 0));
		MUST((q[i].result == DNS_FOUND) == (q[i].why == NULL));
		MUST(*q[i].ascii != '\0' || i % 5 == 2);
		records(q[i].type, q[i].record, q[i].count);
	}
	pool_reset(&pool);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	home_make("resolver 127.0.0.1\n", "");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	switch (*data & 3) {
	case 0:
	case 1:
		answer(data + 1, n - 1, *data & 1);
		break;
	case 2:
		name(data + 1, n - 1);
		break;
	case 3:
		servers(data + 1, n - 1);
	}
	return 0;
}
