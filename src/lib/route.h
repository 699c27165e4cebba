/*
 * Where mail for a domain elsewhere goes: a `route` line of pennypost.conf(5),
 * the smarthost, or the domain's own mail exchangers.
 *
 * All recipients with the same next hop can share a connection: queue-run
 * groups by it, and smtp-send is started for one.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include <stdbool.h>

#include "config.h"

/* "[" HOST "]:" PORT, or a domain */
#define NEXT_HOP_SIZE 272

struct route {
	char next_hop[NEXT_HOP_SIZE]; /* letters folded; names the group */
	char host[256]; /* to connect to; where `mx`, whose MX to look up */
	unsigned port;
	bool mx;
	bool smarthost; /* users/smarthost has its user and password */
	unsigned line;  /* of pennypost.conf that says so; 0: none does */
};

/* For the domain of an address; an address literal is its own host. */
void route_find(struct route *, const char *domain);

/* The same from a next hop, as route_find() made it. False: it is none. */
bool route_parse(struct route *, const char *next_hop);

/* The first `tls` line for its host, or for the domain; NULL: there is none. */
const struct config_tls *route_tls(const struct route *);

#endif
