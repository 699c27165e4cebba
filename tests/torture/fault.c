/*
 * fault LOG -l COMMAND...
 * fault LOG PROCESS CALL K FAULT COMMAND...
 *
 * Runs a command and all that it starts. -l lists in LOG the system calls of
 * each process, from where it enters the home: lines of PROCESS CALL K, the
 * K-th call of that name. Else that call is not made: the process is killed
 * (FAULT is KILL), or meets an error (EIO ...), and LOG says "reached".
 *
 * smtpd.1 is the first smtpd that was executed, and smtpd.2, .3 its forks, in
 * their order; smtpd.v1 is a child of vfork(), until it becomes something else.
 *
 * The status is the command's, 128 more than the signal that ended it.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 256
#define CALLS 512
#define NAME 32

#define STRUCT_SIZE 88 /* of the kernel's ptrace_syscall_info */
struct call_info {
	uint8_t op;
	uint8_t pad[3];
	uint32_t arch;
	uint64_t ip, sp;
	uint64_t nr;
	uint64_t rest[7];
};
enum { ENTRY = 1, EXIT = 2 };

static const char *const names[CALLS] = {
#define C(name) [SYS_##name] = #name,
	C(read) C(write) C(close) C(fstat) C(lseek) C(mmap) C(mprotect)
	C(munmap) C(brk) C(rt_sigaction) C(rt_sigprocmask) C(ioctl) C(pread64)
	C(pwrite64) C(readv) C(writev) C(dup) C(dup3) C(nanosleep) C(getpid)
	C(socket) C(connect) C(sendto) C(recvfrom) C(sendmsg) C(recvmsg)
	C(shutdown) C(bind) C(getsockname) C(getpeername) C(socketpair)
	C(setsockopt) C(getsockopt) C(clone) C(execve) C(exit) C(wait4) C(kill)
	C(uname) C(fcntl) C(flock) C(fsync) C(fdatasync) C(ftruncate) C(getcwd)
	C(chdir) C(umask) C(prctl) C(getuid) C(geteuid) C(setgroups)
	C(setresuid) C(setresgid) C(getdents64) C(exit_group) C(openat)
	C(mkdirat) C(newfstatat) C(unlinkat) C(renameat) C(renameat2) C(linkat)
	C(readlinkat) C(faccessat) C(ppoll) C(utimensat) C(pipe2) C(prlimit64)
	C(syncfs) C(getrandom) C(seccomp) C(statx) C(set_robust_list)
	C(set_tid_address) C(clock_gettime) C(clock_nanosleep) C(fallocate)
	C(setitimer)
#ifdef SYS_open
	C(open) C(stat) C(lstat) C(access) C(pipe) C(dup2) C(fork) C(vfork)
	C(rename) C(mkdir) C(rmdir) C(creat) C(link) C(unlink) C(readlink)
	C(poll) C(alarm) C(getdents) C(arch_prctl)
#endif
#ifdef SYS_clone3
	C(clone3)
#endif
#ifdef SYS_faccessat2
	C(faccessat2)
#endif
#ifdef SYS_landlock_create_ruleset
	C(landlock_create_ruleset) C(landlock_add_rule)
	C(landlock_restrict_self)
#else
	[444] = "landlock_create_ruleset", [445] = "landlock_add_rule",
	[446] = "landlock_restrict_self",
#endif
};

static const struct {
	const char *name;
	int number;
} errors[] = {
#define E(name) {#name, name},
	E(EIO) E(ENOSPC) E(EDQUOT) E(EINTR) E(EMFILE) E(EMLINK) E(EAGAIN)
	E(ENOMEM) E(ENOBUFS) E(EPERM) E(EACCES) E(ENOLCK) E(EINVAL) E(EPIPE)
	E(E2BIG) E(ECONNRESET) E(ENOSYS)
};

struct process {
	pid_t pid;
	char name[NAME];    /* "": its parent was not heard of yet */
	bool waits;         /* for its name */
	bool begun, on, fails;
	unsigned forks, vforks;
	unsigned count[CALLS];
};

static struct process all[PROCESSES];
static size_t processes;

static struct {
	FILE *log;
	const char *process, *call;
	unsigned k;
	int error; /* 0: to be killed */
} fault;

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(99);
}

static struct process *process_of(pid_t pid)
{
	for (size_t i = 0; i < processes; i++)
		if (all[i].pid == pid)
			return &all[i];
	if (processes == PROCESSES)
		die("too many processes");
	all[processes] = (struct process){.pid = pid};
	return &all[processes++];
}

static void go_on(struct process *p, int sig)
{
	ptrace(PTRACE_SYSCALL, p->pid, 0, sig);
}

/* How many of this program there were. */
static unsigned number_next(const char *program)
{
	static struct { char name[NAME]; unsigned n; } seen[64];
	size_t i = 0;

	while (*seen[i].name != '\0' && strcmp(seen[i].name, program) != 0)
		if (++i == 64)
			die("too many programs");
	snprintf(seen[i].name, NAME, "%s", program);
	return ++seen[i].n;
}

static void executed(struct process *p)
{
	char link[64], path[4096], *slash;
	ssize_t n;

	snprintf(link, sizeof link, "/proc/%d/exe", (int)p->pid);
	n = readlink(link, path, sizeof path - 1);
	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	slash = slash != NULL ? slash + 1 : path;
	snprintf(p->name, NAME, "%.24s.%u", slash, number_next(slash));
	memset(p->count, 0, sizeof p->count);
	p->on = p->fails = false;
	p->forks = p->vforks = 0;
}

static void forked(struct process *parent, pid_t pid, bool vfork)
{
	struct process *p = process_of(pid);
	const char *dot = strchr(parent->name, '.');
	int n = dot != NULL ? (int)(dot - parent->name) : 0;
	char program[NAME];

	snprintf(program, sizeof program, "%.*s", n, parent->name);
	if (vfork)
		snprintf(p->name, NAME, "%.20s.v%u", program,
		    ++parent->vforks);
	else
		snprintf(p->name, NAME, "%.20s.%u", program,
		    number_next(program));
	p->on = parent->on;
	if (p->waits)
		go_on(p, 0);
	p->waits = false;
}

/* The call is not made; what it says comes when it returns. */
static void call_drop(pid_t pid)
{
#ifdef __x86_64__
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, pid, 0, &r) != 0)
		die("registers");
	r.orig_rax = (unsigned long long)-1;
	if (ptrace(PTRACE_SETREGS, pid, 0, &r) != 0)
		die("registers");
#elif defined __aarch64__
	int nr = -1;
	struct iovec v = {&nr, sizeof nr};

	if (ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &v) != 0)
		die("registers");
#else
#error "how does a call fail on this machine?"
#endif
}

static void call_returns(pid_t pid, int error)
{
	struct user_regs_struct r;
	struct iovec v = {&r, sizeof r};

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) != 0)
		die("registers");
#ifdef __x86_64__
	r.rax = (unsigned long long)-error;
#else
	r.regs[0] = (unsigned long long)-error;
#endif
	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v) != 0)
		die("registers");
}

static void entered(struct process *p, uint64_t nr)
{
	static char number[NAME];
	const char *name = nr < CALLS ? names[nr] : NULL;
	unsigned k = nr < CALLS ? ++p->count[nr] : 0;

	if (name == NULL) {
		snprintf(number, sizeof number, "#%u", (unsigned)nr);
		name = number;
	}
	p->on = p->on || nr == SYS_chdir;
	if (!p->on || k == 0)
		return;
	if (fault.process == NULL) {
		fprintf(fault.log, "%s %s %u\n", p->name, name, k);
		return;
	}
	if (k != fault.k || strcmp(name, fault.call) != 0 ||
	    strcmp(p->name, fault.process) != 0)
		return;
	fprintf(fault.log, "reached\n");
	fflush(fault.log);
	p->fails = fault.error != 0;
	if (p->fails)
		call_drop(p->pid);
	else
		kill(p->pid, SIGKILL);
}

static void at_call(struct process *p)
{
	struct call_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, STRUCT_SIZE, &info) <= 0)
		return; /* it is gone */
	if (info.op == ENTRY)
		entered(p, info.nr);
	else if (info.op == EXIT && p->fails) {
		call_returns(p->pid, fault.error);
		p->fails = false;
	}
}

static void stopped(struct process *p, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;
	unsigned long child = 0;

	if (sig == (SIGTRAP | 0x80)) {
		at_call(p);
		sig = 0;
	} else if (event == PTRACE_EVENT_EXEC) {
		executed(p);
		sig = 0;
	} else if (event != 0) {
		ptrace(PTRACE_GETEVENTMSG, p->pid, 0, &child);
		forked(p, (pid_t)child, event == PTRACE_EVENT_VFORK);
		sig = 0;
	} else if (sig == SIGSTOP && !p->begun) {
		p->begun = true;
		sig = 0;
		p->waits = *p->name == '\0';
		if (p->waits)
			return;
	}
	go_on(p, sig);
}

static pid_t start(char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execvp(argv[0], argv);
		die(argv[0]);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_EXITKILL |
	    PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
	    PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC) != 0)
		die("ptrace");
	strcpy(process_of(pid)->name, "start");
	process_of(pid)->begun = true;
	go_on(process_of(pid), 0);
	return pid;
}

/* Until nobody is left. */
static int run(char **argv)
{
	pid_t first = start(argv), pid;
	int status, result = 99;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			stopped(process_of(pid), status);
			continue;
		}
		if (pid == first)
			result = WIFEXITED(status) ? WEXITSTATUS(status) :
			    128 + WTERMSIG(status);
		process_of(pid)->pid = -1;
	}
	return result;
}

int main(int argc, char **argv)
{
	char *end;

	if (argc > 3 && strcmp(argv[2], "-l") == 0) {
		argv += 3;
	} else if (argc > 6) {
		fault.process = argv[2];
		fault.call = argv[3];
		fault.k = (unsigned)strtoul(argv[4], &end, 10);
		for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
			if (strcmp(errors[i].name, argv[5]) == 0)
				fault.error = errors[i].number;
		if (*end != '\0' ||
		    (fault.error == 0) != (strcmp(argv[5], "KILL") == 0))
			return 64;
		argv += 6;
	} else {
		return 64;
	}
	fault.log = fopen(argv[fault.process == NULL ? -2 : -5], "we");
	if (fault.log == NULL)
		die("log");
	return run(argv);
}
