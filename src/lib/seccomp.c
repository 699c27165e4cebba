#include "seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <ucontext.h>
#include <unistd.h>

#include "calls.h"
#include "confine.h"
#include "log.h"
#include "str.h"

#define REFUSALS_MAX 10 /* lines of log: who tries more has been seen */

#if defined(__x86_64__)
#define ARCHITECTURE 0xc000003eu
#define REGISTER(context, n) ((context)->uc_mcontext.gregs[n])
#define RESULT_SET(context, value) (REGISTER(context, REG_RAX) = (value))
#define ARGUMENT(context, n) REGISTER(context, (n) == 0 ? REG_RDI : \
    (n) == 1 ? REG_RSI : (n) == 2 ? REG_RDX : REG_R10)
#elif defined(__aarch64__)
#define ARCHITECTURE 0xc00000b7u
#define RESULT_SET(context, value) \
    ((context)->uc_mcontext.regs[0] = (unsigned long long)(value))
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

#define COUNT(array) (sizeof(array) / sizeof *(array))

static unsigned char verdicts[CALLS_NUMBERS + 1];

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
	_Alignas(4096) struct instruction code[LENGTH_MAX]; /* pages of its own */
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

static void unless_null_refuse(unsigned argument)
{
	bits_refuse(argument, UINT32_MAX);
	emit(LOAD, (uint32_t)offsetof(struct said, argument) + 8 * argument + 4,
	    0, 0);
	emit(IF_BITS, UINT32_MAX, 0, 1);
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
	    SIOCGIFINDEX, TCSETS, TCSETSW};

	emit_argument(1);
	unless_refuse(asked, COUNT(asked) -
	    (filter.groups & CALLS_TERMINAL ? 0 : 2));
}

/* F_SETOWN, say, has the kernel send anybody a signal; F_DUPFD to F_SETLKW. */
static void emit_fcntl(void)
{
	static const uint32_t more[] = {F_OFD_GETLK, F_OFD_SETLK,
	    F_DUPFD_CLOEXEC, F_GETPIPE_SZ};

	emit_argument(1);
	emit(IF_LEAST, F_SETLKW + 1, 0, COUNT(more) + 1);
	unless_refuse(more, COUNT(more));
}

static void emit_verdict(enum verdict verdict)
{
	uint32_t self;

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
		self = (uint32_t)getpid();
		emit_argument(0);
		unless_refuse(&self, 1);
		break;
	case NO_CODE:
		bits_refuse(2, PROT_EXEC);
		break;
	case TERMINAL:
		emit_ioctl();
		break;
	case NO_OWNER:
		emit_fcntl();
		break;
	case NO_TYPING:
		emit_argument(1);
		emit(IF_EQUAL, TIOCSTI, 1, 0);
		emit(IF_EQUAL, TIOCLINUX, 0, 1);
		emit(RETURN, filter.refused, 0, 0);
		break;
	case NO_NAMESPACE:
		bits_refuse(0, 0x7e020000); /* CLONE_NEW… */
		break;
	case NO_PATH:
		unless_null_refuse(1);
		break;
	case NO_ADDRESS:
		unless_null_refuse(4);
		break;
	case OWN_LIMITS:
		bits_refuse(0, UINT32_MAX);
		break;
	case SOCKET:
		emit_socket();
		break;
	case BEYOND: /* strace(1) makes it -1, which is no call at all */
		emit(IF_EQUAL, UINT32_MAX, 1, 0);
		emit(RETURN, filter.groups & (CALLS_ANY | CALLS_PROGRAMS) ?
		    FAILS | ENOSYS : filter.refused, 0, 0);
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
	int begin[CALLS_NUMBERS + 2];
	size_t ranges = 0;

	filter.n = filter.ends = 0;
	filter.groups = groups;
	filter.refused = groups & CALLS_ANY ? FAILS | EPERM : REFUSED;
	calls_judge(groups, verdicts);
	for (int i = 0; i <= CALLS_NUMBERS; i++)
		if (i == 0 || verdicts[i] != verdicts[i - 1] ||
		    verdicts[i] > ABSENT)
			begin[ranges++] = i;
	begin[ranges] = CALLS_NUMBERS + 1;
	emit(LOAD, offsetof(struct said, architecture), 0, 0);
	emit(IF_EQUAL, ARCHITECTURE, 1, 0);
	emit(RETURN, KILLED, 0, 0);
	emit(LOAD, offsetof(struct said, number), 0, 0);
	emit_ranges(begin, 0, ranges);
	emit_ends();
}

/* What was refused */

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
	if (call->path != CALL_NO_PATH)
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
		RESULT_SET(context, syscall(SYS_fstat, ARGUMENT(context, 0),
		    ARGUMENT(context, 2)) == 0 ? 0 : -errno);
	} else {
		refusal_log(what->si_syscall, context);
		RESULT_SET(context, -EPERM);
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
	if (sigaction(SIGSYS, &action, NULL) != 0 ||
	    syscall(SYS_seccomp, 1 /* SET_MODE_FILTER */, 0, &program) != 0)
		return false;
	/* A session that sleeps for hours need not hold what made it. */
	pages_free(&filter, sizeof filter);
	return true;
}

#endif
