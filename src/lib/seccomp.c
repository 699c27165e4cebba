#include "seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <ucontext.h>
#include <unistd.h>

#include "confine.h"
#include "log.h"

#define REFUSALS_MAX 10 /* lines of log: who tries more has been seen */

#if defined(__x86_64__)
#define ARCHITECTURE 0xc000003eu
#define REGISTER(context, n) ((context)->uc_mcontext.gregs[n])
#define RESULT(context) REGISTER(context, REG_RAX)
#define ARGUMENT(context, n) REGISTER(context, (n) == 0 ? REG_RDI : \
    (n) == 1 ? REG_RSI : (n) == 2 ? REG_RDX : REG_R10)
#elif defined(__aarch64__)
#define ARCHITECTURE 0xc00000b7u
#define RESULT(context) ((context)->uc_mcontext.regs[0])
#define ARGUMENT(context, n) ((context)->uc_mcontext.regs[n])
#endif

#ifndef ARCHITECTURE

bool seccomp_available(void)
{
	return false;
}

bool seccomp_enter(unsigned calls)
{
	(void)calls;
	return false;
}

#else

/* The system calls */

enum verdict {
	REFUSE,
	ALLOW,
	ABSENT,        /* ENOSYS: libc knows another way */
	TO_ITSELF,     /* kill, tgkill */
	NO_CODE,       /* mmap, mprotect: memory that is no program */
	TERMINAL,      /* ioctl: what stdio asks */
	NO_TYPING,     /* ioctl: all but input in another's name */
	NO_NAMESPACE,  /* clone */
	NO_PATH,       /* utimensat: of a descriptor */
	OWN_LIMITS,    /* prlimit64 */
	SOCKET,        /* of the families and protocols of the groups */
	BEYOND,        /* a number that no system call has */
};

#define ALWAYS 0x100u /* groups, beside enum confine_calls */
#define NEVER 0u
#define FILES (CALLS_FILES | CALLS_PROGRAMS)
#define NETWORK (CALLS_SOCKETS | CALLS_UNIX)
#define FORK CALLS_PROGRAMS
#define CONFINE (CALLS_CONFINE | CALLS_PROGRAMS)
#define NO_PATH_ARGUMENT 9

/*
 * A line for each: its group, what is looked at when it is allowed, and the
 * argument that is a path, for the log. A later line for the same call wins.
 * The calls of NEVER are here for their names, and for CALLS_ANY.
 */
#define CALL(name) SYS_##name, #name
#define IN(group) group, ALLOW, NO_PATH_ARGUMENT
#define PATH(group, n) group, ALLOW, n
#define IF(group, verdict) group, verdict, NO_PATH_ARGUMENT

static const struct call {
	int number;
	const char *name;
	unsigned groups;
	enum verdict verdict;
	int path;
} calls[] = {
	{CALL(read), IN(ALWAYS)},
	{CALL(readv), IN(ALWAYS)},
	{CALL(write), IN(ALWAYS)},
	{CALL(writev), IN(ALWAYS)},
	{CALL(close), IN(ALWAYS)},
	{CALL(close_range), IN(ALWAYS)},
	{CALL(ppoll), IN(ALWAYS)},
	{CALL(pselect6), IN(ALWAYS)},
	{CALL(lseek), IN(ALWAYS)},
	{CALL(fstat), IN(ALWAYS)},
	{CALL(fcntl), IN(ALWAYS)},
	{CALL(dup), IN(ALWAYS)},
	{CALL(dup3), IN(ALWAYS)},
	{CALL(ioctl), IF(ALWAYS, TERMINAL)},
	{CALL(shutdown), IN(ALWAYS)},
	{CALL(getsockname), IN(ALWAYS)},
	{CALL(getpeername), IN(ALWAYS)},
	{CALL(getsockopt), IN(ALWAYS)},
	{CALL(setsockopt), IN(ALWAYS)},
	{CALL(brk), IN(ALWAYS)},
	{CALL(mmap), IF(ALWAYS, NO_CODE)},
	{CALL(mprotect), IF(ALWAYS, NO_CODE)},
	{CALL(munmap), IN(ALWAYS)},
	{CALL(mremap), IN(ALWAYS)},
	{CALL(madvise), IN(ALWAYS)},
	{CALL(rt_sigaction), IN(ALWAYS)},
	{CALL(rt_sigprocmask), IN(ALWAYS)},
	{CALL(rt_sigreturn), IN(ALWAYS)},
	{CALL(sigaltstack), IN(ALWAYS)},
	{CALL(kill), IF(ALWAYS, TO_ITSELF)},
	{CALL(tgkill), IF(ALWAYS, TO_ITSELF)},
	{CALL(tkill), IF(ALWAYS, TO_ITSELF)}, /* musl's raise() */
	{CALL(rt_sigsuspend), IN(ALWAYS)},
	{CALL(rt_sigpending), IN(ALWAYS)},
	{CALL(rt_sigtimedwait), IN(ALWAYS)},
	{CALL(restart_syscall), IN(ALWAYS)},
	{CALL(nanosleep), IN(ALWAYS)},
	{CALL(clock_nanosleep), IN(ALWAYS)},
	{CALL(clock_gettime), IN(ALWAYS)},
	{CALL(clock_getres), IN(ALWAYS)},
	{CALL(gettimeofday), IN(ALWAYS)},
	{CALL(setitimer), IN(ALWAYS)},
	{CALL(getitimer), IN(ALWAYS)},
	{CALL(getrusage), IN(ALWAYS)},
	{CALL(getpid), IN(ALWAYS)},
	{CALL(gettid), IN(ALWAYS)},
	{CALL(getppid), IN(ALWAYS)},
	{CALL(getuid), IN(ALWAYS)},
	{CALL(geteuid), IN(ALWAYS)},
	{CALL(getgid), IN(ALWAYS)},
	{CALL(getegid), IN(ALWAYS)},
	{CALL(getrandom), IN(ALWAYS)},
	{CALL(umask), IN(ALWAYS)},
	{CALL(uname), IN(ALWAYS)},
	{CALL(futex), IN(ALWAYS)},
	{CALL(wait4), IN(ALWAYS)}, /* for what was started before */
	{CALL(sched_yield), IN(ALWAYS)},
	{CALL(set_robust_list), IN(ALWAYS)},
	{CALL(exit), IN(ALWAYS)},
	{CALL(exit_group), IN(ALWAYS)},

	{CALL(openat), PATH(FILES, 1)},
	{CALL(faccessat), PATH(FILES, 1)},
#ifdef SYS_faccessat2
	{CALL(faccessat2), PATH(FILES, 1)},
#endif
	{CALL(newfstatat), PATH(FILES, 1)},
	{CALL(statx), PATH(FILES, 1)},
	{CALL(readlinkat), PATH(FILES, 1)},
	{CALL(getcwd), IN(FILES)},
	{CALL(chdir), PATH(FILES, 0)},
	{CALL(fchdir), IN(FILES)},
	{CALL(getdents64), IN(FILES)},
	{CALL(mkdirat), PATH(FILES, 1)},
	{CALL(mknodat), PATH(FILES, 1)},
	{CALL(linkat), PATH(FILES, 1)},
	{CALL(unlinkat), PATH(FILES, 1)},
	{CALL(renameat2), PATH(FILES, 1)},
	{CALL(fsync), IN(FILES)},
	{CALL(fdatasync), IN(FILES)},
	{CALL(syncfs), IN(FILES)},
	{CALL(ftruncate), IN(FILES)},
	{CALL(fallocate), IN(FILES)},
	{CALL(flock), IN(FILES)},
	{CALL(fchmod), IN(FILES)},
	{CALL(utimensat), IF(FILES, NO_PATH)},
	{CALL(fstatfs), IN(FILES)},
	{CALL(pread64), IN(FILES)},
	{CALL(preadv), IN(FILES)},
	{CALL(pwrite64), IN(FILES)},
	{CALL(pwritev), IN(FILES)},
	{CALL(sendfile), IN(FILES)},
	{CALL(copy_file_range), IN(FILES)},
	{CALL(fadvise64), IN(FILES)},
	{CALL(memfd_create), IN(FILES)},

	{CALL(socket), IF(NETWORK, SOCKET)},
	{CALL(connect), IN(NETWORK)},
	{CALL(sendto), IN(NETWORK)},
	{CALL(recvfrom), IN(NETWORK)},

	{CALL(recvmsg), IN(CALLS_PASS_FD)},

	{CALL(clone), IF(FORK, NO_NAMESPACE)},
	{CALL(clone3), IF(FORK, ABSENT)},
	{CALL(execve), PATH(FORK, 0)},
	{CALL(waitid), IN(FORK)},
	{CALL(pipe2), IN(FORK)},
	{CALL(socketpair), IN(FORK)},
	{CALL(kill), IN(FORK)},
	{CALL(tgkill), IN(FORK)},
	{CALL(tkill), IN(FORK)},
	{CALL(mmap), IN(FORK)},
	{CALL(mprotect), IN(FORK)},
	{CALL(setsid), IN(FORK)},
	{CALL(setpgid), IN(FORK)},
	{CALL(prctl), IN(CONFINE)},
	{CALL(seccomp), IN(CONFINE)},
	{CALL(prlimit64), IF(CONFINE, OWN_LIMITS)},
	{CALL(set_tid_address), IN(FORK)},
	{CALL(sched_getaffinity), IN(FORK)},
	{CALL(sysinfo), IN(FORK)}, /* by glibc's qsort() */
#ifdef SYS_rseq
	{CALL(rseq), IN(FORK)},
#endif
#ifdef SYS_landlock_create_ruleset
	{CALL(landlock_create_ruleset), IN(CONFINE)},
	{CALL(landlock_add_rule), IN(CONFINE)},
	{CALL(landlock_restrict_self), IN(CONFINE)},
#endif

#ifdef __x86_64__ /* aarch64 never had these */
	{CALL(poll), IN(ALWAYS)},
	{CALL(select), IN(ALWAYS)},
	{CALL(dup2), IN(ALWAYS)},
	{CALL(alarm), IN(ALWAYS)},
	{CALL(pause), IN(ALWAYS)},
	{CALL(time), IN(ALWAYS)},
	{CALL(open), PATH(FILES, 0)},
	{CALL(creat), PATH(NEVER, 0)},
	{CALL(stat), PATH(FILES, 0)},
	{CALL(lstat), PATH(FILES, 0)},
	{CALL(access), PATH(FILES, 0)},
	{CALL(readlink), PATH(FILES, 0)},
	{CALL(mkdir), PATH(FILES, 0)},
	{CALL(rmdir), PATH(FILES, 0)},
	{CALL(mknod), PATH(FILES, 0)},
	{CALL(link), PATH(FILES, 0)},
	{CALL(unlink), PATH(FILES, 0)},
	{CALL(rename), PATH(FILES, 0)},
	{CALL(renameat), PATH(FILES, 1)},
	{CALL(symlink), PATH(NEVER, 1)},
	{CALL(chmod), PATH(NEVER, 0)},
	{CALL(chown), PATH(NEVER, 0)},
	{CALL(fork), IN(FORK)},
	{CALL(vfork), IN(FORK)},
	{CALL(pipe), IN(FORK)},
	{CALL(getrlimit), IN(FORK)},
	{CALL(arch_prctl), IN(FORK)},
#endif

	/* Refused: those that have to do with what is the user's own … */
	{CALL(fchmodat), PATH(NEVER, 1)},
	{CALL(fchownat), PATH(NEVER, 1)},
	{CALL(symlinkat), PATH(NEVER, 2)},
	{CALL(truncate), PATH(NEVER, 0)},
	{CALL(bind), IN(NEVER)},
	{CALL(listen), IN(NEVER)},
	{CALL(accept4), IN(NEVER)},
	{CALL(sendmsg), IN(NEVER)},
};

/* … and what is refused to the programs of strangers, too. */
static const struct call dangerous[] = {
	{CALL(ptrace), IN(NEVER)},
	{CALL(process_vm_readv), IN(NEVER)},
	{CALL(process_vm_writev), IN(NEVER)},
	{CALL(kcmp), IN(NEVER)},
#ifdef SYS_pidfd_getfd
	{CALL(pidfd_getfd), IN(NEVER)},
#endif
#ifdef SYS_process_madvise
	{CALL(process_madvise), IN(NEVER)},
#endif
	{CALL(unshare), IN(NEVER)},
	{CALL(setns), IN(NEVER)},
	{CALL(mount), PATH(NEVER, 1)},
	{CALL(umount2), PATH(NEVER, 0)},
	{CALL(pivot_root), IN(NEVER)},
	{CALL(chroot), PATH(NEVER, 0)},
#ifdef SYS_open_tree
	{CALL(open_tree), PATH(NEVER, 1)},
	{CALL(move_mount), IN(NEVER)},
	{CALL(fsopen), IN(NEVER)},
	{CALL(fsconfig), IN(NEVER)},
	{CALL(fsmount), IN(NEVER)},
	{CALL(fspick), IN(NEVER)},
#endif
#ifdef SYS_mount_setattr
	{CALL(mount_setattr), IN(NEVER)},
#endif
	{CALL(name_to_handle_at), PATH(NEVER, 1)},
	{CALL(open_by_handle_at), IN(NEVER)},
	{CALL(fanotify_init), IN(NEVER)},
	{CALL(bpf), IN(NEVER)},
	{CALL(perf_event_open), IN(NEVER)},
	{CALL(userfaultfd), IN(NEVER)},
	{CALL(io_uring_setup), IN(NEVER)},
	{CALL(io_uring_enter), IN(NEVER)},
	{CALL(io_uring_register), IN(NEVER)},
	{CALL(add_key), IN(NEVER)},
	{CALL(request_key), IN(NEVER)},
	{CALL(keyctl), IN(NEVER)},
	{CALL(init_module), IN(NEVER)},
	{CALL(finit_module), IN(NEVER)},
	{CALL(delete_module), IN(NEVER)},
	{CALL(kexec_load), IN(NEVER)},
	{CALL(reboot), IN(NEVER)},
	{CALL(swapon), IN(NEVER)},
	{CALL(swapoff), IN(NEVER)},
	{CALL(acct), IN(NEVER)},
	{CALL(quotactl), IN(NEVER)},
	{CALL(syslog), IN(NEVER)},
	{CALL(personality), IN(NEVER)},
	{CALL(settimeofday), IN(NEVER)},
	{CALL(clock_settime), IN(NEVER)},
	{CALL(adjtimex), IN(NEVER)},
	{CALL(clock_adjtime), IN(NEVER)},
	{CALL(sethostname), IN(NEVER)},
	{CALL(setdomainname), IN(NEVER)},
	{CALL(vhangup), IN(NEVER)},
#ifdef __x86_64__
	{CALL(modify_ldt), IN(NEVER)},
	{CALL(iopl), IN(NEVER)},
	{CALL(ioperm), IN(NEVER)},
#endif
};

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NUMBERS 464 /* of the calls that Linux 6.18 has, and some of before */

/* What becomes of each number; the last is for all beyond. */
static unsigned char verdicts[NUMBERS + 1];

static void verdict_set(int number, enum verdict verdict)
{
	if (number >= 0 && number < NUMBERS)
		verdicts[number] = (unsigned char)verdict;
}

/* Of what is newer than this table we know nothing: it is not there. */
static void verdicts_any(void)
{
	memset(verdicts, ALLOW, sizeof verdicts);
	for (size_t i = 0; i < COUNT(dangerous); i++)
		verdict_set(dangerous[i].number, REFUSE);
	verdict_set(SYS_clone, NO_NAMESPACE);
	verdict_set(SYS_clone3, ABSENT);
	verdict_set(SYS_ioctl, NO_TYPING);
	verdict_set(SYS_socket, SOCKET);
}

static void verdicts_make(unsigned groups)
{
	if (groups & CALLS_ANY) {
		verdicts_any();
	} else {
		memset(verdicts, REFUSE, sizeof verdicts);
		for (size_t i = 0; i < COUNT(calls); i++)
			if (calls[i].groups & (groups | ALWAYS))
				verdict_set(calls[i].number, calls[i].verdict);
	}
	verdicts[NUMBERS] = BEYOND;
}

/* The filter: a program of the kernel's classic BPF. */

enum {
	LOAD = 0x20,   /* a word of what the kernel says of the call */
	AND = 0x54,
	IF_EQUAL = 0x15,
	IF_LEAST = 0x35, /* ≥ */
	IF_BITS = 0x45,  /* any of them */
	RETURN = 0x06,
};

enum {
	TAKEN = 0x7fff0000,
	REFUSED = 0x00030000, /* SECCOMP_RET_TRAP: SIGSYS */
	FAILS = 0x00050000,   /* SECCOMP_RET_ERRNO, and which */
};
#define KILLED 0x80000000u

struct instruction {
	uint16_t code;
	unsigned char yes, no; /* to be left out */
	uint32_t value;
};

struct said { /* struct seccomp_data */
	int number;
	uint32_t architecture;
	uint64_t pointer, argument[6];
};

#define LENGTH_MAX 400 /* 250 for the longest of our tables */

/* A jump to one of the common ends, which come last. */
struct end {
	size_t at;
	unsigned char *jump, verdict;
};

static struct {
	struct instruction code[LENGTH_MAX];
	size_t n;
	struct end end[LENGTH_MAX];
	size_t ends;
	unsigned groups;
	uint32_t refused;
} filter;

static void emit(unsigned code, uint32_t value, unsigned char yes,
    unsigned char no)
{
	if (filter.n == LENGTH_MAX)
		fatal(EX_SOFTWARE, "the filter is too long");
	filter.code[filter.n++] = (struct instruction){(uint16_t)code, yes,
	    no, value};
}

/* The jump of the instruction at `at` leads to the next one. */
static void land(size_t at, unsigned char *jump)
{
	if (filter.n - at - 1 > UINT8_MAX)
		fatal(EX_SOFTWARE, "the filter is too long");
	*jump = (unsigned char)(filter.n - at - 1);
}

/* The lower half: both machines keep it first. */
static void emit_argument(unsigned n)
{
	emit(LOAD, (uint32_t)offsetof(struct said, argument) + 8 * n, 0, 0);
}

static void unless_refuse(const uint32_t *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		emit(IF_EQUAL, values[i], (unsigned char)(n - i), 0);
	emit(RETURN, filter.refused, 0, 0);
}

static void bits_refuse(unsigned argument, uint32_t bits)
{
	emit_argument(argument);
	emit(IF_BITS, bits, 0, 1);
	emit(RETURN, filter.refused, 0, 0);
}

/* MPTCP, say, is no TCP to Landlock. */
static void emit_socket(void)
{
	static const uint32_t types[] = {SOCK_STREAM, SOCK_DGRAM};
	static const uint32_t protocols[] = {0, IPPROTO_TCP, IPPROTO_UDP};
	uint32_t families[3];
	size_t n = 0;

	if (filter.groups & (CALLS_UNIX | CALLS_ANY))
		families[n++] = AF_UNIX;
	if (filter.groups & CALLS_SOCKETS) {
		families[n++] = AF_INET;
		families[n++] = AF_INET6;
	}
	emit_argument(0);
	unless_refuse(families, n);
	emit_argument(1);
	emit(AND, 0xf, 0, 0);
	unless_refuse(types, COUNT(types));
	emit_argument(2);
	unless_refuse(protocols, COUNT(protocols));
}

/* SIOCGIFINDEX: a name server at fe80::1%eth0. */
static void emit_ioctl(void)
{
	static const uint32_t asked[] = {TCGETS, TIOCGWINSZ, FIONREAD,
	    SIOCGIFINDEX};

	emit_argument(1);
	unless_refuse(asked, COUNT(asked));
}

static void emit_verdict(enum verdict verdict)
{
	const uint32_t self = (uint32_t)getpid();

	switch (verdict) {
	case REFUSE:
		emit(RETURN, filter.refused, 0, 0);
		return;
	case ABSENT:
		emit(RETURN, FAILS | ENOSYS, 0, 0);
		return;
	case ALLOW:
		break;
	case TO_ITSELF:
		emit_argument(0);
		unless_refuse(&self, 1);
		break;
	case NO_CODE:
		bits_refuse(2, PROT_EXEC);
		break;
	case TERMINAL:
		emit_ioctl();
		break;
	case NO_TYPING:
		emit_argument(1);
		emit(IF_EQUAL, TIOCSTI, 0, 1);
		emit(RETURN, filter.refused, 0, 0);
		break;
	case NO_NAMESPACE:
		bits_refuse(0, 0x7e020000); /* CLONE_NEW… */
		break;
	case NO_PATH:
		bits_refuse(1, UINT32_MAX);
		emit(LOAD, (uint32_t)offsetof(struct said, argument) + 8 + 4,
		    0, 0);
		emit(IF_BITS, UINT32_MAX, 0, 1);
		emit(RETURN, filter.refused, 0, 0);
		break;
	case OWN_LIMITS:
		bits_refuse(0, UINT32_MAX);
		break;
	case SOCKET:
		emit_socket();
		break;
	case BEYOND: /* strace(1) makes it -1, which is no call at all */
		emit(IF_EQUAL, UINT32_MAX, 1, 0);
		emit(RETURN, filter.groups & CALLS_ANY ? FAILS | ENOSYS :
		    filter.refused, 0, 0);
		break;
	}
	emit(RETURN, TAKEN, 0, 0);
}

/*
 * Finds the number among the beginnings of ranges that fare alike. The kernel
 * asks for each number when it takes the filter, and what that costs (5 us for
 * an instruction that all pass) is the way to the answer: a range has a shorter
 * one the wider it is.
 */
static void emit_ranges(const int *begin, size_t low, size_t high);

static void lead(size_t at, unsigned char *jump, const int *begin, size_t low,
    size_t high)
{
	unsigned char verdict = verdicts[begin[low]];

	if (high - low == 1 && verdict <= ABSENT) {
		filter.end[filter.ends++] = (struct end){at, jump, verdict};
		return;
	}
	land(at, jump);
	if (high - low == 1)
		emit_verdict(verdict);
	else
		emit_ranges(begin, low, high);
}

static void emit_ranges(const int *begin, size_t low, size_t high)
{
	size_t middle = low + 1, at = filter.n;

	while (middle + 1 < high && begin[middle] + begin[middle + 1] <=
	    begin[low] + begin[high])
		middle++;
	emit(IF_LEAST, (uint32_t)begin[middle], 0, 0);
	lead(at, &filter.code[at].no, begin, low, middle);
	lead(at, &filter.code[at].yes, begin, middle, high);
}

static void emit_ends(void)
{
	for (unsigned verdict = REFUSE; verdict <= ABSENT; verdict++) {
		for (size_t i = 0; i < filter.ends; i++)
			if (filter.end[i].verdict == verdict)
				land(filter.end[i].at, filter.end[i].jump);
		emit_verdict(verdict);
	}
}

static void filter_make(unsigned groups)
{
	int begin[NUMBERS + 2];
	size_t ranges = 0;

	filter.n = filter.ends = 0;
	filter.groups = groups;
	filter.refused = groups & CALLS_ANY ? FAILS | EPERM : REFUSED;
	verdicts_make(groups);
	for (int i = 0; i <= NUMBERS; i++)
		if (i == 0 || verdicts[i] != verdicts[i - 1] ||
		    verdicts[i] > ABSENT)
			begin[ranges++] = i;
	begin[ranges] = NUMBERS + 1;
	emit(LOAD, offsetof(struct said, architecture), 0, 0);
	emit(IF_EQUAL, ARCHITECTURE, 1, 0);
	emit(RETURN, KILLED, 0, 0);
	emit(LOAD, offsetof(struct said, number), 0, 0);
	emit_ranges(begin, 0, ranges);
	emit_ends();
}

/* What was refused */

static const struct call *call_find(int number)
{
	for (size_t i = 0; i < COUNT(calls); i++)
		if (calls[i].number == number)
			return &calls[i];
	for (size_t i = 0; i < COUNT(dangerous); i++)
		if (dangerous[i].number == number)
			return &dangerous[i];
	return NULL;
}

static void refusal_log(int number, const ucontext_t *context)
{
	static unsigned count;
	const struct call *call = call_find(number);
	const char *path = NULL, *more = "";

	if (++count > REFUSALS_MAX)
		return;
	if (count == REFUSALS_MAX)
		more = ", and no more is said";
	if (call == NULL) {
		warn("confined refused=%d%s", number, more);
		return;
	}
	if (call->path != NO_PATH_ARGUMENT)
		path = (const char *)(uintptr_t)ARGUMENT(context, call->path);
	warn("confined refused=%s%s%s%s", call->name,
	    path != NULL ? " path=" : "", path != NULL ? safe(path) : "",
	    more);
}

/* glibc's fstat(): newfstatat(), which would look at any path as well. */
static bool is_fstat(int number, const ucontext_t *context)
{
	const char *path = (const char *)(uintptr_t)ARGUMENT(context, 1);

	return number == SYS_newfstatat && path != NULL && *path == '\0' &&
	    ARGUMENT(context, 3) == AT_EMPTY_PATH;
}

static void on_refused(int signal, siginfo_t *what, void *saved)
{
	ucontext_t *context = saved;
	int error = errno;

	(void)signal;
	if (what->si_code != 1 /* SYS_SECCOMP */)
		return;
	if (is_fstat(what->si_syscall, context)) {
		RESULT(context) = syscall(SYS_fstat, ARGUMENT(context, 0),
		    ARGUMENT(context, 2)) == 0 ? 0 : -errno;
	} else {
		refusal_log(what->si_syscall, context);
		RESULT(context) = -EPERM;
	}
	errno = error;
}

bool seccomp_available(void)
{
	uint32_t action = REFUSED;

	return syscall(SYS_seccomp, 2 /* GET_ACTION_AVAIL */, 0, &action) == 0;
}

bool seccomp_enter(unsigned groups)
{
	const struct sigaction action = {
		.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO,
	};
	struct {
		unsigned short n;
		struct instruction *code;
	} program;

	filter_make(groups);
	program.n = (unsigned short)filter.n;
	program.code = filter.code;
	return sigaction(SIGSYS, &action, NULL) == 0 &&
	    syscall(SYS_seccomp, 1 /* SET_MODE_FILTER */, 0, &program) == 0;
}

#endif
