/*
 * What failed logins cost: time, which grows for each source address and, less,
 * for each account. Kept in spool/logins, for all protocols and hosts together;
 * pennypost-logins(5) has the rules and why.
 */
#ifndef PENALTY_H
#define PENALTY_H

#include <stdbool.h>
#include <stdint.h>

#define PENALTY_DIRECTORY "spool/logins"
#define PENALTY_SECRET 32 /* octets */

struct penalty_key {
	char text[33];   /* what the record says */
	uint64_t hash;   /* where it is */
};

/* One login that is being tried. */
struct penalty {
	int accounts, sources, friends; /* the files, -1: not open */
	bool is_friend;                 /* this source of this account */
	struct penalty_key account, source, friend;
	bool has_source;
};

/*
 * Waits until the password may be looked at: no other login of this source may
 * be under way then. source: an address; NULL: this machine, which is no
 * source. False: that would take too long, the client is to try later.
 */
bool penalty_begin(struct penalty *, const char *source, const char *account);

/* What came of it; and lets the next one try. */
enum outcome { LET_IN, TURNED_AWAY, UNDECIDED };
void penalty_end(struct penalty *, enum outcome);

/*
 * Octets that nobody else knows, the same every time; made when they are not
 * there. False with errno.
 */
bool penalty_secret(unsigned char secret[PENALTY_SECRET]);

#endif
