#include "calls.h"

#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#include "confine.h"

#if defined(__x86_64__) || defined(__aarch64__)

#define ALWAYS 0x10000u /* groups, beside enum confine_calls */
#define NEVER 0u
#define FILES (CALLS_FILES | CALLS_PROGRAMS)
#define NETWORK (CALLS_SOCKETS | CALLS_UNIX)
#define FORK CALLS_PROGRAMS
#define CONFINE (CALLS_CONFINE | CALLS_PROGRAMS)

/*
 * A line for each: its group, what is looked at when it is allowed, and the
 * argument that is a path, for the log. A later line for the same call wins.
 * The calls of NEVER are here for their names, and for CALLS_ANY.
 */
#define CALL(name) SYS_##name, #name
#define IN(group) group, ALLOW, CALL_NO_PATH
#define PATH(group, n) group, ALLOW, n
#define IF(group, verdict) group, verdict, CALL_NO_PATH

static const struct call calls[] = {
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
	{CALL(fcntl), IF(ALWAYS, NO_OWNER)},
	{CALL(dup), IN(ALWAYS)},
	{CALL(dup3), IN(ALWAYS)},
	{CALL(ioctl), IF(ALWAYS, TERMINAL)},
	{CALL(shutdown), IN(ALWAYS)},
	{CALL(getsockname), IN(ALWAYS)},
	{CALL(getpeername), IN(ALWAYS)},
	{CALL(getsockopt), IN(ALWAYS)},
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
	{CALL(renameat), PATH(FILES, 1)},
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
	{CALL(sysinfo), IN(FILES)}, /* by glibc's qsort() */

	{CALL(socket), IF(NETWORK, SOCKET)},
	{CALL(connect), IN(NETWORK)},
	{CALL(setsockopt), IN(NETWORK)},
	{CALL(sendto), IF(NETWORK, NO_ADDRESS)},
	{CALL(recvfrom), IN(NETWORK)},

	{CALL(recvmsg), IN(CALLS_PASS_FD)},

	{CALL(inotify_init1), IN(CALLS_WATCH)},
	{CALL(inotify_add_watch), PATH(CALLS_WATCH, 1)},
	{CALL(inotify_rm_watch), IN(CALLS_WATCH)},

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
static void verdict_set(unsigned char *verdicts, int number,
    enum verdict verdict)
{
	if (number >= 0 && number < CALLS_NUMBERS)
		verdicts[number] = (unsigned char)verdict;
}

/* Of what is newer than this table we know nothing: it is not there. */
static void judge_any(unsigned char *verdicts)
{
	memset(verdicts, ALLOW, CALLS_NUMBERS);
	for (size_t i = 0; i < COUNT(dangerous); i++)
		verdict_set(verdicts, dangerous[i].number, REFUSE);
	verdict_set(verdicts, SYS_clone, NO_NAMESPACE);
	verdict_set(verdicts, SYS_clone3, ABSENT);
	verdict_set(verdicts, SYS_ioctl, NO_TYPING);
	verdict_set(verdicts, SYS_socket, SOCKET);
}

/*
 * A program that is started has no handler yet, and a later libc may try what we
 * have never heard of: that is absent then, and ends nobody.
 */
void calls_judge(unsigned groups, unsigned char verdicts[CALLS_NUMBERS + 1])
{
	if (groups & CALLS_ANY) {
		judge_any(verdicts);
	} else {
		memset(verdicts, groups & CALLS_PROGRAMS ? ABSENT : REFUSE,
		    CALLS_NUMBERS);
		for (size_t i = 0; i < COUNT(dangerous); i++)
			verdict_set(verdicts, dangerous[i].number, REFUSE);
		for (size_t i = 0; i < COUNT(calls); i++)
			verdict_set(verdicts, calls[i].number, REFUSE);
		for (size_t i = 0; i < COUNT(calls); i++)
			if (calls[i].groups & (groups | ALWAYS))
				verdict_set(verdicts, calls[i].number,
				    calls[i].verdict);
	}
	verdicts[CALLS_NUMBERS] = BEYOND;
}

const struct call *call_find(int number)
{
	for (size_t i = 0; i < COUNT(calls); i++)
		if (calls[i].number == number)
			return &calls[i];
	for (size_t i = 0; i < COUNT(dangerous); i++)
		if (dangerous[i].number == number)
			return &dangerous[i];
	return NULL;
}

#endif
