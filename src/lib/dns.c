#include "dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "conn.h"
#include "log.h"
#include "str.h"
#include "wire.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_MAX 65536
#define DNS_PORT 53
#define SERVERS_MAX 3     /* as in every libc */
#define ROUNDS 2          /* times that each server is asked */
#define ATTEMPT_MS 5000   /* as in every libc; less when there is less time */
#define CHAIN_MAX 8       /* answers that end at a CNAME, one after the other */
#define TOGETHER 32       /* questions, and so sockets, at a time */

static struct server {
	struct sockaddr_storage address;
	socklen_t length;
	bool loopback;
} servers[SERVERS_MAX];
static size_t server_count;

struct ask {
	struct dns_question *q;
	struct pool *pool;
	struct wire_query query;
	const char *trouble; /* why the last attempt failed */
	int64_t deadline;    /* ms, as now_ms() */
	int64_t due;         /* the same, of this attempt */
	size_t attempts;
	size_t size;      /* of the query in `octets`, without its length */
	size_t got;       /* TCP: octets of the answer, with its length */
	uint8_t *answer;  /* TCP */
	unsigned chain;   /* answers that ended at a CNAME */
	bool unvalidated; /* one of the answers was */
	int fd;           /* -1: there is a result */
	bool tcp, sent;
	uint8_t octets[2 + WIRE_QUERY_MAX]; /* its length first, for TCP */
	uint8_t length[2]; /* TCP: of the answer */
};

socklen_t dns_address(struct sockaddr_storage *out, const uint8_t *data,
    size_t size, unsigned port)
{
	struct sockaddr_in *in = (void *)out;
	struct sockaddr_in6 *in6 = (void *)out;

	memset(out, 0, sizeof *out);
	if (size == 4) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		memcpy(&in->sin_addr, data, 4);
		return sizeof *in;
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	memcpy(&in6->sin6_addr, data, 16);
	return sizeof *in6;
}

/* fe80::1%eth0: a router that announces itself as a server. */
static void server_add(char *text, unsigned port)
{
	struct server *s = &servers[server_count];
	char *zone = strchr(text, '%');
	uint8_t data[16];

	if (server_count == SERVERS_MAX)
		return;
	if (zone != NULL)
		*zone++ = '\0';
	if (inet_pton(AF_INET, text, data) == 1) {
		s->length = dns_address(&s->address, data, 4, port);
		s->loopback = data[0] == 127;
	} else if (inet_pton(AF_INET6, text, data) == 1) {
		struct sockaddr_in6 *in6 = (void *)&s->address;
		s->length = dns_address(&s->address, data, 16, port);
		s->loopback = IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
		in6->sin6_scope_id = zone != NULL ? if_nametoindex(zone) : 0;
	} else {
		return;
	}
	server_count++;
}

void dns_begin(void)
{
	const char *resolver = config_load()->resolver;
	char room[512], own[300], here[] = "127.0.0.1";
	struct str file = STR_ROOM(room);
	char *rest, *line, *word, *host;

	if (server_count > 0)
		return;
	if (resolver != NULL) {
		snprintf(own, sizeof own, "%s", resolver);
		unsigned port = host_port(own, &host, DNS_PORT);
		server_add(host, port);
	} else if (str_read_file(&file, RESOLV_CONF, RESOLV_CONF_MAX)) {
		for (rest = file.p; (line = text_line(&rest)) != NULL;) {
			word = text_word(&line);
			if (word != NULL && strcmp(word, "nameserver") == 0 &&
			    (word = text_word(&line)) != NULL)
				server_add(word, DNS_PORT);
		}
	}
	str_free(&file);
	if (server_count == 0)
		server_add(here, DNS_PORT); /* resolv.conf(5) */
}

static const char *type_name(enum dns_type type)
{
	switch (type) {
	case DNS_A:
		return "A";
	case DNS_PTR:
		return "PTR";
	case DNS_MX:
		return "MX";
	case DNS_TXT:
		return "TXT";
	case DNS_AAAA:
		return "AAAA";
	case DNS_TLSA:
		return "TLSA";
	}
	return "?";
}

static const char *code_name(unsigned code)
{
	static const char *const names[] = {"the server does not look further",
	    "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};

	return code < sizeof names / sizeof *names ? names[code] : "an error";
}

/* The end of this question. */
static void conclude(struct ask *a, enum dns_result result)
{
	const char *type = type_name(a->q->type), *name = a->q->ascii;
	char why[512];

	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
	a->q->result = result;
	if (result == DNS_FOUND)
		return;
	if (result == DNS_NO_NAME)
		snprintf(why, sizeof why, "%s does not exist in the DNS", name);
	else if (result == DNS_NO_DATA)
		snprintf(why, sizeof why, "%s has no %s record", name, type);
	else
		snprintf(why, sizeof why, "Cannot find the %s record of %s"
		    " now: %s", type, name, a->trouble);
	a->q->why = pool_copy(a->pool, why);
}

static const struct server *server_of(const struct ask *a)
{
	return &servers[(a->attempts - 1) % server_count];
}

/* Each attempt has its share of the time. */
static int64_t due(const struct ask *a)
{
	int64_t left = a->deadline - now_ms();
	int64_t share = left / (int64_t)(ROUNDS * server_count - a->attempts + 1);

	return a->deadline - left + (share < ATTEMPT_MS ? share : ATTEMPT_MS);
}

/*
 * To the server of this attempt, from a new socket, whose port the kernel picks
 * at random, and with a new id (RFC 5452 9.2). False: that cannot be.
 */
static bool send_query(struct ask *a, bool tcp)
{
	const struct server *s = server_of(a);
	uint16_t id;

	if (a->fd >= 0)
		close(a->fd);
	if (getrandom(&id, sizeof id, 0) != sizeof id)
		fatal(EX_OSERR, "getrandom: %s", strerror(errno));
	a->query.id = id;
	a->size = wire_query_put(&a->query, a->octets + 2);
	a->octets[0] = (uint8_t)(a->size >> 8);
	a->octets[1] = (uint8_t)a->size;
	a->tcp = tcp;
	a->sent = false;
	a->got = 0;
	a->due = due(a);
	a->fd = socket(s->address.ss_family, SOCK_NONBLOCK | SOCK_CLOEXEC |
	    (tcp ? SOCK_STREAM : SOCK_DGRAM), 0);
	if (a->fd >= 0 && (connect(a->fd, (const void *)&s->address,
	    s->length) == 0 || errno == EINPROGRESS) &&
	    (tcp || send(a->fd, a->octets + 2, a->size, 0) >= 0))
		return true;
	a->trouble = strerror(errno);
	return false;
}

static void next_attempt(struct ask *a)
{
	do {
		if (a->attempts == ROUNDS * server_count ||
		    now_ms() >= a->deadline) {
			conclude(a, DNS_LATER);
			return;
		}
		a->attempts++;
	} while (!send_query(a, false));
}

static void fail(struct ask *a, const char *trouble)
{
	a->trouble = trouble;
	next_attempt(a);
}

static void again(struct ask *a, bool tcp)
{
	if (!send_query(a, tcp))
		next_attempt(a);
}

static bool validated(const struct ask *a, const struct wire_answer *answer)
{
	return answer->validated && server_of(a)->loopback;
}

static void found(struct ask *a, const struct wire_answer *answer,
    enum dns_result result)
{
	a->q->record = answer->record;
	a->q->count = answer->count;
	a->q->secure = !a->unvalidated && validated(a, answer);
	conclude(a, result);
}

static void judge(struct ask *a, const uint8_t *message, size_t size)
{
	struct wire_answer answer;
	enum wire_result result = wire_answer_read(&answer, a->pool, message,
	    size, &a->query);

	switch (result) {
	case WIRE_OTHER:
		/* A stranger's; the true answer may still come. */
		if (a->tcp)
			fail(a, "the answer is to something else");
		return;
	case WIRE_BAD:
		fail(a, "the answer is malformed");
		return;
	case WIRE_CUT:
		if (a->tcp)
			fail(a, "the answer is cut off");
		else
			again(a, true);
		return;
	case WIRE_FAILED:
		/* FORMERR, NOTIMP: perhaps only of EDNS (RFC 6891 7). */
		if (a->query.edns && (answer.code == 1 || answer.code == 4)) {
			a->query.edns = false;
			again(a, false);
		} else {
			fail(a, code_name(answer.code));
		}
		return;
	case WIRE_ALIAS:
		a->query.name = answer.name;
		a->unvalidated |= !validated(a, &answer);
		if (a->chain++ == CHAIN_MAX) {
			a->trouble = "its aliases have no end";
			conclude(a, DNS_LATER);
		} else {
			again(a, false);
		}
		return;
	case WIRE_NO_NAME:
		found(a, &answer, DNS_NO_NAME);
		return;
	case WIRE_NO_DATA:
		found(a, &answer, DNS_NO_DATA);
		return;
	case WIRE_FOUND:
		found(a, &answer, DNS_FOUND);
	}
}

static void hear_udp(struct ask *a)
{
	static uint8_t datagram[65536];
	ssize_t n = recv(a->fd, datagram, sizeof datagram, 0);

	if (n >= 0)
		judge(a, datagram, (size_t)n);
	else if (errno != EAGAIN && errno != EINTR)
		fail(a, strerror(errno));
}

/* RFC 7766 8: the length in two octets, then the message. */
static void hear_tcp(struct ask *a)
{
	size_t size = (size_t)a->length[0] << 8 | a->length[1];
	ssize_t n;

	if (!a->sent) {
		n = send(a->fd, a->octets, 2 + a->size, MSG_NOSIGNAL);
		a->sent = n == (ssize_t)(2 + a->size);
		if (!a->sent)
			fail(a, n < 0 ? strerror(errno) : "it takes nothing");
		return;
	}
	n = a->got < 2 ? recv(a->fd, a->length + a->got, 2 - a->got, 0) :
	    recv(a->fd, a->answer + a->got - 2, 2 + size - a->got, 0);
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			fail(a, n == 0 ? "it hung up" : strerror(errno));
		return;
	}
	a->got += (size_t)n;
	if (a->got < 2)
		return;
	size = (size_t)a->length[0] << 8 | a->length[1];
	if (a->got == 2)
		a->answer = pool_take(a->pool, size);
	if (a->got == 2 + size)
		judge(a, a->answer, size);
}

/* False: every question has its result. */
static bool hear(struct ask *asks, size_t count)
{
	struct pollfd fds[TOGETHER] = {{0}};
	int64_t now = now_ms(), until = INT64_MAX;

	for (size_t i = 0; i < count; i++) {
		struct ask *a = &asks[i];
		fds[i].fd = a->fd;
		fds[i].events = a->tcp && !a->sent ? POLLOUT : POLLIN;
		if (a->fd >= 0 && a->due < until)
			until = a->due;
	}
	if (until == INT64_MAX)
		return false;
	poll(fds, count, until > now ? (int)(until - now) : 0);
	now = now_ms();
	for (size_t i = 0; i < count; i++) {
		struct ask *a = &asks[i];
		if (a->fd >= 0 && fds[i].revents != 0)
			(a->tcp ? hear_tcp : hear_udp)(a);
		if (a->fd >= 0 && now >= a->due)
			fail(a, "no answer");
	}
	return true;
}

static void begin(struct ask *a, struct pool *pool, struct dns_question *q,
    int64_t deadline)
{
	*q = (struct dns_question){.name = q->name, .type = q->type};
	*a = (struct ask){.q = q, .pool = pool, .deadline = deadline, .fd = -1,
	    .query = {.type = q->type, .edns = true}, .trouble = "no answer"};
	q->ascii = "";
	if (wire_name_parse(&a->query.name, q->name))
		q->ascii = wire_name_text(&a->query.name, pool);
	else
		a->query.name.size = 0;
	if (*q->ascii == '\0')
		q->ascii = pool_copy(pool, safe(q->name));
	if (a->query.name.size > 0)
		next_attempt(a);
	else
		conclude(a, DNS_NO_NAME);
}

void dns_ask(struct pool *pool, struct dns_question *q, size_t count,
    int timeout)
{
	int64_t deadline = now_ms() + timeout;
	struct ask asks[TOGETHER];

	dns_begin();
	for (size_t n; count > 0; q += n, count -= n) {
		n = count < TOGETHER ? count : TOGETHER;
		for (size_t i = 0; i < n; i++)
			begin(&asks[i], pool, &q[i], deadline);
		while (hear(asks, n))
			continue;
	}
}
