/*
 * A stub resolver (RFC 1034 5.3.1): asks the recursive servers that the
 * `resolver` line of pennypost.conf(5) or /etc/resolv.conf names, over UDP, and
 * over TCP what does not fit. There is no cache, no search list, no hosts file.
 */
#ifndef DNS_H
#define DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "pool.h"

enum dns_type {
	DNS_A = 1,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_TLSA = 52,
};

enum dns_result {
	DNS_FOUND,   /* one record at least */
	DNS_NO_DATA, /* the name is there, and has no such records */
	DNS_NO_NAME, /* there is no such name, or it cannot be one */
	DNS_LATER,   /* nobody knows now */
};

struct dns_record {
	/*
	 * MX, PTR: a host's name, in lower case and without a final dot, of
	 * letters, digits, - and _ alone. "." is the root (RFC 7505); "" a name
	 * with anything else in it, for which there never is an address.
	 */
	const char *name;
	unsigned preference; /* MX */
	/*
	 * A: 4 octets, AAAA: 16, TLSA: as it came (RFC 6698 2.1), 4 at least.
	 * TXT: its strings joined, and a NUL behind them; NULs may be within.
	 */
	const uint8_t *data;
	size_t size; /* without the NUL */
};

struct dns_question {
	/*
	 * "example.org", with or without a final dot. A label that is not ASCII
	 * is UTF-8, and is asked for as Punycode (RFC 3492), without the
	 * mappings of IDNA: it has to be in lower case and composed already.
	 */
	const char *name;
	enum dns_type type;

	/* The answer; CNAMEs on the way are followed. */
	const char *ascii; /* the name, fit for a reply */
	enum dns_result result;
	struct dns_record *record; /* in the order of the answer */
	size_t count;              /* 0 unless DNS_FOUND */
	/*
	 * The server has validated it by DNSSEC: the AD bit, believed only from
	 * a server at a loopback address, since anybody on the way to another
	 * one can set it (RFC 6840 5.7, RFC 7672 2.1.1).
	 */
	bool secure;
	/* What is wrong, unless DNS_FOUND: ASCII, one line, fit for a reply. */
	const char *why;
};

/*
 * Finds the name servers, once: dns_ask() does it where this was not called, but
 * after confine() may not.
 */
void dns_begin(void);

/*
 * Asks them all side by side, and is back within `timeout` ms. Set name and
 * type of each; the names must stay while the answers are used, and what the
 * answers point to is in the pool.
 */
void dns_ask(struct pool *, struct dns_question *, size_t count, int timeout);

/*
 * The data of an A (4) or AAAA (16 octets) as an address for connect(). What is
 * returned is its length.
 */
socklen_t dns_address(struct sockaddr_storage *, const uint8_t *data,
    size_t size, unsigned port);

#endif
