/*
 * queue-run: runs the queue. Hands each message that is due to the programs
 * that send, and writes down what became of it. Cron, a timer and the nudge
 * start it; one runs at a time, and a second one tells the first what it is
 * there for. queue-run(8).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "conn.h"
#include "destinations.h"
#include "local.h"
#include "log.h"
#include "messages.h"
#include "nudge.h"
#include "program.h"
#include "queue.h"
#include "scan.h"
#include "workers.h"

#define LINGER 2000      /* ms without work: a nudge may come at once */
#define HANDOVER 10000   /* ms to find the lock free, or its holder listening */
#define HANDOVER_STEP 10 /* ms between two looks */
#define HANG 600         /* s in which the loop has to turn */
#define WAIT_MAX 30000   /* ms in one poll: so it does turn */
#define TAKE_UP 500      /* ids in one turn */
#define STOP 20000       /* ms that the workers have to finish when we are told to */
#define LOOK 10000       /* ms between looks for a change of the configuration */

static struct {
	bool all;
	bool nudged; /* only what the FIFO says */
	char **ids; /* NULL-terminated; empty: what is due */
	int lock;   /* spool/queue */
	int fifo;   /* -1: nobody can nudge us */
	int64_t last; /* ms: when there was something to do */
	int64_t look; /* ms: when to look at the configuration */
	struct stat config[2];
	bool anew;    /* it has changed: begin again with it */
	int64_t stop; /* ms: by then we are to end; 0: not */
} s;

static volatile sig_atomic_t told_to_stop;

static void on_signal(int number)
{
	(void)number;
	told_to_stop = 1;
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

/* Has pennypost.conf, or what domains are ours, changed since we began? */
static bool config_changed(bool first)
{
	static const char *const paths[] = {"pennypost.conf", "users/domains"};
	bool changed = false;
	struct stat st;

	for (size_t i = 0; i < 2; i++) {
		if (stat(paths[i], &st) != 0)
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

/* SIGTERM and SIGINT are seen in ppoll() only. */
static void signals_set(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t these;

	sigemptyset(&these);
	sigaddset(&these, SIGTERM);
	sigaddset(&these, SIGINT);
	sigprocmask(SIG_BLOCK, &these, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static void begin(void)
{
	signals_set();
	config_changed(true);
	config_load();
	domain_default();
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

int main(int argc, char **argv)
{
	const char *home = NULL;
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
	begin();
	run();
	if (s.anew && !told_to_stop)
		run_anew();
	return 0;
}
