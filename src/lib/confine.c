#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"
#include "seccomp.h"

/* What <linux/landlock.h> says: ours, since it may be older than the kernel. */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT 2

struct ruleset {
	uint64_t files;
	uint64_t tcp;    /* ABI 4 */
	uint64_t scoped; /* ABI 6 */
};

struct path_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

struct net_port {
	uint64_t allowed, port;
};

enum {
	EXECUTE = 1 << 0,
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	REMOVE_DIR = 1 << 4,
	REMOVE_FILE = 1 << 5,
	MAKE_DIR = 1 << 7,
	MAKE_REG = 1 << 8,
	MAKE_SOCK = 1 << 9,
	MAKE_FIFO = 1 << 10,
	MAKE_SYM = 1 << 12,
	REFER = 1 << 13,     /* link and rename across directories: ABI 2 */
	TRUNCATE = 1 << 14,  /* ABI 3 */
	IOCTL_DEV = 1 << 15, /* ABI 5 */
	OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV,
};

enum { BIND = 1, CONNECT = 2 };
enum { ABSTRACT_SOCKETS = 1, SIGNALS = 2 };

/* What an ABI is the first to know of; what it does not know is free. */
static struct ruleset abi_knows(long abi)
{
	return (struct ruleset){
		.files = abi >= 5 ? IOCTL_DEV * 2 - 1 :
		    abi >= 3 ? TRUNCATE * 2 - 1 :
		    abi >= 2 ? REFER * 2 - 1 : REFER - 1,
		.tcp = abi >= 4 ? BIND | CONNECT : 0,
		.scoped = abi >= 6 ? ABSTRACT_SOCKETS | SIGNALS : 0,
	};
}

static size_t ruleset_size(long abi)
{
	return abi >= 6 ? sizeof(struct ruleset) :
	    abi >= 4 ? offsetof(struct ruleset, scoped) :
	    offsetof(struct ruleset, tcp);
}

static uint64_t rights_of(unsigned may)
{
	uint64_t rights = 0;

	if (may & MAY_READ)
		rights |= READ_FILE | READ_DIR;
	if (may & MAY_LIST)
		rights |= READ_DIR;
	if (may & MAY_WRITE)
		rights |= WRITE_FILE | TRUNCATE;
	if (may & MAY_CREATE)
		rights |= MAKE_REG | MAKE_DIR | MAKE_FIFO | REFER |
		    MAKE_SYM | MAKE_SOCK; /* rename; no call makes one */
	if (may & MAY_REMOVE)
		rights |= REMOVE_FILE | REMOVE_DIR;
	if (may & MAY_EXECUTE)
		rights |= EXECUTE;
	if (may & MAY_ALL)
		rights = UINT64_MAX;
	return rights;
}

static void path_allow(int ruleset, uint64_t known,
    const struct confine_path *p)
{
	struct path_beneath rule = {.parent = open(p->path,
	    O_PATH | O_CLOEXEC)};
	struct stat st;

	if (rule.parent < 0 && (errno == EMFILE || errno == ENFILE))
		fatal(EX_TEMPFAIL, "%s: %s", safe(p->path), strerror(errno));
	if (rule.parent < 0)
		return;
	rule.allowed = rights_of(p->rights) & known;
	if (fstat(rule.parent, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed &= OF_A_FILE;
	if (rule.allowed != 0 && syscall(SYS_landlock_add_rule, ruleset,
	    RULE_PATH_BENEATH, &rule, 0) != 0)
		fatal(EX_TEMPFAIL, "landlock: %s: %s", safe(p->path),
		    strerror(errno));
	close(rule.parent);
}

static void port_allow(int ruleset, unsigned port)
{
	struct net_port rule = {CONNECT, port};

	if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule,
	    0) != 0)
		fatal(EX_TEMPFAIL, "landlock: port %u: %s", port,
		    strerror(errno));
}

static bool creates(const struct confine_path *p)
{
	for (; p != NULL && p->path != NULL; p++)
		if (p->rights & (MAY_CREATE | MAY_ALL))
			return true;
	return false;
}

/*
 * What the kernel has, 0: nothing that we can use. The first ABI allows no
 * rename from one directory to another, whatever the rules: no Maildir could be
 * written to.
 */
static long landlock_abi(const struct confinement *c)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    CREATE_RULESET_VERSION);

	return abi < 1 || (abi == 1 && creates(c->paths)) ? 0 : abi;
}

static void landlock_enter(const struct confinement *c, long abi)
{
	struct ruleset rules = abi_knows(abi);
	int fd;

	if ((c->calls & CALLS_SOCKETS) && c->ports == NULL)
		rules.tcp &= BIND;
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules,
	    ruleset_size(abi), 0);
	if (fd < 0)
		fatal(EX_TEMPFAIL, "landlock: %s", strerror(errno));
	for (const struct confine_path *p = c->paths;
	    p != NULL && p->path != NULL; p++)
		path_allow(fd, rules.files, p);
	for (const unsigned *p = c->ports; p != NULL && *p != 0 &&
	    (rules.tcp & CONNECT); p++)
		port_allow(fd, *p);
	if (syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		fatal(EX_TEMPFAIL, "landlock: %s", strerror(errno));
	close(fd);
}

static void limit(int what, uint64_t most)
{
	struct { uint64_t soft, hard; } l;

	if (syscall(SYS_prlimit64, 0, what, NULL, &l) == 0 && l.hard < most)
		most = l.hard;
	l.soft = l.hard = most;
	if (syscall(SYS_prlimit64, 0, what, &l, NULL) != 0)
		fatal(EX_TEMPFAIL, "limit %d: %s", what, strerror(errno));
}

static void limits_set(const struct confinement *c)
{
	limit(RLIMIT_CORE, 0);
#ifndef __SANITIZE_ADDRESS__ /* whose shadow is terabytes of it */
	if (c->memory != 0)
		limit(RLIMIT_AS, c->memory);
#endif
	if (c->files != 0)
		limit(RLIMIT_NOFILE, c->files);
	if (c->seconds != 0)
		limit(RLIMIT_CPU, c->seconds);
}

/* For all programs of this home, and all time; who cannot note it is silent. */
static void say_once(const char *note, const char *text)
{
	int fd = open(note, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	close(fd);
	warn("%s", text);
}

void confine(const struct confinement *c)
{
	long abi = landlock_abi(c);
	bool filters = seccomp_available();

	log_connect();
	if (abi == 0)
		say_once("spool/no-landlock",
		    "no Landlock in this kernel: files are not confined");
	if (!filters)
		say_once("spool/no-seccomp",
		    "no seccomp here: system calls are not confined");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		fatal(EX_TEMPFAIL, "no_new_privs: %s", strerror(errno));
	if (abi > 0)
		landlock_enter(c, abi);
	limits_set(c);
	if (filters && !seccomp_enter(c->calls))
		fatal(EX_TEMPFAIL, "seccomp: %s", strerror(errno));
}

void confine_secrets(void)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		fatal(EX_TEMPFAIL, "not dumpable: %s", strerror(errno));
	limit(RLIMIT_CORE, 0);
}
