#include "penalty.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"
#include "log.h"
#include "sha256.h"
#include "str.h"

/* Enough for who attacks within some minutes; the oldest makes room. */
#define SETS 1024   /* of records: 256 KiB a file */
#define WAYS 4
#define RECORD 64   /* octets; a power of two: never torn by a block's end */
#define TIME_MAX 99999999999999u /* fits its column */
#define KEY_LOCKS ((off_t)1 << 40) /* byte ranges behind every record */

#define DECAY 60         /* s in which a failure is forgotten */
#define FAILURES_MAX 10  /* remembered: over in ten minutes */
#define DELAY_MAX 60     /* s; so a source fails once a minute in the end */
#define ACCOUNT_FREE 5   /* failures of an account that cost it nothing */
#define ACCOUNT_DELAY 8  /* s at most: its owner may be who waits */
#define FRIEND_DAYS 30   /* a source that somebody has logged in from */
#define PATIENCE 75      /* s; clients wait for three minutes: RFC 4954 6 */

struct record {
	char key[33];
	unsigned failures;
	long long failed;  /* ms of the clock, the last one */
	long long welcome; /* s, the last success; 0: none */
};

/* Milliseconds of the clock that other hosts have too. */
static long long clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void sleep_ms(long long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	/* No time at all would be 50 us to the kernel. */
	while (ms > 0 && nanosleep(&t, &t) != 0 && errno == EINTR)
		continue;
}

/* The secret */

static bool secret_write(const char *path)
{
	unsigned char made[PENALTY_SECRET];
	char tmp[80];
	int fd;
	bool ok;

	if (getrandom(made, sizeof made, 0) != (ssize_t)sizeof made)
		return false;
	snprintf(tmp, sizeof tmp, "%s.%lld.%d", path, clock_ms(),
	    (int)getpid());
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	ok = write(fd, made, sizeof made) == (ssize_t)sizeof made &&
	    fsync(fd) == 0;
	close(fd);
	ok = ok && (link(tmp, path) == 0 || errno == EEXIST);
	unlink(tmp);
	explicit_bzero(made, sizeof made);
	return ok;
}

bool penalty_secret(unsigned char secret[PENALTY_SECRET])
{
	static const char path[] = PENALTY_DIRECTORY "/secret";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0 && errno == ENOENT &&
	    (mkdir(PENALTY_DIRECTORY, 0700) == 0 || errno == EEXIST) &&
	    secret_write(path))
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, secret, PENALTY_SECRET);
	close(fd);
	if (n == PENALTY_SECRET)
		return true;
	if (n >= 0)
		errno = EIO;
	return false;
}

/* Records */

static void key_hash(struct penalty_key *k, const unsigned char *secret,
    const char *kind, const char *text, bool hide)
{
	unsigned char digest[SHA256_SIZE];
	char both[640];

	snprintf(both, sizeof both, "%s %s", kind, text);
	hmac_sha256(digest, secret, PENALTY_SECRET, both, strlen(both));
	memcpy(&k->hash, digest + 16, sizeof k->hash);
	if (!hide)
		snprintf(k->text, sizeof k->text, "%s", text);
	else
		for (int i = 0; i < 16; i++)
			snprintf(k->text + 2 * i, 3, "%02x", digest[i]);
}

/* An IPv6 network has 2^64 addresses: whoever has one has all (RFC 6177). */
static void network_of(char out[33], const char *address)
{
	struct in6_addr a;

	snprintf(out, 33, "%.32s", address);
	if (inet_pton(AF_INET6, address, &a) != 1)
		return;
	memset(a.s6_addr + 8, 0, 8);
	inet_ntop(AF_INET6, &a, out, 33);
}

static bool range_lock(int fd, short type, off_t start, off_t len)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET,
	    .l_start = start, .l_len = len};

	return fcntl(fd, F_SETLK, &l) == 0;
}

/* Tried until `due`, monotonic ms: nobody waits in a queue that never ends. */
static bool range_wait(int fd, off_t start, off_t len, int64_t due)
{
	for (long long pause = 5; !range_lock(fd, F_WRLCK, start, len);
	    pause = pause < 250 ? 2 * pause : pause) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR) {
			warn("%s: lock: %s", PENALTY_DIRECTORY,
			    strerror(errno));
			return true; /* a file system without locks */
		}
		if (now_ms() >= due)
			return false;
		sleep_ms(pause);
	}
	return true;
}

static off_t key_place(const struct penalty_key *k)
{
	return KEY_LOCKS + (off_t)(k->hash >> 24);
}

static off_t set_place(const struct penalty_key *k)
{
	return (off_t)(k->hash % SETS) * WAYS * RECORD;
}

/* Of its text; all zero when it is none. */
static struct record record_parse(char text[RECORD + 1])
{
	char *rest = text, *key = text_word(&rest), *word[3];
	struct record r = {0};
	uint64_t n[3];

	text[RECORD - 1] = '\0'; /* the line feed */
	for (int i = 0; i < 3; i++)
		if ((word[i] = text_word(&rest)) == NULL ||
		    !number_parse(word[i], TIME_MAX, &n[i]))
			return r;
	if (strlen(key) >= sizeof r.key || n[0] > UINT32_MAX)
		return r;
	strcpy(r.key, key);
	r.failures = (unsigned)n[0];
	r.failed = (long long)n[1];
	r.welcome = (long long)n[2];
	return r;
}

/*
 * The record of this key, all zero when there is none; its place, or else the
 * one of the record in its set that says least.
 */
static struct record record_read(int fd, const struct penalty_key *k,
    off_t *place)
{
	char text[WAYS][RECORD + 1] = {{0}};
	struct record r, victim = {.failed = -1, .welcome = -1};

	*place = set_place(k);
	for (int i = 0; i < WAYS; i++) {
		off_t at = set_place(k) + i * RECORD;
		if (pread(fd, text[i], RECORD, at) != RECORD)
			text[i][0] = '\0';
		r = record_parse(text[i]);
		if (strcmp(r.key, k->text) == 0)
			return *place = at, r;
		if (i == 0 || r.failed / 1000 + r.welcome <
		    victim.failed / 1000 + victim.welcome) {
			victim = r;
			*place = at;
		}
	}
	r = (struct record){0};
	strcpy(r.key, k->text);
	return r;
}

static void record_write(int fd, const struct record *r, off_t place)
{
	char text[RECORD + 1];
	int n = snprintf(text, sizeof text, "%-32s %4u %14lld %10lld\n",
	    r->key, r->failures, r->failed, r->welcome);

	if (n != RECORD)
		return; /* a clock out of this world */
	if (pwrite(fd, text, RECORD, place) != RECORD)
		warn("%s: %s", PENALTY_DIRECTORY, strerror(errno));
}

/* How many of them still count. */
static unsigned failures_now(const struct record *r)
{
	long long gone = (clock_ms() - r->failed) / (DECAY * 1000);

	if (gone < 0) /* the clock was put back */
		gone = 0;
	return gone >= (long long)r->failures ? 0 :
	    r->failures - (unsigned)gone;
}

/* 1, 2, 4 … s for each failure beyond `free`, at most `most`. */
static long long delay_ms(unsigned failures, unsigned free, unsigned most)
{
	if (failures <= free)
		return 0;
	failures -= free;
	return 1000LL * (failures > 6 || 1u << (failures - 1) > most ? most :
	    1u << (failures - 1));
}

/* ms from now until the next answer is due. */
static long long wait_ms(const struct record *r, unsigned free, unsigned most)
{
	long long delay = delay_ms(failures_now(r), free, most);
	long long left = r->failed + delay - clock_ms();

	return left < 0 ? 0 : left > delay ? delay : left;
}

/* The whole */

static int table_open(const char *path)
{
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static void tables_close(struct penalty *p)
{
	if (p->accounts >= 0)
		close(p->accounts);
	if (p->sources >= 0)
		close(p->sources);
	if (p->friends >= 0)
		close(p->friends);
	p->accounts = p->sources = p->friends = -1;
}

static bool tables_open(struct penalty *p)
{
	p->accounts = table_open(PENALTY_DIRECTORY "/accounts");
	p->sources = table_open(PENALTY_DIRECTORY "/sources");
	p->friends = table_open(PENALTY_DIRECTORY "/friends");
	if (p->accounts >= 0 && p->sources >= 0 && p->friends >= 0)
		return true;
	tables_close(p);
	return false;
}

static void keys_make(struct penalty *p, const unsigned char *secret,
    const char *source, const char *account)
{
	char network[33], both[560];

	key_hash(&p->account, secret, "account", account, true);
	p->has_source = source != NULL;
	if (!p->has_source)
		return;
	network_of(network, source);
	key_hash(&p->source, secret, "source", network, false);
	snprintf(both, sizeof both, "%s %s", network, account);
	key_hash(&p->friend, secret, "friend", both, true);
}

static bool is_friend(const struct penalty *p)
{
	off_t place;
	struct record r = record_read(p->friends, &p->friend, &place);

	return r.welcome > 0 &&
	    clock_ms() / 1000 - r.welcome < FRIEND_DAYS * 86400LL;
}

/* One at a time, and none before it is due. */
static bool in_turn(struct penalty *p, int64_t due)
{
	int fd = p->is_friend ? p->friends : p->sources;
	const struct penalty_key *k = p->is_friend ? &p->friend : &p->source;
	long long wait = 0, other;
	struct record r;
	off_t place;

	if (p->has_source) {
		if (!range_wait(fd, key_place(k), 1, due))
			return false;
		r = record_read(fd, k, &place);
		wait = wait_ms(&r, 0, DELAY_MAX);
	}
	if (!p->is_friend) {
		r = record_read(p->accounts, &p->account, &place);
		other = wait_ms(&r, ACCOUNT_FREE, ACCOUNT_DELAY);
		wait = other > wait ? other : wait;
	}
	if (wait > due - now_ms()) {
		sleep_ms(due - now_ms());
		return false;
	}
	sleep_ms(wait);
	return true;
}

bool penalty_begin(struct penalty *p, const char *source, const char *account)
{
	unsigned char secret[PENALTY_SECRET];
	int64_t due = now_ms() + PATIENCE * 1000;

	*p = (struct penalty){.accounts = -1, .sources = -1, .friends = -1};
	if (!penalty_secret(secret) || !tables_open(p)) {
		/* Mail goes on; who reads the log sees that this does not. */
		warn("%s: %s: failed logins cost nothing",
		    PENALTY_DIRECTORY, strerror(errno));
		return true;
	}
	keys_make(p, secret, source, account);
	explicit_bzero(secret, sizeof secret);
	p->is_friend = p->has_source && is_friend(p);
	if (in_turn(p, due))
		return true;
	tables_close(p);
	return false;
}

/* Reads, changes and writes the record, alone. */
static void record_change(int fd, const struct penalty_key *k, bool failed)
{
	int64_t due = now_ms() + 1000;
	long long now = clock_ms();
	off_t place;
	struct record r;

	if (!range_wait(fd, set_place(k), WAYS * RECORD, due))
		return;
	r = record_read(fd, k, &place);
	if (failed) {
		r.failures = failures_now(&r) + 1;
		if (r.failures > FAILURES_MAX)
			r.failures = FAILURES_MAX;
		r.failed = now;
	} else {
		r.failures = 0;
		r.welcome = now / 1000;
	}
	record_write(fd, &r, place);
	range_lock(fd, F_UNLCK, set_place(k), WAYS * RECORD);
}

/* A success is written down where it changes something: once a day, mostly. */
static void succeeded(struct penalty *p)
{
	struct record r;
	off_t place;

	r = record_read(p->accounts, &p->account, &place);
	if (r.failures > 0)
		record_change(p->accounts, &p->account, false);
	if (!p->has_source)
		return;
	r = record_read(p->friends, &p->friend, &place);
	if (r.failures > 0 || clock_ms() / 1000 - r.welcome > 86400)
		record_change(p->friends, &p->friend, false);
}

void penalty_end(struct penalty *p, enum outcome outcome)
{
	if (p->accounts < 0)
		return;
	if (outcome != TURNED_AWAY) {
		if (outcome == LET_IN)
			succeeded(p);
	} else if (p->is_friend) {
		record_change(p->friends, &p->friend, true);
	} else {
		record_change(p->accounts, &p->account, true);
		if (p->has_source)
			record_change(p->sources, &p->source, true);
	}
	tables_close(p);
}
