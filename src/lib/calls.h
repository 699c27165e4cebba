/* The system calls, by groups (confine.h): the table behind seccomp.c. */
#ifndef CALLS_H
#define CALLS_H

#define CALLS_NUMBERS 464 /* of those that Linux 6.18 has, and of some to come */
#define CALL_NO_PATH 9    /* none of its arguments is a path */

/* What becomes of a call. Those behind ABSENT look at its arguments. */
enum verdict {
	REFUSE,
	ALLOW,
	ABSENT,        /* ENOSYS: libc knows another way */
	TO_ITSELF,     /* kill, tgkill */
	NO_CODE,       /* mmap, mprotect: memory that is no program */
	TERMINAL,      /* ioctl: what stdio asks, and what CALLS_TERMINAL does */
	NO_OWNER,      /* fcntl: locks and flags, no signals to others */
	NO_TYPING,     /* ioctl: all but input in another's name */
	NO_NAMESPACE,  /* clone */
	NO_PATH,       /* utimensat: of a descriptor */
	NO_ADDRESS,    /* sendto: to whom connect() was let; no fast open */
	OWN_LIMITS,    /* prlimit64 */
	SOCKET,        /* of the families and protocols of the groups */
	BEYOND,        /* a number that no system call has */
};

struct call {
	int number;
	const char *name;
	unsigned groups;
	enum verdict verdict;
	int path;
};

/* The verdict on each number; the last is on all beyond. */
void calls_judge(unsigned groups, unsigned char verdicts[CALLS_NUMBERS + 1]);

/* What we know of the call; NULL: nothing. */
const struct call *call_find(int number);

#endif
