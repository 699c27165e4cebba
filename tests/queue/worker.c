/*
 * worker: stands in for smtp-send and `deliver -q` beside a queue-run under
 * test. What becomes of a recipient is in its address: the part before the
 * first dash, or all before the @. Who has a message is a line in HOME/sent:
 *
 *   NEXT_HOP ID ADDRESS PID
 *
 * and the message is HOME/box/ID.INDEX, if there is HOME/box.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "config.h"
#include "entry.h"
#include "job.h"
#include "local.h"
#include "program.h"
#include "queue.h"
#include "route.h"

static const char *next_hop;

static bool is_ours(const char *address)
{
	struct address a;
	struct route route;

	if (address_parse(address, &a) != ADDRESS_OK || *a.domain == '\0' ||
	    domain_is_local(a.domain))
		return strcmp(next_hop, "-q") == 0;
	route_find(&route, a.domain);
	return strcmp(route.next_hop, next_hop) == 0;
}

static void note(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(99);
	close(fd);
}

static void keep(const struct entry *e, size_t i)
{
	char path[128], buf[65536];
	uint64_t at = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "box/%s.%zu", e->id, i);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return;
	while (at < e->size && (n = entry_read(e, &at, buf, sizeof buf)) > 0)
		if (write(fd, buf, (size_t)n) != n)
			_exit(99);
	close(fd);
}

static void sent(struct entry *e, size_t i, enum queue_status status)
{
	char line[512];

	snprintf(line, sizeof line, "%s %s %s %d\n", next_hop, e->id,
	    e->envelope.rcpt[i].address, (int)getpid());
	note("sent", line);
	keep(e, i);
	entry_mark(e, i, status);
	entry_sync(e);
}

/* The queue file ID-INDEX, to sent-forward@elsewhere.test. */
static void forward(const struct entry *e, size_t i)
{
	static struct queue queue;
	struct envelope v = e->envelope;
	struct recipient r = {.address = "forwarded@elsewhere.test",
	    .orcpt = ""};
	char what[24], id[ID_SIZE];

	snprintf(what, sizeof what, "%zu", i);
	id_derive(id, e->id, what);
	v.rcpt = NULL;
	v.rcpts = 0;
	envelope_add(&v, &r);
	v.rcpt[0].status = QUEUE_WAITING;
	queue_create(&queue, id, &v);
	queue_lines(&queue, "Subject: forwarded\n\n", 20);
	int error = queue_commit(&queue, &v);
	if (error != 0 && error != EEXIST)
		_exit(98);
	job_new(id);
}

/* Until there is a file HOME/go; a minute at the most. */
static void wait_to_go(void)
{
	for (int n = 0; n < 6000 && access("go", F_OK) != 0; n++)
		usleep(10000);
}

/* Is it the second try of the message? */
static bool is_second(const struct entry *e)
{
	char path[64];

	snprintf(path, sizeof path, "box/second.%s", e->id);
	if (access(path, F_OK) == 0)
		return true;
	note(path, "");
	return false;
}

/* Only the first three processes have a connection. */
static void limited(struct entry *e, size_t i)
{
	static bool in, out;

	for (int n = 0; n < 3 && !in && !out; n++) {
		char name[] = {'c', (char)('0' + n), '\0'};
		in = open(name, O_CREAT | O_EXCL, 0600) >= 0;
	}
	usleep(50000);
	if (in) {
		sent(e, i, entry_success(&e->envelope.rcpt[i]));
		return;
	}
	if (!out)
		job_down("mx.far.test", "421 4.7.0 Too many connections");
	out = true;
	job_to(i, "mx.far.test", "421 4.7.0 Too many connections");
}

static void treat(struct entry *e, size_t i)
{
	const struct recipient *r = &e->envelope.rcpt[i];
	size_t n = strcspn(r->address, "-@");
	char what[64];

	snprintf(what, sizeof what, "%.*s", (int)n, r->address);
	if (strncmp(what, "slow", 4) == 0)
		usleep(300000);
	if (strncmp(what, "gate", 4) == 0)
		wait_to_go();
	if (strcmp(what, "later") == 0) {
		job_to(i, "mx.far.test", "450 4.2.0 Try later");
	} else if (strcmp(what, "second") == 0 && !is_second(e)) {
		job_to(i, "mx.far.test", "450 4.2.0 Try once more");
	} else if (strcmp(what, "never") == 0) {
		job_to(i, "mx.far.test", "550 5.1.1 No such user");
	} else if (strcmp(what, "full") == 0) {
		job_to(i, "-", "452 4.2.2 Mailbox full");
	} else if (strcmp(what, "down") == 0 ||
	    strcmp(what, "slowdown") == 0 || strcmp(what, "gatedown") == 0) {
		job_down("mx.far.test", "451 4.4.1 No answer from there");
		job_to(i, "mx.far.test", "451 4.4.1 No answer from there");
	} else if (strcmp(what, "limit") == 0) {
		limited(e, i);
	} else if (strcmp(what, "dead") == 0) {
		job_down("-", "556 5.1.10 It takes no mail");
		job_to(i, "-", "556 5.1.10 It takes no mail");
	} else if (strcmp(what, "silent") == 0) {
		return;
	} else if (strcmp(what, "die") == 0) {
		raise(SIGKILL);
	} else if (strcmp(what, "once") == 0 && access("died", F_OK) != 0) {
		note("died", "");
		_exit(3);
	} else if (strcmp(what, "hang") == 0) {
		pause();
	} else if (strcmp(what, "nonsense") == 0) {
		puts("to 7 mx 550 5.1.1 Not that one");
		fflush(stdout);
		pause();
	} else if (strcmp(what, "praise") == 0) {
		job_to(i, "mx", "250 2.0.0 A reply, but no refusal");
	} else if (strcmp(what, "forward") == 0) {
		forward(e, i);
		sent(e, i, entry_success(r));
	} else {
		sent(e, i, entry_success(r));
	}
}

int main(int argc, char **argv)
{
	struct entry e;
	char *id;

	program_begin("worker");
	next_hop = argc > 1 ? argv[1] : "";
	home_enter(NULL);
	config_load();
	char start[64];
	snprintf(start, sizeof start, "%d %.40s\n", (int)getpid(), next_hop);
	note("started", start);
	while ((id = job_next()) != NULL) {
		if (entry_open(&e, QUEUE_DIR, id) == ENTRY_OK)
			for (size_t i = 0; i < e.envelope.rcpts; i++)
				if (is_ours(e.envelope.rcpt[i].address) &&
				    entry_lock(&e, i) &&
				    entry_waits(&e.envelope.rcpt[i]))
					treat(&e, i);
		entry_close(&e);
		job_done(id);
	}
	note("ended", start);
	return 0;
}
