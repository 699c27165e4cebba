/*
 * Confinement: from here on this process, and all that it starts, can do no
 * more than its table says. Landlock for files, TCP, signals and abstract
 * sockets, seccomp for system calls, setrlimit for the rest; by raw system
 * calls, since no libc has them. What each program may do stands in one table in
 * its source, and in its manual page; pennypost-confinement(7) is about all.
 *
 * A refused system call fails with EPERM and is logged, with the path that it
 * named: `confined refused=openat path=users/passwd`. What Landlock refuses
 * fails with EACCES (signals, abstract sockets: EPERM) and is logged by the
 * kernel, if at all: audit(7). Under CALLS_PROGRAMS, calls that nobody here has
 * heard of fail with ENOSYS, unlogged.
 *
 * Where the kernel has no Landlock, that is said once (spool/no-landlock tells
 * that it was), and the rest holds; so with filters, spool/no-seccomp.
 */
#ifndef CONFINE_H
#define CONFINE_H

#include <stdint.h>

/* What may be done at and below a path; it is skipped when it is not there. */
enum confine_rights {
	MAY_READ = 1,     /* files, and the names in directories */
	MAY_WRITE = 2,    /* files that are there */
	MAY_CREATE = 4,   /* files, FIFOs, directories; link and rename too */
	MAY_REMOVE = 8,   /* also what is renamed away */
	MAY_EXECUTE = 16,
	MAY_LIST = 64,    /* only the names: and so fsync of a directory */
	MAY_ALL = 32,     /* whatever the user may: for strangers' programs */
};

struct confine_path {
	const char *path; /* relative to the home; NULL ends the table */
	unsigned rights;
};

/*
 * System calls, in groups. What every program needs is always there: reading,
 * writing, polling and closing what is open, memory (none that can be executed),
 * time, random numbers, signals to itself.
 */
enum confine_calls {
	/* open, stat, link, rename, unlink, fsync … What Landlock does not
	 * see (chmod, chown, utime by path) is in no group. */
	CALLS_FILES = 1,
	/* socket, connect, sendto, recvfrom: TCP and UDP, no other protocol. */
	CALLS_SOCKETS = 2,
	/* The same for Unix sockets with a path. */
	CALLS_UNIX = 4,
	/* fork, exec, wait, pipe, socketpair, kill; and all that a dynamic
	 * program needs to begin, CALLS_FILES with it. */
	CALLS_PROGRAMS = 8,
	/* For who starts strangers' programs: all but what no mail program
	 * needs (ptrace, mount, bpf …). Sockets: Unix, and what CALLS_SOCKETS
	 * says. Refusals are not logged: what is started has no handler. */
	CALLS_ANY = 16,
	/* recvmsg: takes descriptors. There is no sendmsg: on the log's socket
	 * it could name any other. write() sends a packet as well. */
	CALLS_PASS_FD = 32,
	/* confine() once more. */
	CALLS_CONFINE = 64,
	/* inotify(7), of any directory: Landlock does not see it. */
	CALLS_WATCH = 128,
	/* A terminal's echo: tcsetattr(3). */
	CALLS_TERMINAL = 256,
};

struct confinement {
	const struct confine_path *paths; /* NULL: no file at all */
	unsigned calls;
	/* With CALLS_SOCKETS: where TCP may go, 0 ends it; NULL: anywhere. */
	const unsigned *ports;
	uint64_t memory; /* bytes of address space; 0: as inherited */
	unsigned files;  /* a descriptor's number is below; 0: as inherited */
	unsigned seconds; /* of processor time; 0: as inherited */
};

/*
 * No way back. When it cannot be had, fatal() for now, but for a kernel that has
 * none of it. It opens the log's connection, for the last time: where syslogd
 * begins anew, the session's later lines are lost. It may be called again, and
 * then takes away more.
 */
void confine(const struct confinement *);

/*
 * Neither core nor ptrace may show what is in memory: for who has passwords.
 * Once is enough, before the fork; a program that is started begins without.
 */
void confine_secrets(void);

#endif
