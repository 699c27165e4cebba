/* Who is at the other end of fd 0. */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>

struct peer {
	/*
	 * "192.0.2.1" or "2001:db8::1"; empty when nobody can say. From
	 * getpeername() when fd 0 is a socket; else, for a transcript, from
	 * TCPREMOTEIP or REMOTE_ADDR (the UCSPI and the systemd way).
	 */
	char address[46];
	bool socket;   /* fd 0 is a connected socket */
	bool loopback; /* 127.0.0.0/8 or ::1 */
	/*
	 * A user of this machine: fd 0 was accepted on a Unix socket that has a
	 * name. (One end of a socketpair has none, and is just a pipe: whoever
	 * made it may speak for the network.)
	 */
	bool local;
	unsigned uid;  /* of who connected, if local */
	char who[64];  /* for log lines: "peer=192.0.2.1", "uid=1000" */
};

void peer_find(struct peer *);

/*
 * Does this connection not leave the machine? Of TCP, our own end is asked too:
 * a service that others can reach as well is not inside. Nor is one end of a
 * socketpair, whose other end may be anybody's.
 */
bool peer_is_inside(const struct peer *);

/* A caller of the same machine says who the user is. */
void peer_is_local(struct peer *, unsigned uid);

/*
 * Is the address in one of these networks? `networks` is a list of
 * ADDRESS[/BITS], divided by blanks (RFC 4632, RFC 4291). An empty address is
 * in none.
 */
bool peer_in(const struct peer *, const char *networks);

/* The first word of `networks` that is no network, static; NULL: all are. */
const char *networks_check(const char *networks);

#endif
