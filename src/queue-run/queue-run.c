/*
 * queue-run: runs the queue. Hands each message that is due to the programs
 * that send, and writes down what became of it. Cron, a timer and the nudge
 * start it; one runs at a time, and a second one tells the first what it is
 * there for. The one that runs is two: the runner, who is confined, and who
 * waits for it, to begin anew when the configuration has changed. queue-run(8).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "confine.h"
#include "conn.h"
#include "destinations.h"
#include "local.h"
#include "log.h"
#include "messages.h"
#include "nudge.h"
#include "places.h"
#include "program.h"
#include "queue.h"
#include "scan.h"
#include "srs.h"
#include "workers.h"

#define LINGER 2000      /* ms without work: a nudge may come at once */
#define HANDOVER 10000   /* ms to find the lock free, or its holder listening */
#define HANDOVER_STEP 10 /* ms between two looks */
#define HANG 600         /* s in which the loop has to turn */
#define WAIT_MAX 30000   /* ms in one poll: so it does turn */
#define TAKE_UP 500      /* ids in one turn */
#define STOP 20000       /* ms that the workers have to finish when we are told to */
#define LOOK 10000       /* ms between looks for a change of the configuration */
#define FILES 5          /* that are looked at */
#define ANEW 100         /* how the runner ends then; <sysexits.h> has 64 to 78 */

static struct {
	bool all;
	bool nudged; /* only what the FIFO says */
	char **ids; /* NULL-terminated; empty: what is due */
	int lock;   /* spool/queue */
	int fifo;   /* -1: nobody can nudge us */
	int64_t last; /* ms: when there was something to do */
	int64_t look; /* ms: when to look at the configuration */
	struct stat config[FILES];
	bool anew;    /* it has changed: begin again with it */
	int64_t stop; /* ms: by then we are to end; 0: not */
} s;

static volatile sig_atomic_t told_to_stop;
static volatile pid_t runner; /* for who waits for it */

static void on_signal(int number)
{
	(void)number;
	told_to_stop = 1;
	if (runner > 0)
		kill(runner, SIGTERM);
}

/* What the runner may do, and what it starts: CONFINEMENT in queue-run(8). */

static char programs[PATH_SIZE]; /* the directory that they are in */

enum { FIXED = 22 };

/*
 * What those that we start have between them: the spool, settings, programs,
 * and what tls needs. users/aliases has more. No passwords, and no keys.
 */
static struct confine_path paths[FIXED + PLACES_MAX + 1] = {
	{"spool", MAY_READ | MAY_WRITE | MAY_CREATE | MAY_REMOVE},
	{"pennypost.conf", MAY_READ},
	{"users/domains", MAY_READ},
	{"users/aliases", MAY_READ},
	{SRS_FILE, MAY_READ},
	{"users/smarthost", MAY_READ},
	{"users/tls/ca.pem", MAY_READ},
	{programs, MAY_READ | MAY_EXECUTE},
	{"/lib", MAY_READ | MAY_EXECUTE},
	{"/lib64", MAY_READ | MAY_EXECUTE},
	{"/usr/lib", MAY_READ | MAY_EXECUTE},
	{"/usr/local/lib", MAY_READ},
	{"/usr/share/zoneinfo", MAY_READ},
	{"/usr/share/ca-certificates", MAY_READ},
	{"/usr/local/share/ca-certificates", MAY_READ},
	{"/etc/ssl/certs", MAY_READ},
	{"/etc/pki", MAY_READ},
	{"/etc/ld.so.cache", MAY_READ},
	{"/etc/localtime", MAY_READ},
	{"/etc/resolv.conf", MAY_READ},
	{"/etc/hosts", MAY_READ},
	{"/dev/null", MAY_READ | MAY_WRITE},
};

static const struct confinement usual = {
	.paths = paths,
	.calls = CALLS_FILES | CALLS_SOCKETS | CALLS_UNIX | CALLS_PROGRAMS,
};

/* With `alias_pipes yes`: deliver makes a box for each of them. */
static const struct confinement for_pipes = {
	.paths = (const struct confine_path[]){{"/", MAY_ALL}, {NULL, 0}},
	.calls = CALLS_ANY | CALLS_SOCKETS,
};

static void confine_us(const struct config *config)
{
	char *slash;

	if (program_path("", programs) &&
	    (slash = strrchr(programs, '/')) != NULL && slash != programs)
		*slash = '\0';
	srs_begin();
	places_add(paths + FIXED, PLACES_MAX);
	confine(config->alias_pipes ? &for_pipes : &usual);
}

/* A second runner: tells the first. False: not all of it could be told now. */
static bool hand_over(void)
{
	if (*s.ids == NULL)
		return nudge_tell(s.all ? NUDGE_ALL : "") != NUDGE_NOBODY;
	if (s.all && nudge_tell(NUDGE_UP) != NUDGE_TOLD)
		return false;
	while (*s.ids != NULL && nudge_tell(*s.ids) == NUDGE_TOLD)
		s.ids++;
	return *s.ids == NULL;
}

/*
 * systemd has the FIFO and has seen something in it. Who runs already reads it,
 * perhaps: as long as that one may, we are to stay, or systemd would start us
 * again and again.
 */
static bool await_turn(void)
{
	alarm(0);
	while (flock(s.lock, LOCK_EX) != 0 && errno == EINTR)
		;
	alarm(HANG);
	return true;
}

/*
 * Takes the lock, and true; or tells who has it what to do. Between the end of
 * its listening and the end of its lock there is a moment, and one at its
 * beginning: so both are tried until one works.
 */
static bool become_runner(void)
{
	int64_t end = now_ms() + HANDOVER;

	s.lock = open(QUEUE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.lock < 0)
		fatal(EX_CONFIG, "%s: %s", QUEUE_DIR, strerror(errno));
	if (s.nudged)
		return await_turn();
	for (;;) {
		if (flock(s.lock, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK) {
			/* Each recipient has a lock of its own, too. */
			warn("%s: no lock: %s", QUEUE_DIR, strerror(errno));
			return true;
		}
		if (hand_over())
			return false;
		if (now_ms() >= end)
			fatal(EX_TEMPFAIL, "another one runs, and is deaf");
		usleep(HANDOVER_STEP * 1000);
	}
}

static void obey(const char *line)
{
	if (*line == '\0') {
		scan_want(false);
	} else if (strcmp(line, NUDGE_ALL) == 0) {
		destinations_up();
		scan_want(true);
	} else if (strcmp(line, NUDGE_UP) == 0) {
		destinations_up();
	} else if (id_valid(line)) {
		message_later(line);
	} else {
		warn("nudge: no id: %s", safe(line));
	}
}

static void fifo_read(void)
{
	static char buf[NUDGE_ROOM + 1];
	char *rest = buf, *line;
	bool full;
	size_t n;

	n = nudge_read(s.fifo, buf, &full);
	if (n == 0)
		return;
	buf[n] = '\0';
	while ((line = text_line(&rest)) != NULL)
		obey(line);
	if (full)
		scan_want(false);
	s.last = now_ms();
}

/* Waits for nudges, answers, time, a signal; and serves them. */
static void await(int ms)
{
	struct pollfd p[WORKERS_MAX + 1];
	size_t n = workers_poll(p);
	struct timespec wait = {ms / 1000, ms % 1000 * 1000000L};
	sigset_t none;

	sigemptyset(&none);
	p[n] = (struct pollfd){.fd = s.fifo, .events = POLLIN};
	if (ppoll(p, n + 1, &wait, &none) < 0) {
		if (errno != EINTR)
			fatal(EX_OSERR, "poll: %s", strerror(errno));
		return;
	}
	if (s.fifo >= 0 && p[n].revents != 0)
		fifo_read();
	workers_serve(p, n, now_ms());
}

/* Has something happened just now? *wait: for so long something may come. */
static bool is_lingering(int64_t now, int *wait)
{
	bool lingers = now - s.last < LINGER;

	*wait = lingers ? (int)(LINGER - (now - s.last)) : 1;
	return lingers;
}

/* One turn of the loop. False: there is nothing left to do, and nobody comes. */
static bool turn(void)
{
	int wait = WAIT_MAX;
	int64_t now;
	bool more;

	if (messages_overflow())
		scan_want(false);
	more = scan_step();
	more = messages_take_up(TAKE_UP) || more; /* also what the scan noted */
	now = now_ms();
	if (messages_count() > 0)
		s.last = now;
	else if (!more && !scan_on() && !is_lingering(now, &wait) &&
	    (s.fifo < 0 || nudge_leave(s.fifo)))
		return false;
	await(more ? 0 : workers_patience(now, wait));
	return true;
}

/*
 * Has what we and our workers read changed since we began? Confined, they cannot
 * reach a new file that has taken the place of an old one.
 */
static bool config_changed(bool first)
{
	static const char *const files[] = {"pennypost.conf", "users/domains",
	    "users/aliases", "users/smarthost", SRS_FILE};
	bool changed = false;
	struct stat st;

	for (size_t i = 0; i < FILES; i++) {
		if (stat(files[i], &st) != 0)
			continue; /* somebody is just replacing it */
		changed = changed || st.st_ino != s.config[i].st_ino ||
		    st.st_mtim.tv_sec != s.config[i].st_mtim.tv_sec ||
		    st.st_mtim.tv_nsec != s.config[i].st_mtim.tv_nsec;
		s.config[i] = st;
	}
	return changed && !first;
}

/* The workers finish what they have; what waits in lines waits in the queue. */
static bool stopping(int64_t now)
{
	if (s.stop == 0 && !told_to_stop && now >= s.look) {
		s.look = now + LOOK;
		s.anew = config_changed(false);
	}
	if (s.stop == 0 && (told_to_stop || s.anew))
		s.stop = now + STOP;
	return s.stop != 0;
}

static void run(void)
{
	int64_t now = now_ms();

	while (!stopping(now) && turn()) {
		alarm(HANG);
		now = now_ms();
	}
	while (workers_dismiss() && s.stop > now) {
		await(workers_patience(now, (int)(s.stop - now)));
		alarm(HANG);
		now = now_ms();
	}
}

static void run_anew(void)
{
	char path[PATH_SIZE];
	char *argv[] = {path, "-C", ".", NULL};

	info("the configuration has changed: begins anew");
	if (program_path("queue-run", path))
		execv(path, argv);
	warn("%s: %s", path, strerror(errno));
}

static void signals_let(bool in)
{
	sigset_t these;

	sigemptyset(&these);
	sigaddset(&these, SIGTERM);
	sigaddset(&these, SIGINT);
	sigprocmask(in ? SIG_UNBLOCK : SIG_BLOCK, &these, NULL);
}

/* The runner sees them in ppoll() only. */
static void signals_set(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	signals_let(false);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static void begin(void)
{
	signals_set();
	config_changed(true);
	domain_default();
	confine_us(config_load());
	s.last = now_ms() - LINGER; /* nothing to do is no reason to stay */
	srandom((unsigned)time(NULL) ^ (unsigned)getpid());
	s.fifo = nudge_listen();
	if (s.fifo < 0)
		warn("%s: %s", NUDGE_PATH, strerror(errno));
	if (!s.nudged && *s.ids == NULL)
		scan_want(s.all);
	for (; *s.ids != NULL; s.ids++)
		message_later(*s.ids);
}

static int work(pid_t parent)
{
	alarm(HANG);
	/* Who waits for us is who is asked to stop, or killed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		return EX_TEMPFAIL;
	begin();
	run();
	return s.anew && !told_to_stop ? ANEW : EX_OK;
}

/* Waits for the runner, in whose place it is asked to stop. */
static int wait_for(pid_t pid)
{
	struct sigaction action = {.sa_handler = on_signal};
	int status;

	alarm(0);
	close(s.lock); /* the runner's end is the end of the lock */
	runner = pid;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signals_let(true);
	status = program_wait(pid);
	alarm(HANG); /* the log may be what the runner has hung at */
	if (status == ANEW && !told_to_stop)
		run_anew();
	if (status != EX_OK && status != ANEW)
		warn("the runner ended status=%d", status);
	return status == ANEW ? EX_OK : status;
}

int main(int argc, char **argv)
{
	const char *home = NULL;
	pid_t self, pid;
	int option;

	/* Cron mails what is on stderr: lines for a person only. */
	if (!isatty(2))
		setenv("PENNYPOST_LOG", "syslog", 0);
	program_begin("queue-run");
	while ((option = getopt(argc, argv, "C:an")) != -1) {
		if (option == 'C')
			home = optarg;
		else if (option == 'a')
			s.all = true;
		else if (option == 'n')
			s.nudged = true;
		else
			fatal(EX_USAGE, "usage: queue-run [-a | -n] [-C home] "
			    "[id ...]");
	}
	if (s.nudged)
		close(3); /* systemd's own descriptor of the FIFO */
	s.ids = argv + optind;
	for (char **id = s.ids; *id != NULL; id++)
		if (!id_valid(*id))
			fatal(EX_USAGE, "no id: %s", safe(*id));
	setsid();
	home_enter(home);
	alarm(HANG);
	if (!become_runner())
		return 0;
	signals_let(false);
	self = getpid();
	pid = fork();
	if (pid < 0)
		fatal(EX_OSERR, "no process for the runner: %s",
		    strerror(errno));
	return pid == 0 ? work(self) : wait_for(pid);
}
