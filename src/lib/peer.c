#include "peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "str.h"

#define LOOPBACK "127.0.0.0/8 ::1"

/* Every address as IPv6, IPv4 as ::ffff:a.b.c.d, so that one test serves. */
static bool parse(const char *text, struct in6_addr *a)
{
	struct in_addr v4;

	if (inet_pton(AF_INET6, text, a) == 1)
		return true;
	if (inet_pton(AF_INET, text, &v4) != 1)
		return false;
	memset(a, 0, sizeof *a);
	a->s6_addr[10] = a->s6_addr[11] = 0xff;
	memcpy(&a->s6_addr[12], &v4, 4);
	return true;
}

static bool same_bits(const struct in6_addr *a, const struct in6_addr *b,
    unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a->s6_addr, b->s6_addr, whole) != 0)
		return false;
	return rest == 0 ||
	    (a->s6_addr[whole] ^ b->s6_addr[whole]) >> (8 - rest) == 0;
}

static bool network_parse(char *word, struct in6_addr *net, unsigned *bits)
{
	char *slash = strchr(word, '/');
	uint64_t n;

	if (slash != NULL)
		*slash++ = '\0';
	if (!parse(word, net))
		return false;
	unsigned width = strchr(word, ':') != NULL ? 128 : 32;
	if (slash == NULL)
		n = width;
	else if (!number_parse(slash, width, &n))
		return false;
	*bits = (unsigned)n + (128 - width);
	return true;
}

/* Calls for each word; returns at the first that `address` is in, or is bad. */
static bool networks_walk(const char *networks, const struct in6_addr *address,
    const char **bad)
{
	static char room[512];
	static struct str copy = STR_ROOM(room);
	char *rest, *word;
	struct in6_addr net;
	unsigned bits;

	str_clear(&copy);
	str_puts(&copy, networks);
	rest = copy.p;
	while ((word = text_word(&rest)) != NULL) {
		if (!network_parse(word, &net, &bits)) {
			if (bad != NULL) {
				*bad = word;
				return true;
			}
			continue;
		}
		if (address != NULL && same_bits(&net, address, bits))
			return true;
	}
	return false;
}

bool peer_in(const struct peer *peer, const char *networks)
{
	struct in6_addr address;

	return parse(peer->address, &address) &&
	    networks_walk(networks, &address, NULL);
}

const char *networks_check(const char *networks)
{
	const char *bad = NULL;

	networks_walk(networks, NULL, &bad);
	return bad;
}

void peer_is_local(struct peer *peer, unsigned uid)
{
	peer->local = true;
	peer->uid = uid;
	snprintf(peer->who, sizeof peer->who, "uid=%u", uid);
}

static void from_unix_socket(struct peer *peer)
{
	struct sockaddr_un own;
	struct ucred cred;
	socklen_t own_len = sizeof own, cred_len = sizeof cred;

	if (getsockname(0, (struct sockaddr *)&own, &own_len) == 0 &&
	    own_len > offsetof(struct sockaddr_un, sun_path) &&
	    getsockopt(0, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len) == 0)
		peer_is_local(peer, cred.uid);
}

/* IPv4 as IPv4, however it came: else all of it were one network of IPv6. */
static void print6(struct peer *peer, const struct in6_addr *a)
{
	bool v4 = IN6_IS_ADDR_V4MAPPED(a);

	inet_ntop(v4 ? AF_INET : AF_INET6, a->s6_addr + (v4 ? 12 : 0),
	    peer->address, sizeof peer->address);
}

/* One end's address, where it is TCP's. */
static void print(struct peer *peer, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in *in = (const void *)ss;
	const struct sockaddr_in6 *in6 = (const void *)ss;

	if (ss->ss_family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, peer->address,
		    sizeof peer->address);
	else if (ss->ss_family == AF_INET6)
		print6(peer, &in6->sin6_addr);
}

static void from_socket(struct peer *peer)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof ss;

	if (getpeername(0, (struct sockaddr *)&ss, &len) != 0)
		return;
	if (ss.ss_family == AF_UNIX)
		from_unix_socket(peer);
	else
		print(peer, &ss);
}

static void from_environment(struct peer *peer)
{
	const char *text = getenv("TCPREMOTEIP");
	struct in6_addr any;

	if (text == NULL)
		text = getenv("REMOTE_ADDR");
	if (text != NULL && parse(text, &any))
		print6(peer, &any);
}

void peer_find(struct peer *peer)
{
	struct stat st;

	memset(peer, 0, sizeof *peer);
	peer->socket = fstat(0, &st) == 0 && S_ISSOCK(st.st_mode);
	if (peer->socket)
		from_socket(peer);
	else
		from_environment(peer);
	peer->loopback = peer_in(peer, LOOPBACK);
	if (!peer->local)
		snprintf(peer->who, sizeof peer->who, "peer=%s", peer->address);
}

bool peer_is_inside(const struct peer *peer)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof ss;
	struct peer own = {0};

	if (!peer->socket)
		return peer->loopback || *peer->address == '\0';
	if (getsockname(0, (struct sockaddr *)&ss, &len) != 0)
		return false;
	if (ss.ss_family == AF_UNIX)
		return peer->local;
	print(&own, &ss);
	return peer->loopback && peer_in(&own, LOOPBACK);
}
