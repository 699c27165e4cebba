/*
 * Confinement: from here on this process, and all that it starts, can do no
 * more than its table says. Landlock for files, TCP and signals, seccomp for
 * system calls, setrlimit for the rest; by raw system calls, since no libc has
 * them. What each program may do stands in one table in its source, and in its
 * manual page.
 *
 * A refused system call fails with EPERM and is logged: `confined refused=NAME`.
 * Where the kernel has no Landlock, that is said once (spool/no-landlock tells
 * that it was), and the rest holds.
 */
#ifndef CONFINE_H
#define CONFINE_H

#include <stddef.h>
#include <stdint.h>

/* What may be done at and below a path; the path must not be there. */
enum confine_rights {
	MAY_READ = 1,     /* files, and the names in directories */
	MAY_WRITE = 2,    /* files that are there */
	MAY_CREATE = 4,   /* files and directories; link and rename too */
	MAY_REMOVE = 8,
	MAY_EXECUTE = 16,
};

struct confine_path {
	const char *path; /* NULL ends the table */
	unsigned rights;
};

/* System calls, in groups; what every program needs is always there. */
enum confine_calls {
	CALLS_FILES = 1,    /* open, stat, link, rename, unlink, fsync … */
	CALLS_SOCKETS = 2,  /* socket and connect: IPv4, IPv6 and Unix */
	CALLS_PROGRAMS = 4, /* fork, exec, wait, pipe, socketpair, kill */
	CALLS_ANY = 8,      /* for who starts strangers' programs: all but what
			     * no mail program needs (ptrace, mount, bpf …) */
	CALLS_PASS_FD = 16, /* recvmsg, sendmsg: descriptors over a socket */
};

struct confinement {
	const struct confine_path *paths; /* NULL: no file at all */
	unsigned calls;
	uint64_t memory; /* bytes of address space; 0: as inherited */
	unsigned files;  /* open descriptors; 0: as inherited */
};

/*
 * No way back. fatal() when it cannot be had, except that a kernel without
 * Landlock (or a filter that hides it) is lived with. Paths are relative to the
 * home. The log's connection must be open: it opens it.
 */
void confine(const struct confinement *);

/* Neither core nor ptrace may show what is in memory: for who has passwords. */
void confine_secrets(void);

#endif
