#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#ifndef DEFAULT_HOME
#define DEFAULT_HOME "/var/lib/pennypost"
#endif

void program_begin(const char *name)
{
	sigset_t none;

	log_open(name);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGALRM, SIG_DFL);
	umask(077);
}

static char home[PATH_SIZE];

static void root_drop(void)
{
	struct stat st;

	if (geteuid() != 0 || stat("spool", &st) != 0 || st.st_uid == 0)
		return;
	if (setgroups(0, NULL) != 0 || setresgid(st.st_gid, st.st_gid,
	    st.st_gid) != 0 || setresuid(st.st_uid, st.st_uid, st.st_uid) != 0)
		warn("cannot become uid=%u: %s", (unsigned)st.st_uid,
		    strerror(errno));
}

/* NULL: none was. */
static const char *home_named(const char *dir)
{
	if (dir == NULL)
		dir = getenv("PENNYPOST_HOME");
	return dir != NULL && *dir != '\0' ? dir : NULL;
}

void home_or_root(const char *dir)
{
	bool ours = home_named(dir) != NULL || access(DEFAULT_HOME, X_OK) == 0;

	home_enter(ours ? dir : "/");
}

void home_enter(const char *dir)
{
	dir = home_named(dir);
	if (dir == NULL)
		dir = DEFAULT_HOME;
	if (chdir(dir) != 0)
		fatal(EX_CONFIG, "home %s: %s", safe(dir), strerror(errno));
	if (getcwd(home, sizeof home) == NULL)
		fatal(EX_CONFIG, "home %s: %s", safe(dir), strerror(errno));
	root_drop();
}

bool program_path(const char *name, char path[PATH_SIZE])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_SIZE - 1);

	if (n <= 0) {
		warn("where is %s? /proc/self/exe: %s", name, strerror(errno));
		return false;
	}
	path[n] = '\0';
	char *slash = strrchr(path, '/');
	if (slash == NULL)
		return false;
	size_t dir = (size_t)(slash + 1 - path);
	if (dir + strlen(name) >= PATH_SIZE)
		return false;
	strcpy(path + dir, name);
	return true;
}

#define FDS 5

/* The parent waits inside vfork(), and the child shares its memory. */
static _Noreturn void become(char *const argv[], char *const env[],
    const int fds[FDS])
{
	int from[FDS];

	/* Out of the way first: a source may itself be 0, 1, 3 or 4. */
	for (int i = 0; i < FDS; i++)
		from[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, 10);
	for (int i = 0; i < FDS; i++)
		if (fds[i] >= 0 && (from[i] < 0 || dup2(from[i], i) < 0))
			_exit(EX_OSERR); /* never with ours in its place */
	execve(argv[0], argv, env);
	_exit(EX_UNAVAILABLE);
}

#define ENVIRONMENT_MAX 16

static void environment(char *env[ENVIRONMENT_MAX], char *const more[])
{
	static char home_line[PATH_SIZE + 16];
	int n = 0;

	snprintf(home_line, sizeof home_line, "PENNYPOST_HOME=%s", home);
	env[n++] = "PATH=/usr/local/bin:/usr/bin:/bin";
	env[n++] = home_line;
	env[n++] = log_on_stderr() ? "PENNYPOST_LOG=stderr" :
	    "PENNYPOST_LOG=syslog";
	while (more != NULL && *more != NULL && n < ENVIRONMENT_MAX - 1)
		env[n++] = *more++;
	env[n] = NULL;
}

pid_t program_start(char *const argv[], int in, int out, const int extra[2],
    char *const more[])
{
	const int fds[FDS] = {in, out, -1, extra != NULL ? extra[0] : -1,
	    extra != NULL ? extra[1] : -1};
	char *env[ENVIRONMENT_MAX];
	pid_t pid;

	environment(env, more);
	pid = vfork();
	if (pid == 0)
		become(argv, env, fds);
	return pid;
}

void program_become(char *const argv[], char *const more[])
{
	char *env[ENVIRONMENT_MAX];

	environment(env, more);
	execve(argv[0], argv, env);
}

int program_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EX_OSERR;
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}

void id_make(char id[ID_SIZE])
{
	static unsigned count;
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	snprintf(id, ID_SIZE, "%08lX%05lX%X.%u", (unsigned long)t.tv_sec,
	    (unsigned long)t.tv_nsec / 1000, (unsigned)getpid(), count++);
}

bool id_valid(const char *id)
{
	size_t n = strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz.-");

	return n > 0 && n < ID_SIZE && id[n] == '\0' && *id != '.' &&
	    *id != '-';
}
