#include "workers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conn.h"
#include "destinations.h"
#include "job.h"
#include "log.h"
#include "program.h"
#include "str.h"

#define DESTINATION_WORKERS 5 /* connections that another host is asked for */
#define LOCAL_WORKERS 2       /* deliver -q: disks gain little from more */
#define DEPTH 2               /* ids a worker has: the next one is there */
#define MORE 2                /* that wait for each worker: then one more */
#define TURN 100              /* messages, then others may have the place */
#define LIFE 60000            /* ms: then a new one, which reads the aliases anew */
#define IDLE 2000             /* ms without work: a connection is kept */
#define PATIENCE 3600000      /* ms for one message: smtp-send gives up first … */
#define RATE_MIN 500          /* … with so many octets of it in a second */
#define FAREWELL 10000        /* ms to end in: it has nothing to do */
#define DEATHS 2              /* of its workers, and a message has to wait */
#define FAILURES 2            /* workers that did nothing: there is no use */
#define FORGET 60000          /* ms between looks for destinations of no use */
#define REAP 100              /* ms for the end of one that has closed fd 1 */
#define HANGS "451 4.4.2 No answer within all the time that it had"
#define NONSENSE "451 4.3.0 Our own program says what makes no sense"

struct worker {
	pid_t pid; /* 0: the place is free */
	int fd;
	struct destination *destination;
	struct part *part[DEPTH];
	unsigned parts;
	unsigned served;
	bool closing; /* it gets no more */
	const char *fault; /* what it was killed for; NULL: it was not */
	int64_t started; /* ms */
	int64_t since; /* ms: its last word, or the end of its work */
	size_t len;
	char buf[JOB_LINE_MAX];
};

static struct worker workers[WORKERS_MAX];
static struct destination *hungry, **hungriest = &hungry;
static size_t hungry_count;
static bool dismissed; /* nobody gets anything more */

static const char *program(const struct destination *d)
{
	return d->local ? "deliver" : "smtp-send";
}

/* Starting and ending workers */

static bool start(struct worker *w, struct destination *d)
{
	char path[PATH_SIZE], hop[NEXT_HOP_SIZE];
	char *argv[] = {path, d->local ? "-q" : hop, NULL};
	int fds[2];

	snprintf(hop, sizeof hop, "%s", d->next_hop);
	if (!program_path(program(d), path) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return false;
	w->fd = fds[0];
	if (fcntl(w->fd, F_SETFL, O_NONBLOCK) == 0)
		w->pid = program_start(argv, fds[1], fds[1], NULL, NULL);
	close(fds[1]);
	if (w->pid > 0)
		return true;
	close(w->fd);
	w->pid = 0;
	return false;
}

/* False: there is no place for one. */
static bool worker_start(struct destination *d)
{
	char reply[128];

	for (struct worker *w = workers; w < workers + WORKERS_MAX; w++) {
		if (w->pid != 0)
			continue;
		memset(w, 0, offsetof(struct worker, buf));
		if (start(w, d)) {
			w->destination = d;
			w->since = w->started = now_ms();
			d->workers++;
			return true;
		}
		warn("%s: %s", program(d), strerror(errno));
		snprintf(reply, sizeof reply, "451 4.3.0 %s does not start",
		    program(d));
		destination_down(d, "-", reply);
		return true;
	}
	return false;
}

/* It ends when it has done what it has. */
static void worker_close(struct worker *w)
{
	if (!w->closing)
		shutdown(w->fd, SHUT_WR);
	w->closing = true;
	if (w->parts == 0)
		w->since = now_ms();
}

static int worker_status(pid_t pid)
{
	siginfo_t end;

	/* It has closed its descriptors: it is about to end, or broken. */
	for (int i = 0; i < REAP; i++) {
		end.si_pid = 0;
		if (waitid(P_PID, (id_t)pid, &end,
		    WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_pid == pid)
			return program_wait(pid);
		usleep(1000);
	}
	kill(pid, SIGKILL);
	return program_wait(pid);
}

static void hunger(struct destination *d)
{
	if (d->hungry || d->workers > 0)
		return;
	d->hungry = true;
	d->hungrier = NULL;
	*hungriest = d;
	hungriest = &d->hungrier;
	hungry_count++;
}

/* The line */

static void worker_give(struct worker *w, struct part *part)
{
	char line[ID_SIZE + 1];
	int n = snprintf(line, sizeof line, "%s\n", part->message->id);

	if (w->parts == 0)
		w->since = now_ms();
	w->part[w->parts++] = part;
	/* Two ids always find room. Is nobody there, the end will tell. */
	if (write(w->fd, line, (size_t)n) != n)
		shutdown(w->fd, SHUT_RDWR);
}

/* The one that has least to do; NULL: all have enough. */
static struct worker *worker_free(const struct destination *d)
{
	struct worker *best = NULL;

	for (struct worker *w = workers; w < workers + WORKERS_MAX; w++)
		if (w->pid != 0 && w->destination == d && !w->closing &&
		    w->fault == NULL && w->parts < DEPTH &&
		    (best == NULL || w->parts < best->parts))
			best = w;
	return best;
}

/* Somebody else waits, and this one has no work. */
static void close_idle(void)
{
	struct worker *idle = NULL;

	for (struct worker *w = workers; w < workers + WORKERS_MAX; w++)
		if (w->pid != 0 && w->parts == 0 && !w->closing &&
		    (idle == NULL || w->since < idle->since))
			idle = w;
	if (idle != NULL)
		worker_close(idle);
}

/* How many go on. */
static unsigned workers_active(const struct destination *d)
{
	unsigned n = 0;

	for (const struct worker *w = workers; w < workers + WORKERS_MAX; w++)
		n += w->pid != 0 && w->destination == d && !w->closing &&
		    w->fault == NULL;
	return n;
}

static void feed(struct destination *d)
{
	unsigned most = d->fewer > now_ms() ? d->most :
	    d->local ? LOCAL_WORKERS : DESTINATION_WORKERS;
	struct worker *w;

	while (!dismissed) {
		while (d->first != NULL && (w = worker_free(d)) != NULL)
			worker_give(w, line_take(d));
		if (d->waiting <= MORE * workers_active(d) ||
		    d->workers >= most)
			return;
		if (!worker_start(d))
			break;
	}
	if (d->workers == 0 && !dismissed) {
		hunger(d);
		close_idle();
	}
}

void part_give(struct part *part)
{
	struct destination *d = part->destination;

	if (d->down > now_ms()) {
		part_answer(part, d->mta.p, d->reply.p);
		return;
	}
	line_add(part);
	feed(d);
}

/* Do others wait for a place, who will not have one soon? */
static bool place_needed(void)
{
	size_t closing = 0;

	for (struct worker *w = workers; w < workers + WORKERS_MAX; w++)
		closing += w->pid != 0 && w->closing;
	return closing < hungry_count;
}

static void feed_hungry(void)
{
	struct destination *d;

	while ((d = hungry) != NULL) {
		if (d->first != NULL && d->workers == 0 && !worker_start(d))
			return;
		hungry = d->hungrier;
		if (hungry == NULL)
			hungriest = &hungry;
		hungry_count--;
		d->hungry = false;
		feed(d);
	}
}

/* What a worker says */

/* "MTA REPLY", fit for a file; false: it is not so. */
static bool answer_parse(char *text, char **mta, char **reply)
{
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	*mta = text_word(&text);
	*reply = text;
	return *mta != NULL && (*text == '4' || *text == '5') &&
	    strlen(text) > 3;
}

static bool to_parse(struct part *part, char *text)
{
	const char *number = text_word(&text);
	char *mta, *reply;
	uint64_t index;

	if (number == NULL || !number_parse(number, RECIPIENTS_MAX, &index) ||
	    !answer_parse(text, &mta, &reply))
		return false;
	for (size_t i = 0; i < part->count; i++)
		if (part->index[i] == index) {
			message_verdict(part, index, mta, reply);
			return true;
		}
	return false;
}

static bool worker_done(struct worker *w, const char *id)
{
	struct part *part = w->part[0];

	if (strcmp(part->message->id, id) != 0)
		return false;
	w->part[0] = w->part[1];
	w->parts--;
	w->served++;
	w->destination->failures = 0;
	message_answered(part);
	if (w->since - w->started > LIFE || (place_needed() &&
	    (w->served >= TURN || w->destination->workers > 1)))
		worker_close(w);
	feed(w->destination);
	if (w->parts == 0 && place_needed())
		worker_close(w);
	return true;
}

/*
 * It finds its destination down. While others are still at it, the host may only
 * want no more connections at once: who is the last of them to say so is right.
 */
static void worker_down(struct worker *w, const char *mta, const char *reply)
{
	struct destination *d = w->destination;
	unsigned others = 0;

	for (struct worker *o = workers; o < workers + WORKERS_MAX; o++)
		others += o != w && o->pid != 0 && o->destination == d &&
		    !o->closing;
	if (others > 0) {
		info("fewer next_hop=%s workers=%u mta=%s reply=%s",
		    safe(d->next_hop), others, safe(mta), quoted(reply));
		d->most = others;
		d->fewer = now_ms() + DOWN;
	} else {
		destination_down(d, mta, reply);
	}
	worker_close(w); /* it would say the same as long as it lives */
}

/* False: that is no answer. */
static bool worker_line(struct worker *w, char *line)
{
	char *word = text_word(&line), *mta, *reply;

	w->since = now_ms();
	if (word == NULL || w->parts == 0)
		return false;
	if (strcmp(word, "to") == 0)
		return to_parse(w->part[0], line);
	if (strcmp(word, "done") == 0)
		return worker_done(w, line);
	if (strcmp(word, "new") == 0 && id_valid(line)) {
		message_later(line);
		return true;
	}
	if (strcmp(word, "down") != 0 || !answer_parse(line, &mta, &reply))
		return false;
	worker_down(w, mta, reply);
	return true;
}

/* It is gone. What it had at hand is tried once more. */
static void worker_end(struct worker *w)
{
	struct destination *d = w->destination;
	struct part *part = w->part[0], *second = w->part[1];
	unsigned parts = w->parts;
	char reply[128];
	int status;

	close(w->fd);
	status = worker_status(w->pid);
	w->pid = 0;
	d->workers--;
	if (status != 0 || parts > 0)
		warn("%s status=%d next_hop=%s id=%s", program(d), status,
		    safe(d->next_hop), parts > 0 ? part->message->id : "-");
	snprintf(reply, sizeof reply, "451 4.3.0 %s failed, status %d",
	    program(d), status);
	if (parts > 1)
		line_put_back(second);
	if (parts > 0 && w->fault == NULL && ++part->deaths < DEATHS)
		line_put_back(part);
	else if (parts > 0)
		part_answer(part, "-", w->fault != NULL ? w->fault : reply);
	if (w->served == 0 && parts > 0 && ++d->failures >= FAILURES) {
		d->failures = 0;
		destination_down(d, "-", reply);
	}
	feed_hungry();
	feed(d);
}

/* It answers no more, or nonsense. */
static void worker_kill(struct worker *w, const char *fault)
{
	warn("%s killed next_hop=%s: %s", program(w->destination),
	    safe(w->destination->next_hop), fault);
	w->fault = fault;
	w->len = 0;
	kill(w->pid, SIGKILL);
}

static void worker_read(struct worker *w)
{
	ssize_t n = read(w->fd, w->buf + w->len, sizeof w->buf - w->len);
	char *lf, *line = w->buf;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		worker_end(w);
		return;
	}
	w->len += (size_t)n;
	while ((lf = memchr(line, '\n', (size_t)(w->buf + w->len - line))) !=
	    NULL) {
		*lf = '\0';
		if (w->fault == NULL && !worker_line(w, line)) {
			warn("no answer: %s", quoted(line));
			worker_kill(w, NONSENSE);
			return;
		}
		line = lf + 1;
	}
	w->len -= (size_t)(line - w->buf);
	memmove(w->buf, line, w->len);
	if (w->len == sizeof w->buf)
		worker_kill(w, NONSENSE);
}

/* Time */

/* When it is to be asked to end, or ended. */
static int64_t worker_due(const struct worker *w)
{
	if (w->parts > 0)
		return w->since + PATIENCE + (int64_t)
		    (w->part[0]->message->size * 1000 / RATE_MIN);
	return w->since + (w->closing ? FAREWELL : IDLE);
}

static void worker_time(struct worker *w, int64_t now)
{
	if (w->fault != NULL || now < worker_due(w))
		return;
	if (w->parts == 0 && !w->closing)
		worker_close(w);
	else
		worker_kill(w, HANGS);
}

size_t workers_poll(struct pollfd *p)
{
	for (size_t i = 0; i < WORKERS_MAX; i++)
		p[i] = (struct pollfd){.events = POLLIN,
		    .fd = workers[i].pid != 0 ? workers[i].fd : -1};
	return WORKERS_MAX;
}

void workers_serve(const struct pollfd *p, size_t n, int64_t now)
{
	static int64_t forget;

	for (size_t i = 0; i < n; i++)
		if (p[i].revents != 0 && workers[i].pid != 0)
			worker_read(&workers[i]);
	for (size_t i = 0; i < WORKERS_MAX; i++)
		if (workers[i].pid != 0)
			worker_time(&workers[i], now);
	if (now >= forget) {
		forget = now + FORGET;
		destinations_forget(now);
	}
}

int workers_patience(int64_t now, int most)
{
	for (const struct worker *w = workers; w < workers + WORKERS_MAX; w++)
		if (w->pid != 0 && w->fault == NULL && worker_due(w) - now < most)
			most = worker_due(w) < now ? 0 :
			    (int)(worker_due(w) - now);
	return most;
}

bool workers_dismiss(void)
{
	bool busy = false;

	dismissed = true;
	for (struct worker *w = workers; w < workers + WORKERS_MAX; w++) {
		if (w->pid == 0)
			continue;
		worker_close(w);
		busy = busy || w->parts > 0;
	}
	return busy;
}
