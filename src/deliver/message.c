#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "forward.h"
#include "log.h"
#include "maildir.h"
#include "mbox.h"
#include "pipe.h"
#include "str.h"

/*
 * https://cr.yp.to/proto/maildir.html: time, then what tells apart the
 * deliveries of that second: microsecond, process, count, and a random number
 * for hosts and containers that share a name and a disk; then the host.
 */
static void name_make(char *name, size_t size)
{
	static unsigned random, count;
	char host[65] = "localhost";
	struct timespec t;
	int n;

	while (random == 0)
		if (getrandom(&random, sizeof random, 0) < 0)
			random = (unsigned)getpid() | 1;
	gethostname(host, sizeof host - 1);
	clock_gettime(CLOCK_REALTIME, &t);
	n = snprintf(name, size, "%lld.M%06ldP%dQ%uR%08x.",
	    (long long)t.tv_sec, t.tv_nsec / 1000, (int)getpid(), ++count,
	    random);
	for (const char *p = host; *p != '\0' && (size_t)n + 5 < size; p++) {
		if (*p == '/' || *p == ':' || *p == ',' || *p <= ' ')
			n += snprintf(name + n, size - (size_t)n, "\\%03o",
			    (unsigned char)*p);
		else
			name[n++] = *p;
	}
	name[n] = '\0';
}

/*
 * The same each time, on whatever host of those that share the home. No id has
 * a "_" of its own.
 */
static void name_from(char *name, size_t size, const struct entry *e)
{
	char id[ID_SIZE];

	snprintf(id, sizeof id, "%s", e->id);
	for (char *dot; (dot = strchr(id, '.')) != NULL;)
		*dot = '_';
	snprintf(name, size, "%lld.%s.%.64s", (long long)e->arrived, id,
	    config_load()->host);
}

static bool create_in(struct message *m, const char *dir)
{
	char path[FILE_PATH_SIZE];

	if ((size_t)snprintf(path, sizeof path, "%s/tmp/%s", dir, m->name) >=
	    sizeof path)
		return false;
	file_create(&m->file, path, O_RDWR);
	if (m->file.error == EEXIST && m->entry != NULL) {
		m->again = true;
		unlink(path);
		file_create(&m->file, path, O_RDWR);
	}
	return m->file.error == 0;
}

void message_begin(struct message *m, const struct targets *targets,
    const char *recipient)
{
	char room[600];
	struct str top = STR_ROOM(room);
	bool made = false;

	if (m->entry != NULL)
		name_from(m->name, sizeof m->name, m->entry);
	else
		name_make(m->name, sizeof m->name);
	for (size_t i = 0; i < targets->count && !made; i++)
		if (targets->target[i].kind == TARGET_MAILDIR &&
		    m->entry == NULL)
			made = create_in(m, targets->target[i].what);
	if (!made)
		create_in(m, "spool");
	str_printf(&top, "Return-Path: <%s>\n", m->envelope->sender);
	m->content_at = top.len;
	if (recipient != NULL)
		str_printf(&top, "Delivered-To: %s\n", recipient);
	file_lines(&m->file, top.p, top.len);
	str_free(&top);
}

void message_lines(struct message *m, const char *p, size_t n)
{
	file_lines(&m->file, p, n);
}

ssize_t message_read(const struct message *m, size_t *at, char *p, size_t n)
{
	ssize_t got;

	do
		got = pread(m->file.fd, p, n, (off_t)*at);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		*at += (size_t)got;
	return got;
}

static void answer(struct target *t, const char *reply)
{
	t->reply = reply;
	t->done = true;
	if (*reply != '2')
		warn("delivery to=%s recipient=<%s> reply=%s", safe(t->what),
		    safe(t->recipient), quoted(reply));
}

/* The targets that leave by the queue: one file for each recipient of ours. */
static void forward_all(struct message *m, struct targets *all, size_t first,
    bool (*looped)(const char *))
{
	const char *recipient = all->target[first].recipient;
	const char *reply = looped(recipient) ?
	    "554 5.4.6 Mail forwarding loop" : NULL;

	if (reply == NULL)
		reply = forward_queue(m, all, recipient);
	for (size_t i = first; i < all->count; i++)
		if (all->target[i].kind == TARGET_REMOTE &&
		    !all->target[i].done &&
		    strcmp(all->target[i].recipient, recipient) == 0)
			answer(&all->target[i], reply);
}

void message_deliver(struct message *m, struct targets *all,
    bool (*looped)(const char *recipient))
{
	if (!file_sync(&m->file)) {
		warn("%s: %s", safe(m->file.path), strerror(m->file.error));
		for (size_t i = 0; i < all->count; i++)
			if (!all->target[i].done)
				answer(&all->target[i],
				    file_refusal(m->file.error));
		return;
	}
	/* Programs read the file by its name, which the Maildirs then end. */
	for (size_t i = 0; i < all->count; i++) {
		struct target *t = &all->target[i];
		if (t->done)
			continue;
		if (t->kind == TARGET_PIPE)
			answer(t, pipe_run(m, t));
		else if (t->kind == TARGET_MBOX)
			answer(t, mbox_append(m, t->what));
		else if (t->kind == TARGET_REMOTE)
			forward_all(m, all, i, looped);
	}
	maildirs_store(m, all);
	for (size_t i = 0; i < all->count; i++)
		if (all->target[i].kind == TARGET_MAILDIR)
			answer(&all->target[i], all->target[i].reply);
}

const char *message_verdict(const struct targets *all, size_t rcpt)
{
	const struct recipient_targets *r = &all->rcpt[rcpt];
	const char *worst = DELIVERED;

	for (size_t i = 0; i < r->count; i++) {
		const char *reply = all->target[r->index[i]].reply;
		if (*worst == '2' || *reply == '4')
			worst = *reply == '2' ? worst : reply;
	}
	return worst;
}

void message_end(struct message *m)
{
	file_end(&m->file);
	m->entry = NULL;
	m->again = false;
}
