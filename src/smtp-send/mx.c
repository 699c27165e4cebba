#include "mx.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "dns.h"
#include "log.h"

#define LOOKUP_MS 20000  /* for the MX, and again for their addresses */
#define HOSTS_MAX 10     /* the best; what is behind them hardly ever helps */
#define ADDRESSES_MAX 20 /* of all hosts */
/* The most that IPv4 has: no other device comes near it. */
#define LOOPBACK_MTU 65535
#define FAMILY_MAX 5     /* of one host, IPv6 and IPv4 each */

struct host {
	const char *name; /* in ASCII */
	unsigned preference;
	uint32_t turn; /* random among equals */
};

struct search {
	struct mx *mx;
	struct pool *pool;
	const struct route *route;
	unsigned line;      /* of pennypost.conf; 0: no route says so */
	const char *domain; /* in ASCII */
	bool exchangers;    /* it has MX records */
	struct host *hosts; /* in their order */
	size_t count;
	/* Of each host its IPv6 addresses, then its IPv4 addresses. */
	struct dns_question lookup[2 * HOSTS_MAX];
};

/* No host at all: says why. */
static bool refuse(struct search *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct search *s, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(s->mx->reply, sizeof s->mx->reply, format, ap);
	va_end(ap);
	s->mx->count = 0;
	return false;
}

static void source(struct search *s, const char *text)
{
	if (s->line > 0)
		snprintf(s->mx->source, sizeof s->mx->source,
		    "pennypost.conf line %u", s->line);
	else
		snprintf(s->mx->source, sizeof s->mx->source, "%s", text);
}

/* The line of a route to this host and port, even where only these are left. */
static unsigned route_line(const struct route *r)
{
	const struct config_route *c = config_load()->routes;

	if (r->line > 0 || r->mx)
		return r->line;
	while (c != NULL && (c->port != r->port ||
	    strcasecmp(c->host, r->host) != 0))
		c = c->next;
	return c != NULL ? c->line : 0;
}

static void host_add(struct search *s, const char *name, unsigned preference)
{
	struct host *h;

	s->hosts = pool_grow(s->pool, s->hosts, s->count, sizeof *s->hosts);
	h = &s->hosts[s->count++];
	h->name = name;
	h->preference = preference;
	if (getrandom(&h->turn, sizeof h->turn, 0) != sizeof h->turn)
		fatal(EX_OSERR, "getrandom: %s", strerror(errno));
}

static int by_preference(const void *x, const void *y)
{
	const struct host *a = x, *b = y;

	if (a->preference != b->preference)
		return a->preference < b->preference ? -1 : 1;
	return (a->turn > b->turn) - (a->turn < b->turn);
}

/*
 * This host is ourselves: those before it in preference remain, because what we
 * hand to the others may come back to us (RFC 5321 5.1).
 */
static bool cut_loop(struct search *s, const char *name, unsigned preference)
{
	while (s->count > 0 && s->hosts[s->count - 1].preference >= preference)
		s->count--;
	return s->count > 0 || refuse(s, "554 5.4.6 Mail for %s loops: its"
	    " host %s is this one, which does not take it", s->domain, name);
}

static bool cut_own_name(struct search *s)
{
	const char *own = config_load()->host;

	for (size_t i = 0; i < s->count; i++)
		if (strcasecmp(s->hosts[i].name, own) == 0)
			return cut_loop(s, s->hosts[i].name,
			    s->hosts[i].preference);
	return true;
}

static bool from_records(struct search *s, const struct dns_question *q)
{
	const char *name = q->record[0].name;

	if (q->count == 1 && strcmp(name, ".") == 0)
		return refuse(s, "556 5.1.10 %s takes no mail, says its null MX"
		    " (RFC 7505)", s->domain);
	s->exchangers = true;
	source(s, "MX record");
	for (size_t i = 0; i < q->count; i++) {
		name = q->record[i].name;
		if (*name != '\0' && strcmp(name, ".") != 0)
			host_add(s, name, q->record[i].preference);
	}
	if (s->count > 0)
		qsort(s->hosts, s->count, sizeof *s->hosts, by_preference);
	return true;
}

/* Fills in the hosts, by their names. */
static bool hosts_find(struct search *s)
{
	struct dns_question q = {.name = s->route->host, .type = DNS_MX};

	source(s, "address record");
	if (!s->route->mx) {
		host_add(s, s->route->host, 0);
		return true;
	}
	dns_ask(s->pool, &q, 1, LOOKUP_MS);
	s->domain = q.ascii;
	switch (q.result) {
	case DNS_FOUND:
		if (!from_records(s, &q))
			return false;
		break;
	case DNS_NO_DATA:
		host_add(s, q.ascii, 0);
		break;
	case DNS_NO_NAME:
		return refuse(s, "550 5.1.2 %s", q.why);
	case DNS_LATER:
		return refuse(s, "451 4.4.3 %s", q.why);
	}
	return cut_own_name(s);
}

static void addresses_ask(struct search *s)
{
	if (s->count > HOSTS_MAX)
		s->count = HOSTS_MAX;
	for (size_t i = 0; i < 2 * s->count; i++) {
		s->lookup[i].name = s->hosts[i / 2].name;
		s->lookup[i].type = i % 2 == 0 ? DNS_AAAA : DNS_A;
	}
	dns_ask(s->pool, s->lookup, 2 * s->count, LOOKUP_MS);
}

static bool same_address(const struct sockaddr *a, const uint8_t *data,
    size_t size)
{
	const struct sockaddr_in *in = (const void *)a;
	const struct sockaddr_in6 *in6 = (const void *)a;

	if (a == NULL)
		return false;
	return size == 4 ?
	    a->sa_family == AF_INET && memcmp(&in->sin_addr, data, 4) == 0 :
	    a->sa_family == AF_INET6 && memcmp(&in6->sin6_addr, data, 16) == 0;
}

/*
 * A socket on its way to it; nothing is sent. -1: there is no way. Below
 * confine() nobody may ask the kernel for its routes and addresses.
 */
static int way_to(const uint8_t *data, size_t size)
{
	struct sockaddr_storage to;
	socklen_t length = dns_address(&to, data, size, 25);
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (void *)&to, length) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The way to an address of our own begins there, or at the loopback device. */
static bool leads_back(int fd, const uint8_t *data, size_t size)
{
	struct sockaddr_storage from;
	socklen_t length = sizeof from, mtu_size = sizeof(int);
	int mtu = 0;

	if (fd < 0 || getsockname(fd, (void *)&from, &length) != 0)
		return false;
	if (size == 4)
		getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &mtu_size);
	return mtu >= LOOPBACK_MTU ||
	    same_address((void *)&from, data, size);
}

static bool is_own(const uint8_t *data, size_t size)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff}, zero[15];

	if (size == 16 && memcmp(data, mapped, sizeof mapped) == 0) {
		data += sizeof mapped;
		size = 4;
	}
	/* Loopback, and all zeros, which connect() takes for it. */
	if (size == 4 ? data[0] == 127 || data[0] == 0 :
	    memcmp(data, zero, sizeof zero) == 0 && data[15] <= 1)
		return true;
	int fd = way_to(data, size);
	bool own = leads_back(fd, data, size);
	if (fd >= 0)
		close(fd);
	return own;
}

static bool cut_own_address(struct search *s)
{
	for (size_t i = 0; i < 2 * s->count; i++) {
		const struct dns_question *q = &s->lookup[i];
		for (size_t n = 0; n < q->count; n++)
			if (is_own(q->record[n].data, q->record[n].size))
				return cut_loop(s, q->ascii,
				    s->hosts[i / 2].preference);
	}
	return true;
}

static void address_add(struct search *s, const char *host,
    unsigned preference, const uint8_t *data, size_t size)
{
	struct mx *m = s->mx;
	struct mx_address *a;

	for (size_t i = 0; i < m->count; i++)
		if (same_address((void *)&m->address[i].address, data, size))
			return;
	if (m->count == ADDRESSES_MAX)
		return;
	m->address = pool_grow(s->pool, m->address, m->count,
	    sizeof *m->address);
	a = &m->address[m->count++];
	a->host = host;
	a->preference = preference;
	a->length = dns_address(&a->address, data, size, s->route->port);
	inet_ntop(size == 4 ? AF_INET : AF_INET6, data, a->text,
	    sizeof a->text);
}

static bool reachable(const struct dns_record *r)
{
	int fd = way_to(r->data, r->size);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* In turns, IPv6 first; or IPv4 alone, where IPv6 leads nowhere. */
static void host_addresses(struct search *s, size_t host)
{
	const struct dns_question *six = &s->lookup[2 * host], *four = six + 1;
	unsigned preference = s->hosts[host].preference;
	bool skip = six->count > 0 && four->count > 0 &&
	    !reachable(&six->record[0]);

	for (size_t i = 0; i < FAMILY_MAX; i++) {
		if (i < six->count && !skip)
			address_add(s, six->ascii, preference,
			    six->record[i].data, six->record[i].size);
		if (i < four->count)
			address_add(s, four->ascii, preference,
			    four->record[i].data, four->record[i].size);
	}
}

static bool no_address(struct search *s)
{
	for (size_t i = 0; i < 2 * s->count; i++)
		if (s->lookup[i].result == DNS_LATER)
			return refuse(s, "451 4.4.3 %s", s->lookup[i].why);
	/* A slip in pennypost.conf is no reason to return mail. */
	if (!s->route->mx)
		return refuse(s, "451 4.3.5 The host of its route: %s",
		    s->lookup[1].why);
	if (s->exchangers)
		return refuse(s, "550 5.4.4 No mail exchanger of %s has an"
		    " address", s->domain);
	return refuse(s, "550 5.4.4 %s has neither a mail exchanger nor an"
	    " address", s->domain);
}

/* [192.0.2.1] in an address, or the host of a route: also RFC 6761 6.3. */
static bool literal_parse(const struct route *r, uint8_t data[16], size_t *size)
{
	const char *host = strcmp(r->host, "localhost") == 0 ? "127.0.0.1" :
	    r->host;

	*size = strchr(host, ':') != NULL ? 16 : 4;
	return !r->mx && inet_pton(*size == 4 ? AF_INET : AF_INET6, host,
	    data) == 1;
}

static bool literal_find(struct search *s, const uint8_t *data, size_t size)
{
	const char *host = s->domain = pool_copy(s->pool, s->route->host);

	source(s, "address literal");
	if (s->line == 0 && is_own(data, size))
		return cut_loop(s, host, 0);
	address_add(s, host, 0, data, size);
	return true;
}

static bool search(struct search *s)
{
	uint8_t data[16];
	size_t size;

	if (literal_parse(s->route, data, &size))
		return literal_find(s, data, size);
	if (!hosts_find(s))
		return false;
	addresses_ask(s);
	if (s->route->mx && !cut_own_address(s))
		return false;
	for (size_t i = 0; i < s->count; i++)
		host_addresses(s, i);
	return s->mx->count > 0 || no_address(s);
}

bool mx_find(struct mx *m, struct pool *pool, const struct route *r)
{
	struct search s = {.mx = m, .pool = pool, .route = r,
	    .line = route_line(r)};

	memset(m, 0, sizeof *m);
	return search(&s);
}

int mx_explain(const char *next_hop)
{
	struct pool pool = {0};
	struct route r;
	struct mx m;
	int status = EX_OK;

	if (*next_hop != '[' || !route_parse(&r, next_hop))
		route_find(&r, next_hop);
	if (!mx_find(&m, &pool, &r)) {
		puts(m.reply);
		status = *m.reply == '4' ? EX_TEMPFAIL : EX_NOHOST;
	}
	for (size_t i = 0; i < m.count; i++)
		printf("%u %s [%s]:%u %s\n", m.address[i].preference,
		    m.address[i].host, m.address[i].text, r.port, m.source);
	pool_reset(&pool);
	return status;
}
